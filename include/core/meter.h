/* core/meter.h - what a process counts about itself, for monitoring.
 *
 * Counters only ever grow, from the start of the process; a gauge says how it stands now;
 * any thread may count. They are written as "name value" a line, names as in
 * docs/operations.md. A histogram is counters named "name_bucket:BOUND" (how many were at
 * most BOUND seconds), "name_sum" and "name_count". Reading takes no lock: numbers that
 * belong together may be one count apart. */
#ifndef CORE_METER_H
#define CORE_METER_H

#include "core/strbuf.h"

#include <stdint.h>

enum meter {
    /* Work done. */
    METER_CLAIMS,
    METER_PUBLISHED,
    METER_FAILED,
    METER_PUT_OFF, /* posts moved by a limit of their account */
    METER_MAILS,
    METER_WEBHOOKS,   /* of TikTok that were signed and had their effect, if any */
    METER_SENT_BYTES, /* of files, in chunks that TikTok answered */

    /* These stay near 0; docs/operations.md says what each means. */
    METER_SWEEP_RECOVERED,
    METER_LEASE_REAPED,
    METER_FENCE_LOST,
    METER_WITNESS_CONFLICT,
    METER_WITNESS_SKIPPED, /* grants without a witness, because Redis was away */
    METER_HELD_BACK,       /* posts that PUBLISH_STRICT lets wait for their grant */
    METER_LIVE_DUP_REFUSED,
    METER_AMBIGUOUS,
    METER_REVIEW,
    METER_REDIS_RELOAD,
    METER_WINDOWS_RESTORED, /* times that Redis was told the last minute's calls */
    METER_LEDGER_RATIONED,  /* posts and calls that the ledger let through, not Redis */
    METER_FEED_SEEN, /* posts of the next two hours that the look-ahead has gone over */
    METER_FEED_MISSING, /* of these: Redis had no hint of them, and should have */
    METER_DEADLOCK_RETRY,
    METER_HTTP_429,
    METER_TOKEN_REAUTH,
    METER_TOKEN_LAPSED,
    METER_TOKEN_LOST,
    METER_BROUGHT_FORWARD,
    METER_BRAKE_CLOSED,
    METER_LOOP_STALLED,
    METER_MAILS_FAILED,
    METER_WEBHOOKS_REFUSED, /* signed, and of no use */
    METER_WEBHOOKS_FORGED,
    METER_COUNT,
};

enum meter_span {
    METER_CLAIM_LATE,  /* from when a post should be looked at to its claim */
    METER_INIT_LATE,   /* from its due time to its session at TikTok; early is 0 */
    METER_COMMIT_LATE, /* from its due time to the request that publishes it */
    METER_DONE_LATE,   /* from its due time to TikTok's confirmation, as we learn of it */
    METER_DB_TIME,     /* of a transaction */
    METER_WINDOW_WAIT, /* that a rate window told a call to wait */
    METER_CHUNK_TIME,  /* from a chunk's first byte to TikTok's answer */
    METER_SPAN_COUNT,
};

enum meter_gauge {
    METER_IN_HANDS,     /* posts that this process has claimed */
    METER_WORKS,        /* statements that wait for a store thread, or run */
    METER_CLOCK_OFFSET, /* the database's clock minus this machine's, in ms */
    METER_UPLOAD_RATE,  /* what an upload is expected to send */
    METER_GAUGE_COUNT,
};

void meter_add(enum meter which, uint64_t n);
uint64_t meter_read(enum meter which);

/* One more of so many ms; a negative one counts as 0. */
void meter_span(enum meter_span which, int64_t ms);

/* How it stands now. */
void meter_set(enum meter_gauge which, int64_t value);

/* Appends all of them. */
void meter_write(struct strbuf *out);

#endif
