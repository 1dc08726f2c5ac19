/* domain/media.h - what TikTok takes: the limits of files, as pure checks.
 *
 * A check always carries the measured value and the limit in words, and a sentence that
 * says what is wrong and what to do. Source of every number: docs of TikTok's Content
 * Posting API, "Media Transfer Guide", read 2026-11 (video: MP4, WebM, MOV; H.264, H.265,
 * VP8, VP9; 23 to 60 fps; 360 to 4096 pixels a side; up to 10 minutes by API; up to 4 GB;
 * photo: JPEG, WebP; up to 1080p; up to 20 MB). Whether 4 GB is decimal is not said; we
 * take the smaller reading. What a single creator may post (often less than 10 minutes)
 * is checked with the post, not here.
 *
 * A photo beyond TikTok's limits is no reason to refuse it: tts-media makes a rendition
 * within them (struct media_rendition), and the check says that it was converted. Our own
 * limits of photos are those of what can be decoded safely: bytes to upload, pixels. */
#ifndef DOMAIN_MEDIA_H
#define DOMAIN_MEDIA_H

#include "core/attr.h"
#include "core/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEDIA_VIDEO_BYTES_MAX INT64_C(4000000000)
#define MEDIA_PHOTO_BYTES_MAX INT64_C(20000000)
/* The most bytes of a photo we take to convert it, and its most pixels: four bytes each
 * must fit in the memory that its reader gets, twice. */
#define MEDIA_PHOTO_UPLOAD_MAX INT64_C(100000000)
#define MEDIA_PHOTO_PIXELS_MAX INT64_C(100000000)

enum {
    MEDIA_SIDE_MIN = 360, /* pixels, each side of a video */
    MEDIA_SIDE_MAX = 4096,
    MEDIA_PHOTO_SHORT_MAX = 1080, /* pixels: a photo fits 1080x1920 or 1920x1080 */
    MEDIA_PHOTO_LONG_MAX = 1920,
    MEDIA_FPS_MILLI_MIN = 23000, /* thousandths of a frame per second */
    MEDIA_FPS_MILLI_MAX = 60000,
    MEDIA_FPS_MILLI_SLACK = 50, /* what averaging over real timestamps is off by */
    MEDIA_DURATION_MS_MAX = 600000,
    MEDIA_CHECKS_MAX = 8,     /* checks that one file can get */
    MEDIA_WORD_SIZE = 32,     /* bytes of a container or codec name with its NUL */
    MEDIA_FILENAME_MAX = 255, /* characters (code points) */
    MEDIA_FILENAME_SIZE = MEDIA_FILENAME_MAX * 4 + 1, /* bytes with the NUL */
    MEDIA_TAG_MAX = 40,                               /* characters */
    MEDIA_TAG_SIZE = MEDIA_TAG_MAX * 4 + 1,           /* bytes with the NUL */
    MEDIA_TAGS_MAX = 20,                              /* of one file */
};

/* Numbers stored in media.kind. */
enum media_kind { MEDIA_KIND_UNKNOWN = 0, MEDIA_KIND_VIDEO = 1, MEDIA_KIND_PHOTO = 2 };

/* What was measured of a file. A zero or an empty string: not known. */
struct media_facts {
    enum media_kind kind;
    char container[MEDIA_WORD_SIZE];   /* mp4 mov webm jpeg webp png gif avif, or what
                                        * else it is */
    char video_codec[MEDIA_WORD_SIZE]; /* as ffprobe names it: h264 hevc vp8 vp9 ... */
    char audio_codec[MEDIA_WORD_SIZE]; /* "" when there is no sound */
    int64_t bytes;
    int64_t duration_ms; /* videos */
    int width;           /* pixels as shown, rotation applied */
    int height;
    int fps_milli; /* frames per 1000 s; videos */
    int rotation;  /* degrees (90, 180, 270) that a video asks to be turned by; 0: none */
    bool hdr; /* a video's brightness goes beyond what H.264 players show; not kept */
};

/* A photo made for TikTok out of one that it would not take as it is. */
struct media_rendition {
    int64_t bytes; /* 0: there is none */
    int width;     /* pixels */
    int height;
};

struct media_check {
    const char *code; /* container codec duration frame_rate picture_size file_size
                       * readable; constant */
    bool ok;
    bool converted;    /* ok because the rendition is; the file itself is beyond it */
    char message[240]; /* a sentence; when not ok with measured value and limit */
    char measured[48]; /* in words; "" when it could not be measured */
    char limit[64];
};

/* "video" or "photo". Not for MEDIA_KIND_UNKNOWN. */
const char *media_kind_name(enum media_kind kind);

/* The kind that a Content-Type claimed by a client stands for, or MEDIA_KIND_UNKNOWN when
 * we take no such files: video/mp4, video/quicktime, video/webm, image/jpeg, image/webp,
 * image/png, image/gif, image/avif. */
enum media_kind media_kind_of_mime(const char *mime);

/* The Content-Type of a container we take, else "application/octet-stream". */
const char *media_mime_of_container(const char *container);

/* True for a name that may be kept and shown: 1 to MEDIA_FILENAME_MAX characters of
 * UTF-8, none of them a control, '/' or '\\'. It is data for people, never a path. */
bool media_filename_ok(const char *name) MUST_CHECK;

/* True for a tag: 1 to MEDIA_TAG_MAX characters of UTF-8, no control characters, no space
 * at either end. */
bool media_tag_ok(const char *tag) MUST_CHECK;

/* The most bytes a file of that kind may have to be uploaded. */
int64_t media_upload_max(enum media_kind kind);

/* The size of a photo of width x height (> 0) pixels in TikTok's limits: as large as fits
 * within 1080 x 1920 or 1920 x 1080, whichever suits it, and never larger than it is. */
void media_photo_fit(int width, int height, int *fit_width, int *fit_height);

/* Checks a file whose facts could be read against every limit that applies to its kind.
 * rendition: what a photo was made into, for the limits that it does not keep itself;
 * NULL or without bytes: nothing. Writes up to MEDIA_CHECKS_MAX checks, the failed ones
 * first, and returns how many. */
size_t media_check(const struct media_facts *facts,
                   const struct media_rendition *rendition,
                   struct media_check out[MEDIA_CHECKS_MAX]);

/* The one check of a file that could not be read: why is the second half of a sentence,
 * as in "it is cut off: 5120 bytes are missing at the end". */
void media_check_unreadable(const char *why, struct media_check *out);

/* The checks as the API shows them: a JSON array. */
void media_checks_write(const struct media_check *checks, size_t n, struct strbuf *out);

#endif
