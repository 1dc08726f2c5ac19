/* tiktok/pull_url.h - the addresses from which TikTok fetches media: MEDIA_PULL_URL.
 *
 * TikTok fetches only below a prefix that the app has proved to own
 * (docs/tiktok-setup.md, "Photos"), by https, and follows no redirect. A file's address
 * is
 *
 *     <MEDIA_PULL_URL>/m/<token>/<position>.<extension>
 *
 * where the token is the attempt's (store/gate.h): whoever knows it can fetch, so the
 * address is told to TikTok alone and never logged. */
#ifndef TIKTOK_PULL_URL_H
#define TIKTOK_PULL_URL_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TIKTOK_PULL_BASE_MAX = 200, /* bytes of MEDIA_PULL_URL */
    TIKTOK_PULL_TOKEN = 16,     /* bytes of a token; twice as many hex digits */
    TIKTOK_PULL_URL_SIZE = 320, /* bytes of a file's address with its NUL */
};

/* For a table of settings: RC_INVALID unless base is http(s)://host[:port][/path], plain
 * ASCII without user, query or fragment. */
enum rc tiktok_pull_base_check(const char *base, struct err *err) MUST_CHECK;

/* True when base is no address that the real TikTok would fetch from, since it is http:
 * worth a warning at the start. */
bool tiktok_pull_base_lifts(const char *base) MUST_CHECK;

/* Writes the address of the file at a position (0..999). extension: at most 8
 * characters. */
void tiktok_pull_url(const char *base, const unsigned char token[TIKTOK_PULL_TOKEN],
                     unsigned position, const char *extension,
                     char out[TIKTOK_PULL_URL_SIZE]);

/* The extension for a media type that TikTok takes, or NULL. */
const char *tiktok_pull_extension(const char *mime);

/* Reads "<position>.<extension>": a position in decimal without leading zeros, 0..999,
 * and one of the extensions above, into an entry of theirs. */
bool tiktok_pull_file(const char *name, unsigned *position,
                      const char **extension) MUST_CHECK;

#endif
