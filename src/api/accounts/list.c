/* GET /api/v1/accounts - the workspace's accounts, oldest first. */
#include "accounts.h"
#include "core/xalloc.h"

static void write_page(const struct api *api, struct web_response *res,
                       const struct account_page *page)
{
    uint64_t last = page->n > 0 ? page->items[page->n - 1].id : 0;
    struct jsonw w;

    api_page_begin(res, &w);
    for (size_t i = 0; i < page->n; i++)
        accounts_write(api, &w, &page->items[i]);
    api_page_end(api, &w, "accounts", page->more, 0, last);
}

enum rc accounts_list(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err)
{
    struct account_query query = {.workspace_id = req->who.workspace_id};
    struct account_page *found;
    struct api_page page;
    enum rc rc = api_page_read(api, req, "accounts", &page, err);

    if (rc != RC_OK)
        return rc;
    query.after = page.id;
    query.limit = page.limit;
    found = xcalloc(1, sizeof(*found));
    rc = account_list(api->db, &query, found, err);
    if (rc == RC_OK)
        write_page(api, res, found);
    free(found);
    return rc;
}
