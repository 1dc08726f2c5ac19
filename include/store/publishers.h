/* store/publishers.h - process leases: one row for each live publisher process.
 *
 * A process proves with a heartbeat every PUBLISHER_BEAT_MS that it lives; when its lease
 * of PUBLISHER_LEASE_MS has run out, any other process ("reap") frees its jobs and tasks
 * at once. An incarnation number is never used again, so a process that was declared dead
 * and comes back finds its writes refused: it takes a new number. */
#ifndef STORE_PUBLISHERS_H
#define STORE_PUBLISHERS_H

#include "core/err.h"
#include "store/db.h"

#include <stdint.h>

enum {
    PUBLISHER_COUNTERS_MAX = 16384, /* bytes of counters */
    PUBLISHER_BEAT_MS = 5000,
    PUBLISHER_LEASE_MS = 15000,
    PUBLISHER_GRACE_MS = 2000, /* after a lease's end, before it is reaped */
    PUBLISHER_STOP_MS = 5000, /* a process stops acting this long before its lease ends */
};

/* Registers this process; *inc is its incarnation, *now_ms the database's clock. */
enum rc publisher_register(struct db *db, const char *host, int64_t pid, uint64_t *inc,
                           int64_t *now_ms, struct err *err) MUST_CHECK;

/* Prolongs the lease. RC_CONFLICT: it had run out; abort everything, register anew. */
enum rc publisher_beat(struct db *db, uint64_t inc, int64_t *now_ms,
                       struct err *err) MUST_CHECK;

/* What a process says of itself, with a heartbeat. */
struct publisher_word {
    int64_t paused_ms;        /* how long it opens no session at TikTok; 0: it does */
    const char *pause_reason; /* "" unless it is paused */
    const char *counters;     /* "name value" a line */
};
enum rc publisher_say(struct db *db, uint64_t inc, const struct publisher_word *word,
                      struct err *err) MUST_CHECK;

/* The counters of those that live, one after the other; each() must not use db. */
typedef void (*publisher_counters_fn)(void *ctx, uint64_t inc, const char *counters);
enum rc publisher_counters(struct db *db, publisher_counters_fn each, void *ctx,
                           struct err *err) MUST_CHECK;

/* Frees the jobs and tasks of processes whose lease is over, and counts a crash on each;
 * *freed says how many. */
enum rc publisher_reap(struct db *db, int64_t *freed, struct err *err) MUST_CHECK;

/* Ends the lease now: nobody has to wait for it. */
enum rc publisher_leave(struct db *db, uint64_t inc, struct err *err) MUST_CHECK;

/* The place of a process among those that hold a lease, from 0, and how many they are;
 * 0 of 1 when it holds none. */
struct publisher_share {
    unsigned place, of;
};
enum rc publisher_share(struct db *db, uint64_t inc, struct publisher_share *out,
                        struct err *err) MUST_CHECK;

/* How many processes hold a lease. */
enum rc publisher_count(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

#endif
