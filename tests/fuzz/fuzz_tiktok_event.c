/* Bodies of webhooks: what is taken has what its kind must have. */
#include "fuzz_answer.h"
#include "tiktok/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_of_post(enum tiktok_event_kind kind)
{
    return kind != TIKTOK_EVENT_OTHER && kind != TIKTOK_EVENT_DISCONNECTED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tiktok_event e;
    struct err err;
    enum rc rc = tiktok_event_parse((const char *)data, size, &e, &err);

    if (rc != RC_OK) {
        assert(rc == RC_INVALID && strcmp(err.code, "event_unreadable") == 0);
        return 0;
    }
    assert(e.name[0] != '\0');
    assert(is_of_post(e.kind) == (e.publish_id[0] != '\0'));
    assert((e.kind == TIKTOK_EVENT_POST_FAILED) == (e.failure != NULL));
    assert(e.removed_reason >= 0 && e.removed_reason <= 99);
    if (e.post_id[0] != '\0')
        fuzz_check_id(e.post_id);
    return 0;
}
