/* web/send.h - an answer on its way to nginx. */
#ifndef SRC_WEB_SEND_H
#define SRC_WEB_SEND_H

#include "web/request.h"
#include "web/response.h"

#include <stdbool.h>

struct FCGX_Stream;

/* Makes *res the answer to what cannot be a request, or to a handler that left no answer
 * that could be sent (500). */
void send_refusal(struct web_response *res, int status, const char *request_id);

/* Writes the answer. False when there shall be none and the connection be dropped, as the
 * simulator may ask for. That the peer has gone is no failure. */
bool send_response(struct FCGX_Stream *out, const struct web_request *req,
                   struct web_response *res) MUST_CHECK;

#endif
