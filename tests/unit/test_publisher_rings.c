/* rings: TikTok's windows, kept without Redis. */
#include "publisher/intake/rings.h"
#include "unit.h"

static struct rings *rings;

static void setup(void)
{
    rings = rings_new();
}

static void teardown(void)
{
    rings_free(rings);
}

START_TEST(a_window_lets_its_limit_through_and_says_when_it_opens)
{
    static const struct {
        enum queue_ring ring;
        int limit;
    } cases[] = {{QUEUE_RING_STATUS, QUEUE_STATUS_LIMIT},
                 {QUEUE_RING_CREATOR, QUEUE_CREATOR_LIMIT}};

    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        for (int i = 0; i < cases[c].limit; i++)
            ck_assert_int_eq(rings_pass(rings, cases[c].ring, 7, 1000 + i), 0);
        ck_assert_int_eq(rings_pass(rings, cases[c].ring, 7, 2000),
                         QUEUE_WINDOW_MS - 1000);
        ck_assert_int_eq(rings_pass(rings, cases[c].ring, 7, 1000 + QUEUE_WINDOW_MS - 1),
                         1);
        ck_assert_int_eq(rings_pass(rings, cases[c].ring, 7, 1000 + QUEUE_WINDOW_MS), 0);
        ck_assert_int_eq(rings_pass(rings, cases[c].ring, 7, 1000 + QUEUE_WINDOW_MS), 1);
    }
}
END_TEST

START_TEST(no_window_of_a_minute_ever_holds_more_than_the_limit)
{
    int64_t calls[4000];
    size_t n = 0;

    for (int64_t now = 1; now < 600000; now += 97) {
        if (rings_pass(rings, QUEUE_RING_CREATOR, 9, now) == 0)
            calls[n++] = now;
    }
    ck_assert_uint_ge(n, QUEUE_CREATOR_LIMIT * 9);
    for (size_t i = QUEUE_CREATOR_LIMIT; i < n; i++)
        ck_assert_int_ge(calls[i] - calls[i - QUEUE_CREATOR_LIMIT], QUEUE_WINDOW_MS);
}
END_TEST

START_TEST(accounts_and_kinds_do_not_share_a_window)
{
    for (int i = 0; i < QUEUE_CREATOR_LIMIT; i++)
        ck_assert_int_eq(rings_pass(rings, QUEUE_RING_CREATOR, 1, 1000), 0);
    ck_assert_int_gt(rings_pass(rings, QUEUE_RING_CREATOR, 1, 1000), 0);
    ck_assert_int_eq(rings_pass(rings, QUEUE_RING_CREATOR, 257, 1000),
                     0); /* same bucket */
    ck_assert_int_eq(rings_pass(rings, QUEUE_RING_STATUS, 1, 1000), 0);
}
END_TEST

START_TEST(windows_of_long_ago_are_forgotten)
{
    for (uint64_t account = 1; account <= 10000; account++)
        (void)rings_pass(rings, QUEUE_RING_STATUS, account,
                         (int64_t)account * QUEUE_WINDOW_MS);
    ck_assert_uint_le(rings_len(rings), 512);
}
END_TEST

UNIT_MAIN_FIXTURE("publisher_rings", setup, teardown,
                  a_window_lets_its_limit_through_and_says_when_it_opens,
                  no_window_of_a_minute_ever_holds_more_than_the_limit,
                  accounts_and_kinds_do_not_share_a_window,
                  windows_of_long_ago_are_forgotten)
