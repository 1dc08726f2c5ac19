/* batch: runs that want the same write go together when they had to wait, and alone when
 * not. The pool is the real one; the writes are played by this file. */
#include "core/xalloc.h"
#include "publisher/intake/turns.h"
#include "publisher/run/batch.h"
#include "publisher/run/run_priv.h"
#include "store/jobs_batch.h"
#include "unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RUNS = 70, CALLS_MAX = 200 };

static struct publisher publisher;
static struct run runs[RUNS];
static struct err err;
static int bell;

/* --- the writes, on the store threads ---------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t begun, may_end;
static atomic_bool held;  /* writes wait for may_end */
static bool not_together; /* as if a post were not as expected */
static size_t sizes[CALLS_MAX];
static size_t calls;
static unsigned alone[RUNS], together[RUNS];

static void wrote(size_t n)
{
    (void)pthread_mutex_lock(&lock);
    ck_assert_uint_lt(calls, CALLS_MAX);
    sizes[calls++] = n;
    (void)pthread_mutex_unlock(&lock);
    if (held) {
        (void)sem_post(&begun);
        (void)sem_wait(&may_end);
    }
}

/* Of publisher.c only this, which would bring the rest of the publisher with it. The time
 * passes when a test says so. */
static int64_t mono_ms = 1000;

int64_t publisher_mono_ms(void)
{
    return mono_ms;
}

void run_on_store(struct pool_work *w, UNUSED const struct pool_kit *kit)
{
    alone[(struct run *)(void *)w - runs]++;
    wrote(1);
}

bool run_all_on_store(struct run *const *list, size_t n,
                      UNUSED const struct pool_kit *kit)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(list[i]->action.what, list[0]->action.what);
        together[list[i] - runs]++;
    }
    wrote(n);
    return !not_together;
}

/* --- the loop ------------------------------------------------------------------ */

static size_t back;

void run_came_back(struct run *r)
{
    ck_assert(r->on_thread);
    r->on_thread = false;
    back++;
}

static void ring_bell(UNUSED void *arg)
{
    ck_assert_int_eq(eventfd_write(bell, 1), 0);
}

static void turn_until(size_t wanted)
{
    while (back < wanted) {
        eventfd_t n;

        ck_assert_int_eq(eventfd_read(bell, &n), 0);
        pool_reap(publisher.store);
    }
}

static void setup(void)
{
    const struct pool_settings settings = {
        .db_url = "mysql://nobody:x@127.0.0.1:9/none",
        .redis_url = "redis://127.0.0.1:9",
        .threads = 4,
        .wake = ring_bell,
    };

    bell = eventfd(0, EFD_CLOEXEC);
    (void)sem_init(&begun, 0, 0);
    (void)sem_init(&may_end, 0, 0);
    ck_assert_int_eq(pool_new(&settings, &publisher.store, &err), RC_OK);
    publisher.turns = turns_new(0);
    publisher.batches = batches_new(&publisher);
    for (size_t i = 0; i < RUNS; i++)
        runs[i].action.what = FLOW_DO_GRANT;
}

static void teardown(void)
{
    pool_free(publisher.store);
    batches_free(publisher.batches);
    turns_free(publisher.turns);
    timers_release(&publisher.timers);
    (void)close(bell);
}

static void add(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        batch_add(publisher.batches, &runs[i]);
}

/* --- tests --------------------------------------------------------------------- */

START_TEST(writes_are_batched_and_nothing_else)
{
    static const enum flow_do yes[] = {FLOW_DO_INTENT, FLOW_DO_PERSIST, FLOW_DO_GRANT,
                                       FLOW_DO_SENT, FLOW_DO_PUBLISHED};
    size_t n = 0;

    for (int what = 0; what <= FLOW_DO_END; what++) {
        runs[0].action.what = (enum flow_do)what;
        n += batch_takes(&runs[0]) ? 1 : 0;
    }
    ck_assert_uint_eq(n, ARRAY_LEN(yes));
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        runs[0].action.what = yes[i];
        ck_assert(batch_takes(&runs[0]));
    }
}
END_TEST

START_TEST(a_run_alone_waits_for_nobody)
{
    add(0, 1);
    turn_until(1);
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(alone[0], 1);
    ck_assert_uint_eq(together[0], 0);
}
END_TEST

START_TEST(who_has_to_wait_goes_with_the_others)
{
    held = true;
    add(0, RUNS);
    (void)sem_wait(&begun);
    (void)sem_wait(&begun); /* the first two are being done, alone; the others wait */
    held = false;
    (void)sem_post(&may_end);
    (void)sem_post(&may_end);
    turn_until(RUNS);
    ck_assert_uint_eq(calls, 4);
    ck_assert_uint_eq(sizes[0], 1);
    ck_assert_uint_eq(sizes[1], 1);
    ck_assert_uint_eq(sizes[2] + sizes[3], RUNS - 2);
    ck_assert(sizes[2] == JOB_BATCH_MAX || sizes[3] == JOB_BATCH_MAX);
    for (size_t i = 0; i < RUNS; i++)
        ck_assert_uint_eq(alone[i] + together[i], 1);
}
END_TEST

START_TEST(kinds_of_writes_do_not_mix)
{
    held = true;
    for (size_t i = 1; i < 10; i += 2)
        runs[i].action.what = FLOW_DO_PERSIST;
    add(0, 10); /* two of either kind are begun; run_all_on_store() looks at the others */
    for (int i = 0; i < 4; i++)
        (void)sem_wait(&begun);
    held = false;
    for (int i = 0; i < 4; i++)
        (void)sem_post(&may_end);
    turn_until(10);
    ck_assert_uint_eq(calls, 6);
}
END_TEST

START_TEST(that_bytes_were_sent_is_written_for_several_at_once)
{
    for (size_t i = 0; i < 5; i++)
        runs[i].action.what = FLOW_DO_SENT;
    add(0, 5);
    batches_go_on(publisher.batches); /* in vain */
    mono_ms += timers_next_ms(&publisher.timers, mono_ms, 1000) - 1;
    timers_run(&publisher.timers, mono_ms);
    ck_assert_uint_eq(pool_busy(publisher.store), 0);
    mono_ms++;
    timers_run(&publisher.timers, mono_ms);
    turn_until(5);
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(sizes[0], 5);
}
END_TEST

START_TEST(a_full_batch_of_them_waits_for_no_more)
{
    for (size_t i = 0; i < JOB_BATCH_MAX; i++)
        runs[i].action.what = FLOW_DO_SENT;
    add(0, JOB_BATCH_MAX);
    turn_until(JOB_BATCH_MAX);
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(sizes[0], JOB_BATCH_MAX);
}
END_TEST

/* Who writes while many requests are under way waits for others: until there are enough,
 * until its moment is over, or until the requests are. */
START_TEST(while_many_requests_are_under_way_writes_wait_for_each_other)
{
    enum { BUSY = 16, ENOUGH = 16 };

    for (size_t i = 0; i < BUSY; i++)
        turns_begun(publisher.turns, 0, 0);
    add(0, ENOUGH);
    turn_until(ENOUGH);
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(sizes[0], ENOUGH);
    add(ENOUGH, ENOUGH + 3);
    batches_go_on(publisher.batches); /* in vain */
    mono_ms += timers_next_ms(&publisher.timers, mono_ms, 1000) - 1;
    timers_run(&publisher.timers, mono_ms);
    ck_assert_uint_eq(pool_busy(publisher.store), 0);
    mono_ms++;
    timers_run(&publisher.timers, mono_ms);
    turn_until(ENOUGH + 3);
    ck_assert_uint_eq(calls, 2);
    ck_assert_uint_eq(sizes[1], 3);
    add(ENOUGH + 3, ENOUGH + 5);
    turns_ended(publisher.turns, 0);
    batches_go_on(publisher.batches);
    turn_until(ENOUGH + 5);
    ck_assert_uint_eq(calls, 3);
    ck_assert_uint_eq(sizes[2], 2);
}
END_TEST

START_TEST(what_cannot_be_done_together_is_done_alone)
{
    held = true;
    not_together = true;
    add(0, 6);
    (void)sem_wait(&begun);
    (void)sem_wait(&begun);
    held = false;
    (void)sem_post(&may_end);
    (void)sem_post(&may_end);
    turn_until(6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(alone[i], 1);
    ck_assert_uint_eq(together[2], 1);
}
END_TEST

START_TEST(who_was_dropped_while_waiting_is_let_go)
{
    held = true;
    add(0, 5);
    (void)sem_wait(&begun);
    (void)sem_wait(&begun);
    for (size_t i = 2; i < 5; i++)
        runs[i].dropped = true;
    held = false;
    (void)sem_post(&may_end);
    (void)sem_post(&may_end);
    turn_until(5);
    ck_assert_uint_eq(calls, 2);
    ck_assert_uint_eq(alone[3] + together[3], 0);
}
END_TEST

UNIT_MAIN_FIXTURE("publisher_batch", setup, teardown, writes_are_batched_and_nothing_else,
                  a_run_alone_waits_for_nobody, who_has_to_wait_goes_with_the_others,
                  kinds_of_writes_do_not_mix,
                  that_bytes_were_sent_is_written_for_several_at_once,
                  a_full_batch_of_them_waits_for_no_more,
                  while_many_requests_are_under_way_writes_wait_for_each_other,
                  what_cannot_be_done_together_is_done_alone,
                  who_was_dropped_while_waiting_is_let_go)
