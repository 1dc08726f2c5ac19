/* api/uploads/chunk.h - bytes of an upload, as they come with a PATCH or with the
 * creation.
 *
 * Checked without a lock first, so that what is wrong is refused cheaply; then under the
 * blob's lock, against a row that no other write is about to change. Bytes are made
 * durable before the row says that they are there, so the row never promises too much. */
#ifndef SRC_API_UPLOADS_CHUNK_H
#define SRC_API_UPLOADS_CHUNK_H

#include "../api.h"
#include "store/uploads.h"
#include "tus.h"

struct chunk {
    int64_t offset; /* where it shall go */
    int64_t len;    /* of the body */
    bool has_sum;
    unsigned char sum[TUS_SHA256_SIZE];
};

/* What the headers say of the body; the offset is 0. RC_INVALID: not a chunk, or one that
 * is too large. */
enum rc chunk_read(const struct api_request *req, struct chunk *c,
                   struct err *err) MUST_CHECK;

/* Does the chunk continue the upload? RC_CONFLICT, "offset_mismatch"; RC_INVALID,
 * "too_large"; RC_NOT_FOUND, "upload_gone". */
enum rc chunk_fits(const struct upload *u, const struct chunk *c,
                   struct err *err) MUST_CHECK;

/* Takes the body and moves *u, to its end when the last byte was among it: then it has
 * become a medium, and tts-media has been told. RC_CONFLICT, "upload_busy": somebody else
 * writes to it. RC_INVALID, "checksum_mismatch": nothing was taken; "body_cut_short":
 * what arrived is kept. An empty chunk changes nothing. */
enum rc chunk_append(struct api *api, const struct api_request *req,
                     const struct chunk *c, struct upload *u, struct err *err) MUST_CHECK;

#endif
