/* api/api.h - what a handler of tts-api works with.
 *
 * dispatch.c finds the route, checks who is asking (session or token, role, CSRF), reads
 * and parses the body, and calls the handler; the handler reads, checks, acts and
 * renders. It returns an enum rc; dispatch turns a failure into one HTTP status and one
 * log line. Handlers contain no SQL, no error status, no log line, no time(). */
#ifndef SRC_API_API_H
#define SRC_API_API_H

#include "blob/blob.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/random.h"
#include "crypto/keys.h"
#include "domain/role.h"
#include "queue/redis.h"
#include "store/db.h"
#include "web/request.h"
#include "web/response.h"
#include "web/router.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api_settings {
    char *db_url, *redis_url;
    char *listen;
    int64_t workers; /* 0: twice the processors, at least 4 */
    char *app_url;   /* without a slash at its end */
    char *app_key_file;
    struct blob_settings media;
    char *incoming; /* NULL: bodies come over the connection */
    char *client_key, *redirect_uri, *scopes, *auth_url; /* of TikTok */
    char *pull_url; /* NULL: TikTok can fetch nothing, so photos cannot be posted */
    char *log_level, *log_file;

    /* Derived. */
    bool https;   /* app_url is: cookies are __Host- and Secure */
    bool sandbox; /* auth_url is not TikTok's own: the simulator plays TikTok */
};

/* One per worker; the handlers' whole world. */
struct api {
    const struct api_settings *settings;
    const struct clock *clock; /* for durations; due times are the database's */
    const struct random_source *random;
    const struct key_ring *keys; /* APP_KEY_FILE */
    struct db *db;
    struct redis *redis; /* may be away at any time */
    struct blob_store *blobs;
    struct gate *gate; /* to hashing passwords, shared by all workers */
    struct {
        int64_t since_ms;
        unsigned n;
    } sign_ins; /* tried in the last minute by this worker while Redis was away */
};

/* Who asks. */
struct api_caller {
    uint64_t workspace_id;
    uint64_t user_id;
    enum role role;
    uint64_t token_id;              /* of an API token; 0: a session */
    unsigned char session_hash[32]; /* when token_id is 0 */
    unsigned char csrf_secret[32];  /* likewise */
    int64_t expires_at_ms;          /* of the session or the token, at the latest */
};

struct api_request {
    const struct web_request *web;
    struct api_caller who; /* zeroed on AUTH_NONE and AUTH_OUTSIDE routes */
    struct web_params params;
    uint64_t id;      /* the {id} of the path, checked; 0 when the route has none */
    json_t *json;     /* the body, an object; NULL unless the route takes BODY_JSON */
    const char *body; /* its text, for hashing; "" likewise */
    size_t body_len;
};

typedef enum rc (*api_handler_fn)(struct api *api, const struct api_request *req,
                                  struct web_response *res, struct err *err);

enum api_auth {
    AUTH_NONE,    /* anybody; who is not looked up */
    AUTH_OUTSIDE, /* likewise, and from anywhere: what it does with the request proves who
                   * sent it (a signature), so a browser's origin is no matter */
    AUTH_VIEWER,  /* any member, or a token with scope read */
    AUTH_EDITOR,  /* owner, admin, editor; or a token with scope write */
    AUTH_ADMIN,   /* owner and admin; likewise */
    AUTH_SESSION, /* a signed-in browser; the handler answers for it itself when there is
                   * none (who.user_id 0): the OAuth callback */
};

enum api_body {
    BODY_NONE,     /* a body is refused (415 or 400), an empty one is fine */
    BODY_JSON,     /* required, an object, at most API_BODY_MAX bytes */
    BODY_OPTIONAL, /* as BODY_JSON, but may be absent: json is an empty object then */
    BODY_RAW,      /* the handler reads it */
};

enum { API_BODY_MAX = 65536 };

struct api_route {
    const char *method, *path; /* of docs/openapi.yaml; tools/check-docs compares */
    enum api_auth auth;
    enum api_body body;
    api_handler_fn handle;
};

/* Each noun's folder has one table (routes.c beside its handlers). */
struct api_routes {
    const struct api_route *routes;
    size_t n;
};
extern const struct api_routes session_routes, account_routes, upload_routes,
    media_routes, post_routes, webhook_routes, live_routes, pull_routes,
    notification_routes;

/* Helpers that several handlers need (src/api/common.c). */

/* If-Match: *version is the number in it, 0 when the header is absent or "*". RC_INVALID
 * "bad_request" for anything else. */
enum rc api_if_match(const struct api_request *req, uint32_t *version,
                     struct err *err) MUST_CHECK;

/* ETag: "<version>". */
void api_etag(struct web_response *res, uint64_t version);

/* ?limit= (default 50, 1..100) and ?cursor=. A cursor is opaque and signed: two numbers
 * and what list it belongs to; one that we did not make, or of another list, is
 * RC_INVALID "invalid" for field "cursor". Without one, *first is true and the numbers
 * are 0. */
struct api_page {
    size_t limit;
    bool first;
    int64_t at;
    uint64_t id;
};
enum rc api_page_read(const struct api *api, const struct api_request *req,
                      const char *list, struct api_page *page,
                      struct err *err) MUST_CHECK;

/* Answers 200 with a page: begins {"items":[, then the caller writes one value for each
 * row, then it ends with "next_cursor": a cursor behind (at, id), or null when there is
 * no more. */
void api_page_begin(struct web_response *res, struct jsonw *w);
void api_page_end(const struct api *api, struct jsonw *w, const char *list, bool more,
                  int64_t at, uint64_t id);

/* An id in JSON: a decimal string under key. *id 0 when it is absent or null and not
 * required. RC_INVALID names the field. */
enum rc api_json_id(const json_t *object, const char *key, bool required, uint64_t *id,
                    struct err *err) MUST_CHECK;

/* RC_INVALID "unknown_field" (naming it) when object has a key that is not in allowed, a
 * NULL-terminated list. */
enum rc api_json_known(const json_t *object, const char *const allowed[],
                       struct err *err) MUST_CHECK;

/* A finding on a field, collected while a whole input is checked; answered as 422
 * "invalid" with "fields". Add as many as there are, then api_fields_fail(). */
enum { API_FIELDS_MAX = 32 };
struct api_fields {
    size_t n;
    char name[API_FIELDS_MAX][48];
    char code[API_FIELDS_MAX][48];
};
/* The first finding of a field counts. */
void api_fields_add(struct api_fields *f, const char *name, const char *code);

/* RC_OK when there is no finding; else RC_INVALID "invalid", with the fields kept for the
 * answer (dispatch renders them) and msg as the sentence. */
enum rc api_fields_fail(const struct api_fields *f, const char *msg,
                        struct err *err) MUST_CHECK;

/* Dispatch's side of it: what the request that failed last had kept, and forgetting it
 * before the next. (One request at a time: a worker is single-threaded.) */
const struct api_fields *api_fields_kept(void);
void api_fields_forget(void);

/* What dispatch makes of a failure of any handler, in order: the table of codes with a
 * status of their own (src/api/failure.c); else the status of the class. An err with a
 * field (err_field()) is answered as "invalid" with {"field": "code"}. */

#endif
