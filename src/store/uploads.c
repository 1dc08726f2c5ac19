#include "store/uploads.h"

#include "core/text.h"
#include "media_priv.h"
#include "stmt.h"

#include <inttypes.h>

/* The state as people see it: over from the instant on, whoever sweeps when. */
#define SELECT_UPLOAD                                                                    \
    "SELECT upload_id, workspace_id, user_id, bytes, received, filename, mime, "         \
    "IF(state = 1 AND expires_at <= " SQL_NOW ", 4, state), media_id, expires_at "       \
    "FROM upload WHERE upload_id = ? AND workspace_id = ?"

static enum rc read_upload(struct db *db, const char *sql, struct sql_args args,
                           struct upload *out, struct err *err)
{
    struct upload u = {0};
    int state = 0;
    bool found = false;
    const struct sql_col cols[] = {COL_TEXT(u.id),       COL_U64(&u.workspace_id),
                                   COL_U64(&u.user_id),  COL_I64(&u.bytes),
                                   COL_I64(&u.received), COL_TEXT(u.filename),
                                   COL_TEXT(u.mime),     COL_INT(&state),
                                   COL_U64(&u.media_id), COL_I64(&u.expires_at_ms)};
    enum rc rc = db_row(db, sql, args, SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return err_set(err, RC_NOT_FOUND, "not_found", "There is no such upload.");
    u.state = (enum upload_state)state;
    *out = u;
    return RC_OK;
}

enum rc upload_get(struct db *db, uint64_t workspace_id, const char *id,
                   struct upload *out, struct err *err)
{
    const struct sql_arg args[] = {sql_text(id), sql_u64(workspace_id)};

    return read_upload(db, SELECT_UPLOAD, SQL_ARGS(args), out, err);
}

enum rc upload_get_settled(struct db *db, uint64_t workspace_id, const char *id,
                           struct upload *out, struct err *err)
{
    const struct sql_arg args[] = {sql_text(id), sql_u64(workspace_id)};

    return read_upload(db, SELECT_UPLOAD " LOCK IN SHARE MODE", SQL_ARGS(args), out, err);
}

/* --- creation --------------------------------------------------------------------- */

struct creation {
    const struct upload *u;
    int64_t now_ms;
};

static enum rc read_usage(struct db *db, const char *quota, uint64_t ws, int64_t now_ms,
                          struct upload_usage *u, struct err *err)
{
    const struct sql_arg one[] = {sql_u64(ws)};
    const struct sql_arg args[] = {sql_u64(ws), sql_u64(ws), sql_u64(ws),
                                   sql_i64(now_ms)};
    const struct sql_col max[] = {COL_I64(&u->max_bytes)};
    const struct sql_col cols[] = {COL_I64(&u->kept_bytes), COL_I64(&u->coming_bytes),
                                   COL_I64(&u->open)};
    bool found = false;
    enum rc rc = db_row(db, quota, SQL_ARGS(one), SQL_COLS(max), &found, err);

    if (rc == RC_OK && !found)
        rc = err_set(err, RC_NOT_FOUND, "not_found", "There is no such workspace.");
    if (rc != RC_OK)
        return rc;
    return db_row(db,
                  "SELECT (SELECT CAST(COALESCE(SUM(bytes), 0) AS SIGNED) FROM media "
                  "WHERE workspace_id = ? AND state <> 4), "
                  "CAST(COALESCE(SUM(bytes), 0) AS SIGNED) + "
                  "(SELECT CAST(COALESCE(SUM(reserved), 0) AS SIGNED) FROM repair "
                  "WHERE workspace_id = ? AND state = 1), COUNT(*) FROM upload "
                  "WHERE workspace_id = ? AND state = 1 AND expires_at > ?",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

enum rc upload_usage(struct db *db, uint64_t workspace_id, struct upload_usage *out,
                     struct err *err)
{
    struct upload_usage u = {0};
    int64_t now_ms = 0;
    enum rc rc = db_now(db, &now_ms, err);

    if (rc == RC_OK)
        rc =
            read_usage(db, "SELECT media_bytes_max FROM workspace WHERE workspace_id = ?",
                       workspace_id, now_ms, &u, err);
    if (rc == RC_OK)
        *out = u;
    return rc;
}

/* The workspace's row is locked until the new upload counts. */
static enum rc lock_usage(struct db *db, uint64_t ws, int64_t now_ms,
                          struct upload_usage *u, struct err *err)
{
    return read_usage(
        db, "SELECT media_bytes_max FROM workspace WHERE workspace_id = ? FOR UPDATE", ws,
        now_ms, u, err);
}

static enum rc check_quota(const struct upload_usage *u, int64_t bytes, struct err *err)
{
    if (bytes > u->max_bytes - u->kept_bytes - u->coming_bytes)
        return err_set(err, RC_LIMITED, "storage_full",
                       "The library is full: it may hold %" PRId64 " bytes, and %" PRId64
                       " are taken. Delete files that are not needed any more.",
                       u->max_bytes, u->kept_bytes + u->coming_bytes);
    return RC_OK;
}

enum rc upload_room_check(struct db *db, uint64_t workspace_id, int64_t bytes,
                          int64_t now_ms, struct err *err)
{
    struct upload_usage u = {0};
    enum rc rc = lock_usage(db, workspace_id, now_ms, &u, err);

    return rc == RC_OK ? check_quota(&u, bytes, err) : rc;
}

static enum rc check_room(struct db *db, const struct creation *c, struct err *err)
{
    struct upload_usage u = {0};
    enum rc rc = lock_usage(db, c->u->workspace_id, c->now_ms, &u, err);

    if (rc != RC_OK)
        return rc;
    if (u.open >= UPLOAD_OPEN_MAX)
        return err_set(err, RC_LIMITED, "too_many_uploads",
                       "%d uploads are under way. Finish or cancel some of them first.",
                       UPLOAD_OPEN_MAX);
    return check_quota(&u, c->u->bytes, err);
}

static enum rc insert_steps(struct db *db, void *ctx, struct err *err)
{
    struct creation *c = ctx;
    const struct upload *u = c->u;
    enum rc rc = db_now(db, &c->now_ms, err);

    if (rc == RC_OK)
        rc = check_room(db, c, err);
    if (rc == RC_OK) {
        const struct sql_arg args[] = {sql_text(u->id),
                                       sql_u64(u->workspace_id),
                                       sql_u64(u->user_id),
                                       sql_i64(u->bytes),
                                       sql_text(u->filename),
                                       sql_text(u->mime),
                                       sql_i64(c->now_ms),
                                       sql_i64(c->now_ms),
                                       sql_i64(c->now_ms + UPLOAD_TTL_MS)};

        rc = db_exec(db,
                     "INSERT INTO upload (upload_id, workspace_id, user_id, bytes, "
                     "filename, mime, created_at, updated_at, expires_at) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     SQL_ARGS(args), NULL, err);
    }
    return rc;
}

enum rc upload_insert(struct db *db, struct upload *u, struct err *err)
{
    struct creation c = {.u = u};
    enum rc rc = db_transaction(db, insert_steps, &c, err);

    if (rc != RC_OK)
        return rc;
    u->received = 0;
    u->state = UPLOAD_OPEN;
    u->media_id = 0;
    u->expires_at_ms = c.now_ms + UPLOAD_TTL_MS;
    return RC_OK;
}

/* --- bytes ------------------------------------------------------------------------ */

/* A step forward, as its transaction sees it. */
struct step {
    const struct upload *u;
    int64_t received; /* from now on */
    bool by_token;
    int64_t now_ms;
    uint64_t media_id;
};

/* db_exec_one() for the row as u says it is: still open, with as many bytes. */
static enum rc exec_guarded(struct db *db, const char *sql, struct sql_args args,
                            struct err *err)
{
    enum rc rc = db_exec_one(db, sql, args, err);

    if (rc == RC_CONFLICT)
        return err_set(err, RC_CONFLICT, "offset_mismatch",
                       "The upload has moved on. Ask for its offset and go on there.");
    return rc;
}

static enum rc advance_steps(struct db *db, void *ctx, struct err *err)
{
    struct step *s = ctx;
    enum rc rc = db_now(db, &s->now_ms, err);

    if (rc == RC_OK) {
        const struct sql_arg args[] = {sql_i64(s->received),
                                       sql_i64(s->now_ms),
                                       sql_i64(s->now_ms + UPLOAD_TTL_MS),
                                       sql_text(s->u->id),
                                       sql_u64(s->u->workspace_id),
                                       sql_i64(s->u->received),
                                       sql_i64(s->now_ms)};

        rc = exec_guarded(db,
                          "UPDATE upload SET received = ?, updated_at = ?, "
                          "expires_at = ? WHERE upload_id = ? AND workspace_id = ? "
                          "AND state = 1 AND received = ? AND expires_at > ?",
                          SQL_ARGS(args), err);
    }
    return rc;
}

/* A connection that says nothing for so long is ended by the server, and its locks with
 * it: else a machine that lost its power would keep them for hours. */
enum rc upload_lock(struct db *db, const char *id, struct err *err)
{
    const struct sql_arg args[] = {sql_text(id)};
    const struct sql_arg limit[] = {sql_i64(UPLOAD_LOCK_S)};
    int64_t got = 0;
    bool found = false;
    const struct sql_col cols[] = {COL_I64(&got)};
    enum rc rc = db_exec(db, "SET SESSION wait_timeout = ?", SQL_ARGS(limit), NULL, err);

    if (rc == RC_OK)
        rc = db_row(db, "SELECT COALESCE(GET_LOCK(CONCAT('tts.upload.', ?), 0), 0)",
                    SQL_ARGS(args), SQL_COLS(cols), &found, err);
    if (rc == RC_OK && got != 1)
        rc = err_set(err, RC_CONFLICT, "upload_busy",
                     "Another request is writing to this upload.");
    return rc;
}

void upload_unlock(struct db *db, const char *id)
{
    const struct sql_arg args[] = {sql_text(id)};
    struct err ignored;
    enum rc rc = db_exec(db, "DO RELEASE_LOCK(CONCAT('tts.upload.', ?))", SQL_ARGS(args),
                         NULL, &ignored);

    if (rc == RC_OK)
        rc = db_exec(db, "SET SESSION wait_timeout = DEFAULT", SQL_NONE, NULL, &ignored);
    (void)rc; /* the connection's end does the same */
}

enum rc upload_advance(struct db *db, struct upload *u, int64_t received, struct err *err)
{
    struct step s = {.u = u, .received = received};
    enum rc rc;

    if (received <= u->received || received >= u->bytes)
        return err_set(err, RC_BUG, "bad_offset",
                       "An upload moves forward, and its last byte ends it.");
    rc = db_transaction(db, advance_steps, &s, err);
    if (rc != RC_OK)
        return rc;
    u->received = received;
    u->expires_at_ms = s.now_ms + UPLOAD_TTL_MS;
    return RC_OK;
}

static enum rc end_with_media(struct db *db, struct step *s, struct err *err)
{
    const struct upload *u = s->u;
    const struct sql_arg args[] = {sql_i64(s->now_ms),   sql_i64(s->now_ms),
                                   sql_text(u->id),      sql_u64(u->workspace_id),
                                   sql_i64(u->received), sql_i64(s->now_ms)};
    const struct media_new m = {.workspace_id = u->workspace_id,
                                .user_id = u->user_id,
                                .by_token = s->by_token,
                                .blob_key = u->id,
                                .filename = u->filename,
                                .mime = u->mime,
                                .bytes = u->bytes,
                                .now_ms = s->now_ms};
    enum rc rc = exec_guarded(db,
                              "UPDATE upload SET state = 2, received = bytes, "
                              "updated_at = ?, expires_at = ? WHERE upload_id = ? AND "
                              "workspace_id = ? AND state = 1 AND received = ? AND "
                              "expires_at > ?",
                              SQL_ARGS(args), err);

    if (rc == RC_OK)
        rc = media_insert(db, &m, &s->media_id, err);
    if (rc == RC_OK) {
        const struct sql_arg link[] = {sql_u64(s->media_id), sql_text(u->id)};

        rc = db_exec_one(db, "UPDATE upload SET media_id = ? WHERE upload_id = ?",
                         SQL_ARGS(link), err);
    }
    if (rc == RC_OK)
        rc = media_tell_new(db, &m, s->media_id, err);
    return rc;
}

static enum rc finish_steps(struct db *db, void *ctx, struct err *err)
{
    struct step *s = ctx;
    enum rc rc = db_now(db, &s->now_ms, err);

    return rc == RC_OK ? end_with_media(db, s, err) : rc;
}

enum rc upload_finish(struct db *db, struct upload *u, bool by_token, struct err *err)
{
    struct step s = {.u = u, .by_token = by_token};
    enum rc rc = db_transaction(db, finish_steps, &s, err);

    if (rc != RC_OK)
        return rc;
    u->state = UPLOAD_FINISHED;
    u->received = u->bytes;
    u->media_id = s.media_id;
    u->expires_at_ms = s.now_ms;
    return RC_OK;
}

/* --- other ends ------------------------------------------------------------------- */

enum rc upload_terminate(struct db *db, const struct upload *u, struct err *err)
{
    const struct sql_arg args[] = {sql_text(u->id), sql_u64(u->workspace_id)};
    enum rc rc = db_exec_one(db,
                             "UPDATE upload SET state = 3, updated_at = " SQL_NOW ", "
                             "expires_at = " SQL_NOW " "
                             "WHERE upload_id = ? AND workspace_id = ? AND state = 1",
                             SQL_ARGS(args), err);

    if (rc == RC_CONFLICT)
        return err_set(err, RC_CONFLICT, "upload_finished",
                       "The upload is finished. Delete the file from the library.");
    return rc;
}

struct expiry {
    char (*ids)[UPLOAD_ID_SIZE];
    size_t n;
    char id[UPLOAD_ID_SIZE]; /* of the row being read */
};

static enum rc keep_id(void *ctx, struct err *err UNUSED)
{
    struct expiry *e = ctx;

    text_copy(e->ids[e->n++], UPLOAD_ID_SIZE, e->id);
    return RC_OK;
}

static enum rc expire_steps(struct db *db, void *ctx, struct err *err)
{
    struct expiry *e = ctx;
    int64_t now_ms = 0;
    const struct sql_col cols[] = {COL_TEXT(e->id)};
    enum rc rc = db_now(db, &now_ms, err);

    e->n = 0;
    if (rc == RC_OK) {
        const struct sql_arg args[] = {sql_i64(now_ms), sql_i64(UPLOAD_SWEEP_MAX)};

        rc = db_each(db,
                     "SELECT upload_id FROM upload WHERE state = 1 AND expires_at <= ? "
                     "ORDER BY expires_at LIMIT ? FOR UPDATE SKIP LOCKED",
                     SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){keep_id, e}, err);
    }
    for (size_t i = 0; i < e->n && rc == RC_OK; i++) {
        const struct sql_arg args[] = {sql_i64(now_ms), sql_text(e->ids[i])};

        rc = db_exec_one(db,
                         "UPDATE upload SET state = 4, updated_at = ? "
                         "WHERE upload_id = ? AND state = 1",
                         SQL_ARGS(args), err);
    }
    return rc;
}

enum rc upload_expire(struct db *db, char ids[UPLOAD_SWEEP_MAX][UPLOAD_ID_SIZE],
                      size_t *n, struct err *err)
{
    struct expiry e = {.ids = ids};
    enum rc rc = db_transaction(db, expire_steps, &e, err);

    if (rc == RC_OK)
        *n = e.n;
    return rc;
}

enum rc upload_purge(struct db *db, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(UPLOAD_KEPT_MS), sql_i64(UPLOAD_PURGE_MAX)};

    return db_exec(db,
                   "DELETE FROM upload WHERE state IN (2, 3, 4) AND "
                   "expires_at < " SQL_NOW " - ? LIMIT ?",
                   SQL_ARGS(args), NULL, err);
}
