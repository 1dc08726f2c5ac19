#include "redis_url.h"

#include "core/encode.h"
#include "core/parse.h"
#include "core/strbuf.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <stdbool.h>
#include <string.h>

enum { PORT_DEFAULT = 6379, DB_MAX = 1023, PART_MAX = 1024 };

static enum rc bad(struct err *err)
{
    return err_set(err, RC_INVALID, "bad_redis_url",
                   "The Redis URL must look like redis://host:6379/0 or unix:///path.");
}

static char *decode(const char *p, size_t len)
{
    struct strbuf sb;
    char *text = NULL;

    strbuf_init(&sb, PART_MAX);
    if (percent_decode(&sb, p, len, false) && !strbuf_failed(&sb))
        text = strbuf_take(&sb, NULL);
    strbuf_wipe(&sb);
    return text;
}

/* "user:password" or ":password"; len ends before the '@'. */
static bool parse_user(const char *p, size_t len, struct redis_url *out)
{
    const char *colon = memchr(p, ':', len);

    if (colon == NULL)
        return false;
    if (colon > p) {
        out->user = decode(p, (size_t)(colon - p));
        if (out->user == NULL)
            return false;
    }
    out->password = decode(colon + 1, len - (size_t)(colon + 1 - p));
    return out->password != NULL;
}

/* "host", "host:port", "[v6]" or "[v6]:port" */
static bool parse_host(const char *p, size_t len, struct redis_url *out)
{
    const char *host = p;
    size_t host_len;
    const char *rest;

    if (len > 0 && p[0] == '[') {
        const char *close = memchr(p, ']', len);

        if (close == NULL)
            return false;
        host = p + 1;
        host_len = (size_t)(close - host);
        rest = close + 1;
    } else {
        const char *colon = memchr(p, ':', len);

        host_len = colon != NULL ? (size_t)(colon - p) : len;
        rest = p + host_len;
    }
    if (host_len == 0)
        return false;
    out->port = PORT_DEFAULT;
    if (rest < p + len &&
        (rest[0] != ':' ||
         !parse_i64_slice(rest + 1, len - (size_t)(rest + 1 - p), 1, 65535, &out->port)))
        return false;
    out->host = xmemdupz(host, host_len);
    return true;
}

static bool parse_tcp(const char *p, struct redis_url *out)
{
    size_t len = strcspn(p, "/");
    const char *at = memchr(p, '@', len);

    if (p[len] == '/' && p[len + 1] != '\0' &&
        !parse_i64(p + len + 1, 0, DB_MAX, &out->db))
        return false;
    if (at != NULL) {
        if (!parse_user(p, (size_t)(at - p), out))
            return false;
        len -= (size_t)(at + 1 - p);
        p = at + 1;
    }
    return parse_host(p, len, out);
}

static bool parse_unix(const char *p, struct redis_url *out)
{
    size_t len = strcspn(p, "?");

    if (p[0] != '/' || len < 2)
        return false;
    if (p[len] == '?' && (!text_starts_with(p + len, "?db=") ||
                          !parse_i64(p + len + 4, 0, DB_MAX, &out->db)))
        return false;
    out->path = xmemdupz(p, len);
    return true;
}

enum rc redis_url_parse(const char *url, struct redis_url *out, struct err *err)
{
    struct redis_url parsed = {0};
    bool good = false;

    if (text_starts_with(url, "unix://"))
        good = parse_unix(url + 7, &parsed);
    else if (text_starts_with(url, "redis://"))
        good = parse_tcp(url + 8, &parsed);
    if (!good) {
        redis_url_release(&parsed);
        return bad(err);
    }
    *out = parsed;
    return RC_OK;
}

void redis_url_release(struct redis_url *url)
{
    free(url->path);
    free(url->host);
    free(url->user);
    if (url->password != NULL)
        explicit_bzero(url->password, strlen(url->password));
    free(url->password);
    *url = (struct redis_url){0};
}
