/* publisher/upkeep/restore.h - what Redis must know again after it has lost its memory.
 *
 * How often an account called INIT in the last minute stands in Redis alone while it
 * runs; after a FLUSHALL, a restart without its file or a failover, the ledger of
 * attempts says it again. Until then queue_take() hands out nothing, which is a matter of
 * milliseconds. The windows of status and creator_info begin anew: a call too many is
 * answered 429 and made later, and nothing depends on it.
 *
 * And the witnesses (queue/queue.h) of what has passed its grant: should the database be
 * set back next, they alone know what may be out. */
#ifndef PUBLISHER_RESTORE_H
#define PUBLISHER_RESTORE_H

#include "../pool.h"

/* On a store thread. RC_OK also when another publisher does it. */
enum rc restore_windows(const struct pool_kit *kit, struct err *err) MUST_CHECK;

#endif
