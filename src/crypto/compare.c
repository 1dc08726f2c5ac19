#include "crypto/compare.h"

#include <openssl/crypto.h>
#include <string.h>

bool secret_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
    if (a_len != b_len)
        return false;
    return a_len == 0 || CRYPTO_memcmp(a, b, a_len) == 0;
}

bool secret_equal_text(const char *a, const char *b)
{
    return secret_equal(a, strlen(a), b, strlen(b));
}
