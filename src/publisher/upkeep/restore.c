#include "restore.h"

#include "core/log.h"
#include "core/xalloc.h"
#include "queue/queue.h"
#include "store/jobs.h"

static enum rc begin(struct redis *redis, bool mine[QUEUE_GROUPS], bool *any,
                     struct err *err)
{
    enum rc rc = RC_OK;

    *any = false;
    for (unsigned g = 0; g < QUEUE_GROUPS && rc == RC_OK; g++) {
        rc = queue_restore_begin(redis, g, &mine[g], err);
        *any = *any || mine[g];
    }
    return rc;
}

static enum rc end(struct redis *redis, const bool mine[QUEUE_GROUPS], struct err *err)
{
    enum rc rc = RC_OK;

    for (unsigned g = 0; g < QUEUE_GROUPS && rc == RC_OK; g++) {
        if (mine[g])
            rc = queue_restore_end(redis, g, err);
    }
    return rc;
}

static enum rc tell(const struct pool_kit *kit, const bool mine[QUEUE_GROUPS],
                    struct job_inits *calls, struct err *err)
{
    enum rc rc = job_recent_inits(kit->db, QUEUE_WINDOW_MS, calls, err);

    for (size_t i = 0; i < calls->len && rc == RC_OK; i++) {
        if (mine[queue_group(calls->calls[i].account_id)])
            rc = queue_restore_init(kit->redis, calls->calls[i].account_id,
                                    calls->calls[i].age_ms, err);
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
static enum rc tell_witnesses(const struct pool_kit *kit, const bool mine[QUEUE_GROUPS],
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
            if (!mine[queue_group(page[i].account_id)])
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
    bool mine[QUEUE_GROUPS] = {false};
    struct job_inits *calls;
    size_t witnesses = 0;
    bool any;
    enum rc rc = begin(kit->redis, mine, &any, err);

    if (rc != RC_OK || !any)
        return rc;
    calls = xcalloc(1, sizeof(*calls));
    rc = tell(kit, mine, calls, err);
    if (rc == RC_OK)
        rc = tell_witnesses(kit, mine, &witnesses, err);
    if (rc == RC_OK)
        rc = end(kit->redis, mine, err);
    if (rc == RC_OK)
        log_info("restore.windows", "calls=%zu witnesses=%zu", calls->len, witnesses);
    free(calls);
    return rc;
}
