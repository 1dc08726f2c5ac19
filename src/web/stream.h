/* web/stream.h - where a request comes from: libfcgi's parameters and body.
 *
 * The parameters are enough for everything in web/request.h but the body, so a test makes
 * a request out of a list of strings and leaves in NULL: an empty body. */
#ifndef SRC_WEB_STREAM_H
#define SRC_WEB_STREAM_H

#include "web/request.h"

#include <stdbool.h>
#include <stdint.h>

struct FCGX_Stream; /* of fcgiapp.h */

/* Bytes of all parameters of a request. nginx takes 40 KiB of headers at most and adds
 * little; whoever sends more is not nginx. */
enum { WEB_PARAMETERS_MAX = 65536 };

struct web_stream {
    const char *const *parameters; /* "NAME=value", NULL at the end; the library's */
    struct FCGX_Stream *in;
    int fd;           /* the connection */
    int64_t received; /* bytes of the body so far */

    /* What req->path and req->query point to: REQUEST_URI taken apart. */
    char path[WEB_PATH_MAX + 1];
    char query[WEB_QUERY_MAX + 1];
};

/* Makes *req out of stream's parameters; both are the caller's, as long as the request.
 * Returns 0, or the status that refuses what cannot be a request: 400, 414 or 431. The
 * id is set in any case. */
int web_request_open(struct web_request *req, struct web_stream *stream) MUST_CHECK;

/* Reads and drops the rest of the body, up to max bytes. True when its end was seen, so
 * that the connection may be closed without resetting it. */
bool web_body_drop(const struct web_request *req, int64_t max) MUST_CHECK;

#endif
