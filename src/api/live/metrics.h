/* api/live/metrics.h - figures for Prometheus. */
#ifndef SRC_API_LIVE_METRICS_H
#define SRC_API_LIVE_METRICS_H

#include "../api.h"

/* 404 unless nginx says that the request came in on its internal listener. */
enum rc live_metrics(struct api *api, const struct api_request *req,
                     struct web_response *res, struct err *err) MUST_CHECK;

#endif
