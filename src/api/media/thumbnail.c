/* GET /api/v1/media/{id}/thumbnail - a JPEG that tts-media made; 404 until it has. */
#include "media.h"

enum rc media_thumbnail(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    struct media m;
    enum rc rc = media_get(api->db, req->who.workspace_id, req->id, &m, err);

    if (rc != RC_OK)
        return rc;
    if (m.has_thumb)
        media_send(api, req, &m, BLOB_THUMBNAIL, "image/jpeg", res);
    else
        rc = err_set(err, RC_NOT_FOUND, "not_found", "There is no picture of it yet.");
    media_release(&m);
    return rc;
}
