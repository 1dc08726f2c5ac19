/* net/url.h - what a URL names, read by the same parser that will fetch it.
 *
 * Checking a URL with one parser and fetching it with another is how address rules are
 * got around; therefore only libcurl's own parser is used (docs/security.md). */
#ifndef NET_URL_H
#define NET_URL_H

#include "core/err.h"

#include <stdbool.h>

enum { URL_HOST_SIZE = 256 };

struct url_origin {
    char scheme[8];           /* "http" or "https" */
    char host[URL_HOST_SIZE]; /* lower case; IPv6 in brackets */
    int port;                 /* the scheme's own when the URL names none */
};

/* RC_INVALID: not an absolute http or https URL, or it carries a user or fragment. */
enum rc url_origin(const char *url, struct url_origin *out, struct err *err) MUST_CHECK;

bool url_origin_same(const struct url_origin *a, const struct url_origin *b) MUST_CHECK;

/* True when the URL is plain http or names this machine: "localhost" or a loopback
 * address. Such a setting is accepted with a warning, and excepted from the rules. */
bool url_is_local(const struct url_origin *origin) MUST_CHECK;

#endif
