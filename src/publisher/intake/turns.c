#include "turns.h"

#include "core/xalloc.h"

#include <assert.h>

enum { BUCKETS = 256 };

/* The requests of one account that wait in one class. */
struct turn_account {
    struct list_node node;    /* in its bucket */
    struct list_node in_ring; /* its place among the accounts */
    struct list waiting;      /* struct turn */
    uint64_t id;
};

struct ring {
    struct list accounts; /* struct turn_account with somebody waiting; the first goes */
    struct list buckets[BUCKETS];
};

struct turns {
    struct ring rings[TURN_CLASSES];
    size_t len;
    int64_t bytes_per_s;
    int64_t owed;  /* bytes sent that the budget has not allowed yet */
    int64_t at_ms; /* when owed was so */
    size_t under_way;
    size_t heavy; /* large pieces of them */
    bool full;    /* the last one taken out could not go */
};

struct turns *turns_new(int64_t bytes_per_s)
{
    struct turns *turns = xcalloc(1, sizeof(*turns));

    turns->bytes_per_s = bytes_per_s;
    for (size_t c = 0; c < TURN_CLASSES; c++) {
        list_init(&turns->rings[c].accounts);
        for (size_t i = 0; i < BUCKETS; i++)
            list_init(&turns->rings[c].buckets[i]);
    }
    return turns;
}

static void forget(struct ring *ring, struct turn_account *a)
{
    list_remove(&ring->accounts, &a->in_ring);
    list_remove(&ring->buckets[a->id % BUCKETS], &a->node);
    free(a);
}

void turns_free(struct turns *turns)
{
    if (turns == NULL)
        return;
    for (size_t c = 0; c < TURN_CLASSES; c++) {
        struct list_node *n = list_first(&turns->rings[c].accounts);

        while (n != NULL) {
            struct turn_account *a = LIST_ENTRY(n, struct turn_account, in_ring);

            n = list_next(&turns->rings[c].accounts, n);
            free(a);
        }
    }
    free(turns);
}

static struct turn_account *account_of(struct ring *ring, uint64_t id)
{
    struct list *bucket = &ring->buckets[id % BUCKETS];
    struct turn_account *a;

    for (struct list_node *n = list_first(bucket); n != NULL; n = list_next(bucket, n)) {
        a = LIST_ENTRY(n, struct turn_account, node);
        if (a->id == id)
            return a;
    }
    a = xcalloc(1, sizeof(*a));
    a->id = id;
    list_init(&a->waiting);
    list_push(bucket, &a->node);
    list_push(&ring->accounts, &a->in_ring);
    return a;
}

void turns_wait(struct turns *turns, struct turn *t)
{
    t->of = account_of(&turns->rings[t->class], t->account_id);
    list_push(&t->of->waiting, &t->node);
    turns->len++;
}

void turns_back(struct turns *turns, struct turn *t)
{
    struct ring *ring = &turns->rings[t->class];

    t->of = account_of(ring, t->account_id);
    list_push_first(&t->of->waiting, &t->node);
    list_remove(&ring->accounts, &t->of->in_ring);
    list_push_first(&ring->accounts, &t->of->in_ring);
    turns->len++;
    turns->full = true;
}

static void take_out(struct turns *turns, struct turn *t)
{
    struct turn_account *a = t->of;

    list_remove(&a->waiting, &t->node);
    t->of = NULL;
    turns->len--;
    if (a->waiting.len == 0)
        forget(&turns->rings[t->class], a);
}

void turns_leave(struct turns *turns, struct turn *t)
{
    if (t->of != NULL)
        take_out(turns, t);
}

/* What the passing of time has paid back. */
static int64_t owed_at(const struct turns *turns, int64_t now_ms)
{
    int64_t paid = (now_ms - turns->at_ms) * (turns->bytes_per_s / 1000);

    return paid < turns->owed ? turns->owed - paid : 0;
}

static bool affordable(const struct turns *turns, const struct turn *t, int64_t now_ms)
{
    if (t->bytes >= TURNS_HEAVY_BYTES && turns->heavy >= TURNS_HEAVY_MAX)
        return false;
    return turns->bytes_per_s == 0 || t->class == TURN_DUE || t->bytes == 0 ||
           owed_at(turns, now_ms) == 0;
}

void turns_begun(struct turns *turns, int64_t bytes, int64_t now_ms)
{
    turns->under_way++;
    turns->heavy += bytes >= TURNS_HEAVY_BYTES ? 1 : 0;
    if (turns->bytes_per_s == 0)
        return;
    turns->owed = owed_at(turns, now_ms) + bytes;
    turns->at_ms = now_ms;
}

void turns_ended(struct turns *turns, int64_t bytes)
{
    turns->under_way--;
    turns->heavy -= bytes >= TURNS_HEAVY_BYTES ? 1 : 0;
}

size_t turns_under_way(const struct turns *turns)
{
    return turns->under_way;
}

bool turns_may_go(struct turns *turns, const struct turn *t, int64_t now_ms)
{
    for (size_t c = 0; c <= (size_t)t->class; c++) {
        if (turns->rings[c].accounts.len > 0)
            return false;
    }
    return affordable(turns, t, now_ms);
}

/* The first account whose next request may go, moved behind the others. */
static struct turn *next_of(struct turns *turns, struct ring *ring, int64_t now_ms)
{
    for (struct list_node *n = list_first(&ring->accounts); n != NULL;
         n = list_next(&ring->accounts, n)) {
        struct turn_account *a = LIST_ENTRY(n, struct turn_account, in_ring);
        struct list_node *first = list_first(&a->waiting);
        struct turn *t;

        assert(first != NULL); /* an account without turns is forgotten */
        t = LIST_ENTRY(first, struct turn, node);
        if (!affordable(turns, t, now_ms))
            continue;
        list_remove(&ring->accounts, &a->in_ring);
        list_push(&ring->accounts, &a->in_ring);
        take_out(turns, t);
        return t;
    }
    return NULL;
}

struct turn *turns_next(struct turns *turns, int64_t now_ms)
{
    struct turn *t = NULL;

    turns->full = false;
    for (size_t c = 0; c < TURN_CLASSES && t == NULL; c++)
        t = next_of(turns, &turns->rings[c], now_ms);
    return t;
}

int64_t turns_next_ms(const struct turns *turns, int64_t now_ms, int64_t max_ms)
{
    int64_t per_ms = turns->bytes_per_s / 1000;
    int64_t ms;

    if (turns->len == 0 || turns->full || per_ms == 0)
        return max_ms;
    ms = (owed_at(turns, now_ms) + per_ms - 1) / per_ms;
    return ms > 0 && ms < max_ms ? ms : max_ms;
}

size_t turns_due_len(const struct turns *turns)
{
    return turns->rings[TURN_DUE].accounts.len;
}

size_t turns_len(const struct turns *turns)
{
    return turns->len;
}
