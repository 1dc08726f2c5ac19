#include "examine.h"

#include "boxes.h"
#include "child.h"
#include "core/io.h"
#include "core/text.h"
#include "probe.h"
#include "sniff.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { THUMB_WALL_MS = 30000, THUMB_CPU_S = 20, THUMB_AT_MS = 1000 };

#define THUMB_PROGRAM "/usr/bin/ffmpeg"
#define THUMB_MEMORY  (UINT64_C(1) << 30)

/* The file under examination. */
struct subject {
    int fd;
    struct sniffed is;
    const volatile sig_atomic_t *stop;
};

static enum rc unreadable(struct examined *e, const char *why)
{
    media_check_unreadable(why, &e->checks[0]);
    e->n_checks = 1;
    e->ready = false;
    return RC_OK;
}

static void judge(struct examined *e)
{
    e->n_checks = media_check(&e->facts, e->checks);
    e->ready = e->checks[0].ok; /* the failed ones come first */
}

/* One frame as a JPEG, 360 pixels wide, at at_ms. */
static enum rc frame(const struct subject *s, int64_t at_ms, struct strbuf *thumb,
                     enum child_end *end, struct err *err)
{
    char at[32];
    const char *const argv[] = {THUMB_PROGRAM,
                                "-nostdin",
                                "-v",
                                "quiet",
                                "-hide_banner",
                                "-protocol_whitelist",
                                PROBE_PROTOCOLS,
                                "-format_whitelist",
                                PROBE_FORMATS,
                                "-threads",
                                "1",
                                "-f",
                                s->is.demuxer,
                                "-ss",
                                at,
                                "-i",
                                CHILD_INPUT,
                                "-map",
                                "0:v:0",
                                "-frames:v",
                                "1",
                                "-vf",
                                "scale=360:-2",
                                "-filter_threads",
                                "1",
                                "-threads",
                                "1",
                                "-c:v",
                                "mjpeg",
                                "-q:v",
                                "4",
                                "-f",
                                "image2pipe",
                                "pipe:1",
                                NULL};
    const struct child_job job = {
        .argv = argv,
        .input_fd = s->fd,
        .limits = {.memory_bytes = THUMB_MEMORY, .cpu_s = THUMB_CPU_S},
        .wall_ms = THUMB_WALL_MS,
        .stop = s->stop,
    };

    (void)snprintf(at, sizeof(at), "%" PRId64 ".%03" PRId64, at_ms / 1000, at_ms % 1000);
    strbuf_reset(thumb);
    return child_run(&job, thumb, end, err);
}

/* The thumbnail. A video none of whose frames can be decoded is not ready, whatever its
 * header says; one that only costs too much is, without a picture. */
static enum rc picture(const struct subject *s, struct examined *e, struct err *err)
{
    int64_t half = e->facts.duration_ms / 2;
    int64_t at = half < THUMB_AT_MS ? half : THUMB_AT_MS;
    enum child_end end = CHILD_DONE;
    enum rc rc = frame(s, at, &e->thumb, &end, err);

    if (rc == RC_OK && at > 0 && e->thumb.len == 0 && end != CHILD_TIMEOUT)
        rc = frame(s, 0, &e->thumb, &end, err);
    if (rc != RC_OK)
        return rc;
    if (end != CHILD_DONE)
        strbuf_reset(&e->thumb);
    if (e->thumb.len == 0 && (end == CHILD_DONE || end == CHILD_REFUSED))
        return unreadable(e, "no picture in it can be decoded");
    return RC_OK;
}

static const char *why_not(enum child_end end)
{
    switch (end) {
    case CHILD_DONE:
    case CHILD_REFUSED:
        return "it is damaged or is not what its beginning says";
    case CHILD_CRASHED:
        return "reading it needs more memory or time than a healthy file does";
    case CHILD_TIMEOUT:
        return "reading it takes far too long";
    case CHILD_TOO_LONG:
        return "it has far too many streams";
    }
    return "";
}

/* Is it all there? Only the ISO formats tell. */
static enum rc whole(const struct subject *s, struct examined *e, bool *ok,
                     struct err *err)
{
    char why[96];
    int64_t missing = 0;
    enum rc rc;

    *ok = true;
    if (strcmp(s->is.demuxer, "mov") != 0)
        return RC_OK;
    rc = boxes_missing(s->fd, e->facts.bytes, &missing, err);
    if (rc != RC_OK || missing <= 0)
        return rc;
    *ok = false;
    (void)snprintf(why, sizeof(why),
                   "it is cut off, %" PRId64 " bytes are missing at its end", missing);
    return unreadable(e, why);
}

static enum rc read_and_judge(const struct subject *s, struct examined *e,
                              struct err *err)
{
    enum child_end end = CHILD_DONE;
    bool ok = true;
    enum rc rc = whole(s, e, &ok, err);

    if (rc != RC_OK || !ok)
        return rc;
    rc = probe_run(s->fd, &s->is, s->stop, &e->facts, &end, err);
    if (rc == RC_INVALID)
        return unreadable(e, err->msg);
    if (rc != RC_OK)
        return rc;
    if (end != CHILD_DONE)
        return unreadable(e, why_not(end));
    judge(e);
    return picture(s, e, err);
}

/* A file that no reader of ours is for. Of a known kind: refused for its format. */
static void refuse_format(const struct sniffed *is, struct examined *e)
{
    char why[96];

    if (is->kind != MEDIA_KIND_UNKNOWN) {
        judge(e);
        for (size_t i = 0; i < e->n_checks; i++) {
            if (strcmp(e->checks[i].code, "container") == 0)
                e->checks[0] = e->checks[i];
        }
        e->n_checks = 1; /* nothing else of it was measured */
        return;
    }
    (void)snprintf(why, sizeof(why), "it is no video or photo (%s)", is->container);
    (void)unreadable(e, why);
}

enum rc examine(int fd, int64_t size, const volatile sig_atomic_t *stop,
                struct examined *out, struct err *err)
{
    unsigned char head[SNIFF_BYTES];
    size_t got = 0;
    struct subject s = {.fd = fd, .stop = stop};
    enum rc rc;

    (void)memset(out, 0, sizeof(*out));
    strbuf_init(&out->thumb, EXAMINE_THUMB_MAX);
    rc = io_pread_full(fd, head, sizeof(head), 0, &got, err);
    if (rc != RC_OK)
        return rc;
    s.is = sniff(head, got);
    out->facts.kind = s.is.kind;
    out->facts.bytes = size;
    text_copy(out->facts.container, sizeof(out->facts.container), s.is.container);
    if (s.is.demuxer == NULL) {
        refuse_format(&s.is, out);
        return RC_OK;
    }
    return read_and_judge(&s, out, err);
}

void examined_release(struct examined *e)
{
    strbuf_release(&e->thumb);
}

static enum rc try_program(const char *program, int fd, struct err *err)
{
    const char *const argv[] = {program, "-version", NULL};
    const struct child_job job = {
        .argv = argv,
        .input_fd = fd,
        .limits = {.memory_bytes = PROBE_MEMORY, .cpu_s = PROBE_CPU_S},
        .wall_ms = PROBE_WALL_MS,
    };
    enum child_end end = CHILD_DONE;
    struct strbuf out;
    enum rc rc;

    strbuf_init(&out, PROBE_OUTPUT_MAX);
    rc = child_run(&job, &out, &end, err);
    if (rc == RC_OK && end != CHILD_DONE)
        rc = err_set(err, RC_UNAVAILABLE, "child_failed",
                     "the program does not run in its confinement");
    strbuf_release(&out);
    return rc == RC_OK ? RC_OK : err_context(err, program);
}

enum rc examine_ready(struct err *err)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    enum rc rc;

    if (fd < 0)
        return err_set(err, RC_UNAVAILABLE, "child_failed", "/dev/null is missing");
    rc = try_program(PROBE_PROGRAM, fd, err);
    if (rc == RC_OK)
        rc = try_program(THUMB_PROGRAM, fd, err);
    io_close(&fd);
    return rc;
}
