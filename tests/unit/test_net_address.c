/* address, url: which addresses may be talked to, and what a URL names. */
#include "net/address.h"
#include "net/url.h"
#include "unit.h"

#include <netdb.h>
#include <string.h>
#include <sys/un.h>

static bool public_address(const char *text)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *ai = NULL;
    bool is_public;

    ck_assert_msg(getaddrinfo(text, "443", &hints, &ai) == 0, "%s", text);
    is_public = address_is_public(ai->ai_addr);
    freeaddrinfo(ai);
    return is_public;
}

START_TEST(addresses_inside_are_refused_however_they_are_spelled)
{
    static const char *const inside[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.1",
        "127.255.255.255",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::1",
        "64:ff9b::7f00:1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2001::1",
        "100::1",
    };

    for (size_t i = 0; i < ARRAY_LEN(inside); i++)
        ck_assert_msg(!public_address(inside[i]), "%s", inside[i]);
}
END_TEST

START_TEST(addresses_of_the_internet_are_let_through)
{
    static const char *const outside[] = {
        "8.8.8.8",     "9.255.255.255", "11.0.0.0",     "100.63.255.255",
        "100.128.0.0", "126.1.1.1",     "128.0.0.1",    "172.15.255.255",
        "172.32.0.1",  "192.0.1.1",     "192.169.0.1",  "198.17.255.255",
        "198.20.0.1",  "223.255.255.1", "2606:4700::1", "2a00:1450::1",
    };

    for (size_t i = 0; i < ARRAY_LEN(outside); i++)
        ck_assert_msg(public_address(outside[i]), "%s", outside[i]);
}
END_TEST

START_TEST(a_socket_file_is_no_public_address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr *address = (struct sockaddr *)&un;

    ck_assert(!address_is_public(address));
}
END_TEST

START_TEST(a_url_names_its_origin_and_nothing_else)
{
    static const struct {
        const char *url, *scheme, *host;
        int port;
    } good[] = {
        {"https://www.tiktok.com", "https", "www.tiktok.com", 443},
        {"HTTPS://Open.TikTokApis.com/v2/?a=b", "https", "open.tiktokapis.com", 443},
        {"http://localhost:8081/x", "http", "localhost", 8081},
        {"http://[::1]:81/", "http", "[::1]", 81},
    };
    static const char *const bad[] = {"",
                                      "localhost",
                                      "ftp://a.example/",
                                      "file:///etc/passwd",
                                      "https://",
                                      "https://u:p@a.example/",
                                      "https://a.example/#x",
                                      "https://a.example:99999/",
                                      "https://a b/"};
    struct url_origin o;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ck_assert_msg(url_origin(good[i].url, &o, &err) == RC_OK, "%s", good[i].url);
        ck_assert_str_eq(o.scheme, good[i].scheme);
        ck_assert_str_eq(o.host, good[i].host);
        ck_assert_int_eq(o.port, good[i].port);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(url_origin(bad[i], &o, &err) == RC_INVALID, "%s", bad[i]);
}
END_TEST

START_TEST(plain_http_and_loopback_count_as_local)
{
    static const struct {
        const char *url;
        bool local;
    } rows[] = {{"https://open.tiktokapis.com", false},
                {"http://open.tiktokapis.com", true},
                {"https://localhost:8081", true},
                {"https://127.0.0.9", true},
                {"https://[::1]", true}};
    struct url_origin o;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(url_origin(rows[i].url, &o, &err), RC_OK);
        ck_assert_msg(url_is_local(&o) == rows[i].local, "%s", rows[i].url);
    }
}
END_TEST

UNIT_MAIN("net_address", addresses_inside_are_refused_however_they_are_spelled,
          addresses_of_the_internet_are_let_through, a_socket_file_is_no_public_address,
          a_url_names_its_origin_and_nothing_else, plain_http_and_loopback_count_as_local)
