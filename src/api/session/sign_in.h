/* api/session/sign_in.h - the handlers of /api/v1/session. */
#ifndef SRC_API_SESSION_SIGN_IN_H
#define SRC_API_SESSION_SIGN_IN_H

#include "../api.h"

enum rc session_sign_in(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err);

#endif
