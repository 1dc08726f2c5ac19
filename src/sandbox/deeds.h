/* sandbox/deeds.h - what people do in their TikTok app, when somebody plays them. */
#ifndef SRC_SANDBOX_DEEDS_H
#define SRC_SANDBOX_DEEDS_H

#include "exchange.h"

/* Posts a draft from the inbox, for everyone to see, or throws it away. RC_CONFLICT: it
 * is not a draft that waits. Inside a transaction, as the others. */
enum rc draft_post(struct exchange *x, struct publication *p, struct err *err) MUST_CHECK;
enum rc draft_discard(struct exchange *x, struct publication *p,
                      struct err *err) MUST_CHECK;

/* Takes the app off the person's list: tokens die, and what is on its way fails. */
enum rc app_remove(struct exchange *x, int64_t user_id, struct err *err) MUST_CHECK;

#endif
