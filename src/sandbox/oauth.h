/* sandbox/oauth.h - the token endpoint and revocation. */
#ifndef SRC_SANDBOX_OAUTH_H
#define SRC_SANDBOX_OAUTH_H

#include "exchange.h"

/* POST /v2/oauth/token/ */
enum rc oauth_token(struct exchange *x, struct err *err);

/* POST /v2/oauth/revoke/ */
enum rc oauth_revoke(struct exchange *x, struct err *err);

/* Writes a pair of tokens as TikTok answers it. */
void oauth_write_tokens(struct exchange *x, const char *open_id, unsigned scopes,
                        const struct token_pair *pair);

#endif
