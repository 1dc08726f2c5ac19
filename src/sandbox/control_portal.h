/* sandbox/control_portal.h - webhooks and apps on the page of controls: what is set at
 * TikTok's developer portal. */
#ifndef SRC_SANDBOX_CONTROL_PORTAL_H
#define SRC_SANDBOX_CONTROL_PORTAL_H

#include "exchange.h"

/* The two parts of the page. */
enum rc portal_webhooks(struct exchange *x, struct err *err) MUST_CHECK;
enum rc portal_apps(struct exchange *x, struct err *err) MUST_CHECK;

/* What their forms ask for; inside a transaction. */
enum rc portal_do_url(struct exchange *x, struct err *err);
enum rc portal_do_test(struct exchange *x, struct err *err);
enum rc portal_do_fault(struct exchange *x, struct err *err);
enum rc portal_do_again(struct exchange *x, struct err *err);
enum rc portal_do_app(struct exchange *x, struct err *err);
enum rc portal_do_new_app(struct exchange *x, struct err *err);

#endif
