/* sandbox/photo_look: pictures read with suspicion. */
#include "sandbox/photo_look.h"
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

static void add(const void *bytes, size_t len)
{
    strbuf_add(&file, bytes, len);
}

#define ADD(...)                                                                         \
    add((const unsigned char[]){__VA_ARGS__},                                            \
        sizeof((const unsigned char[]){__VA_ARGS__}))

static void zeros(size_t n)
{
    for (size_t i = 0; i < n; i++)
        strbuf_addc(&file, '\0');
}

static unsigned char high(int n)
{
    return (unsigned char)(n >> 8);
}

static unsigned char low(int n)
{
    return (unsigned char)n;
}

/* A JPEG of an APP0, some other segments, and a frame header of the kind. */
static void jpeg(unsigned char frame, int width, int height)
{
    strbuf_reset(&file);
    ADD(0xff, 0xd8, 0xff, 0xe0, 0, 16);
    zeros(14);
    ADD(0xff, 0xff, 0xff, 0xc4, 0, 4, 1, 2); /* fill bytes, a Huffman table */
    ADD(0xff, frame, 0, 11, 8, high(height), low(height), high(width), low(width), 1, 0,
        0, 0);
    ADD(0xff, 0xda);
    zeros(32);
}

static void riff(const char *kind)
{
    strbuf_reset(&file);
    add("RIFF\0\0\0\0WEBP", 12);
    add(kind, 4);
    zeros(4);
}

static void webp_lossy(int width, int height)
{
    riff("VP8 ");
    ADD(0, 0, 0, 0x9d, 0x01, 0x2a, low(width), high(width), low(height), high(height));
    zeros(16);
}

static void webp_lossless(unsigned width, unsigned height)
{
    unsigned bits = (width - 1) | (height - 1) << 14;

    riff("VP8L");
    ADD(0x2f, (unsigned char)bits, (unsigned char)(bits >> 8),
        (unsigned char)(bits >> 16), (unsigned char)(bits >> 24));
    zeros(16);
}

static void webp_extended(int width, int height)
{
    riff("VP8X");
    ADD(0, 0, 0, 0, low(width - 1), high(width - 1), 0, low(height - 1), high(height - 1),
        0);
    zeros(16);
}

/* Looks at the file as it stands; the answer is the reason, or "". */
static const char *look(struct media_look *out)
{
    int fd = memfd_create("picture", MFD_CLOEXEC);
    const char *reason;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, file.buf, file.len), (ssize_t)file.len);
    reason = photo_look(fd, (int64_t)file.len, out);
    (void)close(fd);
    return reason != NULL ? reason : "";
}

static void expect(const char *reason, int width, int height, const char *what)
{
    struct media_look found;
    const char *got = look(&found);

    ck_assert_msg(strcmp(got, reason) == 0, "%s %dx%d: \"%s\"", what, width, height, got);
    if (strcmp(reason, "file_format_check_failed") == 0)
        return;
    ck_assert_msg(found.width == width && found.height == height, "%s %dx%d: %lldx%lld",
                  what, width, height, (long long)found.width, (long long)found.height);
}

START_TEST(a_picture_fits_into_1080_by_1920_either_way)
{
    static const struct {
        int width, height;
        bool fits;
    } rows[] = {
        {1080, 1920, true},  {1920, 1080, true},  {1, 1, true},
        {1080, 1080, true},  {1081, 1920, false}, {1080, 1921, false},
        {1920, 1081, false}, {1921, 1080, false}, {1200, 1200, false},
        {300, 1921, false},  {8000, 100, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *reason = rows[i].fits ? "" : "picture_size_check_failed";
        int w = rows[i].width;
        int h = rows[i].height;

        jpeg(0xc0, w, h);
        expect(reason, w, h, "JPEG");
        webp_lossy(w, h);
        expect(reason, w, h, "VP8");
        webp_lossless((unsigned)w, (unsigned)h);
        expect(reason, w, h, "VP8L");
        webp_extended(w, h);
        expect(reason, w, h, "VP8X");
    }
}
END_TEST

START_TEST(every_kind_of_frame_is_known_and_no_other_marker)
{
    struct media_look found;

    for (unsigned char marker = 0xc0; marker <= 0xcf; marker++) {
        bool frame = marker != 0xc4 && marker != 0xc8 && marker != 0xcc;

        jpeg(marker, 100, 200);
        ck_assert_msg((look(&found)[0] == '\0') == frame, "%x", (unsigned)marker);
    }
}
END_TEST

START_TEST(what_is_no_picture_is_refused)
{
#define LITERAL(s)                                                                       \
    {                                                                                    \
        s, sizeof(s) - 1                                                                 \
    }
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        LITERAL(""),
        LITERAL("\xff\xd8"),
        LITERAL(
            "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\0\0\0\x04\0\x08\x06\0\0\0\0\0\0\0\0"),
        LITERAL("GIF89a\x40\x01\x40\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        LITERAL("RIFF\0\0\0\0WAVEfmt \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        LITERAL("RIFF\0\0\0\0WEBPXXXX\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        /* a frame tag without the start code */
        LITERAL("RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2b\x40\0\x40\0\0\0\0\0"),
        /* the picture begins before a frame was described */
        LITERAL(
            "\xff\xd8\xff\xda\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        /* a segment that is shorter than its own length */
        LITERAL(
            "\xff\xd8\xff\xe0\0\x01\xff\xc0\0\x0b\x08\0\x64\0\x64\x01\0\0\0\0\0\0\0\0\0\0"
            "\0\0\0\0\0\0"),
        /* no marker where one must be */
        LITERAL(
            "\xff\xd8\xff\xe0\0\x02\0\xc0\0\x0b\x08\0\x64\0\x64\x01\0\0\0\0\0\0\0\0\0\0"
            "\0\0\0\0\0\0"),
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        strbuf_reset(&file);
        add(rows[i].bytes, rows[i].len);
        expect("file_format_check_failed", 0, 0, "row");
    }
}
END_TEST

START_TEST(a_frame_without_a_side_is_none)
{
    jpeg(0xc0, 0, 100);
    expect("file_format_check_failed", 0, 0, "JPEG");
    jpeg(0xc0, 100, 0);
    expect("file_format_check_failed", 0, 0, "JPEG");
    webp_lossy(0, 100);
    expect("file_format_check_failed", 0, 0, "VP8");
}
END_TEST

START_TEST(a_file_cut_anywhere_is_not_read_beyond_its_end)
{
    struct media_look found;
    size_t whole;

    jpeg(0xc2, 800, 600);
    whole = file.len;
    for (size_t len = 0; len < whole; len++) {
        const char *reason;

        jpeg(0xc2, 800, 600);
        strbuf_cut(&file, len);
        reason = look(&found);
        ck_assert(reason[0] == '\0' || strcmp(reason, "file_format_check_failed") == 0);
    }
    for (size_t len = 0; len < 30; len++) {
        webp_extended(800, 600);
        strbuf_cut(&file, len);
        ck_assert_str_eq(look(&found), "file_format_check_failed");
    }
}
END_TEST

START_TEST(a_file_says_by_its_first_bytes_what_it_is)
{
    static const struct {
        const char *bytes, *ending;
    } rows[] = {
        {"\1\1\1\1ftypisom", "mp4"},
        {"\1\1\1\1ftypqt  ", "mov"},
        {"\x1a\x45\xdf\xa3\1\1\1\1\1\1\1\1", "webm"},
        {"\xff\xd8\xff\xe0\1\1\1\1\1\1\1\1", "jpg"},
        {"RIFF\1\1\1\1WEBP", "webp"},
        {"RIFF\1\1\1\1WAVE", NULL},
        {"\x89PNG\r\n\x1a\n\1\1\1\1", NULL},
        {"ftyp", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = memfd_create("file", MFD_CLOEXEC);
        const char *ending;

        ck_assert_int_eq(write(fd, rows[i].bytes, strlen(rows[i].bytes)),
                         (ssize_t)strlen(rows[i].bytes));
        ending = media_ending(fd);
        ck_assert_msg(rows[i].ending == NULL
                          ? ending == NULL
                          : ending != NULL && strcmp(ending, rows[i].ending) == 0,
                      "row %zu", i);
        (void)close(fd);
    }
}
END_TEST

UNIT_MAIN_FIXTURE("sandbox_photo_look", setup, teardown,
                  a_picture_fits_into_1080_by_1920_either_way,
                  every_kind_of_frame_is_known_and_no_other_marker,
                  what_is_no_picture_is_refused, a_frame_without_a_side_is_none,
                  a_file_cut_anywhere_is_not_read_beyond_its_end,
                  a_file_says_by_its_first_bytes_what_it_is)
