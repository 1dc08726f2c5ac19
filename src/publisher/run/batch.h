/* publisher/run/batch.h - the same write for many runs as one transaction.
 *
 * A write must be durable before the run may go on, and a commit costs the database about
 * the same for one post as for sixty-four. So runs that want to do the same write queue
 * up behind those that are doing it, and go together when their turn comes: a run alone
 * never waits for others, and a burst needs few commits. When a batch cannot be written
 * as a whole (store/jobs_batch.h) its runs are done one by one.
 *
 * SENT alone waits for others, a tenth of a second, or while very many requests that are
 * due wait for their turn, for a few seconds at most: nothing depends on it but how soon
 * TikTok is asked. Loop only. */
#ifndef PUBLISHER_BATCH_H
#define PUBLISHER_BATCH_H

#include "../flow/flow.h"

struct batches;
struct publisher;
struct run;

struct batches *batches_new(struct publisher *p);
void batches_free(struct batches *all);

/* Whether this action of a run may be done together with others'. */
bool batch_takes(const struct run *r) MUST_CHECK;

/* Queues the run for its action; run_came_back() is called for it in the end. */
void batch_add(struct batches *all, struct run *r);

/* Begins with what was put off, when the time has come. In each turn of the loop. */
void batches_go_on(struct batches *all);

#endif
