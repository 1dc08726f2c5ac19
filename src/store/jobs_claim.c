/* Finding jobs and taking them: claims, heartbeats, sweeps. */
#include "core/xalloc.h"
#include "domain/reason.h"
#include "jobs_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_SQL_MAX = 4096 };

void job_places(struct strbuf *sql, size_t n)
{
    for (size_t i = 0; i < n; i++)
        strbuf_addstr(sql, i == 0 ? "?" : ",?");
}

/* --- claims -------------------------------------------------------------------- */

struct claiming {
    struct job_claim *c;
    struct job_claimed next;
};

static enum rc add_claimed(void *ctx, struct err *err UNUSED)
{
    struct claiming *w = ctx;

    w->c->out[w->c->len++] = w->next;
    return RC_OK;
}

/* Statements about a list of posts: their values are some of our own and the ids. */
struct listed {
    struct sql_arg args[2 * JOB_CLAIM_MAX + 8];
    size_t n;
    struct strbuf sql;
};

static void put(struct listed *l, struct sql_arg arg)
{
    l->args[l->n++] = arg;
}

static void put_claimed(struct listed *l, const struct job_claim *c)
{
    for (size_t i = 0; i < c->len; i++)
        put(l, sql_u64(c->out[i].post_id));
    job_places(&l->sql, c->len);
    strbuf_addstr(&l->sql, ")");
}

static struct sql_args values(const struct listed *l)
{
    return (struct sql_args){l->args, l->n};
}

/* Locks what is due and not somebody's, so that what is taken below is exactly this. */
static enum rc lock_due(struct db *db, struct claiming *w, struct err *err)
{
    struct job_claim *c = w->c;
    struct listed l = {.n = 0};
    const struct sql_col cols[] = {COL_U64(&w->next.post_id),
                                   COL_U64(&w->next.account_id),
                                   COL_U64(&w->next.workspace_id),
                                   COL_U64(&w->next.fence), COL_UINT(&w->next.crashes)};
    enum rc rc;

    strbuf_init(&l.sql, LIST_SQL_MAX);
    strbuf_addstr(
        &l.sql,
        "SELECT post_id, account_id, workspace_id, fence + 1, crashes"
        " FROM job FORCE INDEX (PRIMARY) WHERE state IN (1, 2, 3) AND next_at <= ?"
        " AND post_id IN (");
    put(&l, sql_i64(c->now_ms));
    for (size_t i = 0; i < c->n; i++)
        put(&l, sql_u64(c->post_ids[i]));
    job_places(&l.sql, c->n);
    strbuf_addstr(&l.sql, ") FOR UPDATE");
    c->len = 0;
    rc = db_each_once(db, l.sql.buf, values(&l), SQL_COLS(cols),
                      (struct db_rows){add_claimed, w}, err);
    strbuf_release(&l.sql);
    return rc;
}

static enum rc take(struct db *db, const struct job_claim *c, struct err *err)
{
    struct listed l = {.n = 0};
    int64_t rows = 0;
    enum rc rc;

    strbuf_init(&l.sql, LIST_SQL_MAX);
    strbuf_addstr(&l.sql, "UPDATE job SET state = IF(granted > 0, 3, 2), owner = ?,"
                          " fence = fence + 1, next_at = ?, updated_at = ?"
                          " WHERE post_id IN (");
    put(&l, sql_u64(c->inc));
    put(&l, sql_i64(c->now_ms + JOB_PHASE_MS));
    put(&l, sql_i64(c->now_ms));
    put_claimed(&l, c);
    rc = db_exec_once(db, l.sql.buf, values(&l), &rows, err);
    strbuf_release(&l.sql);
    if (rc == RC_OK && rows != (int64_t)c->len)
        return err_set(err, RC_BUG, "database_bug", "Locked jobs were not all taken.");
    return rc;
}

static void put_waited(struct listed *l, const struct job_claim *c)
{
    if (c->waited_n == 0) {
        strbuf_addstr(&l->sql, "''");
        return;
    }
    strbuf_addstr(&l->sql, "IF(post_id IN (");
    for (size_t i = 0; i < c->waited_n; i++)
        put(l, sql_u64(c->waited[i]));
    job_places(&l->sql, c->waited_n);
    strbuf_addstr(&l->sql, "), '{\"code\":\"" REASON_ACCOUNT_WINDOW "\"}', '')");
}

static enum rc tell_claims(struct db *db, const struct job_claim *c, struct err *err)
{
    struct listed l = {.n = 0};
    enum rc rc;

    strbuf_init(&l.sql, LIST_SQL_MAX);
    strbuf_addstr(&l.sql, "INSERT INTO job_event (workspace_id, post_id, at, kind, fence,"
                          " inc, data) SELECT workspace_id, post_id, ?, ?, fence, owner,"
                          " ");
    put(&l, sql_i64(c->now_ms));
    put(&l, sql_i64(EVENT_CLAIMED));
    put_waited(&l, c);
    strbuf_addstr(&l.sql, " FROM job WHERE post_id IN (");
    put_claimed(&l, c);
    rc = db_exec_once(db, l.sql.buf, values(&l), NULL, err);
    strbuf_release(&l.sql);
    return rc;
}

/* Reads the instant of the claim, and holds the claimer's row: whoever ends that
 * incarnation, for itself or for another, frees its jobs either after this claim or
 * before it, and then nothing is claimed any more. */
static enum rc hold_claimer(struct db *db, struct job_claim *c, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(c->inc)};
    const struct sql_col cols[] = {COL_I64(&c->now_ms)};
    bool found = false;
    enum rc rc =
        db_row(db, "SELECT " SQL_NOW " FROM publisher WHERE inc = ? LOCK IN SHARE MODE",
               SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK && !found)
        return err_set(err, RC_CONFLICT, "lost", "The publisher was declared dead.");
    return rc;
}

static enum rc claim_steps(struct db *db, void *ctx, struct err *err)
{
    struct claiming *w = ctx;
    struct job_claim *c = w->c;
    enum rc rc = hold_claimer(db, c, err);

    if (rc == RC_OK && c->ration != NULL)
        rc = job_ration_lock(db, c, err);
    if (rc == RC_OK)
        rc = lock_due(db, w, err);
    if (rc == RC_OK && c->ration != NULL && c->len > 0)
        rc = job_ration(db, c, err);
    if (rc != RC_OK || c->len == 0)
        return rc;
    rc = take(db, c, err);
    return rc == RC_OK ? tell_claims(db, c, err) : rc;
}

enum rc job_claim(struct db *db, struct job_claim *claim, struct err *err)
{
    struct claiming w = {.c = claim};

    assert(claim->n <= JOB_CLAIM_MAX);
    claim->len = 0;
    if (claim->n == 0)
        return db_now(db, &claim->now_ms, err);
    return db_transaction(db, claim_steps, &w, err);
}

/* --- heartbeats ---------------------------------------------------------------- */

struct held {
    uint64_t post_id, fence;
    const struct job_ref *refs;
    size_t n;
    bool ours[JOB_CLAIM_MAX];
};

static enum rc add_held(void *ctx, struct err *err UNUSED)
{
    struct held *h = ctx;

    for (size_t i = 0; i < h->n; i++) {
        if (h->refs[i].post_id == h->post_id && h->refs[i].fence == h->fence)
            h->ours[i] = true;
    }
    return RC_OK;
}

static void put_refs(struct listed *l, const struct held *h)
{
    for (size_t i = 0; i < h->n; i++)
        put(l, sql_u64(h->refs[i].post_id));
    job_places(&l->sql, h->n);
    strbuf_addstr(&l->sql, ")");
}

/* Those of the list that are this process's; one claimed anew under another fence is
 * prolonged as well, which is no harm, and told apart by what is read next. */
static enum rc prolong(struct db *db, uint64_t inc, const struct held *h, struct err *err)
{
    struct listed l = {.n = 0};
    enum rc rc;

    strbuf_init(&l.sql, LIST_SQL_MAX);
    strbuf_addstr(&l.sql, "UPDATE job SET next_at = " SQL_NOW " + ? WHERE owner = ?"
                          " AND state IN (2, 3) AND post_id IN (");
    put(&l, sql_i64(JOB_PHASE_MS));
    put(&l, sql_u64(inc));
    put_refs(&l, h);
    rc = db_exec_once(db, l.sql.buf, values(&l), NULL, err);
    strbuf_release(&l.sql);
    return rc;
}

static enum rc read_held(struct db *db, uint64_t inc, struct held *h, struct err *err)
{
    struct listed l = {.n = 0};
    const struct sql_col cols[] = {COL_U64(&h->post_id), COL_U64(&h->fence)};
    enum rc rc;

    strbuf_init(&l.sql, LIST_SQL_MAX);
    strbuf_addstr(&l.sql, "SELECT post_id, fence FROM job WHERE owner = ?"
                          " AND state IN (2, 3) AND post_id IN (");
    put(&l, sql_u64(inc));
    put_refs(&l, h);
    rc = db_each_once(db, l.sql.buf, values(&l), SQL_COLS(cols),
                      (struct db_rows){add_held, h}, err);
    strbuf_release(&l.sql);
    return rc;
}

enum rc job_beat(struct db *db, struct job_beat *beat, struct err *err)
{
    beat->lost_len = 0;
    for (size_t at = 0; at < beat->n; at += JOB_CLAIM_MAX) {
        size_t left = beat->n - at;
        struct held h = {.refs = beat->refs + at,
                         .n = left < JOB_CLAIM_MAX ? left : JOB_CLAIM_MAX};
        enum rc rc = prolong(db, beat->inc, &h, err);

        if (rc == RC_OK)
            rc = read_held(db, beat->inc, &h, err);
        if (rc != RC_OK)
            return rc;
        for (size_t i = 0; i < h.n; i++) {
            if (!h.ours[i])
                beat->lost[beat->lost_len++] = h.refs[i].post_id;
        }
    }
    return RC_OK;
}

/* --- sweeps -------------------------------------------------------------------- */

struct sweep {
    struct job_hint next;
    unsigned shard;
    struct job_hint *out;
    size_t len;
};

static enum rc add_hint(void *ctx, struct err *err UNUSED)
{
    struct sweep *s = ctx;

    s->out[s->len++] = s->next;
    return RC_OK;
}

enum rc job_sweep(struct db *db, struct job_shards shards, int64_t late_ms,
                  struct job_hint *out, size_t *len, struct err *err)
{
    struct sweep s = {.out = out};
    const struct sql_arg args[] = {sql_i64(late_ms), sql_u64(shards.first),
                                   sql_u64(shards.last), sql_i64(JOB_SWEEP_MAX)};
    const struct sql_col cols[] = {COL_U64(&s.next.post_id), COL_U64(&s.next.account_id),
                                   COL_I64(&s.next.next_at_ms)};
    enum rc rc =
        db_each(db,
                "SELECT post_id, account_id, next_at FROM job"
                " WHERE next_at <= " SQL_NOW " - ? AND shard BETWEEN ? AND ?"
                " ORDER BY next_at LIMIT ?",
                SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_hint, &s}, err);

    if (rc == RC_OK)
        *len = s.len;
    return rc;
}

struct granted {
    struct job_granted next;
    struct job_granted *out;
    size_t len;
};

static enum rc add_granted(void *ctx, struct err *err UNUSED)
{
    struct granted *g = ctx;

    g->out[g->len++] = g->next;
    return RC_OK;
}

/* They are in a publisher's hands or due, so k_due leads to them past all that waits and
 * all that has ended. */
enum rc job_granted_now(struct db *db, uint64_t after_post_id, struct job_granted *out,
                        size_t *len, struct err *err)
{
    struct granted g = {.out = out};
    const struct sql_arg args[] = {sql_i64((int64_t)2 * JOB_PHASE_MS),
                                   sql_u64(after_post_id), sql_i64(JOB_SWEEP_MAX)};
    const struct sql_col cols[] = {COL_U64(&g.next.post_id), COL_U64(&g.next.account_id),
                                   COL_TEXT(g.next.publish_id)};
    enum rc rc =
        db_each(db,
                "SELECT j.post_id, j.account_id, a.publish_id FROM job j"
                " JOIN attempt a ON a.post_id = j.post_id AND a.attempt_no = j.granted"
                " WHERE j.next_at <= " SQL_NOW " + ? AND j.state = 3"
                " AND a.state IN (3, 4) AND a.publish_id IS NOT NULL AND j.post_id > ?"
                " ORDER BY j.post_id LIMIT ?",
                SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_granted, &g}, err);

    if (rc == RC_OK)
        *len = g.len;
    return rc;
}

enum rc job_upcoming(struct db *db, int64_t ahead_ms, struct job_cursor *cursor,
                     struct job_hint *out, size_t *len, struct err *err)
{
    struct sweep s = {.out = out};
    const struct sql_arg args[] = {sql_i64(cursor->next_at_ms), sql_i64(ahead_ms),
                                   sql_i64(cursor->next_at_ms), sql_u64(cursor->shard),
                                   sql_u64(cursor->shard),      sql_u64(cursor->post_id),
                                   sql_i64(JOB_SWEEP_MAX)};
    const struct sql_col cols[] = {COL_U64(&s.next.post_id), COL_U64(&s.next.account_id),
                                   COL_I64(&s.next.next_at_ms), COL_UINT(&s.shard)};
    enum rc rc =
        db_each(db,
                "SELECT post_id, account_id, next_at, shard FROM job"
                " WHERE next_at >= ? AND next_at <= " SQL_NOW " + ? AND state = 1"
                " AND (next_at > ? OR shard > ? OR (shard = ? AND post_id > ?))"
                " ORDER BY next_at, shard, post_id LIMIT ?",
                SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_hint, &s}, err);

    if (rc != RC_OK)
        return rc;
    if (s.len > 0)
        *cursor = (struct job_cursor){
            .shard = s.shard, .next_at_ms = s.next.next_at_ms, .post_id = s.next.post_id};
    *len = s.len;
    return RC_OK;
}
