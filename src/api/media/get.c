/* GET /api/v1/media/{id} - one file. */
#include "media.h"

enum rc media_one_get(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err)
{
    struct media m;
    enum rc rc = media_get(api->db, req->who.workspace_id, req->id, &m, err);

    if (rc != RC_OK)
        return rc;
    media_answer(res, 200, &m);
    media_release(&m);
    return RC_OK;
}
