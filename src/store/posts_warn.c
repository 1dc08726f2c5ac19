/* What may keep a scheduled post from going out at its time, as far as it is known. */
#include "domain/limit.h"
#include "posts_priv.h"

/* Other posts of the account and mode that go or went out in the 24 h up to its time. */
static enum rc count_before(struct db *db, uint64_t workspace_id, const struct post *post,
                            unsigned *n, struct err *err)
{
    int64_t due_ms = post->content.publish_at_ms;
    const struct sql_arg args[] = {sql_u64(post->content.account_id),
                                   sql_u64(workspace_id),
                                   sql_i64(due_ms - LIMIT_DAY_MS),
                                   sql_i64(due_ms),
                                   sql_u64(post->id),
                                   sql_i64((int)post->content.mode)};
    const struct sql_col cols[] = {COL_UINT(n)};
    bool found = false;

    return db_row(db,
                  "SELECT COUNT(*) FROM job j"
                  " JOIN post p ON p.workspace_id = j.workspace_id"
                  " AND p.post_id = j.post_id"
                  " WHERE j.account_id = ? AND j.workspace_id = ? AND j.due_at > ?"
                  " AND j.due_at <= ? AND j.post_id <> ? AND p.mode = ?"
                  " AND j.state IN (1, 2, 3, 4)",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

struct account_facts {
    int64_t grant_ends_ms, until_ms;
    unsigned cap;
};

static enum rc read_account(struct db *db, uint64_t workspace_id, const struct post *post,
                            struct account_facts *f, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(post->content.mode == POST_DIRECT),
                                   sql_i64(LIMIT_CAP_LIFE_MS), sql_u64(workspace_id),
                                   sql_u64(post->content.account_id)};
    const struct sql_col cols[] = {COL_I64(&f->grant_ends_ms), COL_I64(&f->until_ms),
                                   COL_UINT(&f->cap)};
    bool found = false;

    return db_row(db,
                  "SELECT refresh_expires_at, IF(?, blocked_until, drafts_until),"
                  " IF(daily_cap_at > " SQL_NOW " - ?, daily_cap, 0) FROM account"
                  " WHERE workspace_id = ? AND account_id = ?",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

enum rc posts_warnings(struct db *db, uint64_t workspace_id, const struct post *post,
                       struct post_warnings *out, struct err *err)
{
    int64_t due_ms = post->content.publish_at_ms;
    struct post_warnings w = {0};
    struct account_facts f = {0};
    unsigned before = 0;
    enum rc rc;

    *out = w;
    if (post->phase != PHASE_SCHEDULED)
        return RC_OK;
    rc = read_account(db, workspace_id, post, &f, err);
    if (rc != RC_OK)
        return rc;
    w.cap = post->content.mode == POST_DIRECT ? f.cap : LIMIT_DRAFTS;
    if (w.cap > 0)
        rc = count_before(db, workspace_id, post, &before, err);
    w.beyond_cap = w.cap > 0 && before >= w.cap;
    w.paused_until_ms = f.until_ms > post->now_ms && due_ms < f.until_ms ? f.until_ms : 0;
    w.grant_ends_ms =
        f.grant_ends_ms != 0 && f.grant_ends_ms < due_ms ? f.grant_ends_ms : 0;
    if (rc == RC_OK)
        *out = w;
    return rc;
}
