#include "store/inspect.h"

#include "stmt.h"

/* --- figures ------------------------------------------------------------------- */

struct counting {
    struct inspect_stats *stats;
    int state;
    uint64_t n;
};

static enum rc one_state(void *ctx, struct err *err)
{
    const struct counting *c = ctx;

    (void)err;
    if (c->state >= 0 && c->state < INSPECT_STATES)
        c->stats->jobs[c->state] = c->n;
    return RC_OK;
}

static enum rc count_jobs(struct db *db, struct inspect_stats *stats, struct err *err)
{
    struct counting c = {.stats = stats};
    const struct sql_col cols[] = {COL_INT(&c.state), COL_U64(&c.n)};
    const struct db_rows rows = {one_state, &c};

    return db_each(db, "SELECT state, COUNT(*) FROM job GROUP BY state", SQL_NONE,
                   SQL_COLS(cols), rows, err);
}

enum rc inspect_stats(struct db *db, struct inspect_stats *out, struct err *err)
{
    struct inspect_stats s = {0};
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
    struct inspect_process process;
    inspect_process_fn each;
    void *ctx;
};

static enum rc one_process(void *ctx, struct err *err)
{
    const struct listing *l = ctx;

    (void)err;
    l->each(l->ctx, &l->process);
    return RC_OK;
}

enum rc inspect_processes(struct db *db, inspect_process_fn each, void *ctx,
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

/* --- one post ------------------------------------------------------------------ */

enum rc inspect_post(struct db *db, uint64_t post_id, struct inspect_post *out,
                     struct err *err)
{
    const struct sql_arg args[] = {sql_u64(post_id)};
    struct inspect_post p = {0};
    const struct sql_col cols[] = {
        COL_U64(&p.workspace_id), COL_TEXT(p.workspace),    COL_U64(&p.account_id),
        COL_TEXT(p.account),      COL_INT(&p.kind),         COL_INT(&p.mode),
        COL_INT(&p.state),        COL_I64(&p.due_ms),       COL_I64(&p.next_ms),
        COL_U64(&p.fence),        COL_U64(&p.owner),        COL_UINT(&p.attempt_no),
        COL_UINT(&p.granted),     COL_UINT(&p.fails),       COL_UINT(&p.crashes),
        COL_TEXT(p.reason),       COL_I64(&p.published_ms), COL_TEXT(p.tiktok_ids),
    };
    bool found;
    enum rc rc =
        db_row(db,
               "SELECT p.workspace_id, w.name, p.account_id,"
               " IF(a.username = '', a.display_name, CONCAT('@', a.username)),"
               " p.kind, p.mode, j.state, j.due_at, j.next_at, j.fence, j.owner,"
               " j.attempt_no, j.granted, j.fails, j.crashes, j.last_reason,"
               " p.published_at, p.tiktok_post_ids"
               " FROM post p JOIN job j ON j.post_id = p.post_id"
               " JOIN workspace w ON w.workspace_id = p.workspace_id"
               " JOIN account a ON a.account_id = p.account_id WHERE p.post_id = ?",
               SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return err_set(err, RC_NOT_FOUND, "post_unknown", "There is no such post.");
    *out = p;
    return RC_OK;
}

struct attempts {
    struct inspect_attempt attempt;
    size_t id_len, log_len;
    inspect_attempt_fn each;
    void *ctx;
};

/* The two columns are bytes without a NUL; their buffers are one byte longer. */
static enum rc one_attempt(void *ctx, struct err *err)
{
    struct attempts *l = ctx;

    (void)err;
    l->attempt.publish_id[l->id_len] = '\0';
    l->attempt.log_id[l->log_len] = '\0';
    l->each(l->ctx, &l->attempt);
    return RC_OK;
}

enum rc inspect_attempts(struct db *db, uint64_t post_id, inspect_attempt_fn each,
                         void *ctx, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(post_id)};
    struct attempts l = {.each = each, .ctx = ctx};
    struct inspect_attempt *a = &l.attempt;
    const struct sql_col cols[] = {
        COL_UINT(&a->no),
        COL_INT(&a->state),
        {COL_KIND_BYTES, a->publish_id, sizeof(a->publish_id) - 1, &l.id_len},
        COL_I64(&a->bytes_acked),
        COL_I64(&a->bytes_total),
        COL_TEXT(a->status),
        COL_TEXT(a->reason),
        {COL_KIND_BYTES, a->log_id, sizeof(a->log_id) - 1, &l.log_len},
        COL_I64(&a->created_ms),
        COL_BOOL(&a->fetched),
        COL_I64(&a->first_served),
    };
    const struct db_rows rows = {one_attempt, &l};

    return db_each(db,
                   "SELECT attempt_no, state, publish_id, bytes_acked, bytes_total,"
                   " tiktok_status, reason, tiktok_log_id, created_at, method = 2,"
                   " first_served_at FROM attempt"
                   " WHERE post_id = ? ORDER BY attempt_no",
                   SQL_ARGS(args), SQL_COLS(cols), rows, err);
}

static const char *name_in(const char *const names[], size_t n, int i)
{
    return i >= 0 && (size_t)i < n && names[i] != NULL ? names[i] : "?";
}

const char *inspect_job_state(int state)
{
    static const char *const names[] = {
        "DRAFT",  "SCHEDULED", "RUNNING", "COMMITTED", "PUBLISHED",
        "FAILED", "CANCELED",  "REVIEW",  "BLOCKED",
    };

    return name_in(names, ARRAY_LEN(names), state);
}

const char *inspect_attempt_state(int state)
{
    static const char *const names[] = {
        NULL, "INTENT", "READY", "GRANTED", "PROCESSING", "PUBLISHED", "DEAD",
    };

    return name_in(names, ARRAY_LEN(names), state);
}
