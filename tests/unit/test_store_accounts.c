/* accounts: what is read, who may change it, and what disconnecting stops. */
#include "core/xalloc.h"
#include "database.h"
#include "store/accounts.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/tasks.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

static struct db *db;
static struct seed seed;
static struct err err;
static struct actor person;

static void setup(void)
{
    db = database_seeded(&seed);
    person = (struct actor){
        .workspace_id = seed.workspace, .user_id = seed.user, .ip = "192.0.2.1"};
}

static void teardown(void)
{
    db_free(db);
}

static void must(enum rc rc)
{
    ck_assert_msg(rc == RC_OK, "%s: %s", err.code, err.msg);
}

static struct account load(void)
{
    struct account a;

    must(account_load(db, seed.workspace, seed.account, &a, &err));
    return a;
}

static struct account_ref any_version(void)
{
    return (struct account_ref){.account_id = seed.account};
}

static uint64_t post_in(int state)
{
    return seed_post(db, &seed, state, 3600000);
}

/* --- reading ----------------------------------------------------------------------- */

START_TEST(an_account_is_read_as_it_is)
{
    struct account a;

    database_run(db,
                 "UPDATE account SET username = 'ann', display_name = 'Ann ✿',"
                 " scopes = 'user.info.basic,video.publish', tz = 'Europe/Berlin',"
                 " status = 2, status_reason = 'access_removed',"
                 " refresh_expires_at = 1800000000000, connected_at = 1700000000000,"
                 " version = 7 WHERE account_id = %" PRIu64,
                 seed.account);
    a = load();
    ck_assert_uint_eq(a.id, seed.account);
    ck_assert_str_eq(a.username, "ann");
    ck_assert_str_eq(a.display_name, "Ann ✿");
    ck_assert_str_eq(a.scopes, "user.info.basic,video.publish");
    ck_assert_str_eq(a.tz, "Europe/Berlin");
    ck_assert_int_eq(a.status, ACCOUNT_RECONNECT);
    ck_assert_str_eq(a.reason, "access_removed");
    ck_assert_int_eq(a.refresh_expires_ms, INT64_C(1800000000000));
    ck_assert_int_eq(a.connected_ms, INT64_C(1700000000000));
    ck_assert_uint_eq(a.version, 7);
    ck_assert_int_gt(a.now_ms, INT64_C(1700000000000));
    ck_assert_str_eq(account_standing_of(&a).reason, "access_removed");
}
END_TEST

START_TEST(the_longest_names_fit)
{
    struct account a;

    database_run(db,
                 "UPDATE account SET username = REPEAT('😀', 64),"
                 " display_name = REPEAT('😀', 255), scopes = REPEAT('s', 512),"
                 " tz = REPEAT('z', 64), status_reason = REPEAT('r', 64)"
                 " WHERE account_id = %" PRIu64,
                 seed.account);
    a = load();
    ck_assert_uint_eq(strlen(a.username), 256);
    ck_assert_uint_eq(strlen(a.display_name), 1020);
    ck_assert_uint_eq(strlen(a.scopes), 512);
    ck_assert_uint_eq(strlen(a.tz), 64);
    ck_assert_uint_eq(strlen(a.reason), 64);
}
END_TEST

START_TEST(only_posts_that_wait_for_their_time_are_counted)
{
    struct seed other = seed;

    for (int state = 0; state <= JOB_BLOCKED; state++)
        (void)post_in(state);
    (void)post_in(JOB_SCHEDULED);
    other.account = seed_account(db, seed.workspace, seed.user);
    (void)seed_post(db, &other, JOB_SCHEDULED, 1000);
    (void)seed_post(db, &seed, JOB_SCHEDULED, -3600000);
    ck_assert_int_eq(load().scheduled, 3);
}
END_TEST

START_TEST(an_account_of_another_workspace_is_not_there)
{
    uint64_t elsewhere = seed_workspace(db);
    struct actor stranger = {
        .workspace_id = elsewhere, .user_id = seed_user(db, elsewhere), .ip = ""};
    struct account_creator creator;
    struct account a;
    uint64_t task;
    bool changed = false;

    ck_assert_int_eq(account_load(db, elsewhere, seed.account, &a, &err), RC_NOT_FOUND);
    ck_assert_str_eq(err.code, "not_found");
    ck_assert_int_eq(account_set_zone(db, &stranger, any_version(), "UTC", &err),
                     RC_NOT_FOUND);
    ck_assert_int_eq(account_disconnect(db, &stranger, any_version(), &changed, &err),
                     RC_NOT_FOUND);
    ck_assert_int_eq(account_creator_load(db, elsewhere, seed.account, &creator, &err),
                     RC_NOT_FOUND);
    ck_assert_int_eq(account_creator_ask(db, elsewhere, seed.account, 10000, &task, &err),
                     RC_NOT_FOUND);
    ck_assert_int_eq(load().status, ACCOUNT_CONNECTED);
    ck_assert_int_eq(database_number(db, "SELECT (SELECT COUNT(*) FROM task) +"
                                         " (SELECT COUNT(*) FROM audit_log) +"
                                         " (SELECT COUNT(*) FROM job_event)"),
                     0);
}
END_TEST

START_TEST(a_list_comes_in_pages_of_ones_own_oldest_first)
{
    struct account_query query = {.workspace_id = seed.workspace, .limit = 2};
    struct account_page *page = xcalloc(1, sizeof(*page));
    uint64_t elsewhere = seed_workspace(db);
    uint64_t ids[5] = {seed.account};

    (void)seed_account(db, elsewhere, seed_user(db, elsewhere));
    for (size_t i = 1; i < ARRAY_LEN(ids); i++)
        ids[i] = seed_account(db, seed.workspace, seed.user);
    database_run(db, "UPDATE account SET status = 3 WHERE account_id = %" PRIu64, ids[1]);
    (void)post_in(JOB_SCHEDULED);
    for (size_t at = 0; at < ARRAY_LEN(ids); at += page->n) {
        must(account_list(db, &query, page, &err));
        ck_assert_uint_eq(page->n, at + 2 <= ARRAY_LEN(ids) ? 2 : 1);
        ck_assert_int_eq(page->more, at + 2 < ARRAY_LEN(ids));
        for (size_t i = 0; i < page->n; i++)
            ck_assert_uint_eq(page->items[i].id, ids[at + i]);
        if (at == 0) {
            ck_assert_int_eq(page->items[0].scheduled, 1);
            ck_assert_int_eq(page->items[1].status, ACCOUNT_DISCONNECTED);
        }
        query.after = page->items[page->n - 1].id;
    }
    must(account_list(db, &query, page, &err));
    ck_assert_uint_eq(page->n, 0);
    ck_assert(!page->more);
    free(page);
}
END_TEST

/* --- changing ---------------------------------------------------------------------- */

static int64_t events(enum event_kind kind)
{
    return database_number(db,
                           "SELECT COUNT(*) FROM job_event WHERE kind = %d"
                           " AND workspace_id = %" PRIu64,
                           (int)kind, seed.workspace);
}

static int64_t audits(const char *action)
{
    return database_number(db, "SELECT COUNT(*) FROM audit_log WHERE action = '%s'",
                           action);
}

START_TEST(a_zone_is_chosen_told_and_taken_back)
{
    struct account before = load();

    must(account_set_zone(db, &person, any_version(), "Asia/Tokyo", &err));
    ck_assert_str_eq(load().tz, "Asia/Tokyo");
    ck_assert_uint_eq(load().version, before.version + 1);
    ck_assert_int_eq(events(EVENT_ACCOUNT_CHANGED), 1);
    ck_assert_str_eq(database_text(db, "SELECT data FROM audit_log"),
                     "{\"timezone\":\"Asia/Tokyo\"}");
    must(account_set_zone(db, &person, any_version(), "", &err));
    ck_assert_str_eq(load().tz, "");
    ck_assert_int_eq(events(EVENT_ACCOUNT_CHANGED), 2);
}
END_TEST

START_TEST(the_zone_it_has_already_changes_nothing)
{
    uint32_t version;

    must(account_set_zone(db, &person, any_version(), "Asia/Tokyo", &err));
    version = load().version;
    must(account_set_zone(db, &person, any_version(), "Asia/Tokyo", &err));
    ck_assert_uint_eq(load().version, version);
    ck_assert_int_eq(events(EVENT_ACCOUNT_CHANGED), 1);
    ck_assert_int_eq(audits("account.change"), 1);
}
END_TEST

START_TEST(what_was_changed_meanwhile_is_not_overwritten)
{
    struct account_ref seen = {.account_id = seed.account, .version = load().version};
    bool changed = true;

    must(account_set_zone(db, &person, seen, "Asia/Tokyo", &err));
    ck_assert_int_eq(account_set_zone(db, &person, seen, "UTC", &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "version_mismatch");
    ck_assert_int_eq(account_disconnect(db, &person, seen, &changed, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "version_mismatch");
    ck_assert_str_eq(load().tz, "Asia/Tokyo");
    ck_assert_int_eq(load().status, ACCOUNT_CONNECTED);
    seen.version = load().version;
    must(account_disconnect(db, &person, seen, &changed, &err));
    ck_assert(changed);
}
END_TEST

/* --- disconnecting ----------------------------------------------------------------- */

static void disconnect(void)
{
    bool changed = false;

    must(account_disconnect(db, &person, any_version(), &changed, &err));
    ck_assert(changed);
}

START_TEST(disconnecting_stops_exactly_what_is_not_past_its_grant)
{
    static const struct {
        int state, granted;
        bool stopped;
    } rows[] = {
        {0, 0, false} /* a draft */,
        {JOB_SCHEDULED, 0, true},
        {JOB_RUNNING, 0, true},
        {JOB_RUNNING, 1, false} /* has the grant, is not COMMITTED yet */,
        {JOB_COMMITTED, 1, false},
        {JOB_PUBLISHED, 1, false},
        {JOB_FAILED, 0, false},
        {JOB_CANCELED, 0, false},
        {JOB_REVIEW, 0, false},
        {JOB_BLOCKED, 0, false},
    };
    uint64_t posts[ARRAY_LEN(rows)];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        posts[i] = post_in(rows[i].state);
        database_run(db,
                     "UPDATE job SET granted = %d, fence = 10, owner = 3,"
                     " last_reason = 'before' WHERE post_id = %" PRIu64,
                     rows[i].granted, posts[i]);
    }
    disconnect();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *good = rows[i].stopped
                               ? "state = 8 AND fence = 11 AND owner = 0"
                                 " AND last_reason = 'account_disconnected'"
                                 " AND next_at = 9223372036854775807"
                               : "fence = 10 AND owner = 3 AND last_reason = 'before'"
                                 " AND next_at < 9223372036854775807";

        ck_assert_msg(database_number(db,
                                      "SELECT COUNT(*) FROM job WHERE post_id = %" PRIu64
                                      " AND %s AND state = %d",
                                      posts[i], good,
                                      rows[i].stopped ? JOB_BLOCKED : rows[i].state) == 1,
                      "row %zu", i);
        ck_assert_msg(database_number(db,
                                      "SELECT COUNT(*) FROM job_event WHERE post_id ="
                                      " %" PRIu64 " AND kind = %d AND fence = 11"
                                      " AND user_id = %" PRIu64
                                      " AND data LIKE '%%account_disconnected%%'",
                                      posts[i], (int)EVENT_BLOCKED,
                                      seed.user) == (rows[i].stopped ? 1 : 0),
                      "row %zu", i);
    }
    ck_assert_int_eq(load().scheduled, 0);
}
END_TEST

START_TEST(posts_of_other_accounts_go_on)
{
    struct seed other = seed;
    uint64_t post;

    other.account = seed_account(db, seed.workspace, seed.user);
    post = seed_post(db, &other, JOB_SCHEDULED, 1000);
    disconnect();
    ck_assert_int_eq(
        database_number(db, "SELECT state FROM job WHERE post_id = %" PRIu64, post),
        JOB_SCHEDULED);
}
END_TEST

START_TEST(disconnecting_is_told_and_the_grant_given_back)
{
    struct account before;

    database_run(db, "UPDATE account SET status = 2, status_reason = 'access_removed'");
    before = load();
    disconnect();
    ck_assert_int_eq(load().status, ACCOUNT_DISCONNECTED);
    ck_assert_str_eq(load().reason, "");
    ck_assert_uint_eq(load().version, before.version + 1);
    ck_assert_int_eq(events(EVENT_ACCOUNT_DISCONNECTED), 1);
    ck_assert_int_eq(
        database_number(db,
                        "SELECT COUNT(*) FROM audit_log WHERE user_id = %" PRIu64
                        " AND action = 'account.disconnect' AND object_id = %" PRIu64
                        " AND ip = '192.0.2.1'",
                        seed.user, seed.account),
        1);
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM task WHERE kind = %d"
                                     " AND account_id = %" PRIu64
                                     " AND workspace_id = %" PRIu64 " AND state = %d"
                                     " AND deadline_at = 9223372036854775807",
                                     TASK_REVOKE, seed.account, seed.workspace,
                                     TASK_QUEUED),
                     1);
}
END_TEST

START_TEST(disconnecting_twice_is_harmless)
{
    struct account_ref stale = {.account_id = seed.account, .version = load().version};
    struct account after;
    bool changed = true;

    (void)post_in(JOB_SCHEDULED);
    disconnect();
    after = load();
    must(account_disconnect(db, &person, stale, &changed, &err));
    ck_assert(!changed);
    ck_assert_uint_eq(load().version, after.version);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM task"), 1);
    ck_assert_int_eq(audits("account.disconnect"), 1);
    ck_assert_int_eq(events(EVENT_BLOCKED), 1);
    ck_assert_int_eq(events(EVENT_ACCOUNT_DISCONNECTED), 1);
}
END_TEST

START_TEST(what_an_earlier_disconnect_stopped_is_not_told_again)
{
    (void)post_in(JOB_SCHEDULED);
    disconnect();
    database_run(db, "UPDATE job SET updated_at = updated_at - 1");
    database_run(db, "UPDATE account SET status = 1");
    (void)post_in(JOB_SCHEDULED);
    disconnect();
    ck_assert_int_eq(events(EVENT_BLOCKED), 2);
}
END_TEST

START_TEST(a_disconnected_tiktok_account_may_be_connected_elsewhere)
{
    uint64_t elsewhere = seed_workspace(db);
    uint64_t theirs = seed_account(db, elsewhere, seed_user(db, elsewhere));

    disconnect();
    database_run(db,
                 "UPDATE account t JOIN account o ON o.account_id = %" PRIu64
                 " SET t.open_id = o.open_id WHERE t.account_id = %" PRIu64,
                 seed.account, theirs);
}
END_TEST

START_TEST(an_event_by_an_api_client_says_so)
{
    (void)post_in(JOB_SCHEDULED);
    person.token_id = 5;
    disconnect();
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM job_event"
                                         " WHERE data LIKE '%%\"via\":\"token\"%%'"),
                     2);
}
END_TEST

/* --- against a publisher ----------------------------------------------------------- */

enum { INC = 9 };

/* A publisher claims the post; its fence, or 0 when there was nothing to take. */
static uint64_t claim(struct db *conn, uint64_t post)
{
    struct job_claimed claimed;
    struct job_claim c = {.inc = INC, .post_ids = &post, .n = 1, .out = &claimed};
    struct err e;
    enum rc rc;

    seed_publisher(conn, INC);
    rc = job_claim(conn, &c, &e);

    ck_assert_msg(rc == RC_OK, "%s: %s", e.code, e.msg);
    return c.len == 1 ? claimed.fence : 0;
}

static enum rc intend(struct db *conn, uint64_t post, uint64_t fence)
{
    const struct job_ref ref = {
        .post_id = post, .workspace_id = seed.workspace, .fence = fence, .inc = INC};
    const struct job_intent intent = {
        .no = 1, .content_ver = 1, .bytes_total = 1, .chunk_size = 1};
    struct err e;

    return job_intend(conn, &ref, &intent, &e);
}

static uint64_t due_post(void)
{
    return seed_post(db, &seed, JOB_SCHEDULED, -10);
}

START_TEST(a_publisher_that_holds_a_post_is_refused_from_then_on)
{
    uint64_t post = due_post();
    uint64_t fence = claim(db, post);

    ck_assert_uint_ne(fence, 0);
    disconnect();
    ck_assert_int_eq(intend(db, post, fence), RC_CONFLICT);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM attempt"), 0);
}
END_TEST

START_TEST(a_blocked_post_is_not_claimed)
{
    uint64_t post = due_post();

    disconnect();
    ck_assert_uint_eq(claim(db, post), 0);
}
END_TEST

enum { POSTS = 40 };

static void *disconnect_at_once(void *arg)
{
    struct db *own = database_open();
    struct err e;
    bool changed;

    (void)pthread_barrier_wait(arg);
    ck_assert_int_eq(account_disconnect(own, &person, any_version(), &changed, &e),
                     RC_OK);
    db_free(own);
    return NULL;
}

/* Whoever is first at a post, its state and the publisher's next write agree: a post that
 * the publisher may go on with is none that the person was told is stopped. */
START_TEST(a_claim_and_a_disconnect_at_once_leave_no_post_in_two_hands)
{
    uint64_t posts[POSTS], fences[POSTS];
    pthread_barrier_t line;
    pthread_t other;

    for (size_t i = 0; i < POSTS; i++)
        posts[i] = due_post();
    (void)pthread_barrier_init(&line, NULL, 2);
    ck_assert_int_eq(pthread_create(&other, NULL, disconnect_at_once, &line), 0);
    (void)pthread_barrier_wait(&line);
    for (size_t i = 0; i < POSTS; i++)
        fences[i] = claim(db, posts[i]);
    (void)pthread_join(other, NULL);
    (void)pthread_barrier_destroy(&line);
    for (size_t i = 0; i < POSTS; i++) {
        ck_assert_int_eq(database_number(db,
                                         "SELECT state FROM job WHERE post_id = %" PRIu64,
                                         posts[i]),
                         JOB_BLOCKED);
        if (fences[i] != 0)
            ck_assert_int_eq(intend(db, posts[i], fences[i]), RC_CONFLICT);
    }
    ck_assert_int_eq(events(EVENT_BLOCKED), POSTS);
}
END_TEST

/* --- creator_info ------------------------------------------------------------------ */

static uint64_t ask(struct db *conn)
{
    uint64_t task = 0;
    struct err e;
    enum rc rc =
        account_creator_ask(conn, seed.workspace, seed.account, 10000, &task, &e);

    ck_assert_msg(rc == RC_OK && task != 0, "%s: %s", e.code, e.msg);
    return task;
}

START_TEST(what_creator_info_said_is_read_with_its_age)
{
    struct account_creator creator;

    must(account_creator_load(db, seed.workspace, seed.account, &creator, &err));
    ck_assert_ptr_null(creator.json);
    ck_assert_int_eq(creator.at_ms, 0);
    database_run(db, "UPDATE account SET creator_info = '{\"nickname\":\"Ann\"}',"
                     " creator_info_at ="
                     " CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - 5000");
    must(account_creator_load(db, seed.workspace, seed.account, &creator, &err));
    ck_assert_str_eq(creator.json, "{\"nickname\":\"Ann\"}");
    ck_assert_int_ge(creator.now_ms - creator.at_ms, 5000);
    ck_assert_int_lt(creator.now_ms - creator.at_ms, 60000);
    account_creator_release(&creator);
    ck_assert_ptr_null(creator.json);
}
END_TEST

START_TEST(a_question_under_way_is_shared)
{
    static const struct {
        const char *change;
        bool shared;
    } rows[] = {
        {"state = 1", true},
        {"state = 2, owner = 4", true},
        {"state = 4", false},
        {"state = 5", false},
        {"kind = 3", false},
        {"deadline_at = created_at + 1000", false} /* over before we could wait */,
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t first = ask(db);

        database_run(db, "UPDATE task SET %s WHERE task_id = %" PRIu64, rows[i].change,
                     first);
        ck_assert_msg((ask(db) == first) == rows[i].shared, "row %zu", i);
        database_run(db, "DELETE FROM task");
    }
}
END_TEST

START_TEST(every_account_has_a_question_of_its_own)
{
    uint64_t neighbour = seed_account(db, seed.workspace, seed.user);
    uint64_t first = ask(db);
    uint64_t second = 0;

    must(account_creator_ask(db, seed.workspace, neighbour, 10000, &second, &err));
    ck_assert_uint_ne(first, second);
    ck_assert_int_eq(database_number(db,
                                     "SELECT account_id FROM task WHERE task_id ="
                                     " %" PRIu64 " AND kind = %d",
                                     second, TASK_CREATOR_INFO),
                     (int64_t)neighbour);
}
END_TEST

enum { ASKERS = 4 };

struct asker {
    pthread_t thread;
    pthread_barrier_t *line;
    uint64_t task;
};

static void *ask_at_once(void *arg)
{
    struct asker *a = arg;
    struct db *own = database_open();

    (void)pthread_barrier_wait(a->line);
    a->task = ask(own);
    db_free(own);
    return NULL;
}

START_TEST(many_who_ask_at_once_ask_once)
{
    struct asker askers[ASKERS];
    pthread_barrier_t line;

    (void)pthread_barrier_init(&line, NULL, ASKERS);
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i].line = &line;
        ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask_at_once, &askers[i]),
                         0);
    }
    for (size_t i = 0; i < ASKERS; i++)
        (void)pthread_join(askers[i].thread, NULL);
    (void)pthread_barrier_destroy(&line);
    for (size_t i = 1; i < ASKERS; i++)
        ck_assert_uint_eq(askers[i].task, askers[0].task);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM task"), 1);
}
END_TEST

DATABASE_MAIN(
    "store_accounts", setup, teardown, an_account_is_read_as_it_is, the_longest_names_fit,
    only_posts_that_wait_for_their_time_are_counted,
    an_account_of_another_workspace_is_not_there,
    a_list_comes_in_pages_of_ones_own_oldest_first, a_zone_is_chosen_told_and_taken_back,
    the_zone_it_has_already_changes_nothing,
    what_was_changed_meanwhile_is_not_overwritten,
    disconnecting_stops_exactly_what_is_not_past_its_grant, posts_of_other_accounts_go_on,
    disconnecting_is_told_and_the_grant_given_back, disconnecting_twice_is_harmless,
    what_an_earlier_disconnect_stopped_is_not_told_again,
    a_disconnected_tiktok_account_may_be_connected_elsewhere,
    an_event_by_an_api_client_says_so,
    a_publisher_that_holds_a_post_is_refused_from_then_on, a_blocked_post_is_not_claimed,
    a_claim_and_a_disconnect_at_once_leave_no_post_in_two_hands,
    what_creator_info_said_is_read_with_its_age, a_question_under_way_is_shared,
    every_account_has_a_question_of_its_own, many_who_ask_at_once_ask_once)
