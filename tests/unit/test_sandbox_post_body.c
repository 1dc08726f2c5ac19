/* sandbox/post_body: what an init may say. */
#include "sandbox/post_body.h"
#include "unit.h"

#include "core/strbuf.h"

#include <string.h>

static json_t *json_of(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    ck_assert_msg(json != NULL, "%s is no JSON", text);
    return json;
}

START_TEST(the_recorded_request_is_right)
{
    static const char text[] =
        "{\"post_info\":{\"title\":\"Harvest day #farm\",\"privacy_level\":\"SELF_ONLY\","
        "\"disable_comment\":false,\"disable_duet\":true,\"disable_stitch\":true,"
        "\"video_cover_timestamp_ms\":1500,\"brand_content_toggle\":false,"
        "\"brand_organic_toggle\":true,\"is_aigc\":false},\"source_info\":{\"source\":"
        "\"FILE_UPLOAD\",\"video_size\":121000000,\"chunk_size\":10000000,"
        "\"total_chunk_count\":12}}";
    json_t *json = json_of(text);
    struct publication p = {.id = 0};
    struct pull_urls urls = {.len = 0};

    ck_assert_ptr_null(read_video_post(json, &p));
    ck_assert_ptr_null(read_video_source(json, &p, &urls));
    ck_assert(!p.pulled);
    ck_assert_uint_eq(urls.len, 0);
    ck_assert_str_eq(p.caption, "Harvest day #farm");
    ck_assert_str_eq(p.privacy, "SELF_ONLY");
    ck_assert_uint_eq(p.flags, FLAG_NO_DUET | FLAG_NO_STITCH | FLAG_BRAND_ORGANIC);
    ck_assert_int_eq(p.cover_ms, 1500);
    ck_assert_int_eq(p.plan.size, 121000000);
    ck_assert_int_eq(p.plan.count, 12);
    json_decref(json);
}
END_TEST

START_TEST(what_may_be_left_out_may_be_left_out)
{
    json_t *json = json_of("{\"post_info\":{\"privacy_level\":\"PUBLIC_TO_EVERYONE\","
                           "\"title\":null,\"something_new\":[1]}}");
    struct publication p = {.id = 0};

    ck_assert_ptr_null(read_video_post(json, &p));
    ck_assert_str_eq(p.caption, "");
    ck_assert_int_eq(p.cover_ms, -1);
    json_decref(json);
}
END_TEST

START_TEST(a_wrong_post_is_refused)
{
    static const char *const rows[] = {
        "{}",
        "{\"post_info\":[]}",
        "{\"post_info\":{}}",
        "{\"post_info\":{\"privacy_level\":\"EVERYONE\"}}",
        "{\"post_info\":{\"privacy_level\":1}}",
        "{\"post_info\":{\"privacy_level\":\"SELF_ONLY\",\"title\":1}}",
        "{\"post_info\":{\"privacy_level\":\"SELF_ONLY\",\"disable_duet\":\"yes\"}}",
        "{\"post_info\":{\"privacy_level\":\"SELF_ONLY\",\"is_aigc\":1}}",
        "{\"post_info\":{\"privacy_level\":\"SELF_ONLY\","
        "\"video_cover_timestamp_ms\":1.5}}",
        "{\"post_info\":{\"privacy_level\":\"SELF_ONLY\",\"brand_content_toggle\":true}}",
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *json = json_of(rows[i]);
        struct publication p = {.id = 0};

        ck_assert_msg(read_video_post(json, &p) != NULL, "row %zu", i);
        json_decref(json);
    }
}
END_TEST

/* Reads a post whose title is unit n times. */
static const char *title_of(const char *unit, size_t n)
{
    struct strbuf title;
    struct publication p = {.id = 0};
    json_t *json = json_of("{\"post_info\":{\"privacy_level\":\"SELF_ONLY\"}}");
    const char *problem;

    strbuf_init(&title, 65536);
    for (size_t i = 0; i < n; i++)
        strbuf_addstr(&title, unit);
    (void)json_object_set_new(json_object_get(json, "post_info"), "title",
                              json_string(title.buf));
    problem = read_video_post(json, &p);
    if (problem == NULL)
        ck_assert_str_eq(p.caption, title.buf);
    strbuf_release(&title);
    json_decref(json);
    return problem;
}

START_TEST(a_caption_is_counted_in_utf16_units)
{
    ck_assert_ptr_null(title_of("a", 2200));
    ck_assert_ptr_nonnull(title_of("a", 2201));
    ck_assert_ptr_null(title_of("\xe2\x82\xac", 2200)); /* one unit, three bytes */
    ck_assert_ptr_nonnull(title_of("\xe2\x82\xac", 2201));
    ck_assert_ptr_null(title_of("\xf0\x9f\x98\x80", 1100)); /* two units */
    ck_assert_ptr_nonnull(title_of("\xf0\x9f\x98\x80", 1101));
}
END_TEST

START_TEST(a_source_is_bytes_or_an_https_address)
{
    static const struct {
        const char *text;
        bool good, pull;
    } rows[] = {
        {"{\"source_info\":{\"source\":\"PULL_FROM_URL\",\"video_url\":"
         "\"https://media.example.com/v/1.mp4\"}}",
         true, true},
        {"{\"source_info\":{\"source\":\"PULL_FROM_URL\",\"video_url\":\"http://x/1\"}}",
         true, true}, /* what is verified tells */
        {"{\"source_info\":{\"source\":\"PULL_FROM_URL\",\"video_url\":\"ftp://x/1\"}}",
         false, true},
        {"{\"source_info\":{\"source\":\"PULL_FROM_URL\",\"video_url\":"
         "\"https://x/a/../1\"}}",
         false, true},
        {"{\"source_info\":{\"source\":\"PULL_FROM_URL\"}}", false, true},
        {"{\"source_info\":{\"source\":\"FILE_UPLOAD\",\"video_size\":10,"
         "\"chunk_size\":10,\"total_chunk_count\":1}}",
         true, false},
        {"{\"source_info\":{\"source\":\"FILE_UPLOAD\",\"video_size\":\"10\","
         "\"chunk_size\":10,\"total_chunk_count\":1}}",
         false, false},
        {"{\"source_info\":{\"source\":\"FILE_UPLOAD\",\"video_size\":10,"
         "\"chunk_size\":10.5,\"total_chunk_count\":1}}",
         false, false},
        {"{\"source_info\":{\"source\":\"FILE_UPLOAD\",\"video_size\":10,"
         "\"chunk_size\":10}}",
         false, false},
        {"{\"source_info\":{\"source\":\"CARRIER_PIGEON\"}}", false, false},
        {"{\"source_info\":{}}", false, false},
        {"{}", false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *json = json_of(rows[i].text);
        struct publication p = {.id = 0};
        struct pull_urls urls = {.len = 0};

        ck_assert_msg((read_video_source(json, &p, &urls) == NULL) == rows[i].good,
                      "row %zu", i);
        ck_assert_msg(p.pulled == rows[i].pull, "row %zu", i);
        ck_assert_msg(urls.len == (rows[i].good && rows[i].pull ? 1U : 0U), "row %zu", i);
        json_decref(json);
    }
}
END_TEST

#define PHOTO(post_info, source_info)                                                    \
    "{\"media_type\":\"PHOTO\",\"post_mode\":\"DIRECT_POST\",\"post_info\":{" post_info  \
    "},\"source_info\":{" source_info "}}"
#define SOURCE                                                                           \
    "\"source\":\"PULL_FROM_URL\",\"photo_cover_index\":0,\"photo_images\":"             \
    "[\"https://media.example.com/1.jpg\"]"
#define PUBLIC "\"privacy_level\":\"PUBLIC_TO_EVERYONE\""

#define IMAGES(list, cover)                                                              \
    "\"source\":\"PULL_FROM_URL\",\"photo_images\":[" list                               \
    "],\"photo_cover_index\":" cover

/* All three parts, as an init reads them. */
static const char *read_photo(const char *text, struct publication *p)
{
    json_t *json = json_of(text);
    struct pull_urls urls = {.len = 0};
    const char *problem;

    *p = (struct publication){.id = 0};
    problem = read_photo_mode(json, p);
    if (problem == NULL)
        problem = read_photo_post(json, p);
    if (problem == NULL)
        problem = read_photo_source(json, p, &urls);
    json_decref(json);
    return problem;
}

START_TEST(a_photo_post_has_pictures_behind_addresses)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {PHOTO(PUBLIC, SOURCE), true},
        {PHOTO("", SOURCE), false},
        {PHOTO(PUBLIC ",\"title\":1", SOURCE), false},
        {PHOTO(PUBLIC ",\"auto_add_music\":\"yes\"", SOURCE), false},
        {PHOTO("\"privacy_level\":\"SELF_ONLY\",\"brand_content_toggle\":true", SOURCE),
         false},
        {PHOTO(PUBLIC, "\"source\":\"FILE_UPLOAD\""), false},
        {PHOTO(PUBLIC, IMAGES("", "0")), false},
        {PHOTO(PUBLIC, IMAGES("\"ftp://x/1\"", "0")), false},
        {PHOTO(PUBLIC, IMAGES("\"https://x/1\",2", "0")), false},
        {PHOTO(PUBLIC, IMAGES("\"https://x/1\"", "1")), false},
        {PHOTO(PUBLIC, IMAGES("\"https://x/1\"", "-1")), false},
        {PHOTO(PUBLIC, IMAGES("\"https://x/1\",\"https://x/2\"", "1")), true},
        {PHOTO(PUBLIC, "\"source\":\"PULL_FROM_URL\",\"photo_images\":[\"https://x/1\"]"),
         false},
    };
    struct publication p;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg((read_photo(rows[i].text, &p) == NULL) == rows[i].good, "row %zu",
                      i);
    ck_assert_ptr_nonnull(
        read_photo("{\"media_type\":\"PHOTO\",\"post_mode\":\"DIRECT POST\"}", &p));
    ck_assert_ptr_nonnull(
        read_photo("{\"media_type\":\"VIDEO\",\"post_mode\":\"MEDIA_UPLOAD\"}", &p));
}
END_TEST

START_TEST(what_a_photo_post_says_is_kept)
{
    struct publication p;

    ck_assert_ptr_null(
        read_photo(PHOTO(PUBLIC ",\"title\":\"Autumn\",\"description\":\"Leaves #a\","
                                "\"auto_add_music\":true,\"disable_comment\":true",
                         IMAGES("\"https://x/1\",\"https://x/2\",\"https://x/3\"", "2")),
                   &p));
    ck_assert(p.pulled);
    ck_assert(!p.inbox);
    ck_assert_int_eq(p.photos, 3);
    ck_assert_int_eq(p.cover_index, 2);
    ck_assert_int_eq(p.cover_ms, -1);
    ck_assert_str_eq(p.title, "Autumn");
    ck_assert_str_eq(p.caption, "Leaves #a");
    ck_assert_str_eq(p.privacy, "PUBLIC_TO_EVERYONE");
    ck_assert_uint_eq(p.flags, FLAG_AUTO_MUSIC | FLAG_NO_COMMENT);
}
END_TEST

/* All but title and description only act on direct posts. */
START_TEST(a_draft_of_photos_has_words_and_no_settings)
{
    struct publication p;

    ck_assert_ptr_null(read_photo(
        "{\"media_type\":\"PHOTO\",\"post_mode\":\"MEDIA_UPLOAD\",\"post_info\":"
        "{\"title\":\"t\",\"description\":\"d\",\"privacy_level\":\"SELF_ONLY\","
        "\"auto_add_music\":true},\"source_info\":{" SOURCE "}}",
        &p));
    ck_assert(p.inbox);
    ck_assert_str_eq(p.title, "t");
    ck_assert_str_eq(p.caption, "d");
    ck_assert_str_eq(p.privacy, "");
    ck_assert_uint_eq(p.flags, 0);
}
END_TEST

START_TEST(thirty_five_pictures_and_no_more)
{
    struct publication p = {.id = 0};

    for (size_t n = 35; n <= 36; n++) {
        struct pull_urls urls = {.len = 0};
        json_t *json = json_of("{\"source_info\":{" IMAGES("", "34") "}}");
        json_t *images =
            json_object_get(json_object_get(json, "source_info"), "photo_images");

        for (size_t i = 0; i < n; i++)
            ck_assert_int_eq(json_array_append_new(images, json_string("https://x/1")),
                             0);
        ck_assert_msg((read_photo_source(json, &p, &urls) == NULL) == (n == 35), "%zu",
                      n);
        json_decref(json);
    }
}
END_TEST

UNIT_MAIN("sandbox_post_body", the_recorded_request_is_right,
          what_may_be_left_out_may_be_left_out, a_wrong_post_is_refused,
          a_caption_is_counted_in_utf16_units, a_source_is_bytes_or_an_https_address,
          a_photo_post_has_pictures_behind_addresses, what_a_photo_post_says_is_kept,
          a_draft_of_photos_has_words_and_no_settings, thirty_five_pictures_and_no_more)
