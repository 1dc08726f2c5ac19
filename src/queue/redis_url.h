/* queue/redis_url.h - where a Redis lives, from one setting. */
#ifndef QUEUE_REDIS_URL_H
#define QUEUE_REDIS_URL_H

#include "core/err.h"

#include <stdint.h>

/* Either path (a Unix socket) or host is set. user and password are NULL when absent;
 * db is 0 by default. The caller frees with redis_url_release(). */
struct redis_url {
    char *path;
    char *host;
    char *user;
    char *password;
    int64_t port;
    int64_t db;
};

/* "redis://[user:password@]host[:port][/db]", with user and password percent-encoded and
 * an IPv6 address in brackets, or "unix:///path[?db=n]". RC_INVALID: something else. */
enum rc redis_url_parse(const char *url, struct redis_url *out,
                        struct err *err) MUST_CHECK;

/* The password is overwritten first. */
void redis_url_release(struct redis_url *url);

#endif
