/* publisher/pool.h - threads for what waits: the database, Redis, and whole tasks.
 *
 * The event loop never waits for a server. It submits work; a thread runs it with its
 * own connections (struct pool_kit); afterwards pool_reap(), called by the loop, calls
 * the work's done function on the loop's thread. Work is started in the order of
 * submission; nothing is said about the order of ends.
 *
 * There are two pools: one of short work (a statement or a transaction), which must not
 * be held up, and one of tasks, whose threads may wait for TikTok (publisher/call.h). */
#ifndef PUBLISHER_POOL_H
#define PUBLISHER_POOL_H

#include "core/err.h"
#include "core/list.h"

#include <stdbool.h>
#include <stddef.h>

struct db;
struct redis;

/* What a thread works with; valid while run() runs. */
struct pool_kit {
    struct db *db;
    struct redis *redis;
};

/* Embedded in whatever the work is about; owned by the submitter, untouched by others
 * from submission until done is called. */
struct pool_work {
    struct list_node node;                                        /* private */
    void (*run)(struct pool_work *w, const struct pool_kit *kit); /* on a thread */
    void (*done)(struct pool_work *w);                            /* on the loop */
};

struct pool_settings {
    const char *db_url, *redis_url; /* borrowed for the pool's life */
    size_t threads;                 /* > 0 */
    void (*wake)(void *arg);        /* called when work has ended, from any thread */
    void *wake_arg;
};

struct pool;

/* Starts the threads; they connect when there is work. RC_INVALID: a URL is wrong. The
 * caller ends *out with pool_free(). */
enum rc pool_new(const struct pool_settings *settings, struct pool **out,
                 struct err *err) MUST_CHECK;

/* Queues work. Only on the loop's thread, as pool_reap() and pool_busy(). */
void pool_submit(struct pool *pool, struct pool_work *w);

/* Calls done for all work that has ended; done may submit work. */
void pool_reap(struct pool *pool);

/* How much was submitted and not reaped yet. */
size_t pool_busy(const struct pool *pool);

/* Waits for running work, drops what was not begun or not reaped (without done), ends the
 * threads. NULL is fine. */
void pool_free(struct pool *pool);

#endif
