/* The body of an init, of any of the three kinds: what is taken fits its fields and obeys
 * the limits that TikTok documents. */
#include "core/text.h"
#include "sandbox/post_body.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t field, size_t units)
{
    size_t len = strnlen(text, field);

    assert(len < field && text_is_utf8(text, len) &&
           text_utf16_units(text, len) <= units);
}

static void check_urls(const struct pull_urls *urls)
{
    assert(urls->len <= PHOTO_IMAGES_MAX);
    for (size_t i = 0; i < urls->len; i++)
        assert(urls->url[i] != NULL && strlen(urls->url[i]) < PULL_URL_SIZE);
}

static void video(const json_t *body)
{
    struct publication p = {.id = 0};
    struct pull_urls urls = {.len = 0};

    if (read_video_post(body, &p) == NULL) {
        check_text(p.caption, sizeof(p.caption), CAPTION_UNITS_MAX);
        assert(privacy_known(p.privacy) && p.cover_ms >= -1);
        assert((p.flags & FLAG_BRAND_CONTENT) == 0 ||
               strcmp(p.privacy, "SELF_ONLY") != 0);
    }
    if (read_video_source(body, &p, &urls) != NULL)
        return;
    check_urls(&urls);
    assert(urls.len <= 1);
    if (urls.len == 0)
        assert(chunk_plan_problem(&p.plan) == NULL);
}

static void photos(const json_t *body)
{
    struct publication p = {.id = 0};
    struct pull_urls urls = {.len = 0};

    if (read_photo_mode(body, &p) != NULL || read_photo_post(body, &p) != NULL)
        return;
    check_text(p.caption, sizeof(p.caption), PHOTO_TEXT_UNITS_MAX);
    check_text(p.title, sizeof(p.title), PHOTO_TITLE_UNITS_MAX);
    assert(p.inbox ? p.privacy[0] == '\0' : privacy_known(p.privacy));
    if (read_photo_source(body, &p, &urls) != NULL)
        return;
    check_urls(&urls);
    assert(urls.len >= 1 && p.photos == (int64_t)urls.len);
    assert(p.cover_index >= 0 && p.cover_index < p.photos);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *body = json_loadb((const char *)data, size, 0, NULL);

    if (json_is_object(body)) {
        video(body);
        photos(body);
    }
    json_decref(body);
    return 0;
}
