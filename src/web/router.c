#include "web/router.h"

#include <assert.h>
#include <string.h>

/* The length of the segment at p: up to the next '/' or the end. */
static size_t segment_len(const char *p)
{
    return strcspn(p, "/");
}

/* Keeps the path's segment under the name between the braces; false when it is none. */
static bool take_param(struct web_params *params, const char *pattern, size_t pattern_len,
                       const char *segment, size_t len)
{
    size_t name_len = pattern_len - 2;

    if (len == 0 || len >= WEB_PARAM_SIZE)
        return false;
    assert(params->n < WEB_PARAMS_MAX && name_len < sizeof(params->name[0]));
    (void)memcpy(params->name[params->n], pattern + 1, name_len);
    params->name[params->n][name_len] = '\0';
    (void)memcpy(params->value[params->n], segment, len);
    params->value[params->n][len] = '\0';
    params->n++;
    return true;
}

static bool segment_fits(const char *pattern, size_t pattern_len, const char *segment,
                         size_t len, struct web_params *params)
{
    if (pattern_len > 2 && pattern[0] == '{' && pattern[pattern_len - 1] == '}')
        return take_param(params, pattern, pattern_len, segment, len);
    return len == pattern_len && memcmp(pattern, segment, len) == 0;
}

bool web_match(const char *pattern, const char *path, struct web_params *params)
{
    params->n = 0;
    while (*pattern == '/' && *path == '/') {
        size_t pattern_len = segment_len(++pattern);
        size_t len = segment_len(++path);

        if (!segment_fits(pattern, pattern_len, path, len, params))
            return false;
        pattern += pattern_len;
        path += len;
    }
    return *pattern == '\0' && *path == '\0';
}

const char *web_param(const struct web_params *params, const char *name)
{
    for (size_t i = 0; i < params->n; i++) {
        if (strcmp(params->name[i], name) == 0)
            return params->value[i];
    }
    return NULL;
}
