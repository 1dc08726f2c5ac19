/* api/auth.h - who asks, may they, and does the request come from our own page?
 *
 * A request with "Authorization: Bearer ..." is an API client's: the token decides and no
 * cookie is read. Any other is a browser's: the session cookie decides, and an unsafe
 * method must come from our own origin and carry the session's CSRF token. */
#ifndef SRC_API_AUTH_H
#define SRC_API_AUTH_H

#include "api.h"

#include "store/sessions.h"

enum {
    AUTH_COOKIE_LEN = 43,                    /* characters: 256 bits in base64url */
    AUTH_CSRF_SIZE = 2 * (4 + 32) + 1,       /* hex of a tag of sign.h, NUL */
    AUTH_LIFETIME_S = SESSION_MAX_MS / 1000, /* of the cookie */
};

/* "__Host-tts_session" over https, "tts_session" over plain http on loopback. */
const char *auth_cookie_name(const struct api_settings *settings);

/* The hash of the session cookie that the request carries. False: none, two of the name,
 * or nothing that we ever give out. */
bool auth_cookie_hash(const struct api_settings *settings, const struct web_request *web,
                      unsigned char hash[SESSION_HASH_SIZE]) MUST_CHECK;

/* What was found out about a request before its handler runs. */
struct auth_found {
    struct api_caller who;
    unsigned scopes; /* of a token */
};

/* Who sends the request. RC_DENIED "not_signed_in": nobody we know; RC_UNAVAILABLE. */
enum rc auth_identify(struct api *api, const struct web_request *web,
                      struct auth_found *out, struct err *err) MUST_CHECK;

/* May they use a route that needs this? RC_DENIED "forbidden". */
enum rc auth_allow(const struct auth_found *found, enum api_auth need,
                   struct err *err) MUST_CHECK;

/* True for methods that change nothing: GET, HEAD, OPTIONS. */
bool auth_safe_method(const char *method) MUST_CHECK;

/* The origin rule: Sec-Fetch-Site is same-origin or, when the browser sent none, Origin
 * is ours. RC_DENIED "csrf_failed". */
enum rc auth_check_origin(const struct api_settings *settings,
                          const struct web_request *web, struct err *err) MUST_CHECK;

/* The origin rule and X-CSRF-Token. RC_DENIED "csrf_failed". */
enum rc auth_check_csrf(const struct api *api, const struct web_request *web,
                        const struct auth_found *found, struct err *err) MUST_CHECK;

/* The CSRF token of who's session, for its page. */
void auth_csrf_token(const struct key_ring *keys, const struct api_caller *who,
                     char out[AUTH_CSRF_SIZE]);

#endif
