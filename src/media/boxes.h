/* media/boxes.h - is an MP4, MOV or WebM file whole?
 *
 * A file that was cut off on its way often still has a readable header, and ffprobe says
 * all is well. Its outermost boxes (ISO/IEC 14496-12, 4.2: a 32-bit size with the type,
 * size 1 for a 64-bit one, 0 for "to the end") give it away: the last one ends beyond the
 * file. */
#ifndef SRC_MEDIA_BOXES_H
#define SRC_MEDIA_BOXES_H

#include "core/err.h"

#include <stdint.h>

enum { BOXES_MAX = 100000 }; /* a fragmented hour has some thousands */

/* Walks the outermost boxes of the file fd of size bytes. *missing is how many bytes the
 * last box lacks: 0 when the file is whole; -1 when it cannot be told, because what
 * follows the last whole box is no box of a film.
 * RC_UNAVAILABLE: the file cannot be read. */
enum rc boxes_missing(int fd, int64_t size, int64_t *missing, struct err *err) MUST_CHECK;

/* The same of a WebM or Matroska file: its one Segment (RFC 9559, 5.1) says how long it
 * is. -1 as well when it was recorded live: then it does not. */
enum rc segment_missing(int fd, int64_t size, int64_t *missing,
                        struct err *err) MUST_CHECK;

#endif
