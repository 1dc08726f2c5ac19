/* publisher/errands/errands.h - tasks of others that only this program may do
 * (store/tasks.h).
 *
 * As many are claimed as there are threads free for them; each runs on one of these from
 * beginning to end, waiting for TikTok where it has to, and leaves word for the request
 * that waits. A wake-up only shortens the wait for the next look. */
#ifndef PUBLISHER_ERRANDS_H
#define PUBLISHER_ERRANDS_H

#include "../publisher.h"

struct errands *errands_new(struct publisher *p);
void errands_free(struct errands *es); /* NULL is fine */

/* Looks now. */
void errands_wake(struct errands *es);

/* How many are under way. */
size_t errands_busy(const struct errands *es);

#endif
