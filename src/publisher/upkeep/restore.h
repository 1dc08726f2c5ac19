/* publisher/upkeep/restore.h - what Redis must know again after it has lost its memory.
 *
 * How often an account called INIT in the last minute stands in Redis alone while it
 * runs. After a FLUSHALL, a restart (be it on a file that is whole, old, or gone) or a
 * failover, the ledger of attempts says it again, and so it does after a time without
 * Redis, in which the ledger let calls through. Until then queue_take() hands out
 * nothing, QUEUE_SETTLE_MS and some ms: so long a call may still be made of which the
 * ledger does not know. The windows of status and creator_info go on with what Redis has:
 * a call too many is answered 429 and made later, and nothing depends on it.
 *
 * And the witnesses (queue/queue.h) of what has passed its grant: should the database be
 * set back next, they alone know what may be out. */
#ifndef PUBLISHER_RESTORE_H
#define PUBLISHER_RESTORE_H

#include "../pool.h"

#include <stdatomic.h>

/* On a store thread. RC_OK also when another publisher does it, or it is too early: ask
 * again. */
enum rc restore_windows(const struct pool_kit *kit, struct err *err) MUST_CHECK;

/* Likewise. *unaware: the ledger let INIT calls through without Redis. Then what Redis
 * knows is in doubt, and is restored before it hands out anything; *unaware is false when
 * it has heard that. */
enum rc restore_own_up(atomic_bool *unaware, struct redis *redis,
                       struct err *err) MUST_CHECK;

#endif
