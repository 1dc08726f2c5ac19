/* api/routes.h - which row of the route tables a request belongs to. Pure. */
#ifndef SRC_API_ROUTES_H
#define SRC_API_ROUTES_H

#include "api.h"

struct route_tables {
    const struct api_routes *const *tables;
    size_t n;
};

enum { ROUTE_ALLOW_SIZE = 64 }; /* bytes of an Allow header with its NUL */

struct route_match {
    const struct api_route *route; /* NULL: none */
    struct web_params params;      /* of route */
    char allow[ROUTE_ALLOW_SIZE];  /* methods the path takes, when route is NULL; "": the
                                    * path is nobody's */
};

/* HEAD falls back to the GET of the same path. */
void route_find(const struct route_tables *tables, const char *method, const char *path,
                struct route_match *out);

#endif
