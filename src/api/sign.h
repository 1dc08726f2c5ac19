/* api/sign.h - short texts that only we can have made: CSRF tokens and cursors.
 *
 * A tag names the key of APP_KEY_FILE it was made under, so that what was given out
 * before a rotation stays good until that key is removed. Each purpose has a key of its
 * own (HKDF), so a tag for one is worthless for another. */
#ifndef SRC_API_SIGN_H
#define SRC_API_SIGN_H

#include "core/attr.h"
#include "crypto/hmac.h"
#include "crypto/keys.h"

#include <stdbool.h>
#include <stddef.h>

enum { SIGN_SIZE = 4 + HMAC_SIZE }; /* bytes of a tag: the key's id and the HMAC */

/* Signs the n parts, as if they stood in one buffer, under the active key. */
void sign_make(const struct key_ring *keys, const char *purpose,
               const struct hmac_part *parts, size_t n, unsigned char tag[SIGN_SIZE]);

/* True when tag was made by sign_make() for the same purpose and parts. */
bool sign_check(const struct key_ring *keys, const char *purpose,
                const struct hmac_part *parts, size_t n,
                const unsigned char tag[SIGN_SIZE]) MUST_CHECK;

#endif
