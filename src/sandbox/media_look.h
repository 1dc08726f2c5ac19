/* sandbox/media_look.h - a glance at a video, as TikTok's checks take one.
 *
 * Only what can be told from a few bytes: the container, and for MP4 and MOV the length
 * and the picture's size. What a glance cannot tell (codecs, frame rates) counts as
 * right; a test sets such failures as faults. The file is whatever somebody sent, so
 * every number in it is checked before it is used. */
#ifndef SRC_SANDBOX_MEDIA_LOOK_H
#define SRC_SANDBOX_MEDIA_LOOK_H

#include <stdint.h>

struct media_look {
    int64_t duration_ms; /* 0: the file does not say, likewise below */
    int64_t width;       /* pixels */
    int64_t height;
};

/* What a file's first bytes say it is, as the ending of a name: "mp4", "mov", "webm",
 * "jpg", "webp"; NULL when it is none of these. */
const char *media_ending(int fd);

/* Looks at the open file of size bytes. NULL when TikTok would take it from somebody
 * whose videos may have max_duration_s, else the fail_reason. */
const char *media_look(int fd, int64_t size, int64_t max_duration_s,
                       struct media_look *look);

#endif
