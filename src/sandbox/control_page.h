/* sandbox/control_page.h - the controls as a page, for people. */
#ifndef SRC_SANDBOX_CONTROL_PAGE_H
#define SRC_SANDBOX_CONTROL_PAGE_H

#include "exchange.h"

/* GET /sandbox, and POST of its forms. */
enum rc control_page(struct exchange *x, struct err *err);
enum rc control_page_action(struct exchange *x, struct err *err);

#endif
