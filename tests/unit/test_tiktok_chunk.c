/* tiktok/chunk: plans of every size against every rule, and what an answer means. */
#include "core/attr.h"
#include "tiktok/chunk.h"
#include "unit.h"

#include <inttypes.h>
#include <string.h>

static struct tiktok_chunk_plan plan_of(int64_t size)
{
    struct tiktok_chunk_plan plan;
    struct err err;

    if (tiktok_chunk_plan(size, &plan, &err) != RC_OK)
        ck_abort_msg("%" PRId64, size);
    return plan;
}

START_TEST(the_plan_is_that_of_the_documented_vectors)
{
    /* docs/tiktok.md 6.1 */
    static const struct {
        int64_t size, chunk, count, last;
        const char *range;
    } cases[] = {
        {1, 1, 1, 1, "bytes 0-0/1"},
        {4999999, 4999999, 1, 4999999, "bytes 0-4999998/4999999"},
        {10000001, 10000001, 1, 10000001, "bytes 0-10000000/10000001"},
        {20000000, 20000000, 1, 20000000, "bytes 0-19999999/20000000"},
        {20000001, 10000000, 2, 10000001, "bytes 10000000-20000000/20000001"},
        {64000000, 10000000, 6, 14000000, "bytes 50000000-63999999/64000000"},
        {64000001, 10000000, 6, 14000001, "bytes 50000000-64000000/64000001"},
        {66259900, 10000000, 6, 16259900, "bytes 50000000-66259899/66259900"},
        {70000000, 10000000, 7, 10000000, "bytes 60000000-69999999/70000000"},
        {128000001, 10000000, 12, 18000001, "bytes 110000000-128000000/128000001"},
        {158008374, 10000000, 15, 18008374, "bytes 140000000-158008373/158008374"},
        {4000000000, 10000000, 400, 10000000, "bytes 3990000000-3999999999/4000000000"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_chunk_plan plan = plan_of(cases[i].size);
        char range[TIKTOK_RANGE_SIZE];

        ck_assert_int_eq(plan.chunk_size, cases[i].chunk);
        ck_assert_int_eq(plan.count, cases[i].count);
        ck_assert_int_eq(tiktok_chunk_len(&plan, plan.count - 1), cases[i].last);
        tiktok_chunk_range(&plan, plan.count - 1, range);
        ck_assert_str_eq(range, cases[i].range);
    }
}
END_TEST

START_TEST(nothing_and_too_much_are_refused)
{
    static const struct {
        int64_t size;
        const char *code;
    } cases[] = {
        {0, "video_empty"},
        {-1, "video_empty"},
        {INT64_MIN, "video_empty"},
        {TIKTOK_VIDEO_MAX + 1, "video_too_large"},
        {INT64_MAX, "video_too_large"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_chunk_plan plan = {7, 7, 7};
        struct err err;

        ck_assert_int_eq(tiktok_chunk_plan(cases[i].size, &plan, &err), RC_INVALID);
        ck_assert_str_eq(err.code, cases[i].code);
        ck_assert_int_eq(plan.size, 7);
    }
}
END_TEST

/* The chunks are every byte once and in order. */
static const char *broken_order(const struct tiktok_chunk_plan *p)
{
    int64_t at = 0;

    for (int64_t n = 0; n < p->count; n++) {
        int64_t len = tiktok_chunk_len(p, n);

        if (tiktok_chunk_first(p, n) != at)
            return "a chunk does not begin where the last one ended";
        if (len <= 0 || (n < p->count - 1 && len != p->chunk_size))
            return "a chunk is not as long as declared";
        at += len;
    }
    return at == p->size ? NULL : "bytes are left over";
}

/* What TikTok documents and what its servers were seen to check, in the stricter reading
 * of MB at each end (docs/tiktok.md 6.1). The rule that is broken, or NULL. */
static const char *broken_rule(const struct tiktok_chunk_plan *p, int64_t size)
{
    int64_t last = tiktok_chunk_len(p, p->count - 1);

    if (p->size != size || p->count < 1 || p->count > 1000)
        return "1 to 1000 chunks";
    if (p->count != size / p->chunk_size)
        return "total_chunk_count is the quotient rounded down";
    if (p->chunk_size > 64000000)
        return "a chunk has at most 64 MB";
    if (p->count == 1 && p->chunk_size != size)
        return "a single chunk is the whole video";
    if (last > 20000000)
        return "what publishes is at most 20 MB, and the rest is sent before";
    if (size < 5242880 ? p->chunk_size != size : p->chunk_size < 5242880)
        return "a chunk has at least 5 MB, or is the video";
    if (last < p->chunk_size || last > 128000000)
        return "the last chunk takes the remainder and has at most 128 MB";
    if ((p->count - 1) * p->chunk_size + last != size)
        return "the chunks are the video";
    return NULL;
}

static void check_around(int64_t size)
{
    for (int64_t n = size - 3; n <= size + 3; n++) {
        struct tiktok_chunk_plan p;
        const char *broken;

        if (n <= 0 || n > TIKTOK_VIDEO_MAX)
            continue;
        p = plan_of(n);
        broken = broken_rule(&p, n);
        if (broken == NULL)
            broken = broken_order(&p);
        ck_assert_msg(broken == NULL, "%" PRId64 ": %s", n, broken);
    }
}

START_TEST(every_size_gives_a_plan_that_obeys_every_rule)
{
    static const int64_t borders[] = {1,         5000000,   5242880,
                                      20000000,  64000000,  67108864,
                                      128000000, 134217728, TIKTOK_VIDEO_MAX};
    uint64_t seed = 88172645463325252U; /* xorshift: the same sizes in every run */

    for (size_t i = 0; i < ARRAY_LEN(borders); i++)
        check_around(borders[i]);
    /* wherever the number of chunks changes, and halfway between */
    for (int64_t size = 0; size <= TIKTOK_VIDEO_MAX; size += TIKTOK_CHUNK_SIZE / 2)
        check_around(size);
    for (int i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        check_around(1 + (int64_t)(seed % (uint64_t)TIKTOK_VIDEO_MAX));
    }
}
END_TEST

/* From one size at which the number of chunks changes to the next the plan grows evenly,
 * and the test above has both ends of each such stretch, chunk by chunk. This one knows
 * nothing of stretches: every rule for sizes all over the range, every hundredth or so.
 * (4,000,000,000 of them, with a step of 1, hold as well; they take half a minute.) */
START_TEST(sizes_all_over_the_range_obey_every_rule)
{
    enum { STEP = 97 }; /* a prime: no remainder of a chunk is left out */

    for (int64_t size = 1; size <= TIKTOK_VIDEO_MAX; size += STEP) {
        struct tiktok_chunk_plan p = plan_of(size);
        const char *broken = broken_rule(&p, size);

        if (broken != NULL)
            ck_abort_msg("%" PRId64 ": %s", size, broken);
    }
}
END_TEST

START_TEST(an_upload_resumes_at_a_border_only)
{
    static const struct {
        int64_t size, bytes;
        bool fits;
        int64_t n;
    } cases[] = {
        {121000000, 0, true, 0},
        {121000000, 10000000, true, 1},
        {121000000, 9999999, true, 1}, /* a last index */
        {121000000, 110000000, true, 11},
        {121000000, 120000000, false, 0}, /* within the long last chunk */
        {121000000, 119999999, false, 0},
        {121000000, 121000000, true, 12},
        {121000000, 120999999, true, 12},
        {121000000, 121000001, false, 0},
        {121000000, 5, false, 0},
        {121000000, 10000001, false, 0},
        {121000000, -1, false, 0},
        {121000000, INT64_MAX, false, 0},
        {121000000, INT64_MIN, false, 0},
        {1000, 0, true, 0},
        {1000, 999, true, 1},
        {1000, 1000, true, 1},
        {1000, 500, false, 0},
        {1, 0, true, 0}, /* none or a last index: sending again is the safe reading */
        {1, 1, true, 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_chunk_plan plan = plan_of(cases[i].size);
        int64_t n = 0;

        ck_assert_msg(tiktok_chunk_resume(&plan, cases[i].bytes, &n) == cases[i].fits,
                      "case %zu", i);
        ck_assert_msg(n == cases[i].n, "case %zu: %" PRId64, i, n);
    }
}
END_TEST

START_TEST(each_answer_to_a_chunk_has_one_consequence)
{
    /* size 121,000,000: twelve chunks, n = 11 is the last */
    static const struct {
        int64_t n;
        int status;
        const char *range;
        enum tiktok_upload what;
        int64_t next;
    } cases[] = {
        {0, 206, "bytes 0-9999999/121000000", TIKTOK_UPLOAD_NEXT, 1},
        {0, 206, NULL, TIKTOK_UPLOAD_NEXT, 1},
        {0, 200, NULL, TIKTOK_UPLOAD_NEXT, 1},
        {0, 201, NULL, TIKTOK_UPLOAD_NEXT, 1},
        {10, 206, NULL, TIKTOK_UPLOAD_NEXT, 11},
        {11, 201, NULL, TIKTOK_UPLOAD_DONE, 0},
        {11, 200, NULL, TIKTOK_UPLOAD_DONE, 0},
        {11, 206, NULL, TIKTOK_UPLOAD_DONE, 0},
        {3, 500, NULL, TIKTOK_UPLOAD_AGAIN, 3},
        {3, 502, NULL, TIKTOK_UPLOAD_AGAIN, 3},
        {3, 503, NULL, TIKTOK_UPLOAD_AGAIN, 3},
        {3, 429, NULL, TIKTOK_UPLOAD_AGAIN, 3},
        {3, 408, NULL, TIKTOK_UPLOAD_AGAIN, 3},
        {3, 400, NULL, TIKTOK_UPLOAD_REFUSED, 0},
        {3, 413, NULL, TIKTOK_UPLOAD_REFUSED, 0},
        {3, 302, NULL, TIKTOK_UPLOAD_REFUSED, 0},
        {3, 100, NULL, TIKTOK_UPLOAD_REFUSED, 0},
        {3, 403, NULL, TIKTOK_UPLOAD_EXPIRED, 0},
        {3, 404, NULL, TIKTOK_UPLOAD_EXPIRED, 0},
        {3, 405, NULL, TIKTOK_UPLOAD_EXPIRED, 0},
        {3, 410, NULL, TIKTOK_UPLOAD_EXPIRED, 0},
        {1, 416, "bytes 0-19999999/121000000", TIKTOK_UPLOAD_SKIP, 2},
        {1, 416, "bytes 0-20000000/121000000", TIKTOK_UPLOAD_SKIP, 2},
        {5, 416, "bytes 0-9999999/121000000", TIKTOK_UPLOAD_SKIP, 1},
        {5, 416, "bytes 0-0/121000000", TIKTOK_UPLOAD_SKIP, 0},
        {11, 416, "bytes 0-120999999/121000000", TIKTOK_UPLOAD_DONE, 0},
        {11, 416, "bytes 0-121000000/121000000", TIKTOK_UPLOAD_DONE, 0},
        {5, 416, NULL, TIKTOK_UPLOAD_ASK, 0},
        {5, 416, "", TIKTOK_UPLOAD_ASK, 0},
        {5, 416, "bytes 0-19999999/70000000", TIKTOK_UPLOAD_ASK, 0},
        {5, 416, "bytes 0-19999999/*", TIKTOK_UPLOAD_ASK, 0},
        {5, 416, "bytes */121000000", TIKTOK_UPLOAD_ASK, 0},
        {5, 416, "bytes 0-12345/121000000", TIKTOK_UPLOAD_ASK, 0},
        {5, 416, "bytes 0-/121000000", TIKTOK_UPLOAD_ASK, 0},
        {5, 416, "bytes 0--1/121000000", TIKTOK_UPLOAD_ASK, 0},
        {5, 416, "bytes 0-99999999999999999999/121000000", TIKTOK_UPLOAD_ASK, 0},
        {5, 416, "bytes 0-19999999", TIKTOK_UPLOAD_ASK, 0},
    };
    struct tiktok_chunk_plan plan = plan_of(121000000);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_upload_step step =
            tiktok_upload_step(&plan, cases[i].n, cases[i].status, cases[i].range);

        ck_assert_msg(step.what == cases[i].what, "case %zu: %d", i, (int)step.what);
        ck_assert_msg(step.next == cases[i].next, "case %zu: %" PRId64, i, step.next);
    }
}
END_TEST

UNIT_MAIN("tiktok_chunk", the_plan_is_that_of_the_documented_vectors,
          nothing_and_too_much_are_refused, every_size_gives_a_plan_that_obeys_every_rule,
          sizes_all_over_the_range_obey_every_rule, an_upload_resumes_at_a_border_only,
          each_answer_to_a_chunk_has_one_consequence)
