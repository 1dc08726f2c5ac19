/* The route by which TikTok fetches. */
#include "pull.h"

static const struct api_route routes[] = {
    {"GET", "/m/{gate_token}/{file}", AUTH_NONE, BODY_NONE, pull_get},
};

const struct api_routes pull_routes = {routes, ARRAY_LEN(routes)};
