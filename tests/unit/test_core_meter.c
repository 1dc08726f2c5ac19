/* meter: counters and histograms, and how they are written. */
#include "core/meter.h"
#include "unit.h"

#include <string.h>

static const char *text(void)
{
    static struct strbuf sb;

    strbuf_release(&sb);
    strbuf_init(&sb, 16384);
    meter_write(&sb);
    ck_assert(!strbuf_failed(&sb));
    return sb.buf;
}

static void has(const char *line)
{
    ck_assert_msg(strstr(text(), line) != NULL, "%s is not in\n%s", line, text());
}

START_TEST(a_counter_only_grows_and_has_a_line)
{
    meter_add(METER_REVIEW, 1);
    meter_add(METER_REVIEW, 2);
    ck_assert_uint_eq(meter_read(METER_REVIEW), 3);
    has("\nreview 3\n");
    has("\nhttp_429 0\n");
    ck_assert(strncmp(text(), "claims 0\n", 9) == 0);
}
END_TEST

START_TEST(a_gauge_says_how_it_stands_now)
{
    meter_set(METER_CLOCK_OFFSET, 7);
    meter_set(METER_CLOCK_OFFSET, -12);
    has("\nclock_offset_ms -12\n");
    has("\nin_hands 0\n");
}
END_TEST

START_TEST(a_span_falls_into_its_bucket_and_all_wider_ones)
{
    meter_span(METER_COMMIT_LATE, -40); /* early is not late */
    meter_span(METER_COMMIT_LATE, 50);
    meter_span(METER_COMMIT_LATE, 51);
    meter_span(METER_COMMIT_LATE, 1000);
    meter_span(METER_COMMIT_LATE, 3600000);
    has("commit_late_seconds_bucket:0.05 2\n");
    has("commit_late_seconds_bucket:0.1 3\n");
    has("commit_late_seconds_bucket:0.5 3\n");
    has("commit_late_seconds_bucket:1 4\n");
    has("commit_late_seconds_bucket:300 4\n");
    has("commit_late_seconds_bucket:+Inf 5\n");
    has("commit_late_seconds_sum 3601.101\n");
    has("commit_late_seconds_count 5\n");
    has("claim_late_seconds_count 0\n");
}
END_TEST

UNIT_MAIN("core_meter", a_counter_only_grows_and_has_a_line,
          a_gauge_says_how_it_stands_now, a_span_falls_into_its_bucket_and_all_wider_ones)
