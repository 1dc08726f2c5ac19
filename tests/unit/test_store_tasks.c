/* tasks: asked for by one program, done by another, once. */
#include "core/xalloc.h"
#include "database.h"
#include "store/stmt.h"
#include "store/tasks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { INC = 8 };

static struct db *db;
static struct err err;
static struct seed seed;
static struct task tasks[TASK_BATCH];
static size_t len;

static void setup(void)
{
    db = database_seeded(&seed);
    len = 0;
}

static void release(void)
{
    for (size_t i = 0; i < len; i++)
        task_release(&tasks[i]);
    len = 0;
}

static void teardown(void)
{
    release();
    db_free(db);
}

static uint64_t ask(enum task_kind kind, int64_t wait_ms)
{
    const struct task_new t = {.kind = kind,
                               .workspace_id = seed.workspace,
                               .account_id = seed.account,
                               .wait_ms = wait_ms,
                               .payload = "{\"txn_id\":\"17\"}"};
    uint64_t id = 0;

    ck_assert_int_eq(task_insert(db, &t, &id, &err), RC_OK);
    return id;
}

static void claim(uint64_t inc, size_t max)
{
    release();
    ck_assert_int_eq(task_claim(db, inc, tasks, max, &len, &err), RC_OK);
}

static struct task_result result_of(uint64_t id)
{
    struct task_result r;

    ck_assert_int_eq(task_result(db, seed.workspace, id, &r, &err), RC_OK);
    return r;
}

static void due_again(void)
{
    database_run(db, "UPDATE task SET next_at = 0 WHERE state IN (1, 2)");
}

START_TEST(a_task_is_claimed_with_all_it_says_and_finished_with_a_result)
{
    uint64_t id = ask(TASK_EXCHANGE_CODE, 15000);
    struct task_result r = result_of(id);

    ck_assert_int_eq(r.state, TASK_QUEUED);
    claim(INC, TASK_BATCH);
    ck_assert_uint_eq(len, 1);
    ck_assert_uint_eq(tasks[0].id, id);
    ck_assert_int_eq(tasks[0].kind, TASK_EXCHANGE_CODE);
    ck_assert_uint_eq(tasks[0].workspace_id, seed.workspace);
    ck_assert_uint_eq(tasks[0].account_id, seed.account);
    ck_assert_uint_eq(tasks[0].fence, 1);
    ck_assert_uint_eq(tasks[0].fails, 0);
    ck_assert_str_eq(tasks[0].payload, "{\"txn_id\":\"17\"}");
    ck_assert_int_eq(result_of(id).state, TASK_RUNNING);
    ck_assert_int_eq(task_finish(db, &tasks[0], INC, "{\"a\":1}", &err), RC_OK);
    r = result_of(id);
    ck_assert_int_eq(r.state, TASK_DONE);
    ck_assert_str_eq(r.result, "{\"a\":1}");
    ck_assert_str_eq(r.code, "");
    task_result_release(&r);
    ck_assert_ptr_null(r.result);
    claim(INC, TASK_BATCH);
    ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(a_task_without_an_account_has_none)
{
    const struct task_new t = {
        .kind = TASK_EXCHANGE_CODE, .workspace_id = seed.workspace, .payload = "{}"};
    uint64_t id;

    ck_assert_int_eq(task_insert(db, &t, &id, &err), RC_OK);
    claim(INC, 1);
    ck_assert_uint_eq(tasks[0].account_id, 0);
}
END_TEST

START_TEST(a_task_for_an_account_of_another_workspace_is_refused)
{
    const struct task_new t = {.kind = TASK_REVOKE,
                               .workspace_id = seed_workspace(db),
                               .account_id = seed.account,
                               .payload = "{}"};
    uint64_t id;

    ck_assert_int_eq(task_insert(db, &t, &id, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "foreign_key");
}
END_TEST

START_TEST(a_result_is_for_its_workspace_only)
{
    uint64_t id = ask(TASK_REVOKE, 0);
    struct task_result r;

    ck_assert_int_eq(task_result(db, seed.workspace + 1, id, &r, &err), RC_NOT_FOUND);
    ck_assert_int_eq(task_result(db, seed.workspace, id + 1, &r, &err), RC_NOT_FOUND);
}
END_TEST

START_TEST(a_failure_says_why)
{
    uint64_t id = ask(TASK_REFRESH_TOKEN, 0);
    struct task_result r;

    claim(INC, 1);
    ck_assert_int_eq(task_fail(db, &tasks[0], INC, "reconnect_needed",
                               "Connect the account again.", &err),
                     RC_OK);
    r = result_of(id);
    ck_assert_int_eq(r.state, TASK_FAILED);
    ck_assert_str_eq(r.code, "reconnect_needed");
    ck_assert_str_eq(r.message, "Connect the account again.");
    ck_assert_ptr_null(r.result);
}
END_TEST

/* --- who may end it ------------------------------------------------------------ */

static enum rc finish(const struct task *t, uint64_t inc)
{
    return task_finish(db, t, inc, "{}", &err);
}

static enum rc give_up(const struct task *t, uint64_t inc)
{
    return task_fail(db, t, inc, "code", "message", &err);
}

static enum rc retry(const struct task *t, uint64_t inc)
{
    return task_retry(db, t, inc, 5000, &err);
}

START_TEST(each_end_is_for_whoever_holds_a_running_task)
{
    static const struct {
        const char *name;
        enum rc (*run)(const struct task *t, uint64_t inc);
        int state;
    } ends[] = {{"finish", finish, TASK_DONE},
                {"fail", give_up, TASK_FAILED},
                {"retry", retry, TASK_QUEUED}};

    for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
        for (int state = TASK_QUEUED; state <= TASK_FAILED; state++) {
            uint64_t id = ask(TASK_CREATOR_INFO, 0);
            struct task t = {.id = id, .fence = 3}, old = {.id = id, .fence = 2};
            bool good = state == TASK_RUNNING;

            database_run(db,
                         "UPDATE task SET state = %d, fence = 3, owner = %d,"
                         " next_at = 9223372036854775807 WHERE task_id = %" PRIu64,
                         state, INC, id);
            ck_assert_int_eq(ends[e].run(&old, INC), RC_CONFLICT);
            ck_assert_int_eq(ends[e].run(&t, INC + 1), RC_CONFLICT);
            ck_assert_msg(ends[e].run(&t, INC) == (good ? RC_OK : RC_CONFLICT), "%s %d",
                          ends[e].name, state);
            ck_assert_int_eq(database_number(db,
                                             "SELECT state FROM task"
                                             " WHERE task_id = %" PRIu64,
                                             id),
                             good ? ends[e].state : state);
        }
    }
}
END_TEST

START_TEST(a_retry_comes_back_later_with_a_failure_counted)
{
    (void)ask(TASK_CREATOR_INFO, 0);
    claim(INC, 1);
    ck_assert_int_eq(task_retry(db, &tasks[0], INC, 60000, &err), RC_OK);
    claim(INC, 1);
    ck_assert_uint_eq(len, 0);
    due_again();
    claim(INC, 1);
    ck_assert_uint_eq(len, 1);
    ck_assert_uint_eq(tasks[0].fails, 1);
    ck_assert_uint_eq(tasks[0].fence, 2);
}
END_TEST

START_TEST(a_lease_that_ran_out_gives_the_task_to_another)
{
    uint64_t id = ask(TASK_CREATOR_INFO, 0);
    struct task first;

    claim(INC, 1);
    first = tasks[0];
    len = 0;
    claim(INC + 1, 1);
    ck_assert_uint_eq(len, 0);
    due_again();
    claim(INC + 1, 1);
    ck_assert_uint_eq(len, 1);
    ck_assert_int_eq(task_finish(db, &first, INC, "{\"late\":1}", &err), RC_CONFLICT);
    ck_assert_int_eq(task_finish(db, &tasks[0], INC + 1, "{}", &err), RC_OK);
    ck_assert_str_eq(
        database_text(db, "SELECT result FROM task WHERE task_id = %" PRIu64, id), "{}");
    task_release(&first);
}
END_TEST

START_TEST(what_nobody_waits_for_any_more_is_failed_instead_of_done)
{
    uint64_t late = ask(TASK_CREATOR_INFO, 8000), patient = ask(TASK_REVOKE, 0);
    struct task_result r;

    database_run(db, "UPDATE task SET deadline_at = 1 WHERE task_id = %" PRIu64, late);
    claim(INC, TASK_BATCH);
    ck_assert_uint_eq(len, 1);
    ck_assert_uint_eq(tasks[0].id, patient);
    r = result_of(late);
    ck_assert_int_eq(r.state, TASK_FAILED);
    ck_assert_str_eq(r.code, "timeout");
    ck_assert_int_ne(r.message[0], '\0');
}
END_TEST

START_TEST(what_publishers_die_of_is_failed)
{
    uint64_t id = ask(TASK_CREATOR_INFO, 0);
    struct task_result r;

    database_run(db, "UPDATE task SET crashes = 3");
    claim(INC, TASK_BATCH);
    ck_assert_uint_eq(len, 0);
    r = result_of(id);
    ck_assert_int_eq(r.state, TASK_FAILED);
    ck_assert_str_eq(r.code, "internal");
}
END_TEST

START_TEST(the_oldest_come_first_and_no_more_than_asked_for)
{
    uint64_t ids[5];

    for (size_t i = 0; i < 5; i++) {
        ids[i] = ask(TASK_CREATOR_INFO, 0);
        database_run(db, "UPDATE task SET next_at = %zu WHERE task_id = %" PRIu64,
                     100 - i, ids[i]);
    }
    claim(INC, 3);
    ck_assert_uint_eq(len, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(tasks[i].id, ids[4 - i]);
}
END_TEST

enum { CLAIMERS = 3, ROUNDS = 12 };

struct claimer {
    pthread_barrier_t *start;
    uint64_t inc;
    size_t taken;
    enum rc rc;
};

static void *race(void *arg)
{
    struct claimer *c = arg;
    struct db *d = database_open();
    struct err e;

    (void)pthread_barrier_wait(c->start);
    for (int i = 0; i < ROUNDS && c->rc == RC_OK; i++) {
        struct task out[4];
        size_t n = 0;

        c->rc = task_claim(d, c->inc, out, 4, &n, &e);
        for (size_t k = 0; k < n; k++)
            task_release(&out[k]);
        c->taken += n;
    }
    db_free(d);
    return NULL;
}

START_TEST(two_claimers_never_get_the_same_task)
{
    struct claimer claimers[CLAIMERS];
    pthread_t threads[CLAIMERS];
    pthread_barrier_t start;
    size_t taken = 0;

    for (int i = 0; i < 40; i++)
        (void)ask(TASK_CREATOR_INFO, 0);
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, CLAIMERS), 0);
    for (size_t i = 0; i < CLAIMERS; i++) {
        claimers[i] = (struct claimer){.start = &start, .inc = 100 + i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &claimers[i]), 0);
    }
    for (size_t i = 0; i < CLAIMERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(claimers[i].rc, RC_OK);
        taken += claimers[i].taken;
    }
    ck_assert_uint_eq(taken, 40);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM task WHERE fence = 1"),
                     40);
    (void)pthread_barrier_destroy(&start);
}
END_TEST

START_TEST(what_ended_long_ago_is_deleted_and_nothing_else)
{
    int64_t n = 0;
    static const int states[] = {TASK_QUEUED, TASK_RUNNING, TASK_DONE, TASK_FAILED};

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        uint64_t id = ask(TASK_CREATOR_INFO, 0);

        database_run(
            db, "UPDATE task SET state = %d, updated_at = 1 WHERE task_id = %" PRIu64,
            states[i], id);
    }
    database_run(db, "UPDATE task SET state = 4 WHERE task_id = %" PRIu64,
                 ask(TASK_CREATOR_INFO, 0));
    ck_assert_int_eq(task_purge(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM task"), 3);
}
END_TEST

DATABASE_MAIN("store_tasks", setup, teardown,
              a_task_is_claimed_with_all_it_says_and_finished_with_a_result,
              a_task_without_an_account_has_none,
              a_task_for_an_account_of_another_workspace_is_refused,
              a_result_is_for_its_workspace_only, a_failure_says_why,
              each_end_is_for_whoever_holds_a_running_task,
              a_retry_comes_back_later_with_a_failure_counted,
              a_lease_that_ran_out_gives_the_task_to_another,
              what_nobody_waits_for_any_more_is_failed_instead_of_done,
              what_publishers_die_of_is_failed,
              the_oldest_come_first_and_no_more_than_asked_for,
              two_claimers_never_get_the_same_task,
              what_ended_long_ago_is_deleted_and_nothing_else)
