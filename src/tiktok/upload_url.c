#include "tiktok/upload_url.h"

#include "core/parse.h"
#include "core/text.h"

#include <stdint.h>
#include <string.h>

enum {
    HOST_MAX = 253, /* RFC 1035 */
    HTTP_PORT = 80,
    HTTPS_PORT = 443,
    PORT_MAX = 65535,
};

/* The part of a URL, or of an entry of the list, that decides. */
struct origin {
    bool tls;
    bool suffix; /* an entry ".example.com" */
    bool said_scheme, said_port;
    int64_t port;
    char host[HOST_MAX + 1]; /* lower case; an IPv6 address with its brackets */
};

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* A name or IPv4 address: no empty label, so no ".." and no '.' at either end. */
static bool is_name(const char *host)
{
    size_t label = 0;

    for (const char *p = host; *p != '\0'; p++) {
        if (!is_host_char(*p) || (*p == '.' && label == 0))
            return false;
        label = *p == '.' ? 0 : label + 1;
    }
    return label > 0;
}

static bool is_ipv6(const char *host)
{
    size_t len = strlen(host);

    return len > 4 && host[0] == '[' && host[len - 1] == ']' &&
           strspn(host + 1, "0123456789abcdef:.") == len - 2;
}

static bool take_scheme(const char **p, size_t *len, struct origin *o)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(schemes[i]);

        if (*len >= n && strncasecmp(*p, schemes[i], n) == 0) {
            o->tls = i == 1;
            o->said_scheme = true;
            *p += n;
            *len -= n;
            return true;
        }
    }
    return false;
}

/* Reads "host" or "host:port" of len bytes. */
static bool read_authority(const char *p, size_t len, struct origin *o)
{
    const char *bracket = memchr(p, ']', len);
    const char *from = bracket != NULL ? bracket : p;
    const char *colon = memchr(from, ':', len - (size_t)(from - p));
    size_t host_len = colon != NULL ? (size_t)(colon - p) : len;

    if (host_len == 0 || host_len > HOST_MAX)
        return false;
    for (size_t i = 0; i < host_len; i++)
        o->host[i] = text_lower(p[i]);
    o->host[host_len] = '\0';
    o->port = o->tls ? HTTPS_PORT : HTTP_PORT;
    o->said_port = colon != NULL;
    if (o->said_port &&
        !parse_i64_slice(colon + 1, len - host_len - 1, 1, PORT_MAX, &o->port))
        return false;
    return is_name(o->host) || is_ipv6(o->host);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           text_ends_with(host, ".localhost") ||
           (text_starts_with(host, "127.") &&
            strspn(host, "0123456789.") == strlen(host));
}

/* One entry of the list. */
static bool read_entry(const char *p, size_t len, struct origin *o)
{
    *o = (struct origin){.tls = true};
    o->suffix = p[0] == '.';
    if (o->suffix)
        return read_authority(p + 1, len - 1, o) && !o->said_port &&
               !is_loopback(o->host);
    (void)take_scheme(&p, &len, o);
    return read_authority(p, len, o);
}

/* The address an upload would go to; false unless the URL is of the plain kind we accept:
 * by a userinfo, a backslash or a stray byte a URL says one host and means another. */
static bool read_url(const char *url, struct origin *o)
{
    const char *p = url;
    size_t len = strlen(url);
    size_t authority;

    *o = (struct origin){0};
    for (size_t i = 0; i < len; i++)
        if (url[i] <= ' ' || url[i] >= 0x7f || strchr("\\#<>\"", url[i]) != NULL)
            return false;
    if (!take_scheme(&p, &len, o))
        return false;
    authority = strcspn(p, "/?");
    return memchr(p, '@', authority) == NULL && read_authority(p, authority, o);
}

/* A name strictly below the suffix. */
static bool is_below(const char *host, const char *suffix)
{
    size_t host_len = strlen(host);
    size_t len = strlen(suffix);

    return host_len > len + 1 && host[host_len - len - 1] == '.' &&
           strcmp(host + host_len - len, suffix) == 0;
}

/* True for an origin of the operator's own: this machine, or without TLS. */
static bool lifts(const struct origin *entry)
{
    return !entry->suffix && (is_loopback(entry->host) || !entry->tls);
}

/* True when the entry lets an upload go to the URL; *lifted as in the header. */
static bool allows(const struct origin *entry, const struct origin *url, bool *lifted)
{
    bool local = is_loopback(entry->host);
    bool any_scheme = local && !entry->said_scheme;

    if (entry->suffix) {
        *lifted = false;
        return url->tls && url->port == HTTPS_PORT && is_below(url->host, entry->host);
    }
    *lifted = lifts(entry);
    if (strcmp(entry->host, url->host) != 0)
        return false;
    if (local && !entry->said_port)
        return any_scheme || entry->tls == url->tls;
    return entry->port == url->port && (any_scheme || entry->tls == url->tls);
}

/* The entry at *list: its length without blanks, 0 at the end. *list is moved to it. */
static size_t entry_at(const char **list)
{
    *list += strspn(*list, ", ");
    return strcspn(*list, ", ");
}

static enum rc refuse(struct err *err, const char *rule)
{
    return err_set(err, RC_REJECTED, "upload_url_refused",
                   "TikTok named an upload address that is not used: %s", rule);
}

enum rc tiktok_upload_url_check(const char *url, const char *hosts, bool *lifted,
                                struct err *err)
{
    struct origin target;

    if (strlen(url) > TIKTOK_UPLOAD_URL_MAX)
        return refuse(err, "it is too long");
    if (!read_url(url, &target))
        return refuse(err, "it is not a plain web address");
    for (size_t n = entry_at(&hosts); n > 0; hosts += n, n = entry_at(&hosts)) {
        struct origin entry;
        bool own;

        if (read_entry(hosts, n, &entry) && allows(&entry, &target, &own)) {
            if (lifted != NULL)
                *lifted = own;
            return RC_OK;
        }
    }
    return refuse(err, target.tls ? "its host is not in TIKTOK_UPLOAD_HOSTS"
                                  : "it is not https, or its host is not in "
                                    "TIKTOK_UPLOAD_HOSTS");
}

enum rc tiktok_upload_hosts_check(const char *hosts, struct err *err)
{
    size_t entries = 0;

    for (size_t n = entry_at(&hosts); n > 0; hosts += n, n = entry_at(&hosts)) {
        struct origin entry;

        entries++;
        if (!read_entry(hosts, n, &entry))
            return err_set(
                err, RC_INVALID, "bad_upload_hosts",
                "entry %zu is not .domain, host, host:port or http://host:port", entries);
    }
    if (entries == 0)
        return err_set(err, RC_INVALID, "bad_upload_hosts", "the list is empty");
    return RC_OK;
}

bool tiktok_upload_hosts_lift(const char *hosts)
{
    for (size_t n = entry_at(&hosts); n > 0; hosts += n, n = entry_at(&hosts)) {
        struct origin entry;

        if (read_entry(hosts, n, &entry) && lifts(&entry))
            return true;
    }
    return false;
}
