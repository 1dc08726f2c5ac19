/* web/response: headers that stay one header, cookies, bodies, HTML. */
#include "unit.h"
#include "web/response.h"

#include <string.h>

static struct web_response res;

static void setup(void)
{
    web_response_init(&res);
}

static void teardown(void)
{
    web_response_release(&res);
}

START_TEST(headers_are_lines)
{
    web_header_add(&res, "Cache-Control", "no-store");
    web_header_addf(&res, "ETag", "\"%d\"", 7);
    ck_assert_str_eq(res.headers.buf, "Cache-Control: no-store\r\nETag: \"7\"\r\n");
    ck_assert(!res.broken);
}
END_TEST

START_TEST(no_value_becomes_a_second_header)
{
    static const char *const bad[] = {
        "a\r\nSet-Cookie: x=1", "a\nb", "a\rb", "\n", "a\tb", "\x01x", "x\x7f"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        web_response_reset(&res);
        web_header_add(&res, "X", bad[i]);
        ck_assert_msg(res.broken && res.headers.len == 0, "row %zu", i);
        web_response_reset(&res);
        web_header_addf(&res, "X", "a%s", bad[i]);
        ck_assert_msg(res.broken && res.headers.len == 0, "row %zu by format", i);
        web_response_reset(&res);
        web_empty(&res, 303, bad[i]);
        ck_assert_msg(res.broken && res.headers.len == 0, "row %zu in Location", i);
        web_response_reset(&res);
        web_accel(&res, "video/mp4", bad[i]);
        ck_assert_msg(res.broken, "row %zu in X-Accel-Redirect", i);
    }
    web_response_reset(&res);
    ck_assert(!res.broken);
    web_header_add(&res, "X", "na\xc3\xafve; q=\"1\"");
    ck_assert(!res.broken);
}
END_TEST

START_TEST(headers_have_a_limit)
{
    static char value[2000];

    (void)memset(value, 'a', sizeof(value) - 1);
    for (size_t i = 0; i * sizeof(value) <= WEB_HEADERS_MAX; i++)
        web_header_add(&res, "X", value);
    ck_assert(strbuf_failed(&res.headers));
    web_response_reset(&res);
    web_header_addf(&res, "X", "%s%s%s", value, value, value);
    ck_assert(res.broken);
}
END_TEST

START_TEST(a_cookie_is_closed_to_scripts_and_other_sites)
{
    static const struct {
        struct web_cookie cookie;
        const char *header;
    } rows[] = {
        {{"s", "abc", -1, false},
         "Set-Cookie: s=abc; Path=/; HttpOnly; SameSite=Lax\r\n"},
        {{"__Host-s", "abc", 3600, true},
         "Set-Cookie: __Host-s=abc; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; "
         "Secure\r\n"},
        {{"s", "", 0, false},
         "Set-Cookie: s=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax\r\n"},
    };
    static const char *const bad[] = {"a b", "a;b",    "a,b",   "a\"b",
                                      "a\\", "a\r\nb", "a\x7f", "\xc3\xb1"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        web_response_reset(&res);
        web_cookie_set(&res, &rows[i].cookie);
        ck_assert_str_eq(res.headers.buf, rows[i].header);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct web_cookie cookie = {"s", bad[i], -1, false};

        web_response_reset(&res);
        web_cookie_set(&res, &cookie);
        ck_assert_msg(res.broken && res.headers.len == 0, "row %zu", i);
    }
}
END_TEST

START_TEST(answers_have_their_status_type_and_body)
{
    struct jsonw w;

    web_json_begin(&res, 201, &w);
    jsonw_object(&w);
    jsonw_end(&w);
    ck_assert_int_eq(res.status, 201);
    ck_assert_str_eq(res.headers.buf, "Content-Type: application/json\r\n");
    ck_assert_str_eq(res.body.buf, "{}");
    web_response_reset(&res);
    web_text(&res, 404, "text/plain", "nothing");
    ck_assert_int_eq(res.status, 404);
    ck_assert_str_eq(res.headers.buf, "Content-Type: text/plain\r\n");
    ck_assert_str_eq(res.body.buf, "nothing");
    web_response_reset(&res);
    web_empty(&res, 303, "/accounts?connected=1");
    ck_assert_int_eq(res.status, 303);
    ck_assert_str_eq(res.headers.buf, "Location: /accounts?connected=1\r\n");
    web_response_reset(&res);
    web_empty(&res, 204, NULL);
    ck_assert_str_eq(res.headers.buf, "");
    web_accel(&res, "video/mp4", "/_media/aa/x");
    ck_assert_int_eq(res.status, 200);
    ck_assert_str_eq(res.headers.buf, "Content-Type: video/mp4\r\n"
                                      "X-Accel-Redirect: /_media/aa/x\r\n");
}
END_TEST

START_TEST(a_reset_leaves_nothing_of_the_first_answer)
{
    web_text(&res, 200, "text/plain", "half");
    web_header_add(&res, "X", "\n");
    res.cut_after = 1;
    res.lost = true;
    web_response_reset(&res);
    ck_assert_int_eq(res.status, 0);
    ck_assert_uint_eq(res.headers.len, 0);
    ck_assert_uint_eq(res.body.len, 0);
    ck_assert_int_eq(res.cut_after, -1);
    ck_assert(!res.lost && !res.broken);
}
END_TEST

START_TEST(html_from_outside_is_text)
{
    static const struct {
        const char *text, *html;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"<b onclick=\"x('1')\">&amp;",
         "&lt;b onclick=&quot;x(&#39;1&#39;)&quot;&gt;&amp;amp;"},
        {"<", "&lt;"},
        {"a>", "a&gt;"},
        {"\xc3\xb1", "\xc3\xb1"},
    };
    struct strbuf sb;

    strbuf_init(&sb, 1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        strbuf_reset(&sb);
        web_html_escape(&sb, rows[i].text);
        ck_assert_str_eq(sb.buf, rows[i].html);
    }
    strbuf_release(&sb);
}
END_TEST

UNIT_MAIN_FIXTURE("web_response", setup, teardown, headers_are_lines,
                  no_value_becomes_a_second_header, headers_have_a_limit,
                  a_cookie_is_closed_to_scripts_and_other_sites,
                  answers_have_their_status_type_and_body,
                  a_reset_leaves_nothing_of_the_first_answer, html_from_outside_is_text)
