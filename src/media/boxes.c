#include "boxes.h"

#include "core/attr.h"
#include "core/io.h"

#include <stdbool.h>
#include <string.h>

enum { HEADER = 8, LONG_HEADER = 16 };

static uint64_t big_endian(const unsigned char *p, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

/* The size of the box whose first got bytes are at head and which has rest bytes to lie
 * in; 0 when that is no box. */
static uint64_t box_size(const unsigned char *head, size_t got, int64_t rest)
{
    uint64_t size;

    if (got < HEADER)
        return 0;
    size = big_endian(head, 4);
    if (size == 0)
        return (uint64_t)rest;
    if (size > 1)
        return size >= HEADER ? size : 0;
    if (got < LONG_HEADER)
        return 0;
    size = big_endian(head + HEADER, 8);
    return size >= LONG_HEADER ? size : 0;
}

/* Bytes after the last box are often somebody's junk and harm nobody: only a box of a
 * type that holds a film's own bytes shows that some are missing. */
static bool holds_film(const unsigned char *head)
{
    static const char *const types[] = {"moov", "mdat", "moof"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (memcmp(head + 4, types[i], 4) == 0)
            return true;
    }
    return false;
}

enum rc boxes_missing(int fd, int64_t size, int64_t *missing, struct err *err)
{
    int64_t at = 0;

    for (int i = 0; at < size && i < BOXES_MAX; i++) {
        unsigned char head[LONG_HEADER];
        size_t got = 0;
        uint64_t box;
        enum rc rc = io_pread_full(fd, head, sizeof(head), at, &got, err);

        if (rc != RC_OK)
            return rc;
        box = box_size(head, got, size - at);
        if (box == 0 || box > INT64_MAX / 2 ||
            (box > (uint64_t)(size - at) && !holds_film(head))) {
            *missing = -1;
            return RC_OK;
        }
        if (box > (uint64_t)(size - at)) {
            *missing = (int64_t)box - (size - at);
            return RC_OK;
        }
        at += (int64_t)box;
    }
    *missing = at == size ? 0 : -1;
    return RC_OK;
}

/* --- WebM ------------------------------------------------------------------------- */

enum { EBML_HEADER = 0x1a45dfa3, SEGMENT = 0x18538067, EBML_ID = 4, EBML_SIZE_MAX = 8 };

/* An element's size (RFC 8794, 4): the zeros before the first one say how many bytes it
 * has beyond the first. Returns how many it takes; 0 when it is not there whole, or not
 * known, which is written as ones only. */
static size_t element_size(const unsigned char *p, size_t got, uint64_t *size)
{
    size_t n = 1;
    uint64_t value;

    if (got == 0 || p[0] == 0)
        return 0;
    while ((p[0] & (0x80U >> (n - 1))) == 0)
        n++;
    if (n > got)
        return 0;
    value = big_endian(p, n) & ((UINT64_C(1) << (7 * n)) - 1);
    *size = value;
    return value == (UINT64_C(1) << (7 * n)) - 1 ? 0 : n;
}

/* The element at *at, if it is that one: *at and *size are of its content then. */
static enum rc enter(int fd, uint64_t id, int64_t *at, uint64_t *size, bool *ok,
                     struct err *err)
{
    unsigned char head[EBML_ID + EBML_SIZE_MAX];
    size_t got = 0;
    size_t n = 0;
    enum rc rc = io_pread_full(fd, head, sizeof(head), *at, &got, err);

    if (rc == RC_OK && got > EBML_ID && big_endian(head, EBML_ID) == id)
        n = element_size(head + EBML_ID, got - EBML_ID, size);
    *ok = n > 0;
    *at += (int64_t)(EBML_ID + n);
    return rc;
}

enum rc segment_missing(int fd, int64_t size, int64_t *missing, struct err *err)
{
    int64_t at = 0;
    uint64_t len = 0;
    bool ok = false;
    enum rc rc = enter(fd, EBML_HEADER, &at, &len, &ok, err);

    if (rc == RC_OK && ok && len < (uint64_t)size) {
        at += (int64_t)len;
        rc = enter(fd, SEGMENT, &at, &len, &ok, err);
    }
    if (rc != RC_OK)
        return rc;
    if (!ok || at > size || len > INT64_MAX / 2)
        *missing = -1;
    else
        *missing = len > (uint64_t)(size - at) ? (int64_t)len - (size - at) : 0;
    return RC_OK;
}
