/* store/gate.h - what TikTok may fetch: /m/<token>/<position>.<ext>.
 *
 * An attempt that TikTok fetches for has a random token (attempt.gate_token), which only
 * TikTok is told. The state of attempt and job is the state of the gate:
 *
 *   CLOSED  the attempt is an intent in the hands of a publisher, which may be about to
 *           grant it: whoever knocks waits a little
 *   OPEN    granted, and not dead
 *   GONE    dead, superseded, or no publisher works on it: it will never open (again)
 *
 * A file is served only after gate_serve(), which notes that something has gone through:
 * from then on a publisher cannot declare the attempt dead by closing the gate
 * (job_close()). The two match the same row under opposite conditions, so one of them
 * finds none. */
#ifndef STORE_GATE_H
#define STORE_GATE_H

#include "core/err.h"
#include "domain/media.h"
#include "store/db.h"
#include "store/jobs.h"
#include "store/media.h"

#include <stdbool.h>
#include <stdint.h>

enum gate_state { GATE_GONE, GATE_CLOSED, GATE_OPEN };

struct gate_file {
    enum gate_state state;
    uint64_t post_id;
    unsigned attempt_no;
    enum media_kind kind;
    char blob_key[MEDIA_BLOB_KEY_SIZE];
    char mime[MEDIA_MIME_SIZE]; /* of the content */
    bool has_rendition;         /* a JPEG lies beside it */
};

/* The file at a position (from 0) behind a token of JOB_GATE_SIZE bytes. RC_NOT_FOUND:
 * there is no such token, or no such file behind it. */
enum rc gate_find(struct db *db, const unsigned char *token, unsigned position,
                  struct gate_file *out, struct err *err) MUST_CHECK;

/* Notes that something goes through. RC_NOT_FOUND: the gate is not open; nothing may be
 * served. RC_UNCERTAIN: nothing may be served either. */
enum rc gate_serve(struct db *db, const unsigned char *token, struct err *err) MUST_CHECK;

#endif
