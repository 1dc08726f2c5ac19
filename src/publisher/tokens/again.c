#include "again.h"

#include "tokens.h"

struct again again_begin(unsigned fails)
{
    /* A claim that fails has asked twice: at once, and after the first wait. */
    return (struct again){.lost = fails == 0 ? 0 : fails + 1};
}

/* The wait under this claim where that is short and leaves time for a request. */
static struct again_step wait_for(int64_t wait_ms, int64_t left_ms)
{
    bool here =
        wait_ms <= AGAIN_NAP_MAX_MS && wait_ms + TOKENS_TIMEOUT_MS + 1000 <= left_ms;

    return (struct again_step){here ? AGAIN_ASK : AGAIN_LATER, wait_ms};
}

struct again_step again_next(struct again *a, enum rc rc, int64_t left_ms)
{
    static const int64_t waits_ms[] = {TOKENS_RETRY_MS, 10000, TOKENS_AGAIN_MS};
    size_t last = ARRAY_LEN(waits_ms) - 1;
    size_t i = a->lost < last ? a->lost : last;

    if (rc == RC_DENIED && a->denied)
        return (struct again_step){AGAIN_DEAD, 0};
    if (rc == RC_DENIED) {
        a->denied = true;
        return wait_for(AGAIN_DENIED_MS, left_ms);
    }
    if (rc != RC_UNCERTAIN && rc != RC_UNAVAILABLE)
        return (struct again_step){AGAIN_LATER, TOKENS_AGAIN_MS};
    a->lost++;
    return wait_for(waits_ms[i], left_ms);
}
