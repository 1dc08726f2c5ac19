/* again: how long a refresh that gave no tokens waits, and when it is given up. */
#include "publisher/tokens/again.h"
#include "publisher/tokens/tokens.h"
#include "store/account_tokens.h"
#include "unit.h"

/* What is done when each request of a claim ends so. */
static void walk(size_t row, unsigned fails, const enum rc *rcs,
                 const struct again_step *steps, size_t n)
{
    struct again a = again_begin(fails);

    for (size_t i = 0; i < n; i++) {
        struct again_step s = again_next(&a, rcs[i], TOKEN_REFRESH_LEASE_MS);

        ck_assert_msg(s.what == steps[i].what && s.wait_ms == steps[i].wait_ms,
                      "row %zu, step %zu: %d after %d ms", row, i, (int)s.what,
                      (int)s.wait_ms);
    }
}

START_TEST(a_lost_answer_is_asked_for_after_2_10_and_30_seconds)
{
    static const struct {
        unsigned fails;
        enum rc rcs[3];
        struct again_step steps[3];
        size_t n;
    } rows[] = {
        {0, {RC_UNCERTAIN, RC_UNCERTAIN}, {{AGAIN_ASK, 2000}, {AGAIN_LATER, 10000}}, 2},
        {1, {RC_UNAVAILABLE}, {{AGAIN_LATER, 30000}}, 1},
        {9, {RC_UNCERTAIN}, {{AGAIN_LATER, 30000}}, 1},
        {65535, {RC_UNCERTAIN}, {{AGAIN_LATER, 30000}}, 1},
        /* The token seems dead: once more, and then it is. */
        {0, {RC_DENIED, RC_DENIED}, {{AGAIN_ASK, 5000}, {AGAIN_DEAD, 0}}, 2},
        {3, {RC_DENIED, RC_DENIED}, {{AGAIN_ASK, 5000}, {AGAIN_DEAD, 0}}, 2},
        {0,
         {RC_UNCERTAIN, RC_DENIED, RC_DENIED},
         {{AGAIN_ASK, 2000}, {AGAIN_ASK, 5000}, {AGAIN_DEAD, 0}},
         3},
        /* An answer that is lost between the two refusals proves nothing. */
        {0,
         {RC_DENIED, RC_UNCERTAIN, RC_DENIED},
         {{AGAIN_ASK, 5000}, {AGAIN_ASK, 2000}, {AGAIN_DEAD, 0}},
         3},
        /* We are refused, not the account. */
        {0, {RC_REJECTED}, {{AGAIN_LATER, 30000}}, 1},
        {0, {RC_LIMITED}, {{AGAIN_LATER, 30000}}, 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        walk(i, rows[i].fails, rows[i].rcs, rows[i].steps, rows[i].n);
}
END_TEST

START_TEST(no_request_is_begun_that_could_outlive_the_claim)
{
    static const struct {
        enum rc rc;
        int64_t left_ms, wait_ms;
        enum again_do what;
    } rows[] = {
        {RC_DENIED, TOKENS_TIMEOUT_MS + 6000, 5000, AGAIN_ASK},
        {RC_DENIED, TOKENS_TIMEOUT_MS + 5999, 5000, AGAIN_LATER},
        {RC_UNCERTAIN, TOKENS_TIMEOUT_MS + 3000, 2000, AGAIN_ASK},
        {RC_UNCERTAIN, TOKENS_TIMEOUT_MS + 2999, 2000, AGAIN_LATER},
        {RC_UNCERTAIN, -1000, 2000, AGAIN_LATER},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct again a = again_begin(0);
        struct again_step s = again_next(&a, rows[i].rc, rows[i].left_ms);

        ck_assert_msg(s.what == rows[i].what && s.wait_ms == rows[i].wait_ms, "row %zu",
                      i);
    }
}
END_TEST

UNIT_MAIN("publisher_again", a_lost_answer_is_asked_for_after_2_10_and_30_seconds,
          no_request_is_begun_that_could_outlive_the_claim)
