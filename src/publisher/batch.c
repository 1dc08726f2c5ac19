#include "batch.h"

#include "core/list.h"
#include "core/xalloc.h"
#include "run_priv.h"
#include "store/jobs_batch.h"

#include <assert.h>

/* At the same time for one kind of write. One alone would let the runs that wait for it
 * wait for the whole of the commit before theirs. */
enum { UNDER_WAY_MAX = 2 };

/* So many requests that are due wait for their turn: a burst, in which SENT waits, too.
 */
enum { BURST_TURNS = 200, HOLD_MAX_MS = 3000 };

static const enum flow_do kinds[] = {FLOW_DO_INTENT, FLOW_DO_PERSIST, FLOW_DO_GRANT,
                                     FLOW_DO_SENT, FLOW_DO_PUBLISHED};

struct lane {
    struct list waiting; /* struct run */
    size_t under_way;    /* batches on store threads */
    int64_t held_ms;     /* monotonic: since when it is held up, or 0 */
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
 * asks TikTok. What has not been sent yet is late already, and needs the processors. */
static bool is_held(struct batches *all, struct lane *lane)
{
    int64_t now_ms = publisher_mono_ms();

    if (lane != lane_of(all, FLOW_DO_SENT) || all->p->stopping ||
        turns_due_len(all->p->turns) < BURST_TURNS) {
        lane->held_ms = 0;
        return false;
    }
    if (lane->held_ms == 0)
        lane->held_ms = now_ms;
    return now_ms - lane->held_ms < HOLD_MAX_MS;
}

static void start(struct batches *all, struct lane *lane)
{
    struct batch *b;

    if (lane->waiting.len == 0 || lane->under_way == UNDER_WAY_MAX || is_held(all, lane))
        return;
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
    struct lane *lane = lane_of(all, FLOW_DO_SENT);

    assert(lane != NULL);
    while (lane->waiting.len > 0 && lane->under_way < UNDER_WAY_MAX &&
           !is_held(all, lane))
        start(all, lane);
}

struct batches *batches_new(struct publisher *p)
{
    struct batches *all = xcalloc(1, sizeof(*all));

    all->p = p;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        list_init(&all->lanes[i].waiting);
    return all;
}

void batches_free(struct batches *all)
{
    free(all);
}
