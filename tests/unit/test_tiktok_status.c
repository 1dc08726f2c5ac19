/* Questions: status, creator_info, user/info. */
#include "core/attr.h"
#include "tiktok/creator.h"
#include "tiktok/status.h"
#include "tiktok/user.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct tiktok_answer answer(int status, const char *body)
{
    return (struct tiktok_answer){
        .http_status = status, .body = body, .len = strlen(body)};
}

/* A successful answer with this data. */
static struct tiktok_answer with_data(char *body, size_t size, const char *data)
{
    (void)snprintf(
        body, size,
        "{\"data\":%s,\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}",
        data);
    return answer(200, body);
}

START_TEST(each_word_has_its_state_and_a_new_word_means_processing)
{
    static const struct {
        const char *word;
        enum tiktok_state state;
        bool known;
    } cases[] = {
        {"PROCESSING_UPLOAD", TIKTOK_PROCESSING, true},
        {"PROCESSING_DOWNLOAD", TIKTOK_PROCESSING, true},
        {"SEND_TO_USER_INBOX", TIKTOK_IN_INBOX, true},
        {"PUBLISH_COMPLETE", TIKTOK_PUBLISHED, true},
        {"FAILED", TIKTOK_FAILED, true},
        {"UNDER_REVIEW", TIKTOK_PROCESSING, false},
        {"failed", TIKTOK_PROCESSING, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char data[128];
        char body[512];
        struct tiktok_status s;
        struct tiktok_reply reply;
        struct tiktok_answer a;
        struct err err;

        (void)snprintf(data, sizeof(data), "{\"status\":\"%s\"}", cases[i].word);
        a = with_data(body, sizeof(body), data);
        ck_assert_int_eq(tiktok_status_parse(&a, &reply, &s, &err), RC_OK);
        ck_assert_msg(s.state == cases[i].state, "%s", cases[i].word);
        ck_assert_msg(s.known == cases[i].known, "%s", cases[i].word);
        ck_assert_str_eq(s.word, cases[i].word);
        ck_assert_int_eq(s.uploaded_bytes, -1);
        ck_assert_int_eq(s.downloaded_bytes, -1);
        ck_assert_str_eq(reply.log_id, "L");
    }
}
END_TEST

START_TEST(post_ids_are_exact_in_every_form_they_come_in)
{
    static const struct {
        const char *field, *ids; /* the ids joined by spaces */
    } cases[] = {
        {"", ""},
        {",\"publicaly_available_post_id\":null", ""},
        {",\"publicaly_available_post_id\":[]", ""},
        {",\"publicaly_available_post_id\":[7700000000000000201]", "7700000000000000201"},
        {",\"publicaly_available_post_id\":[\"7700000000000000201\"]",
         "7700000000000000201"},
        {",\"publicaly_available_post_id\":7700000000000000201", "7700000000000000201"},
        {",\"publicaly_available_post_id\":\"7700000000000000201\"",
         "7700000000000000201"},
        {",\"publicly_available_post_id\":[7700000000000000201]", "7700000000000000201"},
        {",\"publicaly_available_post_id\":[7700000000000000201,7700000000000000203]",
         "7700000000000000201 7700000000000000203"},
        {",\"publicaly_available_post_id\":[7700000000000000201],"
         "\"publicly_available_post_id\":[7700000000000000201]",
         "7700000000000000201"},
        /* beyond 2^53, 2^63 and 2^64 */
        {",\"publicaly_available_post_id\":[9007199254740993]", "9007199254740993"},
        {",\"publicaly_available_post_id\":[9223372036854775808]", "9223372036854775808"},
        {",\"publicaly_available_post_id\":[184467440737095516150]",
         "184467440737095516150"},
        {",\"publicaly_available_post_id\":[1,22,333]", "1 22 333"},
        /* what is no id */
        {",\"publicaly_available_post_id\":[0,-5,1.5,true,null,{},[],\"\",\"x\",\"12 \"]",
         ""},
        {",\"publicaly_available_post_id\":[-7700000000000000201]", ""},
        {",\"publicaly_available_post_id\":[1234567890123456789012345]", ""},
        {",\"publicaly_available_post_id\":[1,2,3,4,5,6,7,8,9,10]", "1 2 3 4 5 6 7 8"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char data[512];
        char body[1024];
        char got[512] = "";
        struct tiktok_status s;
        struct tiktok_reply reply;
        struct tiktok_answer a;
        struct err err;

        (void)snprintf(data, sizeof(data), "{\"status\":\"PUBLISH_COMPLETE\"%s}",
                       cases[i].field);
        a = with_data(body, sizeof(body), data);
        ck_assert_msg(tiktok_status_parse(&a, &reply, &s, &err) == RC_OK, "case %zu", i);
        for (size_t n = 0; n < s.post_id_count; n++)
            (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
                           n > 0 ? " " : "", s.post_id[n]);
        ck_assert_msg(strcmp(got, cases[i].ids) == 0, "case %zu: %s", i, got);
    }
}
END_TEST

START_TEST(a_failed_post_names_its_reason)
{
    struct tiktok_answer a = answer(
        200,
        "{\"data\":{\"fail_reason\":\"frame_rate_check_failed\",\"status\":\"FAILED\"},"
        "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}");
    struct tiktok_status s;
    struct tiktok_reply reply;
    struct err err;

    ck_assert_int_eq(tiktok_status_parse(&a, &reply, &s, &err), RC_OK);
    ck_assert_int_eq(s.state, TIKTOK_FAILED);
    ck_assert_str_eq(s.fail_reason, "frame_rate_check_failed");
    ck_assert_str_eq(s.failure->reason, "media_frame_rate");

    a = answer(200, "{\"data\":{\"status\":\"FAILED\"},\"error\":{\"code\":\"ok\"}}");
    ck_assert_int_eq(tiktok_status_parse(&a, &reply, &s, &err), RC_OK);
    ck_assert_str_eq(s.failure->reason, "tiktok_failed");

    a = answer(200, "{\"data\":{\"status\":\"PROCESSING_UPLOAD\",\"fail_reason\":\"\","
                    "\"uploaded_bytes\":\"121000000\",\"downloaded_bytes\":5},"
                    "\"error\":{\"code\":\"ok\"}}");
    ck_assert_int_eq(tiktok_status_parse(&a, &reply, &s, &err), RC_OK);
    ck_assert_ptr_null(s.failure);
    ck_assert_int_eq(s.uploaded_bytes, 121000000);
    ck_assert_int_eq(s.downloaded_bytes, 5);
}
END_TEST

START_TEST(a_status_without_a_word_says_nothing)
{
    static const char *const bodies[] = {
        "{\"data\":{},\"error\":{\"code\":\"ok\"}}",
        "{\"data\":{\"status\":\"\"},\"error\":{\"code\":\"ok\"}}",
        "{\"data\":{\"status\":{}},\"error\":{\"code\":\"ok\"}}",
        "{\"data\":[],\"error\":{\"code\":\"ok\"}}",
        "{\"error\":{\"code\":\"ok\"}}",
        "{\"data\":{\"status\":\"FAILED\"}}",
        "{\"data\":{\"status\":\"FAILED\"},\"error\":{}}",
        "{\"data\":{\"status\":\"FAILED\"},\"error\":7}",
        "{\"data\":{\"status\":\"FAILED\"},\"error\":{\"code\":\"ok\"}",
        "null",
        "",
    };

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct tiktok_answer a = answer(200, bodies[i]);
        struct tiktok_status s;
        struct tiktok_reply reply;
        struct err err;
        enum rc rc = tiktok_status_parse(&a, &reply, &s, &err);

        /* "error":7 is a code nobody knows: a refusal */
        ck_assert_msg(rc == (i == 7 ? RC_REJECTED : RC_UNAVAILABLE), "case %zu: %s", i,
                      rc_name(rc));
    }
}
END_TEST

START_TEST(a_creator_is_read_with_everything_tiktok_allows_it)
{
    struct tiktok_answer a = answer(
        200, "{\"data\":{\"creator_avatar_url\":\"https://p16.tiktokcdn.com/x\","
             "\"creator_username\":\"ann.example\",\"creator_nickname\":\"Ann \\u2603\","
             "\"privacy_level_options\":[\"PUBLIC_TO_EVERYONE\",\"NEW_LEVEL\",7,"
             "\"SELF_ONLY\"],\"comment_disabled\":false,\"duet_disabled\":\"true\","
             "\"stitch_disabled\":1,\"max_video_post_duration_sec\":600},"
             "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}");
    struct tiktok_creator c;
    struct tiktok_reply reply;
    struct strbuf json;
    struct err err;

    ck_assert_int_eq(tiktok_creator_parse(&a, &reply, &c, &err), RC_OK);
    ck_assert_uint_eq(c.privacy_count, 3);
    ck_assert(tiktok_creator_allows(&c, TIKTOK_PRIVACY_SELF));
    ck_assert(tiktok_creator_allows(&c, "NEW_LEVEL"));
    ck_assert(!tiktok_creator_allows(&c, TIKTOK_PRIVACY_FRIENDS));
    strbuf_init(&json, 4096);
    tiktok_creator_write(&c, &json);
    ck_assert_str_eq(
        json.buf,
        "{\"username\":\"ann.example\",\"nickname\":\"Ann \xe2\x98\x83\","
        "\"avatar_url\":\"https://p16.tiktokcdn.com/x\",\"privacy_level_options\":["
        "\"PUBLIC_TO_EVERYONE\",\"NEW_LEVEL\",\"SELF_ONLY\"],\"comment_disabled\":false,"
        "\"duet_disabled\":true,\"stitch_disabled\":true,"
        "\"max_video_post_duration_sec\":600}");
    strbuf_release(&json);
}
END_TEST

START_TEST(a_creator_with_gaps_is_read_and_one_without_audiences_is_not)
{
    struct tiktok_answer a =
        answer(200, "{\"data\":{\"privacy_level_options\":[\"SELF_ONLY\"],"
                    "\"creator_avatar_url\":\"javascript:x\","
                    "\"duet_disabled\":\"false\",\"stitch_disabled\":null},"
                    "\"error\":{\"code\":\"ok\"}}");
    struct tiktok_creator c;
    struct tiktok_reply reply;
    struct strbuf json;
    struct err err;

    ck_assert_int_eq(tiktok_creator_parse(&a, &reply, &c, &err), RC_OK);
    strbuf_init(&json, 4096);
    tiktok_creator_write(&c, &json);
    ck_assert_str_eq(
        json.buf, "{\"username\":\"\",\"nickname\":\"\",\"avatar_url\":\"\","
                  "\"privacy_level_options\":[\"SELF_ONLY\"],\"comment_disabled\":false,"
                  "\"duet_disabled\":false,\"stitch_disabled\":false,"
                  "\"max_video_post_duration_sec\":null}");
    strbuf_release(&json);
    a = answer(200,
               "{\"data\":{\"privacy_level_options\":[]},\"error\":{\"code\":\"ok\"}}");
    ck_assert_int_eq(tiktok_creator_parse(&a, &reply, &c, &err), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "tiktok_unreadable");
}
END_TEST

START_TEST(a_creator_who_cannot_post_is_refused_within_http_200)
{
    static const struct {
        const char *code, *reason;
        enum rc rc;
    } cases[] = {
        {"spam_risk_too_many_posts", "daily_post_limit", RC_LIMITED},
        {"spam_risk_user_banned_from_posting", "account_banned", RC_REJECTED},
        {"reached_active_user_cap", "app_user_cap", RC_LIMITED},
        {"spam_risk_invented_tomorrow", "tiktok_refused", RC_REJECTED},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        /* TikTok may send full data along with the refusal */
        static const char *const datas[] = {
            "{}", "{\"privacy_level_options\":[\"PUBLIC_TO_EVERYONE\"]}", "[]"};

        for (size_t d = 0; d < ARRAY_LEN(datas); d++) {
            char body[256];
            struct tiktok_creator c;
            struct tiktok_reply reply;
            struct tiktok_answer a;
            struct err err;

            (void)snprintf(body, sizeof(body),
                           "{\"data\":%s,\"error\":{\"code\":\"%s\"}}", datas[d],
                           cases[i].code);
            a = answer(200, body);
            ck_assert_int_eq(tiktok_creator_parse(&a, &reply, &c, &err), cases[i].rc);
            ck_assert_str_eq(err.code, cases[i].reason);
            ck_assert_str_eq(reply.code, cases[i].code);
            ck_assert(reply.definite);
        }
    }
}
END_TEST

START_TEST(a_question_that_gets_no_sensible_answer_can_be_asked_again)
{
    static const struct {
        int status;
        const char *body;
        enum rc rc;
    } cases[] = {
        {500, "", RC_UNAVAILABLE},
        {502, "<html>", RC_UNAVAILABLE},
        {200, "<html>", RC_UNAVAILABLE},
        {500, "{\"error\":{\"code\":\"internal_error\"}}", RC_UNAVAILABLE},
        {429, "", RC_LIMITED},
        {401, "", RC_DENIED},
        {401, "{\"data\":{},\"error\":{\"code\":\"scope_not_authorized\"}}", RC_DENIED},
        {404, "Unsupported path(Janus)", RC_REJECTED},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_answer a = answer(cases[i].status, cases[i].body);
        struct tiktok_creator c;
        struct tiktok_reply reply;
        struct err err;

        ck_assert_msg(tiktok_creator_parse(&a, &reply, &c, &err) == cases[i].rc,
                      "case %zu", i);
    }
}
END_TEST

START_TEST(only_fields_that_the_scopes_cover_are_asked_for)
{
    static const struct {
        const char *scopes, *path;
    } cases[] = {
        {"user.info.basic",
         "/v2/user/info/?fields=open_id,union_id,display_name,avatar_url"},
        {"user.info.basic,user.info.profile",
         "/v2/user/info/?fields=open_id,union_id,display_name,avatar_url,username,"
         "is_verified,profile_deep_link"},
        {"user.info.stats,video.publish",
         "/v2/user/info/?fields=open_id,union_id,display_name,avatar_url,follower_count,"
         "following_count,likes_count,video_count"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct strbuf path;

        strbuf_init(&path, 512);
        tiktok_user_path(cases[i].scopes, &path);
        ck_assert_str_eq(path.buf, cases[i].path);
        strbuf_release(&path);
    }
}
END_TEST

START_TEST(a_user_is_read_and_long_names_are_cut_on_a_character)
{
    char body[2048];
    char name[600] = "";
    struct tiktok_user u;
    struct tiktok_reply reply;
    struct tiktok_answer a;
    struct err err;

    for (int i = 0; i < 150; i++)
        (void)memcpy(name + 3 * i, "\xe2\x98\x83", 4); /* 450 bytes of snowmen */
    (void)snprintf(body, sizeof(body),
                   "{\"data\":{\"user\":{\"open_id\":\"-000abc\",\"display_name\":\"%s\","
                   "\"avatar_url\":\"https://p16/x\",\"is_verified\":true,"
                   "\"follower_count\":12,\"video_count\":\"7\"}},"
                   "\"error\":{\"code\":\"ok\"}}",
                   name);
    a = answer(200, body);
    ck_assert_int_eq(tiktok_user_parse(&a, &reply, &u, &err), RC_OK);
    ck_assert_str_eq(u.open_id, "-000abc");
    ck_assert_uint_eq(strlen(u.display_name), 255); /* 85 whole characters */
    ck_assert_int_eq(u.followers, 12);
    ck_assert_int_eq(u.videos, 7);
    ck_assert_int_eq(u.likes, -1);
    ck_assert(u.is_verified);
    ck_assert_str_eq(u.union_id, "");

    a = answer(200, "{\"data\":{\"user\":[]},\"error\":{\"code\":\"ok\"}}");
    ck_assert_int_eq(tiktok_user_parse(&a, &reply, &u, &err), RC_UNAVAILABLE);
    a = answer(400, "{\"error\":{\"code\":\"scope_permission_missed\"}}");
    ck_assert_int_eq(tiktok_user_parse(&a, &reply, &u, &err), RC_DENIED);
    ck_assert_str_eq(err.code, "scope_missing");
}
END_TEST

START_TEST(the_log_id_is_kept_also_when_only_the_header_has_it)
{
    static const struct {
        const char *header, *body, *log_id;
    } cases[] = {
        {"HEADER", "<html>502</html>", "HEADER"},
        {"HEADER", "", "HEADER"},
        {"HEADER", "{\"error\":{\"code\":\"internal_error\"}}", "HEADER"},
        {"HEADER", "{\"error\":{\"code\":\"x\",\"log_id\":\"BODY\"}}", "BODY"},
        {"HEADER", "{\"error\":{\"code\":\"x\",\"logid\":\"BODY\"}}", "BODY"},
        {"HEADER", "{\"error\":\"server_error\",\"log_id\":\"\"}", "HEADER"},
        {"BAD VALUE", "", "BAD?VALUE"},
        {NULL, "", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_answer a = answer(502, cases[i].body);
        struct tiktok_status s;
        struct tiktok_reply reply;
        struct err err;

        a.log_id = cases[i].header;
        ck_assert_int_ne(tiktok_status_parse(&a, &reply, &s, &err), RC_OK);
        ck_assert_msg(strcmp(reply.log_id, cases[i].log_id) == 0, "case %zu: %s", i,
                      reply.log_id);
    }
}
END_TEST

UNIT_MAIN("tiktok_status", each_word_has_its_state_and_a_new_word_means_processing,
          post_ids_are_exact_in_every_form_they_come_in, a_failed_post_names_its_reason,
          a_status_without_a_word_says_nothing,
          a_creator_is_read_with_everything_tiktok_allows_it,
          a_creator_with_gaps_is_read_and_one_without_audiences_is_not,
          a_creator_who_cannot_post_is_refused_within_http_200,
          a_question_that_gets_no_sensible_answer_can_be_asked_again,
          only_fields_that_the_scopes_cover_are_asked_for,
          a_user_is_read_and_long_names_are_cut_on_a_character,
          the_log_id_is_kept_also_when_only_the_header_has_it)
