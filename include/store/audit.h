/* store/audit.h - who did what, for the owner of the workspace. Append only.
 *
 * A line is written in the transaction of what it tells of, so that neither is there
 * without the other. Data is small JSON that a person may read: no secret, no text of a
 * post. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "core/err.h"
#include "store/db.h"

#include <stdint.h>

enum {
    AUDIT_ACTION_MAX = 48, /* bytes of an action */
    AUDIT_DATA_MAX = 1000, /* bytes of data */
};

/* Who acts: every write that a person causes names its actor. */
struct actor {
    uint64_t workspace_id;
    uint64_t user_id;  /* 0: the system */
    uint64_t token_id; /* of the API token used; 0: a session */
    const char *ip;    /* as nginx says; "" when there is none */
};

/* Writes a line. action is a constant such as "account.disconnect"; object_id is what it
 * was done to (0: nothing that has an id), and the action says of which kind; data is
 * JSON or "". */
enum rc audit_add(struct db *db, const struct actor *actor, const char *action,
                  uint64_t object_id, const char *data, struct err *err) MUST_CHECK;

#endif
