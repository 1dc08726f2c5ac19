/* media/examine.h - one file from its bytes to a verdict and the pictures beside it.
 *
 * A video: first bytes, whole boxes, ffprobe, TikTok's limits, one frame; later, when
 * nobody waits, a film strip. A photo: first bytes, its own header (nothing is decoded
 * that is larger than we have room for), a rendition as TikTok takes it unless it is a
 * clean JPEG within the limits. Whatever a file does to the programs that read it, the
 * verdict is about the file; only trouble of our own (nothing can be started, we are
 * being stopped) is a failure. */
#ifndef SRC_MEDIA_EXAMINE_H
#define SRC_MEDIA_EXAMINE_H

#include "core/err.h"
#include "core/strbuf.h"
#include "domain/media.h"

#include <signal.h>
#include <stdbool.h>

enum {
    EXAMINE_THUMB_MAX = 1024 * 1024, /* bytes of a thumbnail; a usual one has 20,000 */
    EXAMINE_WALL_MS = 75000, /* everything together, at worst: two tries at a frame */
};

struct examined {
    struct media_facts facts;
    struct media_check checks[MEDIA_CHECKS_MAX];
    size_t n_checks;
    bool ready;              /* every check is ok */
    struct strbuf thumb;     /* a JPEG, or empty */
    struct strbuf rendition; /* of a photo: a JPEG, or empty when it needs none */
    struct media_rendition made;
};

/* Examines the file fd of size bytes. RC_UNAVAILABLE: it says nothing about the file;
 * try again. The caller gives *out to examined_release() in any case. */
enum rc examine(int fd, int64_t size, const volatile sig_atomic_t *stop,
                struct examined *out, struct err *err) MUST_CHECK;
void examined_release(struct examined *e);

/* Makes the film strip of a video that was examined before, whose facts are given: a JPEG
 * of STRIP_FRAMES frames (picture.h), or empty when it gives none in time. Failures as
 * those of examine(). The caller releases *strip in any case. */
enum rc examine_strip(int fd, const struct media_facts *facts,
                      const volatile sig_atomic_t *stop, struct strbuf *strip,
                      struct err *err) MUST_CHECK;

/* Can the programs that read files be started in their confinement on this machine?
 * RC_UNAVAILABLE says which cannot, and why. For the start of tts-media. */
enum rc examine_ready(struct err *err) MUST_CHECK;

#endif
