/* /api/v1/notifications - what people should know without asking. */
#include "../api.h"

#include "core/parse.h"
#include "core/xalloc.h"
#include "store/notifications.h"

#include <string.h>

static void write_one(struct jsonw *w, const struct notification_row *row)
{
    struct notice_words words;

    notification_words(row, &words);
    jsonw_object(w);
    jsonw_key_id(w, "id", row->id);
    jsonw_key_text(w, "kind", notice_name(row->kind));
    jsonw_key_text(w, "title", words.title);
    jsonw_key_text(w, "text", words.text);
    jsonw_key(w, "post_id");
    if (row->post_id != 0)
        jsonw_id(w, row->post_id);
    else
        jsonw_null(w);
    jsonw_key(w, "account_id");
    if (row->account_id != 0)
        jsonw_id(w, row->account_id);
    else
        jsonw_null(w);
    jsonw_key_bool(w, "read", row->read);
    jsonw_key_time(w, "created_at", row->created_ms);
    jsonw_end(w);
}

static enum rc list(struct api *api, const struct api_request *req,
                    struct web_response *res, struct err *err)
{
    struct notification_query query = {.workspace_id = req->who.workspace_id,
                                       .user_id = req->who.user_id};
    struct notification_page *found;
    struct api_page page;
    struct jsonw w;
    enum rc rc = api_page_read(api, req, "notifications", &page, err);

    if (rc != RC_OK)
        return rc;
    query.before = page.id;
    query.limit = page.limit;
    found = xcalloc(1, sizeof(*found));
    rc = notification_list(api->db, &query, found, err);
    if (rc == RC_OK) {
        api_page_begin(res, &w);
        for (size_t i = 0; i < found->n; i++)
            write_one(&w, &found->items[i]);
        api_page_end(api, &w, "notifications", found->more, 0,
                     found->n > 0 ? found->items[found->n - 1].id : 0);
    }
    free(found);
    return rc;
}

static enum rc mark_read(struct api *api, const struct api_request *req,
                         struct web_response *res, struct err *err)
{
    const char *text = json_string_value(json_object_get(req->json, "up_to"));
    uint64_t upto = 0;
    enum rc rc;

    if (json_object_size(req->json) != 1 || text == NULL || !parse_id(text, &upto))
        return err_field(
            err, "up_to", "invalid",
            "up_to must be the id of the newest notification that was read.");
    rc = notification_read(api->db, req->who.workspace_id, req->who.user_id, upto, err);
    if (rc == RC_OK)
        web_empty(res, 204, NULL);
    return rc;
}

static enum rc show_settings(struct api *api, const struct api_request *req,
                             struct web_response *res, struct err *err)
{
    bool mail = false;
    struct jsonw w;
    enum rc rc = notification_wanted(api->db, req->who.user_id, &mail, err);

    if (rc != RC_OK)
        return rc;
    web_json_begin(res, 200, &w);
    jsonw_object(&w);
    jsonw_key_bool(&w, "mail", mail);
    jsonw_end(&w);
    return RC_OK;
}

static enum rc change_settings(struct api *api, const struct api_request *req,
                               struct web_response *res, struct err *err)
{
    const json_t *mail = json_object_get(req->json, "mail");
    enum rc rc;

    if (json_object_size(req->json) != 1 || !json_is_boolean(mail))
        return err_field(err, "mail", "invalid", "mail must be true or false.");
    rc = notification_want(api->db, req->who.user_id, json_is_true(mail), err);
    return rc == RC_OK ? show_settings(api, req, res, err) : rc;
}

static const struct api_route routes[] = {
    {"GET", "/api/v1/notifications", AUTH_VIEWER, BODY_NONE, list},
    {"POST", "/api/v1/notifications/read", AUTH_VIEWER, BODY_JSON, mark_read},
    {"GET", "/api/v1/notifications/settings", AUTH_VIEWER, BODY_NONE, show_settings},
    {"PATCH", "/api/v1/notifications/settings", AUTH_VIEWER, BODY_JSON, change_settings},
};

const struct api_routes notification_routes = {routes, ARRAY_LEN(routes)};
