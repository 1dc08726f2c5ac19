/* domain/post: the body of a create or a change, whatever comes; what was taken in obeys
 * its bounds, and the rules can be asked about it. */
#include "domain/post.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVERYTHING = (1 << 18) - 1 };

static void check(const struct post_content *c)
{
    static const struct post_creator creator = {.can_post = true};
    struct post_file files[POST_MEDIA_ROOM] = {{0}};
    struct post_problem problems[POST_PROBLEMS_MAX];
    struct post_ground g = {.files = files, .creator = &creator, .account_found = true};

    assert(c->media_n <= POST_MEDIA_ROOM);
    assert(strlen(c->caption) <= POST_CAPTION_BYTES_MAX);
    assert(strlen(c->title) <= POST_TITLE_BYTES_MAX);
    assert(c->cover_ms >= -1 && c->cover_ms <= POST_COVER_MS_MAX);
    assert(c->cover_index >= -1 && c->cover_index < POST_MEDIA_MAX);
    assert(c->publish_at_ms >= 0);
    for (int intent = POST_KEEP_DRAFT; intent <= POST_PUBLISH_NOW; intent++) {
        g.intent = (enum post_intent)intent;
        assert(post_check(c, &g, problems) <= POST_PROBLEMS_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct post_content content, copy;
    unsigned has = 0;
    struct err err;

    if (json_is_object(json)) {
        post_init(&content);
        post_init(&copy);
        if (post_read(json, EVERYTHING, &content, &has, &err) == RC_OK) {
            check(&content);
            post_copy(&copy, &content);
            assert(post_same_content(&copy, &content) && post_same_time(&copy, &content));
        } else {
            assert(err.field[0] != '\0' && err.code[0] != '\0');
        }
        post_release(&copy);
        post_release(&content);
    }
    json_decref(json);
    return 0;
}
