#include "queue/media.h"

#include "queue/queue.h"

#define KEY "tts:media"

enum { WAIT_MS = 1000 };

static enum rc send(struct redis *r, const struct redis_arg *args, size_t n,
                    struct err *err)
{
    struct redis_reply *reply = NULL;
    enum rc rc = redis_command(r, args, n, QUEUE_ENQUEUE_BUDGET_MS, &reply, err);

    redis_reply_free(reply);
    return rc;
}

enum rc queue_media_hint(struct redis *r, struct err *err)
{
    const struct redis_arg push[] = {redis_str("LPUSH"), redis_str(KEY), redis_str("1")};
    const struct redis_arg trim[] = {redis_str("LTRIM"), redis_str(KEY), redis_str("0"),
                                     redis_str("15")};
    enum rc rc = send(r, push, ARRAY_LEN(push), err);

    return rc == RC_OK ? send(r, trim, ARRAY_LEN(trim), err) : rc;
}

enum rc queue_media_wait(struct redis *r, bool *hinted, struct err *err)
{
    const struct redis_arg args[] = {redis_str("BLPOP"), redis_str(KEY), redis_str("1")};
    struct redis_reply *reply = NULL;
    enum rc rc =
        redis_command(r, args, ARRAY_LEN(args), WAIT_MS + REDIS_TIMEOUT_MS, &reply, err);

    if (rc == RC_OK)
        *hinted = redis_reply_items(reply) == 2;
    redis_reply_free(reply);
    return rc;
}
