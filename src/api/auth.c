#include "auth.h"

#include "sign.h"

#include "core/encode.h"
#include "core/text.h"
#include "crypto/digest.h"
#include "store/api_tokens.h"

#include <string.h>

_Static_assert(AUTH_CSRF_SIZE == 2 * SIGN_SIZE + 1, "a CSRF token is a tag in hex");

static enum rc nobody(struct err *err)
{
    return err_set(err, RC_DENIED, "not_signed_in", "Sign in first.");
}

/* --- the cookie ---------------------------------------------------------------- */

const char *auth_cookie_name(const struct api_settings *settings)
{
    return settings->https ? "__Host-tts_session" : "tts_session";
}

static bool is_base64url(const char *text)
{
    return strspn(text,
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
           strlen(text);
}

bool auth_cookie_hash(const struct api_settings *settings, const struct web_request *web,
                      unsigned char hash[SESSION_HASH_SIZE])
{
    char value[AUTH_COOKIE_LEN + 1];
    bool ours = web_cookie(web, auth_cookie_name(settings), value, sizeof(value)) &&
                strlen(value) == AUTH_COOKIE_LEN && is_base64url(value);

    if (ours)
        digest_sha256(value, AUTH_COOKIE_LEN, hash);
    explicit_bzero(value, sizeof(value));
    return ours;
}

static enum rc identify_session(struct api *api, const struct web_request *web,
                                struct auth_found *out, struct err *err)
{
    struct session s;
    enum rc rc;

    if (!auth_cookie_hash(api->settings, web, out->who.session_hash))
        return nobody(err);
    rc = session_find(api->db, out->who.session_hash, &s, err);
    if (rc == RC_NOT_FOUND)
        return nobody(err);
    if (rc != RC_OK)
        return rc;
    out->who.workspace_id = s.workspace_id;
    out->who.user_id = s.user_id;
    out->who.role = s.role;
    out->who.expires_at_ms = s.expires_at_ms;
    (void)memcpy(out->who.csrf_secret, s.csrf_secret, sizeof(out->who.csrf_secret));
    return RC_OK;
}

/* --- the token ----------------------------------------------------------------- */

/* What follows "Bearer ", or NULL when the request carries no such header. */
static const char *bearer(const struct web_request *web)
{
    const char *text = web_header(web, "Authorization");
    static const char scheme[] = "Bearer ";
    char start[sizeof(scheme)];

    if (text == NULL)
        return NULL;
    text_copy(start, sizeof(start), text);
    return text_equal_nocase(start, scheme) ? text + strlen(scheme) : NULL;
}

static enum rc identify_token(struct api *api, const char *token, struct auth_found *out,
                              struct err *err)
{
    unsigned char hash[API_TOKEN_HASH_SIZE];
    struct api_token t;
    enum rc rc;

    if (!api_token_looks_right(token))
        return nobody(err);
    digest_sha256(token, strlen(token), hash);
    rc = api_token_find(api->db, hash, &t, err);
    if (rc == RC_NOT_FOUND)
        return nobody(err);
    if (rc != RC_OK)
        return rc;
    out->who.workspace_id = t.workspace_id;
    out->who.user_id = t.user_id;
    out->who.role = t.role;
    out->who.token_id = t.token_id;
    out->who.expires_at_ms = t.expires_at_ms;
    out->scopes = t.scopes;
    return RC_OK;
}

enum rc auth_identify(struct api *api, const struct web_request *web,
                      struct auth_found *out, struct err *err)
{
    const char *token = bearer(web);
    struct auth_found found = {0};
    enum rc rc = token != NULL ? identify_token(api, token, &found, err)
                               : identify_session(api, web, &found, err);

    if (rc == RC_OK)
        *out = found;
    explicit_bzero(&found, sizeof(found));
    return rc;
}

/* --- rights -------------------------------------------------------------------- */

static bool role_allows(enum role role, enum api_auth need)
{
    switch (need) {
    case AUTH_NONE:
    case AUTH_OUTSIDE:
    case AUTH_SESSION:
    case AUTH_VIEWER:
        return true;
    case AUTH_EDITOR:
        return role_may_edit(role);
    case AUTH_ADMIN:
        return role_may_manage(role);
    }
    return false;
}

enum rc auth_allow(const struct auth_found *found, enum api_auth need, struct err *err)
{
    unsigned scope = need == AUTH_VIEWER ? API_SCOPE_READ : API_SCOPE_WRITE;

    if (found->who.token_id != 0 && (found->scopes & scope) == 0)
        return err_set(err, RC_DENIED, "forbidden",
                       "This token has not the scope \"%s\".", api_scopes_text(scope));
    if (!role_allows(found->who.role, need))
        return err_set(err, RC_DENIED, "forbidden",
                       "Your role in this workspace (%s) does not allow this.",
                       role_name(found->who.role));
    return RC_OK;
}

/* --- requests from other sites ------------------------------------------------- */

bool auth_safe_method(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "OPTIONS") == 0;
}

static enum rc foreign(struct err *err)
{
    return err_set(err, RC_DENIED, "csrf_failed",
                   "This request does not come from the dashboard's own page. Load the "
                   "page again.");
}

enum rc auth_check_origin(const struct api_settings *settings,
                          const struct web_request *web, struct err *err)
{
    const char *site = web_header(web, "Sec-Fetch-Site");
    const char *origin = web_header(web, "Origin");

    if (site != NULL)
        return strcmp(site, "same-origin") == 0 ? RC_OK : foreign(err);
    if (origin == NULL || strcmp(origin, settings->app_url) != 0)
        return foreign(err);
    return RC_OK;
}

static void tag_parts(struct hmac_part parts[2], const struct api_caller *who)
{
    parts[0] = (struct hmac_part){who->session_hash, sizeof(who->session_hash)};
    parts[1] = (struct hmac_part){who->csrf_secret, sizeof(who->csrf_secret)};
}

enum rc auth_check_csrf(const struct api *api, const struct web_request *web,
                        const struct auth_found *found, struct err *err)
{
    const char *token = web_header(web, "X-CSRF-Token");
    unsigned char tag[SIGN_SIZE];
    struct hmac_part parts[2];
    enum rc rc = auth_check_origin(api->settings, web, err);

    if (rc != RC_OK)
        return rc;
    tag_parts(parts, &found->who);
    if (token == NULL || strlen(token) != AUTH_CSRF_SIZE - 1 ||
        !hex_decode(token, tag, sizeof(tag)) ||
        !sign_check(api->keys, "csrf", parts, ARRAY_LEN(parts), tag))
        return foreign(err);
    return RC_OK;
}

void auth_csrf_token(const struct key_ring *keys, const struct api_caller *who,
                     char out[AUTH_CSRF_SIZE])
{
    unsigned char tag[SIGN_SIZE];
    struct hmac_part parts[2];

    tag_parts(parts, who);
    sign_make(keys, "csrf", parts, ARRAY_LEN(parts), tag);
    hex_encode(tag, sizeof(tag), out);
}
