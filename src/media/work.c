#include "work.h"

#include "core/fault.h"
#include "core/io.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "crypto/digest.h"
#include "examine.h"
#include "picture.h"
#include "store/media.h"
#include "store/uploads.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS_JSON_MAX = 16384, PIECE = 1 << 20 };

static bool is_full(const struct err *err)
{
    return err->rc == RC_UNAVAILABLE && strcmp(err->code, "disk_full") == 0;
}

/* Stores the thumbnail or the film strip; *kept: there is one. One that cannot be stored
 * is no reason to hold the file up, unless it is for want of room: then there will be no
 * picture ever, if it is not tried again, and nobody can upload anything meanwhile. */
static enum rc keep(const struct work *w, const struct media_work *job,
                    enum blob_part part, const struct strbuf *picture, bool *kept,
                    struct err *err)
{
    enum rc rc;

    *kept = false;
    if (picture->len == 0)
        return RC_OK;
    rc = blob_put_part(w->blobs, job->blob_key, part, picture->buf, picture->len, err);
    if (rc != RC_OK && is_full(err))
        return rc;
    if (rc != RC_OK)
        log_failure("media.picture_failed", err);
    *kept = rc == RC_OK;
    return RC_OK;
}

/* Without its rendition a photo cannot be posted, so this one has to be stored. */
static enum rc keep_rendition(const struct work *w, const struct media_work *job,
                              const struct examined *e, struct err *err)
{
    if (!e->ready || e->rendition.len == 0)
        return RC_OK;
    return blob_put_part(w->blobs, job->blob_key, BLOB_RENDITION, e->rendition.buf,
                         e->rendition.len, err);
}

/* The file was deleted while it was examined: another process may have removed its bytes
 * before our thumbnail came to lie beside them. */
static void clear_after_loss(const struct work *w, const struct media_work *job)
{
    struct err err;
    bool wanted = true;
    enum rc rc = media_blob_wanted(w->db, job->blob_key, &wanted, &err);

    if (rc == RC_OK && !wanted)
        rc = blob_remove(w->blobs, job->blob_key, &err);
    if (rc != RC_OK)
        log_failure("media.not_cleared", &err); /* the orphan sweep comes by */
}

/* sha256: of the file's bytes; NULL when they were not read. */
static enum rc conclude(const struct work *w, const struct media_work *job,
                        const struct examined *e, const unsigned char *sha256,
                        struct err *err)
{
    const struct media_check *first = &e->checks[0];
    struct media_verdict verdict = {
        .facts = &e->facts,
        .mime = media_mime_of_container(e->facts.container),
        .sha256 = sha256,
        .ready = e->ready,
        .strip = e->ready && e->facts.kind == MEDIA_KIND_VIDEO,
        .reason = e->ready ? "" : first->code,
        .reason_msg = e->ready ? "" : first->message,
    };
    struct strbuf checks;
    enum rc rc = keep_rendition(w, job, e, err);

    if (rc == RC_OK)
        rc = keep(w, job, BLOB_THUMBNAIL, &e->thumb, &verdict.has_thumb, err);
    if (rc != RC_OK)
        return rc;
    if (e->ready)
        verdict.rendition = e->made;
    strbuf_init(&checks, CHECKS_JSON_MAX);
    media_checks_write(e->checks, e->n_checks, &checks);
    verdict.checks = checks.buf;
    FAULT_POINT("media.before_verdict");
    rc = media_judge(w->db, job, &verdict, err);
    if (rc == RC_OK)
        log_info("media.checked", "ready=%d reason=%s", e->ready, verdict.reason);
    if (rc == RC_CONFLICT)
        clear_after_loss(w, job);
    strbuf_release(&checks);
    return rc;
}

/* Rejects a file that cannot be examined, however often one tries. */
static enum rc give_up_on(const struct work *w, const struct media_work *job,
                          const char *why, struct err *err)
{
    struct examined e = {.n_checks = 1};

    media_check_unreadable(why, &e.checks[0]);
    return conclude(w, job, &e, NULL, err);
}

/* The bytes were durable when the row was made. That they are not there is more likely
 * trouble with the store than a loss, so a while passes before the person is told. */
static enum rc miss_bytes(const struct work *w, const struct media_work *job,
                          struct err *err)
{
    if (job->age_ms >= WORK_MISSING_MS)
        return give_up_on(w, job, "its bytes are missing on the server", err);
    return err_set(err, RC_UNAVAILABLE, "media_bytes_missing",
                   "The file's bytes are not in the media store.");
}

/* What the same file, uploaded again, is known by. */
static enum rc hash(const struct work *w, int fd, int64_t size,
                    unsigned char out[DIGEST_SHA256_SIZE], struct err *err)
{
    struct digest *d = digest_new(DIGEST_SHA256);
    char *piece = xmalloc(PIECE);
    enum rc rc = RC_OK;

    for (int64_t at = 0; at < size && rc == RC_OK; at += PIECE) {
        size_t got = 0;

        rc = *w->stop ? err_set(err, RC_UNAVAILABLE, "stopping", "stopping")
                      : io_pread_full(fd, piece, PIECE, at, &got, err);
        if (rc == RC_OK)
            digest_add(d, piece, got);
    }
    if (rc == RC_OK)
        (void)digest_finish(d, out);
    free(piece);
    digest_free(d);
    return rc;
}

/* Opens the bytes of the file: where they have to be fetched that takes its time. */
static enum rc open_bytes(const struct work *w, const struct media_work *job, int *fd,
                          int64_t *size, struct err *err)
{
    enum rc rc = RC_OK;

    if (blob_is_remote(w->blobs))
        rc = media_hold(w->db, job, err);
    if (rc == RC_OK)
        rc = blob_open(w->blobs, job->blob_key, BLOB_CONTENT, fd, size, err);
    return rc;
}

static enum rc check_file(const struct work *w, const struct media_work *job,
                          struct err *err)
{
    unsigned char sha256[DIGEST_SHA256_SIZE];
    struct examined e = {0};
    int64_t size = 0;
    int fd = -1;
    enum rc rc;

    if (job->fails >= MEDIA_FAILS_MAX)
        return give_up_on(w, job, "checking it failed three times", err);
    rc = open_bytes(w, job, &fd, &size, err);
    if (rc == RC_NOT_FOUND)
        return miss_bytes(w, job, err);
    if (rc != RC_OK)
        return rc;
    FAULT_POINT("media.before_examine");
    rc = hash(w, fd, size, sha256, err);
    if (rc == RC_OK)
        rc = examine(fd, size, w->stop, &e, err);
    if (rc == RC_OK)
        rc = conclude(w, job, &e, sha256, err);
    examined_release(&e);
    io_close(&fd);
    return rc;
}

/* Leaves the strip beside the video; *frames: what it has. */
static enum rc draw_strip(const struct work *w, const struct media_work *job,
                          uint32_t *frames, struct err *err)
{
    struct strbuf strip = {0};
    int64_t size = 0;
    bool kept = false;
    int fd = -1;
    enum rc rc = open_bytes(w, job, &fd, &size, err);

    if (rc != RC_OK)
        return rc;
    FAULT_POINT("media.before_strip");
    rc = examine_strip(fd, &job->facts, w->stop, &strip, err);
    if (rc == RC_OK)
        rc = keep(w, job, BLOB_STRIP, &strip, &kept, err);
    if (rc == RC_OK && kept)
        *frames = STRIP_FRAMES;
    strbuf_release(&strip);
    io_close(&fd);
    return rc;
}

/* A film that takes its reader down, or whose bytes are gone, has no strip. */
static enum rc make_strip(const struct work *w, const struct media_work *job,
                          struct err *err)
{
    uint32_t frames = 0;
    enum rc rc = RC_OK;

    if (job->fails < MEDIA_FAILS_MAX)
        rc = draw_strip(w, job, &frames, err);
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        rc = media_strip_made(w->db, job, frames, err);
    if (rc == RC_OK)
        log_info("media.strip", "frames=%" PRIu32, frames);
    if (rc == RC_CONFLICT)
        clear_after_loss(w, job);
    return rc;
}

static enum rc remove_bytes(const struct work *w, const struct media_work *job,
                            struct err *err)
{
    enum rc rc = blob_remove(w->blobs, job->blob_key, err);

    if (rc == RC_OK)
        rc = media_removed(w->db, job, err);
    if (rc == RC_OK)
        log_info("media.removed", "%s", "");
    return rc;
}

static enum rc do_task(const struct work *w, const struct media_work *job,
                       struct err *err)
{
    switch (job->task) {
    case MEDIA_TASK_EXAMINE:
        return check_file(w, job, err);
    case MEDIA_TASK_STRIP:
        return make_strip(w, job, err);
    case MEDIA_TASK_REMOVE:
        return remove_bytes(w, job, err);
    }
    return err_set(err, RC_BUG, "media_task", "A file is claimed for nothing.");
}

/* How long a file is left alone after that trouble. */
static int64_t pause_after(const struct work *w, const struct err *trouble)
{
    if (*w->stop)
        return 0;
    return is_full(trouble) ? WORK_FULL_MS : WORK_RETRY_MS;
}

enum rc work_next(const struct work *w, bool *found, struct err *err)
{
    struct media_work job;
    struct err trouble;
    size_t n = 0;
    enum rc rc = media_claim(w->db, w->owner, &job, 1, &n, err);

    if (rc != RC_OK)
        return rc;
    *found = n > 0;
    if (n == 0)
        return RC_OK;
    log_context("media=%" PRIu64, job.media_id);
    rc = do_task(w, &job, &trouble);
    if (rc != RC_OK && !(*w->stop))
        log_failure("media.not_done", &trouble);
    if (rc != RC_OK && rc != RC_CONFLICT)
        rc = media_give_back(w->db, &job, pause_after(w, &trouble), err);
    else
        rc = RC_OK; /* done, or another's by now */
    log_context("%s", "");
    return rc == RC_CONFLICT ? RC_OK : rc;
}

enum rc work_sweep_uploads(const struct work *w, struct err *err)
{
    char ids[UPLOAD_SWEEP_MAX][UPLOAD_ID_SIZE];
    size_t n = 0;
    enum rc rc = upload_expire(w->db, ids, &n, err);

    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        struct err trouble;

        if (blob_remove(w->blobs, ids[i], &trouble) != RC_OK)
            log_failure("upload.not_removed", &trouble); /* the orphan sweep comes by */
    }
    if (n > 0)
        log_info("upload.expired", "n=%zu", n);
    return upload_purge(w->db, err);
}

struct sweep {
    const struct work *w;
    struct err *err;
    enum rc rc;
    size_t removed;
};

static bool sweep_one(void *ctx, const char *key)
{
    struct sweep *s = ctx;
    struct err trouble;
    bool wanted = true;

    s->rc = media_blob_wanted(s->w->db, key, &wanted, s->err);
    if (s->rc != RC_OK || *s->w->stop)
        return false;
    if (wanted)
        return true;
    if (blob_remove(s->w->blobs, key, &trouble) != RC_OK)
        log_failure("media.orphan_not_removed", &trouble);
    else
        s->removed++;
    return true;
}

enum rc work_sweep_orphans(const struct work *w, struct err *err)
{
    struct sweep s = {.w = w, .err = err, .rc = RC_OK};
    enum rc rc = blob_walk(w->blobs, WORK_ORPHAN_AGE_MS, sweep_one, &s, err);

    if (s.removed > 0)
        log_info("media.orphans_removed", "n=%zu", s.removed);
    return rc != RC_OK ? rc : s.rc;
}
