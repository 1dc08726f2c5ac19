/* crypto/pkce.h - PKCE in TikTok's form (RFC 7636 with one difference).
 *
 * TikTok wants code_challenge as lower-case *hex* of SHA-256(code_verifier), where the
 * RFC has base64url; a base64url challenge makes the token call fail with "Code verifier
 * or code challenge is invalid." (docs/tiktok.md, with a test vector.) */
#ifndef CRYPTO_PKCE_H
#define CRYPTO_PKCE_H

#include "core/random.h"
#include "crypto/digest.h"

enum {
    PKCE_VERIFIER_SIZE = 65, /* 64 characters (43..128 are allowed) and a NUL */
    PKCE_CHALLENGE_SIZE = DIGEST_SHA256_HEX_SIZE,
};

/* A fresh verifier of 320 random bits; one per attempt, and a secret until used. */
void pkce_verifier_new(const struct random_source *random, char out[PKCE_VERIFIER_SIZE]);

/* The challenge that goes into the authorize URL with code_challenge_method=S256. */
void pkce_challenge(const char *verifier, char out[PKCE_CHALLENGE_SIZE]);

#endif
