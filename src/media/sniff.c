#include "sniff.h"

#include "core/attr.h"

#include <stdbool.h>
#include <string.h>

static bool has(const unsigned char *head, size_t len, size_t at, const char *bytes)
{
    size_t n = strlen(bytes);

    return len >= at + n && memcmp(head + at, bytes, n) == 0;
}

/* ISO files begin with a box; its type is at 4. Files older than ftyp are QuickTime's. */
static bool is_old_quicktime(const unsigned char *head, size_t len)
{
    static const char *const types[] = {"moov", "mdat", "wide", "free", "skip", "pnot"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (has(head, len, 4, types[i]))
            return true;
    }
    return false;
}

static struct sniffed of_iso(const unsigned char *head, size_t len)
{
    static const struct {
        const char *brand;
        struct sniffed is;
    } brands[] = {
        {"qt  ", {MEDIA_KIND_VIDEO, "mov", "mov"}},
        {"heic", {MEDIA_KIND_PHOTO, "heic", NULL}},
        {"heix", {MEDIA_KIND_PHOTO, "heic", NULL}},
        {"mif1", {MEDIA_KIND_PHOTO, "heic", NULL}},
        {"hevc", {MEDIA_KIND_PHOTO, "heic", NULL}},
        {"msf1", {MEDIA_KIND_PHOTO, "heic", NULL}},
        {"avif", {MEDIA_KIND_PHOTO, "avif", "mov"}},
        {"avis", {MEDIA_KIND_PHOTO, "avif", NULL}},
    };

    for (size_t i = 0; i < ARRAY_LEN(brands); i++) {
        if (has(head, len, 8, brands[i].brand))
            return brands[i].is;
    }
    return (struct sniffed){MEDIA_KIND_VIDEO, "mp4", "mov"};
}

/* EBML: the element DocType (0x4282) among the first of the header says which Matroska
 * it is. Sizes below 127 take one byte, and both names are that short. */
static struct sniffed of_ebml(const unsigned char *head, size_t len)
{
    static const struct sniffed webm = {MEDIA_KIND_VIDEO, "webm", "matroska"};
    static const struct sniffed other = {MEDIA_KIND_VIDEO, "matroska", "matroska"};
    size_t end = len < 64 ? len : 64;

    for (size_t i = 4; i + 3 <= end; i++) {
        if (head[i] == 0x42 && head[i + 1] == 0x82 && head[i + 2] == 0x84)
            return has(head, len, i + 3, "webm") ? webm : other;
    }
    return other;
}

struct sniffed sniff(const unsigned char *head, size_t len)
{
    static const struct {
        size_t at;
        const char *bytes;
        struct sniffed is;
    } table[] = {
        {0, "\xff\xd8\xff", {MEDIA_KIND_PHOTO, "jpeg", "jpeg_pipe"}},
        {8, "WEBP", {MEDIA_KIND_PHOTO, "webp", "webp_pipe"}},
        {0, "\x89PNG", {MEDIA_KIND_PHOTO, "png", "png_pipe"}},
        {0, "GIF8", {MEDIA_KIND_PHOTO, "gif", "gif"}},
        {8, "AVI ", {MEDIA_KIND_VIDEO, "avi", NULL}},
        {0, "FLV", {MEDIA_KIND_VIDEO, "flv", NULL}},
        {0, "\x30\x26\xb2\x75", {MEDIA_KIND_VIDEO, "wmv", NULL}},
        {0, "\x47\x40", {MEDIA_KIND_VIDEO, "mpeg-ts", NULL}},
        {0, "#EXTM3U", {MEDIA_KIND_UNKNOWN, "playlist", NULL}},
        {0, "%PDF", {MEDIA_KIND_UNKNOWN, "pdf", NULL}},
        {0, "PK\x03\x04", {MEDIA_KIND_UNKNOWN, "zip", NULL}},
    };

    if (has(head, len, 4, "ftyp"))
        return of_iso(head, len);
    if (has(head, len, 0, "\x1a\x45\xdf\xa3"))
        return of_ebml(head, len);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (has(head, len, table[i].at, table[i].bytes))
            return table[i].is;
    }
    if (is_old_quicktime(head, len))
        return (struct sniffed){MEDIA_KIND_VIDEO, "mov", "mov"};
    return (struct sniffed){MEDIA_KIND_UNKNOWN, "unknown", NULL};
}
