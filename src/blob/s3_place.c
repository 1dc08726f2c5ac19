/* MEDIA_URL of an object store, read. */
#include "core/encode.h"
#include "core/text.h"
#include "net/url.h"
#include "s3.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = 512 };

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define PLAIN LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-"

static enum rc bad(struct err *err, const char *msg)
{
    return err_field(err, "MEDIA_URL", "bad_media_url", "%s", msg);
}

/* The bucket: 3 to 63 of [a-z0-9.-], so that it stands in a path as it is. */
static enum rc take_bucket(const char **at, struct s3_place *p, struct err *err)
{
    size_t len = strcspn(*at, "/?");

    if (len < 3 || len >= S3_BUCKET_SIZE || strspn(*at, LOWER ".-") < len ||
        (*at)[0] == '.' || (*at)[0] == '-' || strstr(*at, "..") != NULL)
        return bad(err, "names no bucket: s3://bucket/prefix?endpoint=https://host");
    (void)snprintf(p->bucket, sizeof(p->bucket), "%.*s", (int)len, *at);
    *at += len;
    return RC_OK;
}

/* Words of plain characters with '/' between; kept with one '/' at the end. */
static enum rc take_prefix(const char **at, struct s3_place *p, struct err *err)
{
    size_t used = 0;

    while (**at == '/') {
        const char *word = *at + 1;
        size_t len = strcspn(word, "/?");

        *at = word + len;
        if (len == 0 && **at != '/')
            return RC_OK; /* one '/' at the end */
        if (len == 0 || word[0] == '.' || strspn(word, PLAIN) < len ||
            used + len + 2 > sizeof(p->prefix))
            return bad(err, "has a prefix that is not words of letters, digits, dots, "
                            "dashes and '/' between, or a long one");
        used += (size_t)snprintf(p->prefix + used, sizeof(p->prefix) - used, "%.*s/",
                                 (int)len, word);
    }
    return RC_OK;
}

struct options {
    char endpoint[VALUE_MAX];
    char insecure[8];
};

static bool keep_option(const char *name, const struct strbuf *value, struct s3_place *p,
                        struct options *o)
{
    if (strcmp(name, "endpoint") == 0)
        text_copy(o->endpoint, sizeof(o->endpoint), value->buf);
    else if (strcmp(name, "insecure") == 0)
        text_copy(o->insecure, sizeof(o->insecure), value->buf);
    else if (strcmp(name, "region") == 0 && value->len < sizeof(p->region) &&
             strspn(value->buf, PLAIN) == value->len)
        text_copy(p->region, sizeof(p->region), value->buf);
    else
        return false;
    return true;
}

/* One "name=value" of len characters, the value percent-encoded or not. */
static bool take_option(const char *text, size_t len, struct s3_place *p,
                        struct options *o)
{
    const char *equals = memchr(text, '=', len);
    char name[16] = "";
    struct strbuf value;
    bool good;

    if (equals == NULL || equals - text >= (ptrdiff_t)sizeof(name))
        return false;
    (void)memcpy(name, text, (size_t)(equals - text));
    strbuf_init(&value, VALUE_MAX - 1);
    good = percent_decode(&value, equals + 1, (size_t)(text + len - equals - 1), false) &&
           !strbuf_failed(&value) && value.len > 0 && keep_option(name, &value, p, o);
    strbuf_release(&value);
    return good;
}

static enum rc take_options(const char *at, struct s3_place *p, struct options *o,
                            struct err *err)
{
    while (*at != '\0') {
        size_t len = strcspn(++at, "&");

        if (!take_option(at, len, p, o))
            return bad(err, "has an option that is not endpoint=, region= or insecure=");
        at += len;
    }
    return RC_OK;
}

/* Host and origin, written as libcurl and nginx write the Host header. */
static void keep_origin(const struct url_origin *o, struct s3_place *p)
{
    int own = strcmp(o->scheme, "https") == 0 ? 443 : 80;

    if (o->port == own)
        text_copy(p->host, sizeof(p->host), o->host);
    else
        (void)snprintf(p->host, sizeof(p->host), "%s:%d", o->host, o->port);
    (void)snprintf(p->origin, sizeof(p->origin), "%s://%s", o->scheme, p->host);
}

static bool this_machine(const char *host)
{
    return strcmp(host, "localhost") == 0 || text_starts_with(host, "127.") ||
           strcmp(host, "[::1]") == 0;
}

static enum rc take_endpoint(const struct options *o, struct s3_place *p, struct err *err)
{
    const char *rest = strstr(o->endpoint, "://");
    struct url_origin origin;

    if (url_origin(o->endpoint, &origin, err) != RC_OK || rest == NULL ||
        (rest[3 + strcspn(rest + 3, "/?")] != '\0' &&
         strcmp(rest + 3 + strcspn(rest + 3, "/?"), "/") != 0))
        return bad(err, "has an endpoint that is not https://host or https://host:port");
    if (o->insecure[0] != '\0' && strcmp(o->insecure, "yes") != 0)
        return bad(err, "may say insecure=yes, and nothing else of insecure=");
    if (strcmp(origin.scheme, "http") == 0 && !this_machine(origin.host) &&
        o->insecure[0] == '\0')
        return bad(err, "has an http endpoint: use https, or add insecure=yes where the "
                        "network between is yours");
    keep_origin(&origin, p);
    return RC_OK;
}

enum rc s3_place_parse(const char *url, struct s3_place *out, struct err *err)
{
    struct s3_place p = {.region = "us-east-1"};
    struct options o = {.endpoint = ""};
    const char *at = url + strlen(S3_SCHEME);
    enum rc rc = take_bucket(&at, &p, err);

    if (rc == RC_OK)
        rc = take_prefix(&at, &p, err);
    if (rc == RC_OK)
        rc = take_options(at, &p, &o, err);
    if (rc == RC_OK && o.endpoint[0] == '\0')
        (void)snprintf(o.endpoint, sizeof(o.endpoint), "https://s3.%s.amazonaws.com",
                       p.region);
    if (rc == RC_OK)
        rc = take_endpoint(&o, &p, err);
    if (rc == RC_OK)
        *out = p;
    return rc;
}

void s3_path(const struct s3_place *p, const char *name, char out[S3_PATH_SIZE])
{
    if (name == NULL)
        (void)snprintf(out, S3_PATH_SIZE, "/%s", p->bucket);
    else
        (void)snprintf(out, S3_PATH_SIZE, "/%s/%s%s", p->bucket, p->prefix, name);
}
