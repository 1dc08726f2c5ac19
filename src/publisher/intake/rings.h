/* publisher/intake/rings.h - TikTok's windows of status and creator_info calls, counted
 * here while Redis is away.
 *
 * As long as Redis answers, it counts the calls of all publishers together
 * (queue_ring_pass()). Without it each publisher keeps to these two windows by itself,
 * which is exact for one publisher and near enough for several: a call too many is
 * answered 429 and made later. The window of INIT is kept by the ledger then, for all
 * publishers (store/jobs.h: job_ration, job_init_pass()). Only the loop uses it. */
#ifndef PUBLISHER_RINGS_H
#define PUBLISHER_RINGS_H

#include "queue/queue.h"

#include <stddef.h>
#include <stdint.h>

struct rings;

struct rings *rings_new(void);
void rings_free(struct rings *rings); /* NULL is fine */

/* Counts one call of the account against its window and answers 0, or counts nothing and
 * answers the ms to wait. Times are monotonic. Not QUEUE_RING_INIT. */
int64_t rings_pass(struct rings *rings, enum queue_ring ring, uint64_t account_id,
                   int64_t now_ms);

/* How many windows are kept: those with a call in them, and few others. */
size_t rings_len(const struct rings *rings);

#endif
