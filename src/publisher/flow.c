#include "flow.h"

#include "flow_priv.h"

#include <assert.h>

/* --- small parts --------------------------------------------------------------- */

static struct flow_action act(struct flow *f, enum flow_do what)
{
    f->doing = what;
    return (struct flow_action){.what = what, .chunk = f->chunk, .reason = ""};
}

static struct flow_action act_at(struct flow *f, enum flow_do what, int64_t at_ms)
{
    struct flow_action a = act(f, what);

    a.at_ms = at_ms;
    return a;
}

static struct flow_action act_because(struct flow *f, enum flow_do what,
                                      const char *reason)
{
    struct flow_action a = act(f, what);

    a.reason = reason != NULL ? reason : "";
    return a;
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool pulls(const struct flow *f)
{
    return f->start.way != FLOW_BY_UPLOAD;
}

static bool is_last(const struct flow *f)
{
    return f->chunk == f->start.plan.count - 1;
}

/* --- ends ---------------------------------------------------------------------- */

/* Releases the job for a while, unless it would then be too late for the person. */
static struct flow_action later(struct flow *f, const struct flow_event *ev,
                                const char *reason)
{
    struct flow_action a;
    int64_t wait =
        longer(flow_backoff(FLOW_RETRY_BASE_MS, f->start.fails, ev->jitter), ev->wait_ms);

    assert(!f->granted);
    if (ev->now_ms + wait > f->start.give_up_ms)
        return act_because(f, FLOW_DO_FAIL, reason[0] != '\0' ? reason : "missed");
    a = act_because(f, FLOW_DO_LATER, reason);
    a.wait_ms = wait;
    return a;
}

/* Releases the job until the account may post again, whenever that is. */
static struct flow_action put_off(struct flow *f, const char *reason)
{
    struct flow_action a = act_because(f, FLOW_DO_LATER, reason);

    assert(!f->granted);
    a.limited = true;
    return a;
}

/* After the grant nothing is given up before 72 h; then a person must look. */
static struct flow_action ask_again(struct flow *f, const struct flow_event *ev,
                                    int64_t wait_ms)
{
    if (ev->now_ms - f->start.granted_ms > FLOW_REVIEW_MS)
        return act_because(f, FLOW_DO_REVIEW, "outcome_unknown");
    return act_at(f, FLOW_DO_STATUS, ev->now_ms + wait_ms);
}

static struct flow_action refused(struct flow *f, const struct flow_event *ev)
{
    assert(!f->granted);
    if (ev->verdict == FLOW_VERDICT_LIMIT)
        return put_off(f, ev->reason);
    return act_because(
        f, ev->verdict == FLOW_VERDICT_BLOCK ? FLOW_DO_BLOCK : FLOW_DO_FAIL, ev->reason);
}

/* --- on the way ---------------------------------------------------------------- */

static struct flow_action want(struct flow *f, enum flow_do then)
{
    f->then = then;
    return act(f, FLOW_DO_TOKEN);
}

static struct flow_action new_session(struct flow *f)
{
    assert(!f->granted);
    if (f->start.attempt_no >= FLOW_ATTEMPTS_MAX)
        return act_because(f, FLOW_DO_FAIL, "too_many_attempts");
    return act(f, FLOW_DO_INTENT);
}

/* On to the next chunk; the last one waits for the grant, and with it for its time. */
static struct flow_action send(struct flow *f)
{
    f->position_known = true;
    if (!is_last(f))
        return act(f, FLOW_DO_CHUNK);
    if (f->granted)
        return act_at(f, FLOW_DO_LAST, f->start.due_ms);
    return act_at(f, FLOW_DO_WAIT, f->start.due_ms - FLOW_GRANT_AHEAD_MS);
}

static struct flow_action resume_at(struct flow *f, int64_t chunk)
{
    f->chunk = chunk;
    f->tries = 0;
    return send(f);
}

/* Of one that was granted ev is proof; one that was not is given up, see doubted(). */
static struct flow_action dead(struct flow *f, const char *reason, enum flow_do after)
{
    struct flow_action a = act_because(f, FLOW_DO_DEAD, reason);

    a.proof = f->granted;
    f->after_dead = after;
    f->reason = reason;
    return a;
}

/* Another session of this post once was about to be granted, and the database does not
 * know it. An upload was stored long before that, so the database has lost something and
 * a person must look. A session by the gate is stored only by its grant: most likely we
 * died in between, and TikTok finds its gate shut; but if the grant was stored and then
 * forgotten, it may be out. Only TikTok can tell, so that session is made ours and asked
 * about, and our own, whose gate was never opened, is left to fail. */
static struct flow_action held(struct flow *f)
{
    if (f->start.way == FLOW_BY_GATE)
        return act(f, FLOW_DO_ADOPT);
    return act_because(f, FLOW_DO_REVIEW, "witness_conflict");
}

/* What was about to be given up holds the witness: the database may have forgotten its
 * grant. It is granted (again), and from here on only TikTok's word or proof ends it. */
static struct flow_action doubted(struct flow *f)
{
    f->position_known = false;
    return pulls(f) ? held(f) : act(f, FLOW_DO_GRANT);
}

/* The same for a session that may complete as far as we know: it is dead if its gate can
 * be closed before anything has gone through. */
static struct flow_action close_gate(struct flow *f, const char *reason,
                                     enum flow_do after)
{
    f->after_dead = after;
    f->reason = reason;
    return act_because(f, FLOW_DO_CLOSE, reason);
}

/* A dead session is followed at once by a new one; the second and later ones of one
 * claim wait. */
static enum flow_do retry_soon(const struct flow *f)
{
    return f->deaths == 0 ? FLOW_DO_INTENT : FLOW_DO_LATER;
}

static struct flow_action enter(struct flow *f, int64_t now_ms)
{
    const struct flow_start *s = &f->start;

    f->granted = s->session == FLOW_SESSION_GRANTED || s->session == FLOW_SESSION_SENT;
    f->sent = s->session == FLOW_SESSION_SENT;
    if (!f->granted && now_ms > s->give_up_ms)
        return act_because(f, FLOW_DO_FAIL, "missed");
    /* The gate was opened, and who opened it died before TikTok had named the session, or
     * even been asked for it: nobody can ask what has become of that. */
    if (f->granted && pulls(f) && !s->named)
        return close_gate(f, "init_unanswered", FLOW_DO_INTENT);
    if (s->session != FLOW_SESSION_NONE)
        return want(f, FLOW_DO_STATUS);
    return want(f, s->direct ? FLOW_DO_CREATOR : FLOW_DO_INTENT);
}

struct flow_action flow_begin(struct flow *f, const struct flow_start *start,
                              int64_t now_ms)
{
    *f = (struct flow){.start = *start, .reason = ""};
    f->last = enter(f, now_ms);
    return f->last;
}

/* --- events, by what was being done -------------------------------------------- */

/* A write did not happen: the same again. Or nobody knows: look. Or it cannot work, for a
 * mistake of ours: rather than try for ever, a person must look. */
static struct flow_action store_trouble(struct flow *f, const struct flow_event *ev)
{
    struct flow_action same = f->last;

    if (ev->what == FLOW_UNCLEAR) {
        f->unclear = f->last;
        return act(f, FLOW_DO_RELOAD);
    }
    if (ev->what == FLOW_REFUSED && f->doing != FLOW_DO_REVIEW)
        return act_because(f, FLOW_DO_REVIEW, ev->reason);
    same.at_ms = ev->now_ms + longer(FLOW_STORE_RETRY_MS, ev->wait_ms);
    return same;
}

static struct flow_action on_token(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK)
        return f->then == FLOW_DO_INTENT ? new_session(f) : act(f, f->then);
    if (f->granted) /* nothing can be asked without a token; a reconnect brings one */
        return ev->now_ms - f->start.granted_ms > FLOW_REVIEW_MS
                   ? act_because(f, FLOW_DO_REVIEW, "outcome_unknown")
                   : act_at(f, FLOW_DO_TOKEN,
                            ev->now_ms + longer(ev->wait_ms, ev->what == FLOW_REFUSED
                                                                 ? FLOW_DENIED_RETRY_MS
                                                                 : FLOW_RETRY_BASE_MS));
    if (ev->what == FLOW_REFUSED)
        return refused(f, ev);
    return later(f, ev, ev->reason != NULL ? ev->reason : "tiktok_unavailable");
}

/* The access token was refused: one newer token, one more try, then the person. */
static struct flow_action on_auth(struct flow *f, const struct flow_event *ev,
                                  enum flow_do again)
{
    struct flow_action a;

    if (++f->auths > 1 && !f->granted)
        return act_because(f, FLOW_DO_BLOCK, "reconnect_needed");
    a = want(f, again);
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
    return later(f, ev, ev->reason != NULL ? ev->reason : "tiktok_unavailable");
}

/* The gate is open already (FLOW_BY_LOG). What TikTok has refused is no session, and that
 * is proof; what it has not answered may be one that it fetches for. */
static struct flow_action init_in_the_open(struct flow *f, const struct flow_event *ev)
{
    const char *reason = ev->reason != NULL ? ev->reason : "tiktok_unavailable";

    if (ev->what == FLOW_AUTH && ++f->auths > 1)
        return dead(f, "reconnect_needed", FLOW_DO_BLOCK);
    if (ev->what == FLOW_AUTH)
        return dead(f, "token_refused", FLOW_DO_INTENT);
    if (ev->what == FLOW_AGAIN)
        return dead(f, reason, FLOW_DO_LATER);
    if (ev->what != FLOW_REFUSED)
        return close_gate(f, reason, FLOW_DO_LATER);
    f->limited = ev->verdict == FLOW_VERDICT_LIMIT;
    return dead(f, reason,
                f->limited                          ? FLOW_DO_LATER
                : ev->verdict == FLOW_VERDICT_BLOCK ? FLOW_DO_BLOCK
                                                    : FLOW_DO_FAIL);
}

static struct flow_action on_init(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK) {
        f->auths = 0;
        if (f->start.way == FLOW_BY_GATE)
            return act_at(f, FLOW_DO_WITNESS, f->start.due_ms - FLOW_GRANT_AHEAD_MS);
        return act(f, FLOW_DO_PERSIST);
    }
    if (f->granted)
        return init_in_the_open(f, ev);
    if (ev->what == FLOW_AUTH)
        return on_auth(f, ev, FLOW_DO_INIT);
    if (ev->what == FLOW_REFUSED)
        return refused(f, ev);
    /* Unclear: there may be a session whose upload URL nobody knows, or whose gate will
     * never open (W13). It can never complete, and the next INTENT writes it off; but
     * that waits its turn. */
    return later(f, ev, ev->reason != NULL ? ev->reason : "tiktok_unavailable");
}

/* The same chunk again, at growing distances. Before the grant the job is released in
 * the end; after it the answer is to ask. */
static struct flow_action chunk_again(struct flow *f, const struct flow_event *ev)
{
    int64_t wait = longer(flow_backoff(500, f->tries, ev->jitter), ev->wait_ms);

    if (++f->tries < FLOW_CHUNK_TRIES)
        return act_at(f, f->doing, ev->now_ms + wait);
    f->position_known = false;
    if (f->granted)
        return ask_again(f, ev, FLOW_RETRY_BASE_MS);
    return later(f, ev, "tiktok_unavailable");
}

static struct flow_action ask_position(struct flow *f, const struct flow_event *ev)
{
    f->position_known = false;
    if (f->granted)
        return ask_again(f, ev, FLOW_RETRY_BASE_MS);
    if (++f->resyncs > FLOW_RESYNCS_MAX)
        return dead(f, "upload_out_of_step", retry_soon(f));
    return act(f, FLOW_DO_STATUS);
}

static struct flow_action on_chunk(struct flow *f, const struct flow_event *ev)
{
    enum flow_what what = ev->what;

    if (what == FLOW_AGAIN || what == FLOW_UNCLEAR)
        return chunk_again(f, ev); /* putting the same bytes twice is harmless */
    if (f->granted && (what != FLOW_UPLOADED || flow_proves_nothing(ev->step.what)))
        return ask_again(f, ev, f->tries++ == 0 ? 0 : FLOW_RETRY_BASE_MS);
    if (what != FLOW_UPLOADED)
        return dead(f, ev->reason, FLOW_DO_FAIL);
    switch (ev->step.what) {
    case TIKTOK_UPLOAD_NEXT:
        return resume_at(f, ev->step.next);
    case TIKTOK_UPLOAD_SKIP:
        if (++f->resyncs > FLOW_RESYNCS_MAX)
            return ask_position(f, ev);
        return resume_at(f, ev->step.next);
    case TIKTOK_UPLOAD_AGAIN:
        return chunk_again(f, ev);
    case TIKTOK_UPLOAD_DONE:
    case TIKTOK_UPLOAD_ASK:
        return ask_position(f, ev);
    case TIKTOK_UPLOAD_EXPIRED:
        return dead(f, "upload_expired", retry_soon(f));
    case TIKTOK_UPLOAD_REFUSED:
        return dead(f, "upload_refused", FLOW_DO_FAIL);
    }
    return ask_position(f, ev);
}

static struct flow_action poll_on(struct flow *f, const struct flow_event *ev)
{
    int64_t wait = flow_poll_wait(f->polls);

    f->polls++;
    return ask_again(f, ev, wait);
}

static struct flow_action on_last(struct flow *f, const struct flow_event *ev)
{
    f->position_known = false;
    if (ev->what == FLOW_AGAIN) /* not a byte left: the same chunk is still expected */
        return chunk_again(f, ev);
    if (ev->what != FLOW_UPLOADED)
        return ask_again(f, ev, f->tries == 0 ? 0 : FLOW_RETRY_BASE_MS);
    switch (ev->step.what) {
    case TIKTOK_UPLOAD_DONE:
        if (f->sent) /* offered a second time, see still_short() */
            return poll_on(f, ev);
        f->sent = true;
        return act(f, FLOW_DO_SENT);
    case TIKTOK_UPLOAD_AGAIN:
        return chunk_again(f, ev);
    case TIKTOK_UPLOAD_SKIP:
        f->chunk = ev->step.next;
        return is_last(f) ? chunk_again(f, ev) : send(f);
    case TIKTOK_UPLOAD_NEXT:
    case TIKTOK_UPLOAD_ASK:
    case TIKTOK_UPLOAD_EXPIRED:
    case TIKTOK_UPLOAD_REFUSED:
        break; /* none of these proves anything after the grant */
    }
    return ask_again(f, ev, f->tries == 0 ? 0 : FLOW_RETRY_BASE_MS);
}

static struct flow_action on_witness(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK && f->start.way == FLOW_BY_GATE)
        return act_at(f, FLOW_DO_OPEN, f->start.due_ms);
    if (ev->what == FLOW_OK)
        return act(f, FLOW_DO_GRANT);
    if (ev->what == FLOW_DROPPED)
        return act(f, FLOW_DO_CANCELED);
    if (ev->what == FLOW_HELD)
        return held(f);
    return store_trouble(f, ev);
}

static struct flow_action on_grant(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK) {
        f->granted = true;
        f->start.granted_ms = ev->now_ms;
        if (!f->position_known) /* a grant that was forgotten: ask what became of it */
            return want(f, FLOW_DO_STATUS);
        f->tries = 0;
        return send(f);
    }
    return store_trouble(f, ev);
}

static struct flow_action on_open(struct flow *f, const struct flow_event *ev)
{
    if (ev->what != FLOW_OK)
        return store_trouble(f, ev);
    f->granted = true;
    f->start.granted_ms = ev->now_ms;
    if (f->start.way == FLOW_BY_LOG && f->doing == FLOW_DO_OPEN)
        return act(f, FLOW_DO_INIT);
    f->start.named = true;
    f->start.gate = f->doing == FLOW_DO_OPEN;
    return f->start.gate ? poll_on(f, ev) : want(f, FLOW_DO_STATUS);
}

/* Could this answer be one of the two that prove death by age? */
static bool beyond_life(const struct flow *f, const struct flow_event *ev)
{
    return (pulls(f) || ev->bytes >= 0) &&
           ev->age_ms >= FLOW_URL_LIFE_MS + FLOW_URL_MARGIN_MS;
}

/* TikTok does not have every byte, as far as it says. */
static struct flow_action incomplete(struct flow *f, const struct flow_event *ev,
                                     int64_t next)
{
    bool expired = ev->age_ms >= FLOW_URL_LIFE_MS;

    if (!f->granted)
        return expired ? dead(f, "upload_expired", retry_soon(f)) : resume_at(f, next);
    if (!expired && f->tries < FLOW_CHUNK_TRIES) {
        struct flow_action a;
        int64_t wait = f->tries == 0 ? 0 : flow_backoff(500, f->tries, ev->jitter);

        f->tries++;
        f->chunk = next;
        a = send(f);
        a.at_ms = longer(a.at_ms, ev->now_ms + wait);
        return a;
    }
    if (!beyond_life(f, ev)) {
        f->tries = 0;
        return ask_again(f, ev, FLOW_DENIED_RETRY_MS);
    }
    if (f->short_ms == 0)
        f->short_ms = ev->now_ms;
    if (ev->now_ms - f->short_ms < FLOW_PROOF_GAP_MS)
        return ask_again(f, ev, FLOW_PROOF_GAP_MS);
    return dead(f, "upload_expired", retry_soon(f));
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
        return poll_on(f, ev);
    f->polls++;
    f->resyncs++;
    return resume_at(f, next);
}

/* TikTok fetches, or works on what it has fetched. When it has had every chance and says
 * twice, a minute apart, that it has nothing, the gate may be closed. */
static struct flow_action fetching(struct flow *f, const struct flow_event *ev)
{
    if (!f->start.gate || f->served || ev->bytes > 0 || !beyond_life(f, ev)) {
        f->short_ms = 0;
        return poll_on(f, ev);
    }
    if (f->short_ms == 0)
        f->short_ms = ev->now_ms;
    if (ev->now_ms - f->short_ms < FLOW_PROOF_GAP_MS)
        return ask_again(f, ev, FLOW_PROOF_GAP_MS);
    return close_gate(f, "media_not_fetched", retry_soon(f));
}

static struct flow_action processing(struct flow *f, const struct flow_event *ev)
{
    int64_t next = f->start.plan.count - 1;

    if (pulls(f))
        return fetching(f, ev);
    if (f->sent)
        return still_short(f, ev);
    /* No figure: before the grant start over from the first chunk, whose answer tells;
     * after it offer the last one again, whose answer tells as well. */
    if (ev->bytes < 0)
        return incomplete(f, ev, f->granted ? next : 0);
    if (!tiktok_chunk_resume(&f->start.plan, ev->bytes, &next))
        return f->granted ? poll_on(f, ev) : dead(f, "upload_out_of_step", retry_soon(f));
    if (next < f->start.plan.count)
        return incomplete(f, ev, next);
    f->short_ms = 0;
    if (!f->granted) /* every byte is there without our grant: the database forgot it */
        return act(f, FLOW_DO_WITNESS);
    f->sent = true;
    return act(f, FLOW_DO_SENT);
}

static struct flow_action told(struct flow *f, const struct flow_event *ev)
{
    struct flow_action a;

    f->auths = 0;
    if (!beyond_life(f, ev))
        f->short_ms = 0;
    switch (ev->state) {
    case TIKTOK_PROCESSING:
        return processing(f, ev);
    case TIKTOK_PUBLISHED:
    case TIKTOK_IN_INBOX:
        return act(f, f->granted ? FLOW_DO_PUBLISHED : FLOW_DO_WITNESS);
    case TIKTOK_FAILED:
        f->limited = ev->limit;
        a = dead(f, ev->reason,
                 ev->limit   ? FLOW_DO_LATER
                 : ev->retry ? retry_soon(f)
                 : ev->block ? FLOW_DO_BLOCK
                             : FLOW_DO_FAIL);
        a.proof = true;
        return a;
    }
    return processing(f, ev);
}

static struct flow_action on_status(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_TOLD)
        return told(f, ev);
    if (ev->what == FLOW_AUTH)
        return on_auth(f, ev, FLOW_DO_STATUS);
    if (f->granted)
        return ask_again(f, ev, longer(flow_poll_wait(f->polls), ev->wait_ms));
    if (ev->what == FLOW_UNKNOWN)
        return dead(f, "publish_id_unknown", retry_soon(f));
    if (ev->what == FLOW_REFUSED)
        return refused(f, ev);
    if (++f->tries >= FLOW_STATUS_TRIES)
        return later(f, ev, "tiktok_unavailable");
    return act_at(f, FLOW_DO_STATUS,
                  ev->now_ms +
                      longer(ev->wait_ms, flow_backoff(500, f->tries, ev->jitter)));
}

static struct flow_action on_dead(struct flow *f, const struct flow_event *ev)
{
    struct flow_action a;

    if (ev->what == FLOW_HELD)
        return doubted(f);
    if (ev->what != FLOW_OK)
        return store_trouble(f, ev);
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
        return act_because(f, FLOW_DO_FAIL, "missed");
    if (f->after_dead == FLOW_DO_INTENT) {
        a = want(f, FLOW_DO_INTENT);
        a.force = f->auths > 0;
        return a;
    }
    if (f->after_dead == FLOW_DO_LATER)
        return f->limited ? put_off(f, f->reason) : later(f, ev, f->reason);
    return act_because(f, f->after_dead, f->reason);
}

/* Something went through the gate before we could close it: only TikTok can say what it
 * made of that, and of a session without a name it cannot be asked. */
static struct flow_action on_close(struct flow *f, const struct flow_event *ev)
{
    if (ev->what != FLOW_HELD)
        return on_dead(f, ev);
    if (!f->start.named)
        return act_because(f, FLOW_DO_REVIEW, "outcome_unknown");
    f->served = true;
    return poll_on(f, ev);
}

/* The write that is being cleared up was not made, the row (f->start) is as it was before
 * it, and what it is to say is still in our hands: it is made again. That matters where
 * it can be made only once: the session that OPEN stores is known to nobody else, and
 * holds the witness. */
static bool unwritten(const struct flow *f)
{
    enum flow_do what = f->unclear.what;

    if (what == FLOW_DO_OPEN || what == FLOW_DO_ADOPT)
        return f->start.session == FLOW_SESSION_NONE;
    return what == FLOW_DO_PERSIST && f->start.session == FLOW_SESSION_GRANTED &&
           !f->start.named; /* granted before it had a name: FLOW_BY_LOG */
}

/* Right before the last chunk it is known what TikTok has: no time to ask again. */
static struct flow_action in_place(struct flow *f)
{
    if (f->start.session == FLOW_SESSION_READY)
        return act(f, FLOW_DO_WITNESS);
    f->granted = true;
    return send(f);
}

/* Our own row, read again after a lost answer of the database. */
static struct flow_action loaded(struct flow *f, const struct flow_event *ev)
{
    struct flow_event again = *ev;
    struct flow_action a;
    enum flow_way way = f->start.way;
    bool known_sent;
    bool same = ev->start.attempt_no == f->start.attempt_no;
    bool placed = f->position_known && !f->sent && is_last(f) && same;

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
        return on_dead(f, &again);
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
        return act_because(f, FLOW_DO_REVIEW, ev->reason);
    if (ev->what != FLOW_LOADED)
        return act_at(f, FLOW_DO_RELOAD, ev->now_ms + FLOW_STORE_RETRY_MS);
    return loaded(f, ev);
}

/* A write that ends the flow. */
static struct flow_action on_end(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_OK)
        return act(f, FLOW_DO_END);
    if (ev->what == FLOW_HELD && f->doing == FLOW_DO_FAIL)
        return doubted(f);
    return store_trouble(f, ev);
}

/* The attempt is written down. What TikTok fetches is announced only right before its
 * time, because TikTok comes for it at once. */
static struct flow_action begin_session(struct flow *f)
{
    struct flow_start *s = &f->start;

    s->way = s->new_way;
    s->named = s->way == FLOW_BY_UPLOAD;
    s->gate = pulls(f);
    if (s->way == FLOW_BY_GATE)
        return act_at(f, FLOW_DO_WAIT, s->due_ms - FLOW_INIT_AHEAD_MS);
    if (s->way == FLOW_BY_LOG)
        return act_at(f, FLOW_DO_WAIT, s->due_ms);
    return act(f, FLOW_DO_INIT);
}

static struct flow_action on_wait(struct flow *f)
{
    if (f->start.way == FLOW_BY_GATE)
        return act(f, FLOW_DO_INIT);
    if (f->start.way == FLOW_BY_LOG)
        return act_at(f, FLOW_DO_OPEN, f->start.due_ms);
    return act(f, FLOW_DO_WITNESS);
}

static struct flow_action on_write(struct flow *f, const struct flow_event *ev)
{
    enum flow_do doing = f->doing;

    if (ev->what != FLOW_OK)
        return store_trouble(f, ev);
    if (doing == FLOW_DO_INTENT) {
        f->start.attempt_no++;
        return begin_session(f);
    }
    if (doing == FLOW_DO_PERSIST && f->granted) {
        f->start.named = true;
        return poll_on(f, ev);
    }
    if (doing == FLOW_DO_PERSIST)
        return resume_at(f, 0);
    if (doing == FLOW_DO_SENT)
        return poll_on(f, ev);
    return act(f, FLOW_DO_END);
}

static struct flow_action decide(struct flow *f, const struct flow_event *ev)
{
    if (ev->what == FLOW_LOST || f->doing == FLOW_DO_END)
        return act(f, FLOW_DO_END);
    switch (f->doing) {
    case FLOW_DO_TOKEN:
        return on_token(f, ev);
    case FLOW_DO_CREATOR:
        return on_creator(f, ev);
    case FLOW_DO_INIT:
        return on_init(f, ev);
    case FLOW_DO_CHUNK:
        return on_chunk(f, ev);
    case FLOW_DO_WAIT:
        return on_wait(f);
    case FLOW_DO_WITNESS:
        return on_witness(f, ev);
    case FLOW_DO_GRANT:
        return on_grant(f, ev);
    case FLOW_DO_OPEN:
    case FLOW_DO_ADOPT:
        return on_open(f, ev);
    case FLOW_DO_LAST:
        return on_last(f, ev);
    case FLOW_DO_STATUS:
        return on_status(f, ev);
    case FLOW_DO_DEAD:
        return on_dead(f, ev);
    case FLOW_DO_CLOSE:
        return on_close(f, ev);
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
        f->last = act(f, f->granted ? FLOW_DO_HANDOVER : FLOW_DO_RELEASE);
    return f->last;
}

bool flow_only_polls(const struct flow *f)
{
    return f->granted && (f->sent || (pulls(f) && f->start.named));
}
