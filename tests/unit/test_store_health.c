/* health, inspect: what is late, and what an operator gets to see. */
#include "core/parse.h"
#include "database.h"
#include "store/events.h"
#include "store/health.h"
#include "store/inspect.h"
#include "store/jobs.h"
#include "store/publishers.h"
#include "store/stmt.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>

static struct db *db;
static struct seed seed;
static struct err err;

static void setup(void)
{
    db = database_seeded(&seed);
}

static void teardown(void)
{
    db_free(db);
}

static uint64_t post(int state, int64_t due_in_ms)
{
    return seed_post(db, &seed, state, due_in_ms);
}

/* The number of the newest file of schema/. */
static int64_t newest_file(void)
{
    DIR *dir = opendir("schema");
    const struct dirent *entry;
    int64_t newest = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        int64_t n;

        if (strlen(entry->d_name) > 4 && parse_i64_slice(entry->d_name, 4, 1, 9999, &n) &&
            n > newest)
            newest = n;
    }
    (void)closedir(dir);
    return newest;
}

START_TEST(these_programs_need_the_newest_schema)
{
    int64_t version = 0;

    ck_assert_int_eq(newest_file(), HEALTH_SCHEMA);
    ck_assert_int_eq(health_schema(db, &version, &err), RC_OK);
    ck_assert_int_eq(version, HEALTH_SCHEMA);
}
END_TEST

START_TEST(only_what_nobody_took_up_at_its_time_is_late)
{
    struct health_late late;

    (void)post(1, 3600000);
    (void)post(1, -1000);
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 0);
    ck_assert_int_eq(late.oldest_ms, 0);
    (void)post(1, -HEALTH_LATE_MS - 5000);
    (void)post(2, -HEALTH_LATE_MS - 90000); /* claimed by one that is stuck */
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 2);
    ck_assert_int_ge(late.now_ms - late.oldest_ms, HEALTH_LATE_MS + 90000);
    ck_assert_int_le(late.now_ms - late.oldest_ms, HEALTH_LATE_MS + 150000);
}
END_TEST

/* Thousands that are due at one instant wait for their turn to be prepared. */
START_TEST(what_is_not_due_yet_is_not_late_though_it_could_be_prepared)
{
    struct health_late late;
    uint64_t id = post(1, 20000);

    database_run(db, "UPDATE job SET next_at = " SQL_NOW " - 10000");
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 0);
    database_run(db,
                 "UPDATE job SET due_at = " SQL_NOW
                 " - %d - 1000, next_at = due_at - 30000"
                 " WHERE post_id = %" PRIu64,
                 HEALTH_LATE_MS, id);
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 1);
    ck_assert_int_lt(late.now_ms - late.oldest_ms, HEALTH_LATE_MS + 20000);
}
END_TEST

/* An account whose sessions were opened so long ago, n of them. */
static void served(int n, int64_t ago_ms)
{
    for (int i = 0; i < n; i++) {
        uint64_t id = post(4, -ago_ms);

        database_run(db,
                     "UPDATE job SET attempt_no = 1, next_at = %lld"
                     " WHERE post_id = %" PRIu64,
                     (long long)INT64_MAX, id);
        database_run(db,
                     "INSERT INTO attempt (post_id, attempt_no, workspace_id, state,"
                     " method, fence, created_at, updated_at) VALUES (%" PRIu64
                     ", 1, %" PRIu64 ", 5, 1, 1, " SQL_NOW " - %" PRId64 ", 1)",
                     id, seed.workspace, ago_ms);
    }
}

START_TEST(posts_that_wait_for_a_rate_window_are_not_late)
{
    struct health_late late;

    for (int i = 0; i < 3; i++)
        (void)post(1, -30000);
    served(5, 20000);
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 0);
    database_run(db, "UPDATE attempt SET created_at = created_at - 60000");
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 3); /* the window is long open */
}
END_TEST

START_TEST(a_video_that_tiktok_fetches_uses_up_two_calls_of_the_window)
{
    struct health_late late;

    (void)post(1, -30000);
    served(3, 20000);
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 1);
    database_run(db, "UPDATE attempt SET method = 2");
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 0);
    database_run(db, "UPDATE post SET kind = 2"); /* photos cost one */
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 1);
}
END_TEST

START_TEST(a_publisher_that_has_missed_a_heartbeat_is_not_alive)
{
    const struct publisher_word word = {.paused_ms = 5000,
                                        .pause_reason = "tiktok_unavailable",
                                        .counters = "claims 7\n"};
    struct health_publishers p;
    uint64_t a = 0, b = 0;
    int64_t now;

    ck_assert_int_eq(publisher_register(db, "h", 1, &a, &now, &err), RC_OK);
    ck_assert_int_eq(publisher_register(db, "h", 2, &b, &now, &err), RC_OK);
    ck_assert_int_eq(health_publishers(db, &p, &err), RC_OK);
    ck_assert(p.alive == 2 && p.paused == 0 && p.pause_reason[0] == '\0');
    ck_assert_int_eq(publisher_say(db, b, &word, &err), RC_OK);
    ck_assert_int_eq(health_publishers(db, &p, &err), RC_OK);
    ck_assert(p.alive == 2 && p.paused == 1);
    ck_assert_str_eq(p.pause_reason, "tiktok_unavailable");
    database_run(db, "UPDATE publisher SET lease_until = lease_until - %d",
                 HEALTH_BEAT_MS - 2000);
    ck_assert_int_eq(health_publishers(db, &p, &err), RC_OK);
    ck_assert_int_eq(p.alive, 2);
    database_run(db, "UPDATE publisher SET lease_until = lease_until - 2500");
    ck_assert_int_eq(health_publishers(db, &p, &err), RC_OK);
    ck_assert_int_eq(p.alive, 0); /* though their leases still run */
    ck_assert_int_gt(
        database_number(db, "SELECT MIN(lease_until) - " SQL_NOW " FROM publisher"), 0);
}
END_TEST

START_TEST(what_is_due_is_counted)
{
    enum { HOUR = 3600000 };
    enum health_sync sync;
    int64_t n = -1;

    ck_assert_int_eq(health_due(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 0);
    (void)post(JOB_SCHEDULED, -10);
    (void)post(JOB_COMMITTED, -10);
    (void)post(JOB_SCHEDULED, HOUR);
    (void)post(JOB_RUNNING, HOUR);
    ck_assert_int_eq(health_due(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(health_semi_sync(db, &sync, &err), RC_OK);
    ck_assert_int_eq(sync, HEALTH_SYNC_NONE);
}
END_TEST

START_TEST(people_are_alarmed_once_an_hour_in_each_workspace)
{
    int64_t n = -1;
    uint64_t late_post;

    ck_assert_int_eq(health_alarm(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 0);
    late_post = post(1, -HEALTH_LATE_MS - 1000);
    (void)post(1, -HEALTH_LATE_MS - 1000);
    ck_assert_int_eq(health_alarm(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(health_alarm(db, &n, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM notification"), 1);
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM job_event WHERE kind = %d"
                                     " AND post_id = %" PRIu64,
                                     EVENT_OVERDUE, late_post),
                     1);
}
END_TEST

START_TEST(states_have_the_schemas_words)
{
    ck_assert_str_eq(inspect_job_state(0), "DRAFT");
    ck_assert_str_eq(inspect_job_state(JOB_BLOCKED), "BLOCKED");
    ck_assert_str_eq(inspect_job_state(JOB_COMMITTED), "COMMITTED");
    ck_assert_str_eq(inspect_job_state(9), "?");
    ck_assert_str_eq(inspect_job_state(-1), "?");
    ck_assert_str_eq(inspect_attempt_state(ATTEMPT_DEAD), "DEAD");
    ck_assert_str_eq(inspect_attempt_state(ATTEMPT_INTENT), "INTENT");
    ck_assert_str_eq(inspect_attempt_state(0), "?");
}
END_TEST

START_TEST(a_post_is_shown_with_where_it_belongs)
{
    struct inspect_post p;
    uint64_t id = post(5, -1000);

    database_run(db,
                 "UPDATE job SET last_reason = 'spam_risk', fails = 3, crashes = 1"
                 " WHERE post_id = %" PRIu64,
                 id);
    database_run(db, "UPDATE account SET username = 'ann'");
    ck_assert_int_eq(inspect_post(db, id, &p, &err), RC_OK);
    ck_assert_uint_eq(p.workspace_id, seed.workspace);
    ck_assert_uint_eq(p.account_id, seed.account);
    ck_assert_str_eq(p.account, "@ann");
    ck_assert_int_eq(p.state, JOB_FAILED);
    ck_assert_str_eq(p.reason, "spam_risk");
    ck_assert(p.fails == 3 && p.crashes == 1 && p.published_ms == 0);
    ck_assert_int_eq(inspect_post(db, id + 1000, &p, &err), RC_NOT_FOUND);
}
END_TEST

DATABASE_MAIN("store_health", setup, teardown, these_programs_need_the_newest_schema,
              only_what_nobody_took_up_at_its_time_is_late,
              what_is_not_due_yet_is_not_late_though_it_could_be_prepared,
              posts_that_wait_for_a_rate_window_are_not_late,
              a_video_that_tiktok_fetches_uses_up_two_calls_of_the_window,
              a_publisher_that_has_missed_a_heartbeat_is_not_alive,
              what_is_due_is_counted, people_are_alarmed_once_an_hour_in_each_workspace,
              states_have_the_schemas_words, a_post_is_shown_with_where_it_belongs)
