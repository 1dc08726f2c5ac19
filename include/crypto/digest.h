/* crypto/digest.h - SHA-256, and SHA-1 for the one protocol that asks for it.
 *
 * These cannot fail on valid input: if OpenSSL refuses, the build or the host is broken
 * and the process ends, as it does without memory. Hashing a password is not for here
 * but for crypto/password.h; a token of 128 random bits or more is stored as its
 * SHA-256. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "core/attr.h"

#include <stddef.h>
#include <stdint.h>

enum {
    DIGEST_SHA1_SIZE = 20,
    DIGEST_SHA256_SIZE = 32,
    DIGEST_SHA256_HEX_SIZE = 65, /* 64 lower-case hex digits and a NUL */
    DIGEST_SIZE_MAX = 32,
};

enum digest_kind {
    DIGEST_SHA1, /* tus 1.0.0 makes it mandatory for its checksum extension; a check
                  * against damage on the way, never against an attacker */
    DIGEST_SHA256,
};

void digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SHA256_SIZE]);
void digest_sha256_hex(const void *data, size_t len, char out[DIGEST_SHA256_HEX_SIZE]);

/* For data that comes in pieces:
 *
 *     struct digest *d = digest_new(DIGEST_SHA1);
 *     digest_add(d, buf, n);  ...
 *     size_t len = digest_finish(d, out);
 *     digest_free(d);
 */
struct digest;

void digest_free(struct digest *d); /* NULL is fine */
struct digest *digest_new(enum digest_kind kind) RETURNS_OWNED(digest_free);
void digest_add(struct digest *d, const void *data, size_t len);

/* Writes the digest and returns its size in bytes; afterwards d can only be freed. */
size_t digest_finish(struct digest *d, unsigned char out[DIGEST_SIZE_MAX]);

#endif
