/* POST /api/v1/posts/{id}/cancel - a 200 promises that this version is not published. */
#include "posts.h"

#include "core/fault.h"

static const char *const no_members[] = {NULL};

/* Is it canceled by now, by another request or by a publisher that found our witness?
 * Then the witness stays, and what was asked for is true. The caller releases *out. */
static bool is_canceled(struct api *api, const struct api_request *req, struct post *out)
{
    struct err ignored;

    if (posts_get(api->db, req->who.workspace_id, req->id, out, &ignored) != RC_OK)
        return false;
    if (out->phase == PHASE_CANCELED)
        return true;
    posts_release(out);
    return false;
}

/* The database's update decides; the witness is for a database that forgets it. */
static enum rc cancel(struct api *api, const struct api_request *req,
                      const struct post *post, uint32_t version, struct web_response *res,
                      struct err *err)
{
    struct post_ref ref = {.post_id = post->id, .version = version};
    struct actor actor = posts_actor(req);
    struct post canceled;
    enum rc rc = posts_take_witness(api, post, err);

    if (rc != RC_OK)
        return rc;
    FAULT_POINT("cancel.before_commit");
    rc = posts_cancel(api->db, &actor, ref, &canceled, err);
    FAULT_POINT("cancel.after");
    if (rc == RC_CONFLICT && is_canceled(api, req, &canceled))
        rc = RC_OK;
    if (rc == RC_OK) {
        posts_hint(api, &canceled);
        posts_answer(res, 200, &canceled);
        posts_release(&canceled);
    } else if (rc != RC_UNCERTAIN) {
        posts_drop_witness(api, post);
    }
    return rc;
}

enum rc posts_handle_cancel(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err)
{
    uint32_t version = 0;
    struct post post;
    enum rc rc = api_if_match(req, &version, err);

    if (rc == RC_OK)
        rc = api_json_known(req->json, no_members, err);
    if (rc == RC_OK)
        rc = posts_get(api->db, req->who.workspace_id, req->id, &post, err);
    if (rc != RC_OK)
        return rc;
    rc = posts_may(&post, DEED_CANCEL, version, err);
    if (rc == RC_OK)
        rc = cancel(api, req, &post, version, res, err);
    posts_release(&post);
    return rc;
}
