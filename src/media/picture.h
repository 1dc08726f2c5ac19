/* media/picture.h - pictures made of a file by ffmpeg, in its confinement.
 *
 * All of them are JPEGs of our own making: the thumbnail, the rendition of a photo that
 * TikTok is given, the film strip of a video that a cover is chosen from. What a file
 * does to ffmpeg is told by *end; only our own trouble is a failure (RC_UNAVAILABLE). */
#ifndef SRC_MEDIA_PICTURE_H
#define SRC_MEDIA_PICTURE_H

#include "child.h"
#include "core/err.h"
#include "core/strbuf.h"
#include "domain/media.h"
#include "still.h"

#include <signal.h>
#include <stdint.h>

enum {
    PICTURE_WALL_MS = 30000, /* for one picture */
    STRIP_FRAMES = 12,       /* of a film strip, each from the middle of its twelfth */
    STRIP_WALL_MS = 15000,   /* for all of them; a film that needs more has no strip */
    STRIP_SHORT = 180,       /* pixels: a frame fits 180 x 320 or 320 x 180 */
    STRIP_LONG = 320,
    /* A film longer than this has its strip from the key frames before the instants. */
    STRIP_EXACT_MS = 60000,
    /* One of at most so many frames is read through once; in a longer one, each of the
     * strip's frames is looked for. */
    STRIP_READ_FRAMES = 450,
};

#define PICTURE_PROGRAM "/usr/bin/ffmpeg"
#define PICTURE_MEMORY  (UINT64_C(1) << 30)

struct picture_source {
    int fd;
    const char *demuxer; /* as sniff() says */
    const volatile sig_atomic_t *stop;
};

/* One frame, 360 pixels wide, at_ms from the beginning, to out. Empty: there is none. */
enum rc picture_thumb(const struct picture_source *src, int64_t at_ms, struct strbuf *out,
                      enum child_end *end, struct err *err) MUST_CHECK;

/* The photo as TikTok takes it: turned as its EXIF says, within the limits, on white
 * where it is transparent, without metadata. *made is filled, and out not empty, when
 * *end is CHILD_DONE and there was a picture. */
enum rc picture_rendition(const struct picture_source *src, const struct still *is,
                          struct strbuf *out, struct media_rendition *made,
                          enum child_end *end, struct err *err) MUST_CHECK;

/* The film strip of a video: STRIP_FRAMES frames of the same size side by side. out is
 * left empty when the video does not give them in time. */
enum rc picture_strip(const struct picture_source *src, const struct media_facts *facts,
                      struct strbuf *out, struct err *err) MUST_CHECK;

/* Puts bytes of ours where a program can read them: *fd is the caller's to close. */
enum rc picture_hold(const struct strbuf *bytes, int *fd, struct err *err) MUST_CHECK;

#endif
