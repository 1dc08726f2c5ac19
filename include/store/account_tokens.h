/* store/account_tokens.h - sealed tokens, their rotation, and the accounts they open.
 *
 * Only the publisher may read this table. Tokens are sealed before they come here and
 * opened after they leave (crypto/seal.h). TikTok rotates refresh tokens: the old one is
 * dead as soon as a new one exists, so exactly one process refreshes at a time (a lease
 * on the row), and the newest pair wins, ordered by version (docs/publishing.md). */
#ifndef STORE_ACCOUNT_TOKENS_H
#define STORE_ACCOUNT_TOKENS_H

#include "core/err.h"
#include "domain/account.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOKEN_BLOB_MAX = 2048,          /* bytes of a sealed token */
    TOKEN_REFRESH_LEASE_MS = 60000, /* > 3 times the timeout of the request */
    CONNECT_VERIFIER_SIZE = 129,    /* bytes of the columns with their NUL */
    CONNECT_CODE_SIZE = 1025,
    CONNECT_REDIRECT_SIZE = 513,
};

struct token_blob {
    unsigned char data[TOKEN_BLOB_MAX];
    size_t len;
};

struct account_token {
    uint64_t account_id, workspace_id;
    struct token_blob access, refresh;
    int64_t access_exp_ms, refresh_exp_ms;
    unsigned version;
    enum account_status status;
    bool lasting;   /* ACCOUNT_RECONNECT, but only because TikTok refreshes the token no
                     * more: the access token works until its end */
    unsigned fails; /* refreshes without an answer, in a row */
    char scopes[ACCOUNT_SCOPES_SIZE];
    int64_t now_ms; /* when this was read */
};

/* RC_NOT_FOUND: no such account, or it has no tokens. */
enum rc account_token_load(struct db *db, uint64_t account_id, struct account_token *out,
                           struct err *err) MUST_CHECK;

/* Claims the right to refresh version. RC_CONFLICT: another process is at it, or the
 * version is no longer that. */
enum rc account_token_claim(struct db *db, uint64_t account_id, unsigned version,
                            uint64_t inc, struct err *err) MUST_CHECK;

/* Gives the right back without a new pair; the next refresh is due in again_ms. */
enum rc account_token_unclaim(struct db *db, uint64_t account_id, uint64_t inc,
                              int64_t again_ms, struct err *err) MUST_CHECK;

/* A new pair of tokens. */
struct token_pair {
    struct token_blob access, refresh;
    int64_t access_life_ms;  /* from now */
    int64_t refresh_life_ms; /* from now; 0: not said, keep what was known */
    int64_t refresh_at_ms;   /* from now: when to refresh */
    const char *scopes;      /* "": not said, keep what was known */
};

/* Stores the pair that follows version. Deliberately not guarded by the claim: a token
 * that TikTok has issued is worth more than a lease. RC_CONFLICT: one is newer. */
enum rc account_token_rotate(struct db *db, uint64_t account_id, unsigned version,
                             const struct token_pair *pair, struct err *err) MUST_CHECK;

/* How a grant ended. */
enum token_end {
    TOKEN_NOT_RENEWED, /* the refresh token is dead; the access token lives on */
    TOKEN_REFUSED,     /* the access token was refused, too */
};

/* The grant is dead: the account must be reconnected, and people are told. While the
 * access token lasts only what is due after its end is blocked; else everything that is
 * not running. Said of an account that had to be reconnected already, TOKEN_REFUSED ends
 * what was left of its access. RC_CONFLICT: the version moved, so it is not dead at all.
 */
enum rc account_token_dead(struct db *db, uint64_t account_id, unsigned version,
                           enum token_end how, struct err *err) MUST_CHECK;

/* The access of accounts that had to be reconnected ends by the clock: what they have
 * scheduled is blocked and people are told, once. Some at a time; *n: how many. */
enum rc account_access_lapse(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

/* Accounts whose tokens want refreshing now, at most max. */
struct token_due {
    uint64_t account_id;
    unsigned version;
};
enum rc account_token_due(struct db *db, struct token_due *out, size_t max, size_t *len,
                          struct err *err) MUST_CHECK;

/* Tells people of accounts whose grants end soon (account_warning_due()), some at a time;
 * *n: of how many. Every warning is given once for a grant. */
enum rc account_grants_warn(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

/* One "connect" in progress, as tts-api stored it. */
struct connect_txn {
    uint64_t workspace_id, user_id;
    char verifier[CONNECT_VERIFIER_SIZE];
    char code[CONNECT_CODE_SIZE];
    char redirect_uri[CONNECT_REDIRECT_SIZE];
    char scopes[ACCOUNT_SCOPES_SIZE]; /* asked for */
};

/* Reads it; RC_NOT_FOUND when it is gone or its code was used. */
enum rc connect_txn_load(struct db *db, uint64_t workspace_id, uint64_t txn_id,
                         struct connect_txn *out, struct err *err) MUST_CHECK;

/* Wipes code and verifier: they are of no more use. */
enum rc connect_txn_wipe(struct db *db, uint64_t workspace_id, uint64_t txn_id,
                         struct err *err) MUST_CHECK;

/* Who came back from TikTok. */
struct connect_profile {
    uint64_t workspace_id, user_id;
    const char *open_id, *union_id, *username, *display_name, *avatar_url, *scopes;
};

/* Finds or makes the account's row and gives its id, before its tokens can be sealed for
 * it. RC_CONFLICT "account_taken": connected in another workspace. */
enum rc connect_account(struct db *db, const struct connect_profile *profile,
                        uint64_t *account_id, bool *reconnected,
                        struct err *err) MUST_CHECK;

/* Stores the first pair of a (re)connected account and sets it connected. */
enum rc connect_tokens(struct db *db, uint64_t workspace_id, uint64_t account_id,
                       const struct token_pair *pair, struct err *err) MUST_CHECK;

/* Stores what creator_info said: the JSON document, and name, handle and picture. */
struct creator_snapshot {
    const char *json, *username, *nickname, *avatar_url;
};
enum rc account_creator_store(struct db *db, uint64_t account_id,
                              const struct creator_snapshot *snapshot,
                              struct err *err) MUST_CHECK;

/* TikTok says that the permission was withdrawn: the tokens are dead and are wiped, and a
 * refresh that is under way finds its version gone. A connected account must be
 * reconnected (reason says why) and what it has scheduled is blocked, also when it had to
 * be already and only its access lasted; else that one is left as it is. May run inside
 * the caller's transaction. */
enum rc account_token_withdrawn(struct db *db, uint64_t account_id, const char *reason,
                                struct err *err) MUST_CHECK;

/* Access was revoked: wipes the tokens. */
enum rc account_token_wipe(struct db *db, uint64_t account_id,
                           struct err *err) MUST_CHECK;

#endif
