#include "calls.h"

enum { WINDOW_MS = 60000, PRUNE_EVERY = 1024 };

#define COLUMNS                                                                          \
    "at_ms, endpoint, user_id, counted, publish_id, status, code, log_id, fault_id,"     \
    " app_id"

enum rc calls_in_window(struct sql *sql, const struct call *call, int64_t *n,
                        struct err *err)
{
    return sql_number(sql,
                      "SELECT COUNT(*) FROM call WHERE counted = 1 AND user_id = ?"
                      " AND endpoint = ? AND at_ms > ? AND at_ms <= ? AND app_id = ?",
                      SQL_WITH(sql_int(call->user_id), sql_text(call->endpoint),
                               sql_int(call->at_ms - WINDOW_MS), sql_int(call->at_ms),
                               sql_int(call->app_id)),
                      n, err);
}

enum rc call_store(struct sql *sql, const struct call *call, struct err *err)
{
    enum rc rc = sql_run(
        sql, "INSERT INTO call (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        SQL_WITH(sql_int(call->at_ms), sql_text(call->endpoint), sql_int(call->user_id),
                 sql_int(call->counted), sql_text(call->publish_id),
                 sql_int(call->status), sql_text(call->code), sql_text(call->log_id),
                 sql_int(call->fault_id), sql_int(call->app_id)),
        NULL, err);

    if (rc == RC_OK && sql_last_id(sql) % PRUNE_EVERY == 0)
        rc = sql_run(sql, "DELETE FROM call WHERE id <= ?",
                     SQL_WITH(sql_int(sql_last_id(sql) - CALLS_KEPT)), NULL, err);
    return rc;
}

struct visit {
    call_fn each;
    void *ctx;
};

static void visit_row(void *ctx, const struct sql_row *row)
{
    const struct visit *v = ctx;
    struct call call = {
        .at_ms = sql_int_at(row, 0),
        .endpoint = sql_text_of(row, 1),
        .user_id = sql_int_at(row, 2),
        .counted = sql_bool_at(row, 3),
        .publish_id = sql_text_of(row, 4),
        .status = (int)sql_int_at(row, 5),
        .code = sql_text_of(row, 6),
        .log_id = sql_text_of(row, 7),
        .fault_id = sql_int_at(row, 8),
        .app_id = sql_int_at(row, 9),
    };

    v->each(v->ctx, &call);
}

enum rc calls_each(struct sql *sql, const char *publish_id, int64_t limit, call_fn each,
                   void *ctx, struct err *err)
{
    struct visit v = {each, ctx};

    if (publish_id != NULL)
        return sql_each(sql,
                        "SELECT " COLUMNS " FROM call WHERE publish_id = ?"
                        " ORDER BY id DESC LIMIT ?",
                        SQL_WITH(sql_text(publish_id), sql_int(limit)), visit_row, &v,
                        err);
    return sql_each(sql, "SELECT " COLUMNS " FROM call ORDER BY id DESC LIMIT ?",
                    SQL_WITH(sql_int(limit)), visit_row, &v, err);
}
