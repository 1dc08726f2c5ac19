#include "photo_look.h"

#include "core/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    SEGMENTS_MAX = 4096, /* looked at in one JPEG */
    WEBP_HEAD = 30,      /* bytes that hold the size in every kind of WebP */
};

static bool read_at(int fd, unsigned char *buf, size_t len, int64_t at)
{
    size_t got = 0;
    struct err ignored; /* unreadable is as good as not there */

    return io_pread_full(fd, buf, len, at, &got, &ignored) == RC_OK && got == len;
}

static int64_t big_endian_16(const unsigned char *p)
{
    return p[0] << 8 | p[1];
}

static int64_t little_endian_16(const unsigned char *p)
{
    return p[1] << 8 | p[0];
}

static int64_t little_endian_24(const unsigned char *p)
{
    return (int64_t)p[2] << 16 | p[1] << 8 | p[0];
}

/* --- JPEG ---------------------------------------------------------------------- */

/* SOF0 to SOF15, but for DHT, JPG and DAC, which stand among them. */
static bool is_frame(unsigned char marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
           marker != 0xcc;
}

/* RSTn, SOI, EOI and TEM stand alone; the others have a length. */
static bool stands_alone(unsigned char marker)
{
    return (marker >= 0xd0 && marker <= 0xd9) || marker == 0x01;
}

/* Frame header: length, precision, height, width. */
static bool read_frame(int fd, int64_t at, struct media_look *look)
{
    unsigned char b[7];

    if (!read_at(fd, b, sizeof(b), at))
        return false;
    look->height = big_endian_16(b + 3);
    look->width = big_endian_16(b + 5);
    return look->width > 0 && look->height > 0;
}

static bool look_at_jpeg(int fd, int64_t size, struct media_look *look)
{
    int64_t at = 2; /* after SOI */

    for (int n = 0; n < SEGMENTS_MAX && at + 4 <= size; n++) {
        unsigned char b[4];

        if (!read_at(fd, b, sizeof(b), at) || b[0] != 0xff)
            return false;
        if (is_frame(b[1]))
            return read_frame(fd, at + 2, look);
        if (b[1] == 0xff) /* a fill byte */
            at++;
        else if (stands_alone(b[1]))
            at += 2;
        else if (b[1] == 0xda || big_endian_16(b + 2) < 2) /* the picture itself */
            return false;
        else
            at += 2 + big_endian_16(b + 2);
    }
    return false;
}

/* --- WebP ---------------------------------------------------------------------- */

/* The first chunk says which kind it is and how large. */
static bool look_at_webp(const unsigned char *b, struct media_look *look)
{
    static const unsigned char start_code[] = {0x9d, 0x01, 0x2a};
    const unsigned char *data = b + 20;

    if (memcmp(b + 12, "VP8X", 4) == 0) {
        look->width = little_endian_24(data + 4) + 1;
        look->height = little_endian_24(data + 7) + 1;
    } else if (memcmp(b + 12, "VP8 ", 4) == 0 && memcmp(data + 3, start_code, 3) == 0) {
        look->width = little_endian_16(data + 6) & 0x3fff;
        look->height = little_endian_16(data + 8) & 0x3fff;
    } else if (memcmp(b + 12, "VP8L", 4) == 0 && data[0] == 0x2f) {
        look->width = (little_endian_16(data + 1) & 0x3fff) + 1;
        look->height = (little_endian_24(data + 2) >> 6 & 0x3fff) + 1;
    }
    return look->width > 0 && look->height > 0;
}

/* --- any ----------------------------------------------------------------------- */

static bool fits(const struct media_look *look)
{
    bool upright = look->height > look->width;
    int64_t longer = upright ? look->height : look->width;
    int64_t shorter = upright ? look->width : look->height;

    return shorter <= PHOTO_SHORT_MAX && longer <= PHOTO_LONG_MAX;
}

const char *photo_look(int fd, int64_t size, struct media_look *look)
{
    unsigned char head[WEBP_HEAD];
    bool known = false;

    *look = (struct media_look){0};
    if (size >= WEBP_HEAD && read_at(fd, head, sizeof(head), 0)) {
        if (head[0] == 0xff && head[1] == 0xd8)
            known = look_at_jpeg(fd, size, look);
        else if (memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0)
            known = look_at_webp(head, look);
    }
    if (!known)
        return "file_format_check_failed";
    return fits(look) ? NULL : "picture_size_check_failed";
}
