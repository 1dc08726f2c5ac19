#include "queue/redis.h"

#include "core/clock.h"
#include "core/parse.h"
#include "core/xalloc.h"
#include "queue/scripts.h"
#include "redis_conn.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct redis {
    struct redis_url url;
    redisContext *context; /* NULL while closed */
    int deadline_ms;       /* of redis_eval() */
    int patience_ms;       /* no deadline is shorter */
    int64_t hold_until_ms; /* monotonic: no new connect before this */
};

/* struct redis_reply is hiredis's own reply, seen from outside as opaque. */
static const redisReply *inner(const struct redis_reply *reply)
{
    return (const redisReply *)(const void *)reply;
}

struct redis_arg redis_str(const char *s)
{
    return (struct redis_arg){.data = s, .len = strlen(s)};
}

/* hiredis writes to a socket that may be closed at the other end. */
static void ignore_sigpipe(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)signal(SIGPIPE, SIG_IGN);
}

enum rc redis_new(const char *url, struct redis **out, struct err *err)
{
    struct redis *r = xcalloc(1, sizeof(*r));
    enum rc rc = redis_url_parse(url, &r->url, err);

    if (rc != RC_OK) {
        free(r);
        return rc;
    }
    r->deadline_ms = REDIS_TIMEOUT_MS;
    ignore_sigpipe();
    *out = r;
    return RC_OK;
}

enum rc redis_url_check(const char *url, struct err *err)
{
    struct redis *r = NULL;
    enum rc rc = redis_new(url, &r, err);

    redis_free(r);
    return rc;
}

static void drop(struct redis *r)
{
    if (r->context != NULL)
        redisFree(r->context);
    r->context = NULL;
}

void redis_free(struct redis *r)
{
    if (r == NULL)
        return;
    drop(r);
    redis_url_release(&r->url);
    free(r);
}

void redis_set_deadline(struct redis *r, int timeout_ms)
{
    r->deadline_ms = timeout_ms;
}

void redis_set_patience(struct redis *r, int at_least_ms)
{
    r->patience_ms = at_least_ms;
}

static enum rc away(struct err *err)
{
    return err_set(err, RC_UNAVAILABLE, "redis_away", "Redis does not answer.");
}

static enum rc ready(struct redis *r, int timeout_ms, struct err *err)
{
    int64_t now = clock_mono_ms(clock_system());

    if (timeout_ms < r->patience_ms)
        timeout_ms = r->patience_ms;
    if (r->context == NULL) {
        enum rc rc;

        if (now < r->hold_until_ms)
            return away(err);
        rc = redis_conn_open(&r->url, timeout_ms, &r->context, err);
        if (rc != RC_OK)
            r->hold_until_ms = now + REDIS_HOLD_MS;
        return rc;
    }
    if (redis_conn_deadline(r->context, timeout_ms))
        return RC_OK;
    drop(r);
    return away(err);
}

/* Redis's own complaint: its first word is the code, the rest may hold our data. */
static enum rc refused(const redisReply *reply, struct err *err)
{
    int word = (int)strcspn(reply->str, " ");

    return err_set(err, RC_REJECTED, "redis_refused", "%.*s", word, reply->str);
}

/* It is no longer the one to talk to, or not yet: whoever connects anew may meet another.
 */
static bool is_no_master(const char *word)
{
    return strcmp(word, "READONLY") == 0 || strcmp(word, "LOADING") == 0 ||
           strcmp(word, "MASTERDOWN") == 0;
}

static enum rc exchange(struct redis *r, const struct redis_arg *args, size_t n,
                        redisReply **out)
{
    const char *argv[REDIS_ARGS_MAX];
    size_t lens[REDIS_ARGS_MAX];

    for (size_t i = 0; i < n; i++) {
        argv[i] = (const char *)args[i].data;
        lens[i] = args[i].len;
    }
    *out = (redisReply *)redisCommandArgv(r->context, (int)n, argv, lens);
    return *out != NULL ? RC_OK : RC_UNAVAILABLE;
}

/* True when the other end had hung up, rather than taking too long. */
static bool was_closed(const redisContext *c, int error)
{
    return c->err == REDIS_ERR_EOF ||
           (c->err == REDIS_ERR_IO && (error == EPIPE || error == ECONNRESET));
}

enum rc redis_command(struct redis *r, const struct redis_arg *args, size_t n,
                      int timeout_ms, struct redis_reply **out, struct err *err)
{
    redisReply *reply = NULL;
    bool fresh = r->context == NULL;
    enum rc rc;

    if (n == 0 || n > REDIS_ARGS_MAX)
        return err_set(err, RC_BUG, "redis_args", "%zu arguments for one command", n);
    rc = ready(r, timeout_ms, err);
    if (rc != RC_OK)
        return rc;
    assert(r->context != NULL); /* as ready() leaves it */
    rc = exchange(r, args, n, &reply);
    if (rc != RC_OK && !fresh && was_closed(r->context, errno)) {
        /* Redis closed an idle connection, or was restarted: nothing was executed on a
         * socket that was already dead, and our commands bear repetition. */
        drop(r);
        rc = ready(r, timeout_ms, err);
        if (rc == RC_OK)
            rc = exchange(r, args, n, &reply);
    }
    if (rc != RC_OK) {
        drop(r);
        return away(err);
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        rc = refused(reply, err);
        freeReplyObject(reply);
        if (!is_no_master(err->msg))
            return rc;
        drop(r);
        return away(err);
    }
    *out = (struct redis_reply *)(void *)reply;
    return RC_OK;
}

void redis_reply_free(struct redis_reply *reply)
{
    if (reply != NULL)
        freeReplyObject((redisReply *)(void *)reply);
}

int64_t redis_reply_int(const struct redis_reply *reply)
{
    const redisReply *in = inner(reply);
    int64_t n = 0;

    if (in == NULL)
        return 0;
    if (in->type == REDIS_REPLY_INTEGER)
        return (int64_t)in->integer;
    if (in->type == REDIS_REPLY_STRING &&
        parse_i64_slice(in->str, (size_t)in->len, INT64_MIN, INT64_MAX, &n))
        return n;
    return 0;
}

const char *redis_reply_text(const struct redis_reply *reply, size_t *len)
{
    const redisReply *in = inner(reply);
    bool text =
        in != NULL && (in->type == REDIS_REPLY_STRING || in->type == REDIS_REPLY_STATUS);

    if (len != NULL)
        *len = text ? (size_t)in->len : 0;
    return text ? in->str : NULL;
}

size_t redis_reply_items(const struct redis_reply *reply)
{
    const redisReply *in = inner(reply);

    return in != NULL && in->type == REDIS_REPLY_ARRAY ? (size_t)in->elements : 0;
}

const struct redis_reply *redis_reply_item(const struct redis_reply *reply, size_t i)
{
    if (i >= redis_reply_items(reply))
        return NULL;
    return (const struct redis_reply *)(const void *)inner(reply)->element[i];
}

enum rc redis_eval(struct redis *r, const struct redis_script *script,
                   struct redis_args args, struct redis_reply **out, struct err *err)
{
    struct redis_arg all[REDIS_ARGS_MAX];
    char count[24];
    enum rc rc;

    if (args.n + 3 > REDIS_ARGS_MAX || args.keys > args.n)
        return err_set(err, RC_BUG, "redis_args", "%zu arguments for a script", args.n);
    (void)snprintf(count, sizeof(count), "%zu", args.keys);
    all[0] = redis_str("EVALSHA");
    all[1] = redis_str(script->sha1);
    all[2] = redis_str(count);
    (void)memcpy(&all[3], args.args, args.n * sizeof(args.args[0]));
    rc = redis_command(r, all, args.n + 3, r->deadline_ms, out, err);
    if (rc != RC_REJECTED || strcmp(err->msg, "NOSCRIPT") != 0)
        return rc;
    all[0] = redis_str("EVAL");
    all[1] = redis_str(script->text);
    return redis_command(r, all, args.n + 3, r->deadline_ms, out, err);
}

/* redis_eval() for a counter, whose one key comes first, with the caller's own
 * deadline. */
static enum rc eval_counter(struct redis *r, const struct redis_script *script,
                            struct redis_args args, int timeout_ms,
                            struct redis_reply **out, struct err *err)
{
    int usual = r->deadline_ms;
    enum rc rc;

    r->deadline_ms = timeout_ms;
    rc = redis_eval(r, script, args, out, err);
    r->deadline_ms = usual;
    return rc;
}

enum rc redis_count(struct redis *r, const char *key, int64_t ttl_ms, int timeout_ms,
                    int64_t *count, struct err *err)
{
    char ttl[24];
    struct redis_arg args[] = {redis_str(key), {ttl, 0}};
    struct redis_reply *reply = NULL;
    enum rc rc;

    (void)snprintf(ttl, sizeof(ttl), "%" PRId64, ttl_ms);
    args[1].len = strlen(ttl);
    rc = eval_counter(r, &script_count, (struct redis_args){args, 2, 1}, timeout_ms,
                      &reply, err);
    if (rc == RC_OK)
        *count = redis_reply_int(reply);
    redis_reply_free(reply);
    return rc;
}

enum rc redis_counted(struct redis *r, const char *key, int timeout_ms, int64_t *count,
                      int64_t *left_ms, struct err *err)
{
    struct redis_arg args[] = {redis_str(key)};
    struct redis_reply *reply = NULL;
    enum rc rc = eval_counter(r, &script_counted, (struct redis_args){args, 1, 1},
                              timeout_ms, &reply, err);

    if (rc == RC_OK) {
        *count = redis_reply_int(redis_reply_item(reply, 0));
        *left_ms = redis_reply_int(redis_reply_item(reply, 1));
    }
    redis_reply_free(reply);
    return rc;
}

enum rc redis_delete(struct redis *r, const char *key, int timeout_ms, struct err *err)
{
    struct redis_arg args[] = {redis_str("DEL"), redis_str(key)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_command(r, args, ARRAY_LEN(args), timeout_ms, &reply, err);

    redis_reply_free(reply);
    return rc;
}

enum rc redis_ping(struct redis *r, int timeout_ms, struct err *err)
{
    struct redis_arg args[] = {redis_str("PING")};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_command(r, args, ARRAY_LEN(args), timeout_ms, &reply, err);

    redis_reply_free(reply);
    return rc;
}
