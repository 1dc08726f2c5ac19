/* events: lines go in with their transaction, come back as they went, and the feed
 * passes none over. */
#include "core/xalloc.h"
#include "database.h"
#include "store/events.h"
#include "store/stmt.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>

static struct db *db, *other;
static struct err err;
static uint64_t ws;
static struct event_page page;
static struct event_feed feed;

static void setup(void)
{
    db = database_open();
    other = database_open();
    database_empty(db);
    ws = seed_workspace(db);
}

static void teardown(void)
{
    db_free(db);
    db_free(other);
}

static void add(const struct event *e)
{
    ck_assert_int_eq(event_add(db, e, &err), RC_OK);
}

static void add_for(uint64_t post)
{
    const struct event e = {
        .workspace_id = ws, .post_id = post, .kind = EVENT_CHANGED, .user_id = 1};

    add(&e);
}

static void timeline(uint64_t post, uint64_t after, size_t limit)
{
    const struct event_query q = {
        .workspace_id = ws, .post_id = post, .after = after, .limit = limit};

    ck_assert_int_eq(event_timeline(db, &q, &page, &err), RC_OK);
}

static void read_feed(uint64_t since)
{
    ck_assert_int_eq(event_feed(db, ws, since, &feed, &err), RC_OK);
}

START_TEST(a_line_comes_back_as_it_went)
{
    const struct event e = {.workspace_id = ws,
                            .post_id = 7,
                            .kind = EVENT_PUBLISHED,
                            .user_id = 3,
                            .by_token = true,
                            .fence = 9,
                            .inc = 11,
                            .attempt = 2,
                            .code = "PUBLISH_COMPLETE",
                            .log_id = "20261126-abc",
                            .when_ms = INT64_C(1795000000123),
                            .session = "v_pub_file~v2-1.7"};
    const struct event bare = {.workspace_id = ws, .post_id = 7, .kind = EVENT_CREATED};
    const struct event_line *l = page.lines;

    add(&e);
    add(&bare);
    timeline(7, 0, 10);
    ck_assert_uint_eq(page.n, 2);
    ck_assert(!page.more);
    ck_assert_int_eq(l[0].kind, EVENT_PUBLISHED);
    ck_assert_uint_eq(l[0].user_id, 3);
    ck_assert(l[0].by_token);
    ck_assert_uint_eq(l[0].fence, 9);
    ck_assert_uint_eq(l[0].inc, 11);
    ck_assert_uint_eq(l[0].attempt, 2);
    ck_assert_str_eq(l[0].code, "PUBLISH_COMPLETE");
    ck_assert_str_eq(l[0].log_id, "20261126-abc");
    ck_assert_int_eq(l[0].when_ms, INT64_C(1795000000123));
    ck_assert_str_eq(l[0].session, "v_pub_file~v2-1.7");
    ck_assert_str_eq(l[0].by, ""); /* nobody has the number 3 */
    ck_assert_int_gt(l[0].at_ms, INT64_C(1700000000000));
    ck_assert_int_eq(l[1].kind, EVENT_CREATED);
    ck_assert_uint_eq(l[1].user_id, 0);
    ck_assert_uint_eq(l[1].attempt, 0);
    ck_assert(!l[1].by_token);
    ck_assert_str_eq(l[1].code, "");
    ck_assert_str_eq(l[1].log_id, "");
    ck_assert_str_eq(l[1].session, "");
    ck_assert_int_eq(l[1].when_ms, 0);
    ck_assert_str_eq(
        database_text(db, "SELECT data FROM job_event WHERE kind = %d", EVENT_CREATED),
        "");
}
END_TEST

START_TEST(lines_go_when_they_are_older_than_any_schedule)
{
    int64_t n = -1;

    ck_assert_int_eq(event_purge(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 0);
    for (uint64_t post = 1; post <= 4; post++)
        add_for(post);
    database_run(db, "UPDATE job_event SET at = at - %" PRId64 " WHERE post_id <= 2",
                 EVENT_KEPT_MS + 1000);
    database_run(db, "UPDATE job_event SET at = at - %" PRId64 " WHERE post_id = 3",
                 EVENT_KEPT_MS - 60000);
    database_run(db,
                 "UPDATE job_event SET event_id = event_id + %d WHERE post_id > 1"
                 " ORDER BY event_id DESC",
                 EVENT_PURGE_MAX);
    ck_assert_int_eq(event_purge(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 1); /* some at a time */
    ck_assert_int_eq(event_purge(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(event_purge(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM job_event"
                                         " WHERE post_id IN (3, 4)"),
                     2);
}
END_TEST

START_TEST(a_line_names_who_did_it)
{
    uint64_t user = seed_user(db, ws);
    const struct event e = {
        .workspace_id = ws, .post_id = 7, .kind = EVENT_MOVED, .user_id = user};

    add(&e);
    database_run(db, "UPDATE user SET name = 'Ann \xc3\xb6', email = 'ann@example.com'");
    timeline(7, 0, 10);
    ck_assert_str_eq(page.lines[0].by, "Ann \xc3\xb6");
    database_run(db, "UPDATE user SET name = ''");
    timeline(7, 0, 10);
    ck_assert_str_eq(page.lines[0].by, "ann@example.com");
}
END_TEST

START_TEST(what_tiktok_says_never_breaks_a_line)
{
    char loud[400], control[200];
    const char *const texts[] = {
        "",      "\xff\xfe not UTF-8",     loud,
        control, "\"quotes\" and \\ back", "\xf0\x9f\x8e\xac film"};

    (void)memset(loud, 'x', sizeof(loud) - 1);
    loud[sizeof(loud) - 1] = '\0';
    (void)memset(control, '\x01', sizeof(control) - 1);
    control[sizeof(control) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
            const struct event e = {.workspace_id = ws,
                                    .post_id = 1,
                                    .kind = EVENT_STATUS,
                                    .attempt = 65535,
                                    .code = texts[i],
                                    .log_id = texts[k]};
            char data[EVENT_DATA_MAX + 1];

            event_data(&e, data);
            ck_assert_msg(data[0] == '\0' || data[strlen(data) - 1] == '}', "%s", data);
            add(&e);
        }
    }
    timeline(1, 0, EVENT_PAGE_MAX);
    ck_assert_uint_eq(page.n, ARRAY_LEN(texts) * ARRAY_LEN(texts));
    ck_assert_str_eq(page.lines[4].log_id, texts[4]);
}
END_TEST

START_TEST(data_that_we_did_not_write_is_passed_over)
{
    static const char *const datas[] = {"",
                                        "{",
                                        "[]",
                                        "null",
                                        "{\"code\":5}",
                                        "{\"attempt\":-1}",
                                        "{\"attempt\":99999999}",
                                        "{\"code\":\"a\",\"code\":\"b\"}"};

    for (size_t i = 0; i < ARRAY_LEN(datas); i++)
        database_run(db,
                     "INSERT INTO job_event (workspace_id, post_id, at, kind, data)"
                     " VALUES (%" PRIu64 ", 1, 0, 1, '%s')",
                     ws, datas[i]);
    timeline(1, 0, EVENT_PAGE_MAX);
    ck_assert_uint_eq(page.n, ARRAY_LEN(datas));
    for (size_t i = 0; i < page.n; i++) {
        ck_assert_uint_eq(page.lines[i].attempt, 0);
        ck_assert_str_eq(page.lines[i].code, "");
    }
}
END_TEST

START_TEST(a_timeline_is_read_in_pages_oldest_first)
{
    uint64_t last = 0;
    size_t seen = 0;

    for (int i = 0; i < 10; i++) {
        add_for(1);
        add_for(2);
    }
    do {
        timeline(1, last, 3);
        for (size_t i = 0; i < page.n; i++) {
            ck_assert_uint_gt(page.lines[i].id, last);
            last = page.lines[i].id;
        }
        seen += page.n;
        ck_assert(page.more == (seen < 10));
    } while (page.more);
    ck_assert_uint_eq(seen, 10);
}
END_TEST

START_TEST(a_post_of_another_workspace_has_no_timeline)
{
    add_for(1);
    ws++;
    timeline(1, 0, 10);
    ck_assert_uint_eq(page.n, 0);
}
END_TEST

static enum rc add_and_fail(struct db *d, void *ctx, struct err *e)
{
    enum rc rc = event_add(d, ctx, e);

    return rc == RC_OK ? err_set(e, RC_LIMITED, "no", "no") : rc;
}

START_TEST(a_line_of_a_transaction_that_failed_is_not_there)
{
    struct event e = {.workspace_id = ws, .post_id = 1, .kind = EVENT_CHANGED};

    ck_assert_int_eq(db_transaction(db, add_and_fail, &e, &err), RC_LIMITED);
    timeline(1, 0, 10);
    ck_assert_uint_eq(page.n, 0);
}
END_TEST

/* --- the feed ------------------------------------------------------------------ */

START_TEST(the_feed_begins_now_and_names_each_subject_once)
{
    const struct event account = {
        .workspace_id = ws, .account_id = 5, .kind = EVENT_ACCOUNT_CHANGED};
    const struct event file = {
        .workspace_id = ws, .media_id = 5, .kind = EVENT_MEDIA_READY};
    const struct event foreign = {
        .workspace_id = ws + 1, .post_id = 9, .kind = EVENT_CHANGED};
    uint64_t start, seq = 1;

    read_feed(0);
    ck_assert_uint_eq(feed.seq, 0);
    add_for(1);
    read_feed(0);
    start = feed.seq;
    ck_assert_uint_gt(start, 0);
    ck_assert_uint_eq(feed.n, 0);
    ck_assert(!feed.reset);
    read_feed(start);
    ck_assert_uint_eq(feed.seq, start);
    ck_assert_uint_eq(feed.n, 0);
    add_for(5);
    add(&account);
    add_for(2);
    add(&file);
    add(&foreign);
    add_for(5);
    read_feed(start);
    ck_assert(!feed.reset);
    ck_assert_uint_eq(feed.n, 4);
    ck_assert_int_eq(feed.changes[0].subject, EVENT_OF_ACCOUNT);
    ck_assert_uint_eq(feed.changes[1].id, 2);
    ck_assert_int_eq(feed.changes[2].subject, EVENT_OF_MEDIA);
    ck_assert_int_eq(feed.changes[3].subject, EVENT_OF_POST);
    ck_assert_uint_eq(feed.changes[3].id, 5);
    ck_assert_int_eq(event_seq(db, ws, &seq, &err), RC_OK);
    ck_assert_uint_eq(seq, feed.seq);
    read_feed(feed.seq);
    ck_assert_uint_eq(feed.n, 0);
}
END_TEST

static void many(int n)
{
    database_run(db,
                 "INSERT INTO job_event (workspace_id, post_id, at, kind) SELECT %" PRIu64
                 ", seq, 0, 2 FROM seq_1_to_%d",
                 ws, n);
}

START_TEST(whoever_is_too_far_behind_loads_everything_again)
{
    uint64_t start;

    add_for(1);
    read_feed(0);
    start = feed.seq;
    many(EVENT_FEED_MAX);
    read_feed(start);
    ck_assert(!feed.reset);
    ck_assert_uint_eq(feed.n, EVENT_FEED_MAX);
    add_for(1);
    read_feed(start);
    ck_assert(feed.reset);
    ck_assert_uint_eq(feed.n, 0);
    start = feed.seq;
    read_feed(start);
    ck_assert(!feed.reset);
    ck_assert_uint_eq(feed.seq, start);
}
END_TEST

START_TEST(a_number_from_the_future_of_a_restored_database_resets_too)
{
    add_for(1);
    read_feed(0);
    read_feed(feed.seq + 1000);
    ck_assert(feed.reset);
    read_feed(feed.seq);
    ck_assert(!feed.reset);
}
END_TEST

/* A line gets its number before its transaction commits. One with a higher number may be
 * there first; the feed must not go past the lower one. */
struct late {
    struct db *db;
    uint64_t id;
    pthread_barrier_t *written, *go;
};

static enum rc write_late(struct db *d, void *ctx, struct err *e)
{
    struct late *late = ctx;
    const struct event event = {
        .workspace_id = ws, .post_id = 100, .kind = EVENT_CHANGED};
    enum rc rc = event_add(d, &event, e);

    late->id = db_insert_id(d);
    (void)pthread_barrier_wait(late->written);
    (void)pthread_barrier_wait(late->go);
    return rc == RC_OK ? db_exec(d, "DO SLEEP(0.2)", SQL_NONE, NULL, e) : rc;
}

static void *late_writer(void *arg)
{
    struct late *late = arg;
    struct err e;

    ck_assert_int_eq(db_transaction(late->db, write_late, late, &e), RC_OK);
    return NULL;
}

static void feed_waits(bool from_start)
{
    pthread_barrier_t written, go;
    pthread_t thread;
    struct late late = {.db = other, .written = &written, .go = &go};
    uint64_t start;

    add_for(1);
    read_feed(0);
    start = feed.seq;
    ck_assert_int_eq(pthread_barrier_init(&written, NULL, 2), 0);
    ck_assert_int_eq(pthread_barrier_init(&go, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, late_writer, &late), 0);
    (void)pthread_barrier_wait(&written);
    add_for(2); /* a higher number, committed first */
    (void)pthread_barrier_wait(&go);
    if (from_start) {
        read_feed(0);
        ck_assert_uint_gt(feed.seq, late.id);
        timeline(100, 0, 10); /* what it counts as seen is there to be loaded */
        ck_assert_uint_eq(page.n, 1);
    } else {
        read_feed(start);
        ck_assert_uint_eq(feed.n, 2);
        ck_assert_uint_eq(feed.changes[0].id, 100);
        ck_assert_uint_eq(feed.changes[1].id, 2);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    (void)pthread_barrier_destroy(&written);
    (void)pthread_barrier_destroy(&go);
}

START_TEST(the_feed_waits_for_a_line_that_is_being_written)
{
    feed_waits(false);
}
END_TEST

START_TEST(the_feed_begins_behind_no_line_that_is_being_written)
{
    feed_waits(true);
}
END_TEST

/* --- words --------------------------------------------------------------------- */

START_TEST(every_kind_has_a_name_a_sentence_and_an_actor)
{
    static const int kinds[] = {EVENT_CREATED,
                                EVENT_CHANGED,
                                EVENT_SCHEDULED,
                                EVENT_MOVED,
                                EVENT_CANCELED,
                                EVENT_HIDDEN,
                                EVENT_PUBLISH_NOW,
                                EVENT_RETRIED,
                                EVENT_RESOLVED,
                                EVENT_CLAIMED,
                                EVENT_INTENT,
                                EVENT_SESSION_OPENED,
                                EVENT_CHUNKS_SENT,
                                EVENT_GRANTED,
                                EVENT_LAST_CHUNK_SENT,
                                EVENT_STATUS,
                                EVENT_PUBLISHED,
                                EVENT_ATTEMPT_DEAD,
                                EVENT_LATER,
                                EVENT_FAILED,
                                EVENT_BLOCKED,
                                EVENT_REVIEW,
                                EVENT_RELEASED,
                                EVENT_HANDED_OVER,
                                EVENT_UNBLOCKED,
                                EVENT_CRASHED,
                                EVENT_ACCOUNT_CONNECTED,
                                EVENT_ACCOUNT_RECONNECTED,
                                EVENT_ACCOUNT_RECONNECT_NEEDED,
                                EVENT_ACCOUNT_DISCONNECTED,
                                EVENT_ACCOUNT_CHANGED,
                                EVENT_MEDIA_ADDED,
                                EVENT_MEDIA_READY,
                                EVENT_MEDIA_REJECTED,
                                EVENT_MEDIA_CHANGED,
                                EVENT_MEDIA_DELETED};
    static const char actors[] = " person api_client publisher media tiktok system ";

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *name = event_kind_name(kinds[i]);
        struct event_line line = {.kind = kinds[i]};
        char actor[32];

        ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        ck_assert_str_ne(name, "other");
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(name, event_kind_name(kinds[k]));
        ck_assert_int_eq(event_text(kinds[i])[strlen(event_text(kinds[i])) - 1], '.');
        (void)snprintf(actor, sizeof(actor), " %s ", event_actor(&line));
        ck_assert_ptr_nonnull(strstr(actors, actor));
        line.user_id = 1;
        ck_assert_str_eq(event_actor(&line), "person");
        line.by_token = true;
        ck_assert_str_eq(event_actor(&line), "api_client");
    }
    ck_assert_str_eq(event_kind_name(9999), "other");
    ck_assert_str_ne(event_text(9999), "");
}
END_TEST

DATABASE_MAIN("store_events", setup, teardown, a_line_comes_back_as_it_went,
              a_line_names_who_did_it, lines_go_when_they_are_older_than_any_schedule,
              what_tiktok_says_never_breaks_a_line,
              data_that_we_did_not_write_is_passed_over,
              a_timeline_is_read_in_pages_oldest_first,
              a_post_of_another_workspace_has_no_timeline,
              a_line_of_a_transaction_that_failed_is_not_there,
              the_feed_begins_now_and_names_each_subject_once,
              whoever_is_too_far_behind_loads_everything_again,
              a_number_from_the_future_of_a_restored_database_resets_too,
              the_feed_waits_for_a_line_that_is_being_written,
              the_feed_begins_behind_no_line_that_is_being_written,
              every_kind_has_a_name_a_sentence_and_an_actor)
