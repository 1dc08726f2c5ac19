#include "routes.h"

#include <stdio.h>
#include <string.h>

static void allow_add(char allow[ROUTE_ALLOW_SIZE], const char *method)
{
    size_t len = strlen(allow);

    (void)snprintf(allow + len, ROUTE_ALLOW_SIZE - len, "%s%s", len > 0 ? ", " : "",
                   method);
}

static bool serves(const struct api_route *route, const char *method)
{
    return strcmp(route->method, method) == 0;
}

/* True when the path has the method. Methods that it has are collected in out->allow. */
static bool find_in_table(const struct api_routes *table, const char *method,
                          const char *path, struct route_match *out)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct api_route *route = &table->routes[i];

        if (!web_match(route->path, path, &out->params))
            continue;
        if (serves(route, method)) {
            out->route = route;
            return true;
        }
        allow_add(out->allow, route->method);
        if (serves(route, "GET"))
            allow_add(out->allow, "HEAD");
    }
    return false;
}

static bool find_method(const struct route_tables *tables, const char *method,
                        const char *path, struct route_match *out)
{
    for (size_t i = 0; i < tables->n; i++) {
        if (find_in_table(tables->tables[i], method, path, out))
            return true;
    }
    return false;
}

void route_find(const struct route_tables *tables, const char *method, const char *path,
                struct route_match *out)
{
    *out = (struct route_match){0};
    if (find_method(tables, method, path, out))
        return;
    if (strcmp(method, "HEAD") == 0) {
        out->allow[0] = '\0';
        if (find_method(tables, "GET", path, out))
            return;
    }
    out->params = (struct web_params){0};
}
