/* api/uploads/take.h - the body of a chunk on its way into a blob.
 *
 * It comes as a file that nginx wrote (MEDIA_INCOMING), which is copied within the
 * kernel, or over the connection, in pieces of constant size: memory does not grow with
 * the body. What this has taken is on disk when it returns.
 *
 * A body with a checksum is taken whole or not at all. Without one, what arrived before
 * the client broke off counts, as tus wants it: the client goes on from there. */
#ifndef SRC_API_UPLOADS_TAKE_H
#define SRC_API_UPLOADS_TAKE_H

#include "blob/blob.h"
#include "core/err.h"
#include "web/request.h"

#include <stdint.h>

struct take {
    const struct web_request *web;
    const char *incoming;     /* MEDIA_INCOMING; NULL: bodies come over the connection */
    int64_t len;              /* of the body, as announced */
    const unsigned char *sum; /* its SHA-256 must be this; NULL: anything */
};

/* Appends the body to w and makes it durable. *taken: how many bytes; fewer than len when
 * the client broke off. RC_INVALID, "checksum_mismatch" or "body_cut_short": nothing was
 * taken. Failures of the blob store and of blob/incoming.h as there; nothing was taken
 * that will count. */
enum rc take_body(const struct take *t, struct blob_writer *w, int64_t *taken,
                  struct err *err) MUST_CHECK;

#endif
