/* api/zone.h - does a time zone of that name exist? Asks the machine's tzdata, which is
 * kept up to date with the system; the browser's list comes from the same source. */
#ifndef SRC_API_ZONE_H
#define SRC_API_ZONE_H

#include "core/attr.h"

#include <stdbool.h>

/* True when tzdata has a zone of exactly that name (case matters). Any text may be
 * asked. */
bool zone_exists(const char *name) MUST_CHECK;

#endif
