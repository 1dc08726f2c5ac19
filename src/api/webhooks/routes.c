/* POST /api/webhooks/tiktok: what TikTok tells us by itself.
 *
 * This program has no secret and cannot tell whether TikTok signed it, so it only keeps
 * the bytes and wakes a publisher, which checks. 200 means "kept": anything else makes
 * TikTok deliver again, for 72 hours. */
#include "../api.h"

#include "crypto/digest.h"
#include "crypto/webhook.h"
#include "queue/queue.h"
#include "store/webhooks.h"

#include <string.h>

static enum rc read_signature(const struct api_request *req, const char **out,
                              struct err *err)
{
    const char *header = web_header(req->web, "TikTok-Signature");

    if (header == NULL || strlen(header) >= HOOK_SIGNATURE_SIZE ||
        !webhook_readable(header))
        return err_set(err, RC_INVALID, "bad_request",
                       "The header TikTok-Signature must be t=SECONDS,s=HEX.");
    *out = header;
    return RC_OK;
}

static enum rc read_raw(const struct api_request *req, struct strbuf *body,
                        struct err *err)
{
    enum rc rc = web_body_read(req->web, HOOK_BODY_MAX, body, err);

    if (rc == RC_OK && body->len == 0)
        return err_set(err, RC_INVALID, "bad_request", "The body is empty.");
    return rc;
}

static enum rc keep(struct api *api, const char *signature, const struct strbuf *body,
                    struct err *err)
{
    unsigned char hash[DIGEST_SHA256_SIZE];
    const struct hook_new hook = {
        .signature = signature, .hash = hash, .body = body->buf, .len = body->len};
    enum rc rc;

    digest_sha256(body->buf, body->len, hash);
    rc = hook_keep(api->db, &hook, err);
    if (rc == RC_OK && queue_hook_hint(api->redis, err) != RC_OK)
        return RC_OK; /* Redis is away: a publisher's own look finds it */
    return rc;
}

static enum rc take_webhook(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err)
{
    const char *signature = NULL;
    struct strbuf body;
    struct jsonw w;
    enum rc rc = read_signature(req, &signature, err);

    if (rc != RC_OK)
        return rc;
    strbuf_init(&body, HOOK_BODY_MAX);
    rc = read_raw(req, &body, err);
    if (rc == RC_OK)
        rc = keep(api, signature, &body, err);
    strbuf_release(&body);
    if (rc != RC_OK)
        return rc;
    web_json_begin(res, 200, &w);
    jsonw_object(&w);
    jsonw_key_bool(&w, "received", true);
    jsonw_end(&w);
    return RC_OK;
}

static const struct api_route routes[] = {
    {"POST", "/api/webhooks/tiktok", AUTH_OUTSIDE, BODY_RAW, take_webhook},
};

const struct api_routes webhook_routes = {routes, ARRAY_LEN(routes)};
