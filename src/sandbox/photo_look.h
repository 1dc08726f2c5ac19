/* sandbox/photo_look.h - a glance at a picture of a photo post, as TikTok's checks take
 * one: JPEG or WebP, and no larger than 1080 by 1920 pixels, either way round.
 *
 * The size is read from the file's head (JPEG: its frame header, ITU-T T.81 B.2.2; WebP:
 * RFC 9649); the picture itself is not decoded. The file is whatever somebody sent, so
 * every number in it is checked before it is used. */
#ifndef SRC_SANDBOX_PHOTO_LOOK_H
#define SRC_SANDBOX_PHOTO_LOOK_H

#include "media_look.h"

enum {
    PHOTO_SHORT_MAX = 1080, /* pixels of the shorter side */
    PHOTO_LONG_MAX = 1920,  /* of the longer one */
};

/* Looks at the open file of size bytes. NULL when TikTok would take it, else the
 * fail_reason. */
const char *photo_look(int fd, int64_t size, struct media_look *look);

#endif
