/* common, sign: versions, signed cursors, ids and findings. */
#include "api/api.h"
#include "api/sign.h"
#include "unit.h"
#include "web/stream.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct err err;
static struct web_stream stream;
static struct web_request web;
static struct api api;
static const struct api_request req = {.web = &web};
static char key_file[64], other_file[64];
static struct key_ring *keys, *other_keys;

static void new_keys(char *path, size_t size, const char *name, struct key_ring **ring)
{
    (void)snprintf(path, size, "/tmp/tts-test-%s.%d", name, (int)getpid());
    (void)unlink(path);
    ck_assert_int_eq(key_file_generate(path, random_system(), 1, &err), RC_OK);
    ck_assert_int_eq(key_ring_load(path, ring, &err), RC_OK);
}

static void setup(void)
{
    new_keys(key_file, sizeof(key_file), "a", &keys);
    new_keys(other_file, sizeof(other_file), "b", &other_keys);
    api.keys = keys;
}

static void teardown(void)
{
    key_ring_free(keys);
    key_ring_free(other_keys);
    (void)unlink(key_file);
    (void)unlink(other_file);
}

/* A GET with one more parameter. */
static void request(const char *query, const char *name, const char *value)
{
    static char method[] = "REQUEST_METHOD=GET";
    static char uri[2048], header[512];
    static const char *list[] = {method, uri, header, NULL};

    (void)snprintf(uri, sizeof(uri), "REQUEST_URI=/?%s", query);
    (void)snprintf(header, sizeof(header), "%s=%s", name, value);
    stream = (struct web_stream){.parameters = list};
    ck_assert_int_eq(web_request_open(&web, &stream), 0);
}

START_TEST(if_match_is_a_version_or_any)
{
    static const struct {
        const char *text;
        enum rc rc;
        uint32_t version;
    } rows[] = {
        {"\"3\"", RC_OK, 3},
        {"W/\"3\"", RC_OK, 3},
        {"*", RC_OK, 0},
        {"\"4294967295\"", RC_OK, 4294967295},
        {"\"4294967296\"", RC_INVALID, 0},
        {"\"0\"", RC_INVALID, 0},
        {"3", RC_INVALID, 0},
        {"\"\"", RC_INVALID, 0},
        {"\"3", RC_INVALID, 0},
        {"\"x\"", RC_INVALID, 0},
        {"\"1\", \"2\"", RC_INVALID, 0},
        {"", RC_INVALID, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t version = 77;

        request("", "HTTP_IF_MATCH", rows[i].text);
        ck_assert_msg(api_if_match(&req, &version, &err) == rows[i].rc, "%s",
                      rows[i].text);
        if (rows[i].rc == RC_OK)
            ck_assert_uint_eq(version, rows[i].version);
        else
            ck_assert_str_eq(err.code, "bad_request");
    }
}
END_TEST

START_TEST(without_if_match_any_version_is_right)
{
    uint32_t version = 77;

    request("", "HTTP_ACCEPT", "*/*");
    ck_assert_int_eq(api_if_match(&req, &version, &err), RC_OK);
    ck_assert_uint_eq(version, 0);
}
END_TEST

START_TEST(a_limit_is_from_1_to_100_and_50_when_not_given)
{
    static const struct {
        const char *query;
        size_t limit; /* 0: refused */
    } rows[] = {
        {"", 50},         {"limit=1", 1},  {"limit=100", 100},
        {"limit=101", 0}, {"limit=0", 0},  {"limit=-1", 0},
        {"limit=", 0},    {"limit=1x", 0}, {"limit=1&limit=2", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_page page = {0};
        enum rc rc;

        request(rows[i].query, "HTTP_ACCEPT", "*/*");
        rc = api_page_read(&api, &req, "posts", &page, &err);
        ck_assert_msg((rc == RC_OK) == (rows[i].limit > 0), "%s", rows[i].query);
        ck_assert_uint_eq(page.limit, rows[i].limit);
        ck_assert(rc != RC_OK || page.first);
    }
}
END_TEST

/* The cursor that an answer would carry. */
static void make_cursor(const char *list, int64_t at, uint64_t id, char *out, size_t size)
{
    struct strbuf sb;
    struct jsonw w;
    json_t *json;

    strbuf_init(&sb, 1000);
    jsonw_init(&w, &sb);
    jsonw_object(&w);
    jsonw_key(&w, "items");
    jsonw_array(&w);
    api_page_end(&api, &w, list, true, at, id);
    json = json_loads(sb.buf, 0, NULL);
    (void)snprintf(out, size, "%s",
                   json_string_value(json_object_get(json, "next_cursor")));
    json_decref(json);
    strbuf_release(&sb);
}

static enum rc read_cursor(const char *list, const char *cursor, struct api_page *page)
{
    char query[600];

    (void)snprintf(query, sizeof(query), "cursor=%s", cursor);
    request(query, "HTTP_ACCEPT", "*/*");
    return api_page_read(&api, &req, list, page, &err);
}

START_TEST(a_cursor_comes_back_as_it_was_given)
{
    static const struct {
        int64_t at;
        uint64_t id;
    } rows[] = {
        {0, 1}, {1790000000123, 42}, {-5, UINT64_MAX}, {INT64_MAX, 7}, {INT64_MIN, 0}};
    char cursor[201];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_page page;

        make_cursor("posts", rows[i].at, rows[i].id, cursor, sizeof(cursor));
        ck_assert_int_eq(read_cursor("posts", cursor, &page), RC_OK);
        ck_assert(!page.first);
        ck_assert_int_eq(page.at, rows[i].at);
        ck_assert_uint_eq(page.id, rows[i].id);
    }
}
END_TEST

START_TEST(a_cursor_of_another_list_or_changed_anywhere_is_refused)
{
    char cursor[201], other[201];
    struct api_page page;

    make_cursor("posts", 5, 6, cursor, sizeof(cursor));
    ck_assert_int_eq(read_cursor("media", cursor, &page), RC_INVALID);
    ck_assert_str_eq(err.field, "cursor");
    for (size_t i = 0; cursor[i] != '\0'; i++) {
        (void)memcpy(other, cursor, sizeof(other));
        other[i] = cursor[i] == '0' ? '1' : '0';
        ck_assert_msg(read_cursor("posts", other, &page) == RC_INVALID, "byte %zu", i);
    }
    cursor[strlen(cursor) - 1] = '\0';
    ck_assert_int_eq(read_cursor("posts", cursor, &page), RC_INVALID);
    ck_assert_int_eq(read_cursor("posts", "", &page), RC_INVALID);
}
END_TEST

START_TEST(a_cursor_under_another_key_file_is_refused_and_one_before_a_rotation_is_not)
{
    char cursor[201];
    struct api_page page;
    struct key_ring *rotated;

    make_cursor("posts", 5, 6, cursor, sizeof(cursor));
    api.keys = other_keys;
    ck_assert_int_eq(read_cursor("posts", cursor, &page), RC_INVALID);
    ck_assert_int_eq(key_file_rotate(key_file, random_system(), 2, NULL, &err), RC_OK);
    ck_assert_int_eq(key_ring_load(key_file, &rotated, &err), RC_OK);
    api.keys = rotated;
    ck_assert_int_eq(read_cursor("posts", cursor, &page), RC_OK);
    key_ring_free(rotated);
}
END_TEST

START_TEST(a_tag_for_one_purpose_is_worthless_for_another)
{
    const struct hmac_part parts[] = {{"x", 1}};
    unsigned char tag[SIGN_SIZE];

    sign_make(keys, "csrf", parts, 1, tag);
    ck_assert(sign_check(keys, "csrf", parts, 1, tag));
    ck_assert(!sign_check(keys, "cursor", parts, 1, tag));
}
END_TEST

START_TEST(ids_in_json_are_decimal_text)
{
    static const struct {
        const char *json;
        enum rc rc;
        uint64_t id;
        const char *code;
    } rows[] = {
        {"{\"id\":\"7\"}", RC_OK, 7, ""},
        {"{\"id\":\"9223372036854775807\"}", RC_OK, INT64_MAX, ""},
        {"{\"id\":7}", RC_INVALID, 0, "invalid"},
        {"{\"id\":\"07\"}", RC_INVALID, 0, "invalid"},
        {"{\"id\":\"\"}", RC_INVALID, 0, "invalid"},
        {"{\"id\":\"0\"}", RC_INVALID, 0, "invalid"},
        {"{\"id\":[]}", RC_INVALID, 0, "invalid"},
        {"{\"id\":null}", RC_INVALID, 0, "missing"},
        {"{}", RC_INVALID, 0, "missing"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        uint64_t id = 1;

        ck_assert_msg(api_json_id(json, "id", true, &id, &err) == rows[i].rc, "%s",
                      rows[i].json);
        if (rows[i].rc == RC_OK)
            ck_assert_uint_eq(id, rows[i].id);
        else
            ck_assert_str_eq(err.code, rows[i].code);
        json_decref(json);
    }
}
END_TEST

START_TEST(an_id_that_is_not_required_may_be_absent_or_null)
{
    static const char *const rows[] = {"{}", "{\"id\":null}"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *json = json_loads(rows[i], 0, NULL);
        uint64_t id = 1;

        ck_assert_int_eq(api_json_id(json, "id", false, &id, &err), RC_OK);
        ck_assert_uint_eq(id, 0);
        json_decref(json);
    }
}
END_TEST

START_TEST(unknown_members_are_named_when_they_look_like_names)
{
    static const char *const allowed[] = {"a", "b", NULL};
    static const struct {
        const char *json, *field; /* NULL: fine */
    } rows[] = {
        {"{}", NULL},
        {"{\"a\":1,\"b\":2}", NULL},
        {"{\"a\":1,\"admin\":2}", "admin"},
        {"{\"<script>\":1}", "body"},
        {"{\"\":1}", "body"},
        {"{\"__proto__\":1}", "__proto__"},
        {"{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}", "body"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        enum rc rc = api_json_known(json, allowed, &err);

        ck_assert_msg((rc == RC_OK) == (rows[i].field == NULL), "%s", rows[i].json);
        if (rc != RC_OK) {
            ck_assert_str_eq(err.code, "unknown_field");
            ck_assert_str_eq(err.field, rows[i].field);
        }
        json_decref(json);
    }
}
END_TEST

START_TEST(the_first_finding_of_a_field_counts_and_there_are_not_too_many)
{
    struct api_fields f = {0};

    ck_assert_int_eq(api_fields_fail(&f, "Fine.", &err), RC_OK);
    api_fields_add(&f, "caption", "caption_too_long");
    api_fields_add(&f, "caption", "caption_bad");
    ck_assert_uint_eq(f.n, 1);
    for (int i = 0; i < 2 * API_FIELDS_MAX; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "f%d", i);
        api_fields_add(&f, name, "bad");
    }
    ck_assert_uint_eq(f.n, API_FIELDS_MAX);
    ck_assert_int_eq(api_fields_fail(&f, "Wrong.", &err), RC_INVALID);
    ck_assert_str_eq(err.code, "invalid");
    ck_assert_uint_eq(api_fields_kept()->n, API_FIELDS_MAX);
    ck_assert_str_eq(api_fields_kept()->code[0], "caption_too_long");
    api_fields_forget();
    ck_assert_uint_eq(api_fields_kept()->n, 0);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "api_common", setup, teardown, if_match_is_a_version_or_any,
    without_if_match_any_version_is_right, a_limit_is_from_1_to_100_and_50_when_not_given,
    a_cursor_comes_back_as_it_was_given,
    a_cursor_of_another_list_or_changed_anywhere_is_refused,
    a_cursor_under_another_key_file_is_refused_and_one_before_a_rotation_is_not,
    a_tag_for_one_purpose_is_worthless_for_another, ids_in_json_are_decimal_text,
    an_id_that_is_not_required_may_be_absent_or_null,
    unknown_members_are_named_when_they_look_like_names,
    the_first_finding_of_a_field_counts_and_there_are_not_too_many)
