/* GET /api/v1/tags - the tags of the library, by the alphabet. */
#include "core/xalloc.h"
#include "media.h"

#include <stdlib.h>

static void render(struct web_response *res, const struct media_tag *tags, size_t n)
{
    struct jsonw w;

    web_json_begin(res, 200, &w);
    jsonw_object(&w);
    jsonw_key(&w, "items");
    jsonw_array(&w);
    for (size_t i = 0; i < n; i++) {
        jsonw_object(&w);
        jsonw_key_text(&w, "name", tags[i].name);
        jsonw_key_int(&w, "files", tags[i].files);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    jsonw_end(&w);
}

enum rc media_tags_get(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err)
{
    struct media_tag *tags = xcalloc(MEDIA_TAG_LIST_MAX, sizeof(*tags));
    size_t n = 0;
    enum rc rc = media_tags(api->db, req->who.workspace_id, tags, &n, err);

    if (rc == RC_OK)
        render(res, tags, n);
    free(tags);
    return rc;
}
