/* GET /api/v1/posts - pages of posts, by account, status and order. */
#include "core/parse.h"
#include "core/xalloc.h"
#include "posts.h"

#include <string.h>

enum { STATUSES_SIZE = 256 };

/* One list a way of ordering: their cursors do not mix. */
static const char *const lists[] = {
    [POST_NEWEST] = "posts.newest",
    [POST_SOONEST] = "posts.soonest",
};

/* "failed,needs_attention". */
static enum rc read_statuses(const struct api_request *req, unsigned *set,
                             struct err *err)
{
    char text[STATUSES_SIZE];
    char *word = text;
    bool found;
    enum rc rc = web_query(req->web, "status", text, sizeof(text), &found, err);

    *set = 0;
    while (rc == RC_OK && found && word != NULL) {
        char *comma = strchr(word, ',');
        enum post_status status;

        if (comma != NULL)
            *comma = '\0';
        if (!post_status_parse(word, &status))
            return err_field(err, "status", "invalid",
                             "status must be one or more statuses of posts.");
        *set |= 1U << status;
        word = comma != NULL ? comma + 1 : NULL;
    }
    return rc;
}

enum rc posts_read_account(const struct api_request *req, uint64_t *account_id,
                           struct err *err)
{
    char text[24];
    bool found;
    enum rc rc = web_query(req->web, "account", text, sizeof(text), &found, err);

    *account_id = 0;
    if (rc == RC_OK && found && !parse_id(text, account_id))
        return err_field(err, "account", "invalid", "account must be an id.");
    return rc;
}

static enum rc read_order(const struct api_request *req, enum post_order *order,
                          struct err *err)
{
    char text[16];
    bool found;
    enum rc rc = web_query(req->web, "order", text, sizeof(text), &found, err);

    *order = POST_NEWEST;
    if (rc != RC_OK || !found || strcmp(text, "newest") == 0)
        return rc;
    *order = POST_SOONEST;
    if (strcmp(text, "soonest") == 0)
        return RC_OK;
    return err_field(err, "order", "invalid", "order must be newest or soonest.");
}

static enum rc read_query(const struct api *api, const struct api_request *req,
                          struct post_query *q, struct err *err)
{
    struct api_page page;
    enum rc rc = read_order(req, &q->order, err);

    if (rc == RC_OK)
        rc = read_statuses(req, &q->statuses, err);
    if (rc == RC_OK)
        rc = posts_read_account(req, &q->account_id, err);
    if (rc == RC_OK)
        rc = api_page_read(api, req, lists[q->order], &page, err);
    if (rc != RC_OK)
        return rc;
    q->workspace_id = req->who.workspace_id;
    q->first = page.first;
    q->after_at = page.at;
    q->after_id = page.id;
    q->limit = page.limit;
    return RC_OK;
}

static void write_page(const struct api *api, struct web_response *res, const char *list,
                       const struct post *posts, size_t n, bool more)
{
    const struct post *last = n > 0 ? &posts[n - 1] : NULL;
    struct jsonw w;

    api_page_begin(res, &w);
    for (size_t i = 0; i < n; i++)
        posts_write(&w, &posts[i]);
    api_page_end(api, &w, list, more && last != NULL, last != NULL ? last->list_at_ms : 0,
                 last != NULL ? last->id : 0);
}

enum rc posts_handle_list(struct api *api, const struct api_request *req,
                          struct web_response *res, struct err *err)
{
    struct post_query q = {0};
    struct post *posts;
    size_t n = 0;
    bool more = false;
    enum rc rc = read_query(api, req, &q, err);

    if (rc != RC_OK)
        return rc;
    posts = xcalloc(q.limit, sizeof(*posts));
    rc = posts_list(api->db, &q, posts, &n, &more, err);
    if (rc == RC_OK)
        write_page(api, res, lists[q.order], posts, n, more);
    for (size_t i = 0; i < n; i++)
        posts_release(&posts[i]);
    free(posts);
    return rc;
}
