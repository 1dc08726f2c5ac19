/* From event to action: what is the same however the bytes get to TikTok. What is not is
 * in flow_upload.c and flow_gate.c. */
#include "flow.h"

#include "flow_priv.h"

#include <assert.h>

/* --- on the way -------------------------------------------------------------------- */

static struct flow_action refused(struct flow *f, const struct flow_event *ev)
{
    assert(!f->granted);
    if (ev->verdict == FLOW_VERDICT_LIMIT)
        return flow_put_off(f, ev->reason);
    return flow_act_because(
        f, ev->verdict == FLOW_VERDICT_BLOCK ? FLOW_DO_BLOCK : FLOW_DO_FAIL, ev->reason);
}

static struct flow_action new_session(struct flow *f)
{
    assert(!f->granted);
    if (f->start.attempt_no >= FLOW_ATTEMPTS_MAX + f->start.unborn)
        return flow_act_because(f, FLOW_DO_FAIL, "too_many_attempts");
    return flow_act(f, FLOW_DO_INTENT);
}

/* Another session of this post once was about to be granted, and the database does not
 * know it. An upload was stored long before that, so the database has lost something and
 * a person must look (REFUSED). A session by the gate is stored only by its grant: most
 * likely who opened it died in between, and TikTok finds its gate shut; but if the grant
 * was stored and then forgotten, it may be out. Only TikTok can tell, so that session is
 * made ours and asked about, and our own, which was never granted, is left to fail. */
static struct flow_action adopt(struct flow *f)
{
    f->position_known = false;
    return flow_act(f, FLOW_DO_ADOPT);
}

/* What was about to be given up holds the witness: the database may have forgotten its
 * grant. It is granted (again), and from here on only TikTok's word or proof ends it. */
static struct flow_action doubted(struct flow *f, const struct flow_event *ev)
{
    f->position_known = false;
    return ev->other || flow_pulls(f) ? adopt(f) : flow_act(f, FLOW_DO_GRANT);
}

static struct flow_action enter(struct flow *f, int64_t now_ms)
{
    const struct flow_start *s = &f->start;

    f->granted = s->session == FLOW_SESSION_GRANTED || s->session == FLOW_SESSION_SENT;
    f->sent = s->session == FLOW_SESSION_SENT;
    if (!f->granted && now_ms > s->give_up_ms)
        return flow_act_because(f, FLOW_DO_FAIL, "missed");
    /* The gate was opened, and who opened it died before TikTok had named the session, or
     * even been asked for it: nobody can ask what has become of that. */
    if (f->granted && flow_pulls(f) && !s->named)
        return flow_close_gate(f, "init_unanswered", FLOW_DO_INTENT);
    if (s->session != FLOW_SESSION_NONE)
        return flow_want(f, FLOW_DO_STATUS);
    return flow_want(f, s->direct ? FLOW_DO_CREATOR : FLOW_DO_INTENT);
}

struct flow_action flow_begin(struct flow *f, const struct flow_start *start,
                              int64_t now_ms)
{
    *f = (struct flow){.start = *start, .reason = ""};
    f->last = enter(f, now_ms);
    return f->last;
}

/* --- events, by what was being done ------------------------------------------------ */

static struct flow_action on_token(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK)
        return f->then == FLOW_DO_INTENT ? new_session(f) : flow_act(f, f->then);
    if (f->granted) /* nothing can be asked without a token; a reconnect brings one */
        return ev->now_ms - f->start.granted_ms > FLOW_REVIEW_MS
                   ? flow_act_because(f, FLOW_DO_REVIEW, "outcome_unknown")
                   : flow_act_at(f, FLOW_DO_TOKEN,
                                 ev->now_ms +
                                     flow_longer(ev->wait_ms, ev->what == FLOW_REFUSED
                                                                  ? FLOW_DENIED_RETRY_MS
                                                                  : FLOW_RETRY_BASE_MS));
    if (ev->what == FLOW_REFUSED)
        return refused(f, ev);
    return flow_later(f, ev, ev->reason != NULL ? ev->reason : "tiktok_unavailable");
}

/* The access token was refused: one newer token, one more try, then the person. */
static struct flow_action on_auth(struct flow *f, const struct flow_event *ev,
                                  enum flow_do again)
{
    struct flow_action a;

    if (++f->auths > 1 && !f->granted)
        return flow_act_because(f, FLOW_DO_BLOCK, "reconnect_needed");
    a = flow_want(f, again);
    a.force = true;
    if (f->auths > 1)
        a.at_ms = ev->now_ms + FLOW_DENIED_RETRY_MS;
    return a;
}

static struct flow_action on_creator(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK) {
        f->auths = 0;
        return new_session(f);
    }
    if (ev->what == FLOW_AUTH)
        return on_auth(f, ev, FLOW_DO_CREATOR);
    if (ev->what == FLOW_REFUSED)
        return refused(f, ev);
    return flow_later(f, ev, ev->reason != NULL ? ev->reason : "tiktok_unavailable");
}

static struct flow_action on_init(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK) {
        f->auths = 0;
        if (f->start.way == FLOW_BY_GATE)
            return flow_act_at(f, FLOW_DO_WITNESS, f->start.due_ms - FLOW_GRANT_AHEAD_MS);
        return flow_act(f, FLOW_DO_PERSIST);
    }
    if (f->granted)
        return flow_init_in_the_open(f, ev);
    if (ev->what == FLOW_AUTH)
        return on_auth(f, ev, FLOW_DO_INIT);
    if (ev->what == FLOW_REFUSED)
        return refused(f, ev);
    /* Unclear: there may be a session whose upload URL nobody knows, or whose gate will
     * never open (W13). It can never complete, and the next INTENT writes it off; but
     * that waits its turn. */
    return flow_later(f, ev, ev->reason != NULL ? ev->reason : "tiktok_unavailable");
}

static struct flow_action on_witness(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK && f->start.way == FLOW_BY_GATE)
        return flow_act_at(f, FLOW_DO_OPEN, f->start.due_ms);
    if (ev->what == FLOW_OK)
        return flow_act(f, FLOW_DO_GRANT);
    if (ev->what == FLOW_DROPPED)
        return flow_act(f, FLOW_DO_CANCELED);
    if (ev->what == FLOW_HELD)
        return adopt(f);
    if (ev->what == FLOW_AGAIN && ev->now_ms > f->start.give_up_ms)
        return flow_act_because(f, FLOW_DO_FAIL, "missed");
    return flow_store_trouble(f, ev);
}

static struct flow_action on_grant(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK) {
        f->granted = true;
        f->start.granted_ms = ev->now_ms;
        if (!f->position_known) /* a grant that was forgotten: ask what became of it */
            return flow_want(f, FLOW_DO_STATUS);
        f->tries = 0;
        return flow_send(f);
    }
    return flow_store_trouble(f, ev);
}

static struct flow_action processing(struct flow *f, const struct flow_event *ev)
{
    return flow_pulls(f) ? flow_fetching(f, ev) : flow_sending(f, ev);
}

static struct flow_action told(struct flow *f, const struct flow_event *ev)
{
    struct flow_action a;

    f->auths = 0;
    if (!flow_beyond_life(f, ev))
        f->short_ms = 0;
    switch (ev->state) {
    case TIKTOK_PROCESSING:
        return processing(f, ev);
    case TIKTOK_PUBLISHED:
    case TIKTOK_IN_INBOX:
        return flow_act(f, f->granted ? FLOW_DO_PUBLISHED : FLOW_DO_WITNESS);
    case TIKTOK_FAILED:
        f->limited = ev->limit;
        a = flow_dead(f, ev->reason,
                      ev->limit   ? FLOW_DO_LATER
                      : ev->retry ? flow_retry_soon(f)
                      : ev->block ? FLOW_DO_BLOCK
                                  : FLOW_DO_FAIL);
        a.proof = true;
        return a;
    }
    return processing(f, ev);
}

/* After the grant it is asked for as long as it takes; so seldom that the account's
 * window has room when TikTok is back, and so often that what waits to be sent goes soon.
 */
static struct flow_action unanswered(struct flow *f, const struct flow_event *ev)
{
    int64_t wait = flow_backoff(FLOW_RETRY_BASE_MS, f->unanswered++, ev->jitter);

    if (wait > FLOW_SHORT_RETRY_MS)
        wait = FLOW_SHORT_RETRY_MS;
    wait = flow_longer(wait, ev->wait_ms);
    return flow_ask_again(f, ev, flow_longer(flow_poll_wait(f->polls), wait));
}

static struct flow_action on_status(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_TOLD) {
        f->unanswered = 0;
        return told(f, ev);
    }
    if (ev->what == FLOW_AUTH)
        return on_auth(f, ev, FLOW_DO_STATUS);
    if (f->granted)
        return unanswered(f, ev);
    if (ev->what == FLOW_UNKNOWN)
        return flow_dead(f, "publish_id_unknown", flow_retry_soon(f));
    if (ev->what == FLOW_REFUSED)
        return refused(f, ev);
    if (++f->tries >= FLOW_STATUS_TRIES)
        return flow_later(f, ev, "tiktok_unavailable");
    return flow_act_at(
        f, FLOW_DO_STATUS,
        ev->now_ms + flow_longer(ev->wait_ms, flow_backoff(500, f->tries, ev->jitter)));
}

struct flow_action flow_on_dead(struct flow *f, const struct flow_event *ev)
{
    struct flow_action a;

    if (ev->what == FLOW_HELD)
        return doubted(f, ev);
    if (ev->what != FLOW_OK)
        return flow_store_trouble(f, ev);
    f->granted = false;
    f->sent = false;
    f->served = false;
    f->position_known = false;
    f->chunk = 0;
    f->tries = 0;
    f->resyncs = 0;
    f->polls = 0;
    f->short_ms = 0;
    f->deaths++;
    if (f->after_dead == FLOW_DO_INTENT && ev->now_ms > f->start.give_up_ms)
        return flow_act_because(f, FLOW_DO_FAIL, "missed");
    if (f->after_dead == FLOW_DO_INTENT) {
        a = flow_want(f, FLOW_DO_INTENT);
        a.force = f->auths > 0;
        return a;
    }
    if (f->after_dead == FLOW_DO_LATER)
        return f->limited ? flow_put_off(f, f->reason) : flow_later(f, ev, f->reason);
    return flow_act_because(f, f->after_dead, f->reason);
}

/* The write that is being cleared up was not made, the row (f->start) is as it was before
 * it, and what it is to say is still in our hands: it is made again. That matters where
 * it can be made only once: the session that OPEN stores is known to nobody else, and
 * holds the witness. */
static bool unwritten(const struct flow *f)
{
    enum flow_do what = f->unclear.what;

    if (what == FLOW_DO_OPEN || what == FLOW_DO_ADOPT)
        return f->start.session == FLOW_SESSION_NONE ||
               f->start.session == FLOW_SESSION_READY;
    return what == FLOW_DO_PERSIST && f->start.session == FLOW_SESSION_GRANTED &&
           !f->start.named; /* granted before it had a name: FLOW_BY_LOG */
}

/* Right before the last chunk it is known what TikTok has: no time to ask again. */
static struct flow_action in_place(struct flow *f)
{
    if (f->start.session == FLOW_SESSION_READY)
        return flow_act(f, FLOW_DO_WITNESS);
    f->granted = true;
    return flow_send(f);
}

/* Our own row, read again after a lost answer of the database. */
static struct flow_action loaded(struct flow *f, const struct flow_event *ev)
{
    struct flow_event again = *ev;
    struct flow_action a;
    enum flow_way way = f->start.way;
    bool known_sent;
    bool same = ev->start.attempt_no == f->start.attempt_no;
    bool placed = f->position_known && !f->sent && flow_is_last(f) && same;

    f->start = ev->start;
    if (same && unwritten(f)) {
        f->start.way = way;
        f->doing = f->unclear.what;
        return f->unclear;
    }
    if (flow_is_end(f->unclear.what)) { /* still ours, so it was not written */
        f->doing = f->unclear.what;
        return f->unclear;
    }
    if ((f->unclear.what == FLOW_DO_DEAD || f->unclear.what == FLOW_DO_CLOSE) &&
        ev->start.session == FLOW_SESSION_NONE) {
        again.what = FLOW_OK;
        return flow_on_dead(f, &again);
    }
    if (placed && (f->start.session == FLOW_SESSION_READY ||
                   f->start.session == FLOW_SESSION_GRANTED))
        return in_place(f);
    f->position_known = false;
    known_sent = f->sent && ev->start.session == FLOW_SESSION_GRANTED;
    a = enter(f, ev->now_ms);
    f->sent = f->sent || known_sent;
    return a;
}

static struct flow_action on_reload(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_REFUSED)
        return flow_act_because(f, FLOW_DO_REVIEW, ev->reason);
    if (ev->what != FLOW_LOADED)
        return flow_act_at(f, FLOW_DO_RELOAD, ev->now_ms + FLOW_STORE_RETRY_MS);
    return loaded(f, ev);
}

/* A write that ends the flow. */
static struct flow_action on_end(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK)
        return flow_act(f, FLOW_DO_END);
    if (ev->what == FLOW_HELD && f->doing == FLOW_DO_FAIL)
        return doubted(f, ev);
    return flow_store_trouble(f, ev);
}

/* The attempt is written down. What TikTok fetches is announced only right before its
 * time, because TikTok comes for it at once. */
static struct flow_action begin_session(struct flow *f)
{
    struct flow_start *s = &f->start;

    s->way = s->new_way;
    s->named = s->way == FLOW_BY_UPLOAD;
    s->gate = flow_pulls(f);
    if (s->way == FLOW_BY_GATE)
        return flow_act_at(f, FLOW_DO_WAIT, s->due_ms - FLOW_INIT_AHEAD_MS);
    if (s->way == FLOW_BY_LOG)
        return flow_act_at(f, FLOW_DO_WAIT, s->due_ms);
    return flow_act(f, FLOW_DO_INIT);
}

static struct flow_action on_wait(struct flow *f)
{
    if (f->start.way == FLOW_BY_GATE)
        return flow_act(f, FLOW_DO_INIT);
    if (f->start.way == FLOW_BY_LOG)
        return flow_act_at(f, FLOW_DO_OPEN, f->start.due_ms);
    return flow_act(f, FLOW_DO_WITNESS);
}

static struct flow_action on_write(struct flow *f, const struct flow_event *ev)
{
    enum flow_do doing = f->doing;

    if (ev->what != FLOW_OK)
        return flow_store_trouble(f, ev);
    if (doing == FLOW_DO_INTENT) {
        f->start.attempt_no++;
        return begin_session(f);
    }
    if (doing == FLOW_DO_PERSIST && f->granted) {
        f->start.named = true;
        return flow_poll_on(f, ev);
    }
    if (doing == FLOW_DO_PERSIST)
        return flow_resume_at(f, 0);
    if (doing == FLOW_DO_SENT)
        return flow_poll_on(f, ev);
    return flow_act(f, FLOW_DO_END);
}

static struct flow_action decide(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_LOST || f->doing == FLOW_DO_END)
        return flow_act(f, FLOW_DO_END);
    switch (f->doing) {
    case FLOW_DO_TOKEN:
        return on_token(f, ev);
    case FLOW_DO_CREATOR:
        return on_creator(f, ev);
    case FLOW_DO_INIT:
        return on_init(f, ev);
    case FLOW_DO_CHUNK:
        return flow_on_chunk(f, ev);
    case FLOW_DO_WAIT:
        return on_wait(f);
    case FLOW_DO_WITNESS:
        return on_witness(f, ev);
    case FLOW_DO_GRANT:
        return on_grant(f, ev);
    case FLOW_DO_OPEN:
    case FLOW_DO_ADOPT:
        return flow_on_open(f, ev);
    case FLOW_DO_LAST:
        return flow_on_last(f, ev);
    case FLOW_DO_STATUS:
        return on_status(f, ev);
    case FLOW_DO_DEAD:
        return flow_on_dead(f, ev);
    case FLOW_DO_CLOSE:
        return flow_on_close(f, ev);
    case FLOW_DO_RELOAD:
        return on_reload(f, ev);
    case FLOW_DO_INTENT:
    case FLOW_DO_PERSIST:
    case FLOW_DO_SENT:
    case FLOW_DO_PUBLISHED:
        return on_write(f, ev);
    case FLOW_DO_LATER:
    case FLOW_DO_FAIL:
    case FLOW_DO_BLOCK:
    case FLOW_DO_REVIEW:
    case FLOW_DO_CANCELED:
    case FLOW_DO_RELEASE:
    case FLOW_DO_HANDOVER:
    case FLOW_DO_END:
        break;
    }
    return on_end(f, ev);
}

struct flow_action flow_step(struct flow *f, const struct flow_event *ev)
{
    f->last = decide(f, ev);
    return f->last;
}

struct flow_action flow_stop(struct flow *f)
{
    if (flow_may_stop(f->doing))
        f->last = flow_act(f, f->granted ? FLOW_DO_HANDOVER : FLOW_DO_RELEASE);
    return f->last;
}

bool flow_only_polls(const struct flow *f)
{
    return f->granted && (f->sent || (flow_pulls(f) && f->start.named));
}
