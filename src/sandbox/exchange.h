/* sandbox/exchange.h - one request in the simulator's hands, whoever handles it.
 *
 * The frame (frame.h) makes an exchange, lets faults have their way, calls the handler
 * and writes the call down. A handler answers by one of the functions below and returns
 * RC_OK, also when the answer is a refusal; any other class means that the simulator
 * itself failed. */
#ifndef SRC_SANDBOX_EXCHANGE_H
#define SRC_SANDBOX_EXCHANGE_H

#include "apps.h"
#include "knobs.h"
#include "people.h"
#include "permits.h"
#include "publications.h"
#include "settings.h"
#include "sql.h"

#include "core/clock.h"
#include "core/random.h"
#include "web/request.h"
#include "web/response.h"
#include "web/router.h"

#include <jansson.h>

enum {
    LOG_ID_SIZE = 35, /* 14 digits and 20 hex digits */
    CODE_NAME_SIZE = 64,
    FORM_MAX = 64 * 1024, /* bytes of a form or JSON body */
    URL_SIZE = 1024,
    UPLOAD_BUFFER = 256 * 1024,
};

/* What a worker has. */
struct sandbox {
    const struct settings *settings;
    const struct clock *clock;
    const struct random_source *random;
    struct sql *sql;
    char *buffer; /* UPLOAD_BUFFER bytes */
    int bell;     /* rings the courier (courier.h) */
};

struct exchange {
    struct sandbox *sandbox;
    struct sql *sql;
    const struct web_request *req;
    struct web_response *res;
    struct web_params params; /* of the path */
    struct knobs knobs;
    int64_t now_ms; /* of the simulator's clock */
    char log_id[LOG_ID_SIZE];
    struct strbuf body; /* of the request, where the route says that it is text */

    /* For the log of calls. */
    const char *endpoint;
    int64_t app_id;  /* 0: none known */
    int64_t user_id; /* 0: nobody known */
    unsigned scopes; /* of the token */
    bool counted;
    char publish_id[PUBLISH_ID_SIZE];
    char code[CODE_NAME_SIZE];
    int64_t fault_id;

    const char *script; /* that the page being written needs; NULL: none */
    int64_t awaited_id; /* of a publication that shall be fetched before the answer goes
                         * out; 0: none */
    bool errand; /* what is committed gives the courier something to do: it is rung when
                  * the request has been handled */
};

/* Reads the knobs and the clock, and makes the log id. */
enum rc exchange_open(struct exchange *x, struct err *err) MUST_CHECK;

/* The headers that all of TikTok's answers have: x-tt-logid and Date. */
void exchange_headers(struct exchange *x);

/* Writes the request and its answer into the log of calls. Inside a transaction. */
enum rc exchange_note(struct exchange *x, struct err *err) MUST_CHECK;

/* --- answers of the JSON API --------------------------------------------------- */

/* {"data": VALUE, "error": {"code": "ok", ...}}: the caller writes VALUE between. */
void api_begin(struct exchange *x, struct jsonw *w);
void api_end(struct exchange *x, struct jsonw *w);

/* The same without data. */
void api_ok(struct exchange *x);

/* {"error": {...}}, with "data": {} where TikTok has it. message NULL: the one that is
 * known for code, else the code itself. */
void api_error(struct exchange *x, int status, const char *code, const char *message);

/* 400 invalid_params. */
void api_invalid(struct exchange *x, const char *message);

/* --- other answers ------------------------------------------------------------- */

/* The flat form of OAuth errors. */
void oauth_error(struct exchange *x, const char *error, const char *description);

/* Status and empty body, as the upload hosts answer. */
void bare(struct exchange *x, int status);

/* What TikTok's edge says about a path or method that it does not know. */
void unsupported_path(struct exchange *x);

/* An error page of an edge server: HTML, whatever was asked for. */
void edge_page(struct exchange *x, int status);

/* Appends the address of the picture drawn for a name (of a person, a video), good for so
 * long. It is for the scheduler, which fetches it where it sends uploads. */
enum { AVATAR_TTL_S = 7200, COVER_TTL_S = 21600 };
void picture_url(const struct exchange *x, const char *name, int64_t ttl_s,
                 struct strbuf *out);
void avatar_url(const struct exchange *x, const struct person *person,
                struct strbuf *out);

/* Appends SANDBOX_URL and then the formatted path. */
void site_url(const struct exchange *x, struct strbuf *out, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
