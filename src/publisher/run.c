#include "run_priv.h"

#include "core/fault.h"
#include "core/io.h"
#include "core/log.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "lease.h"

#include <inttypes.h>
#include <string.h>

void run_event(struct run *r, enum flow_what what, const char *reason, int64_t wait_ms)
{
    r->next = RUN_DECIDE;
    r->ev = (struct flow_event){.what = what, .wait_ms = wait_ms};
    text_copy(r->reason, sizeof(r->reason), reason != NULL ? reason : "");
    if (reason != NULL)
        r->ev.reason = r->reason;
}

void run_store_event(struct run *r, enum rc rc, const struct err *err)
{
    switch (rc) {
    case RC_OK:
        run_event(r, FLOW_OK, NULL, 0);
        break;
    case RC_CONFLICT:
        if (strcmp(err->code, "second_live_attempt") == 0)
            run_event(r, FLOW_REFUSED, err->code, 0);
        else
            run_event(r, FLOW_LOST, NULL, 0);
        break;
    case RC_UNCERTAIN:
        run_event(r, FLOW_UNCLEAR, NULL, 0);
        break;
    case RC_INVALID:
    case RC_DENIED:
    case RC_NOT_FOUND:
    case RC_LIMITED:
    case RC_UNAVAILABLE:
    case RC_REJECTED:
    case RC_BUG:
        run_event(r, FLOW_AGAIN, NULL, err->retry_after_ms);
        break;
    }
    if (rc != RC_OK)
        log_failure("run.store_failed", err);
}

static struct tiktok_chunk_plan plan_of(const struct run *r)
{
    const struct job_attempt *a = &r->facts.attempt;
    struct tiktok_chunk_plan plan = {.size = 1, .chunk_size = 1, .count = 1};
    struct err err;

    if (a->state >= ATTEMPT_READY && a->state <= ATTEMPT_PROCESSING && a->chunk_size > 0)
        return (struct tiktok_chunk_plan){.size = a->bytes_total,
                                          .chunk_size = a->chunk_size,
                                          .count = a->bytes_total / a->chunk_size};
    if (tiktok_chunk_plan(r->facts.media_bytes, &plan, &err) != RC_OK)
        log_failure("run.no_plan", &err);
    return plan;
}

static enum flow_session session_of(const struct job_facts *f)
{
    if (f->granted != 0)
        return f->attempt.state == ATTEMPT_PROCESSING ? FLOW_SESSION_SENT
                                                      : FLOW_SESSION_GRANTED;
    return f->attempt.state == ATTEMPT_READY ? FLOW_SESSION_READY : FLOW_SESSION_NONE;
}

struct flow_start run_flow_start(const struct run *r)
{
    const struct job_facts *f = &r->facts;

    return (struct flow_start){
        .plan = plan_of(r),
        .due_ms = f->due_ms,
        .give_up_ms = f->due_ms + f->expire_after_ms,
        .granted_ms = f->attempt.created_ms,
        .session = session_of(f),
        .attempt_no = f->attempt_no,
        .fails = f->fails,
        .direct = f->direct,
    };
}

/* --- life ------------------------------------------------------------------------ */

static void free_run(struct run *r)
{
    timer_stop(&r->p->timers, &r->timer);
    list_remove(&r->p->runs, &r->node);
    io_close(&r->file);
    job_facts_release(&r->facts);
    explicit_bzero(&r->session, sizeof(r->session));
    explicit_bzero(r->token, sizeof(r->token));
    free(r);
}

static void drop(struct run *r)
{
    if (r->http_id != 0)
        http_cancel(r->p->http, r->http_id);
    r->http_id = 0;
    if (r->on_thread)
        r->dropped = true;
    else
        free_run(r);
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
        if (post_ids == NULL || named(r, post_ids, n)) {
            log_info("run.dropped", "post=%" PRIu64 " fence=%" PRIu64, r->ref.post_id,
                     r->ref.fence);
            drop(r);
        }
    }
}

void run_drop_all(struct publisher *p)
{
    drop_where(p, NULL, 0);
}

void run_drop(struct publisher *p, const uint64_t *post_ids, size_t n)
{
    drop_where(p, post_ids, n);
}

bool run_has(const struct publisher *p, uint64_t post_id)
{
    for (const struct list_node *n = list_first(&p->runs); n != NULL;
         n = list_next(&p->runs, n)) {
        const struct run *r = LIST_ENTRY(n, const struct run, node);

        if (r->ref.post_id == post_id)
            return true;
    }
    return false;
}

/* A run that only polls holds no slot: TikTok may take an hour over a video. */
static bool holds_slot(const struct run *r)
{
    return !r->flow.sent;
}

size_t run_room(const struct publisher *p)
{
    size_t busy = 0;

    for (const struct list_node *n = list_first(&p->runs); n != NULL;
         n = list_next(&p->runs, n))
        busy += holds_slot(LIST_ENTRY(n, const struct run, node)) ? 1 : 0;
    return busy < (size_t)p->settings->in_flight ? (size_t)p->settings->in_flight - busy
                                                 : 0;
}

/* --- doing what the flow says ------------------------------------------------------ */

static void on_done(struct pool_work *w)
{
    struct run *r = (struct run *)(void *)w;

    r->on_thread = false;
    if (r->dropped)
        free_run(r);
    else
        run_advance(r);
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

/* creator_info and status have a rate window of their own, kept in Redis. */
static bool is_rationed(enum flow_do what)
{
    return what == FLOW_DO_CREATOR || what == FLOW_DO_STATUS;
}

static void make_call(struct run *r)
{
    if (!run_send(r))
        run_advance(r);
}

static void perform(struct run *r)
{
    enum flow_do what = r->action.what;

    if (what == FLOW_DO_END) {
        free_run(r);
        return;
    }
    if (!lease_valid(r->p->lease)) { /* whoever holds the lease next goes on */
        log_warn("run.no_lease", "post=%" PRIu64 " doing=%s", r->ref.post_id,
                 flow_do_name(what));
        drop(r);
        return;
    }
    if (what == FLOW_DO_WAIT) {
        run_event(r, FLOW_OK, NULL, 0);
        run_advance(r);
        return;
    }
    if (is_call(what) && !is_rationed(what))
        make_call(r);
    else
        submit(r, r->p->store, run_on_store);
}

static void on_time(void *arg)
{
    perform((struct run *)arg);
}

/* Starts the action, now or at its time. */
static void begin(struct run *r)
{
    struct publisher *p = r->p;

    if (p->stopping && flow_may_stop(r->action.what))
        r->action = flow_stop(&r->flow);
    r->timer.fire = on_time;
    r->timer.arg = r;
    if (r->action.at_ms > lease_now_ms(p->lease))
        publisher_timer_at(p, &r->timer, r->action.at_ms);
    else
        perform(r);
}

static void log_step(const struct run *r, enum flow_do done)
{
    static const char *const whats[] = {[FLOW_OK] = "ok",
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

    log_info("run.step",
             "post=%" PRIu64 " attempt=%u fence=%" PRIu64 " inc=%" PRIu64
             " did=%s how=%s next=%s reason=%s publish_id=%s log_id=%s",
             r->ref.post_id, r->flow.start.attempt_no, r->ref.fence, r->ref.inc,
             flow_do_name(done), whats[r->ev.what], flow_do_name(r->action.what),
             r->action.reason, r->session.publish_id, r->log_id);
}

static void decide(struct run *r)
{
    enum flow_do done = r->action.what;

    r->ev.now_ms = lease_now_ms(r->p->lease);
    r->ev.jitter = publisher_jitter();
    r->action = flow_step(&r->flow, &r->ev);
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
        make_call(r);
        break;
    case RUN_REFRESH:
        submit(r, r->p->tasks, run_on_task);
        break;
    case RUN_REPEAT:
        r->action.force = false;
        perform(r);
        break;
    }
}

/* The first load after a claim has ended. */
static void on_loaded(struct pool_work *w)
{
    struct run *r = (struct run *)(void *)w;
    int64_t now_ms = lease_now_ms(r->p->lease);

    r->on_thread = false;
    if (r->dropped || r->ev.what == FLOW_LOST) {
        free_run(r);
        return;
    }
    if (r->ev.what != FLOW_LOADED) { /* the database is away: its lease brings it back */
        log_warn("run.not_loaded", "post=%" PRIu64, r->ref.post_id);
        free_run(r);
        return;
    }
    r->action = flow_begin(&r->flow, &r->ev.start, now_ms);
    log_step(r, FLOW_DO_RELOAD);
    begin(r);
}

void run_start(struct publisher *p, const struct job_claimed *claimed, uint64_t inc)
{
    struct run *r = xcalloc(1, sizeof(*r));

    r->p = p;
    r->file = -1;
    r->account_id = claimed->account_id;
    r->crashed_often = claimed->crashes >= JOB_CRASHES_MAX;
    r->ref = (struct job_ref){.post_id = claimed->post_id,
                              .workspace_id = claimed->workspace_id,
                              .fence = claimed->fence,
                              .inc = inc};
    list_push(&p->runs, &r->node);
    r->action.what = FLOW_DO_RELOAD;
    r->action.reason = "";
    r->on_thread = true;
    r->work.run = run_on_store;
    r->work.done = on_loaded;
    pool_submit(p->store, &r->work);
}

void run_stop_all(struct publisher *p)
{
    struct list_node *node = list_first(&p->runs);

    while (node != NULL) {
        struct run *r = LIST_ENTRY(node, struct run, node);

        node = list_next(&p->runs, node);
        if (!r->on_thread && r->http_id == 0 && r->timer.place != 0) {
            timer_stop(&p->timers, &r->timer);
            begin(r);
        }
    }
}
