/* publisher/nap.h - a pause of a thread that tries again. The loop never sleeps. */
#ifndef PUBLISHER_NAP_H
#define PUBLISHER_NAP_H

#include <stdint.h>

void nap(int64_t ms);

#endif
