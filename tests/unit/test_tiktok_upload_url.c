/* tiktok/upload_url: where bytes may go, however the place is spelled. */
#include "core/attr.h"
#include "tiktok/upload_url.h"
#include "unit.h"

#include <string.h>

#define TIKTOK ".tiktokapis.com"
#define LOCAL  "http://sandbox:8081, localhost"

START_TEST(an_upload_goes_only_where_the_operator_allows_it)
{
    static const struct {
        const char *hosts, *url;
        bool allowed, lifted;
    } cases[] = {
        {TIKTOK,
         "https://open-upload-va.tiktokapis.com/upload?upload_id=7&upload_token=u", true,
         false},
        {TIKTOK, "https://upload.us.tiktokapis.com/video/?upload_id=7", true, false},
        {TIKTOK, "HTTPS://OPEN-UPLOAD.TikTokAPIs.com/video/", true, false},
        {TIKTOK, "https://open-upload.tiktokapis.com:443/video/", true, false},
        {TIKTOK, "https://open-upload.tiktokapis.com", true, false},
        {TIKTOK, "https://open-upload.tiktokapis.com?x=/@", true, false},
        /* not below the suffix */
        {TIKTOK, "https://tiktokapis.com/upload", false, false},
        {TIKTOK, "https://eviltiktokapis.com/upload", false, false},
        {TIKTOK, "https://open.tiktokapis.com.evil.example/upload", false, false},
        {TIKTOK, "https://.tiktokapis.com/upload", false, false},
        {TIKTOK, "https://a..tiktokapis.com/upload", false, false},
        {TIKTOK, "https://open.tiktokapis.com./upload", false, false},
        /* not https, another port */
        {TIKTOK, "http://open.tiktokapis.com/upload", false, false},
        {TIKTOK, "https://open.tiktokapis.com:8443/upload", false, false},
        {TIKTOK, "https://open.tiktokapis.com:/upload", false, false},
        {TIKTOK, "https://open.tiktokapis.com:0/upload", false, false},
        {TIKTOK, "https://open.tiktokapis.com:99999/upload", false, false},
        {TIKTOK, "ftp://open.tiktokapis.com/upload", false, false},
        {TIKTOK, "file:///etc/passwd", false, false},
        {TIKTOK, "//open.tiktokapis.com/upload", false, false},
        {TIKTOK, "open.tiktokapis.com/upload", false, false},
        {TIKTOK, "", false, false},
        {TIKTOK, "https://", false, false},
        {TIKTOK, "https:///upload", false, false},
        /* saying one host and meaning another */
        {TIKTOK, "https://u@open.tiktokapis.com/upload", false, false},
        {TIKTOK, "https://open.tiktokapis.com@evil.example/upload", false, false},
        {TIKTOK, "https://evil.example\\@open.tiktokapis.com/", false, false},
        {TIKTOK, "https://evil.example#.tiktokapis.com/", false, false},
        {TIKTOK, "https://evil.example/.tiktokapis.com", false, false},
        {TIKTOK, "https://evil.example?.tiktokapis.com", false, false},
        {TIKTOK, "https://open.tiktokapis.com/up load", false, false},
        {TIKTOK, "https://open.tiktokapis.com/\r\nHost: evil", false, false},
        {TIKTOK, "https://open.tiktokapis.c\xc3\xb6m/", false, false},
        {TIKTOK, "https://open%2etiktokapis.com/", false, false},
        {TIKTOK, "https://127.0.0.1/upload", false, false},
        {TIKTOK, "https://[::1]/upload", false, false},
        {TIKTOK, "https://[::1].tiktokapis.com/upload", false, false},
        /* exact hosts */
        {"up.example.com", "https://up.example.com/x", true, false},
        {"up.example.com", "https://a.up.example.com/x", false, false},
        {"up.example.com", "http://up.example.com/x", false, false},
        {"up.example.com:8443", "https://up.example.com:8443/x", true, false},
        {"up.example.com:8443", "https://up.example.com/x", false, false},
        {"https://up.example.com", "https://up.example.com/x", true, false},
        /* the operator's own origins */
        {LOCAL, "http://sandbox:8081/upload?upload_id=1", true, true},
        {LOCAL, "http://sandbox/upload", false, false},
        {LOCAL, "https://sandbox:8081/upload", false, false},
        {LOCAL, "http://localhost:8081/upload", true, true},
        {LOCAL, "https://localhost/upload", true, true},
        {LOCAL, "http://localhost.evil.example/upload", false, false},
        {"localhost:8081", "http://localhost:8081/upload", true, true},
        {"localhost:8081", "http://localhost:8082/upload", false, false},
        {"http://127.0.0.1:81", "http://127.0.0.1:81/u", true, true},
        {"http://127.0.0.1:81", "https://127.0.0.1:81/u", false, false},
        {"127.0.0.1", "http://127.0.0.1:4000/u", true, true},
        {"[::1]:8081", "http://[::1]:8081/u", true, true},
        {"", "https://open.tiktokapis.com/upload", false, false},
        {TIKTOK "," LOCAL, "https://open.tiktokapis.com/upload", true, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool lifted = false;
        struct err err = {0};
        enum rc rc = tiktok_upload_url_check(cases[i].url, cases[i].hosts, &lifted, &err);

        ck_assert_msg(rc == (cases[i].allowed ? RC_OK : RC_REJECTED), "%s with %s: %s",
                      cases[i].url, cases[i].hosts, err.msg);
        ck_assert_msg(lifted == cases[i].lifted, "%s", cases[i].url);
    }
}
END_TEST

START_TEST(a_refusal_never_shows_the_address)
{
    struct err err;

    ck_assert_int_eq(tiktok_upload_url_check("https://evil.example/u?upload_token=secret",
                                             TIKTOK, NULL, &err),
                     RC_REJECTED);
    ck_assert_str_eq(err.code, "upload_url_refused");
    ck_assert_ptr_null(strstr(err.msg, "evil"));
    ck_assert_ptr_null(strstr(err.msg, "secret"));
}
END_TEST

START_TEST(an_address_that_is_too_long_is_refused)
{
    static const char begin[] = "https://a.tiktokapis.com/";
    char url[TIKTOK_UPLOAD_URL_MAX + 2];
    struct err err;

    (void)memset(url, 'x', sizeof(url));
    (void)memcpy(url, begin, sizeof(begin) - 1);
    url[TIKTOK_UPLOAD_URL_MAX] = '\0';
    ck_assert_int_eq(tiktok_upload_url_check(url, TIKTOK, NULL, &err), RC_OK);
    url[TIKTOK_UPLOAD_URL_MAX] = 'x';
    url[TIKTOK_UPLOAD_URL_MAX + 1] = '\0';
    ck_assert_int_eq(tiktok_upload_url_check(url, TIKTOK, NULL, &err), RC_REJECTED);
}
END_TEST

START_TEST(a_list_of_hosts_is_checked_at_the_start)
{
    static const struct {
        const char *hosts;
        bool good;
    } cases[] = {
        {".tiktokapis.com", true},
        {".tiktokapis.com,http://nginx:8081", true},
        {" .tiktokapis.com , localhost ", true},
        {"127.0.0.1:8081", true},
        {"[::1]:8081", true},
        {"", false},
        {" , ", false},
        {".", false},
        {"..com", false},
        {"a_b.example", false},
        {"http://", false},
        {"http://host/path", false},
        {"http://user@host", false},
        {"host:port", false},
        {".tiktokapis.com:8443", false},
        {".localhost", false},
        {"*", false},
        {"[::1", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;

        ck_assert_msg(tiktok_upload_hosts_check(cases[i].hosts, &err) ==
                          (cases[i].good ? RC_OK : RC_INVALID),
                      "%s", cases[i].hosts);
    }
}
END_TEST

START_TEST(a_list_says_whether_it_lifts_any_rule)
{
    static const struct {
        const char *hosts;
        bool lifts;
    } cases[] = {
        {".tiktokapis.com", false},         {"upload.example.com", false},
        {"upload.example.com:8443", false}, {".tiktokapis.com,localhost", true},
        {"http://sandbox:8081", true},      {"127.0.0.1:8081", true},
        {"https://localhost:8443", true},   {"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(tiktok_upload_hosts_lift(cases[i].hosts) == cases[i].lifts, "%s",
                      cases[i].hosts);
}
END_TEST

UNIT_MAIN("tiktok_upload_url", an_upload_goes_only_where_the_operator_allows_it,
          a_refusal_never_shows_the_address, an_address_that_is_too_long_is_refused,
          a_list_of_hosts_is_checked_at_the_start, a_list_says_whether_it_lifts_any_rule)
