#include "examine.h"

#include "boxes.h"
#include "child.h"
#include "core/io.h"
#include "core/text.h"
#include "picture.h"
#include "probe.h"
#include "sniff.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { THUMB_AT_MS = 1000 };

/* The file under examination. */
struct subject {
    struct picture_source src;
    struct sniffed is;
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
    e->n_checks = media_check(&e->facts, &e->made, e->checks);
    e->ready = e->checks[0].ok; /* the failed ones come first */
}

/* The thumbnail. A video none of whose frames can be decoded is not ready, whatever its
 * header says; one that only costs too much is, without a picture. */
static enum rc thumb(const struct subject *s, struct examined *e, struct err *err)
{
    int64_t half = e->facts.duration_ms / 2;
    int64_t at = half < THUMB_AT_MS ? half : THUMB_AT_MS;
    enum child_end end = CHILD_DONE;
    enum rc rc = picture_thumb(&s->src, at, &e->thumb, &end, err);

    if (rc == RC_OK && at > 0 && e->thumb.len == 0 && end != CHILD_TIMEOUT)
        rc = picture_thumb(&s->src, 0, &e->thumb, &end, err);
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
    case CHILD_CALLED_OFF:
        break;
    }
    return "";
}

/* Is it all there? Photos tell when they are read. */
static enum rc whole(const struct subject *s, struct examined *e, bool *ok,
                     struct err *err)
{
    char why[96];
    int64_t missing = 0;
    enum rc rc = RC_OK;

    *ok = true;
    if (strcmp(s->is.demuxer, "mov") == 0)
        rc = boxes_missing(s->src.fd, e->facts.bytes, &missing, err);
    else if (strcmp(s->is.demuxer, "matroska") == 0)
        rc = segment_missing(s->src.fd, e->facts.bytes, &missing, err);
    if (rc != RC_OK || missing <= 0)
        return rc;
    *ok = false;
    (void)snprintf(why, sizeof(why),
                   "it is cut off, %" PRId64 " bytes are missing at its end", missing);
    return unreadable(e, why);
}

/* --- videos ----------------------------------------------------------------------- */

static enum rc examine_video(const struct subject *s, struct examined *e, struct err *err)
{
    enum child_end end = CHILD_DONE;
    enum rc rc = probe_run(s->src.fd, &s->is, s->src.stop, &e->facts, &end, err);

    if (rc == RC_INVALID)
        return unreadable(e, err->msg);
    if (rc != RC_OK)
        return rc;
    if (end != CHILD_DONE)
        return unreadable(e, why_not(end));
    judge(e);
    return thumb(s, e, err);
}

/* --- photos ----------------------------------------------------------------------- */

/* ffprobe's words for what is inside; the photo's own header said it is that. */
static const char *codec_of(const char *container)
{
    if (strcmp(container, "jpeg") == 0)
        return "mjpeg";
    return strcmp(container, "avif") == 0 ? "av1" : container;
}

static void photo_facts(const struct still *is, struct media_facts *f)
{
    bool side = still_on_its_side(is);

    f->width = side ? is->height : is->width;
    f->height = side ? is->width : is->height;
    text_copy(f->video_codec, sizeof(f->video_codec), codec_of(f->container));
}

/* A picture that would need more memory than its reader gets, refused unread. */
static bool too_large(const struct still *is)
{
    return (int64_t)is->width * is->height > MEDIA_PHOTO_PIXELS_MAX;
}

static void refuse_large(struct examined *e)
{
    struct media_check *c = &e->checks[0];

    *c = (struct media_check){.code = "picture_size"};
    (void)snprintf(c->measured, sizeof(c->measured), "%d x %d pixels", e->facts.width,
                   e->facts.height);
    (void)snprintf(c->limit, sizeof(c->limit), "at most %" PRId64 " megapixels",
                   MEDIA_PHOTO_PIXELS_MAX / 1000000);
    (void)snprintf(
        c->message, sizeof(c->message),
        "The photo is %s; photos of %s can be converted here. Make it smaller.",
        c->measured, c->limit);
    e->n_checks = 1;
    e->ready = false;
}

/* Is what ffmpeg wrote what we promise TikTok and the person in the photo: of that size,
 * and nothing in it but the picture? */
static enum rc verify(struct examined *e, int fd, bool *ok, struct err *err)
{
    struct still is;
    enum rc rc = still_read(fd, e->made.bytes, "jpeg", &is, err);

    *ok = rc == RC_OK && is.clean && is.flaw == NULL && is.width == e->made.width &&
          is.height == e->made.height;
    return rc;
}

/* From here on the rendition is what is looked at: it is small and of our own making. */
static enum rc thumb_of_rendition(const struct subject *s, struct examined *e,
                                  struct err *err)
{
    struct subject made = {
        .src = {.fd = -1, .demuxer = "jpeg_pipe", .stop = s->src.stop}};
    bool ok = false;
    enum rc rc = picture_hold(&e->rendition, &made.src.fd, err);

    if (rc == RC_OK)
        rc = verify(e, made.src.fd, &ok, err);
    if (rc == RC_OK && ok)
        rc = thumb(&made, e, err);
    else if (rc == RC_OK)
        rc = unreadable(e, "no clean JPEG could be made of it");
    io_close(&made.src.fd);
    return rc;
}

static enum rc convert(const struct subject *s, const struct still *is,
                       struct examined *e, struct err *err)
{
    enum child_end end = CHILD_DONE;
    enum rc rc = picture_rendition(&s->src, is, &e->rendition, &e->made, &end, err);

    if (rc != RC_OK)
        return rc;
    if (end == CHILD_DONE && e->rendition.len == 0)
        return unreadable(e, "no picture in it can be decoded");
    if (end != CHILD_DONE)
        return unreadable(e, why_not(end));
    judge(e);
    return thumb_of_rendition(s, e, err);
}

static enum rc examine_photo(const struct subject *s, struct examined *e, struct err *err)
{
    struct still is;
    enum rc rc = still_read(s->src.fd, e->facts.bytes, e->facts.container, &is, err);

    if (rc != RC_OK)
        return rc;
    if (is.flaw != NULL)
        return unreadable(e, is.flaw);
    photo_facts(&is, &e->facts);
    if (too_large(&is)) {
        refuse_large(e);
        return RC_OK;
    }
    judge(e);
    if (!is.clean || !e->ready)
        return convert(s, &is, e, err);
    return thumb(s, e, err);
}

static enum rc read_and_judge(const struct subject *s, struct examined *e,
                              struct err *err)
{
    bool ok = true;
    enum rc rc = whole(s, e, &ok, err);

    if (rc != RC_OK || !ok)
        return rc;
    if (s->is.kind == MEDIA_KIND_PHOTO)
        return examine_photo(s, e, err);
    return examine_video(s, e, err);
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
    struct subject s = {.src = {.fd = fd, .stop = stop}};
    enum rc rc;

    (void)memset(out, 0, sizeof(*out));
    strbuf_init(&out->thumb, EXAMINE_THUMB_MAX);
    strbuf_init(&out->rendition, (size_t)MEDIA_PHOTO_BYTES_MAX);
    rc = io_pread_full(fd, head, sizeof(head), 0, &got, err);
    if (rc != RC_OK)
        return rc;
    s.is = sniff(head, got);
    s.src.demuxer = s.is.demuxer;
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
    strbuf_release(&e->rendition);
}

enum rc examine_strip(int fd, const struct media_facts *facts,
                      const volatile sig_atomic_t *stop, struct strbuf *strip,
                      struct err *err)
{
    unsigned char head[SNIFF_BYTES];
    size_t got = 0;
    struct picture_source src = {.fd = fd, .stop = stop};
    enum rc rc = io_pread_full(fd, head, sizeof(head), 0, &got, err);

    strbuf_init(strip, EXAMINE_THUMB_MAX);
    if (rc != RC_OK)
        return rc;
    src.demuxer = sniff(head, got).demuxer;
    return src.demuxer != NULL ? picture_strip(&src, facts, strip, err) : RC_OK;
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
        rc = try_program(PICTURE_PROGRAM, fd, err);
    io_close(&fd);
    return rc;
}
