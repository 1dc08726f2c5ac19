/* media/lane.h - repairs, beside the checks: one at a time in a process, in a thread of
 * its own, so that no new file waits for its verdict because another is being coded.
 *
 * The result is written to a file without a name and becomes a blob when it is whole, so
 * a process that is killed leaves nothing half made. Whoever claims a repair looks again
 * and again whether it is still wished. */
#ifndef SRC_MEDIA_LANE_H
#define SRC_MEDIA_LANE_H

#include "core/err.h"
#include "work.h"

#include <stdbool.h>

enum {
    LANE_IDLE_MS = 500,    /* between looks for work */
    LANE_ASK_MS = 400,     /* between looks whether it is still wished */
    LANE_REPORT_MS = 1000, /* between two notes of progress, at least */
    LANE_RENEW_MS = 4000,  /* between two renewals of the lease, at most */
};

/* Claims one due repair and brings it to its end. *found: there was one. Failures are the
 * database's. */
enum rc lane_next(const struct work *w, bool *found, struct err *err) MUST_CHECK;

#endif
