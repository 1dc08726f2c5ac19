#include "uploads.h"

#include "blob/blob.h"
#include "tus.h"

#include <inttypes.h>
#include <string.h>

enum rc upload_begin(const struct api_request *req, struct web_response *res,
                     struct err *err)
{
    web_header_add(res, "Tus-Resumable", TUS_VERSION);
    return tus_check_version(web_header(req->web, "Tus-Resumable"), err);
}

enum rc upload_check_alive(const struct upload *u, struct err *err)
{
    if (u->state == UPLOAD_TERMINATED || u->state == UPLOAD_EXPIRED)
        return err_set(err, RC_NOT_FOUND, "upload_gone", "This upload %s. Begin anew.",
                       u->state == UPLOAD_EXPIRED ? "has expired" : "was canceled");
    return RC_OK;
}

enum rc upload_find(struct api *api, const struct api_request *req, struct upload *out,
                    struct err *err)
{
    const char *id = web_param(&req->params, "upload");
    enum rc rc;

    if (id == NULL || !blob_key_valid(id))
        return err_set(err, RC_NOT_FOUND, "not_found", "There is no such upload.");
    rc = upload_get(api->db, req->who.workspace_id, id, out, err);
    return rc == RC_OK ? upload_check_alive(out, err) : rc;
}

/* What stays free on the disk whatever people upload: a tenth, or this if it is less. */
#define SPARE_MAX (INT64_C(5) << 30)

enum rc upload_disk_room(struct api *api, int64_t *bytes, struct err *err)
{
    struct blob_space space;
    int64_t spare;
    enum rc rc = blob_space(api->blobs, &space, err);

    if (rc != RC_OK)
        return rc;
    spare = space.total_bytes / 10 < SPARE_MAX ? space.total_bytes / 10 : SPARE_MAX;
    *bytes = space.free_bytes - spare;
    return RC_OK;
}

enum rc upload_no_room(struct err *err)
{
    return err_set(err, RC_LIMITED, "storage_full",
                   "The server has no room for this file. Tell whoever runs it.");
}

enum rc upload_blob_failed(enum rc rc, struct err *err)
{
    if (rc == RC_UNAVAILABLE && strcmp(err->code, "disk_full") == 0)
        return upload_no_room(err);
    return rc;
}

void upload_expires(struct web_response *res, const struct upload *u)
{
    char date[TUS_DATE_SIZE];

    if (u->state != UPLOAD_OPEN)
        return;
    tus_write_date(u->expires_at_ms, date);
    web_header_add(res, "Upload-Expires", date);
}

void upload_media_id(struct web_response *res, const struct upload *u)
{
    if (u->state == UPLOAD_FINISHED)
        web_header_addf(res, "Media-Id", "%" PRIu64, u->media_id);
}
