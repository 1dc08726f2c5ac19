/* Changes of a post that was there before: the edit, its judgment, the answer. */
#include "posts.h"

#include "core/fault.h"

/* --- the edit: what the person wants of the post as it stands ------------------ */

/* What was agreed to was another post: agreeing is to be done anew. */
static void take_back_consent(const struct posts_deed *d, const struct post *was,
                              struct post_content *content)
{
    if ((d->has & POST_HAS_CONSENT) != 0 || post_same_content(&was->content, content))
        return;
    content->music_usage = false;
    content->branded_agreed = false;
}

/* By what the changed post is judged. */
static struct posts_judge judge_of(const struct posts_deed *d, const struct post *was)
{
    struct posts_judge j = {.intent = POST_PUBLISH_NOW,
                            .no_photos = d->api->settings->pull_url == NULL};

    if (d->deed == DEED_SCHEDULE)
        j.intent = POST_SCHEDULE;
    if (d->deed == DEED_CHANGE) {
        j.intent = was->phase == PHASE_SCHEDULED ? POST_SCHEDULE : POST_KEEP_DRAFT;
        j.kept_account_id = was->content.account_id;
    }
    return j;
}

static enum rc edit(void *ctx, const struct post *was, struct post_content *content,
                    struct err *err)
{
    struct posts_deed *d = ctx;
    enum rc rc = RC_OK;

    d->has = 0;
    if (d->json != NULL)
        rc = post_read(d->json, d->allowed, content, &d->has, err);
    if (rc != RC_OK)
        return rc;
    take_back_consent(d, was, content);
    d->judge = judge_of(d, was);
    return posts_free_witness(d->api, was, d->deed, err);
}

static enum rc judge(void *ctx, const struct post_content *content,
                     struct post_basis *basis, struct err *err)
{
    struct posts_deed *d = ctx;

    return posts_judge(&d->judge, content, basis, err);
}

/* --- the whole ----------------------------------------------------------------- */

static enum rc read_headers(const struct api_request *req, struct post_change *change,
                            struct post_key *key, struct err *err)
{
    bool given = false;
    enum rc rc = api_if_match(req, &change->version, err);

    if (rc == RC_OK && change->deed != DEED_CHANGE)
        rc = posts_key(req, key, &given, err);
    change->key = given ? key : NULL;
    return rc;
}

enum rc posts_do(struct api *api, const struct api_request *req, struct posts_deed *deed,
                 struct web_response *res, struct err *err)
{
    struct actor actor = posts_actor(req);
    struct post_change change = {.actor = &actor,
                                 .post_id = req->id,
                                 .deed = deed->deed,
                                 .edit = edit,
                                 .check = judge,
                                 .ctx = deed};
    struct post_key key;
    struct post post;
    bool replayed = false;
    enum rc rc;

    deed->api = api;
    rc = read_headers(req, &change, &key, err);
    FAULT_POINT("change.before_commit");
    if (rc == RC_OK)
        rc = posts_change(api->db, &change, &post, &replayed, err);
    FAULT_POINT("change.after");
    if (rc != RC_OK)
        return rc;
    if (replayed)
        web_header_add(res, "Idempotent-Replay", "true");
    else if (post.phase == PHASE_SCHEDULED)
        posts_hint(api, &post);
    posts_answer_warned(api, req, res, &(struct posts_shown){200, &post});
    posts_release(&post);
    return RC_OK;
}
