/* media/sniff.h - what a file is, by its first bytes.
 *
 * Neither the name nor the type a client claims is believed: the first bytes decide which
 * single reader of ffprobe a file is given to. So a playlist or a script that points to
 * other files never reaches a reader that would follow it, whatever it is called.
 * Sources: ISO/IEC 14496-12 4.3 and QuickTime's file format (ftyp and its brands), RFC
 * 8794 (EBML's DocType), JPEG's SOI, the RIFF container of WebP. */
#ifndef SRC_MEDIA_SNIFF_H
#define SRC_MEDIA_SNIFF_H

#include "domain/media.h"

#include <stddef.h>

enum { SNIFF_BYTES = 4096 }; /* of the beginning are enough */

struct sniffed {
    enum media_kind kind;  /* UNKNOWN: neither a video nor a photo */
    const char *container; /* mp4 mov webm jpeg webp png gif avif or another; constant */
    const char *demuxer;   /* the reader of ffprobe for it; NULL: not to be read */
};

/* Looks at the first len bytes (SNIFF_BYTES, or the whole file when it is shorter). */
struct sniffed sniff(const unsigned char *head, size_t len);

#endif
