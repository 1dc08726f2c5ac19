/* api/dispatch.h - one request from its first byte to its answer.
 *
 * In this order, so that nobody learns from an error what they may not ask: the route
 * (404, 405), who asks (401), CSRF (403), the role (403), the id in the path (404), the
 * body (415, 413, 400), the handler. Any failure becomes one status, one JSON body and
 * one log line here, and nowhere else. */
#ifndef SRC_API_DISPATCH_H
#define SRC_API_DISPATCH_H

#include "routes.h"

struct dispatch {
    struct api *api;
    struct route_tables routes;
};

/* Fills res. Never fails: a failure is an answer. */
void dispatch_request(const struct dispatch *d, const struct web_request *web,
                      struct web_response *res);

#endif
