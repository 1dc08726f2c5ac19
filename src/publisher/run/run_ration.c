/* The account's window of INIT calls: Redis keeps it, or the ledger. */
#include "../upkeep/restore.h"
#include "core/log.h"
#include "core/meter.h"
#include "run_priv.h"
#include "store/jobs.h"

enum { BY_LEDGER = 1 }; /* as what Redis has counted a claim that it does not know */

/* The first INIT of a claim moves from where it was counted to now. */
static struct queue_hint init_of(const struct run *r)
{
    struct queue_hint call = {.account_id = r->account_id};

    if (r->inits == 0)
        call.counted_ms = r->counted.at_ms != 0 ? r->counted.at_ms : BY_LEDGER;
    return call;
}

/* Without Redis the ledger says whether it may be made. */
static void pass_by_ledger(struct run *r, const struct pool_kit *kit)
{
    const struct job_call call = {.ref = &r->ref,
                                  .account_id = r->account_id,
                                  .no = r->flow.start.attempt_no,
                                  .window_ms = QUEUE_WINDOW_MS,
                                  .limit = QUEUE_INIT_LIMIT};
    int64_t wait_ms = 0;
    struct err err;
    enum rc rc = job_init_pass(kit->db, &call, &wait_ms, &err);

    if (rc == RC_CONFLICT) {
        run_event(r, FLOW_LOST, NULL, 0);
    } else if (rc != RC_OK) { /* nothing was written */
        if (!r->store_failed)
            log_failure("run.store_failed", &err);
        r->store_failed = true;
        run_delay(r, RUN_DELAY_STORE_MS);
    } else if (wait_ms > 0) {
        meter_span(METER_WINDOW_WAIT, wait_ms);
        run_delay(r, wait_ms);
    } else {
        meter_add(METER_LEDGER_RATIONED, 1);
        atomic_store(&r->p->redis_unaware, true);
        r->next = RUN_CALL;
    }
}

/* Redis does not know, or not for sure, what calls were made: whoever notices first tells
 * it. */
static void restore_first(struct run *r, const struct pool_kit *kit)
{
    struct err err;

    (void)run_hint_failed(restore_windows(kit, &err), &err);
    run_delay(r, RUN_RESTORE_MS);
}

void run_ration_init(struct run *r, const struct pool_kit *kit)
{
    struct queue_hint call = init_of(r);
    struct queue_passed passed = {0};
    struct err err;
    enum rc rc = restore_own_up(&r->p->redis_unaware, kit->redis, &err);

    if (rc == RC_OK)
        rc = queue_init_pass(kit->redis, &call, &passed, &err);
    if (run_hint_failed(rc, &err)) {
        pass_by_ledger(r, kit);
    } else if (!passed.known) {
        restore_first(r, kit);
    } else if (passed.wait_ms > 0) {
        meter_span(METER_WINDOW_WAIT, passed.wait_ms);
        run_delay(r, passed.wait_ms);
    } else {
        r->counted = (struct run_counted){call.counted_ms, publisher_mono_ms()};
        r->next = RUN_CALL;
    }
}

/* An INIT that was long on its way may have reached TikTok late, and counts there from
 * then on. */
void run_recount(struct run *r, const struct pool_kit *kit)
{
    struct queue_hint call = {.account_id = r->account_id,
                              .counted_ms = r->counted.at_ms};
    struct queue_passed ignored;
    struct err err;

    if (r->recount)
        (void)run_hint_failed(queue_init_pass(kit->redis, &call, &ignored, &err), &err);
    r->recount = false;
}
