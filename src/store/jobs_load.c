/* Reading a claimed job with all that publishing it needs. */
#include "core/xalloc.h"
#include "jobs_priv.h"

#include <stdlib.h>
#include <string.h>

/* Columns that need a turn before they are facts. */
struct row {
    struct job_facts f;
    unsigned char url[JOB_URL_MAX]; /* attempt.upload_url */
    int state, attempt_state, method;
    int kind, mode;
};

enum { JOB_COLS = 38 };

/* In the order of the SELECT below. */
static void columns_of(struct row *r, struct sql_col cols[JOB_COLS])
{
    struct job_facts *f = &r->f;
    struct job_attempt *a = &f->attempt;
    const struct sql_col all[JOB_COLS] = {
        /* the job */
        COL_INT(&r->state), COL_UINT(&f->attempt_no), COL_UINT(&f->granted),
        COL_UINT(&f->fails), COL_I64(&f->due_ms), COL_I64(&f->expire_after_ms),
        COL_I64(&f->now_ms), COL_UINT(&f->version), COL_UINT(&f->unborn),
        COL_I64(&f->limited_ms), COL_BOOL(&f->may_be_limited),
        /* its newest attempt */
        COL_UINT(&a->no), COL_INT(&r->attempt_state), COL_INT(&r->method),
        COL_BOOL(&a->gate), COL_TEXT(a->publish_id),
        COL_BYTES(r->url, &a->upload_url_len), COL_I64(&a->init_date_ms),
        COL_I64(&a->bytes_total), COL_I64(&a->chunk_size), COL_I64(&a->granted_ms),
        COL_UINT(&a->content_ver),
        /* the post */
        COL_U64(&f->account_id), COL_INT(&r->kind), COL_INT(&r->mode),
        COL_UINT(&f->content_ver), COL_OWNED(&f->caption), COL_TEXT(f->privacy_level),
        COL_BOOL(&f->allow_comment), COL_BOOL(&f->allow_duet), COL_BOOL(&f->allow_stitch),
        COL_BOOL(&f->your_brand), COL_BOOL(&f->branded_content), COL_BOOL(&f->is_aigc),
        COL_I64(&f->cover_ms), COL_OWNED(&f->title), COL_BOOL(&f->auto_add_music),
        COL_I64(&f->cover_index)};

    (void)memcpy(cols, all, sizeof(all));
}

static enum rc read_row(struct db *db, const struct job_ref *ref, struct row *r,
                        bool *found, struct err *err)
{
    const struct sql_arg args[] = {JOB_GUARD_ARGS(ref)};
    struct sql_col cols[JOB_COLS];

    columns_of(r, cols);
    return db_row(db,
                  "SELECT j.state, j.attempt_no, j.granted, j.fails, j.due_at,"
                  " p.expire_after_ms, " SQL_NOW ", j.sched_ver,"
                  " (SELECT COUNT(*) FROM attempt u WHERE u.post_id = j.post_id"
                  " AND u.publish_id IS NULL),"
                  " j.limited_until, p.mode <> 1 OR c.daily_cap > 0"
                  " OR c.blocked_until > " SQL_NOW ","
                  " a.attempt_no, a.state, a.method, a.gate_token IS NOT NULL,"
                  " a.publish_id, a.upload_url, a.init_date,"
                  " a.bytes_total, a.chunk_size,"
                  " IF(a.granted_at > 0, a.granted_at, a.created_at), a.content_ver,"
                  " j.account_id, p.kind, p.mode, p.content_ver, p.caption,"
                  " p.privacy_level, p.allow_comment, p.allow_duet, p.allow_stitch,"
                  " p.your_brand, p.branded_content, p.is_aigc, COALESCE(p.cover_ms, -1),"
                  " p.title, p.auto_add_music, COALESCE(p.cover_index, -1)"
                  " FROM job j"
                  " JOIN post p ON p.workspace_id = j.workspace_id"
                  " AND p.post_id = j.post_id"
                  " JOIN account c ON c.account_id = j.account_id"
                  " LEFT JOIN attempt a ON a.post_id = j.post_id"
                  " AND a.attempt_no = j.attempt_no"
                  " WHERE j.post_id = ? AND j.fence = ? AND j.owner = ?"
                  " AND j.workspace_id = ?",
                  SQL_ARGS(args), SQL_COLS(cols), found, err);
}

struct media_rows {
    struct job_medium next;
    struct job_facts *out;
};

static enum rc add_medium(void *ctx, struct err *err UNUSED)
{
    struct media_rows *m = ctx;

    m->out->media[m->out->media_n++] = m->next;
    return RC_OK;
}

/* Read after the row: a person who changes the files takes the post out of our hands, so
 * whatever is made of a mixture is written by nobody. */
static enum rc read_media(struct db *db, const struct job_ref *ref, struct job_facts *out,
                          struct err *err)
{
    struct media_rows m = {.out = out};
    const struct sql_arg args[] = {sql_u64(ref->post_id), sql_u64(ref->workspace_id),
                                   sql_i64(JOB_MEDIA_MAX)};
    const struct sql_col cols[] = {COL_U64(&m.next.id),
                                   COL_BOOL(&m.next.ready),
                                   COL_BOOL(&m.next.has_rendition),
                                   COL_TEXT(m.next.blob_key),
                                   COL_TEXT(m.next.mime),
                                   COL_I64(&m.next.bytes),
                                   COL_I64(&m.next.duration_ms)};

    out->media = xcalloc(JOB_MEDIA_MAX, sizeof(*out->media));
    return db_each(db,
                   "SELECT m.media_id, m.state = 2, m.has_rendition, m.blob_key, m.mime,"
                   " m.bytes, m.duration_ms FROM post_media pm"
                   " JOIN media m ON m.workspace_id = pm.workspace_id"
                   " AND m.media_id = pm.media_id"
                   " WHERE pm.post_id = ? AND pm.workspace_id = ?"
                   " ORDER BY pm.position LIMIT ?",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_medium, &m}, err);
}

static void keep_url(struct row *r)
{
    struct job_attempt *a = &r->f.attempt;

    if (a->upload_url_len > 0) {
        a->upload_url = xmalloc(a->upload_url_len);
        (void)memcpy(a->upload_url, r->url, a->upload_url_len);
    }
    explicit_bzero(r->url, sizeof(r->url));
}

enum rc job_load(struct db *db, const struct job_ref *ref, struct job_facts *out,
                 struct err *err)
{
    struct row r = {.state = 0};
    bool found = false;
    enum rc rc = read_row(db, ref, &r, &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return err_set(err, RC_CONFLICT, "lost", "The post is another's by now.");
    r.f.state = (enum job_state)r.state;
    r.f.attempt.state = (enum attempt_state)r.attempt_state;
    r.f.attempt.method = (enum job_method)r.method;
    r.f.video = r.kind == 1;
    r.f.direct = r.mode == 1;
    keep_url(&r);
    rc = read_media(db, ref, &r.f, err);
    if (rc == RC_OK)
        *out = r.f;
    else
        job_facts_release(&r.f);
    return rc;
}

void job_facts_release(struct job_facts *facts)
{
    free(facts->caption);
    free(facts->title);
    free(facts->media);
    if (facts->attempt.upload_url != NULL)
        explicit_bzero(facts->attempt.upload_url, facts->attempt.upload_url_len);
    free(facts->attempt.upload_url);
    *facts = (struct job_facts){0};
}

enum rc job_attempt_is_open(struct db *db, uint64_t post_id, unsigned no, bool *open,
                            struct err *err)
{
    const struct sql_arg args[] = {sql_u64(post_id), sql_u64(no)};
    int64_t found_open = 0;
    const struct sql_col cols[] = {COL_I64(&found_open)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT COUNT(*) FROM attempt WHERE post_id = ?"
                        " AND attempt_no = ? AND state IN (1, 2)",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        *open = found_open > 0;
    return rc;
}

enum rc job_attempt_is_dead(struct db *db, uint64_t post_id, const char *publish_id,
                            bool *dead, struct err *err)
{
    const struct sql_arg args[] = {sql_text(publish_id), sql_u64(post_id)};
    int64_t proofs = 0;
    const struct sql_col cols[] = {COL_I64(&proofs)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT COUNT(*) FROM attempt WHERE publish_id = ?"
                        " AND post_id = ? AND state = 6 AND proven = 1",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        *dead = proofs > 0;
    return rc;
}
