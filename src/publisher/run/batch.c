#include "batch.h"

#include "core/list.h"
#include "core/xalloc.h"
#include "run_priv.h"
#include "store/jobs_batch.h"

#include <assert.h>

/* At the same time for one kind of write. One alone would let the runs that wait for it
 * wait for the whole of the commit before theirs. */
enum { UNDER_WAY_MAX = 2 };

/* SENT waits for others, or for a burst to be over: so many accounts with a request that
 * is due. */
enum { GATHER_MS = 100, BURST_TURNS = 200, BURST_MAX_MS = 3000 };

/* Every other write does so for a moment while so many requests are under way: the one
 * that it leads to could only take its share of the line from those, and the disk is
 * spared most commits. */
enum { BUSY_REQUESTS = 16, BUSY_ENOUGH = 16, BUSY_MS = 40 };

static const enum flow_do kinds[] = {FLOW_DO_INTENT, FLOW_DO_PERSIST, FLOW_DO_GRANT,
                                     FLOW_DO_SENT, FLOW_DO_PUBLISHED};

struct lane {
    struct timer timer;  /* when what is put off has waited long enough */
    struct list waiting; /* struct run */
    size_t under_way;    /* batches on store threads */
    int64_t held_ms;     /* monotonic: since when it is put off, or 0 */
};

struct batches {
    struct publisher *p;
    struct lane lanes[ARRAY_LEN(kinds)];
};

/* Some runs of a lane on their way through a store thread. */
struct batch {
    struct pool_work work; /* first, so that the work is the batch */
    struct batches *all;
    struct lane *lane;
    size_t n;
    struct run *runs[JOB_BATCH_MAX];
};

static struct batch *of_work(struct pool_work *w)
{
    return (struct batch *)(void *)w;
}

static void on_thread(struct pool_work *w, const struct pool_kit *kit)
{
    struct batch *b = of_work(w);

    if (b->n > 1 && run_all_on_store(b->runs, b->n, kit))
        return;
    for (size_t i = 0; i < b->n; i++)
        run_on_store(&b->runs[i]->work, kit);
}

static void start(struct batches *all, struct lane *lane);

static void done(struct pool_work *w)
{
    struct batch *b = of_work(w);

    b->lane->under_way--;
    start(b->all, b->lane);
    for (size_t i = 0; i < b->n; i++)
        run_came_back(b->runs[i]);
    free(b);
}

/* Those that were dropped while they waited are let go here. */
static void fill(struct batch *b)
{
    struct list *waiting = &b->lane->waiting;
    struct list_node *next = list_first(waiting);

    while (next != NULL && b->n < JOB_BATCH_MAX) {
        struct run *r = LIST_ENTRY(next, struct run, waiting);

        next = list_next(waiting, next);
        list_remove(waiting, &r->waiting);
        if (r->dropped)
            run_came_back(r);
        else
            b->runs[b->n++] = r;
    }
}

static struct lane *lane_of(struct batches *all, enum flow_do what)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i] == what)
            return &all->lanes[i];
    }
    return NULL;
}

/* That TikTok has every byte need not be written at once: without it, whoever comes next
 * asks TikTok. So it waits for others, which saves commits; and what has not been sent
 * yet, and is late already, goes before it. */
static int64_t sent_waits_ms(const struct batches *all, const struct lane *lane)
{
    if (turns_due_len(all->p->turns) >= BURST_TURNS)
        return BURST_MAX_MS;
    return lane->waiting.len < JOB_BATCH_MAX ? GATHER_MS : 0;
}

static int64_t waits_ms(struct batches *all, const struct lane *lane)
{
    if (all->p->stopping)
        return 0;
    if (lane == lane_of(all, FLOW_DO_SENT))
        return sent_waits_ms(all, lane);
    if (lane->waiting.len >= BUSY_ENOUGH ||
        turns_under_way(all->p->turns) < BUSY_REQUESTS)
        return 0;
    return BUSY_MS;
}

static bool is_put_off(struct batches *all, struct lane *lane)
{
    int64_t ms = waits_ms(all, lane);
    int64_t now_ms;

    if (ms == 0)
        return false;
    now_ms = publisher_mono_ms();
    if (lane->held_ms == 0)
        lane->held_ms = now_ms;
    if (lane->held_ms + ms > now_ms)
        timer_set(&all->p->timers, &lane->timer, lane->held_ms + ms);
    return lane->held_ms + ms > now_ms;
}

static bool may_start(struct batches *all, struct lane *lane)
{
    return lane->waiting.len > 0 && lane->under_way < UNDER_WAY_MAX &&
           !is_put_off(all, lane);
}

static void start(struct batches *all, struct lane *lane)
{
    struct batch *b;

    if (!may_start(all, lane))
        return;
    lane->held_ms = 0;
    b = xcalloc(1, sizeof(*b));
    b->all = all;
    b->lane = lane;
    b->work.run = on_thread;
    b->work.done = done;
    fill(b);
    if (b->n == 0) {
        free(b);
        return;
    }
    lane->under_way++;
    pool_submit(all->p->store, &b->work);
}

/* Alone: what TikTok fetches has an intent with a token, and may be named after its
 * grant. */
static bool is_lone(const struct run *r)
{
    return (r->action.what == FLOW_DO_INTENT &&
            r->flow.start.new_way != FLOW_BY_UPLOAD) ||
           (r->action.what == FLOW_DO_PERSIST && r->flow.granted);
}

bool batch_takes(const struct run *r)
{
    if (is_lone(r))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i] == r->action.what)
            return true;
    }
    return false;
}

void batch_add(struct batches *all, struct run *r)
{
    struct lane *lane = lane_of(all, r->action.what);

    assert(lane != NULL); /* batch_takes() said so */
    r->on_thread = true;
    list_push(&lane->waiting, &r->waiting);
    start(all, lane);
}

void batches_go_on(struct batches *all)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        start(all, &all->lanes[i]);
}

static void on_time(void *arg)
{
    batches_go_on((struct batches *)arg);
}

struct batches *batches_new(struct publisher *p)
{
    struct batches *all = xcalloc(1, sizeof(*all));

    all->p = p;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        all->lanes[i].timer = (struct timer){.fire = on_time, .arg = all};
        list_init(&all->lanes[i].waiting);
    }
    return all;
}

void batches_free(struct batches *all)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        timer_stop(&all->p->timers, &all->lanes[i].timer);
    free(all);
}
