#include "crypto/seal.h"

#include "core/random.h"
#include "core/xalloc.h"
#include "must.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

enum {
    VERSION = 1,
    ID_AT = 1,
    NONCE_AT = 5,
    NONCE_SIZE = 12,
    TEXT_AT = NONCE_AT + NONCE_SIZE,
    TAG_SIZE = 16,
    AAD_MAX = 512,
};

static void put_id(unsigned char *p, uint32_t id)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(id >> (24 - 8 * i));
}

static bool is_name(const char *name)
{
    return name != NULL && *name != '\0' && strchr(name, '|') == NULL;
}

/* What is authenticated besides the secret. No name holds '|' and numbers hold none
 * either, so two places never give the same text. */
static void describe(struct strbuf *aad, const struct seal_place *at, uint32_t key_id)
{
    assert(is_name(at->purpose) && is_name(at->table) && is_name(at->column));
    strbuf_init(aad, AAD_MAX);
    strbuf_addf(aad, "v1|%s|%s|%s|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%08" PRIx32,
                at->purpose, at->table, at->column, at->row, at->part, at->workspace,
                key_id);
    assert(!strbuf_failed(aad));
}

/* Fills blob, whose version, key id and nonce are set, with ciphertext and tag. */
static void encrypt(const unsigned char *key, const struct strbuf *aad, const void *plain,
                    size_t len, unsigned char *blob)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;

    must(ctx != NULL &&
             EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, blob + NONCE_AT, NULL) == 1,
         "GCM init");
    must(EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)aad->buf,
                           (int)aad->len) == 1,
         "GCM data");
    if (len > 0)
        must(EVP_EncryptUpdate(ctx, blob + TEXT_AT, &n, plain, (int)len) == 1,
             "GCM text");
    must(EVP_EncryptFinal_ex(ctx, blob + TEXT_AT + len, &n) == 1, "GCM final");
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE,
                             blob + TEXT_AT + len) == 1,
         "GCM tag");
    EVP_CIPHER_CTX_free(ctx);
}

enum rc seal_close(const struct key_ring *ring, const struct seal_place *place,
                   const void *plain, size_t len, struct strbuf *out, struct err *err)
{
    unsigned char key[KEY_SIZE];
    uint32_t id = key_ring_active(ring);
    unsigned char *blob;
    struct strbuf aad;
    enum rc rc;

    if (len > SEAL_PLAIN_MAX || out->limit - out->len < len + SEAL_OVERHEAD)
        return err_set(err, RC_INVALID, "seal_too_long",
                       "a secret of %zu bytes is too long to be sealed", len);
    rc = key_ring_derive(ring, id, place->purpose, key, err);
    if (rc != RC_OK)
        return rc;
    describe(&aad, place, id);
    blob = xmalloc(len + SEAL_OVERHEAD);
    blob[0] = VERSION;
    put_id(blob + ID_AT, id);
    random_fill(random_system(), blob + NONCE_AT, NONCE_SIZE);
    encrypt(key, &aad, plain, len, blob);
    strbuf_add(out, blob, len + SEAL_OVERHEAD);
    free(blob);
    strbuf_release(&aad);
    explicit_bzero(key, sizeof(key));
    return RC_OK;
}

/* True when every byte of the blob is authentic; plain is worth nothing otherwise. */
static bool decrypt(const unsigned char *key, const struct strbuf *aad,
                    const unsigned char *blob, size_t text_len, unsigned char *plain)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char tag[TAG_SIZE];
    int n = 0;
    bool authentic;

    (void)memcpy(tag, blob + TEXT_AT + text_len, TAG_SIZE);
    must(ctx != NULL &&
             EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, blob + NONCE_AT, NULL) == 1,
         "GCM init");
    must(EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)aad->buf,
                           (int)aad->len) == 1,
         "GCM data");
    if (text_len > 0)
        must(EVP_DecryptUpdate(ctx, plain, &n, blob + TEXT_AT, (int)text_len) == 1,
             "GCM text");
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1, "GCM tag");
    authentic = EVP_DecryptFinal_ex(ctx, plain + text_len, &n) > 0;
    EVP_CIPHER_CTX_free(ctx);
    return authentic;
}

static enum rc broken(struct err *err)
{
    return err_set(err, RC_REJECTED, "seal_broken",
                   "a sealed secret was changed, or lies in a place it was not made for");
}

enum rc seal_open(const struct key_ring *ring, const struct seal_place *place,
                  const void *blob, size_t len, struct strbuf *out, struct err *err)
{
    unsigned char key[KEY_SIZE];
    uint32_t id = seal_key_id(blob, len);
    size_t text_len = len - SEAL_OVERHEAD;
    unsigned char *plain;
    struct strbuf aad;
    enum rc rc;

    if (id == 0 || text_len > SEAL_PLAIN_MAX)
        return broken(err);
    if (out->limit - out->len < text_len)
        return err_set(err, RC_INVALID, "seal_too_long",
                       "an opened secret of %zu bytes is longer than expected", text_len);
    rc = key_ring_derive(ring, id, place->purpose, key, err);
    if (rc != RC_OK)
        return rc;
    describe(&aad, place, id);
    plain = xmalloc(text_len + TAG_SIZE);
    if (decrypt(key, &aad, blob, text_len, plain))
        strbuf_add(out, plain, text_len);
    else
        rc = broken(err);
    explicit_bzero(plain, text_len + TAG_SIZE);
    free(plain);
    strbuf_release(&aad);
    explicit_bzero(key, sizeof(key));
    return rc;
}

uint32_t seal_key_id(const void *blob, size_t len)
{
    const unsigned char *p = blob;

    if (len < SEAL_OVERHEAD || p[0] != VERSION)
        return 0;
    p += ID_AT;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool seal_is_current(const struct key_ring *ring, const void *blob, size_t len)
{
    uint32_t id = seal_key_id(blob, len);

    return id != 0 && id == key_ring_active(ring);
}
