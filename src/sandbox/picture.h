/* sandbox/picture.h - the picture of a person, drawn from the name: a PNG.
 *
 * TikTok's pictures are raster images behind signed addresses that expire; so are these.
 * Pure. */
#ifndef SRC_SANDBOX_PICTURE_H
#define SRC_SANDBOX_PICTURE_H

#include "core/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PICTURE_SIDE = 96, /* pixels */
    PICTURE_MAX = 4096,
    PICTURE_QUERY_SIZE = 80,
};

/* Appends the PNG: a pattern of five by five, alike on both sides, in a colour of its
 * own. The same name always has the same picture. */
void picture_draw(const char *name, struct strbuf *out);

/* "x-expires=SECONDS&x-signature=HEX", which names the picture until then. */
void picture_query(const char *secret, const char *name, int64_t expires_s,
                   char out[PICTURE_QUERY_SIZE]);

/* True when a query came from picture_query() and has not expired. */
bool picture_query_ok(const char *secret, const char *name, const char *query,
                      int64_t now_s) MUST_CHECK;

#endif
