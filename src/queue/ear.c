/* The listening half of queue.h: a subscription read without ever waiting for it. */
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "queue/queue.h"
#include "redis_conn.h"

#include <poll.h>
#include <string.h>

struct queue_ear {
    struct redis_url url;
    redisContext *context; /* NULL while closed */
    int deadline_ms;       /* of opening it */
    uint64_t nudges[QUEUE_NUDGES_MAX];
    size_t nudges_len;
};

enum rc queue_ear_new(const char *url, struct queue_ear **out, struct err *err)
{
    struct queue_ear *ear = xcalloc(1, sizeof(*ear));
    enum rc rc = redis_url_parse(url, &ear->url, err);

    if (rc != RC_OK) {
        free(ear);
        return rc;
    }
    ear->deadline_ms = REDIS_TIMEOUT_MS;
    *out = ear;
    return RC_OK;
}

void queue_ear_set_deadline(struct queue_ear *ear, int timeout_ms)
{
    ear->deadline_ms = timeout_ms;
}

static void hang_up(struct queue_ear *ear)
{
    if (ear->context != NULL)
        redisFree(ear->context);
    ear->context = NULL;
}

void queue_ear_free(struct queue_ear *ear)
{
    if (ear == NULL)
        return;
    hang_up(ear);
    redis_url_release(&ear->url);
    free(ear);
}

static bool subscribe(redisContext *c, const char *verb, const char *channels)
{
    const char *argv[] = {verb, channels};
    redisReply *reply = (redisReply *)redisCommandArgv(c, 2, argv, NULL);
    bool ok = reply != NULL && reply->type != REDIS_REPLY_ERROR;

    if (reply != NULL)
        freeReplyObject(reply);
    return ok;
}

enum rc queue_ear_open(struct queue_ear *ear, struct err *err)
{
    enum rc rc;

    if (ear->context != NULL)
        return RC_OK;
    rc = redis_conn_open(&ear->url, ear->deadline_ms, &ear->context, err);
    if (rc != RC_OK)
        return rc;
    if (subscribe(ear->context, "SUBSCRIBE", "tts:tasks") &&
        subscribe(ear->context, "SUBSCRIBE", "tts:hooks") &&
        subscribe(ear->context, "SUBSCRIBE", "tts:nudge") &&
        subscribe(ear->context, "PSUBSCRIBE", "{*}:A"))
        return RC_OK;
    hang_up(ear);
    return err_set(err, RC_UNAVAILABLE, "redis_away", "Redis refuses to be listened to.");
}

int queue_ear_fd(const struct queue_ear *ear)
{
    return ear->context != NULL ? ear->context->fd : -1;
}

static void note_nudge(struct queue_ear *ear, const redisReply *word)
{
    uint64_t post_id = 0;

    if (word->type == REDIS_REPLY_STRING && parse_id(word->str, &post_id) &&
        ear->nudges_len < QUEUE_NUDGES_MAX)
        ear->nudges[ear->nudges_len++] = post_id;
}

/* What one pushed message says: its channel is the element before the last. */
static unsigned meaning(struct queue_ear *ear, const redisReply *message)
{
    const redisReply *channel;

    if (message->type != REDIS_REPLY_ARRAY || message->elements < 3)
        return 0;
    channel = message->element[message->elements - 2];
    if (channel->type != REDIS_REPLY_STRING)
        return 0;
    if (strcmp(channel->str, "tts:tasks") == 0)
        return QUEUE_HEARD_TASK;
    if (strcmp(channel->str, "tts:hooks") == 0)
        return QUEUE_HEARD_HOOK;
    if (strcmp(channel->str, "tts:nudge") != 0)
        return QUEUE_HEARD_POST;
    note_nudge(ear, message->element[message->elements - 1]);
    return QUEUE_HEARD_NUDGE;
}

/* True when the socket has something to read, or has ended. */
static bool readable(const redisContext *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

unsigned queue_ear_listen(struct queue_ear *ear)
{
    unsigned heard = 0;

    ear->nudges_len = 0;
    while (ear->context != NULL && readable(ear->context)) {
        void *message = NULL;

        if (redisBufferRead(ear->context) != REDIS_OK) {
            hang_up(ear);
            break;
        }
        while (redisGetReplyFromReader(ear->context, &message) == REDIS_OK &&
               message != NULL) {
            heard |= meaning(ear, (const redisReply *)message);
            freeReplyObject(message);
            message = NULL;
        }
    }
    return heard;
}

size_t queue_ear_nudges(const struct queue_ear *ear, const uint64_t **post_ids)
{
    *post_ids = ear->nudges;
    return ear->nudges_len;
}
