/* web/router.h - which row of a table a method and path belong to. Pure.
 *
 * A pattern is a path in which a whole segment may be a name in braces:
 * "/api/v1/posts/{id}/events". The path's segments are matched as sent (percent-escapes
 * are not decoded; an escaped path matches no literal segment). Which method fits is the
 * caller's table's business. */
#ifndef WEB_ROUTER_H
#define WEB_ROUTER_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    WEB_PARAMS_MAX = 4,
    WEB_PARAM_SIZE = 129, /* bytes of a parameter with its NUL; longer matches nothing */
};

struct web_params {
    size_t n;
    char name[WEB_PARAMS_MAX][32];
    char value[WEB_PARAMS_MAX][WEB_PARAM_SIZE];
};

/* True when path fits pattern; then *params are its parameters. */
bool web_match(const char *pattern, const char *path,
               struct web_params *params) MUST_CHECK;

/* The parameter's value, or NULL. */
const char *web_param(const struct web_params *params, const char *name);

#endif
