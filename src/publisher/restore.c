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

enum rc restore_windows(const struct pool_kit *kit, struct err *err)
{
    bool mine[QUEUE_GROUPS] = {false};
    struct job_inits *calls;
    bool any;
    enum rc rc = begin(kit->redis, mine, &any, err);

    if (rc != RC_OK || !any)
        return rc;
    calls = xcalloc(1, sizeof(*calls));
    rc = tell(kit, mine, calls, err);
    if (rc == RC_OK)
        rc = end(kit->redis, mine, err);
    if (rc == RC_OK)
        log_info("restore.windows", "calls=%zu", calls->len);
    free(calls);
    return rc;
}
