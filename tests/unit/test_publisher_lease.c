/* lease: what a heartbeat teaches about the database's clock. */
#include "publisher/lease.h"
#include "unit.h"

START_TEST(a_quick_answer_sets_the_clock_to_its_midpoint)
{
    ck_assert_int_eq(lease_clock(99, 1000, 1010, 501005), 500000);
    ck_assert_int_eq(lease_clock(-7, 1000, 1050, 501025), 500000);
}
END_TEST

/* The database read its clock at the very end of 4 s; the midpoint would be 2 s early. */
START_TEST(a_slow_answer_leaves_a_clock_that_may_be_right)
{
    ck_assert_int_eq(lease_clock(500000, 1000, 5000, 505000), 500000);
    ck_assert_int_eq(lease_clock(500000, 1000, 5000, 501000), 500000);
    ck_assert_int_eq(lease_clock(500000, 1000, 5000, 503000), 500000);
}
END_TEST

START_TEST(a_slow_answer_corrects_what_cannot_be_true)
{
    ck_assert_int_eq(lease_clock(0, 1000, 5000, 505000), 500000);
    /* Our own clock was ahead, at the start: the database may have read its at the end.
     */
    ck_assert_int_eq(lease_clock(900000, 1000, 5000, 505000), 500000);
}
END_TEST

UNIT_MAIN("publisher_lease", a_quick_answer_sets_the_clock_to_its_midpoint,
          a_slow_answer_leaves_a_clock_that_may_be_right,
          a_slow_answer_corrects_what_cannot_be_true)
