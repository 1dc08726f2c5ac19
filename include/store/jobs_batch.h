/* store/jobs_batch.h - the steps of store/jobs.h for many posts in one transaction.
 *
 * A burst of posts is a burst of small transactions, each of which must be durable before
 * the next request may go out; together they cost a fraction. Each function does to every
 * post what its namesake does to one, under the same guards, or nothing to any:
 * RC_CONFLICT means that at least one post is not as its step expects. Nothing was
 * written then, and the caller does them one by one, which tells each its own fate. Every
 * other failure holds for all of them alike; RC_UNCERTAIN: read every row again. */
#ifndef STORE_JOBS_BATCH_H
#define STORE_JOBS_BATCH_H

#include "store/jobs.h"

enum { JOB_BATCH_MAX = 64 }; /* posts of one transaction */

/* One post's part. ref and no say which, the rest belongs to the step of that name. */
struct job_step {
    const struct job_ref *ref;
    unsigned no;                       /* of the attempt */
    const struct job_intent *intent;   /* INTENT: upload sessions only */
    const struct job_session *session; /* PERSIST */
    struct job_outcome outcome;        /* PUBLISHED */
};

/* n steps (1..JOB_BATCH_MAX) of different posts. */
struct job_steps {
    const struct job_step *steps;
    size_t n;
};

enum rc job_intend_all(struct db *db, struct job_steps all, struct err *err) MUST_CHECK;
enum rc job_persist_all(struct db *db, struct job_steps all, struct err *err) MUST_CHECK;
enum rc job_grant_all(struct db *db, struct job_steps all, struct err *err) MUST_CHECK;
enum rc job_sent_all(struct db *db, struct job_steps all, struct err *err) MUST_CHECK;
enum rc job_published_all(struct db *db, struct job_steps all,
                          struct err *err) MUST_CHECK;

#endif
