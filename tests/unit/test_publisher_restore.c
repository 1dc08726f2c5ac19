/* restore: what a Redis that has lost its memory is told, from a real database. */
#include "publisher/upkeep/restore.h"

#include "database.h"
#include "queue/queue.h"
#include "queue/redis.h"
#include "store/jobs.h"
#include "store/stmt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct pool_kit kit;
static struct err err;
static struct seed seed;

static void forget_all(void)
{
    const struct redis_arg args[] = {redis_str("FLUSHDB")};
    struct redis_reply *reply = NULL;

    ck_assert_int_eq(redis_command(kit.redis, args, 1, 1000, &reply, &err), RC_OK);
    redis_reply_free(reply);
}

/* A database of Redis of our own: other programs use the server as well. */
static void setup(void)
{
    const char *base = getenv("TEST_REDIS_URL");
    char url[512];

    ck_assert_msg(base != NULL, "TEST_REDIS_URL is not set: use tests/with-servers");
    (void)snprintf(url, sizeof(url),
                   strncmp(base, "unix:", 5) == 0 ? "%s?db=12" : "%s/12", base);
    ck_assert_int_eq(redis_new(url, &kit.redis, &err), RC_OK);
    redis_set_patience(kit.redis, 60000);
    kit.db = database_seeded(&seed);
    forget_all();
}

static void teardown(void)
{
    redis_free(kit.redis);
    db_free(kit.db);
}

/* A post whose only attempt stands so; its publish_id is "p" and its number. */
static uint64_t post_with(int job, int attempt)
{
    uint64_t post = seed_post(kit.db, &seed, job, -1000);

    database_run(kit.db,
                 "UPDATE job SET attempt_no = 1, granted = IF(%d IN (3, 4, 5), 1, 0),"
                 " next_at = IF(state = 4, next_at, " SQL_NOW " + %d)"
                 " WHERE post_id = %" PRIu64,
                 attempt, JOB_PHASE_MS, post);
    database_run(kit.db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, publish_id, created_at, updated_at) VALUES (%" PRIu64
                 ", 1, %" PRIu64 ", %d, 1, 1, 'p%" PRIu64 "', " SQL_NOW ", " SQL_NOW ")",
                 post, seed.workspace, attempt, post);
    return post;
}

static const char *witness(uint64_t post)
{
    static char holder[QUEUE_WITNESS_SIZE];
    const struct queue_witness w = {post, seed.account};

    ck_assert_int_eq(queue_witness_read(kit.redis, &w, holder, &err), RC_OK);
    return holder;
}

static void expect_witness(uint64_t post)
{
    char own[32];

    (void)snprintf(own, sizeof(own), "p%" PRIu64, post);
    ck_assert_str_eq(witness(post), own);
}

static size_t take(struct queue_taken *t)
{
    ck_assert_int_eq(queue_take(kit.redis, queue_group(seed.account), 10, 0, t, &err),
                     RC_OK);
    return t->len;
}

/* Until it may: some time after Redis was first seen to have forgotten. */
static void restore(void)
{
    struct queue_taken t;

    do {
        ck_assert_int_eq(restore_windows(&kit, &err), RC_OK);
        (void)take(&t);
    } while (!t.ready);
}

/* W22: what may be out has its second arbiter again. */
START_TEST(sessions_past_their_grant_get_their_witness_back)
{
    uint64_t granted = post_with(JOB_COMMITTED, ATTEMPT_GRANTED);
    uint64_t sent = post_with(JOB_COMMITTED, ATTEMPT_PROCESSING);
    uint64_t ready = post_with(JOB_RUNNING, ATTEMPT_READY);
    uint64_t done = post_with(JOB_PUBLISHED, ATTEMPT_PUBLISHED);

    restore();
    expect_witness(granted);
    expect_witness(sent);
    ck_assert_str_eq(witness(ready), "");
    ck_assert_str_eq(witness(done), "");
}
END_TEST

/* More than one page of them, and one that somebody else was faster with. */
START_TEST(all_of_them_do_and_nobody_loses_it_to_them)
{
    enum { MANY = JOB_SWEEP_MAX + 3 };
    static uint64_t posts[MANY];
    char holder[QUEUE_WITNESS_SIZE];

    for (size_t i = 0; i < MANY; i++)
        posts[i] = post_with(JOB_COMMITTED, ATTEMPT_PROCESSING);
    ck_assert_int_eq(queue_witness_take(kit.redis,
                                        &(struct queue_witness){posts[0], seed.account},
                                        "another", holder, &err),
                     RC_OK);
    restore();
    ck_assert_str_eq(witness(posts[0]), "another");
    for (size_t i = 1; i < MANY; i++)
        expect_witness(posts[i]);
}
END_TEST

START_TEST(the_calls_of_the_last_minute_count_again)
{
    struct queue_taken t;
    uint64_t post;

    for (int i = 0; i < QUEUE_INIT_LIMIT; i++)
        post = post_with(JOB_RUNNING, ATTEMPT_READY);
    ck_assert_int_eq(queue_enqueue(kit.redis, post, seed.account, 1, &err), RC_OK);
    ck_assert_uint_eq(take(&t), 0);
    ck_assert(!t.ready);
    restore();
    ck_assert_uint_eq(take(&t), 0);
    ck_assert(t.ready);
    ck_assert_int_gt(t.next_wake_ms, t.now_ms + QUEUE_WINDOW_MS / 2);
}
END_TEST

/* --- every mix of Redis there and away, within one minute -------------------------- */

enum { INC = 7, PHASES = 3, DUE = 9, EACH = 3 };

/* A publisher, as far as its claims go. */
struct mixed {
    atomic_bool unaware;
    uint64_t posts[DUE];
    size_t claimed;
};

static void claim(struct mixed *m, const uint64_t *posts, size_t n, bool by_ledger)
{
    const uint64_t accounts[EACH] = {seed.account, seed.account, seed.account};
    const struct job_ration ration = {accounts, QUEUE_WINDOW_MS, QUEUE_INIT_LIMIT};
    struct job_claimed out[EACH];
    struct job_claim c = {.inc = INC,
                          .post_ids = posts,
                          .n = n,
                          .ration = by_ledger ? &ration : NULL,
                          .out = out};

    ck_assert_int_eq(job_claim(kit.db, &c, &err), RC_OK);
    m->claimed += c.len;
    for (size_t i = 0; i < c.len; i += 2) /* others have not got so far */
        database_run(kit.db,
                     "INSERT INTO attempt (post_id, attempt_no, workspace_id, state,"
                     " method, fence, created_at, updated_at) VALUES (%" PRIu64
                     ", 1, %" PRIu64 ", %d, 1, 1, " SQL_NOW ", " SQL_NOW ")",
                     out[i].post_id, seed.workspace, ATTEMPT_READY);
    database_run(kit.db, "UPDATE job SET attempt_no = 1 WHERE post_id IN"
                         " (SELECT post_id FROM attempt)");
    if (by_ledger)
        atomic_store(&m->unaware, true);
}

static void claim_with_redis(struct mixed *m, const uint64_t *posts)
{
    struct queue_taken t;

    ck_assert_int_eq(restore_own_up(&m->unaware, kit.redis, &err), RC_OK);
    restore();
    for (size_t i = 0; i < EACH; i++)
        ck_assert_int_eq(queue_enqueue(kit.redis, posts[i], seed.account, 1, &err),
                         RC_OK);
    for (size_t i = 0; i < EACH; i++) {
        if (take(&t) == 1)
            claim(m, &t.hints[0].post_id, 1, false);
    }
}

static void free_mix(void)
{
    database_run(kit.db, "DELETE FROM job");
    forget_all();
}

START_TEST(six_calls_a_minute_however_redis_comes_and_goes)
{
    seed_publisher(kit.db, INC);
    for (unsigned mix = 0; mix < 1U << PHASES; mix++) {
        struct mixed m = {.unaware = false};

        for (size_t i = 0; i < DUE; i++)
            m.posts[i] = seed_post(kit.db, &seed, JOB_SCHEDULED, -1000);
        for (unsigned phase = 0; phase < PHASES; phase++) {
            const uint64_t *posts = &m.posts[(size_t)phase * EACH];

            if ((mix >> phase & 1) != 0)
                claim(&m, posts, EACH, true);
            else
                claim_with_redis(&m, posts);
        }
        ck_assert_msg(m.claimed == QUEUE_INIT_LIMIT, "mix %u: %zu", mix, m.claimed);
        free_mix();
    }
}
END_TEST

DATABASE_MAIN("publisher_restore", setup, teardown,
              sessions_past_their_grant_get_their_witness_back,
              all_of_them_do_and_nobody_loses_it_to_them,
              the_calls_of_the_last_minute_count_again,
              six_calls_a_minute_however_redis_comes_and_goes)
