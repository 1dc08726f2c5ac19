/* Whole objects: the store as blob/blob.h wants it. */
#include "s3.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As good as endless: the workspace's quota is what limits. */
#define ENDLESS (INT64_C(1) << 60)

static struct s3_store *s3_of(struct blob_store *s)
{
    return (struct s3_store *)(void *)s;
}

static void s3_close(struct blob_store *base)
{
    struct s3_store *s = s3_of(base);

    http_free(s->http);
    explicit_bzero(s->secret_key, strlen(s->secret_key));
    free(s->secret_key);
    free(s->access_key);
    free(s->scratch);
    free(s->last_upload);
    free(s->heads);
    free(s);
}

/* Lists one object: that takes the right address, key and bucket. */
static enum rc s3_check(struct blob_store *base, struct err *err)
{
    struct s3_store *s = s3_of(base);
    const struct s3_param params[] = {
        {"list-type", "2"}, {"max-keys", "1"}, {"prefix", s->place.prefix}};
    const struct s3_request req = {.method = "GET",
                                   .params = params,
                                   .n_params = ARRAY_LEN(params),
                                   .timeout_ms = S3_CHECK_MS};
    enum rc rc = s3_do(s, &req, err);

    if (rc == RC_NOT_FOUND)
        return s3_judge(404, "NoSuchBucket", err);
    return rc;
}

static enum rc s3_create(struct blob_store *s, const char *key, int64_t bytes UNUSED,
                         struct err *err)
{
    return s3_grow_create(s3_of(s), key, err);
}

static enum rc s3_append_begin(struct blob_store *s, const char *key, int64_t bytes,
                               struct blob_writer **out, struct err *err)
{
    return s3_grow_begin(s3_of(s), key, bytes, out, err);
}

static enum rc s3_get(struct blob_store *base, const char *name, int *fd, int64_t *size,
                      struct err *err)
{
    struct s3_store *s = s3_of(base);
    struct s3_request req = {.method = "GET", .name = name, .timeout_ms = S3_WHOLE_MS};
    struct s3_answer answer;
    int file = -1;
    enum rc rc = s3_scratch(s, &file, err);

    if (rc != RC_OK)
        return rc;
    req.into = file;
    rc = s3_call(s, &req, &answer, err);
    strbuf_release(&answer.body);
    if (rc != RC_OK) {
        io_close(&file);
        return rc;
    }
    *fd = file;
    *size = answer.written;
    return RC_OK;
}

/* --- first bytes --------------------------------------------------------------- */

static struct s3_head *head_of(struct s3_store *s, const char *name)
{
    size_t hash = 5381;

    if (s->heads == NULL)
        s->heads = xcalloc(S3_HEADS, sizeof(*s->heads));
    for (const char *p = name; *p != '\0'; p++)
        hash = hash * 33 + (unsigned char)*p;
    return &s->heads[hash % S3_HEADS];
}

static enum rc fetch_head(struct s3_store *s, struct s3_head *h, struct err *err)
{
    char range[48];
    const struct s3_request req = {
        .method = "GET", .name = h->name, .range = range, .timeout_ms = S3_CHECK_MS};
    struct s3_answer answer;
    enum rc rc;

    (void)snprintf(range, sizeof(range), "Range: bytes=0-%d", S3_HEAD_SIZE - 1);
    rc = s3_call(s, &req, &answer, err);
    if (rc == RC_OK) {
        h->len = answer.body.len < S3_HEAD_SIZE ? answer.body.len : S3_HEAD_SIZE;
        (void)memcpy(h->bytes, answer.body.buf, h->len);
    }
    strbuf_release(&answer.body);
    return rc;
}

static enum rc s3_peek(struct blob_store *base, const char *name, void *buf, size_t max,
                       size_t *len, struct err *err)
{
    struct s3_store *s = s3_of(base);
    struct s3_head *h = head_of(s, name);
    int64_t now_ms = clock_mono_ms(clock_system());
    enum rc rc;

    assert(max <= S3_HEAD_SIZE);
    if (strcmp(h->name, name) != 0 || now_ms >= h->until_ms) {
        text_copy(h->name, sizeof(h->name), name);
        h->until_ms = 0;
        rc = fetch_head(s, h, err);
        if (rc != RC_OK && rc != RC_NOT_FOUND)
            return rc;
        h->rc = rc;
        h->until_ms = now_ms + S3_HEAD_MS;
    }
    if (h->rc != RC_OK)
        return s3_judge(404, "", err);
    *len = h->len < max ? h->len : max;
    (void)memcpy(buf, h->bytes, *len);
    return RC_OK;
}

/* --- whole objects ------------------------------------------------------------- */

static enum rc s3_put(struct blob_store *s, const char *name, const void *data,
                      size_t len, struct err *err)
{
    const struct s3_request req = {.method = "PUT",
                                   .name = name,
                                   .body = data,
                                   .body_len = len,
                                   .timeout_ms = S3_PART_MS};

    return s3_do(s3_of(s), &req, err);
}

static enum rc remove_one(struct s3_store *s, const char *name, struct err *err)
{
    const struct s3_request req = {
        .method = "DELETE", .name = name, .timeout_ms = S3_SMALL_MS};
    enum rc rc = s3_do(s, &req, err);

    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc s3_remove(struct blob_store *base, const char *key, struct err *err)
{
    struct s3_store *s = s3_of(base);
    char name[FS_NAME_SIZE];
    enum rc rc = s3_grow_remove(s, key, err);

    for (int part = BLOB_PARTS - 1; part >= BLOB_CONTENT && rc == RC_OK; part--) {
        fs_name(key, (enum blob_part)part, name); /* content last */
        rc = remove_one(s, name, err);
    }
    return rc;
}

static enum rc s3_space(struct blob_store *s UNUSED, struct blob_space *out,
                        struct err *err UNUSED)
{
    out->total_bytes = ENDLESS;
    out->free_bytes = ENDLESS;
    return RC_OK;
}

static enum rc s3_make_scratch(struct blob_store *s, int *fd, struct err *err)
{
    return s3_scratch(s3_of(s), fd, err);
}

/* --- the walk ------------------------------------------------------------------ */

struct walk {
    int64_t before_ms;
    blob_key_fn fn;
    void *ctx;
    char content[BLOB_KEY_SIZE]; /* the key whose content was listed last */
    bool more;
};

/* The key that an object belongs to: "ab/key", "ab/key.jpg", "growing/key/offset". */
static bool key_of(const char *name, char key[BLOB_KEY_SIZE], bool *content)
{
    static const char growing[] = "growing/";
    const char *at;

    if (text_starts_with(name, growing))
        at = name + strlen(growing);
    else if (strlen(name) > 3 && name[2] == '/')
        at = name + 3;
    else
        return false;
    (void)snprintf(key, BLOB_KEY_SIZE, "%.*s", BLOB_KEY_LEN, at);
    if (!blob_key_valid(key))
        return false;
    *content = at == name + 3 && at[BLOB_KEY_LEN] == '\0';
    return true;
}

/* A blob's own object is listed before the pictures beside it. */
static bool walk_object(void *ctx, const char *name, int64_t size, int64_t at_ms)
{
    struct walk *w = ctx;
    char key[BLOB_KEY_SIZE];
    bool content = false;

    (void)size;
    if (!key_of(name, key, &content))
        return true;
    if (content)
        text_copy(w->content, sizeof(w->content), key);
    else if (strcmp(w->content, key) == 0)
        return true;
    if (at_ms < w->before_ms)
        w->more = w->fn(w->ctx, key);
    return w->more;
}

static enum rc s3_walk(struct blob_store *base, int64_t min_age_ms, blob_key_fn fn,
                       void *ctx, struct err *err)
{
    struct s3_store *s = s3_of(base);
    struct walk w = {.before_ms = clock_wall_ms(clock_system()) - min_age_ms,
                     .fn = fn,
                     .ctx = ctx,
                     .more = true};
    enum rc rc = s3_list(s, "", walk_object, &w, err);

    if (rc != RC_OK || !w.more)
        return rc;
    return s3_upload_walk(s, min_age_ms, fn, ctx, err);
}

/* --- addresses ----------------------------------------------------------------- */

static void s3_link(const struct blob_store *base, const char *name, const char *method,
                    const char *before, char out[BLOB_LINK_SIZE])
{
    const struct s3_store *s = (const struct s3_store *)(const void *)base;
    char path[S3_PATH_SIZE];
    const struct s3_signing signing = {.access_key = s->access_key,
                                       .secret_key = s->secret_key,
                                       .region = s->place.region,
                                       .host = s->place.host,
                                       .method = method,
                                       .path = path,
                                       .now_ms = clock_wall_ms(clock_system()),
                                       .expires_s = BLOB_LINK_S};
    struct strbuf url;

    s3_path(&s->place, name, path);
    strbuf_init(&url, BLOB_LINK_SIZE - 1);
    strbuf_addf(&url, "%s%s?", before != NULL ? before : s->place.origin, path);
    s3_sign(&signing, &url);
    assert(!strbuf_failed(&url)); /* every part of it has a limit */
    text_copy(out, BLOB_LINK_SIZE, url.buf);
    strbuf_wipe(&url);
}

static const struct blob_ops s3_ops = {
    .close = s3_close,
    .check = s3_check,
    .create = s3_create,
    .append_begin = s3_append_begin,
    .get = s3_get,
    .peek = s3_peek,
    .put = s3_put,
    .remove = s3_remove,
    .space = s3_space,
    .walk = s3_walk,
    .scratch = s3_make_scratch,
    .link = s3_link,
};

static bool key_fits(const char *key)
{
    enum { KEY_MAX = 256 };

    return key != NULL && key[0] != '\0' && strlen(key) <= KEY_MAX &&
           !text_has_control(key, strlen(key));
}

/* The engine is made here and not when it is needed, since it sets libcurl up, which is
 * done before there are threads. */
enum rc s3_store_open(const struct blob_settings *settings, struct blob_store **out,
                      struct err *err)
{
    const struct http_settings http = {.in_flight_max = 1};
    struct http *engine = NULL;
    struct s3_place place;
    struct s3_store *s;
    enum rc rc = s3_place_parse(settings->url, &place, err);

    if (rc != RC_OK)
        return rc;
    if (!key_fits(settings->access_key))
        return err_field(err, "MEDIA_S3_ACCESS_KEY", "bad_media_key",
                         "is needed: MEDIA_URL names an object store");
    if (!key_fits(settings->secret_key))
        return err_field(err, "MEDIA_S3_SECRET_KEY", "bad_media_key",
                         "is needed: MEDIA_URL names an object store");
    rc = http_curl_new(&http, &engine, err);
    if (rc != RC_OK)
        return rc;
    s = xcalloc(1, sizeof(*s));
    s->http = engine;
    s->base.ops = &s3_ops;
    s->place = place;
    s->access_key = xstrdup(settings->access_key);
    s->secret_key = xstrdup(settings->secret_key);
    s->scratch = xstrdup(settings->scratch != NULL ? settings->scratch : BLOB_SCRATCH);
    s->stop = settings->stop;
    *out = &s->base;
    return RC_OK;
}
