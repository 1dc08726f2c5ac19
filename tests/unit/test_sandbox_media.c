/* sandbox/media_look and sandbox/picture: files read with suspicion, and one drawn. */
#include "sandbox/media_look.h"
#include "sandbox/picture.h"
#include "unit.h"

#include "core/strbuf.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct strbuf file;

static void setup(void)
{
    strbuf_init(&file, 1 << 20);
}

static void teardown(void)
{
    strbuf_release(&file);
}

static void u32(uint32_t n)
{
    const unsigned char b[] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                               (unsigned char)(n >> 8), (unsigned char)n};

    strbuf_add(&file, b, sizeof(b));
}

static void box(uint32_t size, const char *type)
{
    u32(size);
    strbuf_add(&file, type, 4);
}

static void zeros(size_t n)
{
    for (size_t i = 0; i < n; i++)
        strbuf_addc(&file, '\0');
}

/* An MP4 of nothing but what is looked at. */
static void film(uint32_t scale, uint32_t length, uint32_t width, uint32_t height)
{
    box(16, "ftyp");
    zeros(8);
    box(8 + 108 + 8 + 92, "moov");
    box(108, "mvhd");
    zeros(12);
    u32(scale);
    u32(length);
    zeros(80);
    box(8 + 92, "trak");
    box(92, "tkhd");
    zeros(76);
    u32(width << 16);
    u32(height << 16);
}

static const char *look(int64_t max_s, struct media_look *found)
{
    int fd = memfd_create("look", MFD_CLOEXEC);
    const char *reason;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, file.buf, file.len), (ssize_t)file.len);
    reason = media_look(fd, (int64_t)file.len, max_s, found);
    (void)close(fd);
    return reason;
}

START_TEST(a_film_says_how_long_and_large_it_is)
{
    struct media_look found;

    film(1000, 61500, 720, 1280);
    ck_assert_ptr_null(look(600, &found));
    ck_assert_int_eq(found.duration_ms, 61500);
    ck_assert_int_eq(found.width, 720);
    ck_assert_int_eq(found.height, 1280);
    ck_assert_str_eq(look(60, &found), "duration_check_failed");
}
END_TEST

START_TEST(sides_are_from_360_to_4096)
{
    static const struct {
        uint32_t width, height;
        bool good;
    } rows[] = {{360, 640, true},   {359, 640, false},   {640, 359, false},
                {4096, 4096, true}, {4097, 1080, false}, {1080, 4097, false}};
    struct media_look found;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *reason;

        strbuf_reset(&file);
        film(1000, 5000, rows[i].width, rows[i].height);
        reason = look(600, &found);
        ck_assert_msg((reason == NULL) == rows[i].good, "row %zu: %s", i,
                      reason != NULL ? reason : "");
    }
}
END_TEST

START_TEST(what_is_no_film_is_refused)
{
    struct media_look found;

    ck_assert_str_eq(look(600, &found), "file_format_check_failed");
    zeros(100);
    ck_assert_str_eq(look(600, &found), "file_format_check_failed");
    strbuf_reset(&file);
    strbuf_addstr(&file, "\xff\xd8\xff\xe0 a picture");
    ck_assert_str_eq(look(600, &found), "file_format_check_failed");
    strbuf_reset(&file);
    strbuf_addstr(&file, "\x1a\x45\xdf\xa3 webm, not looked into");
    ck_assert_ptr_null(look(600, &found));
}
END_TEST

START_TEST(lies_about_sizes_lead_nowhere)
{
    struct media_look found;

    box(16, "ftyp");
    zeros(8);
    box(0xffffffff, "moov"); /* beyond the file */
    ck_assert_ptr_null(look(600, &found));
    strbuf_reset(&file);
    box(16, "ftyp");
    zeros(8);
    box(4, "moov"); /* smaller than its own head */
    zeros(64);
    ck_assert_ptr_null(look(600, &found));
    strbuf_reset(&file);
    box(16, "ftyp");
    zeros(8);
    box(1, "moov"); /* 64 bits, of which the first is set */
    u32(0x80000000);
    u32(16);
    ck_assert_ptr_null(look(600, &found));
    strbuf_reset(&file);
    film(0, 5000, 720, 1280); /* no scale: no length */
    ck_assert_ptr_null(look(600, &found));
    ck_assert_int_eq(found.duration_ms, 0);
}
END_TEST

START_TEST(many_small_boxes_end)
{
    struct media_look found;

    box(16, "ftyp");
    zeros(8);
    while (file.len < 500000)
        box(8, "free");
    ck_assert_ptr_null(look(600, &found));
}
END_TEST

START_TEST(a_picture_is_a_png_and_always_the_same)
{
    struct strbuf again;

    picture_draw("ann.example", &file);
    ck_assert(!strbuf_failed(&file));
    ck_assert_mem_eq(file.buf, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
    ck_assert_mem_eq(file.buf + file.len - 12, "\0\0\0\0IEND\xae\x42\x60\x82", 12);
    strbuf_init(&again, PICTURE_MAX);
    picture_draw("ann.example", &again);
    ck_assert_uint_eq(again.len, file.len);
    ck_assert_mem_eq(again.buf, file.buf, file.len);
    strbuf_reset(&again);
    picture_draw("ben.private", &again);
    ck_assert(memcmp(again.buf, file.buf, file.len) != 0);
    strbuf_release(&again);
}
END_TEST

START_TEST(the_address_of_a_picture_expires_and_cannot_be_made_up)
{
    char query[PICTURE_QUERY_SIZE], other[PICTURE_QUERY_SIZE];

    picture_query("secret", "ann", 1000, query);
    ck_assert(picture_query_ok("secret", "ann", query, 999));
    ck_assert(!picture_query_ok("secret", "ann", query, 1000));
    ck_assert(!picture_query_ok("secret", "ben", query, 999));
    ck_assert(!picture_query_ok("other", "ann", query, 999));
    ck_assert(!picture_query_ok("secret", "ann", "", 999));
    ck_assert(!picture_query_ok("secret", "ann", "x-expires=", 999));
    picture_query("secret", "ann", 2000, other);
    query[10] = '2'; /* longer, with the old signature */
    ck_assert(!picture_query_ok("secret", "ann", query, 999));
    ck_assert(picture_query_ok("secret", "ann", other, 999));
}
END_TEST

UNIT_MAIN_FIXTURE("sandbox_media", setup, teardown, a_film_says_how_long_and_large_it_is,
                  sides_are_from_360_to_4096, what_is_no_film_is_refused,
                  lies_about_sizes_lead_nowhere, many_small_boxes_end,
                  a_picture_is_a_png_and_always_the_same,
                  the_address_of_a_picture_expires_and_cannot_be_made_up)
