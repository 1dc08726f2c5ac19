/* sim --seeds N [--from N]: tells N stories, then sees that broken rules are found.
 * sim --seed N [--mutant NAME] [--trace]: tells one again. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MUTANT_SEEDS = 20000, LATE_MS = 1000 };

static const struct mutant none = {.name = "none"};
static const struct mutant mutants[] = {
    {.name = "reinit", .reinit = true, .no_witness = true, .rules.no_live_index = true},
    {.name = "no-grant",
     .no_grant = true,
     .no_witness = true,
     .rules = {.no_grant_guard = true, .no_live_index = true}},
    {.name = "early-death", .early_death = true},
    {.name = "blind-rescue", .blind_rescue = true, .no_witness = true},
};

struct options {
    uint64_t from, seeds;
    const struct mutant *mutant;
    bool one, trace;
};

static const char *fault_of(const struct verdict *v)
{
    if (v->wrong == NULL && v->calm && v->latest_ms > LATE_MS)
        return "late though nothing broke";
    return v->wrong;
}

static int tell_one(const struct options *o)
{
    struct verdict v = story(o->from, o->mutant, o->trace);
    const char *wrong = fault_of(&v);

    if (wrong != NULL)
        printf("seed %llu: post %u: %s\n", (unsigned long long)o->from, v.post, wrong);
    else
        printf("seed %llu: fine, %zu events\n", (unsigned long long)o->from, v.events);
    return wrong != NULL;
}

static int tell_many(const struct options *o)
{
    static const char *const names[] = {
        [JOB_PUBLISHED] = "published", [JOB_FAILED] = "failed",
        [JOB_CANCELED] = "canceled",   [JOB_REVIEW] = "for a person to look at",
        [JOB_BLOCKED] = "blocked",
    };
    unsigned long long ends[JOB_BLOCKED + 1] = {0};
    unsigned long long reviews[REVIEWS] = {0};
    unsigned long long events = 0;
    int64_t latest_ms = 0;
    clock_t began = clock();

    for (uint64_t i = o->from; i < o->from + o->seeds; i++) {
        struct verdict v = story(i, &none, false);

        if (fault_of(&v) != NULL) {
            printf("seed %llu: post %u: %s\n  again: sim --seed %llu --trace\n",
                   (unsigned long long)i, v.post, fault_of(&v), (unsigned long long)i);
            return 1;
        }
        for (unsigned k = 0; k <= JOB_BLOCKED; k++)
            ends[k] += v.ends[k];
        for (unsigned k = 0; k < REVIEWS; k++)
            reviews[k] += v.reviews[k];
        events += v.events;
        latest_ms = v.latest_ms > latest_ms ? v.latest_ms : latest_ms;
    }
    printf("sim: %llu stories, %llu events, %.1f s:", (unsigned long long)o->seeds,
           events, (double)(clock() - began) / CLOCKS_PER_SEC);
    for (unsigned k = JOB_PUBLISHED; k <= JOB_BLOCKED; k++)
        printf(" %llu %s%s", ends[k], names[k], k < JOB_BLOCKED ? "," : "");
    printf("; the last byte %lld ms late at most where nothing broke\n",
           (long long)latest_ms);
    printf("sim: a person looks: %llu crashed often, %llu outcome unknown, %llu witness"
           " conflict, %llu other\n",
           reviews[CRASHED_OFTEN], reviews[OUTCOME_UNKNOWN], reviews[WITNESS_CONFLICT],
           reviews[OTHER_REVIEW]);
    return 0;
}

/* I1 or I2: what people were promised. */
static bool breaks_promise(const struct verdict *v)
{
    return v->wrong != NULL &&
           (strstr(v->wrong, "(I1)") != NULL || strstr(v->wrong, "(I2)") != NULL);
}

static int find_mutants(void)
{
    int missed = 0;

    for (size_t i = 0; i < ARRAY_LEN(mutants); i++) {
        struct verdict v = {.wrong = NULL};
        uint64_t seed = 0;

        while (!breaks_promise(&v) && seed < MUTANT_SEEDS)
            v = story(++seed, &mutants[i], false);
        printf("sim: mutant %-12s %s, seed %llu\n", mutants[i].name,
               breaks_promise(&v) ? v.wrong : "NOT FOUND", (unsigned long long)seed);
        missed += !breaks_promise(&v);
    }
    return missed;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--trace") == 0) {
            o->trace = true;
            continue;
        }
        if (strcmp(argv[i], "--seeds") == 0)
            o->seeds = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--from") == 0)
            o->from = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            o->from = strtoull(value, NULL, 10), o->one = true;
        else if (strcmp(argv[i], "--mutant") != 0)
            return false;
        for (size_t k = 0; k < ARRAY_LEN(mutants); k++) {
            if (strcmp(mutants[k].name, value) == 0)
                o->mutant = &mutants[k];
        }
        i++;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {.from = 1, .seeds = 1000, .mutant = &none};
    int rc;

    if (!read_options(argc, argv, &o)) {
        fprintf(stderr,
                "sim --seeds N [--from N] | --seed N [--mutant NAME] [--trace]\n");
        return 2;
    }
    if (o.one)
        return tell_one(&o);
    rc = tell_many(&o);
    return find_mutants() > 0 ? 1 : rc;
}
