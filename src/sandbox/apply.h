/* sandbox/apply.h - what a fault does to the request that met it. */
#ifndef SRC_SANDBOX_APPLY_H
#define SRC_SANDBOX_APPLY_H

#include "faults.h"
#include "frame.h"

/* The part before the handler: a delay, the connection's end, an answer in its place.
 * True when the handler shall not run. */
bool apply_before(struct exchange *x, enum style style,
                  const struct fault *fault) MUST_CHECK;

/* The part after it: another answer, a pause, the loss of the answer or of its end. */
void apply_after(struct exchange *x, enum style style, const struct fault *fault);

#endif
