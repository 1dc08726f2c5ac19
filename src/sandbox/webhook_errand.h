/* sandbox/webhook_errand.h - the courier's work on webhooks: sees what has happened to
 * publications, makes the webhooks that tell it, and sends what is due. */
#ifndef SRC_SANDBOX_WEBHOOK_ERRAND_H
#define SRC_SANDBOX_WEBHOOK_ERRAND_H

#include "courier.h"

extern const struct errand webhook_errand;

#endif
