/* store/jobs_ration: TikTok's window of INIT calls as the ledger keeps it, on a real
 * MariaDB. */
#include "database.h"
#include "store/jobs.h"
#include "store/stmt.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { INC = 77, OTHER_INC = 78, WINDOW_MS = 61000, LIMIT = 6, DEAD_MS = -1000 };

static struct db *db;
static struct err err;
static struct seed seed;

static void setup(void)
{
    db = database_seeded(&seed);
    seed_publisher(db, INC);
    seed_publisher(db, OTHER_INC);
}

static void teardown(void)
{
    db_free(db);
}

/* n posts of the account that are due. */
static void make_due(uint64_t account, uint64_t *out, size_t n)
{
    struct seed of = seed;

    of.account = account;
    for (size_t i = 0; i < n; i++)
        out[i] = seed_post(db, &of, JOB_SCHEDULED, DEAD_MS);
}

struct claims {
    struct job_claimed out[64];
    size_t len;
};

/* Without Redis; account: of all of them. */
static enum rc claim_on(struct db *on, uint64_t inc, uint64_t account,
                        const uint64_t *posts, size_t n, struct claims *got)
{
    uint64_t accounts[64];
    const struct job_ration ration = {accounts, WINDOW_MS, LIMIT};
    struct job_claim c = {
        .inc = inc, .post_ids = posts, .n = n, .ration = &ration, .out = got->out};
    struct err e;
    enum rc rc;

    for (size_t i = 0; i < n; i++)
        accounts[i] = account;
    rc = job_claim(on, &c, &e);
    got->len = c.len;
    return rc;
}

static size_t claim(const uint64_t *posts, size_t n)
{
    struct claims got;

    ck_assert_int_eq(claim_on(db, INC, seed.account, posts, n, &got), RC_OK);
    return got.len;
}

/* The post's session stands so, its call was made then; held: by a publisher. */
static uint64_t called(int attempt, int64_t age_ms, bool held)
{
    uint64_t post = seed_post(
        db, &seed, attempt == ATTEMPT_PUBLISHED ? JOB_PUBLISHED : JOB_RUNNING, -1000);

    database_run(db,
                 "UPDATE job SET attempt_no = 1, owner = %d, fence = 5, updated_at = "
                 "" SQL_NOW " - %" PRId64 ", next_at = " SQL_NOW
                 " + 60000 WHERE post_id = %" PRIu64,
                 held ? INC : 0, age_ms, post);
    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, created_at, updated_at) VALUES (%" PRIu64 ", 1, %" PRIu64
                 ", %d, 1, 5, " SQL_NOW " - %" PRId64 ", " SQL_NOW " - %" PRId64 ")",
                 post, seed.workspace, attempt, age_ms, age_ms);
    return post;
}

/* One that a publisher has taken and that has no session. */
static uint64_t taken(void)
{
    uint64_t post = seed_post(db, &seed, JOB_RUNNING, -1000);

    database_run(db,
                 "UPDATE job SET owner = %d, next_at = " SQL_NOW
                 " + 60000 WHERE post_id = %" PRIu64,
                 INC, post);
    return post;
}

static enum rc pass(uint64_t post, int64_t *wait_ms)
{
    const struct job_ref ref = {
        .post_id = post, .workspace_id = seed.workspace, .fence = 5, .inc = INC};
    const struct job_call call = {&ref, seed.account, 1, WINDOW_MS, LIMIT};

    return job_init_pass(db, &call, wait_ms, &err);
}

static int64_t wait_of(uint64_t post)
{
    int64_t wait_ms = -1;

    ck_assert_int_eq(pass(post, &wait_ms), RC_OK);
    return wait_ms;
}

/* --- claims ---------------------------------------------------------------------- */

START_TEST(an_account_gets_as_many_posts_as_its_window_has_room_for)
{
    uint64_t posts[LIMIT + 3];
    uint64_t another = seed_account(db, seed.workspace, seed.user);
    uint64_t others[2];
    struct claims got;

    make_due(seed.account, posts, LIMIT + 3);
    make_due(another, others, 2);
    ck_assert_uint_eq(claim(posts, LIMIT + 3), LIMIT);
    ck_assert_uint_eq(claim(posts, LIMIT + 3), 0); /* they may be called for any moment */
    ck_assert_int_eq(claim_on(db, OTHER_INC, seed.account, posts, LIMIT + 3, &got),
                     RC_OK);
    ck_assert_uint_eq(got.len, 0);
    ck_assert_int_eq(claim_on(db, OTHER_INC, another, others, 2, &got), RC_OK);
    ck_assert_uint_eq(got.len, 2);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM job WHERE state = 1"), 3);
}
END_TEST

/* Redis was there a moment ago: whatever it let through counts, and by the time at which
 * the call was made, not the claim. */
START_TEST(what_redis_has_let_through_counts)
{
    uint64_t posts[LIMIT];
    uint64_t slow;

    (void)called(ATTEMPT_READY, 20000, true);
    (void)called(ATTEMPT_PUBLISHED, 30000, false);
    (void)called(ATTEMPT_DEAD, 40000, false);
    (void)called(ATTEMPT_INTENT, 59000, true); /* it may be made only now */
    (void)taken();
    slow = called(ATTEMPT_PUBLISHED, 4 * WINDOW_MS, false);
    database_run(db,
                 "UPDATE attempt SET created_at = " SQL_NOW " - 70000, updated_at = "
                 "" SQL_NOW " - 1000, init_date = " SQL_NOW
                 " - 50000 WHERE post_id = %" PRIu64,
                 slow);
    make_due(seed.account, posts, LIMIT);
    ck_assert_uint_eq(claim(posts, LIMIT), 0);
    database_run(db, "UPDATE attempt SET init_date = init_date - 13000"
                     " WHERE init_date IS NOT NULL");
    ck_assert_uint_eq(claim(posts, LIMIT), 1);
    database_run(db,
                 "UPDATE attempt SET updated_at = updated_at - %d,"
                 " created_at = created_at - %d WHERE state IN (5, 6)",
                 WINDOW_MS, WINDOW_MS);
    ck_assert_uint_eq(claim(posts, LIMIT), 2);
    ck_assert_uint_eq(claim(posts, LIMIT), 0);
}
END_TEST

/* TikTok failed for everybody: what waits with its intent written is as old as may be. */
START_TEST(a_call_that_has_waited_for_hours_still_is_to_come)
{
    uint64_t posts[1];

    for (int i = 0; i < LIMIT - 1; i++)
        (void)called(ATTEMPT_INTENT, 7200000, true);
    (void)taken();
    make_due(seed.account, posts, 1);
    ck_assert_uint_eq(claim(posts, 1), 0);
    database_run(db,
                 "UPDATE attempt SET state = %d, updated_at = " SQL_NOW
                 " - 2000, init_date = " SQL_NOW " - 2000",
                 ATTEMPT_READY);
    ck_assert_uint_eq(claim(posts, 1), 0); /* and now it was made */
    database_run(db, "UPDATE attempt SET updated_at = " SQL_NOW
                     " - 70000, init_date = " SQL_NOW " - 70000 LIMIT 1");
    ck_assert_uint_eq(claim(posts, 1), 1);
}
END_TEST

START_TEST(who_goes_on_with_a_session_needs_no_call)
{
    uint64_t posts[3];

    for (int i = 0; i < LIMIT; i++)
        (void)called(ATTEMPT_READY, 1000, true);
    posts[0] = called(ATTEMPT_READY, 1000, false);
    posts[1] = called(ATTEMPT_GRANTED, 1000, false);
    posts[2] = called(ATTEMPT_DEAD, 1000, false);
    database_run(db,
                 "UPDATE job SET next_at = 0, state = IF(post_id = %" PRIu64
                 ", 3, 1) WHERE owner = 0",
                 posts[1]);
    ck_assert_uint_eq(claim(posts, 3), 2);
    ck_assert_int_eq(
        database_number(db, "SELECT state FROM job WHERE post_id = %" PRIu64, posts[2]),
        JOB_SCHEDULED);
}
END_TEST

/* What a dead publisher held is taken over: it needs the call that counts for it. */
START_TEST(what_is_taken_over_does_not_count_twice)
{
    uint64_t posts[LIMIT];

    for (int i = 0; i < LIMIT; i++)
        posts[i] = taken();
    database_run(db, "UPDATE job SET next_at = 0");
    ck_assert_uint_eq(claim(posts, LIMIT), LIMIT);
}
END_TEST

enum { CLAIMERS = 4, EACH = 5 };

struct claimer {
    pthread_barrier_t *start;
    struct db *db;
    uint64_t inc;
    uint64_t posts[EACH];
    struct claims got;
    enum rc rc;
};

static void *claim_own(void *arg)
{
    struct claimer *c = arg;

    (void)pthread_barrier_wait(c->start);
    c->rc = claim_on(c->db, c->inc, seed.account, c->posts, EACH, &c->got);
    return NULL;
}

START_TEST(publishers_that_claim_at_the_same_moment_share_one_window)
{
    static struct claimer claimers[CLAIMERS];

    for (int i = 0; i < CLAIMERS; i++)
        claimers[i].db = database_open();
    for (int round = 0; round < 10; round++) {
        pthread_barrier_t start;
        pthread_t threads[CLAIMERS];
        size_t sum = 0;

        database_run(db, "DELETE FROM job");
        ck_assert_int_eq(pthread_barrier_init(&start, NULL, CLAIMERS), 0);
        for (int i = 0; i < CLAIMERS; i++) {
            claimers[i].start = &start;
            claimers[i].inc = i % 2 == 0 ? INC : OTHER_INC;
            make_due(seed.account, claimers[i].posts, EACH);
        }
        for (int i = 0; i < CLAIMERS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, claim_own, &claimers[i]),
                             0);
        for (int i = 0; i < CLAIMERS; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
            ck_assert_int_eq(claimers[i].rc, RC_OK);
            sum += claimers[i].got.len;
        }
        (void)pthread_barrier_destroy(&start);
        ck_assert_uint_eq(sum, LIMIT);
    }
    for (int i = 0; i < CLAIMERS; i++)
        db_free(claimers[i].db);
}
END_TEST

/* --- one call more --------------------------------------------------------------- */

START_TEST(a_call_waits_for_its_window)
{
    uint64_t post;

    for (int i = 0; i < LIMIT - 1; i++)
        (void)called(ATTEMPT_READY, 20000 - i * 1000, true);
    post = called(ATTEMPT_INTENT, 10, true);
    ck_assert_int_eq(wait_of(post), 0);
    ck_assert_int_eq(wait_of(post), 0); /* it is one call however often it asks */
    (void)called(ATTEMPT_READY, 500, true);
    ck_assert_int_gt(wait_of(post), 0);
    database_run(db,
                 "UPDATE attempt SET updated_at = updated_at - %d"
                 " WHERE state = %d ORDER BY updated_at LIMIT 1",
                 WINDOW_MS - 20000, ATTEMPT_READY);
    ck_assert_int_eq(wait_of(post), 0);
}
END_TEST

START_TEST(of_calls_that_wait_for_each_other_the_first_goes)
{
    uint64_t posts[LIMIT + 2];

    for (size_t i = 0; i < LIMIT + 2; i++)
        posts[i] = called(ATTEMPT_INTENT, 3000 - (int64_t)i * 10, true);
    for (size_t i = 0; i < LIMIT + 2; i++) {
        if (i < LIMIT)
            ck_assert_int_eq(wait_of(posts[i]), 0);
        else
            ck_assert_int_gt(wait_of(posts[i]), 0);
    }
    /* Written at the same moment, as a batch is. */
    database_run(db, "UPDATE attempt SET created_at = " SQL_NOW " - 2000");
    for (size_t i = 0; i < LIMIT + 2; i++)
        ck_assert_int_eq(wait_of(posts[i]) == 0, i < LIMIT);
}
END_TEST

START_TEST(posts_that_were_taken_go_before_and_the_others_of_ones_own_do_not_count_twice)
{
    uint64_t post = called(ATTEMPT_INTENT, 10, true);

    for (int i = 0; i < LIMIT - 1; i++)
        (void)taken();
    ck_assert_int_eq(wait_of(post), 0);
    (void)taken();
    ck_assert_int_gt(wait_of(post), 0);
    ck_assert_int_eq(pass(post + 1000, &(int64_t){0}), RC_CONFLICT);
}
END_TEST

/* --- for a Redis that has forgotten ------------------------------------------------ */

START_TEST(the_ledger_tells_calls_that_were_made_and_those_that_may_come)
{
    static struct job_inits calls;

    (void)called(ATTEMPT_READY, 20000, true);
    (void)called(ATTEMPT_DEAD, 10000, false);
    (void)called(ATTEMPT_READY, 62000, true);
    (void)called(ATTEMPT_INTENT, 30000, true);
    (void)called(ATTEMPT_INTENT, 5000, false);
    (void)taken();
    ck_assert_int_eq(job_recent_inits(db, WINDOW_MS, &calls, &err), RC_OK);
    ck_assert_uint_eq(calls.len, 5);
    for (size_t i = 0; i < calls.len; i++) {
        static const int64_t ages[] = {0, 0, 5000, 10000, 20000};

        ck_assert_uint_eq(calls.calls[i].account_id, seed.account);
        ck_assert(calls.calls[i].to_come == (i < 2));
        ck_assert_int_ge(calls.calls[i].age_ms, ages[i]);
        ck_assert_int_lt(calls.calls[i].age_ms, ages[i] + 30000);
    }
}
END_TEST

DATABASE_MAIN(
    "store_ration", setup, teardown,
    an_account_gets_as_many_posts_as_its_window_has_room_for,
    what_redis_has_let_through_counts, a_call_that_has_waited_for_hours_still_is_to_come,
    who_goes_on_with_a_session_needs_no_call, what_is_taken_over_does_not_count_twice,
    publishers_that_claim_at_the_same_moment_share_one_window,
    a_call_waits_for_its_window, of_calls_that_wait_for_each_other_the_first_goes,
    posts_that_were_taken_go_before_and_the_others_of_ones_own_do_not_count_twice,
    the_ledger_tells_calls_that_were_made_and_those_that_may_come)
