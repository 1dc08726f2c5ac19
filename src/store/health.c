#include "store/health.h"

#include "stmt.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/notifications.h"
#include "store/publishers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    /* An account with so many calls for sessions in its last minute waits for its rate
     * window: one fewer than TikTok's six for each time the window was narrowed, and some
     * room. */
    SERVED_MIN = 4,
    SERVED_MS = 71000, /* the window, and until the next claim shows */
    NEAR_MS =
        7 * 86400000, /* sessions of the last minute belong to posts due around now */
    WORKSPACES_MAX = 50,
    HOUR_MS = 3600000,
};

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

/* --- overdue ------------------------------------------------------------------------ */

/* The overdue posts of one account. */
struct group {
    uint64_t account_id, workspace_id, post_id;
    int64_t n, oldest_ms;
};

struct groups {
    struct group next;
    struct group found[JOB_SWEEP_MAX];
    size_t n;
};

static enum rc add_group(void *ctx, struct err *err UNUSED)
{
    struct groups *g = ctx;

    g->found[g->n++] = g->next;
    return RC_OK;
}

/* The first post stands for those of its account. */
static enum rc find_groups(struct db *db, int64_t now_ms, struct groups *g,
                           struct err *err)
{
    const struct sql_arg args[] = {sql_i64(now_ms - HEALTH_LATE_MS),
                                   sql_i64(now_ms - HEALTH_LATE_MS),
                                   sql_i64(JOB_SWEEP_MAX)};
    const struct sql_col cols[] = {
        COL_U64(&g->next.account_id), COL_U64(&g->next.workspace_id),
        COL_U64(&g->next.post_id), COL_I64(&g->next.n), COL_I64(&g->next.oldest_ms)};

    g->n = 0;
    return db_each(db,
                   "SELECT account_id, workspace_id, MIN(post_id), COUNT(*), MIN(since)"
                   " FROM (SELECT account_id, workspace_id, post_id,"
                   " GREATEST(next_at, due_at) AS since FROM job"
                   " WHERE next_at <= ? AND due_at <= ? AND state IN (1, 2, 3)"
                   " ORDER BY next_at LIMIT ?) late GROUP BY account_id, workspace_id",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_group, g}, err);
}

/* A video that TikTok fetches can cost its account two calls: one counted when it is
 * taken up, one when it is announced. */
static enum rc is_served(struct db *db, uint64_t account_id, int64_t now_ms, bool *served,
                         struct err *err)
{
    const struct sql_arg args[] = {sql_u64(account_id), sql_i64(now_ms - NEAR_MS),
                                   sql_i64(now_ms + NEAR_MS),
                                   sql_i64(now_ms - SERVED_MS)};
    int64_t n = 0;
    const struct sql_col cols[] = {COL_I64(&n)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT CAST(SUM(IF(t.method = 2 AND p.kind = 1, 2, 1)) AS"
                        " SIGNED) FROM job j JOIN attempt t"
                        " ON t.post_id = j.post_id AND t.attempt_no = j.attempt_no"
                        " JOIN post p ON p.workspace_id = j.workspace_id"
                        " AND p.post_id = j.post_id"
                        " WHERE j.account_id = ? AND j.due_at BETWEEN ? AND ?"
                        " AND t.created_at > ?",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        *served = n >= SERVED_MIN;
    return rc;
}

/* Those whose posts wait for more than their rate window. */
static enum rc find_late(struct db *db, int64_t now_ms, struct groups *g, struct err *err)
{
    enum rc rc = find_groups(db, now_ms, g, err);
    size_t kept = 0;

    for (size_t i = 0; i < g->n && rc == RC_OK; i++) {
        bool served = false;

        rc = is_served(db, g->found[i].account_id, now_ms, &served, err);
        if (!served)
            g->found[kept++] = g->found[i];
    }
    g->n = kept;
    return rc;
}

enum rc health_late(struct db *db, struct health_late *out, struct err *err)
{
    struct groups g;
    struct health_late late = {0};
    enum rc rc = db_now(db, &late.now_ms, err);

    if (rc == RC_OK)
        rc = find_late(db, late.now_ms, &g, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < g.n; i++) {
        late.n += (size_t)g.found[i].n;
        if (late.oldest_ms == 0 || g.found[i].oldest_ms < late.oldest_ms)
            late.oldest_ms = g.found[i].oldest_ms;
    }
    *out = late;
    return RC_OK;
}

/* --- figures ------------------------------------------------------------------- */

static enum rc count(struct db *db, const char *sql, struct sql_args args, int64_t *n,
                     struct err *err)
{
    int64_t got = 0;
    const struct sql_col cols[] = {COL_I64(&got)};
    bool found = false;
    enum rc rc = db_row(db, sql, args, SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        *n = got;
    return rc;
}

enum rc health_due(struct db *db, int64_t *n, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(HEALTH_DUE_MAX)};

    return count(db,
                 "SELECT COUNT(*) FROM (SELECT 1 FROM job WHERE next_at <= " SQL_NOW
                 " AND state IN (1, 2, 3) LIMIT ?) due",
                 SQL_ARGS(args), n, err);
}

/* A server that can do it has both; one that cannot has neither. */
enum rc health_semi_sync(struct db *db, enum health_sync *out, struct err *err)
{
    int64_t wanted = 0, on = 0;
    enum rc rc = count(db,
                       "SELECT COUNT(*) FROM information_schema.GLOBAL_VARIABLES"
                       " WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_MASTER_ENABLED'"
                       " AND VARIABLE_VALUE = 'ON'",
                       SQL_NONE, &wanted, err);

    if (rc == RC_OK && wanted > 0)
        rc = count(db,
                   "SELECT COUNT(*) FROM information_schema.GLOBAL_STATUS"
                   " WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_MASTER_STATUS'"
                   " AND VARIABLE_VALUE = 'ON'",
                   SQL_NONE, &on, err);
    if (rc == RC_OK)
        *out = wanted == 0 ? HEALTH_SYNC_NONE
               : on > 0    ? HEALTH_SYNC_ON
                           : HEALTH_SYNC_FALLEN;
    return rc;
}

/* --- publishers ---------------------------------------------------------------- */

enum rc health_publishers(struct db *db, struct health_publishers *out, struct err *err)
{
    struct health_publishers p = {0};
    const struct sql_arg args[] = {sql_i64(PUBLISHER_LEASE_MS - HEALTH_BEAT_MS)};
    const struct sql_col cols[] = {COL_I64(&p.alive), COL_I64(&p.paused),
                                   COL_TEXT(p.pause_reason)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT COUNT(*), SUM(pause_reason <> ''), MAX(pause_reason)"
                        " FROM publisher WHERE lease_until >= " SQL_NOW " + ?",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        *out = p;
    return rc;
}

/* --- the alarm ----------------------------------------------------------------- */

static enum rc tell(struct db *db, const struct group *g, int64_t now_ms, struct err *err)
{
    char cause[NOTIFICATION_CAUSE_MAX + 1];
    const struct event e = {
        .workspace_id = g->workspace_id, .post_id = g->post_id, .kind = EVENT_OVERDUE};
    const struct notification n = {
        .workspace_id = g->workspace_id, .kind = NOTICE_OVERDUE, .cause = cause};
    bool added = false;
    enum rc rc;

    (void)snprintf(cause, sizeof(cause), "overdue:%" PRId64, now_ms / HOUR_MS);
    rc = notification_add_new(db, &n, &added, err);
    return rc == RC_OK && added ? event_add(db, &e, err) : rc;
}

static bool was_told(const struct groups *g, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (g->found[k].workspace_id == g->found[i].workspace_id)
            return true;
    }
    return false;
}

static enum rc alarm_steps(struct db *db, void *ctx, struct err *err)
{
    int64_t *told = ctx;
    struct groups g;
    int64_t now_ms = 0;
    enum rc rc = db_now(db, &now_ms, err);

    *told = 0;
    if (rc == RC_OK)
        rc = find_late(db, now_ms, &g, err);
    for (size_t i = 0; rc == RC_OK && i < g.n && *told < WORKSPACES_MAX; i++) {
        if (was_told(&g, i))
            continue;
        rc = tell(db, &g.found[i], now_ms, err);
        ++*told;
    }
    return rc;
}

enum rc health_alarm(struct db *db, int64_t *n, struct err *err)
{
    int64_t told = 0;
    enum rc rc = db_transaction(db, alarm_steps, &told, err);

    if (rc == RC_OK)
        *n = told;
    return rc;
}
