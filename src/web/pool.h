/* web/pool.h - what the parent and its workers see of one another: shared memory.
 *
 * Each worker writes its own slot only; the parent clears the slot of a worker that died,
 * so that nothing a worker held outlives it. */
#ifndef SRC_WEB_POOL_H
#define SRC_WEB_POOL_H

#include "core/err.h"
#include "web/request.h"
#include "web/server.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct pool_slot {
    atomic_int waiting; /* enum web_wait, between web_wait_begin() and web_wait_end() */
    char request_id[WEB_ID_SIZE]; /* worked on, for the parent's log; "": none */
};

struct pool {
    size_t workers;
    atomic_uint_fast64_t answers[WEB_CLASSES]; /* by the status's first digit */
    struct pool_slot slots[WEB_WORKERS_MAX];
};

/* Shared with all processes forked from now on. RC_UNAVAILABLE: no memory. */
enum rc pool_new(struct pool **pool, size_t workers, struct err *err) MUST_CHECK;
void pool_free(struct pool *pool);

/* Forgets what the slot's worker held. */
void pool_clear(struct pool *pool, size_t slot);

/* From now on this process is the slot's worker: web_wait_begin() counts it. */
void pool_join(struct pool *pool, size_t slot);

/* This worker has answered with a status. */
void pool_answered(int status);

#endif
