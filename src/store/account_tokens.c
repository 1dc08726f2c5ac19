#include "store/account_tokens.h"

#include "account_tokens_priv.h"
#include "core/text.h"
#include "domain/reason.h"
#include "jobs_priv.h"
#include "stmt.h"
#include "store/events.h"

#include <assert.h>
#include <string.h>

enum rc account_token_load(struct db *db, uint64_t account_id, struct account_token *out,
                           struct err *err)
{
    struct account_token t = {.account_id = account_id};
    int status = 0;
    int lasting = 0;
    const struct sql_arg args[] = {sql_u64(account_id)};
    const struct sql_col cols[] = {COL_U64(&t.workspace_id),
                                   COL_BYTES(t.access.data, &t.access.len),
                                   COL_BYTES(t.refresh.data, &t.refresh.len),
                                   COL_I64(&t.access_exp_ms),
                                   COL_I64(&t.refresh_exp_ms),
                                   COL_UINT(&t.version),
                                   COL_INT(&status),
                                   COL_INT(&lasting),
                                   COL_UINT(&t.fails),
                                   COL_TEXT(t.scopes),
                                   COL_I64(&t.now_ms)};
    bool found = false;
    enum rc rc =
        db_row(db,
               "SELECT t.workspace_id, t.access_tok, t.refresh_tok, t.access_exp,"
               " t.refresh_exp, t.tok_ver, a.status,"
               " a.status = 2 AND a.status_reason = '" REASON_RECONNECT_NEEDED "'"
               " AND t.access_exp > " SQL_NOW ","
               " t.rf_fails, a.scopes, " SQL_NOW " FROM account_token t JOIN account a"
               " ON a.workspace_id = t.workspace_id"
               " AND a.account_id = t.account_id WHERE t.account_id = ?",
               SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return err_set(err, RC_NOT_FOUND, "not_found", "The account has no tokens.");
    t.status = (enum account_status)status;
    t.lasting = lasting != 0;
    *out = t;
    return RC_OK;
}

/* --- the right to refresh ------------------------------------------------------ */

enum rc account_token_claim(struct db *db, uint64_t account_id, unsigned version,
                            uint64_t inc, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(inc), sql_i64(TOKEN_REFRESH_LEASE_MS),
                                   sql_u64(account_id), sql_u64(version)};

    return db_exec_one(db,
                       "UPDATE account_token SET rf_owner = ?, rf_fence = rf_fence + 1,"
                       " rf_until = " SQL_NOW " + ?"
                       " WHERE account_id = ? AND tok_ver = ? AND rf_until < " SQL_NOW,
                       SQL_ARGS(args), err);
}

enum rc account_token_unclaim(struct db *db, uint64_t account_id, uint64_t inc,
                              int64_t again_ms, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(again_ms), sql_u64(account_id), sql_u64(inc)};

    return db_exec(db,
                   "UPDATE account_token SET rf_owner = 0, rf_until = 0,"
                   " rf_fails = LEAST(rf_fails + 1, 65535), rf_next = " SQL_NOW " + ?"
                   " WHERE account_id = ? AND rf_owner = ?",
                   SQL_ARGS(args), NULL, err);
}

enum due_limit { DUE_MAX = 1000 };

struct due {
    struct token_due next;
    struct token_due *out;
    size_t len;
};

static enum rc add_due(void *ctx, struct err *err UNUSED)
{
    struct due *d = ctx;

    d->out[d->len++] = d->next;
    return RC_OK;
}

enum rc account_token_due(struct db *db, struct token_due *out, size_t max, size_t *len,
                          struct err *err)
{
    struct due d = {.out = out};
    const struct sql_arg args[] = {sql_i64(ACCOUNT_CONNECTED), sql_u64((uint64_t)max)};
    const struct sql_col cols[] = {COL_U64(&d.next.account_id),
                                   COL_UINT(&d.next.version)};
    enum rc rc;

    assert(max <= DUE_MAX);
    rc = db_each(db,
                 "SELECT t.account_id, t.tok_ver FROM account_token t JOIN account a"
                 " ON a.workspace_id = t.workspace_id AND a.account_id = t.account_id"
                 " WHERE t.rf_next <= " SQL_NOW " AND t.rf_until < " SQL_NOW
                 " AND a.status = ? ORDER BY t.rf_next LIMIT ?",
                 SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_due, &d}, err);
    if (rc == RC_OK)
        *len = d.len;
    return rc;
}

/* --- a new pair ---------------------------------------------------------------- */

struct change {
    uint64_t workspace_id, account_id;
    unsigned version;
    const struct token_pair *pair;
    int64_t now_ms;
};

/* The old refresh token is kept beside the new one for an answer lost in rotation. The
 * assignments are made in this order. */
static enum rc write_pair(struct db *db, const struct change *c, struct err *err)
{
    const struct token_pair *p = c->pair;
    bool refresh = p->refresh.len > 0;
    const struct sql_arg args[] = {
        sql_bytes(p->access.data, p->access.len),
        sql_i64(c->now_ms + p->access_life_ms),
        sql_i64(refresh),
        refresh ? sql_bytes(p->refresh.data, p->refresh.len) : sql_null(),
        p->refresh_life_ms > 0 ? sql_i64(c->now_ms + p->refresh_life_ms) : sql_null(),
        sql_i64(c->now_ms + p->refresh_at_ms),
        sql_i64(c->now_ms),
        sql_u64(c->account_id),
        sql_u64(c->version),
    };

    return db_exec_one(
        db,
        "UPDATE account_token SET access_tok = ?, access_exp = ?,"
        " prev_refresh_tok = IF(?, refresh_tok, prev_refresh_tok),"
        " refresh_tok = COALESCE(?, refresh_tok), refresh_exp = COALESCE(?, refresh_exp),"
        " tok_ver = tok_ver + 1, rf_next = ?, rf_owner = 0, rf_until = 0, rf_fails = 0,"
        " updated_at = ? WHERE account_id = ? AND tok_ver = ?",
        SQL_ARGS(args), err);
}

/* What the account shows of it. An account that was given up for dead, though a pair was
 * under way, is alive. */
static enum rc show_pair(struct db *db, const struct change *c, struct err *err)
{
    const struct token_pair *p = c->pair;
    const struct sql_arg args[] = {
        sql_i64(c->now_ms + p->access_life_ms),
        p->refresh_life_ms > 0 ? sql_i64(c->now_ms + p->refresh_life_ms) : sql_null(),
        p->scopes[0] != '\0' ? sql_text(p->scopes) : sql_null(),
        sql_i64(c->now_ms),
        sql_u64(c->account_id),
    };

    return db_exec_one(db,
                       "UPDATE account SET access_expires_at = ?,"
                       " refresh_expires_at = COALESCE(?, refresh_expires_at),"
                       " scopes = COALESCE(?, scopes),"
                       " status_reason = IF(status = 2, '', status_reason),"
                       " version = version + IF(status = 2, 1, 0),"
                       " status = IF(status = 2, 1, status), updated_at = ?"
                       " WHERE account_id = ?",
                       SQL_ARGS(args), err);
}

enum rc account_lock(struct db *db, uint64_t account_id, int *status,
                     uint64_t *workspace_id, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(account_id)};
    const struct sql_col cols[] = {COL_INT(status), COL_U64(workspace_id)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT status, workspace_id FROM account WHERE account_id = ?"
                        " FOR UPDATE",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK && !found)
        return err_set(err, RC_NOT_FOUND, "not_found", "There is no such account.");
    return rc;
}

static enum rc rotate_steps(struct db *db, void *ctx, struct err *err)
{
    struct change *c = ctx;
    int status = 0;
    int64_t freed = 0;
    enum rc rc = account_lock(db, c->account_id, &status, &c->workspace_id, err);

    if (rc == RC_OK)
        rc = db_now(db, &c->now_ms, err);
    if (rc == RC_OK)
        rc = write_pair(db, c, err);
    if (rc == RC_OK)
        rc = show_pair(db, c, err);
    if (rc == RC_OK && status == ACCOUNT_RECONNECT)
        rc = job_unblock(db, c->account_id, &freed, err);
    return rc;
}

enum rc account_token_rotate(struct db *db, uint64_t account_id, unsigned version,
                             const struct token_pair *pair, struct err *err)
{
    struct change c = {.account_id = account_id, .version = version, .pair = pair};

    return db_transaction(db, rotate_steps, &c, err);
}

/* --- the end ------------------------------------------------------------------- */

/* Connected again meanwhile, it keeps its new tokens. */
enum rc account_token_wipe(struct db *db, uint64_t account_id, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(account_id), sql_i64(ACCOUNT_DISCONNECTED)};

    return db_exec(db,
                   "DELETE t FROM account_token t JOIN account a"
                   " ON a.workspace_id = t.workspace_id AND a.account_id = t.account_id"
                   " WHERE t.account_id = ? AND a.status = ?",
                   SQL_ARGS(args), NULL, err);
}

/* --- what TikTok says of the account ------------------------------------------- */

struct creator_change {
    uint64_t account_id, workspace_id;
    const char *json;
    char username[ACCOUNT_HANDLE_MAX + 1], nickname[ACCOUNT_NAME_MAX + 1];
    const char *avatar_url;
};

static enum rc store_creator(struct db *db, const struct creator_change *c,
                             struct err *err)
{
    const struct sql_arg args[] = {sql_text(c->json), sql_text(c->avatar_url),
                                   sql_u64(c->account_id)};

    return db_exec_one(db,
                       "UPDATE account SET creator_info = ?, creator_info_at = " SQL_NOW
                       ", avatar_url = ?, updated_at = " SQL_NOW " WHERE account_id = ?",
                       SQL_ARGS(args), err);
}

/* A person sees a change of these only. A name that was not said stays. */
static enum rc store_names(struct db *db, const struct creator_change *c, struct err *err)
{
    const struct event e = {.workspace_id = c->workspace_id,
                            .account_id = c->account_id,
                            .kind = EVENT_ACCOUNT_CHANGED};
    const struct sql_arg args[] = {
        sql_text(c->username), sql_text(c->username),  sql_text(c->nickname),
        sql_text(c->nickname), sql_u64(c->account_id), sql_text(c->username),
        sql_text(c->username), sql_text(c->nickname),  sql_text(c->nickname)};
    int64_t rows = 0;
    enum rc rc = db_exec(db,
                         "UPDATE account SET username = IF(? = '', username, ?),"
                         " display_name = IF(? = '', display_name, ?),"
                         " version = version + 1 WHERE account_id = ?"
                         " AND ((? <> '' AND BINARY username <> ?)"
                         " OR (? <> '' AND BINARY display_name <> ?))",
                         SQL_ARGS(args), &rows, err);

    return rc == RC_OK && rows > 0 ? event_add(db, &e, err) : rc;
}

static enum rc creator_steps(struct db *db, void *ctx, struct err *err)
{
    struct creator_change *c = ctx;
    int status = 0;
    enum rc rc = account_lock(db, c->account_id, &status, &c->workspace_id, err);

    if (rc == RC_OK)
        rc = store_creator(db, c, err);
    if (rc == RC_OK)
        rc = store_names(db, c, err);
    return rc;
}

enum rc account_creator_store(struct db *db, uint64_t account_id,
                              const struct creator_snapshot *snapshot, struct err *err)
{
    struct creator_change c = {.account_id = account_id,
                               .json = snapshot->json,
                               .avatar_url = account_url(snapshot->avatar_url)};

    text_copy(c.username, sizeof(c.username), snapshot->username);
    text_copy(c.nickname, sizeof(c.nickname), snapshot->nickname);
    return db_transaction(db, creator_steps, &c, err);
}
