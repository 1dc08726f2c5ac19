/* publisher/flow_priv.h - how long a flow waits; shared by flow.c and flow_words.c. */
#ifndef PUBLISHER_FLOW_PRIV_H
#define PUBLISHER_FLOW_PRIV_H

#include "core/attr.h"

#include <stdint.h>

/* After the n-th failure in a row: equal jitter (0..1000), half of the doubled base is
 * sure and half is random; at most FLOW_RETRY_CAP_MS. */
int64_t flow_backoff(int64_t base, unsigned n, unsigned jitter) MUST_CHECK;

/* Before poll number n. */
int64_t flow_poll_wait(unsigned n) MUST_CHECK;

#endif
