/* GET /api/v1/media/{id}/strip - the film strip of a video, a JPEG of frames side by side
 * that tts-media made; 404 until it has, and for a video that has none. */
#include "media.h"

enum rc media_strip(struct api *api, const struct api_request *req,
                    struct web_response *res, struct err *err)
{
    struct media m;
    enum rc rc = media_get(api->db, req->who.workspace_id, req->id, &m, err);

    if (rc != RC_OK)
        return rc;
    if (m.strip_frames > 0)
        media_send(api, req, &m, BLOB_STRIP, "image/jpeg", res);
    else
        rc = err_set(err, RC_NOT_FOUND, "not_found", "There is no film strip of it.");
    media_release(&m);
    return rc;
}
