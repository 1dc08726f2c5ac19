/* media/progress.h - how far ffmpeg is, from what it prints with -progress.
 *
 * Lines "key=value"; of them, out_time_us says how much of the film is done. ffmpeg has
 * read a hostile file, so its words are taken as such: lines are bounded, what makes no
 * sense is passed over, and the result never goes back or beyond its end. */
#ifndef SRC_MEDIA_PROGRESS_H
#define SRC_MEDIA_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_LINE_MAX = 64, PROGRESS_FULL = 999 };

struct progress {
    int64_t duration_ms; /* of the film; set before the first call */
    int permille;        /* 0 to PROGRESS_FULL: only the one who waits knows the end */
    char line[PROGRESS_LINE_MAX];
    size_t len;
    bool overlong; /* the rest of this line is dropped */
};

/* Takes what was printed next, in pieces of any size. */
void progress_take(struct progress *p, const char *printed, size_t len);

#endif
