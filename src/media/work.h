/* media/work.h - what tts-media does: checks new files, removes old ones.
 *
 * Every function does a bounded piece and returns; the loop of main() calls them again.
 * Trouble with one file is logged here and never stops the others. */
#ifndef SRC_MEDIA_WORK_H
#define SRC_MEDIA_WORK_H

#include "blob/blob.h"
#include "core/err.h"
#include "store/db.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    WORK_RETRY_MS = 5000, /* after trouble that was not the file's */
    WORK_FULL_MS = 30000, /* after a full disk: looking costs as much as the file has */
    WORK_MISSING_MS = 900000, /* bytes not found for so long are lost */
    /* A blob without a row is removed when it is older than this: longer than any upload
     * may be in between its file and its row. */
    WORK_ORPHAN_AGE_MS = 172800000,
};

struct work {
    struct db *db;
    struct blob_store *blobs;
    uint64_t owner;                    /* the number this process claims by */
    const volatile sig_atomic_t *stop; /* true: give back what is not finished */
};

/* Claims one due row and brings it to its end: examined, or its bytes removed. *found:
 * there was one. RC_UNAVAILABLE and the like: the database is. */
enum rc work_next(const struct work *w, bool *found, struct err *err) MUST_CHECK;

/* Expires uploads nobody continued, and deletes the rows of those long ended. */
enum rc work_sweep_uploads(const struct work *w, struct err *err) MUST_CHECK;

/* Removes old blobs that no row wants: of processes that died between file and row. */
enum rc work_sweep_orphans(const struct work *w, struct err *err) MUST_CHECK;

#endif
