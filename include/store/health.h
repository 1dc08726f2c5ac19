/* store/health.h - how the whole system stands, for GET /api/ready and for operators. */
#ifndef STORE_HEALTH_H
#define STORE_HEALTH_H

#include "core/err.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEALTH_SCHEMA = 4,      /* the newest file of schema/ that these programs need */
    HEALTH_LATE_MS = 60000, /* a post that nobody has looked at for so long is overdue */
    HEALTH_HOST_SIZE = 65 * 4,
    HEALTH_STATES = 16, /* room for the numbers of job.state, and some */
};

/* The number of the newest migration applied; 0: none. */
enum rc health_schema(struct db *db, int64_t *version, struct err *err) MUST_CHECK;

/* Posts that somebody should have looked at HEALTH_LATE_MS ago: no publisher keeps up.
 * Counting ends at JOB_SWEEP_MAX. */
struct health_late {
    size_t n;
    int64_t oldest_ms; /* since when the oldest waits; 0: none does */
    int64_t now_ms;
};
enum rc health_late(struct db *db, struct health_late *out, struct err *err) MUST_CHECK;

/* Figures, all workspaces together. */
struct health_stats {
    uint64_t workspaces, users, sessions, tokens;
    uint64_t accounts, accounts_broken; /* connected; waiting for a reconnect */
    uint64_t media, media_waiting;      /* in the library; not checked yet */
    int64_t media_bytes;
    uint64_t uploads;             /* open */
    uint64_t tasks;               /* not done yet */
    uint64_t jobs[HEALTH_STATES]; /* by job.state */
};
enum rc health_stats(struct db *db, struct health_stats *out, struct err *err) MUST_CHECK;

/* The processes that hold a lease, oldest first. */
struct health_process {
    uint64_t inc;
    char host[HEALTH_HOST_SIZE];
    uint64_t pid;
    int64_t started_ms, left_ms; /* of the lease */
};
typedef void (*health_process_fn)(void *ctx, const struct health_process *process);
enum rc health_processes(struct db *db, health_process_fn each, void *ctx,
                         struct err *err) MUST_CHECK;

#endif
