/* core/list.h - a doubly linked list whose links live in the elements.
 *
 *     struct job { struct list_node node; ... };
 *     struct list jobs;
 *     list_init(&jobs);
 *     list_push(&jobs, &job->node);
 *     struct job *first = LIST_ENTRY(list_first(&jobs), struct job, node);
 *
 * The list owns nothing: taking an element out does not free it. An element is in at
 * most one list per node. */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *prev;
    struct list_node *next;
};

struct list {
    struct list_node head; /* private: head.next is the first element */
    size_t len;            /* number of elements; read freely */
};

#define LIST_ENTRY(ptr, type, member)                                                    \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->head.prev = &l->head;
    l->head.next = &l->head;
    l->len = 0;
}

/* Puts n last. n must not be in a list. */
static inline void list_push(struct list *l, struct list_node *n)
{
    n->prev = l->head.prev;
    n->next = &l->head;
    l->head.prev->next = n;
    l->head.prev = n;
    l->len++;
}

/* Puts n first. n must not be in a list. */
static inline void list_push_first(struct list *l, struct list_node *n)
{
    n->prev = &l->head;
    n->next = l->head.next;
    l->head.next->prev = n;
    l->head.next = n;
    l->len++;
}

/* Takes n, which must be in l, out. */
static inline void list_remove(struct list *l, struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = NULL;
    n->next = NULL;
    l->len--;
}

/* The first element, or NULL when l is empty. */
static inline struct list_node *list_first(const struct list *l)
{
    return l->len > 0 ? l->head.next : NULL;
}

/* The element after n, or NULL when n is the last of l. */
static inline struct list_node *list_next(const struct list *l, const struct list_node *n)
{
    return n->next != &l->head ? n->next : NULL;
}

#endif
