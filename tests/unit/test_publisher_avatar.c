/* avatar: whose pictures are fetched, and what counts as one. */
#include "core/attr.h"
#include "publisher/errands/errand.h"
#include "unit.h"

START_TEST(only_hosts_of_tiktok_and_the_simulator_are_fetched_from)
{
    static const struct {
        const char *url;
        bool real, simulated;
    } cases[] = {
        {"https://p16-sign.tiktokcdn-us.com/tos/x.webp?x-expires=1", true, true},
        {"https://p16.tiktokcdn.com/x", true, true},
        {"https://P16.TIKTOKCDN.COM/x", true, true},
        {"http://p16.tiktokcdn.com/x", false, false},
        {"https://p16.tiktokcdn.com:8443/x", false, false},
        {"https://tiktokcdn.com.evil.example/x", false, false},
        {"https://eviltiktokcdn.com/x", false, false},
        {"https://u@p16.tiktokcdn.com/x", false, false},
        {"https://example.com/p16.tiktokcdn.com", false, false},
        {"http://localhost:8081/picture/ann.png?t=1", false, true},
        {"http://localhost:8082/picture/ann.png", false, false},
        {"http://169.254.169.254/latest/meta-data", false, false},
        {"file:///etc/passwd", false, false},
        {"", false, false},
    };
    const struct settings real = {.local = {NULL}};
    const struct settings simulated = {.local = {"http://localhost:8081", NULL}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_msg(avatar_host_ok(&real, cases[i].url) == cases[i].real, "%s",
                      cases[i].url);
        ck_assert_msg(avatar_host_ok(&simulated, cases[i].url) == cases[i].simulated,
                      "%s simulated", cases[i].url);
    }
}
END_TEST

START_TEST(only_pictures_are_kept)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
    } cases[] = {
        {"\xff\xd8\xff\xe0 JFIF", 9, true},
        {"\x89PNG\r\n\x1a\n....", 12, true},
        {"RIFF\x10\x00\x00\x00WEBPVP8 ", 16, true},
        {"RIFF\x10\x00\x00\x00WAVEfmt ", 16, false},
        {"\xff\xd8", 2, false},
        {"<svg onload=alert(1)>", 21, false},
        {"<html>", 6, false},
        {"", 0, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(avatar_bytes_ok(cases[i].bytes, cases[i].len) == cases[i].good,
                      "case %zu", i);
}
END_TEST

UNIT_MAIN("publisher_avatar", only_hosts_of_tiktok_and_the_simulator_are_fetched_from,
          only_pictures_are_kept)
