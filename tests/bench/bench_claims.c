/* bench_claims - what finding and taking due posts costs the database.
 *
 *     bench_claims DATABASE_URL ROUNDS
 *
 * Runs job_sweep() over all shards, job_upcoming() for the next two hours, and
 * job_claim() of what the sweep found, and gives the posts back. Prints the median
 * microseconds of sweep, upcoming and claim, and how many posts a claim took. To be run
 * without a publisher, with some posts due. */
#include "core/parse.h"
#include "core/xalloc.h"
#include "store/jobs.h"
#include "store/publishers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 10000, AHEAD_MS = 7200000 };

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_claims: %s\n", what);
    exit(EXIT_FAILURE);
}

static void must(enum rc rc, const struct err *err)
{
    if (rc != RC_OK)
        die(err->msg);
}

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;

    return (*x > *y) - (*x < *y);
}

static int64_t median(int64_t *us, size_t n)
{
    qsort(us, n, sizeof(*us), by_size);
    return us[n / 2];
}

struct bench {
    struct db *db;
    uint64_t inc;
    int64_t sweep_us, upcoming_us, claim_us;
    struct job_hint hints[JOB_SWEEP_MAX];
    size_t hints_len;
    size_t taken;
};

static void look(struct bench *b)
{
    const struct job_shards all = {0, JOB_SHARDS - 1};
    struct job_cursor cursor = {0};
    struct job_hint coming[JOB_SWEEP_MAX];
    size_t n = 0;
    struct err err;
    int64_t begin = now_us();

    must(job_sweep(b->db, all, 0, b->hints, &b->hints_len, &err), &err);
    b->sweep_us = now_us() - begin;
    begin = now_us();
    must(job_upcoming(b->db, AHEAD_MS, &cursor, coming, &n, &err), &err);
    b->upcoming_us = now_us() - begin;
}

static void claim(struct bench *b)
{
    uint64_t ids[JOB_CLAIM_MAX];
    struct job_claimed taken[JOB_CLAIM_MAX];
    struct job_claim c = {.inc = b->inc, .post_ids = ids, .out = taken};
    struct err err;
    int64_t begin;

    c.n = b->hints_len < JOB_CLAIM_MAX ? b->hints_len : JOB_CLAIM_MAX;
    for (size_t i = 0; i < c.n; i++)
        ids[i] = b->hints[i].post_id;
    begin = now_us();
    must(job_claim(b->db, &c, &err), &err);
    b->claim_us = now_us() - begin;
    b->taken = c.len;
    for (size_t i = 0; i < c.len; i++) {
        const struct job_ending release = {.how = JOB_END_RELEASE};
        const struct job_ref ref = {.post_id = taken[i].post_id,
                                    .workspace_id = taken[i].workspace_id,
                                    .fence = taken[i].fence,
                                    .inc = b->inc};

        must(job_end(b->db, &ref, &release, &err), &err);
    }
}

int main(int argc, char **argv)
{
    static int64_t sweeps[ROUNDS_MAX], upcomings[ROUNDS_MAX], claims[ROUNDS_MAX];
    struct bench b = {0};
    int64_t rounds = 0;
    int64_t now_ms;
    struct err err;

    if (argc != 3 || !parse_i64(argv[2], 1, ROUNDS_MAX, &rounds))
        die("usage: bench_claims DATABASE_URL ROUNDS");
    must(db_new(argv[1], &b.db, &err), &err);
    must(publisher_register(b.db, "bench", getpid(), &b.inc, &now_ms, &err), &err);
    for (int64_t i = 0; i < rounds; i++) {
        look(&b);
        claim(&b);
        sweeps[i] = b.sweep_us;
        upcomings[i] = b.upcoming_us;
        claims[i] = b.claim_us;
    }
    must(publisher_leave(b.db, b.inc, &err), &err);
    (void)printf("%" PRId64 " %" PRId64 " %" PRId64 " %zu\n",
                 median(sweeps, (size_t)rounds), median(upcomings, (size_t)rounds),
                 median(claims, (size_t)rounds), b.taken);
    db_free(b.db);
    return EXIT_SUCCESS;
}
