#include "tiktok/pull_url.h"

#include "core/attr.h"
#include "core/encode.h"
#include "core/parse.h"
#include "core/text.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { POSITION_MAX = 999, EXTENSION_MAX = 8 };

static const struct {
    const char *mime, *extension;
} types[] = {
    {"image/jpeg", "jpg"},  {"image/webp", "webp"},     {"video/mp4", "mp4"},
    {"video/webm", "webm"}, {"video/quicktime", "mov"},
};

static enum rc wrong(struct err *err)
{
    return err_set(err, RC_INVALID, "bad_config",
                   "must be https://host or https://host/path, as verified at TikTok "
                   "(http only for a simulator)");
}

/* "host" or "host:port", what comes before the path. */
static bool authority_ok(const char *p, size_t len)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789.-";
    size_t host = strspn(p, good);
    int64_t port;

    if (p[0] == '[')
        host = strspn(p + 1, "0123456789abcdefABCDEF:.") + 2;
    if (host == 0 || host > len || (p[0] == '[' && p[host - 1] != ']'))
        return false;
    return host == len || (p[host] == ':' && parse_i64_slice(p + host + 1, len - host - 1,
                                                             1, 65535, &port));
}

enum rc tiktok_pull_base_check(const char *base, struct err *err)
{
    const char *p = base;
    size_t len = strlen(base);

    if (len > TIKTOK_PULL_BASE_MAX)
        return wrong(err);
    for (size_t i = 0; i < len; i++)
        if (base[i] <= ' ' || base[i] >= 0x7f || strchr("\\#<>\"?@%", base[i]) != NULL)
            return wrong(err);
    if (text_starts_with(p, "https://"))
        p += strlen("https://");
    else if (text_starts_with(p, "http://"))
        p += strlen("http://");
    else
        return wrong(err);
    return authority_ok(p, strcspn(p, "/")) ? RC_OK : wrong(err);
}

bool tiktok_pull_base_lifts(const char *base)
{
    return !text_starts_with(base, "https://");
}

void tiktok_pull_url(const char *base, const unsigned char token[TIKTOK_PULL_TOKEN],
                     unsigned position, const char *extension,
                     char out[TIKTOK_PULL_URL_SIZE])
{
    char hex[2 * TIKTOK_PULL_TOKEN + 1];
    size_t len = strlen(base);

    assert(len <= TIKTOK_PULL_BASE_MAX && position <= POSITION_MAX);
    assert(strlen(extension) <= EXTENSION_MAX);
    while (len > 0 && base[len - 1] == '/')
        len--;
    hex_encode(token, TIKTOK_PULL_TOKEN, hex);
    (void)snprintf(out, TIKTOK_PULL_URL_SIZE, "%.*s/m/%s/%u.%s", (int)len, base, hex,
                   position, extension);
    explicit_bzero(hex, sizeof(hex));
}

const char *tiktok_pull_extension(const char *mime)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].mime, mime) == 0)
            return types[i].extension;
    }
    return NULL;
}

bool tiktok_pull_file(const char *name, unsigned *position, const char **extension)
{
    const char *dot = strchr(name, '.');
    int64_t n;

    if (dot == NULL || (name[0] == '0' && dot != name + 1) ||
        !parse_i64_slice(name, (size_t)(dot - name), 0, POSITION_MAX, &n))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].extension, dot + 1) != 0)
            continue;
        *position = (unsigned)n;
        *extension = types[i].extension;
        return true;
    }
    return false;
}
