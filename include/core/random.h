/* core/random.h - randomness as a seam, so that tests can name what comes next.
 *
 * Ids, secrets, nonces and jitter all come from here. The system source is the
 * kernel's getrandom(); it cannot fail after boot, and if it does the process ends. */
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random_source {
    void (*fill)(void *ctx, void *buf, size_t len);
    void *ctx;
};

/* The kernel's generator; constant, never freed, fit for secrets. */
const struct random_source *random_system(void);

static inline void random_fill(const struct random_source *r, void *buf, size_t len)
{
    r->fill(r->ctx, buf, len);
}

/* Uniform in 0..bound-1; bound > 0. */
uint64_t random_below(const struct random_source *r, uint64_t bound);

/* Writes chars random characters of the lower-case base-32 alphabet a-z2-7 (5 bits
 * each; 26 of them are 130 bits) and a NUL. out holds chars + 1 bytes. */
void random_base32(const struct random_source *r, char *out, size_t chars);

#endif
