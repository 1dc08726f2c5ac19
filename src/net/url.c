#include "net/url.h"

#include "core/parse.h"
#include "core/text.h"

#include <curl/curl.h>
#include <string.h>

/* One part of the URL into out, lower case; false when absent or too long. */
static bool part(CURLU *u, CURLUPart what, unsigned flags, char *out, size_t size)
{
    char *text = NULL;
    bool fits;

    if (curl_url_get(u, what, &text, flags) != CURLUE_OK)
        return false;
    fits = strlen(text) < size;
    for (size_t i = 0; fits && i <= strlen(text); i++)
        out[i] = text_lower(text[i]);
    curl_free(text);
    return fits;
}

static bool has(CURLU *u, CURLUPart what)
{
    char *text = NULL;
    bool there = curl_url_get(u, what, &text, 0) == CURLUE_OK;

    curl_free(text);
    return there;
}

enum rc url_origin(const char *url, struct url_origin *out, struct err *err)
{
    struct url_origin o = {0};
    char port[8];
    int64_t number = 0;
    CURLU *u = curl_url();
    bool good = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                part(u, CURLUPART_SCHEME, 0, o.scheme, sizeof(o.scheme)) &&
                part(u, CURLUPART_HOST, 0, o.host, sizeof(o.host)) &&
                part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) &&
                parse_i64(port, 1, 65535, &number) && !has(u, CURLUPART_USER) &&
                !has(u, CURLUPART_PASSWORD) && !has(u, CURLUPART_FRAGMENT) &&
                (strcmp(o.scheme, "https") == 0 || strcmp(o.scheme, "http") == 0);

    curl_url_cleanup(u);
    if (!good)
        return err_set(err, RC_INVALID, "bad_url", "That is not a usable http(s) URL.");
    o.port = (int)number;
    *out = o;
    return RC_OK;
}

bool url_origin_same(const struct url_origin *a, const struct url_origin *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 &&
           a->port == b->port;
}

bool url_is_local(const struct url_origin *o)
{
    return strcmp(o->scheme, "http") == 0 || strcmp(o->host, "localhost") == 0 ||
           text_starts_with(o->host, "127.") || strcmp(o->host, "[::1]") == 0;
}
