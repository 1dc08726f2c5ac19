/* queue/queue.h - what Redis remembers for us: "look at post X around time T".
 *
 * Every entry is a hint. Lost, doubled, early or phantom entries are all harmless: the
 * claim in MariaDB decides, and the reconciler finds what no hint pointed to
 * (docs/publishing.md). Accounts are spread over QUEUE_GROUPS groups by their id; the
 * keys of a group share a hash tag, so that a script touches one slot:
 *
 *     {g}:A          ZSET  account -> ms from which the account may start something
 *     {g}:j:<acct>   ZSET  post -> its next_at, within the hot horizon
 *     {g}:ri:<acct>  LIST  times of the last init calls (exact sliding window); likewise
 *                          rs (status) and rc (creator_info)
 *     {g}:xi:<acct>  STR   calls that this window takes less, for a while; xs, xc
 *     {g}:epoch      STR   set after a full load: the run_id of the Redis that has it.
 *                          Absent or another's: it lost its data, was set back to an
 *                          old copy, or is another server since a failover
 *     {g}:ready      STR   the same, once its windows of INIT calls were told
 *     {g}:restoring  STR   who tells them; {0}:loading: who loads
 *     {g}:unsure     STR   since when they are not known
 *     w:{g}:<post>   STR   the commit witness: a session's publish_id, or "cancel"
 *     tts:pace       STR   the slowest publisher's uploads: bytes in a second, and who
 *     tts:wait:<id>  LIST  "the task is done", for a request that waits (one minute)
 *     {g}:A, tts:tasks, tts:hooks, tts:nudge  channels that shorten a publisher's sleep
 *
 * All functions: RC_UNAVAILABLE when Redis does not answer within the connection's
 * deadline (redis_set_deadline()). Times are ms since the epoch, UTC. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "core/err.h"
#include "queue/redis.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QUEUE_GROUPS = 16,
    QUEUE_TAKE_MAX = 256,       /* posts one take may return: <= 7 ms in Redis */
    QUEUE_HORIZON_MS = 7200000, /* later posts stay in MariaDB until the feeder comes */
    QUEUE_WINDOW_MS = 61000,    /* TikTok's sliding minute and 1 s for the network */
    QUEUE_COUNTED_MS = 500,     /* so long an INIT may be made as what it was counted when
                                   it was handed out: half of that second */
    QUEUE_SETTLE_MS = 600,      /* after which all that were, are written in the ledger */
    QUEUE_NAME_SIZE = 96,
    QUEUE_INIT_LIMIT = 6,     /* init calls a window; source: docs/tiktok.md 8 */
    QUEUE_STATUS_LIMIT = 30,  /* status calls a window; source: same */
    QUEUE_CREATOR_LIMIT = 20, /* creator_info calls a window; source: same */
    QUEUE_SHRINK_MS = 600000, /* a window that proved too wide is narrower for so long */
    QUEUE_ENQUEUE_BUDGET_MS = 50, /* what a web request may spend on a hint */
    QUEUE_PACE_MS = 3600000, /* how long the slowest is believed after its last word */
    QUEUE_WITNESS_MS = 172800000, /* a witness is kept 48 h */
    QUEUE_WITNESS_SIZE = 97,      /* bytes for a witness with its NUL */
};

/* One entry taken: who, what, and the time the entry stood for. */
struct queue_hint {
    uint64_t account_id;
    uint64_t post_id;
    int64_t at_ms;
    int64_t counted_ms; /* as what its call was counted in the account's init window */
    int64_t free_ms;    /* since when that window lets it go */
};

/* What a take brought. */
struct queue_taken {
    struct queue_hint hints[QUEUE_TAKE_MAX];
    size_t len;           /* of hints */
    int64_t now_ms;       /* Redis's clock */
    int64_t next_wake_ms; /* when the group's next account may act; 0: none waits */
    bool loaded; /* false: {g}:epoch is gone or another server's: queue_load_begin() */
    bool ready;  /* false: Redis does not know, or not for sure, what calls were made in
                    the last minute, so nothing was taken: queue_restore_begin() */
};

/* "Look at the post at next_at_ms." */
struct queue_entry {
    uint64_t post_id, account_id;
    int64_t next_at_ms;
};

/* The group an account belongs to: 0..QUEUE_GROUPS-1. */
unsigned queue_group(uint64_t account_id);

/* "Look at the post at next_at_ms": adds or moves the entry and wakes a publisher when
 * it is the group's first. A post beyond the hot horizon is left out, which is fine too.
 * Best effort, after COMMIT: web requests set a deadline of QUEUE_ENQUEUE_BUDGET_MS and
 * ignore the result. */
enum rc queue_enqueue(struct redis *r, uint64_t post_id, uint64_t account_id,
                      int64_t next_at_ms, struct err *err) MUST_CHECK;

/* The same, and whether Redis knew of the post: *known is false when there was no entry
 * for it at all, or it lies beyond the horizon. */
enum rc queue_feed(struct redis *r, const struct queue_entry *entry, bool *known,
                   struct err *err) MUST_CHECK;

/* Forgets the entry of a post that was canceled. Best effort. */
enum rc queue_forget(struct redis *r, uint64_t post_id, uint64_t account_id,
                     struct err *err) MUST_CHECK;

/* Takes at most max (<= QUEUE_TAKE_MAX) entries that are due within ahead_ms, one per
 * account and pass, each counted against its account's init window; accounts that have
 * used theirs up are moved to the exact time at which they may start again. */
enum rc queue_take(struct redis *r, unsigned group, size_t max, int64_t ahead_ms,
                   struct queue_taken *out, struct err *err) MUST_CHECK;

/* After Redis has lost its memory, was set back or is another one: whoever gets mine
 * tells it all INIT calls that the ledger knows of the last QUEUE_WINDOW_MS, account by
 * account, and ends, which works unless there was doubt again meanwhile. Should it die,
 * another one may try after some seconds. Nobody gets it before settle_ms have passed
 * since the first who asked. */
struct queue_restore {
    bool mine;
    char claim[QUEUE_NAME_SIZE]; /* whose it is */
};
enum rc queue_restore_begin(struct redis *r, unsigned group, int64_t settle_ms,
                            struct queue_restore *out, struct err *err) MUST_CHECK;

/* The account's calls, from the newest to the oldest, in place of what Redis had: its
 * copy may be old. Only QUEUE_INIT_LIMIT of them matter. */
struct queue_call {
    int64_t age_ms;
    bool to_come; /* at any moment, or it is on its way */
};
enum rc queue_restore_calls(struct redis *r, uint64_t account_id,
                            const struct queue_call *calls, size_t n,
                            struct err *err) MUST_CHECK;
enum rc queue_restore_end(struct redis *r, unsigned group,
                          const struct queue_restore *restore, bool *done,
                          struct err *err) MUST_CHECK;

/* Calls were made that Redis could not be told of: what it knows of windows is not to be
 * trusted, in any group, until it is restored. */
enum rc queue_doubt(struct redis *r, struct err *err) MUST_CHECK;

/* The call that was counted for a hint is not made: the hint stood for nothing, or the
 * post has a session already. Whatever of the account waits for its window comes sooner.
 */
enum rc queue_refund(struct redis *r, const struct queue_hint *hint,
                     struct err *err) MUST_CHECK;

/* A full load: mine when Redis wants one and nobody is at it, which is so for some
 * seconds. Anybody may load, but need not. */
struct queue_load {
    bool mine;
    char server[QUEUE_NAME_SIZE]; /* the Redis that is loaded */
};
enum rc queue_load_begin(struct redis *r, struct queue_load *out,
                         struct err *err) MUST_CHECK;

/* It was loaded, which holds if it still is the same. */
enum rc queue_load_end(struct redis *r, const struct queue_load *load,
                       struct err *err) MUST_CHECK;

enum queue_ring {
    QUEUE_RING_STATUS,
    QUEUE_RING_CREATOR,
    QUEUE_RING_INIT, /* of queue_init_pass(); queue_take() has counted the first one */
};

/* Counts one call of the account against its window: *wait_ms is 0 when it may be made
 * now, else the ms to wait (nothing was counted). */
enum rc queue_ring_pass(struct redis *r, enum queue_ring ring, uint64_t account_id,
                        int64_t *wait_ms, struct err *err) MUST_CHECK;

/* The same for an INIT, which is made now although it was counted as hint->counted_ms
 * (0: it was not): it moves there, which is always allowed, unless Redis has forgotten it
 * or a minute has passed. A Redis that was restored meanwhile knows it as a call to come,
 * which moves as well. Sets hint->counted_ms anew when it may be made. */
struct queue_passed {
    int64_t wait_ms; /* 0: it may */
    bool known;      /* false: not counted, the group is to be restored first */
};
enum rc queue_init_pass(struct redis *r, struct queue_hint *hint,
                        struct queue_passed *out, struct err *err) MUST_CHECK;

/* TikTok has refused a call that the window had let through (another app instance, or a
 * clock): the account's window takes one call less for QUEUE_SHRINK_MS. */
enum rc queue_ring_shrink(struct redis *r, enum queue_ring ring, uint64_t account_id,
                          struct err *err) MUST_CHECK;

/* Tells how fast the uploads of this machine (who) are, in bytes in a second (0: nothing
 * is known), and hears of the slowest: *slowest; 0: nobody has said. The slowest is
 * replaced by who is slower, by itself, and by anybody when it has been silent. */
enum rc queue_pace(struct redis *r, int64_t rate, const char *who, int64_t *slowest,
                   struct err *err) MUST_CHECK;

/* The witness (docs/publishing.md): before the grant, the session that may commit is
 * written down a second time, where a database that forgot cannot lose it. Writes value
 * unless somebody was first; holder then says who holds it now (value itself when we
 * do). value is a publish_id, or queue_witness_cancel() before a cancel. */
struct queue_witness {
    uint64_t post_id;
    uint64_t account_id; /* the post's, which names the group */
};
enum rc queue_witness_take(struct redis *r, const struct queue_witness *witness,
                           const char *value, char holder[QUEUE_WITNESS_SIZE],
                           struct err *err) MUST_CHECK;

/* Who holds it now; "" when nobody does. Writes nothing. */
enum rc queue_witness_read(struct redis *r, const struct queue_witness *witness,
                           char holder[QUEUE_WITNESS_SIZE], struct err *err) MUST_CHECK;

/* Replaces the witness from by to, or removes it when to is NULL; only while it still is
 * from. *done says whether it was. */
enum rc queue_witness_swap(struct redis *r, const struct queue_witness *witness,
                           const char *from, const char *to, bool *done,
                           struct err *err) MUST_CHECK;

/* The value of a cancel: "cancel:<version>", of the post's version (ETag) that a person
 * takes back. A later version was asked for by somebody who knew of that: for it the
 * cancel is over, wherever it may turn up again, be it from an old copy of Redis. */
void queue_witness_cancel(uint32_t version, char value[QUEUE_WITNESS_SIZE]);

/* True when holder is a cancel; *version is then what it takes back. */
bool queue_witness_is_cancel(const char *holder, uint32_t *version) MUST_CHECK;

/* "There is a new task": wakes the publishers. Best effort. */
enum rc queue_task_hint(struct redis *r, struct err *err) MUST_CHECK;

/* "There is a new webhook": wakes the publishers. Best effort. */
enum rc queue_hook_hint(struct redis *r, struct err *err) MUST_CHECK;

/* "TikTok has news of the post": whichever publisher holds it shall ask TikTok now. Best
 * effort: its next poll comes anyway. */
enum rc queue_nudge(struct redis *r, uint64_t post_id, struct err *err) MUST_CHECK;

/* The publisher's side of a waiting request: leaves word that the task ended. */
enum rc queue_task_done(struct redis *r, uint64_t task_id, struct err *err) MUST_CHECK;

/* The request's side: waits up to timeout_ms (> 0) for that word; *done says whether it
 * came. Then read the task's row. Redis counts in whole seconds, so up to a second more
 * may pass. */
enum rc queue_task_wait(struct redis *r, uint64_t task_id, int timeout_ms, bool *done,
                        struct err *err) MUST_CHECK;

/* A second connection that listens on the channels. It only ever shortens a sleep: any
 * failure just closes it, and queue_ear_open() may be called again. */
struct queue_ear;

enum queue_heard {
    QUEUE_HEARD_POST = 1,
    QUEUE_HEARD_TASK = 2,
    QUEUE_HEARD_HOOK = 4,
    QUEUE_HEARD_NUDGE = 8, /* see queue_ear_nudges() */
};
enum { QUEUE_NUDGES_MAX = 64 }; /* kept between two listens; more are let go */

/* url as redis_new(). The caller frees *out with queue_ear_free(). */
enum rc queue_ear_new(const char *url, struct queue_ear **out,
                      struct err *err) MUST_CHECK;
void queue_ear_free(struct queue_ear *ear);

/* Of each step of queue_ear_open(), in ms (> 0); REDIS_TIMEOUT_MS at first. */
void queue_ear_set_deadline(struct queue_ear *ear, int timeout_ms);

/* Connects and subscribes unless that is done, each within the deadline. */
enum rc queue_ear_open(struct queue_ear *ear, struct err *err) MUST_CHECK;

/* The descriptor to poll for reading, or -1 while closed. */
int queue_ear_fd(const struct queue_ear *ear);

/* Reads what has arrived, without waiting; a set of enum queue_heard. */
unsigned queue_ear_listen(struct queue_ear *ear);

/* The posts that the last listen heard nudges of; borrowed until the next. */
size_t queue_ear_nudges(const struct queue_ear *ear, const uint64_t **post_ids);

#endif
