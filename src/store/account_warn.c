/* Warnings before TikTok's grants end. */
#include "stmt.h"
#include "store/account_tokens.h"
#include "store/events.h"
#include "store/notifications.h"

#include <inttypes.h>
#include <stdio.h>

enum { DAY_MS = 86400000, FAR_MS = 14 * DAY_MS, WARN_MAX = 100 };

struct grant {
    uint64_t account_id, workspace_id;
    int64_t ends_ms;
    int warned, stage;
};

struct grants {
    int64_t now_ms;
    struct grant next;
    struct grant found[WARN_MAX];
    size_t n;
};

static enum rc add_grant(void *ctx, struct err *err UNUSED)
{
    struct grants *g = ctx;

    g->next.stage = account_warning_due(g->next.ends_ms, g->next.warned, g->now_ms);
    if (g->next.stage != 0)
        g->found[g->n++] = g->next;
    return RC_OK;
}

/* Of each stage those come first that were warned of least, so that however many there
 * are, none is passed over. */
static enum rc find(struct db *db, struct grants *g, struct err *err)
{
    const struct sql_arg args[] = {
        sql_i64(ACCOUNT_CONNECTED), sql_i64(g->now_ms), sql_i64(g->now_ms + FAR_MS),
        sql_i64(g->now_ms),         sql_i64(DAY_MS),    sql_i64(WARN_MAX)};
    const struct sql_col cols[] = {COL_U64(&g->next.account_id),
                                   COL_U64(&g->next.workspace_id),
                                   COL_I64(&g->next.ends_ms), COL_INT(&g->next.warned)};

    return db_each(db,
                   "SELECT account_id, workspace_id, refresh_expires_at,"
                   " grant_warned_days FROM account WHERE status = ?"
                   " AND refresh_expires_at > ? AND refresh_expires_at <= ?"
                   " AND (grant_warned_days = 0 OR (refresh_expires_at - ?) / ? <="
                   " CASE WHEN grant_warned_days > 3 THEN 3 WHEN grant_warned_days > 1"
                   " THEN 1 ELSE 0 END) ORDER BY refresh_expires_at LIMIT ?",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_grant, g}, err);
}

/* A grant that was renewed is warned of anew. */
static enum rc forget(struct db *db, int64_t now_ms, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(now_ms + FAR_MS), sql_i64(WARN_MAX)};

    return db_exec(db,
                   "UPDATE account SET grant_warned_days = 0 WHERE grant_warned_days > 0"
                   " AND refresh_expires_at > ? LIMIT ?",
                   SQL_ARGS(args), NULL, err);
}

static enum rc mark(struct db *db, const struct grant *g, int64_t *rows, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(g->stage), sql_u64(g->account_id),
                                   sql_i64(g->ends_ms), sql_i64(g->warned)};

    return db_exec(db,
                   "UPDATE account SET grant_warned_days = ?, version = version + 1"
                   " WHERE account_id = ? AND refresh_expires_at = ?"
                   " AND grant_warned_days = ?",
                   SQL_ARGS(args), rows, err);
}

static enum rc tell(struct db *db, const struct grant *g, int64_t now_ms, struct err *err)
{
    char cause[NOTIFICATION_CAUSE_MAX + 1];
    const struct event e = {.workspace_id = g->workspace_id,
                            .account_id = g->account_id,
                            .kind = EVENT_ACCOUNT_GRANT_ENDING};
    const struct notification n = {.workspace_id = g->workspace_id,
                                   .kind = NOTICE_GRANT_ENDING,
                                   .account_id = g->account_id,
                                   .at_ms = g->ends_ms,
                                   .days =
                                       (int)((g->ends_ms - now_ms + DAY_MS - 1) / DAY_MS),
                                   .cause = cause};
    enum rc rc;

    (void)snprintf(cause, sizeof(cause), "grant:%" PRIu64 ":%d:%" PRId64, g->account_id,
                   g->stage, g->ends_ms);
    rc = notification_add(db, &n, err);
    return rc == RC_OK ? event_add(db, &e, err) : rc;
}

static enum rc warn_steps(struct db *db, void *ctx, struct err *err)
{
    int64_t *told = ctx;
    struct grants g = {.n = 0};
    enum rc rc = db_now(db, &g.now_ms, err);

    *told = 0;
    if (rc == RC_OK)
        rc = forget(db, g.now_ms, err);
    if (rc == RC_OK)
        rc = find(db, &g, err);
    for (size_t i = 0; i < g.n && rc == RC_OK; i++) {
        int64_t rows = 0;

        rc = mark(db, &g.found[i], &rows, err);
        if (rc == RC_OK && rows > 0) {
            rc = tell(db, &g.found[i], g.now_ms, err);
            ++*told;
        }
    }
    return rc;
}

enum rc account_grants_warn(struct db *db, int64_t *n, struct err *err)
{
    int64_t told = 0;
    enum rc rc = db_transaction(db, warn_steps, &told, err);

    if (rc == RC_OK)
        *n = told;
    return rc;
}
