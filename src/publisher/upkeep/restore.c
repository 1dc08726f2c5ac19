#include "restore.h"

#include "core/log.h"
#include "core/meter.h"
#include "core/xalloc.h"
#include "queue/queue.h"
#include "store/jobs.h"

/* What this process restores of which group. */
struct restoring {
    struct queue_restore groups[QUEUE_GROUPS];
    bool any, all;
};

static enum rc begin(struct redis *redis, struct restoring *r, struct err *err)
{
    enum rc rc = RC_OK;

    for (unsigned g = 0; g < QUEUE_GROUPS && rc == RC_OK; g++) {
        rc = queue_restore_begin(redis, g, QUEUE_SETTLE_MS, &r->groups[g], err);
        r->any = r->any || r->groups[g].mine;
    }
    return rc;
}

static enum rc end(struct redis *redis, struct restoring *r, struct err *err)
{
    enum rc rc = RC_OK;

    r->all = true;
    for (unsigned g = 0; g < QUEUE_GROUPS && rc == RC_OK; g++) {
        bool done = true;

        if (r->groups[g].mine)
            rc = queue_restore_end(redis, g, &r->groups[g], &done, err);
        r->all = r->all && done;
    }
    return rc;
}

/* The calls of one account, which stand together. Answers where the next one's begin. */
static size_t tell_one(struct redis *redis, const struct job_inits *calls, size_t i,
                       enum rc *rc, struct err *err)
{
    struct queue_call of[QUEUE_INIT_LIMIT];
    uint64_t account = calls->calls[i].account_id;
    size_t n = 0;

    for (; i < calls->len && calls->calls[i].account_id == account; i++) {
        if (n < QUEUE_INIT_LIMIT)
            of[n++] =
                (struct queue_call){calls->calls[i].age_ms, calls->calls[i].to_come};
    }
    *rc = queue_restore_calls(redis, account, of, n, err);
    return i;
}

static enum rc tell(const struct pool_kit *kit, const struct restoring *r,
                    struct job_inits *calls, struct err *err)
{
    enum rc rc = job_recent_inits(kit->db, QUEUE_WINDOW_MS, calls, err);
    size_t i = 0;

    while (i < calls->len && rc == RC_OK) {
        if (r->groups[queue_group(calls->calls[i].account_id)].mine)
            i = tell_one(kit->redis, calls, i, &rc, err);
        else
            i++;
    }
    return rc;
}

/* Another holder was faster, or something else lies there: that is not ours to judge. */
static enum rc witness(struct redis *redis, const struct job_granted *granted,
                       struct err *err)
{
    const struct queue_witness w = {granted->post_id, granted->account_id};
    char holder[QUEUE_WITNESS_SIZE];
    enum rc rc = queue_witness_take(redis, &w, granted->publish_id, holder, err);

    return rc == RC_UNAVAILABLE ? rc : RC_OK;
}

/* A database that is set back after Redis has forgotten would find no witness of what is
 * out. */
static enum rc tell_witnesses(const struct pool_kit *kit, const struct restoring *r,
                              size_t *told, struct err *err)
{
    struct job_granted *page = xcalloc(JOB_SWEEP_MAX, sizeof(*page));
    uint64_t after = 0;
    size_t len = JOB_SWEEP_MAX;
    enum rc rc = RC_OK;

    *told = 0;
    while (rc == RC_OK && len == JOB_SWEEP_MAX) {
        rc = job_granted_now(kit->db, after, page, &len, err);
        for (size_t i = 0; i < len && rc == RC_OK; i++) {
            after = page[i].post_id;
            if (!r->groups[queue_group(page[i].account_id)].mine)
                continue;
            rc = witness(kit->redis, &page[i], err);
            ++*told;
        }
    }
    free(page);
    return rc;
}

enum rc restore_windows(const struct pool_kit *kit, struct err *err)
{
    struct restoring r = {.any = false};
    struct job_inits *calls;
    size_t witnesses = 0;
    enum rc rc = begin(kit->redis, &r, err);

    if (rc != RC_OK || !r.any)
        return rc;
    calls = xcalloc(1, sizeof(*calls));
    rc = tell(kit, &r, calls, err);
    if (rc == RC_OK)
        rc = tell_witnesses(kit, &r, &witnesses, err);
    if (rc == RC_OK)
        rc = end(kit->redis, &r, err);
    if (rc == RC_OK && r.all) {
        meter_add(METER_WINDOWS_RESTORED, 1);
        log_info("restore.windows", "calls=%zu witnesses=%zu", calls->len, witnesses);
    }
    free(calls);
    return rc;
}

enum rc restore_own_up(atomic_bool *unaware, struct redis *redis, struct err *err)
{
    enum rc rc = RC_OK;

    if (atomic_exchange(unaware, false))
        rc = queue_doubt(redis, err);
    if (rc != RC_OK)
        atomic_store(unaware, true);
    return rc;
}
