/* api/accounts/ask.h - a person waits for the publisher.
 *
 * What needs TikTok is a task for the publisher (store/tasks.h). A request that cannot be
 * answered without it waits, in this order:
 *
 *     rc = ask_begin(err);               some workers wait at a time, not all
 *     (insert the task, or find one)
 *     rc = ask_wait(api, workspace, task, &result, err);
 *     ask_end();
 *
 * The task's row is the truth. Redis only shortens the wait: its word reaches one of
 * those who wait for the same task, and none while Redis is away, so the row is read
 * again every ASK_SLICE_MS. */
#ifndef SRC_API_ACCOUNTS_ASK_H
#define SRC_API_ACCOUNTS_ASK_H

#include "../api.h"
#include "store/tasks.h"

enum {
    ASK_WAIT_MS = 8000,  /* a person waits no longer */
    ASK_TASK_MS = 10000, /* the task's own limit: a publisher that comes later than this
                          * finds it failed and does nothing that nobody expects */
    ASK_SLICE_MS = 1000, /* what Redis counts in */
    ASK_POLL_MS = 200,   /* without Redis */
};

/* Wakes a publisher. Best effort: publishers look by themselves, too. */
void ask_hint(struct api *api);

/* RC_UNAVAILABLE "too_many_waiting": as many as may wait do (web_wait_begin()). RC_OK:
 * ask_end() must follow. */
enum rc ask_begin(struct err *err) MUST_CHECK;
void ask_end(void);

/* Waits for the task's end: *out is TASK_DONE or TASK_FAILED, and the caller's to
 * release. RC_UNAVAILABLE "publisher_away": nobody has taken it; "tiktok_unavailable": a
 * publisher has, and TikTok keeps it waiting. */
enum rc ask_wait(struct api *api, uint64_t workspace_id, uint64_t task_id,
                 struct task_result *out, struct err *err) MUST_CHECK;

#endif
