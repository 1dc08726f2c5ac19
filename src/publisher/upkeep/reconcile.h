/* publisher/upkeep/reconcile.h - what is looked for at intervals, because nothing points
 * to it.
 *
 * sweep   posts that are overdue and unclaimed: their hints were lost
 * reap    publishers whose lease has run out: their work becomes free
 * feed    posts of the next two hours into Redis; at once when it wants all its hints
 * beat    tells the database that our runs go on, and drops those that were taken from us
 * refresh tokens that have lived most of their life
 * replay  tokens that a dead process had and the database has not
 * watch   posts that are overdue though we live: an alarm, and people are told
 * warn    grants that end in 14, 3 or 1 days
 * purge   tasks and webhooks that ended long ago
 *
 * Every publisher does all of it: each is one indexed statement that usually finds
 * nothing, and doing it twice is harmless. */
#ifndef PUBLISHER_RECONCILE_H
#define PUBLISHER_RECONCILE_H

#include "../publisher.h"

struct reconcile *reconcile_new(struct publisher *p);
void reconcile_free(struct reconcile *r); /* NULL is fine */

/* Redis has lost its data, was set back or is another one: one of the publishers feeds
 * it now. */
void reconcile_feed(struct reconcile *r);

/* Work has just become free that no hint points to: sweeps now. */
void reconcile_sweep(struct reconcile *r);

#endif
