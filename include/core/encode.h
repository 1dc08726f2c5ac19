/* core/encode.h - bytes as text: hex, base64, percent-encoding.
 *
 * Decoders take whole, well-formed input or refuse it: no white space, no missing
 * padding (base64), no half escapes. */
#ifndef CORE_ENCODE_H
#define CORE_ENCODE_H

#include "core/attr.h"
#include "core/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Lower-case hex of len bytes and a NUL; out holds 2 * len + 1 bytes. */
void hex_encode(const void *data, size_t len, char *out);

/* Exactly 2 * len hex digits, either case, into len bytes. */
bool hex_decode(const char *hex, void *out, size_t len) MUST_CHECK;

/* Appends standard base64 with padding, or URL-safe base64 without. */
void base64_encode(struct strbuf *sb, const void *data, size_t len);
void base64url_encode(struct strbuf *sb, const void *data, size_t len);

/* Appends the bytes that len characters of standard padded base64 stand for. False
 * when they are not that; sb then holds what was appended before. */
bool base64_decode(struct strbuf *sb, const char *text, size_t len) MUST_CHECK;

/* Appends s with every byte outside A-Za-z0-9-._~ percent-encoded (RFC 3986). Also
 * right for application/x-www-form-urlencoded values. */
void percent_encode(struct strbuf *sb, const char *s, size_t len);

/* Appends what len characters of percent-encoded text stand for; plus_is_space for
 * form and query values. False for a half or non-hex escape and for an encoded NUL. */
bool percent_decode(struct strbuf *sb, const char *s, size_t len,
                    bool plus_is_space) MUST_CHECK;

#endif
