/* /api/v1/session: sign in, who am I, sign out. */
#include "../auth.h"
#include "sign_in.h"
#include "view.h"

/* GET: also for an API token, which has no CSRF token. */
static enum rc who_am_i(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    return session_answer(api, &req->who, 200, res, err);
}

/* DELETE: the row goes, so a copy of the cookie is worthless too. What the browser keeps
 * of the dashboard goes with it. */
static enum rc sign_out(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    const struct web_cookie gone = {.name = auth_cookie_name(api->settings),
                                    .value = "",
                                    .max_age_s = 0,
                                    .secure = api->settings->https};
    const struct actor actor = {.workspace_id = req->who.workspace_id,
                                .user_id = req->who.user_id,
                                .ip = req->web->remote_ip};
    enum rc rc;

    if (req->who.token_id != 0)
        return err_set(err, RC_DENIED, "forbidden",
                       "A token is not signed in. Revoke it instead.");
    rc = session_end(api->db, &actor, req->who.session_hash, err);
    if (rc != RC_OK)
        return rc;
    web_cookie_set(res, &gone);
    web_header_add(res, "Clear-Site-Data", "\"cache\", \"storage\"");
    web_empty(res, 204, NULL);
    return RC_OK;
}

static const struct api_route routes[] = {
    {"POST", "/api/v1/session", AUTH_NONE, BODY_JSON, session_sign_in},
    {"GET", "/api/v1/session", AUTH_VIEWER, BODY_NONE, who_am_i},
    {"DELETE", "/api/v1/session", AUTH_VIEWER, BODY_NONE, sign_out},
};

const struct api_routes session_routes = {routes, ARRAY_LEN(routes)};
