/* publisher/pace.h - how fast our uploads are, as far as their chunks have shown.
 *
 * Pure: times are the caller's, monotonic. What is wanted is when a file must be begun to
 * be there in time, so the estimate is a careful one: it follows a slow chunk at once and
 * a fast one little by little, and of two chunks the slower counts for more, as it is
 * kept as time for a byte. Small chunks say nothing, since what they cost is mostly the
 * answer's way. With no chunk for long it comes back to what is usual. */
#ifndef PUBLISHER_PACE_H
#define PUBLISHER_PACE_H

#include "core/attr.h"

#include <stdint.h>

enum {
    PACE_SAMPLE_MIN = 1000000,   /* bytes of a chunk that counts */
    PACE_MIN = 64000,            /* bytes in a second: no estimate is below */
    PACE_MAX = 125000000,        /* nor above */
    PACE_HALF_LIFE_MS = 3600000, /* half way back to what is usual */
};

struct pace {
    int64_t usual;       /* bytes in a second; set it at the start */
    int64_t ps_per_byte; /* private: picoseconds; 0: nothing is known */
    int64_t at_ms;       /* private: of that */
};

/* A chunk of so many bytes took so long, answer included. */
void pace_note(struct pace *p, int64_t bytes, int64_t took_ms, int64_t now_ms);

/* What another, or a life before this one, has found out; ignored when something is
 * known. */
void pace_seed(struct pace *p, int64_t rate, int64_t now_ms);

/* Bytes in a second that an upload may be expected to send; 0: nothing is known. */
int64_t pace_known(const struct pace *p, int64_t now_ms) MUST_CHECK;

/* Likewise, or what is usual. */
int64_t pace_now(const struct pace *p, int64_t now_ms) MUST_CHECK;

#endif
