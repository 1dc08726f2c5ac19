#include "permits.h"

#include "core/text.h"
#include "crypto/digest.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_ACCESS = 1, TOKEN_REFRESH = 2 };

enum { SECRET_CHARS = 48 }; /* of base 32: 240 bits */

static void hash_of(const char *secret, char out[DIGEST_SHA256_HEX_SIZE])
{
    digest_sha256_hex(secret, strlen(secret), out);
}

/* In TikTok's shapes: opaque, with '*', '!' and '.' in their tails. */
static void make_secret(const struct random_source *random, const char *prefix,
                        const char *tail, char *out, size_t size)
{
    char middle[SECRET_CHARS + 1];

    random_base32(random, middle, SECRET_CHARS);
    (void)snprintf(out, size, "%s%s%s", prefix, middle, tail);
    explicit_bzero(middle, sizeof(middle));
}

/* --- codes --------------------------------------------------------------------- */

enum rc code_new(struct sql *sql, const struct random_source *random,
                 const struct consent *consent, char out[CODE_SIZE], struct err *err)
{
    char hash[DIGEST_SHA256_HEX_SIZE];

    make_secret(random, "", "*3!6376.u1", out, CODE_SIZE);
    hash_of(out, hash);
    return sql_run(sql,
                   "INSERT INTO code (hash, app_id, user_id, scopes, redirect_uri,"
                   " challenge, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                   SQL_WITH(sql_text(hash), sql_int(consent->app_id),
                            sql_int(consent->user_id), sql_int((int64_t)consent->scopes),
                            sql_text(consent->redirect_uri), sql_text(consent->challenge),
                            sql_int(consent->expires_ms)),
                   NULL, err);
}

static void read_consent(void *ctx, const struct sql_row *row)
{
    struct consent *c = ctx;

    c->user_id = sql_int_at(row, 0);
    c->scopes = (unsigned)sql_int_at(row, 1);
    sql_text_at(row, 2, c->redirect_uri, sizeof(c->redirect_uri));
    sql_text_at(row, 3, c->challenge, sizeof(c->challenge));
    c->expires_ms = sql_int_at(row, 4);
    c->used = sql_bool_at(row, 5);
    c->app_id = sql_int_at(row, 6);
}

enum rc code_find(struct sql *sql, const char *code, struct consent *consent,
                  struct err *err)
{
    char hash[DIGEST_SHA256_HEX_SIZE];

    hash_of(code, hash);
    *consent = (struct consent){0};
    return sql_each(sql,
                    "SELECT user_id, scopes, redirect_uri, challenge, expires_ms, used,"
                    " app_id FROM code WHERE hash = ?",
                    SQL_WITH(sql_text(hash)), read_consent, consent, err);
}

enum rc code_use(struct sql *sql, const char *code, bool *won, struct err *err)
{
    char hash[DIGEST_SHA256_HEX_SIZE];
    int64_t changed = 0;
    enum rc rc;

    hash_of(code, hash);
    rc = sql_run(sql, "UPDATE code SET used = 1 WHERE hash = ? AND used = 0",
                 SQL_WITH(sql_text(hash)), &changed, err);
    if (rc == RC_OK)
        *won = changed == 1;
    return rc;
}

/* --- permits and tokens -------------------------------------------------------- */

enum rc permit_new(struct sql *sql, int64_t now_ms, const struct knobs *knobs,
                   const struct consent *consent, struct permit *permit, struct err *err)
{
    int64_t until = now_ms + knobs->value[KNOB_REFRESH_TTL_S] * 1000;
    enum rc rc = sql_run(sql,
                         "INSERT INTO permit (app_id, user_id, scopes, refresh_until_ms)"
                         " VALUES (?, ?, ?, ?)",
                         SQL_WITH(sql_int(consent->app_id), sql_int(consent->user_id),
                                  sql_int((int64_t)consent->scopes), sql_int(until)),
                         NULL, err);

    if (rc == RC_OK)
        *permit = (struct permit){.id = sql_last_id(sql),
                                  .app_id = consent->app_id,
                                  .user_id = consent->user_id,
                                  .scopes = consent->scopes,
                                  .refresh_until_ms = until};
    return rc;
}

static void read_permit(void *ctx, const struct sql_row *row)
{
    struct permit *p = ctx;

    p->id = sql_int_at(row, 0);
    p->user_id = sql_int_at(row, 1);
    p->scopes = (unsigned)sql_int_at(row, 2);
    p->refresh_until_ms = sql_int_at(row, 3);
    p->app_id = sql_int_at(row, 4);
}

static enum rc token_find(struct sql *sql, const char *token, int kind, int64_t now_ms,
                          struct permit *permit, struct err *err)
{
    char hash[DIGEST_SHA256_HEX_SIZE];

    hash_of(token, hash);
    *permit = (struct permit){0};
    return sql_each(sql,
                    "SELECT p.id, p.user_id, p.scopes, p.refresh_until_ms, p.app_id"
                    " FROM token t JOIN permit p ON p.id = t.permit_id"
                    " WHERE t.hash = ? AND t.kind = ? AND t.until_ms > ?"
                    " AND p.revoked = 0",
                    SQL_WITH(sql_text(hash), sql_int(kind), sql_int(now_ms)), read_permit,
                    permit, err);
}

enum rc access_find(struct sql *sql, const char *token, int64_t now_ms,
                    struct permit *permit, struct err *err)
{
    return token_find(sql, token, TOKEN_ACCESS, now_ms, permit, err);
}

enum rc refresh_find(struct sql *sql, const char *token, int64_t now_ms,
                     struct permit *permit, struct err *err)
{
    return token_find(sql, token, TOKEN_REFRESH, now_ms, permit, err);
}

static enum rc token_store(struct sql *sql, const char *token, int kind,
                           int64_t permit_id, int64_t until_ms, struct err *err)
{
    char hash[DIGEST_SHA256_HEX_SIZE];

    hash_of(token, hash);
    return sql_run(
        sql, "INSERT INTO token (hash, kind, permit_id, until_ms) VALUES (?, ?, ?, ?)",
        SQL_WITH(sql_text(hash), sql_int(kind), sql_int(permit_id), sql_int(until_ms)),
        NULL, err);
}

/* Tokens of the permit end at until_ms, unless they end sooner. */
static enum rc tokens_end(struct sql *sql, int64_t permit_id, int kind, int64_t until_ms,
                          struct err *err)
{
    return sql_run(sql,
                   "UPDATE token SET until_ms = MIN(until_ms, ?)"
                   " WHERE permit_id = ? AND kind = ?",
                   SQL_WITH(sql_int(until_ms), sql_int(permit_id), sql_int(kind)), NULL,
                   err);
}

/* What a refresh ends, before the new tokens are stored. */
static enum rc end_old(struct sql *sql, const struct issue *how, int64_t permit_id,
                       struct err *err)
{
    const int64_t *knob = how->knobs->value;
    enum rc rc = RC_OK;

    if (knob[KNOB_REFRESH_KILLS_ACCESS] != 0)
        rc = tokens_end(sql, permit_id, TOKEN_ACCESS, how->now_ms, err);
    if (rc == RC_OK && knob[KNOB_ROTATE_REFRESH] != 0)
        rc = tokens_end(sql, permit_id, TOKEN_REFRESH,
                        how->now_ms + knob[KNOB_OLD_REFRESH_GRACE_MS], err);
    return rc;
}

enum rc tokens_issue(struct sql *sql, const struct issue *how,
                     const struct permit *permit, struct token_pair *pair,
                     struct err *err)
{
    int64_t life_s = how->knobs->value[KNOB_ACCESS_TTL_S];
    bool keep = how->used != NULL && how->knobs->value[KNOB_ROTATE_REFRESH] == 0;
    enum rc rc = RC_OK;

    make_secret(how->random, "act.", "!4692.e1", pair->access, TOKEN_SIZE);
    pair->access_ttl_s = life_s;
    pair->refresh_ttl_s = (permit->refresh_until_ms - how->now_ms) / 1000;
    if (how->used != NULL)
        rc = end_old(sql, how, permit->id, err);
    if (keep)
        text_copy(pair->refresh, TOKEN_SIZE, how->used);
    else
        make_secret(how->random, "rft.", "!4690.e1", pair->refresh, TOKEN_SIZE);
    if (rc == RC_OK)
        rc = token_store(sql, pair->access, TOKEN_ACCESS, permit->id,
                         how->now_ms + life_s * 1000, err);
    if (rc == RC_OK && !keep)
        rc = token_store(sql, pair->refresh, TOKEN_REFRESH, permit->id,
                         permit->refresh_until_ms, err);
    return rc;
}

enum rc permits_revoke(struct sql *sql, int64_t app_id, int64_t user_id, int64_t *revoked,
                       struct err *err)
{
    return sql_run(sql,
                   "UPDATE permit SET revoked = 1"
                   " WHERE user_id = ? AND app_id = ? AND revoked = 0",
                   SQL_WITH(sql_int(user_id), sql_int(app_id)), revoked, err);
}
