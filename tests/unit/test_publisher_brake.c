/* brake: when all new sessions wait, and how they come free. */
#include "publisher/intake/brake.h"
#include "unit.h"

enum { T0 = 1000000 };

static struct brake close_at(int64_t now_ms)
{
    struct brake b = {.n = 0};

    for (uint64_t account = 1; account <= BRAKE_ACCOUNTS; account++)
        brake_bad(&b, account, "tiktok_unavailable", now_ms);
    ck_assert(brake_closed(&b));
    return b;
}

START_TEST(one_account_in_trouble_stops_nobody)
{
    struct brake b = {.n = 0};

    for (int i = 0; i < 100; i++)
        brake_bad(&b, 7, "tiktok_unavailable", T0 + i);
    brake_bad(&b, 8, "tiktok_unavailable", T0 + 100);
    ck_assert(!brake_closed(&b));
    ck_assert_int_eq(brake_wait_ms(&b, T0 + 101), 0);
}
END_TEST

START_TEST(the_only_account_there_is_closes_it_by_trouble_that_lasts)
{
    struct brake b = {.n = 0};

    brake_bad(&b, 7, "tiktok_unavailable", T0);
    brake_bad(&b, 7, "tiktok_unavailable", T0 + BRAKE_SAME_MS - 1);
    brake_bad(&b, 7, "tiktok_unavailable", T0 + BRAKE_SAME_MS);
    ck_assert(!brake_closed(&b));
    brake_bad(&b, 7, "tiktok_unavailable", T0 + 2 * BRAKE_SAME_MS - 1);
    ck_assert(!brake_closed(&b));
    brake_bad(&b, 7, "tiktok_unavailable", T0 + 2 * BRAKE_SAME_MS);
    ck_assert(brake_closed(&b));
}
END_TEST

START_TEST(a_success_in_between_begins_the_count_anew)
{
    struct brake b = {.n = 0};

    brake_bad(&b, 1, "r", T0);
    brake_bad(&b, 2, "r", T0);
    brake_good(&b);
    brake_bad(&b, 3, "r", T0);
    ck_assert(!brake_closed(&b));
}
END_TEST

START_TEST(what_was_long_ago_does_not_count)
{
    struct brake b = {.n = 0};

    brake_bad(&b, 1, "r", T0);
    brake_bad(&b, 2, "r", T0);
    brake_bad(&b, 3, "r", T0 + BRAKE_WINDOW_MS);
    ck_assert(!brake_closed(&b));
}
END_TEST

START_TEST(several_accounts_in_a_row_close_it_and_one_call_probes)
{
    struct brake b = close_at(T0);

    ck_assert_str_eq(b.reason, "tiktok_unavailable");
    ck_assert_int_eq(brake_wait_ms(&b, T0), BRAKE_FIRST_MS);
    ck_assert_int_eq(brake_wait_ms(&b, T0 + BRAKE_FIRST_MS - 1), 1);
    ck_assert_int_eq(brake_wait_ms(&b, T0 + BRAKE_FIRST_MS), 0); /* the probe */
    ck_assert_int_gt(brake_wait_ms(&b, T0 + BRAKE_FIRST_MS), 0); /* nobody else */
    ck_assert_int_gt(brake_wait_ms(&b, T0 + BRAKE_FIRST_MS + 5000), 0);
    brake_good(&b);
    ck_assert(!brake_closed(&b));
    ck_assert_int_eq(brake_wait_ms(&b, T0 + BRAKE_FIRST_MS + 5001), 0);
    ck_assert_int_eq(brake_wait_ms(&b, T0 + BRAKE_FIRST_MS + 5001), 0);
}
END_TEST

START_TEST(a_probe_that_fails_doubles_the_wait_up_to_its_most)
{
    static const int64_t steps[] = {4000, 8000, 8000};
    struct brake b = close_at(T0);
    int64_t now = T0 + BRAKE_FIRST_MS;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        ck_assert_int_eq(brake_wait_ms(&b, now), 0);
        brake_bad(&b, 1, "again", now);
        ck_assert_int_eq(brake_wait_ms(&b, now), steps[i]);
        now += steps[i];
    }
    ck_assert_str_eq(b.reason, "again");
}
END_TEST

START_TEST(answers_to_calls_begun_before_it_closed_do_not_prolong_it)
{
    struct brake b = close_at(T0);

    for (uint64_t account = 10; account < 30; account++)
        brake_bad(&b, account, "r", T0 + 100);
    ck_assert_int_eq(brake_wait_ms(&b, T0 + 100), BRAKE_FIRST_MS - 100);
}
END_TEST

START_TEST(a_probe_that_is_never_heard_of_is_followed_by_another)
{
    struct brake b = close_at(T0);

    ck_assert_int_eq(brake_wait_ms(&b, T0 + BRAKE_FIRST_MS), 0);
    ck_assert_int_gt(brake_wait_ms(&b, T0 + BRAKE_FIRST_MS + BRAKE_PROBE_MS - 1), 0);
    ck_assert_int_eq(brake_wait_ms(&b, T0 + BRAKE_FIRST_MS + BRAKE_PROBE_MS), 0);
}
END_TEST

UNIT_MAIN("publisher_brake", one_account_in_trouble_stops_nobody,
          the_only_account_there_is_closes_it_by_trouble_that_lasts,
          a_success_in_between_begins_the_count_anew, what_was_long_ago_does_not_count,
          several_accounts_in_a_row_close_it_and_one_call_probes,
          a_probe_that_fails_doubles_the_wait_up_to_its_most,
          answers_to_calls_begun_before_it_closed_do_not_prolong_it,
          a_probe_that_is_never_heard_of_is_followed_by_another)
