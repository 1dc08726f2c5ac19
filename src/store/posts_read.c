/* Reading posts: one, and a page of a list. Nothing here writes. */
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "posts_priv.h"
#include "store/media.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- one row ------------------------------------------------------------------- */

#define POST_COLUMNS                                                                     \
    " p.post_id, p.account_id, p.kind, p.mode, p.media_ids, p.title, p.caption,"         \
    " p.privacy_level, p.allow_comment, p.allow_duet, p.allow_stitch, p.your_brand,"     \
    " p.branded_content, p.is_aigc, p.auto_add_music, COALESCE(p.cover_ms, -1),"         \
    " COALESCE(p.cover_index, -1), p.tz, LOCATE('\"music_usage\":true', p.consent),"     \
    " LOCATE('\"branded_content\":true', p.consent), p.content_ver, p.tiktok_post_ids,"  \
    " p.list_at, p.published_at, p.created_at, GREATEST(p.updated_at, j.updated_at),"    \
    " j.state, j.due_at, j.limited_until, j.next_at, j.sched_ver, j.attempt_no, "        \
    "j.granted, "                                                                        \
    "j.last_reason,"                                                                     \
    " " POST_SENT_SQL ", " POST_FINISHED_SQL                                             \
    ", p.visibility, a.display_name, a.username,"                                        \
    " m.media_id, m.kind, m.state, m.filename, m.duration_ms, m.width, m.height,"        \
    " m.has_thumb, " SQL_NOW

#define POST_JOINS                                                                       \
    " JOIN job j ON j.post_id = p.post_id" POST_ATTEMPT_SQL                              \
    " LEFT JOIN account a ON a.account_id = p.account_id"                                \
    " LEFT JOIN post_media pm ON pm.post_id = p.post_id AND pm.position = 0"             \
    " LEFT JOIN media m ON m.media_id = pm.media_id AND m.state <> 4"

/* Rows on their way from the database to out, which has room for max. order says where
 * each id belongs; NULL: in the order they come. */
struct reading {
    struct post row;
    int kind, mode, phase, medium_kind, visibility;
    char media_ids[POST_IDS_SIZE], tiktok_ids[POST_IDS_SIZE];
    struct post_medium medium; /* the first */
    struct post *out;
    const uint64_t *order;
    size_t n, max;
    bool more;
};

enum { POST_COLS = 48 };

static void columns_of(struct reading *r, struct sql_col cols[POST_COLS])
{
    struct post *p = &r->row;
    struct post_content *c = &p->content;
    struct post_medium *m = &r->medium;
    const struct sql_col all[POST_COLS] = {
        COL_U64(&p->id),
        COL_U64(&c->account_id),
        COL_INT(&r->kind),
        COL_INT(&r->mode),
        COL_TEXT(r->media_ids),
        COL_TEXT(c->title),
        COL_OWNED(&c->caption),
        COL_TEXT(c->privacy_level),
        COL_BOOL(&c->allow_comment),
        COL_BOOL(&c->allow_duet),
        COL_BOOL(&c->allow_stitch),
        COL_BOOL(&c->your_brand),
        COL_BOOL(&c->branded_content),
        COL_BOOL(&c->is_aigc),
        COL_BOOL(&c->auto_add_music),
        COL_I64(&c->cover_ms),
        COL_INT(&c->cover_index),
        COL_TEXT(c->timezone),
        COL_BOOL(&c->music_usage),
        COL_BOOL(&c->branded_agreed),
        COL_UINT(&p->content_ver),
        COL_TEXT(r->tiktok_ids),
        COL_I64(&p->list_at_ms),
        COL_I64(&p->published_ms),
        COL_I64(&p->created_ms),
        COL_I64(&p->updated_ms),
        COL_INT(&r->phase),
        COL_I64(&c->publish_at_ms),
        COL_I64(&p->limited_ms),
        COL_I64(&p->next_at_ms),
        COL_UINT(&p->version),
        COL_UINT(&p->attempt_no),
        COL_BOOL(&p->granted),
        COL_TEXT(p->reason),
        COL_BOOL(&p->sent),
        COL_BOOL(&p->finished),
        COL_INT(&r->visibility),
        COL_OWNED(&p->nickname),
        COL_OWNED(&p->username),
        COL_U64(&m->id),
        COL_INT(&r->medium_kind),
        COL_INT(&m->state),
        COL_OWNED(&m->filename),
        COL_I64(&m->duration_ms),
        COL_INT(&m->width),
        COL_INT(&m->height),
        COL_BOOL(&m->has_thumb),
        COL_I64(&p->now_ms),
    };

    (void)memcpy(cols, all, sizeof(all));
}

void posts_release(struct post *post)
{
    for (size_t i = 0; i < post->media_n; i++)
        free(post->media[i].filename);
    free(post->media);
    post->media = NULL;
    post->media_n = 0;
    free(post->nickname);
    free(post->username);
    post->nickname = NULL;
    post->username = NULL;
    post_release(&post->content);
}

struct post_standing posts_standing(const struct post *post)
{
    return (struct post_standing){
        .phase = post->phase,
        .reason = post->reason,
        .granted = post->granted,
        .sent = post->sent,
        .inbox = post->content.mode == POST_INBOX,
        .finished = post->finished,
        .self_only = strcmp(post->content.privacy_level, "SELF_ONLY") == 0,
        .visibility = post->visibility,
        .due_ms = post->content.publish_at_ms,
        .limited_ms = post->limited_ms,
        .now_ms = post->now_ms,
    };
}

/* "1,2,3" as we wrote it. */
static void read_ids(const char *text, struct post_content *content)
{
    content->media_n = 0;
    while (*text != '\0' && content->media_n < POST_MEDIA_ROOM) {
        size_t len = strcspn(text, ",");
        int64_t id = 0;

        if (parse_i64_slice(text, len, 1, INT64_MAX, &id))
            content->media_ids[content->media_n++] = (uint64_t)id;
        text += len + (text[len] == ',' ? 1 : 0);
    }
}

void posts_first_id(const char *ids, char out[POST_TIKTOK_ID_SIZE])
{
    size_t len = strspn(ids, "0123456789");

    if (len >= POST_TIKTOK_ID_SIZE)
        len = 0;
    (void)memcpy(out, ids, len);
    out[len] = '\0';
}

static void take_medium(struct post *p, const struct post_medium *medium, int kind)
{
    assert(p->media_n < p->content.media_n);
    p->media[p->media_n] = *medium;
    p->media[p->media_n].kind = (enum media_kind)kind;
    p->media_n++;
}

/* What the columns say in other words. */
static void complete(struct reading *r)
{
    struct post *p = &r->row;

    p->content.kind = (enum post_kind)r->kind;
    p->content.mode = (enum post_mode)r->mode;
    p->phase = (enum post_phase)r->phase;
    p->visibility = (enum post_visibility)r->visibility;
    read_ids(r->media_ids, &p->content);
    posts_first_id(r->tiktok_ids, p->tiktok_post_id);
    p->media_n = 0;
    p->media = NULL;
    if (p->content.media_n > 0)
        p->media = xcalloc(p->content.media_n, sizeof(*p->media));
    if (r->medium.id != 0 && p->content.media_n > 0) {
        take_medium(p, &r->medium, r->medium_kind);
        r->medium.filename = NULL;
    }
}

static size_t place_of(const struct reading *r)
{
    size_t i = 0;

    while (r->order != NULL && i < r->max && r->order[i] != r->row.id)
        i++;
    return r->order != NULL ? i : r->n;
}

static enum rc keep_row(void *ctx, struct err *err UNUSED)
{
    struct reading *r = ctx;
    size_t place = place_of(r);

    if (place >= r->max) {
        r->more = true;
        posts_release(&r->row);
    } else {
        complete(r);
        r->out[place] = r->row;
        r->n++;
    }
    free(r->medium.filename);
    r->medium = (struct post_medium){0};
    r->row = (struct post){0};
    return RC_OK;
}

/* --- the files of posts with several ------------------------------------------- */

struct more_media {
    struct post *posts;
    size_t n;
    uint64_t post_id;
    int kind;
    struct post_medium medium;
};

static enum rc keep_medium(void *ctx, struct err *err UNUSED)
{
    struct more_media *r = ctx;

    for (size_t i = 0; i < r->n; i++) {
        struct post *p = &r->posts[i];

        if (p->id == r->post_id && p->media_n < p->content.media_n) {
            take_medium(p, &r->medium, r->kind);
            r->medium.filename = NULL;
            break;
        }
    }
    free(r->medium.filename);
    r->medium = (struct post_medium){0};
    return RC_OK;
}

void posts_add_places(struct strbuf *sql, size_t n)
{
    for (size_t i = 0; i < n; i++)
        strbuf_addstr(sql, i > 0 ? ",?" : "?");
}

static enum rc read_more_media(struct db *db, uint64_t workspace_id, struct post *posts,
                               size_t n, struct err *err)
{
    struct more_media r = {.posts = posts, .n = n};
    struct post_medium *m = &r.medium;
    struct sql_arg args[1 + POST_PAGE_MAX];
    const struct sql_col cols[] = {
        COL_U64(&r.post_id), COL_U64(&m->id),         COL_INT(&r.kind),
        COL_INT(&m->state),  COL_OWNED(&m->filename), COL_I64(&m->duration_ms),
        COL_INT(&m->width),  COL_INT(&m->height),     COL_BOOL(&m->has_thumb)};
    size_t wanted = 0;
    struct strbuf sql;
    enum rc rc;

    args[0] = sql_u64(workspace_id);
    for (size_t i = 0; i < n && wanted < POST_PAGE_MAX; i++) {
        if (posts[i].content.media_n > 1)
            args[1 + wanted++] = sql_u64(posts[i].id);
    }
    if (wanted == 0)
        return RC_OK;
    strbuf_init(&sql, 2048);
    strbuf_addstr(&sql,
                  "SELECT pm.post_id, m.media_id, m.kind, m.state, m.filename,"
                  " m.duration_ms, m.width, m.height, m.has_thumb FROM post_media pm"
                  " JOIN media m ON m.media_id = pm.media_id AND m.state <> 4"
                  " WHERE pm.workspace_id = ? AND pm.position > 0 AND pm.post_id IN (");
    posts_add_places(&sql, wanted);
    strbuf_addstr(&sql, ") ORDER BY pm.post_id, pm.position");
    rc = db_each_once(db, sql.buf, (struct sql_args){args, 1 + wanted}, SQL_COLS(cols),
                      (struct db_rows){keep_medium, &r}, err);
    strbuf_release(&sql);
    return rc;
}

/* --- statements ---------------------------------------------------------------- */

/* Places that an order left empty: posts deleted since their ids were read. */
static size_t close_ranks(struct post *posts, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < max; i++) {
        if (posts[i].id == 0)
            continue;
        if (i != n) {
            posts[n] = posts[i];
            posts[i] = (struct post){0};
        }
        n++;
    }
    return n;
}

static enum rc read_posts(struct db *db, const char *sql, struct sql_args args,
                          uint64_t workspace_id, struct reading *r, struct err *err)
{
    struct sql_col cols[POST_COLS];
    enum rc rc;

    columns_of(r, cols);
    (void)memset(r->out, 0, r->max * sizeof(*r->out));
    rc = db_each(db, sql, args, (struct sql_cols){cols, POST_COLS},
                 (struct db_rows){keep_row, r}, err);
    r->n = close_ranks(r->out, r->max);
    if (rc == RC_OK)
        rc = read_more_media(db, workspace_id, r->out, r->n, err);
    while (rc != RC_OK && r->n > 0)
        posts_release(&r->out[--r->n]);
    return rc;
}

enum rc posts_not_found(struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "not_found", "There is no such post.");
}

enum rc posts_get(struct db *db, uint64_t workspace_id, uint64_t post_id,
                  struct post *out, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_u64(post_id)};
    struct post found;
    struct reading r = {.out = &found, .max = 1};
    enum rc rc = read_posts(db,
                            "SELECT STRAIGHT_JOIN" POST_COLUMNS " FROM post p" POST_JOINS
                            " WHERE p.workspace_id = ? AND p.post_id = ?"
                            " AND " POST_SHOWN_SQL,
                            SQL_ARGS(args), workspace_id, &r, err);

    if (rc != RC_OK)
        return rc;
    if (r.n == 0)
        return posts_not_found(err);
    *out = found;
    return RC_OK;
}

/* --- lists --------------------------------------------------------------------- */

/* Three ways, by what the indexes give. Straight: the rows come in the order of an index
 * and are read until the page is full. By ids: a first statement finds the ids of the
 * page, looking at narrow rows only, and a second reads the posts. The set of statuses is
 * always applied exactly, by POST_STATUS_SQL; the phases it stands for only choose the
 * way. */

#define IN_SET_SQL " AND (? >> " POST_STATUS_SQL ") & 1 = 1"

#define ALL_STATUSES ((1U << STATUS_COUNT) - 1)

/* What a status can be stored as. */
static const unsigned phases_of[STATUS_COUNT] = {
    [STATUS_DRAFT] = 1U << PHASE_DRAFT,
    [STATUS_SCHEDULED] = 1U << PHASE_SCHEDULED,
    [STATUS_PREPARING] = 1U << PHASE_RUNNING,
    [STATUS_PUBLISHING] = 1U << PHASE_COMMITTED,
    [STATUS_PROCESSING] = 1U << PHASE_COMMITTED,
    [STATUS_PUBLISHED] = 1U << PHASE_PUBLISHED,
    [STATUS_PUBLISHED_PRIVATE] = 1U << PHASE_PUBLISHED,
    [STATUS_IN_INBOX] = 1U << PHASE_PUBLISHED,
    [STATUS_NEEDS_ATTENTION] = 1U << PHASE_REVIEW | 1U << PHASE_BLOCKED,
    [STATUS_FAILED] = 1U << PHASE_FAILED,
    [STATUS_CANCELED] = 1U << PHASE_CANCELED,
};

static unsigned phases_in(unsigned statuses)
{
    unsigned phases = 0;

    for (size_t i = 0; i < STATUS_COUNT; i++)
        phases |= (statuses >> i & 1) != 0 ? phases_of[i] : 0;
    return phases;
}

/* A page that is being put together. */
struct page {
    const struct post_query *q;
    unsigned statuses, phases; /* wanted */
    uint64_t before_id;        /* POST_NEWEST: ids below */
    int64_t after_at;          /* POST_SOONEST: places behind */
    uint64_t after_id;
    uint64_t limit; /* one more than asked for: is there more? */
    struct reading *r;
};

#define NEWEST_SQL(and_statuses)                                                         \
    "SELECT STRAIGHT_JOIN" POST_COLUMNS                                                  \
    " FROM post p FORCE INDEX (u_workspace)" POST_JOINS                                  \
    " WHERE p.workspace_id = ? AND p.post_id < ? AND " POST_SHOWN_SQL and_statuses       \
    " ORDER BY p.post_id DESC LIMIT ?"

static enum rc straight_newest(struct db *db, const struct page *g, struct err *err)
{
    const struct sql_arg all[] = {sql_u64(g->q->workspace_id), sql_u64(g->before_id),
                                  sql_u64(g->limit)};
    const struct sql_arg some[] = {sql_u64(g->q->workspace_id), sql_u64(g->before_id),
                                   sql_u64(g->statuses), sql_u64(g->limit)};

    if (g->statuses ==
        ALL_STATUSES) /* the usual list: spares the database a tenth of it */
        return read_posts(db, NEWEST_SQL(""), SQL_ARGS(all), g->q->workspace_id, g->r,
                          err);
    return read_posts(db, NEWEST_SQL(IN_SET_SQL), SQL_ARGS(some), g->q->workspace_id,
                      g->r, err);
}

static enum rc straight_soonest(struct db *db, const struct page *g, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(g->q->workspace_id), sql_i64(g->after_at),
                                   sql_i64(g->after_at),        sql_u64(g->after_id),
                                   sql_u64(g->statuses),        sql_u64(g->limit)};

    return read_posts(
        db,
        "SELECT STRAIGHT_JOIN" POST_COLUMNS " FROM post p FORCE INDEX (k_list)" POST_JOINS
        " WHERE p.workspace_id = ? AND p.list_at >= ?"
        " AND (p.list_at > ? OR p.post_id > ?) AND " POST_SHOWN_SQL IN_SET_SQL
        " ORDER BY p.list_at, p.post_id LIMIT ?",
        SQL_ARGS(args), g->q->workspace_id, g->r, err);
}

/* In the order in which the table itself lies. */
static enum rc straight_of_account(struct db *db, const struct page *g, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(g->q->account_id), sql_u64(g->q->workspace_id),
                                   sql_i64(g->after_at),      sql_i64(g->after_at),
                                   sql_u64(g->after_id),      sql_u64(g->statuses),
                                   sql_u64(g->limit)};

    return read_posts(
        db,
        "SELECT STRAIGHT_JOIN" POST_COLUMNS
        " FROM post p FORCE INDEX (PRIMARY)" POST_JOINS
        " WHERE p.account_id = ? AND p.workspace_id = ? AND p.list_at >= ?"
        " AND (p.list_at > ? OR p.post_id > ?) AND " POST_SHOWN_SQL IN_SET_SQL
        " ORDER BY p.list_at, p.post_id LIMIT ?",
        SQL_ARGS(args), g->q->workspace_id, g->r, err);
}

/* --- by ids --- */

struct ids {
    uint64_t id;
    uint64_t found[POST_PAGE_MAX + 1];
    size_t n;
};

static enum rc keep_id(void *ctx, struct err *err UNUSED)
{
    struct ids *ids = ctx;

    if (ids->n < ARRAY_LEN(ids->found))
        ids->found[ids->n++] = ids->id;
    return RC_OK;
}

/* Reads the posts of ids in their order. The places of the list are always as many, so
 * that the statement is prepared once; 0 is no post. */
static enum rc read_by_ids(struct db *db, const struct page *g, const struct ids *ids,
                           struct err *err)
{
#define TEN "?,?,?,?,?,?,?,?,?,?,"
    struct sql_arg args[1 + POST_PAGE_MAX];
    size_t n = ids->n < g->r->max ? ids->n : g->r->max;

    args[0] = sql_u64(g->q->workspace_id);
    for (size_t i = 0; i < POST_PAGE_MAX; i++)
        args[1 + i] = sql_u64(i < n ? ids->found[i] : 0);
    g->r->order = ids->found;
    g->r->max = n;
    if (n == 0)
        return RC_OK;
    return read_posts(
        db,
        "SELECT STRAIGHT_JOIN" POST_COLUMNS
        " FROM post p FORCE INDEX (u_workspace)" POST_JOINS
        " WHERE p.workspace_id = ? AND p.post_id IN (" TEN TEN TEN TEN TEN TEN TEN TEN TEN
        "?,?,?,?,?,?,?,?,?,?)"
        " AND " POST_SHOWN_SQL,
        (struct sql_args){args, ARRAY_LEN(args)}, g->q->workspace_id, g->r, err);
#undef TEN
}

/* The phases as nine places, filled up with one that nothing has. */
static void phase_args(const struct page *g, struct sql_arg args[PHASE_COUNT])
{
    for (int i = 0; i < PHASE_COUNT; i++)
        args[i] = sql_i64((g->phases >> i & 1) != 0 ? i : PHASE_COUNT);
}

#define PHASES_SQL "(?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* The rows of an account, in the order of the table, sorted by id. */
static enum rc ids_of_account(struct db *db, const struct page *g, struct ids *ids,
                              struct err *err)
{
    const struct sql_arg all[] = {sql_u64(g->q->account_id), sql_u64(g->q->workspace_id),
                                  sql_u64(g->before_id), sql_u64(g->limit)};
    const struct sql_arg some[] = {sql_u64(g->q->account_id), sql_u64(g->q->workspace_id),
                                   sql_u64(g->before_id), sql_u64(g->statuses),
                                   sql_u64(g->limit)};
    const struct sql_col cols[] = {COL_U64(&ids->id)};
    const struct db_rows rows = {keep_id, ids};

    if (g->statuses == ALL_STATUSES)
        return db_each(db,
                       "SELECT p.post_id FROM post p FORCE INDEX (PRIMARY)"
                       " WHERE p.account_id = ? AND p.workspace_id = ?"
                       " AND p.post_id < ? AND " POST_SHOWN_SQL
                       " ORDER BY p.post_id DESC LIMIT ?",
                       SQL_ARGS(all), SQL_COLS(cols), rows, err);
    return db_each(db,
                   "SELECT STRAIGHT_JOIN p.post_id FROM post p FORCE INDEX (PRIMARY)"
                   " JOIN job j ON j.post_id = p.post_id" POST_ATTEMPT_SQL
                   " WHERE p.account_id = ? AND p.workspace_id = ? AND p.post_id < ?"
                   " AND " POST_SHOWN_SQL IN_SET_SQL " ORDER BY p.post_id DESC LIMIT ?",
                   SQL_ARGS(some), SQL_COLS(cols), rows, err);
}

/* Whole phases in which nothing can be hidden: the index alone answers. */
static enum rc ids_of_phases(struct db *db, const struct page *g, struct ids *ids,
                             struct err *err)
{
    struct sql_arg args[1 + PHASE_COUNT + 4];
    const struct sql_col cols[] = {COL_U64(&ids->id)};
    size_t n = 1 + PHASE_COUNT;

    args[0] = sql_u64(g->q->workspace_id);
    phase_args(g, &args[1]);
    if (g->q->order == POST_NEWEST) {
        args[n++] = sql_u64(g->before_id);
        args[n++] = sql_u64(g->limit);
        return db_each(db,
                       "SELECT j.post_id FROM job j FORCE INDEX (k_list)"
                       " WHERE j.workspace_id = ? AND j.state IN " PHASES_SQL
                       " AND j.post_id < ? ORDER BY j.post_id DESC LIMIT ?",
                       (struct sql_args){args, n}, SQL_COLS(cols),
                       (struct db_rows){keep_id, ids}, err);
    }
    args[n++] = sql_i64(g->after_at);
    args[n++] = sql_i64(g->after_at);
    args[n++] = sql_u64(g->after_id);
    args[n++] = sql_u64(g->limit);
    return db_each(db,
                   "SELECT j.post_id FROM job j FORCE INDEX (k_list)"
                   " WHERE j.workspace_id = ? AND j.state IN " PHASES_SQL
                   " AND j.due_at >= ? AND (j.due_at > ? OR j.post_id > ?)"
                   " ORDER BY j.due_at, j.post_id LIMIT ?",
                   (struct sql_args){args, n}, SQL_COLS(cols),
                   (struct db_rows){keep_id, ids}, err);
}

/* Any other set: the index finds the jobs, their posts and attempts decide. */
static enum rc ids_of_set(struct db *db, const struct page *g, struct ids *ids,
                          struct err *err)
{
    struct sql_arg args[1 + PHASE_COUNT + 5];
    const struct sql_col cols[] = {COL_U64(&ids->id)};
    size_t n = 1 + PHASE_COUNT;

    args[0] = sql_u64(g->q->workspace_id);
    phase_args(g, &args[1]);
    args[n++] = sql_u64(g->statuses);
#define FROM_SET                                                                         \
    "SELECT STRAIGHT_JOIN p.post_id FROM job j FORCE INDEX (k_list)"                     \
    " JOIN post p ON p.post_id = j.post_id" POST_ATTEMPT_SQL                             \
    " WHERE j.workspace_id = ? AND j.state IN " PHASES_SQL                               \
    " AND " POST_SHOWN_SQL IN_SET_SQL
    if (g->q->order == POST_NEWEST) {
        args[n++] = sql_u64(g->before_id);
        args[n++] = sql_u64(g->limit);
        return db_each(db, FROM_SET " AND p.post_id < ? ORDER BY p.post_id DESC LIMIT ?",
                       (struct sql_args){args, n}, SQL_COLS(cols),
                       (struct db_rows){keep_id, ids}, err);
    }
    args[n++] = sql_i64(g->after_at);
    args[n++] = sql_i64(g->after_at);
    args[n++] = sql_u64(g->after_id);
    args[n++] = sql_u64(g->limit);
    return db_each(db,
                   FROM_SET " AND p.list_at >= ? AND (p.list_at > ? OR p.post_id > ?)"
                            " ORDER BY p.list_at, p.post_id LIMIT ?",
                   (struct sql_args){args, n}, SQL_COLS(cols),
                   (struct db_rows){keep_id, ids}, err);
#undef FROM_SET
}

enum {
    MAY_BE_HIDDEN = 1 << PHASE_DRAFT | 1 << PHASE_FAILED | 1 << PHASE_CANCELED,
    OF_COMMITTED = 1 << STATUS_PUBLISHING | 1 << STATUS_PROCESSING,
};

/* True when the set is a union of whole phases, none of which holds hidden posts. */
static bool is_plain(const struct page *g)
{
    unsigned committed = g->statuses & OF_COMMITTED;

    return (g->phases & (MAY_BE_HIDDEN | 1U << PHASE_PUBLISHED)) == 0 &&
           (committed == 0 || committed == OF_COMMITTED);
}

static enum rc by_ids(struct db *db, const struct page *g, struct err *err)
{
    struct ids ids = {.n = 0};
    enum rc rc;

    if (g->q->account_id != 0)
        rc = ids_of_account(db, g, &ids, err);
    else
        rc = is_plain(g) ? ids_of_phases(db, g, &ids, err) : ids_of_set(db, g, &ids, err);
    if (rc != RC_OK)
        return rc;
    g->r->more = ids.n >= g->limit;
    return read_by_ids(db, g, &ids, err);
}

static enum rc choose_way(struct db *db, const struct page *g, struct err *err)
{
    bool newest = g->q->order == POST_NEWEST;

    if (g->q->account_id != 0)
        return newest ? by_ids(db, g, err) : straight_of_account(db, g, err);
    /* What was published is most of what there is: reading on soon fills a page. */
    if (g->statuses == ALL_STATUSES ||
        (newest && (g->phases & 1U << PHASE_PUBLISHED) != 0))
        return newest ? straight_newest(db, g, err) : straight_soonest(db, g, err);
    return by_ids(db, g, err);
}

enum rc posts_list(struct db *db, const struct post_query *query, struct post *out,
                   size_t *n, bool *more, struct err *err)
{
    struct reading r = {.out = out, .max = query->limit};
    struct page g = {
        .q = query,
        .statuses = query->statuses != 0 ? query->statuses : ALL_STATUSES,
        .before_id = query->first ? INT64_MAX : query->after_id,
        .after_at = query->first ? INT64_MIN : query->after_at,
        .after_id = query->first ? 0 : query->after_id,
        .limit = query->limit + 1,
        .r = &r,
    };
    enum rc rc;

    assert(query->limit >= 1 && query->limit <= POST_PAGE_MAX);
    g.phases = phases_in(g.statuses);
    rc = choose_way(db, &g, err);
    if (rc != RC_OK)
        return rc;
    *n = r.n;
    *more = r.more;
    return RC_OK;
}
