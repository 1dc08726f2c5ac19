/* store/health.h - will posts go out? For GET /api/ready and ttsctl check. */
#ifndef STORE_HEALTH_H
#define STORE_HEALTH_H

#include "core/err.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEALTH_SCHEMA = 10,     /* the newest file of schema/ that these programs need */
    HEALTH_LATE_MS = 60000, /* a post that nobody has looked at for so long is overdue */
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

#endif
