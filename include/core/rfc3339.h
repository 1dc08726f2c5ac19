/* core/rfc3339.h - instants as text, both ways (RFC 3339, the API's time format).
 *
 * Inside, an instant is int64_t milliseconds since the Unix epoch, UTC. Outside it is
 * "2026-11-24T09:00:00.123Z". Reading accepts any numeric offset, 'T' or 't', 'Z' or
 * 'z', and one to nine fraction digits (cut to milliseconds). */
#ifndef CORE_RFC3339_H
#define CORE_RFC3339_H

#include "core/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum { RFC3339_SIZE = 32 }; /* bytes for a formatted instant with its NUL */

/* Years 0001 to 9999; an instant outside is shown as the nearest inside. */
void rfc3339_format(int64_t at_ms, char out[RFC3339_SIZE]);

/* True when all of text is one valid instant; a leap second (:60) is refused. */
bool rfc3339_parse(const char *text, int64_t *at_ms) MUST_CHECK;

#endif
