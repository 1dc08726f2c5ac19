/* What a flow knows by heart: how long to wait, and each action's name. */
#include "flow.h"
#include "flow_priv.h"

int64_t flow_backoff(int64_t base, unsigned n, unsigned jitter)
{
    int64_t full = n < 20 ? base << n : FLOW_RETRY_CAP_MS;

    if (full > FLOW_RETRY_CAP_MS)
        full = FLOW_RETRY_CAP_MS;
    return full / 2 + full / 2 * (int64_t)jitter / 1000;
}

/* Polls: quick at first, because most videos take seconds, and slow in the end. */
int64_t flow_poll_wait(unsigned n)
{
    static const int64_t waits[] = {1000,  2000,  3000,  5000,  8000,
                                    13000, 20000, 30000, 30000, 60000};

    return n < ARRAY_LEN(waits) ? waits[n] : n < 30 ? 60000 : FLOW_RETRY_CAP_MS;
}

bool flow_proves_nothing(enum tiktok_upload what)
{
    return what == TIKTOK_UPLOAD_DONE || what == TIKTOK_UPLOAD_ASK ||
           what == TIKTOK_UPLOAD_EXPIRED || what == TIKTOK_UPLOAD_REFUSED;
}

bool flow_is_end(enum flow_do what)
{
    return what >= FLOW_DO_LATER;
}

static const struct {
    const char *name;
    bool may_stop;
} dos[] = {
    [FLOW_DO_TOKEN] = {"token", true},
    [FLOW_DO_CREATOR] = {"creator", true},
    [FLOW_DO_INTENT] = {"intent", true},
    [FLOW_DO_INIT] = {"init", true},
    [FLOW_DO_PERSIST] = {"persist", false},
    [FLOW_DO_CHUNK] = {"chunk", true},
    [FLOW_DO_WAIT] = {"wait", true},
    [FLOW_DO_WITNESS] = {"witness", true},
    [FLOW_DO_GRANT] = {"grant", true},
    [FLOW_DO_OPEN] = {"open", false},
    [FLOW_DO_ADOPT] = {"adopt", false},
    [FLOW_DO_LAST] = {"last", false},
    [FLOW_DO_SENT] = {"sent", false},
    [FLOW_DO_STATUS] = {"status", true},
    [FLOW_DO_PUBLISHED] = {"published", false},
    [FLOW_DO_DEAD] = {"dead", false},
    [FLOW_DO_CLOSE] = {"close", false},
    [FLOW_DO_RELOAD] = {"reload", false},
    [FLOW_DO_LATER] = {"later", false},
    [FLOW_DO_FAIL] = {"fail", false},
    [FLOW_DO_BLOCK] = {"block", false},
    [FLOW_DO_REVIEW] = {"review", false},
    [FLOW_DO_CANCELED] = {"canceled", false},
    [FLOW_DO_RELEASE] = {"release", false},
    [FLOW_DO_HANDOVER] = {"handover", false},
    [FLOW_DO_END] = {"end", false},
};

bool flow_may_stop(enum flow_do what)
{
    return dos[what].may_stop;
}

const char *flow_do_name(enum flow_do what)
{
    return dos[what].name;
}
