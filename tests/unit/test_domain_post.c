/* domain/post: JSON to a post, strictly; how two versions differ; the lead. */
#include "domain/post.h"
#include "unit.h"

#include <string.h>

enum { EVERYTHING = (1 << 19) - 1 };

static struct post_content content;
static struct err err;
static unsigned has;

static void setup(void)
{
    post_init(&content);
    has = 0;
    err = (struct err){0};
}

static void teardown(void)
{
    post_release(&content);
}

static enum rc read_text(const char *text, unsigned allowed)
{
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    enum rc rc;

    ck_assert_msg(json != NULL, "%s", text);
    rc = post_read(json, allowed, &content, &has, &err);
    json_decref(json);
    return rc;
}

START_TEST(every_member_is_read)
{
    ck_assert_int_eq(
        read_text(
            "{\"account_id\":\"7\",\"kind\":\"photo\",\"mode\":\"inbox\","
            "\"media_ids\":[\"9\",\"10\"],\"caption\":\"Hello\",\"title\":\"T\","
            "\"privacy_level\":\"SELF_ONLY\",\"allow_comment\":true,\"allow_duet\":true,"
            "\"allow_stitch\":true,\"disclose\":{\"your_brand\":true,"
            "\"branded_content\":true},\"is_aigc\":true,\"auto_add_music\":true,"
            "\"cover_ms\":1500,\"cover_index\":1,"
            "\"publish_at\":\"2026-11-25T10:00:00+01:00\",\"timezone\":\"Europe/Berlin\","
            "\"consent\":{\"music_usage\":true,\"branded_content\":true},"
            "\"max_late_s\":900}",
            EVERYTHING),
        RC_OK);
    ck_assert_uint_eq(has, EVERYTHING);
    ck_assert_int_eq(content.max_late_s, 900);
    ck_assert_uint_eq(content.account_id, 7);
    ck_assert_int_eq(content.kind, POST_PHOTO);
    ck_assert_int_eq(content.mode, POST_INBOX);
    ck_assert_uint_eq(content.media_n, 2);
    ck_assert_uint_eq(content.media_ids[1], 10);
    ck_assert_str_eq(content.caption, "Hello");
    ck_assert_str_eq(content.title, "T");
    ck_assert_str_eq(content.privacy_level, "SELF_ONLY");
    ck_assert(content.allow_comment && content.allow_duet && content.allow_stitch);
    ck_assert(content.your_brand && content.branded_content && content.is_aigc);
    ck_assert(content.auto_add_music && content.music_usage && content.branded_agreed);
    ck_assert_int_eq(content.cover_ms, 1500);
    ck_assert_int_eq(content.cover_index, 1);
    ck_assert_int_eq(content.publish_at_ms, INT64_C(1795597200000));
    ck_assert_str_eq(content.timezone, "Europe/Berlin");
}
END_TEST

START_TEST(what_is_absent_stays_as_it_was)
{
    ck_assert_int_eq(
        read_text("{\"caption\":\"one\",\"cover_ms\":5,\"privacy_level\":\"SELF_ONLY\"}",
                  EVERYTHING),
        RC_OK);
    ck_assert_int_eq(read_text("{\"cover_ms\":null}", EVERYTHING), RC_OK);
    ck_assert_uint_eq(has, POST_HAS_COVER_MS);
    ck_assert_str_eq(content.caption, "one");
    ck_assert_str_eq(content.privacy_level, "SELF_ONLY");
    ck_assert_int_eq(content.max_late_s, 6 * 3600);
    ck_assert_int_eq(content.cover_ms, -1);
    ck_assert_int_eq(read_text("{\"privacy_level\":null,\"title\":null,"
                               "\"timezone\":null,\"publish_at\":null,"
                               "\"cover_index\":null}",
                               EVERYTHING),
                     RC_OK);
    ck_assert_str_eq(content.privacy_level, "");
    ck_assert_int_eq(content.publish_at_ms, 0);
}
END_TEST

START_TEST(what_has_another_type_is_refused_by_name)
{
    static const struct {
        const char *json, *field, *code;
    } rows[] = {
        {"{\"colour\":1}", "colour", "unknown_field"},
        {"{\"Evil <b>\":1}", "body", "unknown_field"},
        {"{\"\":1}", "body", "unknown_field"},
        {"{\"account_id\":7}", "account_id", "invalid"},
        {"{\"account_id\":null}", "account_id", "invalid"},
        {"{\"account_id\":\"0\"}", "account_id", "invalid"},
        {"{\"account_id\":\"07\"}", "account_id", "invalid"},
        {"{\"account_id\":\"99999999999999999999\"}", "account_id", "invalid"},
        {"{\"kind\":\"song\"}", "kind", "invalid"},
        {"{\"kind\":null}", "kind", "invalid"},
        {"{\"mode\":\"fast\"}", "mode", "invalid"},
        {"{\"mode\":1}", "mode", "invalid"},
        {"{\"media_ids\":\"9\"}", "media_ids", "invalid"},
        {"{\"media_ids\":null}", "media_ids", "invalid"},
        {"{\"media_ids\":[9]}", "media_ids", "invalid"},
        {"{\"media_ids\":[\"9\",\"9\"]}", "media_ids", "invalid"},
        {"{\"caption\":5}", "caption", "invalid"},
        {"{\"caption\":null}", "caption", "invalid"},
        {"{\"title\":5}", "title", "invalid"},
        {"{\"privacy_level\":5}", "privacy_level", "invalid"},
        {"{\"privacy_level\":\"\"}", "privacy_level", "privacy_unknown"},
        {"{\"privacy_level\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
         "privacy_level", "privacy_unknown"},
        {"{\"allow_comment\":\"yes\"}", "allow_comment", "invalid"},
        {"{\"allow_duet\":null}", "allow_duet", "invalid"},
        {"{\"allow_stitch\":0}", "allow_stitch", "invalid"},
        {"{\"disclose\":[]}", "disclose", "invalid"},
        {"{\"disclose\":{\"your_brand\":true}}", "disclose.branded_content", "invalid"},
        {"{\"disclose\":{\"your_brand\":1,\"branded_content\":true}}",
         "disclose.your_brand", "invalid"},
        {"{\"is_aigc\":{}}", "is_aigc", "invalid"},
        {"{\"auto_add_music\":\"true\"}", "auto_add_music", "invalid"},
        {"{\"cover_ms\":-1}", "cover_ms", "invalid"},
        {"{\"cover_ms\":1.5}", "cover_ms", "invalid"},
        {"{\"cover_ms\":86400001}", "cover_ms", "invalid"},
        {"{\"cover_index\":35}", "cover_index", "invalid"},
        {"{\"max_late_s\":59}", "max_late_s", "invalid"},
        {"{\"max_late_s\":604801}", "max_late_s", "invalid"},
        {"{\"max_late_s\":null}", "max_late_s", "invalid"},
        {"{\"max_late_s\":3600.5}", "max_late_s", "invalid"},
        {"{\"publish_at\":\"tomorrow\"}", "publish_at", "invalid"},
        {"{\"publish_at\":\"2026-02-30T00:00:00Z\"}", "publish_at", "invalid"},
        {"{\"publish_at\":1795597200000}", "publish_at", "invalid"},
        {"{\"publish_at\":\"1969-12-31T23:59:59Z\"}", "publish_at", "time_past"},
        {"{\"timezone\":1}", "timezone", "invalid"},
        {"{\"timezone\":\"\"}", "timezone", "timezone_unknown"},
        {"{\"consent\":{}}", "consent.music_usage", "invalid"},
        {"{\"consent\":{\"music_usage\":true,\"branded_content\":false,\"x\":1}}",
         "consent", "unknown_field"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum rc rc = read_text(rows[i].json, EVERYTHING);

        ck_assert_msg(rc == RC_INVALID, "%s", rows[i].json);
        ck_assert_msg(strcmp(err.field, rows[i].field) == 0, "%s: %s", rows[i].json,
                      err.field);
        ck_assert_msg(strcmp(err.code, rows[i].code) == 0, "%s: %s", rows[i].json,
                      err.code);
    }
}
END_TEST

START_TEST(members_that_an_address_does_not_take_do_not_exist)
{
    ck_assert_int_eq(read_text("{\"consent\":{\"music_usage\":true,"
                               "\"branded_content\":false}}",
                               POST_HAS_CONSENT),
                     RC_OK);
    ck_assert_int_eq(read_text("{\"caption\":\"x\"}", POST_HAS_CONSENT), RC_INVALID);
    ck_assert_str_eq(err.code, "unknown_field");
    ck_assert_str_eq(err.field, "caption");
}
END_TEST

static void text_of_size(const char *key, size_t len, const char *code)
{
    char *value = calloc(1, len + 1);
    json_t *json;

    ck_assert_ptr_nonnull(value);
    memset(value, 'x', len);
    json = json_pack("{s:s}", key, value);
    if (code == NULL) {
        ck_assert_int_eq(post_read(json, EVERYTHING, &content, &has, &err), RC_OK);
    } else {
        ck_assert_int_eq(post_read(json, EVERYTHING, &content, &has, &err), RC_INVALID);
        ck_assert_str_eq(err.code, code);
    }
    json_decref(json);
    free(value);
}

START_TEST(texts_and_lists_are_bounded)
{
    char list[POST_MEDIA_ROOM * 8 + 64] = "{\"media_ids\":[";

    text_of_size("caption", POST_CAPTION_BYTES_MAX, NULL);
    text_of_size("caption", POST_CAPTION_BYTES_MAX + 1, "caption_too_long");
    text_of_size("title", POST_TITLE_BYTES_MAX, NULL);
    text_of_size("title", POST_TITLE_BYTES_MAX + 1, "title_too_long");
    text_of_size("timezone", ZONE_NAME_MAX, NULL);
    text_of_size("timezone", ZONE_NAME_MAX + 1, "timezone_unknown");

    for (unsigned i = 1; i <= POST_MEDIA_ROOM + 1; i++) {
        char item[16];

        (void)snprintf(item, sizeof(item), "%s\"%u\"", i > 1 ? "," : "", i);
        (void)strcat(list, item);
    }
    (void)strcat(list, "]}");
    ck_assert_int_eq(read_text(list, EVERYTHING), RC_INVALID);
    ck_assert_str_eq(err.code, "media_count");
}
END_TEST

START_TEST(a_copy_is_equal_and_each_difference_shows)
{
    static const char *const changes[] = {
        "{\"account_id\":\"8\"}",
        "{\"kind\":\"photo\"}",
        "{\"mode\":\"inbox\"}",
        "{\"media_ids\":[\"4\"]}",
        "{\"caption\":\"other\"}",
        "{\"title\":\"T\"}",
        "{\"allow_comment\":true}",
        "{\"privacy_level\":\"SELF_ONLY\"}",
        "{\"allow_duet\":true}",
        "{\"allow_stitch\":true}",
        "{\"is_aigc\":true}",
        "{\"auto_add_music\":true}",
        "{\"cover_ms\":1}",
        "{\"cover_index\":1}",
        "{\"disclose\":{\"your_brand\":true,\"branded_content\":false}}",
        "{\"disclose\":{\"your_brand\":false,\"branded_content\":true}}"};
    struct post_content copy;

    post_init(&copy);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        post_copy(&copy, &content);
        ck_assert(post_same_content(&copy, &content));
        ck_assert_int_eq(read_text(changes[i], EVERYTHING), RC_OK);
        ck_assert_msg(!post_same_content(&copy, &content), "%s", changes[i]);
        ck_assert_msg(post_same_time(&copy, &content), "%s", changes[i]);
    }
    post_copy(&copy, &content);
    ck_assert_int_eq(read_text("{\"timezone\":\"UTC\",\"consent\":{\"music_usage\":true,"
                               "\"branded_content\":true}}",
                               EVERYTHING),
                     RC_OK);
    ck_assert(post_same_content(&copy, &content));
    ck_assert(!post_same_time(&copy, &content));
    post_release(&copy);
}
END_TEST

START_TEST(the_lead_grows_with_the_file_within_limits)
{
    static const struct {
        enum post_kind kind;
        int64_t bytes, ms;
    } rows[] = {
        {POST_VIDEO, 0, 30000},           {POST_VIDEO, 1000000, 30300},
        {POST_VIDEO, 136314880, 70894},   {POST_VIDEO, INT64_C(4000000000), 1200000},
        {POST_VIDEO, INT64_MAX, 1200000}, {POST_PHOTO, INT64_C(4000000000), 2000}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_int_eq(post_lead_ms(rows[i].kind, rows[i].bytes), rows[i].ms);
}
END_TEST

START_TEST(the_lead_of_a_slow_link_is_longer)
{
    static const struct {
        enum post_kind kind;
        int64_t bytes, rate, ms;
    } rows[] = {{POST_VIDEO, 50000000, 5000000, 45000},
                {POST_VIDEO, 50000000, 500000, 180000},
                {POST_VIDEO, 50000000, 64000, 1200000},
                {POST_VIDEO, 390000000, 500000, 1200000},
                {POST_VIDEO, 389999999, 500000, 1199999},
                {POST_VIDEO, INT64_MAX, 1, 1200000},
                {POST_VIDEO, 0, 1, 30000},
                {POST_PHOTO, 50000000, 64000, 2000}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(post_lead_at(rows[i].kind, rows[i].bytes, rows[i].rate) ==
                          rows[i].ms,
                      "row %zu", i);
}
END_TEST

UNIT_MAIN_FIXTURE("domain_post", setup, teardown, the_lead_of_a_slow_link_is_longer,
                  every_member_is_read, what_is_absent_stays_as_it_was,
                  what_has_another_type_is_refused_by_name,
                  members_that_an_address_does_not_take_do_not_exist,
                  texts_and_lists_are_bounded, a_copy_is_equal_and_each_difference_shows,
                  the_lead_grows_with_the_file_within_limits)
