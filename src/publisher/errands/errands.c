#include "errands.h"

#include "../lease.h"
#include "../nap.h"
#include "../tokens/tokens.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "errand.h"
#include "queue/queue.h"
#include "store/tasks.h"

#include <inttypes.h>
#include <string.h>

enum {
    LOOK_MS = 1000,  /* between looks when no hint comes */
    STORE_TRIES = 8, /* of storing an end, TOKENS_STORE_MS apart */
};

struct errands {
    struct pool_work work; /* first, so that the work is this */
    struct publisher *p;
    struct timer timer;
    bool looking, woken;
    size_t running;

    /* Of the look under way. */
    uint64_t inc;
    size_t max;
    struct task found[PUBLISHER_TASK_THREADS];
    size_t found_len;
    enum rc rc;
    struct err err;
};

/* A task on its thread. */
struct job {
    struct pool_work work; /* first */
    struct errands *es;
    struct task task;
    uint64_t inc;
};

/* --- one task, on a task's thread ---------------------------------------------- */

static enum rc do_errand(struct errand *e, struct err *err)
{
    switch (e->task->kind) {
    case TASK_EXCHANGE_CODE:
        return errand_connect(e, err);
    case TASK_CREATOR_INFO:
        return errand_creator(e, err);
    case TASK_REFRESH_TOKEN:
        return errand_refresh(e, err);
    case TASK_REVOKE:
        return errand_revoke(e, err);
    case TASK_SEND_MAIL:
        break;
    }
    return err_set(err, RC_BUG, "unknown_task",
                   "This version does not know the kind of task.");
}

static enum rc store_end(const struct errand *e, enum rc rc, const struct err *why,
                         struct err *err)
{
    if (rc == RC_OK)
        return task_finish(e->kit->db, e->task, e->inc, e->out->buf, err);
    if (e->retry_ms > 0)
        return task_retry(e->kit->db, e->task, e->inc, e->retry_ms, err);
    return task_fail(e->kit->db, e->task, e->inc, why->code, why->msg, err);
}

/* Stores the end, and wakes who waits for it. */
static void conclude(const struct errand *e, enum rc rc, const struct err *why)
{
    struct err err;
    enum rc stored = store_end(e, rc, why, &err);

    for (int i = 1;
         i < STORE_TRIES && (stored == RC_UNAVAILABLE || stored == RC_UNCERTAIN) &&
         calls_open(e->p->calls);
         i++) {
        nap(TOKENS_STORE_MS);
        stored = store_end(e, rc, why, &err);
    }
    if (stored != RC_OK)
        log_failure("task.not_stored", &err);
    if (stored == RC_OK && (rc == RC_OK || e->retry_ms == 0) &&
        queue_task_done(e->kit->redis, e->task->id, &err) != RC_OK)
        log_debug("task.not_announced", "%s", ""); /* who waits looks by itself as well */
}

static void run_job(struct pool_work *w, const struct pool_kit *kit)
{
    struct job *j = (struct job *)(void *)w;
    struct strbuf out;
    struct errand e = {
        .p = j->es->p, .kit = kit, .task = &j->task, .inc = j->inc, .out = &out};
    struct err err = {0};
    enum rc rc;

    log_context("task=%" PRIu64 " kind=%d account=%" PRIu64, j->task.id,
                (int)j->task.kind, j->task.account_id);
    FAULT_POINT("task.begin");
    strbuf_init(&out, TASK_RESULT_MAX);
    rc = do_errand(&e, &err);
    if (rc == RC_OK && strbuf_failed(&out))
        rc = err_set(&err, RC_BUG, "result_too_long", "The answer is too long.");
    if (rc == RC_OK)
        log_info("task.done", "%s", "");
    else
        log_failure(e.retry_ms > 0 ? "task.put_off" : "task.failed", &err);
    FAULT_POINT("task.before_end");
    conclude(&e, rc, &err);
    if (e.avatar_url[0] != '\0')
        avatar_copy(e.p, e.avatar_account, e.avatar_url);
    strbuf_release(&out);
    log_context("%s", "");
}

/* --- looking ------------------------------------------------------------------- */

static void look_after(struct errands *es, int64_t after_ms)
{
    timer_set(&es->p->timers, &es->timer, publisher_mono_ms() + after_ms);
}

static void job_done(struct pool_work *w)
{
    struct job *j = (struct job *)(void *)w;
    struct errands *es = j->es;

    task_release(&j->task);
    free(j);
    es->running--;
    errands_wake(es); /* there may have been more than threads */
}

static void look(struct pool_work *w, const struct pool_kit *kit)
{
    struct errands *es = (struct errands *)(void *)w;

    es->found_len = 0;
    es->rc = task_claim(kit->db, es->inc, es->found, es->max, &es->found_len, &es->err);
}

static void looked(struct pool_work *w)
{
    struct errands *es = (struct errands *)(void *)w;

    es->looking = false;
    if (es->rc != RC_OK && es->rc != RC_UNAVAILABLE)
        log_failure("task.claim_failed", &es->err);
    for (size_t i = 0; i < es->found_len; i++) {
        struct job *j = xcalloc(1, sizeof(*j));

        j->es = es;
        j->task = es->found[i];
        j->inc = es->inc;
        j->work.run = run_job;
        j->work.done = job_done;
        es->running++;
        pool_submit(es->p->tasks, &j->work);
    }
    look_after(es, es->woken ? 0 : LOOK_MS);
    es->woken = false;
}

static void on_timer(void *arg)
{
    struct errands *es = (struct errands *)arg;

    if (es->p->stopping || es->looking)
        return;
    if (!lease_valid(es->p->lease) || es->running >= PUBLISHER_TASK_THREADS) {
        look_after(es, LOOK_MS); /* the end of one wakes us sooner */
        return;
    }
    es->looking = true;
    es->inc = lease_inc(es->p->lease);
    es->max = PUBLISHER_TASK_THREADS - es->running;
    es->work.run = look;
    es->work.done = looked;
    pool_submit(es->p->store, &es->work);
}

void errands_wake(struct errands *es)
{
    es->woken = es->looking;
    if (!es->looking)
        look_after(es, 0);
}

size_t errands_busy(const struct errands *es)
{
    return es->running + (es->looking ? 1 : 0);
}

struct errands *errands_new(struct publisher *p)
{
    struct errands *es = xcalloc(1, sizeof(*es));

    es->p = p;
    es->timer.fire = on_timer;
    es->timer.arg = es;
    look_after(es, 0);
    return es;
}

void errands_free(struct errands *es)
{
    free(es);
}
