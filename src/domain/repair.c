#include "domain/repair.h"

#include "core/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char suffix[] = " (repaired).mp4";

enum {
    FPS_LOW = 24000, /* thousandths: the least that a slow film is raised to */
    EXTENSION_MAX = 6,
    WALL_MIN_MS = 120000,
    WALL_MAX_MS = 4 * 3600000,
    SLOWNESS = 20,       /* times as long as the film lasts, */
    SLOWNESS_LARGE = 60, /* when it is large */
};

#define REMUX_SLACK                                                                      \
    INT64_C(16000000) /* tables of the other container, sound coded anew */
#define ENCODED_SLACK INT64_C(8000000)

/* --- the picture's sides ---------------------------------------------------------- */

static bool sides_ok(int width, int height)
{
    int small = width < height ? width : height;
    int large = width < height ? height : width;

    return small >= MEDIA_SIDE_MIN && large <= MEDIA_SIDE_MAX;
}

/* H.264 with 4:2:0 has even sides. */
static int even(int64_t side)
{
    int64_t n = side & ~INT64_C(1);

    return (int)(n < MEDIA_SIDE_MIN ? MEDIA_SIDE_MIN : n);
}

/* Both sides so that the smaller one is the least that TikTok takes. False: the larger
 * one would be beyond. */
static bool fit_small(int width, int height, int *out_width, int *out_height)
{
    int64_t small = width < height ? width : height;
    int64_t w = width * INT64_C(360) / small;
    int64_t h = height * INT64_C(360) / small;

    static_assert(MEDIA_SIDE_MIN == 360, "the factor above");
    if (w > MEDIA_SIDE_MAX || h > MEDIA_SIDE_MAX)
        return false;
    *out_width = even(w);
    *out_height = even(h);
    return true;
}

/* What has to be made smaller is made as large as TikTok shows films (1080 x 1920), or as
 * little smaller than that as its shape allows. */
static bool fit_sides(const struct media_facts *f, int *width, int *height)
{
    int w = f->width;
    int h = f->height;

    if (w <= 0 || h <= 0)
        return false;
    if (!sides_ok(w, h)) {
        if (w < MEDIA_SIDE_MIN || h < MEDIA_SIDE_MIN)
            return fit_small(w, h, width, height);
        media_photo_fit(f->width, f->height, &w, &h);
        if (!sides_ok(w, h))
            return fit_small(f->width, f->height, width, height);
    }
    *width = even(w);
    *height = even(h);
    return true;
}

/* --- the frame rate --------------------------------------------------------------- */

/* Every frame is shown the same number of times, or every nth is kept: anything else
 * would stutter. */
static int fit_rate(int fps_milli)
{
    int max = MEDIA_FPS_MILLI_MAX + MEDIA_FPS_MILLI_SLACK;
    int times;

    if (fps_milli > max)
        return fps_milli / ((fps_milli + max - 1) / max);
    times = (FPS_LOW + fps_milli - 1) / fps_milli;
    return fps_milli * times;
}

/* --- the plan --------------------------------------------------------------------- */

static void add_fix(struct repair_plan *p, const char *code)
{
    for (size_t i = 0; i < p->n_fixes; i++) {
        if (strcmp(p->fixes[i], code) == 0)
            return;
    }
    assert(p->n_fixes < REPAIR_FIXES_MAX);
    p->fixes[p->n_fixes++] = code;
}

enum remedy { REMEDY_NONE, REMEDY_PACK, REMEDY_CODE, REMEDY_SCALE, REMEDY_RATE };

/* What helps against a failed check; none: what the person can do. */
static const struct {
    const char *code;
    enum remedy remedy;
    const char *obstacle;
} remedies[] = {
    {"container", REMEDY_PACK, NULL},
    {"codec", REMEDY_CODE, NULL},
    {"picture_size", REMEDY_SCALE,
     "One side is so much longer than the other that no size brings both within TikTok's "
     "limits. Crop the video and upload that."},
    {"frame_rate", REMEDY_RATE, NULL},
    {"duration", REMEDY_NONE,
     "What to leave out is not for a program to decide: cut the video and upload that."},
    {"file_size", REMEDY_NONE, "Export the video smaller and upload that."},
};

static void prevent(struct repair_plan *p, const char *obstacle)
{
    *p = (struct repair_plan){.needed = true, .obstacle = obstacle};
}

/* False when nothing helps: then p says so. */
static bool remedy(const struct media_facts *f, const char *code, struct repair_plan *p)
{
    size_t i = 0;

    while (i < ARRAY_LEN(remedies) && strcmp(remedies[i].code, code) != 0)
        i++;
    if (i == ARRAY_LEN(remedies) || remedies[i].remedy == REMEDY_NONE ||
        (remedies[i].remedy == REMEDY_SCALE && p->width == 0)) {
        prevent(p, i < ARRAY_LEN(remedies) ? remedies[i].obstacle
                                           : "Export the video again and upload that.");
        return false;
    }
    if (remedies[i].remedy == REMEDY_RATE)
        p->fps_milli = fit_rate(f->fps_milli);
    p->needed = true;
    add_fix(p, remedies[i].code);
    return true;
}

/* What TikTok takes and would rather have otherwise. */
static void add_wishes(const struct media_facts *f, struct repair_plan *p)
{
    static const char *const codecs[] = {"hevc", "vp8", "vp9"};

    if (strcmp(f->container, "mp4") != 0)
        add_fix(p, "container");
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        if (strcmp(f->video_codec, codecs[i]) == 0)
            add_fix(p, "codec");
    }
    if (f->rotation != 0) {
        p->turn = true;
        add_fix(p, "rotation");
    }
}

void repair_plan_make(const struct media_facts *facts, bool readable,
                      struct repair_plan *out)
{
    struct media_check checks[MEDIA_CHECKS_MAX];
    struct repair_plan p = {0};
    size_t n;

    *out = p;
    if (facts->kind != MEDIA_KIND_VIDEO)
        return;
    if (!readable || facts->video_codec[0] == '\0') {
        prevent(out, "A damaged file, or one of this format, cannot be mended here. "
                     "Export the video again as MP4 and upload that.");
        return;
    }
    if (!fit_sides(facts, &p.width, &p.height))
        p.width = 0;
    n = media_check(facts, NULL, checks);
    for (size_t i = 0; i < n && !checks[i].ok; i++) {
        if (!remedy(facts, checks[i].code, &p)) {
            *out = p;
            return;
        }
    }
    add_wishes(facts, &p);
    p.possible = p.n_fixes > 0;
    p.copy = strcmp(facts->video_codec, "h264") == 0 && p.fps_milli == 0 && !p.turn &&
             sides_ok(facts->width, facts->height);
    p.scale = !p.copy && (p.width != facts->width || p.height != facts->height);
    *out = p;
}

/* 29970 is "29.97". */
static void rate_words(int milli, char out[16])
{
    int len = snprintf(out, 16, "%d.%03d", milli / 1000 % 1000, milli % 1000);

    while (len > 0 && out[len - 1] == '0')
        out[--len] = '\0';
    if (len > 0 && out[len - 1] == '.')
        out[len - 1] = '\0';
}

void repair_plan_words(const struct repair_plan *plan, char out[REPAIR_WORDS_SIZE])
{
    char rate[16] = "";
    char rate_part[48] = "";
    char sides[48] = "";

    out[0] = '\0';
    if (!plan->possible)
        return;
    if (plan->copy) {
        (void)snprintf(out, REPAIR_WORDS_SIZE,
                       "Puts the same picture into an MP4 file, without loss.");
        return;
    }
    if (plan->fps_milli > 0) {
        rate_words(plan->fps_milli, rate);
        (void)snprintf(rate_part, sizeof(rate_part), ", %s frames per second", rate);
    }
    if (plan->scale)
        (void)snprintf(sides, sizeof(sides), ", %d x %d pixels", plan->width,
                       plan->height);
    (void)snprintf(out, REPAIR_WORDS_SIZE, "Converts it to MP4 with H.264%s%s%s.",
                   rate_part, sides, plan->turn ? ", turned upright" : "");
}

static bool is_large(const struct repair_plan *plan)
{
    return (int64_t)plan->width * plan->height > REPAIR_LARGE_PIXELS;
}

int64_t repair_bytes_max(const struct media_facts *facts, const struct repair_plan *plan)
{
    int64_t bits = is_large(plan) ? REPAIR_RATE_BITS_LARGE : REPAIR_RATE_BITS;
    int64_t bytes = facts->bytes + REMUX_SLACK;

    if (!plan->copy)
        bytes = facts->duration_ms * ((bits + REPAIR_AUDIO_BITS) / 8 / 1000) +
                facts->duration_ms / 20 * (bits / 8 / 1000) + ENCODED_SLACK;
    return bytes < MEDIA_VIDEO_BYTES_MAX ? bytes : MEDIA_VIDEO_BYTES_MAX;
}

int64_t repair_wall_ms(const struct media_facts *facts, const struct repair_plan *plan)
{
    int64_t ms = WALL_MIN_MS;

    if (!plan->copy)
        ms += facts->duration_ms * (is_large(plan) ? SLOWNESS_LARGE : SLOWNESS);
    else
        ms += facts->bytes / 1000; /* a disk of 1 MB/s */
    return ms < WALL_MAX_MS ? ms : WALL_MAX_MS;
}

/* Bytes of the name before its extension. */
static size_t stem_of(const char *filename)
{
    const char *dot = strrchr(filename, '.');

    return dot != NULL && dot != filename && strlen(dot) <= EXTENSION_MAX
               ? (size_t)(dot - filename)
               : strlen(filename);
}

void repair_filename(const char *filename, char out[MEDIA_FILENAME_SIZE])
{
    size_t stem = stem_of(filename);
    size_t characters = 0;
    size_t len = 0;

    while (len < stem) {
        characters += ((unsigned char)filename[len] & 0xc0) != 0x80;
        if (characters + sizeof(suffix) - 1 > MEDIA_FILENAME_MAX)
            break;
        len++;
    }
    (void)snprintf(out, MEDIA_FILENAME_SIZE, "%.*s%s", (int)len, filename, suffix);
}
