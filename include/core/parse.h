/* core/parse.h - text to numbers, whole string or nothing.
 *
 * No leading space, no '+', no trailing text, no empty string. These are the only
 * users of strtol() and its kin in the program. */
#ifndef CORE_PARSE_H
#define CORE_PARSE_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when all of text is a decimal number from min to max; then *n is it. */
bool parse_i64(const char *text, int64_t min, int64_t max, int64_t *n) MUST_CHECK;

/* The same for a slice of len bytes, which need not end in NUL. */
bool parse_i64_slice(const char *p, size_t len, int64_t min, int64_t max,
                     int64_t *n) MUST_CHECK;

/* An id as the API shows it: 1 to 2^63-1 (BIGINT), without leading zeros. */
bool parse_id(const char *text, uint64_t *id) MUST_CHECK;

#endif
