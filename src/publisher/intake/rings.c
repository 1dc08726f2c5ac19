#include "rings.h"

#include "core/attr.h"
#include "core/list.h"
#include "core/xalloc.h"

enum { BUCKETS = 256, CALLS_MAX = QUEUE_STATUS_LIMIT };

/* The last calls of one account and kind, a circle. */
struct window {
    struct list_node node;
    uint64_t account_id;
    enum queue_ring ring;
    int64_t at_ms[CALLS_MAX];
    size_t next; /* where the next call goes: the oldest one */
    size_t len;
};

struct rings {
    struct list buckets[BUCKETS];
    size_t len;
};

static size_t limit_of(enum queue_ring ring)
{
    static const size_t limits[] = {
        [QUEUE_RING_STATUS] = QUEUE_STATUS_LIMIT,
        [QUEUE_RING_CREATOR] = QUEUE_CREATOR_LIMIT,
    };

    return limits[ring];
}

struct rings *rings_new(void)
{
    struct rings *rings = xcalloc(1, sizeof(*rings));

    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&rings->buckets[i]);
    return rings;
}

void rings_free(struct rings *rings)
{
    if (rings == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct list_node *n = list_first(&rings->buckets[i]);

        while (n != NULL) {
            struct window *w = LIST_ENTRY(n, struct window, node);

            n = list_next(&rings->buckets[i], n);
            free(w);
        }
    }
    free(rings);
}

static void forget(struct rings *rings, struct list *bucket, struct window *w)
{
    list_remove(bucket, &w->node);
    rings->len--;
    free(w);
}

static int64_t newest(const struct window *w)
{
    size_t limit = limit_of(w->ring);

    return w->at_ms[(w->next + limit - 1) % limit];
}

/* The account's window, or NULL. What lies idle in the same bucket goes. */
static struct window *find(struct rings *rings, enum queue_ring ring, uint64_t account_id,
                           int64_t now_ms)
{
    struct list *bucket = &rings->buckets[account_id % BUCKETS];
    struct list_node *n = list_first(bucket);
    struct window *found = NULL;

    while (n != NULL) {
        struct window *w = LIST_ENTRY(n, struct window, node);

        n = list_next(bucket, n);
        if (w->account_id == account_id && w->ring == ring)
            found = w;
        else if (newest(w) + QUEUE_WINDOW_MS <= now_ms)
            forget(rings, bucket, w);
    }
    return found;
}

static struct window *make(struct rings *rings, enum queue_ring ring, uint64_t account_id)
{
    struct window *w = xcalloc(1, sizeof(*w));

    w->account_id = account_id;
    w->ring = ring;
    list_push(&rings->buckets[account_id % BUCKETS], &w->node);
    rings->len++;
    return w;
}

int64_t rings_pass(struct rings *rings, enum queue_ring ring, uint64_t account_id,
                   int64_t now_ms)
{
    struct window *w = find(rings, ring, account_id, now_ms);
    size_t limit = limit_of(ring);

    if (w == NULL)
        w = make(rings, ring, account_id);
    if (w->len == limit && w->at_ms[w->next] + QUEUE_WINDOW_MS > now_ms)
        return w->at_ms[w->next] + QUEUE_WINDOW_MS - now_ms;
    w->at_ms[w->next] = now_ms;
    w->next = (w->next + 1) % limit;
    w->len += w->len < limit ? 1 : 0;
    return 0;
}

size_t rings_len(const struct rings *rings)
{
    return rings->len;
}
