/* What the decisions of flow.c, flow_upload.c and flow_gate.c are put together from. */
#include "flow_priv.h"

#include <assert.h>

struct flow_action flow_act(struct flow *f, enum flow_do what)
{
    f->doing = what;
    return (struct flow_action){.what = what, .chunk = f->chunk, .reason = ""};
}

struct flow_action flow_act_at(struct flow *f, enum flow_do what, int64_t at_ms)
{
    struct flow_action a = flow_act(f, what);

    a.at_ms = at_ms;
    return a;
}

struct flow_action flow_act_because(struct flow *f, enum flow_do what, const char *reason)
{
    struct flow_action a = flow_act(f, what);

    a.reason = reason != NULL ? reason : "";
    return a;
}

struct flow_action flow_later(struct flow *f, const struct flow_event *ev,
                              const char *reason)
{
    struct flow_action a;
    int64_t wait = flow_backoff(FLOW_RETRY_BASE_MS, f->start.fails, ev->jitter);

    assert(!f->granted);
    if (ev->cap_ms > 0 && wait > ev->cap_ms)
        wait = ev->cap_ms;
    wait = flow_longer(wait, ev->wait_ms);
    if (ev->now_ms + wait > f->start.give_up_ms) {
        a = flow_act_because(f, FLOW_DO_FAIL, reason[0] != '\0' ? reason : "missed");
        a.late = true;
        return a;
    }
    a = flow_act_because(f, FLOW_DO_LATER, reason);
    a.wait_ms = wait;
    return a;
}

struct flow_action flow_put_off(struct flow *f, const char *reason)
{
    struct flow_action a = flow_act_because(f, FLOW_DO_LATER, reason);

    assert(!f->granted);
    a.limited = true;
    return a;
}

struct flow_action flow_ask_again(struct flow *f, const struct flow_event *ev,
                                  int64_t wait_ms)
{
    if (ev->now_ms - f->start.granted_ms > FLOW_REVIEW_MS)
        return flow_act_because(f, FLOW_DO_REVIEW, "outcome_unknown");
    return flow_act_at(f, FLOW_DO_STATUS, ev->now_ms + wait_ms);
}

struct flow_action flow_want(struct flow *f, enum flow_do then)
{
    f->then = then;
    return flow_act(f, FLOW_DO_TOKEN);
}

struct flow_action flow_dead(struct flow *f, const char *reason, enum flow_do after)
{
    struct flow_action a = flow_act_because(f, FLOW_DO_DEAD, reason);

    a.proof = f->granted;
    f->after_dead = after;
    f->reason = reason;
    return a;
}

/* A dead session is followed at once by a new one; the second and later ones of one
 * claim wait. */
enum flow_do flow_retry_soon(const struct flow *f)
{
    return f->deaths == 0 ? FLOW_DO_INTENT : FLOW_DO_LATER;
}

struct flow_action flow_store_trouble(struct flow *f, const struct flow_event *ev)
{
    struct flow_action same = f->last;

    if (ev->what == FLOW_UNCLEAR) {
        f->unclear = f->last;
        return flow_act(f, FLOW_DO_RELOAD);
    }
    if (ev->what == FLOW_REFUSED && f->doing != FLOW_DO_REVIEW)
        return flow_act_because(f, FLOW_DO_REVIEW, ev->reason);
    same.at_ms = ev->now_ms + flow_longer(FLOW_STORE_RETRY_MS, ev->wait_ms);
    return same;
}

struct flow_action flow_poll_on(struct flow *f, const struct flow_event *ev)
{
    int64_t wait = flow_poll_wait(f->polls);

    f->polls++;
    return flow_ask_again(f, ev, wait);
}

bool flow_beyond_life(const struct flow *f, const struct flow_event *ev)
{
    return (flow_pulls(f) || ev->bytes >= 0) &&
           ev->age_ms >= FLOW_URL_LIFE_MS + FLOW_URL_MARGIN_MS;
}
