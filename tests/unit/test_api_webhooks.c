/* api/webhooks: what may be kept is kept byte for byte, and the rest is refused before it
 * costs anything. */
#include "api/api.h"
#include "crypto/digest.h"
#include "queue/queue.h"
#include "store/webhooks.h"
#include "unit.h"
#include "web/stream.h"

#include <stdio.h>
#include <string.h>

#define HEX32 "00112233445566778899aabbccddeeff"
#define GOOD  "t=1767225600,s=" HEX32 HEX32

static struct {
    const char *header, *body;
    size_t body_len;
    enum rc body_rc, keep_rc, hint_rc;
    int kept, hinted;
    char signature[HOOK_SIGNATURE_SIZE], bytes[64];
    unsigned char hash[HOOK_HASH_SIZE];
    size_t max;
} fake;

const char *web_header(const struct web_request *req UNUSED, const char *name)
{
    ck_assert_str_eq(name, "TikTok-Signature");
    return fake.header;
}

enum rc web_body_read(const struct web_request *req UNUSED, size_t max,
                      struct strbuf *out, struct err *err)
{
    fake.max = max;
    if (fake.body_rc != RC_OK)
        return err_set(err, fake.body_rc, "too_large", "as told");
    strbuf_add(out, fake.body, fake.body_len);
    return RC_OK;
}

enum rc hook_keep(struct db *db UNUSED, const struct hook_new *hook, struct err *err)
{
    if (fake.keep_rc != RC_OK)
        return err_retry(err, fake.keep_rc, HOOK_AGAIN_MS, "webhooks_full", "as told");
    fake.kept++;
    (void)snprintf(fake.signature, sizeof(fake.signature), "%s", hook->signature);
    ck_assert_uint_le(hook->len, sizeof(fake.bytes));
    (void)memcpy(fake.bytes, hook->body, hook->len);
    (void)memcpy(fake.hash, hook->hash, sizeof(fake.hash));
    return RC_OK;
}

enum rc queue_hook_hint(struct redis *r UNUSED, struct err *err)
{
    fake.hinted++;
    return fake.hint_rc == RC_OK ? RC_OK
                                 : err_set(err, fake.hint_rc, "redis_away", "as told");
}

static struct web_response res;
static struct err err;

static void setup(void)
{
    static const char body[] = "{\"event\":\0\"x\"}";

    web_response_init(&res);
    fake.header = GOOD;
    fake.body = body;
    fake.body_len = sizeof(body) - 1;
}

static void teardown(void)
{
    web_response_release(&res);
}

static enum rc take(void)
{
    const struct web_request web = {0};
    const struct api_request req = {.web = &web};
    struct api api = {0};

    return webhook_routes.routes[0].handle(&api, &req, &res, &err);
}

START_TEST(the_route_is_open_to_the_outside_and_reads_its_body_itself)
{
    const struct api_route *r = &webhook_routes.routes[0];

    ck_assert_uint_eq(webhook_routes.n, 1);
    ck_assert_str_eq(r->method, "POST");
    ck_assert_str_eq(r->path, "/api/webhooks/tiktok");
    ck_assert_int_eq(r->auth, AUTH_OUTSIDE);
    ck_assert_int_eq(r->body, BODY_RAW);
}
END_TEST

START_TEST(a_delivery_is_kept_byte_for_byte_and_a_publisher_is_woken)
{
    unsigned char hash[DIGEST_SHA256_SIZE];

    digest_sha256(fake.body, fake.body_len, hash);
    ck_assert_int_eq(take(), RC_OK);
    ck_assert_int_eq(res.status, 200);
    ck_assert_str_eq(res.body.buf, "{\"received\":true}");
    ck_assert_int_eq(fake.kept, 1);
    ck_assert_int_eq(fake.hinted, 1);
    ck_assert_str_eq(fake.signature, GOOD);
    ck_assert_mem_eq(fake.bytes, fake.body, fake.body_len);
    ck_assert_mem_eq(fake.hash, hash, sizeof(hash));
    ck_assert_uint_eq(fake.max, HOOK_BODY_MAX);
}
END_TEST

START_TEST(without_redis_it_is_kept_all_the_same)
{
    fake.hint_rc = RC_UNAVAILABLE;
    ck_assert_int_eq(take(), RC_OK);
    ck_assert_int_eq(res.status, 200);
    ck_assert_int_eq(fake.kept, 1);
}
END_TEST

START_TEST(what_cannot_be_signed_is_refused_unread)
{
    char longest[HOOK_SIGNATURE_SIZE + 1];
    const char *const headers[] = {
        NULL, "", "t=1", "s=" HEX32 HEX32, "t=1,s=" HEX32, "t=,s=" HEX32 HEX32, longest};

    (void)memset(longest, ' ', sizeof(longest));
    (void)memcpy(longest, GOOD, sizeof(GOOD) - 1);
    longest[HOOK_SIGNATURE_SIZE] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        fake.header = headers[i];
        fake.max = 0;
        ck_assert_msg(take() == RC_INVALID, "header %zu", i);
        ck_assert_str_eq(err.code, "bad_request");
        ck_assert_uint_eq(fake.max, 0);
    }
    longest[HOOK_SIGNATURE_SIZE - 1] = '\0';
    ck_assert_int_eq(take(), RC_OK);
    ck_assert_int_eq(fake.kept, 1);
}
END_TEST

START_TEST(what_is_empty_too_large_or_too_much_is_not_kept)
{
    fake.body_len = 0;
    ck_assert_int_eq(take(), RC_INVALID);
    ck_assert_str_eq(err.code, "bad_request");
    fake.body_rc = RC_INVALID;
    ck_assert_int_eq(take(), RC_INVALID);
    ck_assert_str_eq(err.code, "too_large");
    fake.body_rc = RC_OK;
    fake.body_len = 3;
    fake.keep_rc = RC_UNAVAILABLE;
    ck_assert_int_eq(take(), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "webhooks_full");
    ck_assert_int_eq(res.status, 0);
    ck_assert_int_eq(fake.kept + fake.hinted, 0);
}
END_TEST

UNIT_MAIN_FIXTURE("api_webhooks", setup, teardown,
                  the_route_is_open_to_the_outside_and_reads_its_body_itself,
                  a_delivery_is_kept_byte_for_byte_and_a_publisher_is_woken,
                  without_redis_it_is_kept_all_the_same,
                  what_cannot_be_signed_is_refused_unread,
                  what_is_empty_too_large_or_too_much_is_not_kept)
