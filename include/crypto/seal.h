/* crypto/seal.h - secrets at rest: AES-256-GCM, bound to the place they lie in.
 *
 * A sealed blob is  version(1) | key id(4, big endian) | nonce(12) | ciphertext |
 * tag(16). Its place (purpose, table, column, row, workspace) is authenticated with it: a
 * blob copied into another row, column or tenant does not open, nor does one with any bit
 * changed. The key is derived per purpose from the ring's active master key
 * (crypto/keys.h). Nonces are 96 random bits from the kernel, never the caller's choice;
 * one key is good for 2^32 of them (NIST SP 800-38D), rotate long before.
 *
 *     struct seal_place at = {"tiktok-token", "account_token", "refresh_token",
 *                             .row = account_id, .workspace = workspace_id};
 *     rc = seal_close(ring, &at, token, strlen(token), &blob, err);
 *     ...
 *     rc = seal_open(ring, &at, blob.buf, blob.len, &plain, err);
 *     strbuf_wipe(&plain);
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "core/err.h"
#include "core/strbuf.h"
#include "crypto/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEAL_OVERHEAD = 1 + 4 + 12 + 16, /* bytes a blob is longer than its plain text */
    SEAL_PLAIN_MAX = 65536,
};

/* Where a secret lies. The three names are constants of the program, not empty and
 * without '|'. row is the primary key; part is its second column where it has two (an
 * attempt's number), else 0. */
struct seal_place {
    const char *purpose, *table, *column;
    uint64_t row, part, workspace;
};

/* Appends the blob for len bytes of plain to out (binary). RC_INVALID "seal_too_long":
 * more than SEAL_PLAIN_MAX bytes, or out's limit is too small. */
enum rc seal_close(const struct key_ring *ring, const struct seal_place *place,
                   const void *plain, size_t len, struct strbuf *out,
                   struct err *err) MUST_CHECK;

/* Appends the plain text to out, whose owner wipes it with strbuf_wipe(). Nothing is
 * appended unless every byte was authenticated.
 * RC_NOT_FOUND "key_unknown": sealed under a key that the ring does not hold.
 * RC_REJECTED "seal_broken": changed, cut, moved from another place, or no blob. */
enum rc seal_open(const struct key_ring *ring, const struct seal_place *place,
                  const void *blob, size_t len, struct strbuf *out,
                  struct err *err) MUST_CHECK;

/* The id of the key a blob was sealed under, or 0 when it is no blob of ours. */
uint32_t seal_key_id(const void *blob, size_t len);

/* True when the blob was sealed under the active key: nothing to renew. */
bool seal_is_current(const struct key_ring *ring, const void *blob,
                     size_t len) MUST_CHECK;

#endif
