/* Many posts' steps in one transaction: the same writes as in jobs_write.c, each sent
 * once with the values of all posts. One that does not match a row of each ends the
 * transaction: who is not as expected finds that out by itself. */
#include "store/jobs_batch.h"

#include "core/text.h"
#include "jobs_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS_MAX = JOB_BATCH_MAX * 9 };

/* The values of one write, post after post. */
struct many {
    struct sql_arg args[ARGS_MAX];
    size_t n;
};

static void put(struct many *m, struct sql_arg arg)
{
    assert(m->n < ARGS_MAX);
    m->args[m->n++] = arg;
}

static void put_guard(struct many *m, const struct job_step *s)
{
    const struct sql_arg guard[] = {JOB_GUARD_ARGS(s->ref)};

    for (size_t i = 0; i < ARRAY_LEN(guard); i++)
        put(m, guard[i]);
}

static void put_attempt(struct many *m, const struct job_step *s)
{
    put(m, sql_u64(s->ref->post_id));
    put(m, sql_u64(s->no));
}

/* Runs a write that must match one row of each post: it names a key, so that none can
 * make up for another. */
static enum rc run_all(struct db *db, const char *sql, const struct many *m,
                       struct job_steps all, struct err *err)
{
    int64_t rows = 0;
    enum rc rc =
        db_exec_many(db, sql, (struct sql_args){m->args, m->n}, all.n, &rows, err);

    if (rc == RC_OK && rows != (int64_t)all.n)
        return err_set(err, RC_CONFLICT, "lost", "%lld of %zu rows are as expected.",
                       (long long)rows, all.n);
    return rc;
}

/* A write with the values of each post's attempt only. */
static enum rc move_attempts(struct db *db, const char *sql, struct job_steps all,
                             struct err *err)
{
    struct many m = {.n = 0};

    for (size_t i = 0; i < all.n; i++)
        put_attempt(&m, &all.steps[i]);
    return run_all(db, sql, &m, all, err);
}

/* A write that prolongs the job of each, which must be at this attempt. */
static enum rc hold_jobs(struct db *db, const char *sql, struct job_steps all,
                         struct err *err)
{
    struct many m = {.n = 0};

    for (size_t i = 0; i < all.n; i++) {
        put(&m, sql_i64(JOB_PHASE_MS));
        put_guard(&m, &all.steps[i]);
        put(&m, sql_u64(all.steps[i].no));
    }
    return run_all(db, sql, &m, all, err);
}

/* The line of each timeline. */
static enum rc tell_all(struct db *db, struct job_steps all, enum event_kind kind,
                        struct err *err)
{
    char data[JOB_BATCH_MAX][EVENT_DATA_MAX + 1];
    struct many m = {.n = 0};

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
    return run_all(db, JOB_SQL_EVENT, &m, all, err);
}

static int by_post(const void *a, const void *b)
{
    uint64_t x = ((const struct job_step *)a)->ref->post_id;
    uint64_t y = ((const struct job_step *)b)->ref->post_id;

    return x < y ? -1 : x > y;
}

/* In the order of the primary key, as everybody locks rows: heartbeats and claims do not
 * get into each other's way with these. */
static enum rc transact(struct db *db, db_steps_fn steps, struct job_steps all,
                        struct err *err)
{
    struct job_step sorted[JOB_BATCH_MAX];
    struct job_steps ordered = {sorted, all.n};

    assert(all.n <= JOB_BATCH_MAX);
    (void)memcpy(sorted, all.steps, all.n * sizeof(sorted[0]));
    qsort(sorted, all.n, sizeof(sorted[0]), by_post);
    return db_transaction(db, steps, &ordered, err);
}

/* --- INTENT -------------------------------------------------------------------- */

static enum rc intend_jobs(struct db *db, struct job_steps all, struct err *err)
{
    struct many m = {.n = 0};

    for (size_t i = 0; i < all.n; i++) {
        const struct job_step *s = &all.steps[i];

        put(&m, sql_u64(s->no));
        put(&m, sql_i64(JOB_PHASE_MS));
        put_guard(&m, s);
        put(&m, sql_u64(s->no - 1));
    }
    return run_all(db, JOB_SQL_INTEND, &m, all, err);
}

/* The first attempts of all of them: an attempt before that still has to be written off
 * is a matter for one post at a time. */
static enum rc insert_attempts(struct db *db, struct job_steps all, struct err *err)
{
    struct many m = {.n = 0};

    for (size_t i = 0; i < all.n; i++) {
        const struct job_step *s = &all.steps[i];

        put_attempt(&m, s);
        put(&m, sql_u64(s->ref->workspace_id));
        put(&m, sql_i64(JOB_UPLOAD));
        put(&m, sql_u64(s->ref->fence));
        put(&m, sql_u64(s->intent->content_ver));
        put(&m, sql_i64(s->intent->bytes_total));
        put(&m, sql_i64(s->intent->chunk_size));
        put(&m, sql_null()); /* no gate */
    }
    return run_all(db, JOB_SQL_NEW_ATTEMPT, &m, all, err);
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
    return transact(db, intend_steps, all, err);
}

/* --- PERSIST ------------------------------------------------------------------- */

static enum rc store_sessions(struct db *db, struct job_steps all, struct err *err)
{
    char log_ids[JOB_BATCH_MAX][JOB_LOG_ID_SIZE];
    struct many m = {.n = 0};

    for (size_t i = 0; i < all.n; i++) {
        const struct job_session *s = all.steps[i].session;

        text_copy(log_ids[i], sizeof(log_ids[i]), s->log_id != NULL ? s->log_id : "");
        put(&m, sql_text(s->publish_id));
        put(&m, sql_bytes(s->upload_url, s->upload_url_len));
        put(&m, s->init_date_ms != 0 ? sql_i64(s->init_date_ms) : sql_null());
        put(&m, sql_text(log_ids[i]));
        put_attempt(&m, &all.steps[i]);
    }
    return run_all(db, JOB_SQL_SESSION, &m, all, err);
}

static enum rc persist_steps(struct db *db, void *ctx, struct err *err)
{
    const struct job_steps *all = ctx;
    enum rc rc = hold_jobs(db, JOB_SQL_HOLD_UNGRANTED, *all, err);

    if (rc == RC_OK)
        rc = store_sessions(db, *all, err);
    return rc == RC_OK ? tell_all(db, *all, EVENT_SESSION_OPENED, err) : rc;
}

enum rc job_persist_all(struct db *db, struct job_steps all, struct err *err)
{
    return transact(db, persist_steps, all, err);
}

/* --- GRANT --------------------------------------------------------------------- */

static enum rc grant_jobs(struct db *db, struct job_steps all, struct err *err)
{
    struct many m = {.n = 0};

    for (size_t i = 0; i < all.n; i++) {
        const struct job_step *s = &all.steps[i];

        put(&m, sql_u64(s->no));
        put(&m, sql_i64(JOB_PHASE_MS));
        put_guard(&m, s);
        put(&m, sql_u64(s->no));
    }
    return run_all(db, JOB_SQL_GRANT, &m, all, err);
}

static enum rc grant_steps(struct db *db, void *ctx, struct err *err)
{
    const struct job_steps *all = ctx;
    enum rc rc = grant_jobs(db, *all, err);

    if (rc == RC_OK) /* u_live has the last word here, too */
        rc = move_attempts(db, JOB_SQL_GRANT_ATTEMPT, *all, err);
    return rc == RC_OK ? tell_all(db, *all, EVENT_GRANTED, err) : rc;
}

enum rc job_grant_all(struct db *db, struct job_steps all, struct err *err)
{
    return transact(db, grant_steps, all, err);
}

/* --- SENT ---------------------------------------------------------------------- */

static enum rc sent_steps(struct db *db, void *ctx, struct err *err)
{
    const struct job_steps *all = ctx;
    enum rc rc = hold_jobs(db, JOB_SQL_HOLD_GRANTED, *all, err);

    if (rc == RC_OK)
        rc = move_attempts(db, JOB_SQL_SENT_ATTEMPT, *all, err);
    return rc == RC_OK ? tell_all(db, *all, EVENT_LAST_CHUNK_SENT, err) : rc;
}

enum rc job_sent_all(struct db *db, struct job_steps all, struct err *err)
{
    return transact(db, sent_steps, all, err);
}

/* --- PUBLISHED ----------------------------------------------------------------- */

static enum rc publish_jobs(struct db *db, struct job_steps all, struct err *err)
{
    struct many m = {.n = 0};

    for (size_t i = 0; i < all.n; i++) {
        put(&m, sql_i64(SQL_NEVER));
        put_guard(&m, &all.steps[i]);
        put(&m, sql_u64(all.steps[i].no));
    }
    return run_all(db, JOB_SQL_PUBLISHED, &m, all, err);
}

static enum rc publish_attempts(struct db *db, struct job_steps all, struct err *err)
{
    struct many m = {.n = 0};

    for (size_t i = 0; i < all.n; i++) {
        put(&m, sql_text(all.steps[i].outcome.word));
        put_attempt(&m, &all.steps[i]);
    }
    return run_all(db, JOB_SQL_PUBLISHED_ATTEMPT, &m, all, err);
}

static enum rc publish_posts(struct db *db, struct job_steps all, struct err *err)
{
    struct many m = {.n = 0};

    for (size_t i = 0; i < all.n; i++) {
        put(&m, sql_text(all.steps[i].outcome.ids));
        put(&m, sql_text(all.steps[i].outcome.ids));
        put(&m, sql_u64(all.steps[i].ref->post_id));
    }
    return run_all(db, JOB_SQL_PUBLISHED_POST, &m, all, err);
}

static enum rc published_steps(struct db *db, void *ctx, struct err *err)
{
    const struct job_steps *all = ctx;
    enum rc rc = publish_jobs(db, *all, err);

    if (rc == RC_OK)
        rc = publish_attempts(db, *all, err);
    if (rc == RC_OK)
        rc = publish_posts(db, *all, err);
    return rc == RC_OK ? tell_all(db, *all, EVENT_PUBLISHED, err) : rc;
}

enum rc job_published_all(struct db *db, struct job_steps all, struct err *err)
{
    char words[JOB_BATCH_MAX][JOB_CODE_SIZE];
    struct job_step plain[JOB_BATCH_MAX];

    for (size_t i = 0; i < all.n; i++) {
        plain[i] = all.steps[i];
        plain[i].outcome.word = words[i];
        job_status_word(words[i], all.steps[i].outcome.word);
    }
    return transact(db, published_steps, (struct job_steps){plain, all.n}, err);
}
