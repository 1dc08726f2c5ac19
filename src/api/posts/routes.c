/* Posts, the calendar, and the feed of what changed. */
#include "../changes/changes.h"
#include "posts.h"

static const struct api_route routes[] = {
    {"GET", "/api/v1/posts", AUTH_VIEWER, BODY_NONE, posts_handle_list},
    {"POST", "/api/v1/posts", AUTH_EDITOR, BODY_JSON, posts_handle_create},
    {"GET", "/api/v1/posts/{id}", AUTH_VIEWER, BODY_NONE, posts_handle_get},
    {"PATCH", "/api/v1/posts/{id}", AUTH_EDITOR, BODY_JSON, posts_handle_patch},
    {"DELETE", "/api/v1/posts/{id}", AUTH_EDITOR, BODY_NONE, posts_handle_delete},
    {"POST", "/api/v1/posts/{id}/schedule", AUTH_EDITOR, BODY_JSON,
     posts_handle_schedule},
    {"POST", "/api/v1/posts/{id}/publish-now", AUTH_EDITOR, BODY_JSON,
     posts_handle_publish_now},
    {"POST", "/api/v1/posts/{id}/cancel", AUTH_EDITOR, BODY_OPTIONAL,
     posts_handle_cancel},
    {"POST", "/api/v1/posts/{id}/retry", AUTH_EDITOR, BODY_OPTIONAL, posts_handle_retry},
    {"POST", "/api/v1/posts/{id}/duplicate", AUTH_EDITOR, BODY_OPTIONAL,
     posts_handle_duplicate},
    {"POST", "/api/v1/posts/{id}/resolve", AUTH_EDITOR, BODY_JSON, posts_handle_resolve},
    {"GET", "/api/v1/posts/{id}/events", AUTH_VIEWER, BODY_NONE, posts_handle_events},
    {"GET", "/api/v1/calendar", AUTH_VIEWER, BODY_NONE, posts_handle_calendar},
    {"GET", "/api/v1/changes", AUTH_VIEWER, BODY_NONE, changes_handle},
};

const struct api_routes post_routes = {routes, ARRAY_LEN(routes)};
