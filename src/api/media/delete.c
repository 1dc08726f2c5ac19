/* DELETE /api/v1/media/{id} - out of the library; tts-media removes the bytes. */
#include "media.h"
#include "queue/media.h"

enum rc media_one_delete(struct api *api, const struct api_request *req,
                         struct web_response *res, struct err *err)
{
    struct media_ref ref;
    struct err ignored;
    enum rc hinted;
    enum rc rc = media_ref_read(req, &ref, err);

    if (rc == RC_OK)
        rc = media_delete(api->db, &ref, err);
    if (rc != RC_OK)
        return rc;
    hinted = queue_media_hint(api->redis, &ignored);
    (void)hinted; /* without Redis tts-media looks by itself */
    web_empty(res, 204, NULL);
    return RC_OK;
}
