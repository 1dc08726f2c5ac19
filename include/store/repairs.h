/* store/repairs.h - videos being made anew within TikTok's limits.
 *
 *     under way --tts-media--> done | failed      under way --person--> canceled
 *
 * One row a medium, begun anew by another wish. tts-media claims a row with its owner
 * number, a fence and a key for the result's bytes that is another at every claim, so one
 * that was thought dead writes nothing that anybody reads (RC_CONFLICT: canceled, or
 * another's by now). The lease is short and renewed while the work goes on. The medium it
 * becomes is made in the transaction that ends the repair. Bytes that the result may need
 * count as taken in the workspace's quota meanwhile. Times are ms UTC of the database's
 * clock. */
#ifndef STORE_REPAIRS_H
#define STORE_REPAIRS_H

#include "core/err.h"
#include "store/db.h"
#include "store/media.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    REPAIR_LEASE_MS = 15000,
    REPAIR_STORE_LEASE_MS = 600000, /* while bytes go to or come from a store far away */
    REPAIR_FAILS_MAX = 3,           /* claims that ended with the claimer's death */
};

/* A person wishes it. version of the reference is not looked at. reserve: bytes that the
 * result may have. RC_NOT_FOUND: no such file. RC_CONFLICT: "repair_running",
 * "repair_done" (its result is in the library). RC_LIMITED, "storage_full": the quota. */
enum rc repair_start(struct db *db, const struct media_ref *ref, int64_t reserve,
                     struct err *err) MUST_CHECK;

/* RC_NOT_FOUND: no such file. RC_CONFLICT, "no_repair": none is under way. */
enum rc repair_cancel(struct db *db, const struct media_ref *ref,
                      struct err *err) MUST_CHECK;

/* A repair in the hands of a tts-media. */
struct repair_work {
    uint64_t media_id; /* what is repaired, */
    uint64_t workspace_id;
    uint64_t user_id; /* for whom, */
    bool by_token;
    uint64_t owner;
    uint64_t fence;
    char source_key[MEDIA_BLOB_KEY_SIZE];
    char result_key[MEDIA_BLOB_KEY_SIZE];
    char stale_key[MEDIA_BLOB_KEY_SIZE]; /* of a claim that ended in death; "": none */
    char filename[MEDIA_FILENAME_SIZE];  /* of the original */
    int64_t reserved;
    uint32_t fails; /* claims before this one that ended in death */
    bool gone;      /* the original is deleted */
};

/* Claims the oldest due repair; result_key (blob_key_valid()) is where its result will
 * be put. */
enum rc repair_claim(struct db *db, uint64_t owner, const char *result_key,
                     struct repair_work *out, bool *found, struct err *err) MUST_CHECK;

/* Is it still ours? RC_CONFLICT: no. */
enum rc repair_ours(struct db *db, const struct repair_work *work,
                    struct err *err) MUST_CHECK;

/* Stores how far it is (thousandths) and renews the lease. */
enum rc repair_report(struct db *db, const struct repair_work *work, int permille,
                      int64_t lease_ms, struct err *err) MUST_CHECK;

/* The result lies under result_key, with so many bytes: it becomes a medium, due to be
 * checked, *media_id. */
enum rc repair_finish(struct db *db, const struct repair_work *work, const char *filename,
                      int64_t bytes, uint64_t *media_id, struct err *err) MUST_CHECK;

/* It cannot be repaired: reason is a stable code, message a sentence in ASCII of at most
 * 240 bytes. */
enum rc repair_fail(struct db *db, const struct repair_work *work, const char *reason,
                    const char *message, struct err *err) MUST_CHECK;

/* Gives it back, to be taken again after after_ms; the claim does not count as a
 * death. */
enum rc repair_give_back(struct db *db, const struct repair_work *work, int64_t after_ms,
                         struct err *err) MUST_CHECK;

#endif
