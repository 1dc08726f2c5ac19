#include "core/random.h"

#include "core/attr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static void kernel_fill(UNUSED void *ctx, void *buf, size_t len)
{
    unsigned char *p = buf;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            (void)fputs("level=error event=core.no_randomness\n", stderr);
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}

const struct random_source *random_system(void)
{
    static const struct random_source source = {kernel_fill, NULL};

    return &source;
}

uint64_t random_below(const struct random_source *r, uint64_t bound)
{
    /* Values at or above the largest multiple of bound would favour small results. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value;

    do {
        random_fill(r, &value, sizeof(value));
    } while (value >= limit);
    return value % bound;
}

void random_base32(const struct random_source *r, char *out, size_t chars)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char byte;

    for (size_t i = 0; i < chars; i++) {
        random_fill(r, &byte, 1);
        out[i] = alphabet[byte & 31U];
    }
    out[chars] = '\0';
}
