#include "publications.h"

#include "core/attr.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Columns in the order read_publication() wants them. */
#define COLUMNS                                                                          \
    "id, publish_id, user_id, inbox, caption, privacy, flags, cover_ms, created_ms,"     \
    " size, chunk_size, chunk_count, upload_id, upload_token, upload_until_ms,"          \
    " received, file, duration_ms, width, height, committed_ms, committed_real_ms, "     \
    "ready_ms, public_ms, post_id,"                                                      \
    " posted_ms, discarded, stuck, fail_reason, fail_ms, pulled, photos, title,"         \
    " cover_index, app_id, hidden_ms, told"
#define DAY_MS INT64_C(86400000)

#define SELECT_WHERE "SELECT " COLUMNS " FROM publication WHERE "

/* The index of these rows is small: most have nothing to tell. */
#define TO_TELL "tell_ms != 9223372036854775807"

enum rc next_id(struct sql *sql, int64_t now_ms, int64_t *id, struct err *err)
{
    int64_t floor = now_ms / 1000 * (INT64_C(1) << 32);

    return sql_number(sql, "UPDATE last_id SET id = MAX(id + 1, ?) RETURNING id",
                      SQL_WITH(sql_int(floor)), id, err);
}

static enum rc insert(struct sql *sql, const struct publication *p, struct err *err)
{
    return sql_run(
        sql,
        "INSERT INTO publication (id, publish_id, app_id, user_id, inbox, caption, "
        "privacy,"
        " flags, cover_ms, created_ms, size, chunk_size, chunk_count, upload_id,"
        " upload_token, upload_until_ms, pulled, photos, title, cover_index)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        SQL_WITH(sql_int(p->id), sql_text(p->publish_id), sql_int(p->app_id),
                 sql_int(p->user_id), sql_int(p->inbox), sql_text(p->caption),
                 sql_text(p->privacy), sql_int((int64_t)p->flags), sql_int(p->cover_ms),
                 sql_int(p->created_ms), sql_int(p->plan.size),
                 sql_int(p->plan.chunk_size), sql_int(p->plan.count),
                 sql_int(p->upload_id), sql_text(p->upload_token),
                 sql_int(p->upload_until_ms), sql_int(p->pulled), sql_int(p->photos),
                 sql_text(p->title), sql_int(p->cover_index)),
        NULL, err);
}

/* TikTok's ids say what they name. */
static const char *prefix_of(const struct publication *p)
{
    if (p->photos > 0)
        return "p_pub_url~v2";
    if (p->pulled)
        return p->inbox ? "v_inbox_url~v2" : "v_pub_url~v2-1";
    return p->inbox ? "v_inbox_file~v2" : "v_pub_file~v2-1";
}

enum rc publication_add(struct sql *sql, struct publication *p, struct err *err)
{
    enum rc rc = next_id(sql, p->created_ms, &p->id, err);

    if (rc == RC_OK)
        rc = next_id(sql, p->created_ms, &p->upload_id, err);
    if (rc != RC_OK)
        return rc;
    (void)snprintf(p->publish_id, sizeof(p->publish_id), "%s.%" PRId64, prefix_of(p),
                   p->id);
    return insert(sql, p, err);
}

/* --- reading ------------------------------------------------------------------- */

static void read_upload(struct publication *p, const struct sql_row *row)
{
    p->plan.size = sql_int_at(row, 9);
    p->plan.chunk_size = sql_int_at(row, 10);
    p->plan.count = sql_int_at(row, 11);
    p->upload_id = sql_int_at(row, 12);
    sql_text_at(row, 13, p->upload_token, sizeof(p->upload_token));
    p->upload_until_ms = sql_int_at(row, 14);
    p->received = sql_int_at(row, 15);
    sql_text_at(row, 16, p->file, sizeof(p->file));
}

static void read_fate(struct publication *p, const struct sql_row *row)
{
    p->media.duration_ms = sql_int_at(row, 17);
    p->media.width = sql_int_at(row, 18);
    p->media.height = sql_int_at(row, 19);
    p->committed_ms = sql_int_at(row, 20);
    p->committed_real_ms = sql_int_at(row, 21);
    p->ready_ms = sql_int_at(row, 22);
    p->public_ms = sql_int_at(row, 23);
    p->post_id = sql_int_at(row, 24);
    p->posted_ms = sql_int_at(row, 25);
    p->discarded = sql_bool_at(row, 26);
    p->stuck = sql_bool_at(row, 27);
    sql_text_at(row, 28, p->fail_reason, sizeof(p->fail_reason));
    p->fail_ms = sql_int_at(row, 29);
}

static void read_kind(struct publication *p, const struct sql_row *row)
{
    p->pulled = sql_bool_at(row, 30);
    p->photos = sql_int_at(row, 31);
    sql_text_at(row, 32, p->title, sizeof(p->title));
    p->cover_index = sql_int_at(row, 33);
    p->app_id = sql_int_at(row, 34);
    p->hidden_ms = sql_int_at(row, 35);
    p->told = (unsigned)sql_int_at(row, 36);
}

static void read_publication(void *ctx, const struct sql_row *row)
{
    struct publication *p = ctx;

    p->id = sql_int_at(row, 0);
    sql_text_at(row, 1, p->publish_id, sizeof(p->publish_id));
    p->user_id = sql_int_at(row, 2);
    p->inbox = sql_bool_at(row, 3);
    sql_text_at(row, 4, p->caption, sizeof(p->caption));
    sql_text_at(row, 5, p->privacy, sizeof(p->privacy));
    p->flags = (unsigned)sql_int_at(row, 6);
    p->cover_ms = sql_int_at(row, 7);
    p->created_ms = sql_int_at(row, 8);
    read_upload(p, row);
    read_fate(p, row);
    read_kind(p, row);
}

enum rc publication_by_publish_id(struct sql *sql, const char *publish_id,
                                  struct publication *p, struct err *err)
{
    p->id = 0;
    return sql_each(sql, SELECT_WHERE "publish_id = ?", SQL_WITH(sql_text(publish_id)),
                    read_publication, p, err);
}

enum rc publication_by_upload_id(struct sql *sql, int64_t upload_id,
                                 struct publication *p, struct err *err)
{
    p->id = 0;
    return sql_each(sql, SELECT_WHERE "upload_id = ?", SQL_WITH(sql_int(upload_id)),
                    read_publication, p, err);
}

enum rc publication_by_post_id(struct sql *sql, int64_t post_id, struct publication *p,
                               struct err *err)
{
    p->id = 0;
    return sql_each(sql, SELECT_WHERE "post_id = ? AND post_id != 0",
                    SQL_WITH(sql_int(post_id)), read_publication, p, err);
}

enum rc publication_by_id(struct sql *sql, int64_t id, struct publication *p,
                          struct err *err)
{
    p->id = 0;
    return sql_each(sql, SELECT_WHERE "id = ?", SQL_WITH(sql_int(id)), read_publication,
                    p, err);
}

struct visit {
    publication_fn each;
    void *ctx;
    struct publication p; /* large: one for all rows */
};

static void visit_row(void *ctx, const struct sql_row *row)
{
    struct visit *v = ctx;

    read_publication(&v->p, row);
    v->each(v->ctx, &v->p);
}

#define NEWEST " AND id < ? ORDER BY id DESC LIMIT ?"

enum rc publications_each(struct sql *sql, const struct publication_filter *filter,
                          publication_fn each, void *ctx, struct err *err)
{
    struct sql_arg before = sql_int(filter->before != 0 ? filter->before : INT64_MAX);
    struct sql_arg limit = sql_int(filter->limit);
    struct visit v = {.each = each, .ctx = ctx};

    switch (filter->which) {
    case PUBLICATIONS_ALL:
        return sql_each(sql, SELECT_WHERE "1 = 1" NEWEST, SQL_WITH(before, limit),
                        visit_row, &v, err);
    case PUBLICATIONS_OF_CAPTION:
        return sql_each(sql, SELECT_WHERE "caption = ?" NEWEST,
                        SQL_WITH(sql_text(filter->text), before, limit), visit_row, &v,
                        err);
    case PUBLICATIONS_OF_PUBLISH_ID:
        return sql_each(sql, SELECT_WHERE "publish_id = ?" NEWEST,
                        SQL_WITH(sql_text(filter->text), before, limit), visit_row, &v,
                        err);
    case PUBLICATIONS_OF_USER:
        return sql_each(sql, SELECT_WHERE "user_id = ?" NEWEST,
                        SQL_WITH(sql_int(filter->user_id), before, limit), visit_row, &v,
                        err);
    case PUBLICATIONS_PUBLIC:
        return sql_each(sql,
                        SELECT_WHERE
                        "user_id = ? AND post_id != 0 AND fail_reason = ''"
                        " AND hidden_ms = 0 AND public_ms <= ? AND posted_ms < ?"
                        " AND (photos = 0 OR NOT ?)"
                        " ORDER BY posted_ms DESC, id DESC LIMIT ?",
                        SQL_WITH(sql_int(filter->user_id), sql_int(filter->now_ms),
                                 before, sql_int(filter->videos_only), limit),
                        visit_row, &v, err);
    case PUBLICATIONS_SHOWN:
        return sql_each(
            sql,
            SELECT_WHERE "posted_ms != 0 AND fail_reason = '' AND stuck = 0"
                         " AND ?1 IN (0, user_id) AND ready_ms <= ?2"
                         " AND posted_ms < ?3"
                         " ORDER BY posted_ms DESC, id DESC LIMIT ?4",
            SQL_WITH(sql_int(filter->user_id), sql_int(filter->now_ms), before, limit),
            visit_row, &v, err);
    }
    return RC_OK;
}

/* --- changing ------------------------------------------------------------------ */

enum rc publication_receive(struct sql *sql, const struct publication *p,
                            const struct content_range *range, const char *file,
                            bool *won, struct err *err)
{
    int64_t changed = 0;
    enum rc rc = sql_run(sql,
                         "UPDATE publication SET received = ?, file = ?"
                         " WHERE id = ? AND received = ? AND fail_reason = ''",
                         SQL_WITH(sql_int(range->last + 1), sql_text(file),
                                  sql_int(p->id), sql_int(range->first)),
                         &changed, err);

    if (rc == RC_OK)
        *won = changed == 1;
    return rc;
}

/* What becomes of it; whoever is told of such things is told of a change. */
#define FATE                                                                             \
    " public_ms = ?, post_id = ?, posted_ms = ?, discarded = ?, stuck = ?,"              \
    " fail_reason = ?, fail_ms = ?, tell_ms = 0"
#define FATE_OF(p)                                                                       \
    sql_int((p)->public_ms), sql_int((p)->post_id), sql_int((p)->posted_ms),             \
        sql_int((p)->discarded), sql_int((p)->stuck), sql_text((p)->fail_reason),        \
        sql_int((p)->fail_ms)

enum rc publication_commit(struct sql *sql, const struct publication *p, struct err *err)
{
    return sql_run(sql,
                   "UPDATE publication SET committed_ms = ?, committed_real_ms = ?,"
                   " ready_ms = ?, duration_ms = ?, width = ?, height = ?,"
                   " size = ?, received = ?, file = ?," FATE " WHERE id = ?",
                   SQL_WITH(sql_int(p->committed_ms), sql_int(p->committed_real_ms),
                            sql_int(p->ready_ms), sql_int(p->media.duration_ms),
                            sql_int(p->media.width), sql_int(p->media.height),
                            sql_int(p->plan.size), sql_int(p->received),
                            sql_text(p->file), FATE_OF(p), sql_int(p->id)),
                   NULL, err);
}

enum rc publication_store(struct sql *sql, const struct publication *p, struct err *err)
{
    return sql_run(sql, "UPDATE publication SET" FATE " WHERE id = ?",
                   SQL_WITH(FATE_OF(p), sql_int(p->id)), NULL, err);
}

enum rc publication_show(struct sql *sql, const struct publication *p, struct err *err)
{
    return sql_run(sql,
                   "UPDATE publication SET privacy = ?, post_id = ?, public_ms = ?,"
                   " hidden_ms = ?, told = ?, tell_ms = 0 WHERE id = ?",
                   SQL_WITH(sql_text(p->privacy), sql_int(p->post_id),
                            sql_int(p->public_ms), sql_int(p->hidden_ms),
                            sql_int((int64_t)p->told), sql_int(p->id)),
                   NULL, err);
}

enum rc publication_to_tell(struct sql *sql, int64_t now_ms, struct publication *p,
                            struct err *err)
{
    p->id = 0;
    return sql_each(
        sql, SELECT_WHERE "tell_ms <= ? AND " TO_TELL " ORDER BY tell_ms, id LIMIT 1",
        SQL_WITH(sql_int(now_ms)), read_publication, p, err);
}

enum rc publication_tell_later(struct sql *sql, const struct publication *p,
                               int64_t tell_ms, struct err *err)
{
    return sql_run(sql, "UPDATE publication SET told = ?, tell_ms = ? WHERE id = ?",
                   SQL_WITH(sql_int((int64_t)p->told), sql_int(tell_ms), sql_int(p->id)),
                   NULL, err);
}

enum rc publications_tell_ms(struct sql *sql, int64_t *tell_ms, struct err *err)
{
    return sql_number(sql,
                      "SELECT COALESCE(MIN(tell_ms), 9223372036854775807)"
                      " FROM publication WHERE " TO_TELL,
                      SQL_NONE, tell_ms, err);
}

enum rc posts_of_day(struct sql *sql, int64_t user_id, int64_t now_ms, int64_t *n,
                     struct err *err)
{
    return sql_number(sql,
                      "SELECT COUNT(*) FROM publication WHERE user_id = ?"
                      " AND inbox = 0 AND fail_reason = '' AND committed_ms != 0"
                      " AND committed_ms > ?",
                      SQL_WITH(sql_int(user_id), sql_int(now_ms - DAY_MS)), n, err);
}

enum rc drafts_of_day(struct sql *sql, int64_t user_id, int64_t now_ms, int64_t *n,
                      struct err *err)
{
    return sql_number(
        sql,
        "SELECT COUNT(*) FROM publication WHERE user_id = ? AND inbox = 1"
        " AND created_ms > ? AND fail_reason = '' AND posted_ms = 0"
        " AND discarded = 0 AND (committed_ms != 0 OR upload_until_ms > ?)",
        SQL_WITH(sql_int(user_id), sql_int(now_ms - DAY_MS), sql_int(now_ms)), n, err);
}

enum rc others_of_day(struct sql *sql, int64_t app_id, int64_t user_id, int64_t now_ms,
                      int64_t *n, struct err *err)
{
    return sql_number(
        sql,
        "SELECT COUNT(DISTINCT user_id) FROM publication"
        " WHERE committed_ms > ? AND inbox = 0 AND fail_reason = ''"
        " AND user_id != ? AND app_id = ?",
        SQL_WITH(sql_int(now_ms - DAY_MS), sql_int(user_id), sql_int(app_id)), n, err);
}

enum rc publications_abandon(struct sql *sql, int64_t app_id, int64_t user_id,
                             int64_t now_ms, struct err *err)
{
    return sql_run(
        sql,
        "UPDATE publication SET fail_reason = 'auth_removed', fail_ms = ?,"
        " tell_ms = 0"
        " WHERE user_id = ? AND app_id = ? AND fail_reason = ''"
        " AND (committed_ms = 0 OR ready_ms > ? OR stuck = 1)",
        SQL_WITH(sql_int(now_ms), sql_int(user_id), sql_int(app_id), sql_int(now_ms)),
        NULL, err);
}

/* --- state --------------------------------------------------------------------- */

enum publication_state publication_state(const struct publication *p, int64_t now_ms)
{
    const struct publication_facts facts = {
        .inbox = p->inbox,
        .stuck = p->stuck,
        .fails = p->fail_reason[0] != '\0',
        .fail_ms = p->fail_ms,
        .committed_ms = p->committed_ms,
        .ready_ms = p->ready_ms,
        .posted_ms = p->posted_ms,
    };

    return publication_state_at(&facts, now_ms);
}

const char *publication_status(const struct publication *p, int64_t now_ms)
{
    return publication_state_name(publication_state(p, now_ms), p->pulled);
}

bool publication_public(const struct publication *p, int64_t now_ms)
{
    return p->post_id != 0 && p->hidden_ms == 0 && now_ms >= p->public_ms &&
           publication_state(p, now_ms) == PUBLICATION_COMPLETE;
}

bool publication_counts(const struct publication *p)
{
    return p->committed_ms != 0 && p->fail_reason[0] == '\0';
}
