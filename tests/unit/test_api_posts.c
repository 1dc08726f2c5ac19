/* api/posts and api/changes: the handlers on a real MariaDB and Redis, called as dispatch
 * calls them: what is answered, and what the witness says before and after. */
#include "api/api.h"
#include "api/failure.h"
#include "core/parse.h"
#include "database.h"
#include "queue/queue.h"
#include "store/events.h"
#include "store/posts.h"
#include "unit.h"
#include "web/stream.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HOUR_MS = 3600000 };

#define CONSENT "\"consent\":{\"music_usage\":true,\"branded_content\":false}"

static struct db *db;
static struct seed seed;
static struct api api;
static const struct api_settings settings;
static struct key_ring *keys;
static char key_file[64];
static struct err err;
static struct web_response res;
static json_t *body; /* of the last answer */
static int64_t now_ms;

static void flush(void)
{
    const struct redis_arg args[] = {redis_str("FLUSHDB")};
    struct redis_reply *reply = NULL;

    ck_assert_int_eq(redis_command(api.redis, args, 1, 1000, &reply, &err), RC_OK);
    redis_reply_free(reply);
}

static void setup(void)
{
    (void)snprintf(key_file, sizeof(key_file), "/tmp/tts-test-posts.%d", (int)getpid());
    (void)unlink(key_file);
    ck_assert_int_eq(key_file_generate(key_file, random_system(), 1, &err), RC_OK);
    ck_assert_int_eq(key_ring_load(key_file, &keys, &err), RC_OK);
    db = database_seeded(&seed);
    database_run(db, "UPDATE account SET scopes = 'video.publish,video.upload'");
    api = (struct api){
        .db = db, .keys = keys, .settings = &settings, .clock = clock_system()};
    ck_assert_int_eq(redis_new(getenv("TEST_REDIS_URL"), &api.redis, &err), RC_OK);
    redis_set_patience(api.redis, 60000);
    flush();
    web_response_init(&res);
    now_ms = database_number(db, "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)");
}

static void teardown(void)
{
    json_decref(body);
    body = NULL;
    web_response_release(&res);
    redis_free(api.redis);
    db_free(db);
    key_ring_free(keys);
    (void)unlink(key_file);
}

/* --- a request ----------------------------------------------------------------- */

static const char *header; /* one more parameter of the next request */
static uint64_t workspace; /* 0: the seed's */

static const struct api_route *route_of(const char *method, const char *path,
                                        struct web_params *params)
{
    for (size_t i = 0; i < post_routes.n; i++) {
        const struct api_route *r = &post_routes.routes[i];

        if (strcmp(r->method, method) == 0 && web_match(r->path, path, params))
            return r;
    }
    ck_abort_msg("no route for %s %s", method, path);
}

/* Calls the handler; the status of its answer. */
static int ask(const char *method, const char *uri, const char *json)
{
    char line[64], address[1024];
    const char *list[] = {line, address, header, NULL};
    struct web_stream stream = {.parameters = list};
    struct web_request web;
    struct api_request req = {.web = &web, .body = json != NULL ? json : ""};
    const struct api_route *route;
    const char *id;

    (void)snprintf(line, sizeof(line), "REQUEST_METHOD=%s", method);
    (void)snprintf(address, sizeof(address), "REQUEST_URI=%s", uri);
    ck_assert_int_eq(web_request_open(&web, &stream), 0);
    header = NULL;
    route = route_of(method, web.path, &req.params);
    id = web_param(&req.params, "id");
    if (id != NULL)
        ck_assert(parse_id(id, &req.id));
    req.who =
        (struct api_caller){.workspace_id = workspace != 0 ? workspace : seed.workspace,
                            .user_id = seed.user};
    req.body_len = strlen(req.body);
    req.json = json_loads(json != NULL ? json : "{}", JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(req.json != NULL, "%s", json);
    web_response_reset(&res);
    api_fields_forget();
    err = (struct err){0};
    if (route->handle(&api, &req, &res, &err) != RC_OK)
        failure_answer(&web, &err, &res);
    json_decref(req.json);
    json_decref(body);
    body = json_loads(res.body.buf, 0, NULL);
    return res.status;
}

static const char *text(const char *key)
{
    return json_string_value(json_object_get(body, key));
}

static const char *code(void)
{
    return json_string_value(json_object_get(json_object_get(body, "error"), "code"));
}

static const char *field(const char *name)
{
    const json_t *error = json_object_get(body, "error");

    return json_string_value(json_object_get(json_object_get(error, "fields"), name));
}

static void is(int status, int expected, const char *what)
{
    ck_assert_msg(status == expected, "%s: %d %s", what, status, res.body.buf);
}

static bool has_header(const char *line)
{
    return strstr(res.headers.buf, line) != NULL;
}

/* The JSON of a right post that is due in due_in_ms (0: no time), with more members. */
static const char *right(int64_t due_in_ms, const char *more)
{
    static char json[2048];
    const char *time = due_in_ms == 0
                           ? "NULL"
                           : database_text(db,
                                           "SELECT DATE_FORMAT(FROM_UNIXTIME((%" PRId64
                                           ") / 1000), '%%Y-%%m-%%dT%%H:%%i:%%s.%%f')",
                                           now_ms + due_in_ms);

    (void)snprintf(json, sizeof(json),
                   "{\"account_id\":\"%" PRIu64 "\",\"media_ids\":[\"%" PRIu64
                   "\"],\"caption\":\"Hello\",\"privacy_level\":\"SELF_ONLY\","
                   "\"timezone\":\"UTC\"," CONSENT "%s%s%s%s}",
                   seed.account, seed.media, due_in_ms != 0 ? ",\"publish_at\":\"" : "",
                   due_in_ms != 0 ? time : "", due_in_ms != 0 ? "Z\"" : "", more);
    return json;
}

static uint64_t created(int64_t due_in_ms)
{
    uint64_t id = 0;

    is(ask("POST", "/api/v1/posts", right(due_in_ms, "")), 201, "create");
    ck_assert(parse_id(text("id"), &id));
    return id;
}

static int act(uint64_t id, const char *action, const char *json)
{
    char uri[128];

    (void)snprintf(uri, sizeof(uri), "/api/v1/posts/%" PRIu64 "%s%s", id,
                   action[0] != '\0' ? "/" : "", action);
    return ask("POST", uri, json);
}

static int at(const char *method, uint64_t id, const char *json)
{
    char uri[128];

    (void)snprintf(uri, sizeof(uri), "/api/v1/posts/%" PRIu64, id);
    return ask(method, uri, json);
}

static void put(uint64_t id, int state, int granted, const char *reason)
{
    database_run(db,
                 "UPDATE job SET state = %d, granted = %d, attempt_no = 1,"
                 " last_reason = '%s', fence = 7, owner = 3 WHERE post_id = %" PRIu64,
                 state, granted, reason, id);
}

static void session(uint64_t id, int state, const char *publish_id)
{
    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, publish_id, created_at, updated_at) VALUES (%" PRIu64
                 ", 1, %" PRIu64 ", %d, 1, 7, '%s', 0, 0)",
                 id, seed.workspace, state, publish_id);
}

/* --- the witness --------------------------------------------------------------- */

static const char *witness(uint64_t id)
{
    static char holder[QUEUE_WITNESS_SIZE];
    const struct queue_witness w = {id, seed.account};

    ck_assert_int_eq(queue_witness_read(api.redis, &w, holder, &err), RC_OK);
    return holder;
}

static void hold(uint64_t id, const char *value)
{
    const struct queue_witness w = {id, seed.account};
    char holder[QUEUE_WITNESS_SIZE];

    ck_assert_int_eq(queue_witness_take(api.redis, &w, value, holder, &err), RC_OK);
    ck_assert_str_eq(holder, value);
}

START_TEST(a_cancel_leaves_its_witness_which_is_for_its_own_version_only)
{
    uint64_t id = created(HOUR_MS);

    is(act(id, "cancel", NULL), 200, "cancel");
    ck_assert_str_eq(text("status"), "canceled");
    ck_assert_str_eq(witness(id), "cancel:1");
    is(act(id, "publish-now", "{" CONSENT "}"), 200, "now");
    ck_assert_str_eq(text("status"), "scheduled");
    ck_assert_str_eq(witness(id), "cancel:1");
    ck_assert_int_eq(database_number(db, "SELECT sched_ver FROM job"), 3);
    is(act(id, "cancel", NULL), 200, "again");
    ck_assert_str_eq(witness(id), "cancel:3");
}
END_TEST

START_TEST(a_refused_cancel_touches_no_witness)
{
    uint64_t id = created(HOUR_MS);

    put(id, PHASE_COMMITTED, 1, "");
    is(act(id, "cancel", NULL), 409, "committed");
    ck_assert_str_eq(code(), "too_late");
    ck_assert_str_eq(witness(id), "");
    put(id, PHASE_FAILED, 0, "missed");
    is(act(id, "cancel", NULL), 409, "failed");
    ck_assert_str_eq(code(), "wrong_status");
    header = "HTTP_IF_MATCH=\"9\"";
    put(id, PHASE_SCHEDULED, 0, "");
    is(act(id, "cancel", NULL), 412, "old version");
    ck_assert_str_eq(witness(id), "");
}
END_TEST

START_TEST(a_session_that_may_commit_is_not_overtaken)
{
    uint64_t id = created(HOUR_MS);

    put(id, PHASE_RUNNING, 0, "");
    session(id, 2, "v_pub.1");
    hold(id, "v_pub.1");
    is(act(id, "cancel", NULL), 409, "cancel");
    ck_assert_str_eq(code(), "too_late");
    ck_assert_str_eq(witness(id), "v_pub.1");
    ck_assert_int_eq(database_number(db, "SELECT state FROM job"), PHASE_RUNNING);

    put(id, PHASE_SCHEDULED, 0, "tiktok_unavailable"); /* it was given back */
    is(at("PATCH", id, "{\"caption\":\"x\"," CONSENT "}"), 409, "change");
    ck_assert_str_eq(code(), "too_late");
    is(act(id, "publish-now", "{" CONSENT "}"), 409, "now");
    ck_assert_str_eq(code(), "outcome_unknown");
}
END_TEST

START_TEST(a_dead_session_is_no_obstacle)
{
    uint64_t id = created(HOUR_MS);

    session(id, 6, "v_pub.1"); /* given up without proof: it may have been granted once */
    hold(id, "v_pub.1");
    is(at("PATCH", id, "{\"caption\":\"x\"," CONSENT "}"), 409, "without proof");
    database_run(db, "UPDATE attempt SET proven = 1");
    is(at("PATCH", id, "{\"caption\":\"x\"," CONSENT "}"), 200, "change");
    is(act(id, "cancel", NULL), 200, "cancel");
    ck_assert_str_eq(witness(id), "cancel:2");
}
END_TEST

START_TEST(a_persons_word_that_nothing_is_out_frees_the_witness)
{
    uint64_t id = created(HOUR_MS);

    put(id, PHASE_REVIEW, 0, "witness_conflict");
    hold(id, "v_pub.forgotten");
    is(act(id, "retry", "{}"), 409, "before");
    ck_assert_str_eq(code(), "outcome_unknown");
    is(act(id, "resolve", "{\"outcome\":\"not_published\"}"), 200, "resolve");
    ck_assert_str_eq(witness(id), "");
    is(act(id, "retry", "{}"), 200, "after");
}
END_TEST

START_TEST(without_redis_all_goes_on)
{
    struct redis *alive = api.redis;
    uint64_t canceled = created(HOUR_MS);
    uint64_t id;

    is(act(canceled, "cancel", NULL), 200, "cancel with Redis");
    ck_assert_int_eq(redis_new("unix:///nowhere/redis.sock", &api.redis, &err), RC_OK);
    id = created(HOUR_MS);
    is(at("PATCH", id, "{\"caption\":\"x\"," CONSENT "}"), 200, "change");
    is(act(id, "publish-now", "{" CONSENT "}"), 200, "now");
    is(act(id, "cancel", NULL), 200, "cancel");
    is(act(canceled, "publish-now", "{" CONSENT "}"), 200, "what was canceled");
    redis_free(api.redis);
    api.redis = alive;
}
END_TEST

/* GRANT of docs/publishing.md by a thread of its own. */
static pthread_barrier_t start;

static void *grant(void *arg)
{
    const uint64_t *id = arg;
    struct db *own = database_open();

    database_run(own, "SELECT 1");
    (void)pthread_barrier_wait(&start);
    database_run(own,
                 "UPDATE job SET state = 3, granted = 1 WHERE post_id = %" PRIu64
                 " AND fence = 7 AND owner = 3 AND state = 2 AND granted = 0",
                 *id);
    db_free(own);
    return NULL;
}

START_TEST(after_a_race_the_witness_tells_what_the_database_tells)
{
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, 2), 0);
    for (int round = 0; round < 60; round++) {
        uint64_t id = created(HOUR_MS);
        pthread_t thread;
        int status;

        put(id, PHASE_RUNNING, 0, "");
        ck_assert_int_eq(pthread_create(&thread, NULL, grant, &id), 0);
        (void)pthread_barrier_wait(&start);
        status = act(id, "cancel", NULL);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        if (status == 200) {
            ck_assert_str_eq(witness(id), "cancel:1");
        } else {
            is(status, 409, "the grant was faster");
            ck_assert_str_eq(code(), "too_late");
            ck_assert_str_eq(witness(id), "");
        }
    }
    (void)pthread_barrier_destroy(&start);
}
END_TEST

/* A publisher that has found the witness of a cancel, and ends the post before it. */
static struct db *publisher_db;

static void *end_it_first(UNUSED void *arg)
{
    database_await_waiter(publisher_db);
    database_run(publisher_db, "COMMIT");
    return NULL;
}

START_TEST(a_cancel_that_a_publisher_carried_out_has_worked)
{
    uint64_t id = created(HOUR_MS);
    pthread_t thread;

    publisher_db = database_open();
    database_run(publisher_db, "START TRANSACTION");
    database_run(publisher_db, "UPDATE job SET state = 6 WHERE post_id = %" PRIu64, id);
    ck_assert_int_eq(pthread_create(&thread, NULL, end_it_first, NULL), 0);
    is(act(id, "cancel", NULL), 200, "it is canceled");
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(text("status"), "canceled");
    ck_assert_str_eq(witness(id), "cancel:1");
    db_free(publisher_db);
}
END_TEST

/* --- hints --------------------------------------------------------------------- */

static struct queue_taken taken;

/* Until somebody has told Redis of the windows, it hands out nothing. */
static void restore_windows(unsigned group)
{
    struct queue_restore restore;
    bool done = false;

    ck_assert_int_eq(queue_restore_begin(api.redis, group, 0, &restore, &err), RC_OK);
    if (!restore.mine)
        return;
    ck_assert_int_eq(queue_restore_end(api.redis, group, &restore, &done, &err), RC_OK);
    ck_assert(done);
}

static size_t hints(void)
{
    restore_windows(queue_group(seed.account));
    ck_assert_int_eq(queue_take(api.redis, queue_group(seed.account), QUEUE_TAKE_MAX,
                                QUEUE_HORIZON_MS, &taken, &err),
                     RC_OK);
    return taken.len;
}

START_TEST(publishers_hear_of_what_is_scheduled_moved_and_canceled)
{
    uint64_t id = created(HOUR_MS);

    ck_assert_uint_eq(hints(), 1);
    ck_assert_uint_eq(taken.hints[0].post_id, id);
    ck_assert_int_eq(taken.hints[0].at_ms,
                     database_number(db, "SELECT next_at FROM job"));
    is(act(id, "publish-now", "{" CONSENT "}"), 200, "now");
    ck_assert_uint_eq(hints(), 1);
    ck_assert_int_eq(taken.hints[0].at_ms, database_number(db, "SELECT due_at FROM job"));
    is(at("PATCH", id, right(HOUR_MS, "")), 200, "move");
    is(act(id, "cancel", NULL), 200, "cancel");
    ck_assert_uint_eq(hints(), 0);
    (void)created(0);
    ck_assert_uint_eq(hints(), 0);
}
END_TEST

/* --- consent ------------------------------------------------------------------- */

START_TEST(a_change_without_consent_takes_the_old_one_back)
{
    uint64_t id = created(HOUR_MS);

    is(at("PATCH", id, "{\"caption\":\"other\"}"), 422, "scheduled");
    ck_assert_str_eq(field("consent.music_usage"), "consent_missing");
    put(id, PHASE_BLOCKED, 0, "reconnect_needed");
    is(at("PATCH", id, "{\"caption\":\"other\"}"), 200, "blocked");
    ck_assert_str_eq(text("status"), "needs_attention");
    ck_assert_str_eq(text("status_reason"), "edited");
    ck_assert_str_eq(text("next_action"), "choose_again");
    is(act(id, "retry", NULL), 422, "retry");
    ck_assert_str_eq(field("consent.music_usage"), "consent_missing");
    is(act(id, "publish-now", "{}"), 422, "no consent");
    ck_assert_str_eq(field("consent"), "consent_missing");
    is(act(id, "publish-now", "{" CONSENT "}"), 200, "with consent");
}
END_TEST

START_TEST(the_time_alone_may_be_changed_without)
{
    uint64_t id = created(HOUR_MS);
    char json[128];

    (void)snprintf(json, sizeof(json),
                   "{\"publish_at\":\"2099-01-01T00:00:00Z\",\"timezone\":\"UTC\"}");
    is(at("PATCH", id, json), 422, "too far");
    ck_assert_str_eq(field("publish_at"), "time_too_far");
    is(at("PATCH", id, "{\"timezone\":\"Europe/Berlin\"}"), 200, "zone");
    ck_assert_str_eq(text("timezone"), "Europe/Berlin");
    is(at("PATCH", id, "{\"timezone\":\"Mars/Olympus\"}"), 422, "zone");
    ck_assert_str_eq(field("timezone"), "timezone_unknown");
    is(at("PATCH", id, "{\"publish_at\":null}"), 422, "no time");
    ck_assert_str_eq(field("publish_at"), "time_missing");
}
END_TEST

START_TEST(a_retry_judges_the_post_again_with_its_consent)
{
    uint64_t id = created(HOUR_MS);

    put(id, PHASE_FAILED, 0, "tiktok_unavailable");
    database_run(db, "UPDATE media SET state = 1");
    is(act(id, "retry", NULL), 422, "media");
    ck_assert_str_eq(field("media_ids"), "media_not_ready");
    database_run(db, "UPDATE media SET state = 2");
    is(act(id, "retry", "{\"x\":1}"), 422, "members");
    ck_assert_str_eq(code(), "unknown_field");
    is(act(id, "retry", NULL), 200, "retry");
    ck_assert_str_eq(text("status"), "scheduled");
}
END_TEST

START_TEST(nothing_is_scheduled_on_an_account_that_is_not_connected)
{
    uint64_t id = created(HOUR_MS);

    database_run(db, "UPDATE account SET status = 2, status_reason = 'reconnect_needed'");
    is(ask("POST", "/api/v1/posts", right(HOUR_MS, "")), 409, "create");
    ck_assert_str_eq(code(), "reconnect_needed");
    is(ask("POST", "/api/v1/posts", right(0, "")), 201, "a draft");
    put(id, PHASE_BLOCKED, 0, "reconnect_needed");
    is(act(id, "retry", NULL), 409, "retry");
    ck_assert_str_eq(code(), "reconnect_needed");
    put(id, PHASE_SCHEDULED, 0, "");
    is(at("PATCH", id, "{\"caption\":\"x\"," CONSENT "}"), 200, "what is scheduled");
}
END_TEST

START_TEST(an_account_whose_access_lasts_takes_what_is_due_before_its_end)
{
    uint64_t id = created(3 * HOUR_MS);

    database_run(
        db,
        "UPDATE account SET status = 2, status_reason = 'reconnect_needed',"
        " access_expires_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + %" PRId64,
        (int64_t)2 * HOUR_MS);
    is(ask("POST", "/api/v1/posts", right(HOUR_MS, "")), 201, "before");
    is(ask("POST", "/api/v1/posts", right(3 * HOUR_MS, "")), 409, "after");
    ck_assert_str_eq(code(), "reconnect_needed");
    ck_assert_ptr_nonnull(strstr(res.body.buf, "posts go out until "));
    /* One that waits because it was due later may go out at once. */
    put(id, PHASE_BLOCKED, 0, "reconnect_needed");
    is(act(id, "publish-now", "{" CONSENT "}"), 200, "now");
    put(id, PHASE_BLOCKED, 0, "reconnect_needed");
    database_run(db, "UPDATE account SET access_expires_at = 1");
    is(act(id, "publish-now", "{" CONSENT "}"), 409, "its end");
}
END_TEST

/* --- keys ---------------------------------------------------------------------- */

START_TEST(a_key_gives_the_same_post_again)
{
    uint64_t id = created(HOUR_MS);
    char first[32];

    put(id, PHASE_FAILED, 0, "missed");
    header = "HTTP_IDEMPOTENCY_KEY=k1";
    is(act(id, "publish-now", "{" CONSENT "}"), 200, "first");
    ck_assert(!has_header("Idempotent-Replay"));
    header = "HTTP_IDEMPOTENCY_KEY=k1";
    is(act(id, "publish-now", "{" CONSENT "}"), 200, "again");
    ck_assert(has_header("Idempotent-Replay: true"));
    header = "HTTP_IDEMPOTENCY_KEY=k1";
    is(act(id, "publish-now",
           "{\"consent\":{\"music_usage\":true,\"branded_content\":true}}"),
       422, "other body");
    ck_assert_str_eq(code(), "idempotency_key_reused");
    ck_assert_int_eq(database_number(db, "SELECT sched_ver FROM job"), 2);

    header = "HTTP_IDEMPOTENCY_KEY=k1"; /* of another address: another key */
    is(act(id, "duplicate", NULL), 201, "copy");
    (void)snprintf(first, sizeof(first), "%s", text("id"));
    header = "HTTP_IDEMPOTENCY_KEY=k1";
    is(act(id, "duplicate", NULL), 201, "again");
    ck_assert_str_eq(text("id"), first);
    ck_assert(has_header("Idempotent-Replay: true"));
    id = created(HOUR_MS);
    header = "HTTP_IDEMPOTENCY_KEY=k1";
    is(act(id, "duplicate", NULL), 201, "of another post");
    ck_assert_str_ne(text("id"), first);
}
END_TEST

START_TEST(a_key_is_visible_ascii)
{
    static char long_key[300] = "HTTP_IDEMPOTENCY_KEY=";
    static const char *const bad[] = {"HTTP_IDEMPOTENCY_KEY=", "HTTP_IDEMPOTENCY_KEY=a b",
                                      "HTTP_IDEMPOTENCY_KEY=\xc3\xa9", long_key};
    size_t len = strlen(long_key);

    memset(long_key + len, 'k', 200);
    header = long_key;
    is(ask("POST", "/api/v1/posts", right(0, "")), 201, "200 characters");
    memset(long_key + len, 'k', 201);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        header = bad[i];
        is(ask("POST", "/api/v1/posts", right(0, "")), 400, bad[i]);
        ck_assert_str_eq(code(), "bad_request");
    }
}
END_TEST

START_TEST(the_post_of_a_key_that_was_deleted_is_not_made_again)
{
    uint64_t id;

    header = "HTTP_IDEMPOTENCY_KEY=k";
    id = created(0);
    is(at("DELETE", id, NULL), 204, "delete");
    header = "HTTP_IDEMPOTENCY_KEY=k";
    is(ask("POST", "/api/v1/posts", right(0, "")), 404, "again");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM post"), 1);
}
END_TEST

/* --- copies, verdicts, addresses ----------------------------------------------- */

static int64_t patience_s(void)
{
    return database_number(db, "SELECT expire_after_ms DIV 1000 FROM post");
}

/* A person says how late a post may go out; TikTok is not told. */
START_TEST(how_late_a_post_may_be_is_its_persons_to_say)
{
    uint64_t id = created(HOUR_MS);

    ck_assert_int_eq(patience_s(), 21600);
    is(at("PATCH", id, "{\"max_late_s\":900}"), 200, "alone");
    ck_assert_int_eq(json_integer_value(json_object_get(body, "max_late_s")), 900);
    ck_assert_int_eq(patience_s(), 900);
    ck_assert_int_eq(database_number(db, "SELECT content_ver FROM post"), 1);
    ck_assert_int_eq(database_number(db, "SELECT state FROM job"), PHASE_SCHEDULED);
    ck_assert_int_eq(database_number(db, "SELECT MAX(kind) FROM job_event"),
                     EVENT_CHANGED);
    is(at("PATCH", id, "{\"max_late_s\":30}"), 422, "too short");
    is(act(id, "duplicate", NULL), 201, "a copy has it too");
    ck_assert_int_eq(json_integer_value(json_object_get(body, "max_late_s")), 900);
}
END_TEST

START_TEST(a_copy_begins_anew)
{
    uint64_t id;
    const json_t *consent;

    is(ask("POST", "/api/v1/posts",
           right(HOUR_MS,
                 ",\"allow_comment\":true,\"is_aigc\":true,\"cover_ms\":7,"
                 "\"disclose\":{\"your_brand\":true,\"branded_content\":false}")),
       201, "create");
    ck_assert(parse_id(text("id"), &id));
    is(act(id, "duplicate", NULL), 201, "copy");
    consent = json_object_get(body, "consent");
    ck_assert_str_eq(text("status"), "draft");
    ck_assert_str_eq(text("caption"), "Hello");
    ck_assert_str_eq(text("timezone"), "UTC");
    ck_assert(json_is_true(json_object_get(body, "is_aigc")));
    ck_assert_int_eq(json_integer_value(json_object_get(body, "cover_ms")), 7);
    ck_assert(json_is_null(json_object_get(body, "privacy_level")));
    ck_assert(json_is_null(json_object_get(body, "publish_at")));
    ck_assert(json_is_false(json_object_get(body, "allow_comment")));
    ck_assert(
        json_is_false(json_object_get(json_object_get(body, "disclose"), "your_brand")));
    ck_assert(json_is_false(json_object_get(consent, "music_usage")));
    ck_assert_int_eq(database_number(db, "SELECT duplicate_of FROM post ORDER BY post_id"
                                         " DESC LIMIT 1"),
                     (int64_t)id);

    database_run(db, "UPDATE media SET state = 4");
    is(act(id, "duplicate", NULL), 201, "its file is gone");
    ck_assert_uint_eq(json_array_size(json_object_get(body, "media_ids")), 0);
}
END_TEST

START_TEST(a_person_may_say_where_it_was_found)
{
    static const struct {
        const char *url, *id; /* id NULL: refused */
    } rows[] = {
        {"https://www.tiktok.com/@ann.example/video/7300000000000000001?lang=en",
         "7300000000000000001"},
        {"https://tiktok.com/@ann/photo/73", "73"},
        {"https://m.tiktok.com/@ann/video/74/", "74"},
        {"https://vm.tiktok.com/ZMabc/", NULL}, /* names no post */
        {"https://www.tiktok.com/@ann", NULL},
        {"https://www.tiktok.com/@ann/video/73x", NULL},
        {"https://www.tiktok.com/@ann/video/123456789012345678901234567890123", NULL},
        {"http://www.tiktok.com/@a/video/1", NULL},
        {"https://www.tiktok.com.evil.example/video/1", NULL},
        {"https://eviltiktok.com/video/1", NULL},
        {"https://a@www.tiktok.com:8080/video/1", NULL},
        {"javascript:alert(1)", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t id = created(HOUR_MS);
        char json[256];
        int status;

        put(id, PHASE_REVIEW, 1, "outcome_unknown");
        session(id, 4, rows[i].url + 8);
        (void)snprintf(json, sizeof(json),
                       "{\"outcome\":\"published\",\"tiktok_url\":\"%s\"}", rows[i].url);
        status = act(id, "resolve", json);
        if (rows[i].id == NULL) {
            is(status, 422, rows[i].url);
            ck_assert_str_eq(field("tiktok_url"), "invalid");
            continue;
        }
        is(status, 200, rows[i].url);
        ck_assert_str_eq(text("status"), "published_private");
        ck_assert_str_eq(text("status_reason"), "said_published");
        ck_assert_str_eq(text("tiktok_post_id"), rows[i].id);
        (void)snprintf(json, sizeof(json), "https://www.tiktok.com/@handle/video/%s",
                       rows[i].id);
        ck_assert_str_eq(text("tiktok_url"), json);
    }
}
END_TEST

START_TEST(an_outcome_is_one_of_two_words)
{
    static const char *const bad[] = {"{}", "{\"outcome\":\"maybe\"}",
                                      "{\"outcome\":null}",
                                      "{\"outcome\":\"published\",\"tiktok_url\":5}",
                                      "{\"outcome\":\"not_published\",\"tiktok_url\":"
                                      "\"https://www.tiktok.com/@ann/video/73\"}"};
    uint64_t id = created(HOUR_MS);

    put(id, PHASE_REVIEW, 1, "outcome_unknown");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        is(act(id, "resolve", bad[i]), 422, bad[i]);
    is(act(id, "resolve", "{\"outcome\":\"not_published\",\"x\":1}"), 422, "member");
    ck_assert_str_eq(code(), "unknown_field");
    is(act(id, "resolve", "{\"outcome\":\"not_published\"}"), 200, "no");
    ck_assert_str_eq(text("status"), "failed");
    ck_assert_str_eq(text("next_action"), "retry");
}
END_TEST

/* --- lists, calendar, timeline ------------------------------------------------- */

START_TEST(questions_that_make_no_sense_are_named)
{
    static const struct {
        const char *uri, *field;
    } rows[] = {
        {"/api/v1/posts?status=flying", "status"},
        {"/api/v1/posts?status=", "status"},
        {"/api/v1/posts?status=draft,", "status"},
        {"/api/v1/posts?order=random", "order"},
        {"/api/v1/posts?account=x", "account"},
        {"/api/v1/posts?account=0", "account"},
        {"/api/v1/posts?limit=0", "limit"},
        {"/api/v1/posts?cursor=00", "cursor"},
        {"/api/v1/calendar", "from"},
        {"/api/v1/calendar?from=2026-01-01T00:00:00Z", "to"},
        {"/api/v1/calendar?from=x&to=2026-01-01T00:00:00Z", "from"},
        {"/api/v1/calendar?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"},
        {"/api/v1/calendar?from=2026-01-01T00:00:00Z&to=2026-03-04T00:00:00.001Z", "to"},
        {"/api/v1/calendar?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&account=x",
         "account"},
        {"/api/v1/changes?since=-1", "since"},
        {"/api/v1/changes?since=x", "since"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        is(ask("GET", rows[i].uri, NULL), 422, rows[i].uri);
        ck_assert_msg(field(rows[i].field) != NULL, "%s: %s", rows[i].uri, res.body.buf);
    }
    is(ask("GET",
           "/api/v1/calendar?from=2026-01-01T00:00:00Z&to=2026-03-04T00:00:00.000Z",
           NULL),
       200, "62 days");
}
END_TEST

START_TEST(a_cursor_leads_on_in_its_own_list_only)
{
    char uri[400];
    uint64_t ids[3];

    for (size_t i = 0; i < 3; i++)
        ids[i] = created(HOUR_MS);
    is(ask("GET", "/api/v1/posts?limit=2", NULL), 200, "first page");
    ck_assert_uint_eq(json_array_size(json_object_get(body, "items")), 2);
    (void)snprintf(uri, sizeof(uri), "/api/v1/posts?limit=2&order=soonest&cursor=%s",
                   text("next_cursor"));
    is(ask("GET", uri, NULL), 422, "another list");
    is(ask("GET", "/api/v1/posts?limit=2", NULL), 200, "first page");
    (void)snprintf(uri, sizeof(uri), "/api/v1/posts?limit=2&cursor=%s",
                   text("next_cursor"));
    is(ask("GET", uri, NULL), 200, "second page");
    ck_assert_uint_eq(json_array_size(json_object_get(body, "items")), 1);
    ck_assert(json_is_null(json_object_get(body, "next_cursor")));
    (void)ids;
}
END_TEST

START_TEST(a_timeline_says_what_and_why)
{
    uint64_t id = created(HOUR_MS);
    const struct event failed = {.workspace_id = seed.workspace,
                                 .post_id = id,
                                 .kind = EVENT_FAILED,
                                 .attempt = 2,
                                 .code = "media_format",
                                 .log_id = "LOG1"};
    const struct event opened = {.workspace_id = seed.workspace,
                                 .post_id = id,
                                 .kind = EVENT_SESSION_OPENED,
                                 .session = "v_pub_file~v2-1.7"};
    const json_t *line;
    char uri[128];

    ck_assert_int_eq(event_add(db, &failed, &err), RC_OK);
    ck_assert_int_eq(event_add(db, &opened, &err), RC_OK);
    database_run(db, "UPDATE user SET name = 'Ann'");
    (void)snprintf(uri, sizeof(uri), "/api/v1/posts/%" PRIu64 "/events", id);
    is(ask("GET", uri, NULL), 200, "events");
    ck_assert_uint_eq(json_array_size(json_object_get(body, "items")), 3);
    line = json_array_get(json_object_get(body, "items"), 2);
    ck_assert_str_eq(json_string_value(json_object_get(line, "publish_id")),
                     "v_pub_file~v2-1.7");
    ck_assert(json_is_null(json_object_get(line, "by")));
    ck_assert(json_is_null(json_object_get(line, "when")));
    line = json_array_get(json_object_get(body, "items"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(line, "actor")), "person");
    ck_assert_str_eq(json_string_value(json_object_get(line, "by")), "Ann");
    ck_assert_ptr_nonnull(json_string_value(json_object_get(line, "when")));
    line = json_array_get(json_object_get(body, "items"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(line, "kind")), "failed");
    ck_assert_str_eq(json_string_value(json_object_get(line, "code")), "media_format");
    ck_assert_str_eq(json_string_value(json_object_get(line, "tiktok_log_id")), "LOG1");
    ck_assert_int_eq(json_integer_value(json_object_get(line, "attempt")), 2);
    ck_assert_str_eq(json_string_value(json_object_get(line, "text")),
                     "The post failed. TikTok does not support the format of this file.");
    is(at("DELETE", created(0), NULL), 204, "delete");
    (void)snprintf(uri, sizeof(uri), "/api/v1/posts/%" PRIu64 "/events", id + 1);
    is(ask("GET", uri, NULL), 404, "of a deleted one");
}
END_TEST

/* --- changes ------------------------------------------------------------------- */

static int64_t count(const char *status)
{
    return json_integer_value(json_object_get(json_object_get(body, "counts"), status));
}

START_TEST(changes_tell_what_changed_and_cost_nothing_when_nothing_did)
{
    char uri[64], etag[64];
    uint64_t id;
    const json_t *change;

    /* Without a publisher there would be an alarm, which is told every time. */
    database_run(db, "INSERT INTO publisher (host, pid, started_at, lease_until)"
                     " VALUES ('h', 1, 1, 99999999999999)");
    is(ask("GET", "/api/v1/changes", NULL), 200, "nothing yet");
    ck_assert_uint_eq(json_array_size(json_object_get(body, "alarms")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "unread")), 0);
    ck_assert_str_eq(text("seq"), "0");
    ck_assert_int_eq(json_integer_value(json_object_get(body, "next_ms")), 60000);
    ck_assert(json_is_null(json_object_get(body, "due_in_ms")));
    id = created(HOUR_MS);
    is(ask("GET", "/api/v1/changes?since=0", NULL), 200, "who began with nothing");
    ck_assert(json_is_true(json_object_get(body, "reset")));
    ck_assert_int_eq(count("scheduled"), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "next_ms")), 15000);
    ck_assert_int_gt(json_integer_value(json_object_get(body, "due_in_ms")),
                     HOUR_MS - 9000);
    ck_assert_int_le(json_integer_value(json_object_get(body, "due_in_ms")), HOUR_MS);

    (void)snprintf(uri, sizeof(uri), "/api/v1/changes?since=%s", text("seq"));
    (void)snprintf(etag, sizeof(etag), "HTTP_IF_NONE_MATCH=\"%s\"", text("seq"));
    header = etag;
    is(ask("GET", uri, NULL), 304, "nothing new");
    ck_assert_uint_eq(res.body.len, 0);
    ck_assert(has_header("ETag: \""));

    put(id, PHASE_RUNNING, 0, "");
    is(act(id, "cancel", NULL), 200, "cancel");
    header = etag;
    is(ask("GET", uri, NULL), 200, "something new");
    ck_assert(json_is_false(json_object_get(body, "reset")));
    ck_assert_uint_eq(json_array_size(json_object_get(body, "changed")), 1);
    change = json_array_get(json_object_get(body, "changed"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(change, "type")), "post");
    ck_assert_str_eq(json_string_value(json_object_get(change, "status")), "canceled");
    ck_assert_int_eq(count("canceled"), 1);
    ck_assert_int_eq(count("scheduled"), 0);

    is(at("DELETE", id, NULL), 204, "delete");
    is(ask("GET", uri, NULL), 200, "deleted");
    change = json_array_get(json_object_get(body, "changed"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(change, "status")), "deleted");
    ck_assert_int_eq(count("canceled"), 0);
}
END_TEST

START_TEST(an_alarm_is_told_though_nothing_has_happened)
{
    char etag[64];
    const json_t *alarm;

    (void)created(HOUR_MS);
    is(ask("GET", "/api/v1/changes", NULL), 200, "where to begin");
    alarm = json_array_get(json_object_get(body, "alarms"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(alarm, "code")), "publisher");
    (void)snprintf(etag, sizeof(etag), "HTTP_IF_NONE_MATCH=\"%s\"", text("seq"));
    header = etag;
    is(ask("GET", "/api/v1/changes", NULL), 200, "no 304");
}
END_TEST

START_TEST(the_busier_the_sooner_to_ask_again)
{
    uint64_t id = created(10000); /* due in 10 s */

    is(ask("GET", "/api/v1/changes", NULL), 200, "due soon");
    ck_assert_int_eq(json_integer_value(json_object_get(body, "next_ms")), 3000);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "inflight")), 0);
    put(id, PHASE_COMMITTED, 1, "");
    database_run(db, "UPDATE media SET state = 1");
    is(ask("GET", "/api/v1/changes", NULL), 200, "at work");
    ck_assert_int_eq(json_integer_value(json_object_get(body, "next_ms")), 3000);
    ck_assert_int_eq(json_integer_value(json_object_get(body, "inflight")), 2);
}
END_TEST

/* --- strangers ----------------------------------------------------------------- */

START_TEST(a_stranger_gets_404_everywhere_and_sees_no_id)
{
    static const char *const actions[] = {"cancel", "retry", "duplicate"};
    uint64_t id = created(HOUR_MS);
    char uri[64];

    workspace = seed_workspace(db);
    is(at("GET", id, NULL), 404, "get");
    is(at("PATCH", id, "{\"caption\":\"x\"}"), 404, "patch");
    is(at("DELETE", id, NULL), 404, "delete");
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        is(act(id, actions[i], NULL), 404, actions[i]);
    is(act(id, "schedule", "{" CONSENT "}"), 404, "schedule");
    is(act(id, "publish-now", "{" CONSENT "}"), 404, "now");
    is(act(id, "resolve", "{\"outcome\":\"published\"}"), 404, "resolve");
    (void)snprintf(uri, sizeof(uri), "/api/v1/posts/%" PRIu64 "/events", id);
    is(ask("GET", uri, NULL), 404, "events");
    is(ask("GET", "/api/v1/posts", NULL), 200, "list");
    ck_assert_uint_eq(json_array_size(json_object_get(body, "items")), 0);
    is(ask("GET", "/api/v1/changes?since=1", NULL), 200, "changes");
    ck_assert_uint_eq(json_array_size(json_object_get(body, "changed")), 0);
    is(ask("POST", "/api/v1/posts", right(0, "")), 422, "with what is another's");
    ck_assert_str_eq(field("account_id"), "account_missing");
    ck_assert_str_eq(field("media_ids"), "media_missing");
    workspace = 0;
}
END_TEST

DATABASE_MAIN(
    "api_posts", setup, teardown,
    a_cancel_leaves_its_witness_which_is_for_its_own_version_only,
    a_refused_cancel_touches_no_witness, a_session_that_may_commit_is_not_overtaken,
    a_dead_session_is_no_obstacle, a_persons_word_that_nothing_is_out_frees_the_witness,
    without_redis_all_goes_on, after_a_race_the_witness_tells_what_the_database_tells,
    a_cancel_that_a_publisher_carried_out_has_worked,
    publishers_hear_of_what_is_scheduled_moved_and_canceled,
    a_change_without_consent_takes_the_old_one_back,
    the_time_alone_may_be_changed_without, a_retry_judges_the_post_again_with_its_consent,
    an_account_whose_access_lasts_takes_what_is_due_before_its_end,
    nothing_is_scheduled_on_an_account_that_is_not_connected,
    a_key_gives_the_same_post_again, a_key_is_visible_ascii,
    the_post_of_a_key_that_was_deleted_is_not_made_again,
    how_late_a_post_may_be_is_its_persons_to_say, a_copy_begins_anew,
    a_person_may_say_where_it_was_found, an_outcome_is_one_of_two_words,
    questions_that_make_no_sense_are_named, a_cursor_leads_on_in_its_own_list_only,
    a_timeline_says_what_and_why, an_alarm_is_told_though_nothing_has_happened,
    changes_tell_what_changed_and_cost_nothing_when_nothing_did,
    the_busier_the_sooner_to_ask_again, a_stranger_gets_404_everywhere_and_sees_no_id)
