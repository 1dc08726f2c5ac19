/* crypto/password.h - people's passwords: Argon2id (RFC 9106) by libargon2.
 *
 * Stored is the PHC string, which carries its own salt and cost, so that the cost can
 * rise later: sign-in verifies, then asks password_needs_rehash() and stores a new one.
 *
 *     rc = password_verify(user.password_hash, text, len, err);   // RC_DENIED: wrong
 *     if (rc == RC_OK && password_needs_rehash(user.password_hash)) ...
 *
 * One call takes tens of milliseconds and PASSWORD_COST's memory, on purpose: callers
 * bound how many run at once (docs/security.md). Nothing here keeps the password. */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "core/err.h"
#include "core/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* OWASP's list of equal minimums for Argon2id, one lane: 46 MiB in one pass, 19 MiB in
 * two (measured here: 38 ms and 21 ms). New hashes use the first: above glibc's largest
 * mmap threshold of 32 MiB every buffer goes back to the kernel at once, so a worker
 * stays small between sign-ins. */
enum {
    PASSWORD_COST_KIB = 46 * 1024,
    PASSWORD_COST_PASSES = 1,
    PASSWORD_FLOOR_KIB = 19 * 1024, /* with 2 passes: the weakest hash not renewed */
    PASSWORD_FLOOR_PASSES = 2,
    PASSWORD_MAX = 1024,      /* bytes of a password; longer is refused, never cut */
    PASSWORD_HASH_SIZE = 128, /* a PHC string with its NUL; ours take 98 */
};

/* RC_INVALID "password_too_long" or "password_empty": not hashed. The rules for a *good*
 * password (length, known leaks) are the caller's. */
enum rc password_hash(const struct random_source *random, const char *password,
                      size_t len, char out[PASSWORD_HASH_SIZE],
                      struct err *err) MUST_CHECK;

/* RC_OK: it is the password. RC_DENIED "wrong_password": it is not, or is empty or
 * longer than PASSWORD_MAX. RC_BUG: hash is not an Argon2id string within sane cost. */
enum rc password_verify(const char *hash, const char *password, size_t len,
                        struct err *err) MUST_CHECK;

/* For a user who does not exist: takes as long as password_verify() of a current hash
 * and always answers RC_DENIED "wrong_password", so that time does not tell. */
enum rc password_verify_nobody(const char *password, size_t len,
                               struct err *err) MUST_CHECK;

/* True when hash is weaker than both minimums above, or is no Argon2id string. */
bool password_needs_rehash(const char *hash) MUST_CHECK;

#endif
