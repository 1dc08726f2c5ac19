#include "picture.h"

#include "core/parse.h"
#include "core/text.h"
#include "crypto/compare.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CELLS = 5,
    BORDER = 8,
    CELL = (PICTURE_SIDE - 2 * BORDER) / CELLS,
    ROW_BYTES = PICTURE_SIDE / 8, /* one bit a pixel */
    RAW_SIZE = PICTURE_SIDE * (ROW_BYTES + 1),
    SIGNATURE_CHARS = 16,
};

/* --- PNG (ISO/IEC 15948) with one stored block of zlib (RFC 1950, 1951) -------- */

static uint32_t crc32_of(const unsigned char *p, size_t len, uint32_t crc)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1U) != 0 ? (crc >> 1) ^ UINT32_C(0xedb88320) : crc >> 1;
    }
    return crc;
}

static uint32_t adler32_of(const unsigned char *p, size_t len)
{
    uint32_t a = 1, b = 0;

    for (size_t i = 0; i < len; i++) {
        a = (a + p[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static void add_u32(struct strbuf *out, uint32_t n)
{
    const unsigned char bytes[] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                   (unsigned char)(n >> 8), (unsigned char)n};

    strbuf_add(out, bytes, sizeof(bytes));
}

static void add_chunk(struct strbuf *out, const char *type, const void *data, size_t len)
{
    const unsigned char *name = (const void *)type;
    uint32_t crc = crc32_of(name, 4, UINT32_MAX);

    add_u32(out, (uint32_t)len);
    strbuf_add(out, type, 4);
    strbuf_add(out, data, len);
    add_u32(out, ~crc32_of(data, len, crc));
}

static void add_pixels(struct strbuf *out, const unsigned char *raw, size_t len)
{
    const unsigned char head[] = {0x78,
                                  0x01,
                                  0x01, /* the last block, stored */
                                  (unsigned char)(len & 0xff),
                                  (unsigned char)(len >> 8),
                                  (unsigned char)(~len & 0xff),
                                  (unsigned char)(~len >> 8 & 0xff)};
    struct strbuf data;

    strbuf_init(&data, PICTURE_MAX);
    strbuf_add(&data, head, sizeof(head));
    strbuf_add(&data, raw, len);
    add_u32(&data, adler32_of(raw, len));
    add_chunk(out, "IDAT", data.buf, data.len);
    strbuf_release(&data);
}

/* --- the pattern --------------------------------------------------------------- */

static bool cell_is_on(const unsigned char *digest, int x, int y)
{
    int mirrored = x < CELLS / 2 ? x : CELLS - 1 - x;

    return (digest[mirrored * CELLS + y] & 1) != 0;
}

static bool pixel_is_on(const unsigned char *digest, int x, int y)
{
    if (x < BORDER || y < BORDER || x >= BORDER + CELLS * CELL ||
        y >= BORDER + CELLS * CELL)
        return false;
    return cell_is_on(digest, (x - BORDER) / CELL, (y - BORDER) / CELL);
}

static void draw_rows(const unsigned char *digest, unsigned char raw[RAW_SIZE])
{
    unsigned char *row = raw;

    (void)memset(raw, 0, RAW_SIZE);
    for (int y = 0; y < PICTURE_SIDE; y++, row += ROW_BYTES + 1) {
        unsigned char *pixels = row + 1; /* after the filter byte */

        for (int x = 0; x < PICTURE_SIDE; x++) {
            if (pixel_is_on(digest, x, y))
                pixels[x / 8] = (unsigned char)(pixels[x / 8] | 0x80U >> (x % 8));
        }
    }
}

void picture_draw(const char *name, struct strbuf *out)
{
    static const unsigned char signature[] = {0x89, 'P',  'N',  'G',
                                              '\r', '\n', 0x1a, '\n'};
    static const unsigned char header[] = {
        0, 0, 0, PICTURE_SIDE, 0, 0, 0, PICTURE_SIDE, 1 /* bit */, 3 /* palette */,
        0, 0, 0};
    /* Dark enough for white letters, light enough to be a colour. */
    static const unsigned char colours[][3] = {{0xb0, 0x2a, 0x5b}, {0x1f, 0x6f, 0x8b},
                                               {0x5b, 0x4b, 0xb5}, {0x2f, 0x7d, 0x4f},
                                               {0xa8, 0x5a, 0x16}, {0x3c, 0x5a, 0xa8}};
    unsigned char digest[DIGEST_SHA256_SIZE];
    unsigned char raw[RAW_SIZE];
    unsigned char palette[6] = {0xf1, 0xee, 0xea};

    digest_sha256(name, strlen(name), digest);
    (void)memcpy(&palette[3], colours[digest[31] % ARRAY_LEN(colours)], 3);
    draw_rows(digest, raw);
    strbuf_add(out, signature, sizeof(signature));
    add_chunk(out, "IHDR", header, sizeof(header));
    add_chunk(out, "PLTE", palette, sizeof(palette));
    add_pixels(out, raw, sizeof(raw));
    add_chunk(out, "IEND", "", 0);
}

/* --- addresses that expire ----------------------------------------------------- */

void picture_query(const char *secret, const char *name, int64_t expires_s,
                   char out[PICTURE_QUERY_SIZE])
{
    char expires[24];
    char hex[HMAC_HEX_SIZE];
    struct hmac_part parts[] = {{name, strlen(name)}, {"\n", 1}, {expires, 0}};

    (void)snprintf(expires, sizeof(expires), "%" PRId64, expires_s);
    parts[2].len = strlen(expires);
    hmac_sha256_hex(secret, strlen(secret), parts, ARRAY_LEN(parts), hex);
    (void)snprintf(out, PICTURE_QUERY_SIZE, "x-expires=%s&x-signature=%.*s", expires,
                   SIGNATURE_CHARS, hex);
}

bool picture_query_ok(const char *secret, const char *name, const char *query,
                      int64_t now_s)
{
    static const char key[] = "x-expires=";
    char wanted[PICTURE_QUERY_SIZE];
    const char *digits = query + strlen(key);
    int64_t expires_s;

    if (!text_starts_with(query, key) ||
        !parse_i64_slice(digits, strcspn(digits, "&"), 0, INT64_MAX, &expires_s))
        return false;
    picture_query(secret, name, expires_s, wanted);
    return expires_s > now_s && secret_equal_text(wanted, query);
}
