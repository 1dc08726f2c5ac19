#include "picture.h"

#include "args.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/xalloc.h"
#include "probe.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { CPU_S = 20, FILTER_SIZE = 320, TIME_SIZE = 32 };

/* --- ffmpeg's arguments ----------------------------------------------------------- */

/* What every run begins with: quiet, and closed to all but the one file. */
static void begin(struct args *a, const char *demuxer)
{
    ARGS_ADD(a, PICTURE_PROGRAM, "-nostdin", "-v", "quiet", "-hide_banner",
             "-protocol_whitelist", PROBE_PROTOCOLS, "-format_whitelist", demuxer,
             "-threads", "1", "-f", demuxer);
}

static void one_frame(struct args *a, const char *filter)
{
    ARGS_ADD(a, "-i", CHILD_INPUT, "-map", "0:v:0", "-frames:v", "1", "-vf", filter,
             "-filter_threads", "1", "-threads", "1");
}

/* bitexact: without the encoder's name in the file. */
static void as_jpeg(struct args *a, const char *quality)
{
    ARGS_ADD(a, "-map_metadata", "-1", "-c:v", "mjpeg", "-q:v", quality, "-flags:v",
             "+bitexact", "-f", "image2pipe", "pipe:1");
}

static enum rc run(const struct picture_source *src, const struct args *a,
                   int64_t wall_ms, struct strbuf *out, enum child_end *end,
                   struct err *err)
{
    const struct child_job job = {
        .argv = a->v,
        .input_fd = src->fd,
        .limits = {.memory_bytes = PICTURE_MEMORY, .cpu_s = CPU_S},
        .wall_ms = wall_ms,
        .stop = src->stop,
    };

    strbuf_reset(out);
    return child_run(&job, out, end, err);
}

static void time_words(int64_t ms, char out[TIME_SIZE])
{
    (void)snprintf(out, TIME_SIZE, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}

/* --- thumbnail -------------------------------------------------------------------- */

enum rc picture_thumb(const struct picture_source *src, int64_t at_ms, struct strbuf *out,
                      enum child_end *end, struct err *err)
{
    struct args a = {0};
    char at[TIME_SIZE];

    time_words(at_ms, at);
    begin(&a, src->demuxer);
    ARGS_ADD(&a, "-ss", at);
    one_frame(&a, "scale=360:-2");
    as_jpeg(&a, "4");
    return run(src, &a, PICTURE_WALL_MS, out, end, err);
}

/* --- rendition -------------------------------------------------------------------- */

/* EXIF's orientations as what has to be done to see them right. */
static const char *turn(int orientation)
{
    static const char *const turns[] = {
        [1] = "null",        [2] = "hflip",       [3] = "hflip,vflip",
        [4] = "vflip",       [5] = "transpose=0", [6] = "transpose=1",
        [7] = "transpose=3", [8] = "transpose=2",
    };

    assert(orientation >= 1 && orientation <= 8);
    return turns[orientation];
}

/* Made smaller first: what follows then costs little, however large the photo is. What
 * may be transparent is laid on white. */
static void rendition_filter(const struct picture_source *src, const struct still *is,
                             const struct media_rendition *made, char out[FILTER_SIZE])
{
    bool side = still_on_its_side(is);
    bool opaque = strcmp(src->demuxer, "jpeg_pipe") == 0;

    (void)snprintf(out, FILTER_SIZE, "scale=%d:%d:flags=lanczos,%s%s%s",
                   side ? made->height : made->width, side ? made->width : made->height,
                   opaque ? "" : "format=rgba,", turn(is->orientation),
                   opaque ? ",format=yuvj420p"
                          : ",split[a][b];[a]lutrgb=r=255:g=255:b=255:a=255[w];"
                            "[w][b]overlay=format=rgb,format=yuvj420p");
}

enum rc picture_rendition(const struct picture_source *src, const struct still *is,
                          struct strbuf *out, struct media_rendition *made,
                          enum child_end *end, struct err *err)
{
    struct args a = {0};
    char filter[FILTER_SIZE];
    struct strbuf raw;
    enum rc rc;

    if (still_on_its_side(is))
        media_photo_fit(is->height, is->width, &made->width, &made->height);
    else
        media_photo_fit(is->width, is->height, &made->width, &made->height);
    rendition_filter(src, is, made, filter);
    begin(&a, src->demuxer);
    ARGS_ADD(&a, "-noautorotate");
    one_frame(&a, filter);
    as_jpeg(&a, "2");
    strbuf_init(&raw, out->limit);
    rc = run(src, &a, PICTURE_WALL_MS, &raw, end, err);
    strbuf_reset(out);
    if (rc == RC_OK && *end == CHILD_DONE)
        still_tidy(&raw, out);
    made->bytes = (int64_t)out->len;
    strbuf_release(&raw);
    return rc;
}

/* --- film strip ------------------------------------------------------------------- */

struct strip {
    const struct picture_source *src;
    int64_t duration_ms;
    int64_t deadline_ms; /* monotonic */
    int width, height;   /* of a frame; even */
    size_t frame_bytes;
    struct strbuf frames; /* raw, one behind the other */
};

static int64_t left_ms(const struct strip *s)
{
    return s->deadline_ms - clock_mono_ms(clock_system());
}

static int even(int64_t n)
{
    return n < 2 ? 2 : (int)(n & ~INT64_C(1));
}

/* As large as fits the box, which lies as the film does. */
static void fit_frame(struct strip *s, const struct media_facts *f)
{
    bool wide = f->width > f->height;
    int64_t box_width = wide ? STRIP_LONG : STRIP_SHORT;
    int64_t box_height = wide ? STRIP_SHORT : STRIP_LONG;

    if (f->width * box_height > f->height * box_width) {
        s->width = even(box_width);
        s->height = even(box_width * f->height / f->width);
    } else {
        s->height = even(box_height);
        s->width = even(box_height * f->width / f->height);
    }
    s->frame_bytes = (size_t)s->width * (size_t)s->height * 3 / 2;
}

/* When frame i is: in the middle of its part. */
static int64_t strip_ms(const struct strip *s, int i)
{
    return s->duration_ms * (INT64_C(2) * i + 1) / (INT64_C(2) * STRIP_FRAMES);
}

/* A short film read through once, its frames put side by side on the way. Where the film
 * ends earlier than it says, its last frame stands for what is missing. */
static enum rc strip_at_once(const struct strip *s, struct strbuf *out, struct err *err)
{
    struct args a = {0};
    char at[TIME_SIZE];
    char filter[FILTER_SIZE];
    enum child_end end = CHILD_DONE;
    enum rc rc;

    time_words(strip_ms(s, 0), at);
    (void)snprintf(filter, sizeof(filter),
                   "fps=%d000/%" PRId64
                   ",scale=%d:%d,tpad=stop=%d:stop_mode=clone,tile=%dx1,format=yuvj420p",
                   STRIP_FRAMES, s->duration_ms, s->width, s->height, STRIP_FRAMES,
                   STRIP_FRAMES);
    begin(&a, s->src->demuxer);
    ARGS_ADD(&a, "-ss", at);
    one_frame(&a, filter);
    as_jpeg(&a, "5");
    rc = run(s->src, &a, left_ms(s), out, &end, err);
    if (rc == RC_OK && end != CHILD_DONE)
        strbuf_reset(out);
    return rc;
}

/* Frame i to one, raw; empty when the film has none there. */
static enum rc strip_frame(const struct strip *s, int i, struct strbuf *one,
                           enum child_end *end, struct err *err)
{
    struct args a = {0};
    char at[TIME_SIZE];
    char filter[FILTER_SIZE];

    time_words(strip_ms(s, i), at);
    (void)snprintf(filter, sizeof(filter), "scale=%d:%d,format=yuv420p", s->width,
                   s->height);
    begin(&a, s->src->demuxer);
    if (s->duration_ms > STRIP_EXACT_MS)
        ARGS_ADD(&a, "-noaccurate_seek");
    ARGS_ADD(&a, "-ss", at);
    one_frame(&a, filter);
    ARGS_ADD(&a, "-f", "rawvideo", "pipe:1");
    return run(s->src, &a, left_ms(s), one, end, err);
}

/* All frames; *whole: they are there. One that is missing (a film may end earlier than it
 * says) is the one before once more. */
static enum rc strip_collect(struct strip *s, bool *whole, struct err *err)
{
    struct strbuf one;
    enum rc rc = RC_OK;

    strbuf_init(&one, s->frame_bytes);
    *whole = true;
    for (int i = 0; i < STRIP_FRAMES && rc == RC_OK && *whole; i++) {
        enum child_end end = CHILD_TIMEOUT;

        if (left_ms(s) > 0)
            rc = strip_frame(s, i, &one, &end, err);
        if (end == CHILD_DONE && one.len == s->frame_bytes)
            strbuf_add(&s->frames, one.buf, one.len);
        else if (end != CHILD_TIMEOUT && s->frames.len > 0)
            strbuf_add(&s->frames, s->frames.buf + s->frames.len - s->frame_bytes,
                       s->frame_bytes);
        else
            *whole = false;
    }
    strbuf_release(&one);
    return rc;
}

/* The frames, which are our own bytes by now, as one picture. */
static enum rc strip_join(struct strip *s, struct strbuf *out, struct err *err)
{
    struct picture_source raw = {.fd = -1, .demuxer = "rawvideo", .stop = s->src->stop};
    struct args a = {0};
    char size[TIME_SIZE];
    char filter[FILTER_SIZE];
    enum child_end end = CHILD_DONE;
    enum rc rc = picture_hold(&s->frames, &raw.fd, err);

    if (rc != RC_OK)
        return rc;
    (void)snprintf(size, sizeof(size), "%dx%d", s->width, s->height);
    (void)snprintf(filter, sizeof(filter), "tile=%dx1,format=yuvj420p", STRIP_FRAMES);
    begin(&a, raw.demuxer);
    ARGS_ADD(&a, "-pixel_format", "yuv420p", "-video_size", size);
    one_frame(&a, filter);
    as_jpeg(&a, "5");
    rc = run(&raw, &a, PICTURE_WALL_MS, out, &end, err);
    if (rc == RC_OK && end != CHILD_DONE)
        strbuf_reset(out);
    io_close(&raw.fd);
    return rc;
}

enum rc picture_strip(const struct picture_source *src, const struct media_facts *facts,
                      struct strbuf *out, struct err *err)
{
    struct strip s = {.src = src, .duration_ms = facts->duration_ms};
    int64_t frames = facts->duration_ms * facts->fps_milli / 1000000;
    bool whole = false;
    enum rc rc;

    strbuf_reset(out);
    if (facts->width <= 0 || facts->height <= 0 || facts->duration_ms <= 0)
        return RC_OK;
    s.deadline_ms = clock_mono_ms(clock_system()) + STRIP_WALL_MS;
    fit_frame(&s, facts);
    if (frames > 0 && frames <= STRIP_READ_FRAMES)
        return strip_at_once(&s, out, err);
    strbuf_init(&s.frames, s.frame_bytes * STRIP_FRAMES);
    rc = strip_collect(&s, &whole, err);
    if (rc == RC_OK && whole)
        rc = strip_join(&s, out, err);
    strbuf_release(&s.frames);
    return rc;
}

enum rc picture_hold(const struct strbuf *bytes, int *fd, struct err *err)
{
    int made = memfd_create("picture", MFD_CLOEXEC);
    enum rc rc;

    if (made < 0)
        return err_set(err, RC_UNAVAILABLE, "child_failed", "cannot make a file: %s",
                       strerrordesc_np(errno));
    rc = io_write_full(made, bytes->buf, bytes->len, err);
    if (rc == RC_OK)
        *fd = made;
    else
        io_close(&made);
    return rc;
}
