/* web/request: what is read out of the parameters, queries, forms and cookies. */
#include "core/text.h"
#include "unit.h"
#include "web/request.h"
#include "web/stream.h"

#include <stdio.h>
#include <string.h>

static struct err err;
static struct web_stream stream;
static struct web_request req;

enum { PARAMETERS = 12 };

/* A request of these parameters besides a method and an address, which are the first of
 * their names only where the list has none. */
static int open_with(const char *const *list)
{
    static char method[] = "REQUEST_METHOD=GET";
    static char uri[] = "REQUEST_URI=/";
    static const char *all[PARAMETERS];
    size_t n = 0;

    while (list[n] != NULL) {
        all[n] = list[n];
        n++;
    }
    ck_assert_uint_lt(n + 2, PARAMETERS);
    all[n++] = method;
    all[n++] = uri;
    all[n] = NULL;
    stream = (struct web_stream){.parameters = all};
    return web_request_open(&req, &stream);
}

/* The same with one parameter of printf's making. */
static int open_one(const char *name, const char *value)
{
    static char text[WEB_PARAMETERS_MAX * 2];
    const char *list[] = {text, NULL};

    (void)snprintf(text, sizeof(text), "%s=%s", name, value);
    return open_with(list);
}

START_TEST(a_request_is_what_nginx_says)
{
    static const char *const list[] = {"REQUEST_METHOD=PATCH",
                                       "REQUEST_URI=/api/v1/x%20y?a=1&b=?",
                                       "REMOTE_ADDR=192.0.2.7",
                                       "REQUEST_SCHEME=https",
                                       "CONTENT_LENGTH=12",
                                       "REQUEST_ID=0123456789abcdef0123456789abcdef",
                                       NULL};

    ck_assert_int_eq(open_with(list), 0);
    ck_assert_str_eq(req.method, "PATCH");
    ck_assert_str_eq(req.path, "/api/v1/x%20y");
    ck_assert_str_eq(req.query, "a=1&b=?");
    ck_assert_str_eq(req.remote_ip, "192.0.2.7");
    ck_assert_str_eq(req.scheme, "https");
    ck_assert_int_eq(req.content_length, 12);
    ck_assert_str_eq(req.id, "0123456789abcdef0123456789abcdef");
    ck_assert_ptr_null(web_body_file(&req));
}
END_TEST

START_TEST(what_is_missing_has_its_default)
{
    static const char *const list[] = {"CONTENT_LENGTH=", "REQUEST_SCHEME=gopher", NULL};

    ck_assert_int_eq(open_with(list), 0);
    ck_assert_str_eq(req.path, "/");
    ck_assert_str_eq(req.query, "");
    ck_assert_str_eq(req.remote_ip, "");
    ck_assert_str_eq(req.scheme, "http");
    ck_assert_int_eq(req.content_length, -1);
}
END_TEST

START_TEST(what_cannot_be_a_request_is_refused)
{
    static const struct {
        const char *name, *value;
        int status;
    } rows[] = {
        {"REQUEST_METHOD", "", 400},
        {"REQUEST_METHOD", "get", 400},
        {"REQUEST_METHOD", "GET ", 400},
        {"REQUEST_METHOD", "GET\r\n", 400},
        {"REQUEST_METHOD", "ABCDEFGHIJKLMNOP", 0},
        {"REQUEST_METHOD", "ABCDEFGHIJKLMNOPQ", 400},
        {"REQUEST_METHOD", "M-SEARCH", 0},
        {"REQUEST_URI", "", 400},
        {"REQUEST_URI", "*", 400},
        {"REQUEST_URI", "api/v1", 400},
        {"REQUEST_URI", "http://localhost/", 400},
        {"REQUEST_URI", "/a b", 400},
        {"REQUEST_URI", "/a\tb", 400},
        {"REQUEST_URI", "/a?b\x7f", 400},
        {"REQUEST_URI", "/\xc3\xb1", 0},
        {"CONTENT_LENGTH", "-1", 400},
        {"CONTENT_LENGTH", "+1", 400},
        {"CONTENT_LENGTH", "1x", 400},
        {"CONTENT_LENGTH", "9223372036854775808", 400},
        {"CONTENT_LENGTH", "9223372036854775807", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(open_one(rows[i].name, rows[i].value) == rows[i].status,
                      "row %zu: %s=%s", i, rows[i].name, rows[i].value);
}
END_TEST

START_TEST(long_addresses_are_414_and_long_headers_431)
{
    static char text[WEB_PARAMETERS_MAX + 2];

    (void)memset(text, 'a', sizeof(text) - 1);
    text[0] = '/';
    text[WEB_PATH_MAX] = '\0';
    ck_assert_int_eq(open_one("REQUEST_URI", text), 0);
    ck_assert_uint_eq(strlen(req.path), WEB_PATH_MAX);
    text[WEB_PATH_MAX] = 'a';
    text[WEB_PATH_MAX + 1] = '\0';
    ck_assert_int_eq(open_one("REQUEST_URI", text), 414);
    text[WEB_PATH_MAX + 1] = 'a';
    text[1] = '?';
    text[2 + WEB_QUERY_MAX] = '\0';
    ck_assert_int_eq(open_one("REQUEST_URI", text), 0);
    ck_assert_uint_eq(strlen(req.query), WEB_QUERY_MAX);
    text[2 + WEB_QUERY_MAX] = 'a';
    text[3 + WEB_QUERY_MAX] = '\0';
    ck_assert_int_eq(open_one("REQUEST_URI", text), 414);
    text[3 + WEB_QUERY_MAX] = 'a';
    ck_assert_int_eq(open_one("HTTP_X", text), 431);
    text[WEB_PARAMETERS_MAX - 64] = '\0';
    ck_assert_int_eq(open_one("HTTP_X", text), 0);
}
END_TEST

START_TEST(an_id_that_is_not_hex_is_replaced)
{
    static const char *const bad[] = {
        "", "xyz", "0123456789abcdef0123456789abcdef0", "abc def", "abc\"", "0x12"};
    char first[WEB_ID_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_int_eq(open_one("REQUEST_ID", bad[i]), 0);
        ck_assert_uint_eq(strlen(req.id), WEB_ID_SIZE - 1);
        ck_assert_uint_eq(strspn(req.id, "0123456789abcdef"), WEB_ID_SIZE - 1);
    }
    text_copy(first, sizeof(first), req.id);
    ck_assert_int_eq(open_one("REQUEST_ID", ""), 0);
    ck_assert_str_ne(first, req.id);
    ck_assert_int_eq(open_one("REQUEST_METHOD", "!"), 400);
    ck_assert_uint_eq(strlen(req.id), WEB_ID_SIZE - 1); /* a refusal has one as well */
}
END_TEST

START_TEST(a_header_is_found_by_its_name_in_any_case)
{
    static const char *const list[] = {"HTTP_IF_MATCH=\"3\"",
                                       "HTTP_IF_MATCHED=x",
                                       "HTTP_EMPTY=",
                                       "CONTENT_TYPE=text/plain",
                                       "CONTENT_LENGTH=5",
                                       "HTTP_CONTENT_TYPE=text/html",
                                       NULL};

    ck_assert_int_eq(open_with(list), 0);
    ck_assert_str_eq(web_header(&req, "If-Match"), "\"3\"");
    ck_assert_str_eq(web_header(&req, "IF-MATCH"), "\"3\"");
    ck_assert_str_eq(web_header(&req, "if-match"), "\"3\"");
    ck_assert_str_eq(web_header(&req, "Empty"), "");
    ck_assert_str_eq(web_header(&req, "Content-Type"), "text/plain");
    ck_assert_str_eq(web_header(&req, "Content-Length"), "5");
    ck_assert_ptr_null(web_header(&req, "If-Matc"));
    ck_assert_ptr_null(web_header(&req, "If-Match-"));
    ck_assert_ptr_null(web_header(&req, "Request-Method"));
    ck_assert_ptr_null(web_header(&req, ""));
}
END_TEST

START_TEST(a_header_sent_twice_fits_nothing)
{
    static const char *const list[] = {
        "HTTP_ORIGIN=https://a.example", "HTTP_ORIGIN=https://b.example",
        "HTTP_AUTHORIZATION=Bearer x", "HTTP_AUTHORIZATION=Bearer x", NULL};

    ck_assert_int_eq(open_with(list), 0);
    ck_assert_str_eq(web_header(&req, "Origin"), "");
    ck_assert_str_eq(web_header(&req, "Authorization"), "");
}
END_TEST

START_TEST(a_content_type_has_no_parameters_and_one_case)
{
    static const struct {
        const char *text, *type; /* NULL: none */
    } rows[] = {
        {"application/json", "application/json"},
        {"Application/JSON; charset=utf-8", "application/json"},
        {" text/plain ;", "text/plain"},
        {"application/offset+octet-stream", "application/offset+octet-stream"},
        {"application/offset+octet-strea-m", NULL}, /* does not fit */
        {"", NULL},
        {";charset=utf-8", NULL},
        {"   ", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char type[32] = "";

        ck_assert_int_eq(open_one("CONTENT_TYPE", rows[i].text), 0);
        ck_assert_msg(web_content_type(&req, type, sizeof(type)) ==
                          (rows[i].type != NULL),
                      "row %zu", i);
        ck_assert_str_eq(type, rows[i].type != NULL ? rows[i].type : "");
    }
}
END_TEST

START_TEST(a_cookie_is_found_once_or_not_at_all)
{
    static const struct {
        const char *header, *value; /* NULL: none */
    } rows[] = {
        {"s=abc", "abc"},
        {"a=1; s=abc; b=2", "abc"},
        {"a=1;s=abc;b=2", "abc"},
        {"\ts=abc \t; b=2", "abc"},
        {"s=", ""},
        {"s=a=b==", "a=b=="},
        {"s=\"q\"", "\"q\""},
        {"ss=1; xs=2; S=3", NULL},
        {"s", NULL},
        {"s;s=abc", "abc"},
        {"", NULL},
        {"=abc", NULL},
        {"s=abc; s=abc", NULL},
        {"s=abc; t=1; s=def", NULL},
        {"s=0123456789abcde", "0123456789abcde"},
        {"s=0123456789abcdef", NULL}, /* does not fit */
        {"s =abc", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char value[16] = "-";

        ck_assert_int_eq(open_one("HTTP_COOKIE", rows[i].header), 0);
        ck_assert_msg(web_cookie(&req, "s", value, sizeof(value)) ==
                          (rows[i].value != NULL),
                      "row %zu: %s", i, rows[i].header);
        ck_assert_str_eq(value, rows[i].value != NULL ? rows[i].value : "-");
    }
}
END_TEST

START_TEST(cookies_of_several_headers_count_together)
{
    static const char *const two[] = {"HTTP_COOKIE=a=1", "HTTP_COOKIE=s=x", NULL};
    static const char *const twice[] = {"HTTP_COOKIE=s=x", "HTTP_COOKIE=s=x", NULL};
    char value[16];

    ck_assert_int_eq(open_with(two), 0);
    ck_assert(web_cookie(&req, "s", value, sizeof(value)));
    ck_assert_int_eq(open_with(twice), 0);
    ck_assert(!web_cookie(&req, "s", value, sizeof(value)));
}
END_TEST

START_TEST(a_query_is_decoded_once_and_strictly)
{
    static const struct {
        const char *query;
        enum rc rc;
        const char *value; /* NULL: was not there */
    } rows[] = {
        {"", RC_OK, NULL},
        {"x=1", RC_OK, "1"},
        {"a=0&x=1&b=2", RC_OK, "1"},
        {"&&x=1&", RC_OK, "1"},
        {"x", RC_OK, ""},
        {"x=", RC_OK, ""},
        {"x=a+b%20c%2B", RC_OK, "a b c+"},
        {"x=%2541", RC_OK, "%41"},
        {"%78=1", RC_OK, "1"},
        {"x=1=2", RC_OK, "1=2"},
        {"x=%C3%B1", RC_OK, "\xc3\xb1"},
        {"X=1&xx=2", RC_OK, NULL},
        {"x=%", RC_INVALID, NULL},
        {"x=%4", RC_INVALID, NULL},
        {"x=%zz", RC_INVALID, NULL},
        {"x=%00", RC_INVALID, NULL},
        {"x=%ff", RC_INVALID, NULL},
        {"x=\xff", RC_INVALID, NULL},
        {"x=%c0%af", RC_INVALID, NULL},
        {"%=1", RC_INVALID, NULL},
        {"x=1&x=1", RC_INVALID, NULL},
        {"x=1&%78=2", RC_INVALID, NULL},
        {"x=123456789", RC_OK, "123456789"},
        {"x=1234567890", RC_INVALID, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char value[10] = "-";
        bool found = rows[i].rc != RC_OK;
        enum rc rc;

        ck_assert_int_eq(open_one("REQUEST_URI", "/"), 0);
        req.query = rows[i].query;
        rc = web_query(&req, "x", value, sizeof(value), &found, &err);
        ck_assert_msg(rc == rows[i].rc, "row %zu: %s", i, rows[i].query);
        if (rc != RC_OK)
            ck_assert_str_eq(err.code, "bad_request");
        ck_assert_msg(found == (rc != RC_OK || rows[i].value != NULL), "row %zu", i);
        ck_assert_str_eq(value, rows[i].value != NULL ? rows[i].value : "-");
    }
}
END_TEST

static bool note(void *ctx, const char *name, const char *value)
{
    struct strbuf *sb = ctx;

    strbuf_addf(sb, "[%s:%s]", name, value);
    return strcmp(name, "stop") != 0;
}

START_TEST(every_pair_of_a_form_is_told)
{
    static const struct {
        const char *form, *told;
        enum rc rc;
    } rows[] = {
        {"", "", RC_OK},
        {"a=1&b=%26+%3D&&c&=d", "[a:1][b:& =][c:][:d]", RC_OK},
        {"a=1&stop=2&b=3", "[a:1][stop:2]", RC_OK},
        {"a=1&b=%", "[a:1]", RC_INVALID},
        {"a=1&%ff=2", "[a:1]", RC_INVALID},
        {"a=1&a=2", "[a:1][a:2]", RC_OK},
    };
    struct strbuf told;

    strbuf_init(&told, 1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        strbuf_reset(&told);
        ck_assert_msg(web_form_each(rows[i].form, strlen(rows[i].form), note, &told,
                                    &err) == rows[i].rc,
                      "row %zu", i);
        ck_assert_str_eq(told.buf, rows[i].told);
    }
    strbuf_release(&told);
}
END_TEST

START_TEST(a_form_may_hold_any_byte_and_is_still_text)
{
    static const char nul[] = "x=a\0b";
    struct strbuf out;
    bool found = false;

    strbuf_init(&out, 100);
    ck_assert_int_eq(web_form_value(nul, sizeof(nul) - 1, "x", &out, &found, &err),
                     RC_INVALID);
    ck_assert_int_eq(web_form_value("x=1&y=2", 3, "x", &out, &found, &err), RC_OK);
    ck_assert(found);
    ck_assert_str_eq(out.buf, "1");
    strbuf_release(&out);
}
END_TEST

START_TEST(a_body_file_is_what_nginx_calls_it)
{
    ck_assert_int_eq(open_one("REQUEST_BODY_FILE", "/incoming/0000000001"), 0);
    ck_assert_str_eq(web_body_file(&req), "/incoming/0000000001");
    ck_assert_int_eq(open_one("REQUEST_BODY_FILE", ""), 0);
    ck_assert_ptr_null(web_body_file(&req));
    ck_assert_int_eq(open_one("HTTP_REQUEST_BODY_FILE", "/etc/passwd"), 0);
    ck_assert_ptr_null(web_body_file(&req));
}
END_TEST

UNIT_MAIN("web_request", a_request_is_what_nginx_says, what_is_missing_has_its_default,
          what_cannot_be_a_request_is_refused,
          long_addresses_are_414_and_long_headers_431, an_id_that_is_not_hex_is_replaced,
          a_header_is_found_by_its_name_in_any_case, a_header_sent_twice_fits_nothing,
          a_content_type_has_no_parameters_and_one_case,
          a_cookie_is_found_once_or_not_at_all, cookies_of_several_headers_count_together,
          a_query_is_decoded_once_and_strictly, every_pair_of_a_form_is_told,
          a_form_may_hold_any_byte_and_is_still_text, a_body_file_is_what_nginx_calls_it)
