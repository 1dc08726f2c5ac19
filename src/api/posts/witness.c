/* The witness in Redis, which lets either a cancel or an upload have its way. */
#include "posts.h"

#include "core/fault.h"
#include "queue/queue.h"
#include "store/jobs.h"

#include <string.h>

void posts_hint(struct api *api, const struct post *post)
{
    struct err ignored; /* the sweep finds what no hint pointed to */
    enum rc rc;

    redis_set_deadline(api->redis, QUEUE_ENQUEUE_BUDGET_MS);
    if (post->phase == PHASE_SCHEDULED)
        rc = queue_enqueue(api->redis, post->id, post->content.account_id,
                           post->next_at_ms, &ignored);
    else
        rc = queue_forget(api->redis, post->id, post->content.account_id, &ignored);
    (void)rc;
    FAULT_POINT("enqueue.after");
}

static struct queue_witness witness_of(const struct post *post)
{
    return (struct queue_witness){.post_id = post->id,
                                  .account_id = post->content.account_id};
}

static bool is_cancel(const char *holder)
{
    return strcmp(holder, QUEUE_WITNESS_CANCEL) == 0;
}

/* Takes an old "cancel" away. */
static enum rc remove_cancel(struct api *api, const struct post *post, struct err *err)
{
    struct queue_witness witness = witness_of(post);
    bool done;

    redis_set_deadline(api->redis, REDIS_TIMEOUT_MS);
    return queue_witness_swap(api->redis, &witness, QUEUE_WITNESS_CANCEL, NULL, &done,
                              err);
}

/* Redis did not say. Only a post that was canceled depends on it. */
static enum rc without_redis(const struct post *was, struct err *err)
{
    if (was->phase != PHASE_CANCELED)
        return RC_OK;
    return err_set(err, RC_UNAVAILABLE, "redis_unavailable",
                   "The queue is not answering. Try again in a moment.");
}

/* A session holds the witness. One that is dead can be no post any more. */
static enum rc held_by_session(struct api *api, const struct post *was,
                               const char *holder, const char *code, struct err *err)
{
    bool dead = false;
    enum rc rc = job_attempt_is_dead(api->db, was->id, holder, &dead, err);

    if (rc != RC_OK || dead)
        return rc;
    return err_set(err, RC_CONFLICT, code,
                   "TikTok may have it already. Wait until the publisher has asked.");
}

enum rc posts_free_witness(struct api *api, const struct post *was, enum post_deed deed,
                           struct err *err)
{
    struct queue_witness witness = witness_of(was);
    char holder[QUEUE_WITNESS_SIZE];
    struct err away;

    if (was->phase == PHASE_DRAFT) /* nobody ever had it in hand */
        return RC_OK;
    if (queue_witness_read(api->redis, &witness, holder, &away) != RC_OK)
        return without_redis(was, err);
    if (holder[0] == '\0')
        return RC_OK;
    if (is_cancel(holder))
        return remove_cancel(api, was, &away) == RC_OK ? RC_OK : without_redis(was, err);
    return held_by_session(api, was, holder,
                           deed == DEED_CHANGE ? "too_late" : "outcome_unknown", err);
}

enum rc posts_take_witness(struct api *api, const struct post *post, struct err *err)
{
    struct queue_witness witness = witness_of(post);
    char holder[QUEUE_WITNESS_SIZE];
    struct err away;
    bool done;
    enum rc rc;

    redis_set_deadline(api->redis, REDIS_TIMEOUT_MS);
    if (queue_witness_take(api->redis, &witness, QUEUE_WITNESS_CANCEL, holder, &away) !=
            RC_OK ||
        is_cancel(holder))
        return RC_OK; /* ours; or Redis is away, and the database decides alone */
    rc = held_by_session(api, post, holder, "too_late", err);
    if (rc == RC_OK &&
        queue_witness_swap(api->redis, &witness, holder, QUEUE_WITNESS_CANCEL, &done,
                           &away) == RC_OK &&
        !done) /* another session was faster */
        rc = err_set(err, RC_CONFLICT, "too_late",
                     "It is too late: the post is already on its way to TikTok.");
    return rc;
}

void posts_drop_witness(struct api *api, const struct post *post)
{
    struct err ignored;
    enum rc rc = remove_cancel(api, post, &ignored);

    (void)rc; /* it ends by itself, and only a canceled post meets it till then */
}

void posts_settle_witness(struct api *api, const struct post *post)
{
    struct queue_witness witness = witness_of(post);
    char holder[QUEUE_WITNESS_SIZE];
    struct err ignored;
    bool done;
    enum rc rc = queue_witness_read(api->redis, &witness, holder, &ignored);

    if (rc == RC_OK && holder[0] != '\0' && !is_cancel(holder))
        rc = queue_witness_swap(api->redis, &witness, holder, NULL, &done, &ignored);
    (void)rc;
}
