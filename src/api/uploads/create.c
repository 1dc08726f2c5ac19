/* POST /api/v1/uploads - tus creation: checks that the file could be kept, before a byte
 * of it is on its way, and says where to send them. Its body may be the first bytes, or
 * all of a small file (creation-with-upload).
 *
 * The row comes first and the blob second. A crash in between leaves a row whose address
 * nobody was told; it expires. So does an upload whose first bytes could not be taken: it
 * is ended at once, because the client was not told of it either. */
#include "chunk.h"
#include "core/text.h"
#include "tus.h"
#include "uploads.h"

#include <inttypes.h>
#include <stdio.h>

static enum rc read_headers(const struct api_request *req, struct upload *u,
                            struct err *err)
{
    struct tus_metadata meta;
    int64_t max;
    enum rc rc;

    if (web_header(req->web, "Upload-Concat") != NULL)
        return err_set(err, RC_INVALID, "bad_request",
                       "Files are not put together from uploads (Upload-Concat) here. "
                       "Send the file as one upload.");
    rc = tus_read_length(web_header(req->web, "Upload-Length"), &u->bytes, err);
    if (rc == RC_OK)
        rc = tus_read_metadata(web_header(req->web, "Upload-Metadata"), &meta, err);
    if (rc != RC_OK)
        return rc;
    max = media_upload_max(media_kind_of_mime(meta.filetype));
    if (u->bytes > max)
        return err_set(err, RC_INVALID, "too_large",
                       "The file has %" PRId64 " bytes; photos of at most %" PRId64
                       " can be converted here. Make it smaller.",
                       u->bytes, max);
    text_copy(u->filename, sizeof(u->filename), meta.filename);
    text_copy(u->mime, sizeof(u->mime), meta.filetype);
    return RC_OK;
}

static enum rc check_disk(struct api *api, int64_t bytes, struct err *err)
{
    int64_t room = 0;
    enum rc rc = upload_disk_room(api, &room, err);

    return rc == RC_OK && room < bytes ? upload_no_room(err) : rc;
}

/* Stores the row. When nobody knows whether that happened, it is looked up. */
static enum rc store_row(struct api *api, struct upload *u, struct err *err)
{
    enum rc rc = upload_insert(api->db, u, err);

    if (rc != RC_UNCERTAIN)
        return rc;
    rc = upload_get_settled(api->db, u->workspace_id, u->id, u, err);
    if (rc == RC_NOT_FOUND)
        return err_retry(err, RC_UNAVAILABLE, 1000, "database_unavailable",
                         "The database did not answer. Try again in a moment.");
    return rc;
}

/* Makes the blob; without one the row is ended again. */
static enum rc make_blob(struct api *api, const struct upload *u, struct err *err)
{
    struct err ignored;
    enum rc ended;
    enum rc rc = blob_create(api->blobs, u->id, u->bytes, err);

    if (rc == RC_OK)
        return RC_OK;
    ended = upload_terminate(api->db, u, &ignored);
    (void)ended; /* a row that stays expires by itself */
    return upload_blob_failed(rc, err);
}

/* The body, if there is one: the first bytes, which go to the beginning. */
static enum rc read_body(const struct api_request *req, const struct upload *u,
                         struct chunk *c, struct err *err)
{
    enum rc rc;

    *c = (struct chunk){0};
    if (req->web->content_length <= 0)
        return RC_OK;
    rc = chunk_read(req, c, err);
    return rc == RC_OK ? chunk_fits(u, c, err) : rc;
}

/* Takes the first bytes; without them there is no upload either. */
static enum rc take_first(struct api *api, const struct api_request *req,
                          const struct chunk *c, struct upload *u, struct err *err)
{
    struct err ignored;
    enum rc rc = chunk_append(api, req, c, u, err);
    enum rc ended;

    if (rc == RC_OK)
        return RC_OK;
    ended = upload_terminate(api->db, u, &ignored);
    if (ended == RC_OK)
        ended = blob_remove(api->blobs, u->id, &ignored);
    (void)ended; /* what stays expires by itself */
    return rc;
}

static void answer(struct web_response *res, const struct upload *u)
{
    char location[64];

    (void)snprintf(location, sizeof(location), "/api/v1/uploads/%s", u->id);
    web_header_addf(res, "Upload-Offset", "%" PRId64, u->received);
    upload_expires(res, u);
    upload_media_id(res, u);
    web_empty(res, 201, location);
}

enum rc upload_create(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err)
{
    struct upload u = {.workspace_id = req->who.workspace_id,
                       .user_id = req->who.user_id};
    struct chunk first;
    enum rc rc = upload_begin(req, res, err);

    if (rc == RC_OK)
        rc = read_headers(req, &u, err);
    if (rc == RC_OK)
        rc = read_body(req, &u, &first, err);
    if (rc == RC_OK)
        rc = check_disk(api, u.bytes, err);
    if (rc != RC_OK)
        return rc;
    blob_key_make(api->random, u.id);
    rc = store_row(api, &u, err);
    if (rc == RC_OK)
        rc = make_blob(api, &u, err);
    if (rc == RC_OK)
        rc = take_first(api, req, &first, &u, err);
    if (rc == RC_OK)
        answer(res, &u);
    return rc;
}
