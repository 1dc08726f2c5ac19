/* blob/dirfd.h - opening files below a directory and nowhere else. */
#ifndef SRC_BLOB_DIRFD_H
#define SRC_BLOB_DIRFD_H

#include "core/attr.h"

/* open() of name relative to the directory dirfd, close-on-exec. The kernel refuses
 * links and anything that would leave the directory; where it has no openat2() (before
 * Linux 5.6, or under a filter), a link in the last part is refused and callers pass only
 * names they made themselves. -1 and errno on failure. */
int dirfd_open(int dirfd, const char *name, int flags, unsigned mode) MUST_CHECK;

#endif
