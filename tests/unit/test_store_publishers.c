/* publishers: leases that end, and whose work goes to the others. */
#include "core/fault.h"
#include "core/xalloc.h"
#include "database.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/publishers.h"
#include "store/tasks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct db *db;
static struct err err;
static struct seed seed;
static uint64_t mine, theirs; /* incarnations */

static uint64_t registered(const char *host)
{
    uint64_t inc = 0;
    int64_t now = 0;

    ck_assert_int_eq(publisher_register(db, host, 4711, &inc, &now, &err), RC_OK);
    ck_assert_uint_ne(inc, 0);
    return inc;
}

static void setup(void)
{
    db = database_seeded(&seed);
    mine = registered("here");
    theirs = registered("there");
}

static void teardown(void)
{
    db_free(db);
}

/* Its last heartbeat was so long ago. */
static void silent_for(uint64_t inc, int64_t ms)
{
    database_run(db,
                 "UPDATE publisher SET lease_until = lease_until - %" PRId64
                 " WHERE inc = %" PRIu64,
                 ms, inc);
}

static void dies(uint64_t inc)
{
    silent_for(inc, PUBLISHER_LEASE_MS + PUBLISHER_GRACE_MS + 1);
}

static uint64_t post(void)
{
    return seed_post(db, &seed, JOB_SCHEDULED, -10);
}

static struct job_claimed claimed(uint64_t post_id, uint64_t inc)
{
    struct job_claimed out = {0};
    struct job_claim c = {.inc = inc, .post_ids = &post_id, .n = 1, .out = &out};

    ck_assert_int_eq(job_claim(db, &c, &err), RC_OK);
    ck_assert_uint_eq(c.len, 1);
    return out;
}

static struct job_ref ref_of(const struct job_claimed *c, uint64_t inc)
{
    return (struct job_ref){.post_id = c->post_id,
                            .workspace_id = c->workspace_id,
                            .fence = c->fence,
                            .inc = inc};
}

static int64_t reap(void)
{
    int64_t freed = -1;

    ck_assert_int_eq(publisher_reap(db, &freed, &err), RC_OK);
    return freed;
}

START_TEST(a_registered_process_is_counted_until_its_lease_ends)
{
    int64_t n = 0, now = 0, before = 0;

    ck_assert_int_eq(publisher_count(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(db_now(db, &before, &err), RC_OK);
    ck_assert_int_eq(publisher_beat(db, mine, &now, &err), RC_OK);
    ck_assert_int_ge(now, before);
    ck_assert_int_eq(database_number(db,
                                     "SELECT lease_until FROM publisher"
                                     " WHERE inc = %" PRIu64,
                                     mine),
                     now + PUBLISHER_LEASE_MS);
    silent_for(theirs, PUBLISHER_LEASE_MS + 1);
    ck_assert_int_eq(publisher_count(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 1);
}
END_TEST

static void expect_share(uint64_t inc, unsigned place, unsigned of)
{
    struct publisher_share share = {99, 99};

    ck_assert_int_eq(publisher_share(db, inc, &share, &err), RC_OK);
    ck_assert_uint_eq(share.place, place);
    ck_assert_uint_eq(share.of, of);
}

START_TEST(those_that_live_share_the_work)
{
    uint64_t last = registered("anywhere");

    expect_share(mine, 0, 3);
    expect_share(theirs, 1, 3);
    expect_share(last, 2, 3);
    dies(theirs);
    expect_share(mine, 0, 2);
    expect_share(last, 1, 2);
    expect_share(theirs, 0, 1); /* whoever has no lease leaves nothing to others */
    dies(mine);
    dies(last);
    expect_share(last, 0, 1);
}
END_TEST

START_TEST(a_lease_that_ended_cannot_be_prolonged)
{
    int64_t now;

    silent_for(mine, PUBLISHER_LEASE_MS + 1);
    ck_assert_int_eq(publisher_beat(db, mine, &now, &err), RC_CONFLICT);
    ck_assert_int_eq(reap(), 0); /* not dead for good yet */
    dies(theirs);
    ck_assert_int_eq(reap(), 0);
    ck_assert_int_eq(publisher_beat(db, theirs, &now, &err), RC_CONFLICT);
}
END_TEST

START_TEST(an_incarnation_is_never_used_again)
{
    uint64_t last = theirs;

    for (int i = 0; i < 3; i++) {
        uint64_t inc = registered("here");

        ck_assert_uint_gt(inc, last);
        ck_assert_int_eq(publisher_leave(db, inc, &err), RC_OK);
        last = inc;
    }
}
END_TEST

START_TEST(a_long_host_name_is_cut)
{
    (void)registered("a-host-name-that-is-longer-than-the-sixty-four-characters-of-the"
                     "-column.example.com");
}
END_TEST

START_TEST(the_jobs_of_the_dead_are_freed_and_a_crash_is_counted)
{
    const struct job_ending fail = {.how = JOB_END_FAIL, .reason = "x"};
    uint64_t held = post(), granted = post(), ours = post(), ended = post();
    struct job_claimed c = claimed(held, theirs), g = claimed(granted, theirs);
    struct job_claimed e = claimed(ended, theirs);
    struct job_ref ref = ref_of(&c, theirs), end = ref_of(&e, theirs);
    struct job_facts f;

    (void)claimed(ours, mine);
    database_run(db, "UPDATE job SET state = 3, granted = 1 WHERE post_id = %" PRIu64,
                 g.post_id);
    ck_assert_int_eq(job_end(db, &end, &fail, &err), RC_OK);
    dies(theirs);
    ck_assert_int_eq(reap(), 2);
    /* The dead may only seem so; what it writes from now on is refused. */
    ck_assert_int_eq(job_load(db, &ref, &f, &err), RC_CONFLICT);
    ck_assert_int_eq(job_end(db, &ref, &fail, &err), RC_CONFLICT);
    c = claimed(held, mine);
    ck_assert_uint_eq(c.crashes, 1);
    ck_assert_uint_eq(c.fence, 2);
    g = claimed(granted, mine);
    ck_assert_uint_eq(g.crashes, 1);
    ck_assert_int_eq(
        database_number(db, "SELECT state FROM job WHERE post_id = %" PRIu64, granted),
        JOB_COMMITTED);
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM job_event WHERE kind = %d"
                                     " AND inc = %" PRIu64,
                                     EVENT_CRASHED, theirs),
                     2);
    ck_assert_int_eq(
        database_number(db, "SELECT crashes FROM job WHERE post_id = %" PRIu64, ours), 0);
    ck_assert_int_eq(
        database_number(db, "SELECT crashes FROM job WHERE post_id = %" PRIu64, ended),
        0);
    ck_assert_int_eq(reap(), 0);
}
END_TEST

START_TEST(a_crash_counts_also_when_the_jobs_phase_had_run_out)
{
    uint64_t p = post();

    (void)claimed(p, theirs);
    database_run(db, "UPDATE job SET next_at = 5 WHERE post_id = %" PRIu64, p);
    dies(theirs);
    ck_assert_int_eq(reap(), 1);
    ck_assert_int_eq(database_number(db, "SELECT next_at FROM job"), 5);
    ck_assert_int_eq(database_number(db, "SELECT crashes FROM job"), 1);
}
END_TEST

START_TEST(a_job_that_was_taken_over_already_is_not_touched)
{
    uint64_t p = post();
    struct job_claimed c;

    (void)claimed(p, theirs);
    database_run(db, "UPDATE job SET next_at = 0 WHERE post_id = %" PRIu64, p);
    c = claimed(p, mine);
    dies(theirs);
    ck_assert_int_eq(reap(), 0);
    ck_assert_int_eq(database_number(db, "SELECT owner FROM job"), (int64_t)mine);
    ck_assert_uint_eq(c.crashes, 0);
}
END_TEST

START_TEST(what_publishers_die_of_ends_with_a_person)
{
    const struct job_ending poison = {.how = JOB_END_REVIEW, .reason = "poison"};
    uint64_t p = post();
    struct job_claimed c;
    struct job_ref ref;

    for (unsigned i = 0; i < JOB_CRASHES_MAX; i++) {
        uint64_t victim = registered("there");

        c = claimed(p, victim);
        ck_assert_uint_eq(c.crashes, i);
        dies(victim);
        ck_assert_int_eq(reap(), 1);
    }
    c = claimed(p, mine);
    ck_assert_uint_ge(c.crashes, JOB_CRASHES_MAX); /* so says publisher/run/run.c */
    ref = ref_of(&c, mine);
    ck_assert_int_eq(job_end(db, &ref, &poison, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT state FROM job"), JOB_REVIEW);
    /* Whoever decides to try it again gives it new chances. */
    database_run(db, "UPDATE job SET state = 1, next_at = 0");
    c = claimed(p, mine);
    ck_assert_uint_eq(c.crashes, 0);
}
END_TEST

/* What got a step further than before does not kill publishers. */
START_TEST(progress_forgets_the_crashes_before_it)
{
    const struct job_intent intent = {.no = 1, .content_ver = 1, .bytes_total = 10};
    const struct job_session session = {
        .publish_id = "v1", .upload_url = "u", .upload_url_len = 1, .log_id = ""};
    uint64_t p = post();
    struct job_claimed c = claimed(p, mine);
    struct job_ref ref = ref_of(&c, mine);

    database_run(db, "UPDATE job SET crashes = 2");
    ck_assert_int_eq(job_intend(db, &ref, &intent, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT crashes FROM job"), 2);
    ck_assert_int_eq(job_persist(db, &ref, 1, &session, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT crashes FROM job"), 0);
    database_run(db, "UPDATE job SET crashes = 2");
    ck_assert_int_eq(job_grant(db, &ref, 1, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT crashes FROM job"), 0);
    database_run(db, "UPDATE job SET crashes = 2");
    ck_assert_int_eq(job_sent(db, &ref, 1, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT crashes FROM job"), 0);
}
END_TEST

START_TEST(the_tasks_of_the_dead_are_freed_too)
{
    const struct task_new t = {.kind = TASK_CREATOR_INFO,
                               .workspace_id = seed.workspace,
                               .account_id = seed.account,
                               .payload = "{}"};
    struct task out[2];
    uint64_t id;
    size_t len = 0;

    ck_assert_int_eq(task_insert(db, &t, &id, &err), RC_OK);
    ck_assert_int_eq(task_claim(db, theirs, out, 2, &len, &err), RC_OK);
    ck_assert_uint_eq(len, 1);
    dies(theirs);
    ck_assert_int_eq(reap(), 1);
    ck_assert_int_eq(task_finish(db, &out[0], theirs, "{}", &err), RC_CONFLICT);
    task_release(&out[0]);
    ck_assert_int_eq(task_claim(db, mine, out, 2, &len, &err), RC_OK);
    ck_assert_uint_eq(len, 1);
    ck_assert_uint_eq(out[0].fence, 2);
    task_release(&out[0]);
}
END_TEST

START_TEST(whoever_leaves_leaves_nothing_behind_and_no_crash)
{
    uint64_t p = post();
    struct job_claimed c;
    int64_t n = 0, now = 0;

    (void)claimed(p, theirs);
    ck_assert_int_eq(publisher_leave(db, theirs, &err), RC_OK);
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM job_event WHERE kind = %d"
                                     " AND inc = %" PRIu64 " AND post_id = %" PRIu64,
                                     EVENT_DROPPED, theirs, p),
                     1);
    ck_assert_int_eq(publisher_count(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 1);
    c = claimed(p, mine); /* at once */
    ck_assert_uint_eq(c.crashes, 0);
    ck_assert_int_eq(publisher_beat(db, theirs, &now, &err), RC_CONFLICT);
    ck_assert_int_eq(publisher_leave(db, theirs, &err), RC_OK);
}
END_TEST

/* A second reaper neither waits for the first nor counts a crash twice. */
static struct db *second;

static enum rc reap_inside(struct db *d, void *ctx, struct err *e)
{
    int64_t *freed = ctx;
    enum rc rc = publisher_reap(d, &freed[0], e);
    struct err other;

    if (rc == RC_OK)
        rc = publisher_reap(second, &freed[1], &other);
    return rc;
}

START_TEST(of_two_reapers_one_frees)
{
    int64_t freed[2] = {-1, -1};

    second = database_open();
    (void)claimed(post(), theirs);
    dies(theirs);
    ck_assert_int_eq(db_transaction(db, reap_inside, freed, &err), RC_OK);
    ck_assert_int_eq(freed[0], 1);
    ck_assert_int_eq(freed[1], 0);
    ck_assert_int_eq(database_number(db, "SELECT crashes FROM job"), 1);
    db_free(second);
}
END_TEST

START_TEST(a_reap_without_an_answer_is_simply_repeated)
{
    int64_t freed = -1;

    (void)claimed(post(), theirs);
    dies(theirs);
    (void)setenv("TTS_FAULT", "db.commit_unanswered:error", 1);
    fault_reload();
    ck_assert_int_eq(publisher_reap(db, &freed, &err), RC_UNCERTAIN);
    ck_assert_int_eq(freed, -1);
    ck_assert_int_eq(reap(), 0);
    ck_assert_int_eq(database_number(db, "SELECT crashes FROM job"), 1);
}
END_TEST

DATABASE_MAIN("store_publishers", setup, teardown,
              a_registered_process_is_counted_until_its_lease_ends,
              those_that_live_share_the_work, a_lease_that_ended_cannot_be_prolonged,
              an_incarnation_is_never_used_again, a_long_host_name_is_cut,
              the_jobs_of_the_dead_are_freed_and_a_crash_is_counted,
              a_crash_counts_also_when_the_jobs_phase_had_run_out,
              a_job_that_was_taken_over_already_is_not_touched,
              what_publishers_die_of_ends_with_a_person,
              progress_forgets_the_crashes_before_it, the_tasks_of_the_dead_are_freed_too,
              whoever_leaves_leaves_nothing_behind_and_no_crash, of_two_reapers_one_frees,
              a_reap_without_an_answer_is_simply_repeated)
