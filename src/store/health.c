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
        rc = job_sweep(db, 0, JOB_SHARDS - 1, HEALTH_LATE_MS, hints, &late.n, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < late.n; i++) {
        if (late.oldest_ms == 0 || hints[i].next_at_ms < late.oldest_ms)
            late.oldest_ms = hints[i].next_at_ms;
    }
    *out = late;
    return RC_OK;
}

/* --- figures --------------------------------------------------------------------------
 */

struct counting {
    struct health_stats *stats;
    int state;
    uint64_t n;
};

static enum rc one_state(void *ctx, struct err *err)
{
    const struct counting *c = ctx;

    (void)err;
    if (c->state >= 0 && c->state < HEALTH_STATES)
        c->stats->jobs[c->state] = c->n;
    return RC_OK;
}

static enum rc count_jobs(struct db *db, struct health_stats *stats, struct err *err)
{
    struct counting c = {.stats = stats};
    const struct sql_col cols[] = {COL_INT(&c.state), COL_U64(&c.n)};
    const struct db_rows rows = {one_state, &c};

    return db_each(db, "SELECT state, COUNT(*) FROM job GROUP BY state", SQL_NONE,
                   SQL_COLS(cols), rows, err);
}

enum rc health_stats(struct db *db, struct health_stats *out, struct err *err)
{
    struct health_stats s = {0};
    const struct sql_col cols[] = {
        COL_U64(&s.workspaces), COL_U64(&s.users),         COL_U64(&s.sessions),
        COL_U64(&s.tokens),     COL_U64(&s.accounts),      COL_U64(&s.accounts_broken),
        COL_U64(&s.media),      COL_U64(&s.media_waiting), COL_I64(&s.media_bytes),
        COL_U64(&s.uploads),    COL_U64(&s.tasks),
    };
    bool found;
    enum rc rc = db_row(
        db,
        "SELECT (SELECT COUNT(*) FROM workspace), (SELECT COUNT(*) FROM user),"
        " (SELECT COUNT(*) FROM session WHERE expires_at > " SQL_NOW
        " AND idle_expires_at > " SQL_NOW "),"
        " (SELECT COUNT(*) FROM api_token WHERE revoked_at IS NULL"
        " AND expires_at > " SQL_NOW "),"
        " (SELECT COUNT(*) FROM account WHERE status = 1),"
        " (SELECT COUNT(*) FROM account WHERE status = 2),"
        " (SELECT COUNT(*) FROM media WHERE state <> 4),"
        " (SELECT COUNT(*) FROM media WHERE state = 1),"
        " (SELECT CAST(COALESCE(SUM(bytes), 0) AS SIGNED) FROM media WHERE state <> 4),"
        " (SELECT COUNT(*) FROM upload WHERE state = 1),"
        " (SELECT COUNT(*) FROM task WHERE state IN (1, 2))",
        SQL_NONE, SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        rc = count_jobs(db, &s, err);
    if (rc == RC_OK)
        *out = s;
    return rc;
}

struct listing {
    struct health_process process;
    health_process_fn each;
    void *ctx;
};

static enum rc one_process(void *ctx, struct err *err)
{
    const struct listing *l = ctx;

    (void)err;
    l->each(l->ctx, &l->process);
    return RC_OK;
}

enum rc health_processes(struct db *db, health_process_fn each, void *ctx,
                         struct err *err)
{
    struct listing l = {.each = each, .ctx = ctx};
    const struct sql_col cols[] = {
        COL_U64(&l.process.inc), COL_TEXT(l.process.host), COL_U64(&l.process.pid),
        COL_I64(&l.process.started_ms), COL_I64(&l.process.left_ms)};
    const struct db_rows rows = {one_process, &l};

    return db_each(db,
                   "SELECT inc, host, pid, started_at, lease_until - " SQL_NOW
                   " FROM publisher WHERE lease_until > " SQL_NOW " ORDER BY inc",
                   SQL_NONE, SQL_COLS(cols), rows, err);
}
