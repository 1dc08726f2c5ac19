/* A publisher: the decisions of the real flow.c, in the frame of lease.c, intake.c,
 * reconcile.c and run*.c. */
#include "sim.h"

enum {
    IDLE_MS = 1000, /* as in intake.c and reconcile.c */
    SWEEP_MS = 2000,
    SWEEP_LATE_MS = 1500,
    REAP_MS = 5000,
    AGAIN_MS = 1000,
    STORE_AGAIN_MS = 500,
    CRASHES_MAX = 3,
    QUIET_TIMES = 60, /* when all is mended, timers may be slow */
    TIMEOUT_MS = 30000,
};

static void push_own(struct sim *s, unsigned p, enum event_kind kind, int64_t after_ms)
{
    sim_push(
        s, s->now_ms + after_ms,
        (struct event){.kind = (uint8_t)kind, .pub = (uint8_t)p, .tag = s->pub[p].life});
}

static int64_t period(const struct sim *s, int64_t ms)
{
    return s->mended ? ms * QUIET_TIMES : ms;
}

/* --- runs ---------------------------------------------------------------------- */

static void drop(struct sim *s, unsigned p, struct run *r, const char *why)
{
    sim_say(s, "publisher %u post %u: dropped, %s", p, r->post, why);
    *r = (struct run){.on = false};
}

static void drop_all(struct sim *s, unsigned p, const char *why)
{
    for (unsigned i = 0; i < POSTS_MAX; i++) {
        if (s->pub[p].run[i].on)
            drop(s, p, &s->pub[p].run[i], why);
    }
}

/* The action is due at its time by the publisher's idea of the database's clock. */
static void schedule(struct sim *s, unsigned p, struct run *r, int64_t at_ms)
{
    r->gen = (uint32_t)s->order + 1;
    sim_push(
        s, at_ms,
        (struct event){
            .kind = EV_ACT, .pub = (uint8_t)p, .post = (uint16_t)r->post, .tag = r->gen});
}

static void start_run(struct sim *s, unsigned p, unsigned post)
{
    struct run *r = &s->pub[p].run[post];

    *r = (struct run){.on = true, .post = post, .fence = s->post[post].fence};
    r->action = (struct flow_action){.what = FLOW_DO_RELOAD, .reason = ""};
    schedule(s, p, r, s->now_ms);
}

static void decide(struct sim *s, unsigned p, struct run *r, struct flow_event *ev)
{
    struct publisher *pub = &s->pub[p];
    enum flow_do did = r->action.what;

    ev->now_ms = s->now_ms + pub->offset_ms;
    ev->jitter = (unsigned)dice_between(&s->dice, 0, 1000);
    if (r->begun) {
        r->action = flow_step(&r->flow, ev);
    } else if (ev->what == FLOW_LOADED) {
        r->begun = true;
        r->action = flow_begin(&r->flow, &ev->start, ev->now_ms);
    } else if (ev->what == FLOW_LOST) {
        r->action = (struct flow_action){.what = FLOW_DO_END, .reason = ""};
    } else {
        r->action = (struct flow_action){
            .what = FLOW_DO_RELOAD, .at_ms = ev->now_ms + STORE_AGAIN_MS, .reason = ""};
    }
    sim_say(s, "publisher %u post %u: %s (%d) -> %s", p, r->post, flow_do_name(did),
            (int)ev->what, flow_do_name(r->action.what));
    if (r->action.what == FLOW_DO_END)
        *r = (struct run){.on = false};
    else
        schedule(s, p, r, r->action.at_ms - pub->offset_ms);
}

/* --- requests ------------------------------------------------------------------ */

static struct op *new_op(struct sim *s)
{
    for (size_t i = 0; i < OPS_MAX; i++) {
        struct op *op = &s->op[s->op_hand++ % OPS_MAX];

        if (!op->used) {
            *op = (struct op){.used = true};
            return op;
        }
    }
    return NULL;
}

void sim_push_op(struct sim *s, const struct op *op, enum event_kind kind,
                 int64_t after_ms)
{
    sim_push(s, s->now_ms + after_ms,
             (struct event){.kind = (uint8_t)kind,
                            .pub = op->pub,
                            .post = op->post,
                            .op = (uint16_t)(op - s->op)});
}

bool sim_is_call(enum flow_do what)
{
    return what == FLOW_DO_CREATOR || what == FLOW_DO_INIT || what == FLOW_DO_CHUNK ||
           what == FLOW_DO_LAST || what == FLOW_DO_STATUS;
}

static void send(struct sim *s, unsigned p, struct run *r)
{
    const struct nature *n = &s->nature;
    const struct flow_start *now = &r->flow.start;
    enum flow_way way = r->action.what == FLOW_DO_INTENT ? now->new_way : now->way;
    struct op *op = new_op(s);

    if (op == NULL) { /* too much under way: a little later */
        schedule(s, p, r, s->now_ms + 100);
        return;
    }
    if (r->action.what == FLOW_DO_INTENT)
        r->sid = 0;
    r->waiting = false;
    r->gen = (uint32_t)s->order + 1;
    *op = (struct op){.used = true,
                      .what = r->action.what,
                      .pub = (uint8_t)p,
                      .post = (uint16_t)r->post,
                      .gen = r->gen,
                      .inc = s->pub[p].inc,
                      .fence = r->fence,
                      .no = r->flow.start.attempt_no,
                      .sid = r->sid,
                      .ver = r->ver,
                      .sched_ver = r->sched_ver,
                      .chunk = (unsigned)r->action.chunk,
                      .holder = r->holder,
                      .granted = r->flow.granted,
                      .pulls = way != FLOW_BY_UPLOAD,
                      .adopted = way != FLOW_BY_UPLOAD && !r->flow.start.gate,
                      .proof = r->action.proof,
                      .reason = r->action.reason,
                      .sent_ms = s->now_ms,
                      .wait_ms = r->action.wait_ms};
    if (sim_is_call(op->what) && dice_chance(&s->dice, n->lost)) {
        op->ev = (struct flow_event){.what = FLOW_UNCLEAR};
        sim_push_op(s, op, EV_ANSWER, TIMEOUT_MS);
        return;
    }
    op->answer_lost = sim_is_call(op->what) && dice_chance(&s->dice, n->lost);
    if (sim_is_call(op->what) && dice_chance(&s->dice, n->late)) {
        struct op *gone = new_op(s);

        if (gone != NULL) { /* it arrives when nobody waits for it any more */
            *gone = *op;
            gone->gen = 0;
            sim_push_op(s, gone, EV_EFFECT, dice_between(&s->dice, 1000, 540000));
            op->ev = (struct flow_event){.what = FLOW_UNCLEAR};
            sim_push_op(s, op, EV_ANSWER, dice_between(&s->dice, 1000, TIMEOUT_MS));
            return;
        }
    }
    sim_push_op(s, op, EV_EFFECT, sim_delay(s));
}

static struct ring *ring_of(struct sim *s, const struct run *r, unsigned *limit)
{
    struct account *a = &s->account[s->post[r->post].account];

    *limit = r->action.what == FLOW_DO_INIT ? INIT_LIMIT : STATUS_LIMIT;
    if (r->action.what == FLOW_DO_CREATOR)
        return &a->creator;
    if (r->action.what == FLOW_DO_STATUS)
        return &a->status;
    return r->action.what == FLOW_DO_INIT && r->inits > 0 ? &a->init : NULL;
}

/* run.c's perform_or_stop(). */
static void act(struct sim *s, unsigned p, struct run *r)
{
    struct flow_event ev = {.what = FLOW_OK};
    unsigned limit;
    struct ring *ring;
    int64_t wait_ms;

    if (s->pub[p].stopping && r->begun && flow_may_stop(r->action.what))
        r->action = flow_stop(&r->flow);
    ring = ring_of(s, r, &limit);
    wait_ms = ring != NULL && !s->redis_away ? ring_pass(ring, limit, s->now_ms) : 0;

    if (s->now_ms >= s->pub[p].valid_ms) {
        drop(s, p, r, "no lease");
    } else if (r->action.what == FLOW_DO_WAIT) {
        decide(s, p, r, &ev);
    } else if (r->action.what == FLOW_DO_TOKEN) {
        if (s->db_away)
            schedule(s, p, r, s->now_ms + STORE_AGAIN_MS);
        else
            decide(s, p, r, &ev);
    } else if (wait_ms > 0) {
        schedule(s, p, r, s->now_ms + wait_ms);
    } else {
        r->inits += r->action.what == FLOW_DO_INIT;
        send(s, p, r);
    }
}

/* --- answers ------------------------------------------------------------------- */

static void hear(struct sim *s, struct op *op)
{
    struct publisher *pub = &s->pub[op->pub];
    struct run *r = &pub->run[op->post];
    struct flow_event ev = op->ev;

    op->used = false;
    if (!pub->alive || !r->on || r->gen != op->gen)
        return;
    if ((op->what == FLOW_DO_INIT && ev.what == FLOW_OK) || ev.what == FLOW_LOADED)
        r->sid = op->sid;
    if (ev.what == FLOW_LOADED) {
        r->ver = op->ver;
        r->sched_ver = op->sched_ver;
    }
    if (ev.what == FLOW_HELD)
        r->holder = op->holder;
    if (op->what == FLOW_DO_ADOPT && ev.what == FLOW_OK)
        r->sid = op->holder;
    if (op->what == FLOW_DO_DEAD && ev.what == FLOW_OK)
        r->sid = 0;
    decide(s, op->pub, r, &ev);
}

/* --- claims -------------------------------------------------------------------- */

static bool claim(struct sim *s, unsigned p, unsigned post)
{
    struct post *j = &s->post[post];

    if (j->next_at_ms > sim_db_now(s) || !rows_claim(&j->rows))
        return false;
    if (s->mutant->reinit) {
        j->rows.state = JOB_RUNNING;
        j->rows.granted = 0;
    }
    j->fence++;
    j->owner = s->pub[p].inc;
    j->next_at_ms = sim_db_now(s) + PHASE_MS;
    if (j->crashes < CRASHES_MAX)
        return true;
    j->review = "crashed_often";
    j->rows.state = JOB_REVIEW; /* who died of it: a person must look */
    j->owner = 0;
    j->crashes = 0;
    j->next_at_ms = NEVER;
    return false;
}

/* take.lua: the next post of an account whose window has room. */
static bool take(struct sim *s, unsigned account, unsigned *post, int64_t *hint_ms)
{
    unsigned best = POSTS_MAX;

    for (unsigned i = 0; i < s->nature.posts; i++) {
        if (s->post[i].account == account && s->post[i].hint_ms <= s->now_ms &&
            (best == POSTS_MAX || s->post[i].hint_ms < s->post[best].hint_ms))
            best = i;
    }
    if (best == POSTS_MAX ||
        ring_pass(&s->account[account].init, INIT_LIMIT, s->now_ms) > 0)
        return false;
    *post = best;
    *hint_ms = s->post[best].hint_ms;
    s->post[best].hint_ms = NEVER;
    return true;
}

/* What was taken is claimed, or comes again when it came too early. False: the lease was
 * given up, because nobody knows what the claim did. */
static bool claim_taken(struct sim *s, unsigned p, unsigned post, int64_t hint_ms)
{
    struct publisher *pub = &s->pub[p];
    int64_t early_ms = hint_ms - sim_db_now(s);

    if (pub->run[post].on)
        return true;
    if (s->db_away || dice_chance(&s->dice, s->nature.db_again)) {
        redis_enqueue(s, post, s->now_ms);
        return true;
    }
    if (!claim(s, p, post)) {
        if (early_ms > 0)
            redis_enqueue(s, post, s->now_ms + early_ms + 5);
        return true;
    }
    sim_say(s, "publisher %u post %u: claimed", p, post);
    if (dice_chance(&s->dice, s->nature.db_unclear)) {
        pub->valid_ms = 0;
        return false;
    }
    start_run(s, p, post);
    return true;
}

static int64_t next_look(const struct sim *s)
{
    int64_t idle = period(s, IDLE_MS);
    int64_t least = s->now_ms + idle;

    for (unsigned i = 0; i < s->nature.posts; i++) {
        if (s->post[i].hint_ms < least)
            least = s->post[i].hint_ms;
    }
    return least - s->now_ms < 50 ? 50 : least - s->now_ms;
}

static void intake(struct sim *s, unsigned p)
{
    unsigned taken = 0;
    bool on = s->pub[p].valid_ms > s->now_ms && !s->pub[p].stopping;
    int64_t hint_ms;
    unsigned post;

    for (unsigned a = 0; on && !s->redis_away && a < s->nature.accounts; a++) {
        if (taken < s->nature.batch && take(s, a, &post, &hint_ms)) {
            taken++;
            on = claim_taken(s, p, post, hint_ms);
        }
    }
    for (unsigned i = 0; on && s->redis_away && i < s->nature.posts; i++) {
        if (taken < s->nature.batch && s->post[i].next_at_ms <= sim_db_now(s)) {
            taken++;
            on = claim_taken(s, p, i, s->post[i].next_at_ms);
        }
    }
    push_own(s, p, EV_INTAKE, taken > 0 ? 20 : next_look(s));
}

/* --- leases -------------------------------------------------------------------- */

static struct lease *lease_of(struct sim *s, uint64_t inc)
{
    for (size_t i = 0; i < s->lease_n && inc != 0; i++) {
        if (s->lease[i].inc == inc)
            return &s->lease[i];
    }
    return NULL;
}

/* publishers.c's free_all(). */
static void free_all(struct sim *s, uint64_t inc, bool died)
{
    struct lease *l = lease_of(s, inc);

    for (unsigned i = 0; i < s->nature.posts; i++) {
        struct post *j = &s->post[i];

        if (j->owner != inc ||
            (j->rows.state != JOB_RUNNING && j->rows.state != JOB_COMMITTED))
            continue;
        if (s->mutant->blind_rescue) {
            j->rescue = true; /* and written next time */
            continue;
        }
        j->owner = 0;
        j->crashes += died;
        if (j->next_at_ms > sim_db_now(s))
            j->next_at_ms = sim_db_now(s);
    }
    if (l != NULL)
        *l = s->lease[--s->lease_n];
}

static void reap(struct sim *s, unsigned p)
{
    for (unsigned i = 0; i < s->nature.posts; i++) {
        struct post *j = &s->post[i];

        if (!j->rescue || s->db_away)
            continue;
        j->rescue = false;
        j->rows.state = JOB_SCHEDULED;
        j->rows.granted = 0;
        j->owner = 0;
        j->next_at_ms = sim_db_now(s);
    }
    for (size_t i = 0; i < s->lease_n && !s->db_away; i++) {
        if (s->lease[i].until_ms < sim_db_now(s) - s->nature.grace_ms) {
            sim_say(s, "publisher %u reaps incarnation %d", p, (int)s->lease[i].inc);
            free_all(s, s->lease[i].inc, true);
            i = SIZE_MAX; /* from the start */
        }
    }
    push_own(s, p, EV_REAP, period(s, REAP_MS));
}

static void sign_in(struct sim *s, unsigned p)
{
    struct publisher *pub = &s->pub[p];

    drop_all(s, p, "the lease is lost");
    if (pub->inc != 0)
        free_all(s, pub->inc, false);
    pub->inc = ++s->next_inc;
    pub->valid_ms = s->now_ms + s->nature.lease_ms - s->nature.stop_ms;
    pub->offset_ms = s->db_offset_ms;
    if (s->lease_n < ARRAY_LEN(s->lease))
        s->lease[s->lease_n++] = (struct lease){
            .inc = pub->inc, .until_ms = sim_db_now(s) + s->nature.lease_ms};
}

/* job_beat(): what is ours stays ours, what is not is dropped. */
static void beat_jobs(struct sim *s, unsigned p)
{
    for (unsigned i = 0; i < s->nature.posts; i++) {
        struct run *r = &s->pub[p].run[i];
        struct post *j = &s->post[i];

        if (!r->on)
            continue;
        if (j->owner == s->pub[p].inc && j->next_at_ms != NEVER)
            j->next_at_ms = sim_db_now(s) + PHASE_MS;
        if (j->owner != s->pub[p].inc || j->fence != r->fence)
            drop(s, p, r, "another's by now");
    }
}

static bool idle(const struct publisher *pub)
{
    unsigned i = 0;

    while (i < POSTS_MAX && !pub->run[i].on)
        i++;
    return i == POSTS_MAX;
}

/* The last run is over: the lease is given back, and another process takes its place. */
static void leave(struct sim *s, unsigned p)
{
    sim_say(s, "publisher %u leaves", p);
    free_all(s, s->pub[p].inc, false);
    publisher_kill(s, p);
    sim_push(s, s->now_ms + dice_between(&s->dice, 50, 5000),
             (struct event){.kind = EV_START, .pub = (uint8_t)p});
}

static void beat(struct sim *s, unsigned p)
{
    struct publisher *pub = &s->pub[p];
    struct lease *l = lease_of(s, pub->inc);

    if (pub->stopping && idle(pub) && !s->db_away) {
        leave(s, p);
        return;
    }

    if (s->db_away) {
        push_own(s, p, EV_BEAT, AGAIN_MS);
        return;
    }
    if (l == NULL || l->until_ms < sim_db_now(s) || s->now_ms >= pub->valid_ms) {
        sign_in(s, p);
    } else {
        l->until_ms = sim_db_now(s) + s->nature.lease_ms;
        pub->valid_ms = s->now_ms + s->nature.lease_ms - s->nature.stop_ms;
        pub->offset_ms = s->db_offset_ms;
        beat_jobs(s, p);
    }
    push_own(s, p, EV_BEAT, s->nature.lease_ms / 3);
}

/* The sweep, and now and then the feeder, which leaves out what somebody holds. */
static void sweep(struct sim *s, unsigned p)
{
    bool feeds = dice_chance(&s->dice, 50);
    int64_t late_ms = feeds ? -NEVER / 4 : SWEEP_LATE_MS;

    for (unsigned i = 0; i < s->nature.posts && !s->db_away; i++) {
        struct post *j = &s->post[i];

        if (j->next_at_ms != NEVER && j->next_at_ms <= sim_db_now(s) - late_ms &&
            (!feeds || j->owner == 0))
            redis_enqueue(s, i, j->next_at_ms);
    }
    push_own(s, p, EV_SWEEP, period(s, SWEEP_MS) + dice_between(&s->dice, 0, 500));
}

/* --- life ---------------------------------------------------------------------- */

void publisher_start(struct sim *s, unsigned p)
{
    struct publisher *pub = &s->pub[p];

    if (pub->alive)
        return;
    *pub = (struct publisher){.alive = true, .life = pub->life + 1};
    sim_say(s, "publisher %u starts", p);
    push_own(s, p, EV_BEAT, 0);
    push_own(s, p, EV_INTAKE, 10);
    push_own(s, p, EV_SWEEP, dice_between(&s->dice, 0, SWEEP_MS));
    push_own(s, p, EV_REAP, dice_between(&s->dice, 0, REAP_MS));
}

void publisher_kill(struct sim *s, unsigned p)
{
    sim_say(s, "publisher %u dies", p);
    s->pub[p] = (struct publisher){.life = s->pub[p].life};
}

void publisher_stop(struct sim *s, unsigned p)
{
    sim_say(s, "publisher %u is asked to stop", p);
    s->pub[p].stopping = true;
    for (unsigned i = 0; i < POSTS_MAX; i++) {
        struct run *r = &s->pub[p].run[i];

        if (r->on && r->waiting && r->begun && flow_may_stop(r->action.what))
            schedule(s, p, r, s->now_ms);
    }
}

static void own_event(struct sim *s, const struct event *ev)
{
    static void (*const chores[])(struct sim *, unsigned) = {
        [EV_BEAT] = beat, [EV_REAP] = reap, [EV_SWEEP] = sweep, [EV_INTAKE] = intake};

    if (s->pub[ev->pub].life == ev->tag)
        chores[ev->kind](s, ev->pub);
}

void publisher_event(struct sim *s, const struct event *ev)
{
    struct publisher *pub = &s->pub[ev->pub];
    struct run *r = &pub->run[ev->post];

    if (ev->kind == EV_EFFECT) { /* whoever asked, and whatever became of him */
        sim_effect(s, &s->op[ev->op]);
    } else if (!pub->alive) {
        if (ev->kind == EV_ANSWER)
            s->op[ev->op].used = false;
        if (ev->kind == EV_START)
            publisher_start(s, ev->pub);
    } else if (pub->paused) {
        if (ev->kind == EV_RESUME)
            pub->paused = false;
        else
            sim_push(s, s->now_ms + 500, *ev);
    } else if (ev->kind == EV_ANSWER) {
        hear(s, &s->op[ev->op]);
    } else if (ev->kind == EV_ACT) {
        if (r->on && r->gen == ev->tag)
            act(s, ev->pub, r);
    } else if (ev->kind == EV_BEAT || ev->kind == EV_REAP || ev->kind == EV_SWEEP ||
               ev->kind == EV_INTAKE) {
        own_event(s, ev);
    }
}
