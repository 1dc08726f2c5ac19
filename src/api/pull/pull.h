/* api/pull/pull.h - what TikTok fetches: GET|HEAD /m/{gate_token}/{file}.
 *
 * Public: the token in the path is the right (store/gate.h), made of 128 random bits and
 * told to TikTok alone, so the path is never logged. There is no session, no workspace
 * and no cookie; a token that was never made and one that is spent are answered alike.
 * The bytes are nginx's to send, with Range, from X-Accel-Redirect. */
#ifndef SRC_API_PULL_PULL_H
#define SRC_API_PULL_PULL_H

#include "../api.h"

enum {
    PULL_HOLD_MS = 8000,  /* a closed gate lets who knocks wait for so long, */
    PULL_LOOK_MS = 100,   /* looking this often whether it has opened */
    PULL_AGAIN_MS = 2000, /* and then says when to come again */
};

/* The path's two segments: {gate_token} and {file}. */
enum rc pull_get(struct api *api, const struct api_request *req, struct web_response *res,
                 struct err *err) MUST_CHECK;

#endif
