#include "store/health.h"

#include "stmt.h"
#include "store/jobs.h"

enum rc health_schema(struct db *db, int64_t *version, struct err *err)
{
    int64_t newest = 0;
    const struct sql_col cols[] = {COL_I64(&newest)};
    bool found;
    enum rc rc = db_row(db, "SELECT MAX(version) FROM schema_version", SQL_NONE,
                        SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        *version = newest;
    return rc;
}

enum rc health_late(struct db *db, struct health_late *out, struct err *err)
{
    struct job_hint hints[JOB_SWEEP_MAX];
    struct health_late late = {0};
    enum rc rc = db_now(db, &late.now_ms, err);

    if (rc == RC_OK)
        rc = job_sweep(db, (struct job_shards){0, JOB_SHARDS - 1}, HEALTH_LATE_MS, hints,
                       &late.n, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < late.n; i++) {
        if (late.oldest_ms == 0 || hints[i].next_at_ms < late.oldest_ms)
            late.oldest_ms = hints[i].next_at_ms;
    }
    *out = late;
    return RC_OK;
}
