#include "args.h"

#include <assert.h>

void args_add(struct args *a, const char *const words[], size_t n)
{
    assert(a->n + n < ARGS_MAX);
    for (size_t i = 0; i < n; i++)
        a->v[a->n++] = words[i];
    a->v[a->n] = NULL;
}
