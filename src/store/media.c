#include "store/media.h"

#include "core/strbuf.h"
#include "core/xalloc.h"
#include "media_priv.h"
#include "stmt.h"
#include "store/events.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void media_release(struct media *m)
{
    free(m->checks);
    free(m->tags);
    m->checks = NULL;
    m->tags = NULL;
}

const char *media_state_name(enum media_state state)
{
    switch (state) {
    case MEDIA_CHECKING:
        return "checking";
    case MEDIA_READY:
        return "ready";
    case MEDIA_REJECTED:
        return "rejected";
    case MEDIA_DELETED:
        return "deleted";
    }
    return "checking";
}

static enum rc no_such_file(struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "not_found", "There is no such file.");
}

/* --- reading ---------------------------------------------------------------------- */

/* Posts that were deleted from the lists show nothing any more. */
#define SELECT_MEDIA                                                                     \
    "SELECT m.media_id, m.workspace_id, m.blob_key, m.filename, m.mime, m.kind, "        \
    "m.state, m.bytes, m.width, m.height, m.duration_ms, m.fps_milli, m.container, "     \
    "m.video_codec, m.audio_codec, m.checks, m.has_thumb, m.version, m.created_at, "     \
    "m.rendition_bytes, m.rendition_width, m.rendition_height, m.strip_frames, "         \
    "m.rotation, m.reason, IFNULL(o.media_id, 0), "                                      \
    "IF(r.state = 2 AND x.media_id IS NULL, 0, IFNULL(r.state, 0)), "                    \
    "IFNULL(r.owner <> 0, 0), IFNULL(r.permille, 0), IFNULL(x.media_id, 0), "            \
    "IFNULL(r.reason, ''), IFNULL(r.reason_msg, ''), "                                   \
    "IFNULL((SELECT MIN(d.media_id) FROM media d WHERE "                                 \
    "d.workspace_id = m.workspace_id AND d.sha256 = m.sha256 AND "                       \
    "d.media_id < m.media_id AND d.state <> 4), 0), "                                    \
    "(SELECT GROUP_CONCAT(t.tag ORDER BY t.tag SEPARATOR '\n') FROM media_tag t "        \
    "WHERE t.workspace_id = m.workspace_id AND t.media_id = m.media_id), "               \
    "(SELECT COUNT(*) FROM post_media pm JOIN post p ON p.post_id = pm.post_id "         \
    "WHERE pm.workspace_id = m.workspace_id AND pm.media_id = m.media_id "               \
    "AND p.hidden_at IS NULL) FROM media m "                                             \
    "LEFT JOIN media o ON o.media_id = m.repaired_from AND o.state <> 4 "                \
    "LEFT JOIN repair r ON r.media_id = m.media_id "                                     \
    "LEFT JOIN media x ON x.media_id = r.result_id AND x.state <> 4 "

/* Rows on their way from the database to out, which has room for max. */
struct reading {
    struct media m; /* the row being read */
    int kind, state, repair;
    struct media *out;
    size_t n, max;
};

static enum rc keep_row(void *ctx, struct err *err)
{
    struct reading *r = ctx;

    if (r->n == r->max) {
        media_release(&r->m);
        return err_set(err, RC_BUG, "too_many_rows", "More rows than were asked for.");
    }
    r->m.facts.kind = (enum media_kind)r->kind;
    r->m.state = (enum media_state)r->state;
    r->m.repair.state = (enum media_repair_state)r->repair;
    r->out[r->n++] = r->m;
    r->m.checks = NULL; /* taken over */
    r->m.tags = NULL;
    return RC_OK;
}

/* Reads rows of SELECT_MEDIA. On failure nothing is kept. */
static enum rc read_media(struct db *db, const char *sql, struct sql_args args,
                          struct reading *r, struct err *err)
{
    struct media *m = &r->m;
    struct media_facts *f = &m->facts;
    struct media_repair *p = &m->repair;
    const struct sql_col cols[] = {COL_U64(&m->id),
                                   COL_U64(&m->workspace_id),
                                   COL_TEXT(m->blob_key),
                                   COL_TEXT(m->filename),
                                   COL_TEXT(m->mime),
                                   COL_INT(&r->kind),
                                   COL_INT(&r->state),
                                   COL_I64(&f->bytes),
                                   COL_INT(&f->width),
                                   COL_INT(&f->height),
                                   COL_I64(&f->duration_ms),
                                   COL_INT(&f->fps_milli),
                                   COL_TEXT(f->container),
                                   COL_TEXT(f->video_codec),
                                   COL_TEXT(f->audio_codec),
                                   COL_OWNED(&m->checks),
                                   COL_BOOL(&m->has_thumb),
                                   COL_UINT(&m->version),
                                   COL_I64(&m->created_at_ms),
                                   COL_I64(&m->rendition.bytes),
                                   COL_INT(&m->rendition.width),
                                   COL_INT(&m->rendition.height),
                                   COL_UINT(&m->strip_frames),
                                   COL_INT(&f->rotation),
                                   COL_TEXT(m->reason),
                                   COL_U64(&m->repaired_from),
                                   COL_INT(&r->repair),
                                   COL_BOOL(&p->claimed),
                                   COL_INT(&p->permille),
                                   COL_U64(&p->result_id),
                                   COL_TEXT(p->reason),
                                   COL_TEXT(p->reason_msg),
                                   COL_U64(&m->duplicate_of),
                                   COL_OWNED(&m->tags),
                                   COL_UINT(&m->used_in)};
    enum rc rc =
        db_each(db, sql, args, SQL_COLS(cols), (struct db_rows){keep_row, r}, err);

    if (rc == RC_OK)
        return RC_OK;
    while (r->n > 0)
        media_release(&r->out[--r->n]);
    return rc;
}

enum rc media_get(struct db *db, uint64_t workspace_id, uint64_t media_id,
                  struct media *out, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_u64(media_id)};
    struct media found = {0};
    struct reading r = {.out = &found, .max = 1};
    enum rc rc = read_media(db,
                            SELECT_MEDIA "WHERE m.workspace_id = ? AND m.media_id = ? "
                                         "AND m.state <> 4",
                            SQL_ARGS(args), &r, err);

    if (rc != RC_OK)
        return rc;
    if (r.n == 0)
        return no_such_file(err);
    *out = found;
    return RC_OK;
}

/* A pattern of LIKE for names with that part in them. */
static void write_pattern(const char *name, struct strbuf *out)
{
    strbuf_addc(out, '%');
    for (const char *p = name != NULL ? name : ""; *p != '\0'; p++) {
        if (strchr("%_\\", *p) != NULL)
            strbuf_addc(out, '\\');
        strbuf_addc(out, *p);
    }
    if (out->len > 1)
        strbuf_addc(out, '%');
}

#define WITH_TAG                                                                         \
    "AND (? = '' OR EXISTS (SELECT 1 FROM media_tag t WHERE "                            \
    "t.workspace_id = m.workspace_id AND t.media_id = m.media_id AND t.tag = ?)) "

/* Two statements: by state the list has an index of its own. */
static enum rc read_page(struct db *db, const struct media_query *q, const char *pattern,
                         struct reading *r, struct err *err)
{
    uint64_t before = q->before_id != 0 ? q->before_id : INT64_MAX;
    int kind = (int)q->kind;
    const char *tag = q->tag != NULL ? q->tag : "";
    int64_t limit = (int64_t)r->max;

    if (q->state != 0) {
        const struct sql_arg args[] = {sql_u64(q->workspace_id),
                                       sql_i64(q->state),
                                       sql_u64(before),
                                       sql_i64(kind),
                                       sql_i64(kind),
                                       sql_text(pattern),
                                       sql_text(tag),
                                       sql_text(tag),
                                       sql_i64(limit)};

        return read_media(db,
                          SELECT_MEDIA
                          "WHERE m.workspace_id = ? AND m.state = ? AND m.media_id < ? "
                          "AND (? = 0 OR m.kind = ?) AND m.filename LIKE ? " WITH_TAG
                          "ORDER BY m.media_id DESC LIMIT ?",
                          SQL_ARGS(args), r, err);
    }
    const struct sql_arg args[] = {
        sql_u64(q->workspace_id), sql_u64(before), sql_i64(kind), sql_i64(kind),
        sql_text(pattern),        sql_text(tag),   sql_text(tag), sql_i64(limit)};

    return read_media(db,
                      SELECT_MEDIA
                      "WHERE m.workspace_id = ? AND m.media_id < ? AND m.state <> 4 "
                      "AND (? = 0 OR m.kind = ?) AND m.filename LIKE ? " WITH_TAG
                      "ORDER BY m.media_id DESC LIMIT ?",
                      SQL_ARGS(args), r, err);
}

enum rc media_list(struct db *db, const struct media_query *query, struct media *out,
                   size_t *n, bool *more, struct err *err)
{
    struct reading r = {.max = query->limit + 1}; /* one more tells of another page */
    struct strbuf pattern;
    enum rc rc;

    assert(query->limit >= 1 && query->limit <= MEDIA_LIST_MAX);
    assert(query->state != MEDIA_DELETED);
    r.out = xcalloc(r.max, sizeof(*r.out));
    strbuf_init(&pattern, (size_t)2 * MEDIA_FILENAME_SIZE);
    write_pattern(query->name, &pattern);
    rc = read_page(db, query, pattern.buf, &r, err);
    strbuf_release(&pattern);
    if (rc == RC_OK) {
        *more = r.n > query->limit;
        if (*more)
            media_release(&r.out[--r.n]);
        *n = r.n;
        for (size_t i = 0; i < r.n; i++)
            out[i] = r.out[i];
    }
    free(r.out);
    return rc;
}

/* --- a person's changes ----------------------------------------------------------- */

/* A change, as its transaction sees it. */
struct change {
    const struct media_ref *ref;
    const struct media_edit *edit;
    int64_t now_ms;
};

/* Locks the row and compares its version. */
static enum rc lock_row(struct db *db, const struct media_ref *ref, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(ref->workspace_id), sql_u64(ref->media_id)};
    uint32_t version = 0;
    bool found = false;
    const struct sql_col cols[] = {COL_UINT(&version)};
    enum rc rc = db_row(db,
                        "SELECT version FROM media WHERE workspace_id = ? AND "
                        "media_id = ? AND state <> 4 FOR UPDATE",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return no_such_file(err);
    if (ref->version != 0 && ref->version != version)
        return err_set(err, RC_CONFLICT, "version_mismatch",
                       "The file was changed meanwhile. Look at it again first.");
    return RC_OK;
}

static enum rc begin_change(struct db *db, struct change *c, struct err *err)
{
    enum rc rc = db_now(db, &c->now_ms, err);

    return rc == RC_OK ? lock_row(db, c->ref, err) : rc;
}

static enum rc tell(struct db *db, const struct media_ref *ref, enum event_kind kind,
                    struct err *err)
{
    const struct event e = {.workspace_id = ref->workspace_id,
                            .media_id = ref->media_id,
                            .kind = kind,
                            .user_id = ref->user_id,
                            .by_token = ref->by_token};

    return event_add(db, &e, err);
}

static enum rc write_name(struct db *db, const struct change *c, struct err *err)
{
    const struct sql_arg args[] = {sql_text(c->edit->filename),
                                   sql_u64(c->ref->media_id)};

    return db_exec(db, "UPDATE media SET filename = ? WHERE media_id = ?", SQL_ARGS(args),
                   NULL, err);
}

static enum rc clear_tags(struct db *db, const struct media_ref *ref, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(ref->workspace_id), sql_u64(ref->media_id)};

    return db_exec(db, "DELETE FROM media_tag WHERE workspace_id = ? AND media_id = ?",
                   SQL_ARGS(args), NULL, err);
}

/* Two that differ in their case alone are one. */
static enum rc write_tags(struct db *db, const struct change *c, struct err *err)
{
    enum rc rc = clear_tags(db, c->ref, err);

    for (size_t i = 0; i < c->edit->n_tags && rc == RC_OK; i++) {
        const struct sql_arg args[] = {sql_u64(c->ref->workspace_id),
                                       sql_u64(c->ref->media_id),
                                       sql_text(c->edit->tags[i])};

        rc = db_exec(db,
                     "INSERT IGNORE INTO media_tag (workspace_id, media_id, tag) "
                     "VALUES (?, ?, ?)",
                     SQL_ARGS(args), NULL, err);
    }
    return rc;
}

static enum rc edit_steps(struct db *db, void *ctx, struct err *err)
{
    struct change *c = ctx;
    enum rc rc = begin_change(db, c, err);

    if (rc == RC_OK && c->edit->filename != NULL)
        rc = write_name(db, c, err);
    if (rc == RC_OK && c->edit->tags != NULL)
        rc = write_tags(db, c, err);
    if (rc == RC_OK) {
        const struct sql_arg args[] = {sql_i64(c->now_ms), sql_u64(c->ref->media_id)};

        rc = db_exec_one(db,
                         "UPDATE media SET version = version + 1, updated_at = ? "
                         "WHERE media_id = ?",
                         SQL_ARGS(args), err);
    }
    return rc == RC_OK ? tell(db, c->ref, EVENT_MEDIA_CHANGED, err) : rc;
}

enum rc media_edit(struct db *db, const struct media_ref *ref,
                   const struct media_edit *edit, struct err *err)
{
    struct change c = {.ref = ref, .edit = edit};

    assert(edit->n_tags <= MEDIA_TAGS_MAX);
    return db_transaction(db, edit_steps, &c, err);
}

/* Tags on their way to the caller. */
struct tag_reading {
    struct media_tag row;
    struct media_tag *out;
    size_t n;
};

static enum rc keep_tag(void *ctx, struct err *err UNUSED)
{
    struct tag_reading *r = ctx;

    r->out[r->n++] = r->row;
    return RC_OK;
}

enum rc media_tags(struct db *db, uint64_t workspace_id,
                   struct media_tag out[MEDIA_TAG_LIST_MAX], size_t *n, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_i64(MEDIA_TAG_LIST_MAX)};
    struct tag_reading r = {.out = out};
    const struct sql_col cols[] = {COL_TEXT(r.row.name), COL_UINT(&r.row.files)};
    enum rc rc =
        db_each(db,
                "SELECT tag, COUNT(*) FROM media_tag WHERE workspace_id = ? "
                "GROUP BY tag ORDER BY tag LIMIT ?",
                SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){keep_tag, &r}, err);

    if (rc == RC_OK)
        *n = r.n;
    return rc;
}

/* Does a post need the file that is not over (published, failed, canceled)? A draft
 * deleted from the lists does not. */
static enum rc check_unused(struct db *db, const struct media_ref *ref, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(ref->workspace_id), sql_u64(ref->media_id)};
    uint64_t posts = 0;
    bool found = false;
    const struct sql_col cols[] = {COL_U64(&posts)};
    enum rc rc = db_row(db,
                        "SELECT COUNT(*) FROM post_media pm "
                        "JOIN post p ON p.post_id = pm.post_id "
                        "JOIN job j ON j.post_id = pm.post_id "
                        "WHERE pm.workspace_id = ? AND pm.media_id = ? "
                        "AND j.state NOT IN (4, 5, 6) "
                        "AND (j.state <> 0 OR p.hidden_at IS NULL)",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK && posts > 0)
        return err_set(err, RC_CONFLICT, "media_in_use",
                       "A post that is not finished shows this file. Give the post "
                       "another file, or delete or cancel it, first.");
    return rc;
}

/* A tts-media that examines the file at this moment loses it (fence) and drops its
 * verdict. */
static enum rc delete_steps(struct db *db, void *ctx, struct err *err)
{
    struct change *c = ctx;
    enum rc rc = begin_change(db, c, err);

    if (rc == RC_OK)
        rc = check_unused(db, c->ref, err);
    if (rc == RC_OK)
        rc = clear_tags(db, c->ref, err);
    if (rc == RC_OK)
        rc = media_repair_end(db, c->ref->media_id, c->now_ms, NULL, err);
    if (rc == RC_OK) {
        const struct sql_arg args[] = {sql_i64(c->now_ms), sql_i64(c->now_ms),
                                       sql_i64(c->now_ms), sql_u64(c->ref->media_id)};

        rc = db_exec_one(db,
                         "UPDATE media SET state = 4, version = version + 1, owner = 0, "
                         "fence = fence + 1, fails = 0, next_at = ?, updated_at = ?, "
                         "deleted_at = ? WHERE media_id = ?",
                         SQL_ARGS(args), err);
    }
    return rc == RC_OK ? tell(db, c->ref, EVENT_MEDIA_DELETED, err) : rc;
}

enum rc media_delete(struct db *db, const struct media_ref *ref, struct err *err)
{
    struct change c = {.ref = ref};

    return db_transaction(db, delete_steps, &c, err);
}

/* --- new files -------------------------------------------------------------------- */

enum rc media_insert(struct db *db, const struct media_new *m, uint64_t *media_id,
                     struct err *err)
{
    const struct sql_arg args[] = {sql_u64(m->workspace_id),
                                   sql_u64(m->user_id),
                                   sql_text(m->blob_key),
                                   sql_text(m->filename),
                                   sql_text(m->mime),
                                   sql_i64((int)media_kind_of_mime(m->mime)),
                                   sql_i64(m->bytes),
                                   sql_i64(m->now_ms),
                                   sql_i64(m->now_ms),
                                   sql_i64(m->now_ms),
                                   m->repaired_from != 0 ? sql_u64(m->repaired_from)
                                                         : sql_null()};
    enum rc rc = db_exec(db,
                         "INSERT INTO media (workspace_id, created_by, blob_key, "
                         "filename, mime, kind, bytes, next_at, created_at, updated_at, "
                         "repaired_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                         SQL_ARGS(args), NULL, err);

    if (rc == RC_OK)
        *media_id = db_insert_id(db);
    return rc;
}

enum rc media_tell_new(struct db *db, const struct media_new *m, uint64_t media_id,
                       struct err *err)
{
    const struct media_ref ref = {.workspace_id = m->workspace_id,
                                  .media_id = media_id,
                                  .user_id = m->user_id,
                                  .by_token = m->by_token};

    return tell(db, &ref, EVENT_MEDIA_ADDED, err);
}
