/* blob/blob.h - where the bytes of media lie, behind an interface.
 *
 * A blob is named by a key that we make ourselves: 26 random characters of [a-z2-7].
 * Nothing a client says is ever part of a path. A blob is created empty, grows by
 * appending under a lock until the upload is whole, and never changes after that. Beside
 * it lie pictures made from it, at most one of each kind (enum blob_part), which go when
 * it goes; pictures of accounts are kept under the account's id.
 *
 * The database decides how much of a growing blob counts: bytes are made durable first
 * and recorded afterwards, so after a crash the store may hold more than the record and
 * is cut back when appending begins again; it never holds less.
 *
 *     struct blob_writer *w;
 *     (where blob_is_remote(): take the upload's lock in the database)
 *     rc = blob_append_begin(store, key, bytes, &w, err);  a file is locked here
 *     (read the recorded length now, under the lock)
 *     rc = blob_writer_start(w, recorded, err);            cuts back what a crash left
 *     rc = blob_writer_copy(w, body_fd, len, err);
 *     rc = blob_writer_sync(w, err);                       durable: now record it
 *     blob_writer_close(w);
 *
 * There are two kinds of store, and MEDIA_URL says which:
 *
 * file:///path - blobs are files (blob/fs.h). Readers share the file system: a blob is a
 * descriptor, and nginx sends it by the path that blob_accel() names. Appending locks the
 * file, so it keeps out every process of the machine.
 *
 * s3://bucket/prefix?endpoint=https://host:port&region=NAME - blobs are objects in
 * S3-compatible storage, for several machines that share media. Without an endpoint it is
 * AWS's of the region, without a region that is us-east-1. The bucket stands in the path
 * ("path style"), which every such store speaks. An http endpoint is refused unless it is
 * this machine's or the URL says insecure=yes as well. Every request is an address signed
 * for itself (Signature Version 4 in the query), so nginx and the publisher's transfers
 * use the same as this layer. What is different:
 *  - A growing blob is a multipart upload, which cannot be read before it is whole. What
 *    comes becomes parts of at least BLOB_PART_MIN bytes; less than that becomes an
 *    object of its own, "growing/<key>/<offset>", until there is more. A part's number
 *    and size are kept by the store, so what counts follows from the recorded offset
 *    alone: whole parts as far as they reach, then the object of exactly that offset. An
 *    offset is recorded only when part or object is stored, so any worker on any machine
 *    goes on from it. The last byte makes the store assemble the object before it is
 *    recorded; one who finds it assembled, after a crash, only counts what is sent
 *    again.
 *  - Nothing is locked here. Callers take a lock of the database (upload_lock()), which
 *    a worker's death frees. Should it be lost unnoticed, two writers can spoil no byte:
 *    a part whose size does not fit the record ends the upload loudly.
 *  - blob_open() first fetches the whole into a nameless file in `scratch`: for
 *    tts-media, never for an event loop. Others take blob_link(), an address for a GET
 *    or HEAD.
 *  - A store that is full, away, or refuses our key is RC_UNAVAILABLE; the message tells
 *    the operator what to do.
 *
 * Failures, unless a function says otherwise: RC_UNAVAILABLE, with code "disk_full" when
 * the disk or a quota is, "media_store_failed" for the rest. A store belongs to one
 * thread. */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include "core/err.h"
#include "core/random.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BLOB_KEY_LEN = 26,
    BLOB_KEY_SIZE = BLOB_KEY_LEN + 1,
    BLOB_LINK_SIZE = 2048,           /* bytes for a signed address with its NUL */
    BLOB_LINK_S = 300,               /* for so long a transfer may begin from it */
    BLOB_PART_MIN = 5 * 1024 * 1024, /* bytes S3 wants of every part but the last */
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
    int64_t free_bytes;  /* that we may still use; as good as endless where remote */
};

/* What a program was told. Strings are copied, NULL is "not set". */
struct blob_settings {
    const char *url;        /* MEDIA_URL */
    const char *access_key; /* MEDIA_S3_ACCESS_KEY: needed when url is s3:// */
    const char *secret_key; /* MEDIA_S3_SECRET_KEY: the same */
    const char *scratch;    /* MEDIA_SCRATCH: a directory for nameless files; NULL:
                             * BLOB_SCRATCH */
    const volatile sig_atomic_t *stop; /* true: give up waiting for the store; or NULL */
};

/* The disk's place for what is large and passing, unlike /tmp, which may be memory. */
#define BLOB_SCRATCH "/var/tmp"

/* Called for a key found by blob_walk(); false ends the walk. */
typedef bool (*blob_key_fn)(void *ctx, const char *key);

/* What a kind of store must be able to do; each is described at its wrapper below. name
 * is what fs_name() makes. link is NULL where the bytes are files. */
struct blob_ops {
    void (*close)(struct blob_store *s);
    enum rc (*check)(struct blob_store *s, struct err *err);
    enum rc (*create)(struct blob_store *s, const char *key, int64_t bytes,
                      struct err *err);
    enum rc (*append_begin)(struct blob_store *s, const char *key, int64_t bytes,
                            struct blob_writer **out, struct err *err);
    enum rc (*get)(struct blob_store *s, const char *name, int *fd, int64_t *size,
                   struct err *err);
    enum rc (*peek)(struct blob_store *s, const char *name, void *buf, size_t max,
                    size_t *len, struct err *err);
    enum rc (*put)(struct blob_store *s, const char *name, const void *data, size_t len,
                   struct err *err);
    enum rc (*remove)(struct blob_store *s, const char *key, struct err *err);
    enum rc (*space)(struct blob_store *s, struct blob_space *out, struct err *err);
    enum rc (*walk)(struct blob_store *s, int64_t min_age_ms, blob_key_fn fn, void *ctx,
                    struct err *err);
    enum rc (*scratch)(struct blob_store *s, int *fd, struct err *err);
    void (*link)(const struct blob_store *s, const char *name, const char *method,
                 const char *before, char out[BLOB_LINK_SIZE]);
};

struct blob_store {
    const struct blob_ops *ops;
};

struct blob_writer_ops {
    void (*close)(struct blob_writer *w);
    enum rc (*start)(struct blob_writer *w, int64_t offset, struct err *err);
    enum rc (*copy)(struct blob_writer *w, int fd, int64_t len, struct err *err);
    enum rc (*add)(struct blob_writer *w, const void *data, size_t len, struct err *err);
    enum rc (*sync)(struct blob_writer *w, struct err *err);
    enum rc (*undo)(struct blob_writer *w, struct err *err);
};

struct blob_writer {
    const struct blob_writer_ops *ops;
};

/* Opens the store that the settings name; a directory is created when missing, a bucket
 * is not, nor asked for. RC_INVALID: the URL is of no kind we know, or a key is missing.
 * The caller closes *out with blob_store_close(). */
enum rc blob_store_open(const struct blob_settings *settings, struct blob_store **out,
                        struct err *err) MUST_CHECK;

/* For a table of settings: what is wrong with the URL itself. */
enum rc blob_url_check(const char *url, struct err *err) MUST_CHECK;
void blob_store_close(struct blob_store *s); /* NULL is fine */

/* The same of everything the store is told; err->field is the key that is wrong. */
enum rc blob_settings_check(const struct blob_settings *settings,
                            struct err *err) MUST_CHECK;

/* Can the store be used now? Asks it: for the health of a program. */
enum rc blob_check(struct blob_store *s, struct err *err) MUST_CHECK;

/* True where blobs are objects elsewhere: see the top. */
bool blob_is_remote(const struct blob_store *s) MUST_CHECK;

/* True for 26 characters of [a-z2-7]. All functions below assert it of their keys. */
bool blob_key_valid(const char *key) MUST_CHECK;

/* Writes a new random key. */
void blob_key_make(const struct random_source *random, char key[BLOB_KEY_SIZE]);

/* Creates an empty blob and reserves room for bytes where the store can, so that a full
 * disk is noticed here. RC_CONFLICT: the key exists. */
enum rc blob_create(struct blob_store *s, const char *key, int64_t bytes,
                    struct err *err) MUST_CHECK;

/* Opens a blob for appending, which shall have this many bytes in the end, and locks it
 * against every other process unless the store is remote. RC_CONFLICT, "upload_busy":
 * somebody else holds it. RC_NOT_FOUND: no such blob. The caller closes *out with
 * blob_writer_close(), which also unlocks. */
enum rc blob_append_begin(struct blob_store *s, const char *key, int64_t bytes,
                          struct blob_writer **out, struct err *err) MUST_CHECK;
void blob_writer_close(struct blob_writer *w); /* NULL is fine */

/* Says how many bytes of the blob count; what lies beyond is cut off. RC_BUG,
 * "media_bytes_lost": the blob is shorter. */
enum rc blob_writer_start(struct blob_writer *w, int64_t offset,
                          struct err *err) MUST_CHECK;

/* Appends the first len bytes of the file fd, within the kernel where it can. The caller
 * leaves the file as it is until blob_writer_sync(). */
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
 * there is none. Where the store is remote this fetches all of it and takes its time;
 * "disk_full" is then about the scratch directory. */
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

/* The first bytes of the picture of an account, at most max, *len of them. RC_NOT_FOUND:
 * there is none. A remote store is asked once in half a minute: a new picture may show up
 * so much later. */
enum rc blob_peek_avatar(struct blob_store *s, uint64_t account_id, void *buf, size_t max,
                         size_t *len, struct err *err) MUST_CHECK;

/* Opens an empty file for reading and writing that has no name and is gone when it is
 * closed, by whatever end of the process: on the disk of the store where it has one, else
 * in the settings' scratch directory. *fd is the caller's to close. */
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

/* Of a remote store: an address that answers method, "GET" or "HEAD", with the blob for
 * BLOB_LINK_S seconds from now. It is a right: never logged. Asks nobody. The answer is
 * judged by blob_link_answer(). */
void blob_link(const struct blob_store *s, const char *key, enum blob_part part,
               const char *method, char out[BLOB_LINK_SIZE]);

/* What an answer with this status from an address of blob_link() means: RC_OK for 200 and
 * 206; RC_NOT_FOUND; RC_UNAVAILABLE for the rest. */
enum rc blob_link_answer(int status, struct err *err) MUST_CHECK;

/* What X-Accel-Redirect says so that nginx sends the blob: "/_media/ab/abc..." for a
 * file, an address below "/_s3/" that is signed for this method and lives as
 * blob_link()'s where the store is remote. Made from the key or the id alone. */
void blob_accel(const struct blob_store *s, const char *key, enum blob_part part,
                const char *method, char out[BLOB_LINK_SIZE]);
void blob_avatar_accel(const struct blob_store *s, uint64_t account_id,
                       const char *method, char out[BLOB_LINK_SIZE]);

#endif
