#include "ear.h"

#include "../errands/errands.h"
#include "../errands/hooks.h"
#include "../run/run.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "intake.h"
#include "queue/queue.h"

enum { CHECK_MS = 1000 }; /* whether it is still open */

struct ear {
    struct pool_work work; /* first, so that the work is the ear */
    struct publisher *p;
    struct timer timer;
    struct queue_ear *queue;
    bool opening; /* on a thread: hands off */
    bool open;
};

static void open_ear(struct pool_work *w, UNUSED const struct pool_kit *kit)
{
    struct ear *ear = (struct ear *)(void *)w;
    struct err ignored; /* that Redis is away is said by the intake */

    ear->open = queue_ear_open(ear->queue, &ignored) == RC_OK;
}

static void set_timer(struct ear *ear, int64_t after_ms)
{
    timer_set(&ear->p->timers, &ear->timer, publisher_mono_ms() + after_ms);
}

/* What was said while nobody listened is made up for by a look. */
static void opened(struct pool_work *w)
{
    struct ear *ear = (struct ear *)(void *)w;

    ear->opening = false;
    set_timer(ear, CHECK_MS);
    if (!ear->open || ear->p->stopping)
        return;
    log_debug("ear.opened", "%s", "");
    intake_wake(ear->p->intake);
    errands_wake(ear->p->errands);
    hooks_wake(ear->p->hooks);
}

static void on_timer(void *arg)
{
    struct ear *ear = (struct ear *)arg;

    if (ear->p->stopping)
        return;
    if (queue_ear_fd(ear->queue) >= 0) {
        set_timer(ear, CHECK_MS);
        return;
    }
    ear->opening = true;
    ear->work.run = open_ear;
    ear->work.done = opened;
    pool_submit(ear->p->store, &ear->work);
}

int ear_fd(const struct ear *ear)
{
    return ear->opening ? -1 : queue_ear_fd(ear->queue);
}

/* Another process has read a webhook about posts that may be in our hands. */
static void nudge(const struct ear *ear)
{
    const uint64_t *post_ids;
    size_t n = queue_ear_nudges(ear->queue, &post_ids);

    for (size_t i = 0; i < n; i++)
        run_nudge(ear->p, post_ids[i]);
}

void ear_listen(struct ear *ear)
{
    unsigned heard;

    if (ear->opening || ear->p->stopping)
        return;
    heard = queue_ear_listen(ear->queue);
    if ((heard & (unsigned)QUEUE_HEARD_POST) != 0)
        intake_wake(ear->p->intake);
    if ((heard & (unsigned)QUEUE_HEARD_TASK) != 0)
        errands_wake(ear->p->errands);
    if ((heard & (unsigned)QUEUE_HEARD_HOOK) != 0)
        hooks_wake(ear->p->hooks);
    if ((heard & (unsigned)QUEUE_HEARD_NUDGE) != 0)
        nudge(ear);
}

enum rc ear_new(struct publisher *p, struct ear **out, struct err *err)
{
    struct ear *ear = xcalloc(1, sizeof(*ear));
    enum rc rc = queue_ear_new(p->settings->redis_url, &ear->queue, err);

    if (rc != RC_OK) {
        free(ear);
        return rc;
    }
    ear->p = p;
    ear->timer.fire = on_timer;
    ear->timer.arg = ear;
    set_timer(ear, 0);
    *out = ear;
    return RC_OK;
}

void ear_free(struct ear *ear)
{
    if (ear == NULL)
        return;
    queue_ear_free(ear->queue);
    free(ear);
}
