/* sandbox/pull_rules: from where TikTok fetches, and what an attempt means. */
#include "sandbox/pull_rules.h"
#include "unit.h"

#include <string.h>

/* --- addresses ----------------------------------------------------------------- */

START_TEST(an_address_is_what_it_looks_like)
{
    static const struct {
        const char *url;
        bool usable;
    } rows[] = {
        {"https://media.example.com/1.jpg", true},
        {"http://127.0.0.1:8080/m/1.jpg", true},
        {"https://media.example.com", true},
        {"https://media.example.com/a%20b.jpg?x=../y&z=1", true},
        {"https://media.example.com/a.b/..c/d..", true},
        {"https://media.example.com/...", true},
        {"", false},
        {"media.example.com/1.jpg", false},
        {"ftp://media.example.com/1.jpg", false},
        {"file:///etc/passwd", false},
        {"https://", false},
        {"https:/media.example.com/1.jpg", false},
        {"https:///media.example.com/1.jpg", false},
        {"https://ann@media.example.com/1.jpg", false},
        {"https://media.example.com@evil.example/1.jpg", false},
        {"https://media.example.com/1.jpg#top", false},
        {"https://media.example.com/a b.jpg", false},
        {"https://media.example.com/a\\b.jpg", false},
        {"https://media.example.com/a\nb.jpg", false},
        {"https://media.example.com/a\x01"
         "b.jpg",
         false},
        {"https://media.example.com/a/../1.jpg", false},
        {"https://media.example.com/a/./1.jpg", false},
        {"https://media.example.com/a/..", false},
        {"https://media.example.com/a/%2e%2E/1.jpg", false},
        {"https://media.example.com/a/.%2e", false},
        {"https://media.example.com/a/%2e?x", false},
    };
    char longest[PULL_URL_SIZE + 1] = "https://media.example.com/";

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(pull_url_usable(rows[i].url) == rows[i].usable, "%s", rows[i].url);
    (void)memset(longest + strlen(longest), 'a', PULL_URL_SIZE - 1 - strlen(longest));
    ck_assert(pull_url_usable(longest));
    (void)strcat(longest, "a");
    ck_assert(!pull_url_usable(longest));
}
END_TEST

START_TEST(a_property_is_a_domain_or_a_beginning)
{
    static const struct {
        const char *list;
        bool good;
    } rows[] = {
        {"", true},
        {"example.com", true},
        {"static.example.com,https://example.org/posts/", true},
        {"https://example.com/", true},
        {"http://127.0.0.1:8080/m/", true},
        {"http://localhost:8080/", true},
        {"xn--bcher-kva.example", true},
        {"example", false},
        {"localhost", false},
        {"127.0.0.1", false},
        {"example.com.", false},
        {".example.com", false},
        {"-a.example.com", false},
        {"a_b.example.com", false},
        {"example.com/posts/", false},
        {"*.example.com", false},
        {"https://example.com", false},
        {"https://example.com/posts", false},
        {"https://example.com/posts/?a=/", false},
        {"https://ann@example.com/", false},
        {"https://example.com/../", false},
        {"https:///", false},
        {",example.com", false},
        {"example.com,", false},
        {"example.com,,example.org", false},
        {"example.com, example.org", false},
    };
    char longest[PULL_PROPERTIES_SIZE + 1];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg((properties_problem(rows[i].list) == NULL) == rows[i].good, "%s",
                      rows[i].list);
    (void)memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    ck_assert_ptr_nonnull(properties_problem(longest));
}
END_TEST

/* The examples of TikTok's page, and what lies beside them. */
START_TEST(a_property_covers_what_it_says_and_nothing_else)
{
    static const struct {
        const char *list, *url;
        enum cover cover;
    } rows[] = {
        {"", "https://example.com/1.jpg", COVER_NONE},

        /* a domain: its subdomains and all paths, by https */
        {"static.example.com", "https://static.example.com/1.jpg", COVER_DOMAIN},
        {"static.example.com", "https://video.static.example.com/a/1.jpg", COVER_DOMAIN},
        {"static.example.com", "https://a.b.static.example.com/", COVER_DOMAIN},
        {"static.example.com", "https://STATIC.Example.com/1.jpg", COVER_DOMAIN},
        {"Static.Example.com", "https://static.example.com/1.jpg", COVER_DOMAIN},
        {"static.example.com", "https://static.example.com:443/1.jpg", COVER_DOMAIN},
        {"static.example.com", "https://example.com/1.jpg", COVER_NONE},
        {"static.example.com", "https://notstatic.example.com/1.jpg", COVER_NONE},
        {"static.example.com", "https://static.example.com.evil.org/", COVER_NONE},
        {"static.example.com", "https://evil.org/static.example.com/", COVER_NONE},
        {"static.example.com", "https://evil.org/?static.example.com", COVER_NONE},
        {"static.example.com", "https://static.example.com@evil.org/", COVER_NONE},
        {"static.example.com", "http://static.example.com/1.jpg", COVER_NONE},
        {"static.example.com", "https://static.example.com:8443/1.jpg", COVER_NONE},

        /* a beginning: letter by letter */
        {"https://example.com/videos/user/", "https://example.com/videos/user/123/a.mp4",
         COVER_PREFIX},
        {"https://example.com/videos/user/", "https://example.com/videos/user/",
         COVER_PREFIX},
        {"https://example.com/videos/user/", "https://example.com/videos/2023/user/a.mp4",
         COVER_NONE},
        {"https://example.com/videos/user/", "https://example.com/videos/user",
         COVER_NONE},
        {"https://example.com/videos/user/", "https://example.com/videos/username/a.mp4",
         COVER_NONE},
        {"https://example.com/videos/user/", "https://example.com/Videos/user/a.mp4",
         COVER_NONE},
        {"https://example.com/videos/user/", "http://example.com/videos/user/a.mp4",
         COVER_NONE},
        {"https://example.com/videos/user/", "https://www.example.com/videos/user/a.mp4",
         COVER_NONE},
        {"https://example.com/videos/user/",
         "https://example.com/videos/user/1.jpg?signature=../x", COVER_PREFIX},

        /* the simulator's own: spelled out, it may be http and this machine */
        {"http://127.0.0.1:8080/m/", "http://127.0.0.1:8080/m/t/1.jpg", COVER_PREFIX},
        {"http://127.0.0.1:8080/m/", "http://127.0.0.1:8081/m/t/1.jpg", COVER_NONE},
        {"http://127.0.0.1:8080/m/", "http://localhost:8080/m/t/1.jpg", COVER_NONE},
        {"example.com", "https://127.0.0.1/m/t/1.jpg", COVER_NONE},

        /* one of several, the stronger */
        {"example.com,https://example.com/m/", "https://example.com/m/1", COVER_PREFIX},
        {"https://example.com/m/,example.com", "https://example.com/n/1", COVER_DOMAIN},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_ptr_null(properties_problem(rows[i].list));
        ck_assert_msg(properties_cover(rows[i].list, rows[i].url) == rows[i].cover,
                      "%s: %s", rows[i].list, rows[i].url);
    }
}
END_TEST

/* --- attempts ------------------------------------------------------------------ */

START_TEST(an_answer_is_the_file_or_a_reason_to_wait_or_the_end)
{
    static const struct {
        struct pull_outcome outcome;
        enum pull_verdict verdict;
    } rows[] = {
        {{.status = 200}, PULL_TAKEN},
        {{.status = 206, .ranged = true}, PULL_TAKEN},
        {{.status = 206}, PULL_REFUSED},
        {{.status = 204}, PULL_REFUSED},
        {{.status = 301}, PULL_REFUSED},
        {{.status = 302}, PULL_REFUSED},
        {{.status = 304}, PULL_REFUSED},
        {{.status = 308}, PULL_REFUSED},
        {{.status = 401}, PULL_REFUSED},
        {{.status = 403}, PULL_REFUSED},
        {{.status = 404}, PULL_REFUSED},
        {{.status = 408}, PULL_BROKEN},
        {{.status = 410}, PULL_REFUSED},
        {{.status = 416}, PULL_REFUSED},
        {{.status = 429}, PULL_BUSY},
        {{.status = 500}, PULL_BROKEN},
        {{.status = 502}, PULL_BROKEN},
        {{.status = 503}, PULL_BUSY},
        {{.status = 504}, PULL_BROKEN},
        {{.rc = RC_UNAVAILABLE}, PULL_BROKEN},
        {{.rc = RC_UNCERTAIN}, PULL_BROKEN},
        {{.rc = RC_REJECTED}, PULL_REFUSED},
        {{.rc = RC_INVALID}, PULL_REFUSED},
        {{.status = 200, .too_big = true}, PULL_REFUSED},
        {{.rc = RC_REJECTED, .too_big = true}, PULL_REFUSED},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(pull_judge(&rows[i].outcome) == rows[i].verdict, "row %zu", i);
}
END_TEST

START_TEST(waits_double_up_to_a_minute_and_never_undercut_a_retry_after)
{
    static const struct {
        int64_t first_ms, tries, retry_after_ms, wait_ms;
    } rows[] = {
        {1000, 0, 0, 1000},     {1000, 1, 0, 2000},           {1000, 3, 0, 8000},
        {1000, 6, 0, 60000},    {1000, 1000000000, 0, 60000}, {1000, 0, 5000, 5000},
        {1000, 3, 5000, 8000},  {60000, 0, 0, 60000},         {0, 3, 0, 0},
        {0, 3, 120000, 120000}, {0, INT64_MAX, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms =
            pull_wait_ms(rows[i].first_ms, rows[i].tries, rows[i].retry_after_ms);

        ck_assert_msg(ms == rows[i].wait_ms, "row %zu: %lld", i, (long long)ms);
    }
}
END_TEST

UNIT_MAIN("sandbox_pull_rules", an_address_is_what_it_looks_like,
          a_property_is_a_domain_or_a_beginning,
          a_property_covers_what_it_says_and_nothing_else,
          an_answer_is_the_file_or_a_reason_to_wait_or_the_end,
          waits_double_up_to_a_minute_and_never_undercut_a_retry_after)
