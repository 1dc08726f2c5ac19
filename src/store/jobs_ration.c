/* TikTok's window of INIT calls, by the ledger: attempts say which calls were made, jobs
 * in a publisher's hands which may be made at any moment. It is what Redis is told when
 * it has forgotten, and what counts while it is away. */
#include "jobs_priv.h"

#include <assert.h>
#include <string.h>

enum {
    LIST_SQL_MAX = 8192,
    RECHECK_MS = 2000, /* a call that is on its way may turn out to be older */
};

/* A call may come, or is on its way: the attempt was written down before it, and its
 * session after it (by log its name). */
#define TO_COME                                                                          \
    "(j.owner > 0 AND (a.state = 1 OR (a.state IN (3, 4) AND a.init_date IS NULL)))"

/* When a call reached TikTok at the latest: its answer's Date has no ms, and may be by a
 * clock that is wrong. What was given up without an answer was on its way until then. */
#define CALLED_AT                                                                        \
    "CASE WHEN a.init_date IS NOT NULL"                                                  \
    " THEN LEAST(a.updated_at, GREATEST(a.created_at, a.init_date + 999))"               \
    " WHEN a.state = 1 THEN GREATEST(a.created_at, j.updated_at)"                        \
    " ELSE a.updated_at END"

/* Twice a window: nothing is younger than this, and its call within the window, but
 * what is in somebody's hands. */
#define OLD SQL_NOW " - 2 * ?"

/* What is new, and of what is in somebody's hands the rest: a post without a session, for
 * which one is to be opened, and a session whose call waited for long. */
#define NEW_ONES                                                                         \
    "SELECT j.account_id, " TO_COME " AS to_come, IF(" TO_COME ", " SQL_NOW              \
    ", " CALLED_AT ") AS at FROM attempt a FORCE INDEX (k_created)"                      \
    " JOIN job j ON j.post_id = a.post_id WHERE a.created_at > " OLD
#define HELD_ONES                                                                        \
    "SELECT j.account_id, (IFNULL(a.state, 6) = 6 OR " TO_COME ") AS to_come,"           \
    " IF(IFNULL(a.state, 6) = 6 OR " TO_COME ", " SQL_NOW ", " CALLED_AT ") AS at"       \
    " FROM job j FORCE INDEX (k_owner) LEFT JOIN attempt a ON a.post_id = j.post_id"     \
    " AND a.attempt_no = j.attempt_no WHERE j.owner > 0 AND j.state IN (2, 3)"           \
    " AND IF(IFNULL(a.state, 6) = 6, j.state = 2,"                                       \
    " a.created_at <= " OLD " AND a.state IN (1, 2, 3, 4))"

/* --- for a Redis that has forgotten ---------------------------------------------- */

struct recent {
    uint64_t account_id;
    int64_t age_ms;
    bool to_come;
    struct job_inits *out;
};

static enum rc add_call(void *ctx, struct err *err UNUSED)
{
    struct recent *r = ctx;

    r->out->calls[r->out->len].account_id = r->account_id;
    r->out->calls[r->out->len].to_come = r->to_come;
    r->out->calls[r->out->len++].age_ms = r->age_ms;
    return RC_OK;
}

enum rc job_recent_inits(struct db *db, int64_t window_ms, struct job_inits *out,
                         struct err *err)
{
    struct recent r = {.out = out};
    const struct sql_arg args[] = {sql_i64(window_ms), sql_i64(window_ms),
                                   sql_i64(window_ms), sql_i64(JOB_INITS_MAX)};
    const struct sql_col cols[] = {COL_U64(&r.account_id), COL_I64(&r.age_ms),
                                   COL_BOOL(&r.to_come)};

    out->len = 0;
    return db_each(db,
                   "SELECT account_id, GREATEST(0, " SQL_NOW " - at), to_come"
                   " FROM (" NEW_ONES " UNION ALL " HELD_ONES ") calls"
                   " WHERE at > " SQL_NOW " - ?"
                   " ORDER BY account_id, at DESC LIMIT ?",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_call, &r}, err);
}

/* --- claims ---------------------------------------------------------------------- */

/* Statements about the posts and accounts of a claim. */
struct listed {
    struct sql_arg args[3 * JOB_CLAIM_MAX + 8];
    size_t n;
    struct strbuf sql;
};

static void begin(struct listed *l, const char *sql)
{
    l->n = 0;
    strbuf_init(&l->sql, LIST_SQL_MAX);
    strbuf_addstr(&l->sql, sql);
}

static void put_ids(struct listed *l, const uint64_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        l->args[l->n++] = sql_u64(ids[i]);
    job_places(&l->sql, n);
}

static void put_claimed(struct listed *l, const struct job_claim *c)
{
    for (size_t i = 0; i < c->len; i++)
        l->args[l->n++] = sql_u64(c->out[i].post_id);
    job_places(&l->sql, c->len);
}

static struct sql_args values(const struct listed *l)
{
    return (struct sql_args){l->args, l->n};
}

/* What each account has used of its window. */
struct used {
    uint64_t account_id;
    size_t n;
};

struct rationing {
    struct job_claim *c;
    uint64_t id; /* of the row that is read */
    int64_t n;
    struct used used[JOB_CLAIM_MAX];
    size_t len;
    bool free[JOB_CLAIM_MAX]; /* of the claim's posts: opens no session */
};

static enum rc nothing(void *ctx UNUSED, struct err *err UNUSED)
{
    return RC_OK;
}

/* One after the other decides about an account, whichever publisher it belongs to. */
enum rc job_ration_lock(struct db *db, const struct job_claim *c, struct err *err)
{
    uint64_t id = 0;
    const struct sql_col cols[] = {COL_U64(&id)};
    struct listed l;
    enum rc rc;

    begin(&l, "SELECT account_id FROM account WHERE account_id IN (");
    put_ids(&l, c->ration->account_ids, c->n);
    strbuf_addstr(&l.sql, ") ORDER BY account_id FOR UPDATE");
    rc = db_each_once(db, l.sql.buf, values(&l), SQL_COLS(cols),
                      (struct db_rows){nothing, NULL}, err);
    strbuf_release(&l.sql);
    return rc;
}

static enum rc add_used(void *ctx, struct err *err UNUSED)
{
    struct rationing *r = ctx;

    r->used[r->len++] = (struct used){r->id, (size_t)r->n};
    return RC_OK;
}

/* The posts that are claimed are left out where they count as held: whoever had them has
 * died. */
static enum rc count_used(struct db *db, struct rationing *r, struct err *err)
{
    const struct job_claim *c = r->c;
    const struct sql_arg window = sql_i64(c->ration->window_ms);
    const struct sql_col cols[] = {COL_U64(&r->id), COL_I64(&r->n)};
    struct listed l;
    enum rc rc;

    begin(&l, "SELECT account_id, CAST(COUNT(*) AS SIGNED) FROM (" NEW_ONES
              " AND j.account_id IN (");
    l.args[l.n++] = window;
    put_ids(&l, c->ration->account_ids, c->n);
    strbuf_addstr(&l.sql, ") UNION ALL " HELD_ONES " AND j.account_id IN (");
    l.args[l.n++] = window;
    put_ids(&l, c->ration->account_ids, c->n);
    strbuf_addstr(&l.sql, ") AND j.post_id NOT IN (");
    put_claimed(&l, c);
    strbuf_addstr(&l.sql, ")) calls WHERE at > " SQL_NOW " - ? GROUP BY account_id");
    l.args[l.n++] = window;
    r->len = 0;
    rc = db_each_once(db, l.sql.buf, values(&l), SQL_COLS(cols),
                      (struct db_rows){add_used, r}, err);
    strbuf_release(&l.sql);
    return rc;
}

static enum rc add_free(void *ctx, struct err *err UNUSED)
{
    struct rationing *r = ctx;

    for (size_t i = 0; i < r->c->len; i++) {
        if (r->c->out[i].post_id == r->id)
            r->free[i] = true;
    }
    return RC_OK;
}

static enum rc find_free(struct db *db, struct rationing *r, struct err *err)
{
    const struct sql_col cols[] = {COL_U64(&r->id)};
    struct listed l;
    enum rc rc;

    begin(&l, "SELECT j.post_id FROM job j JOIN attempt a ON a.post_id = j.post_id"
              " AND a.attempt_no = j.attempt_no WHERE (j.state = 3 OR a.state = 2)"
              " AND j.post_id IN (");
    put_claimed(&l, r->c);
    strbuf_addstr(&l.sql, ")");
    rc = db_each_once(db, l.sql.buf, values(&l), SQL_COLS(cols),
                      (struct db_rows){add_free, r}, err);
    strbuf_release(&l.sql);
    return rc;
}

static struct used *used_of(struct rationing *r, uint64_t account_id)
{
    for (size_t i = 0; i < r->len; i++) {
        if (r->used[i].account_id == account_id)
            return &r->used[i];
    }
    assert(r->len < JOB_CLAIM_MAX);
    r->used[r->len] = (struct used){account_id, 0};
    return &r->used[r->len++];
}

enum rc job_ration(struct db *db, struct job_claim *c, struct err *err)
{
    struct rationing r = {.c = c};
    size_t kept = 0;
    enum rc rc = count_used(db, &r, err);

    if (rc == RC_OK)
        rc = find_free(db, &r, err);
    for (size_t i = 0; i < c->len && rc == RC_OK; i++) {
        struct used *used = used_of(&r, c->out[i].account_id);

        if (!r.free[i] && used->n >= c->ration->limit)
            continue;
        used->n += r.free[i] ? 0 : 1;
        c->out[kept++] = c->out[i];
    }
    if (rc == RC_OK)
        c->len = kept;
    return rc;
}

/* --- one call more ----------------------------------------------------------------- */

struct passing {
    const struct job_call *call;
    int64_t wait_ms;
};

/* The attempts of others that wait for the same window and were written down later come
 * later: so of those that wait for each other one can always go. */
#define NOT_BEHIND                                                                       \
    " AND NOT (a.post_id <=> ? AND a.attempt_no <=> ?) AND j.account_id = ?"             \
    " AND NOT (IFNULL(a.state, 0) = 1 AND j.owner > 0"                                   \
    " AND (a.created_at > ? OR (a.created_at = ? AND a.post_id > ?)))"

/* The values of one half of the question: its window, and NOT_BEHIND for an attempt that
 * was written down at since_ms. */
static void put_behind(struct listed *l, const struct job_call *c, int64_t since_ms)
{
    l->args[l->n++] = sql_i64(c->window_ms);
    l->args[l->n++] = sql_u64(c->ref->post_id);
    l->args[l->n++] = sql_u64(c->no);
    l->args[l->n++] = sql_u64(c->account_id);
    l->args[l->n++] = sql_i64(since_ms);
    l->args[l->n++] = sql_i64(since_ms);
    l->args[l->n++] = sql_u64(c->ref->post_id);
}

/* The age of the call that has to leave the window before this one is made; found: there
 * is such a call. */
static enum rc find_in_the_way(struct db *db, const struct job_call *c, int64_t since_ms,
                               int64_t *age_ms, bool *found, struct err *err)
{
    const struct sql_col cols[] = {COL_I64(age_ms)};
    struct listed l = {.n = 0};

    put_behind(&l, c, since_ms);
    put_behind(&l, c, since_ms);
    l.args[l.n++] = sql_u64(c->ref->post_id);
    l.args[l.n++] = sql_i64(c->window_ms);
    l.args[l.n++] = sql_u64(c->limit - 1);
    return db_row(db,
                  "SELECT GREATEST(0, " SQL_NOW " - at) FROM (" NEW_ONES NOT_BEHIND
                  " UNION ALL " HELD_ONES NOT_BEHIND
                  " AND NOT (j.post_id = ? AND IFNULL(a.state, 6) = 6)) calls"
                  " WHERE at > " SQL_NOW " - ? ORDER BY at DESC LIMIT 1 OFFSET ?",
                  values(&l), SQL_COLS(cols), found, err);
}

static enum rc pass_steps(struct db *db, void *ctx, struct err *err)
{
    struct passing *p = ctx;
    const struct job_call *c = p->call;
    const struct sql_arg account[] = {sql_u64(c->account_id)};
    const struct sql_arg own[] = {sql_u64(c->ref->post_id), sql_u64(c->no)};
    uint64_t id = 0;
    int64_t since_ms = 0;
    int64_t age_ms = 0;
    const struct sql_col account_cols[] = {COL_U64(&id)};
    const struct sql_col own_cols[] = {COL_I64(&since_ms)};
    bool found = false;
    enum rc rc =
        db_row(db, "SELECT account_id FROM account WHERE account_id = ? FOR UPDATE",
               SQL_ARGS(account), SQL_COLS(account_cols), &found, err);

    if (rc == RC_OK)
        rc = db_row(db,
                    "SELECT created_at FROM attempt WHERE post_id = ? AND attempt_no = ?",
                    SQL_ARGS(own), SQL_COLS(own_cols), &found, err);
    if (rc == RC_OK && !found)
        rc = err_set(err, RC_CONFLICT, "lost", "There is no such attempt.");
    if (rc == RC_OK)
        rc = find_in_the_way(db, c, since_ms, &age_ms, &found, err);
    if (rc == RC_OK)
        p->wait_ms = found ? c->window_ms - age_ms : 0;
    return rc;
}

enum rc job_init_pass(struct db *db, const struct job_call *call, int64_t *wait_ms,
                      struct err *err)
{
    struct passing p = {.call = call};
    enum rc rc = db_transaction(db, pass_steps, &p, err);

    if (rc == RC_OK)
        *wait_ms = p.wait_ms < RECHECK_MS ? p.wait_ms : RECHECK_MS;
    return rc;
}
