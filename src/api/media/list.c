/* GET /api/v1/media - the library, newest first. */
#include "core/xalloc.h"
#include "media.h"

#include <stdlib.h>
#include <string.h>

/* Words of the query: position in the list, or 0 when it was not given. */
static enum rc read_word(const struct api_request *req, const char *name,
                         const char *const words[], int *n, struct err *err)
{
    char text[16];
    bool found;
    enum rc rc = web_query(req->web, name, text, sizeof(text), &found, err);

    if (rc != RC_OK)
        return rc;
    *n = 0;
    if (!found)
        return RC_OK;
    for (int i = 1; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0)
            *n = i;
    }
    if (*n == 0)
        return err_field(err, name, "invalid", "There is no such %s.", name);
    return RC_OK;
}

/* Part of a name, to name (borrowed by q when there is one). */
static enum rc read_name(const struct api_request *req, char name[MEDIA_FILENAME_SIZE],
                         struct media_query *q, struct err *err)
{
    bool found;
    enum rc rc = web_query(req->web, "q", name, MEDIA_FILENAME_SIZE, &found, err);

    if (rc != RC_OK || !found || name[0] == '\0')
        return rc;
    if (!media_filename_ok(name))
        return err_field(err, "q", "invalid", "No file has such a name.");
    q->name = name;
    return RC_OK;
}

static enum rc read_tag(const struct api_request *req, char tag[MEDIA_TAG_SIZE],
                        struct media_query *q, struct err *err)
{
    bool found;
    enum rc rc = web_query(req->web, "tag", tag, MEDIA_TAG_SIZE, &found, err);

    if (rc == RC_OK && found && tag[0] != '\0')
        q->tag = tag;
    return rc;
}

enum { UPLOADING = 4 }; /* a status that no file of the library has yet */

static enum rc read_query(const struct api_request *req, struct media_query *q,
                          struct err *err)
{
    static const char *const kinds[] = {
        "", [MEDIA_KIND_VIDEO] = "video", [MEDIA_KIND_PHOTO] = "photo", NULL};
    static const char *const states[] = {"",
                                         [MEDIA_CHECKING] = "checking",
                                         [MEDIA_READY] = "ready",
                                         [MEDIA_REJECTED] = "rejected",
                                         [UPLOADING] = "uploading",
                                         NULL};
    int kind = 0;
    enum rc rc = read_word(req, "kind", kinds, &kind, err);

    if (rc == RC_OK)
        rc = read_word(req, "status", states, &q->state, err);
    q->kind = (enum media_kind)kind;
    return rc;
}

static void render(const struct api *api, struct web_response *res,
                   const struct media *items, size_t n, bool more)
{
    struct jsonw w;

    api_page_begin(res, &w);
    for (size_t i = 0; i < n; i++)
        media_write(&w, &items[i]);
    api_page_end(api, &w, "media", more, n > 0 ? items[n - 1].created_at_ms : 0,
                 n > 0 ? items[n - 1].id : 0);
}

enum rc media_list_get(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err)
{
    struct media_query q = {.workspace_id = req->who.workspace_id};
    struct api_page page;
    char name[MEDIA_FILENAME_SIZE];
    char tag[MEDIA_TAG_SIZE];
    struct media *items = NULL;
    size_t n = 0;
    bool more = false;
    enum rc rc = api_page_read(api, req, "media", &page, err);

    if (rc == RC_OK)
        rc = read_query(req, &q, err);
    if (rc == RC_OK)
        rc = read_name(req, name, &q, err);
    if (rc == RC_OK)
        rc = read_tag(req, tag, &q, err);
    if (rc != RC_OK)
        return rc;
    q.before_id = page.id;
    q.limit = page.limit;
    items = xcalloc(page.limit, sizeof(*items));
    if (q.state != UPLOADING)
        rc = media_list(api->db, &q, items, &n, &more, err);
    if (rc == RC_OK)
        render(api, res, items, n, more);
    for (size_t i = 0; i < n; i++)
        media_release(&items[i]);
    free(items);
    return rc;
}
