#include "chunk.h"

#include "blob/blob.h"
#include "core/fault.h"
#include "queue/media.h"
#include "take.h"
#include "uploads.h"

#include <inttypes.h>
#include <string.h>

static enum rc check_type(const struct api_request *req, struct err *err)
{
    char type[64];

    if (!web_content_type(req->web, type, sizeof(type)) ||
        strcmp(type, TUS_CHUNK_TYPE) != 0)
        return err_set(err, RC_INVALID, "unsupported_media_type",
                       "The Content-Type of a chunk is " TUS_CHUNK_TYPE ".");
    if (web_header(req->web, "Content-Encoding") != NULL)
        return err_set(err, RC_INVALID, "unsupported_media_type",
                       "A chunk is sent as it is, without Content-Encoding.");
    return RC_OK;
}

enum rc chunk_read(const struct api_request *req, struct chunk *c, struct err *err)
{
    const char *sum = web_header(req->web, "Upload-Checksum");
    enum rc rc = check_type(req, err);

    *c = (struct chunk){0};
    if (rc == RC_OK && sum != NULL) {
        c->has_sum = true;
        rc = tus_read_checksum(sum, c->sum, err);
    }
    if (rc != RC_OK)
        return rc;
    c->len = req->web->content_length;
    if (c->len < 0)
        return err_set(err, RC_INVALID, "bad_request", "Content-Length is missing.");
    if (c->len > TUS_CHUNK_MAX)
        return err_set(err, RC_INVALID, "too_large",
                       "A chunk has at most %d bytes. Send smaller ones.", TUS_CHUNK_MAX);
    return RC_OK;
}

enum rc chunk_fits(const struct upload *u, const struct chunk *c, struct err *err)
{
    enum rc rc = upload_check_alive(u, err);

    if (rc != RC_OK)
        return rc;
    if (c->offset != u->received)
        return err_set(err, RC_CONFLICT, "offset_mismatch",
                       "The upload is at %" PRId64 ". Go on from there.", u->received);
    if (c->len > u->bytes - u->received)
        return err_set(err, RC_INVALID, "too_large",
                       "The upload has only %" PRId64 " bytes left.",
                       u->bytes - u->received);
    return RC_OK;
}

/* Writes down that bytes up to received are there. When the COMMIT broke off, the row
 * itself tells whether it happened; *u is then as the row. */
static enum rc record(struct api *api, const struct api_request *req, struct upload *u,
                      int64_t received, struct err *err)
{
    enum rc rc;

    FAULT_POINT("upload.before_row");
    if (received == u->bytes)
        rc = upload_finish(api->db, u, req->who.token_id != 0, err);
    else
        rc = upload_advance(api->db, u, received, err);
    FAULT_POINT("upload.after_row");
    if (rc != RC_UNCERTAIN)
        return rc;
    rc = upload_get_settled(api->db, u->workspace_id, u->id, u, err);
    if (rc == RC_OK && u->received != received)
        return err_retry(err, RC_UNAVAILABLE, 1000, "database_unavailable",
                         "The database did not answer. Send the chunk again.");
    return rc;
}

/* With the lock held: takes the body and moves *u. */
static enum rc append(struct api *api, const struct api_request *req,
                      const struct chunk *c, struct blob_writer *w, struct upload *u,
                      struct err *err)
{
    const struct take take = {.web = req->web,
                              .incoming = api->settings->incoming,
                              .len = c->len,
                              .sum = c->has_sum ? c->sum : NULL};
    int64_t taken = 0;
    enum rc rc = upload_get_settled(api->db, u->workspace_id, u->id, u, err);

    if (rc == RC_OK)
        rc = chunk_fits(u, c, err);
    if (rc == RC_OK)
        rc = blob_writer_start(w, u->received, err);
    if (rc == RC_OK)
        rc = take_body(&take, w, &taken, err);
    if (rc != RC_OK)
        return upload_blob_failed(rc, err);
    if (taken > 0)
        rc = record(api, req, u, u->received + taken, err);
    if (rc == RC_OK && taken < c->len)
        return err_set(err, RC_INVALID, "body_cut_short",
                       "The connection broke off; what arrived is kept.");
    return rc;
}

/* Takes the lock for append(). A blob that is gone went with its upload, unless the row
 * says otherwise. */
static enum rc append_locked(struct api *api, const struct api_request *req,
                             const struct chunk *c, struct upload *u, struct err *err)
{
    struct blob_writer *w = NULL;
    enum rc rc = blob_append_begin(api->blobs, u->id, u->bytes, &w, err);

    if (rc == RC_OK) {
        rc = append(api, req, c, w, u, err);
    } else if (rc == RC_NOT_FOUND) {
        rc = upload_get_settled(api->db, u->workspace_id, u->id, u, err);
        if (rc == RC_OK)
            rc = chunk_fits(u, c, err);
        if (rc == RC_OK)
            rc = err_set(err, RC_BUG, "media_bytes_lost",
                         "The bytes of an open upload are gone.");
    }
    blob_writer_close(w);
    return rc;
}

/* The blob store locks files, for one machine; the database locks objects, for all. */
enum rc chunk_append(struct api *api, const struct api_request *req,
                     const struct chunk *c, struct upload *u, struct err *err)
{
    bool remote = blob_is_remote(api->blobs);
    struct err ignored;
    enum rc rc = RC_OK;

    if (c->len == 0)
        return RC_OK;
    if (remote)
        rc = upload_lock(api->db, u->id, err);
    if (rc != RC_OK)
        return rc;
    rc = append_locked(api, req, c, u, err);
    if (remote)
        upload_unlock(api->db, u->id);
    if (rc == RC_OK && u->state == UPLOAD_FINISHED &&
        queue_media_hint(api->redis, &ignored) != RC_OK)
        return RC_OK; /* without Redis tts-media looks by itself */
    return rc;
}
