/* err, strbuf, parse, text, random, list: small pieces everything stands on. */
#include "core/err.h"
#include "core/list.h"
#include "core/parse.h"
#include "core/random.h"
#include "core/strbuf.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

START_TEST(a_failure_is_one_statement_and_context_goes_in_front)
{
    struct err err;

    ck_assert_int_eq(err_field(&err, "caption", "caption_too_long", "%d over", 3),
                     RC_INVALID);
    ck_assert_str_eq(err.field, "caption");
    ck_assert_int_eq(err_context(&err, "post 7"), RC_INVALID);
    ck_assert_str_eq(err.msg, "post 7: 3 over");
    ck_assert_str_eq(err.code, "caption_too_long");
}
END_TEST

START_TEST(context_never_writes_past_the_message)
{
    struct err err;
    char context[sizeof(err.msg)];

    (void)memset(context, 'c', sizeof(context) - 1);
    context[sizeof(context) - 1] = '\0';
    (void)err_set(&err, RC_BUG, "x", "%.*s", 255, context);
    (void)err_context(&err, "where");
    ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
    ck_assert(text_starts_with(err.msg, "where: ccc"));
    (void)err_context(&err, context); /* does not fit: dropped, message intact */
    ck_assert(text_starts_with(err.msg, "where: ccc"));
}
END_TEST

START_TEST(a_strbuf_stops_at_its_limit_and_says_so)
{
    struct strbuf sb;

    strbuf_init(&sb, 5);
    strbuf_addstr(&sb, "abc");
    strbuf_addf(&sb, "%d", 45);
    ck_assert_str_eq(sb.buf, "abc45");
    ck_assert(!strbuf_failed(&sb));
    strbuf_addc(&sb, '6');
    ck_assert(strbuf_failed(&sb));
    ck_assert_str_eq(sb.buf, "abc45");
    strbuf_reset(&sb);
    ck_assert(!strbuf_failed(&sb));
    strbuf_addstr(&sb, "xy");
    strbuf_cut(&sb, 1);
    ck_assert_str_eq(sb.buf, "x");
    strbuf_release(&sb);
}
END_TEST

START_TEST(a_strbuf_gives_its_string_away)
{
    struct strbuf sb;
    size_t len = 99;
    char *s;

    strbuf_init(&sb, 100);
    s = strbuf_take(&sb, &len);
    ck_assert_str_eq(s, "");
    ck_assert_uint_eq(len, 0);
    free(s);
    strbuf_addstr(&sb, "hello");
    s = strbuf_take(&sb, &len);
    ck_assert_str_eq(s, "hello");
    ck_assert_uint_eq(len, 5);
    ck_assert_uint_eq(sb.len, 0);
    free(s);
}
END_TEST

START_TEST(numbers_are_whole_strings_in_range_or_nothing)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t n;
    } rows[] = {
        {"0", true, 0},
        {"-5", true, -5},
        {"100", true, 100},
        {"101", false, 0},
        {"", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"+1", false, 0},
        {"-", false, 0},
        {"0x10", false, 0},
        {"1e3", false, 0},
        {"-11", false, 0},
        {"007", true, 7},
        {"9223372036854775808", false, 0},
        {"123456789012345678901", false, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t n = 42;

        ck_assert_msg(parse_i64(rows[i].text, -10, 100, &n) == rows[i].ok, "row %zu", i);
        ck_assert_msg(n == (rows[i].ok ? rows[i].n : 42), "row %zu", i);
    }
}
END_TEST

START_TEST(an_id_is_positive_and_has_one_spelling)
{
    uint64_t id = 0;

    ck_assert(parse_id("9223372036854775807", &id));
    ck_assert_uint_eq(id, INT64_MAX);
    ck_assert(!parse_id("0", &id));
    ck_assert(!parse_id("01", &id));
    ck_assert(!parse_id("-1", &id));
    ck_assert(!parse_id("9223372036854775808", &id));
}
END_TEST

START_TEST(only_well_formed_utf8_passes)
{
    static const struct {
        const char *s;
        bool ok;
        size_t units;
    } rows[] = {
        {"", true, 0},
        {"plain", true, 5},
        {"ma\xc3\xb1"
         "ana",
         true, 6},
        {"\xe2\x82\xac", true, 1},
        {"\xf0\x9f\x98\x80", true, 2},
        {"\xc0\x80", false, 0},         /* overlong NUL */
        {"\xe0\x9f\xbf", false, 0},     /* overlong */
        {"\xed\xa0\x80", false, 0},     /* surrogate */
        {"\xf4\x90\x80\x80", false, 0}, /* above U+10FFFF */
        {"\xf0\x8f\xbf\xbf", false, 0}, /* overlong */
        {"\xc3", false, 0},             /* cut off */
        {"\xe2\x82", false, 0},
        {"\x80", false, 0},
        {"a\xff", false, 0},
        {"\xc3\xc3", false, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = strlen(rows[i].s);

        ck_assert_msg(text_is_utf8(rows[i].s, len) == rows[i].ok, "row %zu", i);
        if (rows[i].ok)
            ck_assert_msg(text_utf16_units(rows[i].s, len) == rows[i].units, "row %zu",
                          i);
    }
    ck_assert(!text_is_utf8("a\0b", 3));
}
END_TEST

START_TEST(a_copy_is_cut_between_characters)
{
    char out[6];

    text_copy(out, sizeof(out),
              "ab\xe2\x82\xac"
              "c");
    ck_assert_str_eq(out, "ab\xe2\x82\xac");
    text_copy(out, 5, "ab\xe2\x82\xac");
    ck_assert_str_eq(out, "ab");
}
END_TEST

START_TEST(text_comparisons_are_ascii_and_whole)
{
    ck_assert(text_equal_nocase("Content-Type", "content-type"));
    ck_assert(!text_equal_nocase("a", "ab"));
    ck_assert(!text_equal_nocase("ab", "a"));
    ck_assert(text_ends_with("video.mp4", ".mp4"));
    ck_assert(!text_ends_with("mp4", "video.mp4"));
    ck_assert(text_has_control("a\r", 2));
    ck_assert(text_has_control("\x7f", 1));
    ck_assert(!text_has_control("a\n\tb", 4));
}
END_TEST

static uint64_t script[3];
static size_t script_at;

static void scripted(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    (void)memcpy(buf, &script[script_at], len);
    script_at++;
}

START_TEST(a_bounded_random_number_refuses_the_uneven_tail)
{
    const struct random_source source = {scripted, NULL};

    script[0] = UINT64_MAX; /* in the tail that would favour small results */
    script[1] = 25;
    script_at = 0;
    ck_assert_uint_eq(random_below(&source, 10), 5);
    ck_assert_uint_eq(script_at, 2);
}
END_TEST

START_TEST(random_names_use_their_alphabet)
{
    char name[27];

    random_base32(random_system(), name, 26);
    ck_assert_uint_eq(strlen(name), 26);
    ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz234567"), 26);
}
END_TEST

struct thing {
    int n;
    struct list_node node;
};

START_TEST(a_list_keeps_order_and_lets_go)
{
    struct thing things[3] = {{.n = 0}, {.n = 1}, {.n = 2}};
    struct list l;

    list_init(&l);
    ck_assert_ptr_null(list_first(&l));
    for (size_t i = 0; i < 3; i++)
        list_push(&l, &things[i].node);
    list_remove(&l, &things[1].node);
    ck_assert_uint_eq(l.len, 2);
    ck_assert_int_eq(LIST_ENTRY(list_first(&l), struct thing, node)->n, 0);
    ck_assert_int_eq(LIST_ENTRY(list_next(&l, list_first(&l)), struct thing, node)->n, 2);
    ck_assert_ptr_null(list_next(&l, &things[2].node));
}
END_TEST

UNIT_MAIN("core_basics", a_failure_is_one_statement_and_context_goes_in_front,
          context_never_writes_past_the_message, a_strbuf_stops_at_its_limit_and_says_so,
          a_strbuf_gives_its_string_away, numbers_are_whole_strings_in_range_or_nothing,
          an_id_is_positive_and_has_one_spelling, only_well_formed_utf8_passes,
          a_copy_is_cut_between_characters, text_comparisons_are_ascii_and_whole,
          a_bounded_random_number_refuses_the_uneven_tail,
          random_names_use_their_alphabet, a_list_keeps_order_and_lets_go)
