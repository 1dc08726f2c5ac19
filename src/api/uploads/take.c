#include "take.h"

#include "blob/incoming.h"
#include "core/io.h"
#include "core/xalloc.h"
#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 65536 };

static enum rc compare(struct digest *d, const unsigned char *sum, struct err *err)
{
    unsigned char found[DIGEST_SIZE_MAX];
    size_t size = digest_finish(d, found);

    if (memcmp(found, sum, size) != 0)
        return err_set(err, RC_INVALID, "checksum_mismatch",
                       "The bytes were damaged on their way. Send them again.");
    return RC_OK;
}

/* --- from a file ------------------------------------------------------------------ */

/* Before a byte is copied, so that a wrong file leaves no trace. */
static enum rc check_file(const struct take *t, int fd, struct err *err)
{
    struct digest *d = digest_new(DIGEST_SHA256);
    char *piece = xmalloc(PIECE);
    int64_t at = 0;
    enum rc rc = RC_OK;

    while (at < t->len && rc == RC_OK) {
        int64_t left = t->len - at;
        size_t want = left < PIECE ? (size_t)left : PIECE;
        size_t got = 0;

        rc = io_pread_full(fd, piece, want, at, &got, err);
        if (rc == RC_OK && got < want)
            rc = err_set(err, RC_INVALID, "body_cut_short", "The body ended too early.");
        digest_add(d, piece, got);
        at += (int64_t)got;
    }
    if (rc == RC_OK)
        rc = compare(d, t->sum, err);
    free(piece);
    digest_free(d);
    return rc;
}

static enum rc take_file(const struct take *t, const char *path, struct blob_writer *w,
                         int64_t *taken, struct err *err)
{
    int fd = -1;
    enum rc rc;

    if (t->incoming == NULL)
        return err_set(err, RC_BUG, "bad_body_file",
                       "A body came as a file, but MEDIA_INCOMING is not set.");
    rc = incoming_open(t->incoming, path, t->len, &fd, err);
    if (rc == RC_OK && t->sum != NULL)
        rc = check_file(t, fd, err);
    if (rc == RC_OK)
        rc = blob_writer_copy(w, fd, t->len, err);
    io_close(&fd);
    if (rc == RC_OK)
        rc = blob_writer_sync(w, err);
    if (rc == RC_OK)
        *taken = t->len;
    return rc;
}

/* --- over the connection ---------------------------------------------------------- */

/* Appends what comes until the body is over or breaks off ("body_cut_short"); *arrived
 * says how much in either case. d may be NULL. */
static enum rc append_stream(const struct take *t, struct blob_writer *w,
                             struct digest *d, int64_t *arrived, struct err *err)
{
    char *piece = xmalloc(PIECE);
    size_t got = 1;
    enum rc rc = RC_OK;

    while (rc == RC_OK && got > 0) {
        rc = web_body_some(t->web, piece, PIECE, &got, err);
        if (rc != RC_OK || got == 0)
            break;
        if (*arrived + (int64_t)got > t->len)
            rc = err_set(err, RC_INVALID, "bad_request",
                         "The body is longer than its Content-Length.");
        if (rc == RC_OK)
            rc = blob_writer_add(w, piece, got, err);
        if (d != NULL)
            digest_add(d, piece, got);
        *arrived += (int64_t)got;
    }
    free(piece);
    return rc;
}

static enum rc take_stream(const struct take *t, struct blob_writer *w, int64_t *taken,
                           struct err *err)
{
    struct digest *d = t->sum != NULL ? digest_new(DIGEST_SHA256) : NULL;
    int64_t arrived = 0;
    enum rc rc = append_stream(t, w, d, &arrived, err);

    if (rc == RC_INVALID && strcmp(err->code, "body_cut_short") == 0 && d == NULL &&
        arrived > 0)
        rc = RC_OK; /* what arrived counts */
    if (rc == RC_OK && d != NULL)
        rc = compare(d, t->sum, err);
    if (rc == RC_OK)
        rc = blob_writer_sync(w, err);
    if (rc == RC_OK)
        *taken = arrived;
    digest_free(d);
    return rc;
}

enum rc take_body(const struct take *t, struct blob_writer *w, int64_t *taken,
                  struct err *err)
{
    const char *path = web_body_file(t->web);
    struct err ignored;
    enum rc rc;
    enum rc undone;

    if (path != NULL)
        rc = take_file(t, path, w, taken, err);
    else
        rc = take_stream(t, w, taken, err);
    if (rc != RC_OK) {
        undone = blob_writer_undo(w, &ignored);
        (void)undone; /* what is left is cut off when the next writer begins */
    }
    return rc;
}
