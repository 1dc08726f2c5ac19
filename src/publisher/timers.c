#include "timers.h"

#include "core/xalloc.h"

static void put(struct timers *ts, size_t i, struct timer *t)
{
    ts->heap[i] = t;
    t->place = i + 1;
}

static void sift_up(struct timers *ts, size_t i)
{
    struct timer *t = ts->heap[i];

    while (i > 0 && ts->heap[(i - 1) / 2]->at_ms > t->at_ms) {
        put(ts, i, ts->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(ts, i, t);
}

static void sift_down(struct timers *ts, size_t i)
{
    struct timer *t = ts->heap[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= ts->len)
            break;
        if (child + 1 < ts->len && ts->heap[child + 1]->at_ms < ts->heap[child]->at_ms)
            child++;
        if (ts->heap[child]->at_ms >= t->at_ms)
            break;
        put(ts, i, ts->heap[child]);
        i = child;
    }
    put(ts, i, t);
}

void timers_release(struct timers *ts)
{
    free(ts->heap);
    *ts = (struct timers){0};
}

void timer_stop(struct timers *ts, struct timer *t)
{
    size_t i = t->place - 1;
    struct timer *last;

    if (t->place == 0)
        return;
    t->place = 0;
    last = ts->heap[--ts->len];
    if (last == t)
        return;
    put(ts, i, last);
    sift_up(ts, i);
    sift_down(ts, last->place - 1);
}

void timer_set(struct timers *ts, struct timer *t, int64_t at_ms)
{
    timer_stop(ts, t);
    t->at_ms = at_ms;
    if (ts->len == ts->room) {
        ts->room = ts->room > 0 ? ts->room * 2 : 64;
        ts->heap =
            (struct timer **)xreallocarray(ts->heap, ts->room, sizeof(struct timer *));
    }
    put(ts, ts->len++, t);
    sift_up(ts, ts->len - 1);
}

void timers_run(struct timers *ts, int64_t now_ms)
{
    while (ts->len > 0 && ts->heap[0]->at_ms <= now_ms) {
        struct timer *t = ts->heap[0];

        timer_stop(ts, t);
        t->fire(t->arg);
    }
}

int64_t timers_next_ms(const struct timers *ts, int64_t now_ms, int64_t max_ms)
{
    int64_t left;

    if (ts->len == 0)
        return max_ms;
    left = ts->heap[0]->at_ms - now_ms;
    if (left < 0)
        return 0;
    return left < max_ms ? left : max_ms;
}
