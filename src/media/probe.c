#include "probe.h"

#include "core/parse.h"
#include "core/text.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { SIDE_LIMIT = 100000, FPS_MILLI_LIMIT = 1000000, RATE_TERM_MAX = 1000000000 };

#define DURATION_LIMIT_MS INT64_C(360000000) /* 100 hours: beyond is nonsense */

/* What ffprobe is asked for. */
static const char wanted[] =
    "format=duration:stream=codec_type,codec_name,width,height,avg_frame_rate,"
    "r_frame_rate,duration,color_transfer:stream_disposition=attached_pic:"
    "stream_side_data=rotation:stream_tags=rotate";

enum rc probe_run(int fd, const struct sniffed *is, const volatile sig_atomic_t *stop,
                  struct media_facts *facts, enum child_end *end, struct err *err)
{
    const char *const argv[] = {PROBE_PROGRAM,
                                "-v",
                                "quiet",
                                "-hide_banner",
                                "-protocol_whitelist",
                                PROBE_PROTOCOLS,
                                "-format_whitelist",
                                is->demuxer,
                                "-f",
                                is->demuxer,
                                "-show_entries",
                                wanted,
                                "-of",
                                "json",
                                CHILD_INPUT,
                                NULL};
    const struct child_job job = {
        .argv = argv,
        .input_fd = fd,
        .limits = {.memory_bytes = PROBE_MEMORY, .cpu_s = PROBE_CPU_S},
        .wall_ms = PROBE_WALL_MS,
        .stop = stop,
    };
    struct strbuf out;
    enum rc rc;

    strbuf_init(&out, PROBE_OUTPUT_MAX);
    rc = child_run(&job, &out, end, err);
    if (rc == RC_OK && *end == CHILD_DONE)
        rc = probe_parse(out.buf, out.len, facts, err);
    strbuf_release(&out);
    return rc;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* Codec names are words of ffprobe's own; anything else is dropped. */
static void copy_word(char out[MEDIA_WORD_SIZE], const char *word)
{
    size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    if (word[len] == '\0' && len > 0)
        text_copy(out, MEDIA_WORD_SIZE, word);
    else
        text_copy(out, MEDIA_WORD_SIZE, "unknown");
}

static int side_of(const json_t *stream, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(stream, key));

    return n > 0 && n <= SIDE_LIMIT ? (int)n : 0;
}

/* "30000/1001" as frames per 1000 s, rounded; 0 when it is no rate. */
static int rate_of(const char *text)
{
    const char *slash = strchr(text, '/');
    int64_t frames;
    int64_t seconds;
    int64_t milli;

    if (slash == NULL ||
        !parse_i64_slice(text, (size_t)(slash - text), 1, RATE_TERM_MAX, &frames) ||
        !parse_i64(slash + 1, 1, RATE_TERM_MAX, &seconds))
        return 0;
    milli = (frames * 1000 + seconds / 2) / seconds;
    return milli <= FPS_MILLI_LIMIT ? (int)milli : FPS_MILLI_LIMIT;
}

/* "12.345000" as milliseconds, cut; 0 when it is no duration. */
static int64_t duration_of(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    int64_t seconds;
    int64_t ms = 0;

    if (!parse_i64_slice(text, whole, 0, DURATION_LIMIT_MS / 1000, &seconds))
        return 0;
    if (text[whole] == '.' &&
        text[whole + 1 + strspn(text + whole + 1, "0123456789")] == '\0') {
        static const int64_t place[] = {100, 10, 1};
        const char *digit = text + whole + 1;

        for (size_t i = 0; i < ARRAY_LEN(place) && *digit >= '0' && *digit <= '9'; i++)
            ms += (*digit++ - '0') * place[i];
    } else if (text[whole] != '\0') {
        return 0;
    }
    return seconds * 1000 + ms;
}

/* Degrees that the picture is to be turned by, as phones write it: 0, 90, 180 or 270. */
static int rotation_of(const json_t *stream)
{
    const json_t *list = json_object_get(stream, "side_data_list");
    int64_t degrees = 0;

    if (!parse_i64(text_of(json_object_get(stream, "tags"), "rotate"), -360, 360,
                   &degrees))
        degrees = 0; /* most have no such tag */
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *n = json_object_get(json_array_get(list, i), "rotation");

        if (json_is_number(n) && fabs(json_number_value(n)) <= 360.0)
            degrees = (int64_t)json_number_value(n);
    }
    degrees = (degrees + 720) % 360;
    return degrees % 90 == 0 ? (int)degrees : 0;
}

/* Brightness beyond what the players of H.264 know: PQ or HLG (ITU-R BT.2100). */
static bool is_hdr(const json_t *stream)
{
    const char *transfer = text_of(stream, "color_transfer");

    return strcmp(transfer, "smpte2084") == 0 || strcmp(transfer, "arib-std-b67") == 0;
}

static void take_video(const json_t *stream, struct media_facts *f)
{
    int fps = rate_of(text_of(stream, "avg_frame_rate"));
    int rotation = rotation_of(stream);
    bool turned = rotation % 180 != 0;

    copy_word(f->video_codec, text_of(stream, "codec_name"));
    f->width = side_of(stream, turned ? "height" : "width");
    f->height = side_of(stream, turned ? "width" : "height");
    f->fps_milli = fps > 0 ? fps : rate_of(text_of(stream, "r_frame_rate"));
    f->duration_ms = duration_of(text_of(stream, "duration"));
    f->rotation = rotation;
    f->hdr = is_hdr(stream);
}

/* A cover picture inside a sound file is a stream of pictures for ffprobe. */
static bool is_cover(const json_t *stream)
{
    const json_t *disposition = json_object_get(stream, "disposition");

    return json_integer_value(json_object_get(disposition, "attached_pic")) != 0;
}

enum rc probe_parse(const char *json, size_t len, struct media_facts *facts,
                    struct err *err)
{
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *streams = json_object_get(root, "streams");
    struct media_facts f = *facts;
    bool video = false;
    bool audio = false;
    int64_t longest;

    for (size_t i = 0; i < json_array_size(streams); i++) {
        const json_t *stream = json_array_get(streams, i);
        const char *type = text_of(stream, "codec_type");

        if (!video && strcmp(type, "video") == 0 && !is_cover(stream)) {
            take_video(stream, &f);
            video = true;
        } else if (!audio && strcmp(type, "audio") == 0) {
            copy_word(f.audio_codec, text_of(stream, "codec_name"));
            audio = true;
        }
    }
    longest = duration_of(text_of(json_object_get(root, "format"), "duration"));
    json_decref(root);
    if (!video)
        return err_set(err, RC_INVALID, "not_media", "there is no picture in it");
    if (longest > f.duration_ms)
        f.duration_ms = longest;
    if (f.kind == MEDIA_KIND_PHOTO) {
        f.duration_ms = 0; /* the readers of photos make up a rate */
        f.fps_milli = 0;
    }
    *facts = f;
    return RC_OK;
}
