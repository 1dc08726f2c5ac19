#include "transfer.h"

#include "address.h"
#include "core/fault.h"
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESPONSE_MIN = 1 };

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

void transfer_read_head(struct transfer *t)
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
        transfer_read_head(t);
    t->headed = true;
    if (t->sink(t->arg, &t->res, data, len))
        return len;
    t->too_long = true;
    return 0;
}

/* --- pipes --------------------------------------------------------------------- */

size_t pipe_room(const struct pipe *p)
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

/* One that has other bytes is as good as none: another file lies there. */
enum rc transfer_judge_source(const struct transfer *t)
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
        transfer_read_head(t);
        t->headed = true;
        p->verdict = transfer_judge_source(t);
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

/* --- bodies -------------------------------------------------------------------- */

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

/* --- how it ended -------------------------------------------------------------- */

/* Before any of the request was sent nothing can have happened; afterwards it may. */
enum rc transfer_class(const struct transfer *t, CURLcode result)
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

/* --- what libcurl is told ------------------------------------------------------ */

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
static bool set_rules(struct transfer *t, const char *ca_file)
{
    CURL *e = t->easy;

    return SET(e, CURLOPT_PROTOCOLS_STR, t->local ? "http,https" : "https") &&
           SET(e, CURLOPT_REDIR_PROTOCOLS_STR, "https") &&
           SET(e, CURLOPT_FOLLOWLOCATION, 0L) && SET(e, CURLOPT_MAXREDIRS, 0L) &&
           SET(e, CURLOPT_SSL_VERIFYPEER, 1L) && SET(e, CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           (ca_file == NULL || SET(e, CURLOPT_CAINFO, ca_file)) &&
           SET(e, CURLOPT_PROXY, "") && SET(e, CURLOPT_NOPROXY, "*") &&
           SET(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

static bool set_limits(struct transfer *t, long upload_buffer)
{
    CURL *e = t->easy;

    return SET(e, CURLOPT_NOSIGNAL, 1L) &&
           SET(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           SET(e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS) &&
           SET(e, CURLOPT_LOW_SPEED_LIMIT, (long)HTTP_STALL_RATE) &&
           SET(e, CURLOPT_LOW_SPEED_TIME, (long)HTTP_STALL_S) &&
           SET(e, CURLOPT_MAXLIFETIME_CONN, 600L) && SET(e, CURLOPT_TCP_NODELAY, 1L) &&
           SET(e, CURLOPT_UPLOAD_BUFFERSIZE, upload_buffer) &&
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

bool transfer_prepare(struct transfer *t, const struct http_request *req,
                      const char *ca_file, long upload_buffer)
{
    return set_rules(t, ca_file) && set_limits(t, upload_buffer) && set_callbacks(t) &&
           set_body(t, req) && set_headers(t, req) &&
           SET(t->easy, CURLOPT_URL, req->url) &&
           SET(t->easy, CURLOPT_CUSTOMREQUEST, req->method) &&
           SET(t->easy, CURLOPT_FRESH_CONNECT, req->once ? 1L : 0L) &&
           SET(t->easy, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
}

/* --- the whole ----------------------------------------------------------------- */

struct transfer *transfer_new(const struct http_request *req, bool local)
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

void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    strbuf_wipe(&t->body);
    strbuf_wipe(&t->res.body);
    free(t->pipe);
    free(t);
}
