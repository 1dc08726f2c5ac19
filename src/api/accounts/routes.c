/* The routes of connected accounts. */
#include "../oauth/oauth.h"
#include "accounts.h"

static const struct api_route routes[] = {
    {"POST", "/api/auth/tiktok/start", AUTH_ADMIN, BODY_JSON, oauth_start},
    {"GET", "/api/auth/tiktok/callback", AUTH_SESSION, BODY_NONE, oauth_callback},
    {"GET", "/api/v1/accounts", AUTH_VIEWER, BODY_NONE, accounts_list},
    {"GET", "/api/v1/accounts/{id}", AUTH_VIEWER, BODY_NONE, accounts_get},
    {"PATCH", "/api/v1/accounts/{id}", AUTH_ADMIN, BODY_JSON, accounts_patch},
    {"DELETE", "/api/v1/accounts/{id}", AUTH_ADMIN, BODY_NONE, accounts_delete},
    {"GET", "/api/v1/accounts/{id}/creator-info", AUTH_VIEWER, BODY_NONE,
     accounts_creator_info},
    {"GET", "/api/v1/accounts/{id}/avatar", AUTH_VIEWER, BODY_NONE, accounts_avatar},
};

const struct api_routes account_routes = {routes, ARRAY_LEN(routes)};
