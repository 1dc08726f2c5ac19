/* GET /api/live and /api/ready: the truth about health. */
#include "metrics.h"
#include "ready.h"

#include "core/version.h"

static enum rc live(struct api *api, const struct api_request *req,
                    struct web_response *res, struct err *err)
{
    struct jsonw w;

    (void)api;
    (void)req;
    (void)err;
    web_json_begin(res, 200, &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "status", "live");
    jsonw_key_text(&w, "version", TTS_VERSION);
    jsonw_end(&w);
    return RC_OK;
}

static const struct api_route routes[] = {
    {"GET", "/api/live", AUTH_NONE, BODY_NONE, live},
    {"GET", "/api/ready", AUTH_NONE, BODY_NONE, live_ready},
    {"GET", "/metrics", AUTH_NONE, BODY_NONE, live_metrics},
};

const struct api_routes live_routes = {routes, ARRAY_LEN(routes)};
