/* publisher/intake/intake.h - where posts come in: hints from Redis, claims from MariaDB.
 *
 * While there is room, entries are taken from the lanes of all groups, those that are not
 * in our hands already are claimed in one transaction, and each claim becomes a run. What
 * Redis would give is nobody's until then, so a publisher that is full takes nothing.
 * Without Redis the database is swept directly, four times a second. A wake-up only
 * shortens the wait: nothing depends on it. */
#ifndef PUBLISHER_INTAKE_H
#define PUBLISHER_INTAKE_H

#include "../publisher.h"

struct intake *intake_new(struct publisher *p);
void intake_free(struct intake *in); /* NULL is fine */

/* Looks now. */
void intake_wake(struct intake *in);

/* Something is under way on a thread, perhaps a claim. */
bool intake_busy(const struct intake *in) MUST_CHECK;

#endif
