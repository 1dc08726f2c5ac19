/* Idempotency keys: of creations, which the post itself keeps, and of actions. */
#include "posts_priv.h"

#include <string.h>

enum {
    POST_KEY_SIZE = 16, /* bytes of post.idem_key */
    PURGE_MAX = 20,     /* old keys removed with each new one */
};

static enum rc reused(struct err *err)
{
    return err_set(err, RC_INVALID, "idempotency_key_reused",
                   "This Idempotency-Key was sent before with another request.");
}

/* --- creations ----------------------------------------------------------------- */

/* A key that has had its day is free again. */
static enum rc free_key(struct db *db, uint64_t workspace_id, uint64_t post_id,
                        struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_u64(post_id)};

    return db_exec(db,
                   "UPDATE post SET idem_key = NULL, idem_body = NULL"
                   " WHERE workspace_id = ? AND post_id = ?",
                   SQL_ARGS(args), NULL, err);
}

enum rc posts_by_key(struct db *db, uint64_t workspace_id, const struct post_key *key,
                     struct post *out, bool *found, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id),
                                   sql_bytes(key->key, POST_KEY_SIZE)};
    unsigned char body[sizeof(key->body)];
    size_t body_len = 0;
    uint64_t post_id = 0;
    int64_t age_ms = 0;
    bool known = false;
    const struct sql_col cols[] = {COL_U64(&post_id), COL_BYTES(body, &body_len),
                                   COL_I64(&age_ms)};
    enum rc rc = db_row(db,
                        "SELECT post_id, idem_body, " SQL_NOW " - created_at FROM post"
                        " WHERE workspace_id = ? AND idem_key = ?",
                        SQL_ARGS(args), SQL_COLS(cols), &known, err);

    *found = false;
    if (rc != RC_OK || !known)
        return rc;
    if (age_ms > POST_KEY_LIFE_MS)
        return free_key(db, workspace_id, post_id, err);
    if (body_len != sizeof(body) || memcmp(body, key->body, sizeof(body)) != 0)
        return reused(err);
    rc = posts_get(db, workspace_id, post_id, out, err);
    *found = rc == RC_OK;
    return rc;
}

/* --- actions ------------------------------------------------------------------- */

enum rc posts_key_used(struct db *db, uint64_t workspace_id, const struct post_key *key,
                       bool *used, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id),
                                   sql_bytes(key->key, sizeof(key->key)),
                                   sql_i64(POST_KEY_LIFE_MS)};
    unsigned char body[sizeof(key->body)];
    size_t body_len = 0;
    bool known = false;
    const struct sql_col cols[] = {COL_BYTES(body, &body_len)};
    enum rc rc = db_row(db,
                        "SELECT body_hash FROM idempotency_key WHERE workspace_id = ?"
                        " AND key_hash = ? AND created_at >= " SQL_NOW " - ?",
                        SQL_ARGS(args), SQL_COLS(cols), &known, err);

    if (rc != RC_OK)
        return rc;
    if (known && (body_len != sizeof(body) || memcmp(body, key->body, body_len) != 0))
        return reused(err);
    *used = known;
    return RC_OK;
}

enum rc posts_key_keep(struct db *db, uint64_t workspace_id, const struct post_key *key,
                       struct err *err)
{
    const struct sql_arg purge[] = {sql_i64(POST_KEY_LIFE_MS), sql_i64(PURGE_MAX)};
    const struct sql_arg own[] = {sql_u64(workspace_id),
                                  sql_bytes(key->key, sizeof(key->key)),
                                  sql_i64(POST_KEY_LIFE_MS)};
    const struct sql_arg args[] = {sql_u64(workspace_id),
                                   sql_bytes(key->key, sizeof(key->key)),
                                   sql_bytes(key->body, sizeof(key->body))};
    enum rc rc = db_exec(db,
                         "DELETE FROM idempotency_key WHERE workspace_id = ?"
                         " AND key_hash = ? AND created_at < " SQL_NOW " - ?",
                         SQL_ARGS(own), NULL, err);

    if (rc == RC_OK)
        rc = db_exec(db,
                     "INSERT INTO idempotency_key (workspace_id, key_hash, body_hash,"
                     " status, created_at) VALUES (?, ?, ?, 200, " SQL_NOW ")",
                     SQL_ARGS(args), NULL, err);
    if (rc == RC_OK)
        rc = db_exec(db,
                     "DELETE FROM idempotency_key WHERE created_at < " SQL_NOW " - ?"
                     " ORDER BY created_at LIMIT ?",
                     SQL_ARGS(purge), NULL, err);
    return rc;
}
