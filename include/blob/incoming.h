/* blob/incoming.h - request bodies that nginx hands over as files.
 *
 * nginx writes the body of an upload into one directory (MEDIA_INCOMING) and names the
 * file in REQUEST_BODY_FILE. The name comes over the FastCGI socket, so it is checked
 * like anything else from outside: exactly one plain name directly below that directory,
 * a regular file, nobody else's link, of exactly the length the request has. */
#ifndef BLOB_INCOMING_H
#define BLOB_INCOMING_H

#include "core/err.h"

#include <stddef.h>
#include <stdint.h>

/* Opens the body file at path for reading. dir is MEDIA_INCOMING. *fd is the caller's to
 * close. RC_BUG, "bad_body_file": not such a file; nothing was opened. RC_INVALID,
 * "body_cut_short": it does not hold len bytes. */
enum rc incoming_open(const char *dir, const char *path, int64_t len, int *fd,
                      struct err *err) MUST_CHECK;

enum {
    /* A body is on its way for as long as its client sends, and its file's time moves
     * with every piece; nginx gives up on one that is silent for a minute. */
    INCOMING_AGE_MS = 3600000,
};

/* Removes the body files in dir that were last written more than min_age_ms ago: nginx
 * removes its own unless it is killed. Only what has a name of nginx's (digits) and is a
 * plain file is touched. *removed: how many. RC_UNAVAILABLE: dir cannot be listed. */
enum rc incoming_sweep(const char *dir, int64_t min_age_ms, size_t *removed,
                       struct err *err) MUST_CHECK;

#endif
