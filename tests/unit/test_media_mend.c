/* media/mend: each kind of repair, by the real ffmpeg over files made here. What comes
 * out is examined as an upload is. */
#include "core/io.h"
#include "media/examine.h"
#include "media/mend.h"
#include "media/sniff.h"
#include "scratch.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SOURCE "ffmpeg -v error -y -f lavfi -i testsrc2=s="
#define SOUND  " -f lavfi -i sine=d=0.5 "
#define FAST   " -c:v libx264 -preset ultrafast -pix_fmt yuv420p "

static char dir[SCRATCH_SIZE];
static struct err err;

static void run(const char *line)
{
    char command[1024];

    (void)snprintf(command, sizeof(command), "cd %s && { %s ; }", dir, line);
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* What a shell line prints, without its last newline. */
static void ask(const char *line, char *out, size_t size)
{
    char command[1024];
    FILE *f;
    size_t n;

    (void)snprintf(command, sizeof(command), "cd %s && { %s ; }", dir, line);
    f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    n = fread(out, 1, size - 1, f);
    out[n > 0 && out[n - 1] == '\n' ? n - 1 : n] = '\0';
    (void)pclose(f);
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

static int opened(const char *name, int64_t *size)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    struct stat st;

    ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s", name);
    *size = st.st_size;
    return fd;
}

static void look(int fd, int64_t size, struct examined *e)
{
    ck_assert_msg(examine(fd, size, NULL, e, &err) == RC_OK, "%s", err.msg);
}

/* What is seen of a repair. */
struct seen {
    struct progress_calls {
        int n;
        size_t bytes;
    } calls;
    bool call_off;
};

static bool watch(void *ctx, const char *printed UNUSED, size_t len)
{
    struct seen *s = ctx;

    s->calls.n++;
    s->calls.bytes += len;
    return !s->call_off;
}

/* Repairs the file in; the result is the file out.mp4. */
static enum child_end mend(const char *in, struct repair_plan *plan, struct seen *seen,
                           int64_t bytes_max)
{
    unsigned char head[SNIFF_BYTES];
    enum child_end end = CHILD_TIMEOUT;
    struct examined e;
    int64_t size = 0;
    size_t got = 0;
    struct mending m = {.src = {.fd = opened(in, &size)},
                        .facts = &e.facts,
                        .plan = plan,
                        .bytes_max = bytes_max,
                        .watch = watch,
                        .watch_ctx = seen};

    look(m.src.fd, size, &e);
    repair_plan_make(&e.facts, true, plan);
    ck_assert_msg(plan->possible, "%s: %s", in, plan->obstacle);
    if (bytes_max == 0)
        m.bytes_max = repair_bytes_max(&e.facts, plan);
    ck_assert_int_eq(io_pread_full(m.src.fd, head, sizeof(head), 0, &got, &err), RC_OK);
    m.src.demuxer = sniff(head, got).demuxer;
    m.out_fd = open("out.mp4", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(m.out_fd, 0);
    ck_assert_msg(mend_make(&m, &end, &err) == RC_OK, "%s", err.msg);
    examined_release(&e);
    io_close(&m.out_fd);
    io_close(&m.src.fd);
    return end;
}

static const struct {
    const char *make, *name;
    bool copy;
    int width, height, fps_milli;
    const char *audio;
} rows[] = {
    {SOURCE "360x640:r=30:d=0.5" SOUND FAST "-c:a aac in.mov", "in.mov", true, 360, 640,
     30000, "aac"},
    {SOURCE "360x640:r=30:d=0.5" SOUND FAST "-c:a pcm_s16le in.mov", "in.mov", true, 360,
     640, 30000, "aac"},
    {SOURCE "360x640:r=30:d=0.5" SOUND FAST "-c:a libopus in.mkv", "in.mkv", true, 360,
     640, 30000, "aac"},
    {SOURCE
     "360x640:r=30:d=0.5 -c:v libx265 -preset ultrafast -x265-params log-level=none "
     "-pix_fmt yuv420p10le -tag:v hvc1 in.mp4",
     "in.mp4", false, 360, 640, 30000, ""},
    {SOURCE "360x640:r=15:d=0.5" SOUND FAST "-c:a aac in.mp4", "in.mp4", false, 360, 640,
     30000, "aac"},
    {SOURCE "360x640:r=120:d=0.5" FAST "in.mp4", "in.mp4", false, 360, 640, 60000, ""},
    {SOURCE "300x540:r=30:d=0.5" FAST "in.mp4", "in.mp4", false, 360, 648, 30000, ""},
    {SOURCE "4320x2432:r=30:d=0.1" FAST "in.mp4", "in.mp4", false, 1918, 1080, 30000, ""},
    {SOURCE "361x641:r=30:d=0.5" SOUND "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 "
            "-c:a libopus in.webm",
     "in.webm", false, 360, 640, 30000, "aac"},
    {SOURCE "360x640:r=30:d=0.5 -c:v libvpx -deadline realtime -cpu-used 8 in.webm",
     "in.webm", false, 360, 640, 30000, ""},
    {SOURCE "640x480:r=25:d=0.5" SOUND "-c:v prores -c:a pcm_s24le -ac 6 in.mov",
     "in.mov", false, 640, 480, 25000, "aac"},
};

/* Repairs the rows that are, or are not, a matter of the container alone. */
static void repair_all(bool copy)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct seen seen = {0};
        struct repair_plan plan;
        struct examined e;
        int64_t size = 0;
        int fd;

        if (rows[i].copy != copy)
            continue;
        run(rows[i].make);
        ck_assert_msg(mend(rows[i].name, &plan, &seen, 0) == CHILD_DONE, "row %zu", i);
        ck_assert_msg(plan.copy == rows[i].copy, "row %zu", i);
        fd = opened("out.mp4", &size);
        look(fd, size, &e);
        ck_assert_msg(e.ready, "row %zu: %s", i, e.checks[0].message);
        ck_assert_str_eq(e.facts.container, "mp4");
        ck_assert_str_eq(e.facts.video_codec, "h264");
        ck_assert_msg(strcmp(e.facts.audio_codec, rows[i].audio) == 0, "row %zu: %s", i,
                      e.facts.audio_codec);
        ck_assert_msg(e.facts.width == rows[i].width && e.facts.height == rows[i].height,
                      "row %zu: %d x %d", i, e.facts.width, e.facts.height);
        ck_assert_msg(abs(e.facts.fps_milli - rows[i].fps_milli) < 1500, "row %zu: %d", i,
                      e.facts.fps_milli);
        repair_plan_make(&e.facts, true, &plan);
        ck_assert_msg(!plan.possible, "row %zu: nothing is left to wish", i);
        ck_assert_uint_gt(seen.calls.bytes, 0);
        examined_release(&e);
        io_close(&fd);
    }
}

START_TEST(another_container_is_enough_for_some)
{
    repair_all(true);
}
END_TEST

START_TEST(every_kind_of_repair_gives_what_tiktok_takes)
{
    repair_all(false);
}
END_TEST

START_TEST(a_film_on_its_side_is_turned_upright)
{
    struct seen seen = {0};
    struct repair_plan plan;
    char corner[16];

    /* red above, blue below; stored on its side with a note to turn it */
    run("ffmpeg -v error -y -f lavfi -i color=red:s=640x240:r=30:d=0.5 -f lavfi -i "
        "color=blue:s=640x240:r=30:d=0.5 -filter_complex '[0][1]vstack,transpose=1'" FAST
        "flat.mp4 && ffmpeg -v error -y -display_rotation 90 -i flat.mp4 -c copy in.mp4 "
        "2>/dev/null || ffmpeg -v error -y -i flat.mp4 -c copy -metadata:s:v rotate=270 "
        "in.mp4");
    ck_assert_int_eq(mend("in.mp4", &plan, &seen, 0), CHILD_DONE);
    ck_assert(plan.turn && !plan.copy);
    ask("ffprobe -v error -show_entries stream=width,height:stream_side_data=rotation "
        "-of csv=p=0 out.mp4",
        corner, sizeof(corner));
    ck_assert_str_eq(corner, "640,480");
    ask("ffmpeg -v error -i out.mp4 -frames:v 1 -vf scale=1:2:flags=area,format=rgb24 -f "
        "rawvideo - | od -An -tu1 | awk '{print ($1>128) ($3>128) ($4>128) ($6>128)}'",
        corner, sizeof(corner));
    ck_assert_msg(strcmp(corner, "1001") == 0 || strcmp(corner, "0110") == 0, "%s",
                  corner);
}
END_TEST

START_TEST(nothing_tells_of_the_person_and_it_begins_at_once)
{
    struct seen seen = {0};
    struct repair_plan plan;
    char found[256];

    run(SOURCE "360x640:r=30:d=0.5" SOUND FAST
               "-c:a aac -metadata title=SECRET -metadata location=+52.5+13.4/ "
               "-metadata:s:v handler_name=SECRET -metadata:s:a title=SECRET in.mov");
    ck_assert_int_eq(mend("in.mov", &plan, &seen, 0), CHILD_DONE);
    ask("grep -c -a -E 'SECRET|52.5|Lavf' out.mp4", found, sizeof(found));
    ck_assert_str_eq(found, "0");
    ask("grep -a -b -o -E 'moov|mdat' out.mp4 | head -1 | cut -d: -f2", found,
        sizeof(found));
    ck_assert_str_eq(found, "moov");
}
END_TEST

START_TEST(hdr_becomes_what_every_screen_shows)
{
    struct seen seen = {0};
    struct repair_plan plan;
    bool can = false;
    char found[128];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(mend_can_tonemap(fd, &can, &err), RC_OK);
    io_close(&fd);
    if (!can)
        return; /* such files are refused on this machine */
    run(SOURCE "360x640:r=30:d=0.3 -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le "
               "-x265-params log-level=none:colorprim=bt2020:transfer=smpte2084:"
               "colormatrix=bt2020nc in.mp4");
    ck_assert_int_eq(mend("in.mp4", &plan, &seen, 0), CHILD_DONE);
    ask("ffprobe -v error -show_entries stream=pix_fmt,color_transfer -of csv=p=0 "
        "out.mp4",
        found, sizeof(found));
    ck_assert_str_eq(found, "yuv420p,bt709");
}
END_TEST

START_TEST(what_costs_too_much_or_is_not_wished_any_more_is_ended)
{
    struct seen seen = {0};
    struct repair_plan plan;

    run(SOURCE "720x1280:r=15:d=5" FAST "in.mp4");
    ck_assert_int_eq(mend("in.mp4", &plan, &seen, 100000), CHILD_CRASHED);
    seen.call_off = true;
    ck_assert_int_eq(mend("in.mp4", &plan, &seen, 0), CHILD_CALLED_OFF);
    ck_assert_int_eq(seen.calls.n > 0, 1);
}
END_TEST

START_TEST(only_its_own_file_can_be_written)
{
    static const char *const tries[][2] = {
        {"echo made > /proc/self/fd/4", "y"},
        {"echo x > made.txt", "n"},
        {"echo x > /var/tmp/tts-made.txt", "n"},
        {"echo x > /proc/self/fd/3", "n"},
    };

    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) <=
        0)
        return; /* then the file system's own permissions are what there is */
    run("printf input > in.txt");
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        const char *const argv[] = {"/usr/bin/dash", "-c", tries[i][0], NULL};
        int64_t size = 0;
        struct child_job job = {.argv = argv,
                                .input_fd = opened("in.txt", &size),
                                .output_fd =
                                    open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600),
                                .limits = {.memory_bytes = UINT64_C(256) << 20,
                                           .cpu_s = 5,
                                           .output_bytes = 1000},
                                .wall_ms = 60000};
        enum child_end end = CHILD_DONE;
        struct strbuf out;

        strbuf_init(&out, 100);
        ck_assert_int_gt(job.output_fd, 0);
        ck_assert_int_eq(child_run(&job, &out, &end, &err), RC_OK);
        ck_assert_msg((end == CHILD_DONE) == (tries[i][1][0] == 'y'), "%s", tries[i][0]);
        ck_assert_int_eq(lseek(job.output_fd, 0, SEEK_END), end == CHILD_DONE ? 5 : 0);
        io_close(&job.input_fd);
        io_close(&job.output_fd);
        strbuf_release(&out);
    }
    ck_assert_int_ne(access("made.txt", F_OK), 0);
}
END_TEST

UNIT_MAIN_FIXTURE("media_mend", setup, teardown, another_container_is_enough_for_some,
                  every_kind_of_repair_gives_what_tiktok_takes,
                  a_film_on_its_side_is_turned_upright,
                  nothing_tells_of_the_person_and_it_begins_at_once,
                  hdr_becomes_what_every_screen_shows,
                  what_costs_too_much_or_is_not_wished_any_more_is_ended,
                  only_its_own_file_can_be_written)
