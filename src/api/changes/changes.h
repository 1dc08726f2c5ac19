/* api/changes/changes.h - cheap polling: what changed since a sequence number. */
#ifndef SRC_API_CHANGES_CHANGES_H
#define SRC_API_CHANGES_CHANGES_H

#include "../api.h"

/* GET /api/v1/changes. 304 costs one indexed read. */
enum rc changes_handle(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err) MUST_CHECK;

#endif
