#include "batch.h"
#include "run_limit.h"

#include "../intake/turns.h"
#include "../lease.h"
#include "core/io.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/xalloc.h"

#include <inttypes.h>
#include <string.h>

void run_event(struct run *r, enum flow_what what, const char *reason, int64_t wait_ms)
{
    r->next = RUN_DECIDE;
    r->ev = (struct flow_event){.what = what, .reason = reason, .wait_ms = wait_ms};
}

void run_delay(struct run *r, int64_t delay_ms)
{
    r->next = RUN_DELAY;
    r->delay_ms = delay_ms;
}

/* --- life ------------------------------------------------------------------------ */

static struct list *bucket_of(struct publisher *p, uint64_t post_id)
{
    return &p->by_post[post_id % PUBLISHER_RUN_BUCKETS];
}

void run_table_init(struct publisher *p)
{
    list_init(&p->runs);
    for (size_t i = 0; i < PUBLISHER_RUN_BUCKETS; i++)
        list_init(&p->by_post[i]);
    p->waiting = 0;
}

static void set_waits(struct run *r, bool waits)
{
    if (waits && !r->waits)
        r->p->waiting++;
    if (!waits && r->waits)
        r->p->waiting--;
    r->waits = waits;
}

void run_set_token(struct run *r, const char *token)
{
    if (r->token != NULL)
        explicit_bzero(r->token, strlen(r->token));
    free(r->token);
    r->token = token != NULL ? xstrdup(token) : NULL;
}

void run_call_ended(struct run *r)
{
    if (r->http_id == 0)
        return;
    r->http_id = 0;
    turns_ended(r->p->turns, r->sending);
    r->sending = 0;
}

static void free_run(struct run *r)
{
    set_waits(r, false);
    turns_leave(r->p->turns, &r->turn);
    timer_stop(&r->p->timers, &r->timer);
    list_remove(&r->p->runs, &r->node);
    list_remove(bucket_of(r->p, r->ref.post_id), &r->by_post);
    io_close(&r->file);
    job_facts_release(&r->facts);
    explicit_bzero(&r->session, sizeof(r->session));
    explicit_bzero(r->gate_token, sizeof(r->gate_token));
    run_set_token(r, NULL);
    free(r);
}

static void drop(struct run *r)
{
    if (r->http_id != 0)
        http_cancel(r->p->http, r->http_id);
    run_call_ended(r);
    if (r->on_thread)
        r->dropped = true;
    else
        free_run(r);
}

static void drop_lost(struct run *r)
{
    log_info("run.dropped",
             "post=%" PRIu64 " attempt=%u fence=%" PRIu64 " inc=%" PRIu64 " doing=%s",
             r->ref.post_id, r->flow.start.attempt_no, r->ref.fence, r->ref.inc,
             flow_do_name(r->action.what));
    drop(r);
}

static bool named(const struct run *r, const uint64_t *post_ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (post_ids[i] == r->ref.post_id)
            return true;
    }
    return false;
}

static void drop_where(struct publisher *p, const uint64_t *post_ids, size_t n)
{
    struct list_node *node = list_first(&p->runs);

    while (node != NULL) {
        struct run *r = LIST_ENTRY(node, struct run, node);

        node = list_next(&p->runs, node);
        if (r->dropped || (post_ids != NULL && !named(r, post_ids, n)))
            continue;
        drop_lost(r);
    }
}

void run_drop_all(struct publisher *p)
{
    drop_where(p, NULL, 0);
}

void run_drop(struct publisher *p, const uint64_t *post_ids, size_t n)
{
    if (n > 0)
        drop_where(p, post_ids, n);
}

static struct run *find(const struct publisher *p, uint64_t post_id)
{
    const struct list *bucket = &p->by_post[post_id % PUBLISHER_RUN_BUCKETS];

    for (struct list_node *n = list_first(bucket); n != NULL; n = list_next(bucket, n)) {
        struct run *r = LIST_ENTRY(n, struct run, by_post);

        if (r->ref.post_id == post_id && !r->dropped)
            return r;
    }
    return NULL;
}

size_t run_refs(const struct publisher *p, size_t from, struct job_ref *out, size_t max)
{
    size_t i = 0;
    size_t len = 0;

    for (struct list_node *n = list_first(&p->runs); n != NULL && len < max;
         n = list_next(&p->runs, n)) {
        const struct run *r = LIST_ENTRY(n, struct run, node);

        if (i++ >= from)
            out[len++] = r->ref;
    }
    return len;
}

/* A run that only waits for its time, or polls, holds no slot: the second may go on for
 * an hour, and the first must not keep others from being prepared. */
static bool holds_slot(const struct run *r)
{
    bool timed = r->action.what == FLOW_DO_WAIT || r->action.what == FLOW_DO_LAST;

    return !flow_only_polls(&r->flow) && !(timed && r->timer.place != 0);
}

size_t run_room(const struct publisher *p)
{
    size_t limit = (size_t)p->settings->in_flight;
    size_t room = p->runs.len < RUN_MAX ? RUN_MAX - p->runs.len : 0;
    size_t busy = 0;

    for (struct list_node *n = list_first(&p->runs); n != NULL && busy < limit;
         n = list_next(&p->runs, n))
        busy += holds_slot(LIST_ENTRY(n, struct run, node)) ? 1 : 0;
    if (busy >= limit)
        return 0;
    return room < limit - busy ? room : limit - busy;
}

/* --- doing what the flow says ------------------------------------------------------ */

void run_came_back(struct run *r)
{
    r->on_thread = false;
    if (r->dropped)
        free_run(r);
    else
        run_advance(r);
}

static void on_done(struct pool_work *w)
{
    run_came_back((struct run *)(void *)w);
}

static void submit(struct run *r, struct pool *pool,
                   void (*work)(struct pool_work *w, const struct pool_kit *kit))
{
    r->on_thread = true;
    r->work.run = work;
    r->work.done = on_done;
    pool_submit(pool, &r->work);
}

static bool is_call(enum flow_do what)
{
    return what == FLOW_DO_CREATOR || what == FLOW_DO_INIT || what == FLOW_DO_CHUNK ||
           what == FLOW_DO_LAST || what == FLOW_DO_STATUS;
}

bool run_call_ring(const struct run *r, enum queue_ring *ring)
{
    if (r->action.what == FLOW_DO_CREATOR)
        *ring = QUEUE_RING_CREATOR;
    else if (r->action.what == FLOW_DO_STATUS)
        *ring = QUEUE_RING_STATUS;
    else if (r->action.what == FLOW_DO_INIT)
        *ring = QUEUE_RING_INIT;
    else
        return false;
    return true;
}

/* queue_take(), or the ledger, has counted the first INIT when it let the post be
 * claimed. When it is made much later (a slow TikTok or database; what TikTok fetches is
 * announced only right before its time), it has to count as made then: a window that
 * opens again a minute after the claims would let more through than TikTok does. */
static bool counted(const struct run *r)
{
    return r->inits == 0 && publisher_mono_ms() - r->counted.mono_ms < RUN_COUNTED_MS;
}

bool run_ring(const struct run *r, enum queue_ring *ring)
{
    return run_call_ring(r, ring) && (*ring != QUEUE_RING_INIT || !counted(r));
}

/* Begins the request. False: too many are under way. */
static bool call_now(struct run *r)
{
    r->passed = true; /* who must wait for a turn need not pass the rate window again */
    if (run_send(r)) {
        r->passed = false;
        r->sending = r->turn.bytes;
        r->left_ms = lease_now_ms(r->p->lease);
        turns_begun(r->p->turns, r->sending, publisher_mono_ms());
        return true;
    }
    if (r->next == RUN_TURN)
        return false;
    r->passed = false;
    run_advance(r);
    return true;
}

static struct turn turn_of(const struct run *r)
{
    const struct tiktok_chunk_plan *plan = &r->flow.start.plan;
    enum flow_do what = r->action.what;
    bool fetched = r->flow.start.new_way != FLOW_BY_UPLOAD;
    struct turn t = {.class = TURN_EARLY, .account_id = r->account_id};

    if (what == FLOW_DO_LAST || (what == FLOW_DO_INIT && fetched))
        t.class = TURN_DUE;
    if (what == FLOW_DO_CHUNK || what == FLOW_DO_LAST)
        t.bytes = tiktok_chunk_len(plan, r->action.chunk);
    return t;
}

static void make_call(struct run *r)
{
    struct turns *turns = r->p->turns;

    r->turn = turn_of(r);
    if (!turns_may_go(turns, &r->turn, publisher_mono_ms()) || !call_now(r)) {
        r->passed = true;
        turns_wait(turns, &r->turn);
    }
}

/* The window that is kept here decides, for want of Redis. */
static void ask_locally(struct run *r)
{
    enum queue_ring ring;
    int64_t wait_ms = 0;

    if (run_ring(r, &ring))
        wait_ms = rings_pass(r->p->rings, ring, r->account_id, publisher_mono_ms());
    if (wait_ms == 0) {
        make_call(r);
    } else {
        meter_span(METER_WINDOW_WAIT, wait_ms);
        run_delay(r, wait_ms);
        run_advance(r);
    }
}

static void perform(struct run *r)
{
    enum flow_do what = r->action.what;
    enum queue_ring ring;

    if (what == FLOW_DO_END) {
        free_run(r);
        return;
    }
    if (!lease_valid(r->p->lease)) { /* whoever holds the lease next goes on */
        log_warn("run.no_lease", RUN_WHO " doing=%s", RUN_WHO_OF(r), flow_do_name(what));
        drop(r);
        return;
    }
    r->now_ms = lease_now_ms(r->p->lease);
    if (what == FLOW_DO_WAIT) {
        run_event(r, FLOW_OK, NULL, 0);
        run_advance(r);
    } else if (run_brakes(r)) {
        run_advance(r);
    } else if (is_call(what) && (r->passed || !run_ring(r, &ring))) {
        make_call(r);
    } else if (batch_takes(r)) {
        batch_add(r->p->batches, r);
    } else {
        submit(r, r->p->store, run_on_store);
    }
}

/* Shutting down: an action that need not be done is given up for the way out. */
static void perform_or_stop(struct run *r)
{
    if (r->p->stopping && flow_may_stop(r->action.what))
        r->action = flow_stop(&r->flow);
    perform(r);
}

static void on_time(void *arg)
{
    struct run *r = (struct run *)arg;

    set_waits(r, false);
    perform_or_stop(r);
}

void run_take_turns(struct publisher *p)
{
    for (struct turn *t; (t = turns_next(p->turns, publisher_mono_ms())) != NULL;) {
        struct run *r = LIST_ENTRY(t, struct run, turn);

        if (!lease_valid(p->lease) || (p->stopping && flow_may_stop(r->action.what))) {
            r->passed = false;
            perform_or_stop(r);
        } else if (!call_now(r)) {
            turns_back(p->turns, t);
            return;
        }
    }
}

/* Witness and grant of many posts take longer than the moment that the flow sets aside
 * for those of one. So each waiting post begins earlier for those that wait already: in a
 * burst the grants spread over the seconds before it. */
static int64_t ahead_ms(const struct publisher *p)
{
    int64_t ms = (int64_t)p->waiting / RUN_WAITING_PER_MS;

    return ms < RUN_AHEAD_MAX_MS ? ms : RUN_AHEAD_MAX_MS;
}

static void wait_for_time(struct run *r)
{
    struct publisher *p = r->p;
    int64_t at_ms = r->action.at_ms;

    if (r->action.what == FLOW_DO_WAIT && r->flow.start.new_way == FLOW_BY_UPLOAD) {
        at_ms -= ahead_ms(p);
        set_waits(r, true);
    }
    publisher_timer_at(p, &r->timer, at_ms);
}

/* When to ask: at once when a webhook said so; and while webhooks come, not so soon by
 * ourselves: those polls are only for the ones that get lost. */
static int64_t poll_at(struct run *r)
{
    int64_t now_ms = lease_now_ms(r->p->lease);
    int64_t told_ms = r->p->told_ms;

    if (r->nudged) {
        r->nudged = false;
        return 0;
    }
    if (r->action.at_ms > now_ms && r->action.at_ms < now_ms + RUN_TOLD_POLL_MS &&
        flow_only_polls(&r->flow) && told_ms != 0 &&
        publisher_mono_ms() - told_ms < RUN_TOLD_MS &&
        (r->ev.what == FLOW_OK || r->ev.what == FLOW_TOLD)) /* not after a failed one */
        return now_ms + RUN_TOLD_POLL_MS;
    return r->action.at_ms;
}

/* Starts the action, now or at its time. */
static void begin(struct run *r)
{
    struct publisher *p = r->p;

    if (p->stopping && flow_may_stop(r->action.what))
        r->action = flow_stop(&r->flow);
    if (r->action.what == FLOW_DO_STATUS)
        r->action.at_ms = poll_at(r);
    if (r->action.at_ms > lease_now_ms(p->lease))
        wait_for_time(r);
    else
        perform(r);
}

static const char *name_of(enum flow_what what)
{
    static const char *const names[] = {[FLOW_OK] = "ok",
                                        [FLOW_AGAIN] = "again",
                                        [FLOW_UNCLEAR] = "unclear",
                                        [FLOW_AUTH] = "auth",
                                        [FLOW_REFUSED] = "refused",
                                        [FLOW_LOST] = "lost",
                                        [FLOW_UPLOADED] = "uploaded",
                                        [FLOW_TOLD] = "told",
                                        [FLOW_UNKNOWN] = "unknown",
                                        [FLOW_HELD] = "held",
                                        [FLOW_DROPPED] = "dropped",
                                        [FLOW_LOADED] = "loaded"};

    return names[what];
}

static void log_step(const struct run *r, enum flow_do done)
{
    log_info("run.step", RUN_WHO " did=%s how=%s next=%s reason=%s log_id=%s",
             RUN_WHO_OF(r), flow_do_name(done), name_of(r->ev.what),
             flow_do_name(r->action.what), r->action.reason, r->log_id);
}

/* The row as it was claimed, read until that works: only then the flow begins. */
static struct flow_action begin_flow(struct run *r)
{
    if (r->ev.what == FLOW_LOADED) {
        r->begun = true;
        return flow_begin(&r->flow, &r->ev.start, r->ev.now_ms);
    }
    if (r->ev.what == FLOW_LOST)
        return (struct flow_action){.what = FLOW_DO_END, .reason = ""};
    return (struct flow_action){
        .what = FLOW_DO_RELOAD, .at_ms = r->ev.now_ms + RUN_DELAY_STORE_MS, .reason = ""};
}

static void decide(struct run *r)
{
    enum flow_do done = r->action.what;

    r->ev.now_ms = lease_now_ms(r->p->lease);
    r->ev.jitter = publisher_jitter();
    run_note_answer(r, done);
    r->ev.cap_ms = brake_closed(&r->p->brake) ? BRAKE_MAX_MS : 0;
    r->action = r->begun ? flow_step(&r->flow, &r->ev) : begin_flow(r);
    log_step(r, done);
    begin(r);
}

void run_advance(struct run *r)
{
    enum run_next next = r->next;

    r->next = RUN_DECIDE;
    switch (next) {
    case RUN_DECIDE:
        decide(r);
        break;
    case RUN_CALL:
    case RUN_TURN:
        make_call(r);
        break;
    case RUN_LOCAL:
        ask_locally(r);
        break;
    case RUN_DELAY:
        timer_set(&r->p->timers, &r->timer, publisher_mono_ms() + r->delay_ms);
        break;
    case RUN_REFRESH:
        submit(r, r->p->tasks, run_on_task);
        break;
    case RUN_REPEAT:
        perform_or_stop(r);
        break;
    }
}

void run_nudge(struct publisher *p, uint64_t post_id)
{
    struct run *r = find(p, post_id);

    if (r == NULL)
        return;
    log_info("run.nudged",
             "post=%" PRIu64 " attempt=%u fence=%" PRIu64 " inc=%" PRIu64 " doing=%s",
             post_id, r->flow.start.attempt_no, r->ref.fence, r->ref.inc,
             flow_do_name(r->action.what));
    if (r->action.what == FLOW_DO_STATUS && r->timer.place != 0)
        timer_set(&p->timers, &r->timer, publisher_mono_ms());
    else
        r->nudged = true;
}

void run_start(struct publisher *p, const struct job_claimed *claimed, uint64_t inc,
               struct run_counted counted)
{
    struct run *r = xcalloc(1, sizeof(*r));
    struct run *old = find(p, claimed->post_id);

    if (old != NULL)
        drop_lost(old);
    r->p = p;
    r->file = -1;
    r->account_id = claimed->account_id;
    r->counted = counted;
    r->crashed_often = claimed->crashes >= JOB_CRASHES_MAX;
    r->ref = (struct job_ref){.post_id = claimed->post_id,
                              .workspace_id = claimed->workspace_id,
                              .fence = claimed->fence,
                              .inc = inc};
    r->timer.fire = on_time;
    r->timer.arg = r;
    list_push(&p->runs, &r->node);
    list_push(bucket_of(p, r->ref.post_id), &r->by_post);
    r->action = (struct flow_action){.what = FLOW_DO_RELOAD, .reason = ""};
    submit(r, p->store, run_on_store);
}

void run_stop_all(struct publisher *p)
{
    struct list_node *node = list_first(&p->runs);

    while (node != NULL) {
        struct run *r = LIST_ENTRY(node, struct run, node);

        node = list_next(&p->runs, node);
        if (r->timer.place != 0 && flow_may_stop(r->action.what)) {
            timer_stop(&p->timers, &r->timer);
            set_waits(r, false);
            perform_or_stop(r);
        }
    }
}
