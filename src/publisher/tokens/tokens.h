/* publisher/tokens/tokens.h - one access token per account, refreshed by one process at a
 * time.
 *
 * All functions run on a pool's thread; those that may call TikTok on a task's thread.
 * docs/publishing.md is the protocol, with what a crash between its steps costs. */
#ifndef PUBLISHER_TOKENS_H
#define PUBLISHER_TOKENS_H

#include "../pool.h"
#include "../publisher.h"
#include "store/account_tokens.h"
#include "tiktok/oauth.h"

enum {
    TOKENS_FRESH_MS = 60000,   /* a token with less life than this is refreshed first */
    TOKENS_TIMEOUT_MS = 20000, /* of a request that a thread waits for */
    TOKENS_RETRY_MS = 2000,    /* a lost answer: the same token once more after this */
    TOKENS_AGAIN_MS = 30000,   /* after a refresh that failed for a while (again.h) */
    TOKENS_STORE_MS = 500, /* between tries to store a pair that exists nowhere else */
};

/* Seals a pair as account_token of that account wants it. The tokens' lives become the
 * pair's; an absent refresh token or scope is left as it was ("" and 0). */
enum rc tokens_seal(const struct publisher *p, uint64_t workspace_id, uint64_t account_id,
                    const struct tiktok_tokens *tokens, struct token_pair *pair,
                    struct err *err) MUST_CHECK;

/* Opens one sealed token into out (TIKTOK_TOKEN_MAX + 1 bytes); column is "access_tok" or
 * "refresh_tok". RC_REJECTED or RC_NOT_FOUND: unreadable under our keys. */
enum rc tokens_open(const struct publisher *p, const struct account_token *row,
                    const char *column, char *out, struct err *err) MUST_CHECK;

/* True when the row's access token should not be used any more. used: the version that
 * TikTok refused, or 0. */
bool tokens_stale(const struct account_token *row, unsigned used) MUST_CHECK;

/* RC_OK for a row that may be used: of an account that is connected, or whose access
 * lasts. RC_DENIED "reconnect_needed": of another. rc and err are what
 * account_token_load() gave. */
enum rc tokens_usable(enum rc rc, const struct account_token *row,
                      struct err *err) MUST_CHECK;

/* Whose tokens, and for whom. */
struct token_want {
    uint64_t account_id;
    unsigned version; /* that is not good any more; 0: whatever there is */
    bool refused;     /* by TikTok: that version's access token does not last either */
    uint64_t inc;     /* of this process, as it was when the work began */
    char *log_id;     /* NULL, or where TikTok's name of a refusal goes: 64 bytes */
};

/* Makes the account's tokens newer than want.version. RC_OK: they are, by us or by
 * another process. RC_DENIED "reconnect_needed": the grant is dead, and the account says
 * so now; the access token that is there may last (account_token.lasting). RC_REJECTED
 * "client_invalid": our credentials are wrong. RC_UNAVAILABLE: later; "token_unreadable"
 * when it was sealed under a key that we do not have. */
enum rc tokens_refresh(const struct publisher *p, const struct pool_kit *kit,
                       const struct token_want *want, struct err *err) MUST_CHECK;

/* An access token in the clear; the caller wipes it with explicit_bzero(). */
struct token {
    char text[TIKTOK_TOKEN_MAX + 1];
    char scopes[513]; /* granted */
    unsigned version;
    uint64_t workspace_id;
};

/* A good access token, refreshed before when it has to be; of a grant that is dead the
 * one that lasts. want->version is one that TikTok refused. Results as tokens_refresh().
 */
enum rc tokens_get(const struct publisher *p, const struct pool_kit *kit,
                   const struct token_want *want, struct token *out,
                   struct err *err) MUST_CHECK;

/* A request below TIKTOK_API_URL that a thread waits for. */
struct token_call {
    const char *path;
    const char *type;          /* of the body; NULL without one */
    const struct strbuf *body; /* NULL: a GET */
    const char *token;         /* bearer; NULL: none */
    const char *sent;          /* http_request.sent */
};

/* The caller releases out->body with strbuf_wipe(). Results as call(). */
enum rc tokens_call(const struct publisher *p, const struct token_call *c,
                    struct http_response *out, struct err *err) MUST_CHECK;

/* A journal_store_fn; ctx is the struct db. */
enum rc tokens_restore(void *ctx, uint64_t account_id, unsigned version,
                       const struct token_pair *pair, struct err *err) MUST_CHECK;

#endif
