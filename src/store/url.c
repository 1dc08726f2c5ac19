#include "url.h"

#include "core/encode.h"
#include "core/parse.h"
#include "core/strbuf.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <stdbool.h>
#include <string.h>

enum { PORT_DEFAULT = 3306, PART_MAX = 1024 };

/* A slice of the URL. */
struct part {
    const char *p;
    size_t len;
};

static enum rc bad(struct err *err)
{
    return err_set(err, RC_INVALID, "bad_database_url",
                   "The database URL must look like mysql://user:password@host:3306/name"
                   " or mysql://user:password@localhost/name?socket=/path.");
}

/* Cuts what stands before the first c off; all of it when there is no c. *found says
 * whether there was one. */
static struct part cut(struct part *rest, char c, bool *found)
{
    const char *at = memchr(rest->p, c, rest->len);
    struct part before = {rest->p, at != NULL ? (size_t)(at - rest->p) : rest->len};
    size_t used = before.len + (at != NULL ? 1 : 0);

    *found = at != NULL;
    rest->p += used;
    rest->len -= used;
    return before;
}

static bool decode(struct part part, char **out)
{
    struct strbuf sb;
    bool good;

    strbuf_init(&sb, PART_MAX);
    good = percent_decode(&sb, part.p, part.len, false) && !strbuf_failed(&sb);
    if (good) {
        free(*out);
        *out = xmemdupz(sb.buf, sb.len);
    }
    strbuf_wipe(&sb);
    return good;
}

/* "user:password" */
static bool read_user(struct part part, struct db_url *out)
{
    bool colon = false;
    struct part user = cut(&part, ':', &colon);

    return decode(user, &out->user) && decode(part, &out->password);
}

/* "host", "host:port", "[v6]" or "[v6]:port" */
static bool read_host(struct part part, struct db_url *out)
{
    struct part host;
    int64_t port = PORT_DEFAULT;
    bool found = false;

    if (part.len > 0 && part.p[0] == '[') {
        part.p++;
        part.len--;
        host = cut(&part, ']', &found);
        if (!found || (part.len > 0 && part.p[0] != ':'))
            return false;
        found = part.len > 0;
        part.p += found ? 1 : 0;
        part.len -= found ? 1 : 0;
    } else {
        host = cut(&part, ':', &found);
    }
    if (found && !parse_i64_slice(part.p, part.len, 1, 65535, &port))
        return false;
    out->port = (unsigned)port;
    /* A password with a bare '@' must not become part of a host name. */
    return host.len > 0 && memchr(host.p, '@', host.len) == NULL &&
           decode(host, &out->host);
}

/* "socket=/path&tls_ca=/path" */
static bool read_options(struct part rest, struct db_url *out)
{
    while (rest.len > 0) {
        bool more = false, equals = false;
        struct part value = cut(&rest, '&', &more);
        struct part name = cut(&value, '=', &equals);
        char **to = NULL;

        if (name.len == 6 && memcmp(name.p, "socket", 6) == 0)
            to = &out->socket;
        else if (name.len == 6 && memcmp(name.p, "tls_ca", 6) == 0)
            to = &out->tls_ca;
        if (to == NULL || *to != NULL || !decode(value, to) || (*to)[0] != '/')
            return false;
    }
    return true;
}

/* What follows "mysql://". */
static bool read_all(const char *text, struct db_url *out)
{
    struct part rest = {text, strlen(text)};
    bool query = false, slash = false, at = false;
    struct part path = cut(&rest, '?', &query);
    struct part authority = cut(&path, '/', &slash);
    struct part user = cut(&authority, '@', &at);

    if (!slash || path.len == 0 || !at)
        return false;
    if (!read_user(user, out) || !read_host(authority, out) ||
        !decode(path, &out->database) || !read_options(rest, out))
        return false;
    if (out->socket != NULL)
        out->port = 0;
    return true;
}

enum rc db_url_parse(const char *url, struct db_url *out, struct err *err)
{
    static const char scheme[] = "mysql://";
    struct db_url parsed = {0};

    if (!text_starts_with(url, scheme) || !read_all(url + sizeof(scheme) - 1, &parsed)) {
        db_url_release(&parsed);
        return bad(err);
    }
    *out = parsed;
    return RC_OK;
}

void db_url_release(struct db_url *url)
{
    if (url->password != NULL)
        explicit_bzero(url->password, strlen(url->password));
    free(url->user);
    free(url->password);
    free(url->host);
    free(url->socket);
    free(url->database);
    free(url->tls_ca);
    *url = (struct db_url){0};
}
