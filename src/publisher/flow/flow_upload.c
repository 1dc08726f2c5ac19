/* Decisions about a video that we send: CHUNK and LAST, and an upload that is not all
 * there. */
#include "flow_priv.h"

struct flow_action flow_send(struct flow *f)
{
    f->position_known = true;
    if (!flow_is_last(f))
        return flow_act(f, FLOW_DO_CHUNK);
    if (f->granted)
        return flow_act_at(f, FLOW_DO_LAST, f->start.due_ms);
    return flow_act_at(f, FLOW_DO_WAIT, f->start.due_ms - FLOW_GRANT_AHEAD_MS);
}

struct flow_action flow_resume_at(struct flow *f, int64_t chunk)
{
    f->chunk = chunk;
    f->tries = 0;
    return flow_send(f);
}

/* The same chunk again, at growing distances. Before the grant the job is released in
 * the end; after it the answer is to ask. */
static struct flow_action chunk_again(struct flow *f, const struct flow_event *ev)
{
    int64_t wait = flow_longer(flow_backoff(500, f->tries, ev->jitter), ev->wait_ms);

    if (++f->tries < FLOW_CHUNK_TRIES)
        return flow_act_at(f, f->doing, ev->now_ms + wait);
    f->position_known = false;
    if (f->granted)
        return flow_ask_again(f, ev, FLOW_RETRY_BASE_MS);
    return flow_later(f, ev, "tiktok_unavailable");
}

static struct flow_action ask_position(struct flow *f, const struct flow_event *ev)
{
    f->position_known = false;
    if (f->granted)
        return flow_ask_again(f, ev, FLOW_RETRY_BASE_MS);
    if (++f->resyncs > FLOW_RESYNCS_MAX)
        return flow_dead(f, "upload_out_of_step", flow_retry_soon(f));
    return flow_act(f, FLOW_DO_STATUS);
}

struct flow_action flow_on_chunk(struct flow *f, const struct flow_event *ev)
{
    enum flow_what what = ev->what;

    if (what == FLOW_AGAIN || what == FLOW_UNCLEAR)
        return chunk_again(f, ev); /* putting the same bytes twice is harmless */
    if (f->granted && (what != FLOW_UPLOADED || flow_proves_nothing(ev->step.what)))
        return flow_ask_again(f, ev, f->tries++ == 0 ? 0 : FLOW_RETRY_BASE_MS);
    if (what != FLOW_UPLOADED)
        return flow_dead(f, ev->reason, FLOW_DO_FAIL);
    switch (ev->step.what) {
    case TIKTOK_UPLOAD_NEXT:
        return flow_resume_at(f, ev->step.next);
    case TIKTOK_UPLOAD_SKIP:
        if (++f->resyncs > FLOW_RESYNCS_MAX)
            return ask_position(f, ev);
        return flow_resume_at(f, ev->step.next);
    case TIKTOK_UPLOAD_AGAIN:
        return chunk_again(f, ev);
    case TIKTOK_UPLOAD_DONE:
    case TIKTOK_UPLOAD_ASK:
        return ask_position(f, ev);
    case TIKTOK_UPLOAD_EXPIRED:
        return flow_dead(f, "upload_expired", flow_retry_soon(f));
    case TIKTOK_UPLOAD_REFUSED:
        return flow_dead(f, "upload_refused", FLOW_DO_FAIL);
    }
    return ask_position(f, ev);
}

struct flow_action flow_on_last(struct flow *f, const struct flow_event *ev)
{
    f->position_known = false;
    if (ev->what == FLOW_AGAIN) /* not a byte left: the same chunk is still expected */
        return chunk_again(f, ev);
    if (ev->what != FLOW_UPLOADED)
        return flow_ask_again(f, ev, f->tries == 0 ? 0 : FLOW_RETRY_BASE_MS);
    switch (ev->step.what) {
    case TIKTOK_UPLOAD_DONE:
        if (f->sent) /* offered a second time, see still_short() */
            return flow_poll_on(f, ev);
        f->sent = true;
        return flow_act(f, FLOW_DO_SENT);
    case TIKTOK_UPLOAD_AGAIN:
        return chunk_again(f, ev);
    case TIKTOK_UPLOAD_SKIP:
        f->chunk = ev->step.next;
        return flow_is_last(f) ? chunk_again(f, ev) : flow_send(f);
    case TIKTOK_UPLOAD_NEXT:
    case TIKTOK_UPLOAD_ASK:
    case TIKTOK_UPLOAD_EXPIRED:
    case TIKTOK_UPLOAD_REFUSED:
        break; /* none of these proves anything after the grant */
    }
    return flow_ask_again(f, ev, f->tries == 0 ? 0 : FLOW_RETRY_BASE_MS);
}

/* TikTok does not have every byte, as far as it says. */
static struct flow_action incomplete(struct flow *f, const struct flow_event *ev,
                                     int64_t next)
{
    bool expired = ev->age_ms >= FLOW_URL_LIFE_MS;

    if (!f->granted)
        return expired ? flow_dead(f, "upload_expired", flow_retry_soon(f))
                       : flow_resume_at(f, next);
    if (!expired && f->tries < FLOW_CHUNK_TRIES) {
        struct flow_action a;
        int64_t wait = f->tries == 0 ? 0 : flow_backoff(500, f->tries, ev->jitter);

        f->tries++;
        f->chunk = next;
        a = flow_send(f);
        a.at_ms = flow_longer(a.at_ms, ev->now_ms + wait);
        return a;
    }
    if (!flow_beyond_life(f, ev)) {
        f->tries = 0;
        return flow_ask_again(f, ev, FLOW_SHORT_RETRY_MS);
    }
    if (f->short_ms == 0)
        f->short_ms = ev->now_ms;
    if (ev->now_ms - f->short_ms < FLOW_PROOF_GAP_MS)
        return flow_ask_again(f, ev, FLOW_PROOF_GAP_MS);
    return flow_dead(f, "upload_expired", flow_retry_soon(f));
}

/* The last chunk was answered with a 2xx, and yet TikTok counts fewer bytes, again and
 * again: the answer was not TikTok's, or not true. The missing bytes are offered once
 * more to the same session, which is harmless if they are there after all. No proof of
 * death follows from it. */
static struct flow_action still_short(struct flow *f, const struct flow_event *ev)
{
    int64_t next;

    if (f->polls < FLOW_DOUBT_POLLS || f->resyncs >= FLOW_RESYNCS_MAX ||
        ev->age_ms >= FLOW_URL_LIFE_MS ||
        !tiktok_chunk_resume(&f->start.plan, ev->bytes, &next) ||
        next == f->start.plan.count)
        return flow_poll_on(f, ev);
    f->polls++;
    f->resyncs++;
    return flow_resume_at(f, next);
}

struct flow_action flow_sending(struct flow *f, const struct flow_event *ev)
{
    int64_t next = f->start.plan.count - 1;

    if (f->sent)
        return still_short(f, ev);
    /* No figure: before the grant start over from the first chunk, whose answer tells;
     * after it offer the last one again, whose answer tells as well. */
    if (ev->bytes < 0)
        return incomplete(f, ev, f->granted ? next : 0);
    if (!tiktok_chunk_resume(&f->start.plan, ev->bytes, &next))
        return f->granted ? flow_poll_on(f, ev)
                          : flow_dead(f, "upload_out_of_step", flow_retry_soon(f));
    if (next < f->start.plan.count)
        return incomplete(f, ev, next);
    f->short_ms = 0;
    if (!f->granted) /* every byte is there without our grant: the database forgot it */
        return flow_act(f, FLOW_DO_WITNESS);
    f->sent = true;
    return flow_act(f, FLOW_DO_SENT);
}
