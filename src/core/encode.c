#include "core/encode.h"

#include <stdint.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

void hex_encode(const void *data, size_t len, char *out)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex_digits[p[i] >> 4];
        out[2 * i + 1] = hex_digits[p[i] & 15U];
    }
    out[2 * len] = '\0';
}

/* The value of a hex digit, or -1. */
static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *hex, void *out, size_t len)
{
    unsigned char *p = out;

    if (strlen(hex) != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = nibble(hex[2 * i]);
        int low = nibble(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        p[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

static const char standard_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode64(struct strbuf *sb, const unsigned char *p, size_t len,
                     const char *alphabet, bool pad)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16;
        char out[4];

        bits |= n > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        bits |= n > 2 ? (uint32_t)p[i + 2] : 0;
        for (size_t k = 0; k < 4; k++)
            out[k] = k <= n ? alphabet[bits >> (18 - 6 * k) & 63U] : '=';
        strbuf_add(sb, out, pad ? 4 : n + 1);
    }
}

void base64_encode(struct strbuf *sb, const void *data, size_t len)
{
    encode64(sb, data, len, standard_alphabet, true);
}

void base64url_encode(struct strbuf *sb, const void *data, size_t len)
{
    encode64(sb, data, len, url_alphabet, false);
}

/* Four characters to one to three bytes; 0 when they are not base64. */
static size_t decode_quad(const char *q, bool last, unsigned char out[3])
{
    uint32_t bits = 0;
    size_t pad = 0;

    for (size_t k = 0; k < 4; k++) {
        const char *at = q[k] != '\0' ? strchr(standard_alphabet, q[k]) : NULL;

        if (at == NULL && !(q[k] == '=' && last && k >= 2))
            return 0;
        if (at != NULL && pad > 0)
            return 0;
        pad += at == NULL ? 1 : 0;
        bits = bits << 6 | (at != NULL ? (uint32_t)(at - standard_alphabet) : 0U);
    }
    out[0] = (unsigned char)(bits >> 16);
    out[1] = (unsigned char)(bits >> 8);
    out[2] = (unsigned char)bits;
    for (size_t k = 3 - pad; k < 3; k++) {
        if (out[k] != 0) /* bits that no encoder sets: not canonical */
            return 0;
    }
    return 3 - pad;
}

bool base64_decode(struct strbuf *sb, const char *text, size_t len)
{
    unsigned char out[3];

    if (len % 4 != 0)
        return false;
    for (size_t i = 0; i < len; i += 4) {
        size_t n = decode_quad(text + i, i + 4 == len, out);

        if (n == 0)
            return false;
        strbuf_add(sb, out, n);
    }
    return true;
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

void percent_encode(struct strbuf *sb, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        char escape[3] = {'%', (char)(hex_digits[c >> 4]), (char)(hex_digits[c & 15U])};

        /* RFC 3986 2.1: producers use upper-case hex */
        for (size_t k = 1; k < 3; k++)
            escape[k] = escape[k] >= 'a' ? (char)(escape[k] - 'a' + 'A') : escape[k];
        if (is_unreserved(s[i]))
            strbuf_addc(sb, s[i]);
        else
            strbuf_add(sb, escape, sizeof(escape));
    }
}

bool percent_decode(struct strbuf *sb, const char *s, size_t len, bool plus_is_space)
{
    for (size_t i = 0; i < len; i++) {
        int high;
        int low;

        if (s[i] != '%') {
            strbuf_addc(sb, s[i] == '+' && plus_is_space ? ' ' : s[i]);
            continue;
        }
        if (len - i < 3)
            return false;
        high = nibble(s[i + 1]);
        low = nibble(s[i + 2]);
        if (high < 0 || low < 0 || (high == 0 && low == 0))
            return false;
        strbuf_addc(sb, (char)(high * 16 + low));
        i += 2;
    }
    return true;
}
