/* store/tasks.h - work that only the publisher may do, asked for by others.
 *
 * tts-api inserts a row, wakes a publisher (queue_task_hint()) and, where a person
 * waits, waits for queue_task_wait() and reads the row again. A publisher claims rows as
 * it claims jobs: by owner and fence, so a result of a publisher that was declared dead
 * is refused. A task ends in TASK_DONE with a result (JSON) or in TASK_FAILED with a
 * stable code and a sentence for a person; both stay readable until the retention removes
 * them.
 *
 *     struct task_new t = {.kind = TASK_CREATOR_INFO, .workspace_id = ws,
 *                          .account_id = account, .wait_ms = 15000,
 *                          .payload = "{}"};
 *     rc = task_insert(db, &t, &task_id, err);
 *     (void)queue_task_hint(redis, &ignored);
 *     (void)queue_task_wait(redis, task_id, 8000, &done, &ignored);
 *     rc = task_result(db, ws, task_id, &result, err);
 */
#ifndef STORE_TASKS_H
#define STORE_TASKS_H

#include "core/err.h"
#include "store/db.h"

#include <stddef.h>
#include <stdint.h>

/* Numbers stored in task.kind. */
enum task_kind {
    /* {"txn_id":"17"}: trades the code of that oauth_txn row for tokens; result
     * {"account_id":"5","reconnected":false,"missing_scopes":["video.publish"]}.
     * Codes: code_expired, client_invalid, redirect_mismatch, missing_scope,
     * verifier_mismatch, account_taken, no_refresh_token, tiktok_unavailable,
     * oauth_failed.
     */
    TASK_EXCHANGE_CODE = 1,
    /* {}: asks TikTok what the account may do now and stores it on the account; result is
     * the document stored in account.creator_info. Codes: reconnect_needed,
     * missing_scope, tiktok_limited, tiktok_unavailable, or TikTok's own code. */
    TASK_CREATOR_INFO = 2,
    /* {}: refreshes the account's tokens; result {}. Codes: reconnect_needed,
     * client_invalid, tiktok_unavailable. */
    TASK_REFRESH_TOKEN = 3,
    /* {}: revokes the account's access at TikTok and wipes its tokens; result {}. */
    TASK_REVOKE = 4,
    /* {"notification_id":"9","user_id":"3"}: mails that notification to that person;
     * result {}. Codes: mail_refused, mail_not_configured, not_found. */
    TASK_SEND_MAIL = 5,
};

/* Numbers stored in task.state. */
enum task_state { TASK_QUEUED = 1, TASK_RUNNING = 2, TASK_DONE = 4, TASK_FAILED = 5 };

enum {
    TASK_CODE_SIZE = 64,
    TASK_MESSAGE_SIZE = 256,
    TASK_RESULT_MAX = 16384,      /* bytes of a result */
    TASK_PAYLOAD_MAX = 2048,      /* bytes of a payload */
    TASK_LEASE_MS = 60000,        /* a claimed task is looked at again after this */
    TASK_BATCH = 16,              /* rows one claim may take */
    TASK_KEPT_MS = 86400000,      /* how long an ended task can be read */
    TASK_MAIL_LIFE_MS = 86400000, /* a mail that could not be sent in a day is given up */
};

struct task_new {
    enum task_kind kind;
    uint64_t workspace_id;
    uint64_t account_id; /* 0: none (yet) */
    int64_t wait_ms; /* not done in this time: failed, nobody waits longer; 0: no end */
    const char *payload; /* JSON; borrowed */
};

struct task_result {
    enum task_state state;
    char *result;                    /* JSON when TASK_DONE, else NULL */
    char code[TASK_CODE_SIZE];       /* when TASK_FAILED */
    char message[TASK_MESSAGE_SIZE]; /* when TASK_FAILED */
};

/* Queues a task, due now. May run inside the caller's transaction. */
enum rc task_insert(struct db *db, const struct task_new *task, uint64_t *task_id,
                    struct err *err) MUST_CHECK;

/* How the task stands. RC_NOT_FOUND: none such in that workspace. The caller frees with
 * task_result_release(). */
enum rc task_result(struct db *db, uint64_t workspace_id, uint64_t task_id,
                    struct task_result *out, struct err *err) MUST_CHECK;
void task_result_release(struct task_result *result);

/* A task in a publisher's hands. */
struct task {
    uint64_t id;
    enum task_kind kind;
    uint64_t workspace_id;
    uint64_t account_id;
    uint64_t fence;
    unsigned fails;
    char *payload;
};

/* Claims up to max (<= TASK_BATCH) due tasks for the publisher inc, oldest first; *len
 * says how many. The caller releases each with task_release(). A due task whose time has
 * run out is failed ("timeout") instead, and one that three publishers died of
 * ("internal"). */
enum rc task_claim(struct db *db, uint64_t inc, struct task *out, size_t max, size_t *len,
                   struct err *err) MUST_CHECK;
void task_release(struct task *task);

/* The same for TASK_SEND_MAIL alone, which task_claim() leaves out: mail has a thread of
 * its own. */
enum rc task_claim_mail(struct db *db, uint64_t inc, struct task *out, size_t max,
                        size_t *len, struct err *err) MUST_CHECK;

/* The task's end. RC_CONFLICT: the task is no longer ours; the result is dropped. */
enum rc task_finish(struct db *db, const struct task *task, uint64_t inc,
                    const char *result, struct err *err) MUST_CHECK;
enum rc task_fail(struct db *db, const struct task *task, uint64_t inc, const char *code,
                  const char *message, struct err *err) MUST_CHECK;

/* Not now: queued again for after_ms from now, one failure counted. RC_CONFLICT as
 * above. */
enum rc task_retry(struct db *db, const struct task *task, uint64_t inc, int64_t after_ms,
                   struct err *err) MUST_CHECK;

/* Deletes some of the tasks that ended longer than TASK_KEPT_MS ago; *n: how many. */
enum rc task_purge(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

#endif
