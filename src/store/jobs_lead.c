/* Work that begins earlier, because the uploads turned out to be slow. */
#include "domain/post.h"
#include "jobs_priv.h"
#include "stmt.h"

enum { LEAD_SLACK_MS = 1000 }; /* a move that gains less than this is not made */

struct waiting {
    struct job_hint hint; /* first */
    uint64_t fence;
    int64_t due_ms, bytes;
};

struct waiters {
    struct waiting next;
    struct waiting found[JOB_LEAD_MAX];
    size_t n;
};

static enum rc add_waiting(void *ctx, struct err *err UNUSED)
{
    struct waiters *w = ctx;

    w->found[w->n++] = w->next;
    return RC_OK;
}

/* k_due leads to what is looked at within the longest lead; nothing later can be too
 * late yet. */
static enum rc find(struct db *db, int64_t rate, struct waiters *w, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(POST_LEAD_MAX_MS),
                                   sql_i64(POST_VIDEO),
                                   sql_i64(POST_LEAD_MAX_MS),
                                   sql_i64(post_lead_at(POST_VIDEO, 0, rate)),
                                   sql_i64(rate),
                                   sql_i64(LEAD_SLACK_MS),
                                   sql_i64(JOB_LEAD_MAX)};
    const struct sql_col cols[] = {
        COL_U64(&w->next.hint.post_id), COL_U64(&w->next.hint.account_id),
        COL_U64(&w->next.fence), COL_I64(&w->next.due_ms), COL_I64(&w->next.bytes)};

    w->n = 0;
    return db_each(db,
                   "SELECT j.post_id, j.account_id, j.fence, j.due_at, m.bytes FROM job j"
                   " JOIN post p ON p.workspace_id = j.workspace_id"
                   " AND p.post_id = j.post_id"
                   " JOIN post_media pm ON pm.post_id = j.post_id AND pm.position = 0"
                   " JOIN media m ON m.workspace_id = j.workspace_id"
                   " AND m.media_id = pm.media_id"
                   " WHERE j.next_at > " SQL_NOW " AND j.next_at <= " SQL_NOW " + ?"
                   " AND j.state = 1 AND j.next_at < j.due_at AND j.fails = 0"
                   " AND j.last_reason = '' AND p.kind = ?"
                   " AND j.due_at - LEAST(?, ? + m.bytes * 1500 DIV ?) < j.next_at - ?"
                   " ORDER BY j.next_at LIMIT ?",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_waiting, w}, err);
}

/* One that was claimed, moved or changed meanwhile is left as it is. */
static enum rc move(struct db *db, const struct waiting *w, int64_t rate, bool *moved,
                    int64_t *at_ms, struct err *err)
{
    int64_t at = w->due_ms - post_lead_at(POST_VIDEO, w->bytes, rate);
    const struct sql_arg args[] = {sql_i64(at), sql_u64(w->hint.post_id),
                                   sql_u64(w->fence), sql_i64(at)};
    int64_t rows = 0;
    enum rc rc = db_exec(db,
                         "UPDATE job SET next_at = GREATEST(" SQL_NOW ", ?)"
                         " WHERE post_id = ? AND fence = ? AND state = 1"
                         " AND next_at > GREATEST(" SQL_NOW ", ?)",
                         SQL_ARGS(args), &rows, err);

    *moved = rows > 0;
    *at_ms = at;
    return rc;
}

enum rc job_bring_forward(struct db *db, int64_t rate, struct job_hint *out, size_t *len,
                          struct err *err)
{
    struct waiters w = {.n = 0};
    size_t n = 0;
    enum rc rc = find(db, rate, &w, err);

    for (size_t i = 0; i < w.n && rc == RC_OK; i++) {
        bool moved = false;

        out[n] = w.found[i].hint;
        rc = move(db, &w.found[i], rate, &moved, &out[n].next_at_ms, err);
        n += rc == RC_OK && moved;
    }
    *len = n; /* also of those before a failure: their hints are worth giving */
    return rc;
}
