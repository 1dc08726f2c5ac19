#include "tiktok/oauth.h"

#include "answer_priv.h"
#include "core/encode.h"
#include "core/text.h"

#include <string.h>

/* --- requests ------------------------------------------------------------------ */

/* Appends "name=value" to a query or form, with the separator that is due. */
static void add_pair(struct strbuf *out, char separator, const char *name,
                     const char *value)
{
    if (separator != '\0')
        strbuf_addc(out, separator);
    strbuf_addstr(out, name);
    strbuf_addc(out, '=');
    percent_encode(out, value, strlen(value));
}

void tiktok_authorize_url(const struct tiktok_app *app, const struct tiktok_authorize *a,
                          struct strbuf *out)
{
    size_t len = strlen(a->auth_url);

    while (len > 0 && a->auth_url[len - 1] == '/')
        len--;
    strbuf_add(out, a->auth_url, len);
    strbuf_addstr(out, TIKTOK_PATH_AUTHORIZE);
    add_pair(out, '?', "client_key", app->client_key);
    add_pair(out, '&', "response_type", "code");
    add_pair(out, '&', "scope", a->scopes);
    add_pair(out, '&', "redirect_uri", app->redirect_uri);
    add_pair(out, '&', "state", a->state);
    add_pair(out, '&', "code_challenge", a->code_challenge);
    add_pair(out, '&', "code_challenge_method", "S256");
    add_pair(out, '&', "disable_auto_auth", "1");
}

static void add_credentials(const struct tiktok_app *app, struct strbuf *out)
{
    add_pair(out, '\0', "client_key", app->client_key);
    add_pair(out, '&', "client_secret", app->client_secret);
}

void tiktok_exchange_body(const struct tiktok_app *app, const char *code,
                          const char *code_verifier, struct strbuf *out)
{
    add_credentials(app, out);
    add_pair(out, '&', "code", code);
    add_pair(out, '&', "grant_type", "authorization_code");
    add_pair(out, '&', "redirect_uri", app->redirect_uri);
    add_pair(out, '&', "code_verifier", code_verifier);
}

void tiktok_refresh_body(const struct tiktok_app *app, const char *refresh_token,
                         struct strbuf *out)
{
    add_credentials(app, out);
    add_pair(out, '&', "grant_type", "refresh_token");
    add_pair(out, '&', "refresh_token", refresh_token);
}

void tiktok_revoke_body(const struct tiktok_app *app, const char *access_token,
                        struct strbuf *out)
{
    add_credentials(app, out);
    add_pair(out, '&', "token", access_token);
}

/* --- answers ------------------------------------------------------------------- */

/* Overwrites a text inside a JSON tree that is about to be freed. */
static void wipe_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_string(value))
        explicit_bzero((void *)(uintptr_t)json_string_value(value),
                       json_string_length(value));
}

/* A life in seconds; fallback when missing or not positive. */
static int64_t read_life(const json_t *root, const char *key, int64_t fallback)
{
    static const int64_t longest_s = INT64_C(10) * 365 * 86400;
    int64_t life_s = answer_i64(root, key, 0);

    if (life_s <= 0)
        return fallback;
    return life_s < longest_s ? life_s : longest_s;
}

static bool read_tokens(const json_t *root, bool open_id_required,
                        struct tiktok_tokens *tokens)
{
    *tokens = (struct tiktok_tokens){0};
    answer_whole(root, "access_token", tokens->access_token,
                 sizeof(tokens->access_token));
    answer_whole(root, "refresh_token", tokens->refresh_token,
                 sizeof(tokens->refresh_token));
    answer_whole(root, "open_id", tokens->open_id, sizeof(tokens->open_id));
    answer_whole(root, "scope", tokens->scopes, sizeof(tokens->scopes));
    tokens->expires_in_s = read_life(root, "expires_in", TIKTOK_EXPIRES_UNSAID_S);
    tokens->refresh_expires_in_s = read_life(root, "refresh_expires_in", 0);
    return tokens->access_token[0] != '\0' &&
           (tokens->open_id[0] != '\0' || !open_id_required);
}

enum rc tiktok_tokens_parse(enum tiktok_where where, const struct tiktok_answer *answer,
                            struct tiktok_reply *reply, struct tiktok_tokens *tokens,
                            struct err *err)
{
    struct tiktok_tokens read;
    json_t *root;
    enum rc rc = answer_open(where, ANSWER_ACT, answer, reply, &root, err);

    if (rc != RC_OK)
        return rc;
    if (read_tokens(root, where == TIKTOK_IN_EXCHANGE, &read))
        *tokens = read;
    else
        rc = answer_unreadable(ANSWER_ACT, reply, err);
    tiktok_tokens_wipe(&read);
    wipe_text(root, "access_token");
    wipe_text(root, "refresh_token");
    json_decref(root);
    return rc;
}

void tiktok_tokens_wipe(struct tiktok_tokens *tokens)
{
    explicit_bzero(tokens, sizeof(*tokens));
}

static bool is_blank(const struct tiktok_answer *answer)
{
    for (size_t i = 0; i < answer->len; i++)
        if (strchr(" \t\r\n", answer->body[i]) == NULL)
            return false;
    return true;
}

/* Which code TikTok gives for a dead token is not documented, its text is. */
static bool was_dead(const struct tiktok_reply *reply)
{
    return strcmp(reply->error->reason, "token_dead") == 0 ||
           strcasestr(reply->message, "token is invalid or expired") != NULL;
}

enum rc tiktok_revoke_parse(const struct tiktok_answer *answer,
                            struct tiktok_reply *reply, struct err *err)
{
    json_t *root;
    enum rc rc;

    if (answer->http_status >= 200 && answer->http_status < 300 && is_blank(answer)) {
        answer_reply(answer, reply);
        reply->definite = true;
        return RC_OK;
    }
    rc = answer_open(TIKTOK_IN_REVOKE, ANSWER_QUESTION, answer, reply, &root, err);
    json_decref(root);
    return rc != RC_OK && was_dead(reply) ? RC_OK : rc;
}

/* --- callback and scopes ------------------------------------------------------- */

const struct tiktok_error *tiktok_callback_error(const char *error,
                                                 const char *error_type)
{
    const struct tiktok_error *row = NULL;

    if (error_type != NULL)
        row = tiktok_error_find(TIKTOK_IN_CALLBACK, error_type);
    return row != NULL ? row : tiktok_error_of(TIKTOK_IN_CALLBACK, error, 400);
}

/* The scope at s: its length, 0 at the end of the list. *s is moved to its beginning. */
static size_t scope_at(const char **s)
{
    *s += strspn(*s, ", ");
    return strcspn(*s, ", ");
}

static bool have(const char *scopes, const char *scope, size_t len)
{
    for (size_t n = scope_at(&scopes); n > 0; scopes += n, n = scope_at(&scopes))
        if (n == len && memcmp(scopes, scope, len) == 0)
            return true;
    return false;
}

bool tiktok_scopes_have(const char *scopes, const char *scope)
{
    return have(scopes, scope, strlen(scope));
}

void tiktok_scopes_missing(const char *wanted, const char *granted, struct strbuf *out)
{
    size_t begin = out->len;

    for (size_t n = scope_at(&wanted); n > 0; wanted += n, n = scope_at(&wanted)) {
        if (have(granted, wanted, n))
            continue;
        if (out->len > begin)
            strbuf_addc(out, ',');
        strbuf_add(out, wanted, n);
    }
}
