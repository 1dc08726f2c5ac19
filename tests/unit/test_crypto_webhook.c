/* TikTok's signature of a webhook: docs/tiktok.md 10, and the published way to sign. */
#include "core/attr.h"
#include "crypto/webhook.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define SIGNATURE "b33b4ae7e52a70b2184eb6b2e225f49ae9a8ecd6c1652e5244619887e20161b9"

static const char secret[] = "test_client_secret";
static const int64_t signed_at = 1767225600;
static const char body[] =
    "{\"client_key\":\"sbawtestclientkey1\",\"event\":\"post.publish.complete\","
    "\"create_time\":1767225600,\"user_openid\":\"-000TESTopenid00000000000000000000\","
    "\"content\":\"{\\\"publish_id\\\":\\\"v_pub_file~v2-1.7600000000000000001\\\","
    "\\\"publish_type\\\":\\\"DIRECT_PUBLISH\\\"}\"}";

/* The verdict on a body of len bytes under the first secret_len bytes of the secret. */
static enum webhook_verdict judge(const char *header, const char *bytes, size_t len,
                                  size_t secret_len)
{
    const struct webhook w = {header, bytes, len};
    int64_t at;

    return webhook_verify(secret, secret_len, &w, signed_at, &at);
}

static enum webhook_verdict verify(const char *header, int64_t now_s)
{
    const struct webhook w = {header, body, sizeof(body) - 1};
    int64_t at;

    return webhook_verify(secret, sizeof(secret) - 1, &w, now_s, &at);
}

START_TEST(a_header_is_read_in_every_spelling_and_in_no_other_form)
{
    static const struct {
        const char *header;
        enum webhook_verdict verdict;
    } cases[] = {
        {"t=1767225600,s=" SIGNATURE, WEBHOOK_FRESH},
        {"TikTok-Signature: t=1767225600,s=" SIGNATURE, WEBHOOK_FRESH},
        {"Tiktok-Signature: t=1767225600,s=" SIGNATURE, WEBHOOK_FRESH},
        {"tiktok-signature:t=1767225600,s=" SIGNATURE "\r\n", WEBHOOK_FRESH},
        {" t=1767225600 , s=" SIGNATURE " ", WEBHOOK_FRESH},
        {"s=" SIGNATURE ",t=1767225600", WEBHOOK_FRESH},
        {"t=1767225600,v=2,s=" SIGNATURE, WEBHOOK_FRESH},
        {"t=1767225600,s="
         "B33B4AE7E52A70B2184EB6B2E225F49AE9A8ECD6C1652E5244619887E20161B9",
         WEBHOOK_FRESH},
        /* while a secret is being replaced there may be two */
        {"t=1767225600,s="
         "0000000000000000000000000000000000000000000000000000000000000000,s=" SIGNATURE,
         WEBHOOK_FRESH},
        {"t=1767225600,s="
         "b33b4ae7e52a70b2184eb6b2e225f49ae9a8ecd6c1652e5244619887e20161b8",
         WEBHOOK_FORGED},
        {"t=1767225600,s="
         "c33b4ae7e52a70b2184eb6b2e225f49ae9a8ecd6c1652e5244619887e20161b9",
         WEBHOOK_FORGED},
        {"t=1767225601,s=" SIGNATURE, WEBHOOK_FORGED},
        {"t=01767225600,s=" SIGNATURE, WEBHOOK_FORGED},
        {"", WEBHOOK_UNREADABLE},
        {"t=1767225600", WEBHOOK_UNREADABLE},
        {"s=" SIGNATURE, WEBHOOK_UNREADABLE},
        {"t=,s=" SIGNATURE, WEBHOOK_UNREADABLE},
        {"t=now,s=" SIGNATURE, WEBHOOK_UNREADABLE},
        {"t=-1767225600,s=" SIGNATURE, WEBHOOK_UNREADABLE},
        {"t=99999999999999999999,s=" SIGNATURE, WEBHOOK_UNREADABLE},
        {"t=1767225600,t=1767225600,s=" SIGNATURE, WEBHOOK_UNREADABLE},
        {"t=1767225600,s=", WEBHOOK_UNREADABLE},
        {"t=1767225600,s=b33b", WEBHOOK_UNREADABLE},
        {"t=1767225600,s=" SIGNATURE "00", WEBHOOK_UNREADABLE},
        {"t=1767225600,s="
         "g33b4ae7e52a70b2184eb6b2e225f49ae9a8ecd6c1652e5244619887e20161b9",
         WEBHOOK_UNREADABLE},
        {"t=1767225600;s=" SIGNATURE, WEBHOOK_UNREADABLE},
        {"Signature: t=1767225600,s=" SIGNATURE, WEBHOOK_UNREADABLE},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum webhook_verdict v = verify(cases[i].header, signed_at);

        ck_assert_msg(v == cases[i].verdict, "%s: %s", cases[i].header,
                      webhook_verdict_name(v));
    }
}
END_TEST

START_TEST(a_header_is_readable_exactly_when_a_signature_can_be_compared)
{
    static const struct {
        const char *header;
        bool readable;
    } cases[] = {
        {"t=1767225600,s=" SIGNATURE, true},
        {"Tiktok-Signature: t=1767225600,s=" SIGNATURE, true},
        {"s=" SIGNATURE ",t=1", true},
        {"t=1,s=short,s=" SIGNATURE, true},
        {"t=1767225600", false},
        {"s=" SIGNATURE, false},
        {"t=1,t=2,s=" SIGNATURE, false},
        {"t=-1,s=" SIGNATURE, false},
        {"t=1,s=" SIGNATURE "0", false},
        {"t=1,s=g33b4ae7e52a70b2184eb6b2e225f49ae9a8ecd6c1652e5244619887e20161b9", false},
        {"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool compared = verify(cases[i].header, signed_at) != WEBHOOK_UNREADABLE;

        ck_assert_msg(webhook_readable(cases[i].header) == cases[i].readable, "%s",
                      cases[i].header);
        ck_assert_msg(compared == cases[i].readable, "%s", cases[i].header);
    }
}
END_TEST

START_TEST(every_byte_of_the_body_and_of_the_secret_counts)
{
    static const char header[] = "t=1767225600,s=" SIGNATURE;
    static const size_t len = sizeof(body) - 1;
    static const size_t secret_len = sizeof(secret) - 1;
    char changed[sizeof(body)];

    for (size_t i = 0; i < len; i++) {
        (void)memcpy(changed, body, sizeof(body));
        changed[i] ^= 1;
        ck_assert_int_eq(judge(header, changed, len, secret_len), WEBHOOK_FORGED);
    }
    ck_assert_int_eq(judge(header, body, len, secret_len), WEBHOOK_FRESH);
    /* the NUL behind it, as a newline that an editor has added; one byte too few */
    ck_assert_int_eq(judge(header, body, len + 1, secret_len), WEBHOOK_FORGED);
    ck_assert_int_eq(judge(header, body, len - 1, secret_len), WEBHOOK_FORGED);
    ck_assert_int_eq(judge(header, body, 0, secret_len), WEBHOOK_FORGED);
    ck_assert_int_eq(judge(header, body, len, secret_len - 1), WEBHOOK_FORGED);
}
END_TEST

START_TEST(age_decides_what_a_genuine_signature_is_worth)
{
    static const struct {
        int64_t age_s;
        enum webhook_verdict verdict;
    } cases[] = {
        {0, WEBHOOK_FRESH},
        {300, WEBHOOK_FRESH},
        {301, WEBHOOK_LATE},
        {72 * 3600, WEBHOOK_LATE},
        {72 * 3600 + 1, WEBHOOK_TOO_OLD},
        {INT64_C(4000000000), WEBHOOK_TOO_OLD},
        {-300, WEBHOOK_FRESH},
        {-301, WEBHOOK_TOO_EARLY},
        {-1767225600, WEBHOOK_TOO_EARLY},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum webhook_verdict v =
            verify("t=1767225600,s=" SIGNATURE, signed_at + cases[i].age_s);

        ck_assert_msg(v == cases[i].verdict, "%lld: %s", (long long)cases[i].age_s,
                      webhook_verdict_name(v));
    }
    /* a forged one stays forged, however old it claims to be */
    ck_assert_int_eq(verify("t=1,s=" SIGNATURE, signed_at), WEBHOOK_FORGED);
}
END_TEST

START_TEST(the_time_is_told_and_a_header_without_end_is_not_read)
{
    static const char good[] = "t=1767225600,s=" SIGNATURE;
    static char header[2 * WEBHOOK_SIGNATURE_MAX];
    struct webhook w = {good, "x", 1};
    int64_t at = 7;

    ck_assert_int_eq(webhook_verify(secret, sizeof(secret) - 1, &w, signed_at, &at),
                     WEBHOOK_FORGED);
    ck_assert_int_eq(at, signed_at);
    w.header = "nothing";
    ck_assert_int_eq(webhook_verify(secret, sizeof(secret) - 1, &w, signed_at, &at),
                     WEBHOOK_UNREADABLE);
    ck_assert_int_eq(at, 0);
    (void)memset(header, ',', sizeof(header) - 1);
    (void)memcpy(header, good, sizeof(good) - 1);
    ck_assert_int_eq(verify(header, signed_at), WEBHOOK_UNREADABLE);
    header[WEBHOOK_SIGNATURE_MAX] = '\0';
    ck_assert_int_eq(verify(header, signed_at), WEBHOOK_FRESH);
}
END_TEST

UNIT_MAIN("crypto_webhook", a_header_is_read_in_every_spelling_and_in_no_other_form,
          a_header_is_readable_exactly_when_a_signature_can_be_compared,
          every_byte_of_the_body_and_of_the_secret_counts,
          age_decides_what_a_genuine_signature_is_worth,
          the_time_is_told_and_a_header_without_end_is_not_read)
