/* store/media_priv.h - how an upload becomes a medium: inside the transaction that ends
 * the upload (uploads.c), so that there is never one without the other. */
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
    int64_t now_ms; /* the transaction's */
};

/* Stores the row, in state checking and due at once. */
enum rc media_insert(struct db *db, const struct media_new *m, uint64_t *media_id,
                     struct err *err) MUST_CHECK;

/* The line of the feed that tells of the new medium: the transaction's last statement. */
enum rc media_tell_new(struct db *db, const struct media_new *m, uint64_t media_id,
                       struct err *err) MUST_CHECK;

#endif
