/* What the OAuth exchange does to the database: the row of the connect in progress, the
 * account's row, then its first pair of tokens. */
#include "account_tokens_priv.h"
#include "core/text.h"
#include "domain/account.h"
#include "jobs_priv.h"
#include "stmt.h"
#include "store/events.h"
#include "store/tasks.h"

#include <string.h>

const char *account_url(const char *url)
{
    return url != NULL && strlen(url) <= ACCOUNT_URL_MAX ? url : "";
}

/* --- the connect in progress --------------------------------------------------- */

enum rc connect_txn_load(struct db *db, uint64_t workspace_id, uint64_t txn_id,
                         struct connect_txn *out, struct err *err)
{
    struct connect_txn t = {.workspace_id = workspace_id};
    const struct sql_arg args[] = {sql_u64(txn_id), sql_u64(workspace_id)};
    char redirect_uri[sizeof(t.redirect_uri) * 4];
    const struct sql_col cols[] = {COL_U64(&t.user_id), COL_TEXT(t.verifier),
                                   COL_TEXT(t.code), COL_TEXT(redirect_uri),
                                   COL_TEXT(t.scopes)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT user_id, verifier, code, redirect_uri, scopes"
                        " FROM oauth_txn WHERE txn_id = ? AND workspace_id = ?"
                        " AND code <> ''",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return err_set(err, RC_NOT_FOUND, "code_expired", "The code was used already.");
    text_copy(t.redirect_uri, sizeof(t.redirect_uri), redirect_uri);
    *out = t;
    explicit_bzero(&t, sizeof(t));
    return RC_OK;
}

enum rc connect_txn_wipe(struct db *db, uint64_t workspace_id, uint64_t txn_id,
                         struct err *err)
{
    const struct sql_arg args[] = {sql_u64(txn_id), sql_u64(workspace_id)};

    return db_exec(db,
                   "UPDATE oauth_txn SET code = '', verifier = '' WHERE txn_id = ?"
                   " AND workspace_id = ?",
                   SQL_ARGS(args), NULL, err);
}

/* --- the account's row --------------------------------------------------------- */

struct profile {
    const struct connect_profile *p;
    char username[ACCOUNT_HANDLE_MAX + 1], name[ACCOUNT_NAME_MAX + 1];

    uint64_t account_id;
    bool reconnected;
};

static enum rc taken(struct err *err)
{
    return err_set(err, RC_CONFLICT, "account_taken",
                   "This TikTok account is connected in another workspace.");
}

/* The row of this person at TikTok: the connected one, wherever it is, else the one that
 * was disconnected in this workspace last. */
static enum rc find(struct db *db, struct profile *f, uint64_t *workspace_id,
                    struct err *err)
{
    const struct sql_arg args[] = {sql_text(f->p->open_id), sql_u64(f->p->workspace_id)};
    const struct sql_col cols[] = {COL_U64(&f->account_id), COL_U64(workspace_id)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT account_id, workspace_id FROM account"
                        " WHERE open_id = ? AND (status <> 3 OR workspace_id = ?)"
                        " ORDER BY status = 3, account_id DESC LIMIT 1 FOR UPDATE",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    f->reconnected = found;
    if (!found)
        f->account_id = 0;
    return rc;
}

/* A row that had ended lives again, but for its tokens: those come next. */
static enum rc revive(struct db *db, const struct profile *f, struct err *err)
{
    const struct connect_profile *p = f->p;
    const struct sql_arg args[] = {sql_text(ACCOUNT_REASON_CONNECTING),
                                   sql_text(p->union_id),
                                   sql_text(f->username),
                                   sql_text(f->username),
                                   sql_text(f->name),
                                   sql_text(f->name),
                                   sql_text(account_url(p->avatar_url)),
                                   sql_u64(p->user_id),
                                   sql_u64(f->account_id)};

    return db_exec_one(db,
                       "UPDATE account SET status_reason = IF(status = 3, ?,"
                       " status_reason), status = IF(status = 3, 2, status),"
                       " union_id = ?, username = IF(? = '', username, ?),"
                       " display_name = IF(? = '', display_name, ?), avatar_url = ?,"
                       " connected_by = ?, updated_at = " SQL_NOW " WHERE account_id = ?",
                       SQL_ARGS(args), err);
}

static enum rc insert(struct db *db, struct profile *f, struct err *err)
{
    const struct connect_profile *p = f->p;
    const struct sql_arg args[] = {
        sql_u64(p->workspace_id), sql_text(p->open_id),
        sql_text(p->union_id),    sql_text(f->username),
        sql_text(f->name),        sql_text(account_url(p->avatar_url)),
        sql_text(p->scopes),      sql_text(ACCOUNT_REASON_CONNECTING),
        sql_u64(p->user_id)};
    enum rc rc = db_exec(db,
                         "INSERT INTO account (workspace_id, open_id, union_id, username,"
                         " display_name, avatar_url, scopes, status, status_reason,"
                         " connected_by, connected_at, created_at, updated_at)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, 2, ?, ?, " SQL_NOW ", " SQL_NOW
                         ", " SQL_NOW ")",
                         SQL_ARGS(args), NULL, err);

    if (rc == RC_OK)
        f->account_id = db_insert_id(db);
    /* u_live_open_id: another workspace was quicker. */
    return rc == RC_CONFLICT && strcmp(err->code, "duplicate") == 0 ? taken(err) : rc;
}

static enum rc account_steps(struct db *db, void *ctx, struct err *err)
{
    struct profile *f = ctx;
    uint64_t workspace_id = 0;
    enum rc rc = find(db, f, &workspace_id, err);

    if (rc != RC_OK)
        return rc;
    if (f->account_id == 0)
        return insert(db, f, err);
    if (workspace_id != f->p->workspace_id)
        return taken(err);
    return revive(db, f, err);
}

enum rc connect_account(struct db *db, const struct connect_profile *profile,
                        uint64_t *account_id, bool *reconnected, struct err *err)
{
    struct profile f = {.p = profile};
    enum rc rc;

    text_copy(f.username, sizeof(f.username), profile->username);
    text_copy(f.name, sizeof(f.name), profile->display_name);
    rc = db_transaction(db, account_steps, &f, err);
    if (rc == RC_OK) {
        *account_id = f.account_id;
        *reconnected = f.reconnected;
    }
    return rc;
}

/* --- its tokens ---------------------------------------------------------------- */

struct first_pair {
    uint64_t workspace_id, account_id;
    const struct token_pair *pair;
    int64_t now_ms;
};

static enum rc write_tokens(struct db *db, const struct first_pair *f, struct err *err)
{
    const struct token_pair *p = f->pair;
    const struct sql_arg args[] = {
        sql_u64(f->account_id),
        sql_u64(f->workspace_id),
        sql_bytes(p->access.data, p->access.len),
        sql_i64(f->now_ms + p->access_life_ms),
        sql_bytes(p->refresh.data, p->refresh.len),
        sql_i64(f->now_ms + p->refresh_life_ms),
        p->refresh.len > 0 ? sql_i64(f->now_ms + p->refresh_at_ms) : sql_i64(SQL_NEVER),
        sql_i64(f->now_ms)};

    return db_exec(
        db,
        "INSERT INTO account_token (account_id, workspace_id, access_tok, access_exp,"
        " refresh_tok, refresh_exp, rf_next, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON DUPLICATE KEY UPDATE access_tok = VALUES(access_tok),"
        " access_exp = VALUES(access_exp), refresh_tok = VALUES(refresh_tok),"
        " refresh_exp = VALUES(refresh_exp), prev_refresh_tok = NULL,"
        " tok_ver = tok_ver + 1, rf_next = VALUES(rf_next), rf_owner = 0, rf_until = 0,"
        " rf_fails = 0, updated_at = VALUES(updated_at)",
        SQL_ARGS(args), NULL, err);
}

static enum rc set_connected(struct db *db, const struct first_pair *f, struct err *err)
{
    const struct token_pair *p = f->pair;
    const struct sql_arg args[] = {
        p->scopes[0] != '\0' ? sql_text(p->scopes) : sql_null(),
        sql_i64(f->now_ms + p->access_life_ms),
        p->refresh_life_ms > 0 ? sql_i64(f->now_ms + p->refresh_life_ms) : sql_i64(0),
        sql_i64(f->now_ms),
        sql_i64(f->now_ms),
        sql_u64(f->account_id)};

    return db_exec_one(db,
                       "UPDATE account SET status = 1, status_reason = '',"
                       " scopes = COALESCE(?, scopes), access_expires_at = ?,"
                       " refresh_expires_at = ?, connected_at = ?, updated_at = ?,"
                       " version = version + 1 WHERE account_id = ?",
                       SQL_ARGS(args), err);
}

/* What disconnecting had asked for would now undo the connecting. */
static enum rc forget_revoke(struct db *db, const struct first_pair *f, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(TASK_DONE),     sql_i64(SQL_NEVER),
                                   sql_u64(f->account_id), sql_i64(TASK_REVOKE),
                                   sql_i64(TASK_QUEUED),   sql_i64(TASK_RUNNING)};

    return db_exec(db,
                   "UPDATE task SET state = ?, result = '{}', owner = 0,"
                   " fence = fence + 1, next_at = ?, updated_at = " SQL_NOW
                   " WHERE account_id = ? AND kind = ? AND state IN (?, ?)",
                   SQL_ARGS(args), NULL, err);
}

/* A row that connect_account() has just made is at its first version. */
static enum rc was_connected(struct db *db, const struct first_pair *f, bool *known,
                             struct err *err)
{
    const struct sql_arg args[] = {sql_u64(f->account_id)};
    int64_t version = 0;
    const struct sql_col cols[] = {COL_I64(&version)};
    bool found = false;
    enum rc rc = db_row(db, "SELECT version FROM account WHERE account_id = ?",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    *known = found && version > 1;
    return rc;
}

static enum rc token_steps(struct db *db, void *ctx, struct err *err)
{
    struct first_pair *f = ctx;
    struct event e = {.workspace_id = f->workspace_id, .account_id = f->account_id};
    uint64_t workspace_id = 0;
    int64_t freed = 0;
    int status = 0;
    bool known = false;
    enum rc rc = account_lock(db, f->account_id, &status, &workspace_id, err);

    if (rc == RC_OK &&
        (workspace_id != f->workspace_id || status == ACCOUNT_DISCONNECTED))
        return err_set(err, RC_NOT_FOUND, "not_found", "There is no such account.");
    if (rc == RC_OK)
        rc = was_connected(db, f, &known, err);
    if (rc == RC_OK)
        rc = db_now(db, &f->now_ms, err);
    if (rc == RC_OK)
        rc = write_tokens(db, f, err);
    if (rc == RC_OK)
        rc = set_connected(db, f, err);
    if (rc == RC_OK)
        rc = forget_revoke(db, f, err);
    if (rc == RC_OK)
        rc = job_unblock(db, f->account_id, &freed, err);
    e.kind = known ? EVENT_ACCOUNT_RECONNECTED : EVENT_ACCOUNT_CONNECTED;
    return rc == RC_OK ? event_add(db, &e, err) : rc;
}

enum rc connect_tokens(struct db *db, uint64_t workspace_id, uint64_t account_id,
                       const struct token_pair *pair, struct err *err)
{
    struct first_pair f = {
        .workspace_id = workspace_id, .account_id = account_id, .pair = pair};

    return db_transaction(db, token_steps, &f, err);
}
