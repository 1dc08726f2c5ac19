/* queue/media.h - "there is a new file to check": shortens the sleep of tts-media.
 *
 *     tts:media    LIST  at most QUEUE_MEDIA_MAX hints; which file does not matter
 *
 * The rows in MariaDB are the work; a lost hint costs at most the second after which
 * tts-media looks by itself. */
#ifndef QUEUE_MEDIA_H
#define QUEUE_MEDIA_H

#include "queue/redis.h"

#include <stdbool.h>

enum { QUEUE_MEDIA_MAX = 16 };

/* Leaves a hint. Best effort, after COMMIT; waits at most QUEUE_ENQUEUE_BUDGET_MS of
 * queue.h. RC_UNAVAILABLE: Redis is away, which is fine. */
enum rc queue_media_hint(struct redis *r, struct err *err) MUST_CHECK;

/* Waits for a hint, at most about a second; *hinted says whether one came.
 * RC_UNAVAILABLE: Redis is away; the caller sleeps by itself. */
enum rc queue_media_wait(struct redis *r, bool *hinted, struct err *err) MUST_CHECK;

#endif
