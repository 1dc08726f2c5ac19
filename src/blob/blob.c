#include "blob/blob.h"

#include "core/text.h"
#include "fs.h"
#include "s3.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FILE_SCHEME "file://"

enum rc blob_store_open(const struct blob_settings *settings, struct blob_store **out,
                        struct err *err)
{
    const char *url = settings->url;
    const char *path = url + strlen(FILE_SCHEME);

    if (text_starts_with(url, S3_SCHEME))
        return s3_store_open(settings, out, err);
    if (!text_starts_with(url, FILE_SCHEME) || path[0] != '/')
        return err_field(err, "MEDIA_URL", "bad_media_url",
                         "The media URL must look like file:///absolute/path or "
                         "s3://bucket.");
    return fs_store_open(path, out, err);
}

enum rc blob_url_check(const char *url, struct err *err)
{
    struct blob_store *s = NULL;
    struct s3_place place;
    enum rc rc;

    if (text_starts_with(url, S3_SCHEME))
        return s3_place_parse(url, &place, err);
    rc = blob_store_open(&(struct blob_settings){.url = url}, &s, err);
    blob_store_close(s);
    return rc;
}

enum rc blob_settings_check(const struct blob_settings *settings, struct err *err)
{
    struct blob_store *s = NULL;
    enum rc rc = blob_store_open(settings, &s, err);

    blob_store_close(s);
    return rc;
}

enum rc blob_check(struct blob_store *s, struct err *err)
{
    return s->ops->check(s, err);
}

bool blob_is_remote(const struct blob_store *s)
{
    return s->ops->link != NULL;
}

void blob_store_close(struct blob_store *s)
{
    if (s != NULL)
        s->ops->close(s);
}

bool blob_key_valid(const char *key)
{
    return strspn(key, "abcdefghijklmnopqrstuvwxyz234567") == BLOB_KEY_LEN &&
           key[BLOB_KEY_LEN] == '\0';
}

void blob_key_make(const struct random_source *random, char key[BLOB_KEY_SIZE])
{
    random_base32(random, key, BLOB_KEY_LEN);
}

enum rc blob_create(struct blob_store *s, const char *key, int64_t bytes, struct err *err)
{
    return s->ops->create(s, key, bytes, err);
}

enum rc blob_append_begin(struct blob_store *s, const char *key, int64_t bytes,
                          struct blob_writer **out, struct err *err)
{
    return s->ops->append_begin(s, key, bytes, out, err);
}

void blob_writer_close(struct blob_writer *w)
{
    if (w != NULL)
        w->ops->close(w);
}

enum rc blob_writer_start(struct blob_writer *w, int64_t offset, struct err *err)
{
    return w->ops->start(w, offset, err);
}

enum rc blob_writer_copy(struct blob_writer *w, int fd, int64_t len, struct err *err)
{
    return w->ops->copy(w, fd, len, err);
}

enum rc blob_writer_add(struct blob_writer *w, const void *data, size_t len,
                        struct err *err)
{
    return w->ops->add(w, data, len, err);
}

enum rc blob_writer_sync(struct blob_writer *w, struct err *err)
{
    return w->ops->sync(w, err);
}

enum rc blob_writer_undo(struct blob_writer *w, struct err *err)
{
    return w->ops->undo(w, err);
}

enum rc blob_open(struct blob_store *s, const char *key, enum blob_part part, int *fd,
                  int64_t *size, struct err *err)
{
    char name[FS_NAME_SIZE];

    fs_name(key, part, name);
    return s->ops->get(s, name, fd, size, err);
}

static enum rc put(struct blob_store *s, const char *name, size_t max, const void *data,
                   size_t len, struct err *err)
{
    if (len > max)
        return err_set(err, RC_BUG, "picture_too_large", "The picture is too large.");
    return s->ops->put(s, name, data, len, err);
}

enum rc blob_put_part(struct blob_store *s, const char *key, enum blob_part part,
                      const void *data, size_t len, struct err *err)
{
    char name[FS_NAME_SIZE];

    assert(part != BLOB_CONTENT);
    fs_name(key, part, name);
    return put(s, name, part == BLOB_RENDITION ? BLOB_RENDITION_MAX : BLOB_SIDE_MAX, data,
               len, err);
}

enum rc blob_put_avatar(struct blob_store *s, uint64_t account_id, const void *data,
                        size_t len, struct err *err)
{
    char name[FS_NAME_SIZE];

    fs_avatar_name(account_id, name);
    return put(s, name, BLOB_SIDE_MAX, data, len, err);
}

enum rc blob_peek_avatar(struct blob_store *s, uint64_t account_id, void *buf, size_t max,
                         size_t *len, struct err *err)
{
    char name[FS_NAME_SIZE];

    fs_avatar_name(account_id, name);
    return s->ops->peek(s, name, buf, max, len, err);
}

enum rc blob_remove(struct blob_store *s, const char *key, struct err *err)
{
    return s->ops->remove(s, key, err);
}

enum rc blob_space(struct blob_store *s, struct blob_space *out, struct err *err)
{
    return s->ops->space(s, out, err);
}

enum rc blob_walk(struct blob_store *s, int64_t min_age_ms, blob_key_fn fn, void *ctx,
                  struct err *err)
{
    return s->ops->walk(s, min_age_ms, fn, ctx, err);
}

void blob_link(const struct blob_store *s, const char *key, enum blob_part part,
               const char *method, char out[BLOB_LINK_SIZE])
{
    char name[FS_NAME_SIZE];

    assert(blob_is_remote(s));
    fs_name(key, part, name);
    s->ops->link(s, name, method, NULL, out);
}

enum rc blob_link_answer(int status, struct err *err)
{
    return s3_judge(status, "", err);
}

static void accel(const struct blob_store *s, const char *name, const char *method,
                  char out[BLOB_LINK_SIZE])
{
    if (blob_is_remote(s))
        s->ops->link(s, name, method, "/_s3", out);
    else
        (void)snprintf(out, BLOB_LINK_SIZE, "/_media/%s", name);
}

void blob_accel(const struct blob_store *s, const char *key, enum blob_part part,
                const char *method, char out[BLOB_LINK_SIZE])
{
    char name[FS_NAME_SIZE];

    fs_name(key, part, name);
    accel(s, name, method, out);
}

void blob_avatar_accel(const struct blob_store *s, uint64_t account_id,
                       const char *method, char out[BLOB_LINK_SIZE])
{
    char name[FS_NAME_SIZE];

    fs_avatar_name(account_id, name);
    accel(s, name, method, out);
}
