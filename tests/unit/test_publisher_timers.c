/* timers: the heap against a list that is searched from end to end. */
#include "core/random.h"
#include "publisher/timers.h"
#include "unit.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { N = 200 };

static struct timers timers;
static struct timer timer[N];
static int64_t fired_at[N]; /* 0: not fired */
static int64_t now_ms;
static int64_t last_ms; /* of the timer that fired last */

static void fire(void *arg)
{
    struct timer *t = (struct timer *)arg;

    ck_assert_int_ge(t->at_ms, last_ms);
    ck_assert_uint_eq(t->place, 0);
    last_ms = t->at_ms;
    fired_at[t - timer] = now_ms;
}

static void setup(void)
{
    for (size_t i = 0; i < N; i++)
        timer[i] = (struct timer){.fire = fire, .arg = &timer[i]};
    (void)memset(fired_at, 0, sizeof(fired_at));
    now_ms = 1000;
    last_ms = 0;
}

static void teardown(void)
{
    timers_release(&timers);
}

static void run(int64_t at_ms)
{
    now_ms = at_ms;
    last_ms = 0;
    timers_run(&timers, now_ms);
}

START_TEST(timers_fire_once_in_the_order_of_their_times)
{
    static const int64_t at[] = {50, 10, 40, 40, 30, 20};

    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
        timer_set(&timers, &timer[i], 1000 + at[i]);
    run(1035);
    ck_assert_int_eq(fired_at[1], 1035);
    ck_assert_int_eq(fired_at[5], 1035);
    ck_assert_int_eq(fired_at[4], 1035);
    ck_assert_int_eq(fired_at[2], 0);
    run(2000);
    ck_assert_int_eq(fired_at[1], 1035);
    ck_assert_int_eq(fired_at[0], 2000);
    ck_assert_int_eq(fired_at[3], 2000);
    ck_assert_uint_eq(timers.len, 0);
}
END_TEST

START_TEST(the_next_one_is_told_within_bounds)
{
    ck_assert_int_eq(timers_next_ms(&timers, 1000, 500), 500);
    timer_set(&timers, &timer[0], 1300);
    ck_assert_int_eq(timers_next_ms(&timers, 1000, 500), 300);
    ck_assert_int_eq(timers_next_ms(&timers, 1000, 200), 200);
    ck_assert_int_eq(timers_next_ms(&timers, 5000, 500), 0);
}
END_TEST

static void again(void *arg)
{
    struct timer *t = (struct timer *)arg;

    fire(t);
    timer_set(&timers, t, now_ms + 10);
}

START_TEST(a_timer_may_set_itself_again_and_does_not_fire_twice_in_one_turn)
{
    timer[0].fire = again;
    timer_set(&timers, &timer[0], 1001);
    run(1001);
    ck_assert_uint_eq(timers.len, 1);
    ck_assert_int_eq(timers_next_ms(&timers, 1001, 1000), 10);
    timer_stop(&timers, &timer[0]);
    timer_stop(&timers, &timer[0]); /* one that is not set is fine */
    ck_assert_uint_eq(timers.len, 0);
}
END_TEST

START_TEST(any_order_of_setting_moving_and_stopping_keeps_the_heap_right)
{
    int64_t want[N] = {0}; /* when it is to fire; 0: not set */

    for (int step = 0; step < 20000; step++) {
        size_t i = random_below(random_system(), N);

        if (random_below(random_system(), 4) == 0) {
            timer_stop(&timers, &timer[i]);
            want[i] = 0;
        } else {
            want[i] = now_ms + 1 + (int64_t)random_below(random_system(), 1000);
            timer_set(&timers, &timer[i], want[i]);
        }
        if (step % 50 != 0)
            continue;
        run(now_ms + 100);
        for (i = 0; i < N; i++) {
            bool due = want[i] != 0 && want[i] <= now_ms;

            ck_assert_msg((fired_at[i] == now_ms) == due, "step %d, timer %zu", step, i);
            if (due)
                want[i] = 0;
            ck_assert((timer[i].place != 0) == (want[i] != 0));
        }
    }
}
END_TEST

UNIT_MAIN_FIXTURE("publisher_timers", setup, teardown,
                  timers_fire_once_in_the_order_of_their_times,
                  the_next_one_is_told_within_bounds,
                  a_timer_may_set_itself_again_and_does_not_fire_twice_in_one_turn,
                  any_order_of_setting_moving_and_stopping_keeps_the_heap_right)
