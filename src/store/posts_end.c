/* Canceling, resolving and hiding: writes that need no judgment of the content. */
#include "core/xalloc.h"
#include "posts_priv.h"

#include <stdlib.h>

/* The post in REVIEW may be on TikTok: reason_leaves_outcome_unknown() in SQL, of job. */
#define OUTCOME_UNKNOWN_SQL                                                              \
    "(granted <> 0 OR last_reason IN ('" REASON_OUTCOME_UNKNOWN                          \
    "', '" REASON_WITNESS_CONFLICT "', '" REASON_SECOND_LIVE "'))"

#define VERSION_SQL " AND (? = 0 OR sched_ver = ?)"

struct ending {
    const struct actor *actor;
    struct post_ref ref;
    enum post_deed deed;
    bool published;      /* DEED_RESOLVE */
    const char *post_id; /* TikTok's, likewise; NULL: not known */
    struct post *out;    /* NULL: nobody wants to see it */
    int64_t now_ms;
};

/* Nothing matched: why? If it could be done by now, somebody changed it back and forth
 * in between, and the client should look again. */
static enum rc tell_why(struct db *db, const struct ending *e, struct err *err)
{
    struct post post;
    enum rc rc = posts_get(db, e->actor->workspace_id, e->ref.post_id, &post, err);

    if (rc != RC_OK)
        return rc;
    rc = posts_may(&post, e->deed, e->ref.version, err);
    posts_release(&post);
    return rc != RC_OK ? rc : posts_refuse("version_mismatch", err);
}

/* The guarded update of the job: one row, or why not. */
static enum rc write_job(struct db *db, const struct ending *e, const char *sql,
                         struct sql_args args, struct err *err)
{
    int64_t rows = 0;
    enum rc rc = db_exec(db, sql, args, &rows, err);

    if (rc == RC_OK && rows != 1)
        rc = tell_why(db, e, err);
    return rc;
}

/* --- cancel -------------------------------------------------------------------- */

static enum rc cancel_job(struct db *db, const struct ending *e, struct err *err)
{
    const struct sql_arg args[] = {
        sql_i64(SQL_NEVER),      sql_i64(e->now_ms),
        sql_u64(e->ref.post_id), sql_u64(e->actor->workspace_id),
        sql_u64(e->ref.version), sql_u64(e->ref.version)};

    return write_job(db, e,
                     "UPDATE job SET state = 6, fence = fence + 1, owner = 0,"
                     " next_at = ?, sched_ver = sched_ver + 1, last_reason = '',"
                     " updated_at = ? WHERE post_id = ? AND workspace_id = ?"
                     " AND granted = 0 AND (state IN (1, 2, 8) OR (state = 7"
                     " AND NOT " OUTCOME_UNKNOWN_SQL "))" VERSION_SQL,
                     SQL_ARGS(args), err);
}

static enum rc end_sessions(struct db *db, const struct ending *e, const char *reason,
                            struct err *err)
{
    const struct sql_arg args[] = {sql_text(reason), sql_i64(e->now_ms),
                                   sql_u64(e->ref.post_id),
                                   sql_u64(e->actor->workspace_id)};

    return db_exec(db,
                   "UPDATE attempt SET state = 6, reason = ?, updated_at = ?"
                   " WHERE post_id = ? AND workspace_id = ? AND state IN (1, 2)",
                   SQL_ARGS(args), NULL, err);
}

static enum rc cancel(struct db *db, const struct ending *e, struct err *err)
{
    enum rc rc = cancel_job(db, e, err);

    if (rc == RC_OK)
        rc = end_sessions(db, e, "canceled", err);
    if (rc == RC_OK)
        rc = posts_tell(db, e->actor, e->ref.post_id,
                        (struct event){.kind = EVENT_CANCELED}, err);
    return rc;
}

/* --- resolve ------------------------------------------------------------------- */

static enum rc resolve_job(struct db *db, const struct ending *e, struct err *err)
{
    const struct sql_arg args[] = {
        sql_i64(e->published ? PHASE_PUBLISHED : PHASE_FAILED),
        sql_i64(e->published),
        sql_i64(SQL_NEVER),
        sql_text(e->published ? REASON_SAID_PUBLISHED : REASON_SAID_NOT_PUBLISHED),
        sql_i64(e->now_ms),
        sql_u64(e->ref.post_id),
        sql_u64(e->actor->workspace_id),
        sql_u64(e->ref.version),
        sql_u64(e->ref.version)};

    return write_job(db, e,
                     "UPDATE job SET state = ?, granted = IF(?, granted, 0),"
                     " next_at = ?, fence = fence + 1, owner = 0,"
                     " sched_ver = sched_ver + 1, last_reason = ?, updated_at = ?"
                     " WHERE post_id = ? AND workspace_id = ? AND state = 7"
                     " AND " OUTCOME_UNKNOWN_SQL VERSION_SQL,
                     SQL_ARGS(args), err);
}

/* The person's word is the proof that the sessions at TikTok are over. */
static enum rc resolve_attempts(struct db *db, const struct ending *e, struct err *err)
{
    const struct sql_arg args[] = {
        sql_i64(e->published), sql_text(e->published ? "" : REASON_SAID_NOT_PUBLISHED),
        sql_i64(e->now_ms), sql_u64(e->ref.post_id), sql_u64(e->actor->workspace_id)};

    return db_exec(db,
                   "UPDATE attempt SET state = IF(?, 5, 6), proven = 1, reason = ?,"
                   " updated_at = ?"
                   " WHERE post_id = ? AND workspace_id = ? AND state IN (3, 4)",
                   SQL_ARGS(args), NULL, err);
}

static enum rc note_published(struct db *db, const struct ending *e, struct err *err)
{
    const struct sql_arg args[] = {sql_text(e->post_id), sql_i64(e->now_ms),
                                   sql_i64(e->now_ms), sql_u64(e->actor->workspace_id),
                                   sql_u64(e->ref.post_id)};

    return db_exec_one(db,
                       "UPDATE post SET tiktok_post_ids = COALESCE(?, tiktok_post_ids),"
                       " published_at = ?, updated_at = ?"
                       " WHERE workspace_id = ? AND post_id = ?",
                       SQL_ARGS(args), err);
}

static enum rc resolve(struct db *db, const struct ending *e, struct err *err)
{
    const struct event line = {.kind = EVENT_RESOLVED,
                               .code = e->published ? REASON_SAID_PUBLISHED
                                                    : REASON_SAID_NOT_PUBLISHED};
    enum rc rc = resolve_job(db, e, err);

    if (rc == RC_OK)
        rc = resolve_attempts(db, e, err);
    if (rc == RC_OK)
        rc = end_sessions(db, e, "superseded", err);
    if (rc == RC_OK && e->published)
        rc = note_published(db, e, err);
    if (rc == RC_OK)
        rc = posts_tell(db, e->actor, e->ref.post_id, line, err);
    return rc;
}

/* --- hide ---------------------------------------------------------------------- */

static enum rc hide(struct db *db, const struct ending *e, struct err *err)
{
    const struct sql_arg job[] = {
        sql_i64(SQL_NEVER),      sql_i64(e->now_ms),
        sql_u64(e->ref.post_id), sql_u64(e->actor->workspace_id),
        sql_u64(e->ref.version), sql_u64(e->ref.version)};
    const struct sql_arg post[] = {sql_i64(e->now_ms), sql_i64(e->now_ms),
                                   sql_u64(e->actor->workspace_id),
                                   sql_u64(e->ref.post_id)};
    int64_t rows = 0;
    enum rc rc = write_job(db, e,
                           "UPDATE job SET fence = fence + 1, next_at = ?,"
                           " sched_ver = sched_ver + 1, updated_at = ?"
                           " WHERE post_id = ? AND workspace_id = ?"
                           " AND state IN (0, 5, 6) AND granted = 0" VERSION_SQL,
                           SQL_ARGS(job), err);

    if (rc == RC_OK)
        rc = db_exec(db,
                     "UPDATE post SET hidden_at = ?, updated_at = ?"
                     " WHERE workspace_id = ? AND post_id = ? AND hidden_at IS NULL",
                     SQL_ARGS(post), &rows, err);
    if (rc == RC_OK && rows == 0) /* it is deleted already */
        rc = posts_not_found(err);
    if (rc == RC_OK)
        rc = posts_tell(db, e->actor, e->ref.post_id,
                        (struct event){.kind = EVENT_HIDDEN}, err);
    return rc;
}

/* --- the whole ----------------------------------------------------------------- */

static enum rc steps(struct db *db, void *ctx, struct err *err)
{
    struct ending *e = ctx;
    enum rc rc = db_now(db, &e->now_ms, err);

    if (rc != RC_OK)
        return rc;
    if (e->deed == DEED_CANCEL)
        rc = cancel(db, e, err);
    else
        rc = e->deed == DEED_RESOLVE ? resolve(db, e, err) : hide(db, e, err);
    if (rc == RC_OK && e->out != NULL)
        rc = posts_get(db, e->actor->workspace_id, e->ref.post_id, e->out, err);
    return rc;
}

static enum rc end(struct db *db, struct ending *e, struct post *out, struct err *err)
{
    struct post now = {0};
    enum rc rc;

    e->out = out != NULL ? &now : NULL;
    rc = db_transaction(db, steps, e, err);
    if (rc != RC_OK)
        posts_release(&now);
    else if (out != NULL)
        *out = now;
    return rc;
}

enum rc posts_cancel(struct db *db, const struct actor *actor, struct post_ref ref,
                     struct post *out, struct err *err)
{
    struct ending e = {.actor = actor, .ref = ref, .deed = DEED_CANCEL};

    return end(db, &e, out, err);
}

enum rc posts_resolve(struct db *db, const struct actor *actor, struct post_ref ref,
                      const struct post_verdict *verdict, struct post *out,
                      struct err *err)
{
    struct ending e = {.actor = actor,
                       .ref = ref,
                       .deed = DEED_RESOLVE,
                       .published = verdict->published,
                       .post_id = verdict->tiktok_post_id};

    return end(db, &e, out, err);
}

enum rc posts_hide(struct db *db, const struct actor *actor, struct post_ref ref,
                   struct err *err)
{
    struct ending e = {.actor = actor, .ref = ref, .deed = DEED_DELETE};

    return end(db, &e, NULL, err);
}
