/* Many posts' steps in one transaction: the same writes as in jobs_write.c, each as one
 * statement for all posts. A statement that does not match all of them ends the
 * transaction: who is not as expected finds that out by itself. */
#include "store/jobs_batch.h"

#include "core/text.h"
#include "jobs_priv.h"

#include <assert.h>

enum {
    SQL_SIZE = 32768,
    ARGS_MAX = 8 + JOB_BATCH_MAX * 9,
};

/* A statement being put together. */
struct many {
    struct sql_arg args[ARGS_MAX];
    size_t n;
    struct strbuf sql;
};

static void begin(struct many *m, const char *sql)
{
    m->n = 0;
    strbuf_init(&m->sql, SQL_SIZE);
    strbuf_addstr(&m->sql, sql);
}

static void put(struct many *m, struct sql_arg arg)
{
    assert(m->n < ARGS_MAX);
    m->args[m->n++] = arg;
}

/* Appends tuple, which has as many places as values were put for each step. */
static void add_tuples(struct many *m, const char *tuple, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        strbuf_addstr(&m->sql, i == 0 ? "" : ",");
        strbuf_addstr(&m->sql, tuple);
    }
}

static enum rc run(struct db *db, struct many *m, int64_t *rows, struct err *err)
{
    enum rc rc =
        db_exec_once(db, m->sql.buf, (struct sql_args){m->args, m->n}, rows, err);

    strbuf_release(&m->sql);
    return rc;
}

/* Runs a statement that must match one row of each step. */
static enum rc run_all(struct db *db, struct many *m, struct job_steps all,
                       struct err *err)
{
    int64_t rows = 0;
    enum rc rc = run(db, m, &rows, err);

    if (rc == RC_OK && rows != (int64_t)all.n)
        return err_set(err, RC_CONFLICT, "lost", "%lld of %zu rows are as expected.",
                       (long long)rows, all.n);
    return rc;
}

/* Which posts: the list that finds the rows, in the order of the primary key. */
static void add_posts(struct many *m, struct job_steps all)
{
    strbuf_addstr(&m->sql, "post_id IN (");
    for (size_t i = 0; i < all.n; i++)
        put(m, sql_u64(all.steps[i].ref->post_id));
    job_places(&m->sql, all.n);
    strbuf_addstr(&m->sql, ")");
}

/* JOB_GUARD for all, with the number that job.attempt_no must have: that of the step's
 * attempt, less before. */
static void add_job_guards(struct many *m, struct job_steps all, unsigned before)
{
    strbuf_addstr(&m->sql, " WHERE ");
    add_posts(m, all);
    strbuf_addstr(&m->sql, " AND (post_id, fence, owner, workspace_id, attempt_no) IN (");
    for (size_t i = 0; i < all.n; i++) {
        const struct job_step *s = &all.steps[i];

        put(m, sql_u64(s->ref->post_id));
        put(m, sql_u64(s->ref->fence));
        put(m, sql_u64(s->ref->inc));
        put(m, sql_u64(s->ref->workspace_id));
        put(m, sql_u64(s->no - before));
    }
    add_tuples(m, "(?,?,?,?,?)", all.n);
    strbuf_addstr(&m->sql, ")");
}

static void add_attempts(struct many *m, struct job_steps all, unsigned before)
{
    strbuf_addstr(&m->sql, " WHERE ");
    add_posts(m, all);
    strbuf_addstr(&m->sql, " AND (post_id, attempt_no) IN (");
    for (size_t i = 0; i < all.n; i++) {
        put(m, sql_u64(all.steps[i].ref->post_id));
        put(m, sql_u64(all.steps[i].no - before));
    }
    add_tuples(m, "(?,?)", all.n);
    strbuf_addstr(&m->sql, ")");
}

/* The line of each timeline. */
static enum rc tell_all(struct db *db, struct job_steps all, enum event_kind kind,
                        struct err *err)
{
    char data[JOB_BATCH_MAX][EVENT_DATA_MAX + 1];
    struct many m;

    begin(&m, "INSERT INTO job_event (workspace_id, post_id, at, kind, fence, inc, data)"
              " VALUES ");
    for (size_t i = 0; i < all.n; i++) {
        const struct job_step *s = &all.steps[i];
        const struct event e = {
            .attempt = s->no,
            .code = s->outcome.word,
            .log_id = s->session != NULL ? s->session->log_id : s->outcome.log_id,
            .session = s->session != NULL ? s->session->publish_id : NULL};

        event_data(&e, data[i]);
        put(&m, sql_u64(s->ref->workspace_id));
        put(&m, sql_u64(s->ref->post_id));
        put(&m, sql_i64(kind));
        put(&m, sql_u64(s->ref->fence));
        put(&m, sql_u64(s->ref->inc));
        put(&m, sql_text(data[i]));
    }
    add_tuples(&m, "(?, ?, " SQL_NOW ", ?, ?, ?, ?)", all.n);
    return run_all(db, &m, all, err);
}

/* --- INTENT -------------------------------------------------------------------- */

static enum rc intend_jobs(struct db *db, struct job_steps all, struct err *err)
{
    struct many m;

    begin(&m, "UPDATE job SET attempt_no = attempt_no + 1, next_at = " SQL_NOW
              " + ?, updated_at = " SQL_NOW);
    put(&m, sql_i64(JOB_PHASE_MS));
    add_job_guards(&m, all, 1);
    strbuf_addstr(&m.sql, " AND state = 2 AND granted = 0");
    return run_all(db, &m, all, err);
}

/* The first attempts of all of them: an attempt before that still has to be written off
 * is a matter for one post at a time. */
static enum rc insert_attempts(struct db *db, struct job_steps all, struct err *err)
{
    struct many m;

    begin(&m, "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
              " fence, content_ver, bytes_total, chunk_size, created_at, updated_at)"
              " VALUES ");
    for (size_t i = 0; i < all.n; i++) {
        const struct job_step *s = &all.steps[i];

        put(&m, sql_u64(s->ref->post_id));
        put(&m, sql_u64(s->no));
        put(&m, sql_u64(s->ref->workspace_id));
        put(&m, sql_i64(JOB_UPLOAD));
        put(&m, sql_u64(s->ref->fence));
        put(&m, sql_u64(s->intent->content_ver));
        put(&m, sql_i64(s->intent->bytes_total));
        put(&m, sql_i64(s->intent->chunk_size));
    }
    add_tuples(&m, "(?, ?, ?, 1, ?, ?, ?, ?, ?, " SQL_NOW ", " SQL_NOW ")", all.n);
    return run_all(db, &m, all, err);
}

static enum rc intend_steps(struct db *db, void *ctx, struct err *err)
{
    const struct job_steps *all = ctx;
    enum rc rc = RC_OK;

    for (size_t i = 0; i < all->n; i++) {
        if (all->steps[i].no != 1)
            return err_set(err, RC_CONFLICT, "lost", "There is an attempt before.");
    }
    rc = intend_jobs(db, *all, err);
    if (rc == RC_OK)
        rc = insert_attempts(db, *all, err);
    return rc == RC_OK ? tell_all(db, *all, EVENT_INTENT, err) : rc;
}

enum rc job_intend_all(struct db *db, struct job_steps all, struct err *err)
{
    return db_transaction(db, intend_steps, &all, err);
}

/* --- PERSIST ------------------------------------------------------------------- */

static enum rc hold_ungranted(struct db *db, struct job_steps all, struct err *err)
{
    struct many m;

    begin(&m, "UPDATE job SET crashes = 0, next_at = " SQL_NOW " + ?");
    put(&m, sql_i64(JOB_PHASE_MS));
    add_job_guards(&m, all, 0);
    strbuf_addstr(&m.sql, " AND state = 2 AND granted = 0");
    return run_all(db, &m, all, err);
}

/* What TikTok said differs from post to post; a statement each is left. */
static enum rc persist_steps(struct db *db, void *ctx, struct err *err)
{
    const struct job_steps *all = ctx;
    enum rc rc = hold_ungranted(db, *all, err);

    for (size_t i = 0; i < all->n && rc == RC_OK; i++)
        rc = job_store_session(db, all->steps[i].ref, all->steps[i].no,
                               all->steps[i].session, err);
    return rc == RC_OK ? tell_all(db, *all, EVENT_SESSION_OPENED, err) : rc;
}

enum rc job_persist_all(struct db *db, struct job_steps all, struct err *err)
{
    return db_transaction(db, persist_steps, &all, err);
}

/* --- GRANT --------------------------------------------------------------------- */

static enum rc grant_jobs(struct db *db, struct job_steps all, struct err *err)
{
    struct many m;

    begin(&m, "UPDATE job SET state = 3, granted = attempt_no, crashes = 0,"
              " next_at = " SQL_NOW " + ?, updated_at = " SQL_NOW);
    put(&m, sql_i64(JOB_PHASE_MS));
    add_job_guards(&m, all, 0);
    strbuf_addstr(&m.sql, " AND state = 2 AND granted = 0");
    return run_all(db, &m, all, err);
}

static enum rc move_attempts(struct db *db, struct job_steps all, const char *update,
                             const char *state, struct err *err)
{
    struct many m;

    begin(&m, update);
    add_attempts(&m, all, 0);
    strbuf_addstr(&m.sql, state);
    return run_all(db, &m, all, err);
}

static enum rc grant_steps(struct db *db, void *ctx, struct err *err)
{
    const struct job_steps *all = ctx;
    enum rc rc = grant_jobs(db, *all, err);

    if (rc == RC_OK) /* u_live has the last word here, too */
        rc = move_attempts(db, *all,
                           "UPDATE attempt SET state = 3, granted_at = " SQL_NOW
                           ", updated_at = " SQL_NOW,
                           " AND state = 2", err);
    return rc == RC_OK ? tell_all(db, *all, EVENT_GRANTED, err) : rc;
}

enum rc job_grant_all(struct db *db, struct job_steps all, struct err *err)
{
    return db_transaction(db, grant_steps, &all, err);
}

/* --- SENT ---------------------------------------------------------------------- */

static enum rc hold_granted(struct db *db, struct job_steps all, struct err *err)
{
    struct many m;

    begin(&m, "UPDATE job SET crashes = 0, next_at = " SQL_NOW " + ?");
    put(&m, sql_i64(JOB_PHASE_MS));
    add_job_guards(&m, all, 0);
    strbuf_addstr(&m.sql, " AND state = 3 AND granted = attempt_no");
    return run_all(db, &m, all, err);
}

static enum rc sent_steps(struct db *db, void *ctx, struct err *err)
{
    const struct job_steps *all = ctx;
    enum rc rc = hold_granted(db, *all, err);

    if (rc == RC_OK)
        rc = move_attempts(db, *all,
                           "UPDATE attempt SET state = 4, bytes_acked = bytes_total,"
                           " updated_at = " SQL_NOW,
                           " AND state = 3", err);
    return rc == RC_OK ? tell_all(db, *all, EVENT_LAST_CHUNK_SENT, err) : rc;
}

enum rc job_sent_all(struct db *db, struct job_steps all, struct err *err)
{
    return db_transaction(db, sent_steps, &all, err);
}

/* --- PUBLISHED ----------------------------------------------------------------- */

static enum rc publish_jobs(struct db *db, struct job_steps all, struct err *err)
{
    struct many m;

    begin(&m, "UPDATE job SET state = 4, next_at = ?, owner = 0, last_reason = '',"
              " updated_at = " SQL_NOW);
    put(&m, sql_i64(SQL_NEVER));
    add_job_guards(&m, all, 0);
    strbuf_addstr(&m.sql, " AND state = 3 AND granted = attempt_no");
    return run_all(db, &m, all, err);
}

static enum rc published_steps(struct db *db, void *ctx, struct err *err)
{
    const struct job_steps *all = ctx;
    enum rc rc = publish_jobs(db, *all, err);

    for (size_t i = 0; i < all->n && rc == RC_OK; i++) {
        const struct job_step *s = &all->steps[i];

        rc = job_store_outcome(db, s->ref, s->no, &s->outcome, err);
    }
    return rc == RC_OK ? tell_all(db, *all, EVENT_PUBLISHED, err) : rc;
}

enum rc job_published_all(struct db *db, struct job_steps all, struct err *err)
{
    char words[JOB_BATCH_MAX][JOB_CODE_SIZE];
    struct job_step plain[JOB_BATCH_MAX];
    struct job_steps plain_all = {plain, all.n};

    for (size_t i = 0; i < all.n; i++) {
        plain[i] = all.steps[i];
        plain[i].outcome.word = words[i];
        job_status_word(words[i], all.steps[i].outcome.word);
    }
    return db_transaction(db, published_steps, &plain_all, err);
}
