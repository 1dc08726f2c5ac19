/* media/progress: ffmpeg's words about itself, in pieces, and as a hostile file could
 * make them. */
#include "media/progress.h"
#include "unit.h"

#include <string.h>

static int after(int64_t duration_ms, const char *printed)
{
    struct progress p = {.duration_ms = duration_ms};

    progress_take(&p, printed, strlen(printed));
    return p.permille;
}

START_TEST(the_time_that_is_done_is_what_counts)
{
    ck_assert_int_eq(after(10000, "frame=12\nout_time_us=5000000\nprogress=continue\n"),
                     500);
    ck_assert_int_eq(after(10000, "out_time_us=2500000\nout_time_us=7500000\n"), 750);
    ck_assert_int_eq(after(10000, "out_time_us=7500000\nout_time_us=2500000\n"), 750);
    ck_assert_int_eq(after(10000, "out_time_us=99999999999\n"), PROGRESS_FULL);
    ck_assert_int_eq(after(10000, "progress=end\n"), 0);
    ck_assert_int_eq(after(10000, "out_time_us=5000000"), 0); /* not all of the line */
}
END_TEST

START_TEST(nonsense_is_passed_over)
{
    static const char *const rows[] = {
        "out_time_us=N/A\n",
        "out_time_us=-1\n",
        "out_time_us=\n",
        "out_time_us=5e6\n",
        "out_time_us=99999999999999999999999999\n",
        "xout_time_us=5000000\n",
        "out_time_us= 5000000\n",
        "\n\n\n",
        "====\n",
        "out_time_us="
        "5000000000000000000000000000000000000000000000000000000000000000000\n",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(after(10000, rows[i]) == 0, "%s", rows[i]);
    ck_assert_int_eq(after(0, "out_time_us=5000000\n"), 0);
    ck_assert_int_eq(after(-1, "out_time_us=5000000\n"), 0);
}
END_TEST

START_TEST(pieces_and_endless_lines_do_no_harm)
{
    static const char text[] = "out_time_us=5000000\n";
    struct progress p = {.duration_ms = 10000};
    char noise[4096];

    for (size_t i = 0; i + 1 < sizeof(text); i++)
        progress_take(&p, text + i, 1);
    ck_assert_int_eq(p.permille, 500);
    (void)memset(noise, 'x', sizeof(noise));
    for (int i = 0; i < 100; i++)
        progress_take(&p, noise, sizeof(noise));
    progress_take(&p, text, strlen("out_time_us=9")); /* still of the endless line */
    progress_take(&p, "\0\0\n", 3);
    progress_take(&p, "out_time_us=6000000\n", 20);
    ck_assert_int_eq(p.permille, 600);
}
END_TEST

UNIT_MAIN("media_progress", the_time_that_is_done_is_what_counts, nonsense_is_passed_over,
          pieces_and_endless_lines_do_no_harm)
