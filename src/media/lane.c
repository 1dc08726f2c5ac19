#include "lane.h"

#include "core/clock.h"
#include "core/fault.h"
#include "core/io.h"
#include "core/log.h"
#include "core/random.h"
#include "core/text.h"
#include "mend.h"
#include "probe.h"
#include "progress.h"
#include "sniff.h"
#include "store/repairs.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum {
    FULL_BYTES = 1 << 20, /* a disk with less room than this is full */
    /* Sound and picture end where they like; what lacks more than this, or a fiftieth,
     * was not read to its end. */
    SHORT_MS = 1000,
    STORE_BYTES_MS = 1000, /* what a slow media store takes in a millisecond */
};

/* A repair under way. */
struct lane {
    const struct work *w;
    const struct repair_work *job;
    struct media_facts facts; /* of the original */
    struct repair_plan plan;
    struct sniffed is;
    int in_fd;
    int out_fd;
    struct progress progress;
    int told;            /* thousandths that are stored */
    int64_t asked_ms;    /* monotonic: the last look, */
    int64_t reported_ms; /* and the last note */
    bool lost;           /* canceled, or another's by now */
    /* Why it cannot be repaired; reason NULL: it can. */
    const char *reason;
    const char *message;
};

static enum rc refuse(struct lane *l, const char *reason, const char *message)
{
    l->reason = reason;
    l->message = message;
    return RC_OK;
}

/* --- while ffmpeg works ----------------------------------------------------------- */

/* The lease is renewed with every note. A database that does not answer is no reason to
 * stop: if the lease runs out meanwhile, the fence keeps us from writing. */
static void look_and_tell(struct lane *l, int64_t now)
{
    int permille = l->progress.permille;
    struct err err;
    enum rc rc;

    l->asked_ms = now;
    if ((now - l->reported_ms >= LANE_REPORT_MS && permille > l->told) ||
        now - l->reported_ms >= LANE_RENEW_MS) {
        l->reported_ms = now;
        rc = repair_report(l->w->db, l->job, permille, REPAIR_LEASE_MS, &err);
        if (rc == RC_OK)
            l->told = permille;
    } else {
        rc = repair_ours(l->w->db, l->job, &err);
    }
    l->lost = rc == RC_CONFLICT;
}

static bool watch(void *ctx, const char *printed, size_t len)
{
    struct lane *l = ctx;
    int64_t now = clock_mono_ms(clock_system());

    progress_take(&l->progress, printed, len);
    if (!l->lost && now - l->asked_ms >= LANE_ASK_MS)
        look_and_tell(l, now);
    return !l->lost;
}

/* --- before and after ------------------------------------------------------------- */

/* What is in the file, measured anew: the plan is made of what lies there. */
static enum rc measure(struct lane *l, int fd, struct media_facts *facts, bool *ok,
                       struct err *err)
{
    unsigned char head[SNIFF_BYTES];
    enum child_end end = CHILD_DONE;
    struct stat st;
    size_t got = 0;
    enum rc rc = io_pread_full(fd, head, sizeof(head), 0, &got, err);

    if (rc != RC_OK)
        return rc;
    l->is = sniff(head, got);
    *facts = (struct media_facts){.kind = l->is.kind};
    facts->bytes = fstat(fd, &st) == 0 ? (int64_t)st.st_size : 0;
    text_copy(facts->container, sizeof(facts->container), l->is.container);
    *ok = false;
    if (l->is.demuxer == NULL || l->is.kind != MEDIA_KIND_VIDEO)
        return RC_OK;
    rc = probe_run(fd, &l->is, l->w->stop, facts, &end, err);
    *ok = rc == RC_OK && end == CHILD_DONE;
    return rc == RC_INVALID ? RC_OK : rc;
}

static const char damaged[] = "The file cannot be read to its end: it is damaged. Export "
                              "the video again and upload that.";

static enum rc plan(struct lane *l, struct err *err)
{
    bool ok = false;
    bool can = true;
    enum rc rc = measure(l, l->in_fd, &l->facts, &ok, err);

    if (rc != RC_OK)
        return rc;
    repair_plan_make(&l->facts, ok, &l->plan);
    if (!l->plan.possible)
        return refuse(l, "no_repair",
                      ok ? "There is nothing in this file that could be "
                           "repaired."
                         : damaged);
    if (l->facts.hdr && !l->plan.copy)
        rc = mend_can_tonemap(l->in_fd, &can, err);
    if (rc == RC_OK && !can)
        return refuse(l, "hdr",
                      "The video is HDR, and the server's ffmpeg cannot convert that. "
                      "Export it in SDR and upload that.");
    return rc;
}

static bool disk_is_full(int fd)
{
    struct statvfs st;

    return fstatvfs(fd, &st) == 0 && st.f_bavail * st.f_frsize < FULL_BYTES;
}

static enum rc explain(struct lane *l, enum child_end end)
{
    if (disk_is_full(l->out_fd))
        return refuse(l, "disk_full",
                      "The server's disk is full. Tell whoever runs it, and try again.");
    switch (end) {
    case CHILD_DONE:
    case CHILD_REFUSED:
        return refuse(l, "damaged", damaged);
    case CHILD_CRASHED:
    case CHILD_TOO_LONG:
        return refuse(l, "too_costly",
                      "Converting this video needs more memory or room than a repair "
                      "gets here. Export it as MP4 with H.264 and upload that.");
    case CHILD_TIMEOUT:
    case CHILD_CALLED_OFF:
        break;
    }
    return refuse(l, "too_slow",
                  "Converting this video takes longer than a repair may take here. "
                  "Export it as MP4 with H.264 and upload that.");
}

static enum rc convert(struct lane *l, struct err *err)
{
    const struct mending m = {
        .src = {.fd = l->in_fd, .demuxer = l->is.demuxer, .stop = l->w->stop},
        .facts = &l->facts,
        .plan = &l->plan,
        .out_fd = l->out_fd,
        .bytes_max = l->job->reserved,
        .watch = watch,
        .watch_ctx = l,
    };
    enum child_end end = CHILD_DONE;
    enum rc rc;

    l->progress.duration_ms = l->facts.duration_ms;
    rc = mend_make(&m, &end, err);
    if (rc != RC_OK || end == CHILD_DONE)
        return rc;
    if (l->lost)
        return err_set(err, RC_CONFLICT, "lost", "The repair was called off.");
    return explain(l, end);
}

/* Is it all there? ffmpeg goes on behind what it cannot read. That the result keeps
 * TikTok's limits is for its own check to say. */
static enum rc verify(struct lane *l, struct err *err)
{
    struct media_facts made;
    bool ok = false;
    int64_t lacks;
    enum rc rc = measure(l, l->out_fd, &made, &ok, err);

    if (rc != RC_OK)
        return rc;
    lacks = l->facts.duration_ms - made.duration_ms;
    if (!ok || (lacks > SHORT_MS && lacks > l->facts.duration_ms / 50))
        return explain(l, CHILD_DONE);
    return RC_OK;
}

static void forget_result(const struct lane *l)
{
    struct err err;

    if (blob_remove(l->w->blobs, l->job->result_key, &err) != RC_OK)
        log_failure("repair.not_cleared", &err); /* the orphan sweep comes by */
}

/* While the bytes are stored nothing is renewed. */
static int64_t store_lease_ms(const struct lane *l, int64_t bytes)
{
    int64_t ms = REPAIR_LEASE_MS + bytes / STORE_BYTES_MS;

    return blob_is_remote(l->w->blobs) ? ms + REPAIR_STORE_LEASE_MS : ms;
}

/* Into the media store, then into the library. */
static enum rc keep(struct lane *l, struct err *err)
{
    char name[MEDIA_FILENAME_SIZE];
    uint64_t id = 0;
    struct stat st;
    enum rc rc;

    if (fstat(l->out_fd, &st) != 0)
        return err_set(err, RC_UNAVAILABLE, "child_failed", "cannot look at a file");
    rc = repair_report(l->w->db, l->job, PROGRESS_FULL,
                       store_lease_ms(l, (int64_t)st.st_size), err);
    if (rc != RC_OK)
        return rc;
    FAULT_POINT("repair.before_store");
    rc = blob_put_file(l->w->blobs, l->job->result_key, l->out_fd, (int64_t)st.st_size,
                       err);
    if (rc == RC_UNAVAILABLE && strcmp(err->code, "disk_full") == 0)
        return refuse(l, "disk_full",
                      "The server's disk is full. Tell whoever runs it, and try again.");
    if (rc != RC_OK)
        return rc;
    FAULT_POINT("repair.before_finish");
    repair_filename(l->job->filename, name);
    rc = repair_finish(l->w->db, l->job, name, (int64_t)st.st_size, &id, err);
    if (rc == RC_OK)
        log_info("repair.done", "result=%" PRIu64 " bytes=%" PRId64, id,
                 (int64_t)st.st_size);
    else if (rc != RC_UNCERTAIN) /* then it may be a medium's by now */
        forget_result(l);
    return rc;
}

static enum rc make(struct lane *l, struct err *err)
{
    enum rc rc = plan(l, err);

    if (rc != RC_OK || l->reason != NULL)
        return rc;
    rc = blob_scratch(l->w->blobs, &l->out_fd, err);
    FAULT_POINT("repair.before_convert");
    if (rc == RC_OK)
        rc = convert(l, err);
    if (rc == RC_OK && l->reason == NULL)
        rc = verify(l, err);
    if (rc == RC_OK && l->reason == NULL)
        rc = keep(l, err);
    return rc;
}

/* --- one claim -------------------------------------------------------------------- */

/* What a claim before this one may have left. */
static void clear_stale(const struct lane *l)
{
    struct err err;

    if (l->job->stale_key[0] != '\0' &&
        blob_remove(l->w->blobs, l->job->stale_key, &err) != RC_OK)
        log_failure("repair.not_cleared", &err);
}

static enum rc open_source(struct lane *l, struct err *err)
{
    int64_t size = 0;
    enum rc rc;

    if (l->job->gone)
        return refuse(l, "deleted", "The file was deleted.");
    if (l->job->fails >= REPAIR_FAILS_MAX)
        return refuse(l, "died",
                      "Repairing this video brought the server down three times. Export "
                      "it as MP4 with H.264 and upload that.");
    if (blob_is_remote(l->w->blobs)) { /* it is fetched first, which takes its time */
        rc = repair_report(l->w->db, l->job, 0, REPAIR_STORE_LEASE_MS, err);
        if (rc != RC_OK)
            return rc;
    }
    rc = blob_open(l->w->blobs, l->job->source_key, BLOB_CONTENT, &l->in_fd, &size, err);
    if (rc == RC_NOT_FOUND)
        return refuse(l, "bytes_missing",
                      "The file's bytes are missing on the server. Upload it again.");
    return rc;
}

static enum rc repair(const struct work *w, const struct repair_work *job,
                      struct err *err)
{
    struct lane l = {.w = w, .job = job, .in_fd = -1, .out_fd = -1};
    enum rc rc;

    clear_stale(&l);
    rc = open_source(&l, err);
    if (rc == RC_OK && l.reason == NULL)
        rc = make(&l, err);
    if (rc == RC_OK && l.reason != NULL) {
        log_info("repair.refused", "reason=%s", l.reason);
        rc = repair_fail(w->db, job, l.reason, l.message, err);
    }
    io_close(&l.in_fd);
    io_close(&l.out_fd);
    return rc;
}

enum rc lane_next(const struct work *w, bool *found, struct err *err)
{
    char key[BLOB_KEY_SIZE];
    struct repair_work job;
    struct err trouble;
    enum rc rc;

    blob_key_make(random_system(), key);
    rc = repair_claim(w->db, w->owner, key, &job, found, err);
    if (rc != RC_OK || !*found)
        return rc;
    log_context("repair=%" PRIu64, job.media_id);
    rc = repair(w, &job, &trouble);
    if (rc == RC_CONFLICT)
        log_info("repair.called_off", "%s", "");
    else if (rc != RC_OK && !*w->stop)
        log_failure("repair.not_done", &trouble);
    if (rc != RC_OK && rc != RC_CONFLICT)
        rc = repair_give_back(w->db, &job, *w->stop ? 0 : WORK_RETRY_MS, err);
    else
        rc = RC_OK;
    log_context("%s", "");
    return rc;
}
