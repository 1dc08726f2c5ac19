/* publisher/lease.h - this process's right to act, and the database's clock.
 *
 * A heartbeat every 5 s keeps the row in `publisher` alive. The process stops acting on
 * its claims PUBLISHER_STOP_MS before the lease ends, counted from before the heartbeat
 * was sent; and at once when a heartbeat finds the lease gone. Then all runs are dropped,
 * their transfers ended, and a new incarnation is registered; the old one, if it is still
 * there, is ended by ourselves, so that its jobs need not wait for others to notice.
 *
 * The database being away, and being back, is said once each. */
#ifndef PUBLISHER_LEASE_H
#define PUBLISHER_LEASE_H

#include "publisher.h"

/* Begins registering; until that has worked, lease_valid() is false. */
struct lease *lease_new(struct publisher *p);
void lease_free(struct lease *l); /* NULL is fine */

/* True while this process may act on what it has claimed. */
bool lease_valid(const struct lease *l) MUST_CHECK;

/* The incarnation, 0 before the first registration and after a loss. */
uint64_t lease_inc(const struct lease *l);

/* The database's clock in ms UTC, estimated (midpoint of the last heartbeat); this
 * machine's before the first one. */
int64_t lease_now_ms(const struct lease *l);

/* Gives the incarnation up, and with it everything claimed for it: when a claim's COMMIT
 * is unclear, nobody knows what is ours. */
void lease_renounce(struct lease *l, const char *why);

/* Ends the lease in the database, so that others need not wait. Waits for nothing. */
void lease_leave(struct lease *l);

/* True when lease_leave() has been carried out or has failed. */
bool lease_left(const struct lease *l) MUST_CHECK;

/* What is known of the database's clock, minus our monotonic one, after it was read at
 * some moment between before and after (monotonic): the midpoint of a quick exchange; a
 * slow one only corrects what cannot be true, to the latest that it can be, since
 * anything else could make posts early. */
int64_t lease_clock(int64_t offset_ms, int64_t before_ms, int64_t after_ms,
                    int64_t db_now_ms) MUST_CHECK;

#endif
