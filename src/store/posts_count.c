/* Posts in numbers, and on a calendar: what needs no whole post. */
#include "posts_priv.h"

#include <string.h>

/* --- the calendar -------------------------------------------------------------- */

struct calendar {
    struct post_entry entry;
    int kind, status;
    post_entry_fn each;
    void *ctx;
    size_t n;
    bool more;
};

static enum rc give_entry(void *ctx, struct err *err UNUSED)
{
    struct calendar *c = ctx;

    if (c->n == POST_CALENDAR_MAX) {
        c->more = true;
        return RC_OK;
    }
    c->entry.kind = (enum post_kind)c->kind;
    c->entry.status = (enum post_status)c->status;
    c->n++;
    c->each(c->ctx, &c->entry);
    return RC_OK;
}

#define CALENDAR_SQL(index, where)                                                       \
    "SELECT STRAIGHT_JOIN p.post_id, p.account_id, p.kind, " POST_STATUS_SQL ","         \
    " LEFT(p.caption, 120), p.list_at, p.tz, m.media_id"                                 \
    " FROM post p FORCE INDEX (" index                                                   \
    ") JOIN job j ON j.post_id = p.post_id" POST_ATTEMPT_SQL                             \
    " LEFT JOIN post_media pm ON pm.post_id = p.post_id AND pm.position = 0"             \
    " LEFT JOIN media m ON m.media_id = pm.media_id AND m.state <> 4 AND m.has_thumb"    \
    " WHERE " where " AND p.workspace_id = ? AND p.list_at >= ? AND p.list_at < ?"       \
    " AND " POST_SHOWN_SQL " ORDER BY p.list_at, p.post_id LIMIT ?"

enum rc posts_calendar(struct db *db, const struct post_span *span, post_entry_fn each,
                       void *ctx, bool *more, struct err *err)
{
    struct calendar c = {.each = each, .ctx = ctx};
    struct post_entry *e = &c.entry;
    const struct sql_col cols[] = {COL_U64(&e->id),       COL_U64(&e->account_id),
                                   COL_INT(&c.kind),      COL_INT(&c.status),
                                   COL_TEXT(e->caption),  COL_I64(&e->publish_at_ms),
                                   COL_TEXT(e->timezone), COL_U64(&e->thumb_media_id)};
    const struct sql_arg args[] = {sql_u64(span->account_id), sql_u64(span->workspace_id),
                                   sql_i64(span->from_ms), sql_i64(span->to_ms),
                                   sql_i64(POST_CALENDAR_MAX + 1)};
    const struct db_rows rows = {give_entry, &c};
    enum rc rc;

    if (span->account_id != 0)
        rc = db_each(db, CALENDAR_SQL("PRIMARY", "p.account_id = ?"), SQL_ARGS(args),
                     SQL_COLS(cols), rows, err);
    else
        rc = db_each(db, CALENDAR_SQL("k_list", "? = 0"), SQL_ARGS(args), SQL_COLS(cols),
                     rows, err);
    if (rc == RC_OK)
        *more = c.more;
    return rc;
}

/* --- counts -------------------------------------------------------------------- */

struct counting {
    int status;
    uint64_t n;
    struct post_counts *out;
};

static enum rc add_count(void *ctx, struct err *err UNUSED)
{
    struct counting *c = ctx;

    if (c->status >= 0 && c->status < STATUS_COUNT)
        c->out->of[c->status] += c->n;
    return RC_OK;
}

/* Phases that are one status, and in which nothing is hidden: from the index alone. */
static enum rc count_plain(struct db *db, uint64_t workspace_id, struct counting *c,
                           struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id)};
    const struct sql_col cols[] = {COL_INT(&c->status), COL_U64(&c->n)};

    return db_each(db,
                   "SELECT CASE j.state WHEN 1 THEN 2 WHEN 2 THEN 3 ELSE 9 END, COUNT(*)"
                   " FROM job j FORCE INDEX (k_list)"
                   " WHERE j.workspace_id = ? AND j.state IN (1, 2, 7, 8)"
                   " GROUP BY j.state",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_count, c}, err);
}

/* What may be hidden, or is told by its attempt. */
static enum rc count_rest(struct db *db, uint64_t workspace_id, struct counting *c,
                          struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id)};
    const struct sql_col cols[] = {COL_INT(&c->status), COL_U64(&c->n)};

    return db_each(db,
                   "SELECT STRAIGHT_JOIN " POST_STATUS_SQL " s, COUNT(*)"
                   " FROM job j FORCE INDEX (k_list)"
                   " JOIN post p ON p.post_id = j.post_id" POST_ATTEMPT_SQL
                   " WHERE j.workspace_id = ? AND j.state IN (0, 3, 5, 6)"
                   " AND " POST_SHOWN_SQL " GROUP BY s",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_count, c}, err);
}

/* Published posts, which cannot be hidden: from their own index alone. */
static enum rc count_published(struct db *db, uint64_t workspace_id, struct counting *c,
                               struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id)};
    const struct sql_col cols[] = {COL_INT(&c->status), COL_U64(&c->n)};

    return db_each(db,
                   "SELECT IF(p.mode = 2, 8, IF(" POST_PRIVATE_SQL ", 7, 6)) s,"
                   " COUNT(*) FROM post p FORCE INDEX (k_shown)"
                   " WHERE p.workspace_id = ? AND p.published_at IS NOT NULL GROUP BY s",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_count, c}, err);
}

/* Those of the inbox that the person has posted from there count as published. */
static enum rc count_finished(struct db *db, uint64_t workspace_id,
                              struct post_counts *out, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id)};
    uint64_t n = 0;
    const struct sql_col cols[] = {COL_U64(&n)};
    bool found = false;
    enum rc rc;

    if (out->of[STATUS_IN_INBOX] == 0)
        return RC_OK;
    rc = db_row(db,
                "SELECT STRAIGHT_JOIN COUNT(*) FROM post p FORCE INDEX (k_shown)"
                " JOIN job j ON j.post_id = p.post_id" POST_ATTEMPT_SQL
                " WHERE p.workspace_id = ? AND p.published_at IS NOT NULL"
                " AND p.mode = 2 AND " POST_FINISHED_SQL,
                SQL_ARGS(args), SQL_COLS(cols), &found, err);
    if (rc == RC_OK && n <= out->of[STATUS_IN_INBOX]) {
        out->of[STATUS_IN_INBOX] -= n;
        out->of[STATUS_PUBLISHED] += n;
    }
    return rc;
}

static enum rc count_work(struct db *db, uint64_t workspace_id, struct post_counts *out,
                          struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_u64(workspace_id)};
    const struct sql_col cols[] = {COL_U64(&out->files_at_work),
                                   COL_I64(&out->next_due_ms), COL_I64(&out->now_ms)};
    bool found = false;

    return db_row(db,
                  "SELECT (SELECT COUNT(*) FROM media WHERE workspace_id = ?"
                  " AND state = 1),"
                  " (SELECT MIN(due_at) FROM job WHERE workspace_id = ? AND state = 1),"
                  " " SQL_NOW,
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

enum rc posts_count(struct db *db, uint64_t workspace_id, struct post_counts *out,
                    struct err *err)
{
    struct post_counts found = {{0}, 0, 0, 0};
    struct counting c = {.out = &found};
    enum rc rc = count_plain(db, workspace_id, &c, err);

    if (rc == RC_OK)
        rc = count_rest(db, workspace_id, &c, err);
    if (rc == RC_OK)
        rc = count_published(db, workspace_id, &c, err);
    if (rc == RC_OK)
        rc = count_finished(db, workspace_id, &found, err);
    if (rc == RC_OK)
        rc = count_work(db, workspace_id, &found, err);
    if (rc == RC_OK)
        *out = found;
    return rc;
}
