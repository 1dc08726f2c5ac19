/* publisher/flow_priv.h - what a flow knows by heart; shared by flow.c and flow_words.c.
 */
#ifndef PUBLISHER_FLOW_PRIV_H
#define PUBLISHER_FLOW_PRIV_H

#include "core/attr.h"
#include "flow.h"

#include <stdint.h>

/* After the n-th failure in a row: equal jitter (0..1000), half of the doubled base is
 * sure and half is random; at most FLOW_RETRY_CAP_MS. */
int64_t flow_backoff(int64_t base, unsigned n, unsigned jitter) MUST_CHECK;

/* Before poll number n. */
int64_t flow_poll_wait(unsigned n) MUST_CHECK;

/* Answers that end a session before its grant, and after it mean only: ask. */
bool flow_proves_nothing(enum tiktok_upload what) MUST_CHECK;

/* The action is the flow's last but END. */
bool flow_is_end(enum flow_do what) MUST_CHECK;

#endif
