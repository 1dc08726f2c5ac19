/* api/session/view.h - Session of docs/openapi.yaml. */
#ifndef SRC_API_SESSION_VIEW_H
#define SRC_API_SESSION_VIEW_H

#include "../api.h"

/* Answers with who is signed in and what this installation allows. */
enum rc session_answer(struct api *api, const struct api_caller *who, int status,
                       struct web_response *res, struct err *err) MUST_CHECK;

#endif
