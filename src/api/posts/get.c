/* GET /api/v1/posts/{id} */
#include "posts.h"

enum rc posts_handle_get(struct api *api, const struct api_request *req,
                         struct web_response *res, struct err *err)
{
    struct post post;
    enum rc rc = posts_get(api->db, req->who.workspace_id, req->id, &post, err);

    if (rc != RC_OK)
        return rc;
    posts_answer_warned(api, req, res, &(struct posts_shown){200, &post});
    posts_release(&post);
    return RC_OK;
}
