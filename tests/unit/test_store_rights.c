/* grants: every function of the store that tts-api calls, under the rights of tts_api. A
 * right that is missing in grants.c fails the call as a bug. */
#include "core/xalloc.h"
#include "database.h"
#include "store/accounts.h"
#include "store/api_tokens.h"
#include "store/feed.h"
#include "store/gate.h"
#include "store/health.h"
#include "store/inspect.h"
#include "store/jobs.h"
#include "store/media.h"
#include "store/migrate.h"
#include "store/notifications.h"
#include "store/oauth.h"
#include "store/posts.h"
#include "store/publishers.h"
#include "store/sessions.h"
#include "store/stmt.h"
#include "store/tasks.h"
#include "store/uploads.h"
#include "store/users.h"
#include "store/webhooks.h"

#include <inttypes.h>
#include <string.h>

enum { HOUR_MS = 3600000 };

static struct db *admin, *api;
static struct seed seed;
static struct actor actor;
static struct err err;
static const unsigned char some[32] = {1}, other[32] = {2};

static void setup(void)
{
    size_t n = 0;

    admin = database_open();
    database_take_users(admin);
    database_empty(admin);
    seed = seed_all(admin);
    actor =
        (struct actor){.workspace_id = seed.workspace, .user_id = seed.user, .ip = ""};
    ck_assert_int_eq(grants_user(admin, "tts_api", "localhost", "a-password", &err),
                     RC_OK);
    ck_assert_int_eq(grants_renew(admin, &n, &err), RC_OK);
    ck_assert_int_eq(db_new(database_url("tts_api", "a-password"), &api, &err), RC_OK);
    (void)database_patient(api);
}

static void teardown(void)
{
    db_free(api);
    database_run(admin, "DROP USER tts_api@localhost");
    db_free(admin);
}

static void works(enum rc rc, const char *what)
{
    ck_assert_msg(rc == RC_OK, "%s: %s %s", what, err.code, err.msg);
}

/* The row is not there, and to look for it was allowed. */
static void finds_none(enum rc rc, const char *what)
{
    ck_assert_msg(rc == RC_NOT_FOUND, "%s: %s %s", what, err.code, err.msg);
}

START_TEST(people_sign_in_and_out)
{
    const struct session_new s = {.hash = some, .csrf_secret = other, .old = other};
    struct session session;
    struct api_token token;
    struct user_login login;
    struct user_profile profile;

    finds_none(user_login_find(api, "nobody@example.com", &login, &err), "login_find");
    works(user_login_failed(api, seed.user, &err), "login_failed");
    works(user_rehash(api, seed.user, "a", "b", &err), "rehash");
    works(user_profile(api, seed.workspace, seed.user, &profile, &err), "profile");
    works(session_open(api, &actor, &s, &err), "session_open");
    works(session_find(api, some, &session, &err), "session_find");
    /* Once a minute its end moves. */
    database_run(admin, "UPDATE session SET seen_at = seen_at - 120000");
    works(session_find(api, some, &session, &err), "session_find, moving the end");
    works(session_end(api, &actor, some, &err), "session_end");
    finds_none(api_token_find(api, some, &token, &err), "api_token_find");
    database_run(admin,
                 "INSERT INTO api_token SET workspace_id = %" PRIu64
                 ", user_id = %" PRIu64
                 ", name = 'n', prefix = 'p', token_hash = X'%064d',"
                 " scopes = 'read', created_at = 0, expires_at = 9223372036854775807",
                 seed.workspace, seed.user, 7);
    {
        unsigned char hash[API_TOKEN_HASH_SIZE] = {0};

        hash[sizeof(hash) - 1] = 7;
        works(api_token_find(api, hash, &token, &err), "api_token_find");
    }
}
END_TEST

START_TEST(accounts_are_connected_shown_and_disconnected)
{
    const struct oauth_key key = {.workspace_id = seed.workspace,
                                  .user_id = seed.user,
                                  .session_hash = some,
                                  .state_hash = other};
    const struct oauth_begin begin = {
        .key = key, .verifier = "v", .redirect_uri = "r", .scopes = "s"};
    const struct oauth_back back = {.key = key, .code = "c", .wait_ms = 1000};
    const struct account_query query = {.workspace_id = seed.workspace, .limit = 10};
    const struct account_ref ref = {.account_id = seed.account};
    struct account_page *page = xcalloc(1, sizeof(*page));
    struct account_creator creator;
    struct oauth_taken taken;
    struct task_result result;
    struct account account;
    uint64_t task;
    bool changed;

    works(oauth_begin(api, &begin, &err), "oauth_begin");
    works(oauth_take(api, &back, &taken, &err), "oauth_take");
    ck_assert_int_eq(taken.fate, OAUTH_TAKEN);
    works(oauth_forget(api, seed.workspace, taken.txn_id, &err), "oauth_forget");
    works(task_result(api, seed.workspace, taken.task_id, &result, &err), "task_result");
    task_result_release(&result);
    works(account_load(api, seed.workspace, seed.account, &account, &err), "load");
    works(account_list(api, &query, page, &err), "list");
    works(account_set_zone(api, &actor, ref, "Europe/Paris", &err), "set_zone");
    works(account_creator_load(api, seed.workspace, seed.account, &creator, &err),
          "creator_load");
    account_creator_release(&creator);
    works(account_creator_ask(api, seed.workspace, seed.account, 1000, &task, &err),
          "creator_ask");
    works(account_disconnect(api, &actor, ref, &changed, &err), "disconnect");
    free(page);
}
END_TEST

static struct upload upload_of(const char *id)
{
    struct upload u = {.workspace_id = seed.workspace, .user_id = seed.user, .bytes = 10};

    (void)strcpy(u.id, id);
    (void)strcpy(u.filename, "a.mp4");
    (void)strcpy(u.mime, "video/mp4");
    return u;
}

START_TEST(files_are_uploaded_and_managed)
{
    struct upload u = upload_of("aaaaaaaaaaaaaaaaaaaaaaaaaa"),
                  gone = upload_of("bbbbbbbbbbbbbbbbbbbbbbbbbb"), read;
    const struct media_query query = {.workspace_id = seed.workspace, .limit = 10};
    struct media_ref ref = {.workspace_id = seed.workspace, .user_id = seed.user};
    static const char *const words[] = {"tag"};
    static struct media_tag tags[MEDIA_TAG_LIST_MAX];
    const struct media_edit edit = {.filename = "b.mp4", .tags = words, .n_tags = 1};
    struct upload_usage usage;
    struct media one, list[11];
    uint64_t overdue;
    size_t n = 0;
    bool more;

    works(upload_usage(api, seed.workspace, &usage, &err), "upload_usage");
    works(upload_insert(api, &u, &err), "upload_insert");
    works(upload_get(api, seed.workspace, u.id, &read, &err), "upload_get");
    works(upload_get_settled(api, seed.workspace, u.id, &read, &err), "get_settled");
    works(upload_advance(api, &u, 5, &err), "upload_advance");
    works(upload_finish(api, &u, true, &err), "upload_finish");
    works(upload_insert(api, &gone, &err), "upload_insert");
    works(upload_terminate(api, &gone, &err), "upload_terminate");
    works(media_get(api, seed.workspace, u.media_id, &one, &err), "media_get");
    media_release(&one);
    works(media_list(api, &query, list, &n, &more, &err), "media_list");
    while (n > 0)
        media_release(&list[--n]);
    ref.media_id = u.media_id;
    works(media_edit(api, &ref, &edit, &err), "media_edit");
    works(media_tags(api, seed.workspace, tags, &n, &err), "media_tags");
    works(media_delete(api, &ref, &err), "media_delete");
    works(media_overdue(api, &overdue, &err), "media_overdue");
}
END_TEST

static enum rc agree(void *ctx UNUSED, const struct post_content *content UNUSED,
                     struct post_basis *basis UNUSED, struct err *e UNUSED)
{
    return RC_OK;
}

/* Everything about it becomes different. */
static enum rc edit(void *ctx UNUSED, const struct post *was UNUSED,
                    struct post_content *c, struct err *e UNUSED)
{
    free(c->caption);
    c->caption = xstrdup("changed");
    c->media_n = 1 - c->media_n;
    c->media_ids[0] = seed.media;
    return RC_OK;
}

static uint64_t created(const struct post_key *key)
{
    struct post_content c;
    const struct post_new in = {
        .actor = &actor, .content = &c, .key = key, .check = agree};
    struct post post;
    uint64_t id;

    post_init(&c);
    c.account_id = seed.account;
    c.media_ids[0] = seed.media;
    c.media_n = 1;
    c.music_usage = true;
    works(posts_create(api, &in, &post, &err), "posts_create");
    id = post.id;
    posts_release(&post);
    post_release(&c);
    return id;
}

START_TEST(webhooks_are_kept_and_never_read)
{
    const struct hook_new hook = {.signature = "s", .hash = some, .body = "b", .len = 1};

    works(hook_keep(api, &hook, &err), "hook_keep");
    works(hook_keep(api, &hook, &err), "hook_keep, once more");
}
END_TEST

START_TEST(posts_are_made_and_read)
{
    const struct post_key key = {{1}, {2}};
    uint64_t id = created(&key);
    const struct post_query query = {
        .workspace_id = seed.workspace, .first = true, .limit = 10};
    const struct post_span span = {.workspace_id = seed.workspace, .to_ms = INT64_MAX};
    const struct event_query lines = {
        .workspace_id = seed.workspace, .post_id = id, .limit = 10};
    struct event_page *page = xcalloc(1, sizeof(*page));
    struct event_feed *feed = xcalloc(1, sizeof(*feed));
    const char *words[EVENT_FEED_MAX];
    struct post_counts counts;
    struct post post, list[11];
    uint64_t seq;
    size_t n = 0;
    bool found, more;

    works(posts_get(api, seed.workspace, id, &post, &err), "posts_get");
    posts_release(&post);
    works(posts_by_key(api, seed.workspace, &key, &post, &found, &err), "posts_by_key");
    posts_release(&post);
    works(posts_list(api, &query, list, &n, &more, &err), "posts_list");
    while (n > 0)
        posts_release(&list[--n]);
    works(posts_calendar(api, &span, NULL, NULL, &more, &err), "posts_calendar");
    works(posts_count(api, seed.workspace, &counts, &err), "posts_count");
    works(event_timeline(api, &lines, page, &err), "event_timeline");
    works(event_feed(api, seed.workspace, 0, feed, &err), "event_feed");
    works(event_seq(api, seed.workspace, &seq, &err), "event_seq");
    works(feed_words(api, seed.workspace, feed, words, &err), "feed_words");
    free(page);
    free(feed);
}
END_TEST

/* As a publisher leaves it. */
static void placed(uint64_t id, int state, int granted)
{
    database_run(admin,
                 "UPDATE job SET state = %d, granted = %d, attempt_no = 1,"
                 " last_reason = 'outcome_unknown' WHERE post_id = %" PRIu64,
                 state, granted, id);
    database_run(admin,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, created_at, updated_at) VALUES (%" PRIu64 ", 1, %" PRIu64
                 ", %d, 1, 7, 0, 0)",
                 id, seed.workspace, granted != 0 ? 3 : 2);
}

START_TEST(posts_are_changed_and_ended)
{
    const struct post_key key = {{3}, {4}};
    const struct post_verdict yes = {true, "73"};
    struct post_change change = {.actor = &actor,
                                 .post_id = created(NULL),
                                 .deed = DEED_SCHEDULE,
                                 .edit = edit,
                                 .check = agree,
                                 .key = &key};
    struct post_ref ref = {.post_id = change.post_id};
    struct post post;
    bool replayed;

    placed(change.post_id, PHASE_FAILED, 0);
    works(posts_change(api, &change, &post, &replayed, &err), "posts_change");
    posts_release(&post);
    works(posts_cancel(api, &actor, ref, &post, &err), "posts_cancel");
    posts_release(&post);
    works(posts_hide(api, &actor, ref, &err), "posts_hide");
    ref.post_id = created(NULL);
    placed(ref.post_id, PHASE_REVIEW, 1);
    works(posts_resolve(api, &actor, ref, &yes, &post, &err), "posts_resolve");
    posts_release(&post);
}
END_TEST

START_TEST(what_tiktok_fetches_is_looked_up_and_noted)
{
    static const unsigned char token[JOB_GATE_SIZE] = "sixteen bytes ok";
    struct gate_file file;
    uint64_t post = created(NULL);

    database_run(admin,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, gate_token, created_at, updated_at) VALUES (%" PRIu64
                 ", 1, %" PRIu64 ", 3, 2, 7, 'sixteen bytes ok', 0, 0)",
                 post, seed.workspace);
    works(gate_find(api, token, 0, &file, &err), "gate_find");
    works(gate_serve(api, token, &err), "gate_serve");
}
END_TEST

START_TEST(of_an_attempt_only_some_columns_are_seen_and_fewer_written)
{
    static const char *const refused[] = {
        "UPDATE attempt SET gate_token = NULL",
        "UPDATE attempt SET publish_id = 'x'",
        "UPDATE attempt SET upload_url = NULL",
        "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method, fence,"
        " created_at, updated_at) VALUES (1, 1, 1, 1, 2, 1, 0, 0)",
        "DELETE FROM attempt",
    };
    uint64_t n = 0;
    const struct sql_col cols[] = {COL_U64(&n)};
    size_t users = 0;
    bool found;

    /* As an older program left it, and twice. */
    database_run(admin, "GRANT SELECT, UPDATE, INSERT ON attempt TO tts_api@localhost");
    works(grants_renew(admin, &users, &err), "grants_renew");
    works(grants_renew(admin, &users, &err), "grants_renew");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        ck_assert_msg(db_exec_once(api, refused[i], SQL_NONE, NULL, &err) == RC_BUG, "%s",
                      refused[i]);
    ck_assert_int_eq(db_row(api, "SELECT LENGTH(upload_url) FROM attempt", SQL_NONE,
                            SQL_COLS(cols), &found, &err),
                     RC_BUG);
    works(db_row(api, "SELECT COUNT(*) FROM attempt WHERE state = 3", SQL_NONE,
                 SQL_COLS(cols), &found, &err),
          "count");
    works(db_exec_once(api, "UPDATE attempt SET state = 6 WHERE state = 1", SQL_NONE,
                       NULL, &err),
          "update");
}
END_TEST

START_TEST(health_and_the_media_gate_are_looked_at)
{
    struct health_late late;
    enum health_sync sync;
    int64_t version, n;
    bool dead;

    works(db_ping(api, &err), "db_ping");
    works(health_schema(api, &version, &err), "health_schema");
    works(health_late(api, &late, &err), "health_late");
    works(health_due(api, &n, &err), "health_due");
    works(health_semi_sync(api, &sync, &err), "health_semi_sync");
    works(publisher_count(api, &n, &err), "publisher_count");
    works(job_attempt_is_dead(api, 1, "p", &dead, &err), "job_attempt_is_dead");
    works(audit_add(api, &actor, "a.b", 0, "", &err), "audit_add");
}
END_TEST

static void ignore_counters(void *ctx UNUSED, uint64_t inc UNUSED,
                            const char *counters UNUSED)
{
}

START_TEST(notifications_alarms_and_figures_are_read)
{
    struct notification_page *page = xcalloc(1, sizeof(*page));
    const struct notification_query query = {seed.workspace, seed.user, 0, 5};
    struct post shown = {.phase = PHASE_SCHEDULED};
    struct post_warnings warnings;
    struct health_publishers alive;
    struct inspect_stats stats;
    int64_t n;
    bool mail;

    shown.content.account_id = seed.account;
    shown.content.mode = POST_INBOX;
    works(notification_list(api, &query, page, &err), "notification_list");
    works(notification_unread(api, seed.workspace, seed.user, &n, &err), "unread");
    works(notification_read(api, seed.workspace, seed.user, 1, &err), "read");
    works(notification_want(api, seed.user, false, &err), "want");
    works(notification_wanted(api, seed.user, &mail, &err), "wanted");
    ck_assert(!mail);
    works(posts_warnings(api, seed.workspace, &shown, &warnings, &err), "warnings");
    works(health_publishers(api, &alive, &err), "health_publishers");
    works(publisher_counters(api, ignore_counters, NULL, &err), "counters");
    works(inspect_stats(api, &stats, &err), "inspect_stats");
    free(page);
}
END_TEST

DATABASE_MAIN("store_rights", setup, teardown, notifications_alarms_and_figures_are_read,
              people_sign_in_and_out, accounts_are_connected_shown_and_disconnected,
              files_are_uploaded_and_managed, webhooks_are_kept_and_never_read,
              posts_are_made_and_read, posts_are_changed_and_ended,
              what_tiktok_fetches_is_looked_up_and_noted,
              of_an_attempt_only_some_columns_are_seen_and_fewer_written,
              health_and_the_media_gate_are_looked_at)
