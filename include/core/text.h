/* core/text.h - text from outside is bytes until it has been checked here. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* True when the len bytes at s are well-formed UTF-8 (no overlong forms, no
 * surrogates, nothing above U+10FFFF) without NUL. */
bool text_is_utf8(const char *s, size_t len) MUST_CHECK;

/* UTF-16 code units of well-formed UTF-8: what JavaScript's .length and TikTok's
 * limits count (U+10000 and above are two). */
size_t text_utf16_units(const char *s, size_t len);

/* True when s holds a control character: below space but for newline and tab, or DEL. */
bool text_has_control(const char *s, size_t len) MUST_CHECK;

/* ASCII only, whatever the locale. */
char text_lower(char c);
bool text_equal_nocase(const char *a, const char *b) MUST_CHECK;

/* True when s begins, or ends, with the given part. */
bool text_starts_with(const char *s, const char *prefix) MUST_CHECK;
bool text_ends_with(const char *s, const char *suffix) MUST_CHECK;

/* Copies s into out of size bytes, cut to fit (on a UTF-8 boundary), NUL-terminated. */
void text_copy(char *out, size_t size, const char *s);

#endif
