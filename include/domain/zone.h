/* domain/zone.h - what the name of a time zone may look like.
 *
 * Whether a name exists is for the machine's tzdata to say (src/api/zone.h asks it);
 * this is what may be asked at all: a name, never a path of the client's choosing. */
#ifndef DOMAIN_ZONE_H
#define DOMAIN_ZONE_H

#include "core/attr.h"

#include <stdbool.h>

enum {
    ZONE_NAME_MAX = 64,  /* bytes; the longest IANA name has 32 */
    ZONE_NAME_SIZE = 65, /* with the NUL */
};

/* True for the shape of IANA names: 1 to ZONE_NAME_MAX bytes, up to three parts with '/'
 * between them, each a capital or small letter and then letters, digits, '_', '+', '-';
 * the first letter is a capital. "Europe/Berlin", "Etc/GMT+5", "UTC"; no dots, so no part
 * can lead out of a directory. */
bool zone_name_ok(const char *name) MUST_CHECK;

#endif
