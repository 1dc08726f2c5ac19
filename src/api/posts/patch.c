/* PATCH /api/v1/posts/{id} - changes some members, never the status. */
#include "posts.h"

enum rc posts_handle_patch(struct api *api, const struct api_request *req,
                           struct web_response *res, struct err *err)
{
    struct posts_deed deed = {
        .json = req->json, .allowed = POST_HAS_ALL, .deed = DEED_CHANGE};

    return posts_do(api, req, &deed, res, err);
}
