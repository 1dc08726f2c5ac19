/* store/jobs_priv.h - what the files of store/jobs.h share. */
#ifndef SRC_STORE_JOBS_PRIV_H
#define SRC_STORE_JOBS_PRIV_H

#include "core/strbuf.h"
#include "stmt.h"
#include "store/events.h"
#include "store/jobs.h"

/* The guard of every write of a publisher: this post, as claimed by this process. Its
 * values are JOB_GUARD_ARGS(ref), in this order. */
#define JOB_GUARD "post_id = ? AND fence = ? AND owner = ? AND workspace_id = ?"
#define JOB_GUARD_ARGS(r)                                                                \
    sql_u64((r)->post_id), sql_u64((r)->fence), sql_u64((r)->inc),                       \
        sql_u64((r)->workspace_id)

/* Appends "?,?,?" for n values. */
void job_places(struct strbuf *sql, size_t n);

/* A line of the post's timeline, written by the publisher that holds it. */
enum rc job_tell(struct db *db, const struct job_ref *ref, enum event_kind kind,
                 unsigned attempt, const char *code, struct err *err) MUST_CHECK;

/* The same with all that a line may say: what it is about and who writes it is put in. */
enum rc job_tell_all(struct db *db, const struct job_ref *ref, struct event line,
                     struct err *err) MUST_CHECK;

/* A code as its column takes it: short, and of the characters that codes are made of. */
void job_code(char out[JOB_CODE_SIZE], const char *code);

/* TikTok's status word as attempt.tiktok_status takes it. */
void job_status_word(char out[JOB_CODE_SIZE], const char *word);

/* The job's row in GRANT: committed, for this attempt. */
enum rc job_commit(struct db *db, const struct job_ref *ref, unsigned no,
                   struct err *err) MUST_CHECK;

/* err, when it says that the engine refused a second live attempt, in those words. */
enum rc job_second_live(enum rc rc, struct err *err);

/* The parts of PERSIST and PUBLISHED that differ from post to post. Inside the caller's
 * transaction, after the job's own row. outcome->word is as job_status_word() made it. */
enum rc job_store_session(struct db *db, const struct job_ref *ref, unsigned no,
                          const struct job_session *session, struct err *err) MUST_CHECK;
enum rc job_store_outcome(struct db *db, const struct job_ref *ref, unsigned no,
                          const struct job_outcome *outcome, struct err *err) MUST_CHECK;

/* Blocks what the account has scheduled; what is in a publisher's hands finds out by
 * itself. Inside the caller's transaction. job_unblock() is the way back. */
struct job_block {
    uint64_t account_id;
    const char *reason;
    int64_t from_ms; /* only what is due then or later; 0: all */
};
enum rc job_block_account(struct db *db, const struct job_block *block,
                          struct err *err) MUST_CHECK;

#endif
