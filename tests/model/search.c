/* Breadth first through every state, so that the first fault is reached by a shortest
 * way; then backwards from the ends, to see that none is out of reach. */
#include "core/xalloc.h"
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATES_MAX = 1 << 24, SLOTS = 1 << 25, EDGES_START = 1 << 20 };

struct search {
    const struct config *c;
    struct key *keys;
    uint32_t *parent;
    uint32_t *slots; /* index + 1, open addressing */
    uint32_t n;
    uint32_t *edges; /* targets, in the order of their states */
    size_t *edge_from;
    size_t edge_n, edge_room;
    bool *good; /* an end can be reached */
    struct result res;
};

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}

static uint64_t hash(const struct key *k)
{
    uint64_t h = 0;

    for (unsigned i = 0; i < KEY_WORDS; i++)
        h = mix(h + k->word[i] + i);
    return h;
}

/* The state's number; new ones are added. */
static uint32_t number_of(struct search *s, const struct key *key, uint32_t parent)
{
    size_t at = hash(key) % SLOTS;

    for (; s->slots[at] != 0; at = (at + 1) % SLOTS) {
        if (key_same(&s->keys[s->slots[at] - 1], key))
            return s->slots[at] - 1;
    }
    if (s->n == STATES_MAX) {
        s->res.full = true;
        return 0;
    }
    s->keys[s->n] = *key;
    s->parent[s->n] = parent;
    s->slots[at] = ++s->n;
    return s->n - 1;
}

struct visit {
    struct search *s;
    uint32_t from;
};

static void visit(struct moves *m, const struct world *w, const char *words UNUSED)
{
    struct visit *v = m->ctx;
    struct search *s = v->s;
    struct key key = key_of(s->c, w);
    uint32_t to = number_of(s, &key, v->from);

    s->res.moves++;
    if (s->edge_n == s->edge_room) {
        s->edge_room *= 2;
        s->edges = xreallocarray(s->edges, s->edge_room, sizeof(*s->edges));
    }
    s->edges[s->edge_n++] = to;
}

/* --- the way to a fault, in words ---------------------------------------------- */

struct telling {
    const struct config *c;
    struct key want;
    struct world found;
    char words[WORDS_MAX];
    bool done;
};

static void tell(struct moves *m, const struct world *w, const char *words)
{
    struct telling *t = m->ctx;
    struct key key = key_of(t->c, w);

    if (t->done || !key_same(&key, &t->want))
        return;
    t->done = true;
    t->found = *w;
    world_forget(t->c, &t->found);
    (void)snprintf(t->words, sizeof(t->words), "%s", words);
}

/* The names that the first state gave are kept all the way. */
static void print_way(const struct search *s, uint32_t last)
{
    uint32_t way[256] = {0};
    size_t n = 0;
    struct telling t = {.c = s->c};
    struct moves m = {.c = s->c, .tell = true, .next = tell, .ctx = &t};

    for (uint32_t at = last; at != 0 && n < ARRAY_LEN(way); at = s->parent[at])
        way[n++] = at;
    world_begin(s->c, &t.found);
    for (size_t i = 0; i < n; i++) {
        struct world from = t.found;

        t.want = s->keys[way[n - 1 - i]];
        t.done = false;
        model_moves(&m, &from);
        printf("    %2zu. %s\n", i + 1, t.done ? t.words : "?");
    }
}

/* --- the search ---------------------------------------------------------------- */

static void visit_all(struct search *s, bool verbose)
{
    uint32_t level_end = 1;

    for (uint32_t i = 0; i < s->n && !s->res.full; i++) {
        struct world w;
        struct visit v = {s, i};
        struct moves m = {.c = s->c, .next = visit, .ctx = &v};

        if (i == level_end) {
            level_end = s->n;
            s->res.depth++;
        }
        key_read(s->c, &s->keys[i], &w);
        s->edge_from[i] = s->edge_n;
        s->res.fault = world_fault(s->c, &w);
        if (s->res.fault != NULL) {
            if (verbose)
                print_way(s, i);
            return;
        }
        s->good[i] = world_settled(&w);
        model_moves(&m, &w);
        if (m.bounded) {
            s->res.bounded++;
            s->good[i] = true;
        }
    }
    s->edge_from[s->n] = s->edge_n;
}

/* A state is good when one that can follow is; mostly those that come later are. */
static void find_stuck(struct search *s)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (uint32_t i = s->n; i-- > 0;) {
            bool good = s->good[i];

            for (size_t e = s->edge_from[i]; e < s->edge_from[i + 1] && !good; e++)
                good = s->good[s->edges[e]];
            changed = changed || good != s->good[i];
            s->good[i] = good;
        }
    }
    for (uint32_t i = 0; i < s->n; i++)
        s->res.stuck += s->good[i] ? 0 : 1;
}

static uint32_t first_stuck(const struct search *s)
{
    uint32_t i = 0;

    while (i < s->n && s->good[i])
        i++;
    return i;
}

struct result search(const struct config *c, bool verbose)
{
    struct search s = {.c = c, .edge_room = EDGES_START};
    struct world w;
    struct key key;
    struct result res;

    s.keys = xmalloc(sizeof(*s.keys) * STATES_MAX);
    s.parent = xmalloc(sizeof(*s.parent) * STATES_MAX);
    s.edge_from = xmalloc(sizeof(*s.edge_from) * (STATES_MAX + 1));
    s.slots = xcalloc(SLOTS, sizeof(*s.slots));
    s.good = xcalloc(STATES_MAX, sizeof(*s.good));
    s.edges = xmalloc(sizeof(*s.edges) * s.edge_room);
    world_begin(c, &w);
    key = key_of(c, &w);
    (void)number_of(&s, &key, 0);
    visit_all(&s, verbose);
    if (s.res.fault == NULL && !s.res.full)
        find_stuck(&s);
    if (s.res.stuck > 0 && verbose)
        print_way(&s, first_stuck(&s));
    s.res.states = s.n;
    res = s.res;
    free(s.keys);
    free(s.parent);
    free(s.edge_from);
    free(s.slots);
    free(s.good);
    free(s.edges);
    return res;
}
