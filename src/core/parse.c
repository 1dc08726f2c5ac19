#include "core/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 20 }; /* of INT64_MIN with its sign */

bool parse_i64_slice(const char *p, size_t len, int64_t min, int64_t max, int64_t *n)
{
    char text[DIGITS_MAX + 1];
    char *end = NULL;
    long long value;

    if (len == 0 || len > DIGITS_MAX)
        return false;
    if (!(p[0] == '-' && len > 1) && !(p[0] >= '0' && p[0] <= '9'))
        return false;
    (void)memcpy(text, p, len);
    text[len] = '\0';
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end != text + len || value < min || value > max)
        return false;
    *n = value;
    return true;
}

bool parse_i64(const char *text, int64_t min, int64_t max, int64_t *n)
{
    return parse_i64_slice(text, strlen(text), min, max, n);
}

bool parse_id(const char *text, uint64_t *id)
{
    int64_t n;

    if (text[0] == '0' || !parse_i64(text, 1, INT64_MAX, &n))
        return false;
    *id = (uint64_t)n;
    return true;
}
