#include "domain/media.h"

#include "core/jsonw.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *mime;
    const char *container;
    const char *shown;
    enum media_kind kind;
    bool as_is; /* TikTok takes it; else we make a JPEG of it */
} formats[] = {
    {"video/mp4", "mp4", "MP4", MEDIA_KIND_VIDEO, true},
    {"video/quicktime", "mov", "MOV", MEDIA_KIND_VIDEO, true},
    {"video/webm", "webm", "WebM", MEDIA_KIND_VIDEO, true},
    {"image/jpeg", "jpeg", "JPEG", MEDIA_KIND_PHOTO, true},
    {"image/webp", "webp", "WebP", MEDIA_KIND_PHOTO, true},
    {"image/png", "png", "PNG", MEDIA_KIND_PHOTO, false},
    {"image/gif", "gif", "GIF", MEDIA_KIND_PHOTO, false},
    {"image/avif", "avif", "AVIF", MEDIA_KIND_PHOTO, false},
};

static const struct {
    const char *name; /* ffprobe's */
    const char *shown;
} codecs[] = {
    {"h264", "H.264"},        {"hevc", "H.265"},    {"vp8", "VP8"},
    {"vp9", "VP9"},           {"av1", "AV1"},       {"mpeg4", "MPEG-4"},
    {"mpeg2video", "MPEG-2"}, {"prores", "ProRes"},
};

enum { CODECS_TAKEN = 4 }; /* the first of the table above */

const char *media_kind_name(enum media_kind kind)
{
    return kind == MEDIA_KIND_PHOTO ? "photo" : "video";
}

enum media_kind media_kind_of_mime(const char *mime)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].mime, mime) == 0)
            return formats[i].kind;
    }
    return MEDIA_KIND_UNKNOWN;
}

const char *media_mime_of_container(const char *container)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].container, container) == 0)
            return formats[i].mime;
    }
    return "application/octet-stream";
}

/* Text of 1 to max characters in one line. */
static bool is_line(const char *text, size_t max)
{
    size_t len = strlen(text);
    size_t characters = 0;

    if (!text_is_utf8(text, len) || text_has_control(text, len))
        return false;
    for (size_t i = 0; i < len; i++)
        characters += ((unsigned char)text[i] & 0xc0) != 0x80;
    return characters >= 1 && characters <= max && strpbrk(text, "\n\t") == NULL;
}

bool media_filename_ok(const char *name)
{
    return is_line(name, MEDIA_FILENAME_MAX) && strpbrk(name, "/\\") == NULL;
}

bool media_tag_ok(const char *tag)
{
    return is_line(tag, MEDIA_TAG_MAX) && tag[0] != ' ' && tag[strlen(tag) - 1] != ' ';
}

int64_t media_upload_max(enum media_kind kind)
{
    return kind == MEDIA_KIND_PHOTO ? MEDIA_PHOTO_UPLOAD_MAX : MEDIA_VIDEO_BYTES_MAX;
}

/* side scaled by to/from, rounded to the nearest, at least a pixel. */
static int scaled(int side, int64_t to, int64_t from)
{
    int64_t n = (side * to + from / 2) / from;

    return n > 0 ? (int)n : 1;
}

void media_photo_fit(int width, int height, int *fit_width, int *fit_height)
{
    int64_t small = width < height ? width : height;
    int64_t large = width < height ? height : width;
    int64_t to = 1; /* scale: to / from */
    int64_t from = 1;

    if (small * MEDIA_PHOTO_LONG_MAX > large * MEDIA_PHOTO_SHORT_MAX) {
        if (small > MEDIA_PHOTO_SHORT_MAX) { /* it is the short side that stands out */
            to = MEDIA_PHOTO_SHORT_MAX;
            from = small;
        }
    } else if (large > MEDIA_PHOTO_LONG_MAX) {
        to = MEDIA_PHOTO_LONG_MAX;
        from = large;
    }
    *fit_width = scaled(width, to, from);
    *fit_height = scaled(height, to, from);
}

static const char *thing(const struct media_facts *f)
{
    return f->kind == MEDIA_KIND_PHOTO ? "photo" : "video";
}

static void check_container(const struct media_facts *f, struct media_check *c)
{
    const char *shown = f->container;
    const char *limit = f->kind == MEDIA_KIND_PHOTO ? "JPEG or WebP" : "MP4, MOV or WebM";

    c->code = "container";
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].container, f->container) != 0)
            continue;
        shown = formats[i].shown;
        c->ok = formats[i].kind == f->kind && formats[i].as_is;
    }
    (void)snprintf(c->measured, sizeof(c->measured), "%s", shown);
    (void)snprintf(c->limit, sizeof(c->limit), "%s", limit);
    if (c->ok)
        (void)snprintf(c->message, sizeof(c->message), "The file is %s.", shown);
    else
        (void)snprintf(c->message, sizeof(c->message),
                       "The file is %s; TikTok takes %s. Export the %s as %s.", shown,
                       limit, thing(f), f->kind == MEDIA_KIND_PHOTO ? "JPEG" : "MP4");
}

static void check_codec(const struct media_facts *f, struct media_check *c)
{
    const char *shown = f->video_codec;

    c->code = "codec";
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++) {
        if (strcmp(codecs[i].name, f->video_codec) != 0)
            continue;
        shown = codecs[i].shown;
        c->ok = i < CODECS_TAKEN;
    }
    (void)snprintf(c->measured, sizeof(c->measured), "%s", shown);
    (void)snprintf(c->limit, sizeof(c->limit), "H.264, H.265, VP8 or VP9");
    if (c->ok)
        (void)snprintf(c->message, sizeof(c->message), "The picture is coded as %s.",
                       shown);
    else
        (void)snprintf(c->message, sizeof(c->message),
                       "The picture is coded as %s; TikTok takes %s. Export the video "
                       "with H.264.",
                       shown[0] != '\0' ? shown : "something unknown", c->limit);
}

/* Bytes in decimal units, cut to two digits: for files within the limit. */
static void bytes_in_words(int64_t bytes, char *out, size_t size)
{
    static const struct {
        int64_t unit;
        const char *name;
    } units[] = {{1000000000, "GB"}, {1000000, "MB"}, {1000, "kB"}};

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (bytes < units[i].unit)
            continue;
        if (bytes % units[i].unit == 0)
            (void)snprintf(out, size, "%" PRId64 " %s", bytes / units[i].unit,
                           units[i].name);
        else
            (void)snprintf(
                out, size, "%" PRId64 ".%02" PRId64 " %s", bytes / units[i].unit,
                (bytes % units[i].unit) / (units[i].unit / 100), units[i].name);
        return;
    }
    (void)snprintf(out, size, "%" PRId64 " bytes", bytes);
}

static void check_bytes(const struct media_facts *f, struct media_check *c)
{
    int64_t max =
        f->kind == MEDIA_KIND_PHOTO ? MEDIA_PHOTO_BYTES_MAX : MEDIA_VIDEO_BYTES_MAX;
    char words[32];

    c->code = "file_size";
    c->ok = f->bytes > 0 && f->bytes <= max;
    if (f->bytes > max) /* to the byte: "4.00 GB; at most 4 GB" helps nobody */
        (void)snprintf(c->measured, sizeof(c->measured), "%" PRId64 " bytes", f->bytes);
    else
        bytes_in_words(f->bytes, c->measured, sizeof(c->measured));
    bytes_in_words(max, words, sizeof(words));
    (void)snprintf(c->limit, sizeof(c->limit), "at most %s", words);
    if (c->ok)
        (void)snprintf(c->message, sizeof(c->message), "The file has %s.", c->measured);
    else
        (void)snprintf(c->message, sizeof(c->message),
                       "The file has %s; TikTok takes %s. Export the %s smaller.",
                       c->measured, c->limit, thing(f));
}

static void check_video_picture(const struct media_facts *f, struct media_check *c)
{
    int small = f->width < f->height ? f->width : f->height;
    int large = f->width < f->height ? f->height : f->width;

    c->ok = small >= MEDIA_SIDE_MIN && large <= MEDIA_SIDE_MAX;
    (void)snprintf(c->limit, sizeof(c->limit), "%d to %d pixels a side", MEDIA_SIDE_MIN,
                   MEDIA_SIDE_MAX);
    if (!c->ok)
        (void)snprintf(c->message, sizeof(c->message),
                       "The video is %s; TikTok takes %s. Export it %s, 1080 x 1920 for "
                       "instance.",
                       c->measured, c->limit,
                       small < MEDIA_SIDE_MIN ? "larger" : "smaller");
}

static void check_photo_picture(const struct media_facts *f, struct media_check *c)
{
    int small = f->width < f->height ? f->width : f->height;
    int large = f->width < f->height ? f->height : f->width;

    c->ok = small > 0 && small <= MEDIA_PHOTO_SHORT_MAX && large <= MEDIA_PHOTO_LONG_MAX;
    (void)snprintf(c->limit, sizeof(c->limit), "within %d x %d pixels",
                   MEDIA_PHOTO_SHORT_MAX, MEDIA_PHOTO_LONG_MAX);
    if (!c->ok)
        (void)snprintf(c->message, sizeof(c->message),
                       "The photo is %s; TikTok takes photos %s, either way round. Make "
                       "it smaller.",
                       c->measured, c->limit);
}

static void check_picture(const struct media_facts *f, struct media_check *c)
{
    c->code = "picture_size";
    (void)snprintf(c->measured, sizeof(c->measured), "%d x %d pixels", f->width,
                   f->height);
    (void)snprintf(c->message, sizeof(c->message), "The %s is %s.", thing(f),
                   c->measured);
    if (f->kind == MEDIA_KIND_PHOTO)
        check_photo_picture(f, c);
    else
        check_video_picture(f, c);
}

/* 23976 is "23.976", 30000 is "30". */
static void milli_in_words(int n, char *out, size_t size)
{
    int len = snprintf(out, size, "%d.%03d", n / 1000, n % 1000);

    while (len > 0 && out[len - 1] == '0')
        out[--len] = '\0';
    if (len > 0 && out[len - 1] == '.')
        out[len - 1] = '\0';
}

static void check_frame_rate(const struct media_facts *f, struct media_check *c)
{
    char words[24];

    c->code = "frame_rate";
    (void)snprintf(c->limit, sizeof(c->limit), "%d to %d fps", MEDIA_FPS_MILLI_MIN / 1000,
                   MEDIA_FPS_MILLI_MAX / 1000);
    if (f->fps_milli == 0) {
        c->ok = true;
        (void)snprintf(c->message, sizeof(c->message),
                       "The frame rate could not be measured; TikTok takes %s.",
                       c->limit);
        return;
    }
    c->ok = f->fps_milli >= MEDIA_FPS_MILLI_MIN - MEDIA_FPS_MILLI_SLACK &&
            f->fps_milli <= MEDIA_FPS_MILLI_MAX + MEDIA_FPS_MILLI_SLACK;
    milli_in_words(f->fps_milli, words, sizeof(words));
    (void)snprintf(c->measured, sizeof(c->measured), "%s fps", words);
    if (c->ok)
        (void)snprintf(c->message, sizeof(c->message),
                       "The video has %s frames per second.", words);
    else
        (void)snprintf(c->message, sizeof(c->message),
                       "The video has %s frames per second; TikTok takes %d to %d. "
                       "Export it with 30.",
                       words, MEDIA_FPS_MILLI_MIN / 1000, MEDIA_FPS_MILLI_MAX / 1000);
}

static void check_duration(const struct media_facts *f, struct media_check *c)
{
    char words[32];

    c->code = "duration";
    c->ok = f->duration_ms > 0 && f->duration_ms <= MEDIA_DURATION_MS_MAX;
    (void)snprintf(c->limit, sizeof(c->limit), "at most %d minutes",
                   MEDIA_DURATION_MS_MAX / 60000);
    if (f->duration_ms <= 0) {
        (void)snprintf(c->message, sizeof(c->message),
                       "The video has no length that can be measured; TikTok takes %s. "
                       "Export it again.",
                       c->limit);
        return;
    }
    (void)snprintf(words, sizeof(words), "%" PRId64 ".%03" PRId64 " s",
                   f->duration_ms / 1000, f->duration_ms % 1000);
    (void)snprintf(c->measured, sizeof(c->measured), "%s", words);
    if (c->ok)
        (void)snprintf(c->message, sizeof(c->message), "The video lasts %s.", words);
    else
        (void)snprintf(c->message, sizeof(c->message),
                       "The video lasts %s; TikTok takes %s (%d s). Cut it shorter.",
                       words, c->limit, MEDIA_DURATION_MS_MAX / 1000);
}

/* A limit that the photo does not keep, and what was made of it does. */
static void tell_converted(const struct media_facts *f, const struct media_rendition *r,
                           struct media_check *c)
{
    struct media_facts as_given = *f; /* to TikTok */
    struct media_check given = {0};
    bool picture = strcmp(c->code, "picture_size") == 0;

    text_copy(as_given.container, sizeof(as_given.container), "jpeg");
    as_given.bytes = r->bytes;
    as_given.width = r->width;
    as_given.height = r->height;
    if (picture)
        check_picture(&as_given, &given);
    else if (strcmp(c->code, "file_size") == 0)
        check_bytes(&as_given, &given);
    else
        check_container(&as_given, &given);
    if (!given.ok)
        return;
    c->ok = true;
    c->converted = true;
    (void)snprintf(c->message, sizeof(c->message),
                   "The %s %s %s; TikTok takes %s. It was converted: TikTok gets %s.",
                   picture ? "photo" : "file",
                   strcmp(c->code, "file_size") == 0 ? "has" : "is", c->measured,
                   c->limit, given.measured);
}

typedef void (*check_fn)(const struct media_facts *f, struct media_check *c);

static const struct {
    check_fn check;
    bool photo; /* applies to photos as well */
} table[] = {
    {check_container, true}, {check_codec, false},      {check_duration, false},
    {check_picture, true},   {check_frame_rate, false}, {check_bytes, true},
};

size_t media_check(const struct media_facts *facts,
                   const struct media_rendition *rendition,
                   struct media_check out[MEDIA_CHECKS_MAX])
{
    struct media_check passed[MEDIA_CHECKS_MAX] = {0};
    size_t n = 0;
    size_t n_passed = 0;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct media_check c = {0};

        if (facts->kind == MEDIA_KIND_PHOTO && !table[i].photo)
            continue;
        table[i].check(facts, &c);
        if (!c.ok && rendition != NULL && rendition->bytes > 0)
            tell_converted(facts, rendition, &c);
        if (c.ok)
            passed[n_passed++] = c;
        else
            out[n++] = c;
    }
    for (size_t i = 0; i < n_passed; i++)
        out[n++] = passed[i];
    return n;
}

void media_check_unreadable(const char *why, struct media_check *out)
{
    *out = (struct media_check){.code = "readable"};
    (void)snprintf(out->message, sizeof(out->message),
                   "The file could not be read: %s. Export it again as MP4 (video) or "
                   "JPEG (photo) and upload that.",
                   why);
    (void)snprintf(out->limit, sizeof(out->limit), "a whole video or photo");
}

void media_checks_write(const struct media_check *checks, size_t n, struct strbuf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_array(&w);
    for (size_t i = 0; i < n; i++) {
        const struct media_check *c = &checks[i];

        jsonw_object(&w);
        jsonw_key_text(&w, "code", c->code);
        jsonw_key_text(&w, "message", c->message);
        jsonw_key_text(&w, "measured", c->measured[0] != '\0' ? c->measured : NULL);
        jsonw_key_text(&w, "limit", c->limit[0] != '\0' ? c->limit : NULL);
        jsonw_key_bool(&w, "ok", c->ok);
        jsonw_key_bool(&w, "converted", c->converted);
        jsonw_end(&w);
    }
    jsonw_end(&w);
}
