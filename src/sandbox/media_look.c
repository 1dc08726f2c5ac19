#include "media_look.h"

#include "core/io.h"

#include <stdbool.h>
#include <string.h>

enum {
    SIDE_MIN = 360, /* pixels, of either side */
    SIDE_MAX = 4096,
    BOXES_MAX = 4096, /* looked at in one file */
    TKHD_SIZE = 96,
};

/* A part of the file: a box's contents, or the whole file. */
struct span {
    int fd;
    int64_t at, end;
    int *budget; /* boxes of the file that may still be looked at */
};

struct box {
    char type[5];
    int64_t at, end; /* of its contents */
};

static uint64_t big_endian(const unsigned char *p, int bytes)
{
    uint64_t n = 0;

    for (int i = 0; i < bytes; i++)
        n = n << 8 | p[i];
    return n;
}

static bool read_at(int fd, void *buf, size_t len, int64_t at)
{
    size_t got = 0;
    struct err ignored; /* unreadable is as good as not there */

    return io_pread_full(fd, buf, len, at, &got, &ignored) == RC_OK && got == len;
}

/* Takes the next box off the front of the span (ISO/IEC 14496-12, 4.2); false at the end
 * or when there is no box. */
static bool next_box(struct span *s, struct box *box)
{
    unsigned char head[16];
    uint64_t size;
    int64_t head_len = 8;

    if ((*s->budget)-- <= 0 || s->end - s->at < head_len ||
        !read_at(s->fd, head, 8, s->at))
        return false;
    size = big_endian(head, 4);
    if (size == 1) {
        head_len = 16;
        if (s->end - s->at < head_len || !read_at(s->fd, head, 16, s->at))
            return false;
        size = big_endian(head + 8, 8);
    } else if (size == 0) {
        size = (uint64_t)(s->end - s->at);
    }
    if (size < (uint64_t)head_len || size > (uint64_t)(s->end - s->at))
        return false;
    (void)memcpy(box->type, head + 4, 4);
    box->type[4] = '\0';
    box->at = s->at + head_len;
    box->end = s->at + (int64_t)size;
    s->at = box->end;
    return true;
}

/* mvhd (8.2.2): the length of the whole film. */
static void read_mvhd(int fd, const struct box *box, struct media_look *look)
{
    unsigned char b[32];
    uint64_t scale, length;
    bool wide;

    if (box->end - box->at < (int64_t)sizeof(b) || !read_at(fd, b, sizeof(b), box->at))
        return;
    wide = b[0] == 1;
    scale = big_endian(b + (wide ? 20 : 12), 4);
    length = wide ? big_endian(b + 24, 8) : big_endian(b + 16, 4);
    if (scale > 0 && length < UINT64_C(1) << 40)
        look->duration_ms = (int64_t)(length * 1000 / scale);
}

/* tkhd (8.3.2) ends with width and height in 16.16; sound has none. */
static void read_tkhd(int fd, const struct box *box, struct media_look *look)
{
    unsigned char b[8];

    if (box->end - box->at < TKHD_SIZE - 16 || !read_at(fd, b, sizeof(b), box->end - 8))
        return;
    if (big_endian(b, 4) >> 16 == 0)
        return;
    look->width = (int64_t)(big_endian(b, 4) >> 16);
    look->height = (int64_t)(big_endian(b + 4, 4) >> 16);
}

static void look_into_trak(struct span s, struct media_look *look)
{
    struct box box;

    while (next_box(&s, &box))
        if (strcmp(box.type, "tkhd") == 0)
            read_tkhd(s.fd, &box, look);
}

static void look_into_moov(struct span s, struct media_look *look)
{
    struct box box;

    while (next_box(&s, &box)) {
        if (strcmp(box.type, "mvhd") == 0)
            read_mvhd(s.fd, &box, look);
        else if (strcmp(box.type, "trak") == 0)
            look_into_trak((struct span){s.fd, box.at, box.end, s.budget}, look);
    }
}

static void look_into_file(struct span s, struct media_look *look)
{
    struct box box;

    while (next_box(&s, &box))
        if (strcmp(box.type, "moov") == 0)
            look_into_moov((struct span){s.fd, box.at, box.end, s.budget}, look);
}

static bool side_fits(int64_t side)
{
    return side == 0 || (side >= SIDE_MIN && side <= SIDE_MAX);
}

const char *media_ending(int fd)
{
    static const unsigned char ebml[] = {0x1a, 0x45, 0xdf, 0xa3};
    unsigned char head[12];

    if (!read_at(fd, head, sizeof(head), 0))
        return NULL;
    if (memcmp(head + 4, "ftyp", 4) == 0)
        return memcmp(head + 8, "qt  ", 4) == 0 ? "mov" : "mp4";
    if (memcmp(head, ebml, sizeof(ebml)) == 0)
        return "webm";
    if (head[0] == 0xff && head[1] == 0xd8)
        return "jpg";
    return memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0 ? "webp"
                                                                            : NULL;
}

const char *media_look(int fd, int64_t size, int64_t max_duration_s,
                       struct media_look *look)
{
    static const unsigned char ebml[] = {0x1a, 0x45, 0xdf, 0xa3}; /* WebM */
    unsigned char head[12];
    int budget = BOXES_MAX;

    *look = (struct media_look){0};
    if (size < (int64_t)sizeof(head) || !read_at(fd, head, sizeof(head), 0))
        return "file_format_check_failed";
    if (memcmp(head, ebml, sizeof(ebml)) == 0)
        return NULL;
    if (memcmp(head + 4, "ftyp", 4) != 0)
        return "file_format_check_failed";
    look_into_file((struct span){fd, 0, size, &budget}, look);
    if (look->duration_ms > max_duration_s * 1000)
        return "duration_check_failed";
    if (!side_fits(look->width) || !side_fits(look->height))
        return "picture_size_check_failed";
    return NULL;
}
