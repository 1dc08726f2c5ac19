/* jobs_lead: slow uploads begin earlier, and nothing else moves. */
#include "database.h"
#include "store/jobs.h"
#include "store/stmt.h"

#include <inttypes.h>

enum { RATE = 500000, HOUR_MS = 3600000 };

static struct db *db;
static struct err err;
static struct seed seed;
static struct job_hint hints[JOB_LEAD_MAX];
static size_t len;

static void setup(void)
{
    db = database_seeded(&seed);
    database_run(db, "UPDATE media SET bytes = 50000000"); /* 180 s at that rate */
}

static void teardown(void)
{
    db_free(db);
}

/* As it was scheduled: 45 s before its time. */
static uint64_t post_due(int64_t due_in_ms)
{
    uint64_t post = seed_post(db, &seed, JOB_SCHEDULED, due_in_ms);

    database_run(db, "UPDATE job SET next_at = due_at - 45000 WHERE post_id = %" PRIu64,
                 post);
    return post;
}

static size_t forward(int64_t rate)
{
    ck_assert_int_eq(job_bring_forward(db, rate, hints, &len, &err), RC_OK);
    return len;
}

/* How long before its time the work begins, in s. */
static int64_t lead_of(uint64_t post)
{
    return database_number(
        db, "SELECT (due_at - next_at) DIV 1000 FROM job WHERE post_id = %" PRIu64, post);
}

START_TEST(what_would_begin_too_late_begins_earlier_and_is_told_of_once)
{
    uint64_t post = post_due(600000);

    ck_assert_uint_eq(forward(5000000), 0);
    ck_assert_uint_eq(forward(RATE), 1);
    ck_assert_uint_eq(hints[0].post_id, post);
    ck_assert_uint_eq(hints[0].account_id, seed.account);
    ck_assert_int_eq(lead_of(post), 180);
    ck_assert_int_eq(
        database_number(db, "SELECT next_at = %" PRId64 " FROM job", hints[0].next_at_ms),
        1);
    ck_assert_uint_eq(forward(RATE), 0);
    ck_assert_uint_eq(forward(5000000), 0); /* never later */
    ck_assert_int_eq(lead_of(post), 180);
    ck_assert_uint_eq(forward(250000), 1);
    ck_assert_int_eq(lead_of(post), 330);
}
END_TEST

START_TEST(what_should_have_begun_already_begins_now)
{
    uint64_t post = post_due(100000);

    ck_assert_uint_eq(forward(RATE), 1);
    ck_assert_int_ge(lead_of(post), 80);
    ck_assert_int_le(lead_of(post), 100);
}
END_TEST

START_TEST(what_is_far_away_waits_for_its_turn)
{
    uint64_t post = post_due(2 * HOUR_MS);

    ck_assert_uint_eq(forward(RATE), 0);
    ck_assert_int_eq(lead_of(post), 45);
}
END_TEST

START_TEST(only_videos_that_wait_for_their_time_for_the_first_time_move)
{
    static const char *const others[] = {
        "UPDATE post SET kind = 2",
        "UPDATE job SET fails = 1",
        "UPDATE job SET last_reason = 'daily_post_limit'",
        "UPDATE job SET next_at = due_at + 60000", /* put off */
        "UPDATE job SET state = 2",
        "UPDATE job SET state = 8",
        "UPDATE media SET bytes = 1000",
    };

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        database_run(db, "DELETE FROM job");
        database_run(db, "UPDATE media SET bytes = 50000000");
        (void)post_due(600000);
        database_run(db, "%s", others[i]);
        ck_assert_msg(forward(RATE) == 0, "%s", others[i]);
    }
    database_run(db, "DELETE FROM job");
    database_run(db, "UPDATE media SET bytes = 50000000");
    (void)post_due(600000);
    ck_assert_uint_eq(forward(RATE), 1);
}
END_TEST

START_TEST(of_many_the_soonest_move_first)
{
    for (int i = 0; i < JOB_LEAD_MAX + 3; i++)
        (void)post_due(600000 + i * 1000);
    ck_assert_uint_eq(forward(RATE), JOB_LEAD_MAX);
    ck_assert_uint_eq(forward(RATE), 3);
    ck_assert_uint_eq(forward(RATE), 0);
}
END_TEST

DATABASE_MAIN("store_jobs_lead", setup, teardown,
              what_would_begin_too_late_begins_earlier_and_is_told_of_once,
              what_should_have_begun_already_begins_now,
              what_is_far_away_waits_for_its_turn,
              only_videos_that_wait_for_their_time_for_the_first_time_move,
              of_many_the_soonest_move_first)
