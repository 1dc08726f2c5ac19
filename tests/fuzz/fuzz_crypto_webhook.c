/* Signatures of webhooks: a line with the header, then the body. Nobody can sign with a
 * secret that is not in the input, and what is signed with it is genuine. */
#include "crypto/hmac.h"
#include "crypto/webhook.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "a secret that stands in no corpus";
static const int64_t now_s = 1767225600;

static void check_own_signature(const void *body, size_t len)
{
    static const char t[] = "1767225600.";
    const struct hmac_part parts[] = {{t, sizeof(t) - 1}, {body, len}};
    char hex[HMAC_HEX_SIZE];
    char header[128];
    const struct webhook w = {header, body, len};
    int64_t at;

    hmac_sha256_hex(secret, sizeof(secret) - 1, parts, 2, hex);
    (void)snprintf(header, sizeof(header), "t=1767225600,s=%s", hex);
    assert(webhook_verify(secret, sizeof(secret) - 1, &w, now_s, &at) == WEBHOOK_FRESH);
    assert(at == now_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t header_len = end != NULL ? (size_t)(end - data) : size;
    size_t body_at = end != NULL ? header_len + 1 : size;
    char *header = strndup(size > 0 ? (const char *)data : "", header_len);
    struct webhook w = {header, size > body_at ? data + body_at : (const void *)"",
                        size - body_at};
    enum webhook_verdict verdict;
    int64_t at;

    assert(header != NULL);
    verdict = webhook_verify(secret, sizeof(secret) - 1, &w, now_s, &at);
    assert(verdict == WEBHOOK_FORGED || verdict == WEBHOOK_UNREADABLE);
    assert(webhook_readable(header) == (verdict == WEBHOOK_FORGED));
    assert(at >= 0);
    check_own_signature(w.body, w.len);
    free(header);
    return 0;
}
