/* tiktok/posting: the bodies that open a session, and what their answers mean. */
#include "core/attr.h"
#include "tiktok/posting.h"
#include "unit.h"

#include <string.h>

static struct tiktok_answer answer(int status, const char *body)
{
    return (struct tiktok_answer){
        .http_status = status, .body = body, .len = strlen(body)};
}

START_TEST(a_direct_video_names_its_plan_and_every_toggle)
{
    struct tiktok_chunk_plan plan;
    struct tiktok_video_source source = {.plan = &plan};
    struct tiktok_video_post post = {.title = "Harvest \"day\" #farm \xf0\x9f\x8c\xbe\n",
                                     .privacy_level = "SELF_ONLY",
                                     .disable_duet = true,
                                     .disable_stitch = true,
                                     .cover_ms = 1500};
    struct strbuf body;
    struct err err;

    ck_assert_int_eq(tiktok_chunk_plan(70000000, &plan, &err), RC_OK);
    strbuf_init(&body, 16384);
    tiktok_video_init_body(&post, &source, &body);
    ck_assert_str_eq(
        body.buf,
        "{\"post_info\":{\"title\":\"Harvest \\\"day\\\" #farm \xf0\x9f\x8c\xbe\\n\","
        "\"privacy_level\":\"SELF_ONLY\",\"disable_comment\":false,\"disable_duet\":true,"
        "\"disable_stitch\":true,\"video_cover_timestamp_ms\":1500,"
        "\"brand_content_toggle\":false,\"brand_organic_toggle\":false,\"is_aigc\":false}"
        ","
        "\"source_info\":{\"source\":\"FILE_UPLOAD\",\"video_size\":70000000,"
        "\"chunk_size\":10000000,\"total_chunk_count\":7}}");
    strbuf_release(&body);
}
END_TEST

START_TEST(a_video_without_text_or_cover_leaves_them_out)
{
    struct tiktok_video_source source = {.url = "https://media.example/m/1.mp4"};
    struct tiktok_video_post post = {.title = "",
                                     .privacy_level = "PUBLIC_TO_EVERYONE",
                                     .brand_content = true,
                                     .brand_organic = true,
                                     .is_aigc = true,
                                     .disable_comment = true,
                                     .cover_ms = -1};
    struct strbuf body;

    strbuf_init(&body, 16384);
    tiktok_video_init_body(&post, &source, &body);
    ck_assert_str_eq(
        body.buf,
        "{\"post_info\":{\"privacy_level\":\"PUBLIC_TO_EVERYONE\",\"disable_comment\":"
        "true,"
        "\"disable_duet\":false,\"disable_stitch\":false,\"brand_content_toggle\":true,"
        "\"brand_organic_toggle\":true,\"is_aigc\":true},\"source_info\":{\"source\":"
        "\"PULL_FROM_URL\",\"video_url\":\"https://media.example/m/1.mp4\"}}");
    strbuf_release(&body);
}
END_TEST

START_TEST(a_draft_names_its_source_only)
{
    struct tiktok_chunk_plan plan;
    struct tiktok_video_source source = {.plan = &plan};
    struct strbuf body;
    struct err err;

    ck_assert_int_eq(tiktok_chunk_plan(4000000000, &plan, &err), RC_OK);
    strbuf_init(&body, 4096);
    tiktok_inbox_init_body(&source, &body);
    ck_assert_str_eq(body.buf,
                     "{\"source_info\":{\"source\":\"FILE_UPLOAD\",\"video_size\":"
                     "4000000000,\"chunk_size\":10000000,"
                     "\"total_chunk_count\":400}}");
    strbuf_release(&body);
}
END_TEST

START_TEST(photos_go_direct_or_to_the_inbox)
{
    static const char *const urls[] = {"https://m.example/1.jpg",
                                       "https://m.example/2.webp"};
    struct tiktok_photo_post post = {.direct = true,
                                     .title = "Autumn",
                                     .description = "Leaves #autumn",
                                     .privacy_level = "PUBLIC_TO_EVERYONE",
                                     .auto_add_music = true,
                                     .urls = urls,
                                     .url_count = 2,
                                     .cover_index = 1};
    struct strbuf body;

    strbuf_init(&body, 4096);
    tiktok_photo_init_body(&post, &body);
    ck_assert_str_eq(
        body.buf,
        "{\"post_info\":{\"title\":\"Autumn\",\"description\":\"Leaves #autumn\","
        "\"privacy_level\":\"PUBLIC_TO_EVERYONE\",\"disable_comment\":false,"
        "\"auto_add_music\":true,\"brand_content_toggle\":false,"
        "\"brand_organic_toggle\":false},\"source_info\":{\"source\":\"PULL_FROM_URL\","
        "\"photo_cover_index\":1,\"photo_images\":[\"https://m.example/1.jpg\","
        "\"https://m.example/2.webp\"]},\"post_mode\":\"DIRECT_POST\","
        "\"media_type\":\"PHOTO\"}");
    strbuf_reset(&body);
    post = (struct tiktok_photo_post){.urls = urls, .url_count = 1};
    tiktok_photo_init_body(&post, &body);
    ck_assert_str_eq(
        body.buf,
        "{\"post_info\":{},\"source_info\":{\"source\":\"PULL_FROM_URL\","
        "\"photo_cover_index\":0,\"photo_images\":[\"https://m.example/1.jpg\"]},"
        "\"post_mode\":\"MEDIA_UPLOAD\",\"media_type\":\"PHOTO\"}");
    strbuf_release(&body);
}
END_TEST

START_TEST(a_session_is_read_and_must_be_whole)
{
    static const struct {
        bool upload;
        const char *body;
        enum rc rc;
        const char *id, *url;
    } cases[] = {
        {true,
         "{\"data\":{\"publish_id\":\"v_pub_file~v2-1.7700000000000000101\",\"upload_"
         "url\":"
         "\"https://open-upload-va.tiktokapis.com/upload?upload_id=77\"},"
         "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}",
         RC_OK, "v_pub_file~v2-1.7700000000000000101",
         "https://open-upload-va.tiktokapis.com/upload?upload_id=77"},
        {false,
         "{\"data\":{\"publish_id\":\"v_pub_url~v2-1.77\"},\"error\":{\"code\":\"ok\"}}",
         RC_OK, "v_pub_url~v2-1.77", ""},
        {false,
         "{\"data\":{\"publish_id\":\"v\",\"upload_url\":\"u\"},\"error\":{\"code\":"
         "\"ok\"}}",
         RC_OK, "v", ""},
        /* a number with too many digits for int64 is still an id */
        {false,
         "{\"data\":{\"publish_id\":77000000000000000000000000},\"error\":{\"code\":"
         "\"ok\"}}",
         RC_OK, "77000000000000000000000000", ""},
        {true, "{\"data\":{\"publish_id\":\"v\"},\"error\":{\"code\":\"ok\"}}",
         RC_UNCERTAIN, NULL, NULL},
        {true, "{\"data\":{\"upload_url\":\"u\"},\"error\":{\"code\":\"ok\"}}",
         RC_UNCERTAIN, NULL, NULL},
        {false, "{\"data\":{},\"error\":{\"code\":\"ok\"}}", RC_UNCERTAIN, NULL, NULL},
        {false, "{\"data\":[],\"error\":{\"code\":\"ok\"}}", RC_UNCERTAIN, NULL, NULL},
        {false, "{\"error\":{\"code\":\"ok\"}}", RC_UNCERTAIN, NULL, NULL},
        {false, "{\"data\":{\"publish_id\":\"a b\"},\"error\":{\"code\":\"ok\"}}",
         RC_UNCERTAIN, NULL, NULL},
        {false, "{\"data\":{\"publish_id\":\"a\\u00e9\"},\"error\":{\"code\":\"ok\"}}",
         RC_UNCERTAIN, NULL, NULL},
        {false, "{\"data\":{\"publish_id\":\"v\"}}", RC_UNCERTAIN, NULL, NULL},
        {false, "", RC_UNCERTAIN, NULL, NULL},
        {false, "<!doctype html>", RC_UNCERTAIN, NULL, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_answer a = answer(200, cases[i].body);
        struct tiktok_session s = {.publish_id = "untouched"};
        struct tiktok_reply reply;
        struct err err;
        enum rc rc = tiktok_init_parse(&a, cases[i].upload, &reply, &s, &err);

        ck_assert_msg(rc == cases[i].rc, "case %zu: %s", i, rc_name(rc));
        ck_assert_msg(reply.definite == (rc == RC_OK), "case %zu", i);
        ck_assert_str_eq(s.publish_id, rc == RC_OK ? cases[i].id : "untouched");
        if (rc == RC_OK)
            ck_assert_str_eq(s.upload_url, cases[i].url);
    }
}
END_TEST

START_TEST(only_a_definite_refusal_of_an_init_says_that_nothing_happened)
{
    static const struct {
        int status;
        const char *body;
        enum rc rc;
        const char *reason;
        bool definite;
    } cases[] = {
        {400,
         "{\"error\":{\"code\":\"invalid_params\",\"message\":\"The chunk size is "
         "invalid\"}}",
         RC_REJECTED, "post_refused", true},
        {400, "{\"data\":{},\"error\":{\"code\":\"invalid_param\"}}", RC_REJECTED,
         "post_refused", true},
        {401, "{\"data\":{},\"error\":{\"code\":\"access_token_invalid\"}}", RC_DENIED,
         "reconnect", true},
        {403, "{\"error\":{\"code\":\"reached_active_user_cap\"}}", RC_LIMITED,
         "app_user_cap", true},
        {400, "{\"error\":{\"code\":\"spam_risk_too_many_pending_share\"}}", RC_LIMITED,
         "inbox_full", true},
        {403, "{\"error\":{\"code\":\"spam_risk_too_many_pending_share\"}}", RC_LIMITED,
         "inbox_full", true},
        {200, "{\"data\":{},\"error\":{\"code\":\"spam_risk_too_many_posts\"}}",
         RC_LIMITED, "daily_post_limit", true},
        {429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", RC_LIMITED,
         "tiktok_rate_limited", true},
        {429, "slow down", RC_LIMITED, "tiktok_rate_limited", true},
        {404, "Unsupported path(Janus)", RC_REJECTED, "tiktok_refused", true},
        {302, "", RC_REJECTED, "tiktok_address_wrong", true},
        {500, "{\"error\":{\"code\":\"internal_error\"}}", RC_UNCERTAIN,
         "tiktok_unavailable", false},
        {200, "{\"error\":{\"code\":\"internal_error\"}}", RC_UNCERTAIN,
         "tiktok_unavailable", false},
        {502, "<html>bad gateway</html>", RC_UNCERTAIN, "tiktok_unavailable", false},
        {500, "{\"error\":{\"code\":\"ok\"},\"data\":{\"publish_id\":\"v\"}}",
         RC_UNCERTAIN, "tiktok_unavailable", false},
        {408, "", RC_UNCERTAIN, "tiktok_unavailable", false},
        {0, "", RC_UNCERTAIN, "tiktok_unreadable", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_answer a = answer(cases[i].status, cases[i].body);
        struct tiktok_session s;
        struct tiktok_reply reply;
        struct err err;
        enum rc rc = tiktok_init_parse(&a, true, &reply, &s, &err);

        ck_assert_msg(rc == cases[i].rc, "case %zu: %s", i, rc_name(rc));
        ck_assert_str_eq(err.code, cases[i].reason);
        ck_assert_msg(reply.definite == cases[i].definite, "case %zu", i);
    }
}
END_TEST

START_TEST(a_wait_asked_for_is_never_shortened)
{
    struct tiktok_answer a =
        answer(429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}");
    struct tiktok_session s;
    struct tiktok_reply reply;
    struct err err;

    ck_assert_int_eq(tiktok_init_parse(&a, true, &reply, &s, &err), RC_LIMITED);
    ck_assert_int_eq(err.retry_after_ms, 60000);
    a.retry_after_ms = 5000;
    ck_assert_int_eq(tiktok_init_parse(&a, true, &reply, &s, &err), RC_LIMITED);
    ck_assert_int_eq(err.retry_after_ms, 60000);
    a.retry_after_ms = 90000;
    ck_assert_int_eq(tiktok_init_parse(&a, true, &reply, &s, &err), RC_LIMITED);
    ck_assert_int_eq(err.retry_after_ms, 90000);
}
END_TEST

START_TEST(what_is_kept_of_a_refusal_is_fit_for_a_log)
{
    struct tiktok_answer a = answer(
        400, "{\"error\":{\"code\":\"bad\\ncode=1\",\"message\":\"two\\nlines\\u0007\","
             "\"logid\":\"20261009 1215\"}}");
    struct tiktok_session s;
    struct tiktok_reply reply;
    struct err err;

    ck_assert_int_eq(tiktok_init_parse(&a, true, &reply, &s, &err), RC_REJECTED);
    ck_assert_str_eq(reply.code, "bad?code?1");
    ck_assert_str_eq(reply.message, "two lines ");
    ck_assert_str_eq(reply.log_id, "20261009?1215");
    ck_assert_int_eq(reply.http_status, 400);
}
END_TEST

START_TEST(an_answer_that_is_too_long_is_not_read)
{
    static char body[TIKTOK_ANSWER_MAX + 1];
    static const char begin[] =
        "{\"data\":{\"publish_id\":\"v\"},\"error\":{\"code\":\"ok\"}}";
    struct tiktok_answer a = {.http_status = 200, .body = body};
    struct tiktok_session s;
    struct tiktok_reply reply;
    struct err err;

    (void)memset(body, ' ', sizeof(body));
    (void)memcpy(body, begin, sizeof(begin) - 1);
    a.len = TIKTOK_ANSWER_MAX;
    ck_assert_int_eq(tiktok_init_parse(&a, false, &reply, &s, &err), RC_OK);
    a.len = TIKTOK_ANSWER_MAX + 1;
    ck_assert_int_eq(tiktok_init_parse(&a, false, &reply, &s, &err), RC_UNCERTAIN);
}
END_TEST

START_TEST(a_cancellation_needs_no_data)
{
    struct tiktok_answer a =
        answer(200, "{\"error\":{\"code\":\"ok\",\"message\":\"\"}}");
    struct tiktok_reply reply;
    struct strbuf body;
    struct err err;

    ck_assert_int_eq(tiktok_cancel_parse(&a, &reply, &err), RC_OK);
    a = answer(400, "{\"error\":{\"code\":\"publish_not_cancellable\"}}");
    ck_assert_int_eq(tiktok_cancel_parse(&a, &reply, &err), RC_REJECTED);
    ck_assert_str_eq(err.code, "not_cancellable");
    strbuf_init(&body, 256);
    tiktok_publish_id_body("v_pub_url~v2-1.77", &body);
    ck_assert_str_eq(body.buf, "{\"publish_id\":\"v_pub_url~v2-1.77\"}");
    strbuf_release(&body);
}
END_TEST

START_TEST(a_session_that_tiktok_fetches_for_is_known_by_its_form)
{
    ck_assert(tiktok_publish_id_is_fetched("v_pub_url~v2-1.7600000000000000001"));
    ck_assert(tiktok_publish_id_is_fetched("v_inbox_url~v2.7600000000000000001"));
    ck_assert(tiktok_publish_id_is_fetched("p_pub_url~v2.7600000000000000001"));
    ck_assert(!tiktok_publish_id_is_fetched("v_pub_file~v2-1.7600000000000000001"));
    ck_assert(!tiktok_publish_id_is_fetched("v_inbox_file~v2.7600000000000000001"));
    ck_assert(!tiktok_publish_id_is_fetched("7600000000000000001"));
    ck_assert(!tiktok_publish_id_is_fetched(""));
}
END_TEST

START_TEST(a_post_has_an_address_when_enough_is_known)
{
    static const struct {
        const char *username, *id;
        bool photo;
        const char *url;
    } cases[] = {
        {"ann.example", "7700", false, "https://www.tiktok.com/@ann.example/video/7700"},
        {"ann.example", "7700", true, "https://www.tiktok.com/@ann.example/photo/7700"},
        {"ann.example", "", false, "https://www.tiktok.com/@ann.example"},
        {"a/b", "", false, "https://www.tiktok.com/@a%2Fb"},
        {"", "7700", false, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct strbuf url;

        strbuf_init(&url, 512);
        tiktok_post_url(cases[i].username, cases[i].id, cases[i].photo, &url);
        ck_assert_str_eq(url.buf, cases[i].url);
        strbuf_release(&url);
    }
}
END_TEST

UNIT_MAIN("tiktok_posting", a_direct_video_names_its_plan_and_every_toggle,
          a_video_without_text_or_cover_leaves_them_out, a_draft_names_its_source_only,
          photos_go_direct_or_to_the_inbox, a_session_is_read_and_must_be_whole,
          only_a_definite_refusal_of_an_init_says_that_nothing_happened,
          a_wait_asked_for_is_never_shortened, what_is_kept_of_a_refusal_is_fit_for_a_log,
          an_answer_that_is_too_long_is_not_read, a_cancellation_needs_no_data,
          a_session_that_tiktok_fetches_for_is_known_by_its_form,
          a_post_has_an_address_when_enough_is_known)
