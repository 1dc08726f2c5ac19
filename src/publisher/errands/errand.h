/* publisher/errands/errand.h - one task: what it does, by its kind, on a task's thread.
 *
 * A function returns RC_OK with the result, JSON, in out; or a failure whose err.code is
 * the task's code for it (store/tasks.h) and whose message a person can read. With
 * retry_ms it asks to be called again later instead. */
#ifndef PUBLISHER_ERRAND_H
#define PUBLISHER_ERRAND_H

#include "../pool.h"
#include "../publisher.h"
#include "core/strbuf.h"
#include "store/tasks.h"

struct errand {
    const struct publisher *p;
    const struct pool_kit *kit;
    const struct task *task;
    uint64_t inc;
    struct strbuf *out;
    int64_t retry_ms;

    /* To be copied when the task has ended and nobody waits any more; "": nothing. */
    uint64_t avatar_account;
    char avatar_url[2049];
};

/* TASK_EXCHANGE_CODE (errand_connect.c) */
enum rc errand_connect(struct errand *e, struct err *err) MUST_CHECK;

/* TASK_CREATOR_INFO, TASK_REFRESH_TOKEN, TASK_REVOKE (errand_account.c) */
enum rc errand_creator(struct errand *e, struct err *err) MUST_CHECK;
enum rc errand_refresh(struct errand *e, struct err *err) MUST_CHECK;
enum rc errand_revoke(struct errand *e, struct err *err) MUST_CHECK;

/* Copies TikTok's picture of an account into our store: its addresses expire within
 * hours. Best effort. (avatar.c) */
void avatar_copy(const struct publisher *p, uint64_t account_id, const char *url);

/* True for a picture's address that we fetch: TikTok's own hosts by https, or the API's
 * when that is a simulator. */
bool avatar_host_ok(const struct settings *settings, const char *url) MUST_CHECK;

/* True when the bytes begin like a JPEG, PNG or WebP. */
bool avatar_bytes_ok(const void *data, size_t len) MUST_CHECK;

#endif
