#include "sign.h"

#include "crypto/compare.h"

#include <assert.h>
#include <string.h>

static void put_u32(unsigned char out[4], uint32_t n)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(n >> (24 - 8 * i));
}

static uint32_t get_u32(const unsigned char in[4])
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* False when the ring has no key of that id. */
static bool tag_under(const struct key_ring *keys, uint32_t id, const char *purpose,
                      const struct hmac_part *parts, size_t n,
                      unsigned char tag[SIGN_SIZE])
{
    unsigned char key[KEY_SIZE];
    struct err unknown; /* the id came from outside: any may be asked for */

    if (key_ring_derive(keys, id, purpose, key, &unknown) != RC_OK)
        return false;
    put_u32(tag, id);
    hmac_sha256(key, sizeof(key), parts, n, tag + 4);
    explicit_bzero(key, sizeof(key));
    return true;
}

void sign_make(const struct key_ring *keys, const char *purpose,
               const struct hmac_part *parts, size_t n, unsigned char tag[SIGN_SIZE])
{
    bool known = tag_under(keys, key_ring_active(keys), purpose, parts, n, tag);

    assert(known);
    (void)known;
}

bool sign_check(const struct key_ring *keys, const char *purpose,
                const struct hmac_part *parts, size_t n,
                const unsigned char tag[SIGN_SIZE])
{
    unsigned char right[SIGN_SIZE];

    return tag_under(keys, get_u32(tag), purpose, parts, n, right) &&
           secret_equal(tag, SIGN_SIZE, right, sizeof(right));
}
