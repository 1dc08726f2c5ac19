#include "core/xalloc.h"

#include <stdio.h>
#include <string.h>

static void *or_die(void *p, size_t size)
{
    if (p == NULL) {
        (void)fprintf(stderr, "level=error event=core.out_of_memory bytes=%zu\n", size);
        abort();
    }
    return p;
}

void *xmalloc(size_t size)
{
    return or_die(malloc(size > 0 ? size : 1), size);
}

void *xcalloc(size_t n, size_t size)
{
    return or_die(calloc(n > 0 ? n : 1, size > 0 ? size : 1), n * size);
}

void *xreallocarray(void *p, size_t n, size_t size)
{
    return or_die(reallocarray(p, n > 0 ? n : 1, size > 0 ? size : 1), n * size);
}

char *xstrdup(const char *s)
{
    return xmemdupz(s, strlen(s));
}

char *xmemdupz(const void *s, size_t len)
{
    char *copy = xmalloc(len + 1);

    (void)memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}
