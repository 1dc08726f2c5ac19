/* domain/repair: for which videos there is a repair, and what it makes of them. */
#include "domain/repair.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct media_facts video(const char *container, const char *codec, int width,
                                int height, int fps_milli)
{
    struct media_facts f = {.kind = MEDIA_KIND_VIDEO,
                            .bytes = 1048576,
                            .duration_ms = 12000,
                            .width = width,
                            .height = height,
                            .fps_milli = fps_milli};

    (void)snprintf(f.container, sizeof(f.container), "%s", container);
    (void)snprintf(f.video_codec, sizeof(f.video_codec), "%s", codec);
    return f;
}

/* The codes it fixes, with commas. */
static void fixes_of(const struct repair_plan *p, char out[128])
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < p->n_fixes; i++)
        len +=
            (size_t)snprintf(out + len, 128 - len, "%s%s", i > 0 ? "," : "", p->fixes[i]);
}

static const struct {
    const char *container, *codec;
    int width, height, fps_milli, rotation;
    bool needed, copy;
    const char *fixes; /* "" : there is none */
    int to_width, to_height, to_fps_milli;
} rows[] = {
    /* what TikTok takes as it would have it */
    {"mp4", "h264", 1080, 1920, 30000, 0, false, true, "", 0, 0, 0},
    /* what it takes */
    {"mov", "h264", 1080, 1920, 30000, 0, false, true, "container", 1080, 1920, 0},
    {"mp4", "hevc", 1080, 1920, 30000, 0, false, false, "codec", 1080, 1920, 0},
    {"webm", "vp9", 1080, 1920, 30000, 0, false, false, "container,codec", 1080, 1920, 0},
    {"webm", "vp8", 361, 641, 30000, 0, false, false, "container,codec", 360, 640, 0},
    {"mp4", "h264", 1080, 1920, 30000, 90, false, false, "rotation", 1080, 1920, 0},
    {"mov", "h264", 1080, 1920, 0, 270, false, false, "container,rotation", 1080, 1920,
     0},
    /* what it refuses: the container, the codec */
    {"matroska", "h264", 1080, 1920, 30000, 0, true, true, "container", 1080, 1920, 0},
    {"matroska", "av1", 1080, 1920, 30000, 0, true, false, "container,codec", 1080, 1920,
     0},
    {"mov", "prores", 1920, 1080, 25000, 0, true, false, "codec,container", 1920, 1080,
     0},
    /* the frame rate: every frame n times, or every nth */
    {"mp4", "h264", 1080, 1920, 22949, 0, true, false, "frame_rate", 1080, 1920, 45898},
    {"mp4", "h264", 1080, 1920, 22950, 0, false, true, "", 0, 0, 0},
    {"mp4", "h264", 1080, 1920, 15000, 0, true, false, "frame_rate", 1080, 1920, 30000},
    {"mp4", "h264", 1080, 1920, 12500, 0, true, false, "frame_rate", 1080, 1920, 25000},
    {"mp4", "h264", 1080, 1920, 1000, 0, true, false, "frame_rate", 1080, 1920, 24000},
    {"mp4", "h264", 1080, 1920, 1, 0, true, false, "frame_rate", 1080, 1920, 24000},
    {"mp4", "h264", 1080, 1920, 60051, 0, true, false, "frame_rate", 1080, 1920, 30025},
    {"mp4", "h264", 1080, 1920, 119880, 0, true, false, "frame_rate", 1080, 1920, 59940},
    {"mp4", "h264", 1080, 1920, 240000, 0, true, false, "frame_rate", 1080, 1920, 60000},
    {"mp4", "h264", 1080, 1920, 1000000, 0, true, false, "frame_rate", 1080, 1920, 58823},
    /* the sides: even, within 360 and 4096, of the same shape */
    {"mp4", "h264", 300, 534, 30000, 0, true, false, "picture_size", 360, 640, 0},
    {"mp4", "h264", 640, 359, 30000, 0, true, false, "picture_size", 640, 360, 0},
    {"mp4", "h264", 359, 4084, 30000, 0, true, false, "picture_size", 360, 4094, 0},
    {"mp4", "h264", 4320, 2432, 30000, 0, true, false, "picture_size", 1918, 1080, 0},
    {"mp4", "h264", 2160, 4098, 30000, 0, true, false, "picture_size", 1012, 1920, 0},
    {"mp4", "h264", 4320, 400, 30000, 0, true, false, "picture_size", 3888, 360, 0},
    {"mp4", "h264", 4096, 4096, 30000, 0, false, true, "", 0, 0, 0},
    /* several at once */
    {"matroska", "hevc", 320, 240, 10000, 90, true, false,
     "container,picture_size,frame_rate,codec,rotation", 480, 360, 30000},
};

START_TEST(every_fault_has_its_repair)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_facts f = video(rows[i].container, rows[i].codec, rows[i].width,
                                     rows[i].height, rows[i].fps_milli);
        struct repair_plan p;
        char fixes[128];

        f.rotation = rows[i].rotation;
        repair_plan_make(&f, true, &p);
        fixes_of(&p, fixes);
        ck_assert_msg(strcmp(fixes, rows[i].fixes) == 0, "row %zu: %s", i, fixes);
        ck_assert_ptr_null(p.obstacle);
        ck_assert_msg(p.needed == rows[i].needed, "row %zu", i);
        ck_assert_int_eq(p.turn, f.rotation != 0);
        if (!p.possible)
            continue;
        ck_assert_msg(p.copy == rows[i].copy, "row %zu", i);
        ck_assert_msg(p.width == rows[i].to_width && p.height == rows[i].to_height,
                      "row %zu: %d x %d", i, p.width, p.height);
        ck_assert_msg(p.fps_milli == rows[i].to_fps_milli, "row %zu: %d", i, p.fps_milli);
    }
}
END_TEST

/* Whatever is asked of a plan, a file made by it passes every check. */
START_TEST(what_a_plan_makes_is_within_every_limit)
{
    static const int sides[] = {1,    2,    100,  359,  360,  361,
                                1081, 1921, 4095, 4096, 4097, 99999};
    static const int rates[] = {0,     1,     999,   9999,  22949,
                                23976, 60050, 60051, 90000, 999999};
    size_t made = 0;

    for (size_t i = 0; i < ARRAY_LEN(sides) * ARRAY_LEN(sides) * ARRAY_LEN(rates); i++) {
        int width = sides[i % ARRAY_LEN(sides)];
        int height = sides[i / ARRAY_LEN(sides) % ARRAY_LEN(sides)];
        int rate = rates[i / ARRAY_LEN(sides) / ARRAY_LEN(sides)];
        struct media_facts f = video("mp4", "vp9", width, height, rate);
        struct media_check checks[MEDIA_CHECKS_MAX];
        struct repair_plan p;
        char words[REPAIR_WORDS_SIZE];

        repair_plan_make(&f, true, &p);
        ck_assert_int_ne(p.possible, p.obstacle != NULL);
        if (!p.possible)
            continue;
        made++;
        ck_assert_int_eq(p.width % 2 + p.height % 2, 0);
        repair_plan_words(&p, words);
        ck_assert_int_eq(strstr(words, "frames") != NULL, p.fps_milli > 0);
        f = video("mp4", "h264", p.width, p.height, p.fps_milli > 0 ? p.fps_milli : rate);
        (void)media_check(&f, NULL, checks);
        ck_assert_msg(checks[0].ok, "%dx%d %d: %s", width, height, rate,
                      checks[0].message);
        repair_plan_make(&f, true, &p);
        ck_assert_msg(!p.possible && p.obstacle == NULL, "nothing is left to be mended");
    }
    ck_assert_uint_gt(made, 500);
}
END_TEST

START_TEST(where_there_is_none_a_person_is_told_what_to_do)
{
    struct media_facts f = video("mp4", "hevc", 1080, 1920, 30000);
    struct repair_plan p;
    char words[REPAIR_WORDS_SIZE];

    f.duration_ms = MEDIA_DURATION_MS_MAX + 1;
    repair_plan_make(&f, true, &p);
    ck_assert(!p.possible && p.needed);
    ck_assert_ptr_nonnull(strstr(p.obstacle, "cut the video"));
    repair_plan_words(&p, words);
    ck_assert_str_eq(words, "");
    f.duration_ms = 1000;
    repair_plan_make(&f, false, &p);
    ck_assert(!p.possible);
    ck_assert_ptr_nonnull(strstr(p.obstacle, "damaged"));
    f = video("avi", "", 0, 0, 0);
    repair_plan_make(&f, true, &p);
    ck_assert(!p.possible);
    ck_assert_ptr_nonnull(strstr(p.obstacle, "Export"));
    f = video("mp4", "h264", 359, 4096, 30000);
    repair_plan_make(&f, true, &p);
    ck_assert(!p.possible && p.n_fixes == 0);
    ck_assert_ptr_nonnull(strstr(p.obstacle, "Crop"));
    f.kind = MEDIA_KIND_PHOTO;
    repair_plan_make(&f, true, &p);
    ck_assert(!p.possible && p.obstacle == NULL);
}
END_TEST

START_TEST(a_plan_is_told_in_words)
{
    struct media_facts f = video("mov", "h264", 1080, 1920, 30000);
    struct repair_plan p;
    char words[REPAIR_WORDS_SIZE];

    repair_plan_make(&f, true, &p);
    repair_plan_words(&p, words);
    ck_assert_str_eq(words, "Puts the same picture into an MP4 file, without loss.");
    f = video("mov", "hevc", 320, 240, 14985);
    f.rotation = 90;
    repair_plan_make(&f, true, &p);
    repair_plan_words(&p, words);
    ck_assert_str_eq(words, "Converts it to MP4 with H.264, 29.97 frames per second, "
                            "480 x 360 pixels, turned upright.");
}
END_TEST

START_TEST(bytes_and_time_are_bounded)
{
    struct media_facts f = video("mp4", "hevc", 1080, 1920, 30000);
    struct repair_plan p;

    repair_plan_make(&f, true, &p);
    ck_assert_int_eq(repair_bytes_max(&f, &p), 12000 * 2020 + 600 * 2000 + 8000000);
    ck_assert_int_eq(repair_wall_ms(&f, &p), 120000 + 12000 * 20);
    f.duration_ms = MEDIA_DURATION_MS_MAX;
    f.width = 4096;
    f.height = 4096;
    repair_plan_make(&f, true, &p);
    ck_assert_int_le(repair_bytes_max(&f, &p), MEDIA_VIDEO_BYTES_MAX);
    ck_assert_int_eq(repair_wall_ms(&f, &p), 4 * 3600000);
    f = video("mov", "h264", 1080, 1920, 30000);
    f.bytes = MEDIA_VIDEO_BYTES_MAX;
    repair_plan_make(&f, true, &p);
    ck_assert_int_eq(repair_bytes_max(&f, &p), MEDIA_VIDEO_BYTES_MAX);
}
END_TEST

START_TEST(the_result_has_a_name_of_its_own)
{
    static const char *const names[][2] = {
        {"clip.mov", "clip (repaired).mp4"},
        {"a.b.webm", "a.b (repaired).mp4"},
        {"noext", "noext (repaired).mp4"},
        {".mov", ".mov (repaired).mp4"},
        {"ends with a sentence.Really", "ends with a sentence.Really (repaired).mp4"},
        {"x.", "x (repaired).mp4"},
    };
    char name[MEDIA_FILENAME_SIZE] = "";
    char out[MEDIA_FILENAME_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        repair_filename(names[i][0], out);
        ck_assert_str_eq(out, names[i][1]);
    }
    for (size_t i = 0; i < MEDIA_FILENAME_MAX; i++)
        (void)memcpy(name + i * 4, "\xf0\x9f\x8e\xac", 5);
    repair_filename(name, out);
    ck_assert(media_filename_ok(out));
    ck_assert_uint_eq(strlen(out), (255 - 15) * 4 + 15);
}
END_TEST

UNIT_MAIN("domain_repair", every_fault_has_its_repair,
          what_a_plan_makes_is_within_every_limit,
          where_there_is_none_a_person_is_told_what_to_do, a_plan_is_told_in_words,
          bytes_and_time_are_bounded, the_result_has_a_name_of_its_own)
