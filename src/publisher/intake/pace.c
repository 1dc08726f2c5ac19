#include "pace.h"

static const int64_t second_ps = INT64_C(1000000000000);

static int64_t bounded(int64_t n, int64_t least, int64_t most)
{
    if (n < least)
        return least;
    return n > most ? most : n;
}

static int64_t slowness_of(int64_t rate)
{
    return second_ps / bounded(rate, PACE_MIN, PACE_MAX);
}

/* The estimate as it is at now_ms: its distance from what is usual halves in each half
 * life, in a straight line within one. */
static int64_t slowness_at(const struct pace *p, int64_t now_ms)
{
    int64_t usual = slowness_of(p->usual);
    int64_t off = p->ps_per_byte - usual;
    int64_t age_ms = bounded(now_ms - p->at_ms, 0, INT64_C(60) * PACE_HALF_LIFE_MS);

    for (; age_ms >= PACE_HALF_LIFE_MS; age_ms -= PACE_HALF_LIFE_MS)
        off /= 2;
    return usual + off - off * age_ms / PACE_HALF_LIFE_MS / 2;
}

void pace_note(struct pace *p, int64_t bytes, int64_t took_ms, int64_t now_ms)
{
    int64_t seen, was;

    if (bytes < PACE_SAMPLE_MIN)
        return;
    took_ms = bounded(took_ms, 1, INT64_C(86400000));
    seen = slowness_of(bytes * 1000 / took_ms);
    was = p->ps_per_byte != 0 ? slowness_at(p, now_ms) : slowness_of(p->usual);
    if (seen <= was)
        seen = was - (was - seen) / 8;
    else if (p->ps_per_byte != 0) /* else nothing speaks against the first */
        seen = was + (seen - was + 1) / 2;
    p->ps_per_byte = seen;
    p->at_ms = now_ms;
}

void pace_seed(struct pace *p, int64_t rate, int64_t now_ms)
{
    if (p->ps_per_byte != 0 || rate <= 0)
        return;
    p->ps_per_byte = slowness_of(rate);
    p->at_ms = now_ms;
}

int64_t pace_known(const struct pace *p, int64_t now_ms)
{
    return p->ps_per_byte != 0 ? second_ps / slowness_at(p, now_ms) : 0;
}

int64_t pace_now(const struct pace *p, int64_t now_ms)
{
    int64_t rate = pace_known(p, now_ms);

    return rate != 0 ? rate : p->usual;
}
