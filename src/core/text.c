#include "core/text.h"

#include <string.h>

/* Continuation bytes that follow lead byte c, or -1 when c cannot lead. */
static int tail_of(unsigned char c)
{
    if (c < 0x80)
        return 0;
    if (c >= 0xc2 && c <= 0xdf)
        return 1;
    if (c >= 0xe0 && c <= 0xef)
        return 2;
    if (c >= 0xf0 && c <= 0xf4)
        return 3;
    return -1;
}

/* The second byte's range is narrower after four lead bytes: no overlong forms (E0,
 * F0), no surrogates (ED), nothing above U+10FFFF (F4). */
static bool second_fits(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second <= 0x9f;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second <= 0x8f;
    default:
        return true;
    }
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

bool text_is_utf8(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t i = 0;

    while (i < len) {
        int tail = tail_of(p[i]);

        if (tail < 0 || p[i] == '\0' || (size_t)tail >= len - i)
            return false;
        if (tail > 0 && !second_fits(p[i], p[i + 1]))
            return false;
        for (int k = 1; k <= tail; k++) {
            if (!is_continuation(p[i + (size_t)k]))
                return false;
        }
        i += (size_t)tail + 1;
    }
    return true;
}

size_t text_utf16_units(const char *s, size_t len)
{
    size_t units = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if (!is_continuation(c))
            units += c >= 0xf0 ? 2 : 1;
    }
    return units;
}

bool text_has_control(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_equal_nocase(const char *a, const char *b)
{
    for (; *a != '\0' && text_lower(*a) == text_lower(*b); a++)
        b++;
    return text_lower(*a) == text_lower(*b);
}

bool text_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *s, const char *suffix)
{
    size_t len = strlen(s);
    size_t part = strlen(suffix);

    return part <= len && memcmp(s + len - part, suffix, part) == 0;
}

void text_copy(char *out, size_t size, const char *s)
{
    size_t len = strlen(s);

    if (size == 0)
        return;
    if (len >= size) {
        len = size - 1;
        while (len > 0 && is_continuation((unsigned char)s[len]))
            len--;
    }
    (void)memcpy(out, s, len);
    out[len] = '\0';
}
