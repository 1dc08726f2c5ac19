/* crypto/compare.h - comparing secrets without telling how much of them was right.
 *
 * memcmp() stops at the first difference, and an attacker who can measure that learns
 * a token byte by byte. Everything that is compared with something from outside
 * (session and CSRF tokens, signatures, state values) is compared here. */
#ifndef CRYPTO_COMPARE_H
#define CRYPTO_COMPARE_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* True when both hold the same bytes. The time depends on the lengths only, and lengths
 * are not secret. Two empty inputs are equal. */
bool secret_equal(const void *a, size_t a_len, const void *b, size_t b_len) MUST_CHECK;

/* The same for two NUL-terminated strings. */
bool secret_equal_text(const char *a, const char *b) MUST_CHECK;

#endif
