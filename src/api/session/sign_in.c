/* POST /api/v1/session - e-mail address and password for a session.
 *
 * Every wrong combination gets the same answer after the same work: one look for the
 * person, one hash. */
#include "sign_in.h"

#include "../auth.h"
#include "gate.h"
#include "throttle.h"
#include "view.h"

#include "core/encode.h"
#include "core/log.h"
#include "core/text.h"
#include "crypto/digest.h"
#include "crypto/password.h"

#include <string.h>

struct credentials {
    const char *email, *password; /* borrowed from the body */
    size_t password_len;
};

/* --- reading ------------------------------------------------------------------- */

static const char *read_text(const struct api_request *req, const char *key, size_t max,
                             struct api_fields *fields)
{
    const json_t *value = json_object_get(req->json, key);
    const char *text = json_string_value(value);

    if (value != NULL && text == NULL)
        api_fields_add(fields, key, "invalid");
    else if (text == NULL || text[0] == '\0')
        api_fields_add(fields, key, "missing");
    else if (strlen(text) > max)
        api_fields_add(fields, key, "too_long");
    return text;
}

static enum rc read_credentials(const struct api_request *req, struct credentials *c,
                                struct err *err)
{
    static const char *const known[] = {"email", "password", NULL};
    struct api_fields fields = {0};
    enum rc rc = api_json_known(req->json, known, err);

    if (rc != RC_OK)
        return rc;
    c->email = read_text(req, "email", USER_EMAIL_MAX, &fields);
    c->password = read_text(req, "password", PASSWORD_MAX, &fields);
    rc = api_fields_fail(&fields, "Give your e-mail address and your password.", err);
    if (rc == RC_OK)
        c->password_len = strlen(c->password);
    return rc;
}

/* --- checking ------------------------------------------------------------------ */

static enum rc refused(struct err *err)
{
    return err_set(err, RC_DENIED, "bad_credentials",
                   "The e-mail address or the password is wrong.");
}

/* A hash of an older cost is made anew while the password is at hand. */
static void rehash(struct api *api, const struct user_login *user,
                   const struct credentials *c)
{
    char hash[PASSWORD_HASH_SIZE];
    struct err err;

    if (!password_needs_rehash(user->password_hash))
        return;
    if (password_hash(api->random, c->password, c->password_len, hash, &err) != RC_OK ||
        user_rehash(api->db, user->user_id, user->password_hash, hash, &err) != RC_OK)
        log_failure("session.rehash_failed", &err); /* the next sign-in tries again */
}

static enum rc verify(struct api *api, const struct user_login *user,
                      const struct credentials *c, struct err *err)
{
    enum rc rc;

    if (user->user_id == 0)
        return password_verify_nobody(c->password, c->password_len, err);
    rc = password_verify(user->password_hash, c->password, c->password_len, err);
    if (rc == RC_OK)
        rehash(api, user, c);
    return rc;
}

/* Who it is, or the one refusal. */
static enum rc check(struct api *api, const struct credentials *c,
                     const struct throttle *t, struct user_login *user, struct err *err)
{
    enum rc rc = user_login_find(api->db, c->email, user, err);

    if (rc == RC_NOT_FOUND)
        *user = (struct user_login){0};
    else if (rc == RC_OK)
        rc = throttle_check_row(t, user, err);
    if (rc != RC_OK && rc != RC_NOT_FOUND)
        return rc;
    rc = verify(api, user, c, err);
    if (rc == RC_OK && (user->disabled || user->workspace_id == 0))
        rc = RC_DENIED;
    if (rc != RC_DENIED)
        return rc;
    throttle_failed(api, t, user->user_id);
    return refused(err);
}

/* --- the session --------------------------------------------------------------- */

static void make_token(struct api *api, char token[AUTH_COOKIE_LEN + 1])
{
    unsigned char raw[32];
    struct strbuf text;

    random_fill(api->random, raw, sizeof(raw));
    strbuf_init(&text, AUTH_COOKIE_LEN);
    base64url_encode(&text, raw, sizeof(raw));
    text_copy(token, AUTH_COOKIE_LEN + 1, text.buf);
    strbuf_wipe(&text);
    explicit_bzero(raw, sizeof(raw));
}

static enum rc open_session(struct api *api, const struct web_request *web,
                            const struct user_login *user, struct api_caller *who,
                            struct err *err)
{
    unsigned char secret[SESSION_SECRET_SIZE], old[SESSION_HASH_SIZE];
    const struct actor actor = {.workspace_id = user->workspace_id,
                                .user_id = user->user_id,
                                .ip = web->remote_ip};
    const struct session_new fresh = {
        .hash = who->session_hash,
        .csrf_secret = secret,
        .old = auth_cookie_hash(api->settings, web, old) ? old : NULL,
        .user_agent = web_header(web, "User-Agent"),
    };
    struct session session;
    enum rc rc;

    random_fill(api->random, secret, sizeof(secret));
    rc = session_open(api->db, &actor, &fresh, err);
    if (rc == RC_OK)
        rc = session_find(api->db, who->session_hash, &session, err);
    if (rc != RC_OK)
        return rc;
    who->workspace_id = session.workspace_id;
    who->user_id = session.user_id;
    who->role = session.role;
    who->expires_at_ms = session.expires_at_ms;
    (void)memcpy(who->csrf_secret, secret, sizeof(who->csrf_secret));
    return RC_OK;
}

static enum rc begin(struct api *api, const struct web_request *web,
                     const struct user_login *user, struct web_response *res,
                     struct err *err)
{
    char token[AUTH_COOKIE_LEN + 1];
    struct api_caller who = {0};
    const struct web_cookie cookie = {.name = auth_cookie_name(api->settings),
                                      .value = token,
                                      .max_age_s = AUTH_LIFETIME_S,
                                      .secure = api->settings->https};
    enum rc rc;

    make_token(api, token);
    digest_sha256(token, AUTH_COOKIE_LEN, who.session_hash);
    rc = open_session(api, web, user, &who, err);
    if (rc == RC_OK)
        rc = session_answer(api, &who, 201, res, err);
    if (rc == RC_OK)
        web_cookie_set(res, &cookie);
    explicit_bzero(token, sizeof(token));
    return rc;
}

/* Inside the gate: a try that finds no room there is not counted as one. */
static enum rc attempt(struct api *api, const struct web_request *web,
                       const struct credentials *c, struct user_login *user,
                       struct err *err)
{
    struct throttle t;
    enum rc rc = throttle_begin(api, web->remote_ip, c->email, &t, err);

    if (rc == RC_OK)
        rc = check(api, c, &t, user, err);
    if (rc == RC_OK)
        throttle_succeeded(api, &t);
    return rc;
}

enum rc session_sign_in(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    struct credentials c = {0};
    struct user_login user = {0};
    struct gate_pass pass;
    enum rc rc = read_credentials(req, &c, err);

    if (rc == RC_OK)
        rc = gate_enter(api->gate, &pass, err);
    if (rc != RC_OK)
        return rc;
    rc = attempt(api, req->web, &c, &user, err);
    gate_leave(api->gate, &pass);
    if (rc == RC_OK)
        rc = begin(api, req->web, &user, res, err);
    explicit_bzero(&user, sizeof(user));
    return rc;
}
