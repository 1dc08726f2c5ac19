/* dispatch, auth, body, failure: one request from its parameters to its answer. The
 * database and the body are played by functions of this file. */
#include "api/auth.h"
#include "api/body.h"
#include "api/dispatch.h"
#include "api/failure.h"
#include "core/log.h"
#include "crypto/digest.h"
#include "store/api_tokens.h"
#include "unit.h"
#include "web/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- the layers below ---------------------------------------------------------- */

#define COOKIE "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
#define TOKEN  "tts_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct fake {
    enum rc store_rc; /* what looking somebody up says */
    enum role role;
    unsigned scopes;
    const char *body;
    enum rc handler_rc;
    const char *handler_code, *handler_field;
    int64_t handler_retry_ms;
    bool handler_fields, handler_silent;
    int called;
    struct api_request seen;
    char seen_body[64];
} fake;

static const unsigned char secret[SESSION_SECRET_SIZE] = {1, 2, 3};

enum rc session_find(struct db *db, const unsigned char hash[SESSION_HASH_SIZE],
                     struct session *out, struct err *err)
{
    unsigned char right[DIGEST_SHA256_SIZE];

    (void)db;
    if (fake.store_rc != RC_OK)
        return err_set(err, fake.store_rc, "database_unavailable", "host db7 is away");
    digest_sha256(COOKIE, strlen(COOKIE), right);
    if (memcmp(right, hash, sizeof(right)) != 0)
        return err_set(err, RC_NOT_FOUND, "session_unknown", "No session.");
    *out = (struct session){.workspace_id = 11, .user_id = 12, .role = fake.role};
    (void)memcpy(out->csrf_secret, secret, sizeof(secret));
    return RC_OK;
}

enum rc api_token_find(struct db *db, const unsigned char hash[API_TOKEN_HASH_SIZE],
                       struct api_token *out, struct err *err)
{
    unsigned char right[DIGEST_SHA256_SIZE];

    (void)db;
    digest_sha256(TOKEN, strlen(TOKEN), right);
    if (memcmp(right, hash, sizeof(right)) != 0)
        return err_set(err, RC_NOT_FOUND, "token_unknown", "No token.");
    *out = (struct api_token){.token_id = 5,
                              .workspace_id = 11,
                              .user_id = 12,
                              .role = fake.role,
                              .scopes = fake.scopes};
    return RC_OK;
}

bool api_token_looks_right(const char *text)
{
    return strlen(text) == strlen(TOKEN) && strncmp(text, "tts_", 4) == 0;
}

const char *api_scopes_text(unsigned scopes)
{
    return scopes == API_SCOPE_READ ? "read" : "write";
}

enum rc web_body_read(const struct web_request *req, size_t max, struct strbuf *out,
                      struct err *err)
{
    if (req->content_length > (int64_t)max)
        return err_set(err, RC_INVALID, "too_large", "Too large.");
    strbuf_addstr(out, fake.body);
    return RC_OK;
}

static enum rc handle(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err)
{
    struct api_fields fields = {0};

    (void)api;
    fake.called++;
    fake.seen = *req;
    (void)snprintf(fake.seen_body, sizeof(fake.seen_body), "%s", req->body);
    web_header_add(res, "X-Half", "done");
    if (fake.handler_fields) {
        api_fields_add(&fields, "disclose.branded_content", "consent_missing");
        api_fields_add(&fields, "caption", "caption_too_long");
        return api_fields_fail(&fields, "Two things are wrong.", err);
    }
    if (fake.handler_field != NULL)
        return err_field(err, fake.handler_field, fake.handler_code, "That is wrong.");
    if (fake.handler_rc != RC_OK) {
        (void)err_set(err, fake.handler_rc, fake.handler_code, "In words.");
        err->retry_after_ms = fake.handler_retry_ms;
        return fake.handler_rc;
    }
    if (!fake.handler_silent)
        web_text(res, 200, "text/plain", "fine");
    return RC_OK;
}

static const struct api_route some[] = {
    {"GET", "/api/open", AUTH_NONE, BODY_NONE, handle},
    {"POST", "/api/open", AUTH_NONE, BODY_JSON, handle},
    {"GET", "/api/things", AUTH_VIEWER, BODY_NONE, handle},
    {"POST", "/api/things", AUTH_EDITOR, BODY_JSON, handle},
    {"POST", "/api/maybe", AUTH_EDITOR, BODY_OPTIONAL, handle},
    {"POST", "/api/outside", AUTH_OUTSIDE, BODY_RAW, handle},
};
static const struct api_route others[] = {
    {"GET", "/api/things/{id}", AUTH_VIEWER, BODY_NONE, handle},
    {"DELETE", "/api/things/{id}", AUTH_ADMIN, BODY_NONE, handle},
    {"GET", "/api/back", AUTH_SESSION, BODY_NONE, handle},
    {"PATCH", "/api/v1/uploads/{upload}", AUTH_EDITOR, BODY_RAW, handle},
    {"HEAD", "/api/v1/uploads/{upload}", AUTH_EDITOR, BODY_NONE, handle},
};
static const struct api_routes tables[] = {{some, ARRAY_LEN(some)},
                                           {others, ARRAY_LEN(others)}};
static const struct api_routes *const all[] = {&tables[0], &tables[1]};

/* --- a request ----------------------------------------------------------------- */

static struct api_settings settings = {.app_url = (char[]){"http://localhost:8080"}};
static struct api api;
static struct dispatch dispatch;
static struct web_response res;
static char key_file[64];
static struct key_ring *keys;
static char csrf[AUTH_CSRF_SIZE];
static struct err err;

static void setup(void)
{
    struct api_caller who = {0};

    log_setup("test", LOG_LEVEL_ERROR);
    (void)snprintf(key_file, sizeof(key_file), "/tmp/tts-test-dispatch.%d",
                   (int)getpid());
    (void)unlink(key_file);
    ck_assert_int_eq(key_file_generate(key_file, random_system(), 1, &err), RC_OK);
    ck_assert_int_eq(key_ring_load(key_file, &keys, &err), RC_OK);
    api = (struct api){.settings = &settings, .clock = clock_system(), .keys = keys};
    dispatch = (struct dispatch){.api = &api, .routes = {all, ARRAY_LEN(all)}};
    fake = (struct fake){.role = ROLE_OWNER, .scopes = 3, .body = "{}"};
    digest_sha256(COOKIE, strlen(COOKIE), who.session_hash);
    (void)memcpy(who.csrf_secret, secret, sizeof(secret));
    auth_csrf_token(keys, &who, csrf);
    web_response_init(&res);
}

static void teardown(void)
{
    web_response_release(&res);
    key_ring_free(keys);
    (void)unlink(key_file);
}

#define AS_SESSION "HTTP_COOKIE=tts_session=" COOKIE
#define AS_TOKEN   "HTTP_AUTHORIZATION=Bearer " TOKEN
#define OUR_PAGE   "HTTP_SEC_FETCH_SITE=same-origin"
#define JSON       "CONTENT_TYPE=application/json; charset=utf-8"
#define LENGTH     "CONTENT_LENGTH=2"

/* Sends a request with these parameters (up to NULL); the answer's status. */
static int send(const char *method, const char *path, ...)
{
    static char first[64], second[256], third[] = "REMOTE_ADDR=192.0.2.1";
    static const char *list[16];
    struct web_stream stream = {.parameters = list};
    struct web_request web;
    size_t n = 0;
    va_list ap;

    (void)snprintf(first, sizeof(first), "REQUEST_METHOD=%s", method);
    (void)snprintf(second, sizeof(second), "REQUEST_URI=%s", path);
    list[n++] = first;
    list[n++] = second;
    list[n++] = third;
    va_start(ap, path);
    do {
        list[n] = va_arg(ap, const char *);
    } while (list[n++] != NULL);
    va_end(ap);
    ck_assert_int_eq(web_request_open(&web, &stream), 0);
    web_response_reset(&res);
    fake.called = 0;
    dispatch_request(&dispatch, &web, &res);
    return res.status;
}

static char with_csrf[128];

/* A right POST or DELETE of the browser. */
static int send_unsafe(const char *method, const char *path, const char *more)
{
    (void)snprintf(with_csrf, sizeof(with_csrf), "HTTP_X_CSRF_TOKEN=%s", csrf);
    if (strcmp(method, "DELETE") == 0)
        return send(method, path, AS_SESSION, OUR_PAGE, with_csrf, more, NULL);
    return send(method, path, AS_SESSION, OUR_PAGE, with_csrf, JSON, LENGTH, more, NULL);
}

static void code_is(const char *code)
{
    json_t *json = json_loads(res.body.buf, 0, NULL);
    const json_t *error = json_object_get(json, "error");

    ck_assert_msg(error != NULL, "no error in %s", res.body.buf);
    ck_assert_str_eq(json_string_value(json_object_get(error, "code")), code);
    ck_assert_uint_gt(json_string_length(json_object_get(error, "message")), 0);
    ck_assert_uint_gt(json_string_length(json_object_get(error, "request_id")), 0);
    json_decref(json);
}

static bool has(const char *line)
{
    return strstr(res.headers.buf, line) != NULL;
}

/* --- routes -------------------------------------------------------------------- */

START_TEST(an_address_that_nobody_has_is_404_and_a_wrong_method_405_with_allow)
{
    ck_assert_int_eq(send("GET", "/api/nothing", NULL), 404);
    code_is("not_found");
    ck_assert_int_eq(send("PUT", "/api/things", NULL), 405);
    code_is("method_not_allowed");
    ck_assert_msg(has("Allow: GET, HEAD, POST\r\n"), "%s", res.headers.buf);
    ck_assert_int_eq(send("POST", "/api/things/7", NULL), 405);
    ck_assert(has("Allow: GET, HEAD, DELETE\r\n"));
    ck_assert_int_eq(fake.called, 0);
}
END_TEST

START_TEST(head_is_answered_as_get)
{
    ck_assert_int_eq(send("HEAD", "/api/open", NULL), 200);
    ck_assert_int_eq(send("HEAD", "/api/maybe", NULL), 405);
    ck_assert_str_eq(res.body.buf, "");
}
END_TEST

START_TEST(an_id_must_be_one_and_is_looked_at_after_who_asks)
{
    static const char *const bad[] = {"/api/things/0", "/api/things/-1", "/api/things/1x",
                                      "/api/things/%31",
                                      "/api/things/99999999999999999999"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_int_eq(send("GET", bad[i], AS_SESSION, NULL), 404);
        ck_assert_int_eq(send("GET", bad[i], NULL), 401);
    }
    ck_assert_int_eq(send("GET", "/api/things/42", AS_SESSION, NULL), 200);
    ck_assert_uint_eq(fake.seen.id, 42);
}
END_TEST

/* --- who asks ------------------------------------------------------------------ */

START_TEST(somebody_must_be_signed_in)
{
    static const char *const bad[] = {
        "HTTP_COOKIE=",
        "HTTP_COOKIE=tts_session=",
        "HTTP_COOKIE=tts_session=short",
        ("HTTP_COOKIE=tts_session=" COOKIE "x"),
        ("HTTP_COOKIE=tts_session=" COOKIE "; tts_session=" COOKIE),
        ("HTTP_COOKIE=__Host-tts_session=" COOKIE),
        "HTTP_COOKIE=tts_session=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "HTTP_AUTHORIZATION=Bearer tts_wrong",
        "HTTP_AUTHORIZATION=Bearer ",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(send("GET", "/api/things", bad[i], NULL) == 401, "%s", bad[i]);
        code_is("not_signed_in");
        ck_assert(has("WWW-Authenticate: Bearer\r\n"));
    }
    ck_assert_int_eq(fake.called, 0);
}
END_TEST

START_TEST(a_session_tells_who_it_is)
{
    ck_assert_int_eq(send("GET", "/api/things", AS_SESSION, NULL), 200);
    ck_assert_uint_eq(fake.seen.who.workspace_id, 11);
    ck_assert_uint_eq(fake.seen.who.user_id, 12);
    ck_assert_uint_eq(fake.seen.who.token_id, 0);
}
END_TEST

START_TEST(over_https_the_cookie_has_the_prefix_that_binds_it_to_us)
{
    settings.https = true;
    ck_assert_int_eq(send("GET", "/api/things", AS_SESSION, NULL), 401);
    ck_assert_int_eq(
        send("GET", "/api/things", "HTTP_COOKIE=__Host-tts_session=" COOKIE, NULL), 200);
    settings.https = false;
}
END_TEST

START_TEST(with_a_token_no_cookie_is_read_and_no_csrf_asked)
{
    ck_assert_int_eq(send("GET", "/api/things", AS_SESSION,
                          "HTTP_AUTHORIZATION=Bearer tts_wrong", NULL),
                     401);
    ck_assert_int_eq(send("POST", "/api/things", AS_TOKEN, JSON, LENGTH,
                          "HTTP_ORIGIN=https://evil.example", NULL),
                     200);
    ck_assert_uint_eq(fake.seen.who.token_id, 5);
    ck_assert_int_eq(send("GET", "/api/things", "HTTP_AUTHORIZATION=bearer " TOKEN, NULL),
                     200);
    ck_assert_int_eq(
        send("GET", "/api/things", "HTTP_AUTHORIZATION=Basic YTpi", AS_SESSION, NULL),
        200);
}
END_TEST

START_TEST(a_route_for_browsers_is_reached_without_a_session_and_takes_no_token)
{
    ck_assert_int_eq(send("GET", "/api/back", NULL), 200);
    ck_assert_uint_eq(fake.seen.who.user_id, 0);
    ck_assert_int_eq(send("GET", "/api/back", AS_TOKEN, NULL), 200);
    ck_assert_uint_eq(fake.seen.who.user_id, 0);
    ck_assert_uint_eq(fake.seen.who.token_id, 0);
    ck_assert_int_eq(send("GET", "/api/back", AS_SESSION, NULL), 200);
    ck_assert_uint_eq(fake.seen.who.user_id, 12);
    fake.store_rc = RC_UNAVAILABLE;
    ck_assert_int_eq(send("GET", "/api/back", AS_SESSION, NULL), 503);
}
END_TEST

START_TEST(roles_and_scopes_open_what_they_should)
{
    static const struct {
        enum role role;
        int view, edit, manage;
    } rows[] = {
        {ROLE_OWNER, 200, 200, 200},  {ROLE_ADMIN, 200, 200, 200},
        {ROLE_EDITOR, 200, 200, 403}, {ROLE_APPROVER, 200, 403, 403},
        {ROLE_VIEWER, 200, 403, 403},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.role = rows[i].role;
        ck_assert_int_eq(send("GET", "/api/things", AS_SESSION, NULL), rows[i].view);
        ck_assert_int_eq(send_unsafe("POST", "/api/things", NULL), rows[i].edit);
        ck_assert_int_eq(send_unsafe("DELETE", "/api/things/1", NULL), rows[i].manage);
        ck_assert_int_eq(send("POST", "/api/things", AS_TOKEN, JSON, LENGTH, NULL),
                         rows[i].edit);
    }
    fake.role = ROLE_OWNER;
    fake.scopes = API_SCOPE_READ;
    ck_assert_int_eq(send("GET", "/api/things", AS_TOKEN, NULL), 200);
    ck_assert_int_eq(send("POST", "/api/things", AS_TOKEN, JSON, LENGTH, NULL), 403);
    code_is("forbidden");
    fake.scopes = API_SCOPE_WRITE;
    ck_assert_int_eq(send("GET", "/api/things", AS_TOKEN, NULL), 403);
    ck_assert_int_eq(send("POST", "/api/things", AS_TOKEN, JSON, LENGTH, NULL), 200);
}
END_TEST

/* --- other sites --------------------------------------------------------------- */

START_TEST(an_unsafe_request_must_come_from_our_page_with_its_token)
{
    static const char *const origins[] = {
        "HTTP_ORIGIN=http://localhost:8080", "HTTP_ORIGIN=https://evil.example",
        "HTTP_ORIGIN=null", "HTTP_ORIGIN=http://localhost:80800", "HTTP_ACCEPT=x"};
    static const char *const sites[] = {
        "HTTP_SEC_FETCH_SITE=same-origin", "HTTP_SEC_FETCH_SITE=same-site",
        "HTTP_SEC_FETCH_SITE=cross-site", "HTTP_SEC_FETCH_SITE=none", "HTTP_ACCEPT=x"};
    char tokens[4][128];
    struct api_caller stranger = {.session_hash = {9}};
    char theirs[AUTH_CSRF_SIZE];

    auth_csrf_token(keys, &stranger, theirs);
    (void)snprintf(tokens[0], sizeof(tokens[0]), "HTTP_X_CSRF_TOKEN=%s", csrf);
    (void)snprintf(tokens[1], sizeof(tokens[1]), "HTTP_X_CSRF_TOKEN=%s", theirs);
    (void)snprintf(tokens[2], sizeof(tokens[2]), "HTTP_X_CSRF_TOKEN=%072d", 0);
    (void)snprintf(tokens[3], sizeof(tokens[3]), "HTTP_ACCEPT=x");
    for (size_t o = 0; o < ARRAY_LEN(origins); o++) {
        for (size_t i = 0; i < ARRAY_LEN(sites) * ARRAY_LEN(tokens); i++) {
            size_t s = i / ARRAY_LEN(tokens), t = i % ARRAY_LEN(tokens);
            bool good = t == 0 && (s == 0 || (s == 4 && o == 0));
            int status = send("DELETE", "/api/things/1", AS_SESSION, origins[o], sites[s],
                              tokens[t], NULL);

            ck_assert_msg(status == (good ? 200 : 403), "%s %s %s: %d", origins[o],
                          sites[s], tokens[t], status);
            if (!good)
                code_is("csrf_failed");
        }
    }
}
END_TEST

START_TEST(who_proves_itself_otherwise_may_come_from_anywhere)
{
    ck_assert_int_eq(send("POST", "/api/outside", NULL), 200);
    ck_assert_int_eq(send("POST", "/api/outside", "HTTP_ORIGIN=https://elsewhere.example",
                          "HTTP_SEC_FETCH_SITE=cross-site", NULL),
                     200);
    ck_assert_int_eq(send("GET", "/api/outside", NULL), 405);
    ck_assert_uint_eq(fake.seen.who.user_id, 0);
}
END_TEST

START_TEST(without_a_session_the_origin_rule_alone_holds)
{
    ck_assert_int_eq(send("POST", "/api/open", JSON, LENGTH, NULL), 403);
    ck_assert_int_eq(send("POST", "/api/open", JSON, LENGTH, OUR_PAGE, NULL), 200);
    ck_assert_int_eq(send("POST", "/api/open", JSON, LENGTH,
                          "HTTP_ORIGIN=http://localhost:8080", NULL),
                     200);
    ck_assert_int_eq(send("GET", "/api/open", NULL), 200);
}
END_TEST

/* --- bodies -------------------------------------------------------------------- */

START_TEST(a_body_is_json_of_a_size_and_an_object)
{
    static const struct {
        const char *type, *length, *body;
        int status;
        const char *code;
    } rows[] = {
        {JSON, LENGTH, "{\"a\":1}", 200, NULL},
        {"CONTENT_TYPE=application/x-www-form-urlencoded", LENGTH, "a=1", 415,
         "unsupported_media_type"},
        {"HTTP_ACCEPT=x", LENGTH, "{}", 415, "unsupported_media_type"},
        {JSON, "CONTENT_LENGTH=65537", "", 413, "too_large"},
        {JSON, LENGTH, "", 400, "bad_json"},
        {JSON, LENGTH, "{\"a\":", 400, "bad_json"},
        {JSON, LENGTH, "[]", 400, "bad_json"},
        {JSON, LENGTH, "{\"a\":1,\"a\":2}", 400, "bad_json"},
        {JSON, LENGTH, "{\"a\":\"\\u0000\"}", 400, "bad_json"},
        {JSON, LENGTH, "{\"a\":\"\xff\"}", 400, "bad_json"},
        {JSON, LENGTH, "{} x", 400, "bad_json"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.body = rows[i].body;
        ck_assert_msg(send("POST", "/api/things", AS_TOKEN, rows[i].type, rows[i].length,
                           NULL) == rows[i].status,
                      "row %zu", i);
        if (rows[i].code != NULL)
            code_is(rows[i].code);
        ck_assert_int_eq(fake.called, rows[i].code == NULL);
    }
    fake.body = "{\"a\":1}";
    ck_assert_int_eq(send_unsafe("POST", "/api/things", NULL), 200);
    ck_assert_str_eq(fake.seen_body, "{\"a\":1}");
}
END_TEST

START_TEST(nesting_has_a_limit_and_brackets_in_text_do_not_count)
{
    char text[200] = "{\"a\":";
    size_t start = strlen(text);
    json_t *json = NULL;

    for (size_t depth = 1; depth <= 40; depth++) {
        enum rc rc;

        (void)memset(text + start, '[', depth);
        (void)memset(text + start + depth, ']', depth);
        (void)snprintf(text + start + 2 * depth, 2, "}");
        rc = body_parse(text, strlen(text), &json, &err);
        ck_assert_msg((rc == RC_OK) == (depth < BODY_DEPTH_MAX), "depth %zu", depth);
        json_decref(rc == RC_OK ? json : NULL);
    }
    (void)snprintf(text, sizeof(text), "{\"a\":\"[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[\"}");
    ck_assert_int_eq(body_parse(text, strlen(text), &json, &err), RC_OK);
    json_decref(json);
}
END_TEST

START_TEST(a_body_may_be_absent_where_it_is_optional_and_must_be_where_none_is_taken)
{
    ck_assert_int_eq(send("POST", "/api/maybe", AS_TOKEN, NULL), 200);
    ck_assert_ptr_nonnull(fake.seen.json);
    ck_assert_int_eq(send("POST", "/api/maybe", AS_TOKEN, "CONTENT_LENGTH=0", NULL), 200);
    ck_assert_int_eq(send("POST", "/api/maybe", AS_TOKEN, LENGTH, NULL), 415);
    ck_assert_int_eq(send("GET", "/api/things", AS_TOKEN, LENGTH, NULL), 400);
    code_is("bad_request");
    ck_assert_int_eq(send("GET", "/api/things", AS_TOKEN, "CONTENT_LENGTH=0", NULL), 200);
}
END_TEST

/* --- answers ------------------------------------------------------------------- */

START_TEST(every_class_and_every_special_code_has_its_status)
{
    static const struct {
        enum rc rc;
        const char *code;
        int status;
        const char *shown;
    } rows[] = {
        {RC_INVALID, "invalid", 422, "invalid"},
        {RC_INVALID, "idempotency_key_reused", 422, "idempotency_key_reused"},
        {RC_INVALID, "bad_upload_length", 400, "bad_upload_length"},
        {RC_INVALID, "bad_upload_metadata", 400, "bad_upload_metadata"},
        {RC_INVALID, "bad_upload_offset", 400, "bad_upload_offset"},
        {RC_INVALID, "bad_checksum_header", 400, "bad_checksum_header"},
        {RC_INVALID, "body_cut_short", 400, "bad_request"},
        {RC_INVALID, "too_large", 413, "too_large"},
        {RC_INVALID, "unsupported_file_type", 415, "unsupported_file_type"},
        {RC_INVALID, "tus_version", 412, "tus_version"},
        {RC_INVALID, "checksum_mismatch", 460, "checksum_mismatch"},
        {RC_DENIED, "bad_credentials", 401, "bad_credentials"},
        {RC_DENIED, "forbidden", 403, "forbidden"},
        {RC_NOT_FOUND, "not_found", 404, "not_found"},
        {RC_NOT_FOUND, "upload_gone", 410, "upload_gone"},
        {RC_CONFLICT, "too_late", 409, "too_late"},
        {RC_CONFLICT, "version_mismatch", 412, "version_mismatch"},
        {RC_CONFLICT, "upload_busy", 423, "upload_busy"},
        {RC_CONFLICT, "duplicate", 409, "conflict"},
        {RC_LIMITED, "too_many_attempts", 429, "too_many_attempts"},
        {RC_LIMITED, "storage_full", 507, "storage_full"},
        {RC_UNAVAILABLE, "disk_full", 507, "storage_full"},
        {RC_UNAVAILABLE, "database_unavailable", 503, "database_unavailable"},
        {RC_UNAVAILABLE, "publisher_away", 503, "publisher_away"},
        {RC_UNCERTAIN, "database_uncertain", 504, "database_uncertain"},
        {RC_REJECTED, "whatever", 502, "whatever"},
        {RC_BUG, "database_bug", 500, "internal"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.handler_rc = rows[i].rc;
        fake.handler_code = rows[i].code;
        ck_assert_msg(send("GET", "/api/open", NULL) == rows[i].status, "%s: %d",
                      rows[i].code, res.status);
        code_is(rows[i].shown);
        ck_assert_msg(has("Retry-After: ") == (res.status == 429 || res.status == 503),
                      "%s", rows[i].code);
        ck_assert(!has("X-Half"));
    }
}
END_TEST

START_TEST(what_a_dependency_says_stays_inside)
{
    fake.store_rc = RC_UNAVAILABLE;
    ck_assert_int_eq(send("GET", "/api/things", AS_SESSION, NULL), 503);
    ck_assert_ptr_null(strstr(res.body.buf, "db7"));
    fake.handler_rc = RC_BUG;
    fake.handler_code = "x";
    ck_assert_int_eq(send("GET", "/api/open", NULL), 500);
    ck_assert_ptr_null(strstr(res.body.buf, "In words"));
}
END_TEST

START_TEST(retry_after_is_in_whole_seconds_rounded_up)
{
    static const struct {
        int64_t ms;
        const char *line;
    } rows[] = {
        {1, "Retry-After: 1\r\n"},    {1000, "Retry-After: 1\r\n"},
        {1001, "Retry-After: 2\r\n"}, {300000, "Retry-After: 300\r\n"},
        {0, "Retry-After: 5\r\n"},
    };

    fake.handler_rc = RC_LIMITED;
    fake.handler_code = "rate_limited";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.handler_retry_ms = rows[i].ms;
        ck_assert_int_eq(send("GET", "/api/open", NULL), 429);
        ck_assert_msg(has(rows[i].line), "%s", res.headers.buf);
    }
}
END_TEST

static const char *field_code(const char *name)
{
    static json_t *json;

    json_decref(json);
    json = json_loads(res.body.buf, 0, NULL);
    return json_string_value(
        json_object_get(json_object_get(json_object_get(json, "error"), "fields"), name));
}

START_TEST(findings_on_fields_are_listed)
{
    fake.handler_fields = true;
    ck_assert_int_eq(send("GET", "/api/open", NULL), 422);
    code_is("invalid");
    ck_assert_str_eq(field_code("disclose.branded_content"), "consent_missing");
    ck_assert_str_eq(field_code("caption"), "caption_too_long");
    fake.handler_fields = false;
    fake.handler_rc = RC_INVALID;
    fake.handler_code = "invalid";
    ck_assert_int_eq(send("GET", "/api/open", NULL), 422);
    ck_assert_ptr_null(strstr(res.body.buf, "fields")); /* of the request before */
}
END_TEST

START_TEST(one_field_is_invalid_with_its_code_and_an_unknown_one_says_so)
{
    fake.handler_field = "filename";
    fake.handler_code = "filename_empty";
    ck_assert_int_eq(send("GET", "/api/open", NULL), 422);
    code_is("invalid");
    ck_assert_str_eq(field_code("filename"), "filename_empty");
    fake.handler_code = "unknown_field";
    ck_assert_int_eq(send("GET", "/api/open", NULL), 422);
    code_is("unknown_field");
    ck_assert_str_eq(field_code("filename"), "unknown_field");
}
END_TEST

START_TEST(every_answer_has_an_id_and_is_not_stored_unless_the_handler_says_so)
{
    ck_assert_int_eq(send("GET", "/api/open", "REQUEST_ID=0123456789abcdef", NULL), 200);
    ck_assert(has("X-Request-Id: 0123456789abcdef\r\n"));
    ck_assert(has("Cache-Control: no-store\r\n"));
    ck_assert_int_eq(send("GET", "/api/nothing", NULL), 404);
    ck_assert(has("X-Request-Id: ") && has("Cache-Control: no-store\r\n"));
}
END_TEST

START_TEST(errors_of_uploads_speak_tus_and_those_of_head_have_no_body)
{
    fake.handler_rc = RC_INVALID;
    fake.handler_code = "tus_version";
    ck_assert_int_eq(send("PATCH", "/api/v1/uploads/x", AS_TOKEN, NULL), 412);
    ck_assert(has("Tus-Resumable: 1.0.0\r\n") && has("Tus-Version: 1.0.0\r\n"));
    ck_assert_int_eq(send("HEAD", "/api/v1/uploads/x", NULL), 401);
    ck_assert(has("Tus-Resumable: 1.0.0\r\n") && !has("Tus-Version"));
    ck_assert_str_eq(res.body.buf, "");
    ck_assert(!has("Content-Type"));
}
END_TEST

START_TEST(a_handler_that_answers_nothing_is_a_bug)
{
    fake.handler_silent = true;
    ck_assert_int_eq(send("GET", "/api/open", NULL), 500);
    code_is("internal");
}
END_TEST

UNIT_MAIN_FIXTURE(
    "api_dispatch", setup, teardown,
    an_address_that_nobody_has_is_404_and_a_wrong_method_405_with_allow,
    head_is_answered_as_get, an_id_must_be_one_and_is_looked_at_after_who_asks,
    somebody_must_be_signed_in, a_session_tells_who_it_is,
    over_https_the_cookie_has_the_prefix_that_binds_it_to_us,
    with_a_token_no_cookie_is_read_and_no_csrf_asked,
    a_route_for_browsers_is_reached_without_a_session_and_takes_no_token,
    roles_and_scopes_open_what_they_should,
    an_unsafe_request_must_come_from_our_page_with_its_token,
    who_proves_itself_otherwise_may_come_from_anywhere,
    without_a_session_the_origin_rule_alone_holds, a_body_is_json_of_a_size_and_an_object,
    nesting_has_a_limit_and_brackets_in_text_do_not_count,
    a_body_may_be_absent_where_it_is_optional_and_must_be_where_none_is_taken,
    every_class_and_every_special_code_has_its_status,
    what_a_dependency_says_stays_inside, retry_after_is_in_whole_seconds_rounded_up,
    findings_on_fields_are_listed,
    one_field_is_invalid_with_its_code_and_an_unknown_one_says_so,
    every_answer_has_an_id_and_is_not_stored_unless_the_handler_says_so,
    errors_of_uploads_speak_tus_and_those_of_head_have_no_body,
    a_handler_that_answers_nothing_is_a_bug)
