/* crypto/hmac.h - HMAC-SHA256 (RFC 2104): who holds the key wrote this.
 *
 * Used for CSRF tokens, list cursors, TikTok's webhook signature and our own outgoing
 * ones. Compare a result with crypto/compare.h only. As with digests, refusal by
 * OpenSSL ends the process. */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include <stddef.h>

enum {
    HMAC_SIZE = 32,
    HMAC_HEX_SIZE = 65, /* 64 lower-case hex digits and a NUL */
};

/* A message may be signed as several pieces, as if they stood in one buffer. The caller
 * sees to it that the seams are unambiguous, e.g. by a separator no piece contains. */
struct hmac_part {
    const void *data;
    size_t len;
};

void hmac_sha256(const void *key, size_t key_len, const struct hmac_part *parts, size_t n,
                 unsigned char out[HMAC_SIZE]);

/* The same as lower-case hex. */
void hmac_sha256_hex(const void *key, size_t key_len, const struct hmac_part *parts,
                     size_t n, char out[HMAC_HEX_SIZE]);

#endif
