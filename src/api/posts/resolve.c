/* POST /api/v1/posts/{id}/resolve - a person says what became of a post. */
#include "posts.h"

#include <string.h>

enum { URL_MAX = 500 };

static const char *const members[] = {"outcome", "tiktok_url", NULL};

static enum rc read_outcome(const json_t *json, struct post_verdict *v, struct err *err)
{
    const char *outcome = json_string_value(json_object_get(json, "outcome"));

    v->published = outcome != NULL && strcmp(outcome, "published") == 0;
    if (v->published || (outcome != NULL && strcmp(outcome, "not_published") == 0))
        return RC_OK;
    return err_field(err, "outcome", "invalid",
                     "outcome must be published or not_published.");
}

/* tiktok.com or a name below it, and nothing else: no port, no user. */
static bool is_tiktok(const char *host, size_t len)
{
    static const char domain[] = "tiktok.com";
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    const size_t domain_len = sizeof(domain) - 1;

    if (len < domain_len || strspn(host, plain) < len ||
        strncmp(host + len - domain_len, domain, domain_len) != 0)
        return false;
    return len == domain_len || host[len - domain_len - 1] == '.';
}

/* The digits behind "/video/" or "/photo/" of a path. */
static bool read_post_id(const char *path, char id[POST_TIKTOK_ID_SIZE])
{
    static const char *const before[] = {"/video/", "/photo/"};

    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        const char *at = strstr(path, before[i]);
        const char *digits = at != NULL ? at + strlen(before[i]) : "";
        size_t n = strspn(digits, "0123456789");

        if (n == 0 || n >= POST_TIKTOK_ID_SIZE || strcspn(digits + n, "/?#") != 0)
            continue;
        (void)memcpy(id, digits, n);
        id[n] = '\0';
        return true;
    }
    return false;
}

/* The address of a post at TikTok, e.g. https://www.tiktok.com/@ann/video/73000. A short
 * one (vm.tiktok.com) names no id, and only TikTok knows where it leads. */
static bool read_address(const char *url, char id[POST_TIKTOK_ID_SIZE])
{
    static const char scheme[] = "https://";
    const char *host = url + sizeof(scheme) - 1;
    size_t host_len;

    if (strlen(url) > URL_MAX || strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return false;
    host_len = strcspn(host, "/?#");
    return is_tiktok(host, host_len) && read_post_id(host + host_len, id);
}

static enum rc read_verdict(const json_t *json, struct post_verdict *v,
                            char id[POST_TIKTOK_ID_SIZE], struct err *err)
{
    const json_t *url = json_object_get(json, "tiktok_url");
    enum rc rc = api_json_known(json, members, err);

    id[0] = '\0';
    if (rc == RC_OK)
        rc = read_outcome(json, v, err);
    if (rc != RC_OK)
        return rc;
    if (url != NULL && !v->published)
        return err_field(err, "tiktok_url", "invalid",
                         "A post that was not published has no address at TikTok.");
    if (url != NULL &&
        (!json_is_string(url) || !read_address(json_string_value(url), id)))
        return err_field(err, "tiktok_url", "invalid",
                         "That is not the address of a post at TikTok, which has /video/ "
                         "or /photo/ and a number in it. Open a short link and copy the "
                         "address it leads to.");
    v->tiktok_post_id = url != NULL ? id : NULL;
    return RC_OK;
}

enum rc posts_handle_resolve(struct api *api, const struct api_request *req,
                             struct web_response *res, struct err *err)
{
    struct actor actor = posts_actor(req);
    struct post_ref ref = {.post_id = req->id};
    struct post_verdict verdict = {.published = false};
    char id[POST_TIKTOK_ID_SIZE];
    struct post post;
    enum rc rc = api_if_match(req, &ref.version, err);

    if (rc == RC_OK)
        rc = read_verdict(req->json, &verdict, id, err);
    if (rc == RC_OK)
        rc = posts_resolve(api->db, &actor, ref, &verdict, &post, err);
    if (rc != RC_OK)
        return rc;
    if (!verdict.published)
        posts_settle_witness(api, &post);
    posts_answer(res, 200, &post);
    posts_release(&post);
    return RC_OK;
}
