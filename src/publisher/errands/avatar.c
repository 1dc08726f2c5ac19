/* The picture of an account (errand.h): fetched from TikTok and kept as a blob. */
#include "../call.h"
#include "blob/blob.h"
#include "core/log.h"
#include "core/text.h"
#include "errand.h"
#include "net/url.h"

#include <inttypes.h>
#include <string.h>

enum { FETCH_MS = 10000 };

/* TikTok's hosts for pictures; docs/tiktok.md 4 and 5.1 show the first two. */
static const char *const hosts[] = {
    ".tiktokcdn.com",    ".tiktokcdn-us.com", ".tiktokcdn-eu.com",
    ".tiktokcdn-in.com", ".tiktok.com",       ".ibyteimg.com",
};

bool avatar_host_ok(const struct settings *settings, const char *url)
{
    struct url_origin origin, api;
    struct err err;

    if (url_origin(url, &origin, &err) != RC_OK)
        return false;
    if (settings->local[0] != NULL &&
        url_origin(settings->local[0], &api, &err) == RC_OK &&
        url_origin_same(&origin, &api))
        return true;
    if (strcmp(origin.scheme, "https") != 0 || origin.port != 443)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        if (text_ends_with(origin.host, hosts[i]))
            return true;
    }
    return false;
}

bool avatar_bytes_ok(const void *data, size_t len)
{
    const char *p = data;

    return (len > 3 && memcmp(p, "\xff\xd8\xff", 3) == 0) ||
           (len > 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0) ||
           (len > 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0);
}

static enum rc keep(const struct publisher *p, uint64_t account_id,
                    const struct strbuf *picture, struct err *err)
{
    struct blob_store *blobs = NULL; /* the publisher's own belongs to the loop */
    enum rc rc = blob_store_open(&p->settings->media, &blobs, err);

    if (rc == RC_OK)
        rc = blob_put_avatar(blobs, account_id, picture->buf, picture->len, err);
    blob_store_close(blobs);
    return rc;
}

void avatar_copy(const struct publisher *p, uint64_t account_id, const char *url)
{
    const struct http_request req = {.method = "GET",
                                     .url = url,
                                     .max_response = BLOB_SIDE_MAX,
                                     .timeout_ms = FETCH_MS};
    struct http_response res;
    struct err err;
    enum rc rc;

    if (!avatar_host_ok(p->settings, url)) {
        log_warn("avatar.host_refused", "account=%" PRIu64, account_id);
        return;
    }
    rc = call(p->calls, &req, &res, &err);
    if (rc != RC_OK) {
        log_failure("avatar.not_fetched", &err);
        return;
    }
    if (res.status != 200 || !avatar_bytes_ok(res.body.buf, res.body.len))
        log_warn("avatar.not_a_picture", "account=%" PRIu64 " http=%d bytes=%zu",
                 account_id, res.status, res.body.len);
    else if (keep(p, account_id, &res.body, &err) != RC_OK)
        log_failure("avatar.not_kept", &err);
    strbuf_release(&res.body);
}
