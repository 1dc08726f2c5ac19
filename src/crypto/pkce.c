#include "crypto/pkce.h"

#include <string.h>

void pkce_verifier_new(const struct random_source *random, char out[PKCE_VERIFIER_SIZE])
{
    random_base32(random, out, PKCE_VERIFIER_SIZE - 1);
}

void pkce_challenge(const char *verifier, char out[PKCE_CHALLENGE_SIZE])
{
    digest_sha256_hex(verifier, strlen(verifier), out);
}
