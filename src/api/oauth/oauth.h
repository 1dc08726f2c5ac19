/* api/oauth/oauth.h - the way to TikTok's consent page and back. */
#ifndef SRC_API_OAUTH_OAUTH_H
#define SRC_API_OAUTH_OAUTH_H

#include "../api.h"

enum rc oauth_start(struct api *api, const struct api_request *req,
                    struct web_response *res, struct err *err) MUST_CHECK;
enum rc oauth_callback(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err) MUST_CHECK;

#endif
