#include "tiktok/video.h"

#include "answer_priv.h"
#include "core/jsonw.h"

#include <assert.h>

void tiktok_video_list_body(int64_t cursor_ms, int max_count, struct strbuf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key_int(&w, "max_count", max_count);
    if (cursor_ms > 0)
        jsonw_key_int(&w, "cursor", cursor_ms);
    jsonw_end(&w);
}

void tiktok_video_query_body(const char *const *ids, size_t n, struct strbuf *out)
{
    struct jsonw w;

    assert(n > 0 && n <= TIKTOK_VIDEO_PAGE);
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key(&w, "filters");
    jsonw_object(&w);
    jsonw_key(&w, "video_ids");
    jsonw_array(&w);
    for (size_t i = 0; i < n; i++)
        jsonw_text(&w, ids[i]);
    jsonw_end(&w);
    jsonw_end(&w);
    jsonw_end(&w);
}

static bool read_video(const json_t *object, struct tiktok_video *video)
{
    *video = (struct tiktok_video){0};
    answer_text(object, "title", video->title, sizeof(video->title));
    if (video->title[0] == '\0')
        answer_text(object, "video_description", video->title, sizeof(video->title));
    answer_https(object, "share_url", video->share_url, sizeof(video->share_url));
    video->created_s = answer_i64(object, "create_time", 0);
    video->duration_s = answer_i64(object, "duration", -1);
    video->views = answer_i64(object, "view_count", -1);
    video->likes = answer_i64(object, "like_count", -1);
    video->comments = answer_i64(object, "comment_count", -1);
    video->shares = answer_i64(object, "share_count", -1);
    return answer_post_id(json_object_get(object, "id"), video->id, sizeof(video->id));
}

static void read_page(const json_t *data, int64_t sent_cursor_ms,
                      struct tiktok_video_page *page)
{
    const json_t *item;
    size_t i;

    page->count = 0;
    json_array_foreach(json_object_get(data, "videos"), i, item)
    {
        if (page->count == TIKTOK_VIDEO_PAGE)
            break;
        if (read_video(item, &page->video[page->count]))
            page->count++;
    }
    page->cursor_ms = answer_i64(data, "cursor", 0);
    page->has_more = answer_bool(data, "has_more", false) && page->cursor_ms > 0 &&
                     (sent_cursor_ms == 0 || page->cursor_ms < sent_cursor_ms);
}

enum rc tiktok_video_list_parse(const struct tiktok_answer *answer,
                                int64_t sent_cursor_ms, struct tiktok_reply *reply,
                                struct tiktok_video_page *page, struct err *err)
{
    json_t *root;
    enum rc rc = answer_open(TIKTOK_IN_API, ANSWER_QUESTION, answer, reply, &root, err);

    if (rc != RC_OK)
        return rc;
    if (json_is_object(answer_data(root)))
        read_page(answer_data(root), sent_cursor_ms, page);
    else
        rc = answer_unreadable(ANSWER_QUESTION, reply, err);
    json_decref(root);
    return rc;
}

enum rc tiktok_video_query_parse(const struct tiktok_answer *answer,
                                 struct tiktok_reply *reply,
                                 struct tiktok_video_page *page, struct err *err)
{
    enum rc rc = tiktok_video_list_parse(answer, 0, reply, page, err);

    if (rc != RC_OK)
        return rc;
    page->has_more = false; /* samples show a cursor here; there is no next page */
    page->cursor_ms = 0;
    return RC_OK;
}
