/* The steps of publishing, each one transaction: job first, then attempt, then the line
 * of the timeline. Every UPDATE names the state it expects; no row means that the post is
 * another's by now, or was changed by a person. */
#include "core/text.h"
#include "domain/reason.h"
#include "jobs_priv.h"

#include <string.h>

enum { WORD_MAX = 48 };

enum rc job_tell(struct db *db, const struct job_ref *ref, enum event_kind kind,
                 unsigned attempt, const char *code, struct err *err)
{
    return job_tell_all(
        db, ref, (struct event){.kind = kind, .attempt = attempt, .code = code}, err);
}

enum rc job_tell_all(struct db *db, const struct job_ref *ref, struct event line,
                     struct err *err)
{
    line.workspace_id = ref->workspace_id;
    line.post_id = ref->post_id;
    line.fence = ref->fence;
    line.inc = ref->inc;
    return event_add(db, &line, err);
}

enum rc job_note(struct db *db, const struct job_ref *ref, int kind, const char *data,
                 struct err *err)
{
    const struct sql_arg args[] = {
        sql_u64(ref->workspace_id), sql_u64(ref->post_id), sql_i64(kind),
        sql_u64(ref->fence),        sql_u64(ref->inc),     sql_text(data)};

    return db_exec(db, JOB_SQL_EVENT, SQL_ARGS(args), NULL, err);
}

/* One step under way; which of the parts mean something is up to the step. */
struct step {
    const struct job_ref *ref;
    unsigned no;
    const struct job_intent *intent;
    const struct job_session *session;
    const char *reason;
    bool unserved; /* DEAD: only if nothing has gone through the gate */
    bool unproven; /* DEAD: given up */
    const struct job_outcome *outcome;
};

/* --- waiting for the grant ------------------------------------------------------- */

static enum rc hold_back_steps(struct db *db, void *ctx, struct err *err)
{
    const struct step *s = ctx;
    const struct sql_arg args[] = {sql_text(s->reason), JOB_GUARD_ARGS(s->ref)};
    enum rc rc = db_exec_one(db,
                             "UPDATE job SET last_reason = ?, updated_at = " SQL_NOW
                             " WHERE " JOB_GUARD " AND state = 2 AND granted = 0",
                             SQL_ARGS(args), err);

    return rc == RC_OK ? job_tell(db, s->ref, EVENT_HELD_BACK, s->no, s->reason, err)
                       : rc;
}

enum rc job_hold_back(struct db *db, const struct job_ref *ref, unsigned no,
                      const char *reason, struct err *err)
{
    struct step s = {.ref = ref, .no = no, .reason = reason};

    return db_transaction(db, hold_back_steps, &s, err);
}

/* --- INTENT -------------------------------------------------------------------- */

static enum rc intend_job(struct db *db, const struct step *s, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(s->no), sql_i64(JOB_PHASE_MS),
                                   JOB_GUARD_ARGS(s->ref), sql_u64(s->no - 1)};

    return db_exec_one(db, JOB_SQL_INTEND, SQL_ARGS(args), err);
}

/* The attempt before can have been anything but granted: job.granted is 0. Whatever
 * session TikTok opened for it, its upload URL leads to no last byte any more, and its
 * gate was never opened and never will be (store/gate.h). */
static enum rc supersede(struct db *db, const struct step *s, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(s->ref->post_id), sql_u64(s->no - 1)};
    int64_t rows = 0;
    enum rc rc = db_exec(db,
                         "UPDATE attempt SET state = 6, reason = 'superseded',"
                         " updated_at = " SQL_NOW
                         " WHERE post_id = ? AND attempt_no = ? AND state IN (1, 2)",
                         SQL_ARGS(args), &rows, err);

    if (rc == RC_OK && rows > 0)
        rc = job_tell(db, s->ref, EVENT_ATTEMPT_DEAD, s->no - 1, "superseded", err);
    return rc;
}

static enum rc insert_attempt(struct db *db, const struct step *s, struct err *err)
{
    const unsigned char *token = s->intent->gate_token;
    const struct sql_arg args[] = {sql_u64(s->ref->post_id),
                                   sql_u64(s->no),
                                   sql_u64(s->ref->workspace_id),
                                   sql_i64(token != NULL ? JOB_PULL : JOB_UPLOAD),
                                   sql_u64(s->ref->fence),
                                   sql_u64(s->intent->content_ver),
                                   sql_i64(s->intent->bytes_total),
                                   sql_i64(s->intent->chunk_size),
                                   token != NULL ? sql_bytes(token, JOB_GATE_SIZE)
                                                 : sql_null()};

    return db_exec(db, JOB_SQL_NEW_ATTEMPT, SQL_ARGS(args), NULL, err);
}

static enum rc intend_steps(struct db *db, void *ctx, struct err *err)
{
    const struct step *s = ctx;
    enum rc rc = intend_job(db, s, err);

    if (rc == RC_OK)
        rc = supersede(db, s, err);
    if (rc == RC_OK)
        rc = insert_attempt(db, s, err);
    if (rc == RC_OK)
        rc = job_tell(db, s->ref, EVENT_INTENT, s->no, "", err);
    return rc;
}

enum rc job_intend(struct db *db, const struct job_ref *ref,
                   const struct job_intent *intent, struct err *err)
{
    struct step s = {.ref = ref, .no = intent->no, .intent = intent};

    return db_transaction(db, intend_steps, &s, err);
}

/* --- PERSIST ------------------------------------------------------------------- */

/* Prolongs the job, which must be running this attempt and not be granted. */
static enum rc hold_ungranted(struct db *db, const struct step *s, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(JOB_PHASE_MS), JOB_GUARD_ARGS(s->ref),
                                   sql_u64(s->no)};

    return db_exec_one(db, JOB_SQL_HOLD_UNGRANTED, SQL_ARGS(args), err);
}

static enum rc store_session(struct db *db, const struct job_ref *ref, unsigned no,
                             const struct job_session *n, struct err *err)
{
    char log_id[JOB_LOG_ID_SIZE];

    text_copy(log_id, sizeof(log_id), n->log_id != NULL ? n->log_id : "");
    {
        const struct sql_arg args[] = {sql_text(n->publish_id),
                                       sql_bytes(n->upload_url, n->upload_url_len),
                                       n->init_date_ms != 0 ? sql_i64(n->init_date_ms)
                                                            : sql_null(),
                                       sql_text(log_id),
                                       sql_u64(ref->post_id),
                                       sql_u64(no)};

        return db_exec_one(db, JOB_SQL_SESSION, SQL_ARGS(args), err);
    }
}

static enum rc persist_steps(struct db *db, void *ctx, struct err *err)
{
    const struct step *s = ctx;
    const struct event e = {.kind = EVENT_SESSION_OPENED,
                            .attempt = s->no,
                            .log_id = s->session->log_id,
                            .session = s->session->publish_id};
    enum rc rc = hold_ungranted(db, s, err);

    if (rc == RC_OK)
        rc = store_session(db, s->ref, s->no, s->session, err);
    if (rc == RC_OK)
        rc = job_tell_all(db, s->ref, e, err);
    return rc;
}

enum rc job_persist(struct db *db, const struct job_ref *ref, unsigned no,
                    const struct job_session *session, struct err *err)
{
    struct step s = {.ref = ref, .no = no, .session = session};

    return db_transaction(db, persist_steps, &s, err);
}

/* --- GRANT: the commit point --------------------------------------------------- */

enum rc job_commit(struct db *db, const struct job_ref *ref, unsigned no, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(no), sql_i64(JOB_PHASE_MS),
                                   JOB_GUARD_ARGS(ref), sql_u64(no)};

    return db_exec_one(db, JOB_SQL_GRANT, SQL_ARGS(args), err);
}

enum rc job_second_live(enum rc rc, struct err *err)
{
    if (rc == RC_CONFLICT && strcmp(err->code, "duplicate") == 0)
        return err_set(err, RC_CONFLICT, REASON_SECOND_LIVE,
                       "Another attempt of this post may already be out.");
    return rc;
}

/* Here u_live has the last word: a post with another attempt past its grant is refused by
 * the engine itself, whatever the guards above thought. */
static enum rc grant_attempt(struct db *db, const struct step *s, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(s->ref->post_id), sql_u64(s->no)};
    enum rc rc = db_exec_one(db, JOB_SQL_GRANT_ATTEMPT, SQL_ARGS(args), err);

    return job_second_live(rc, err);
}

static enum rc grant_steps(struct db *db, void *ctx, struct err *err)
{
    const struct step *s = ctx;
    enum rc rc = job_commit(db, s->ref, s->no, err);

    if (rc == RC_OK)
        rc = grant_attempt(db, s, err);
    if (rc == RC_OK)
        rc = job_tell(db, s->ref, EVENT_GRANTED, s->no, "", err);
    return rc;
}

enum rc job_grant(struct db *db, const struct job_ref *ref, unsigned no, struct err *err)
{
    struct step s = {.ref = ref, .no = no};

    return db_transaction(db, grant_steps, &s, err);
}

/* --- SENT ---------------------------------------------------------------------- */

static enum rc hold_granted(struct db *db, const struct step *s, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(JOB_PHASE_MS), JOB_GUARD_ARGS(s->ref),
                                   sql_u64(s->no)};

    return db_exec_one(db, JOB_SQL_HOLD_GRANTED, SQL_ARGS(args), err);
}

/* Said twice, after an answer that was lost, it is told once. */
static enum rc send_attempt(struct db *db, const struct step *s, bool *news,
                            struct err *err)
{
    const struct sql_arg args[] = {sql_u64(s->ref->post_id), sql_u64(s->no)};
    int64_t rows = 0;
    enum rc rc = db_exec(db, JOB_SQL_SENT_ATTEMPT, SQL_ARGS(args), &rows, err);

    *news = rows > 0;
    if (rc != RC_OK || rows > 0)
        return rc;
    return db_exec_one(db,
                       "UPDATE attempt SET state = 4"
                       " WHERE post_id = ? AND attempt_no = ? AND state = 4",
                       SQL_ARGS(args), err);
}

static enum rc sent_steps(struct db *db, void *ctx, struct err *err)
{
    const struct step *s = ctx;
    bool news = false;
    enum rc rc = hold_granted(db, s, err);

    if (rc == RC_OK)
        rc = send_attempt(db, s, &news, err);
    if (rc == RC_OK && news)
        rc = job_tell(db, s->ref, EVENT_LAST_CHUNK_SENT, s->no, "", err);
    return rc;
}

enum rc job_sent(struct db *db, const struct job_ref *ref, unsigned no, struct err *err)
{
    struct step s = {.ref = ref, .no = no};

    return db_transaction(db, sent_steps, &s, err);
}

/* --- PUBLISHED ----------------------------------------------------------------- */

static enum rc publish_job(struct db *db, const struct step *s, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(SQL_NEVER), JOB_GUARD_ARGS(s->ref),
                                   sql_u64(s->no)};

    return db_exec_one(db, JOB_SQL_PUBLISHED, SQL_ARGS(args), err);
}

static enum rc publish_attempt(struct db *db, const struct job_ref *ref, unsigned no,
                               const char *word, struct err *err)
{
    const struct sql_arg args[] = {sql_text(word), sql_u64(ref->post_id), sql_u64(no)};

    return db_exec_one(db, JOB_SQL_PUBLISHED_ATTEMPT, SQL_ARGS(args), err);
}

static enum rc publish_post(struct db *db, const struct job_ref *ref, const char *ids,
                            struct err *err)
{
    const struct sql_arg args[] = {sql_text(ids), sql_text(ids), sql_u64(ref->post_id)};

    return db_exec_one(db, JOB_SQL_PUBLISHED_POST, SQL_ARGS(args), err);
}

static enum rc store_outcome(struct db *db, const struct job_ref *ref, unsigned no,
                             const struct job_outcome *outcome, struct err *err)
{
    enum rc rc = publish_attempt(db, ref, no, outcome->word, err);

    return rc == RC_OK ? publish_post(db, ref, outcome->ids, err) : rc;
}

static enum rc published_steps(struct db *db, void *ctx, struct err *err)
{
    const struct step *s = ctx;
    const struct event e = {.kind = EVENT_PUBLISHED,
                            .attempt = s->no,
                            .code = s->outcome->word,
                            .log_id = s->outcome->log_id};
    enum rc rc = publish_job(db, s, err);

    if (rc == RC_OK)
        rc = store_outcome(db, s->ref, s->no, s->outcome, err);
    if (rc == RC_OK)
        rc = job_tell_all(db, s->ref, e, err);
    return rc;
}

void job_status_word(char out[JOB_CODE_SIZE], const char *word)
{
    job_code(out, word);
    out[WORD_MAX] = '\0';
}

enum rc job_published(struct db *db, const struct job_ref *ref, unsigned no,
                      const struct job_outcome *outcome, struct err *err)
{
    char word[JOB_CODE_SIZE];
    const struct job_outcome plain = {word, outcome->ids, outcome->log_id};
    struct step s = {.ref = ref, .no = no, .outcome = &plain};

    job_status_word(word, outcome->word);
    return db_transaction(db, published_steps, &s, err);
}

/* --- DEAD ---------------------------------------------------------------------- */

/* A gate that can be closed was opened, by a grant. Without proof only what is not
 * granted can end: so "never twice" does not hang on the fence alone. */
static enum rc bury_job(struct db *db, const struct step *s, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(JOB_PHASE_MS), JOB_GUARD_ARGS(s->ref),
                                   sql_u64(s->unserved ? s->no : 0),
                                   sql_u64(s->unproven ? 0 : s->no), sql_u64(s->no)};

    return db_exec_one(db,
                       "UPDATE job SET state = 2, granted = 0,"
                       " next_at = " SQL_NOW " + ?, updated_at = " SQL_NOW
                       " WHERE " JOB_GUARD
                       " AND state IN (2, 3) AND granted IN (?, ?) AND attempt_no = ?",
                       SQL_ARGS(args), err);
}

static enum rc bury_attempt(struct db *db, const struct step *s, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(!s->unproven), sql_text(s->reason),
                                   sql_u64(s->ref->post_id), sql_u64(s->no)};

    return db_exec_one(db,
                       "UPDATE attempt SET state = 6, proven = ?, reason = ?,"
                       " updated_at = " SQL_NOW
                       " WHERE post_id = ? AND attempt_no = ? AND state IN (1, 2, 3, 4)",
                       SQL_ARGS(args), err);
}

/* Against gate_serve(), which writes first_served_at: whoever is first makes the other
 * match no row. */
static enum rc close_attempt(struct db *db, const struct step *s, struct err *err)
{
    const struct sql_arg args[] = {sql_text(s->reason), sql_u64(s->ref->post_id),
                                   sql_u64(s->no)};
    int64_t rows = 0;
    enum rc rc = db_exec(db,
                         "UPDATE attempt SET state = 6, proven = 1, reason = ?,"
                         " updated_at = " SQL_NOW
                         " WHERE post_id = ? AND attempt_no = ? AND state IN (3, 4)"
                         " AND gate_token IS NOT NULL AND first_served_at IS NULL",
                         SQL_ARGS(args), &rows, err);

    if (rc == RC_OK && rows != 1)
        return err_set(err, RC_CONFLICT, "gate_passed",
                       "Something has gone through the gate already.");
    return rc;
}

static enum rc dead_steps(struct db *db, void *ctx, struct err *err)
{
    const struct step *s = ctx;
    enum rc rc = bury_job(db, s, err);

    if (rc == RC_OK)
        rc = s->unserved ? close_attempt(db, s, err) : bury_attempt(db, s, err);
    if (rc == RC_OK)
        rc = job_tell(db, s->ref, EVENT_ATTEMPT_DEAD, s->no, s->reason, err);
    return rc;
}

enum rc job_attempt_dead(struct db *db, const struct job_ref *ref, unsigned no,
                         const char *reason, struct err *err)
{
    char plain[JOB_CODE_SIZE];
    struct step s = {.ref = ref, .no = no, .reason = plain};

    job_code(plain, reason);
    return db_transaction(db, dead_steps, &s, err);
}

enum rc job_give_up(struct db *db, const struct job_ref *ref, unsigned no,
                    const char *reason, struct err *err)
{
    char plain[JOB_CODE_SIZE];
    struct step s = {.ref = ref, .no = no, .reason = plain, .unproven = true};

    job_code(plain, reason);
    return db_transaction(db, dead_steps, &s, err);
}

enum rc job_close(struct db *db, const struct job_ref *ref, unsigned no,
                  const char *reason, struct err *err)
{
    char plain[JOB_CODE_SIZE];
    struct step s = {.ref = ref, .no = no, .reason = plain, .unserved = true};

    job_code(plain, reason);
    return db_transaction(db, dead_steps, &s, err);
}
