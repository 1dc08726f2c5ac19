/* net/http.h - outgoing HTTP requests, many at a time, on one thread.
 *
 * The caller submits requests and calls http_poll() in its loop; each request's done
 * function is called exactly once, from inside http_poll(), unless the request was
 * canceled. The program uses libcurl's multi interface (http_curl_new()); tests use a
 * script of answers. Only http_wake() may be called from another thread.
 *
 * Every request obeys one profile (docs/security.md): https with a verified certificate,
 * public addresses only, no redirects, no proxy, no netrc, bounded time and bounded
 * answers. The origins in http_settings.local are the exception: for exactly these, plain
 * http and any address are allowed (the sandbox of a local stack); a request may say the
 * same of its own URL (http_request.lifted). */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "core/err.h"
#include "core/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_LOG_ID_SIZE = 64,      /* bytes for TikTok's x-tt-logid with its NUL */
    HTTP_CONNECT_MS = 10000,    /* for name, connection and TLS */
    HTTP_STALL_S = 60,          /* less than HTTP_STALL_RATE for this long: given up */
    HTTP_STALL_RATE = 1024,     /* bytes/s */
    HTTP_UPLOAD_BUFFER = 65536, /* bytes of a file in memory per running upload */
    HTTP_UPLOAD_FEW = 32,       /* so many at a time; each one more has only */
    HTTP_UPLOAD_SMALL = 16384,  /* this, so that a burst costs little memory */
    HTTP_READ_BUFFER = 4096,    /* bytes of an answer read at a time */
    HTTP_SINK_BUFFER = 65536,   /* the same, of one that goes into a sink */
    HTTP_PIPE_BUFFER = 131072,  /* between a source and the upload that it feeds */
};

struct http; /* one engine; not thread-safe */
struct http_response;

/* Takes a piece of an answer's body, of any status, as it arrives: head has everything
 * but the body. False ends the transfer with RC_REJECTED, as an answer that is too long
 * would. Must not submit or cancel. */
typedef bool http_sink_fn(void *arg, const struct http_response *head, const void *data,
                          size_t len);

struct http_request {
    const char *method;         /* "GET", "HEAD", "POST", "PUT", "DELETE" */
    const char *url;            /* absolute, without user or fragment */
    const char *const *headers; /* "Name: value" strings, NULL-terminated, or NULL */
    const void *body;           /* copied; NULL: none, or from file */
    size_t body_len;            /* bytes */
    int file;            /* used when file_len > 0: the body is file_len bytes of */
    int64_t file_offset; /* this descriptor from file_offset on; the descriptor */
    int64_t file_len;    /* is borrowed until done, and read as it is sent */
    const char *source;  /* used when file_len > 0, instead of the descriptor: the body
                          * is these bytes of what a GET of this URL answers, taken as
                          * they are sent and never held as a whole; NULL: no */
    int64_t source_size; /* bytes that the source must have altogether */
    size_t max_response; /* bytes; a longer answer fails with RC_REJECTED */
    int timeout_ms;      /* whole transfer, connection included; > 0 */
    bool once;           /* never sent twice, not even when an idle connection turns
                          * out dead: for requests that are not idempotent */
    http_sink_fn *sink;  /* takes the body, with done's arg, in place of
                          * http_response.body and max_response; NULL: no */
    bool source_lifted;  /* of the source, as lifted is of the URL */
    const char *mid;  /* fault points (core/fault.h) that are passed when some of the */
    const char *sent; /* body is on its way, and when all of it is; NULL: none */
    bool lifted;      /* as if the URL's origin were among http_settings.local: it
                       * was compared with another list of the operator's own */
};

struct http_response {
    int status;                    /* 100..599 */
    int64_t retry_after_ms;        /* from Retry-After, 0 when absent */
    int64_t date_ms;               /* from Date, 0 when absent */
    int64_t content_length;        /* from the header, -1 when absent */
    char content_range[64];        /* the header's value, "" when absent */
    char log_id[HTTP_LOG_ID_SIZE]; /* from x-tt-logid, "" when absent */
    struct strbuf body;            /* borrowed: gone when done returns */
};

/* rc is RC_OK when an answer arrived, whatever its status; else res is NULL and err says
 * why. RC_UNAVAILABLE: nothing was sent. RC_UNCERTAIN: some of the request was sent and
 * no whole answer came. RC_REJECTED: certificate, address or size not acceptable (an
 * answer that is too long was still acted upon). Where the body has a source,
 * RC_NOT_FOUND "source_missing" and RC_UNAVAILABLE "source_failed": the request was not
 * begun, because the source is not there, or not of source_size bytes, or gave no answer;
 * one that breaks off later cuts the request off (RC_UNCERTAIN). May submit and cancel
 * requests; must not free the engine. */
typedef void http_done_fn(void *arg, enum rc rc, const struct http_response *res,
                          const struct err *err);

/* A descriptor that http_poll() shall also wait for. */
struct http_wait {
    int fd;        /* -1: ignored */
    bool readable; /* out */
};

struct http_ops {
    enum rc (*submit)(struct http *h, const struct http_request *req, http_done_fn *done,
                      void *arg, uint64_t *id, struct err *err);
    void (*cancel)(struct http *h, uint64_t id);
    enum rc (*poll)(struct http *h, struct http_wait *wait, size_t n, int timeout_ms,
                    struct err *err);
    void (*wake)(struct http *h);
    void (*free)(struct http *h);
};

struct http {
    const struct http_ops *ops;
};

/* Copies what it needs of req. *id names the request for http_cancel(); 0 is never used.
 * RC_INVALID: the URL or a header is not acceptable; RC_LIMITED: too many in flight.
 * After a failure done is never called. */
static inline enum rc http_submit(struct http *h, const struct http_request *req,
                                  http_done_fn *done, void *arg, uint64_t *id,
                                  struct err *err)
{
    return h->ops->submit(h, req, done, arg, id, err);
}

/* Ends the request without calling done. An id that is already done is fine. */
static inline void http_cancel(struct http *h, uint64_t id)
{
    h->ops->cancel(h, id);
}

/* Moves every transfer on and waits up to timeout_ms for more to do, for one of the n
 * descriptors, or for http_wake(); not at all when one ended meanwhile. */
static inline enum rc http_poll(struct http *h, struct http_wait *wait, size_t n,
                                int timeout_ms, struct err *err)
{
    return h->ops->poll(h, wait, n, timeout_ms, err);
}

/* Ends a running http_poll() soon, or the next one at once. From any thread. */
static inline void http_wake(struct http *h)
{
    h->ops->wake(h);
}

/* Cancels what is in flight. NULL is fine. */
static inline void http_free(struct http *h)
{
    if (h != NULL)
        h->ops->free(h);
}

struct http_settings {
    const char *const *local; /* URLs whose scheme, host and port are excepted from the
                               * rules; NULL-terminated, or NULL; copied */
    const char *ca_file;      /* certificates to trust; NULL: the system's */
    size_t in_flight_max;     /* requests at a time; > 0 */
};

/* The engine on libcurl. Call once per process before threads exist (it sets libcurl up).
 * RC_INVALID: an entry of local is no URL. The caller frees *out with http_free(). */
enum rc http_curl_new(const struct http_settings *settings, struct http **out,
                      struct err *err) MUST_CHECK;

#endif
