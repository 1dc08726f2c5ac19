/* pull_url: what may stand in MEDIA_PULL_URL, and the addresses made of it. */
#include "tiktok/pull_url.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static const unsigned char token[TIKTOK_PULL_TOKEN] = {0x00, 0x01, 0xfe, [15] = 0xff};

START_TEST(a_base_is_a_plain_address_with_or_without_a_path)
{
    static const char *const good[] = {
        "https://media.example.com",
        "https://media.example.com/",
        "https://example.com/tts/media",
        "http://localhost:8080",
        "http://127.0.0.1:65535",
        "http://[::1]:8080",
        "http://nginx:8080",
    };
    static const char *const bad[] = {
        "",
        "media.example.com",
        "ftp://media.example.com",
        "https://",
        "https:///path",
        "https://media.example.com?x=1",
        "https://media.example.com/#x",
        "https://user@media.example.com",
        "https://media.example.com:0",
        "https://media.example.com:65536",
        "https://media.example.com:",
        "https://media .example.com",
        "https://media.example.com/\n",
        "https://media.example.com/%2e",
        "https://m\303\251dia.example.com",
        "https://[::1",
    };
    char longest[300] = "https://media.example.com/";
    struct err err;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(tiktok_pull_base_check(good[i], &err) == RC_OK, "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(tiktok_pull_base_check(bad[i], &err) == RC_INVALID, "%s", bad[i]);
    (void)memset(longest + strlen(longest), 'x', TIKTOK_PULL_BASE_MAX - strlen(longest));
    ck_assert_int_eq(tiktok_pull_base_check(longest, &err), RC_OK);
    longest[TIKTOK_PULL_BASE_MAX] = 'x';
    ck_assert_int_eq(tiktok_pull_base_check(longest, &err), RC_INVALID);
}
END_TEST

START_TEST(plain_http_is_worth_a_warning)
{
    ck_assert(tiktok_pull_base_lifts("http://localhost:8080"));
    ck_assert(!tiktok_pull_base_lifts("https://media.example.com"));
}
END_TEST

START_TEST(an_address_has_one_slash_between_its_parts)
{
    static const char want[] =
        "https://media.example.com/tts/m/0001fe000000000000000000000000ff/34.webp";
    char url[TIKTOK_PULL_URL_SIZE];

    tiktok_pull_url("https://media.example.com/tts", token, 34, "webp", url);
    ck_assert_str_eq(url, want);
    tiktok_pull_url("https://media.example.com/tts//", token, 34, "webp", url);
    ck_assert_str_eq(url, want);
}
END_TEST

START_TEST(what_is_named_can_be_read_and_nothing_else)
{
    static const char *const mimes[] = {"image/jpeg", "image/webp", "video/mp4",
                                        "video/webm", "video/quicktime"};
    static const char *const bad[] = {"",          "0",      "0.",       ".jpg",
                                      "00.jpg",    "01.jpg", "1000.jpg", "-1.jpg",
                                      "+1.jpg",    "1.JPG",  "1.jpeg",   "1.jpg ",
                                      "1.jpg.jpg", "1.png",  " 1.jpg"};
    const char *extension;
    unsigned position;

    for (size_t i = 0; i < sizeof(mimes) / sizeof(mimes[0]); i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "%zu.%s", i * 200,
                       tiktok_pull_extension(mimes[i]));
        ck_assert_msg(tiktok_pull_file(name, &position, &extension), "%s", name);
        ck_assert_uint_eq(position, i * 200);
        ck_assert_str_eq(extension, tiktok_pull_extension(mimes[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!tiktok_pull_file(bad[i], &position, &extension), "%s", bad[i]);
    ck_assert_ptr_null(tiktok_pull_extension("image/png"));
    ck_assert_ptr_null(tiktok_pull_extension(""));
}
END_TEST

UNIT_MAIN("tiktok_pull_url", a_base_is_a_plain_address_with_or_without_a_path,
          plain_http_is_worth_a_warning, an_address_has_one_slash_between_its_parts,
          what_is_named_can_be_read_and_nothing_else)
