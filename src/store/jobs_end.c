/* How a claim ends without a publication, and how posts of an account that cannot post
 * are blocked and come free. */
#include "core/text.h"
#include "core/xalloc.h"
#include "domain/post.h"
#include "domain/reason.h"
#include "jobs_priv.h"
#include "store/notifications.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FREE_MAX = 200 }; /* posts freed at a time */

void job_code(char out[JOB_CODE_SIZE], const char *code)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789_-.:/";

    text_copy(out, JOB_CODE_SIZE, code != NULL ? code : "");
    for (char *p = out + strspn(out, good); *p != '\0'; p += strspn(p, good))
        *p = '_';
}

/* --- ends ---------------------------------------------------------------------- */

/* One row for each: what it does to the job and in which states, and what is told. The
 * values are reason (NULL: as it was), when (see below) and the guard's. */
#define NEVER " last_reason = COALESCE(?, last_reason), next_at = ?"
#define SOON  " last_reason = COALESCE(?, last_reason), next_at = " SQL_NOW " + ?"
#define UNGRANTED                                                                        \
    ", updated_at = " SQL_NOW " WHERE " JOB_GUARD " AND state = 2 AND granted = 0"
#define HELD(in) ", updated_at = " SQL_NOW " WHERE " JOB_GUARD " AND state IN (" in ")"

static const struct ending {
    const char *sql;
    enum event_kind event;
    bool never;       /* nobody looks again by himself */
    bool keep_reason; /* nothing went wrong */
} endings[] = {
    [JOB_END_LATER] = {"UPDATE job SET state = 1, owner = 0,"
                       " fails = LEAST(fails + 1, 65535)," SOON UNGRANTED,
                       EVENT_LATER, false, false},
    [JOB_END_FAIL] = {"UPDATE job SET state = 5, owner = 0," NEVER UNGRANTED,
                      EVENT_FAILED, true, false},
    [JOB_END_BLOCK] = {"UPDATE job SET state = 8, owner = 0," NEVER UNGRANTED,
                       EVENT_BLOCKED, true, false},
    [JOB_END_CANCELED] = {"UPDATE job SET state = 6, owner = 0," NEVER UNGRANTED,
                          EVENT_CANCELED, true, false},
    [JOB_END_RELEASE] = {"UPDATE job SET state = 1, owner = 0," SOON UNGRANTED,
                         EVENT_RELEASED, false, true},
    /* Who died of it is forgotten: after a person's look it has new chances. */
    [JOB_END_REVIEW] = {"UPDATE job SET state = 7, owner = 0, crashes = 0," NEVER HELD(
                            "2, 3"),
                        EVENT_REVIEW, true, false},
    [JOB_END_HANDOVER] = {"UPDATE job SET owner = 0," SOON HELD("3"), EVENT_HANDED_OVER,
                          false, true},
};

struct end {
    const struct job_ref *ref;
    const struct ending *ending;
    const struct job_ending *said;
    char reason[JOB_CODE_SIZE];
};

/* People learn of what does not go out by itself any more. That an account must be
 * reconnected is told of the account, once. */
static enum rc notify(struct db *db, const struct end *e, struct err *err)
{
    enum event_kind kind = e->ending->event;
    char cause[NOTIFICATION_CAUSE_MAX + 1];
    const struct notification n = {.workspace_id = e->ref->workspace_id,
                                   .kind = kind == EVENT_FAILED ? NOTICE_POST_FAILED
                                                                : NOTICE_POST_ATTENTION,
                                   .post_id = e->ref->post_id,
                                   .code = e->reason,
                                   .cause = cause};

    if (kind != EVENT_FAILED && kind != EVENT_REVIEW && kind != EVENT_BLOCKED)
        return RC_OK;
    if (kind == EVENT_BLOCKED && strcmp(e->reason, REASON_RECONNECT_NEEDED) == 0)
        return RC_OK;
    (void)snprintf(cause, sizeof(cause), "post:%" PRIu64 ":%" PRIu64, e->ref->post_id,
                   e->ref->fence);
    return notification_add(db, &n, err);
}

/* The line says when the next try is: by our clock's reading, a moment before the row's.
 */
static enum rc tell_end(struct db *db, const struct end *e, int64_t now_ms,
                        struct err *err)
{
    const struct job_ending *said = e->said;
    struct event line = {
        .kind = e->ending->event, .code = e->reason, .log_id = said->log_id};

    if (said->how == JOB_END_LATER)
        line.when_ms = now_ms + said->wait_ms;
    if (said->how == JOB_END_FAIL && said->late)
        line.kind = EVENT_GIVEN_UP;
    return job_tell_all(db, e->ref, line, err);
}

static enum rc end_steps(struct db *db, void *ctx, struct err *err)
{
    const struct end *e = ctx;
    bool later = e->said->how == JOB_END_LATER;
    const struct sql_arg args[] = {e->ending->keep_reason ? sql_null()
                                                          : sql_text(e->reason),
                                   sql_i64(e->ending->never ? SQL_NEVER
                                           : later          ? e->said->wait_ms
                                                            : 0),
                                   JOB_GUARD_ARGS(e->ref)};
    int64_t now_ms = 0;
    enum rc rc = later ? db_now(db, &now_ms, err) : RC_OK;

    if (rc == RC_OK)
        rc = db_exec_one(db, e->ending->sql, SQL_ARGS(args), err);
    if (rc == RC_OK)
        rc = notify(db, e, err);
    return rc == RC_OK ? tell_end(db, e, now_ms, err) : rc;
}

enum rc job_end(struct db *db, const struct job_ref *ref, const struct job_ending *ending,
                struct err *err)
{
    struct end e = {.ref = ref, .ending = &endings[ending->how], .said = ending};

    job_code(e.reason, ending->reason);
    return db_transaction(db, end_steps, &e, err);
}

/* --- an account that cannot post ----------------------------------------------- */

static enum rc block(struct db *db, const struct job_block *b, int64_t now,
                     struct err *err)
{
    const struct sql_arg args[] = {sql_i64(SQL_NEVER), sql_text(b->reason), sql_i64(now),
                                   sql_u64(b->account_id), sql_i64(b->from_ms)};

    return db_exec(db,
                   "UPDATE job SET state = 8, fence = fence + 1, next_at = ?,"
                   " last_reason = ?, updated_at = ? WHERE account_id = ? AND state = 1"
                   " AND due_at >= ?",
                   SQL_ARGS(args), NULL, err);
}

static enum rc tell_blocked(struct db *db, const struct job_block *b, int64_t now,
                            struct err *err)
{
    const struct event e = {.code = b->reason};
    char data[EVENT_DATA_MAX + 1];

    event_data(&e, data);
    {
        const struct sql_arg args[] = {sql_i64(now),        sql_i64(EVENT_BLOCKED),
                                       sql_text(data),      sql_u64(b->account_id),
                                       sql_text(b->reason), sql_i64(now)};

        return db_exec(db,
                       "INSERT INTO job_event (workspace_id, post_id, at, kind, fence,"
                       " data) SELECT workspace_id, post_id, ?, ?, fence, ? FROM job"
                       " WHERE account_id = ? AND state = 8 AND last_reason = ?"
                       " AND updated_at = ?",
                       SQL_ARGS(args), NULL, err);
    }
}

enum rc job_block_account(struct db *db, const struct job_block *b, struct err *err)
{
    int64_t now = 0;
    enum rc rc = db_now(db, &now, err);

    if (rc == RC_OK)
        rc = block(db, b, now, err);
    if (rc == RC_OK)
        rc = tell_blocked(db, b, now, err);
    return rc;
}

/* --- and one that can again ------------------------------------------------------ */

struct blocked {
    uint64_t post_id, workspace_id;
    int kind;
    int64_t bytes;
};

struct freeing {
    uint64_t account_id;
    struct blocked next;
    struct blocked found[FREE_MAX];
    size_t n;
    int64_t freed;
};

static enum rc add_blocked(void *ctx, struct err *err UNUSED)
{
    struct freeing *f = ctx;

    f->found[f->n++] = f->next;
    return RC_OK;
}

/* What a working connection mends; a cap or a suspicion of TikTok's is another matter. */
#define MENDED                                                                           \
    "last_reason IN ('" REASON_RECONNECT_NEEDED "', '" REASON_ACCOUNT_DISCONNECTED       \
    "', '" REASON_SCOPE_MISSING "')"

static enum rc find_blocked(struct db *db, struct freeing *f, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(f->account_id), sql_i64(FREE_MAX)};
    const struct sql_col cols[] = {COL_U64(&f->next.post_id),
                                   COL_U64(&f->next.workspace_id), COL_INT(&f->next.kind),
                                   COL_I64(&f->next.bytes)};

    f->n = 0;
    return db_each(
        db,
        "SELECT j.post_id, j.workspace_id, p.kind, m.bytes FROM job j"
        " JOIN post p ON p.workspace_id = j.workspace_id"
        " AND p.post_id = j.post_id"
        " LEFT JOIN post_media pm ON pm.post_id = j.post_id AND pm.position = 0"
        " LEFT JOIN media m ON m.workspace_id = j.workspace_id"
        " AND m.media_id = pm.media_id"
        " WHERE j.account_id = ? AND j.state = 8 AND j." MENDED " LIMIT ?",
        SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_blocked, f}, err);
}

/* One that was changed meanwhile is left as it is: it is not what was agreed to. */
static enum rc free_one(struct db *db, const struct blocked *b, int64_t *freed,
                        struct err *err)
{
    int64_t lead = post_lead_ms((enum post_kind)b->kind, b->bytes);
    const struct sql_arg args[] = {sql_i64(lead), sql_u64(b->post_id)};
    const struct event e = {
        .workspace_id = b->workspace_id, .post_id = b->post_id, .kind = EVENT_UNBLOCKED};
    int64_t rows = 0;
    enum rc rc = db_exec(db,
                         "UPDATE job SET state = 1, fence = fence + 1, fails = 0,"
                         " next_at = GREATEST(" SQL_NOW ", due_at - ?), last_reason = '',"
                         " updated_at = " SQL_NOW
                         " WHERE post_id = ? AND state = 8 AND granted = 0"
                         " AND " MENDED,
                         SQL_ARGS(args), &rows, err);

    if (rc == RC_OK && rows > 0) {
        *freed += rows;
        rc = event_add(db, &e, err);
    }
    return rc;
}

static enum rc unblock_steps(struct db *db, void *ctx, struct err *err)
{
    struct freeing *f = ctx;
    int64_t before = -1;
    enum rc rc = RC_OK;

    f->freed = 0;
    while (rc == RC_OK && before != f->freed) {
        before = f->freed;
        rc = find_blocked(db, f, err);
        for (size_t i = 0; i < f->n && rc == RC_OK; i++)
            rc = free_one(db, &f->found[i], &f->freed, err);
    }
    return rc;
}

enum rc job_unblock(struct db *db, uint64_t account_id, int64_t *freed, struct err *err)
{
    struct freeing *f = xcalloc(1, sizeof(*f));
    enum rc rc;

    f->account_id = account_id;
    rc = db_transaction(db, unblock_steps, f, err);
    if (rc == RC_OK)
        *freed = f->freed;
    free(f);
    return rc;
}
