/* queue/redis.h - one Redis connection that never keeps its caller waiting.
 *
 * The connection is made at the first command and dropped after any error: a timeout, a
 * broken socket, an answer that makes no sense. The next command makes a new one (never
 * redisReconnect(), which forgets its timeouts); after a failed connect the commands of
 * the following REDIS_HOLD_MS fail at once instead of trying again. Every command has its
 * own deadline, connecting included. Works with hiredis 0.14 and 1.x.
 *
 * A struct redis belongs to one thread. Redis holds hints, counters and wake-ups only, so
 * the usual answer to RC_UNAVAILABLE is to go on without it.
 *
 *     struct redis *r;
 *     rc = redis_new("redis://127.0.0.1:6379/0", &r, &err);
 *     rc = redis_count(r, "tts:login:ip:192.0.2.7", 900000, 100, &count, &err);
 *     redis_free(r);
 */
#ifndef QUEUE_REDIS_H
#define QUEUE_REDIS_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

struct redis;
struct redis_reply; /* one answer; read with the functions below */

enum {
    REDIS_TIMEOUT_MS = 500, /* the publisher's deadline for one command */
    REDIS_HOLD_MS = 250,    /* after a failed connect: fail fast for this long */
    REDIS_ARGS_MAX = 64,    /* arguments of one command */
};

/* One argument of a command: bytes, not text. */
struct redis_arg {
    const void *data;
    size_t len;
};

/* An argument from a NUL-terminated string. */
struct redis_arg redis_str(const char *s);

/* url: "redis://[user:password@]host[:port][/db]" or "unix:///path[?db=n]". Connects to
 * nothing yet. From now on the process ignores SIGPIPE, unless it handles it. RC_INVALID:
 * not such a URL. The caller frees *out with redis_free(). */
enum rc redis_new(const char *url, struct redis **out, struct err *err) MUST_CHECK;

/* For a table of settings: what redis_new() would say of url. */
enum rc redis_url_check(const char *url, struct err *err) MUST_CHECK;

/* Closes the connection. NULL is fine. */
void redis_free(struct redis *r);

/* Sends one command of n arguments (1..REDIS_ARGS_MAX) and waits at most timeout_ms (> 0)
 * for its answer, which the caller gives to redis_reply_free(). RC_UNAVAILABLE: Redis did
 * not answer in time (it may have done the work), or became a replica, or still reads its
 * files. RC_REJECTED: Redis answered with an error; err's message begins with its first
 * word, e.g. "NOSCRIPT". */
enum rc redis_command(struct redis *r, const struct redis_arg *args, size_t n,
                      int timeout_ms, struct redis_reply **out,
                      struct err *err) MUST_CHECK;

void redis_reply_free(struct redis_reply *reply); /* NULL is fine */

/* What an answer holds. A nil, or an index past the end, gives 0, NULL and 0 items; an
 * integer sent as text is read as an integer. Texts live as long as the reply. */
int64_t redis_reply_int(const struct redis_reply *reply);
const char *redis_reply_text(const struct redis_reply *reply, size_t *len);
size_t redis_reply_items(const struct redis_reply *reply);
const struct redis_reply *redis_reply_item(const struct redis_reply *reply, size_t i);

/* A Lua script of ours; the build makes these constants from src/queue/scripts. */
struct redis_script {
    const char *name;
    const char *sha1; /* of text, in hex: EVALSHA's name for it */
    const char *text;
};

/* EVALSHA, and EVAL when Redis has forgotten the script. The first keys of the n args are
 * KEYS, the rest ARGV; results as redis_command(). */
struct redis_args {
    const struct redis_arg *args;
    size_t n;
    size_t keys; /* the first ones */
};
enum rc redis_eval(struct redis *r, const struct redis_script *script,
                   struct redis_args args, struct redis_reply **out,
                   struct err *err) MUST_CHECK;

/* The deadline of the following redis_eval() calls, in ms (> 0); REDIS_TIMEOUT_MS at
 * first. */
void redis_set_deadline(struct redis *r, int timeout_ms);

/* From now on no deadline of this connection is shorter than at_least_ms, whatever the
 * callers say: for tests, on a machine that may be busy with other things. */
void redis_set_patience(struct redis *r, int at_least_ms);

/* Adds one to the counter key and gives its new value. A counter lives ttl_ms from its
 * first count. For throttles, e.g. failed sign-ins per address. */
enum rc redis_count(struct redis *r, const char *key, int64_t ttl_ms, int timeout_ms,
                    int64_t *count, struct err *err) MUST_CHECK;

/* The counter's value without counting (0: none) and the ms until it ends. */
enum rc redis_counted(struct redis *r, const char *key, int timeout_ms, int64_t *count,
                      int64_t *left_ms, struct err *err) MUST_CHECK;

/* Removes a key; one that is not there is fine. */
enum rc redis_delete(struct redis *r, const char *key, int timeout_ms,
                     struct err *err) MUST_CHECK;

/* RC_OK when Redis answers PING within timeout_ms. */
enum rc redis_ping(struct redis *r, int timeout_ms, struct err *err) MUST_CHECK;

#endif
