/* Reading whole posts: their rows, and all their files. posts_list.c has the lists. */
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "posts_priv.h"
#include "store/media.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- one row ------------------------------------------------------------------- */

/* A row on its way from the database to where it belongs. */
struct reading {
    struct post row;
    int kind, mode, phase, medium_kind, visibility;
    char media_ids[POST_IDS_SIZE], tiktok_ids[POST_IDS_SIZE];
    struct post_medium medium; /* the first */
    struct posts_reading *to;
};

enum { POST_COLS = 50 };

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
        COL_I64(&c->max_late_s),
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
        COL_BOOL(&p->waits_turn),
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
        .waits_turn = post->waits_turn,
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
    assert(p->media != NULL && p->media_n < p->content.media_n);
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
    const struct posts_reading *to = r->to;
    size_t i = 0;

    while (to->order != NULL && i < to->max && to->order[i] != r->row.id)
        i++;
    return to->order != NULL ? i : to->n;
}

static enum rc keep_row(void *ctx, struct err *err UNUSED)
{
    struct reading *r = ctx;
    size_t place = place_of(r);

    if (place >= r->to->max) {
        r->to->more = true;
        posts_release(&r->row);
    } else {
        complete(r);
        r->to->out[place] = r->row;
        r->to->n++;
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

enum rc posts_read(struct db *db, const char *sql, struct sql_args args,
                   uint64_t workspace_id, struct posts_reading *to, struct err *err)
{
    struct reading r = {.to = to};
    struct sql_col cols[POST_COLS];
    enum rc rc;

    columns_of(&r, cols);
    (void)memset(to->out, 0, to->max * sizeof(*to->out));
    rc = db_each(db, sql, args, (struct sql_cols){cols, POST_COLS},
                 (struct db_rows){keep_row, &r}, err);
    to->n = close_ranks(to->out, to->max);
    if (rc == RC_OK)
        rc = read_more_media(db, workspace_id, to->out, to->n, err);
    while (rc != RC_OK && to->n > 0)
        posts_release(&to->out[--to->n]);
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
    struct posts_reading r = {.out = &found, .max = 1};
    enum rc rc = posts_read(db,
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
