/* GET /api/v1/calendar - everything with a time between two instants. */
#include "core/rfc3339.h"
#include "posts.h"

#define DAYS_MAX_MS INT64_C(5356800000) /* 62 days */

static enum rc read_instant(const struct api_request *req, const char *name, int64_t *at,
                            struct err *err)
{
    char text[64];
    bool found;
    enum rc rc = web_query(req->web, name, text, sizeof(text), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found || !rfc3339_parse(text, at))
        return err_field(err, name, found ? "invalid" : "missing",
                         "%s must be a time as in 2026-11-25T09:00:00Z.", name);
    return RC_OK;
}

static enum rc read_span(const struct api_request *req, struct post_span *span,
                         struct err *err)
{
    enum rc rc = read_instant(req, "from", &span->from_ms, err);

    if (rc == RC_OK)
        rc = read_instant(req, "to", &span->to_ms, err);
    if (rc == RC_OK)
        rc = posts_read_account(req, &span->account_id, err);
    if (rc != RC_OK)
        return rc;
    span->workspace_id = req->who.workspace_id;
    if (span->to_ms <= span->from_ms || span->to_ms - span->from_ms > DAYS_MAX_MS)
        return err_field(err, "to", "invalid",
                         "to must be after from, and at most 62 days.");
    return RC_OK;
}

static void write_entry(void *ctx, const struct post_entry *e)
{
    struct jsonw *w = ctx;
    char path[POSTS_PATH_SIZE];

    jsonw_object(w);
    jsonw_key_id(w, "id", e->id);
    jsonw_key_id(w, "account_id", e->account_id);
    jsonw_key_text(w, "kind", post_kind_name(e->kind));
    jsonw_key_text(w, "status", post_status_name(e->status));
    jsonw_key_text(w, "caption", e->caption);
    jsonw_key_time(w, "publish_at", e->publish_at_ms);
    jsonw_key_text(w, "timezone", e->timezone[0] != '\0' ? e->timezone : NULL);
    posts_media_path(e->thumb_media_id, "thumbnail", path);
    jsonw_key_text(w, "thumbnail_url", e->thumb_media_id != 0 ? path : NULL);
    jsonw_end(w);
}

enum rc posts_handle_calendar(struct api *api, const struct api_request *req,
                              struct web_response *res, struct err *err)
{
    struct post_span span;
    struct jsonw w;
    bool more = false;
    enum rc rc = read_span(req, &span, err);

    if (rc != RC_OK)
        return rc;
    web_json_begin(res, 200, &w);
    jsonw_object(&w);
    jsonw_key(&w, "items");
    jsonw_array(&w);
    rc = posts_calendar(api->db, &span, write_entry, &w, &more, err);
    jsonw_end(&w);
    jsonw_key_bool(&w, "truncated", more);
    jsonw_end(&w);
    return rc;
}
