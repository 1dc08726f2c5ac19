/* Pages of videos: every video has an id, and no list goes on for ever. */
#include "fuzz_answer.h"
#include "tiktok/video.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_page(const struct tiktok_video_page *page, int64_t sent_ms)
{
    assert(page->count <= TIKTOK_VIDEO_PAGE);
    for (size_t i = 0; i < page->count; i++) {
        const struct tiktok_video *v = &page->video[i];

        fuzz_check_id(v->id);
        assert(v->share_url[0] == '\0' || strncmp(v->share_url, "https://", 8) == 0);
        assert(strnlen(v->title, sizeof(v->title)) < sizeof(v->title));
    }
    assert(!page->has_more || page->cursor_ms > 0);
    assert(!page->has_more || sent_ms == 0 || page->cursor_ms < sent_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t sent[] = {0, INT64_C(1767139200000)};
    static struct tiktok_video_page page; /* 42 kB: not for the stack */
    struct tiktok_answer answer = fuzz_answer(data, size);
    struct tiktok_reply reply;
    struct err err;
    enum rc rc;

    for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
        rc = tiktok_video_list_parse(&answer, sent[i], &reply, &page, &err);
        fuzz_check_reply(rc, &reply, &err, false);
        if (rc == RC_OK)
            check_page(&page, sent[i]);
    }
    rc = tiktok_video_query_parse(&answer, &reply, &page, &err);
    fuzz_check_reply(rc, &reply, &err, false);
    assert(rc != RC_OK || !page.has_more);
    return 0;
}
