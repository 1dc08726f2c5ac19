/* The real struct http: libcurl's multi interface. transfer.c has the transfers, watch.c
 * the waiting. */
#include "core/list.h"
#include "core/xalloc.h"
#include "net/http.h"
#include "net/url.h"
#include "transfer.h"
#include "watch.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LOCAL_MAX = 16 };

struct curl_http {
    struct http http; /* first, so that a struct http * is one of these */
    CURLM *multi;
    struct watch watch;
    struct list transfers;
    size_t in_flight_max;
    size_t sources; /* of the transfers: they do not count */
    bool piped;     /* there was a source ever: pipes are looked after */
    uint64_t next_id;
    char *ca_file; /* NULL: the system's */
    struct url_origin local[LOCAL_MAX];
    size_t local_len;
};

static struct curl_http *engine(struct http *h)
{
    return (struct curl_http *)(void *)h;
}

/* --- results ------------------------------------------------------------------- */

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
    transfer_free(source);
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
    transfer_free(t);
}

static void finish_source(struct curl_http *ch, struct transfer *source, CURLcode result)
{
    struct pipe *p = source->feeds;
    struct transfer *t = upload_of(ch, p);

    if (t == NULL)
        return;
    if (!source->headed) {
        transfer_read_head(source);
        p->verdict = result == CURLE_OK ? transfer_judge_source(source) : RC_UNAVAILABLE;
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
    rc = transfer_class(t, result);
    if (rc == RC_OK)
        transfer_read_head(t);
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
    transfer_free(t);
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

static bool prepare(const struct curl_http *ch, struct transfer *t,
                    const struct http_request *req)
{
    bool few = ch->transfers.len < HTTP_UPLOAD_FEW;

    return transfer_prepare(t, req, ch->ca_file,
                            few ? HTTP_UPLOAD_BUFFER : HTTP_UPLOAD_SMALL);
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
    struct transfer *source = transfer_new(&get, local);

    ch->piped = true;
    t->pipe = xcalloc(1, sizeof(*t->pipe));
    (void)snprintf(range, sizeof(range), "Range: bytes=%" PRId64 "-%" PRId64,
                   req->file_offset, last);
    (void)snprintf(t->pipe->range, sizeof(t->pipe->range),
                   "bytes %" PRId64 "-%" PRId64 "/%" PRId64, req->file_offset, last,
                   req->source_size);
    source->feeds = t->pipe;
    if (!prepare(ch, source, &get) ||
        curl_multi_add_handle(ch->multi, source->easy) != CURLM_OK) {
        transfer_free(source);
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
    t = transfer_new(req, local);
    t->done = done;
    t->arg = arg;
    if (!begin(ch, t, req, source_local)) {
        transfer_free(t);
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
            transfer_free(t);
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

    for (struct list_node *n = ch->piped ? list_first(&ch->transfers) : NULL; n != NULL;
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
    enum rc rc;

    if (reap(ch)) /* the caller has something to do already */
        timeout_ms = 0;
    if (serve_pipes(ch)) /* and so has libcurl */
        timeout_ms = 0;
    rc = watch_turn(&ch->watch, wait, n, timeout_ms, err);
    (void)reap(ch);        /* nothing is waited for any more */
    (void)serve_pipes(ch); /* for the next round, which begins at once */
    return rc;
}

static void curl_http_wake(struct http *h)
{
    watch_wake(&engine(h)->watch);
}

static void curl_http_free(struct http *h)
{
    struct curl_http *ch = engine(h);
    struct list_node *n = list_first(&ch->transfers);

    while (n != NULL) {
        struct transfer *t = LIST_ENTRY(n, struct transfer, node);

        n = list_next(&ch->transfers, n);
        detach(ch, t);
        transfer_free(t);
    }
    (void)curl_multi_cleanup(ch->multi);
    watch_release(&ch->watch);
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
    rc = watch_init(&ch->watch, ch->multi, err);
    if (rc == RC_OK)
        rc = read_local(ch, settings->local, err);
    if (rc != RC_OK) {
        http_free(&ch->http);
        return rc;
    }
    *out = &ch->http;
    return RC_OK;
}
