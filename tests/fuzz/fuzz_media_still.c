/* A photo's header, and what is taken out of a JPEG. The first byte tells the format. */
#include "core/io.h"
#include "media/still.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const containers[] = {"jpeg", "png", "webp", "gif", "avif"};
    static int fd = -1;
    struct strbuf jpeg;
    struct strbuf tidy;
    struct still is;
    struct err err;

    if (size < 1)
        return 0;
    if (fd < 0)
        fd = memfd_create("still", MFD_CLOEXEC);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data + 1, size - 1, 0) != (ssize_t)(size - 1))
        abort();
    if (still_read(fd, (int64_t)size - 1, containers[data[0] % ARRAY_LEN(containers)],
                   &is, &err) != RC_OK)
        abort();
    assert(is.width >= 0 && is.height >= 0);
    assert(is.orientation >= 1 && is.orientation <= 8);
    assert(is.flaw != NULL || (is.width > 0 && is.height > 0));
    strbuf_init(&jpeg, size);
    strbuf_init(&tidy, size);
    strbuf_add(&jpeg, data + 1, size - 1);
    still_tidy(&jpeg, &tidy);
    assert(!strbuf_failed(&tidy) && tidy.len <= jpeg.len);
    strbuf_release(&tidy);
    strbuf_release(&jpeg);
    return 0;
}
