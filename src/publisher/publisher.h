/* publisher/publisher.h - the program's parts, and who may touch them.
 *
 * One thread, the loop, owns everything here: it moves HTTP transfers and timers and
 * decides. What waits for MariaDB or Redis runs on the pools' threads with connections of
 * their own; of this struct they use only settings, ring, journal, calls and
 * redis_unaware, which are made for it.
 *
 *     intake ──claims──► run (one per post) ──flow──► store work, HTTP, timers
 *     hooks ──claims──► webhooks, which make a run ask TikTok at once
 *     errands ──claims──► one per task (code exchange, creator_info, refresh, revoke)
 *     lease: heartbeat, clock offset; without a valid lease nothing is sent.
 *     reconcile: finds what no hint pointed to, and what dead publishers left.
 */
#ifndef PUBLISHER_PUBLISHER_H
#define PUBLISHER_PUBLISHER_H

#include "call.h"
#include "core/list.h"
#include "crypto/keys.h"
#include "intake/brake.h"
#include "intake/pace.h"
#include "intake/rings.h"
#include "net/http.h"
#include "pool.h"
#include "settings.h"
#include "timers.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct batches;
struct blob_store;
struct errands;
struct hooks;
struct intake;
struct journal;
struct lease;
struct mailer;
struct reconcile;
struct turns;

enum {
    PUBLISHER_RUN_BUCKETS = 1024,
    PUBLISHER_STORE_THREADS = 8,
    PUBLISHER_TASK_THREADS = 4,
    PUBLISHER_HTTP_MAX = 320,   /* requests at a time; each has a descriptor and some
                                 * 25 KiB of buffers */
    PUBLISHER_DRAIN_MS = 25000, /* after SIGTERM: for running chunks */
};

struct publisher {
    const struct settings *settings;
    const struct key_ring *ring;
    struct journal *journal;
    struct http *http;
    struct calls *calls;
    struct pool *store; /* short: statements, Redis */
    struct pool *tasks; /* may wait for TikTok */
    struct timers timers;
    struct blob_store *blobs;
    struct rings *rings;
    struct batches *batches;
    struct lease *lease;
    struct intake *intake;
    struct errands *errands;
    struct hooks *hooks;
    struct reconcile *reconcile;
    struct turns *turns;
    struct mailer *mailer;                      /* NULL: no mail is sent */
    struct list runs;                           /* struct run */
    struct list by_post[PUBLISHER_RUN_BUCKETS]; /* the same */
    size_t waiting;                             /* runs that only wait for their time */
    struct brake brake;                         /* on new sessions */
    struct pace pace;                           /* of uploads */
    int64_t told_ms; /* monotonic: when a webhook last made a post be asked about; or 0 */
    bool stopping;
    atomic_bool redis_unaware; /* the ledger let INIT calls through that Redis, when it is
                                * there again, must be told of */
};

/* Monotonic ms: what timers count in. */
int64_t publisher_mono_ms(void);

/* 0..1000, for jitter. */
unsigned publisher_jitter(void);

/* Sets a timer for an instant of the database's clock. */
void publisher_timer_at(struct publisher *p, struct timer *t, int64_t db_ms);

#endif
