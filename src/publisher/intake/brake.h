/* publisher/intake/brake.h - when TikTok fails for everybody, everybody waits.
 *
 * A refusal that is about one account is that account's matter. Troubles of TikTok's own
 * (5xx, 429 without end, no answer) and of our app (its credentials), met by
 * BRAKE_ACCOUNTS accounts in a row without a success in between (or by fewer accounts as
 * often, BRAKE_SAME_MS apart: perhaps there are no more), stop all new sessions of this
 * process: asking on would only make it worse, and cost every post one of its tries.
 * After a while one call may probe; the first success lets all go at once, a failure
 * doubles the wait. What is past its grant is not stopped by this: it only asks.
 *
 * No clock, no memory, no I/O: times are monotonic ms. */
#ifndef PUBLISHER_BRAKE_H
#define PUBLISHER_BRAKE_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BRAKE_ACCOUNTS = 3,
    BRAKE_WINDOW_MS = 120000, /* a trouble longer ago is forgotten */
    BRAKE_SAME_MS = 8000,     /* so much later the same account counts again */
    BRAKE_FIRST_MS = 2000,
    BRAKE_MAX_MS = 8000,    /* so soon after TikTok is back, posts go out */
    BRAKE_PROBE_MS = 60000, /* a probe without a word for so long has failed */
    BRAKE_REASON_SIZE = 65,
};

/* Zero-initialized it is open. */
struct brake {
    struct {
        uint64_t account_id;
        int64_t at_ms;
    } seen[BRAKE_ACCOUNTS];
    size_t n;
    int64_t until_ms; /* closed until then; 0: open */
    int64_t step_ms;
    int64_t probe_ms; /* when the probe under way began; 0: none is */
    char reason[BRAKE_REASON_SIZE];
};

/* 0: a session may be opened, perhaps as the probe; else the ms to wait and ask again. */
int64_t brake_wait_ms(struct brake *b, int64_t now_ms);

/* TikTok did what it was asked. */
void brake_good(struct brake *b);

/* It did not, for a reason that is not the account's. */
void brake_bad(struct brake *b, uint64_t account_id, const char *reason, int64_t now_ms);

/* How long it stays closed at least; 0: it is open. */
int64_t brake_left_ms(const struct brake *b, int64_t now_ms);

/* True while nothing but probes goes out. */
bool brake_closed(const struct brake *b) MUST_CHECK;

#endif
