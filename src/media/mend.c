#include "mend.h"

#include "args.h"
#include "probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FILTER_SIZE = 384, THREADS = 2, NICE = 15, HELP_MAX = 262144 };

/* Of address space. In memory, H.265 of 10 bits to H.264 takes 460 MB at 1080 x 1920; by
 * the settings for large pictures 630 MB at 2160 x 3840 (920 MB from HDR) and 1200 MB at
 * 4096 x 4096. tools/systemd/tts-media.service leaves room for that. */
#define MEMORY       (UINT64_C(2) << 30)
#define MEMORY_LARGE (UINT64_C(4) << 30)

static bool is_large(const struct repair_plan *p)
{
    return (int64_t)p->width * p->height > REPAIR_LARGE_PIXELS;
}

static void begin(struct args *a, const char *demuxer, bool large)
{
    ARGS_ADD(a, PICTURE_PROGRAM, "-nostdin", "-v", "quiet", "-hide_banner", "-y",
             "-progress", "pipe:1", "-stats_period", "0.5", "-protocol_whitelist",
             PROBE_PROTOCOLS, "-format_whitelist", demuxer, "-threads", large ? "1" : "2",
             "-f", demuxer, "-i", CHILD_INPUT);
}

/* The first picture that is no cover, and the first sound. Nothing else is taken along:
 * no titles, places, chapters or subtitles. */
static void choose(struct args *a)
{
    ARGS_ADD(a, "-map", "0:V:0", "-map", "0:a:0?", "-map_metadata", "-1",
             "-map_metadata:s:v", "-1", "-map_metadata:s:a", "-1", "-map_chapters", "-1",
             "-fflags", "+bitexact");
}

/* The tone curve "hable" keeps detail in highlights where a cut would show white. */
#define TO_SDR                                                                           \
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,"                           \
    "tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,"

/* ffmpeg turns the picture upright by itself, before this. */
static void picture_filter(const struct mending *m, char out[FILTER_SIZE])
{
    const struct repair_plan *p = m->plan;
    char rate[48] = "";
    char scale[64] = "";

    if (p->fps_milli > 0)
        (void)snprintf(rate, sizeof(rate), "fps=%d/1000,", p->fps_milli);
    if (p->scale)
        (void)snprintf(scale, sizeof(scale), "scale=%d:%d:flags=lanczos,", p->width,
                       p->height);
    (void)snprintf(out, FILTER_SIZE, "%s%s%sformat=yuv420p", rate, scale,
                   m->facts->hdr ? TO_SDR : "");
}

/* CRF 18 is what is commonly taken for not told from the original by eye: TikTok codes
 * the video once more for its viewers, and what is lost here is lost twice. The rate is
 * held below what is generous for a phone's film, so that the result's size is bounded.
 * Preset "fast" saves a third of the time of "medium" for some percent of bytes; a large
 * picture takes one that needs less memory as well. */
static void code_picture(struct args *a, const struct mending *m, const char *filter,
                         char rate[2][24])
{
    bool large = is_large(m->plan);
    int bits = large ? REPAIR_RATE_BITS_LARGE : REPAIR_RATE_BITS;

    (void)snprintf(rate[0], sizeof(rate[0]), "%d", bits);
    (void)snprintf(rate[1], sizeof(rate[1]), "%d", bits / 2); /* half a second */
    ARGS_ADD(a, "-vf", filter, "-filter_threads", "2", "-c:v", "libx264", "-preset",
             large ? "veryfast" : "fast", "-profile:v", "high", "-crf", "18", "-maxrate",
             rate[0], "-bufsize", rate[1], "-threads", "2", "-flags:v", "+bitexact");
    if (large)
        ARGS_ADD(a, "-x264-params", "rc-lookahead=4:sync-lookahead=0:bframes=1");
}

static void code_sound(struct args *a, const char *codec, char rate[24])
{
    (void)snprintf(rate, 24, "%d", REPAIR_AUDIO_BITS);
    if (strcmp(codec, "aac") == 0)
        ARGS_ADD(a, "-c:a", "copy");
    else
        ARGS_ADD(a, "-c:a", "aac", "-b:a", rate, "-ac", "2", "-flags:a", "+bitexact");
}

enum rc mend_make(const struct mending *m, enum child_end *end, struct err *err)
{
    struct args a = {0};
    char filter[FILTER_SIZE];
    char rates[3][24];
    int64_t wall_ms = repair_wall_ms(m->facts, m->plan);
    struct child_job job = {
        .argv = a.v,
        .input_fd = m->src.fd,
        .output_fd = m->out_fd,
        .limits = {.memory_bytes = is_large(m->plan) ? MEMORY_LARGE : MEMORY,
                   .cpu_s = (unsigned)(wall_ms / 1000 * THREADS),
                   .output_bytes = (uint64_t)m->bytes_max,
                   .nice = NICE},
        .wall_ms = wall_ms,
        .stop = m->src.stop,
        .watch = m->watch,
        .watch_ctx = m->watch_ctx,
    };

    begin(&a, m->src.demuxer, is_large(m->plan));
    choose(&a);
    picture_filter(m, filter);
    if (m->plan->copy)
        ARGS_ADD(&a, "-c:v", "copy");
    else
        code_picture(&a, m, filter, rates);
    code_sound(&a, m->facts->audio_codec, rates[2]);
    ARGS_ADD(&a, "-movflags", "+faststart", "-f", "mp4", CHILD_OUTPUT);
    return child_run(&job, NULL, end, err);
}

/* ffmpeg describes a filter that it has at some length, and says "Unknown" of others
 * with the same exit status. */
static enum rc has_filter(int any_fd, const char *help, bool *has, struct err *err)
{
    const char *const argv[] = {
        PICTURE_PROGRAM, "-v", "quiet", "-hide_banner", "-h", help, NULL};
    const struct child_job job = {
        .argv = argv,
        .input_fd = any_fd,
        .limits = {.memory_bytes = PROBE_MEMORY, .cpu_s = PROBE_CPU_S},
        .wall_ms = PROBE_WALL_MS,
    };
    enum child_end end = CHILD_DONE;
    struct strbuf out;
    enum rc rc;

    strbuf_init(&out, HELP_MAX);
    rc = child_run(&job, &out, &end, err);
    *has = rc == RC_OK && end == CHILD_DONE && strncmp(out.buf, "Filter ", 7) == 0;
    strbuf_release(&out);
    return rc;
}

enum rc mend_can_tonemap(int any_fd, bool *can, struct err *err)
{
    bool has[2] = {false, false};
    enum rc rc = has_filter(any_fd, "filter=zscale", &has[0], err);

    if (rc == RC_OK)
        rc = has_filter(any_fd, "filter=tonemap", &has[1], err);
    if (rc == RC_OK)
        *can = has[0] && has[1];
    return rc;
}
