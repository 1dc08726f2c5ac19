/* ffprobe's JSON: what a hostile file made it say. */
#include "media/probe.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct media_facts facts = {.kind = MEDIA_KIND_VIDEO, .container = "mp4", .bytes = 1};
    struct media_check checks[MEDIA_CHECKS_MAX];
    struct strbuf sb;
    struct err err;

    if (probe_parse((const char *)data, size, &facts, &err) != RC_OK)
        return 0;
    assert(facts.width >= 0 && facts.height >= 0 && facts.fps_milli >= 0);
    assert(facts.duration_ms >= 0);
    strbuf_init(&sb, 16384);
    media_checks_write(checks, media_check(&facts, NULL, checks), &sb);
    assert(!strbuf_failed(&sb));
    strbuf_release(&sb);
    return 0;
}
