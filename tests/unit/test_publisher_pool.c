/* pool: work on threads, its end on the loop's. The connections are never used here, so
 * there need not be any server. */
#include "publisher/pool.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREADS = 3, WORKS = 200 };

static struct pool *pool;
static int bell; /* an eventfd: work has ended */
static pthread_t loop_thread;

static void ring_bell(void *arg)
{
    const uint64_t one = 1;

    ck_assert_ptr_eq(arg, &bell);
    ck_assert_int_eq(write(bell, &one, sizeof(one)), (ssize_t)sizeof(one));
}

static struct pool_settings settings = {
    .db_url = "mysql://u:p@localhost/db?socket=/nowhere",
    .redis_url = "unix:///nowhere",
    .threads = THREADS,
    .wake = ring_bell,
    .wake_arg = &bell,
};

static void setup(void)
{
    struct err err;

    bell = eventfd(0, EFD_CLOEXEC);
    loop_thread = pthread_self();
    ck_assert_int_eq(pool_new(&settings, &pool, &err), RC_OK);
}

static void teardown(void)
{
    pool_free(pool);
    (void)close(bell);
}

struct item {
    struct pool_work work;
    int number;
    atomic_int ran;
    int done;
    pthread_barrier_t *meeting;
    int gate; /* a descriptor to wait for, or 0 */
};

static atomic_int order;
static int started[WORKS];

static void run(struct pool_work *w, const struct pool_kit *kit)
{
    struct item *it = (struct item *)(void *)w;
    char c;

    ck_assert(!pthread_equal(pthread_self(), loop_thread));
    ck_assert(kit->db != NULL && kit->redis != NULL);
    if (it->meeting != NULL)
        (void)pthread_barrier_wait(it->meeting);
    if (it->gate > 0)
        (void)!read(it->gate, &c, 1);
    if (it->number < WORKS)
        started[it->number] = atomic_fetch_add(&order, 1);
    atomic_fetch_add(&it->ran, 1);
}

static void done(struct pool_work *w)
{
    struct item *it = (struct item *)(void *)w;

    ck_assert(pthread_equal(pthread_self(), loop_thread));
    ck_assert_int_eq(atomic_load(&it->ran), 1);
    it->done++;
}

static void submit(struct item *it)
{
    it->work.run = run;
    it->work.done = done;
    pool_submit(pool, &it->work);
}

/* The loop, until nothing is left. */
static void reap_all(void)
{
    while (pool_busy(pool) > 0) {
        eventfd_t n;

        ck_assert_int_eq(eventfd_read(bell, &n), 0);
        pool_reap(pool);
    }
}

START_TEST(work_runs_on_a_thread_and_ends_on_the_loop_once)
{
    static struct item items[WORKS];

    for (int i = 0; i < WORKS; i++) {
        items[i].number = i;
        submit(&items[i]);
    }
    ck_assert_uint_eq(pool_busy(pool), WORKS);
    reap_all();
    for (int i = 0; i < WORKS; i++)
        ck_assert_int_eq(items[i].done, 1);
}
END_TEST

START_TEST(as_many_run_at_a_time_as_there_are_threads)
{
    static struct item items[THREADS];
    pthread_barrier_t meeting; /* let nobody through before all are there */

    ck_assert_int_eq(pthread_barrier_init(&meeting, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        items[i].number = WORKS;
        items[i].meeting = &meeting;
        submit(&items[i]);
    }
    reap_all();
    (void)pthread_barrier_destroy(&meeting);
}
END_TEST

START_TEST(work_is_begun_in_the_order_of_submission)
{
    static struct item items[50];
    struct err err;

    pool_free(pool);
    settings.threads = 1;
    ck_assert_int_eq(pool_new(&settings, &pool, &err), RC_OK);
    for (int i = 0; i < 50; i++) {
        items[i].number = i;
        submit(&items[i]);
    }
    reap_all();
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(started[i], i);
}
END_TEST

static struct item follower;

static void done_and_go_on(struct pool_work *w)
{
    done(w);
    submit(&follower);
}

START_TEST(the_end_of_one_work_may_submit_another)
{
    static struct item first;

    submit(&first);
    first.work.done = done_and_go_on;
    reap_all();
    ck_assert_int_eq(follower.done, 1);
}
END_TEST

START_TEST(freeing_waits_for_what_runs_and_drops_what_was_not_begun)
{
    static struct item running[THREADS], never;
    pthread_barrier_t meeting;
    int gate[2];

    ck_assert_int_eq(pipe(gate), 0);
    ck_assert_int_eq(pthread_barrier_init(&meeting, NULL, THREADS + 1), 0);
    for (int i = 0; i < THREADS; i++) {
        running[i].number = WORKS;
        running[i].meeting = &meeting;
        running[i].gate = gate[0];
        submit(&running[i]);
    }
    never.number = WORKS;
    submit(&never);
    (void)pthread_barrier_wait(&meeting); /* every thread is at work */
    ck_assert_int_eq(write(gate[1], "abc", THREADS), THREADS);
    pool_free(pool);
    pool = NULL;
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(atomic_load(&running[i].ran), 1);
        ck_assert_int_eq(running[i].done, 0);
    }
    ck_assert_int_le(atomic_load(&never.ran), 1); /* a thread may have come to it */
    ck_assert_int_eq(never.done, 0);
    (void)pthread_barrier_destroy(&meeting);
    (void)close(gate[0]);
    (void)close(gate[1]);
}
END_TEST

START_TEST(a_wrong_address_is_told_before_any_thread_runs)
{
    struct pool_settings wrong = settings;
    struct pool *none = NULL;
    struct err err;

    wrong.db_url = "postgres://localhost/db";
    ck_assert_int_eq(pool_new(&wrong, &none, &err), RC_INVALID);
    wrong = settings;
    wrong.redis_url = "http://localhost";
    ck_assert_int_eq(pool_new(&wrong, &none, &err), RC_INVALID);
    ck_assert_ptr_null(none);
    pool_free(NULL);
}
END_TEST

UNIT_MAIN_FIXTURE("publisher_pool", setup, teardown,
                  work_runs_on_a_thread_and_ends_on_the_loop_once,
                  as_many_run_at_a_time_as_there_are_threads,
                  work_is_begun_in_the_order_of_submission,
                  the_end_of_one_work_may_submit_another,
                  freeing_waits_for_what_runs_and_drops_what_was_not_begun,
                  a_wrong_address_is_told_before_any_thread_runs)
