/* media/mend.h - a video made anew by ffmpeg, in its confinement.
 *
 * MP4 with H.264 and AAC that begins to play before it is whole, without anything that
 * tells of the person or the device that made it, by a plan of domain/repair.h. */
#ifndef SRC_MEDIA_MEND_H
#define SRC_MEDIA_MEND_H

#include "child.h"
#include "core/err.h"
#include "domain/repair.h"
#include "picture.h"

#include <stdbool.h>
#include <stdint.h>

struct mending {
    struct picture_source src;
    const struct media_facts *facts;
    const struct repair_plan *plan;
    int out_fd;           /* an empty file, for reading and writing */
    int64_t bytes_max;    /* that it may become */
    child_watch_fn watch; /* gets what progress_take() wants */
    void *watch_ctx;
};

/* *end tells what the file did to ffmpeg; CHILD_DONE: it ended well, which does not say
 * that it read all of a damaged file. RC_UNAVAILABLE: trouble of our own. */
enum rc mend_make(const struct mending *m, enum child_end *end,
                  struct err *err) MUST_CHECK;

/* Can this machine's ffmpeg show HDR as the players of H.264 do? */
enum rc mend_can_tonemap(int any_fd, bool *can, struct err *err) MUST_CHECK;

#endif
