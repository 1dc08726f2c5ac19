/* store/oauth.h - one "connect" in progress: begun by a session, finished by the
 * browser's way back from TikTok, once.
 *
 * The state that travels through the browser is never stored, only its SHA-256. A
 * transaction belongs to the session, person and workspace that began it and lives
 * OAUTH_LIFE_MS; it is used up by one guarded UPDATE, so of any number of callbacks with
 * the same state exactly one goes on (docs/security.md). The code it brought lies in the
 * row until the publisher has traded it for tokens (store/account_tokens.h). */
#ifndef STORE_OAUTH_H
#define STORE_OAUTH_H

#include "core/err.h"
#include "store/db.h"

#include <stdint.h>

enum {
    OAUTH_HASH_SIZE = 32,
    OAUTH_LIFE_MS = 600000,   /* ten minutes on TikTok's pages */
    OAUTH_KEPT_MS = 86400000, /* how long its end can be told apart afterwards */
};

/* Which transaction, and whose. Hashes are SHA-256, OAUTH_HASH_SIZE bytes, borrowed. */
struct oauth_key {
    uint64_t workspace_id, user_id;
    const unsigned char *session_hash;
    const unsigned char *state_hash;
};

/* What is remembered of the way out. Texts are borrowed. Whichever account comes back is
 * connected. */
struct oauth_begin {
    struct oauth_key key;
    const char *verifier, *redirect_uri, *scopes; /* scopes: asked for */
};

/* Writes it down, and removes what the person left behind longer ago than OAUTH_KEPT_MS.
 * RC_CONFLICT "foreign_key": no such member of that workspace. */
enum rc oauth_begin(struct db *db, const struct oauth_begin *begin,
                    struct err *err) MUST_CHECK;

/* How a way back fares. */
enum oauth_fate {
    OAUTH_TAKEN,   /* used up now, by us */
    OAUTH_UNKNOWN, /* no such state, or of another session: nothing was changed */
    OAUTH_EXPIRED,
    OAUTH_REUSED, /* somebody used it before */
};

/* Uses the transaction up. With a code (not NULL) the code is kept and, in the same
 * transaction, the publisher is asked to trade it: task_id is that TASK_EXCHANGE_CODE,
 * which is failed when it is not done within wait_ms. Both ids are 0 unless the fate is
 * OAUTH_TAKEN; task_id also without a code. */
struct oauth_back {
    struct oauth_key key;
    const char *code; /* NULL: TikTok brought none */
    int64_t wait_ms;
};
struct oauth_taken {
    enum oauth_fate fate;
    uint64_t txn_id, task_id;
};
enum rc oauth_take(struct db *db, const struct oauth_back *back,
                   struct oauth_taken *taken, struct err *err) MUST_CHECK;

/* Wipes code and verifier of a transaction whose exchange nobody waits for any more; a
 * publisher that comes to it later finds nothing to trade. */
enum rc oauth_forget(struct db *db, uint64_t workspace_id, uint64_t txn_id,
                     struct err *err) MUST_CHECK;

#endif
