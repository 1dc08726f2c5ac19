#include "domain/post.h"

#include "core/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAD_MIN_MS = 2000, /* token, creator_info, init */
};

void post_init(struct post_content *content)
{
    *content = (struct post_content){.kind = POST_VIDEO,
                                     .mode = POST_DIRECT,
                                     .caption = xstrdup(""),
                                     .cover_ms = -1,
                                     .cover_index = -1,
                                     .max_late_s = POST_LATE_S};
}

void post_release(struct post_content *content)
{
    free(content->caption);
    content->caption = NULL;
}

void post_copy(struct post_content *to, const struct post_content *from)
{
    char *caption = xstrdup(from->caption);

    free(to->caption);
    *to = *from;
    to->caption = caption;
}

bool post_same_time(const struct post_content *a, const struct post_content *b)
{
    return a->publish_at_ms == b->publish_at_ms && strcmp(a->timezone, b->timezone) == 0;
}

static bool same_media(const struct post_content *a, const struct post_content *b)
{
    return a->media_n == b->media_n &&
           memcmp(a->media_ids, b->media_ids, a->media_n * sizeof(a->media_ids[0])) == 0;
}

static bool same_switches(const struct post_content *a, const struct post_content *b)
{
    return a->allow_comment == b->allow_comment && a->allow_duet == b->allow_duet &&
           a->allow_stitch == b->allow_stitch && a->your_brand == b->your_brand &&
           a->branded_content == b->branded_content && a->is_aigc == b->is_aigc &&
           a->auto_add_music == b->auto_add_music;
}

bool post_same_content(const struct post_content *a, const struct post_content *b)
{
    return a->account_id == b->account_id && a->kind == b->kind && a->mode == b->mode &&
           a->cover_ms == b->cover_ms && a->cover_index == b->cover_index &&
           same_media(a, b) && same_switches(a, b) &&
           strcmp(a->caption, b->caption) == 0 && strcmp(a->title, b->title) == 0 &&
           strcmp(a->privacy_level, b->privacy_level) == 0;
}

const char *post_kind_name(enum post_kind kind)
{
    return kind == POST_PHOTO ? "photo" : "video";
}

const char *post_mode_name(enum post_mode mode)
{
    return mode == POST_INBOX ? "inbox" : "direct";
}

int64_t post_lead_at(enum post_kind kind, int64_t bytes, int64_t rate)
{
    int64_t ms;

    assert(rate > 0);
    if (kind == POST_PHOTO) /* TikTok fetches them itself, from the time on */
        return LEAD_MIN_MS;
    if (bytes / rate >= POST_LEAD_MAX_MS / 1000)
        return POST_LEAD_MAX_MS;
    ms = POST_LEAD_BURST_MS + bytes * 1500 / rate;
    return ms < POST_LEAD_MAX_MS ? ms : POST_LEAD_MAX_MS;
}

int64_t post_lead_ms(enum post_kind kind, int64_t bytes)
{
    return post_lead_at(kind, bytes, POST_LEAD_RATE);
}
