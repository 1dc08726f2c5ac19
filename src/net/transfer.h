/* net/transfer.h - one HTTP transfer as libcurl sees it: its profile, its callbacks, and
 * what its result means. The engine (http_curl.c) says when it runs.
 *
 * All of it belongs to the loop's thread; nothing here adds a handle or removes one. */
#ifndef SRC_NET_TRANSFER_H
#define SRC_NET_TRANSFER_H

#include "core/list.h"
#include "net/http.h"

#include <curl/curl.h>

struct transfer;

/* Between a transfer that fetches and one that sends on: a ring of bytes. Each stops when
 * it has nothing to take or no room to give, and is set going again by the engine, never
 * from inside the other's callback. The sending one owns it. */
struct pipe {
    struct transfer *source; /* NULL: it has ended */
    char range[64];          /* what Content-Range must say */
    int64_t taken;           /* bytes that came */
    size_t from, len;        /* where the ring's bytes begin, and how many */
    enum rc verdict;         /* of a source that is of no use; RC_OK so far */
    bool source_waits, upload_waits, begun;
    char ring[HTTP_PIPE_BUFFER];
};

struct transfer {
    struct list_node node;
    uint64_t id;
    CURL *easy;
    struct curl_slist *headers;
    http_done_fn *done;
    void *arg;
    http_sink_fn *sink; /* NULL: the body is collected */
    bool headed;        /* the head of the answer was read for it */
    struct strbuf body; /* what is sent; wiped */
    int file;
    int64_t file_offset, file_len, file_sent;
    struct pipe *pipe;      /* the body comes out of it; owned */
    struct pipe *feeds;     /* or it is a source and goes into it; NULL: neither */
    const char *mid, *sent; /* fault points */
    bool local;             /* any address may be connected to */
    bool refused;           /* the address was not acceptable */
    bool too_long;          /* the answer outgrew its limit */
    struct http_response res;
};

/* local: any address may be connected to. Copies nothing of req but its limits. */
struct transfer *transfer_new(const struct http_request *req, bool local);
void transfer_free(struct transfer *t);

/* Tells libcurl all of the request: the profile of docs/security.md, body, headers, URL.
 * ca_file: certificates to trust, NULL: the system's. upload_buffer: bytes of a file held
 * in memory. False: something was refused, and it must not be sent. */
bool transfer_prepare(struct transfer *t, const struct http_request *req,
                      const char *ca_file, long upload_buffer) MUST_CHECK;

/* The answer's status and headers, once they have come, into t->res. */
void transfer_read_head(struct transfer *t);

/* What libcurl's result means for the caller, as http_done_fn says. */
enum rc transfer_class(const struct transfer *t, CURLcode result);

/* Of a source whose head was read: RC_OK when its answer is the bytes that were asked
 * for. */
enum rc transfer_judge_source(const struct transfer *t);

/* Bytes that the ring still takes. */
size_t pipe_room(const struct pipe *p);

#endif
