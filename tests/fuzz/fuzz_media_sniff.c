/* The first bytes of an uploaded file, and its boxes. */
#include "core/io.h"
#include "media/boxes.h"
#include "media/sniff.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    struct sniffed s = sniff(data, size);
    int64_t missing = 0;
    struct err err;

    assert(s.container != NULL);
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        return 0;
    assert(boxes_missing(fd, (int64_t)size, &missing, &err) == RC_OK);
    assert(missing >= -1);
    assert(segment_missing(fd, (int64_t)size, &missing, &err) == RC_OK);
    assert(missing >= -1);
    return 0;
}
