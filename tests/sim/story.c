/* One seed: what kind of story it is, how it goes, and how it is judged. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVENTS_MAX = 400000,
    AFTER_MS = 2400000, /* after the last end: what is still on its way arrives */
};
#define DAYS_MS INT64_C(500000000)

/* --- the beginning ------------------------------------------------------------- */

static unsigned one_of(struct dice *d, const unsigned *of, size_t n)
{
    return of[dice_next(d) % n];
}

static void choose_nature(struct sim *s)
{
    static const unsigned rates[] = {0, 5, 30, 100, 250};
    static const unsigned turns[] = {0, 50, 200, 500};
    struct dice *d = &s->dice;
    struct nature *n = &s->nature;

    n->pubs = (unsigned)dice_between(d, 1, PUBS_MAX);
    n->posts = (unsigned)dice_between(d, 1, POSTS_MAX);
    n->accounts = (unsigned)dice_between(d, 1, ACCOUNTS_MAX);
    n->lease_ms = dice_between(d, 1000, 60000);
    n->stop_ms = n->lease_ms / 3;
    n->grace_ms = n->lease_ms / 7;
    n->batch = (unsigned)dice_between(d, 1, 8);
    n->uploaders = dice_chance(d, 300) ? (unsigned)dice_between(d, 1, 7) : 0;
    n->calm = dice_chance(d, 100);
    n->delay_ms = 50;
    if (n->calm)
        return;
    n->delay_ms = dice_between(d, 1, 2000);
    n->lost = one_of(d, rates, ARRAY_LEN(rates));
    n->late = one_of(d, rates, ARRAY_LEN(rates));
    n->refused = one_of(d, rates, ARRAY_LEN(rates));
    n->db_again = one_of(d, rates, ARRAY_LEN(rates));
    n->db_unclear = one_of(d, rates, ARRAY_LEN(rates));
    n->crashes = one_of(d, turns, ARRAY_LEN(turns));
    n->pauses = one_of(d, turns, ARRAY_LEN(turns));
    n->outages = one_of(d, turns, ARRAY_LEN(turns));
    n->clocks = dice_chance(d, 200);
}

static void make_post(struct sim *s, unsigned i)
{
    struct dice *d = &s->dice;
    struct post *p = &s->post[i];
    unsigned deeds = s->nature.calm ? 0 : (unsigned)dice_between(d, 0, 3);

    *p = (struct post){.rows = {.state = JOB_SCHEDULED, .ver = 1},
                       .account = i % s->nature.accounts,
                       .chunks = (unsigned)dice_between(d, 1, 4),
                       .direct = dice_chance(d, 700),
                       .due_ms = dice_between(d, 10000, TROUBLE_MS - 10000),
                       .hint_ms = NEVER,
                       .edited = 1,
                       .sched_ver = 1};
    p->pull = dice_chance(d, 300);
    p->log = p->pull && dice_chance(d, 200);
    p->give_up_ms = p->due_ms + (dice_chance(d, 100) ? 300000 : 21600000);
    p->next_at_ms = p->due_ms - 2000 - 1000 * (int64_t)p->chunks;
    if (s->nature.calm || !dice_chance(d, 100))
        redis_enqueue(s, i, p->next_at_ms);
    for (unsigned k = 0; k < deeds; k++)
        sim_push(s,
                 p->due_ms + dice_between(d, -9000, dice_chance(d, 500) ? 3000 : 300000),
                 (struct event){.kind = EV_PERSON, .post = (uint16_t)i});
}

/* --- the story ----------------------------------------------------------------- */

static void happen(struct sim *s, const struct event *ev)
{
    switch ((enum event_kind)ev->kind) {
    case EV_TIKTOK:
        tiktok_worked(s, ev->post, (uint8_t)ev->tag);
        break;
    case EV_FETCH:
        tiktok_fetches(s, ev);
        break;
    case EV_PERSON:
        person_begins(s, ev->post);
        break;
    case EV_DEED:
        person_goes_on(s, ev);
        break;
    case EV_FAULT:
        fault_ends(s, ev);
        break;
    case EV_CALM:
        mend(s);
        break;
    case EV_START:
    case EV_BEAT:
    case EV_REAP:
    case EV_SWEEP:
    case EV_INTAKE:
    case EV_ACT:
    case EV_EFFECT:
    case EV_ANSWER:
    case EV_RESUME:
        publisher_event(s, ev);
        break;
    }
}

static bool all_ended(const struct sim *s)
{
    for (unsigned i = 0; i < s->nature.posts; i++) {
        if (s->post[i].rows.state < JOB_PUBLISHED)
            return false;
    }
    return s->mended;
}

static bool any_wrong(const struct sim *s)
{
    for (unsigned i = 0; i < s->nature.posts; i++) {
        if (s->post[i].wrong != NULL)
            return true;
    }
    return false;
}

static void tell(struct sim *s)
{
    struct event ev;
    int64_t ended_ms = 0;

    while (!any_wrong(s) && s->events < EVENTS_MAX && s->now_ms < DAYS_MS &&
           sim_pop(s, &ev)) {
        happen(s, &ev);
        if (!all_ended(s))
            ended_ms = 0;
        else if (ended_ms == 0)
            ended_ms = s->now_ms;
        if (ended_ms != 0 && s->now_ms > ended_ms + AFTER_MS)
            return;
    }
}

/* --- the judgement ------------------------------------------------------------- */

static size_t review_of(const char *why)
{
    static const char *const names[] = {[CRASHED_OFTEN] = "crashed_often",
                                        [OUTCOME_UNKNOWN] = "outcome_unknown",
                                        [WITNESS_CONFLICT] = "witness_conflict"};
    size_t i = 0;

    while (i < OTHER_REVIEW && (why == NULL || strcmp(names[i], why) != 0))
        i++;
    return i;
}

static const char *fault_of(const struct post *p)
{
    enum job_state state = (enum job_state)p->rows.state;

    if (p->wrong != NULL)
        return p->wrong;
    if (state < JOB_PUBLISHED)
        return "never came to an end (I3)";
    if (state == JOB_PUBLISHED && p->published != 1)
        return "PUBLISHED, but TikTok has not published it (I4)";
    if ((state == JOB_FAILED || state == JOB_CANCELED) && p->published != 0)
        return "ended as not published, but it is out (I4)";
    if (state == JOB_CANCELED && !p->cancel_asked)
        return "canceled by nobody (I2)";
    if (state == JOB_REVIEW && review_of(p->review) == WITNESS_CONFLICT && !p->unknown &&
        !p->robbed)
        return "nothing was forgotten, and the witness stands in the way";
    if (state == JOB_BLOCKED && p->published != 0)
        return "blocked, but it is out (I4)";
    return NULL;
}

static void judge(const struct sim *s, struct verdict *v)
{
    v->calm = s->nature.calm;
    v->events = s->events;
    for (unsigned i = 0; i < s->nature.posts; i++) {
        const struct post *p = &s->post[i];
        int64_t late_ms = p->last_ms - p->due_ms;
        const char *wrong = fault_of(p);

        v->ends[p->rows.state]++;
        if (p->rows.state == JOB_REVIEW)
            v->reviews[review_of(p->review)]++;
        if (wrong != NULL && v->wrong == NULL) {
            v->wrong = wrong;
            v->post = i;
        }
        if (s->nature.calm && p->rows.state == JOB_PUBLISHED && late_ms > v->latest_ms)
            v->latest_ms = late_ms;
    }
}

struct verdict story(uint64_t seed, const struct mutant *mutant, bool trace)
{
    static struct sim s;
    struct event *heap = s.heap;
    size_t room = s.heap_room;
    struct verdict v = {.wrong = NULL};

    s = (struct sim){.seed = seed,
                     .dice = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1},
                     .mutant = mutant,
                     .trace = trace,
                     .heap = heap,
                     .heap_room = room};
    choose_nature(&s);
    for (unsigned i = 0; i < s.nature.posts; i++)
        make_post(&s, i);
    for (unsigned p = 0; p < s.nature.pubs; p++)
        publisher_start(&s, p);
    if (!s.nature.calm)
        fault_turn(&s);
    sim_push(&s, TROUBLE_MS, (struct event){.kind = EV_CALM});
    tell(&s);
    judge(&s, &v);
    return v;
}
