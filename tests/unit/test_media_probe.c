/* media/probe: ffprobe's words as facts, and its nonsense as nothing. */
#include "media/probe.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct err err;

static enum rc parse(const char *json, enum media_kind kind, struct media_facts *f)
{
    *f = (struct media_facts){.kind = kind, .container = "mp4", .bytes = 7};
    return probe_parse(json, strlen(json), f, &err);
}

START_TEST(a_usual_answer_becomes_facts)
{
    struct media_facts f;

    ck_assert_int_eq(
        parse("{\"programs\":[],\"streams\":[{\"codec_name\":\"aac\",\"codec_type\":"
              "\"audio\",\"r_frame_rate\":\"0/0\"},{\"codec_name\":\"h264\","
              "\"codec_type\":\"video\",\"width\":720,\"height\":1280,\"r_frame_rate\":"
              "\"60/1\",\"avg_frame_rate\":\"30000/1001\",\"duration\":\"2.002000\"}],"
              "\"format\":{\"duration\":\"2.013999\"}}",
              MEDIA_KIND_VIDEO, &f),
        RC_OK);
    ck_assert_str_eq(f.video_codec, "h264");
    ck_assert_str_eq(f.audio_codec, "aac");
    ck_assert_int_eq(f.width, 720);
    ck_assert_int_eq(f.height, 1280);
    ck_assert_int_eq(f.fps_milli, 29970);
    ck_assert_int_eq(f.duration_ms, 2013);
    ck_assert_int_eq(f.bytes, 7);
    ck_assert_str_eq(f.container, "mp4");
}
END_TEST

START_TEST(a_picture_turned_by_a_quarter_is_measured_as_shown)
{
    static const struct {
        const char *turn;
        int width;
    } rows[] = {
        {"\"side_data_list\":[{\"rotation\":-90}]", 1280},
        {"\"side_data_list\":[{\"rotation\":90}]", 1280},
        {"\"side_data_list\":[{},{\"rotation\":270.0}]", 1280},
        {"\"side_data_list\":[{\"rotation\":180}]", 720},
        {"\"side_data_list\":[{\"rotation\":1e300}]", 720},
        {"\"tags\":{\"rotate\":\"90\"}", 1280},
        {"\"tags\":{\"rotate\":\"180\"}", 720},
        {"\"tags\":{\"rotate\":\"ninety\"}", 720},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_facts f;
        char json[256];

        (void)snprintf(json, sizeof(json),
                       "{\"streams\":[{\"codec_name\":\"hevc\",\"codec_type\":\"video\","
                       "\"width\":720,\"height\":1280,%s}]}",
                       rows[i].turn);
        ck_assert_int_eq(parse(json, MEDIA_KIND_VIDEO, &f), RC_OK);
        ck_assert_msg(f.width == rows[i].width, "row %zu: %d", i, f.width);
        ck_assert_int_eq(f.width + f.height, 2000);
    }
}
END_TEST

START_TEST(nonsense_is_not_known)
{
    static const char *const rates[] = {"",      "30",    "30/0", "0/0",
                                        "-30/1", "30/-1", "a/b",  "1/1/1",
                                        "30 /1", "9e9/1", "/",    "30/1x"};
    static const char *const durations[] = {"",    "N/A", "-1.0",
                                            "1e9", ".5",  "999999999999"};

    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct media_facts f;
        char json[256];

        (void)snprintf(json, sizeof(json),
                       "{\"streams\":[{\"codec_name\":\"h264\",\"codec_type\":\"video\","
                       "\"width\":-5,\"height\":99999999,\"avg_frame_rate\":\"%s\"}]}",
                       rates[i]);
        ck_assert_int_eq(parse(json, MEDIA_KIND_VIDEO, &f), RC_OK);
        ck_assert_msg(f.fps_milli == 0, "rate %zu: %d", i, f.fps_milli);
        ck_assert_int_eq(f.width, 0);
        ck_assert_int_eq(f.height, 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        struct media_facts f;
        char json[256];

        (void)snprintf(json, sizeof(json),
                       "{\"streams\":[{\"codec_name\":\"../x\",\"codec_type\":\"video\","
                       "\"duration\":\"%s\"}]}",
                       durations[i]);
        ck_assert_int_eq(parse(json, MEDIA_KIND_VIDEO, &f), RC_OK);
        ck_assert_msg(f.duration_ms == 0, "duration %zu: %lld", i,
                      (long long)f.duration_ms);
        ck_assert_str_eq(f.video_codec, "unknown");
    }
}
END_TEST

START_TEST(without_a_picture_it_is_no_video)
{
    static const char *const rows[] = {
        "",
        "{",
        "[]",
        "{}",
        "null",
        "{\"streams\":{}}",
        "{\"streams\":[]}",
        "{\"streams\":[1,null,\"x\"]}",
        "{\"streams\":[{\"codec_type\":\"audio\",\"codec_name\":\"aac\"}]}",
        "{\"streams\":[{\"codec_type\":\"video\",\"codec_name\":\"mjpeg\","
        "\"disposition\":"
        "{\"attached_pic\":1}}]}",
        "{\"streams\":[],\"streams\":[]}",
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_facts f;

        ck_assert_msg(parse(rows[i], MEDIA_KIND_VIDEO, &f) == RC_INVALID, "row %zu", i);
        ck_assert_str_eq(f.video_codec, "");
    }
}
END_TEST

START_TEST(a_photo_has_no_rate_and_no_length)
{
    struct media_facts f;

    ck_assert_int_eq(
        parse("{\"streams\":[{\"codec_name\":\"mjpeg\",\"codec_type\":\"video\","
              "\"width\":1080,\"height\":1920,\"avg_frame_rate\":\"25/1\","
              "\"duration\":\"0.040000\"}]}",
              MEDIA_KIND_PHOTO, &f),
        RC_OK);
    ck_assert_int_eq(f.fps_milli, 0);
    ck_assert_int_eq(f.duration_ms, 0);
    ck_assert_int_eq(f.width, 1080);
}
END_TEST

UNIT_MAIN("media_probe", a_usual_answer_becomes_facts,
          a_picture_turned_by_a_quarter_is_measured_as_shown, nonsense_is_not_known,
          without_a_picture_it_is_no_video, a_photo_has_no_rate_and_no_length)
