#include "ask.h"

#include "queue/queue.h"
#include "store/publishers.h"
#include "web/server.h"

#include <time.h>

enum {
    AGAIN_MS = 5000
}; /* Retry-After: a publisher that was restarted is back by then */

void ask_hint(struct api *api)
{
    struct err ignored;

    if (queue_task_hint(api->redis, &ignored) != RC_OK)
        return; /* Redis is away, or slow: the publisher's own look finds the task */
}

enum rc ask_begin(struct err *err)
{
    if (web_wait_begin(WEB_WAIT_PERSON))
        return RC_OK;
    return err_retry(err, RC_UNAVAILABLE, AGAIN_MS, "too_many_waiting",
                     "Many requests wait for TikTok at the moment. Try again soon.");
}

void ask_end(void)
{
    web_wait_end();
}

static void nap(int ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000L};

    (void)nanosleep(&t, NULL);
}

/* Until there is word of the task, at most a slice. */
static void wait_some(struct api *api, uint64_t task_id)
{
    struct err ignored;
    bool done;

    if (queue_task_wait(api->redis, task_id, ASK_SLICE_MS, &done, &ignored) != RC_OK)
        nap(ASK_POLL_MS);
}

/* What to say when the time is up. A task in the hands of a publisher that has died since
 * is as good as not taken. */
static enum rc tell_away(struct api *api, enum task_state state, struct err *err)
{
    struct err ignored;
    int64_t alive = 1;

    if (state == TASK_RUNNING && publisher_count(api->db, &alive, &ignored) != RC_OK)
        alive = 1;
    if (state == TASK_RUNNING && alive > 0)
        return err_retry(err, RC_UNAVAILABLE, AGAIN_MS, "tiktok_unavailable",
                         "TikTok does not answer. Try again in a moment.");
    return err_retry(err, RC_UNAVAILABLE, AGAIN_MS, "publisher_away",
                     "The publisher, which talks to TikTok, is not running.");
}

static bool has_ended(const struct task_result *result)
{
    return result->state == TASK_DONE || result->state == TASK_FAILED;
}

enum rc ask_wait(struct api *api, uint64_t workspace_id, uint64_t task_id,
                 struct task_result *out, struct err *err)
{
    int64_t until_ms = clock_mono_ms(api->clock) + ASK_WAIT_MS;
    struct task_result result = {0};
    enum rc rc;

    ask_hint(api);
    for (;;) {
        rc = task_result(api->db, workspace_id, task_id, &result, err);
        if (rc != RC_OK)
            return rc;
        if (has_ended(&result)) {
            *out = result;
            return RC_OK;
        }
        if (clock_mono_ms(api->clock) >= until_ms)
            break;
        task_result_release(&result);
        wait_some(api, task_id);
    }
    rc = tell_away(api, result.state, err);
    task_result_release(&result);
    return rc;
}
