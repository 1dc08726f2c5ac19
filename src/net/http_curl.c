/* The real struct http: libcurl's multi interface. */
#include "address.h"
#include "core/fault.h"
#include "core/list.h"
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "net/http.h"
#include "net/url.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WAITS_MAX = 8, LOCAL_MAX = 16, RESPONSE_MIN = 1 };

struct curl_http {
    struct http http; /* first, so that a struct http * is one of these */
    CURLM *multi;
    struct list transfers;
    size_t in_flight_max;
    size_t sources; /* of the transfers: they do not count */
    uint64_t next_id;
    char *ca_file; /* NULL: the system's */
    struct url_origin local[LOCAL_MAX];
    size_t local_len;
};

struct transfer;

/* Between a transfer that fetches and one that sends on: a ring of bytes. Each stops when
 * it has nothing to take or no room to give, and is set going again by serve_pipes(),
 * never from inside the other's callback. The sending one owns it. */
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

static struct curl_http *engine(struct http *h)
{
    return (struct curl_http *)(void *)h;
}

/* --- libcurl's callbacks ------------------------------------------------------- */

static curl_socket_t on_socket(void *arg, curlsocktype purpose,
                               struct curl_sockaddr *address)
{
    struct transfer *t = (struct transfer *)arg;

    (void)purpose;
    if (!t->local && !address_is_public(&address->addr)) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void header_value(CURL *easy, const char *name, char *out, size_t size)
{
    struct curl_header *h = NULL;

    out[0] = '\0';
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK &&
        strlen(h->value) < size && !text_has_control(h->value, strlen(h->value)))
        text_copy(out, size, h->value);
}

static void read_head(struct transfer *t)
{
    struct http_response *res = &t->res;
    char date[64], length[24];
    long status = 0;
    curl_off_t retry_after = 0;
    time_t at;

    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
    res->status = (int)status;
    res->retry_after_ms = (int64_t)retry_after * 1000;
    header_value(t->easy, "Date", date, sizeof(date));
    at = date[0] != '\0' ? curl_getdate(date, NULL) : -1;
    res->date_ms = at > 0 ? (int64_t)at * 1000 : 0;
    header_value(t->easy, "Content-Length", length, sizeof(length));
    if (!parse_i64(length, 0, INT64_MAX, &res->content_length))
        res->content_length = -1;
    header_value(t->easy, "Content-Range", res->content_range,
                 sizeof(res->content_range));
    header_value(t->easy, "x-tt-logid", res->log_id, sizeof(res->log_id));
}

/* The head is whole when the body begins. */
static size_t pour(struct transfer *t, const char *data, size_t len)
{
    if (!t->headed)
        read_head(t);
    t->headed = true;
    if (t->sink(t->arg, &t->res, data, len))
        return len;
    t->too_long = true;
    return 0;
}

/* --- pipes: callbacks ----------------------------------------------------------- */

static size_t pipe_room(const struct pipe *p)
{
    return sizeof(p->ring) - p->len;
}

static void pipe_put(struct pipe *p, const char *data, size_t len)
{
    size_t to = (p->from + p->len) % sizeof(p->ring);
    size_t first = len < sizeof(p->ring) - to ? len : sizeof(p->ring) - to;

    (void)memcpy(p->ring + to, data, first);
    (void)memcpy(p->ring, data + first, len - first);
    p->len += len;
    p->taken += (int64_t)len;
}

static size_t pipe_get(struct pipe *p, char *out, size_t room)
{
    size_t n = p->len < room ? p->len : room;
    size_t first = n < sizeof(p->ring) - p->from ? n : sizeof(p->ring) - p->from;

    (void)memcpy(out, p->ring + p->from, first);
    (void)memcpy(out + first, p->ring, n - first);
    p->from = (p->from + n) % sizeof(p->ring);
    p->len -= n;
    return n;
}

/* Is the answer the bytes that were asked for? One that has others is as good as none:
 * another file lies there. */
static enum rc judge_source(const struct transfer *t)
{
    enum { PARTIAL = 206, GOOD_END = 300, ABSENT = 404, OUTSIDE = 416 };
    int status = t->res.status;

    if (status == PARTIAL && strcmp(t->res.content_range, t->feeds->range) == 0)
        return RC_OK;
    return status < GOOD_END || status == ABSENT || status == OUTSIDE ? RC_NOT_FOUND
                                                                      : RC_UNAVAILABLE;
}

static size_t feed(struct transfer *t, const char *data, size_t len)
{
    struct pipe *p = t->feeds;

    if (!t->headed) {
        read_head(t);
        t->headed = true;
        p->verdict = judge_source(t);
    }
    if (p->verdict != RC_OK)
        return 0;
    if (pipe_room(p) < len) {
        p->source_waits = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    pipe_put(p, data, len);
    return len;
}

/* Nothing there yet: waits, unless nothing will come. */
static size_t drain(struct transfer *t, char *out, size_t room)
{
    struct pipe *p = t->pipe;
    size_t n = pipe_get(p, out, room);

    if (n == 0 && p->source == NULL)
        return CURL_READFUNC_ABORT; /* it broke off: so does this */
    if (n == 0) {
        p->upload_waits = true;
        return CURL_READFUNC_PAUSE;
    }
    t->file_sent += (int64_t)n;
    return n;
}

static size_t on_answer(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = (struct transfer *)arg;

    if (t->feeds != NULL)
        return feed(t, data, size * n);
    if (t->sink != NULL)
        return pour(t, data, size * n);
    strbuf_add(&t->res.body, data, size * n);
    if (!strbuf_failed(&t->res.body))
        return size * n;
    t->too_long = true;
    return 0;
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    struct transfer *t = (struct transfer *)arg;
    size_t room = size * n;
    int64_t left = t->file_len - t->file_sent;
    ssize_t got;

    if (left < (int64_t)room)
        room = (size_t)left;
    if (room == 0)
        return 0;
    if (t->file_sent > 0 && t->mid != NULL)
        FAULT_POINT(t->mid);
    if (t->pipe != NULL)
        return drain(t, out, room);
    do {
        got = pread(t->file, out, room, t->file_offset + t->file_sent);
    } while (got < 0 && errno == EINTR);
    if (got <= 0)
        return CURL_READFUNC_ABORT; /* the file is shorter than was said, or unreadable */
    t->file_sent += got;
    return (size_t)got;
}

/* How far libcurl is: asked for by requests with a fault point at their end. */
static int on_progress(void *arg, curl_off_t expected UNUSED, curl_off_t got UNUSED,
                       curl_off_t total, curl_off_t sent)
{
    struct transfer *t = (struct transfer *)arg;

    if (total > 0 && sent >= total && t->sent != NULL) {
        FAULT_POINT(t->sent);
        t->sent = NULL;
    }
    return 0;
}

/* libcurl rewinds when it has to send again on a fresh connection. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct transfer *t = (struct transfer *)arg;

    if (origin != SEEK_SET || offset < 0 || offset > t->file_len)
        return CURL_SEEKFUNC_FAIL;
    if (t->pipe != NULL && offset != t->file_sent)
        return CURL_SEEKFUNC_FAIL; /* what went through is gone */
    t->file_sent = offset;
    return CURL_SEEKFUNC_OK;
}

/* --- results ------------------------------------------------------------------- */

/* Before any of the request was sent nothing can have happened; afterwards it may. */
static enum rc class_of(const struct transfer *t, CURLcode result)
{
    long sent = 0;

    if (t->refused || t->too_long)
        return RC_REJECTED;
    switch ((int)result) {
    case CURLE_OK:
        return RC_OK;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_FILESIZE_EXCEEDED:
        return RC_REJECTED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return RC_INVALID;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
        return RC_UNAVAILABLE;
    default:
        (void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
        return sent > 0 ? RC_UNCERTAIN : RC_UNAVAILABLE;
    }
}

static void release(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    strbuf_wipe(&t->body);
    strbuf_wipe(&t->res.body);
    free(t->pipe);
    free(t);
}

/* Takes the transfer out of everything; its memory stays. */
static void detach(struct curl_http *ch, struct transfer *t)
{
    (void)curl_multi_remove_handle(ch->multi, t->easy);
    list_remove(&ch->transfers, &t->node);
}

/* Ends the source of a transfer that needs it no more. */
static void end_source(struct curl_http *ch, struct transfer *t)
{
    struct transfer *source = t->pipe != NULL ? t->pipe->source : NULL;

    if (source == NULL)
        return;
    t->pipe->source = NULL;
    ch->sources--;
    detach(ch, source);
    release(source);
}

/* The upload that p belongs to. */
static struct transfer *upload_of(const struct curl_http *ch, const struct pipe *p)
{
    for (struct list_node *n = list_first(&ch->transfers); n != NULL;
         n = list_next(&ch->transfers, n)) {
        struct transfer *t = LIST_ENTRY(n, struct transfer, node);

        if (t->pipe == p)
            return t;
    }
    return NULL;
}

/* The source gave nothing to begin with. */
static void finish_unbegun(struct curl_http *ch, struct transfer *t, enum rc verdict)
{
    struct err err = {0};

    if (verdict == RC_NOT_FOUND)
        (void)err_set(&err, verdict, "source_missing",
                      "what shall be sent is not there, or not as long as it was");
    else
        (void)err_set(&err, RC_UNAVAILABLE, "source_failed",
                      "what shall be sent cannot be fetched");
    detach(ch, t);
    t->done(t->arg, err.rc, NULL, &err);
    release(t);
}

static void finish_source(struct curl_http *ch, struct transfer *source, CURLcode result)
{
    struct pipe *p = source->feeds;
    struct transfer *t = upload_of(ch, p);

    if (t == NULL)
        return;
    if (!source->headed) {
        read_head(source);
        p->verdict = result == CURLE_OK ? judge_source(source) : RC_UNAVAILABLE;
    }
    end_source(ch, t);
    if (p->taken == 0)
        finish_unbegun(ch, t, p->verdict);
}

static void finish(struct curl_http *ch, struct transfer *t, CURLcode result)
{
    struct err err = {0};
    enum rc rc;

    if (t->feeds != NULL) {
        finish_source(ch, t, result);
        return;
    }
    rc = class_of(t, result);
    if (rc == RC_OK)
        read_head(t);
    end_source(ch, t);
    detach(ch, t);
    if (rc == RC_OK) {
        t->done(t->arg, RC_OK, &t->res, &err);
    } else {
        (void)err_set(&err, rc, t->refused ? "address_refused" : "http_failed", "%s",
                      t->refused    ? "the name leads to an address that is not public"
                      : t->too_long ? "the answer is too long"
                                    : curl_easy_strerror(result));
        t->done(t->arg, rc, NULL, &err);
    }
    release(t);
}

/* --- requests ------------------------------------------------------------------ */

static bool is_local(const struct curl_http *ch, const struct url_origin *origin)
{
    for (size_t i = 0; i < ch->local_len; i++) {
        if (url_origin_same(&ch->local[i], origin))
            return true;
    }
    return false;
}

static bool add_header(struct transfer *t, const char *header)
{
    struct curl_slist *more;

    if (text_has_control(header, strlen(header)) || strchr(header, '\n') != NULL ||
        strchr(header, '\t') != NULL)
        return false;
    more = curl_slist_append(t->headers, header);
    if (more == NULL)
        abort(); /* out of memory, as xmalloc() would */
    t->headers = more;
    return true;
}

/* libcurl's setopt fails only for want of memory or for an option this build lacks;
 * either way the request must not go out with half of the profile. */
#define SET(easy, option, value) (curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

/* The profile of docs/security.md, the same for every request, in three parts. */
static bool set_rules(const struct curl_http *ch, struct transfer *t)
{
    CURL *e = t->easy;

    return SET(e, CURLOPT_PROTOCOLS_STR, t->local ? "http,https" : "https") &&
           SET(e, CURLOPT_REDIR_PROTOCOLS_STR, "https") &&
           SET(e, CURLOPT_FOLLOWLOCATION, 0L) && SET(e, CURLOPT_MAXREDIRS, 0L) &&
           SET(e, CURLOPT_SSL_VERIFYPEER, 1L) && SET(e, CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           (ch->ca_file == NULL || SET(e, CURLOPT_CAINFO, ch->ca_file)) &&
           SET(e, CURLOPT_PROXY, "") && SET(e, CURLOPT_NOPROXY, "*") &&
           SET(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

static bool set_limits(const struct curl_http *ch, struct transfer *t)
{
    CURL *e = t->easy;
    long buffer =
        ch->transfers.len < HTTP_UPLOAD_FEW ? HTTP_UPLOAD_BUFFER : HTTP_UPLOAD_SMALL;

    return SET(e, CURLOPT_NOSIGNAL, 1L) &&
           SET(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           SET(e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS) &&
           SET(e, CURLOPT_LOW_SPEED_LIMIT, (long)HTTP_STALL_RATE) &&
           SET(e, CURLOPT_LOW_SPEED_TIME, (long)HTTP_STALL_S) &&
           SET(e, CURLOPT_MAXLIFETIME_CONN, 600L) && SET(e, CURLOPT_TCP_NODELAY, 1L) &&
           SET(e, CURLOPT_UPLOAD_BUFFERSIZE, buffer) &&
           SET(e, CURLOPT_BUFFERSIZE,
               t->sink != NULL || t->feeds != NULL ? (long)HTTP_SINK_BUFFER
                                                   : (long)HTTP_READ_BUFFER);
}

static bool set_callbacks(struct transfer *t)
{
    CURL *e = t->easy;

    return SET(e, CURLOPT_OPENSOCKETFUNCTION, on_socket) &&
           SET(e, CURLOPT_OPENSOCKETDATA, t) &&
           SET(e, CURLOPT_WRITEFUNCTION, on_answer) && SET(e, CURLOPT_WRITEDATA, t) &&
           SET(e, CURLOPT_NOPROGRESS, t->sent != NULL ? 0L : 1L) &&
           SET(e, CURLOPT_XFERINFOFUNCTION, on_progress) &&
           SET(e, CURLOPT_XFERINFODATA, t) && SET(e, CURLOPT_PRIVATE, t) &&
           SET(e, CURLOPT_USERAGENT, "tiktok-scheduler/1");
}

static bool set_body(struct transfer *t, const struct http_request *req)
{
    CURL *e = t->easy;

    if (req->file_len > 0) {
        t->file = req->file;
        t->file_offset = req->file_offset;
        t->file_len = req->file_len;
        return SET(e, CURLOPT_UPLOAD, 1L) &&
               SET(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->file_len) &&
               SET(e, CURLOPT_READFUNCTION, on_read) && SET(e, CURLOPT_READDATA, t) &&
               SET(e, CURLOPT_SEEKFUNCTION, on_seek) && SET(e, CURLOPT_SEEKDATA, t);
    }
    if (strcmp(req->method, "HEAD") == 0)
        return SET(e, CURLOPT_NOBODY, 1L);
    if (req->body == NULL)
        return SET(e, CURLOPT_HTTPGET, 1L);
    strbuf_init(&t->body, req->body_len);
    strbuf_add(&t->body, req->body, req->body_len);
    return SET(e, CURLOPT_POST, 1L) && SET(e, CURLOPT_POSTFIELDS, t->body.buf) &&
           SET(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
}

static bool set_headers(struct transfer *t, const struct http_request *req)
{
    bool good = add_header(t, "Expect:"); /* no 100-continue */

    for (size_t i = 0; req->headers != NULL && req->headers[i] != NULL && good; i++)
        good = add_header(t, req->headers[i]);
    return good && SET(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static bool prepare(const struct curl_http *ch, struct transfer *t,
                    const struct http_request *req)
{
    return set_rules(ch, t) && set_limits(ch, t) && set_callbacks(t) &&
           set_body(t, req) && set_headers(t, req) &&
           SET(t->easy, CURLOPT_URL, req->url) &&
           SET(t->easy, CURLOPT_CUSTOMREQUEST, req->method) &&
           SET(t->easy, CURLOPT_FRESH_CONNECT, req->once ? 1L : 0L) &&
           SET(t->easy, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
}

static enum rc check_url(const struct curl_http *ch, const char *url, bool lifted,
                         bool *local, struct err *err)
{
    struct url_origin origin;
    enum rc rc = url_origin(url, &origin, err);

    if (rc != RC_OK)
        return rc;
    *local = lifted || is_local(ch, &origin);
    if (strcmp(origin.scheme, "https") != 0 && !*local)
        return err_set(err, RC_INVALID, "bad_url", "Only https is spoken to that host.");
    return RC_OK;
}

static struct transfer *new_transfer(const struct http_request *req, bool local)
{
    struct transfer *t = xcalloc(1, sizeof(*t));

    t->easy = curl_easy_init();
    if (t->easy == NULL)
        abort();
    t->local = local;
    t->sink = req->sink;
    t->mid = req->mid;
    t->sent = req->sent;
    strbuf_init(&t->res.body,
                req->max_response > RESPONSE_MIN ? req->max_response : RESPONSE_MIN);
    return t;
}

/* Begins to fetch what t shall send; t itself begins when there is some of it. */
static bool begin_source(struct curl_http *ch, struct transfer *t,
                         const struct http_request *req, bool local)
{
    char range[80];
    const char *const headers[] = {range, NULL};
    const struct http_request get = {.method = "GET",
                                     .url = req->source,
                                     .headers = headers,
                                     .timeout_ms = req->timeout_ms};
    int64_t last = req->file_offset + req->file_len - 1;
    struct transfer *source = new_transfer(&get, local);

    t->pipe = xcalloc(1, sizeof(*t->pipe));
    (void)snprintf(range, sizeof(range), "Range: bytes=%" PRId64 "-%" PRId64,
                   req->file_offset, last);
    (void)snprintf(t->pipe->range, sizeof(t->pipe->range),
                   "bytes %" PRId64 "-%" PRId64 "/%" PRId64, req->file_offset, last,
                   req->source_size);
    source->feeds = t->pipe;
    if (!prepare(ch, source, &get) ||
        curl_multi_add_handle(ch->multi, source->easy) != CURLM_OK) {
        release(source);
        return false;
    }
    t->pipe->source = source;
    ch->sources++;
    source->id = ++ch->next_id;
    list_push(&ch->transfers, &source->node);
    return true;
}

static bool begin(struct curl_http *ch, struct transfer *t,
                  const struct http_request *req, bool source_local)
{
    if (!prepare(ch, t, req))
        return false;
    if (req->source != NULL && req->file_len > 0)
        return begin_source(ch, t, req, source_local);
    return curl_multi_add_handle(ch->multi, t->easy) == CURLM_OK;
}

static enum rc curl_http_submit(struct http *h, const struct http_request *req,
                                http_done_fn *done, void *arg, uint64_t *id,
                                struct err *err)
{
    struct curl_http *ch = engine(h);
    struct transfer *t;
    bool local;
    bool source_local = false;
    enum rc rc = check_url(ch, req->url, req->lifted, &local, err);

    if (rc == RC_OK && req->source != NULL)
        rc = check_url(ch, req->source, req->source_lifted, &source_local, err);
    if (rc != RC_OK)
        return rc;
    if (ch->transfers.len - ch->sources >= ch->in_flight_max)
        return err_retry(err, RC_LIMITED, 1000, "http_busy", "too many requests at once");
    t = new_transfer(req, local);
    t->done = done;
    t->arg = arg;
    if (!begin(ch, t, req, source_local)) {
        release(t);
        return err_set(err, RC_INVALID, "bad_request", "the request cannot be built");
    }
    t->id = ++ch->next_id;
    list_push(&ch->transfers, &t->node);
    *id = t->id;
    return RC_OK;
}

static void curl_http_cancel(struct http *h, uint64_t id)
{
    struct curl_http *ch = engine(h);

    for (struct list_node *n = list_first(&ch->transfers); n != NULL;
         n = list_next(&ch->transfers, n)) {
        struct transfer *t = LIST_ENTRY(n, struct transfer, node);

        if (t->id == id) {
            end_source(ch, t);
            detach(ch, t);
            release(t);
            return;
        }
    }
}

/* Sets going what waited and need not any more: true when there was any. */
static bool serve_pipe(struct curl_http *ch, struct transfer *t)
{
    struct pipe *p = t->pipe;
    bool any = false;

    if (!p->begun && p->len > 0) {
        p->begun = true;
        any = curl_multi_add_handle(ch->multi, t->easy) == CURLM_OK;
    }
    if (p->upload_waits && (p->len > 0 || p->source == NULL)) {
        p->upload_waits = false;
        (void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
        any = true;
    }
    if (p->source_waits && p->source != NULL &&
        pipe_room(p) >= CURL_MAX_WRITE_SIZE + HTTP_READ_BUFFER) {
        p->source_waits = false;
        (void)curl_easy_pause(p->source->easy, CURLPAUSE_CONT);
        any = true;
    }
    return any;
}

static bool serve_pipes(struct curl_http *ch)
{
    bool any = false;

    for (struct list_node *n = list_first(&ch->transfers); n != NULL;
         n = list_next(&ch->transfers, n)) {
        struct transfer *t = LIST_ENTRY(n, struct transfer, node);

        if (t->pipe != NULL)
            any = serve_pipe(ch, t) || any;
    }
    return any;
}

/* Ends what libcurl has finished; true when there was any. A CURLMsg dies with
 * curl_multi_remove_handle(). */
static bool reap(struct curl_http *ch)
{
    bool any = false;
    int left;

    for (CURLMsg *m; (m = curl_multi_info_read(ch->multi, &left)) != NULL;) {
        CURLcode result = m->data.result;
        struct transfer *t = NULL;

        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        finish(ch, t, result);
        any = true;
    }
    return any;
}

static enum rc curl_http_poll(struct http *h, struct http_wait *wait, size_t n,
                              int timeout_ms, struct err *err)
{
    struct curl_http *ch = engine(h);
    struct curl_waitfd fds[WAITS_MAX];
    unsigned used = 0;
    int running;
    CURLMcode mc = curl_multi_perform(ch->multi, &running);

    if (reap(ch)) /* the caller has something to do already */
        timeout_ms = 0;
    if (serve_pipes(ch)) /* and so has libcurl */
        timeout_ms = 0;
    for (size_t i = 0; i < n && i < WAITS_MAX; i++) {
        wait[i].readable = false;
        if (wait[i].fd >= 0)
            fds[used++] =
                (struct curl_waitfd){.fd = wait[i].fd, .events = CURL_WAIT_POLLIN};
    }
    if (mc == CURLM_OK)
        mc = curl_multi_poll(ch->multi, fds, used, timeout_ms, NULL);
    for (size_t i = 0, k = 0; i < n && i < WAITS_MAX; i++) {
        if (wait[i].fd >= 0)
            wait[i].readable = fds[k++].revents != 0;
    }
    if (mc == CURLM_OK)
        mc = curl_multi_perform(ch->multi, &running);
    (void)reap(ch);        /* nothing is waited for any more */
    (void)serve_pipes(ch); /* for the next round, which begins at once */
    if (mc != CURLM_OK)
        return err_set(err, RC_BUG, "curl_multi", "%s", curl_multi_strerror(mc));
    return RC_OK;
}

static void curl_http_wake(struct http *h)
{
    (void)curl_multi_wakeup(engine(h)->multi);
}

static void curl_http_free(struct http *h)
{
    struct curl_http *ch = engine(h);
    struct list_node *n = list_first(&ch->transfers);

    while (n != NULL) {
        struct transfer *t = LIST_ENTRY(n, struct transfer, node);

        n = list_next(&ch->transfers, n);
        detach(ch, t);
        release(t);
    }
    (void)curl_multi_cleanup(ch->multi);
    free(ch->ca_file);
    free(ch);
}

static const struct http_ops ops = {
    .submit = curl_http_submit,
    .cancel = curl_http_cancel,
    .poll = curl_http_poll,
    .wake = curl_http_wake,
    .free = curl_http_free,
};

static enum rc read_local(struct curl_http *ch, const char *const *urls, struct err *err)
{
    for (size_t i = 0; urls != NULL && urls[i] != NULL; i++) {
        enum rc rc;

        if (ch->local_len == LOCAL_MAX)
            return err_set(err, RC_INVALID, "too_many_hosts", "too many local hosts");
        rc = url_origin(urls[i], &ch->local[ch->local_len], err);
        if (rc != RC_OK)
            return rc;
        ch->local_len++;
    }
    return RC_OK;
}

enum rc http_curl_new(const struct http_settings *settings, struct http **out,
                      struct err *err)
{
    struct curl_http *ch = xcalloc(1, sizeof(*ch));
    enum rc rc;

    list_init(&ch->transfers);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (ch->multi = curl_multi_init()) == NULL) {
        free(ch);
        return err_set(err, RC_BUG, "curl_init", "libcurl cannot be set up");
    }
    ch->http.ops = &ops;
    ch->in_flight_max = settings->in_flight_max;
    ch->ca_file = settings->ca_file != NULL ? xstrdup(settings->ca_file) : NULL;
    rc = read_local(ch, settings->local, err);
    if (rc != RC_OK) {
        http_free(&ch->http);
        return rc;
    }
    *out = &ch->http;
    return RC_OK;
}
