/* api/live/ready.h - will posts go out? */
#ifndef SRC_API_LIVE_READY_H
#define SRC_API_LIVE_READY_H

#include "../api.h"

/* 200 when every check is good, else 503; one line for each. Anybody may ask, so the
 * lines name no host, path or account. */
enum rc live_ready(struct api *api, const struct api_request *req,
                   struct web_response *res, struct err *err);

#endif
