/* DELETE /api/v1/uploads/{upload} - tus termination. */
#include "uploads.h"

/* When somebody else ended it in this moment, the answer is about that end. */
static enum rc terminate(struct api *api, const struct upload *u, struct err *err)
{
    struct err ignored;
    struct upload now;
    enum rc rc = upload_terminate(api->db, u, err);

    if (rc == RC_CONFLICT &&
        upload_get(api->db, u->workspace_id, u->id, &now, &ignored) == RC_OK &&
        now.state != UPLOAD_FINISHED)
        return upload_check_alive(&now, err);
    return rc;
}

enum rc upload_delete(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err)
{
    struct err ignored;
    struct upload u;
    enum rc removed;
    enum rc rc = upload_begin(req, res, err);

    if (rc == RC_OK)
        rc = upload_find(api, req, &u, err);
    if (rc == RC_OK)
        rc = terminate(api, &u, err);
    if (rc != RC_OK)
        return rc;
    removed = blob_remove(api->blobs, u.id, &ignored);
    (void)removed; /* bytes that stay are swept with the orphans */
    web_empty(res, 204, NULL);
    return RC_OK;
}
