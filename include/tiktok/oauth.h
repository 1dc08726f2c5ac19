/* tiktok/oauth.h - connecting an account: Login Kit for Web, OAuth 2 as TikTok has it.
 *
 * Peculiarities (docs/tiktok.md 2): client_key instead of client_id; scopes joined by
 * commas; credentials in the body, never in an Authorization header; errors flat and
 * often with HTTP 200; the code comes percent-encoded, is decoded exactly once by the
 * web layer, and encoded again here. Builders append to a strbuf whose owner checks
 * strbuf_failed(); a body holds secrets and is released with strbuf_wipe(). */
#ifndef TIKTOK_OAUTH_H
#define TIKTOK_OAUTH_H

#include "core/strbuf.h"
#include "tiktok/answer.h"

#include <stdbool.h>
#include <stdint.h>

#define TIKTOK_PATH_AUTHORIZE "/v2/auth/authorize/" /* below TIKTOK_AUTH_URL */
#define TIKTOK_PATH_TOKEN     "/v2/oauth/token/" /* below TIKTOK_API_URL, as all others */
#define TIKTOK_PATH_REVOKE    "/v2/oauth/revoke/"
#define TIKTOK_FORM_TYPE      "application/x-www-form-urlencoded"
#define TIKTOK_JSON_TYPE      "application/json; charset=UTF-8"

enum {
    TIKTOK_TOKEN_MAX = 2048,   /* bytes; seen: about 100, allow 512 and more */
    TIKTOK_CODE_MAX = 1024,    /* bytes of a decoded authorization code */
    TIKTOK_OPEN_ID_MAX = 128,  /* seen: 36 */
    TIKTOK_SCOPES_MAX = 512,   /* bytes of a comma-separated list */
    TIKTOK_REDIRECT_MAX = 511, /* "< 512 characters", docs/tiktok.md 2.2 */
};

/* Our app as registered in the developer portal. */
struct tiktok_app {
    const char *client_key;
    const char *client_secret; /* may be NULL for the authorize URL: tts-api has none */
    const char *redirect_uri;  /* byte for byte as registered */
};

/* Where the browser goes. disable_auto_auth=1, so that a person signed in to TikTok can
 * still pick another account. scopes is comma-separated; state is ours and comes back;
 * code_challenge is the hex form of crypto/pkce.h. auth_url is TIKTOK_AUTH_URL, with or
 * without a slash at its end. */
struct tiktok_authorize {
    const char *auth_url, *scopes, *state, *code_challenge;
};

void tiktok_authorize_url(const struct tiktok_app *app, const struct tiktok_authorize *a,
                          struct strbuf *out);

/* Form bodies for TIKTOK_PATH_TOKEN. code is the decoded value. */
void tiktok_exchange_body(const struct tiktok_app *app, const char *code,
                          const char *code_verifier, struct strbuf *out);
void tiktok_refresh_body(const struct tiktok_app *app, const char *refresh_token,
                         struct strbuf *out);

/* Form body for TIKTOK_PATH_REVOKE: it takes the access token. */
void tiktok_revoke_body(const struct tiktok_app *app, const char *access_token,
                        struct strbuf *out);

/* What the token endpoint gave. A secret: end it with tiktok_tokens_wipe(). Every field
 * is NUL-terminated. */
struct tiktok_tokens {
    char access_token[TIKTOK_TOKEN_MAX + 1];
    char refresh_token[TIKTOK_TOKEN_MAX +
                       1]; /* "": not said; after a refresh: keep the old */
    char open_id[TIKTOK_OPEN_ID_MAX + 1]; /* "" possible after a refresh */
    char scopes[TIKTOK_SCOPES_MAX + 1];   /* granted; "" : not said, keep the old */
    int64_t expires_in_s;                 /* never below 1; see TIKTOK_EXPIRES_UNSAID_S */
    int64_t refresh_expires_in_s;         /* 0: not said */
};

/* When expires_in is missing: the shorter of the two documented lives (2 h and 24 h),
 * since a refresh too early costs nothing. */
enum { TIKTOK_EXPIRES_UNSAID_S = 7200 };

/* Reads the token endpoint's answer; where is TIKTOK_IN_EXCHANGE (open_id is required)
 * or TIKTOK_IN_REFRESH. RC_DENIED after a refresh: the refresh token is dead, unless
 * another worker has rotated it meanwhile. RC_REJECTED with class OPERATOR: our
 * credentials are wrong, the account is innocent. An unreadable 2xx is RC_UNCERTAIN: the
 * code may be spent, the refresh token rotated. */
enum rc tiktok_tokens_parse(enum tiktok_where where, const struct tiktok_answer *answer,
                            struct tiktok_reply *reply, struct tiktok_tokens *tokens,
                            struct err *err) MUST_CHECK;
void tiktok_tokens_wipe(struct tiktok_tokens *tokens);

/* Reads the revoke endpoint's answer; success is an empty body or an empty object. A
 * token that is dead already counts as revoked (RC_OK). */
enum rc tiktok_revoke_parse(const struct tiktok_answer *answer,
                            struct tiktok_reply *reply, struct err *err) MUST_CHECK;

/* The row for a callback that brought an error; error_type may be NULL. The pair
 * access_denied + non_sandbox_target is not a refusal by the person. Never NULL. */
const struct tiktok_error *tiktok_callback_error(const char *error,
                                                 const char *error_type);

/* True when scope is one of the comma- (or space-) separated scopes. */
bool tiktok_scopes_have(const char *scopes, const char *scope) MUST_CHECK;

/* Appends those of wanted that granted lacks, joined by commas, in wanted's order;
 * nothing when all are there. People may untick scopes on the consent page. */
void tiktok_scopes_missing(const char *wanted, const char *granted, struct strbuf *out);

#endif
