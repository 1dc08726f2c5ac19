/* publisher/tokens.h - one access token per account, refreshed by one process at a time.
 *
 * All functions run on a pool's thread; those that may call TikTok on a task's thread. */
#ifndef PUBLISHER_TOKENS_H
#define PUBLISHER_TOKENS_H

#include "pool.h"
#include "publisher.h"
#include "store/account_tokens.h"
#include "tiktok/oauth.h"

enum {
    TOKENS_FRESH_MS = 60000,   /* a token with less life than this is refreshed first */
    TOKENS_TIMEOUT_MS = 20000, /* of the token endpoint */
    TOKENS_RETRY_MS = 2000,    /* a lost answer: the same token once more after this */
    TOKENS_AGAIN_MS = 30000,   /* after a refresh that failed for a while */
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

/* Makes the account's tokens newer than version (0: whatever there is). RC_OK: they are,
 * by us or by another process. RC_DENIED "reconnect_needed": the grant is dead, and the
 * account says so now. RC_REJECTED "client_invalid": our credentials are wrong.
 * RC_UNAVAILABLE: later. */
enum rc tokens_refresh(const struct publisher *p, const struct pool_kit *kit,
                       uint64_t account_id, unsigned version, struct err *err) MUST_CHECK;

/* Asks for a URL below TIKTOK_API_URL and waits: a POST of body with the given type, or a
 * GET when body is NULL; token NULL: none. The caller releases out->body with
 * strbuf_wipe(). As call(). */
enum rc tokens_call(const struct publisher *p, const char *path, const char *type,
                    const struct strbuf *body, const char *token,
                    struct http_response *out, struct err *err) MUST_CHECK;

#endif
