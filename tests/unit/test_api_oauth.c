/* start and callback: the address that a browser is sent to, and where it ends for every
 * way back. The layers below are played by functions of this file. */
#include "api/oauth/oauth.h"
#include "core/encode.h"
#include "core/log.h"
#include "crypto/pkce.h"
#include "queue/queue.h"
#include "store/accounts.h"
#include "store/oauth.h"
#include "store/publishers.h"
#include "store/tasks.h"
#include "unit.h"
#include "web/server.h"
#include "web/stream.h"

#include <string.h>

/* --- the layers below --------------------------------------------------------------- */

static struct fake {
    enum rc begin_rc, load_rc, take_rc, audit_rc;
    enum oauth_fate fate;
    enum task_state task; /* what the task's row says, once ended_after_ms are over */
    const char *result, *code;
    int64_t ended_after_ms;
    int64_t publishers;
    bool crowded, redis_away;

    /* What was done. */
    int begun, taken, forgotten, audits, waiting, wait_begins;
    int64_t now_ms, begin_ms;
    bool took_code;
    uint64_t target, took_user, took_workspace;
    unsigned char state_hash[OAUTH_HASH_SIZE], session_hash[OAUTH_HASH_SIZE];
    char verifier[PKCE_VERIFIER_SIZE], code_taken[1025];
} fake;

static enum rc fail_as(enum rc rc, struct err *err)
{
    return rc == RC_OK ? RC_OK : err_set(err, rc, "database_unavailable", "It is away.");
}

static void keep_key(const struct oauth_key *key)
{
    fake.took_user = key->user_id;
    fake.took_workspace = key->workspace_id;
    (void)memcpy(fake.state_hash, key->state_hash, OAUTH_HASH_SIZE);
    (void)memcpy(fake.session_hash, key->session_hash, OAUTH_HASH_SIZE);
}

enum rc oauth_begin(struct db *db UNUSED, const struct oauth_begin *b, struct err *err)
{
    fake.begun++;
    keep_key(&b->key);
    (void)snprintf(fake.verifier, sizeof(fake.verifier), "%s", b->verifier);
    ck_assert_str_eq(b->redirect_uri, "https://our.test/api/auth/tiktok/callback");
    ck_assert_str_eq(b->scopes, "user.info.basic,video.publish");
    return fail_as(fake.begin_rc, err);
}

enum rc oauth_take(struct db *db UNUSED, const struct oauth_back *back,
                   struct oauth_taken *taken, struct err *err)
{
    fake.taken++;
    keep_key(&back->key);
    fake.took_code = back->code != NULL;
    (void)snprintf(fake.code_taken, sizeof(fake.code_taken), "%s",
                   back->code != NULL ? back->code : "");
    *taken = (struct oauth_taken){.fate = fake.fate};
    if (fake.fate == OAUTH_TAKEN && fake.took_code)
        *taken = (struct oauth_taken){OAUTH_TAKEN, 17, 99};
    return fail_as(fake.take_rc, err);
}

enum rc oauth_forget(struct db *db UNUSED, uint64_t workspace_id, uint64_t txn_id,
                     struct err *err UNUSED)
{
    ck_assert_uint_eq(workspace_id, 3);
    ck_assert_uint_eq(txn_id, 17);
    fake.forgotten++;
    return RC_OK;
}

enum rc account_load(struct db *db UNUSED, uint64_t workspace_id, uint64_t account_id,
                     struct account *out, struct err *err)
{
    ck_assert_uint_eq(workspace_id, 3);
    fake.target = account_id;
    *out = (struct account){.id = account_id};
    return fake.load_rc == RC_OK ? RC_OK
                                 : err_set(err, fake.load_rc, "not_found", "None such.");
}

struct account_standing account_standing_of(const struct account *account UNUSED)
{
    return (struct account_standing){0};
}

enum rc audit_add(struct db *db UNUSED, const struct actor *actor, const char *action,
                  uint64_t object_id, const char *data UNUSED, struct err *err)
{
    ck_assert_uint_eq(actor->user_id, 5);
    ck_assert_str_eq(actor->ip, "192.0.2.1");
    ck_assert_str_eq(action, "account.connect");
    ck_assert_uint_eq(object_id, 42);
    fake.audits++;
    return fail_as(fake.audit_rc, err);
}

enum rc task_result(struct db *db UNUSED, uint64_t workspace_id, uint64_t task_id,
                    struct task_result *out, struct err *err UNUSED)
{
    bool ended = fake.now_ms - fake.begin_ms >= fake.ended_after_ms;

    ck_assert_uint_eq(workspace_id, 3);
    ck_assert_uint_eq(task_id, 99);
    *out = (struct task_result){.state = ended ? fake.task : TASK_QUEUED};
    if (ended && fake.task == TASK_DONE && fake.result != NULL)
        out->result = strdup(fake.result);
    if (ended && fake.task == TASK_FAILED)
        (void)snprintf(out->code, sizeof(out->code), "%s", fake.code);
    return RC_OK;
}

void task_result_release(struct task_result *result)
{
    free(result->result);
    *result = (struct task_result){0};
}

enum rc publisher_count(struct db *db UNUSED, int64_t *n, struct err *err UNUSED)
{
    *n = fake.publishers;
    return RC_OK;
}

enum rc queue_task_hint(struct redis *r UNUSED, struct err *err UNUSED)
{
    return RC_OK;
}

enum rc queue_task_wait(struct redis *r UNUSED, uint64_t task_id, int timeout_ms,
                        bool *done, struct err *err)
{
    ck_assert_uint_eq(task_id, 99);
    ck_assert_int_eq(fake.waiting, 1);
    if (fake.redis_away) {
        fake.now_ms += 4000;
        return err_set(err, RC_UNAVAILABLE, "redis_away", "It is away.");
    }
    fake.now_ms += timeout_ms;
    *done = false;
    return RC_OK;
}

bool web_wait_begin(enum web_wait what)
{
    ck_assert_int_eq(what, WEB_WAIT_PERSON);
    fake.wait_begins++;
    fake.waiting += fake.crowded ? 0 : 1;
    return !fake.crowded;
}

void web_wait_end(void)
{
    fake.waiting--;
}

static int64_t mono_ms(void *ctx UNUSED)
{
    return fake.now_ms;
}

/* --- one request -------------------------------------------------------------------- */

static struct api_settings settings;
static struct api api;
static struct web_response res;
static struct api_caller who;
static struct err err;

static const struct clock still = {mono_ms, mono_ms, NULL};

static void setup(void)
{
    fake = (struct fake){.task = TASK_DONE,
                         .result = "{\"account_id\":\"42\",\"reconnected\":false}",
                         .publishers = 1,
                         .now_ms = 1000,
                         .begin_ms = 1000};
    settings = (struct api_settings){
        .client_key = strdup("aw1"),
        .redirect_uri = strdup("https://our.test/api/auth/tiktok/callback"),
        .scopes = strdup("user.info.basic,video.publish"),
        .auth_url = strdup("https://www.tiktok.com")};
    api = (struct api){.settings = &settings, .clock = &still, .random = random_system()};
    who = (struct api_caller){.workspace_id = 3, .user_id = 5, .role = ROLE_ADMIN};
    (void)memset(who.session_hash, 's', sizeof(who.session_hash));
    web_response_init(&res);
    log_setup("test", LOG_LEVEL_ERROR);
}

static void teardown(void)
{
    ck_assert_int_eq(fake.waiting, 0);
    web_response_release(&res);
    free(settings.client_key);
    free(settings.redirect_uri);
    free(settings.scopes);
    free(settings.auth_url);
}

static const char *header(const char *name)
{
    static char value[256];
    const char *at = strstr(res.headers.buf, name);

    ck_assert_msg(at != NULL, "no header %s in %s", name, res.headers.buf);
    at += strlen(name) + 2;
    (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}

/* Sends the query to the callback; where the browser ends. */
static const char *back(const char *query)
{
    static const char *const none[] = {NULL};
    struct web_stream stream = {.parameters = none};
    const struct web_request web = {.method = "GET",
                                    .path = "/api/auth/tiktok/callback",
                                    .query = query,
                                    .remote_ip = "192.0.2.1",
                                    .stream = &stream};
    const struct api_request req = {.web = &web, .who = who, .body = ""};

    web_response_reset(&res);
    ck_assert_int_eq(oauth_callback(&api, &req, &res, &err), RC_OK);
    ck_assert_int_eq(res.status, 303);
    ck_assert_uint_eq(res.body.len, 0);
    ck_assert_str_eq(header("Cache-Control"), "no-store");
    return header("Location");
}

static void error_is(const char *query, const char *code)
{
    char wanted[64];
    const char *where = back(query);

    (void)snprintf(wanted, sizeof(wanted), "/accounts?error=%s", code);
    ck_assert_msg(strcmp(where, wanted) == 0, "%.80s: %s, not %s", query, where, code);
}

/* --- the way back ------------------------------------------------------------------- */

START_TEST(a_code_that_is_traded_ends_at_the_account)
{
    unsigned char hash[DIGEST_SHA256_SIZE];

    ck_assert_str_eq(back("code=a%2Ab%21c&scopes=user.info.basic&state=the-state"),
                     "/accounts?connected=42");
    ck_assert_str_eq(fake.code_taken, "a*b!c");
    ck_assert_uint_eq(fake.took_user, 5);
    ck_assert_uint_eq(fake.took_workspace, 3);
    digest_sha256("the-state", 9, hash);
    ck_assert_mem_eq(fake.state_hash, hash, sizeof(hash));
    ck_assert_mem_eq(fake.session_hash, who.session_hash, sizeof(hash));
    ck_assert_int_eq(fake.audits, 1);
    ck_assert_int_eq(fake.forgotten, 0);
}
END_TEST

START_TEST(what_tiktok_would_not_send_touches_no_state)
{
    static const char *const strange[] = {
        "",
        "code=x",
        "state=y",
        "code=&state=",
        "code=&state=y",
        "code=a&code=b&state=y",
        "code=a&state=y&state=z",
        "code=a%00b&state=y",
        "code=a%zz&state=y",
        "code=%ff&state=y",
        "code=a&error=access_denied&state=y",
        "error=&state=y",
        "error=a&error=b&state=y",
        "error=a&error_type=b&error_type=c&state=y",
    };
    char query[2048];

    for (size_t i = 0; i < ARRAY_LEN(strange); i++)
        error_is(strange[i], "state_invalid");
    (void)snprintf(query, sizeof(query), "code=a&state=%0129d", 0);
    error_is(query, "state_invalid");
    (void)snprintf(query, sizeof(query), "code=%01025d&state=y", 0);
    error_is(query, "state_invalid");
    ck_assert_int_eq(fake.taken, 0);
    ck_assert_int_eq(fake.wait_begins, 0);
    (void)snprintf(query, sizeof(query), "code=%01024d&state=%0128d", 0, 0);
    ck_assert_str_eq(back(query), "/accounts?connected=42");
}
END_TEST

START_TEST(without_a_person_who_may_connect_it_is_nobodys)
{
    static const struct {
        uint64_t user_id, token_id;
        enum role role;
    } rows[] = {
        {0, 0, ROLE_OWNER}, {5, 8, ROLE_OWNER}, {5, 0, ROLE_EDITOR}, {5, 0, ROLE_VIEWER}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        who.user_id = rows[i].user_id;
        who.token_id = rows[i].token_id;
        who.role = rows[i].role;
        error_is("code=a&state=y", "state_invalid");
        error_is("error=access_denied&state=y", "state_invalid");
    }
    ck_assert_int_eq(fake.taken, 0);
}
END_TEST

START_TEST(every_fate_of_a_state_has_its_code)
{
    static const struct {
        enum oauth_fate fate;
        const char *code;
    } rows[] = {{OAUTH_UNKNOWN, "state_invalid"},
                {OAUTH_EXPIRED, "state_expired"},
                {OAUTH_REUSED, "state_reused"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.fate = rows[i].fate;
        error_is("code=a&state=y", rows[i].code);
        error_is("error=access_denied&state=y", rows[i].code);
    }
    ck_assert_int_eq(fake.audits, 0);
}
END_TEST

START_TEST(every_refusal_of_tiktok_has_its_code)
{
    static const struct {
        const char *query, *code;
    } rows[] = {
        {"error=access_denied&error_description=User+cancelled", "access_denied"},
        {"error=access_denied&error_type=non_sandbox_target", "non_sandbox_target"},
        {"error=access_denied&error_type=", "access_denied"},
        {"error=access_denied&error_type=new_in_2027", "access_denied"},
        {"error=invalid_scope", "missing_scope"},
        {"error=scope", "missing_scope"},
        {"error=invalid_request&error_type=redirect_uri", "redirect_mismatch"},
        {"error=redirect_uri", "redirect_mismatch"},
        {"error=invalid_request&error_type=client_key", "client_invalid"},
        {"error=invalid_client", "client_invalid"},
        {"error=unauthorized_client", "client_invalid"},
        {"error=server_error", "tiktok_unavailable"},
        {"error=temporarily_unavailable", "tiktok_unavailable"},
        {"error=rate_limit_exceeded", "tiktok_unavailable"},
        {"error=invalid_request", "unknown"},
        {"error=%3Cscript%3E", "unknown"},
        {"errCode=10003", "unknown"},
    };
    char query[256];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)snprintf(query, sizeof(query), "%s&state=y", rows[i].query);
        error_is(query, rows[i].code);
        ck_assert(!fake.took_code);
    }
    ck_assert_int_eq(fake.taken, (int)ARRAY_LEN(rows));
    ck_assert_int_eq(fake.wait_begins, 0);
}
END_TEST

START_TEST(every_failed_exchange_has_its_code)
{
    static const struct {
        const char *code, *shown;
    } rows[] = {{"code_expired", "code_expired"},
                {"client_invalid", "client_invalid"},
                {"redirect_mismatch", "redirect_mismatch"},
                {"missing_scope", "missing_scope"},
                {"verifier_mismatch", "state_invalid"},
                {"account_taken", "account_taken"},
                {"tiktok_unavailable", "tiktok_unavailable"},
                {"oauth_failed", "unknown"}};

    fake.task = TASK_FAILED;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.code = rows[i].code;
        error_is("code=a&state=y", rows[i].shown);
    }
    ck_assert_int_eq(fake.audits, 0);
    ck_assert_int_eq(fake.forgotten, 0);
}
END_TEST

START_TEST(a_publisher_is_waited_for_eight_seconds)
{
    fake.ended_after_ms = 7900;
    ck_assert_str_eq(back("code=a&state=y"), "/accounts?connected=42");
    ck_assert_int_le(fake.now_ms - fake.begin_ms, 9000);
}
END_TEST

START_TEST(whoever_does_not_answer_in_time_is_named_and_the_code_forgotten)
{
    static const struct {
        enum task_state task;
        int64_t publishers;
        const char *code;
    } rows[] = {{TASK_QUEUED, 1, "publisher_away"},
                {TASK_QUEUED, 0, "publisher_away"},
                {TASK_RUNNING, 1, "tiktok_unavailable"},
                {TASK_RUNNING, 0, "publisher_away"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.begin_ms = fake.now_ms;
        fake.task = rows[i].task;
        fake.publishers = rows[i].publishers;
        error_is("code=a&state=y", rows[i].code);
        ck_assert_int_ge(fake.now_ms - fake.begin_ms, 8000);
        ck_assert_int_le(fake.now_ms - fake.begin_ms, 9000);
    }
    ck_assert_int_eq(fake.forgotten, (int)ARRAY_LEN(rows));
}
END_TEST

START_TEST(without_redis_the_row_is_read_again_and_again)
{
    fake.redis_away = true;
    fake.ended_after_ms = 4000;
    ck_assert_str_eq(back("code=a&state=y"), "/accounts?connected=42");
}
END_TEST

START_TEST(when_too_many_wait_the_state_stays_good)
{
    fake.crowded = true;
    error_is("code=a&state=y", "publisher_away");
    ck_assert_int_eq(fake.taken, 0);
    fake.crowded = false;
    ck_assert_str_eq(back("code=a&state=y"), "/accounts?connected=42");
}
END_TEST

START_TEST(our_own_trouble_is_not_blamed_on_anybody)
{
    fake.take_rc = RC_UNAVAILABLE;
    error_is("code=a&state=y", "unknown");
    error_is("error=access_denied&state=y", "unknown");
    fake.take_rc = RC_OK;
    fake.result = "{\"account_id\":42}";
    error_is("code=a&state=y", "unknown");
    fake.result = NULL;
    error_is("code=a&state=y", "unknown");
    ck_assert_int_eq(fake.audits, 0);
}
END_TEST

START_TEST(an_account_is_connected_even_if_that_cannot_be_audited)
{
    fake.audit_rc = RC_UNAVAILABLE;
    ck_assert_str_eq(back("code=a&state=y"), "/accounts?connected=42");
}
END_TEST

/* --- the way out -------------------------------------------------------------------- */

static enum rc start(const char *body)
{
    const struct web_request web = {.method = "POST", .query = ""};
    json_t *json = json_loads(body, 0, NULL);
    const struct api_request req = {.web = &web, .who = who, .json = json, .body = body};
    enum rc rc;

    web_response_reset(&res);
    rc = oauth_start(&api, &req, &res, &err);
    json_decref(json);
    return rc;
}

/* A parameter of the address answered, decoded. */
static const char *parameter(const char *name)
{
    static struct strbuf value;
    json_t *doc = json_loads(res.body.buf, 0, NULL);
    const char *url = json_string_value(json_object_get(doc, "authorize_url"));
    const char *query = url != NULL ? strchr(url, '?') : NULL;
    bool found = false;

    ck_assert_msg(query != NULL, "%s", res.body.buf);
    strbuf_release(&value);
    strbuf_init(&value, 1024);
    ck_assert_int_eq(
        web_form_value(query + 1, strlen(query + 1), name, &value, &found, &err), RC_OK);
    ck_assert_msg(found, "no %s", name);
    json_decref(doc);
    return value.buf;
}

START_TEST(the_address_holds_what_tiktok_wants_and_we_remember)
{
    unsigned char hash[DIGEST_SHA256_SIZE];
    char challenge[PKCE_CHALLENGE_SIZE];
    const char *state;

    ck_assert_int_eq(start("{}"), RC_OK);
    ck_assert_int_eq(res.status, 200);
    ck_assert_ptr_nonnull(strstr(res.body.buf, "https://www.tiktok.com/v2/auth/"));
    ck_assert_str_eq(parameter("client_key"), "aw1");
    ck_assert_str_eq(parameter("scope"), "user.info.basic,video.publish");
    ck_assert_str_eq(parameter("redirect_uri"), settings.redirect_uri);
    ck_assert_str_eq(parameter("response_type"), "code");
    ck_assert_str_eq(parameter("code_challenge_method"), "S256");
    ck_assert_str_eq(parameter("disable_auto_auth"), "1");
    pkce_challenge(fake.verifier, challenge);
    ck_assert_str_eq(parameter("code_challenge"), challenge);
    state = parameter("state");
    ck_assert_uint_eq(strlen(state), 43);
    digest_sha256(state, strlen(state), hash);
    ck_assert_mem_eq(fake.state_hash, hash, sizeof(hash));
    ck_assert_mem_eq(fake.session_hash, who.session_hash, sizeof(hash));
    ck_assert_uint_eq(fake.target, 0);
}
END_TEST

START_TEST(no_two_beginnings_are_alike)
{
    char state[64], verifier[PKCE_VERIFIER_SIZE];

    ck_assert_int_eq(start("{}"), RC_OK);
    (void)snprintf(state, sizeof(state), "%s", parameter("state"));
    (void)memcpy(verifier, fake.verifier, sizeof(verifier));
    ck_assert_int_eq(start("{}"), RC_OK);
    ck_assert_str_ne(parameter("state"), state);
    ck_assert_str_ne(fake.verifier, verifier);
}
END_TEST

START_TEST(an_account_to_reconnect_is_ones_own)
{
    ck_assert_int_eq(start("{\"account_id\":\"7\"}"), RC_OK);
    ck_assert_uint_eq(fake.target, 7);
    fake.load_rc = RC_NOT_FOUND;
    ck_assert_int_eq(start("{\"account_id\":\"7\"}"), RC_NOT_FOUND);
    ck_assert_int_eq(fake.begun, 1);
}
END_TEST

START_TEST(what_cannot_begin_says_why)
{
    char *key = settings.client_key;

    ck_assert_int_eq(start("{\"account\":\"7\"}"), RC_INVALID);
    ck_assert_str_eq(err.code, "unknown_field");
    ck_assert_int_eq(start("{\"account_id\":7}"), RC_INVALID);
    settings.client_key = NULL;
    ck_assert_int_eq(start("{}"), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "tiktok_not_configured");
    ck_assert_int_gt(err.retry_after_ms, 0);
    settings.client_key = key;
    who.token_id = 9;
    ck_assert_int_eq(start("{}"), RC_DENIED);
    ck_assert_str_eq(err.code, "forbidden");
    who.token_id = 0;
    ck_assert_int_eq(fake.begun, 0);
    fake.begin_rc = RC_UNAVAILABLE;
    ck_assert_int_eq(start("{}"), RC_UNAVAILABLE);
    ck_assert_int_eq(res.status, 0);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "api_oauth", setup, teardown, a_code_that_is_traded_ends_at_the_account,
    what_tiktok_would_not_send_touches_no_state,
    without_a_person_who_may_connect_it_is_nobodys, every_fate_of_a_state_has_its_code,
    every_refusal_of_tiktok_has_its_code, every_failed_exchange_has_its_code,
    a_publisher_is_waited_for_eight_seconds,
    whoever_does_not_answer_in_time_is_named_and_the_code_forgotten,
    without_redis_the_row_is_read_again_and_again,
    when_too_many_wait_the_state_stays_good, our_own_trouble_is_not_blamed_on_anybody,
    an_account_is_connected_even_if_that_cannot_be_audited,
    the_address_holds_what_tiktok_wants_and_we_remember, no_two_beginnings_are_alike,
    an_account_to_reconnect_is_ones_own, what_cannot_begin_says_why)
