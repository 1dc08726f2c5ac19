/* What a publisher can do: src/publisher/run/run_store.c and run_http.c, one effect a
 * move. The answer to an effect goes into the real flow_step(). */
#include "model.h"

enum { T0 = 1000000, MORE_THAN_EVER = 64 };

/* A run that is about to get an event, in a world where the effect has happened. */
struct turn {
    struct moves *m;
    unsigned p;
    const char *how;           /* in words */
    const struct world *start; /* the world before its effect */
    struct seen *seen;         /* the flows that have come of events without one */
};

struct seen {
    uint64_t flow[MORE_THAN_EVER];
    size_t n;
};

static struct run *run_of(const struct turn *t, struct world *w)
{
    return &w->run[t->p];
}

/* The attempt's number as the rows count it. */
static unsigned number(const struct config *c, const struct flow *f)
{
    return f->start.attempt_no + c->attempts - FLOW_ATTEMPTS_MAX;
}

static void say(struct turn *t, const struct world *w, enum flow_do did)
{
    const struct run *r = &w->run[t->p];

    moves_add(t->m, w, "publisher %u: %s %s -> %s", t->p, flow_do_name(did), t->how,
              r->on ? flow_do_name(r->flow.doing) : "out of its hands");
}

/* --- the flow's turn ----------------------------------------------------------- */

/* Both sides of every limit that a decision may look at. */
static const struct counters {
    unsigned tries, resyncs, auths, polls, deaths;
} counters[] = {
    {0, 0, 0, 0, 0},
    {0, 0, 0, 0, 1},
    {FLOW_CHUNK_TRIES, FLOW_RESYNCS_MAX, 1, 30, 1},
    {FLOW_CHUNK_TRIES, FLOW_RESYNCS_MAX, 1, 30, 0},
    {0, 0, 0, 30, 0},
};

static size_t counters_that_matter(enum flow_do doing)
{
    if (doing == FLOW_DO_STATUS)
        return ARRAY_LEN(counters);
    return doing == FLOW_DO_TOKEN || doing == FLOW_DO_INIT || doing == FLOW_DO_CHUNK ||
                   doing == FLOW_DO_LAST
               ? ARRAY_LEN(counters) - 1
               : 1;
}

static void set_counters(struct flow *f, const struct counters *n)
{
    f->tries = n->tries;
    f->resyncs = n->resyncs;
    f->auths = n->auths;
    f->polls = n->polls;
    f->deaths = n->deaths;
}

static void settle(struct turn *t, const struct world *w, enum flow_do did, int depth);

static bool is_news(struct seen *seen, uint64_t flow)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->flow[i] == flow)
            return false;
    }
    if (seen->n < MORE_THAN_EVER)
        seen->flow[seen->n++] = flow;
    return true;
}

/* Every way the flow may go on after ev. */
static void answer(struct turn *t, const struct world *w, struct flow_event ev, int depth)
{
    static const int64_t nows[] = {T0, T0 + MODEL_LATE_MS, T0 + FLOW_PROOF_GAP_MS};
    const struct config *c = t->m->c;
    const struct flow *before = &w->run[t->p].flow;
    size_t variants = counters_that_matter(before->doing);
    size_t times = before->short_ms != 0 ? 3 : 2;
    struct seen here = {.n = 0};
    struct seen *seen = w == t->start ? t->seen : &here;

    for (size_t i = 0; i < variants * times; i++) {
        struct world next = *w;
        struct flow *f = &next.run[t->p].flow;

        set_counters(f, &counters[i % variants]);
        ev.now_ms = nows[i / variants];
        (void)flow_step(f, &ev);
        flow_canonical(f, c);
        if (is_news(seen, flow_bits(c, f)))
            settle(t, &next, before->doing, depth);
    }
}

static void answer_what(struct turn *t, const struct world *w, enum flow_what what,
                        const char *how, int depth)
{
    struct turn told = {t->m, t->p, how, t->start, t->seen};

    answer(&told, w, (struct flow_event){.what = what, .reason = "r"}, depth);
}

/* What no other part of the world can see is done at once. */
static void settle(struct turn *t, const struct world *w, enum flow_do did, int depth)
{
    struct world next = *w;
    struct run *r = run_of(t, &next);
    struct flow_event refused = {
        .what = FLOW_REFUSED, .verdict = FLOW_VERDICT_BLOCK, .reason = "r"};

    r->step = 0;
    if (!keeps_holder(&r->flow))
        r->holder = 0;
    if (r->flow.doing == FLOW_DO_WAIT) {
        answer_what(t, &next, FLOW_OK, t->how, depth);
    } else if (r->flow.doing == FLOW_DO_TOKEN) {
        if (depth == 0) /* once more is the state before */
            return;
        answer_what(t, &next, FLOW_OK, t->how, depth - 1);
        answer_what(t, &next, FLOW_AGAIN, "and then no token", depth - 1);
        answer(t, &next, refused, depth - 1);
    } else {
        r->on = r->flow.doing != FLOW_DO_END;
        say(t, &next, did);
    }
}

static void respond(struct turn *t, const struct world *w, enum flow_what what,
                    const char *how)
{
    answer_what(t, w, what, how, 2);
}

/* --- writes -------------------------------------------------------------------- */

static void let_go(struct world *w)
{
    for (unsigned i = 0; i < PUBS; i++)
        w->run[i].ours = false;
}

/* A statement that was made, or was not: answered, or the answer was lost. */
static void written(struct turn *t, const struct world *before, const struct world *after)
{
    respond(t, after, FLOW_OK, "done");
    if (t->m->c->calm)
        return;
    respond(t, after, FLOW_UNCLEAR, "done, but the answer was lost,");
    respond(t, before, FLOW_UNCLEAR, "was lost on the way");
}

static bool allowed(const struct config *c, const struct run *r)
{
    return r->ours || c->no_fence;
}

static void do_grant(struct turn *t, const struct world *w)
{
    const struct config *c = t->m->c;
    struct world next = *w;
    struct run *r = run_of(t, &next);
    enum granted how = GRANT_LOST;

    if (allowed(c, r) || c->rules.no_grant_guard)
        how = rows_grant(&next.db, number(c, &r->flow), c->rules);
    if (how == GRANT_LOST)
        respond(t, w, FLOW_LOST, "refused: not ours any more");
    else if (how == GRANT_REFUSED)
        respond(t, w, FLOW_REFUSED, "refused by the index");
    else
        written(t, w, &next);
}

static bool apply(const struct config *c, struct world *w, struct run *r)
{
    unsigned no = number(c, &r->flow);

    if (r->flow.doing == FLOW_DO_INTENT) {
        r->sid = 0;
        r->shut = c->pull;
        if (!rows_intend(&w->db, no + 1, r->ver))
            return false;
        w->db.attempt[no].pulls = c->pull;
        w->db.attempt[no].token = c->pull;
        return true;
    }
    if (r->flow.doing == FLOW_DO_PERSIST)
        return r->flow.granted ? rows_name(&w->db, no, r->sid)
                               : rows_persist(&w->db, no, r->sid);
    if (r->flow.doing == FLOW_DO_SENT)
        return rows_sent(&w->db, no);
    if (r->flow.doing == FLOW_DO_PUBLISHED)
        return rows_published(&w->db, no);
    return rows_end(&w->db, r->flow.doing);
}

/* nobody_may_be_out() of run_store.c, in its two questions. Step CLEAR: nothing stands
 * against giving up. */
enum { ASK = 0, DROP = 1, DOUBT = 2, CLEAR = 3 };

static void doubt(struct turn *t, const struct world *w)
{
    const struct config *c = t->m->c;
    enum flow_do doing = w->run[t->p].flow.doing;
    struct world next = *w;
    struct run *r = run_of(t, &next);

    t->how = "asks whether it may";
    if (r->step == DOUBT) {
        if (!rows_is_dead(&w->db, r->holder, c->rules)) {
            respond(t, w, r->shut ? FLOW_HELD : FLOW_REFUSED,
                    "not done, another session may be out");
            return;
        }
        r->step = CLEAR;
    } else if (w->witness != 0 && w->witness == r->sid) {
        r->holder = w->witness;
        respond(t, &next, FLOW_HELD, "not done, it holds the witness");
        r->holder = 0;
    } else if (w->witness != 0 && w->witness != HOLDER_CANCEL) {
        r->step = DOUBT;
        r->holder = w->witness;
    } else {
        r->step = CLEAR;
    }
    if (r->step != ASK)
        say(t, &next, doing);
    if (r->step != ASK && c->redis_away && w->run[t->p].step == ASK) {
        r->step = CLEAR;
        r->holder = 0;
        say(t, &next, doing);
    }
}

static bool needs_doubt(const struct config *c, const struct run *r)
{
    bool unproven = r->flow.doing == FLOW_DO_DEAD && !r->flow.last.proof;

    return (unproven || r->flow.doing == FLOW_DO_FAIL) && r->step != CLEAR &&
           r->step != DROP && !c->no_witness && !c->careless;
}

static void do_write(struct turn *t, const struct world *w)
{
    const struct config *c = t->m->c;
    struct world next = *w;
    struct run *r = run_of(t, &next);

    if (needs_doubt(c, r)) {
        doubt(t, w);
        return;
    }
    if (!allowed(c, r) || !apply(c, &next, r)) {
        respond(t, w, FLOW_LOST, "refused: not ours any more");
        return;
    }
    if (r->flow.doing >= FLOW_DO_PUBLISHED)
        let_go(&next);
    written(t, w, &next);
}

/* The grant of what TikTok fetches, or of what only the witness knows. */
static void do_open(struct turn *t, const struct world *w)
{
    struct world next = *w;
    struct run *r = run_of(t, &next);
    bool adopts = r->flow.doing == FLOW_DO_ADOPT;
    enum granted how = GRANT_LOST;

    if (allowed(t->m->c, r))
        how = rows_open(&next.db, number(t->m->c, &r->flow), adopts ? r->holder : r->sid,
                        adopts);
    if (how == GRANT_LOST) {
        respond(t, w, FLOW_LOST, "refused: not ours any more");
    } else if (how == GRANT_REFUSED) {
        respond(t, w, FLOW_REFUSED, "refused by the index");
    } else if (t->m->c->calm) {
        r->shut = false;
        r->sid = adopts ? r->holder : r->sid;
        respond(t, &next, FLOW_OK, "done");
    } else {
        respond(t, &next, FLOW_UNCLEAR, "done, but the answer was lost,");
        respond(t, w, FLOW_UNCLEAR, "was lost on the way");
        r->shut = false;
        r->sid = adopts ? r->holder : r->sid;
        respond(t, &next, FLOW_OK, "done");
    }
}

static void do_close(struct turn *t, const struct world *w)
{
    const struct config *c = t->m->c;
    struct world next = *w;
    struct run *r = run_of(t, &next);
    bool passed = false;

    if (r->step == DROP) {
        if (next.witness == r->sid && r->sid != 0)
            next.witness = 0;
        respond(t, &next, FLOW_OK, "done");
        if (c->redis_away)
            respond(t, w, FLOW_OK, "done, Redis away,");
        return;
    }
    if (!allowed(c, r) || !rows_close(&next.db, number(c, &r->flow), &passed)) {
        respond(t, w, passed ? FLOW_HELD : FLOW_LOST,
                passed ? "too late, something went through"
                       : "refused: not ours any more");
        return;
    }
    if (!c->calm) {
        respond(t, &next, FLOW_UNCLEAR, "done, but the answer was lost,");
        respond(t, w, FLOW_UNCLEAR, "was lost on the way");
    }
    r->step = DROP;
    say(t, &next, FLOW_DO_CLOSE);
}

/* The row is written, then the witness is given up if it is this session's. */
static void do_dead(struct turn *t, const struct world *w)
{
    const struct config *c = t->m->c;
    struct world next = *w;
    struct run *r = run_of(t, &next);
    bool proof = r->flow.last.proof;

    if (needs_doubt(c, r)) {
        doubt(t, w);
        return;
    }
    if (r->step == DROP) {
        if (next.witness == r->sid && r->sid != 0 && !c->no_witness)
            next.witness = 0;
        r->sid = 0;
        respond(t, &next, FLOW_OK, "done");
        next.witness = w->witness;
        if (c->redis_away)
            respond(t, &next, FLOW_OK, "done, Redis away,");
        return;
    }
    if (!allowed(c, r) || !rows_dead(&next.db, number(c, &r->flow), proof)) {
        respond(t, w, FLOW_LOST, "refused: not ours any more");
        return;
    }
    if (!c->calm) {
        respond(t, &next, FLOW_UNCLEAR, "done, but the answer was lost,");
        respond(t, w, FLOW_UNCLEAR, "was lost on the way");
    }
    if (proof || c->careless) {
        r->step = DROP;
        say(t, &next, FLOW_DO_DEAD);
    } else {
        r->sid = 0;
        respond(t, &next, FLOW_OK, "done");
    }
}

/* start_of() and open_session(). A session that TikTok has named but nobody has stored
 * yet stays in the run's memory. */
static void read_session(const struct config *c, const struct world *w, struct run *r,
                         struct flow_start *s, bool same)
{
    static const struct attempt_row none = {.state = ATTEMPT_NONE};
    const struct attempt_row *a = w->db.no > 0 ? &w->db.attempt[w->db.no - 1] : &none;

    if (!c->pull || !same || a->sid != 0)
        r->sid = a->state == ATTEMPT_DEAD ? 0 : a->sid;
    r->ver = w->db.ver;
    r->shut = a->state == ATTEMPT_INTENT && a->token;
    s->way = c->pull ? FLOW_BY_GATE : FLOW_BY_UPLOAD;
    s->named = a->sid != 0;
    s->gate = a->token;
}

static void do_reload(struct turn *t, const struct world *w)
{
    const struct config *c = t->m->c;
    struct world next = *w;
    struct run *r = run_of(t, &next);
    struct flow_event ev = {.what = FLOW_LOADED, .start = r->flow.start};
    struct turn told = {t->m, t->p, "read", t->start, t->seen};

    if (!allowed(c, r)) {
        respond(t, w, FLOW_LOST, "refused: not ours any more");
        return;
    }
    ev.start.session = rows_session(&next.db);
    ev.start.attempt_no = next.db.no + FLOW_ATTEMPTS_MAX - c->attempts;
    read_session(c, &next, r, &ev.start, next.db.no == number(c, &r->flow));
    answer(&told, &next, ev, 2);
}

/* --- the witness --------------------------------------------------------------- */

static void ask_witness(struct turn *t, const struct world *w)
{
    struct world next = *w;
    struct run *r = run_of(t, &next);

    if (w->witness == 0 || w->witness == r->sid) {
        next.witness = r->sid;
        respond(t, &next, FLOW_OK, "taken");
    } else if (w->witness == HOLDER_CANCEL) {
        respond(t, w, FLOW_DROPPED, "says canceled");
    } else {
        r->step = 1;
        r->holder = w->witness;
        say(t, &next, FLOW_DO_WITNESS);
    }
}

static void do_witness(struct turn *t, const struct world *w)
{
    const struct config *c = t->m->c;
    struct world next = *w;
    struct run *r = run_of(t, &next);

    if (c->no_witness || (c->redis_away && r->step != 1))
        respond(t, w, FLOW_OK, "skipped, Redis is away,");
    if (c->no_witness)
        return;
    if (r->step == 0) {
        ask_witness(t, w);
    } else if (r->step == 1) {
        if (!rows_is_dead(&w->db, r->holder, c->rules)) {
            respond(t, w, c->pull ? FLOW_HELD : FLOW_REFUSED,
                    "held by a session that may be alive");
            return;
        }
        r->step = 2;
        say(t, &next, FLOW_DO_WITNESS);
    } else if (w->witness == r->holder) {
        next.witness = r->sid;
        respond(t, &next, FLOW_OK, "taken from a dead session");
    } else {
        respond(t, w, FLOW_AGAIN, "held by yet another session");
    }
}

/* --- TikTok -------------------------------------------------------------------- */

static void told(struct turn *t, const struct world *w, struct flow_event ev,
                 const char *how)
{
    struct turn by = {t->m, t->p, how, t->start, t->seen};

    ev.reason = "r";
    answer(&by, w, ev, 2);
}

static void refusals(struct turn *t, const struct world *w)
{
    respond(t, w, FLOW_AGAIN, "did not happen");
    respond(t, w, FLOW_AUTH, "was refused for its token");
    told(t, w, (struct flow_event){.what = FLOW_REFUSED, .verdict = FLOW_VERDICT_FAIL},
         "was refused for good");
    told(t, w, (struct flow_event){.what = FLOW_REFUSED, .verdict = FLOW_VERDICT_BLOCK},
         "was refused to the account");
}

/* The address that TikTok is told leads to the gate of the run's attempt. After the
 * database was set back a number may mean another attempt, unless the row is ours. */
static void ask_at_gate(struct world *w, const struct run *r, unsigned no, uint8_t sid)
{
    if (no > 0 && w->db.no >= no && (w->rollback != 2 || r->ours) &&
        w->db.attempt[no - 1].token)
        w->db.attempt[no - 1].gate = sid;
    if (no > 0 && w->rollback == 1 && w->snap.no >= no && w->snap.attempt[no - 1].token)
        w->snap.attempt[no - 1].gate = sid;
}

static void do_init(struct turn *t, const struct world *w)
{
    struct world next = *w;
    struct run *r = run_of(t, &next);
    uint8_t sid = 1;

    refusals(t, w);
    while (sid <= SESSIONS && next.session[sid - 1].there)
        sid++;
    if (sid > SESSIONS) {
        t->m->bounded = true;
        return;
    }
    next.session[sid - 1] = (struct session){.there = true, .ver = r->ver};
    if (t->m->c->pull)
        ask_at_gate(&next, r, number(t->m->c, &r->flow), sid);
    respond(t, &next, FLOW_UNCLEAR, "opened a session, but the answer was lost,");
    r->sid = sid;
    respond(t, &next, FLOW_OK, "opened a session");
}

static void uploaded(struct turn *t, const struct world *w, enum tiktok_upload what,
                     unsigned next, const char *how)
{
    told(t, w,
         (struct flow_event){.what = FLOW_UPLOADED, .step = {.what = what, .next = next}},
         how);
}

/* A chunk reaches TikTok. */
static void arrive(struct turn *t, const struct world *w)
{
    unsigned count = t->m->c->chunks;
    struct world next = *w;
    struct run *r = run_of(t, &next);
    struct session *s = &next.session[r->sid - 1];
    unsigned n = (unsigned)r->flow.chunk;

    if (s->fate != OPEN || s->age == BEYOND)
        return; /* refused, as it may be at any time */
    if (s->chunks != n) {
        if (s->chunks == count)
            uploaded(t, w, TIKTOK_UPLOAD_DONE, 0, "was there already");
        else
            uploaded(t, w, TIKTOK_UPLOAD_SKIP, s->chunks, "was out of turn");
        return;
    }
    s->chunks++;
    if (s->chunks == count)
        uploaded(t, &next, TIKTOK_UPLOAD_DONE, 0, "accepted, all is there");
    else
        uploaded(t, &next, TIKTOK_UPLOAD_NEXT, s->chunks, "accepted");
    respond(t, &next, FLOW_UNCLEAR, "accepted, but the answer was lost,");
}

static void do_put(struct turn *t, const struct world *w)
{
    struct world next = *w;
    struct run *r = run_of(t, &next);
    struct session *s = r->sid != 0 ? &next.session[r->sid - 1] : NULL;
    unsigned n = (unsigned)r->flow.chunk;

    respond(t, w, FLOW_AGAIN, "was not sent");
    respond(t, w, FLOW_UNCLEAR, "was lost on the way");
    uploaded(t, w, TIKTOK_UPLOAD_AGAIN, n, "met trouble");
    uploaded(t, w, TIKTOK_UPLOAD_ASK, 0, "met a riddle");
    uploaded(t, w, TIKTOK_UPLOAD_EXPIRED, 0, "came too late");
    uploaded(t, w, TIKTOK_UPLOAD_REFUSED, 0, "was refused");
    if (s == NULL)
        return;
    arrive(t, w);
    if (s->fate == OPEN && s->age != BEYOND && s->chunks <= n && !t->m->c->calm) {
        s->late |= (uint8_t)(1U << n);
        respond(t, &next, FLOW_UNCLEAR, "is still on its way, given up,");
    }
}

static int64_t age_of(const struct config *c, const struct session *s)
{
    static const int64_t ages[] = {1000, FLOW_URL_LIFE_MS + 1,
                                   FLOW_URL_LIFE_MS + FLOW_URL_MARGIN_MS + 1};

    return c->early_death ? ages[BEYOND] : ages[s->age];
}

static void do_status(struct turn *t, const struct world *w)
{
    const struct run *r = &w->run[t->p];
    const struct session *s = r->sid != 0 ? &w->session[r->sid - 1] : NULL;
    struct flow_event ev = {.what = FLOW_TOLD};

    refusals(t, w);
    respond(t, w, FLOW_UNKNOWN, "unknown to TikTok");
    if (s == NULL)
        return;
    ev.age_ms = t->m->c->pull && !r->flow.start.gate ? -1 : age_of(t->m->c, s);
    ev.bytes = 10 * s->chunks;
    if (s->fate == PUBLISHED) {
        ev.state = TIKTOK_PUBLISHED;
        told(t, w, ev, "says published");
        return;
    }
    if (s->fate == FAILED) {
        ev.state = TIKTOK_FAILED;
        told(t, w, ev, "says failed");
        ev.retry = true;
        told(t, w, ev, "says failed, but not why for good");
        ev.retry = false;
        ev.block = true;
        told(t, w, ev, "says failed, because of the account");
        return;
    }
    ev.state = TIKTOK_PROCESSING;
    told(t, w, ev, s->chunks == t->m->c->chunks ? "says processing" : "says incomplete");
    ev.bytes = -1;
    told(t, w, ev, "says processing, not how far");
    ev.bytes = 7;
    told(t, w, ev, "says a number that cannot be");
}

/* --- all of it ----------------------------------------------------------------- */

static void perform(struct turn *t, const struct world *w)
{
    static void (*const acts[])(struct turn *, const struct world *) = {
        [FLOW_DO_INIT] = do_init,       [FLOW_DO_CHUNK] = do_put,
        [FLOW_DO_LAST] = do_put,        [FLOW_DO_STATUS] = do_status,
        [FLOW_DO_WITNESS] = do_witness, [FLOW_DO_GRANT] = do_grant,
        [FLOW_DO_OPEN] = do_open,       [FLOW_DO_ADOPT] = do_open,
        [FLOW_DO_CLOSE] = do_close,     [FLOW_DO_DEAD] = do_dead,
        [FLOW_DO_RELOAD] = do_reload,
    };
    enum flow_do what = w->run[t->p].flow.doing;

    if (what < ARRAY_LEN(acts) && acts[what] != NULL)
        acts[what](t, w);
    else
        do_write(t, w);
}

/* The job is free, or its publisher's lease has run out. */
static void claim(struct turn *t, const struct world *w)
{
    static const int64_t nows[] = {T0, T0 + MODEL_LATE_MS};
    const struct config *c = t->m->c;
    struct world next = *w;
    struct run *r = run_of(t, &next);

    if (!rows_claim(&next.db))
        return;
    if (c->no_resume) {
        next.db.state = JOB_RUNNING;
        next.db.granted = 0;
    }
    let_go(&next);
    *r = (struct run){.on = true, .ours = true, .ver = next.db.ver};
    for (size_t i = 0; i < ARRAY_LEN(nows); i++) {
        struct flow_start s;

        flow_canonical(&r->flow, c);
        s = r->flow.start;
        read_session(c, &next, r, &s, false);
        s.session = c->no_resume ? FLOW_SESSION_NONE : rows_session(&next.db);
        s.attempt_no = next.db.no + FLOW_ATTEMPTS_MAX - c->attempts;
        (void)flow_begin(&r->flow, &s, nows[i]);
        flow_canonical(&r->flow, c);
        settle(t, &next, FLOW_DO_RELOAD, 2);
    }
}

void moves_publisher(struct moves *m, const struct world *w, unsigned p)
{
    struct seen seen = {.n = 0};
    struct turn t = {m, p, "claims", w, &seen};
    struct world next = *w;
    struct run *r = &next.run[p];

    if (!r->on) {
        claim(&t, w);
        return;
    }
    perform(&t, w);
    if (r->step == 0 && flow_may_stop(r->flow.doing) && !m->c->calm) {
        (void)flow_stop(&r->flow);
        flow_canonical(&r->flow, m->c);
        moves_add(m, &next, "publisher %u: is told to stop -> %s", p,
                  flow_do_name(r->flow.doing));
    }
    next.run[p] = (struct run){.on = false};
    moves_add(m, &next, "publisher %u: dies", p);
}
