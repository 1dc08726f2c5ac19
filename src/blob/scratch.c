/* Files that nobody names, and what is made in them: beside blob.c, whichever the kind of
 * store. */
#include "blob/blob.h"
#include "core/io.h"
#include "core/xalloc.h"

#include <stdlib.h>

enum { PIECE = 65536, REMOTE_PART = 16 << 20 };

enum rc blob_scratch(struct blob_store *s, int *fd, struct err *err)
{
    return s->ops->scratch(s, fd, err);
}

/* Appends what lies between two places of the file. */
static enum rc add_range(struct blob_writer *w, int fd, int64_t from, int64_t to,
                         struct err *err)
{
    char *piece = xmalloc(PIECE);
    enum rc rc = RC_OK;

    for (int64_t at = from; at < to && rc == RC_OK; at += PIECE) {
        size_t want = to - at < PIECE ? (size_t)(to - at) : PIECE;
        size_t got = 0;

        rc = io_pread_full(fd, piece, want, at, &got, err);
        if (rc == RC_OK && got < want)
            rc = err_set(err, RC_INVALID, "body_cut_short", "The file ended too early.");
        if (rc == RC_OK)
            rc = blob_writer_add(w, piece, got, err);
    }
    free(piece);
    return rc;
}

/* Into a remote store it goes in parts, each of which has its time. */
static enum rc write_parts(struct blob_writer *w, int fd, int64_t len, struct err *err)
{
    enum rc rc = RC_OK;

    for (int64_t at = 0; at < len && rc == RC_OK; at += REMOTE_PART) {
        int64_t end = len - at < REMOTE_PART ? len : at + REMOTE_PART;

        rc = add_range(w, fd, at, end, err);
        if (rc == RC_OK)
            rc = blob_writer_sync(w, err);
    }
    return rc;
}

static enum rc write_whole(struct blob_writer *w, int fd, int64_t len, struct err *err)
{
    enum rc rc = blob_writer_copy(w, fd, len, err);

    return rc == RC_OK ? blob_writer_sync(w, err) : rc;
}

enum rc blob_put_file(struct blob_store *s, const char *key, int fd, int64_t len,
                      struct err *err)
{
    struct blob_writer *w = NULL;
    struct err ignored;
    enum rc removed;
    enum rc rc = blob_create(s, key, len, err);

    if (rc != RC_OK)
        return rc;
    rc = blob_append_begin(s, key, len, &w, err);
    if (rc == RC_OK)
        rc = blob_writer_start(w, 0, err);
    if (rc == RC_OK)
        rc = blob_is_remote(s) ? write_parts(w, fd, len, err)
                               : write_whole(w, fd, len, err);
    blob_writer_close(w);
    if (rc != RC_OK) {
        removed = blob_remove(s, key, &ignored);
        (void)removed; /* the orphan sweep comes by */
    }
    return rc;
}
