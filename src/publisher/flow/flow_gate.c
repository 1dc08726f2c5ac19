/* Decisions about what TikTok fetches from us: OPEN, ADOPT and CLOSE, INIT behind a gate
 * that is open already, and a fetch that does not come. */
#include "flow_priv.h"

struct flow_action flow_close_gate(struct flow *f, const char *reason, enum flow_do after)
{
    f->after_dead = after;
    f->reason = reason;
    return flow_act_because(f, FLOW_DO_CLOSE, reason);
}

/* The gate is open already (FLOW_BY_LOG). What TikTok has refused is no session, and that
 * is proof; what it has not answered may be one that it fetches for. */
struct flow_action flow_init_in_the_open(struct flow *f, const struct flow_event *ev)
{
    const char *reason = ev->reason != NULL ? ev->reason : "tiktok_unavailable";

    if (ev->what == FLOW_AUTH && ++f->auths > 1)
        return flow_dead(f, "reconnect_needed", FLOW_DO_BLOCK);
    if (ev->what == FLOW_AUTH)
        return flow_dead(f, "token_refused", FLOW_DO_INTENT);
    if (ev->what == FLOW_AGAIN)
        return flow_dead(f, reason, FLOW_DO_LATER);
    if (ev->what != FLOW_REFUSED)
        return flow_close_gate(f, reason, FLOW_DO_LATER);
    f->limited = ev->verdict == FLOW_VERDICT_LIMIT;
    return flow_dead(f, reason,
                     f->limited                          ? FLOW_DO_LATER
                     : ev->verdict == FLOW_VERDICT_BLOCK ? FLOW_DO_BLOCK
                                                         : FLOW_DO_FAIL);
}

struct flow_action flow_on_open(struct flow *f, const struct flow_event *ev)
{
    if (ev->what != FLOW_OK)
        return flow_store_trouble(f, ev);
    f->granted = true;
    f->start.granted_ms = ev->now_ms;
    if (f->start.way == FLOW_BY_LOG && f->doing == FLOW_DO_OPEN)
        return flow_act(f, FLOW_DO_INIT);
    f->start.way = FLOW_BY_GATE; /* that of the session taken up, if not of our own */
    f->start.named = true;
    f->start.gate = f->doing == FLOW_DO_OPEN;
    return f->start.gate ? flow_poll_on(f, ev) : flow_want(f, FLOW_DO_STATUS);
}

/* TikTok fetches, or works on what it has fetched. When it has had every chance and says
 * twice, a minute apart, that it has nothing, the gate may be closed. */
struct flow_action flow_fetching(struct flow *f, const struct flow_event *ev)
{
    if (!f->start.gate || f->served || ev->bytes > 0 || !flow_beyond_life(f, ev)) {
        f->short_ms = 0;
        return flow_poll_on(f, ev);
    }
    if (f->short_ms == 0)
        f->short_ms = ev->now_ms;
    if (ev->now_ms - f->short_ms < FLOW_PROOF_GAP_MS)
        return flow_ask_again(f, ev, FLOW_PROOF_GAP_MS);
    return flow_close_gate(f, "media_not_fetched", flow_retry_soon(f));
}

/* Something went through the gate before we could close it: only TikTok can say what it
 * made of that, and of a session without a name it cannot be asked. */
struct flow_action flow_on_close(struct flow *f, const struct flow_event *ev)
{
    if (ev->what != FLOW_HELD)
        return flow_on_dead(f, ev);
    if (!f->start.named)
        return flow_act_because(f, FLOW_DO_REVIEW, "outcome_unknown");
    f->served = true;
    return flow_poll_on(f, ev);
}
