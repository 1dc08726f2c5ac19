/* encode, rfc3339 and jsonw: bytes and instants as text, and back. */
#include "core/encode.h"
#include "core/jsonw.h"
#include "core/rfc3339.h"
#include "core/xalloc.h"
#include "unit.h"

#include <inttypes.h>
#include <string.h>

static struct strbuf sb;

static void setup(void)
{
    strbuf_init(&sb, 4096);
}

static void teardown(void)
{
    strbuf_release(&sb);
}

START_TEST(hex_goes_both_ways_and_refuses_the_rest)
{
    unsigned char bytes[3];
    char text[7];

    hex_encode("\x00\xab\xff", 3, text);
    ck_assert_str_eq(text, "00abff");
    ck_assert(hex_decode("00ABff", bytes, 3));
    ck_assert_mem_eq(bytes, "\x00\xab\xff", 3);
    ck_assert(!hex_decode("00abf", bytes, 3));
    ck_assert(!hex_decode("00abfg", bytes, 3));
}
END_TEST

START_TEST(base64_follows_rfc4648_and_takes_only_canonical_input)
{
    static const struct {
        const char *plain;
        const char *text;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}};
    static const char *const bad[] = {
        "Z", "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9", "Zm9v\n"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        strbuf_reset(&sb);
        base64_encode(&sb, rows[i].plain, strlen(rows[i].plain));
        ck_assert_str_eq(sb.buf, rows[i].text);
        strbuf_reset(&sb);
        ck_assert(base64_decode(&sb, rows[i].text, strlen(rows[i].text)));
        ck_assert_str_eq(sb.buf, rows[i].plain);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!base64_decode(&sb, bad[i], strlen(bad[i])), "bad row %zu", i);
    strbuf_reset(&sb);
    base64url_encode(&sb, "\xfb\xff", 2);
    ck_assert_str_eq(sb.buf, "-_8");
}
END_TEST

START_TEST(percent_encoding_is_decoded_once_and_strictly)
{
    static const char *const bad[] = {"%", "%1", "%zz", "%00", "a%4"};

    percent_encode(&sb, "a b/*!\xc3\xb1~", 9);
    ck_assert_str_eq(sb.buf, "a%20b%2F%2A%21%C3%B1~");
    strbuf_reset(&sb);
    ck_assert(percent_decode(&sb, "a%2A%2521+b", 11, true));
    ck_assert_str_eq(sb.buf, "a*%21 b");
    strbuf_reset(&sb);
    ck_assert(percent_decode(&sb, "a+b", 3, false));
    ck_assert_str_eq(sb.buf, "a+b");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!percent_decode(&sb, bad[i], strlen(bad[i]), true), "row %zu", i);
}
END_TEST

START_TEST(instants_are_read_with_any_offset)
{
    static const struct {
        const char *text;
        int64_t at_ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-24T09:00:00.123Z", 1795510800123},
        {"2026-11-24t10:00:00.1239+01:00", 1795510800123},
        {"2026-11-24T00:30:00-08:30", 1795510800000},
        {"2024-02-29T23:59:59.999z", 1709251199999},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"1969-12-31T23:59:59.999Z", -1},
        {"0001-01-01T00:00:00Z", -62135596800000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t at = 1;

        ck_assert_msg(rfc3339_parse(rows[i].text, &at), "row %zu", i);
        ck_assert_msg(at == rows[i].at_ms, "row %zu: %" PRId64, i, at);
    }
}
END_TEST

START_TEST(what_is_no_instant_is_refused)
{
    static const char *const rows[] = {
        "",
        "2026-11-24",
        "2026-11-24 09:00:00Z",
        "2026-11-24T09:00:00",
        "2026-11-24T24:00:00Z",
        "2026-11-24T09:60:00Z",
        "2026-11-24T09:00:60Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-24T09:00:00.Z",
        "2026-11-24T09:00:00.1234567890Z",
        "2026-11-24T09:00:00+1:00",
        "2026-11-24T09:00:00+24:00",
        "2026-11-24T09:00:00Zx",
        "0000-01-01T00:00:00Z",
        "26-11-24T09:00:00Z",
    };
    int64_t at = 7;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(!rfc3339_parse(rows[i], &at), "row %zu", i);
    ck_assert_int_eq(at, 7);
}
END_TEST

START_TEST(every_day_of_four_centuries_survives_the_round_trip)
{
    int64_t day = -62135596800000;

    for (int i = 0; i < 400 * 366; i++, day += 86400000 + 1234567) {
        char text[RFC3339_SIZE];
        int64_t back = 0;

        rfc3339_format(day, text);
        ck_assert(rfc3339_parse(text, &back));
        ck_assert_msg(back == day, "%s", text);
    }
}
END_TEST

START_TEST(json_has_its_commas_and_escapes)
{
    struct jsonw w;

    jsonw_init(&w, &sb);
    jsonw_object(&w);
    jsonw_key_text(&w, "t", "q\"\\\n\x01\x7f\xc3\xb1");
    jsonw_key_text(&w, "none", NULL);
    jsonw_key_id(&w, "id", 9007199254740993U);
    jsonw_key_id(&w, "no_id", 0);
    jsonw_key_time(&w, "at", 1795510800123);
    jsonw_key(&w, "list");
    jsonw_array(&w);
    jsonw_int(&w, -1);
    jsonw_bool(&w, true);
    jsonw_double(&w, 29.97);
    jsonw_raw(&w, "{\"a\":1}");
    jsonw_array(&w);
    jsonw_end(&w);
    jsonw_end(&w);
    ck_assert(!jsonw_ok(&w));
    jsonw_end(&w);
    ck_assert(jsonw_ok(&w));
    ck_assert_str_eq(sb.buf,
                     "{\"t\":\"q\\\"\\\\\\n\\u0001\\u007f\xc3\xb1\",\"none\":null,"
                     "\"id\":\"9007199254740993\",\"no_id\":null,"
                     "\"at\":\"2026-11-24T09:00:00.123Z\","
                     "\"list\":[-1,true,29.97,{\"a\":1},[]]}");
}
END_TEST

START_TEST(damaged_text_is_still_valid_json)
{
    struct jsonw w;

    jsonw_init(&w, &sb);
    jsonw_text(&w, "a\xff\"");
    ck_assert_str_eq(sb.buf, "\"a\\ufffd\\\"\"");
}
END_TEST

START_TEST(json_over_the_limit_is_not_ok)
{
    struct strbuf small;
    struct jsonw w;

    strbuf_init(&small, 6);
    jsonw_init(&w, &small);
    jsonw_text(&w, "too long");
    ck_assert(!jsonw_ok(&w));
    strbuf_release(&small);
}
END_TEST

UNIT_MAIN_FIXTURE("core_text", setup, teardown, hex_goes_both_ways_and_refuses_the_rest,
                  base64_follows_rfc4648_and_takes_only_canonical_input,
                  percent_encoding_is_decoded_once_and_strictly,
                  instants_are_read_with_any_offset, what_is_no_instant_is_refused,
                  every_day_of_four_centuries_survives_the_round_trip,
                  json_has_its_commas_and_escapes, damaged_text_is_still_valid_json,
                  json_over_the_limit_is_not_ok)
