/* media/examine and media/child on real files, made here by ffmpeg. */
#include "core/io.h"
#include "media/child.h"
#include "media/examine.h"
#include "media/picture.h"
#include "scratch.h"
#include "unit.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAKE "ffmpeg -v error -y -f lavfi -i testsrc2=s="

static char dir[SCRATCH_SIZE];
static struct err err;

/* Runs a shell line in which $f is the name of the file it is about. */
static void run(const char *line, const char *file)
{
    char command[512];

    (void)snprintf(command, sizeof(command), "f=%s; %s", file, line);
    ck_assert_msg(system(command) == 0, "%s", command);
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

static bool is_jpeg(const struct strbuf *sb)
{
    return sb->len > 500 && memcmp(sb->buf, "\xff\xd8\xff", 3) == 0;
}

START_TEST(good_files_are_ready_with_facts_and_a_thumbnail)
{
    static const struct {
        const char *make, *name, *container, *codec;
        enum media_kind kind;
    } rows[] = {
        {MAKE "720x1280:r=30:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p $f",
         "a.mp4", "mp4", "h264", MEDIA_KIND_VIDEO},
        {MAKE "720x1280:r=30:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p $f",
         "a.mov", "mov", "h264", MEDIA_KIND_VIDEO},
        {MAKE "720x1280:r=30:d=1 -c:v libvpx -deadline realtime -cpu-used 8 $f", "a.webm",
         "webm", "vp8", MEDIA_KIND_VIDEO},
        {MAKE "720x1280 -frames:v 1 $f", "a.jpg", "jpeg", "mjpeg", MEDIA_KIND_PHOTO},
        {MAKE "720x1280 -frames:v 1 $f", "a.webp", "webp", "webp", MEDIA_KIND_PHOTO},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct examined e;

        run(rows[i].make, rows[i].name);
        look(rows[i].name, &e);
        ck_assert_msg(e.ready, "%s: %s", rows[i].name, e.checks[0].message);
        ck_assert_str_eq(e.facts.container, rows[i].container);
        ck_assert_str_eq(e.facts.video_codec, rows[i].codec);
        ck_assert_int_eq(e.facts.kind, rows[i].kind);
        ck_assert_int_eq(e.facts.width, 720);
        ck_assert_int_eq(e.facts.height, 1280);
        if (rows[i].kind == MEDIA_KIND_VIDEO) {
            ck_assert_int_eq(e.facts.duration_ms, 1000);
            ck_assert_int_eq(e.facts.fps_milli, 30000);
        }
        ck_assert_msg(is_jpeg(&e.thumb), "%s", rows[i].name);
        examined_release(&e);
    }
}
END_TEST

START_TEST(files_outside_the_limits_are_refused_with_the_value_and_seen)
{
    static const struct {
        const char *make, *code, *measured;
    } rows[] = {
        {MAKE "720x1280:r=15:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p $f",
         "frame_rate", "15 fps"},
        {MAKE "200x200:r=30:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p $f",
         "picture_size", "200 x 200 pixels"},
        {MAKE "720x1280:r=30:d=1 -c:v mpeg4 $f", "codec", "MPEG-4"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct examined e;

        run(rows[i].make, "bad.mp4");
        look("bad.mp4", &e);
        ck_assert_msg(!e.ready, "row %zu", i);
        ck_assert_str_eq(e.checks[0].code, rows[i].code);
        ck_assert_str_eq(e.checks[0].measured, rows[i].measured);
        ck_assert_msg(is_jpeg(&e.thumb), "row %zu", i);
        examined_release(&e);
    }
}
END_TEST

/* The colours of a strip from left to right, a letter each. */
static void strip_colours(const char *film, const struct examined *e,
                          char out[STRIP_FRAMES + 1])
{
    int fd = open(film, O_RDONLY | O_CLOEXEC);
    struct strbuf strip;
    struct strbuf raw;
    char line[128];

    (void)unlink("strip.jpg");
    ck_assert_int_eq(examine_strip(fd, &e->facts, NULL, &strip, &err), RC_OK);
    io_close(&fd);
    ck_assert(is_jpeg(&strip));
    ck_assert_int_eq(io_create_file("strip.jpg", 0600, strip.buf, strip.len, &err),
                     RC_OK);
    strbuf_release(&strip);
    (void)snprintf(line, sizeof(line),
                   "ffmpeg -v error -y -i $f -vf format=rgb24,scale=%d:1:flags=area -f "
                   "rawvideo raw",
                   STRIP_FRAMES);
    run(line, "strip.jpg");
    strbuf_init(&raw, 4096);
    ck_assert_int_eq(io_read_file("raw", &raw, &err), RC_OK);
    ck_assert_uint_eq(raw.len, STRIP_FRAMES * 3);
    for (size_t i = 0; i < STRIP_FRAMES; i++)
        out[i] = (unsigned char)raw.buf[i * 3] > 128 ? 'R' : 'B';
    out[STRIP_FRAMES] = '\0';
    strbuf_release(&raw);
}

START_TEST(a_film_has_its_strip_from_beginning_to_end)
{
    static const struct {
        const char *size, *rate, *seconds; /* of each colour: red, then blue */
    } rows[] = {
        {"360x640", "30", "3"},  /* read through */
        {"640x360", "30", "10"}, /* looked for, frame by frame */
        {"360x360", "24", "36"}, /* by key frames */
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct examined e;
        char line[320];
        char colours[STRIP_FRAMES + 1];

        (void)snprintf(line, sizeof(line),
                       "ffmpeg -v error -y -f lavfi -i color=red:s=%s:r=%s:d=%s -f lavfi "
                       "-i color=blue:s=%s:r=%s:d=%s -filter_complex '[0][1]concat' -c:v "
                       "libx264 -preset ultrafast -g 48 -pix_fmt yuv420p $f",
                       rows[i].size, rows[i].rate, rows[i].seconds, rows[i].size,
                       rows[i].rate, rows[i].seconds);
        run(line, "film.mp4");
        look("film.mp4", &e);
        ck_assert_msg(e.ready, "%s", e.checks[0].message);
        strip_colours("film.mp4", &e, colours);
        ck_assert_msg(strcmp(colours, "RRRRRRBBBBBB") == 0, "row %zu: %s", i, colours);
        examined_release(&e);
    }
}
END_TEST

START_TEST(a_strip_goes_on_where_only_the_sound_does)
{
    struct examined e;
    char colours[STRIP_FRAMES + 1];

    run("ffmpeg -v error -y -f lavfi -i color=red:s=360x640:r=30:d=2 -f lavfi -i "
        "sine=d=4 "
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac $f",
        "film.mp4");
    look("film.mp4", &e);
    ck_assert_msg(e.ready, "%s", e.checks[0].message);
    strip_colours("film.mp4", &e, colours);
    ck_assert_str_eq(colours, "RRRRRRRRRRRR");
    examined_release(&e);
}
END_TEST

/* Makes whole.mp4 with its index in front, so that a cut one still has a header. */
static void make_whole(void)
{
    run(MAKE
        "720x1280:r=30:d=2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -movflags "
        "+faststart $f",
        "whole.mp4");
}

static void refused_as(const char *name, const char *code, const char *words)
{
    struct examined e;

    look(name, &e);
    ck_assert_msg(!e.ready, "%s", name);
    ck_assert_uint_eq(e.n_checks, 1);
    ck_assert_str_eq(e.checks[0].code, code);
    ck_assert_msg(strstr(e.checks[0].message, words) != NULL, "%s: %s", name,
                  e.checks[0].message);
    ck_assert_uint_eq(e.thumb.len, 0);
    examined_release(&e);
}

START_TEST(a_file_that_was_cut_off_is_told_so)
{
    make_whole();
    run("head -c -1000 whole.mp4 > $f", "cut.mp4");
    refused_as("cut.mp4", "readable", "1000 bytes are missing");
    run(MAKE "720x1280:r=30:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p $f",
        "late.mp4");
    run("head -c 20000 late.mp4 > $f", "cut.mp4");
    refused_as("cut.mp4", "readable", "cut off");
}
END_TEST

START_TEST(a_header_over_noise_is_no_video)
{
    make_whole();
    run("cp whole.mp4 $f && dd if=/dev/zero of=noise.mp4 bs=1 seek=6000 "
        "count=900000 conv=notrunc status=none",
        "noise.mp4");
    refused_as("noise.mp4", "readable", "could not be read");
}
END_TEST

START_TEST(disguises_are_seen_through)
{
    static const struct {
        const char *make, *code, *words;
    } rows[] = {
        {"printf '#EXTM3U\\n#EXT-X-TARGETDURATION:1\\n#EXTINF:1,\\nfile:///etc/passwd\\n"
         "#EXT-X-ENDLIST\\n' > $f",
         "readable", "playlist"},
        {"printf 'ffconcat version 1.0\\nfile /etc/passwd\\n' > $f", "readable",
         "no video or photo"},
        {"printf 'just some text' > $f", "readable", "no video or photo"},
        {": > $f", "readable", "no video or photo"},
        {"printf '\\377\\330\\377\\340 not a jpeg' > $f", "readable",
         "could not be read"},
        {"ffmpeg -v error -y -f lavfi -i sine=d=1 -c:a aac -f mp4 $f", "readable",
         "no picture"},
        {"printf '\\0\\0\\0\\030ftypheic\\0\\0\\0\\0mif1heic' > $f", "container", "heic"},
        {"printf '\\211PNG\\r\\n\\032\\n not a png' > $f", "readable", "cut off"},
        {"printf 'GIF89a' > $f", "readable", "how large"},
        {MAKE "720x1280:r=30:d=1 -c:v libx264 -preset ultrafast -f matroska $f", NULL,
         "matroska"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct examined e;

        run(rows[i].make, "x.mp4");
        if (rows[i].code != NULL) {
            refused_as("x.mp4", rows[i].code, rows[i].words);
            continue;
        }
        look("x.mp4", &e);
        ck_assert(!e.ready);
        ck_assert_str_eq(e.checks[0].code, "container");
        examined_release(&e);
    }
}
END_TEST

/* Runs a shell line confined over the file in.txt; its standard output is in out. */
static enum child_end confined(const char *line, struct strbuf *out, int64_t wall_ms)
{
    const char *const argv[] = {"/usr/bin/dash", "-c", line, NULL};
    struct child_job job = {.argv = argv,
                            .limits = {.memory_bytes = UINT64_C(256) << 20, .cpu_s = 5},
                            .wall_ms = wall_ms};
    enum child_end end = CHILD_DONE;

    run("printf input > $f", "in.txt");
    job.input_fd = open("in.txt", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(job.input_fd, 0);
    strbuf_reset(out);
    ck_assert_msg(child_run(&job, out, &end, &err) == RC_OK, "%s: %s", line, err.msg);
    io_close(&job.input_fd);
    return end;
}

START_TEST(a_child_has_its_file_and_nothing_else)
{
    struct strbuf out;

    strbuf_init(&out, 4096);
    ck_assert_int_eq(confined("/usr/bin/cat /proc/self/fd/3", &out, 60000), CHILD_DONE);
    ck_assert_str_eq(out.buf, "input");
    ck_assert_int_eq(confined("/usr/bin/env", &out, 60000), CHILD_DONE);
    ck_assert_msg(strstr(out.buf, "HOME") == NULL, "%s", out.buf);
    ck_assert_int_eq(confined("/usr/bin/grep -c . /proc/net/route", &out, 60000),
                     CHILD_REFUSED);
    ck_assert_int_eq(confined("echo x > made.txt", &out, 60000), CHILD_REFUSED);
    ck_assert_int_ne(access("made.txt", F_OK), 0);
    ck_assert_int_eq(confined("/usr/bin/perl -MSocket -e 'print AF_INET'", &out, 60000),
                     CHILD_DONE);
    ck_assert_str_eq(out.buf, "2");
    ck_assert_int_eq(confined("/usr/bin/perl -MSocket -e 'socket(my $s, PF_INET, "
                              "SOCK_STREAM, 0) or exit 3; exit 0'",
                              &out, 60000),
                     CHILD_REFUSED);
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >
        0)
        ck_assert_int_eq(confined("/usr/bin/cat /etc/passwd", &out, 60000),
                         CHILD_REFUSED);
    strbuf_release(&out);
}
END_TEST

START_TEST(a_child_that_does_too_much_is_ended)
{
    struct strbuf out;

    strbuf_init(&out, 1000);
    ck_assert_int_eq(
        confined("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxx; done", &out, 60000),
        CHILD_TOO_LONG);
    ck_assert_int_eq(confined("/usr/bin/sleep 600", &out, 100), CHILD_TIMEOUT);
    ck_assert_int_eq(confined("exec 1>&-; /usr/bin/sleep 600", &out, 100), CHILD_TIMEOUT);
    ck_assert_int_eq(confined("exit 3", &out, 60000), CHILD_REFUSED);
    ck_assert_int_eq(confined("/usr/bin/perl -e 'kill 9, $$; my $x = \"x\" x 999999999; "
                              "exit(length($x) > 0 ? 0 : 1)'",
                              &out, 60000),
                     CHILD_REFUSED);
    strbuf_release(&out);
}
END_TEST

START_TEST(a_program_that_cannot_start_says_nothing_about_the_file)
{
    static const char *const argv[] = {"/usr/bin/no-such-program", NULL};
    const struct child_job job = {.argv = argv,
                                  .input_fd = STDIN_FILENO,
                                  .limits = {.memory_bytes = 1 << 20, .cpu_s = 1},
                                  .wall_ms = 60000};
    enum child_end end = CHILD_DONE;
    struct strbuf out;

    strbuf_init(&out, 100);
    ck_assert_int_eq(child_run(&job, &out, &end, &err), RC_UNAVAILABLE);
    strbuf_release(&out);
}
END_TEST

START_TEST(a_stop_ends_the_child_at_once)
{
    static const char *const argv[] = {"/usr/bin/sleep", "600", NULL};
    static const volatile sig_atomic_t stop = 1;
    const struct child_job job = {
        .argv = argv,
        .input_fd = STDIN_FILENO,
        .limits = {.memory_bytes = UINT64_C(256) << 20, .cpu_s = 5},
        .wall_ms = 600000,
        .stop = &stop};
    enum child_end end = CHILD_DONE;
    struct strbuf out;

    strbuf_init(&out, 100);
    ck_assert_int_eq(child_run(&job, &out, &end, &err), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "stopping");
    strbuf_release(&out);
}
END_TEST

UNIT_MAIN_FIXTURE("media_examine", setup, teardown,
                  good_files_are_ready_with_facts_and_a_thumbnail,
                  files_outside_the_limits_are_refused_with_the_value_and_seen,
                  a_film_has_its_strip_from_beginning_to_end,
                  a_strip_goes_on_where_only_the_sound_does,
                  a_file_that_was_cut_off_is_told_so, a_header_over_noise_is_no_video,
                  disguises_are_seen_through, a_child_has_its_file_and_nothing_else,
                  a_child_that_does_too_much_is_ended,
                  a_program_that_cannot_start_says_nothing_about_the_file,
                  a_stop_ends_the_child_at_once)
