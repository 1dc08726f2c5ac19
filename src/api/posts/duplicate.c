/* POST /api/v1/posts/{id}/duplicate - a new draft with the same content. */
#include "posts.h"

#include <string.h>

static const char *const no_members[] = {NULL};

/* What TikTok wants chosen for each post is chosen anew. */
static void begin_anew(const struct post *source, struct post_content *c)
{
    c->privacy_level[0] = '\0';
    c->allow_comment = c->allow_duet = c->allow_stitch = false;
    c->your_brand = c->branded_content = false;
    c->publish_at_ms = 0;
    c->music_usage = c->branded_agreed = false;
    c->media_n = source->media_n; /* those that were not deleted */
    for (size_t i = 0; i < source->media_n; i++)
        c->media_ids[i] = source->media[i].id;
}

enum rc posts_handle_duplicate(struct api *api, const struct api_request *req,
                               struct web_response *res, struct err *err)
{
    struct actor actor = posts_actor(req);
    struct posts_judge judge = {.intent = POST_KEEP_DRAFT};
    struct post_content content;
    const struct post_new in = {.actor = &actor,
                                .content = &content,
                                .duplicate_of = req->id,
                                .check = posts_judge,
                                .ctx = &judge};
    struct post source;
    enum rc rc = api_json_known(req->json, no_members, err);

    if (rc == RC_OK)
        rc = posts_get(api->db, req->who.workspace_id, req->id, &source, err);
    if (rc != RC_OK)
        return rc;
    post_init(&content);
    post_copy(&content, &source.content);
    begin_anew(&source, &content);
    rc = posts_make(api, req, &in, res, err);
    post_release(&content);
    posts_release(&source);
    return rc;
}
