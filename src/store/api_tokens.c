#include "store/api_tokens.h"

#include "core/text.h"
#include "stmt.h"
#include "store/audit.h"

#include <string.h>

/* --- texts --------------------------------------------------------------------- */

static const char *const scope_names[] = {
    [API_SCOPE_READ] = "read",
    [API_SCOPE_WRITE] = "write",
    [API_SCOPE_READ | API_SCOPE_WRITE] = "read,write",
};

const char *api_scopes_text(unsigned scopes)
{
    return scope_names[scopes];
}

bool api_scopes_parse(const char *text, unsigned *scopes)
{
    for (unsigned i = API_SCOPE_READ; i < ARRAY_LEN(scope_names); i++) {
        if (strcmp(text, scope_names[i]) == 0) {
            *scopes = i;
            return true;
        }
    }
    return false;
}

/* The beginning lets secret scanners know a leaked one. */
#define TOKEN_START "tts_"

void api_token_make(const struct random_source *random, char out[API_TOKEN_SIZE])
{
    (void)memcpy(out, TOKEN_START, sizeof(TOKEN_START));
    random_base32(random, out + strlen(TOKEN_START),
                  API_TOKEN_SIZE - sizeof(TOKEN_START));
}

bool api_token_looks_right(const char *text)
{
    return strlen(text) == API_TOKEN_SIZE - 1 && text_starts_with(text, TOKEN_START) &&
           strspn(text + strlen(TOKEN_START), "abcdefghijklmnopqrstuvwxyz234567") ==
               API_TOKEN_SIZE - sizeof(TOKEN_START);
}

/* --- making and ending --------------------------------------------------------- */

struct adding {
    const struct api_token_new *token;
    uint64_t token_id;
};

static enum rc add_steps(struct db *db, void *ctx, struct err *err)
{
    struct adding *a = ctx;
    const struct api_token_new *t = a->token;
    char prefix[API_TOKEN_PREFIX_SIZE];
    const struct actor owner = {
        .workspace_id = t->workspace_id, .user_id = t->user_id, .ip = ""};
    enum rc rc;

    text_copy(prefix, sizeof(prefix), t->token);

    const struct sql_arg args[] = {
        sql_bytes(t->hash, API_TOKEN_HASH_SIZE),
        sql_text(prefix),
        sql_u64(t->workspace_id),
        sql_u64(t->user_id),
        sql_text(t->name),
        sql_text(api_scopes_text(t->scopes)),
        sql_i64(t->lifetime_ms),
    };

    rc = db_exec(db,
                 "INSERT INTO api_token (token_hash, prefix, workspace_id, user_id, name,"
                 " scopes, created_at, expires_at)"
                 " VALUES (?, ?, ?, ?, ?, ?, " SQL_NOW ", " SQL_NOW " + ?)",
                 SQL_ARGS(args), NULL, err);
    if (rc != RC_OK)
        return rc;
    a->token_id = db_insert_id(db);
    return audit_add(db, &owner, "token.create", a->token_id, "", err);
}

enum rc api_token_add(struct db *db, const struct api_token_new *t, uint64_t *token_id,
                      struct err *err)
{
    struct adding a = {.token = t};
    enum rc rc = db_transaction(db, add_steps, &a, err);

    if (rc == RC_CONFLICT && strcmp(err->code, "foreign_key") == 0)
        return err_set(err, RC_NOT_FOUND, "not_a_member",
                       "That person is not a member of that workspace.");
    if (rc == RC_OK)
        *token_id = a.token_id;
    return rc;
}

static enum rc revoke_steps(struct db *db, void *ctx, struct err *err)
{
    const uint64_t *token_id = ctx;
    const struct sql_arg args[] = {sql_u64(*token_id)};
    struct actor system = {.ip = ""};
    const struct sql_col cols[] = {COL_U64(&system.workspace_id)};
    bool found;
    enum rc rc = db_row(db, "SELECT workspace_id FROM api_token WHERE token_id = ?",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return err_set(err, RC_NOT_FOUND, "token_unknown", "There is no such token.");
    rc = db_exec(db,
                 "UPDATE api_token SET revoked_at = COALESCE(revoked_at, " SQL_NOW ")"
                 " WHERE token_id = ?",
                 SQL_ARGS(args), NULL, err);
    return rc == RC_OK ? audit_add(db, &system, "token.revoke", *token_id, "", err) : rc;
}

enum rc api_token_revoke(struct db *db, uint64_t token_id, struct err *err)
{
    return db_transaction(db, revoke_steps, &token_id, err);
}

/* --- reading ------------------------------------------------------------------- */

static enum rc unknown(struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "token_unknown", "There is no such token.");
}

/* Guarded by what was read, so that of several requests at once one writes. */
static void touch(struct db *db, uint64_t token_id, int64_t used_at_ms)
{
    const struct sql_arg args[] = {sql_u64(token_id), sql_i64(used_at_ms)};
    struct err ignored;

    if (db_exec(db,
                "UPDATE api_token SET used_at = " SQL_NOW
                " WHERE token_id = ? AND used_at = ?",
                SQL_ARGS(args), NULL, &ignored) != RC_OK)
        return; /* it is only shown; the next request tries again */
}

enum rc api_token_find(struct db *db, const unsigned char hash[API_TOKEN_HASH_SIZE],
                       struct api_token *out, struct err *err)
{
    const struct sql_arg args[] = {sql_bytes(hash, API_TOKEN_HASH_SIZE)};
    struct api_token t = {0};
    char scopes[256];
    int role = 0;
    int64_t used_at_ms = 0, now_ms = 0;
    const struct sql_col cols[] = {
        COL_U64(&t.token_id), COL_U64(&t.workspace_id), COL_U64(&t.user_id),
        COL_INT(&role),       COL_TEXT(scopes),         COL_I64(&t.expires_at_ms),
        COL_I64(&used_at_ms), COL_I64(&now_ms),
    };
    bool found;
    enum rc rc =
        db_row(db,
               "SELECT t.token_id, t.workspace_id, t.user_id, m.role, t.scopes,"
               " t.expires_at, t.used_at, " SQL_NOW " FROM api_token t JOIN membership m"
               " ON m.workspace_id = t.workspace_id AND m.user_id = t.user_id"
               " JOIN user u ON u.user_id = t.user_id"
               " WHERE t.token_hash = ? AND t.revoked_at IS NULL"
               " AND t.expires_at > " SQL_NOW " AND u.disabled_at IS NULL",
               SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return unknown(err);
    if (role < ROLE_OWNER || role > ROLE_VIEWER || !api_scopes_parse(scopes, &t.scopes))
        return err_set(err, RC_BUG, "token_row", "A token's row makes no sense.");
    t.role = (enum role)role;
    if (used_at_ms <= now_ms - API_TOKEN_TOUCH_MS)
        touch(db, t.token_id, used_at_ms);
    *out = t;
    return RC_OK;
}

struct listing {
    struct api_token_line line;
    api_token_line_fn each;
    void *ctx;
};

static enum rc one_line(void *ctx, struct err *err)
{
    const struct listing *l = ctx;

    (void)err;
    l->each(l->ctx, &l->line);
    return RC_OK;
}

enum rc api_token_list(struct db *db, api_token_line_fn each, void *ctx, struct err *err)
{
    struct listing l = {.each = each, .ctx = ctx};
    const struct sql_col cols[] = {
        COL_U64(&l.line.token_id),      COL_TEXT(l.line.prefix),
        COL_TEXT(l.line.name),          COL_TEXT(l.line.email),
        COL_TEXT(l.line.workspace),     COL_TEXT(l.line.scopes),
        COL_I64(&l.line.created_at_ms), COL_I64(&l.line.expires_at_ms),
        COL_I64(&l.line.used_at_ms),    COL_BOOL(&l.line.revoked),
        COL_BOOL(&l.line.expired),
    };
    const struct db_rows rows = {one_line, &l};

    return db_each(db,
                   "SELECT t.token_id, t.prefix, t.name, u.email, w.name, t.scopes,"
                   " t.created_at, t.expires_at, t.used_at, t.revoked_at IS NOT NULL,"
                   " t.expires_at <= " SQL_NOW
                   " FROM api_token t JOIN user u ON u.user_id = t.user_id"
                   " JOIN workspace w ON w.workspace_id = t.workspace_id"
                   " ORDER BY t.token_id",
                   SQL_NONE, SQL_COLS(cols), rows, err);
}
