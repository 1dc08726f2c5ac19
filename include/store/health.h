/* store/health.h - will posts go out? For GET /api/ready, /metrics, the dashboard's
 * banners, ttsctl and the publisher's own watchdog. */
#ifndef STORE_HEALTH_H
#define STORE_HEALTH_H

#include "core/err.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEALTH_SCHEMA = 11,    /* the newest file of schema/ that these programs need */
    HEALTH_LATE_MS = 5000, /* a post that nobody has taken up so long after its time, or
                            * after its next try, is overdue: with what looks, tells and
                            * shows it on top, people know within 10 s */
    HEALTH_BEAT_MS = 7000, /* a publisher that was silent for so long is not alive: its
                            * lease lasts longer, but it beats every PUBLISHER_BEAT_MS */
    HEALTH_REASON_SIZE = 65,
};

/* The number of the newest migration applied; 0: none. */
enum rc health_schema(struct db *db, int64_t *version, struct err *err) MUST_CHECK;

/* Posts whose time came HEALTH_LATE_MS ago and that nobody has in hand: no publisher
 * keeps up. Those that only wait for their account's rate window are not among them, nor
 * those that could be prepared already. Counting ends at JOB_SWEEP_MAX. */
struct health_late {
    size_t n;
    int64_t oldest_ms; /* since when the oldest waits; 0: none does */
    int64_t now_ms;
};
enum rc health_late(struct db *db, struct health_late *out, struct err *err) MUST_CHECK;

/* The publishers as they say themselves. */
struct health_publishers {
    int64_t alive;
    int64_t paused; /* of these: open no session at TikTok for now */
    char pause_reason[HEALTH_REASON_SIZE]; /* of one of them; "" */
};
enum rc health_publishers(struct db *db, struct health_publishers *out,
                          struct err *err) MUST_CHECK;

/* Posts whose time to be looked at has come; counting ends at HEALTH_DUE_MAX. */
enum { HEALTH_DUE_MAX = 20000 };
enum rc health_due(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

/* Whether every COMMIT is on a replica before it is answered. */
enum health_sync {
    HEALTH_SYNC_NONE, /* the server is not set up so */
    HEALTH_SYNC_ON,
    HEALTH_SYNC_FALLEN, /* no replica answers, so commits do without for now */
};
enum rc health_semi_sync(struct db *db, enum health_sync *out,
                         struct err *err) MUST_CHECK;

/* Tells the people of each workspace whose posts are overdue, once an hour at most; *n:
 * workspaces that have such posts. For the publisher's watchdog. */
enum rc health_alarm(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

#endif
