#include "crypto/hmac.h"

#include "core/encode.h"
#include "must.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

void hmac_sha256(const void *key, size_t key_len, const struct hmac_part *parts, size_t n,
                 unsigned char out[HMAC_SIZE])
{
    char name[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t len = 0;

    /* A NULL key would mean "the one from before", so an empty key is passed as "". */
    must(ctx != NULL && EVP_MAC_init(ctx, key_len == 0 ? (const void *)"" : key, key_len,
                                     params) == 1,
         "HMAC init");
    for (size_t i = 0; i < n; i++)
        if (parts[i].len > 0)
            must(EVP_MAC_update(ctx, parts[i].data, parts[i].len) == 1, "HMAC update");
    must(EVP_MAC_final(ctx, out, &len, HMAC_SIZE) == 1 && len == HMAC_SIZE, "HMAC final");
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

void hmac_sha256_hex(const void *key, size_t key_len, const struct hmac_part *parts,
                     size_t n, char out[HMAC_HEX_SIZE])
{
    unsigned char mac[HMAC_SIZE];

    hmac_sha256(key, key_len, parts, n, mac);
    hex_encode(mac, sizeof(mac), out);
}
