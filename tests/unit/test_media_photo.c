/* media/still, media/picture and the photos of media/examine: made here by ffmpeg, with
 * EXIF, XMP and comments put into them by hand. */
#include "core/io.h"
#include "media/examine.h"
#include "media/still.h"
#include "scratch.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Four colours, two by two: red green / blue white. */
#define QUADS                                                                            \
    "ffmpeg -v error -y -f lavfi -i color=red:s=200x100 -f lavfi -i color=lime:s="       \
    "200x100 -f lavfi -i color=blue:s=200x100 -f lavfi -i color=white:s=200x100 "        \
    "-filter_complex '[0][1]hstack[t];[2][3]hstack[b];[t][b]vstack' -frames:v 1 "
#define PLAIN "ffmpeg -v error -y -f lavfi -i testsrc2=s="

/* What no rendition may hold: the words of metadata, and those that we planted. */
static const char *const traces[] = {"Exif", "EXIF", "GPS",  "SECRETPLACE", "adobe",
                                     "ICC_", "Lavc", "xmp",  "http",        "JFXX",
                                     "MPF",  "tEXt", "eXIf", "Photoshop"};

static char dir[SCRATCH_SIZE];
static struct err err;

static void run(const char *line)
{
    ck_assert_msg(system(line) == 0, "%s", line);
}

static void setup(void)
{
    scratch_make(dir);
    ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove(dir);
}

static void slurp(const char *name, struct strbuf *out)
{
    strbuf_init(out, 64 << 20);
    ck_assert_msg(io_read_file(name, out, &err) == RC_OK, "%s", name);
}

static void spill(const char *name, const struct strbuf *bytes)
{
    (void)unlink(name);
    ck_assert_msg(io_create_file(name, 0600, bytes->buf, bytes->len, &err) == RC_OK, "%s",
                  name);
}

/* Examines the file name; the caller releases *e. */
static void look(const char *name, struct examined *e)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    struct stat st;

    ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s", name);
    ck_assert_msg(examine(fd, st.st_size, NULL, e, &err) == RC_OK, "%s: %s", name,
                  err.msg);
    io_close(&fd);
}

static bool holds(const struct strbuf *bytes, const char *word)
{
    return memmem(bytes->buf, bytes->len, word, strlen(word)) != NULL;
}

/* --- metadata by hand -------------------------------------------------------------- */

/* EXIF with an orientation, and a place in words. */
static void add_tiff(struct strbuf *out, int orientation, bool little)
{
    static const char place[] = "GPS SECRETPLACE";
    const char half = (char)orientation;

    if (little)
        strbuf_add(out, "II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x04\0\0\0abc\0", 22);
    else
        strbuf_add(out,
                   "MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\x04"
                   "abc\0",
                   22);
    if (little)
        strbuf_add(out, "\x12\x01\x03\0\x01\0\0\0", 8);
    else
        strbuf_add(out, "\x01\x12\0\x03\0\0\0\x01", 8);
    strbuf_add(out, little ? &half : "\0", 1);
    strbuf_add(out, little ? "\0" : &half, 1);
    strbuf_add(out, "\0\0\0\0\0\0", 6);
    strbuf_add(out, place, sizeof(place));
}

static void add_segment(struct strbuf *out, char marker, const char *head,
                        size_t head_len, const struct strbuf *body)
{
    size_t len = 2 + head_len + body->len;

    strbuf_addc(out, '\xff');
    strbuf_addc(out, marker);
    strbuf_addc(out, (char)(len >> 8));
    strbuf_addc(out, (char)(len & 0xff));
    strbuf_add(out, head, head_len);
    strbuf_add(out, body->buf, body->len);
}

/* from.jpg with EXIF, XMP and a comment behind its SOI, as to. */
static void add_to_jpeg(const char *from, int orientation, bool little, const char *to)
{
    struct strbuf jpeg, tiff, words, out;

    slurp(from, &jpeg);
    strbuf_init(&tiff, 4096);
    strbuf_init(&words, 4096);
    strbuf_init(&out, 64 << 20);
    add_tiff(&tiff, orientation, little);
    strbuf_addstr(&words, "<x:xmpmeta>SECRETPLACE</x:xmpmeta>");
    strbuf_add(&out, jpeg.buf, 2);
    add_segment(&out, '\xe1', "Exif\0\0", 6, &tiff);
    add_segment(&out, '\xe1', "http://ns.adobe.com/xap/1.0/\0", 29, &words);
    add_segment(&out, '\xfe', "SECRETPLACE", 11, &words);
    strbuf_add(&out, jpeg.buf + 2, jpeg.len - 2);
    spill(to, &out);
    strbuf_release(&out);
    strbuf_release(&words);
    strbuf_release(&tiff);
    strbuf_release(&jpeg);
}

static uint32_t crc(const char *p, size_t n)
{
    uint32_t c = ~0U;

    for (size_t i = 0; i < n; i++) {
        c ^= (unsigned char)p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (0xedb88320U & (0U - (c & 1U)));
    }
    return ~c;
}

static void add_number(struct strbuf *out, uint32_t n, bool little)
{
    for (int i = 0; i < 4; i++)
        strbuf_addc(out, (char)(n >> (little ? 8 * i : 24 - 8 * i)));
}

static void add_to_png(const char *from, int orientation, const char *to)
{
    struct strbuf png, chunk, out;

    slurp(from, &png);
    strbuf_init(&chunk, 4096);
    strbuf_init(&out, 64 << 20);
    strbuf_addstr(&chunk, "eXIf");
    add_tiff(&chunk, orientation, false);
    strbuf_add(&out, png.buf, 33); /* the signature and IHDR */
    add_number(&out, (uint32_t)chunk.len - 4, false);
    strbuf_add(&out, chunk.buf, chunk.len);
    add_number(&out, crc(chunk.buf, chunk.len), false);
    strbuf_add(&out, png.buf + 33, png.len - 33);
    spill(to, &out);
    strbuf_release(&out);
    strbuf_release(&chunk);
    strbuf_release(&png);
}

/* A simple WebP as an extended one with EXIF. */
static void add_to_webp(const char *from, int width, int height, int orientation,
                        const char *to)
{
    struct strbuf webp, tiff, body, out;
    const char head[10] = {0x08,
                           0,
                           0,
                           0,
                           (char)((width - 1) & 0xff),
                           (char)((width - 1) >> 8),
                           0,
                           (char)((height - 1) & 0xff),
                           (char)((height - 1) >> 8),
                           0};

    slurp(from, &webp);
    strbuf_init(&tiff, 4096);
    strbuf_init(&body, 64 << 20);
    strbuf_init(&out, 64 << 20);
    add_tiff(&tiff, orientation, true);
    strbuf_add(&body, "WEBPVP8X\x0a\0\0\0", 12);
    strbuf_add(&body, head, sizeof(head));
    strbuf_add(&body, webp.buf + 12, webp.len - 12);
    strbuf_addstr(&body, "EXIF");
    add_number(&body, (uint32_t)tiff.len, true);
    strbuf_add(&body, tiff.buf, tiff.len);
    strbuf_addstr(&out, "RIFF");
    add_number(&out, (uint32_t)body.len, true);
    strbuf_add(&out, body.buf, body.len);
    spill(to, &out);
    strbuf_release(&out);
    strbuf_release(&body);
    strbuf_release(&tiff);
    strbuf_release(&webp);
}

/* --- what came out ----------------------------------------------------------------- */

/* The rendition's corners, one letter each: R G B W, or '?'. */
static void corners(const struct examined *e, char out[5])
{
    struct strbuf raw;

    spill("out.jpg", &e->rendition);
    run("ffmpeg -v error -y -i out.jpg -vf format=rgb24,scale=2:2:flags=area -f "
        "rawvideo out.raw");
    slurp("out.raw", &raw);
    ck_assert_uint_eq(raw.len, 12);
    for (size_t i = 0; i < 4; i++) {
        const unsigned char *p = (const unsigned char *)raw.buf + i * 3;
        int bits = (p[0] > 128) << 2 | (p[1] > 128) << 1 | (p[2] > 128);

        out[i] = "?BG?R??W"[bits];
    }
    out[4] = '\0';
    strbuf_release(&raw);
}

static void is_a_clean_rendition(const struct examined *e, const char *what)
{
    struct still is;
    int fd;

    ck_assert_msg(e->ready, "%s: %s", what, e->checks[0].message);
    ck_assert_msg(e->rendition.len > 100, "%s has no rendition", what);
    ck_assert_int_eq(e->made.bytes, (int64_t)e->rendition.len);
    for (size_t i = 0; i < ARRAY_LEN(traces); i++)
        ck_assert_msg(!holds(&e->rendition, traces[i]), "%s: %s", what, traces[i]);
    spill("clean.jpg", &e->rendition);
    fd = open("clean.jpg", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(still_read(fd, e->made.bytes, "jpeg", &is, &err), RC_OK);
    io_close(&fd);
    ck_assert_msg(is.clean && is.flaw == NULL, "%s", what);
    ck_assert_int_eq(is.width, e->made.width);
    ck_assert_int_eq(is.height, e->made.height);
    ck_assert_msg(e->thumb.len > 100, "%s", what);
}

static const char *const upright[] = {NULL,   "RGBW", "GRWB", "WBGR", "BWRG",
                                      "RBGW", "BRWG", "WGBR", "GWRB"};

static void is_upright(const char *name, int orientation)
{
    bool side = orientation >= 5;
    struct examined e;
    char seen[5];

    look(name, &e);
    is_a_clean_rendition(&e, name);
    ck_assert_int_eq(e.facts.width, side ? 200 : 400);
    ck_assert_int_eq(e.facts.height, side ? 400 : 200);
    ck_assert_int_eq(e.made.width, e.facts.width);
    ck_assert_int_eq(e.made.height, e.facts.height);
    corners(&e, seen);
    ck_assert_msg(strcmp(seen, upright[orientation]) == 0, "%s, orientation %d: %s", name,
                  orientation, seen);
    examined_release(&e);
}

START_TEST(a_jpeg_is_turned_as_its_exif_says)
{
    run(QUADS "-q:v 2 quads.jpg");
    for (int o = 1; o <= 8; o++) {
        add_to_jpeg("quads.jpg", o, o % 2 == 0, "turned.jpg");
        is_upright("turned.jpg", o);
    }
}
END_TEST

START_TEST(a_png_and_a_webp_are_turned_as_well)
{
    static const int some[] = {1, 3, 6, 8};

    run(QUADS "-pix_fmt rgb24 quads.png");
    run(QUADS "-lossless 1 quads.webp");
    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        add_to_png("quads.png", some[i], "turned.png");
        is_upright("turned.png", some[i]);
        add_to_webp("quads.webp", 400, 200, some[i], "turned.webp");
        is_upright("turned.webp", some[i]);
    }
}
END_TEST

START_TEST(photos_beyond_the_limits_are_converted_and_told_so)
{
    static const struct {
        const char *make, *name, *container, *converted; /* a check, or NULL: none */
        int width, height;
    } rows[] = {
        {PLAIN "640x480 -frames:v 1 a.png", "a.png", "png", "container", 640, 480},
        {PLAIN "640x480 -frames:v 1 -pix_fmt rgba64be a.png", "a.png", "png", "container",
         640, 480},
        {PLAIN "640x480 -frames:v 1 -pix_fmt gray a.png", "a.png", "png", "container",
         640, 480},
        {PLAIN "640x480:d=0.4 a.gif", "a.gif", "gif", "container", 640, 480},
        {PLAIN "640x480 -frames:v 1 -c:v libaom-av1 -still-picture 1 -cpu-used 8 a.avif",
         "a.avif", "avif", "container", 640, 480},
        {PLAIN "4032x3024 -frames:v 1 a.jpg", "a.jpg", "jpeg", "picture_size", 1440,
         1080},
        {PLAIN "3024x4032 -frames:v 1 a.webp", "a.webp", "webp", "picture_size", 1080,
         1440},
        {PLAIN "640x480 -frames:v 1 a.webp", "a.webp", "webp", NULL, 640, 480},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct examined e;
        size_t converted = 0;

        run(rows[i].make);
        look(rows[i].name, &e);
        is_a_clean_rendition(&e, rows[i].make);
        ck_assert_str_eq(e.facts.container, rows[i].container);
        ck_assert_int_eq(e.made.width, rows[i].width);
        ck_assert_int_eq(e.made.height, rows[i].height);
        for (size_t k = 0; k < e.n_checks; k++) {
            if (!e.checks[k].converted)
                continue;
            converted++;
            ck_assert_msg(rows[i].converted != NULL &&
                              strcmp(e.checks[k].code, rows[i].converted) == 0,
                          "row %zu: %s", i, e.checks[k].message);
        }
        ck_assert_msg(converted == (rows[i].converted != NULL), "row %zu", i);
        examined_release(&e);
    }
}
END_TEST

START_TEST(a_clean_jpeg_is_left_as_it_is)
{
    struct examined e;

    run(PLAIN "640x480 -frames:v 1 -flags:v +bitexact clean.jpg");
    look("clean.jpg", &e);
    ck_assert_msg(e.ready, "%s", e.checks[0].message);
    ck_assert_uint_eq(e.rendition.len, 0);
    ck_assert_int_eq(e.made.bytes, 0);
    ck_assert_uint_gt(e.thumb.len, 100);
    examined_release(&e);

    run("cp clean.jpg more.jpg && printf 'a film behind the photo' >> more.jpg");
    look("more.jpg", &e);
    is_a_clean_rendition(&e, "bytes behind the end");
    examined_release(&e);

    add_to_jpeg("clean.jpg", 1, false, "told.jpg");
    look("told.jpg", &e);
    is_a_clean_rendition(&e, "metadata");
    ck_assert_uint_eq(e.n_checks, 3);
    examined_release(&e);
}
END_TEST

START_TEST(what_is_transparent_becomes_white)
{
    struct examined e;
    char seen[5];

    run("ffmpeg -v error -y -f lavfi -i color=black@0.0:s=100x100,format=rgba -f lavfi "
        "-i color=red:s=100x100,format=rgba -filter_complex '[0][1]hstack,split[a][b];"
        "[a][b]vstack' -frames:v 1 see.png");
    look("see.png", &e);
    is_a_clean_rendition(&e, "see.png");
    corners(&e, seen);
    ck_assert_str_eq(seen, "WRWR");
    examined_release(&e);
}
END_TEST

/* --- refusals ---------------------------------------------------------------------- */

static void refused(const char *name, const char *code, const char *words)
{
    struct examined e;

    look(name, &e);
    ck_assert_msg(!e.ready, "%s", name);
    ck_assert_str_eq(e.checks[0].code, code);
    ck_assert_msg(strstr(e.checks[0].message, words) != NULL, "%s: %s", name,
                  e.checks[0].message);
    ck_assert_uint_eq(e.rendition.len, 0);
    ck_assert_int_eq(e.made.bytes, 0);
    examined_release(&e);
}

/* Writes a file of these bytes and examines it. */
static void bytes_refused(const char *bytes, size_t len, const char *code,
                          const char *words)
{
    struct strbuf sb;

    strbuf_init(&sb, 4096);
    strbuf_add(&sb, bytes, len);
    spill("bad.bin", &sb);
    strbuf_release(&sb);
    refused("bad.bin", code, words);
}

START_TEST(giants_are_refused_before_anything_is_decoded)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *measured;
    } rows[] = {
        {"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xff\xff\0\0\xff\xff\x08\x06\0\0\0....\0\0\0"
         "\0IEND....",
         45, "65535 x 65535 pixels"},
        {"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\xff\xff\xff\xff\0\0\0\x01\x08\x06\0\0\0....\0\0"
         "\0\0IEND....",
         45, "2147483647 x 1 pixels"},
        {"GIF89a\xff\xff\xff\xff\0\0\0", 13, "65535 x 65535 pixels"},
        {"\xff\xd8\xff\xc0\0\x11\x08\xff\xdc\xff\xdc\x03\x01\x22\0\x02\x11\x01\x03\x11"
         "\x01\xff\xd9",
         23, "65500 x 65500 pixels"},
        {"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff", 30,
         "16777216 x 16777216 pixels"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        bytes_refused(rows[i].bytes, rows[i].len, "picture_size", rows[i].measured);
}
END_TEST

START_TEST(a_bomb_of_the_largest_size_we_take_ends_in_a_verdict)
{
    struct examined e;

    run("ffmpeg -v error -y -f lavfi -i color=red:s=10000x10000 -frames:v 1 -pix_fmt "
        "rgba -compression_level 1 bomb.png");
    look("bomb.png", &e);
    is_a_clean_rendition(&e, "bomb.png");
    ck_assert_int_eq(e.made.width, 1080);
    examined_release(&e);
}
END_TEST

START_TEST(what_is_cut_off_or_moves_is_said_so)
{
    run(PLAIN "640x480 -frames:v 1 whole.jpg && head -c -500 whole.jpg > cut.jpg");
    refused("cut.jpg", "readable", "cut off");
    run(PLAIN "640x480 -frames:v 1 whole.png && head -c -500 whole.png > cut.png");
    refused("cut.png", "readable", "cut off");
    run(PLAIN "640x480 -frames:v 1 whole.webp && head -c -500 whole.webp > cut.webp");
    refused("cut.webp", "readable", "cut off");
    run(PLAIN "64x64:d=0.2 -c:v libwebp_anim moves.webp");
    refused("moves.webp", "readable", "it moves");
    run("head -c 20000 /dev/urandom > r; (head -c 33 whole.png; cat r) > noise.png");
    refused("noise.png", "readable", "could not be read");
}
END_TEST

/* --- headers ----------------------------------------------------------------------- */

START_TEST(headers_that_lie_are_read_within_their_bounds)
{
    static const struct {
        const char *container, *bytes;
        size_t len;
        int orientation;
    } rows[] = {
        {"jpeg",
         "\xff\xd8\xff\xe1\0\x10"
         "Exif\0\0MM\0*\xff\xff\xff\xff\xff\xd9",
         22, 1},
        {"jpeg",
         "\xff\xd8\xff\xe1\0\x1c"
         "Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\xff\xd9",
         32, 1},
        {"jpeg",
         "\xff\xd8\xff\xe1\0\x22"
         "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0....\xff"
         "\xd9",
         38, 6},
        {"jpeg",
         "\xff\xd8\xff\xe1\xff\xff"
         "Exif\0\0MM\0*",
         16, 1},
        {"jpeg", "\xff\xd8\xff\xff\xff\xff\xff\xd9", 8, 1},
        {"jpeg", "\xff\xd8\xff\xe0\0\0\xff\xd9", 8, 1},
        {"jpeg", "\xff\xd8", 2, 1},
        {"png", "\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR", 16, 1},
        {"webp", "RIFF\xff\xff\xff\xffWEBP", 12, 1},
        {"webp", "RIFF\x0c\0\0\0WEBPEXIF\xff\xff\xff\xff", 20, 1},
        {"avif", "....irot", 8, 1},
        {"gif", "", 0, 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = memfd_create("still", MFD_CLOEXEC);
        struct still is;

        ck_assert_int_eq(io_write_full(fd, rows[i].bytes, rows[i].len, &err), RC_OK);
        ck_assert_int_eq(
            still_read(fd, (int64_t)rows[i].len, rows[i].container, &is, &err), RC_OK);
        ck_assert_msg(is.orientation == rows[i].orientation, "row %zu: %d", i,
                      is.orientation);
        ck_assert_msg(is.flaw != NULL, "row %zu has no size", i);
        io_close(&fd);
    }
}
END_TEST

START_TEST(tidying_leaves_the_picture_and_nothing_else)
{
    struct strbuf jpeg, out, again;

    run(PLAIN "640x480 -frames:v 1 -flags:v +bitexact clean.jpg");
    add_to_jpeg("clean.jpg", 6, false, "told.jpg");
    slurp("told.jpg", &jpeg);
    slurp("clean.jpg", &again);
    strbuf_init(&out, 64 << 20);
    still_tidy(&jpeg, &out);
    ck_assert_uint_eq(out.len, again.len);
    ck_assert_mem_eq(out.buf, again.buf, out.len);
    strbuf_reset(&jpeg);
    strbuf_reset(&out);
    strbuf_add(&jpeg, "\xff\xd8\xff\xe1\xff\xff", 6); /* longer than it is */
    still_tidy(&jpeg, &out);
    ck_assert_uint_eq(out.len, 6);
    strbuf_release(&again);
    strbuf_release(&out);
    strbuf_release(&jpeg);
}
END_TEST

UNIT_MAIN_FIXTURE("media_photo", setup, teardown, a_jpeg_is_turned_as_its_exif_says,
                  a_png_and_a_webp_are_turned_as_well,
                  photos_beyond_the_limits_are_converted_and_told_so,
                  a_clean_jpeg_is_left_as_it_is, what_is_transparent_becomes_white,
                  giants_are_refused_before_anything_is_decoded,
                  a_bomb_of_the_largest_size_we_take_ends_in_a_verdict,
                  what_is_cut_off_or_moves_is_said_so,
                  headers_that_lie_are_read_within_their_bounds,
                  tidying_leaves_the_picture_and_nothing_else)
