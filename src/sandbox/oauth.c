#include "oauth.h"

#include "deeds.h"

#include "core/text.h"
#include "crypto/compare.h"
#include "crypto/digest.h"

#include <stdio.h>
#include <string.h>

/* --- the form ------------------------------------------------------------------ */

enum { VALUE_SIZE = 1025 }; /* a code may have 1024 characters */

struct form {
    char client_key[VALUE_SIZE];
    char client_secret[VALUE_SIZE];
    char grant_type[VALUE_SIZE];
    char code[VALUE_SIZE];
    char redirect_uri[VALUE_SIZE];
    char code_verifier[VALUE_SIZE];
    char refresh_token[VALUE_SIZE];
    char token[VALUE_SIZE];
    bool strange; /* something was sent twice, or is too long */
};

static bool keep_pair(void *ctx, const char *name, const char *value)
{
    struct form *f = ctx;
    const struct {
        const char *name;
        char *value;
    } fields[] = {
        {"client_key", f->client_key},       {"client_secret", f->client_secret},
        {"grant_type", f->grant_type},       {"code", f->code},
        {"redirect_uri", f->redirect_uri},   {"code_verifier", f->code_verifier},
        {"refresh_token", f->refresh_token}, {"token", f->token},
    };

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (strcmp(fields[i].name, name) != 0)
            continue;
        if (fields[i].value[0] != '\0' || strlen(value) >= VALUE_SIZE)
            f->strange = true;
        else
            text_copy(fields[i].value, VALUE_SIZE, value);
    }
    return true;
}

static void malformed(struct exchange *x)
{
    oauth_error(x, "invalid_request", "The request parameters are malformed.");
}

/* False: the refusal is written. */
static bool read_form(struct exchange *x, struct form *f)
{
    char type[64];
    struct err ignored; /* TikTok has one sentence for all of it */

    (void)memset(f, 0, sizeof(*f));
    if (!web_content_type(x->req, type, sizeof(type)) ||
        strcmp(type, "application/x-www-form-urlencoded") != 0 ||
        web_form_each(x->body.buf, x->body.len, keep_pair, f, &ignored) != RC_OK ||
        f->strange) {
        malformed(x);
        return false;
    }
    return true;
}

/* The app that asks, by its key and secret; app->id 0: the refusal is written. */
static enum rc check_client(struct exchange *x, const struct form *f, struct app *app,
                            struct err *err)
{
    enum rc rc;

    app->id = 0;
    if (f->client_secret[0] == '\0') {
        oauth_error(x, "invalid_request", "Client secret is missed in request.");
        return RC_OK;
    }
    rc = app_by_key(x->sql, f->client_key, app, err);
    if (rc != RC_OK)
        return rc;
    if (app->id == 0 ||
        !secret_equal_text(f->client_secret, app_secret(app, x->sandbox->settings))) {
        oauth_error(x, "invalid_client", "Client key or secret is incorrect.");
        app->id = 0;
    }
    x->app_id = app->id;
    return RC_OK;
}

/* --- answers ------------------------------------------------------------------- */

void oauth_write_tokens(struct exchange *x, const char *open_id, unsigned scopes,
                        const struct token_pair *pair)
{
    struct strbuf names;
    struct jsonw w;

    strbuf_init(&names, 256);
    scopes_format(scopes, &names);
    web_json_begin(x->res, 200, &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "access_token", pair->access);
    jsonw_key_int(&w, "expires_in", pair->access_ttl_s);
    jsonw_key_text(&w, "open_id", open_id);
    if (x->knobs.value[KNOB_REFRESH_GIVEN] != 0) {
        jsonw_key_int(&w, "refresh_expires_in", pair->refresh_ttl_s);
        jsonw_key_text(&w, "refresh_token", pair->refresh);
    }
    jsonw_key_text(&w, "scope", names.buf);
    jsonw_key_text(&w, "token_type", "Bearer");
    jsonw_end(&w);
    strbuf_release(&names);
}

static enum rc issue(struct exchange *x, const struct app *app,
                     const struct permit *permit, const char *used, struct err *err)
{
    const struct issue how = {x->sandbox->random, &x->knobs, x->now_ms, used};
    char open_id[OPEN_ID_SIZE];
    struct token_pair pair;
    struct person person;
    enum rc rc = person_by_id(x->sql, permit->user_id, &person, err);

    if (rc == RC_OK)
        rc = tokens_issue(x->sql, &how, permit, &pair, err);
    if (rc == RC_OK) {
        app_open_id(app, &person, open_id);
        oauth_write_tokens(x, open_id, permit->scopes, &pair);
    }
    explicit_bzero(&pair, sizeof(pair));
    return rc;
}

/* --- code to tokens ------------------------------------------------------------ */

/* Challenges are hex here, and not base64url as in RFC 7636. A verifier without a
 * challenge is passed over. */
static bool verifier_fits(const struct consent *consent, const char *verifier)
{
    char hex[DIGEST_SHA256_HEX_SIZE];
    size_t len = strlen(verifier);

    if (consent->challenge[0] == '\0')
        return true;
    digest_sha256_hex(verifier, len, hex);
    return len >= 43 && len <= 128 && secret_equal_text(hex, consent->challenge);
}

static void code_expired(struct exchange *x)
{
    oauth_error(x, "invalid_grant", "Authorization code is expired.");
}

/* What is wrong with the rest of the form, now that the code is a good one and the app is
 * known: false when the refusal is written. */
static bool form_fits(struct exchange *x, const struct form *f, const struct app *app,
                      const struct consent *consent)
{
    const char *registered = app_redirect_uris(app, x->sandbox->settings);

    if (consent->app_id != app->id) {
        code_expired(x);
        return false;
    }
    if (strcmp(f->redirect_uri, consent->redirect_uri) != 0 ||
        !redirect_registered(registered, f->redirect_uri)) {
        oauth_error(x, "invalid_request",
                    "Redirect_uri is not matched with the uri when requesting code.");
        return false;
    }
    if (!verifier_fits(consent, f->code_verifier)) {
        oauth_error(x, "invalid_request", "Code verifier or code challenge is invalid.");
        return false;
    }
    return true;
}

static enum rc use_code(struct exchange *x, const struct form *f, const struct app *app,
                        const struct consent *consent, struct err *err)
{
    struct permit permit;
    bool won = false;
    enum rc rc = code_use(x->sql, f->code, &won, err);

    if (rc == RC_OK && !won)
        code_expired(x);
    if (rc == RC_OK && won)
        rc = permit_new(x->sql, x->now_ms, &x->knobs, consent, &permit, err);
    if (rc == RC_OK && won)
        rc = issue(x, app, &permit, NULL, err);
    return rc;
}

static enum rc exchange_code(struct exchange *x, const struct form *f, struct err *err)
{
    struct consent consent;
    struct app app;
    enum rc rc = code_find(x->sql, f->code, &consent, err);

    if (rc != RC_OK)
        return rc;
    x->user_id = consent.user_id;
    /* The code comes before the credentials: that was seen live. */
    if (consent.user_id == 0 || consent.used || x->now_ms >= consent.expires_ms) {
        code_expired(x);
        return RC_OK;
    }
    rc = check_client(x, f, &app, err);
    if (rc != RC_OK || app.id == 0 || !form_fits(x, f, &app, &consent))
        return rc;
    return use_code(x, f, &app, &consent, err);
}

/* --- refresh, and the app's own token ------------------------------------------ */

static enum rc refresh(struct exchange *x, const struct form *f, struct err *err)
{
    struct permit permit;
    struct app app;
    enum rc rc = check_client(x, f, &app, err);

    if (rc != RC_OK || app.id == 0)
        return rc;
    rc = refresh_find(x->sql, f->refresh_token, x->now_ms, &permit, err);
    if (rc != RC_OK)
        return rc;
    x->user_id = permit.user_id;
    if (permit.id == 0 || permit.app_id != app.id) {
        oauth_error(x, "invalid_grant", "Refresh token is invalid or expired.");
        return RC_OK;
    }
    return issue(x, &app, &permit, f->refresh_token, err);
}

/* A token for TikTok's research and commercial interfaces. Nothing here takes it, as
 * nothing of posting does there. */
static enum rc client_token(struct exchange *x, const struct form *f, struct err *err)
{
    char secret[49];
    char token[64];
    struct app app;
    struct jsonw w;
    enum rc rc = check_client(x, f, &app, err);

    if (rc != RC_OK || app.id == 0)
        return rc;
    random_base32(x->sandbox->random, secret, sizeof(secret) - 1);
    (void)snprintf(token, sizeof(token), "clt.%s", secret);
    web_json_begin(x->res, 200, &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "access_token", token);
    jsonw_key_int(&w, "expires_in", 7200);
    jsonw_key_text(&w, "token_type", "Bearer");
    jsonw_end(&w);
    return RC_OK;
}

static enum rc answer_grant(struct exchange *x, const struct form *f, struct err *err)
{
    if (strcmp(f->grant_type, "authorization_code") == 0)
        return exchange_code(x, f, err);
    if (strcmp(f->grant_type, "refresh_token") == 0)
        return refresh(x, f, err);
    if (strcmp(f->grant_type, "client_credentials") == 0)
        return client_token(x, f, err);
    if (f->grant_type[0] == '\0')
        malformed(x);
    else
        oauth_error(x, "unsupported_grant_type", "The grant type is not supported.");
    return RC_OK;
}

/* --- revocation ---------------------------------------------------------------- */

static enum rc revoke(struct exchange *x, const struct form *f, struct err *err)
{
    struct permit permit;
    struct app app;
    enum rc rc = check_client(x, f, &app, err);

    if (rc != RC_OK || app.id == 0)
        return rc;
    rc = access_find(x->sql, f->token, x->now_ms, &permit, err);
    if (rc != RC_OK)
        return rc;
    x->user_id = permit.user_id;
    if (permit.id == 0 || permit.app_id != app.id) {
        oauth_error(x, "invalid_grant", "Access token is invalid or expired.");
        return RC_OK;
    }
    rc = app_remove(x, permit.app_id, permit.user_id, REMOVED_BY_APP, err);
    if (rc == RC_OK)
        web_text(x->res, 200, "application/json", "");
    return rc;
}

/* --- requests ------------------------------------------------------------------ */

static enum rc serve(struct exchange *x,
                     enum rc (*handle)(struct exchange *x, const struct form *f,
                                       struct err *err),
                     struct err *err)
{
    struct form f;
    enum rc rc = sql_begin(x->sql, err);

    if (rc != RC_OK)
        return rc;
    if (read_form(x, &f))
        rc = handle(x, &f, err);
    if (rc == RC_OK)
        rc = exchange_note(x, err);
    explicit_bzero(&f, sizeof(f));
    return sql_end(x->sql, rc, err);
}

enum rc oauth_token(struct exchange *x, struct err *err)
{
    return serve(x, answer_grant, err);
}

enum rc oauth_revoke(struct exchange *x, struct err *err)
{
    return serve(x, revoke, err);
}
