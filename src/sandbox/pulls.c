#include "pulls.h"

#include "core/text.h"

/* Columns in the order read_pull() wants them; of pull a and publication b. */
#define COLUMNS                                                                          \
    "a.publication_id, a.item, a.url, a.lifted, a.state, a.due_ms, a.received, a.size,"  \
    " a.breaks, a.busy, a.rounds, a.gets, a.heads, a.status, a.file, a.duration_ms,"     \
    " a.width, a.height, a.failure, b.user_id, b.photos, b.upload_until_ms"

#define SELECT                                                                           \
    "SELECT " COLUMNS " FROM pull a CROSS JOIN publication b ON b.id = a.publication_id"

/* Publications that still want their files, in the words of an index. */
#define WANTED "pulled = 1 AND committed_ms = 0 AND fail_reason = '' AND stuck = 0"

enum rc pulls_add(struct sql *sql, const struct publication *p,
                  const struct pull_urls *urls, int64_t due_ms, struct err *err)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < urls->len; i++)
        rc = sql_run(sql,
                     "INSERT INTO pull (publication_id, item, url, lifted, due_ms)"
                     " VALUES (?, ?, ?, ?, ?)",
                     SQL_WITH(sql_int(p->id), sql_int((int64_t)i), sql_text(urls->url[i]),
                              sql_int(urls->lifted[i]), sql_int(due_ms)),
                     NULL, err);
    return rc;
}

/* --- reading ------------------------------------------------------------------- */

static void read_pull(void *ctx, const struct sql_row *row)
{
    struct pull *pull = ctx;

    pull->publication_id = sql_int_at(row, 0);
    pull->item = sql_int_at(row, 1);
    sql_text_at(row, 2, pull->url, sizeof(pull->url));
    pull->lifted = sql_bool_at(row, 3);
    pull->state = (enum pull_state)sql_int_at(row, 4);
    pull->due_ms = sql_int_at(row, 5);
    pull->received = sql_int_at(row, 6);
    pull->size = sql_int_at(row, 7);
    pull->breaks = sql_int_at(row, 8);
    pull->busy = sql_int_at(row, 9);
    pull->rounds = sql_int_at(row, 10);
    pull->gets = sql_int_at(row, 11);
    pull->heads = sql_int_at(row, 12);
    pull->status = sql_int_at(row, 13);
    sql_text_at(row, 14, pull->file, sizeof(pull->file));
    pull->look.duration_ms = sql_int_at(row, 15);
    pull->look.width = sql_int_at(row, 16);
    pull->look.height = sql_int_at(row, 17);
    sql_text_at(row, 18, pull->failure, sizeof(pull->failure));
    pull->user_id = sql_int_at(row, 19);
    pull->photo = sql_int_at(row, 20) > 0;
    pull->until_ms = sql_int_at(row, 21);
}

struct visit {
    pull_fn each;
    void *ctx;
    struct pull pull;
};

static void visit_row(void *ctx, const struct sql_row *row)
{
    struct visit *v = ctx;

    read_pull(&v->pull, row);
    v->each(v->ctx, &v->pull);
}

enum rc pulls_each(struct sql *sql, int64_t publication_id, pull_fn each, void *ctx,
                   struct err *err)
{
    struct visit v = {.each = each, .ctx = ctx};

    return sql_each(sql, SELECT " WHERE a.publication_id = ? ORDER BY a.item",
                    SQL_WITH(sql_int(publication_id)), visit_row, &v, err);
}

enum rc pulls_missing(struct sql *sql, int64_t publication_id, int64_t *n,
                      struct err *err)
{
    return sql_number(sql,
                      "SELECT COUNT(*) FROM pull WHERE publication_id = ? AND state != 2",
                      SQL_WITH(sql_int(publication_id)), n, err);
}

/* The number, or never when there is none. */
static enum rc earliest(struct sql *sql, const char *text, int64_t *at_ms,
                        struct err *err)
{
    int64_t ms = 0;
    enum rc rc = sql_number(sql, text, SQL_NONE, &ms, err);

    if (rc == RC_OK)
        *at_ms = ms != 0 ? ms : INT64_MAX;
    return rc;
}

/* Both walk along an index and stop at the first. */
enum rc pulls_next(struct sql *sql, int64_t *due_ms, int64_t *until_ms, struct err *err)
{
    enum rc rc = earliest(
        sql, "SELECT MIN(upload_until_ms) FROM publication WHERE " WANTED, until_ms, err);

    if (rc == RC_OK)
        rc = earliest(sql,
                      "SELECT a.due_ms FROM pull a CROSS JOIN publication b"
                      " ON b.id = a.publication_id WHERE a.state = 0 AND " WANTED
                      " ORDER BY a.due_ms LIMIT 1",
                      due_ms, err);
    return rc;
}

/* --- changing ------------------------------------------------------------------ */

enum rc pull_take(struct sql *sql, int64_t now_ms, int64_t parallel, struct pull *pull,
                  struct err *err)
{
    enum rc rc;

    *pull = (struct pull){.publication_id = 0};
    rc = sql_each(sql,
                  SELECT " WHERE a.state = 0 AND a.due_ms <= ? AND " WANTED
                         " AND (SELECT COUNT(*) FROM pull c"
                         " WHERE c.publication_id = a.publication_id AND c.state = 1) < ?"
                         " ORDER BY a.due_ms, a.publication_id, a.item LIMIT 1",
                  SQL_WITH(sql_int(now_ms), sql_int(parallel)), read_pull, pull, err);
    if (rc != RC_OK || pull->publication_id == 0)
        return rc;
    pull->state = PULL_UNDER_WAY;
    return sql_run(sql, "UPDATE pull SET state = 1 WHERE publication_id = ? AND item = ?",
                   SQL_WITH(sql_int(pull->publication_id), sql_int(pull->item)), NULL,
                   err);
}

enum rc pulls_release(struct sql *sql, struct err *err)
{
    return sql_run(sql, "UPDATE pull SET state = 0 WHERE state = 1", SQL_NONE, NULL, err);
}

/* The publication has what its files have; its size is known when all of theirs are. */
static enum rc add_up(struct sql *sql, int64_t publication_id, struct err *err)
{
    return sql_run(sql,
                   "UPDATE publication SET (received, size) ="
                   " (SELECT SUM(received), CASE WHEN MIN(size) < 0 THEN 0"
                   " ELSE SUM(size) END FROM pull WHERE publication_id = ?1)"
                   " WHERE id = ?1",
                   SQL_WITH(sql_int(publication_id)), NULL, err);
}

enum rc pull_store(struct sql *sql, const struct pull *pull, struct err *err)
{
    enum rc rc = sql_run(
        sql,
        "UPDATE pull SET state = ?, due_ms = ?, received = ?, size = ?, breaks = ?,"
        " busy = ?, rounds = ?, gets = ?, heads = ?, status = ?, file = ?,"
        " duration_ms = ?, width = ?, height = ?, failure = ?"
        " WHERE publication_id = ? AND item = ?",
        SQL_WITH(sql_int((int64_t)pull->state), sql_int(pull->due_ms),
                 sql_int(pull->received), sql_int(pull->size), sql_int(pull->breaks),
                 sql_int(pull->busy), sql_int(pull->rounds), sql_int(pull->gets),
                 sql_int(pull->heads), sql_int(pull->status), sql_text(pull->file),
                 sql_int(pull->look.duration_ms), sql_int(pull->look.width),
                 sql_int(pull->look.height), sql_text(pull->failure),
                 sql_int(pull->publication_id), sql_int(pull->item)),
        NULL, err);

    return rc == RC_OK ? add_up(sql, pull->publication_id, err) : rc;
}

enum rc pull_progress(struct sql *sql, const struct pull *pull, bool *wanted,
                      struct err *err)
{
    int64_t changed = 0;
    enum rc rc =
        sql_run(sql,
                "UPDATE pull SET received = ?, size = ?, gets = ?, heads = ?"
                " WHERE publication_id = ? AND item = ? AND state = 1 AND EXISTS"
                " (SELECT 1 FROM publication WHERE id = publication_id AND " WANTED ")",
                SQL_WITH(sql_int(pull->received), sql_int(pull->size),
                         sql_int(pull->gets), sql_int(pull->heads),
                         sql_int(pull->publication_id), sql_int(pull->item)),
                &changed, err);

    if (rc == RC_OK && changed == 1)
        rc = add_up(sql, pull->publication_id, err);
    if (rc == RC_OK)
        *wanted = changed == 1;
    return rc;
}

enum rc pulls_end(struct sql *sql, int64_t publication_id, struct err *err)
{
    return sql_run(sql,
                   "UPDATE pull SET state = 3 WHERE publication_id = ? AND state != 2",
                   SQL_WITH(sql_int(publication_id)), NULL, err);
}

#define OVERDUE WANTED " AND upload_until_ms <= ?"

enum rc pulls_give_up(struct sql *sql, int64_t now_ms, struct err *err)
{
    enum rc rc =
        sql_run(sql,
                "UPDATE pull SET state = 3 WHERE state != 2 AND publication_id IN"
                " (SELECT id FROM publication WHERE " OVERDUE ")",
                SQL_WITH(sql_int(now_ms)), NULL, err);

    if (rc != RC_OK)
        return rc;
    return sql_run(sql,
                   "UPDATE publication SET fail_ms = upload_until_ms, tell_ms = 0,"
                   " fail_reason = CASE WHEN photos > 0 THEN 'photo_pull_failed'"
                   " ELSE 'video_pull_failed' END WHERE " OVERDUE,
                   SQL_WITH(sql_int(now_ms)), NULL, err);
}

const char *pull_fail_reason(bool photo)
{
    return photo ? "photo_pull_failed" : "video_pull_failed";
}
