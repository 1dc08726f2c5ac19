/* turns: what is due before what prepares, accounts in turn, and a budget that holds back
 * only what can wait. */
#include "publisher/intake/turns.h"
#include "unit.h"

#include <string.h>

enum { N = 12, MB = 1000000 };

static struct turns *turns;
static struct turn all[N];

static void setup(void)
{
    turns = turns_new(0);
    for (size_t i = 0; i < N; i++)
        all[i] = (struct turn){.class = TURN_EARLY, .account_id = 1, .bytes = MB};
}

static void teardown(void)
{
    turns_free(turns);
}

/* The order in which they go, as letters. */
static const char *order(int64_t now_ms)
{
    static char out[N + 1];
    size_t len = 0;

    for (struct turn *t; (t = turns_next(turns, now_ms)) != NULL;)
        out[len++] = (char)('a' + (t - all));
    out[len] = '\0';
    return out;
}

static void wait_all(size_t n)
{
    for (size_t i = 0; i < n; i++)
        turns_wait(turns, &all[i]);
}

START_TEST(an_account_goes_in_order)
{
    wait_all(4);
    ck_assert_uint_eq(turns_len(turns), 4);
    ck_assert_str_eq(order(0), "abcd");
    ck_assert_uint_eq(turns_len(turns), 0);
}
END_TEST

START_TEST(accounts_take_turns)
{
    all[4].account_id = 2;
    all[5].account_id = 1 + 256; /* the same bucket as 1 */
    all[6].account_id = 2;
    wait_all(7); /* a b c d of 1, e g of 2, f of 257 */
    ck_assert_str_eq(order(0), "aefbgcd");
}
END_TEST

START_TEST(what_is_due_goes_before_what_prepares)
{
    all[2].class = TURN_DUE;
    all[3].class = TURN_DUE;
    all[3].account_id = 2;
    wait_all(4);
    ck_assert_str_eq(order(0), "cdab");
}
END_TEST

START_TEST(who_could_not_go_is_next)
{
    struct turn *first;

    all[1].account_id = 2;
    wait_all(3); /* a c of 1, b of 2 */
    first = turns_next(turns, 0);
    ck_assert_ptr_eq(first, &all[0]);
    turns_back(turns, first);
    ck_assert_uint_eq(turns_len(turns), 3);
    ck_assert_int_eq(turns_next_ms(turns, 0, 700), 700); /* no reason to look at once */
    ck_assert_str_eq(order(0), "abc");
}
END_TEST

START_TEST(who_leaves_is_skipped)
{
    wait_all(3);
    turns_leave(turns, &all[1]);
    turns_leave(turns, &all[1]);
    turns_leave(turns, &all[9]);
    ck_assert_str_eq(order(0), "ac");
    turns_wait(turns, &all[1]);
    turns_leave(turns, &all[1]);
    ck_assert_ptr_null(turns_next(turns, 0));
}
END_TEST

START_TEST(nobody_overtakes_who_waits)
{
    struct turn due = {.class = TURN_DUE, .account_id = 9};
    struct turn early = {.class = TURN_EARLY, .account_id = 9};

    ck_assert(turns_may_go(turns, &early, 0));
    wait_all(1);
    ck_assert(!turns_may_go(turns, &early, 0));
    ck_assert(turns_may_go(turns, &due, 0));
    all[1].class = TURN_DUE;
    turns_wait(turns, &all[1]);
    ck_assert(!turns_may_go(turns, &due, 0));
}
END_TEST

/* 2 MB/s: 2000 bytes a ms. */
START_TEST(the_budget_holds_back_what_prepares)
{
    struct turn question = {.class = TURN_EARLY, .account_id = 9, .bytes = 0};
    struct turn due = {.class = TURN_DUE, .account_id = 9, .bytes = MB};

    turns_free(turns);
    turns = turns_new(2 * MB);
    ck_assert(turns_may_go(turns, &all[0], 1000));
    turns_begun(turns, 4 * MB, 1000);
    ck_assert(!turns_may_go(turns, &all[0], 2999));
    ck_assert(turns_may_go(turns, &question, 2999));
    ck_assert(turns_may_go(turns, &due, 2999));
    ck_assert(turns_may_go(turns, &all[0], 3000));

    turns_wait(turns, &all[0]);
    ck_assert_ptr_null(turns_next(turns, 2000));
    ck_assert_int_eq(turns_next_ms(turns, 2000, 5000), 1000);
    ck_assert_int_eq(turns_next_ms(turns, 2000, 300), 300);
    turns_begun(turns, 2 * MB, 2000); /* on top of what is still owed */
    ck_assert_int_eq(turns_next_ms(turns, 2000, 5000), 2000);
    ck_assert_ptr_eq(turns_next(turns, 4000), &all[0]);
    ck_assert_int_eq(turns_next_ms(turns, 4000, 5000), 5000);
}
END_TEST

START_TEST(a_question_passes_a_chunk_that_must_wait)
{
    turns_free(turns);
    turns = turns_new(2 * MB);
    turns_begun(turns, 4 * MB, 1000);
    all[1] = (struct turn){.class = TURN_EARLY, .account_id = 2, .bytes = 0};
    wait_all(2);
    ck_assert_str_eq(order(1001), "b");
    ck_assert_str_eq(order(3000), "a");
}
END_TEST

START_TEST(large_pieces_share_few_places_and_small_ones_pass)
{
    all[1].bytes = TURNS_HEAVY_BYTES - 1;
    all[2].bytes = 0;
    all[1].account_id = 2;
    all[2].account_id = 3;
    all[3].class = TURN_DUE;
    for (int i = 0; i < TURNS_HEAVY_MAX; i++)
        turns_begun(turns, MB, 0);
    wait_all(4); /* a is large, b and c are not; d is large and due */
    ck_assert_str_eq(order(0), "bc");
    ck_assert(!turns_may_go(turns, &all[5], 0));
    turns_ended(turns, MB);
    ck_assert_ptr_eq(turns_next(turns, 0), &all[3]);
    turns_begun(turns, MB, 0);
    ck_assert_ptr_null(turns_next(turns, 0));
    ck_assert_int_eq(turns_next_ms(turns, 0, 700), 700);
    turns_ended(turns, MB - 1); /* a small one makes no room */
    ck_assert_ptr_null(turns_next(turns, 0));
    turns_ended(turns, MB);
    ck_assert_str_eq(order(0), "a");
}
END_TEST

START_TEST(whoever_waits_at_the_end_is_let_go)
{
    all[1].account_id = 2;
    wait_all(N); /* the sanitizers look at what turns_free() leaves */
    ck_assert_uint_eq(turns_len(turns), N);
}
END_TEST

UNIT_MAIN_FIXTURE("publisher_turns", setup, teardown, an_account_goes_in_order,
                  accounts_take_turns, what_is_due_goes_before_what_prepares,
                  who_could_not_go_is_next, who_leaves_is_skipped,
                  nobody_overtakes_who_waits, the_budget_holds_back_what_prepares,
                  a_question_passes_a_chunk_that_must_wait,
                  large_pieces_share_few_places_and_small_ones_pass,
                  whoever_waits_at_the_end_is_let_go)
