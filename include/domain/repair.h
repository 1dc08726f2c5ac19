/* domain/repair.h - what can be done about a video that TikTok would refuse, or would
 * rather have otherwise.
 *
 * A repair makes another file of it: MP4 with H.264 and AAC, within the limits of
 * domain/media.h. It exists for a container, a codec, a frame rate and sides that TikTok
 * does not take; for MOV, WebM, H.265, VP8, VP9 and a picture stored on its side it is a
 * choice (TikTok takes them, and recommends MP4 with H.264). There is none for what would
 * have to be left out (a video that is too long: where to cut is the person's to say), or
 * cannot be read. The plan is the same whoever makes it: the API shows what tts-media
 * does. */
#ifndef DOMAIN_REPAIR_H
#define DOMAIN_REPAIR_H

#include "domain/media.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REPAIR_FIXES_MAX = 5,
    REPAIR_WORDS_SIZE = 240,
    /* Above this many pixels a picture costs more: memory, time and bytes. */
    REPAIR_LARGE_PIXELS = 1920 * 1088,
    REPAIR_RATE_BITS = 16000000,       /* the most that a second of picture may take */
    REPAIR_RATE_BITS_LARGE = 40000000, /* of a large one */
    REPAIR_AUDIO_BITS = 160000,
};

struct repair_plan {
    bool possible;
    bool needed; /* TikTok refuses the file as it is */
    bool copy;   /* the picture is kept as it is coded; only the container changes */
    bool turn;   /* the picture is stored as it is to be seen */
    int width;   /* pixels of the result */
    int height;
    bool scale;                          /* they differ from what is there */
    int fps_milli;                       /* of the result; 0: as it is */
    const char *fixes[REPAIR_FIXES_MAX]; /* codes of checks, and "rotation"; constant */
    size_t n_fixes;
    const char *obstacle; /* needed and not possible: why, and what to do; else NULL */
};

/* facts: of a file that has been checked. readable: its pictures could be decoded. */
void repair_plan_make(const struct media_facts *facts, bool readable,
                      struct repair_plan *out);

/* What the plan does, as a sentence; "" when it is not possible. */
void repair_plan_words(const struct repair_plan *plan, char out[REPAIR_WORDS_SIZE]);

/* The most bytes that the result can have: its bit rate is held below a limit. */
int64_t repair_bytes_max(const struct media_facts *facts, const struct repair_plan *plan);

/* How long it may take on a slow machine. */
int64_t repair_wall_ms(const struct media_facts *facts, const struct repair_plan *plan);

/* "clip.mov" is "clip (repaired).mp4"; a name that would be too long is cut. */
void repair_filename(const char *filename, char out[MEDIA_FILENAME_SIZE]);

#endif
