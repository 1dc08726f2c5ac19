/* DELETE /api/v1/posts/{id} - a draft, a canceled or a failed post. */
#include "posts.h"

enum rc posts_handle_delete(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err)
{
    struct actor actor = posts_actor(req);
    struct post_ref ref = {.post_id = req->id};
    enum rc rc = api_if_match(req, &ref.version, err);

    if (rc == RC_OK)
        rc = posts_hide(api->db, &actor, ref, err);
    if (rc == RC_OK)
        web_empty(res, 204, NULL);
    return rc;
}
