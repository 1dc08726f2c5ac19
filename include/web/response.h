/* web/response.h - the answer to a request, put together and sent once.
 *
 *     web_header_add(res, "Cache-Control", "no-store");
 *     struct jsonw w;
 *     web_json_begin(res, 200, &w);
 *     jsonw_object(&w);
 *     ...
 *     jsonw_end(&w);
 *
 * The server sends it when the handler returns. It adds Status and Content-Length; for
 * HEAD the body that GET would have is counted and not sent. */
#ifndef WEB_RESPONSE_H
#define WEB_RESPONSE_H

#include "core/err.h"
#include "core/jsonw.h"
#include "core/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    WEB_HEADERS_MAX = 16384,            /* bytes of all headers */
    WEB_RESPONSE_MAX = 4 * 1024 * 1024, /* bytes of a body */
};

struct web_response {
    int status;            /* 0 until set; then 200..599 */
    struct strbuf headers; /* "Name: value\r\n"...; through web_header_add() only */
    struct strbuf body;
    /* For the simulator's faults. cut_after >= 0: only so many bytes of the body, over
     * which nginx breaks the client's connection; -1: all. */
    int64_t cut_after;
    bool lost;   /* drop the connection without any answer */
    bool broken; /* private: a value could not be a header's; becomes a 500 */
};

void web_response_init(struct web_response *res);
void web_response_release(struct web_response *res);

/* Empties it for another answer (an error in place of a half-written body). */
void web_response_reset(struct web_response *res);

/* Adds a header. name is a constant; a value with control characters (CR, LF) is a bug
 * that ends in a 500, never in a second header. */
void web_header_add(struct web_response *res, const char *name, const char *value);
void web_header_addf(struct web_response *res, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* A Set-Cookie: HttpOnly, SameSite=Lax, Path=/; Secure when secure. max_age_s 0 removes
 * the cookie, -1 makes it end with the browser. name and value are cookie characters. */
struct web_cookie {
    const char *name, *value;
    int64_t max_age_s;
    bool secure;
};
void web_cookie_set(struct web_response *res, const struct web_cookie *cookie);

/* Sets the status and Content-Type: application/json and begins a writer on the body. */
void web_json_begin(struct web_response *res, int status, struct jsonw *w);

/* Sets status, type and body (text is copied). */
void web_text(struct web_response *res, int status, const char *type, const char *text);

/* An empty answer: 204, 303 with Location, 304. location may be NULL. */
void web_empty(struct web_response *res, int status, const char *location);

/* Hands the rest to nginx: X-Accel-Redirect to an internal path, with a Content-Type. */
void web_accel(struct web_response *res, const char *type, const char *internal_path);

/* Appends text with & < > " ' as HTML entities. */
void web_html_escape(struct strbuf *sb, const char *text);

#endif
