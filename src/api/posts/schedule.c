/* POST /api/v1/posts/{id}/schedule, publish-now and retry: what sets a post off. */
#include "posts.h"

/* Pressing the button is the consent, and it is sent with the press. */
static enum rc need_consent(const struct api_request *req, struct err *err)
{
    if (json_object_get(req->json, "consent") != NULL)
        return RC_OK;
    return err_field(err, "consent", "consent_missing",
                     "Posting needs the agreement to TikTok's terms.");
}

enum rc posts_handle_schedule(struct api *api, const struct api_request *req,
                              struct web_response *res, struct err *err)
{
    struct posts_deed deed = {.json = req->json,
                              .allowed = POST_HAS_TIME | POST_HAS_ZONE | POST_HAS_CONSENT,
                              .deed = DEED_SCHEDULE};
    enum rc rc = need_consent(req, err);

    return rc == RC_OK ? posts_do(api, req, &deed, res, err) : rc;
}

enum rc posts_handle_publish_now(struct api *api, const struct api_request *req,
                                 struct web_response *res, struct err *err)
{
    struct posts_deed deed = {
        .json = req->json, .allowed = POST_HAS_CONSENT, .deed = DEED_PUBLISH_NOW};
    enum rc rc = need_consent(req, err);

    return rc == RC_OK ? posts_do(api, req, &deed, res, err) : rc;
}

/* Nothing was changed, so what was agreed to still holds. */
enum rc posts_handle_retry(struct api *api, const struct api_request *req,
                           struct web_response *res, struct err *err)
{
    struct posts_deed deed = {.json = req->json, .deed = DEED_RETRY};

    return posts_do(api, req, &deed, res, err);
}
