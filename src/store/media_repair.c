/* store/repairs.h: a repair is a row beside its medium and ends in its transactions. */
#include "core/text.h"
#include "media_priv.h"
#include "stmt.h"
#include "store/events.h"
#include "store/repairs.h"

/* Every guarded statement's end: the row as it was claimed. */
#define OURS "WHERE media_id = ? AND owner = ? AND fence = ? AND state = 1"

static enum rc tell(struct db *db, uint64_t workspace_id, uint64_t media_id,
                    const struct media_ref *who, struct err *err)
{
    const struct event e = {.workspace_id = workspace_id,
                            .media_id = media_id,
                            .kind = EVENT_MEDIA_CHANGED,
                            .user_id = who != NULL ? who->user_id : 0,
                            .by_token = who != NULL && who->by_token};

    return event_add(db, &e, err);
}

/* --- a person's wishes ------------------------------------------------------------ */

struct wish {
    const struct media_ref *ref;
    int64_t reserve;
    int64_t now_ms;
};

/* The original and its repair, locked. */
static enum rc look(struct db *db, const struct media_ref *ref, int *state, bool *kept,
                    struct err *err)
{
    const struct sql_arg args[] = {sql_u64(ref->workspace_id), sql_u64(ref->media_id)};
    uint64_t id = 0;
    bool found = false;
    const struct sql_col row[] = {COL_U64(&id)};
    const struct sql_col cols[] = {COL_INT(state), COL_BOOL(kept)};
    enum rc rc = db_row(db,
                        "SELECT media_id FROM media WHERE workspace_id = ? AND "
                        "media_id = ? AND state <> 4 FOR UPDATE",
                        SQL_ARGS(args), SQL_COLS(row), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return err_set(err, RC_NOT_FOUND, "not_found", "There is no such file.");
    *state = 0;
    *kept = false;
    return db_row(db,
                  "SELECT r.state, EXISTS (SELECT 1 FROM media m WHERE "
                  "m.media_id = r.result_id AND m.state <> 4) FROM repair r "
                  "WHERE r.workspace_id = ? AND r.media_id = ? FOR UPDATE",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

/* The workspace first: two wishes of it wait for one another, as uploads do. */
static enum rc start_steps(struct db *db, void *ctx, struct err *err)
{
    struct wish *w = ctx;
    int state = 0;
    bool kept = false;
    enum rc rc = db_now(db, &w->now_ms, err);

    if (rc == RC_OK)
        rc = upload_room_check(db, w->ref->workspace_id, w->reserve, w->now_ms, err);
    if (rc == RC_OK)
        rc = look(db, w->ref, &state, &kept, err);
    if (rc == RC_OK && state == MEDIA_REPAIR_RUNNING)
        return err_set(err, RC_CONFLICT, "repair_running",
                       "This file is being repaired already.");
    if (rc == RC_OK && state == MEDIA_REPAIR_DONE && kept)
        return err_set(err, RC_CONFLICT, "repair_done",
                       "This file was repaired already: the result is in the library.");
    if (rc == RC_OK) {
        const struct sql_arg args[] = {
            sql_u64(w->ref->media_id), sql_u64(w->ref->workspace_id),
            sql_u64(w->ref->user_id),  sql_i64(w->ref->by_token),
            sql_i64(w->reserve),       sql_i64(w->now_ms),
            sql_i64(w->now_ms),        sql_i64(w->now_ms)};

        rc = db_exec(db,
                     "INSERT INTO repair (media_id, workspace_id, user_id, by_token, "
                     "reserved, next_at, created_at, updated_at) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE "
                     "user_id = VALUES(user_id), by_token = VALUES(by_token), "
                     "state = 1, reserved = VALUES(reserved), permille = 0, "
                     "result_id = NULL, reason = '', reason_msg = '', "
                     "next_at = VALUES(next_at), owner = 0, fence = fence + 1, "
                     "fails = 0, created_at = VALUES(created_at), "
                     "updated_at = VALUES(updated_at)",
                     SQL_ARGS(args), NULL, err);
    }
    return rc == RC_OK ? tell(db, w->ref->workspace_id, w->ref->media_id, w->ref, err)
                       : rc;
}

enum rc repair_start(struct db *db, const struct media_ref *ref, int64_t reserve,
                     struct err *err)
{
    struct wish w = {.ref = ref, .reserve = reserve};

    return db_transaction(db, start_steps, &w, err);
}

enum rc media_repair_end(struct db *db, uint64_t media_id, int64_t now_ms, int64_t *ended,
                         struct err *err)
{
    const struct sql_arg args[] = {sql_i64(SQL_NEVER), sql_i64(now_ms),
                                   sql_u64(media_id)};

    return db_exec(db,
                   "UPDATE repair SET state = 4, owner = 0, fence = fence + 1, "
                   "next_at = ?, updated_at = ? WHERE media_id = ? AND state = 1",
                   SQL_ARGS(args), ended, err);
}

static enum rc cancel_steps(struct db *db, void *ctx, struct err *err)
{
    struct wish *w = ctx;
    int state = 0;
    bool kept = false;
    int64_t ended = 0;
    enum rc rc = db_now(db, &w->now_ms, err);

    if (rc == RC_OK)
        rc = look(db, w->ref, &state, &kept, err);
    if (rc == RC_OK)
        rc = media_repair_end(db, w->ref->media_id, w->now_ms, &ended, err);
    if (rc == RC_OK && ended == 0)
        return err_set(err, RC_CONFLICT, "no_repair",
                       "No repair of this file is under way.");
    return rc == RC_OK ? tell(db, w->ref->workspace_id, w->ref->media_id, w->ref, err)
                       : rc;
}

enum rc repair_cancel(struct db *db, const struct media_ref *ref, struct err *err)
{
    struct wish w = {.ref = ref};

    return db_transaction(db, cancel_steps, &w, err);
}

/* --- claiming --------------------------------------------------------------------- */

struct repair_claim {
    uint64_t owner;
    const char *key;
    struct repair_work work;
    bool found;
};

static enum rc claim_steps(struct db *db, void *ctx, struct err *err)
{
    struct repair_claim *c = ctx;
    struct repair_work *w = &c->work;
    int64_t now_ms = 0;
    const struct sql_col cols[] = {
        COL_U64(&w->media_id),  COL_U64(&w->workspace_id), COL_U64(&w->user_id),
        COL_BOOL(&w->by_token), COL_TEXT(w->source_key),   COL_TEXT(w->stale_key),
        COL_TEXT(w->filename),  COL_I64(&w->reserved),     COL_U64(&w->fence),
        COL_UINT(&w->fails),    COL_BOOL(&w->gone)};
    enum rc rc = db_now(db, &now_ms, err);

    if (rc == RC_OK) {
        const struct sql_arg due[] = {sql_i64(now_ms)};

        rc = db_row(db,
                    "SELECT r.media_id, r.workspace_id, r.user_id, r.by_token, "
                    "m.blob_key, r.blob_key, m.filename, r.reserved, r.fence + 1, "
                    "r.fails, m.state = 4 FROM repair r "
                    "JOIN media m ON m.media_id = r.media_id WHERE r.next_at <= ? "
                    "ORDER BY r.next_at, r.media_id LIMIT 1 FOR UPDATE SKIP LOCKED",
                    SQL_ARGS(due), SQL_COLS(cols), &c->found, err);
    }
    if (rc == RC_OK && c->found) {
        const struct sql_arg args[] = {
            sql_u64(c->owner), sql_u64(w->fence), sql_text(c->key),
            sql_i64(now_ms + REPAIR_LEASE_MS), sql_u64(w->media_id)};

        rc = db_exec_one(db,
                         "UPDATE repair SET owner = ?, fence = ?, blob_key = ?, "
                         "next_at = ?, fails = fails + 1 WHERE media_id = ?",
                         SQL_ARGS(args), err);
    }
    return rc;
}

enum rc repair_claim(struct db *db, uint64_t owner, const char *result_key,
                     struct repair_work *out, bool *found, struct err *err)
{
    struct repair_claim c = {.owner = owner, .key = result_key};
    enum rc rc = db_transaction(db, claim_steps, &c, err);

    if (rc != RC_OK)
        return rc;
    c.work.owner = owner;
    text_copy(c.work.result_key, sizeof(c.work.result_key), result_key);
    *found = c.found;
    if (c.found)
        *out = c.work;
    return RC_OK;
}

/* --- while it is under way -------------------------------------------------------- */

enum rc repair_ours(struct db *db, const struct repair_work *work, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(work->media_id), sql_u64(work->owner),
                                   sql_u64(work->fence)};
    uint64_t id = 0;
    bool found = false;
    const struct sql_col cols[] = {COL_U64(&id)};
    enum rc rc = db_row(db, "SELECT media_id FROM repair " OURS, SQL_ARGS(args),
                        SQL_COLS(cols), &found, err);

    if (rc == RC_OK && !found)
        return err_set(err, RC_CONFLICT, "lost", "The repair was called off.");
    return rc;
}

enum rc repair_report(struct db *db, const struct repair_work *work, int permille,
                      int64_t lease_ms, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(permille), sql_i64(lease_ms),
                                   sql_u64(work->media_id), sql_u64(work->owner),
                                   sql_u64(work->fence)};

    return db_exec_one(db,
                       "UPDATE repair SET permille = ?, next_at = " SQL_NOW " + ?, "
                       "updated_at = " SQL_NOW " " OURS,
                       SQL_ARGS(args), err);
}

/* --- its end ---------------------------------------------------------------------- */

struct ending {
    const struct repair_work *work;
    const char *filename;
    int64_t bytes;
    const char *reason;
    const char *message;
    uint64_t media_id;
};

static enum rc finish_steps(struct db *db, void *ctx, struct err *err)
{
    struct ending *e = ctx;
    const struct repair_work *w = e->work;
    struct media_new m = {.workspace_id = w->workspace_id,
                          .user_id = w->user_id,
                          .by_token = w->by_token,
                          .blob_key = w->result_key,
                          .filename = e->filename,
                          .mime = "video/mp4",
                          .bytes = e->bytes,
                          .repaired_from = w->media_id};
    enum rc rc = db_now(db, &m.now_ms, err);

    if (rc == RC_OK)
        rc = media_insert(db, &m, &e->media_id, err);
    if (rc == RC_OK) {
        const struct sql_arg args[] = {sql_u64(e->media_id), sql_i64(SQL_NEVER),
                                       sql_i64(m.now_ms),    sql_u64(w->media_id),
                                       sql_u64(w->owner),    sql_u64(w->fence)};

        rc = db_exec_one(db,
                         "UPDATE repair SET state = 2, result_id = ?, next_at = ?, "
                         "owner = 0, permille = 1000, updated_at = ? " OURS,
                         SQL_ARGS(args), err);
    }
    if (rc == RC_OK)
        rc = media_tell_new(db, &m, e->media_id, err);
    return rc == RC_OK ? tell(db, w->workspace_id, w->media_id, NULL, err) : rc;
}

enum rc repair_finish(struct db *db, const struct repair_work *work, const char *filename,
                      int64_t bytes, uint64_t *media_id, struct err *err)
{
    struct ending e = {.work = work, .filename = filename, .bytes = bytes};
    enum rc rc = db_transaction(db, finish_steps, &e, err);

    if (rc == RC_OK)
        *media_id = e.media_id;
    return rc;
}

static enum rc fail_steps(struct db *db, void *ctx, struct err *err)
{
    const struct ending *e = ctx;
    const struct repair_work *w = e->work;
    const struct sql_arg args[] = {sql_text(e->reason), sql_text(e->message),
                                   sql_i64(SQL_NEVER),  sql_u64(w->media_id),
                                   sql_u64(w->owner),   sql_u64(w->fence)};
    enum rc rc = db_exec_one(db,
                             "UPDATE repair SET state = 3, reason = ?, reason_msg = ?, "
                             "next_at = ?, owner = 0, updated_at = " SQL_NOW " " OURS,
                             SQL_ARGS(args), err);

    return rc == RC_OK ? tell(db, w->workspace_id, w->media_id, NULL, err) : rc;
}

enum rc repair_fail(struct db *db, const struct repair_work *work, const char *reason,
                    const char *message, struct err *err)
{
    struct ending e = {.work = work, .reason = reason, .message = message};

    return db_transaction(db, fail_steps, &e, err);
}

enum rc repair_give_back(struct db *db, const struct repair_work *work, int64_t after_ms,
                         struct err *err)
{
    const struct sql_arg args[] = {sql_i64(after_ms), sql_u64(work->media_id),
                                   sql_u64(work->owner), sql_u64(work->fence)};

    return db_exec(db,
                   "UPDATE repair SET next_at = " SQL_NOW " + ?, owner = 0, "
                   "fails = IF(fails > 0, fails - 1, 0) " OURS,
                   SQL_ARGS(args), NULL, err);
}
