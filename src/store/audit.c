#include "store/audit.h"

#include "stmt.h"

#include <assert.h>
#include <string.h>

enum rc audit_add(struct db *db, const struct actor *actor, const char *action,
                  uint64_t object_id, const char *data, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(actor->workspace_id),
                                   sql_id(actor->user_id),
                                   sql_id(actor->token_id),
                                   sql_text(action),
                                   sql_id(object_id),
                                   sql_text(actor->ip),
                                   sql_text(data)};

    assert(strlen(action) <= AUDIT_ACTION_MAX && strlen(data) <= AUDIT_DATA_MAX);
    return db_exec(db,
                   "INSERT INTO audit_log (workspace_id, user_id, token_id, at, action,"
                   " object_id, ip, data) VALUES (?, ?, ?, " SQL_NOW ", ?, ?, ?, ?)",
                   SQL_ARGS(args), NULL, err);
}
