/* pace: how fast our uploads are believed to be. */
#include "publisher/intake/pace.h"
#include "unit.h"

enum { USUAL = 5000000, MB = 1000000 };

static struct pace pace;

static void setup(void)
{
    pace = (struct pace){.usual = USUAL};
}

static void about(int64_t rate, int64_t expected)
{
    ck_assert_msg(rate > expected - expected / 50 && rate < expected + expected / 50,
                  "%lld, not about %lld", (long long)rate, (long long)expected);
}

START_TEST(without_a_chunk_it_is_what_is_usual)
{
    ck_assert_int_eq(pace_known(&pace, 1000), 0);
    ck_assert_int_eq(pace_now(&pace, 1000), USUAL);
}
END_TEST

START_TEST(a_slow_first_chunk_is_believed_and_a_fast_one_not_at_once)
{
    pace_note(&pace, 5 * MB, 10000, 1000);
    about(pace_now(&pace, 1000), 500000);
    setup();
    pace_note(&pace, 5 * MB, 50, 1000); /* 100 MB/s */
    ck_assert_int_gt(pace_now(&pace, 1000), USUAL);
    ck_assert_int_lt(pace_now(&pace, 1000), USUAL + USUAL / 4);
}
END_TEST

START_TEST(it_follows_slow_chunks_fast_and_fast_ones_slowly)
{
    pace_note(&pace, 5 * MB, 1000, 0); /* as usual */
    pace_note(&pace, 5 * MB, 10000, 0);
    ck_assert_int_lt(pace_now(&pace, 0), 1000000);
    for (int i = 0; i < 6; i++)
        pace_note(&pace, 5 * MB, 10000, 0);
    about(pace_now(&pace, 0), 500000);
    pace_note(&pace, 5 * MB, 1000, 0);
    ck_assert_int_lt(pace_now(&pace, 0), 600000);
    for (int i = 0; i < 40; i++)
        pace_note(&pace, 5 * MB, 1000, 0);
    ck_assert_int_gt(pace_now(&pace, 0), USUAL - USUAL / 20);
}
END_TEST

START_TEST(small_chunks_say_nothing)
{
    pace_note(&pace, PACE_SAMPLE_MIN - 1, 60000, 0);
    ck_assert_int_eq(pace_known(&pace, 0), 0);
    pace_note(&pace, PACE_SAMPLE_MIN, 10000, 0);
    about(pace_known(&pace, 0), 100000);
}
END_TEST

START_TEST(whatever_was_measured_it_stays_within_bounds)
{
    static const struct {
        int64_t bytes, took_ms;
    } rows[] = {{PACE_SAMPLE_MIN, INT64_MAX},
                {INT64_C(4000000000), 0},
                {INT64_C(4000000000), -5},
                {PACE_SAMPLE_MIN, 3600000},
                {5 * MB, 1}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        setup();
        for (int n = 0; n < 200; n++)
            pace_note(&pace, rows[i].bytes, rows[i].took_ms, n);
        ck_assert_int_ge(pace_now(&pace, 200), PACE_MIN);
        ck_assert_int_le(pace_now(&pace, 200), PACE_MAX);
    }
}
END_TEST

START_TEST(without_chunks_it_comes_back_to_what_is_usual)
{
    int64_t last = 0;

    pace_note(&pace, 5 * MB, 50000, 1); /* 10 us a byte; usual are 0.2 */
    about(pace_now(&pace, 1), 100000);
    about(pace_now(&pace, 1 + PACE_HALF_LIFE_MS), 196000);
    for (int64_t h = 0; h < 200; h++) {
        int64_t rate = pace_now(&pace, 1 + h * PACE_HALF_LIFE_MS / 4);

        ck_assert_int_ge(rate, last);
        ck_assert_int_le(rate, USUAL);
        last = rate;
    }
    about(last, USUAL);
    ck_assert_int_le(pace_now(&pace, INT64_MAX / 2), USUAL);
    /* A clock that seems to go back changes nothing. */
    about(pace_now(&pace, -1000), 100000);
}
END_TEST

START_TEST(what_others_have_seen_counts_until_there_is_a_chunk_of_our_own)
{
    pace_seed(&pace, 0, 1000);
    ck_assert_int_eq(pace_known(&pace, 1000), 0);
    pace_seed(&pace, 300000, 1000);
    about(pace_now(&pace, 1000), 300000);
    pace_seed(&pace, 100000, 1000);
    about(pace_now(&pace, 1000), 300000);
}
END_TEST

UNIT_MAIN_FIXTURE("publisher_pace", setup, NULL, without_a_chunk_it_is_what_is_usual,
                  a_slow_first_chunk_is_believed_and_a_fast_one_not_at_once,
                  it_follows_slow_chunks_fast_and_fast_ones_slowly,
                  small_chunks_say_nothing, whatever_was_measured_it_stays_within_bounds,
                  without_chunks_it_comes_back_to_what_is_usual,
                  what_others_have_seen_counts_until_there_is_a_chunk_of_our_own)
