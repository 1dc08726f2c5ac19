/* The routes of uploads by tus. */
#include "uploads.h"

static const struct api_route routes[] = {
    {"OPTIONS", "/api/v1/uploads", AUTH_NONE, BODY_NONE, upload_options},
    {"POST", "/api/v1/uploads", AUTH_EDITOR, BODY_RAW, upload_create},
    {"HEAD", "/api/v1/uploads/{upload}", AUTH_EDITOR, BODY_NONE, upload_head},
    {"PATCH", "/api/v1/uploads/{upload}", AUTH_EDITOR, BODY_RAW, upload_patch},
    {"DELETE", "/api/v1/uploads/{upload}", AUTH_EDITOR, BODY_NONE, upload_delete},
};

const struct api_routes upload_routes = {routes, ARRAY_LEN(routes)};
