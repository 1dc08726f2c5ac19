/* sandbox/consent.h - the page on which a person lets an app in. */
#ifndef SRC_SANDBOX_CONSENT_H
#define SRC_SANDBOX_CONSENT_H

#include "exchange.h"

/* GET /v2/auth/authorize/ - the page, or one that says what is wrong with the link. */
enum rc consent_page(struct exchange *x, struct err *err);

/* POST to the same path: the decision. Sends the browser back to the app. */
enum rc consent_decide(struct exchange *x, struct err *err);

/* Sends the browser back with this error, whatever was decided: a fault. A link that is
 * wrong gets its page all the same. */
void consent_fail(struct exchange *x, const char *error);

#endif
