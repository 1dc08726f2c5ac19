/* The grants of what TikTok fetches: the attempt goes from INTENT to GRANTED in one
 * transaction with the job, and that is what opens its gate (store/gate.h). Between the
 * two states there is nothing for a crash to fall into:
 *   - W13, before COMMIT: the attempt is an intent, whose gate is shut. Nobody but us
 *     knew the session; the next INTENT writes the attempt off, so its gate stays shut
 *     for good and TikTok's fetch fails.
 *   - W14, after COMMIT: whoever comes next finds the session's name and asks; any worker
 *     of the API serves, because the state is in the database.
 *   - W15, TikTok had given up before: it says FAILED, which is proof. */
#include "core/text.h"
#include "jobs_priv.h"

enum { LOG_ID_SIZE = 65 };

struct opening {
    const struct job_ref *ref;
    unsigned no;
    const struct job_session *session; /* NULL: not known yet */
    bool foreign;                      /* not the one that the gate is for */
};

static enum rc tell_session(struct db *db, const struct opening *o, struct err *err)
{
    const struct event e = {.kind = EVENT_SESSION_OPENED,
                            .attempt = o->no,
                            .log_id = o->session->log_id,
                            .session = o->session->publish_id};

    return job_tell_all(db, o->ref, e, err);
}

/* u_publish_id and u_live have the last word. */
static enum rc open_attempt(struct db *db, const struct opening *o, struct err *err)
{
    const struct job_session *n = o->session;
    bool dated = n != NULL && n->init_date_ms != 0;
    char log_id[LOG_ID_SIZE];

    text_copy(log_id, sizeof(log_id), n != NULL && n->log_id != NULL ? n->log_id : "");
    {
        const struct sql_arg args[] = {n != NULL ? sql_text(n->publish_id) : sql_null(),
                                       dated ? sql_i64(n->init_date_ms) : sql_null(),
                                       sql_text(log_id), sql_u64(o->ref->post_id),
                                       sql_u64(o->no)};

        return job_second_live(
            db_exec_one(db,
                        "UPDATE attempt SET state = 3, granted_at = " SQL_NOW
                        ", publish_id = ?, init_date = ?,"
                        " tiktok_log_id = ?, updated_at = " SQL_NOW
                        " WHERE post_id = ? AND attempt_no = ?"
                        " AND state = 1 AND method = 2 AND gate_token IS NOT NULL",
                        SQL_ARGS(args), err),
            err);
    }
}

/* The attempt becomes the other session's, whatever way its own was to go. */
static enum rc adopt_attempt(struct db *db, const struct opening *o, struct err *err)
{
    const struct sql_arg args[] = {sql_text(o->session->publish_id),
                                   sql_u64(o->ref->post_id), sql_u64(o->no)};

    return job_second_live(
        db_exec_one(db,
                    "UPDATE attempt SET state = 3, granted_at = " SQL_NOW
                    ", method = 2, publish_id = ?, init_date = NULL, tiktok_log_id = '',"
                    " gate_token = NULL, upload_url = NULL, updated_at = " SQL_NOW
                    " WHERE post_id = ? AND attempt_no = ? AND state IN (1, 2)",
                    SQL_ARGS(args), err),
        err);
}

static enum rc open_steps(struct db *db, void *ctx, struct err *err)
{
    const struct opening *o = ctx;
    enum rc rc = job_commit(db, o->ref, o->no, err);

    if (rc == RC_OK)
        rc = o->foreign ? adopt_attempt(db, o, err) : open_attempt(db, o, err);
    if (rc == RC_OK && o->session != NULL)
        rc = tell_session(db, o, err);
    if (rc == RC_OK)
        rc = job_tell(db, o->ref, EVENT_GRANTED, o->no, "", err);
    return rc;
}

enum rc job_open(struct db *db, const struct job_ref *ref, unsigned no,
                 const struct job_session *session, struct err *err)
{
    struct opening o = {.ref = ref, .no = no, .session = session};

    return db_transaction(db, open_steps, &o, err);
}

enum rc job_adopt(struct db *db, const struct job_ref *ref, unsigned no,
                  const char *publish_id, struct err *err)
{
    const struct job_session session = {.publish_id = publish_id};
    struct opening o = {.ref = ref, .no = no, .session = &session, .foreign = true};

    return db_transaction(db, open_steps, &o, err);
}

static enum rc hold(struct db *db, const struct opening *o, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(JOB_PHASE_MS), JOB_GUARD_ARGS(o->ref),
                                   sql_u64(o->no)};

    return db_exec_one(db,
                       "UPDATE job SET next_at = " SQL_NOW " + ? WHERE " JOB_GUARD
                       " AND state = 3 AND granted = ?",
                       SQL_ARGS(args), err);
}

static enum rc name_attempt(struct db *db, const struct opening *o, struct err *err)
{
    const struct job_session *n = o->session;
    char log_id[LOG_ID_SIZE];

    text_copy(log_id, sizeof(log_id), n->log_id != NULL ? n->log_id : "");
    {
        const struct sql_arg args[] = {
            sql_text(n->publish_id),
            n->init_date_ms != 0 ? sql_i64(n->init_date_ms) : sql_null(),
            sql_text(log_id), sql_u64(o->ref->post_id), sql_u64(o->no)};

        return db_exec_one(db,
                           "UPDATE attempt SET publish_id = ?, init_date = ?,"
                           " tiktok_log_id = ?, updated_at = " SQL_NOW
                           " WHERE post_id = ? AND attempt_no = ? AND state = 3"
                           " AND method = 2 AND publish_id IS NULL",
                           SQL_ARGS(args), err);
    }
}

static enum rc name_steps(struct db *db, void *ctx, struct err *err)
{
    const struct opening *o = ctx;
    enum rc rc = hold(db, o, err);

    if (rc == RC_OK)
        rc = name_attempt(db, o, err);
    if (rc == RC_OK)
        rc = tell_session(db, o, err);
    return rc;
}

enum rc job_name(struct db *db, const struct job_ref *ref, unsigned no,
                 const struct job_session *session, struct err *err)
{
    struct opening o = {.ref = ref, .no = no, .session = session};

    return db_transaction(db, name_steps, &o, err);
}
