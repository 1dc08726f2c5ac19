/* Creating a post, once for each Idempotency-Key. */
#include "crypto/digest.h"
#include "posts.h"

#include "core/fault.h"

#include <string.h>

enum { KEY_MAX = 200 };

static bool is_visible(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '!' || text[i] > '~')
            return false;
    }
    return true;
}

/* The same key on another route is another key. */
static void hash_key(const struct api_request *req, const char *text,
                     struct post_key *key)
{
    struct digest *d = digest_new(DIGEST_SHA256);

    digest_add(d, req->web->method, strlen(req->web->method));
    digest_add(d, " ", 1);
    digest_add(d, req->web->path, strlen(req->web->path));
    digest_add(d, "\n", 1);
    digest_add(d, text, strlen(text));
    (void)digest_finish(d, key->key);
    digest_free(d);
    digest_sha256(req->body, req->body_len, key->body);
}

enum rc posts_key(const struct api_request *req, struct post_key *key, bool *given,
                  struct err *err)
{
    const char *text = web_header(req->web, "Idempotency-Key");
    size_t len = text != NULL ? strnlen(text, KEY_MAX + 1) : 0;

    *given = text != NULL;
    if (text == NULL)
        return RC_OK;
    if (len < 1 || len > KEY_MAX || !is_visible(text, len))
        return err_set(err, RC_INVALID, "bad_request",
                       "Idempotency-Key must be 1 to %d visible ASCII characters.",
                       KEY_MAX);
    hash_key(req, text, key);
    return RC_OK;
}

static void answer_made(struct api *api, const struct api_request *req,
                        struct web_response *res, struct post *post, bool replayed)
{
    if (replayed)
        web_header_add(res, "Idempotent-Replay", "true");
    else if (post->phase == PHASE_SCHEDULED)
        posts_hint(api, post);
    posts_answer_warned(api, req, res, &(struct posts_shown){201, post});
    posts_release(post);
}

/* Creates it; found out only now that another request with the key was faster, it is
 * that one's. */
static enum rc create(struct api *api, const struct post_new *in, struct post *post,
                      bool *replayed, struct err *err)
{
    enum rc rc = posts_create(api->db, in, post, err);

    if (rc == RC_CONFLICT && in->key != NULL && strcmp(err->code, "duplicate") == 0) {
        rc = posts_by_key(api->db, in->actor->workspace_id, in->key, post, replayed, err);
        if (rc == RC_OK && !*replayed)
            rc = err_set(err, RC_UNAVAILABLE, "database_unavailable",
                         "Another request with this key was undone just now.");
    }
    return rc;
}

enum rc posts_make(struct api *api, const struct api_request *req,
                   const struct post_new *in, struct web_response *res, struct err *err)
{
    struct post_new mine = *in;
    struct post_key key;
    struct post post;
    bool given, replayed = false;
    enum rc rc = posts_key(req, &key, &given, err);

    if (rc == RC_OK && given) {
        mine.key = &key;
        rc = posts_by_key(api->db, in->actor->workspace_id, &key, &post, &replayed, err);
    }
    if (rc == RC_OK && !replayed) {
        FAULT_POINT("create.before_commit");
        rc = create(api, &mine, &post, &replayed, err);
        FAULT_POINT("create.after");
    }
    if (rc == RC_OK)
        answer_made(api, req, res, &post, replayed);
    return rc;
}
