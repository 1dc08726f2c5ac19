/* domain/media: TikTok's limits, each at its edge, in words a person can act on. */
#include "domain/media.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static const struct media_facts good = {
    .kind = MEDIA_KIND_VIDEO,
    .container = "mp4",
    .video_codec = "h264",
    .audio_codec = "aac",
    .bytes = 1048576,
    .duration_ms = 12000,
    .width = 1080,
    .height = 1920,
    .fps_milli = 30000,
};

static const struct media_facts good_photo = {
    .kind = MEDIA_KIND_PHOTO,
    .container = "jpeg",
    .video_codec = "mjpeg",
    .bytes = 300000,
    .width = 1080,
    .height = 1920,
};

/* The first check that failed, or NULL; its words must be complete. */
static const struct media_check *first_failure(const struct media_facts *f)
{
    static struct media_check checks[MEDIA_CHECKS_MAX];
    size_t n = media_check(f, NULL, checks);

    ck_assert_uint_gt(n, 0);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_gt(strlen(checks[i].message), 10);
        ck_assert_uint_gt(strlen(checks[i].limit), 0);
        if (!checks[i].ok) {
            char number[48];

            (void)snprintf(number, sizeof(number), "%.*s",
                           (int)strcspn(checks[i].measured, " "), checks[i].measured);
            ck_assert_msg(strstr(checks[i].message, number) != NULL, "%s",
                          checks[i].message);
        }
    }
    for (size_t i = 1; i < n; i++)
        ck_assert_msg(checks[i - 1].ok <= checks[i].ok, "the failed ones come first");
    return checks[0].ok ? NULL : &checks[0];
}

START_TEST(every_limit_holds_at_its_edge_and_not_beyond)
{
    static const struct {
        int fps_milli, width, height;
        int64_t duration_ms, bytes;
        const char *failed; /* NULL: passes */
    } rows[] = {
        {30000, 1080, 1920, 12000, 1, NULL},
        {23000, 1080, 1920, 12000, 1, NULL},
        {23976, 1080, 1920, 12000, 1, NULL},
        {60000, 1080, 1920, 12000, 1, NULL},
        {60050, 1080, 1920, 12000, 1, NULL},
        {0, 1080, 1920, 12000, 1, NULL},
        {22949, 1080, 1920, 12000, 1, "frame_rate"},
        {60051, 1080, 1920, 12000, 1, "frame_rate"},
        {15000, 1080, 1920, 12000, 1, "frame_rate"},
        {30000, 360, 4096, 12000, 1, NULL},
        {30000, 4096, 360, 12000, 1, NULL},
        {30000, 359, 1920, 12000, 1, "picture_size"},
        {30000, 1920, 359, 12000, 1, "picture_size"},
        {30000, 4097, 1920, 12000, 1, "picture_size"},
        {30000, 1080, 4097, 12000, 1, "picture_size"},
        {30000, 0, 0, 12000, 1, "picture_size"},
        {30000, 1080, 1920, 1, 1, NULL},
        {30000, 1080, 1920, 600000, 1, NULL},
        {30000, 1080, 1920, 600001, 1, "duration"},
        {30000, 1080, 1920, 0, 1, "duration"},
        {30000, 1080, 1920, 12000, INT64_C(4000000000), NULL},
        {30000, 1080, 1920, 12000, INT64_C(4000000001), "file_size"},
        {30000, 1080, 1920, 12000, 0, "file_size"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_facts f = good;
        const struct media_check *c;

        f.fps_milli = rows[i].fps_milli;
        f.width = rows[i].width;
        f.height = rows[i].height;
        f.duration_ms = rows[i].duration_ms;
        f.bytes = rows[i].bytes;
        c = first_failure(&f);
        if (rows[i].failed == NULL)
            ck_assert_msg(c == NULL, "row %zu: %s", i, c == NULL ? "" : c->message);
        else
            ck_assert_msg(c != NULL && strcmp(c->code, rows[i].failed) == 0, "row %zu",
                          i);
    }
}
END_TEST

START_TEST(only_what_tiktok_plays_is_taken)
{
    static const struct {
        const char *container, *codec, *failed;
    } rows[] = {
        {"mp4", "h264", NULL},
        {"mov", "hevc", NULL},
        {"webm", "vp8", NULL},
        {"webm", "vp9", NULL},
        {"matroska", "h264", "container"},
        {"avi", "h264", "container"},
        {"jpeg", "h264", "container"},
        {"mp4", "av1", "codec"},
        {"mp4", "mpeg4", "codec"},
        {"mp4", "", "codec"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_facts f = good;
        const struct media_check *c;

        (void)snprintf(f.container, sizeof(f.container), "%s", rows[i].container);
        (void)snprintf(f.video_codec, sizeof(f.video_codec), "%s", rows[i].codec);
        c = first_failure(&f);
        if (rows[i].failed == NULL)
            ck_assert_msg(c == NULL, "row %zu", i);
        else
            ck_assert_msg(c != NULL && strcmp(c->code, rows[i].failed) == 0, "row %zu",
                          i);
    }
}
END_TEST

START_TEST(photos_have_their_own_limits)
{
    static const struct {
        const char *container;
        int width, height;
        int64_t bytes;
        const char *failed;
    } rows[] = {
        {"jpeg", 1080, 1920, 20000000, NULL},
        {"webp", 1920, 1080, 1, NULL},
        {"jpeg", 16, 16, 1, NULL},
        {"png", 1080, 1080, 1, "container"},
        {"mp4", 1080, 1080, 1, "container"},
        {"jpeg", 1081, 1920, 1, "picture_size"},
        {"jpeg", 1080, 1921, 1, "picture_size"},
        {"jpeg", 1200, 1200, 1, "picture_size"},
        {"jpeg", 1080, 1920, 20000001, "file_size"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_facts f = good_photo;
        const struct media_check *c;

        (void)snprintf(f.container, sizeof(f.container), "%s", rows[i].container);
        f.width = rows[i].width;
        f.height = rows[i].height;
        f.bytes = rows[i].bytes;
        c = first_failure(&f);
        if (rows[i].failed == NULL)
            ck_assert_msg(c == NULL, "row %zu", i);
        else
            ck_assert_msg(c != NULL && strcmp(c->code, rows[i].failed) == 0, "row %zu",
                          i);
    }
}
END_TEST

START_TEST(a_photo_that_was_converted_is_told_what_became_of_it)
{
    static const struct {
        const char *container, *code, *message; /* message NULL: fails as before */
        int width, height;
        int64_t bytes;
        struct media_rendition made;
    } rows[] = {
        {"png",
         "container",
         "The file is PNG; TikTok takes JPEG or WebP. It was converted: TikTok gets "
         "JPEG.",
         1080,
         1080,
         1,
         {300000, 1080, 1080}},
        {"jpeg",
         "picture_size",
         "The photo is 4032 x 3024 pixels; TikTok takes within 1080 x 1920 pixels. It "
         "was converted: TikTok gets 1440 x 1080 pixels.",
         4032,
         3024,
         1,
         {300000, 1440, 1080}},
        {"jpeg",
         "file_size",
         "The file has 20000001 bytes; TikTok takes at most 20 MB. It was converted: "
         "TikTok gets 300 kB.",
         1080,
         1080,
         20000001,
         {300000, 1080, 1080}},
        {"jpeg", "picture_size", NULL, 4032, 3024, 1, {300000, 4032, 3024}},
        {"jpeg", "picture_size", NULL, 4032, 3024, 1, {0, 1440, 1080}},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_facts f = good_photo;
        struct media_check checks[MEDIA_CHECKS_MAX];
        size_t n;
        bool seen = false;

        (void)snprintf(f.container, sizeof(f.container), "%s", rows[i].container);
        f.width = rows[i].width;
        f.height = rows[i].height;
        f.bytes = rows[i].bytes;
        n = media_check(&f, &rows[i].made, checks);
        ck_assert_msg(checks[0].ok == (rows[i].message != NULL), "row %zu", i);
        for (size_t k = 0; k < n; k++) {
            if (strcmp(checks[k].code, rows[i].code) != 0) {
                ck_assert(!checks[k].converted);
                continue;
            }
            seen = true;
            ck_assert_msg(checks[k].converted == (rows[i].message != NULL), "row %zu", i);
            if (rows[i].message != NULL)
                ck_assert_str_eq(checks[k].message, rows[i].message);
        }
        ck_assert(seen);
    }
}
END_TEST

START_TEST(a_photo_is_made_to_fit_and_never_larger)
{
    static const struct {
        int width, height, fit_width, fit_height;
    } rows[] = {
        {1080, 1920, 1080, 1920}, {1920, 1080, 1920, 1080},
        {640, 480, 640, 480},     {1, 1, 1, 1},
        {4032, 3024, 1440, 1080}, {3024, 4032, 1080, 1440},
        {1081, 1920, 1080, 1918}, {1080, 1921, 1079, 1920},
        {2000, 2000, 1080, 1080}, {100000, 10, 1920, 1},
        {10, 100000, 1, 1920},    {2160, 3840, 1080, 1920},
        {1500, 1200, 1350, 1080}, {12000, 8000, 1620, 1080},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int w = 0;
        int h = 0;

        media_photo_fit(rows[i].width, rows[i].height, &w, &h);
        ck_assert_msg(w == rows[i].fit_width && h == rows[i].fit_height,
                      "row %zu: %d x %d", i, w, h);
    }
}
END_TEST

START_TEST(a_refusal_names_the_measured_value_the_limit_and_what_to_do)
{
    static const struct {
        int fps_milli, width;
        int64_t duration_ms, bytes;
        const char *measured, *limit, *advice;
    } rows[] = {
        {20000, 1080, 12000, 1, "20 fps", "23 to 60 fps", "Export it with 30."},
        {14985, 1080, 12000, 1, "14.985 fps", "23 to 60 fps", "Export it with 30."},
        {30000, 200, 12000, 1, "200 x 1920 pixels", "360 to 4096 pixels a side",
         "Export it larger"},
        {30000, 5000, 12000, 1, "5000 x 1920 pixels", "360 to 4096 pixels a side",
         "Export it smaller"},
        {30000, 1080, 600500, 1, "600.500 s", "at most 10 minutes", "Cut it shorter."},
        {30000, 1080, 12000, INT64_C(4000000001), "4000000001 bytes", "at most 4 GB",
         "smaller"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_facts f = good;
        const struct media_check *c;

        f.fps_milli = rows[i].fps_milli;
        f.width = rows[i].width;
        f.duration_ms = rows[i].duration_ms;
        f.bytes = rows[i].bytes;
        c = first_failure(&f);
        ck_assert_ptr_nonnull(c);
        ck_assert_str_eq(c->measured, rows[i].measured);
        ck_assert_str_eq(c->limit, rows[i].limit);
        ck_assert_msg(strstr(c->message, rows[i].advice) != NULL, "%s", c->message);
    }
}
END_TEST

START_TEST(a_file_with_several_faults_is_told_all_of_them)
{
    struct media_facts f = good;
    struct media_check checks[MEDIA_CHECKS_MAX];
    size_t bad = 0;
    size_t n;

    f.fps_milli = 10000;
    f.width = 100;
    f.duration_ms = 700000;
    n = media_check(&f, NULL, checks);
    for (size_t i = 0; i < n; i++)
        bad += !checks[i].ok;
    ck_assert_uint_eq(bad, 3);
    ck_assert_uint_eq(n, 6);
}
END_TEST

START_TEST(types_that_clients_claim_are_known_or_refused)
{
    ck_assert_int_eq(media_kind_of_mime("video/mp4"), MEDIA_KIND_VIDEO);
    ck_assert_int_eq(media_kind_of_mime("video/quicktime"), MEDIA_KIND_VIDEO);
    ck_assert_int_eq(media_kind_of_mime("video/webm"), MEDIA_KIND_VIDEO);
    ck_assert_int_eq(media_kind_of_mime("image/jpeg"), MEDIA_KIND_PHOTO);
    ck_assert_int_eq(media_kind_of_mime("image/webp"), MEDIA_KIND_PHOTO);
    ck_assert_int_eq(media_kind_of_mime("image/png"), MEDIA_KIND_PHOTO);
    ck_assert_int_eq(media_kind_of_mime("image/gif"), MEDIA_KIND_PHOTO);
    ck_assert_int_eq(media_kind_of_mime("image/avif"), MEDIA_KIND_PHOTO);
    ck_assert_int_eq(media_kind_of_mime("image/heic"), MEDIA_KIND_UNKNOWN);
    ck_assert_int_eq(media_kind_of_mime("image/svg+xml"), MEDIA_KIND_UNKNOWN);
    ck_assert_int_eq(media_kind_of_mime("text/html"), MEDIA_KIND_UNKNOWN);
    ck_assert_int_eq(media_kind_of_mime(""), MEDIA_KIND_UNKNOWN);
    ck_assert_str_eq(media_mime_of_container("mov"), "video/quicktime");
    ck_assert_str_eq(media_mime_of_container("html"), "application/octet-stream");
    ck_assert_str_eq(media_kind_name(MEDIA_KIND_VIDEO), "video");
    ck_assert_str_eq(media_kind_name(MEDIA_KIND_PHOTO), "photo");
}
END_TEST

START_TEST(a_name_is_short_clean_text)
{
    static const char *const good_names[] = {"a", "launch.mp4",
                                             "\xc3\x9c"
                                             "bung 1.mov",
                                             "..", "<b>&\"'.mp4"};
    static const char *const bad[] = {"", "a/b", "a\\b", "a\nb", "a\tb", "\x01", "\xff"};
    char name[MEDIA_FILENAME_SIZE] = "";

    for (size_t i = 0; i < ARRAY_LEN(good_names); i++)
        ck_assert_msg(media_filename_ok(good_names[i]), "%s", good_names[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!media_filename_ok(bad[i]), "row %zu", i);
    for (size_t i = 0; i < 255; i++)
        (void)memcpy(name + i * 4, "\xf0\x9f\x8e\xac", 5);
    ck_assert(media_filename_ok(name));
    (void)memset(name, 'a', 256);
    name[256] = '\0';
    ck_assert(!media_filename_ok(name));
}
END_TEST

START_TEST(a_tag_is_a_short_line_without_spaces_around_it)
{
    static const char *const good_tags[] = {"a", "Summer 2026", "\xc3\xa4/b", "#x, y"};
    static const char *const bad[] = {"", " a", "a ", "a\nb", "a\tb", "\xff", "\x7f"};
    char tag[MEDIA_TAG_SIZE] = "";

    for (size_t i = 0; i < ARRAY_LEN(good_tags); i++)
        ck_assert_msg(media_tag_ok(good_tags[i]), "%s", good_tags[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!media_tag_ok(bad[i]), "row %zu", i);
    (void)memset(tag, 'a', MEDIA_TAG_MAX);
    ck_assert(media_tag_ok(tag));
    tag[MEDIA_TAG_MAX] = 'a';
    ck_assert(!media_tag_ok(tag));
}
END_TEST

START_TEST(checks_are_written_as_the_api_shows_them)
{
    struct media_check c;
    struct strbuf sb;

    strbuf_init(&sb, 4096);
    media_check_unreadable("it is cut off", &c);
    media_checks_write(&c, 1, &sb);
    ck_assert_str_eq(
        sb.buf, "[{\"code\":\"readable\",\"message\":\"The file could not be read: it "
                "is cut off. Export it again as MP4 (video) or JPEG (photo) and "
                "upload that.\",\"measured\":null,\"limit\":\"a whole video or "
                "photo\",\"ok\":false,\"converted\":false}]");
    strbuf_release(&sb);
}
END_TEST

UNIT_MAIN("domain_media", every_limit_holds_at_its_edge_and_not_beyond,
          only_what_tiktok_plays_is_taken, photos_have_their_own_limits,
          a_photo_that_was_converted_is_told_what_became_of_it,
          a_photo_is_made_to_fit_and_never_larger,
          a_refusal_names_the_measured_value_the_limit_and_what_to_do,
          a_file_with_several_faults_is_told_all_of_them,
          types_that_clients_claim_are_known_or_refused, a_name_is_short_clean_text,
          a_tag_is_a_short_line_without_spaces_around_it,
          checks_are_written_as_the_api_shows_them)
