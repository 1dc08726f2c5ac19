/* limit, notice: how long a refusal holds an account up, and what people are told. */
#include "domain/limit.h"
#include "domain/notice.h"
#include "unit.h"

#include <string.h>

#define NOW  1800000000000LL
#define HOUR 3600000LL

START_TEST(pauses_double_from_a_quarter_hour_to_six_hours)
{
    static const int64_t minutes[] = {15, 30, 60, 120, 240, 360, 360};
    struct limit_refusal r = {.now_ms = NOW};

    for (size_t i = 0; i < ARRAY_LEN(minutes); i++) {
        struct limit_pause p = limit_pause_of(&r);

        ck_assert_int_eq(p.until_ms - r.now_ms, minutes[i] * 60000);
        ck_assert_uint_eq(p.pauses, i + 1);
        ck_assert_uint_eq(p.cap, 0);
        r.pauses = p.pauses;
        r.paused_ms = r.now_ms;
        r.now_ms = p.until_ms;
    }
    r.now_ms = r.paused_ms + LIMIT_PAUSE_ROW_MS; /* a day later it is a new beginning */
    ck_assert_int_eq(limit_pause_of(&r).until_ms - r.now_ms, LIMIT_PAUSE_MIN_MS);
}
END_TEST

START_TEST(a_day_that_is_ours_says_when_its_window_opens)
{
    static const struct {
        unsigned n;
        int64_t oldest_ago, wait_ms;
        unsigned cap;
    } rows[] = {
        {15, 20 * HOUR, 4 * HOUR + LIMIT_MARGIN_MS, 15},
        {LIMIT_LEARN_MIN, HOUR, 23 * HOUR + LIMIT_MARGIN_MS, LIMIT_LEARN_MIN},
        {LIMIT_LEARN_MIN - 1, HOUR, LIMIT_PAUSE_MIN_MS, 0}, /* another app's posts */
        {0, 0, LIMIT_PAUSE_MIN_MS, 0},
        {9, 0, LIMIT_PAUSE_MIN_MS, 0}, /* all about to go out: nothing known of them */
        {9, 25 * HOUR, LIMIT_PAUSE_MIN_MS, 9},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct limit_refusal r = {
            .now_ms = NOW,
            .counted = true,
            .use = {rows[i].n, rows[i].oldest_ago != 0 ? NOW - rows[i].oldest_ago : 0}};
        struct limit_pause p = limit_pause_of(&r);

        ck_assert_msg(p.until_ms - NOW == rows[i].wait_ms, "row %zu: %lld", i,
                      (long long)(p.until_ms - NOW));
        ck_assert_uint_eq(p.cap, rows[i].cap);
    }
}
END_TEST

START_TEST(what_is_not_counted_learns_no_cap)
{
    const struct limit_refusal r = {.now_ms = NOW, .use = {15, NOW - 20 * HOUR}};
    struct limit_pause p = limit_pause_of(&r);

    ck_assert_uint_eq(p.cap, 0);
    ck_assert_int_eq(p.until_ms, NOW + LIMIT_PAUSE_MIN_MS);
}
END_TEST

START_TEST(a_known_cap_is_reached_by_exactly_so_many)
{
    const struct limit_use four = {4, NOW - HOUR};
    const struct limit_use five = {5, NOW - HOUR};
    const struct limit_use soon = {5, 0};

    ck_assert_int_eq(limit_reached(0, &five, NOW), 0); /* none is known */
    ck_assert_int_eq(limit_reached(5, &four, NOW), 0);
    ck_assert_int_eq(limit_reached(5, &five, NOW), NOW + 23 * HOUR + LIMIT_MARGIN_MS);
    ck_assert_int_eq(limit_reached(5, &soon, NOW), NOW + LIMIT_MARGIN_MS);
}
END_TEST

START_TEST(names_and_kinds_belong_together)
{
    enum notice_kind kind;

    for (int k = 0; k < NOTICE_COUNT; k++) {
        ck_assert(notice_parse(notice_name((enum notice_kind)k), &kind));
        ck_assert_int_eq((int)kind, k);
    }
    ck_assert(!notice_parse("post.published", &kind));
}
END_TEST

START_TEST(a_notice_says_what_and_what_to_do)
{
    static const struct {
        struct notice n;
        const char *title, *part;
    } rows[] = {
        {{NOTICE_POST_FAILED, "@ann", "Hello", "file_refused", 0, 0},
         "Not posted: Hello",
         "TikTok did not accept the media file."},
        {{NOTICE_POST_FAILED, "@ann", "", "", 0, 0},
         "Not posted: a post without a caption",
         "The post failed."},
        {{NOTICE_POST_ATTENTION, "@ann", "Hi", "brand_new_code", 0, 0},
         "Needs your attention: Hi",
         "The code is brand_new_code."},
        {{NOTICE_RECONNECT, "@ann", "", "", 0, 0},
         "Reconnect @ann",
         "Reconnect the account"},
        {{NOTICE_RECONNECT, "", "", "", 0, 0}, "Reconnect a TikTok account", ""},
        {{NOTICE_LIMITED, "@ann", "", "daily_post_limit", NOW, 0},
         "Posts of @ann go out later",
         "the next try is at 2027-01-15 08:00 UTC."},
        {{NOTICE_GRANT_ENDING, "@ann", "", "", NOW, 1},
         "Reconnect @ann soon",
         "in 1 day, at 2027-01-15 08:00 UTC."},
        {{NOTICE_GRANT_ENDING, "@ann", "", "", NOW, 14},
         "Reconnect @ann soon",
         "in 14 days,"},
        {{NOTICE_OVERDUE, "", "", "", 0, 0}, "Posts are overdue", "no publisher"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct notice_words w;

        notice_say(&rows[i].n, &w);
        ck_assert_str_eq(w.title, rows[i].title);
        ck_assert_msg(strstr(w.text, rows[i].part) != NULL, "row %zu: %s", i, w.text);
    }
}
END_TEST

START_TEST(a_title_is_one_line_whatever_the_caption)
{
    struct notice_words w;
    char caption[400];
    const struct notice n = {NOTICE_POST_FAILED, "", caption, "", 0, 0};

    (void)memset(caption, 'x', sizeof(caption) - 1);
    caption[sizeof(caption) - 1] = '\0';
    (void)memcpy(caption, "a\r\nBcc: you@example.com\t", 24);
    notice_say(&n, &w);
    ck_assert_ptr_null(strpbrk(w.title, "\r\n\t"));
    ck_assert_uint_eq(strlen(w.title), strlen("Not posted: ") + 100);
}
END_TEST

UNIT_MAIN("domain_limit", pauses_double_from_a_quarter_hour_to_six_hours,
          a_day_that_is_ours_says_when_its_window_opens,
          what_is_not_counted_learns_no_cap, a_known_cap_is_reached_by_exactly_so_many,
          names_and_kinds_belong_together, a_notice_says_what_and_what_to_do,
          a_title_is_one_line_whatever_the_caption)
