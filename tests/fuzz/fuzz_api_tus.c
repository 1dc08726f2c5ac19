/* The header fields of an upload. The first byte chooses which. */
#include "api/uploads/tus.h"
#include "core/xalloc.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted is written and read again without loss. */
static void metadata(const char *text)
{
    struct tus_metadata m;
    struct tus_metadata again;
    struct strbuf sb;
    struct err err;

    if (tus_read_metadata(text, &m, &err) != RC_OK)
        return;
    assert(media_filename_ok(m.filename));
    strbuf_init(&sb, 4096);
    tus_write_metadata(&sb, m.filename, m.filetype);
    if (sb.len <= TUS_METADATA_MAX) {
        assert(tus_read_metadata(sb.buf, &again, &err) == RC_OK);
        assert(strcmp(m.filename, again.filename) == 0);
    }
    strbuf_release(&sb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char sum[TUS_SHA256_SIZE];
    struct err err;
    int64_t n;
    char *text;

    if (size == 0)
        return 0;
    text = xmemdupz(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        metadata(text);
        break;
    case 1:
        if (tus_read_length(text, &n, &err) == RC_OK)
            assert(n >= 1 && n <= MEDIA_VIDEO_BYTES_MAX);
        break;
    case 2:
        if (tus_read_offset(text, &n, &err) == RC_OK)
            assert(n >= 0);
        break;
    default:
        if (tus_read_checksum(text, sum, &err) != RC_OK)
            assert(err.rc == RC_INVALID);
        break;
    }
    free(text);
    return 0;
}
