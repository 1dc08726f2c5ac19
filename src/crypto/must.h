/* crypto/must.h - for OpenSSL calls that cannot fail on valid arguments.
 *
 * If one does, the library is broken or out of memory, and a process that went on would
 * work with an unset key or digest: it ends, as core/xalloc.h does without memory. */
#ifndef SRC_CRYPTO_MUST_H
#define SRC_CRYPTO_MUST_H

#include <stdbool.h>

/* Ends the process with a line on stderr that names what failed, unless ok. */
void must(bool ok, const char *what);

#endif
