#include "blob/blob.h"

#include "core/text.h"
#include "fs.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FILE_SCHEME "file://"

enum rc blob_store_open(const char *url, struct blob_store **out, struct err *err)
{
    const char *path = url + strlen(FILE_SCHEME);

    if (!text_starts_with(url, FILE_SCHEME) || path[0] != '/')
        return err_field(err, "MEDIA_URL", "bad_media_url",
                         "The media URL must look like file:///absolute/path.");
    return fs_store_open(path, out, err);
}

enum rc blob_url_check(const char *url, struct err *err)
{
    struct blob_store *s = NULL;
    enum rc rc = blob_store_open(url, &s, err);

    blob_store_close(s);
    return rc;
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

enum rc blob_append_begin(struct blob_store *s, const char *key, struct blob_writer **out,
                          struct err *err)
{
    return s->ops->append_begin(s, key, out, err);
}

enum rc blob_open(struct blob_store *s, const char *key, enum blob_part part, int *fd,
                  int64_t *size, struct err *err)
{
    return s->ops->open(s, key, part, fd, size, err);
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

enum rc blob_open_avatar(struct blob_store *s, uint64_t account_id, int *fd,
                         int64_t *size, struct err *err)
{
    char name[FS_NAME_SIZE];

    fs_avatar_name(account_id, name);
    return s->ops->get(s, name, fd, size, err);
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

void blob_accel_path(const char *key, enum blob_part part, char out[BLOB_ACCEL_SIZE])
{
    char name[FS_NAME_SIZE];

    fs_name(key, part, name);
    (void)snprintf(out, BLOB_ACCEL_SIZE, "/_media/%s", name);
}

void blob_avatar_accel_path(uint64_t account_id, char out[BLOB_ACCEL_SIZE])
{
    char name[FS_NAME_SIZE];

    fs_avatar_name(account_id, name);
    (void)snprintf(out, BLOB_ACCEL_SIZE, "/_media/%s", name);
}
