/* PATCH /api/v1/accounts/{id} - the default time zone of its posts. */
#include "../zone.h"
#include "accounts.h"

/* "timezone" of the body: *tz is NULL when it is absent, "" for null. */
static enum rc read_zone(const json_t *body, const char **tz, struct err *err)
{
    static const char *const known[] = {"timezone", NULL};
    const json_t *value = json_object_get(body, "timezone");
    struct api_fields fields = {0};
    enum rc rc = api_json_known(body, known, err);

    if (rc != RC_OK)
        return rc;
    *tz = json_is_null(value) ? "" : json_string_value(value);
    if (value == NULL || json_is_null(value) || (*tz != NULL && zone_exists(*tz)))
        return RC_OK;
    api_fields_add(&fields, "timezone", "timezone_unknown");
    return api_fields_fail(&fields, "There is no time zone of that name.", err);
}

enum rc accounts_patch(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err)
{
    struct account_ref ref = {.account_id = req->id};
    struct actor actor = accounts_actor(req);
    const char *tz = NULL;
    enum rc rc = api_if_match(req, &ref.version, err);

    if (rc == RC_OK)
        rc = read_zone(req->json, &tz, err);
    if (rc == RC_OK && tz != NULL)
        rc = account_set_zone(api->db, &actor, ref, tz, err);
    return rc == RC_OK ? accounts_answer(api, req, res, err) : rc;
}
