/* blob/blob.h - where the bytes of media lie, behind an interface.
 *
 * A blob is named by a key that we make ourselves: 26 random characters of [a-z2-7].
 * Nothing a client says is ever part of a path. A blob is created empty, grows by
 * appending under a lock until the upload is whole, and never changes after that. Beside
 * it lie pictures made from it, at most one of each kind (enum blob_part), which go when
 * it goes; pictures of accounts are kept under the account's id.
 *
 * The database decides how much of a growing blob counts: bytes are made durable first
 * and recorded afterwards, so after a crash the file may be longer than the record and is
 * cut back when appending begins again; it is never shorter.
 *
 *     struct blob_writer *w;
 *     rc = blob_append_begin(store, key, &w, err);       takes the lock
 *     (read the recorded length now, under the lock)
 *     rc = blob_writer_start(w, recorded, err);          cuts back what a crash left
 *     rc = blob_writer_copy(w, body_fd, len, err);
 *     rc = blob_writer_sync(w, err);                     durable: now record it
 *     blob_writer_close(w);
 *
 * Failures, unless a function says otherwise: RC_UNAVAILABLE, with code "disk_full" when
 * the disk or a quota is, "media_store_failed" for the rest. MEDIA_URL is file:///path
 * today; an object store becomes a second struct blob_ops. A store belongs to one
 * thread. */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include "core/err.h"
#include "core/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BLOB_KEY_LEN = 26,
    BLOB_KEY_SIZE = BLOB_KEY_LEN + 1,
    BLOB_ACCEL_SIZE = 64,            /* bytes for an X-Accel path with its NUL */
    BLOB_SIDE_MAX = 2 * 1024 * 1024, /* bytes of a thumbnail, a strip or an avatar */
    BLOB_RENDITION_MAX = 20000000,   /* bytes of a photo's rendition */
};

/* What is kept under a key. All but the content are JPEGs of our own making. */
enum blob_part {
    BLOB_CONTENT,   /* as it was uploaded */
    BLOB_THUMBNAIL, /* one small picture */
    BLOB_RENDITION, /* of a photo: what TikTok is given instead of the content */
    BLOB_STRIP,     /* of a video: frames from beginning to end, side by side */
    BLOB_PARTS,     /* how many there are */
};

struct blob_store;
struct blob_writer;

struct blob_space {
    int64_t total_bytes; /* of the place the blobs lie in */
    int64_t free_bytes;  /* that we may still use */
};

/* Called for a key found by blob_walk(); false ends the walk. */
typedef bool (*blob_key_fn)(void *ctx, const char *key);

/* What a kind of store must be able to do; each is described at its wrapper below. */
struct blob_ops {
    void (*close)(struct blob_store *s);
    enum rc (*create)(struct blob_store *s, const char *key, int64_t bytes,
                      struct err *err);
    enum rc (*append_begin)(struct blob_store *s, const char *key,
                            struct blob_writer **out, struct err *err);
    enum rc (*open)(struct blob_store *s, const char *key, enum blob_part part, int *fd,
                    int64_t *size, struct err *err);
    enum rc (*get)(struct blob_store *s, const char *name, int *fd, int64_t *size,
                   struct err *err);
    enum rc (*put)(struct blob_store *s, const char *name, const void *data, size_t len,
                   struct err *err);
    enum rc (*remove)(struct blob_store *s, const char *key, struct err *err);
    enum rc (*space)(struct blob_store *s, struct blob_space *out, struct err *err);
    enum rc (*walk)(struct blob_store *s, int64_t min_age_ms, blob_key_fn fn, void *ctx,
                    struct err *err);
    enum rc (*scratch)(struct blob_store *s, int *fd, struct err *err); /* may be NULL */
};

struct blob_store {
    const struct blob_ops *ops;
};

/* Opens the store that url (MEDIA_URL) names and creates its directory when missing.
 * RC_INVALID: not a URL of a kind we know, or not an absolute path. The caller closes
 * *out with blob_store_close(). */
enum rc blob_store_open(const char *url, struct blob_store **out,
                        struct err *err) MUST_CHECK;

/* For a table of settings: what blob_store_open() says of url. */
enum rc blob_url_check(const char *url, struct err *err) MUST_CHECK;
void blob_store_close(struct blob_store *s); /* NULL is fine */

/* True for 26 characters of [a-z2-7]. All functions below assert it of their keys. */
bool blob_key_valid(const char *key) MUST_CHECK;

/* Writes a new random key. */
void blob_key_make(const struct random_source *random, char key[BLOB_KEY_SIZE]);

/* Creates an empty blob and reserves room for bytes where the store can, so that a full
 * disk is noticed here. RC_CONFLICT: the key exists. */
enum rc blob_create(struct blob_store *s, const char *key, int64_t bytes,
                    struct err *err) MUST_CHECK;

/* Opens a blob for appending and locks it against every other process. RC_CONFLICT,
 * "upload_busy": somebody else holds it. RC_NOT_FOUND: no such blob. The caller closes
 * *out with blob_writer_close(), which also unlocks. */
enum rc blob_append_begin(struct blob_store *s, const char *key, struct blob_writer **out,
                          struct err *err) MUST_CHECK;
void blob_writer_close(struct blob_writer *w); /* NULL is fine */

/* Says how many bytes of the blob count; what lies beyond is cut off. RC_BUG,
 * "media_bytes_lost": the blob is shorter. */
enum rc blob_writer_start(struct blob_writer *w, int64_t offset,
                          struct err *err) MUST_CHECK;

/* Appends the first len bytes of the file fd, within the kernel where it can. */
enum rc blob_writer_copy(struct blob_writer *w, int fd, int64_t len,
                         struct err *err) MUST_CHECK;

/* Appends bytes from memory, for bodies that come as a stream. */
enum rc blob_writer_add(struct blob_writer *w, const void *data, size_t len,
                        struct err *err) MUST_CHECK;

/* Makes everything appended survive a crash of the machine. */
enum rc blob_writer_sync(struct blob_writer *w, struct err *err) MUST_CHECK;

/* Cuts the blob back to where blob_writer_start() began: nothing of this call is kept. */
enum rc blob_writer_undo(struct blob_writer *w, struct err *err) MUST_CHECK;

/* Opens a blob for reading: *fd is the caller's to close, *size its bytes. RC_NOT_FOUND:
 * there is none. */
enum rc blob_open(struct blob_store *s, const char *key, enum blob_part part, int *fd,
                  int64_t *size, struct err *err) MUST_CHECK;

/* Stores or replaces a picture beside the blob as a whole: a reader sees the old one or
 * the new one. part is not BLOB_CONTENT. At most BLOB_RENDITION_MAX bytes for a
 * rendition and BLOB_SIDE_MAX for the others: more is RC_BUG. */
enum rc blob_put_part(struct blob_store *s, const char *key, enum blob_part part,
                      const void *data, size_t len, struct err *err) MUST_CHECK;

/* The same for the picture of an account. */
enum rc blob_put_avatar(struct blob_store *s, uint64_t account_id, const void *data,
                        size_t len, struct err *err) MUST_CHECK;

/* Opens the picture of an account as blob_open() opens a blob. */
enum rc blob_open_avatar(struct blob_store *s, uint64_t account_id, int *fd,
                         int64_t *size, struct err *err) MUST_CHECK;

/* Opens an empty file for reading and writing that has no name and is gone when it is
 * closed, by whatever end of the process: on the disk of the store where it has one, else
 * in /var/tmp. *fd is the caller's to close. */
enum rc blob_scratch(struct blob_store *s, int *fd, struct err *err) MUST_CHECK;

/* Stores the first len bytes of the file fd as a new blob, durable when it returns.
 * RC_CONFLICT: the key exists. On failure nothing of it stays. */
enum rc blob_put_file(struct blob_store *s, const char *key, int fd, int64_t len,
                      struct err *err) MUST_CHECK;

/* Removes a blob and what lies beside it; one that is gone already is fine. */
enum rc blob_remove(struct blob_store *s, const char *key, struct err *err) MUST_CHECK;

enum rc blob_space(struct blob_store *s, struct blob_space *out,
                   struct err *err) MUST_CHECK;

/* Calls fn for every key whose blob was last written more than min_age_ms ago, in no
 * order, and for that of every picture of that age whose blob is gone. fn may remove that
 * blob. What a blob_put_...() that died left of that age is removed on the way. */
enum rc blob_walk(struct blob_store *s, int64_t min_age_ms, blob_key_fn fn, void *ctx,
                  struct err *err) MUST_CHECK;

/* The path below nginx's internal location: "/_media/ab/abc...". Made from the key or the
 * id alone. */
void blob_accel_path(const char *key, enum blob_part part, char out[BLOB_ACCEL_SIZE]);
void blob_avatar_accel_path(uint64_t account_id, char out[BLOB_ACCEL_SIZE]);

#endif
