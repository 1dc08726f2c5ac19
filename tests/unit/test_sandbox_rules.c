/* sandbox/rules: chunk plans, ranges, scopes, audiences and states, as TikTok's are. */
#include "sandbox/rules.h"
#include "unit.h"

#include <string.h>

#define SIZE_BAD  "The video size is invalid"
#define CHUNK_BAD "The chunk size is invalid"
#define COUNT_BAD "The total chunk count is invalid"

START_TEST(a_chunk_plan_is_judged_as_tiktok_was_seen_to)
{
    static const struct {
        int64_t size, chunk_size, count;
        const char *problem;
    } rows[] = {
        /* what the recommended planner makes */
        {1, 1, 1, NULL},
        {4999999, 4999999, 1, NULL},
        {10000001, 10000001, 1, NULL},
        {64000000, 64000000, 1, NULL},
        {64000001, 10000000, 6, NULL},
        {66259900, 10000000, 6, NULL},
        {70000000, 10000000, 7, NULL},
        {128000001, 10000000, 12, NULL},
        {158008374, 10000000, 15, NULL},
        {4000000000, 10000000, 400, NULL},
        /* other plans that were accepted live */
        {158008374, 5242880, 30, NULL},
        {9652098, 9652098, 1, NULL},
        {50000123, 10000000, 5, NULL},
        /* both readings of MB are right at the borders */
        {5000000, 5000000, 1, NULL},
        {5242880, 5242880, 1, NULL},
        {67108864, 67108864, 1, NULL},
        {134217727, 67108864, 1, CHUNK_BAD},
        {20000000, 5000000, 4, NULL},
        {20000000, 4999999, 4, CHUNK_BAD},
        /* the count is the floor, never the ceiling */
        {121000000, 10000000, 13, COUNT_BAD},
        {121000000, 10000000, 11, COUNT_BAD},
        {70000001, 10000000, 8, COUNT_BAD},
        {10000000, 10000000, 0, COUNT_BAD},
        {10000000, 10000000, -1, COUNT_BAD},
        {1000, 5000000, 0, COUNT_BAD},
        /* a single chunk is the whole file */
        {121000000, 64000000, 1, CHUNK_BAD},
        {10000000, 64000000, 1, CHUNK_BAD},
        {4999999, 5000000, 1, CHUNK_BAD},
        {67108865, 67108865, 1, CHUNK_BAD},
        {158008374, 158008374, 1, CHUNK_BAD},
        /* small chunks of large files */
        {10000000, 1048576, 9, CHUNK_BAD},
        {4999999, 1000000, 4, CHUNK_BAD},
        {10000000, 0, 1, CHUNK_BAD},
        {10000000, -5, 1, CHUNK_BAD},
        /* sizes */
        {0, 0, 0, SIZE_BAD},
        {-1, 10000000, 1, SIZE_BAD},
        {4294967296, 10000000, 429, NULL},
        {4294967297, 10000000, 429, SIZE_BAD},
        {INT64_MAX, 10000000, 1, SIZE_BAD},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct chunk_plan plan = {rows[i].size, rows[i].chunk_size, rows[i].count};
        const char *problem = chunk_plan_problem(&plan);
        const char *wanted = rows[i].problem != NULL ? rows[i].problem : "none";

        ck_assert_msg(strcmp(problem != NULL ? problem : "none", wanted) == 0,
                      "row %zu: %s", i, problem != NULL ? problem : "none");
    }
}
END_TEST

START_TEST(the_remainder_belongs_to_the_last_chunk)
{
    static const struct {
        int64_t size, chunk_size, count, first, number, last;
    } rows[] = {
        {1, 1, 1, 0, 0, 0},
        {64000001, 10000000, 6, 0, 0, 9999999},
        {64000001, 10000000, 6, 40000000, 4, 49999999},
        {64000001, 10000000, 6, 50000000, 5, 64000000},
        {70000000, 10000000, 7, 60000000, 6, 69999999},
        {158008374, 10000000, 15, 140000000, 14, 158008373},
        {50000123, 10000000, 5, 40000000, 4, 50000122},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct chunk_plan plan = {rows[i].size, rows[i].chunk_size, rows[i].count};

        ck_assert_msg(chunk_number(&plan, rows[i].first) == rows[i].number, "row %zu", i);
        ck_assert_msg(chunk_last_byte(&plan, rows[i].first) == rows[i].last, "row %zu",
                      i);
    }
}
END_TEST

START_TEST(a_content_range_has_one_form)
{
    static const char *const bad[] = {
        "",
        "bytes",
        "bytes ",
        "bytes 0-9",
        "bytes 0-9/",
        "bytes 0-9/*",
        "bytes */10",
        "bytes 0-10/10",
        "bytes 5-4/10",
        "bytes -1-4/10",
        "bytes 0-9/10 ",
        "bytes  0-9/10",
        "bytes 0 - 9/10",
        "bytes +0-9/10",
        "bytes=0-9/10",
        "octets 0-9/10",
        "Bytes 0-9/10",
        "bytes 0x0-9/10",
        "bytes 0-9/99999999999999999999",
        "bytes 0-9,10-11/20",
    };
    struct content_range r = {7, 7, 7};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!content_range_parse(bad[i], &r), "row %zu", i);
    ck_assert_int_eq(r.first, 7); /* untouched */
    ck_assert(content_range_parse("bytes 110000000-120999999/121000000", &r));
    ck_assert_int_eq(r.first, 110000000);
    ck_assert_int_eq(r.last, 120999999);
    ck_assert_int_eq(r.total, 121000000);
    ck_assert(content_range_parse("bytes 0-0/1", &r));
}
END_TEST

START_TEST(only_the_next_chunk_is_taken)
{
    static const struct chunk_plan plan = {25000000, 10000000, 2};
    static const struct {
        int64_t received;
        const char *type, *range;
        int64_t length;
        enum put_verdict verdict;
    } rows[] = {
        {0, "video/mp4", "bytes 0-9999999/25000000", 10000000, PUT_TAKE},
        {0, "video/quicktime", "bytes 0-9999999/25000000", 10000000, PUT_TAKE},
        {0, "video/webm", "bytes 0-9999999/25000000", 10000000, PUT_TAKE},
        {10000000, "video/mp4", "bytes 10000000-24999999/25000000", 15000000, PUT_TAKE},
        /* headers */
        {0, "video/avi", "bytes 0-9999999/25000000", 10000000, PUT_BAD},
        {0, "application/octet-stream", "bytes 0-9999999/25000000", 10000000, PUT_BAD},
        {0, NULL, "bytes 0-9999999/25000000", 10000000, PUT_BAD},
        {0, "video/mp4", NULL, 10000000, PUT_BAD},
        {0, "video/mp4", "bytes 0-9999999/*", 10000000, PUT_BAD},
        {0, "video/mp4", "bytes 0-9999999/25000001", 10000000, PUT_BAD},
        {0, "video/mp4", "bytes 0-9999999/25000000", 9999999, PUT_BAD},
        {0, "video/mp4", "bytes 0-9999999/25000000", 10000001, PUT_BAD},
        {0, "video/mp4", "bytes 0-9999999/25000000", -1, PUT_BAD},
        /* order */
        {0, "video/mp4", "bytes 10000000-24999999/25000000", 15000000, PUT_BEHIND},
        {10000000, "video/mp4", "bytes 0-9999999/25000000", 10000000, PUT_BEHIND},
        {25000000, "video/mp4", "bytes 10000000-24999999/25000000", 15000000, PUT_BEHIND},
        {0, "video/mp4", "bytes 1-9999999/25000000", 9999999, PUT_BEHIND},
        /* not what was declared */
        {0, "video/mp4", "bytes 0-4999999/25000000", 5000000, PUT_BAD},
        {0, "video/mp4", "bytes 0-24999999/25000000", 25000000, PUT_BAD},
        {10000000, "video/mp4", "bytes 10000000-19999999/25000000", 10000000, PUT_BAD},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct put_headers headers = {rows[i].type, rows[i].range, rows[i].length};
        struct content_range range;
        enum put_verdict v = put_judge(&plan, rows[i].received, &headers, &range);

        ck_assert_msg(v == rows[i].verdict, "row %zu: %d", i, (int)v);
        if (v == PUT_TAKE)
            ck_assert_int_eq(range.last - range.first + 1, rows[i].length);
    }
}
END_TEST

START_TEST(scopes_are_names_with_commas)
{
    static const struct {
        const char *text;
        unsigned scopes; /* 0: refused */
    } rows[] = {
        {"user.info.basic", SCOPE_USER_BASIC},
        {"user.info.basic,video.upload,video.publish",
         SCOPE_USER_BASIC | SCOPE_VIDEO_UPLOAD | SCOPE_VIDEO_PUBLISH},
        {"video.publish,user.info.basic", SCOPE_USER_BASIC | SCOPE_VIDEO_PUBLISH},
        {"video.list,video.list", SCOPE_VIDEO_LIST},
        {"", 0},
        {",", 0},
        {"video.publish,", 0},
        {",video.publish", 0},
        {"video.publish video.upload", 0},
        {"video.publish, video.upload", 0},
        {"video.publis", 0},
        {"video.publishx", 0},
        {"Video.Publish", 0},
        {"research.data.basic", 0},
    };
    struct strbuf sb;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned scopes = 0;

        ck_assert_msg(scopes_parse(rows[i].text, &scopes) == (rows[i].scopes != 0),
                      "row %zu", i);
        ck_assert_msg(scopes == rows[i].scopes, "row %zu: %u", i, scopes);
    }
    strbuf_init(&sb, 256);
    scopes_format(SCOPE_VIDEO_PUBLISH | SCOPE_USER_BASIC, &sb);
    ck_assert_str_eq(sb.buf, "user.info.basic,video.publish");
    strbuf_reset(&sb);
    scopes_format(0, &sb);
    ck_assert_str_eq(sb.buf, "");
    strbuf_release(&sb);
}
END_TEST

START_TEST(an_account_offers_its_audiences_and_no_other)
{
    ck_assert(privacy_offered(false, "PUBLIC_TO_EVERYONE"));
    ck_assert(!privacy_offered(false, "FOLLOWER_OF_CREATOR"));
    ck_assert(privacy_offered(true, "FOLLOWER_OF_CREATOR"));
    ck_assert(!privacy_offered(true, "PUBLIC_TO_EVERYONE"));
    for (int private = 0; private < 2; private ++) {
        ck_assert(privacy_offered(private != 0, "SELF_ONLY"));
        ck_assert(privacy_offered(private != 0, "MUTUAL_FOLLOW_FRIENDS"));
    }
    ck_assert(privacy_known("FOLLOWER_OF_CREATOR"));
    ck_assert(!privacy_known("") && !privacy_known("self_only"));
}
END_TEST

START_TEST(a_state_follows_from_times)
{
    static const struct publication_facts receiving = {.committed_ms = 0};
    static const struct publication_facts direct = {
        .committed_ms = 100, .ready_ms = 200, .posted_ms = 100};
    static const struct publication_facts draft = {
        .inbox = true, .committed_ms = 100, .ready_ms = 200};
    struct publication_facts f;

    ck_assert_int_eq(publication_state_at(&receiving, 1000), PUBLICATION_RECEIVING);
    ck_assert_int_eq(publication_state_at(&direct, 199), PUBLICATION_PROCESSING);
    ck_assert_int_eq(publication_state_at(&direct, 200), PUBLICATION_COMPLETE);
    ck_assert_int_eq(publication_state_at(&draft, 199), PUBLICATION_PROCESSING);
    ck_assert_int_eq(publication_state_at(&draft, 200), PUBLICATION_INBOX);
    f = draft;
    f.posted_ms = 300;
    ck_assert_int_eq(publication_state_at(&f, 300), PUBLICATION_COMPLETE);
    f = direct;
    f.stuck = true;
    ck_assert_int_eq(publication_state_at(&f, 1000000), PUBLICATION_PROCESSING);
    f = direct;
    f.fails = true;
    f.fail_ms = 200;
    ck_assert_int_eq(publication_state_at(&f, 199), PUBLICATION_PROCESSING);
    ck_assert_int_eq(publication_state_at(&f, 200), PUBLICATION_FAILED);
    f = receiving; /* canceled before its bytes were here */
    f.fails = true;
    f.fail_ms = 50;
    ck_assert_int_eq(publication_state_at(&f, 50), PUBLICATION_FAILED);
}
END_TEST

START_TEST(a_redirect_address_is_compared_letter_by_letter)
{
    static const char list[] = "https://a.example/cb,http://localhost:8080/cb";
    static const char *const bad[] = {"",
                                      "https://a.example/cb/",
                                      "https://a.example/c",
                                      "https://A.example/cb",
                                      "https://a.example/cb,http://localhost:8080/cb",
                                      "https://a.example/cb?x=1",
                                      "http://localhost:8080/cbx"};

    ck_assert(redirect_registered(list, "https://a.example/cb"));
    ck_assert(redirect_registered(list, "http://localhost:8080/cb"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!redirect_registered(list, bad[i]), "row %zu", i);
}
END_TEST

START_TEST(a_fail_reason_is_one_of_tiktoks)
{
    ck_assert(fail_reason_known("file_format_check_failed"));
    ck_assert(fail_reason_known("auth_removed"));
    ck_assert(!fail_reason_known("") && !fail_reason_known("bad_mood"));
}
END_TEST

UNIT_MAIN("sandbox_rules", a_chunk_plan_is_judged_as_tiktok_was_seen_to,
          the_remainder_belongs_to_the_last_chunk, a_content_range_has_one_form,
          only_the_next_chunk_is_taken, scopes_are_names_with_commas,
          an_account_offers_its_audiences_and_no_other, a_state_follows_from_times,
          a_redirect_address_is_compared_letter_by_letter,
          a_fail_reason_is_one_of_tiktoks)
