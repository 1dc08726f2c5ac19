/* GET /api/v1/media/{id}/thumbnail - a JPEG that tts-media made; 404 until it has. */
#include "blob/blob.h"
#include "media.h"

enum rc media_thumbnail(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    char path[BLOB_LINK_SIZE];
    struct media m;
    enum rc rc = media_get(api->db, req->who.workspace_id, req->id, &m, err);

    if (rc != RC_OK)
        return rc;
    if (m.has_thumb) {
        blob_accel(api->blobs, m.blob_key, BLOB_THUMBNAIL, req->web->method, path);
        web_accel(res, "image/jpeg", path);
        web_header_add(res, "Cache-Control", "private, no-cache");
    } else {
        rc = err_set(err, RC_NOT_FOUND, "not_found", "There is no picture of it yet.");
    }
    media_release(&m);
    return rc;
}
