#include "redis_conn.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/time.h>

static struct timeval span(int timeout_ms)
{
    return (struct timeval){.tv_sec = timeout_ms / 1000,
                            .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
}

bool redis_conn_deadline(redisContext *c, int timeout_ms)
{
    return redisSetTimeout(c, span(timeout_ms)) == REDIS_OK;
}

/* Redis's answer to a command that must say OK. */
static bool said_ok(redisContext *c, int argc, const char **argv)
{
    redisReply *reply = (redisReply *)redisCommandArgv(c, argc, argv, NULL);
    bool ok = reply != NULL && reply->type == REDIS_REPLY_STATUS;

    if (reply != NULL)
        freeReplyObject(reply);
    return ok;
}

static bool sign_in(redisContext *c, const struct redis_url *url)
{
    const char *with_user[] = {"AUTH", url->user, url->password};
    const char *without[] = {"AUTH", url->password};

    if (url->password == NULL)
        return true;
    return url->user != NULL ? said_ok(c, 3, with_user) : said_ok(c, 2, without);
}

static bool select_db(redisContext *c, const struct redis_url *url)
{
    char db[24];
    const char *command[] = {"SELECT", db};

    if (url->db == 0)
        return true;
    (void)snprintf(db, sizeof(db), "%" PRId64, url->db);
    return said_ok(c, 2, command);
}

enum rc redis_conn_open(const struct redis_url *url, int timeout_ms, redisContext **out,
                        struct err *err)
{
    redisContext *c =
        url->path != NULL
            ? redisConnectUnixWithTimeout(url->path, span(timeout_ms))
            : redisConnectWithTimeout(url->host, (int)url->port, span(timeout_ms));

    if (c == NULL || c->err != 0)
        goto fail;
    (void)fcntl(c->fd, F_SETFD, FD_CLOEXEC);
    if (!redis_conn_deadline(c, timeout_ms) || !sign_in(c, url) || !select_db(c, url))
        goto fail;
    *out = c;
    return RC_OK;
fail:
    if (c != NULL)
        redisFree(c);
    return err_set(err, RC_UNAVAILABLE, "redis_away", "Redis does not answer.");
}
