/* Blobs that grow in an object store: multipart uploads (s3_upload.c), and what is too
 * little for a part. How it holds together stands in blob/blob.h. */
#include "core/fault.h"
#include "core/io.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "s3.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 65536 }; /* bytes copied at a time */

struct s3_writer {
    struct blob_writer base; /* first */
    struct s3_store *s;
    char key[BLOB_KEY_SIZE];
    int64_t bytes;     /* that it shall have */
    bool whole;        /* it is an object already: bytes are only counted */
    int parts;         /* that count, numbered from 1 without a gap */
    int64_t parts_end; /* where they end */
    int64_t start;     /* what is recorded */
    int64_t end;       /* where the next byte goes */
    int file;          /* holds the bytes from parts_end on; -1: there are none */
    bool borrowed;     /* file is the caller's, for reading only */
};

static const struct blob_writer_ops writer_ops;

static struct s3_writer *writer_of(struct blob_writer *w)
{
    return (struct s3_writer *)(void *)w;
}

static enum rc lost(struct err *err)
{
    return err_set(err, RC_BUG, "media_bytes_lost",
                   "The media store holds other bytes than were recorded.");
}

static void tail_name(const char *key, int64_t offset, char out[S3_NAME_SIZE])
{
    (void)snprintf(out, S3_NAME_SIZE, "growing/%s/%010" PRId64, key, offset);
}

/* --- creation ------------------------------------------------------------------ */

/* The size of what lies under the key. */
static enum rc size_of(struct s3_store *s, const char *key, int64_t *size,
                       struct err *err)
{
    char name[FS_NAME_SIZE];
    const struct s3_request req = {
        .method = "HEAD", .name = name, .timeout_ms = S3_SMALL_MS};
    struct s3_answer answer;
    enum rc rc;

    fs_name(key, BLOB_CONTENT, name);
    rc = s3_call(s, &req, &answer, err);
    strbuf_release(&answer.body);
    if (rc == RC_OK)
        *size = answer.content_length;
    return rc;
}

enum rc s3_grow_create(struct s3_store *s, const char *key, struct err *err)
{
    int64_t size;
    enum rc rc = s3_upload_find(s, key, err);

    if (rc == RC_NOT_FOUND)
        rc = size_of(s, key, &size, err);
    if (rc == RC_OK)
        return err_set(err, RC_CONFLICT, "blob_exists", "The file exists already.");
    return rc == RC_NOT_FOUND ? s3_upload_begin(s, key, err) : rc;
}

/* --- what is too little for a part --------------------------------------------- */

static enum rc put_tail(struct s3_writer *w, struct err *err)
{
    char name[S3_NAME_SIZE];
    const struct s3_request req = {.method = "PUT",
                                   .name = name,
                                   .file = w->file,
                                   .file_len = w->end - w->parts_end,
                                   .timeout_ms = S3_PART_MS};

    tail_name(w->key, w->end, name);
    return s3_do(w->s, &req, err);
}

/* Fetches it; it must be exactly as long as the record says. */
static enum rc get_tail(struct s3_writer *w, int64_t len, struct err *err)
{
    char name[S3_NAME_SIZE];
    struct s3_request req = {.method = "GET", .name = name, .timeout_ms = S3_PART_MS};
    struct s3_answer answer;
    enum rc rc = s3_scratch(w->s, &w->file, err);

    if (rc != RC_OK)
        return rc;
    tail_name(w->key, w->start, name);
    req.into = w->file;
    rc = s3_call(w->s, &req, &answer, err);
    strbuf_release(&answer.body);
    if (rc == RC_NOT_FOUND || (rc == RC_OK && answer.written != len))
        return lost(err);
    return rc;
}

struct tails {
    struct s3_store *s;
    const char *keep; /* not this one; NULL: all */
    struct err *err;
    enum rc rc;
};

static bool remove_tail(void *ctx, const char *name, int64_t size, int64_t at_ms)
{
    struct tails *t = ctx;
    const struct s3_request req = {
        .method = "DELETE", .name = name, .timeout_ms = S3_SMALL_MS};

    (void)size;
    (void)at_ms;
    if (t->keep != NULL && strcmp(name, t->keep) == 0)
        return true;
    t->rc = s3_do(t->s, &req, t->err);
    if (t->rc == RC_NOT_FOUND)
        t->rc = RC_OK;
    return t->rc == RC_OK;
}

static enum rc remove_tails(struct s3_store *s, const char *key, const char *keep,
                            struct err *err)
{
    struct tails t = {.s = s, .keep = keep, .err = err, .rc = RC_OK};
    char with[S3_NAME_SIZE];
    enum rc rc;

    (void)snprintf(with, sizeof(with), "growing/%s/", key);
    rc = s3_list(s, with, remove_tail, &t, err);
    return rc != RC_OK ? rc : t.rc;
}

/* --- the writer ---------------------------------------------------------------- */

static void drop_file(struct s3_writer *w)
{
    io_close(&w->file);
    w->borrowed = false;
}

static void writer_close(struct blob_writer *base)
{
    struct s3_writer *w = writer_of(base);

    drop_file(w);
    free(w);
}

/* No upload grows under the key: it may be whole. */
static enum rc look_whole(struct s3_writer *w, struct err *err)
{
    int64_t size = 0;
    enum rc rc = size_of(w->s, w->key, &size, err);

    if (rc == RC_OK && size != w->bytes)
        return lost(err);
    w->whole = rc == RC_OK;
    return rc;
}

enum rc s3_grow_begin(struct s3_store *s, const char *key, int64_t bytes,
                      struct blob_writer **out, struct err *err)
{
    struct s3_writer *w = xcalloc(1, sizeof(*w));
    enum rc rc;

    w->base.ops = &writer_ops;
    w->s = s;
    w->bytes = bytes;
    w->file = -1;
    text_copy(w->key, sizeof(w->key), key);
    rc = s3_upload_find(s, key, err);
    if (rc == RC_NOT_FOUND)
        rc = look_whole(w, err);
    if (rc != RC_OK)
        free(w);
    else
        *out = &w->base;
    return rc;
}

/* Fetches what lies between the parts and the record; older ones are of no use now. */
static enum rc take_up_tail(struct s3_writer *w, struct err *err)
{
    char name[S3_NAME_SIZE];
    struct err ignored;
    enum rc rc = get_tail(w, w->start - w->parts_end, err);
    enum rc removed;

    if (rc != RC_OK)
        return rc;
    tail_name(w->key, w->start, name);
    removed = remove_tails(w->s, w->key, name, &ignored);
    (void)removed; /* they go when the upload ends */
    return RC_OK;
}

static enum rc writer_start(struct blob_writer *base, int64_t offset, struct err *err)
{
    struct s3_writer *w = writer_of(base);
    struct s3_parts l = {.limit = offset};
    enum rc rc = RC_OK;

    drop_file(w);
    w->start = offset;
    w->end = offset;
    if (!w->whole) {
        rc = s3_upload_find(w->s, w->key, err);
        if (rc == RC_OK)
            rc = s3_upload_parts(w->s, w->key, &l, err);
        strbuf_release(&l.xml);
    }
    if (rc == RC_NOT_FOUND) { /* it ended since */
        s3_upload_forget(w->s);
        rc = look_whole(w, err);
        return rc == RC_NOT_FOUND ? lost(err) : rc;
    }
    w->parts = l.n;
    w->parts_end = l.end;
    if (rc == RC_OK && !w->whole && l.end < offset)
        rc = take_up_tail(w, err);
    return rc;
}

/* A file of our own to add to, with what is there already. */
static enum rc own_file(struct s3_writer *w, struct err *err)
{
    int64_t have = w->end - w->parts_end;
    char *piece;
    int fd = -1;
    enum rc rc;

    if (w->file >= 0 && !w->borrowed)
        return RC_OK;
    rc = s3_scratch(w->s, &fd, err);
    if (rc != RC_OK)
        return rc;
    piece = xmalloc(PIECE);
    for (int64_t at = 0; rc == RC_OK && w->file >= 0 && at < have; at += PIECE) {
        size_t want = have - at < PIECE ? (size_t)(have - at) : PIECE;
        size_t got = 0;

        rc = io_pread_full(w->file, piece, want, at, &got, err);
        if (rc == RC_OK)
            rc = io_write_full(fd, piece, got, err);
    }
    free(piece);
    drop_file(w);
    w->file = fd;
    return rc;
}

static enum rc full(struct err *err)
{
    return err_set(err, RC_UNAVAILABLE, "disk_full", "The media store is full.");
}

static enum rc writer_add(struct blob_writer *base, const void *data, size_t len,
                          struct err *err)
{
    struct s3_writer *w = writer_of(base);
    enum rc rc = RC_OK;

    if (FAULT_ERROR("blob.disk_full"))
        return full(err);
    if (!w->whole)
        rc = own_file(w, err);
    if (rc == RC_OK && !w->whole &&
        lseek(w->file, (off_t)(w->end - w->parts_end), SEEK_SET) < 0)
        rc = err_set(err, RC_BUG, "media_store_failed", "MEDIA_SCRATCH holds no files.");
    if (rc == RC_OK && !w->whole)
        rc = io_write_full(w->file, data, len, err);
    if (rc == RC_OK)
        w->end += (int64_t)len;
    return rc;
}

static enum rc copy_pieces(struct s3_writer *w, int fd, int64_t len, struct err *err)
{
    char *piece = xmalloc(PIECE);
    enum rc rc = RC_OK;

    for (int64_t at = 0; at < len && rc == RC_OK; at += PIECE) {
        size_t want = len - at < PIECE ? (size_t)(len - at) : PIECE;
        size_t got = 0;

        rc = io_pread_full(fd, piece, want, at, &got, err);
        if (rc == RC_OK)
            rc = writer_add(&w->base, piece, got, err);
    }
    free(piece);
    return rc;
}

/* A chunk that nothing precedes is sent from the file it came in. */
static enum rc writer_copy(struct blob_writer *base, int fd, int64_t len, struct err *err)
{
    struct s3_writer *w = writer_of(base);
    struct stat st;

    if (FAULT_ERROR("blob.disk_full"))
        return full(err);
    if (fstat(fd, &st) != 0 || st.st_size < len)
        return err_set(err, RC_INVALID, "body_cut_short", "The body ended too early.");
    if (w->whole || w->end > w->parts_end)
        return copy_pieces(w, fd, len, err);
    drop_file(w);
    w->file = dup(fd);
    if (w->file < 0)
        return err_set(err, RC_UNAVAILABLE, "media_store_failed",
                       "A file cannot be kept open: %s.", strerrordesc_np(errno));
    w->borrowed = true;
    w->end += len;
    return RC_OK;
}

/* What was too little for a part is of no use any more. */
static enum rc clear_tails(const struct s3_writer *w)
{
    struct err ignored;
    enum rc rc = remove_tails(w->s, w->key, NULL, &ignored);

    (void)rc; /* they go with the blob */
    return RC_OK;
}

static enum rc put_part(struct s3_writer *w, struct err *err)
{
    const struct s3_part part = {
        .number = w->parts + 1, .file = w->file, .len = w->end - w->parts_end};
    enum rc rc = s3_upload_put(w->s, w->key, &part, err);

    FAULT_POINT("blob.after_part");
    if (rc != RC_OK)
        return rc;
    w->parts++;
    w->parts_end = w->end;
    io_close(&w->file);
    w->borrowed = false;
    return RC_OK;
}

static enum rc finish(struct s3_writer *w, struct err *err)
{
    struct s3_parts l = {.limit = w->bytes};
    enum rc rc = RC_OK;

    if (w->end > w->parts_end)
        rc = put_part(w, err);
    if (rc != RC_OK)
        return rc;
    rc = s3_upload_parts(w->s, w->key, &l, err);
    if (rc == RC_OK && (l.end != w->bytes || strbuf_failed(&l.xml)))
        rc = lost(err);
    if (rc == RC_OK)
        rc = s3_upload_complete(w->s, w->key, l.xml.buf, err);
    strbuf_release(&l.xml);
    FAULT_POINT("blob.after_complete");
    if (rc == RC_NOT_FOUND) /* another one was faster */
        rc = look_whole(w, err);
    if (rc != RC_OK)
        return rc;
    w->whole = true;
    s3_upload_forget(w->s);
    return clear_tails(w);
}

static enum rc writer_sync(struct blob_writer *base, struct err *err)
{
    struct s3_writer *w = writer_of(base);
    int64_t pending = w->end - w->parts_end;

    if (w->whole) /* one that died after it had been put together cleared nothing */
        return w->end == w->bytes ? clear_tails(w) : RC_OK;
    if (w->end == w->bytes)
        return finish(w, err);
    if (pending >= BLOB_PART_MIN)
        return put_part(w, err);
    return w->end > w->start ? put_tail(w, err) : RC_OK;
}

/* What was stored beyond the record counts for nothing; what is held here is dropped. */
static enum rc writer_undo(struct blob_writer *base, struct err *err)
{
    return writer_start(base, writer_of(base)->start, err);
}

static const struct blob_writer_ops writer_ops = {
    .close = writer_close,
    .start = writer_start,
    .copy = writer_copy,
    .add = writer_add,
    .sync = writer_sync,
    .undo = writer_undo,
};

/* --- the end ------------------------------------------------------------------- */

enum rc s3_grow_remove(struct s3_store *s, const char *key, struct err *err)
{
    enum rc rc = s3_upload_end_all(s, key, err);

    return rc == RC_OK ? remove_tails(s, key, NULL, err) : rc;
}
