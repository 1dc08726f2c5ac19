/* store/inspect.h - what an operator looks at: figures, processes, the inside of a post.
 *
 * For ttsctl, with the rights of an administrator: nothing here is bound to a workspace,
 * so nothing here may be used by the API. */
#ifndef STORE_INSPECT_H
#define STORE_INSPECT_H

#include "core/err.h"
#include "store/db.h"
#include "store/jobs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INSPECT_HOST_SIZE = 65 * 4,
    INSPECT_STATES = 16,             /* room for the numbers of job.state, and some */
    INSPECT_NAME_SIZE = 255 * 4 + 1, /* bytes of the columns with their NUL */
    INSPECT_IDS_SIZE = 801,
    INSPECT_WORD_SIZE = 49,
    INSPECT_LOG_ID_SIZE = 65,
};

/* Figures, all workspaces together. */
struct inspect_stats {
    uint64_t workspaces, users, sessions, tokens;
    uint64_t accounts, accounts_broken; /* connected; waiting for a reconnect */
    uint64_t media, media_waiting;      /* in the library; not checked yet */
    int64_t media_bytes;
    uint64_t uploads;              /* open */
    uint64_t tasks;                /* not done yet */
    uint64_t jobs[INSPECT_STATES]; /* by job.state */
};
enum rc inspect_stats(struct db *db, struct inspect_stats *out,
                      struct err *err) MUST_CHECK;

/* The processes that hold a lease, oldest first. */
struct inspect_process {
    uint64_t inc;
    char host[INSPECT_HOST_SIZE];
    uint64_t pid;
    int64_t started_ms, left_ms; /* of the lease */
};
typedef void (*inspect_process_fn)(void *ctx, const struct inspect_process *process);
enum rc inspect_processes(struct db *db, inspect_process_fn each, void *ctx,
                          struct err *err) MUST_CHECK;

/* A post from the inside: the job, and where it belongs. */
struct inspect_post {
    uint64_t workspace_id, account_id;
    char workspace[INSPECT_NAME_SIZE], account[INSPECT_NAME_SIZE];
    int kind, mode;          /* numbers of domain/post.h */
    int state;               /* enum job_state; 0: a draft */
    int64_t due_ms, next_ms; /* INT64_MAX: nobody must look */
    uint64_t fence, owner;
    unsigned attempt_no, granted, fails, crashes;
    char reason[JOB_CODE_SIZE];
    int64_t published_ms;
    char tiktok_ids[INSPECT_IDS_SIZE]; /* comma-separated */
};
/* RC_NOT_FOUND: no such post. */
enum rc inspect_post(struct db *db, uint64_t post_id, struct inspect_post *out,
                     struct err *err) MUST_CHECK;

/* Its attempts, oldest first. */
struct inspect_attempt {
    unsigned no;
    int state; /* enum attempt_state */
    char publish_id[JOB_PUBLISH_ID_SIZE];
    int64_t bytes_acked, bytes_total;
    char status[INSPECT_WORD_SIZE]; /* TikTok's last word */
    char reason[JOB_CODE_SIZE];
    char log_id[INSPECT_LOG_ID_SIZE];
    int64_t created_ms;
    bool fetched;         /* TikTok was told to fetch; else we sent */
    int64_t first_served; /* when it first did, ms; 0: it has not */
};
typedef void (*inspect_attempt_fn)(void *ctx, const struct inspect_attempt *attempt);
enum rc inspect_attempts(struct db *db, uint64_t post_id, inspect_attempt_fn each,
                         void *ctx, struct err *err) MUST_CHECK;

/* The words for the numbers, as the schema writes them; "?" for others. */
const char *inspect_job_state(int state);
const char *inspect_attempt_state(int state);

#endif
