#include "must.h"

#include <stdio.h>
#include <stdlib.h>

void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "OpenSSL refused: %s\n", what);
    abort();
}
