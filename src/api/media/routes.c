/* The routes of the library of files. */
#include "media.h"

static const struct api_route routes[] = {
    {"GET", "/api/v1/media", AUTH_VIEWER, BODY_NONE, media_list_get},
    {"GET", "/api/v1/media/{id}", AUTH_VIEWER, BODY_NONE, media_one_get},
    {"PATCH", "/api/v1/media/{id}", AUTH_EDITOR, BODY_JSON, media_one_patch},
    {"DELETE", "/api/v1/media/{id}", AUTH_EDITOR, BODY_NONE, media_one_delete},
    {"GET", "/api/v1/media/{id}/content", AUTH_VIEWER, BODY_NONE, media_content},
    {"GET", "/api/v1/media/{id}/thumbnail", AUTH_VIEWER, BODY_NONE, media_thumbnail},
    {"GET", "/api/v1/media/{id}/strip", AUTH_VIEWER, BODY_NONE, media_strip},
    {"POST", "/api/v1/media/{id}/repair", AUTH_EDITOR, BODY_NONE, media_repair_post},
    {"DELETE", "/api/v1/media/{id}/repair", AUTH_EDITOR, BODY_NONE, media_repair_delete},
    {"GET", "/api/v1/tags", AUTH_VIEWER, BODY_NONE, media_tags_get},
    {"GET", "/api/v1/storage", AUTH_VIEWER, BODY_NONE, media_storage},
};

const struct api_routes media_routes = {routes, ARRAY_LEN(routes)};
