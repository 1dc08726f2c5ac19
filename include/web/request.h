/* web/request.h - one HTTP request as it came through FastCGI.
 *
 * Texts are bytes as the client sent them, NUL-terminated, and live as long as the
 * request. Nothing is decoded but what says so. The body is read by the handler's side,
 * once, within a limit it names: whole (web_body_read) or in pieces (web_body_some). One
 * that nginx wrote to a file is named by web_body_file() and is not in the stream. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include "core/err.h"
#include "core/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WEB_ID_SIZE = 33,    /* a request id with its NUL */
    WEB_PATH_MAX = 1024, /* bytes of a path; longer is 414 */
    WEB_QUERY_MAX = 8192,
};

struct web_stream; /* private: libfcgi's side */

struct web_request {
    char id[WEB_ID_SIZE];   /* nginx's REQUEST_ID when it is hex, else made here */
    const char *method;     /* "GET", ... */
    const char *path;       /* of the request line, without the query; not decoded */
    const char *query;      /* without '?'; "" when there is none */
    const char *remote_ip;  /* of the client, as nginx says */
    const char *scheme;     /* "http" or "https", as nginx says */
    int64_t content_length; /* -1: none was sent */
    struct web_stream *stream;
};

/* The value of a header, e.g. "If-Match"; NULL when it was not sent. Case of the name
 * does not matter. A header that was sent twice reads as an empty one: none that we look
 * at is a list, and an empty value fits nothing. */
const char *web_header(const struct web_request *req, const char *name);

/* The Content-Type without its parameters, lower case, into out; false when there is none
 * or it does not fit. */
bool web_content_type(const struct web_request *req, char *out, size_t size) MUST_CHECK;

/* A parameter of the query, percent-decoded ('+' is a space), into out. *found says
 * whether it was there. RC_INVALID "bad_request": malformed escape, not UTF-8, longer
 * than the buffer, or given twice. */
enum rc web_query(const struct web_request *req, const char *name, char *out, size_t size,
                  bool *found, struct err *err) MUST_CHECK;

/* The same for text of that form from elsewhere (a form's body). */
enum rc web_form_value(const char *form, size_t len, const char *name, struct strbuf *out,
                       bool *found, struct err *err) MUST_CHECK;

/* Calls each() for every pair of a form or query, decoded; false from each() ends it.
 * RC_INVALID "bad_request" as above. */
typedef bool (*web_pair_fn)(void *ctx, const char *name, const char *value);
enum rc web_form_each(const char *form, size_t len, web_pair_fn each, void *ctx,
                      struct err *err) MUST_CHECK;

/* A cookie's value into out; false when it is not there, is there twice or does not
 * fit. */
bool web_cookie(const struct web_request *req, const char *name, char *out,
                size_t size) MUST_CHECK;

/* Reads the whole body into out (reset first). RC_INVALID "too_large": Content-Length or
 * what came is over max, and out's limit is at least max; "body_cut_short": the client
 * broke off. */
enum rc web_body_read(const struct web_request *req, size_t max, struct strbuf *out,
                      struct err *err) MUST_CHECK;

/* Reads up to len bytes of the body, at least one unless it is over; *got 0: the end.
 * "body_cut_short" when it ends before Content-Length. */
enum rc web_body_some(const struct web_request *req, void *buf, size_t len, size_t *got,
                      struct err *err) MUST_CHECK;

/* The file in which nginx left the body (REQUEST_BODY_FILE), or NULL. Check it with
 * blob/incoming.h. */
const char *web_body_file(const struct web_request *req);

/* True when nginx says that the request came in on its internal listener (TTS_INTERNAL);
 * no client's header is taken for it. */
bool web_is_internal(const struct web_request *req) MUST_CHECK;

#endif
