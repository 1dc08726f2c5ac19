/* Digests, HMAC, comparison and PKCE, against published vectors. */
#include "core/attr.h"
#include "core/encode.h"
#include "crypto/compare.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "crypto/pkce.h"
#include "unit.h"

#include <string.h>

START_TEST(digests_are_those_of_the_standard)
{
    static const struct {
        enum digest_kind kind;
        const char *text, *hex;
    } cases[] = {
        /* FIPS 180-4 examples */
        {DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {DIGEST_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {DIGEST_SHA256, "abc",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {DIGEST_SHA256, "",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {DIGEST_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct digest *d = digest_new(cases[i].kind);
        unsigned char out[DIGEST_SIZE_MAX];
        char hex[2 * DIGEST_SIZE_MAX + 1];
        const char *text = cases[i].text;
        size_t half = strlen(text) / 2;

        digest_add(d, text, half); /* in two pieces: the same digest */
        digest_add(d, text + half, strlen(text) - half);
        hex_encode(out, digest_finish(d, out), hex);
        digest_free(d);
        ck_assert_msg(strcmp(hex, cases[i].hex) == 0, "case %zu: %s", i, hex);
    }
    digest_free(NULL);
}
END_TEST

START_TEST(one_call_gives_the_same_digest_as_pieces)
{
    char hex[DIGEST_SHA256_HEX_SIZE];

    digest_sha256_hex("abc", 3, hex);
    ck_assert_str_eq(hex,
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256_hex(NULL, 0, hex);
    ck_assert_str_eq(hex,
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(hmac_is_that_of_rfc_4231)
{
    unsigned char key[131];
    char hex[HMAC_HEX_SIZE];
    struct hmac_part hi = {"Hi There", 8};
    struct hmac_part jefe[] = {{"what do ya want ", 16}, {NULL, 0}, {"for nothing?", 12}};
    struct hmac_part long_key = {"Test Using Larger Than Block-Size Key - Hash Key First",
                                 54};

    (void)memset(key, 0x0b, sizeof(key));
    hmac_sha256_hex(key, 20, &hi, 1, hex);
    ck_assert_str_eq(hex,
                     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_sha256_hex("Jefe", 4, jefe, ARRAY_LEN(jefe), hex);
    ck_assert_str_eq(hex,
                     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    (void)memset(key, 0xaa, sizeof(key));
    hmac_sha256_hex(key, 131, &long_key, 1, hex);
    ck_assert_str_eq(hex,
                     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
END_TEST

START_TEST(an_empty_key_and_message_have_an_hmac_too)
{
    char hex[HMAC_HEX_SIZE];

    hmac_sha256_hex(NULL, 0, NULL, 0, hex);
    ck_assert_str_eq(hex,
                     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

START_TEST(a_signature_as_tiktok_makes_it_is_reproduced)
{
    /* docs/tiktok.md */
    static const char body[] =
        "{\"client_key\":\"sbawtestclientkey1\",\"event\":\"post.publish.complete\","
        "\"create_time\":1767225600,\"user_openid\":\"-"
        "000TESTopenid00000000000000000000\","
        "\"content\":\"{\\\"publish_id\\\":\\\"v_pub_file~v2-1.7600000000000000001\\\","
        "\\\"publish_type\\\":\\\"DIRECT_PUBLISH\\\"}\"}";
    struct hmac_part parts[] = {{"1767225600", 10}, {".", 1}, {body, sizeof(body) - 1}};
    char hex[HMAC_HEX_SIZE];

    hmac_sha256_hex("test_client_secret", 18, parts, ARRAY_LEN(parts), hex);
    ck_assert_str_eq(hex,
                     "b33b4ae7e52a70b2184eb6b2e225f49ae9a8ecd6c1652e5244619887e20161b9");
}
END_TEST

START_TEST(secrets_are_equal_only_when_every_byte_and_the_length_are)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"", "", true},        {"a", "a", true},   {"a", "b", false},
        {"a", "", false},      {"ab", "a", false}, {"abc", "abd", false},
        {"abc", "Abc", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(secret_equal_text(cases[i].a, cases[i].b) == cases[i].equal,
                      "case %zu", i);
    ck_assert(secret_equal(NULL, 0, NULL, 0));
    ck_assert(!secret_equal("a\0b", 3, "a\0c", 3));
}
END_TEST

START_TEST(the_pkce_challenge_is_hex_as_tiktok_wants_it)
{
    char challenge[PKCE_CHALLENGE_SIZE];

    /* docs/tiktok.md: the verifier of RFC 7636, appendix B */
    pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge);
    ck_assert_str_eq(challenge,
                     "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3");
}
END_TEST

START_TEST(a_pkce_verifier_is_long_enough_and_never_the_same)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char a[PKCE_VERIFIER_SIZE];
    char b[PKCE_VERIFIER_SIZE];

    pkce_verifier_new(random_system(), a);
    pkce_verifier_new(random_system(), b);
    ck_assert_str_ne(a, b);
    ck_assert_uint_eq(strlen(a), 64);
    ck_assert_uint_eq(strspn(a, allowed), 64);
}
END_TEST

UNIT_MAIN("crypto_digest", digests_are_those_of_the_standard,
          one_call_gives_the_same_digest_as_pieces, hmac_is_that_of_rfc_4231,
          an_empty_key_and_message_have_an_hmac_too,
          a_signature_as_tiktok_makes_it_is_reproduced,
          secrets_are_equal_only_when_every_byte_and_the_length_are,
          the_pkce_challenge_is_hex_as_tiktok_wants_it,
          a_pkce_verifier_is_long_enough_and_never_the_same)
