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

/* The writes of a step, which jobs_write.c does for one post and jobs_batch.c for many:
 * each with the values of one. */
#define JOB_SQL_INTEND                                                                   \
    "UPDATE job SET attempt_no = ?, next_at = " SQL_NOW " + ?, updated_at = " SQL_NOW    \
    " WHERE " JOB_GUARD " AND state = 2 AND granted = 0 AND attempt_no = ?"
#define JOB_SQL_NEW_ATTEMPT                                                              \
    "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method, fence,"      \
    " content_ver, bytes_total, chunk_size, gate_token, created_at, updated_at)"         \
    " VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, " SQL_NOW ", " SQL_NOW ")"
#define JOB_SQL_HOLD_UNGRANTED                                                           \
    "UPDATE job SET crashes = 0, next_at = " SQL_NOW " + ? WHERE " JOB_GUARD             \
    " AND state = 2 AND granted = 0 AND attempt_no = ?"
#define JOB_SQL_SESSION                                                                  \
    "UPDATE attempt SET state = 2, publish_id = ?, upload_url = ?, init_date = ?,"       \
    " tiktok_log_id = ?, updated_at = " SQL_NOW                                          \
    " WHERE post_id = ? AND attempt_no = ? AND state = 1"
#define JOB_SQL_GRANT                                                                    \
    "UPDATE job SET state = 3, granted = ?, crashes = 0, next_at = " SQL_NOW " + ?,"     \
    " updated_at = " SQL_NOW " WHERE " JOB_GUARD                                         \
    " AND state = 2 AND granted = 0 AND attempt_no = ?"
#define JOB_SQL_GRANT_ATTEMPT                                                            \
    "UPDATE attempt SET state = 3, granted_at = " SQL_NOW ", updated_at = " SQL_NOW      \
    " WHERE post_id = ? AND attempt_no = ? AND state = 2"
#define JOB_SQL_HOLD_GRANTED                                                             \
    "UPDATE job SET crashes = 0, next_at = " SQL_NOW " + ? WHERE " JOB_GUARD             \
    " AND state = 3 AND granted = ? AND attempt_no = granted"
#define JOB_SQL_SENT_ATTEMPT                                                             \
    "UPDATE attempt SET state = 4, bytes_acked = bytes_total, updated_at = " SQL_NOW     \
    " WHERE post_id = ? AND attempt_no = ? AND state = 3"
#define JOB_SQL_PUBLISHED                                                                \
    "UPDATE job SET state = 4, next_at = ?, owner = 0, last_reason = '',"                \
    " updated_at = " SQL_NOW " WHERE " JOB_GUARD                                         \
    " AND state = 3 AND granted = ? AND attempt_no = granted"
#define JOB_SQL_PUBLISHED_ATTEMPT                                                        \
    "UPDATE attempt SET state = 5, tiktok_status = ?, bytes_acked = bytes_total,"        \
    " updated_at = " SQL_NOW " WHERE post_id = ? AND attempt_no = ? AND state IN (3, 4)"
/* A webhook may have brought its ids before. */
#define JOB_SQL_PUBLISHED_POST                                                           \
    "UPDATE post SET tiktok_post_ids = IF(? = '', tiktok_post_ids, ?),"                  \
    " published_at = " SQL_NOW " WHERE post_id = ?"
#define JOB_SQL_EVENT                                                                    \
    "INSERT INTO job_event (workspace_id, post_id, at, kind, fence, inc, data)"          \
    " VALUES (?, ?, " SQL_NOW ", ?, ?, ?, ?)"

enum { JOB_LOG_ID_SIZE = 65 }; /* attempt.tiktok_log_id */

/* Appends "?,?,?" for n values. */
void job_places(struct strbuf *sql, size_t n);

/* Of a claim that is rationed by the ledger (jobs_ration.c), inside its transaction:
 * first the accounts; when the posts are known, only those that their accounts' windows
 * let through. */
enum rc job_ration_lock(struct db *db, const struct job_claim *c,
                        struct err *err) MUST_CHECK;
enum rc job_ration(struct db *db, struct job_claim *c, struct err *err) MUST_CHECK;

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
