#include "domain/limit.h"

/* The pause that grows with refusals in a row. */
static int64_t doubled(unsigned pauses)
{
    int64_t ms = LIMIT_PAUSE_MIN_MS;

    while (pauses-- > 1 && ms < LIMIT_PAUSE_MAX_MS)
        ms *= 2;
    return ms < LIMIT_PAUSE_MAX_MS ? ms : LIMIT_PAUSE_MAX_MS;
}

static int64_t leaves_ms(const struct limit_use *use)
{
    return use->oldest_ms + LIMIT_DAY_MS + LIMIT_MARGIN_MS;
}

/* With most of the day's posts being ours it is known when the window opens; else it is
 * asked again and again, at growing distances. */
struct limit_pause limit_pause_of(const struct limit_refusal *r)
{
    bool in_row = r->paused_ms > 0 && r->now_ms - r->paused_ms < LIMIT_PAUSE_ROW_MS;
    struct limit_pause p = {.pauses = in_row ? r->pauses + 1 : 1};
    bool ours = r->counted && r->use.n >= LIMIT_LEARN_MIN && r->use.oldest_ms > 0;

    p.until_ms = r->now_ms + doubled(p.pauses);
    if (!ours)
        return p;
    p.cap = r->use.n;
    if (leaves_ms(&r->use) > r->now_ms)
        p.until_ms = leaves_ms(&r->use);
    return p;
}

int64_t limit_reached(unsigned cap, const struct limit_use *use, int64_t now_ms)
{
    if (cap == 0 || use->n < cap)
        return 0;
    if (use->oldest_ms > 0 && leaves_ms(use) > now_ms)
        return leaves_ms(use);
    return now_ms + LIMIT_MARGIN_MS; /* those about to go out fill it up */
}
