/* store/media_priv.h - how an upload or a repair becomes a medium: inside the transaction
 * that ends it (uploads.c, media_repair.c), so that there is never one without the
 * other. */
#ifndef SRC_STORE_MEDIA_PRIV_H
#define SRC_STORE_MEDIA_PRIV_H

#include "core/err.h"
#include "store/db.h"

#include <stdbool.h>
#include <stdint.h>

struct media_new {
    uint64_t workspace_id;
    uint64_t user_id;
    bool by_token;
    const char *blob_key;
    const char *filename;
    const char *mime; /* as claimed; one of media_kind_of_mime() */
    int64_t bytes;
    int64_t now_ms;         /* the transaction's */
    uint64_t repaired_from; /* the medium that it was made of; 0: uploaded */
};

/* Stores the row, in state checking and due at once. */
enum rc media_insert(struct db *db, const struct media_new *m, uint64_t *media_id,
                     struct err *err) MUST_CHECK;

/* The line of the feed that tells of the new medium: the transaction's last statement. */
enum rc media_tell_new(struct db *db, const struct media_new *m, uint64_t media_id,
                       struct err *err) MUST_CHECK;

/* Is there room in the workspace's quota for so many bytes more? Locks the workspace's
 * row until the transaction ends, so that what is about to be stored counts for the next.
 * RC_LIMITED, "storage_full". */
enum rc upload_room_check(struct db *db, uint64_t workspace_id, int64_t bytes,
                          int64_t now_ms, struct err *err) MUST_CHECK;

/* Ends the repair of that file, if one is under way: *ended is how many were. */
enum rc media_repair_end(struct db *db, uint64_t media_id, int64_t now_ms, int64_t *ended,
                         struct err *err) MUST_CHECK;

#endif
