#include "still.h"

#include "core/attr.h"
#include "core/io.h"

#include <string.h>

enum {
    WINDOW = 16384,
    PARTS_MAX = 20000, /* segments or chunks; a large PNG has some thousands */
    TAGS_MAX = 1000,   /* of EXIF's first directory; a camera writes some dozens */
    BOXES_HEAD = 65536 /* bytes of an AVIF in which its properties are looked for */
};

/* --- bytes of a file, anywhere in it ---------------------------------------------- */

struct bytes {
    int fd;
    int64_t size;
    int64_t from; /* what the window shows */
    size_t n;
    enum rc rc; /* of the first read that failed */
    struct err *err;
    unsigned char window[WINDOW];
};

/* The byte at pos, or -1 when there is none. */
static int at(struct bytes *b, int64_t pos)
{
    if (pos < 0 || pos >= b->size || b->rc != RC_OK)
        return -1;
    if (pos < b->from || pos >= b->from + (int64_t)b->n) {
        b->from = pos;
        b->n = 0;
        b->rc = io_pread_full(b->fd, b->window, WINDOW, pos, &b->n, b->err);
        if (b->rc != RC_OK || b->n == 0)
            return -1;
    }
    return b->window[pos - b->from];
}

static bool is(struct bytes *b, int64_t pos, const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at(b, pos + (int64_t)i) != (unsigned char)word[i])
            return false;
    }
    return true;
}

/* A number of n <= 4 bytes, the first the most significant (or the least, when little);
 * 0 beyond the end. */
static int64_t number(struct bytes *b, int64_t pos, int n, bool little)
{
    int64_t value = 0;

    for (int i = 0; i < n; i++) {
        int byte = at(b, pos + (little ? n - 1 - i : i));

        if (byte < 0)
            return 0;
        value = value << 8 | byte;
    }
    return value;
}

static void grow(int *side, int64_t n)
{
    if (n > INT32_MAX)
        n = INT32_MAX;
    if (n > *side)
        *side = (int)n;
}

/* A file may say its size in several places; what it needs at most counts. */
static void size_is(struct still *s, int64_t width, int64_t height)
{
    grow(&s->width, width);
    grow(&s->height, height);
}

/* --- EXIF ------------------------------------------------------------------------- */

/* TIFF of len bytes at pos: tag 0x0112 of the first directory, a SHORT. */
static void read_exif(struct bytes *b, int64_t pos, int64_t len, struct still *s)
{
    bool little = is(b, pos, "II*\0", 4);
    int64_t dir;
    int64_t tags;

    if (len < 8 || (!little && !is(b, pos, "MM\0*", 4)))
        return;
    dir = number(b, pos + 4, 4, little);
    if (dir < 8 || dir > len - 2)
        return;
    tags = number(b, pos + dir, 2, little);
    for (int64_t i = 0; i < tags && i < TAGS_MAX; i++) {
        int64_t tag = dir + 2 + i * 12;

        if (tag > len - 12)
            return;
        if (number(b, pos + tag, 2, little) == 0x0112 &&
            number(b, pos + tag + 2, 2, little) == 3) {
            int64_t n = number(b, pos + tag + 8, 2, little);

            s->orientation = n >= 1 && n <= 8 ? (int)n : 1;
            return;
        }
    }
}

/* --- JPEG ------------------------------------------------------------------------- */

enum marker {
    SOF0 = 0xc0,
    SOF2 = 0xc2,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    SOF15 = 0xcf,
    RST0 = 0xd0,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    DQT = 0xdb,
    DRI = 0xdd,
    APP0 = 0xe0,
    APP1 = 0xe1,
    APP14 = 0xee,
    APP15 = 0xef,
    COM = 0xfe,
};

/* The next marker at pos or behind, or -1. Coded data, which has none of its own, is
 * passed over: in it, 0xff is followed by 0 or by a restart's number. */
static int64_t next_marker(struct bytes *b, int64_t pos)
{
    for (; pos + 1 < b->size && b->rc == RC_OK; pos++) {
        int code;

        if (at(b, pos) != 0xff)
            continue;
        code = at(b, pos + 1);
        if (code > 1 && code != 0xff && (code < RST0 || code >= SOI))
            return pos;
    }
    return -1;
}

static bool is_frame(int marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG &&
           marker != DAC;
}

static void read_frame(struct bytes *b, int marker, int64_t pos, struct still *s)
{
    int parts = at(b, pos + 5);

    s->clean = s->clean && s->width == 0 && marker <= SOF2 && at(b, pos) == 8 &&
               (parts == 1 || parts == 3);
    size_is(s, number(b, pos + 3, 2, false), number(b, pos + 1, 2, false));
}

/* JFIF without a thumbnail, and Adobe's word on colours, belong to the picture. */
static bool belongs(struct bytes *b, int marker, int64_t pos, int64_t len)
{
    switch (marker) {
    case DHT:
    case DQT:
    case DRI:
    case SOS:
        return true;
    case APP0:
        return len == 14 && is(b, pos, "JFIF\0", 5) && number(b, pos + 12, 2, false) == 0;
    case APP14:
        return len == 12 && is(b, pos, "Adobe", 5);
    default:
        return false;
    }
}

static void read_segment(struct bytes *b, int marker, int64_t pos, int64_t len,
                         struct still *s)
{
    if (is_frame(marker))
        read_frame(b, marker, pos, s);
    else if (!belongs(b, marker, pos, len))
        s->clean = false;
    if (marker == APP1 && is(b, pos, "Exif\0\0", 6))
        read_exif(b, pos + 6, len - 6, s);
}

static void read_jpeg(struct bytes *b, struct still *s)
{
    int64_t pos = 2;
    bool coded = false; /* data, where the next marker has to be looked for */

    s->clean = true;
    for (int i = 0; i < PARTS_MAX; i++) {
        int64_t here = next_marker(b, pos);
        int marker = at(b, here + 1);
        int64_t len = number(b, here + 2, 2, false);

        if (here < 0) {
            s->flaw = "it is cut off";
            return;
        }
        if (here != pos && !coded)
            s->clean = false;
        if (marker == EOI) {
            s->clean = s->clean && here + 2 == b->size;
            return;
        }
        if (marker == SOI || len < 2) {
            s->flaw = "it is damaged";
            return;
        }
        read_segment(b, marker, here + 4, len - 2, s);
        coded = marker == SOS;
        pos = here + 2 + len;
    }
    s->flaw = "it has far too many parts";
}

void still_tidy(const struct strbuf *jpeg, struct strbuf *out)
{
    const unsigned char *p = (const unsigned char *)jpeg->buf;
    size_t pos = jpeg->len >= 2 && p[0] == 0xff && p[1] == SOI ? 2 : jpeg->len;

    strbuf_add(out, p, pos);
    while (pos + 4 <= jpeg->len && p[pos] == 0xff && p[pos + 1] != SOS) {
        int marker = p[pos + 1];
        size_t len = 2 + ((size_t)p[pos + 2] << 8 | p[pos + 3]);

        if (len > jpeg->len - pos)
            break;
        if (marker != COM && (marker <= APP0 || marker > APP15 || marker == APP14))
            strbuf_add(out, p + pos, len);
        pos += len;
    }
    strbuf_add(out, p + pos, jpeg->len - pos);
}

/* --- the others ------------------------------------------------------------------- */

static void read_png(struct bytes *b, struct still *s)
{
    int64_t pos = 8;

    for (int i = 0; i < PARTS_MAX; i++) {
        int64_t len = number(b, pos, 4, false);

        if (pos + 12 + len > b->size) {
            s->flaw = "it is cut off";
            return;
        }
        if (is(b, pos + 4, "IHDR", 4))
            size_is(s, number(b, pos + 8, 4, false), number(b, pos + 12, 4, false));
        if (is(b, pos + 4, "eXIf", 4))
            read_exif(b, pos + 8, len, s);
        if (is(b, pos + 4, "IEND", 4))
            return;
        pos += 12 + len;
    }
    s->flaw = "it has far too many parts";
}

/* The three forms of a picture in a WebP, each with its size in its own way. */
static void read_webp_picture(struct bytes *b, int64_t pos, struct still *s)
{
    int64_t data = pos + 8;

    if (is(b, pos, "VP8X", 4)) {
        if ((at(b, data) & 0x02) != 0)
            s->flaw = "it moves; of WebP, only still pictures can be read here";
        size_is(s, number(b, data + 4, 3, true) + 1, number(b, data + 7, 3, true) + 1);
    } else if (is(b, pos, "VP8 ", 4)) {
        size_is(s, number(b, data + 6, 2, true) & 0x3fff,
                number(b, data + 8, 2, true) & 0x3fff);
    } else if (is(b, pos, "VP8L", 4)) {
        int64_t bits = number(b, data + 1, 4, true);

        size_is(s, (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
    }
}

static void read_webp(struct bytes *b, struct still *s)
{
    int64_t end = 8 + number(b, 4, 4, true);
    int64_t pos = 12;

    if (end > b->size) {
        s->flaw = "it is cut off";
        return;
    }
    for (int i = 0; i < PARTS_MAX && pos + 8 <= end; i++) {
        int64_t len = number(b, pos + 4, 4, true);
        int64_t prefix = is(b, pos + 8, "Exif\0\0", 6) ? 6 : 0; /* some write JPEG's */

        read_webp_picture(b, pos, s);
        if (is(b, pos, "EXIF", 4) && pos + 8 + len <= end)
            read_exif(b, pos + 8 + prefix, len - prefix, s);
        pos += 8 + len + (len & 1);
    }
}

/* HEIF keeps properties in boxes deep inside; there are few of these two, and they are
 * in front. */
static void read_avif(struct bytes *b, struct still *s)
{
    static const int turned[] = {1, 8, 3, 6}; /* by quarters against the clock */
    int64_t end = b->size < BOXES_HEAD ? b->size : BOXES_HEAD;

    for (int64_t pos = 0; pos + 16 <= end; pos++) {
        if (at(b, pos) != 'i')
            continue;
        if (is(b, pos, "ispe", 4))
            size_is(s, number(b, pos + 8, 4, false), number(b, pos + 12, 4, false));
        if (is(b, pos, "irot", 4) && number(b, pos - 4, 4, false) == 9)
            s->orientation = turned[at(b, pos + 4) & 3];
    }
}

static void read_gif(struct bytes *b, struct still *s)
{
    size_is(s, number(b, 6, 2, true), number(b, 8, 2, true));
}

enum rc still_read(int fd, int64_t size, const char *container, struct still *out,
                   struct err *err)
{
    static const struct {
        const char *container;
        void (*read)(struct bytes *b, struct still *s);
    } readers[] = {
        {"jpeg", read_jpeg}, {"png", read_png},   {"webp", read_webp},
        {"gif", read_gif},   {"avif", read_avif},
    };
    struct bytes b = {.fd = fd, .size = size, .err = err};
    struct still s = {.orientation = 1};

    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        if (strcmp(readers[i].container, container) == 0)
            readers[i].read(&b, &s);
    }
    if (b.rc != RC_OK)
        return b.rc;
    if (s.flaw == NULL && (s.width == 0 || s.height == 0))
        s.flaw = "its header does not say how large it is";
    *out = s;
    return RC_OK;
}

bool still_on_its_side(const struct still *s)
{
    return s->orientation >= 5;
}
