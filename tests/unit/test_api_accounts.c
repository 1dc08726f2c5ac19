/* The handlers of accounts: what they answer, what they refuse, whom they ask. The
 * database, the publisher and Redis are played by functions of this file. */
#include "api/accounts/accounts.h"
#include "api/accounts/ask.h"
#include "core/log.h"
#include "queue/queue.h"
#include "scratch.h"
#include "store/publishers.h"
#include "store/tasks.h"
#include "unit.h"
#include "web/server.h"
#include "web/stream.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)
#define NOW_MS INT64_C(1764007200000) /* 2025-11-24T18:00:00Z */

/* --- the layers below --------------------------------------------------------------- */

static struct fake {
    struct account account;
    const char *creator; /* the stored document, of this age */
    int64_t creator_age_ms;
    bool missing;
    enum task_state task;
    const char *fresh; /* the document that a question brings */
    const char *code, *message;
    bool crowded, unchanged, more;

    int asked, hints, waiting;
    char zone[65];
    uint32_t version;
    size_t limit;
    uint64_t after;
} fake;

static enum rc find(uint64_t workspace_id, uint64_t account_id, struct err *err)
{
    ck_assert_uint_eq(workspace_id, 3);
    if (fake.missing || account_id != fake.account.id)
        return err_set(err, RC_NOT_FOUND, "not_found", "There is no such account.");
    return RC_OK;
}

enum rc account_load(struct db *db UNUSED, uint64_t workspace_id, uint64_t account_id,
                     struct account *out, struct err *err)
{
    enum rc rc = find(workspace_id, account_id, err);

    if (rc == RC_OK)
        *out = fake.account;
    return rc;
}

struct account_standing account_standing_of(const struct account *a)
{
    return (struct account_standing){a->status, a->reason, a->refresh_expires_ms,
                                     a->access_expires_ms, a->now_ms};
}

enum rc account_list(struct db *db UNUSED, const struct account_query *query,
                     struct account_page *out, struct err *err UNUSED)
{
    ck_assert_uint_eq(query->workspace_id, 3);
    fake.limit = query->limit;
    fake.after = query->after;
    out->items[0] = fake.account;
    out->n = 1;
    out->more = fake.more;
    return RC_OK;
}

enum rc account_set_zone(struct db *db UNUSED, const struct actor *actor,
                         struct account_ref ref, const char *tz, struct err *err)
{
    enum rc rc = find(actor->workspace_id, ref.account_id, err);

    ck_assert_uint_eq(actor->user_id, 5);
    fake.version = ref.version;
    (void)snprintf(fake.zone, sizeof(fake.zone), "%s", tz);
    if (rc == RC_OK)
        (void)snprintf(fake.account.tz, sizeof(fake.account.tz), "%s", tz);
    return rc;
}

enum rc account_disconnect(struct db *db UNUSED, const struct actor *actor,
                           struct account_ref ref, bool *changed, struct err *err)
{
    enum rc rc = find(actor->workspace_id, ref.account_id, err);

    ck_assert_uint_eq(actor->user_id, 5);
    fake.version = ref.version;
    if (rc == RC_OK)
        fake.account.status = ACCOUNT_DISCONNECTED;
    *changed = !fake.unchanged;
    return rc;
}

enum rc account_creator_load(struct db *db UNUSED, uint64_t workspace_id,
                             uint64_t account_id, struct account_creator *out,
                             struct err *err)
{
    enum rc rc = find(workspace_id, account_id, err);

    *out = (struct account_creator){.json = fake.creator != NULL ? strdup(fake.creator)
                                                                 : NULL,
                                    .at_ms = NOW_MS - fake.creator_age_ms,
                                    .now_ms = NOW_MS};
    return rc;
}

void account_creator_release(struct account_creator *creator)
{
    free(creator->json);
    *creator = (struct account_creator){0};
}

enum rc account_creator_ask(struct db *db UNUSED, uint64_t workspace_id,
                            uint64_t account_id, int64_t wait_ms, uint64_t *task_id,
                            struct err *err)
{
    ck_assert_int_eq(fake.waiting, 1);
    ck_assert_int_ge(wait_ms, ASK_WAIT_MS);
    fake.asked++;
    *task_id = 99;
    return find(workspace_id, account_id, err);
}

enum rc task_result(struct db *db UNUSED, uint64_t workspace_id, uint64_t task_id,
                    struct task_result *out, struct err *err UNUSED)
{
    ck_assert_uint_eq(workspace_id, 3);
    ck_assert_uint_eq(task_id, 99);
    *out = (struct task_result){.state = fake.task};
    if (fake.task == TASK_DONE) {
        fake.creator = fake.fresh;
        fake.creator_age_ms = 0;
    }
    if (fake.task == TASK_FAILED) {
        (void)snprintf(out->code, sizeof(out->code), "%s", fake.code);
        (void)snprintf(out->message, sizeof(out->message), "%s", fake.message);
    }
    return RC_OK;
}

void task_result_release(struct task_result *result)
{
    *result = (struct task_result){0};
}

enum rc publisher_count(struct db *db UNUSED, int64_t *n, struct err *err UNUSED)
{
    *n = 1;
    return RC_OK;
}

enum rc queue_task_hint(struct redis *r UNUSED, struct err *err UNUSED)
{
    fake.hints++;
    return RC_OK;
}

static int64_t mono;

enum rc queue_task_wait(struct redis *r UNUSED, uint64_t task_id UNUSED, int timeout_ms,
                        bool *done, struct err *err UNUSED)
{
    mono += timeout_ms;
    *done = false;
    return RC_OK;
}

bool web_wait_begin(enum web_wait what)
{
    ck_assert_int_eq(what, WEB_WAIT_PERSON);
    fake.waiting += fake.crowded ? 0 : 1;
    return !fake.crowded;
}

void web_wait_end(void)
{
    fake.waiting--;
}

static int64_t mono_ms(void *ctx UNUSED)
{
    return mono;
}

/* --- one request -------------------------------------------------------------------- */

static char dir[SCRATCH_SIZE];
static char key_file[64], url[64];
static struct key_ring *keys;
static struct blob_store *blobs;
static struct api_settings settings;
static struct api api;
static struct web_response res;
static struct err err;

static const struct clock still = {mono_ms, mono_ms, NULL};

static void setup(void)
{
    fake = (struct fake){
        .account = {.id = 7,
                    .username = "ann.example",
                    .display_name = "Ann \"A\" ✿",
                    .scopes = "user.info.basic,video.publish",
                    .status = ACCOUNT_CONNECTED,
                    .refresh_expires_ms = NOW_MS + 100 * DAY_MS,
                    .connected_ms = NOW_MS - 3 * DAY_MS,
                    .scheduled = 2,
                    .version = 4,
                    .now_ms = NOW_MS},
        .task = TASK_DONE,
    };
    scratch_make(dir);
    (void)snprintf(key_file, sizeof(key_file), "%s/app.key", dir);
    (void)snprintf(url, sizeof(url), "file://%s/media", dir);
    ck_assert_int_eq(key_file_generate(key_file, random_system(), NOW_MS, &err), RC_OK);
    ck_assert_int_eq(key_ring_load(key_file, &keys, &err), RC_OK);
    ck_assert_int_eq(blob_store_open(&(struct blob_settings){.url = url}, &blobs, &err),
                     RC_OK);
    settings = (struct api_settings){
        .scopes = strdup("user.info.basic,video.upload,video.publish")};
    api = (struct api){
        .settings = &settings, .clock = &still, .keys = keys, .blobs = blobs};
    web_response_init(&res);
}

static void teardown(void)
{
    ck_assert_int_eq(fake.waiting, 0);
    web_response_release(&res);
    blob_store_close(blobs);
    key_ring_free(keys);
    free(settings.scopes);
    scratch_remove(dir);
}

/* What a request may bring. */
struct ask {
    const char *query, *if_match, *body;
    uint64_t id;
};

static enum rc call(api_handler_fn handle, struct ask ask)
{
    const char *parameters[2] = {NULL, NULL};
    char header[64];
    struct web_stream stream = {.parameters = parameters};
    const struct web_request web = {.method = "GET",
                                    .query = ask.query != NULL ? ask.query : "",
                                    .remote_ip = "192.0.2.1",
                                    .stream = &stream};
    json_t *json = ask.body != NULL ? json_loads(ask.body, 0, NULL) : NULL;
    const struct api_request req = {
        .web = &web,
        .who = {.workspace_id = 3, .user_id = 5, .role = ROLE_OWNER},
        .id = ask.id != 0 ? ask.id : 7,
        .json = json,
        .body = "",
    };
    enum rc rc;

    if (ask.if_match != NULL) {
        (void)snprintf(header, sizeof(header), "HTTP_IF_MATCH=%s", ask.if_match);
        parameters[0] = header;
    }
    web_response_reset(&res);
    api_fields_forget();
    rc = handle(&api, &req, &res, &err);
    json_decref(json);
    return rc;
}

static bool has_header(const char *line)
{
    return strstr(res.headers.buf, line) != NULL;
}

static void answers(api_handler_fn handle, struct ask ask)
{
    enum rc rc = call(handle, ask);

    ck_assert_msg(rc == RC_OK, "%s: %s", err.code, err.msg);
    ck_assert_int_eq(res.status, 200);
}

static void refuses(api_handler_fn handle, struct ask ask, enum rc rc, const char *code)
{
    ck_assert_int_eq(call(handle, ask), rc);
    ck_assert_str_eq(err.code, code);
}

static const struct ask plain = {0};

/* A member of the answer, as compact JSON. */
static const char *member(const char *name)
{
    static char text[512];
    json_t *doc = json_loads(res.body.buf, 0, NULL);
    char *dumped = json_dumps(json_object_get(doc, name), JSON_COMPACT | JSON_ENCODE_ANY);

    ck_assert_msg(dumped != NULL, "no %s in %s", name, res.body.buf);
    (void)snprintf(text, sizeof(text), "%s", dumped);
    free(dumped);
    json_decref(doc);
    return text;
}

/* --- reading ----------------------------------------------------------------------- */

START_TEST(an_account_is_shown_as_the_contract_says)
{
    answers(accounts_get, plain);
    ck_assert(has_header("ETag: \"4\"\r\n"));
    ck_assert_str_eq(
        res.body.buf,
        "{\"id\":\"7\",\"nickname\":\"Ann \\\"A\\\" ✿\",\"username\":\"ann.example\","
        "\"avatar_url\":null,\"status\":\"connected\",\"status_text\":\"Connected.\","
        "\"scopes\":[\"user.info.basic\",\"video.publish\"],"
        "\"missing_scopes\":[\"video.upload\"],"
        "\"features\":{\"direct_post\":true,\"inbox\":false,\"stats\":false},"
        "\"timezone\":null,\"scheduled_posts\":2,"
        "\"connected_at\":\"2025-11-21T18:00:00.000Z\","
        "\"refresh_expires_at\":\"2026-03-04T18:00:00.000Z\","
        "\"posts_until\":null,\"limited_until\":null,\"version\":4}");
}
END_TEST

START_TEST(access_that_lasts_is_shown_with_its_end)
{
    fake.account.status = ACCOUNT_RECONNECT;
    (void)snprintf(fake.account.reason, sizeof(fake.account.reason), "reconnect_needed");
    fake.account.access_expires_ms = fake.account.now_ms + 3600000;
    answers(accounts_get, plain);
    ck_assert_str_eq(member("status"), "\"reconnect_needed\"");
    ck_assert_ptr_nonnull(strstr(member("status_text"), "still go out"));
    ck_assert_str_ne(member("posts_until"), "null");
    fake.account.access_expires_ms = fake.account.now_ms;
    answers(accounts_get, plain);
    ck_assert_ptr_null(strstr(member("status_text"), "still go out"));
    ck_assert_str_eq(member("posts_until"), "null");
}
END_TEST

START_TEST(what_tiktok_has_not_told_is_null_and_a_name_there_always_is)
{
    fake.account.display_name[0] = '\0';
    fake.account.refresh_expires_ms = 0;
    answers(accounts_get, plain);
    ck_assert_str_eq(member("nickname"), "\"ann.example\"");
    ck_assert_str_eq(member("refresh_expires_at"), "null");
    fake.account.username[0] = '\0';
    answers(accounts_get, plain);
    ck_assert_str_eq(member("nickname"), "\"TikTok account\"");
    ck_assert_str_eq(member("username"), "null");
}
END_TEST

START_TEST(a_foreign_account_is_not_there)
{
    static const api_handler_fn handlers[] = {accounts_get, accounts_patch,
                                              accounts_delete, accounts_creator_info,
                                              accounts_avatar};
    const struct ask ask = {.body = "{\"timezone\":\"UTC\"}"};

    fake.missing = true;
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        refuses(handlers[i], ask, RC_NOT_FOUND, "not_found");
    ck_assert_int_eq(fake.asked, 0);
}
END_TEST

START_TEST(a_list_leads_to_its_next_page)
{
    char query[256];

    answers(accounts_list, plain);
    ck_assert_str_eq(member("next_cursor"), "null");
    ck_assert_uint_eq(fake.after, 0);
    ck_assert_uint_eq(fake.limit, 50);
    fake.more = true;
    answers(accounts_list, (struct ask){.query = "limit=1"});
    (void)snprintf(query, sizeof(query), "limit=1&cursor=%s", member("next_cursor") + 1);
    query[strlen(query) - 1] = '\0';
    answers(accounts_list, (struct ask){.query = query});
    ck_assert_uint_eq(fake.after, 7);
    ck_assert_uint_eq(fake.limit, 1);
    ck_assert_int_eq(call(accounts_list, (struct ask){.query = "cursor=00"}), RC_INVALID);
}
END_TEST

/* --- pictures ----------------------------------------------------------------------- */

START_TEST(a_picture_is_shown_when_there_is_one_and_as_what_it_is)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *type; /* NULL: not to be shown */
    } rows[] = {
        {"\xff\xd8\xff\xe0....", 8, "Content-Type: image/jpeg\r\n"},
        {"\x89PNG\r\n\x1a\n", 8, "Content-Type: image/png\r\n"},
        {"RIFF....WEBPVP8 ", 16, "Content-Type: image/webp\r\n"},
        {"RIFF....WAVEfmt ", 16, NULL},
        {"<svg onload=x>", 14, NULL},
        {"\xff\xd8", 2, NULL},
        {"RIFF", 4, NULL},
    };

    refuses(accounts_avatar, plain, RC_NOT_FOUND, "not_found");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(blob_put_avatar(blobs, 7, rows[i].bytes, rows[i].len, &err),
                         RC_OK);
        if (rows[i].type == NULL) {
            refuses(accounts_avatar, plain, RC_NOT_FOUND, "not_found");
            continue;
        }
        answers(accounts_avatar, plain);
        ck_assert_msg(has_header(rows[i].type), "row %zu: %s", i, res.headers.buf);
        ck_assert(has_header("X-Accel-Redirect: /_media/avatar/7.jpg\r\n"));
        ck_assert(has_header("Cache-Control: private"));
    }
    answers(accounts_get, plain);
    ck_assert_str_eq(member("avatar_url"), "\"/api/v1/accounts/7/avatar\"");
}
END_TEST

/* --- changing ---------------------------------------------------------------------- */

START_TEST(a_zone_that_exists_is_taken)
{
    answers(accounts_patch, (struct ask){.body = "{\"timezone\":\"Europe/Berlin\"}",
                                         .if_match = "\"4\""});
    ck_assert_str_eq(fake.zone, "Europe/Berlin");
    ck_assert_uint_eq(fake.version, 4);
    ck_assert_str_eq(member("timezone"), "\"Europe/Berlin\"");
    answers(accounts_patch, (struct ask){.body = "{\"timezone\":null}"});
    ck_assert_str_eq(fake.zone, "");
    ck_assert_uint_eq(fake.version, 0);
    ck_assert_str_eq(member("timezone"), "null");
}
END_TEST

START_TEST(nothing_to_change_changes_nothing)
{
    (void)snprintf(fake.zone, sizeof(fake.zone), "untouched");
    answers(accounts_patch, (struct ask){.body = "{}"});
    ck_assert_str_eq(fake.zone, "untouched");
}
END_TEST

START_TEST(other_zones_and_members_are_refused_by_name)
{
    static const char *const bad[] = {
        "{\"timezone\":\"Mars/Olympus\"}", "{\"timezone\":\"\"}", "{\"timezone\":5}",
        "{\"timezone\":[]}", "{\"timezone\":\"../../etc/passwd\"}"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        refuses(accounts_patch, (struct ask){.body = bad[i]}, RC_INVALID, "invalid");
        ck_assert_uint_eq(api_fields_kept()->n, 1);
        ck_assert_str_eq(api_fields_kept()->name[0], "timezone");
        ck_assert_str_eq(api_fields_kept()->code[0], "timezone_unknown");
    }
    refuses(accounts_patch, (struct ask){.body = "{\"status\":\"connected\"}"},
            RC_INVALID, "unknown_field");
    refuses(accounts_patch,
            (struct ask){.body = "{\"timezone\":\"UTC\"}", .if_match = "4"}, RC_INVALID,
            "bad_request");
    ck_assert_str_eq(fake.zone, "");
}
END_TEST

START_TEST(disconnecting_wakes_the_publisher_once)
{
    answers(accounts_delete, (struct ask){.if_match = "\"4\""});
    ck_assert_str_eq(member("status"), "\"disconnected\"");
    ck_assert_uint_eq(fake.version, 4);
    ck_assert_int_eq(fake.hints, 1);
    fake.unchanged = true;
    answers(accounts_delete, plain);
    ck_assert_int_eq(fake.hints, 1);
}
END_TEST

/* --- creator_info ------------------------------------------------------------------ */

#define CREATOR                                                                          \
    "{\"username\":\"ann.new\",\"nickname\":\"Ann New\",\"avatar_url\":\"https://x\","   \
    "\"privacy_level_options\":[\"SELF_ONLY\",\"NEW_ONE\"],\"comment_disabled\":true,"   \
    "\"duet_disabled\":false,\"stitch_disabled\":true,"                                  \
    "\"max_video_post_duration_sec\":600}"

START_TEST(a_fresh_document_is_shared_and_an_old_one_asked_anew)
{
    static const struct {
        const char *stored;
        int64_t age_ms;
        int asked;
    } rows[] = {{CREATOR, 0, 0}, {CREATOR, 30000, 0}, {CREATOR, 30001, 1}, {NULL, 0, 1}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.creator = rows[i].stored;
        fake.creator_age_ms = rows[i].age_ms;
        fake.fresh = CREATOR;
        fake.asked = 0;
        answers(accounts_creator_info, plain);
        ck_assert_msg(fake.asked == rows[i].asked, "row %zu", i);
        ck_assert_str_eq(member("can_post"), "true");
    }
}
END_TEST

START_TEST(the_answer_is_tiktoks_in_the_words_of_the_contract)
{
    fake.creator = CREATOR;
    fake.creator_age_ms = 2000;
    answers(accounts_creator_info, plain);
    ck_assert(has_header("Cache-Control: no-store\r\n"));
    ck_assert_str_eq(
        res.body.buf,
        "{\"account_id\":\"7\",\"nickname\":\"Ann New\",\"username\":\"ann.new\","
        "\"avatar_url\":null,\"privacy_level_options\":[\"SELF_ONLY\",\"NEW_ONE\"],"
        "\"comment_disabled\":true,\"duet_disabled\":false,\"stitch_disabled\":true,"
        "\"max_video_post_duration_sec\":600,\"can_post\":true,\"blocked_code\":null,"
        "\"blocked_message\":null,\"fetched_at\":\"2025-11-24T17:59:58.000Z\"}");
}
END_TEST

START_TEST(what_a_document_lacks_is_not_invented)
{
    fake.creator = "{\"username\":\"\",\"privacy_level_options\":[7],"
                   "\"max_video_post_duration_sec\":null}";
    answers(accounts_creator_info, plain);
    ck_assert_str_eq(member("nickname"), "\"Ann \\\"A\\\" ✿\"");
    ck_assert_str_eq(member("username"), "\"ann.example\"");
    ck_assert_str_eq(member("privacy_level_options"), "[]");
    ck_assert_str_eq(member("max_video_post_duration_sec"), "null");
    fake.creator = "[]";
    ck_assert_int_eq(call(accounts_creator_info, plain), RC_BUG);
}
END_TEST

START_TEST(a_creator_who_may_not_post_is_an_answer)
{
    static const char *const codes[] = {"spam_risk_too_many_posts",
                                        "spam_risk_user_banned_from_posting",
                                        "reached_active_user_cap"};
    char quoted[80];

    fake.task = TASK_FAILED;
    fake.message = "Not now.";
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        fake.code = codes[i];
        answers(accounts_creator_info, plain);
        (void)snprintf(quoted, sizeof(quoted), "\"%s\"", codes[i]);
        ck_assert_str_eq(member("can_post"), "false");
        ck_assert_str_eq(member("blocked_code"), quoted);
        ck_assert_str_eq(member("blocked_message"), "\"Not now.\"");
        ck_assert_str_eq(member("max_video_post_duration_sec"), "null");
        ck_assert_str_eq(member("fetched_at"), "\"2025-11-24T18:00:00.000Z\"");
    }
}
END_TEST

START_TEST(every_failed_question_has_its_class)
{
    static const struct {
        const char *code;
        enum rc rc;
        const char *shown;
    } rows[] = {
        {"reconnect_needed", RC_CONFLICT, "reconnect_needed"},
        {"missing_scope", RC_CONFLICT, "missing_scope"},
        {"tiktok_limited", RC_LIMITED, "rate_limited"},
        {"tiktok_unavailable", RC_UNAVAILABLE, "tiktok_unavailable"},
        {"internal_error", RC_UNAVAILABLE, "tiktok_unavailable"},
        {"client_invalid", RC_UNAVAILABLE, "tiktok_unavailable"},
        {"", RC_UNAVAILABLE, "tiktok_unavailable"},
    };

    fake.task = TASK_FAILED;
    fake.message = "";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.code = rows[i].code;
        refuses(accounts_creator_info, plain, rows[i].rc, rows[i].shown);
        ck_assert_uint_gt(strlen(err.msg), 0);
        if (rows[i].rc != RC_CONFLICT)
            ck_assert_int_gt(err.retry_after_ms, 0);
    }
}
END_TEST

START_TEST(whoever_does_not_answer_in_time_is_named)
{
    fake.task = TASK_QUEUED;
    refuses(accounts_creator_info, plain, RC_UNAVAILABLE, "publisher_away");
    fake.task = TASK_RUNNING;
    refuses(accounts_creator_info, plain, RC_UNAVAILABLE, "tiktok_unavailable");
    fake.crowded = true;
    refuses(accounts_creator_info, plain, RC_UNAVAILABLE, "too_many_waiting");
    ck_assert_int_gt(err.retry_after_ms, 0);
    ck_assert_int_eq(fake.asked, 2);
}
END_TEST

START_TEST(an_account_that_cannot_be_asked_about_is_not_asked_about)
{
    fake.account.status = ACCOUNT_RECONNECT;
    refuses(accounts_creator_info, plain, RC_CONFLICT, "reconnect_needed");
    fake.account.status = ACCOUNT_DISCONNECTED;
    refuses(accounts_creator_info, plain, RC_CONFLICT, "reconnect_needed");
    fake.account.status = ACCOUNT_CONNECTED;
    (void)snprintf(fake.account.scopes, sizeof(fake.account.scopes), "video.upload");
    refuses(accounts_creator_info, plain, RC_CONFLICT, "missing_scope");
    ck_assert_int_eq(fake.asked, 0);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "api_accounts", setup, teardown, access_that_lasts_is_shown_with_its_end,
    an_account_is_shown_as_the_contract_says,
    what_tiktok_has_not_told_is_null_and_a_name_there_always_is,
    a_foreign_account_is_not_there, a_list_leads_to_its_next_page,
    a_picture_is_shown_when_there_is_one_and_as_what_it_is, a_zone_that_exists_is_taken,
    nothing_to_change_changes_nothing, other_zones_and_members_are_refused_by_name,
    disconnecting_wakes_the_publisher_once,
    a_fresh_document_is_shared_and_an_old_one_asked_anew,
    the_answer_is_tiktoks_in_the_words_of_the_contract,
    what_a_document_lacks_is_not_invented, a_creator_who_may_not_post_is_an_answer,
    every_failed_question_has_its_class, whoever_does_not_answer_in_time_is_named,
    an_account_that_cannot_be_asked_about_is_not_asked_about)
