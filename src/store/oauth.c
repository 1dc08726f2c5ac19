#include "store/oauth.h"

#include "stmt.h"
#include "store/tasks.h"

#include <inttypes.h>
#include <stdio.h>

/* --- the way out ------------------------------------------------------------------ */

/* Only the person's own old rows: nobody's request pays for another's. */
static enum rc sweep(struct db *db, const struct oauth_key *key, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(key->workspace_id), sql_u64(key->user_id),
                                   sql_i64(OAUTH_KEPT_MS)};

    return db_exec(db,
                   "DELETE FROM oauth_txn WHERE workspace_id = ? AND user_id = ?"
                   " AND expires_at < " SQL_NOW " - ? LIMIT 100",
                   SQL_ARGS(args), NULL, err);
}

static enum rc begin_steps(struct db *db, void *ctx, struct err *err)
{
    const struct oauth_begin *b = ctx;
    const struct sql_arg args[] = {sql_bytes(b->key.state_hash, OAUTH_HASH_SIZE),
                                   sql_bytes(b->key.session_hash, OAUTH_HASH_SIZE),
                                   sql_u64(b->key.workspace_id),
                                   sql_u64(b->key.user_id),
                                   sql_text(b->verifier),
                                   sql_text(b->redirect_uri),
                                   sql_text(b->scopes),
                                   sql_i64(OAUTH_LIFE_MS)};
    enum rc rc = sweep(db, &b->key, err);

    if (rc != RC_OK)
        return rc;
    return db_exec(db,
                   "INSERT INTO oauth_txn (state_hash, session_hash, workspace_id,"
                   " user_id, verifier, redirect_uri, scopes, created_at,"
                   " expires_at)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, " SQL_NOW ", " SQL_NOW " + ?)",
                   SQL_ARGS(args), NULL, err);
}

enum rc oauth_begin(struct db *db, const struct oauth_begin *begin, struct err *err)
{
    struct oauth_begin copy = *begin;

    return db_transaction(db, begin_steps, &copy, err);
}

/* --- the way back ----------------------------------------------------------------- */

struct take {
    const struct oauth_back *back;
    struct oauth_taken taken;
};

/* The guard: of any number of callbacks one finds the row as it must be. */
static enum rc consume(struct db *db, const struct oauth_back *b, int64_t *rows,
                       struct err *err)
{
    const struct sql_arg args[] = {sql_text(b->code != NULL ? b->code : ""),
                                   sql_bytes(b->key.state_hash, OAUTH_HASH_SIZE),
                                   sql_bytes(b->key.session_hash, OAUTH_HASH_SIZE),
                                   sql_u64(b->key.workspace_id), sql_u64(b->key.user_id)};

    return db_exec(db,
                   "UPDATE oauth_txn SET consumed_at = " SQL_NOW ", code = ?"
                   " WHERE state_hash = ? AND session_hash = ? AND workspace_id = ?"
                   " AND user_id = ? AND consumed_at IS NULL AND expires_at > " SQL_NOW,
                   SQL_ARGS(args), rows, err);
}

/* The row of the key, whether or not it is still good. */
static enum rc look(struct db *db, const struct oauth_key *key, uint64_t *txn_id,
                    bool *used, bool *found, struct err *err)
{
    const struct sql_arg args[] = {sql_bytes(key->state_hash, OAUTH_HASH_SIZE),
                                   sql_bytes(key->session_hash, OAUTH_HASH_SIZE),
                                   sql_u64(key->workspace_id), sql_u64(key->user_id)};
    const struct sql_col cols[] = {COL_U64(txn_id), COL_BOOL(used)};

    return db_row(db,
                  "SELECT txn_id, consumed_at IS NOT NULL FROM oauth_txn"
                  " WHERE state_hash = ? AND session_hash = ? AND workspace_id = ?"
                  " AND user_id = ?",
                  SQL_ARGS(args), SQL_COLS(cols), found, err);
}

static enum rc ask_publisher(struct db *db, const struct oauth_back *back,
                             struct oauth_taken *taken, struct err *err)
{
    char payload[64];
    struct task_new task = {.kind = TASK_EXCHANGE_CODE,
                            .workspace_id = back->key.workspace_id,
                            .wait_ms = back->wait_ms,
                            .payload = payload};

    (void)snprintf(payload, sizeof(payload), "{\"txn_id\":\"%" PRIu64 "\"}",
                   taken->txn_id);
    return task_insert(db, &task, &taken->task_id, err);
}

static enum rc take_steps(struct db *db, void *ctx, struct err *err)
{
    struct take *t = ctx;
    int64_t rows = 0;
    uint64_t txn_id = 0;
    bool used = false;
    bool found = false;
    enum rc rc = consume(db, t->back, &rows, err);

    t->taken = (struct oauth_taken){.fate = OAUTH_UNKNOWN};
    if (rc == RC_OK)
        rc = look(db, &t->back->key, &txn_id, &used, &found, err);
    if (rc != RC_OK || !found)
        return rc;
    if (rows != 1) {
        t->taken.fate = used ? OAUTH_REUSED : OAUTH_EXPIRED;
        return RC_OK;
    }
    t->taken.fate = OAUTH_TAKEN;
    t->taken.txn_id = txn_id;
    return t->back->code != NULL ? ask_publisher(db, t->back, &t->taken, err) : RC_OK;
}

enum rc oauth_take(struct db *db, const struct oauth_back *back,
                   struct oauth_taken *taken, struct err *err)
{
    struct take t = {.back = back};
    enum rc rc = db_transaction(db, take_steps, &t, err);

    if (rc == RC_OK)
        *taken = t.taken;
    return rc;
}

enum rc oauth_forget(struct db *db, uint64_t workspace_id, uint64_t txn_id,
                     struct err *err)
{
    const struct sql_arg args[] = {sql_u64(txn_id), sql_u64(workspace_id)};

    return db_exec(db,
                   "UPDATE oauth_txn SET code = '', verifier = ''"
                   " WHERE txn_id = ? AND workspace_id = ?",
                   SQL_ARGS(args), NULL, err);
}
