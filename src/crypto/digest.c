#include "crypto/digest.h"

#include "core/encode.h"
#include "core/xalloc.h"
#include "must.h"

#include <openssl/evp.h>

struct digest {
    EVP_MD_CTX *ctx;
};

static const EVP_MD *algorithm(enum digest_kind kind)
{
    switch (kind) {
    case DIGEST_SHA1:
        return EVP_sha1();
    case DIGEST_SHA256:
        return EVP_sha256();
    }
    return NULL;
}

void digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SHA256_SIZE])
{
    must(EVP_Digest(len == 0 ? "" : data, len, out, NULL, EVP_sha256(), NULL) == 1,
         "SHA-256");
}

void digest_sha256_hex(const void *data, size_t len, char out[DIGEST_SHA256_HEX_SIZE])
{
    unsigned char digest[DIGEST_SHA256_SIZE];

    digest_sha256(data, len, digest);
    hex_encode(digest, sizeof(digest), out);
}

struct digest *digest_new(enum digest_kind kind)
{
    struct digest *d = xcalloc(1, sizeof(*d));

    d->ctx = EVP_MD_CTX_new();
    must(d->ctx != NULL && EVP_DigestInit_ex(d->ctx, algorithm(kind), NULL) == 1,
         "digest init");
    return d;
}

void digest_free(struct digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->ctx);
    free(d);
}

void digest_add(struct digest *d, const void *data, size_t len)
{
    if (len > 0)
        must(EVP_DigestUpdate(d->ctx, data, len) == 1, "digest update");
}

size_t digest_finish(struct digest *d, unsigned char out[DIGEST_SIZE_MAX])
{
    unsigned len = 0;

    must(EVP_DigestFinal_ex(d->ctx, out, &len) == 1, "digest final");
    return len;
}
