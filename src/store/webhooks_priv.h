/* store/webhooks_priv.h - what the two files of store/webhooks.h share. */
#ifndef SRC_STORE_WEBHOOKS_PRIV_H
#define SRC_STORE_WEBHOOKS_PRIV_H

#include "stmt.h"
#include "store/webhooks.h"

/* Numbers stored in webhook_inbox.state. */
enum hook_state {
    HOOK_WAITING = 1,
    HOOK_RUNNING = 2,
    HOOK_APPLIED = 4,
    HOOK_REFUSED = 5,
};

/* How a row ends. */
struct hook_end {
    enum hook_state state;
    const char *event, *reason;
};

/* Ends the row, inside the caller's transaction if there is one. */
enum rc hook_finish(struct db *db, const struct hook *hook, uint64_t inc,
                    const struct hook_end *end, struct err *err) MUST_CHECK;

/* True in *seen when a row with this body was applied before. */
enum rc hook_seen(struct db *db, const struct hook *hook, bool *seen,
                  struct err *err) MUST_CHECK;

#endif
