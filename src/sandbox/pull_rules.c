#include "pull_rules.h"

#include "core/text.h"
#include "net/url.h"

#include <string.h>

enum { DOMAIN_MAX = 253, HTTPS_PORT = 443 };

/* --- addresses ----------------------------------------------------------------- */

/* A dot as it is, or percent-encoded; answers its length in bytes, or 0. */
static size_t dot_len(const char *p)
{
    if (*p == '.')
        return 1;
    return p[0] == '%' && p[1] == '2' && text_lower(p[2]) == 'e' ? 3 : 0;
}

/* True for "." and ".." up to the next slash. */
static bool is_step(const char *segment, size_t len)
{
    size_t first = dot_len(segment);
    size_t second;

    if (first == 0 || first > len)
        return false;
    second = first < len ? dot_len(segment + first) : 0;
    return first + second == len;
}

/* A path that leads elsewhere than it says. */
static bool has_steps(const char *url)
{
    const char *end = url + strcspn(url, "?#");
    const char *p = strstr(url, "://");

    if (p == NULL)
        return false;
    for (p = strchr(p + 3, '/'); p != NULL && p < end; p = strchr(p + 1, '/'))
        if (is_step(p + 1, strcspn(p + 1, "/?#")))
            return true;
    return false;
}

/* libcurl takes one slash or three for two. */
static bool has_two_slashes(const char *url)
{
    size_t len = strcspn(url, "/");

    return len > 0 && url[len - 1] == ':' && strspn(url + len, "/") == 2;
}

bool pull_url_usable(const char *url)
{
    struct url_origin origin;
    struct err ignored; /* not usable, for whatever reason */

    return strlen(url) < PULL_URL_SIZE && has_two_slashes(url) &&
           strcspn(url, " \t\r\n\\") == strlen(url) &&
           !text_has_control(url, strlen(url)) && !has_steps(url) &&
           url_origin(url, &origin, &ignored) == RC_OK;
}

/* --- properties ---------------------------------------------------------------- */

static bool is_prefix(const char *entry)
{
    return strstr(entry, "://") != NULL;
}

static bool prefix_good(const char *entry)
{
    return pull_url_usable(entry) && strchr(entry, '?') == NULL &&
           text_ends_with(entry, "/");
}

static bool label_good(const char *p, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

    return len > 0 && len <= 63 && strspn(p, letters) >= len && p[0] != '-' &&
           p[len - 1] != '-';
}

/* Labels with dots between, two at least; the last is no number, for that would be an
 * address. */
static bool domain_good(const char *entry)
{
    const char *p = entry;
    const char *dot;

    if (strlen(entry) > DOMAIN_MAX)
        return false;
    for (; (dot = strchr(p, '.')) != NULL; p = dot + 1)
        if (!label_good(p, (size_t)(dot - p)))
            return false;
    return p != entry && label_good(p, strlen(p)) && strspn(p, "0123456789") != strlen(p);
}

/* Takes the next entry off the list; false after the last. */
static bool next_entry(const char **list, char entry[PULL_URL_SIZE])
{
    size_t len;

    if (**list == '\0')
        return false;
    len = strcspn(*list, ",");
    text_copy(entry, len < PULL_URL_SIZE ? len + 1 : PULL_URL_SIZE, *list);
    *list += len + ((*list)[len] == ',');
    return true;
}

const char *properties_problem(const char *list)
{
    char entry[PULL_URL_SIZE];
    size_t len = strlen(list);

    if (len >= PULL_PROPERTIES_SIZE)
        return "is too long";
    if (len > 0 && (list[0] == ',' || list[len - 1] == ',' || strstr(list, ",,") != NULL))
        return "has an empty entry";
    while (next_entry(&list, entry))
        if (is_prefix(entry) ? !prefix_good(entry) : !domain_good(entry))
            return "must be domains (media.example.com) or beginnings of addresses that"
                   " end with a slash (https://example.com/posts/), with commas between";
    return NULL;
}

static bool domain_covers(const char *domain, const struct url_origin *origin)
{
    size_t len = strlen(domain);
    size_t host_len = strlen(origin->host);

    if (strcmp(origin->scheme, "https") != 0 || origin->port != HTTPS_PORT ||
        host_len < len || !text_equal_nocase(origin->host + host_len - len, domain))
        return false;
    return host_len == len || origin->host[host_len - len - 1] == '.';
}

enum cover properties_cover(const char *list, const char *url)
{
    char entry[PULL_URL_SIZE];
    struct url_origin origin;
    struct err ignored; /* nothing covers what is no address */
    enum cover cover = COVER_NONE;

    if (url_origin(url, &origin, &ignored) != RC_OK)
        return COVER_NONE;
    while (next_entry(&list, entry)) {
        if (is_prefix(entry) && text_starts_with(url, entry))
            return COVER_PREFIX;
        if (!is_prefix(entry) && domain_covers(entry, &origin))
            cover = COVER_DOMAIN;
    }
    return cover;
}

/* --- attempts ------------------------------------------------------------------ */

static enum pull_verdict judge_status(const struct pull_outcome *outcome)
{
    switch (outcome->status) {
    case 200:
        return PULL_TAKEN;
    case 206:
        return outcome->ranged ? PULL_TAKEN : PULL_REFUSED;
    case 429:
    case 503:
        return PULL_BUSY;
    case 408:
        return PULL_BROKEN;
    default:
        return outcome->status >= 500 ? PULL_BROKEN : PULL_REFUSED;
    }
}

enum pull_verdict pull_judge(const struct pull_outcome *outcome)
{
    if (outcome->too_big)
        return PULL_REFUSED;
    switch (outcome->rc) {
    case RC_OK:
        return judge_status(outcome);
    case RC_UNAVAILABLE:
    case RC_UNCERTAIN:
    case RC_LIMITED:
        return PULL_BROKEN;
    case RC_INVALID:
    case RC_DENIED:
    case RC_NOT_FOUND:
    case RC_CONFLICT:
    case RC_REJECTED:
    case RC_BUG:
        break;
    }
    return PULL_REFUSED;
}

int64_t pull_wait_ms(int64_t first_ms, int64_t tries, int64_t retry_after_ms)
{
    int64_t wait_ms = first_ms;

    while (tries-- > 0 && wait_ms > 0 && wait_ms < PULL_WAIT_MAX_MS)
        wait_ms *= 2;
    if (wait_ms > PULL_WAIT_MAX_MS)
        wait_ms = PULL_WAIT_MAX_MS;
    return wait_ms > retry_after_ms ? wait_ms : retry_after_ms;
}
