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
    uint32_t version;

    return queue_witness_is_cancel(holder, &version);
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
    if (queue_witness_read(api->redis, &witness, holder, &away) != RC_OK ||
        holder[0] == '\0' || is_cancel(holder))
        return RC_OK; /* a cancel is over with the next version; else the database knows
                       */
    return held_by_session(api, was, holder,
                           deed == DEED_CHANGE ? "too_late" : "outcome_unknown", err);
}

enum rc posts_take_witness(struct api *api, const struct post *post, struct err *err)
{
    struct queue_witness witness = witness_of(post);
    char ours[QUEUE_WITNESS_SIZE];
    char holder[QUEUE_WITNESS_SIZE];
    struct err away;
    bool done;
    enum rc rc = RC_OK;

    queue_witness_cancel(post->version, ours);
    redis_set_deadline(api->redis, REDIS_TIMEOUT_MS);
    if (queue_witness_take(api->redis, &witness, ours, holder, &away) != RC_OK ||
        strcmp(holder, ours) == 0)
        return RC_OK; /* ours; or Redis is away, and the database decides alone */
    if (!is_cancel(holder))
        rc = held_by_session(api, post, holder, "too_late", err);
    if (rc == RC_OK &&
        queue_witness_swap(api->redis, &witness, holder, ours, &done, &away) == RC_OK &&
        !done) /* another session was faster */
        rc = err_set(err, RC_CONFLICT, "too_late",
                     "It is too late: the post is already on its way to TikTok.");
    return rc;
}

void posts_drop_witness(struct api *api, const struct post *post)
{
    struct queue_witness witness = witness_of(post);
    char ours[QUEUE_WITNESS_SIZE];
    struct err ignored;
    bool done;
    enum rc rc;

    queue_witness_cancel(post->version, ours);
    redis_set_deadline(api->redis, REDIS_TIMEOUT_MS);
    rc = queue_witness_swap(api->redis, &witness, ours, NULL, &done, &ignored);
    (void)rc; /* it is over with the post's next version, or after two days */
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
