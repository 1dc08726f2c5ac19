/* GET /api/v1/media/{id}/strip - the film strip of a video, a JPEG of frames side by side
 * that tts-media made; 404 until it has, and for a video that has none. */
#include "blob/blob.h"
#include "media.h"

enum rc media_strip(struct api *api, const struct api_request *req,
                    struct web_response *res, struct err *err)
{
    char path[BLOB_LINK_SIZE];
    struct media m;
    enum rc rc = media_get(api->db, req->who.workspace_id, req->id, &m, err);

    if (rc != RC_OK)
        return rc;
    if (m.strip_frames > 0) {
        blob_accel(api->blobs, m.blob_key, BLOB_STRIP, req->web->method, path);
        web_accel(res, "image/jpeg", path);
        web_header_add(res, "Cache-Control", "private, no-cache");
    } else {
        rc = err_set(err, RC_NOT_FOUND, "not_found", "There is no film strip of it.");
    }
    media_release(&m);
    return rc;
}
