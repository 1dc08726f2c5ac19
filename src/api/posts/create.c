/* POST /api/v1/posts - a draft, or with publish_at a scheduled post. */
#include "posts.h"

static enum rc read_post(const struct api_request *req, struct post_content *content,
                         struct err *err)
{
    unsigned has = 0;
    enum rc rc = post_read(req->json, POST_HAS_ALL, content, &has, err);

    if (rc == RC_OK && (has & POST_HAS_ACCOUNT) == 0)
        rc = err_field(err, "account_id", "account_missing",
                       "Choose the account to post to.");
    return rc;
}

enum rc posts_handle_create(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err)
{
    struct actor actor = posts_actor(req);
    struct posts_judge judge = {.intent = POST_KEEP_DRAFT,
                                .no_photos = api->settings->pull_url == NULL};
    struct post_content content;
    const struct post_new in = {
        .actor = &actor, .content = &content, .check = posts_judge, .ctx = &judge};
    enum rc rc;

    post_init(&content);
    rc = read_post(req, &content, err);
    if (rc == RC_OK && content.publish_at_ms != 0)
        judge.intent = POST_SCHEDULE;
    if (rc == RC_OK)
        rc = posts_make(api, req, &in, res, err);
    post_release(&content);
    return rc;
}
