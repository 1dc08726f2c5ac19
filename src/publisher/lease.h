/* publisher/lease.h - this process's right to act, and the database's clock.
 *
 * A heartbeat every 5 s keeps the row in `publisher` alive. The process stops acting on
 * its claims PUBLISHER_STOP_MS before the lease ends, counted from before the heartbeat
 * was sent; and at once when a heartbeat finds the lease gone. Then all runs are dropped,
 * their transfers ended, and a new incarnation is registered. */
#ifndef PUBLISHER_LEASE_H
#define PUBLISHER_LEASE_H

#include "publisher.h"

/* Begins registering; until that has worked, lease_valid() is false. */
struct lease *lease_new(struct publisher *p);
void lease_free(struct lease *l);

/* True while this process may act on what it has claimed. */
bool lease_valid(const struct lease *l) MUST_CHECK;

/* The incarnation, 0 before the first registration. */
uint64_t lease_inc(const struct lease *l);

/* The database's clock in ms UTC, estimated (midpoint of the last heartbeat); this
 * machine's before the first one. */
int64_t lease_now_ms(const struct lease *l);

/* Ends the lease in the database, so that others need not wait. Waits for nothing. */
void lease_leave(struct lease *l);

/* True when lease_leave() has been carried out or has failed. */
bool lease_left(const struct lease *l) MUST_CHECK;

#endif
