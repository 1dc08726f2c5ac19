/* How a connection ends: TikTok refreshes its token no more and the access lasts for a
 * while, the access ends, or the permission is withdrawn. */
#include "account_tokens_priv.h"
#include "domain/reason.h"
#include "jobs_priv.h"
#include "stmt.h"
#include "store/events.h"
#include "store/notifications.h"

#include <inttypes.h>
#include <stdio.h>

enum { LAPSE_MAX = 100 };

struct ending {
    uint64_t workspace_id, account_id;
    unsigned version;
    enum token_end how;
    const char *reason;
    int64_t until_ms; /* the access lasts; 0: it does not */
    bool ended;       /* something ended by this */
};

/* --- what people see of it ------------------------------------------------------ */

static enum rc tell(struct db *db, const struct ending *e, const char *what,
                    struct err *err)
{
    const struct event line = {.workspace_id = e->workspace_id,
                               .account_id = e->account_id,
                               .kind = EVENT_ACCOUNT_RECONNECT_NEEDED,
                               .code = e->reason};
    char cause[NOTIFICATION_CAUSE_MAX + 1];
    const struct notification n = {.workspace_id = e->workspace_id,
                                   .kind = NOTICE_RECONNECT,
                                   .account_id = e->account_id,
                                   .code = e->reason,
                                   .at_ms = e->until_ms,
                                   .cause = cause};
    enum rc rc;

    (void)snprintf(cause, sizeof(cause), "%s:%" PRIu64 ":%u", what, e->account_id,
                   e->version);
    rc = notification_add(db, &n, err);
    return rc == RC_OK ? event_add(db, &line, err) : rc;
}

static enum rc block(struct db *db, const struct ending *e, struct err *err)
{
    const struct job_block b = {e->account_id, REASON_RECONNECT_NEEDED, e->until_ms};

    return job_block_account(db, &b, err);
}

/* A connected account waits for its person from now on, and its posts with it: all, or
 * those that are due after the access has ended. */
static enum rc part(struct db *db, const struct ending *e, struct err *err)
{
    const struct sql_arg args[] = {sql_text(e->reason), sql_i64(e->until_ms),
                                   sql_u64(e->account_id)};
    enum rc rc = db_exec_one(db,
                             "UPDATE account SET status = 2, status_reason = ?,"
                             " access_expires_at = ?, version = version + 1,"
                             " updated_at = " SQL_NOW " WHERE account_id = ?",
                             SQL_ARGS(args), err);

    if (rc == RC_OK)
        rc = tell(db, e, "reconnect", err);
    return rc == RC_OK ? block(db, e, err) : rc;
}

/* *lasted: the account had to be reconnected, and some access was left until now. Its
 * end is shown, so that this is found once. */
static enum rc end_access(struct db *db, const struct ending *e, bool *lasted,
                          struct err *err)
{
    const struct sql_arg args[] = {sql_u64(e->account_id),
                                   sql_text(REASON_RECONNECT_NEEDED)};
    int64_t rows = 0;
    enum rc rc = db_exec(db,
                         "UPDATE account SET access_expires_at = 0,"
                         " version = version + 1, updated_at = " SQL_NOW
                         " WHERE account_id = ? AND status = 2 AND status_reason = ?"
                         " AND access_expires_at <> 0",
                         SQL_ARGS(args), &rows, err);

    *lasted = rows > 0;
    return rc;
}

/* The posts that could still go out wait like the others. */
static enum rc lapse(struct db *db, struct ending *e, struct err *err)
{
    bool lasted = false;
    enum rc rc = end_access(db, e, &lasted, err);

    if (rc != RC_OK || !lasted)
        return rc;
    e->ended = true;
    rc = tell(db, e, "lapsed", err);
    return rc == RC_OK ? block(db, e, err) : rc;
}

/* --- a grant that is not renewed -------------------------------------------------- */

/* RC_CONFLICT: these are not its tokens any more. */
static enum rc read_end(struct db *db, struct ending *e, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(e->how == TOKEN_NOT_RENEWED),
                                   sql_u64(e->account_id), sql_u64(e->version)};
    const struct sql_col cols[] = {COL_I64(&e->until_ms)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT IF(? AND access_exp > " SQL_NOW ", access_exp, 0)"
                        " FROM account_token WHERE account_id = ? AND tok_ver = ?"
                        " FOR UPDATE",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK && !found)
        return err_set(err, RC_CONFLICT, "lost", "The account has other tokens now.");
    return rc;
}

/* Nobody refreshes it any more; what is due then is the end of its access. */
static enum rc stop_refreshing(struct db *db, const struct ending *e, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(e->until_ms != 0 ? e->until_ms : SQL_NEVER),
                                   sql_i64(e->until_ms), sql_u64(e->account_id),
                                   sql_u64(e->version)};

    return db_exec_one(db,
                       "UPDATE account_token SET rf_next = ?, access_exp = ?,"
                       " rf_owner = 0, rf_until = 0"
                       " WHERE account_id = ? AND tok_ver = ?",
                       SQL_ARGS(args), err);
}

static enum rc dead_steps(struct db *db, void *ctx, struct err *err)
{
    struct ending *e = ctx;
    int status = 0;
    enum rc rc = account_lock(db, e->account_id, &status, &e->workspace_id, err);

    e->ended = false;
    if (rc == RC_OK)
        rc = read_end(db, e, err);
    if (rc == RC_OK)
        rc = stop_refreshing(db, e, err);
    if (rc == RC_OK && status == ACCOUNT_CONNECTED)
        rc = part(db, e, err);
    else if (rc == RC_OK && e->until_ms == 0)
        rc = lapse(db, e, err);
    return rc;
}

enum rc account_token_dead(struct db *db, uint64_t account_id, unsigned version,
                           enum token_end how, struct err *err)
{
    struct ending e = {.account_id = account_id,
                       .version = version,
                       .how = how,
                       .reason = REASON_RECONNECT_NEEDED};

    return db_transaction(db, dead_steps, &e, err);
}

/* --- and the end of its access ------------------------------------------------------ */

struct lapsing {
    struct ending next;
    struct ending found[LAPSE_MAX];
    size_t n;
};

static enum rc add_lapsed(void *ctx, struct err *err UNUSED)
{
    struct lapsing *l = ctx;

    l->found[l->n++] = l->next;
    return RC_OK;
}

static enum rc find_lapsed(struct db *db, struct lapsing *l, struct err *err)
{
    const struct sql_arg args[] = {sql_text(REASON_RECONNECT_NEEDED), sql_i64(LAPSE_MAX)};
    const struct sql_col cols[] = {COL_U64(&l->next.account_id),
                                   COL_UINT(&l->next.version)};

    l->next = (struct ending){.how = TOKEN_REFUSED, .reason = REASON_RECONNECT_NEEDED};
    return db_each(db,
                   "SELECT t.account_id, t.tok_ver FROM account_token t JOIN account a"
                   " ON a.workspace_id = t.workspace_id AND a.account_id = t.account_id"
                   " WHERE t.rf_next <= " SQL_NOW " AND a.status = 2"
                   " AND a.status_reason = ? ORDER BY t.rf_next LIMIT ?",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_lapsed, l}, err);
}

enum rc account_access_lapse(struct db *db, int64_t *n, struct err *err)
{
    struct lapsing l = {.n = 0};
    int64_t ended = 0;
    enum rc rc = find_lapsed(db, &l, err);

    for (size_t i = 0; i < l.n && rc == RC_OK; i++) {
        rc = db_transaction(db, dead_steps, &l.found[i], err);
        if (rc == RC_CONFLICT) /* connected again in this moment */
            rc = RC_OK;
        else
            ended += l.found[i].ended;
    }
    if (rc == RC_OK)
        *n = ended;
    return rc;
}

/* --- a permission that was withdrawn ------------------------------------------------ */

/* The version moves on, so that no answer that is still on its way is stored. */
static enum rc empty_tokens(struct db *db, const struct ending *e, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(SQL_NEVER), sql_u64(e->account_id)};

    return db_exec(db,
                   "UPDATE account_token SET access_tok = '', access_exp = 0,"
                   " refresh_tok = '', refresh_exp = 0, prev_refresh_tok = NULL,"
                   " tok_ver = tok_ver + 1, rf_next = ?, rf_owner = 0, rf_until = 0,"
                   " updated_at = " SQL_NOW " WHERE account_id = ?",
                   SQL_ARGS(args), NULL, err);
}

/* Which tokens they were: a later withdrawal is told of anew. */
static enum rc read_version(struct db *db, struct ending *e, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(e->account_id)};
    const struct sql_col cols[] = {COL_UINT(&e->version)};
    bool found = false;

    return db_row(db, "SELECT tok_ver FROM account_token WHERE account_id = ?",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

static enum rc withdrawn_steps(struct db *db, void *ctx, struct err *err)
{
    struct ending *e = ctx;
    int status = 0;
    bool lasted = false;
    enum rc rc = account_lock(db, e->account_id, &status, &e->workspace_id, err);

    if (rc == RC_OK)
        rc = empty_tokens(db, e, err);
    if (rc == RC_OK)
        rc = read_version(db, e, err);
    if (rc == RC_OK)
        rc = end_access(db, e, &lasted, err);
    return rc == RC_OK && (status == ACCOUNT_CONNECTED || lasted) ? part(db, e, err) : rc;
}

enum rc account_token_withdrawn(struct db *db, uint64_t account_id, const char *reason,
                                struct err *err)
{
    char plain[JOB_CODE_SIZE];
    struct ending e = {.account_id = account_id, .reason = plain};

    job_code(plain, reason);
    return db_transaction(db, withdrawn_steps, &e, err);
}
