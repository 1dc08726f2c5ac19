/* publisher/timers.h - what is to happen when: a heap of deadlines.
 *
 * A timer lives in its owner's memory and is in the heap at most once. Its function is
 * called from timers_run(), once, with the timer already out of the heap, so that it may
 * be set again. Times are monotonic ms. Not thread-safe. */
#ifndef PUBLISHER_TIMERS_H
#define PUBLISHER_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t at_ms;
    size_t place; /* private: index in the heap plus 1; 0: not set */
    void (*fire)(void *arg);
    void *arg;
};

struct timers {
    struct timer **heap; /* private */
    size_t len, room;
};

/* A zeroed struct timers is empty and ready. Frees the heap, not the timers. */
void timers_release(struct timers *ts);

/* Fires at at_ms; moves the timer when it is set already. */
void timer_set(struct timers *ts, struct timer *t, int64_t at_ms);

/* Takes the timer out; one that is not set is fine. */
void timer_stop(struct timers *ts, struct timer *t);

/* Fires all that are due at now_ms, earliest first. */
void timers_run(struct timers *ts, int64_t now_ms);

/* The ms from now_ms until the next one is due, 0 when it is overdue, at most max_ms. */
int64_t timers_next_ms(const struct timers *ts, int64_t now_ms, int64_t max_ms);

#endif
