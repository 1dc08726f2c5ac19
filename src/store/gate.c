#include "store/gate.h"

#include "stmt.h"

static enum rc not_there(struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "not_found", "There is nothing at this address.");
}

/* An intent is only granted by the publisher that made it, while the job is in its hands
 * and no newer attempt was made (job_open()). */
enum rc gate_find(struct db *db, const unsigned char *token, unsigned position,
                  struct gate_file *out, struct err *err)
{
    const struct sql_arg args[] = {sql_bytes(token, JOB_GATE_SIZE), sql_u64(position)};
    struct gate_file f = {.state = GATE_GONE};
    int state = GATE_GONE, kind = 0;
    const struct sql_col cols[] = {COL_INT(&state),           COL_U64(&f.post_id),
                                   COL_UINT(&f.attempt_no),   COL_INT(&kind),
                                   COL_TEXT(f.blob_key),      COL_TEXT(f.mime),
                                   COL_BOOL(&f.has_rendition)};
    bool found = false;
    enum rc rc =
        db_row(db,
               "SELECT CASE WHEN a.state IN (3, 4, 5) THEN 2"
               " WHEN a.state = 1 AND j.state = 2 AND j.attempt_no = a.attempt_no"
               " AND j.fence = a.fence THEN 1 ELSE 0 END,"
               " a.post_id, a.attempt_no, m.kind, m.blob_key, m.mime, m.has_rendition"
               " FROM attempt a JOIN job j ON j.post_id = a.post_id"
               " JOIN post_media pm ON pm.post_id = a.post_id"
               " JOIN media m ON m.workspace_id = pm.workspace_id"
               " AND m.media_id = pm.media_id AND m.state <> 4"
               " WHERE a.gate_token = ? AND a.method = 2 AND pm.position = ?",
               SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return not_there(err);
    f.state = (enum gate_state)state;
    f.kind = (enum media_kind)kind;
    *out = f;
    return RC_OK;
}

enum rc gate_serve(struct db *db, const unsigned char *token, struct err *err)
{
    const struct sql_arg args[] = {sql_bytes(token, JOB_GATE_SIZE)};
    int64_t rows = 0;
    enum rc rc = db_exec(db,
                         "UPDATE attempt SET"
                         " first_served_at = COALESCE(first_served_at, " SQL_NOW ")"
                         " WHERE gate_token = ? AND state IN (3, 4, 5)",
                         SQL_ARGS(args), &rows, err);

    return rc == RC_OK && rows != 1 ? not_there(err) : rc;
}
