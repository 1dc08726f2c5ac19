/* The work half of store/media.h: claims, verdicts and bytes to be removed. */
#include "stmt.h"
#include "store/events.h"
#include "store/media.h"

#include <assert.h>

/* --- claiming --------------------------------------------------------------------- */

struct claim {
    uint64_t owner;
    size_t max;
    struct media_work row; /* being read */
    int state;
    struct media_work *out;
    size_t n;
};

static enum media_task task_of(int state)
{
    if (state == MEDIA_DELETED)
        return MEDIA_TASK_REMOVE;
    return state == MEDIA_CHECKING ? MEDIA_TASK_EXAMINE : MEDIA_TASK_STRIP;
}

static enum rc keep_work(void *ctx, struct err *err UNUSED)
{
    struct claim *c = ctx;

    c->row.owner = c->owner;
    c->row.task = task_of(c->state);
    c->out[c->n++] = c->row;
    return RC_OK;
}

/* Rows that another process is claiming now are passed over. */
static enum rc find_due(struct db *db, struct claim *c, int64_t now_ms, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(now_ms), sql_i64(now_ms),
                                   sql_i64((int64_t)c->max)};
    struct media_work *w = &c->row;
    const struct sql_col cols[] = {
        COL_U64(&w->media_id),       COL_U64(&w->workspace_id),
        COL_TEXT(w->blob_key),       COL_INT(&c->state),
        COL_U64(&w->fence),          COL_UINT(&w->fails),
        COL_I64(&w->age_ms),         COL_INT(&w->facts.width),
        COL_INT(&w->facts.height),   COL_I64(&w->facts.duration_ms),
        COL_INT(&w->facts.fps_milli)};

    return db_each(db,
                   "SELECT media_id, workspace_id, blob_key, state, fence + 1, fails, "
                   "? - created_at, width, height, duration_ms, fps_milli FROM media "
                   "WHERE next_at <= ? "
                   "ORDER BY next_at, media_id LIMIT ? FOR UPDATE SKIP LOCKED",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){keep_work, c}, err);
}

/* The end of the lease is when anyone must look again. */
static enum rc claim_steps(struct db *db, void *ctx, struct err *err)
{
    struct claim *c = ctx;
    int64_t now_ms = 0;
    enum rc rc = db_now(db, &now_ms, err);

    c->n = 0;
    if (rc == RC_OK)
        rc = find_due(db, c, now_ms, err);
    for (size_t i = 0; i < c->n && rc == RC_OK; i++) {
        const struct sql_arg args[] = {
            sql_u64(c->owner), sql_u64(c->out[i].fence), sql_i64(now_ms + MEDIA_LEASE_MS),
            sql_i64(now_ms + MEDIA_LEASE_MS), sql_u64(c->out[i].media_id)};

        rc = db_exec_one(db,
                         "UPDATE media SET owner = ?, fence = ?, lease_until = ?, "
                         "next_at = ?, fails = fails + 1 WHERE media_id = ?",
                         SQL_ARGS(args), err);
    }
    return rc;
}

enum rc media_claim(struct db *db, uint64_t owner, struct media_work *out, size_t max,
                    size_t *n, struct err *err)
{
    struct claim c = {.owner = owner, .max = max, .out = out};
    enum rc rc;

    assert(max >= 1 && max <= MEDIA_CLAIM_MAX);
    rc = db_transaction(db, claim_steps, &c, err);
    if (rc == RC_OK)
        *n = c.n;
    return rc;
}

enum rc media_hold(struct db *db, const struct media_work *work, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(MEDIA_LEASE_LONG_MS),
                                   sql_i64(MEDIA_LEASE_LONG_MS), sql_u64(work->media_id),
                                   sql_u64(work->owner), sql_u64(work->fence)};

    return db_exec_one(db,
                       "UPDATE media SET lease_until = " SQL_NOW " + ?, "
                       "next_at = " SQL_NOW " + ? "
                       "WHERE media_id = ? AND owner = ? AND fence = ?",
                       SQL_ARGS(args), err);
}

/* --- ending a claim --------------------------------------------------------------- */

struct judging {
    const struct media_work *work;
    const struct media_verdict *verdict;
};

/* A file that could not be recognized keeps the kind that was claimed for it. */
static enum rc write_verdict(struct db *db, const struct judging *j, int64_t now_ms,
                             struct err *err)
{
    const struct media_verdict *v = j->verdict;
    const struct media_facts *f = v->facts;
    const struct sql_arg args[] = {
        sql_i64(v->ready ? MEDIA_READY : MEDIA_REJECTED),
        sql_text(v->reason),
        sql_text(v->reason_msg),
        sql_text(v->mime),
        sql_i64((int)f->kind),
        sql_i64((int)f->kind),
        sql_i64(f->width),
        sql_i64(f->height),
        sql_i64(f->duration_ms),
        sql_i64(f->fps_milli),
        sql_i64(f->rotation),
        sql_text(f->container),
        sql_text(f->video_codec),
        sql_text(f->audio_codec),
        sql_text(v->checks),
        sql_i64(v->has_thumb),
        sql_i64(v->rendition.bytes > 0),
        sql_i64(v->rendition.bytes),
        sql_i64(v->rendition.width),
        sql_i64(v->rendition.height),
        v->sha256 != NULL ? sql_bytes(v->sha256, 32) : sql_null(),
        sql_i64(v->strip ? now_ms + MEDIA_STRIP_AFTER_MS : SQL_NEVER),
        sql_i64(now_ms),
        sql_u64(j->work->media_id),
        sql_u64(j->work->owner),
        sql_u64(j->work->fence)};

    return db_exec_one(db,
                       "UPDATE media SET state = ?, reason = ?, reason_msg = ?, "
                       "mime = ?, kind = IF(? = 0, kind, ?), width = ?, height = ?, "
                       "duration_ms = ?, fps_milli = ?, rotation = ?, container = ?, "
                       "video_codec = ?, audio_codec = ?, checks = ?, has_thumb = ?, "
                       "has_rendition = ?, rendition_bytes = ?, rendition_width = ?, "
                       "rendition_height = ?, sha256 = ?, "
                       "next_at = ?, "
                       "owner = 0, fails = 0, version = version + 1, updated_at = ? "
                       "WHERE media_id = ? AND owner = ? AND fence = ? AND state = 1",
                       SQL_ARGS(args), err);
}

static enum rc judge_steps(struct db *db, void *ctx, struct err *err)
{
    const struct judging *j = ctx;
    const struct event e = {.workspace_id = j->work->workspace_id,
                            .media_id = j->work->media_id,
                            .kind = j->verdict->ready ? EVENT_MEDIA_READY
                                                      : EVENT_MEDIA_REJECTED,
                            .code = j->verdict->reason};
    int64_t now_ms = 0;
    enum rc rc = db_now(db, &now_ms, err);

    if (rc == RC_OK)
        rc = write_verdict(db, j, now_ms, err);
    return rc == RC_OK ? event_add(db, &e, err) : rc;
}

enum rc media_judge(struct db *db, const struct media_work *work,
                    const struct media_verdict *verdict, struct err *err)
{
    struct judging j = {work, verdict};

    return db_transaction(db, judge_steps, &j, err);
}

/* A strip as its transaction sees it. */
struct stripping {
    const struct media_work *work;
    uint32_t frames;
};

static enum rc strip_steps(struct db *db, void *ctx, struct err *err)
{
    const struct stripping *s = ctx;
    const struct sql_arg args[] = {sql_i64(s->frames), sql_i64(SQL_NEVER),
                                   sql_u64(s->work->media_id), sql_u64(s->work->owner),
                                   sql_u64(s->work->fence)};
    const struct event e = {.workspace_id = s->work->workspace_id,
                            .media_id = s->work->media_id,
                            .kind = EVENT_MEDIA_CHANGED};
    enum rc rc =
        db_exec_one(db,
                    "UPDATE media SET strip_frames = ?, next_at = ?, owner = 0, "
                    "fails = 0, updated_at = " SQL_NOW " "
                    "WHERE media_id = ? AND owner = ? AND fence = ? AND state = 2",
                    SQL_ARGS(args), err);

    return rc == RC_OK && s->frames > 0 ? event_add(db, &e, err) : rc;
}

enum rc media_strip_made(struct db *db, const struct media_work *work, uint32_t frames,
                         struct err *err)
{
    struct stripping s = {work, frames};

    return db_transaction(db, strip_steps, &s, err);
}

enum rc media_removed(struct db *db, const struct media_work *work, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(SQL_NEVER), sql_u64(work->media_id),
                                   sql_u64(work->owner), sql_u64(work->fence)};

    return db_exec_one(db,
                       "UPDATE media SET next_at = ?, owner = 0, fails = 0, "
                       "has_thumb = 0, has_rendition = 0, strip_frames = 0, "
                       "updated_at = " SQL_NOW " "
                       "WHERE media_id = ? AND owner = ? AND fence = ? AND state = 4",
                       SQL_ARGS(args), err);
}

enum rc media_give_back(struct db *db, const struct media_work *work, int64_t after_ms,
                        struct err *err)
{
    const struct sql_arg args[] = {sql_i64(after_ms), sql_u64(work->media_id),
                                   sql_u64(work->owner), sql_u64(work->fence)};

    return db_exec_one(db,
                       "UPDATE media SET next_at = " SQL_NOW " + ?, owner = 0, "
                       "fails = IF(fails > 0, fails - 1, 0) "
                       "WHERE media_id = ? AND owner = ? AND fence = ?",
                       SQL_ARGS(args), err);
}

/* --- sweeps and health ------------------------------------------------------------ */

enum rc media_blob_wanted(struct db *db, const char *blob_key, bool *wanted,
                          struct err *err)
{
    const struct sql_arg args[] = {sql_text(blob_key), sql_text(blob_key),
                                   sql_text(blob_key)};
    uint64_t rows = 0;
    bool found = false;
    const struct sql_col cols[] = {COL_U64(&rows)};
    enum rc rc = db_row(db,
                        "SELECT (SELECT COUNT(*) FROM upload WHERE upload_id = ? "
                        "AND state = 1) + (SELECT COUNT(*) FROM repair "
                        "WHERE blob_key = ? AND state = 1) + (SELECT COUNT(*) FROM media "
                        "WHERE blob_key = ? AND state <> 4)",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        *wanted = rows > 0;
    return rc;
}

/* Giving work back puts next_at off, so a tts-media that can do nothing right shows by
 * the age of its files. */
enum rc media_overdue(struct db *db, uint64_t *n, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(SQL_NEVER), sql_i64(MEDIA_OVERDUE_MS),
                                   sql_i64(MEDIA_STUCK_MS)};
    uint64_t rows = 0;
    bool found = false;
    const struct sql_col cols[] = {COL_U64(&rows)};
    enum rc rc = db_row(db,
                        "SELECT COUNT(*) FROM media WHERE next_at < ? AND "
                        "(next_at <= " SQL_NOW " - ? OR "
                        "(state = 1 AND created_at <= " SQL_NOW " - ?))",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        *n = rows;
    return rc;
}
