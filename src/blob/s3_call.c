/* One request to an object store at a time, waited for. */
#include "core/clock.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/rfc3339.h"
#include "core/text.h"
#include "s3.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    POLL_MS = 200,  /* between looks whether we are to stop */
    EXPIRES_S = 60, /* of a request that is sent at once */
    URL_MAX = 8192,
    ERROR_MAX = 16384, /* bytes kept of an answer that says what is wrong */
    GOOD_END = 300,
    ROOM_SPARE = 64 << 20, /* bytes that stay free in the scratch directory */
};

struct exchange {
    const struct s3_request *req;
    struct s3_answer *out;
    struct err *err;
    enum rc rc;
    bool ended;
    bool spoiled; /* `into` could not be written: err says why */
};

/* The first piece tells how long the rest is. */
static bool take_piece(struct exchange *x, const struct http_response *head,
                       const void *data, size_t len)
{
    enum rc rc = RC_OK;

    if (x->out->written == 0 && head->content_length > 0)
        rc = s3_scratch_room(x->req->into, head->content_length, x->err);
    if (rc == RC_OK)
        rc = io_write_full(x->req->into, data, len, x->err);
    x->out->written += (int64_t)len;
    x->spoiled = rc != RC_OK;
    return rc == RC_OK;
}

static bool on_body(void *arg, const struct http_response *head, const void *data,
                    size_t len)
{
    struct exchange *x = (struct exchange *)arg;

    if (x->req->into > 0 && head->status < GOOD_END)
        return take_piece(x, head, data, len);
    strbuf_add(&x->out->body, data, len);
    return !strbuf_failed(&x->out->body) || head->status >= GOOD_END;
}

/* The store's own words are worth a code; what else it says is not for people. */
static enum rc judge(const struct s3_answer *a, struct err *err)
{
    char code[S3_CODE_SIZE] = "";

    if (a->status >= GOOD_END && !s3_xml_text(a->body.buf, "Code", code, sizeof(code)))
        code[0] = '\0';
    return s3_judge(a->status, code, err);
}

static void on_done(void *arg, enum rc rc, const struct http_response *res,
                    const struct err *err)
{
    struct exchange *x = (struct exchange *)arg;

    x->ended = true;
    if (rc == RC_OK) {
        x->out->status = res->status;
        x->out->content_length = res->content_length;
        x->rc = judge(x->out, x->err);
    } else if (x->spoiled) {
        x->rc = x->err->rc;
    } else {
        x->rc = err_set(x->err, RC_UNAVAILABLE, "media_store_failed",
                        "The media store does not answer (%.100s). Check the endpoint in "
                        "MEDIA_URL, and that it runs.",
                        err->msg);
    }
}

static enum rc wait_for(struct s3_store *s, struct exchange *x, uint64_t id,
                        struct err *err)
{
    while (!x->ended) {
        enum rc rc = http_poll(s->http, NULL, 0, POLL_MS, err);

        if (rc == RC_OK && !x->ended && s->stop != NULL && *s->stop)
            rc = err_set(err, RC_UNAVAILABLE, "stopping", "stopping");
        if (rc != RC_OK) {
            http_cancel(s->http, id);
            return rc;
        }
    }
    return x->rc;
}

static void write_url(const struct s3_store *s, const struct s3_request *req,
                      struct strbuf *url)
{
    char path[S3_PATH_SIZE];
    const struct s3_signing signing = {.access_key = s->access_key,
                                       .secret_key = s->secret_key,
                                       .region = s->place.region,
                                       .host = s->place.host,
                                       .method = req->method,
                                       .path = path,
                                       .params = req->params,
                                       .n_params = req->n_params,
                                       .now_ms = clock_wall_ms(clock_system()),
                                       .expires_s = EXPIRES_S};

    s3_path(&s->place, req->name, path);
    strbuf_addf(url, "%s%s?", s->place.origin, path);
    s3_sign(&signing, url);
}

enum rc s3_call(struct s3_store *s, const struct s3_request *req, struct s3_answer *out,
                struct err *err)
{
    const char *const headers[] = {"Content-Type: application/octet-stream", req->range,
                                   NULL};
    struct exchange x = {.req = req, .out = out, .err = err};
    struct http_request http = {.method = req->method,
                                .headers = headers,
                                .body = req->body,
                                .body_len = req->body_len,
                                .file = req->file,
                                .file_len = req->file_len,
                                .timeout_ms = req->timeout_ms,
                                .sink = on_body,
                                .lifted = true}; /* the operator named this origin */
    struct strbuf url;
    uint64_t id = 0;
    enum rc rc;

    *out = (struct s3_answer){.content_length = -1};
    strbuf_init(&out->body, S3_ANSWER_MAX);
    strbuf_init(&url, URL_MAX);
    write_url(s, req, &url);
    http.url = url.buf;
    rc = http_submit(s->http, &http, on_done, &x, &id, err);
    strbuf_wipe(&url);
    if (rc != RC_OK)
        return err_set(err, RC_UNAVAILABLE, "media_store_failed",
                       "The media store cannot be asked: MEDIA_URL is not usable.");
    return wait_for(s, &x, id, err);
}

enum rc s3_do(struct s3_store *s, const struct s3_request *req, struct err *err)
{
    struct s3_answer answer;
    enum rc rc = s3_call(s, req, &answer, err);

    strbuf_release(&answer.body);
    return rc;
}

/* --- the scratch directory ----------------------------------------------------- */

enum rc s3_scratch(const struct s3_store *s, int *fd, struct err *err)
{
    int opened = open(s->scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (opened < 0)
        return err_set(err, RC_UNAVAILABLE, "media_store_failed",
                       "No file can be made in MEDIA_SCRATCH: %s.",
                       strerrordesc_np(errno));
    *fd = opened;
    return RC_OK;
}

enum rc s3_scratch_room(int fd, int64_t bytes, struct err *err)
{
    struct statvfs st;

    if (fstatvfs(fd, &st) == 0 &&
        bytes > (int64_t)(st.f_bavail * st.f_frsize) - ROOM_SPARE)
        return err_set(err, RC_UNAVAILABLE, "disk_full",
                       "MEDIA_SCRATCH has no room for a file of %" PRId64 " bytes.",
                       bytes);
    return RC_OK;
}

/* --- lists --------------------------------------------------------------------- */

/* One <Contents>: false when it is not one of ours, which is passed over. */
static bool read_entry(const struct s3_store *s, const char *text, size_t len, char *name,
                       int64_t *size, int64_t *at_ms)
{
    char entry[2048];
    char key[S3_PATH_SIZE];
    char number[24];
    char time[40];
    size_t prefix = strlen(s->place.prefix);

    if (len >= sizeof(entry))
        return false;
    (void)memcpy(entry, text, len);
    entry[len] = '\0';
    if (!s3_xml_text(entry, "Key", key, sizeof(key)) ||
        !s3_xml_text(entry, "Size", number, sizeof(number)) ||
        !s3_xml_text(entry, "LastModified", time, sizeof(time)) ||
        !parse_i64(number, 0, INT64_MAX, size) || !rfc3339_parse(time, at_ms) ||
        strncmp(key, s->place.prefix, prefix) != 0 ||
        strlen(key + prefix) >= S3_NAME_SIZE)
        return false;
    text_copy(name, S3_NAME_SIZE, key + prefix);
    return true;
}

/* True when fn wants more. */
static bool each_entry(const struct s3_store *s, const char *xml, s3_each_fn *fn,
                       void *ctx)
{
    const char *text;
    size_t len;

    while (s3_xml_next(&xml, "Contents", &text, &len)) {
        char name[S3_NAME_SIZE];
        int64_t size = 0;
        int64_t at_ms = 0;

        if (read_entry(s, text, len, name, &size, &at_ms) && !fn(ctx, name, size, at_ms))
            return false;
    }
    return true;
}

/* One page of at most 1000; *more: another one follows token. */
static enum rc list_page(struct s3_store *s, const char *prefix, char token[1024],
                         struct strbuf *xml, struct err *err)
{
    const struct s3_param params[] = {
        {"list-type", "2"}, {"prefix", prefix}, {"continuation-token", token}};
    const struct s3_request req = {.method = "GET",
                                   .params = params,
                                   .n_params = token[0] != '\0' ? 3 : 2,
                                   .timeout_ms = S3_SMALL_MS};
    struct s3_answer answer;
    enum rc rc = s3_call(s, &req, &answer, err);

    if (rc != RC_OK) {
        strbuf_release(&answer.body);
        return rc;
    }
    if (!s3_xml_text(answer.body.buf, "NextContinuationToken", token, 1024))
        token[0] = '\0';
    *xml = answer.body;
    return RC_OK;
}

enum rc s3_list(struct s3_store *s, const char *with, s3_each_fn *fn, void *ctx,
                struct err *err)
{
    char prefix[S3_PREFIX_SIZE + S3_NAME_SIZE];
    char token[1024] = "";
    bool more = true;

    (void)snprintf(prefix, sizeof(prefix), "%s%s", s->place.prefix, with);
    while (more) {
        struct strbuf xml;
        enum rc rc = list_page(s, prefix, token, &xml, err);

        if (rc != RC_OK)
            return rc;
        more = each_entry(s, xml.buf, fn, ctx) && token[0] != '\0';
        strbuf_release(&xml);
    }
    return RC_OK;
}
