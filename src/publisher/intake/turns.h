/* publisher/intake/turns.h - whose request goes next, when not all can go at once.
 *
 * Requests wait in two classes: those whose time has come (a last chunk, which publishes)
 * before those that prepare. Within a class accounts take turns, one request each, so
 * that the four hundred chunks of one account's long film do not stand before the single
 * chunk of another's. Within an account they go in order.
 *
 * Of large pieces only TURNS_HEAVY_MAX are under way at a time: more of them would share
 * the same line, each become slower, and hold a buffer each. Small ones and questions
 * pass them.
 *
 * The budget, if there is one, is what we may send in a second, over all uploads. It
 * holds back what prepares; what is due goes whatever it says, and is charged. A chunk
 * may overdraw it: the next one waits until that is paid back.
 *
 * Owns nothing but its own bookkeeping; not thread-safe. Times are monotonic ms. */
#ifndef PUBLISHER_TURNS_H
#define PUBLISHER_TURNS_H

#include "core/attr.h"
#include "core/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TURNS_HEAVY_BYTES = 1000000, /* a piece of so many is large */
    TURNS_HEAVY_MAX = 48,
};

enum turn_class { TURN_DUE, TURN_EARLY, TURN_CLASSES };

struct turn_account; /* private */

/* Embedded in what waits; zeroed: it does not. */
struct turn {
    struct list_node node;   /* private */
    struct turn_account *of; /* private; not NULL while it waits */
    enum turn_class class;
    uint64_t account_id;
    int64_t bytes; /* of a file that the request would send */
};

struct turns;

/* bytes_per_s: the budget; 0: none. */
struct turns *turns_new(int64_t bytes_per_s);
void turns_free(struct turns *turns);

/* Queues it behind the others of its account; its fields are set. */
void turns_wait(struct turns *turns, struct turn *t);

/* It waits no longer; one that does not is fine. */
void turns_leave(struct turns *turns, struct turn *t);

/* Whether t, which does not wait, may go at once: the budget allows it and nobody who
 * waits in its class or before it would go first. */
bool turns_may_go(struct turns *turns, const struct turn *t, int64_t now_ms) MUST_CHECK;

/* Takes out who goes next; NULL: nobody, or nobody may for now. */
struct turn *turns_next(struct turns *turns, int64_t now_ms);

/* Puts back who was taken out and could not go, before everybody else. */
void turns_back(struct turns *turns, struct turn *t);

/* A request that sends so many bytes of a file has begun: it is charged to the budget;
 * and has ended, however. */
void turns_begun(struct turns *turns, int64_t bytes, int64_t now_ms);
void turns_ended(struct turns *turns, int64_t bytes);

/* Requests that have begun and not ended. */
size_t turns_under_way(const struct turns *turns);

/* The ms until turns_next() should be asked again because of the budget, at most max_ms:
 * what waits for something else is woken by that. And how many wait. */
int64_t turns_next_ms(const struct turns *turns, int64_t now_ms, int64_t max_ms);
size_t turns_len(const struct turns *turns);

/* Accounts with a request that waits and is due. */
size_t turns_due_len(const struct turns *turns);

#endif
