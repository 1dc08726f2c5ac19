/* store/uploads.h - files on their way in.
 *
 * An upload's row says how many bytes are known to be on disk (received). It is written
 * after the bytes are, so it never promises what a crash could take away; it moves only
 * from the value its writer read (two writers cannot both win). The update that brings
 * the last byte makes the media row in the same transaction: there is never half a
 * medium. The upload's id is random, names its blob too, and is honoured only within its
 * workspace. Times are ms UTC of the database's clock. */
#ifndef STORE_UPLOADS_H
#define STORE_UPLOADS_H

#include "core/err.h"
#include "domain/media.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UPLOAD_ID_SIZE = 27, /* 26 characters of [a-z2-7] and a NUL */
    UPLOAD_MIME_SIZE = 101,
    UPLOAD_LOCK_S = 120,        /* longer than taking one chunk may last */
    UPLOAD_TTL_MS = 86400000,   /* an upload nobody touched for so long expires */
    UPLOAD_KEPT_MS = 604800000, /* the row of an ended one is kept this long: 410 */
    UPLOAD_OPEN_MAX = 64,       /* open uploads of a workspace at a time */
    UPLOAD_SWEEP_MAX = 50,      /* ids one sweep takes */
    UPLOAD_PURGE_MAX = 1000,    /* rows one purge deletes */
};

/* Numbers stored in upload.state. */
enum upload_state {
    UPLOAD_OPEN = 1,
    UPLOAD_FINISHED = 2,
    UPLOAD_TERMINATED = 3, /* by the client */
    UPLOAD_EXPIRED = 4,
};

struct upload {
    char id[UPLOAD_ID_SIZE];
    uint64_t workspace_id;
    uint64_t user_id;
    int64_t bytes;    /* of the whole file */
    int64_t received; /* of them safe on disk */
    char filename[MEDIA_FILENAME_SIZE];
    char mime[UPLOAD_MIME_SIZE]; /* as claimed; one of media_kind_of_mime() */
    enum upload_state state;     /* EXPIRED from the instant on, swept or not */
    uint64_t media_id;           /* 0 until finished */
    int64_t expires_at_ms;       /* once it has ended: when it did */
};

/* What a workspace's library holds and may hold. */
struct upload_usage {
    int64_t max_bytes;    /* the quota */
    int64_t kept_bytes;   /* of files that are there */
    int64_t coming_bytes; /* of open uploads, each with its full length, and of repairs
                           * under way, each with what it may need */
    int64_t open;         /* how many of these there are */
};
enum rc upload_usage(struct db *db, uint64_t workspace_id, struct upload_usage *out,
                     struct err *err) MUST_CHECK;

/* Stores a new upload (id, workspace_id, user_id, bytes, filename and mime are given) and
 * fills in the rest. RC_LIMITED, "storage_full": the workspace's quota, open uploads
 * counted with their full length; "too_many_uploads": UPLOAD_OPEN_MAX. Creations of a
 * workspace wait for one another, so that no two of them take the last room.
 * RC_UNCERTAIN: the connection broke in COMMIT; upload_get_settled() tells. */
enum rc upload_insert(struct db *db, struct upload *u, struct err *err) MUST_CHECK;

/* RC_NOT_FOUND: none such in that workspace. */
enum rc upload_get(struct db *db, uint64_t workspace_id, const char *id,
                   struct upload *out, struct err *err) MUST_CHECK;

/* The same, after whatever is being written to the row at this moment: a COMMIT that
 * broke off has happened or never will. What a writer relies on. */
enum rc upload_get_settled(struct db *db, uint64_t workspace_id, const char *id,
                           struct upload *out, struct err *err) MUST_CHECK;

/* Takes the upload's lock for this connection, for a store whose blobs are not locked
 * themselves. RC_CONFLICT, "upload_busy": another one has it. It ends with
 * upload_unlock(), with the connection, and UPLOAD_LOCK_S after a machine that had it
 * went away without a word. */
enum rc upload_lock(struct db *db, const char *id, struct err *err) MUST_CHECK;
void upload_unlock(struct db *db, const char *id);

/* Records that bytes up to received (below u->bytes) are on disk and puts the expiry off;
 * *u is updated. RC_CONFLICT, "offset_mismatch": the row is not as *u says any more.
 * RC_UNCERTAIN: as above. */
enum rc upload_advance(struct db *db, struct upload *u, int64_t received,
                       struct err *err) MUST_CHECK;

/* Records that the whole file is on disk: ends the upload and makes the media row, in
 * state checking, in one transaction; *u is updated, media_id with it. by_token: for an
 * API client. Failures as above. */
enum rc upload_finish(struct db *db, struct upload *u, bool by_token,
                      struct err *err) MUST_CHECK;

/* Ends an open upload for its client. RC_CONFLICT, "upload_finished", when it is not open
 * any more. The caller removes the blob. */
enum rc upload_terminate(struct db *db, const struct upload *u,
                         struct err *err) MUST_CHECK;

/* Marks up to UPLOAD_SWEEP_MAX uploads whose time is over as expired and gives their ids;
 * the caller removes the blobs. One that dies in between leaves blobs that
 * media_blob_wanted() knows nobody wants. */
enum rc upload_expire(struct db *db, char ids[UPLOAD_SWEEP_MAX][UPLOAD_ID_SIZE],
                      size_t *n, struct err *err) MUST_CHECK;

/* Deletes rows of uploads that ended more than UPLOAD_KEPT_MS ago, up to
 * UPLOAD_PURGE_MAX; the media they became stay. */
enum rc upload_purge(struct db *db, struct err *err) MUST_CHECK;

#endif
