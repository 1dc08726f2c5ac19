/* media/sniff and media/boxes: what a file is, and whether it is all there. */
#include "core/io.h"
#include "media/boxes.h"
#include "media/sniff.h"
#include "unit.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

START_TEST(the_first_bytes_decide)
{
    static const struct {
        const char *head;
        size_t len;
        enum media_kind kind;
        const char *container, *demuxer;
    } rows[] = {
        {"\0\0\0\x20"
         "ftypisom",
         12, MEDIA_KIND_VIDEO, "mp4", "mov"},
        {"\0\0\0\x20"
         "ftypmp42",
         12, MEDIA_KIND_VIDEO, "mp4", "mov"},
        {"\0\0\0\x14"
         "ftypqt  ",
         12, MEDIA_KIND_VIDEO, "mov", "mov"},
        {"\0\0\0\x08"
         "wide\0\0\0\0mdat",
         16, MEDIA_KIND_VIDEO, "mov", "mov"},
        {"\0\0\0\x18"
         "ftypheic",
         12, MEDIA_KIND_PHOTO, "heic", NULL},
        {"\0\0\0\x18"
         "ftypavif",
         12, MEDIA_KIND_PHOTO, "avif", "mov"},
        {"\0\0\0\x18"
         "ftypavis",
         12, MEDIA_KIND_PHOTO, "avif", NULL},
        {"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", 16, MEDIA_KIND_VIDEO,
         "webm", "matroska"},
        {"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x88matroska", 20, MEDIA_KIND_VIDEO,
         "matroska", "matroska"},
        {"\x1a\x45\xdf\xa3", 4, MEDIA_KIND_VIDEO, "matroska", "matroska"},
        {"\xff\xd8\xff\xe0", 4, MEDIA_KIND_PHOTO, "jpeg", "jpeg_pipe"},
        {"RIFF\x10\0\0\0WEBPVP8 ", 16, MEDIA_KIND_PHOTO, "webp", "webp_pipe"},
        {"RIFF\x10\0\0\0AVI LIST", 16, MEDIA_KIND_VIDEO, "avi", NULL},
        {"\x89PNG\r\n\x1a\n", 8, MEDIA_KIND_PHOTO, "png", "png_pipe"},
        {"GIF89a", 6, MEDIA_KIND_PHOTO, "gif", "gif"},
        {"#EXTM3U\n", 8, MEDIA_KIND_UNKNOWN, "playlist", NULL},
        {"ffconcat version 1.0\n", 21, MEDIA_KIND_UNKNOWN, "unknown", NULL},
        {"<!DOCTYPE html>", 15, MEDIA_KIND_UNKNOWN, "unknown", NULL},
        {"", 0, MEDIA_KIND_UNKNOWN, "unknown", NULL},
        {"\xff\xd8", 2, MEDIA_KIND_UNKNOWN, "unknown", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sniffed s = sniff((const unsigned char *)rows[i].head, rows[i].len);

        ck_assert_msg(s.kind == rows[i].kind, "row %zu: kind %d", i, (int)s.kind);
        ck_assert_msg(strcmp(s.container, rows[i].container) == 0, "row %zu: %s", i,
                      s.container);
        ck_assert_msg((s.demuxer == NULL) == (rows[i].demuxer == NULL), "row %zu", i);
        if (s.demuxer != NULL)
            ck_assert_str_eq(s.demuxer, rows[i].demuxer);
    }
}
END_TEST

START_TEST(a_file_of_whole_boxes_lacks_nothing)
{
    static const struct {
        const char *bytes;
        size_t len;
        int64_t missing;
    } rows[] = {
        {"\0\0\0\x08"
         "ftyp"
         "\0\0\0\x0c"
         "mdatabcd",
         20, 0},
        {"\0\0\0\x08"
         "ftyp"
         "\0\0\0\x0d"
         "mdatabcd",
         20, 1},
        {"\0\0\0\x08"
         "ftyp"
         "\0\0\x10\0"
         "mdatabcd",
         20, 4096 - 12},
        {"\0\0\0\x08"
         "ftyp"
         "\0\0\0\0"
         "mdatabcd",
         20, 0},
        {"\0\0\0\x01"
         "mdat"
         "\0\0\0\0\0\0\0\x14"
         "abcd",
         20, 0},
        {"\0\0\0\x01"
         "mdat"
         "\0\0\0\x01\0\0\0\x14"
         "abcd",
         20, INT64_C(4294967296)},
        {"\0\0\0\x01"
         "mdat"
         "\0\0\0\0\0\0\0\x08"
         "abcd",
         20, -1},
        {"\0\0\0\x01"
         "mdat"
         "\xff\xff\xff\xff\xff\xff\xff\xff"
         "abcd",
         20, -1},
        {"\0\0\0\x08"
         "ftyp"
         "junkjunkjunk",
         20, -1},
        {"\0\0\0\x04"
         "ftyp",
         8, -1},
        {"\0\0\0\x08"
         "ftyp"
         "abc",
         11, -1},
        {"", 0, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = memfd_create("boxes", MFD_CLOEXEC);
        int64_t missing = 99;
        struct err err;

        ck_assert_int_eq(io_write_full(fd, rows[i].bytes, rows[i].len, &err), RC_OK);
        ck_assert_int_eq(boxes_missing(fd, (int64_t)rows[i].len, &missing, &err), RC_OK);
        ck_assert_msg(missing == rows[i].missing, "row %zu: %lld", i, (long long)missing);
        io_close(&fd);
    }
}
END_TEST

#define EBML "\x1a\x45\xdf\xa3\x82vv" /* the header, with two bytes in it */
#define SEGM "\x18\x53\x80\x67"

START_TEST(a_segment_of_its_length_lacks_nothing)
{
    static const struct {
        const char *bytes;
        size_t len;
        int64_t missing;
    } rows[] = {
        {EBML SEGM "\x84"
                   "abcd",
         16, 0},
        {EBML SEGM "\x84"
                   "abcd junk",
         21, 0},
        {EBML SEGM "\x84"
                   "abc",
         15, 1},
        {EBML SEGM "\x01\0\0\0\x01\0\0\0"
                   "abcd",
         23, INT64_C(4294967296 / 256) - 4},
        {EBML SEGM "\x41\x00"
                   "abcd",
         17, 252},
        {EBML SEGM "\x01\xff\xff\xff\xff\xff\xff\xff" /* recorded live */
                   "abcd",
         23, -1},
        {EBML SEGM "\xff"
                   "abcd",
         16, -1},
        {EBML SEGM "\0\0\0\0\0\0\0\0", 19, -1},
        {EBML SEGM, 11, -1},
        {EBML SEGM "\x01\0", 13, -1},
        {EBML "\x18\x53\x80\x68\x84"
              "abcd",
         16, -1},
        {"\x1a\x45\xdf\xa3\x8fvv", 7, 13},
        {"\x1a\x45\xdf", 3, -1},
        {"", 0, -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = memfd_create("segment", MFD_CLOEXEC);
        int64_t missing = 99;
        struct err err;

        ck_assert_int_eq(io_write_full(fd, rows[i].bytes, rows[i].len, &err), RC_OK);
        ck_assert_int_eq(segment_missing(fd, (int64_t)rows[i].len, &missing, &err),
                         RC_OK);
        ck_assert_msg(missing == rows[i].missing, "row %zu: %lld", i, (long long)missing);
        io_close(&fd);
    }
}
END_TEST

UNIT_MAIN("media_sniff", the_first_bytes_decide, a_file_of_whole_boxes_lacks_nothing,
          a_segment_of_its_length_lacks_nothing)
