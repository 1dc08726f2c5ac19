/* sandbox/pull_errand.h - the courier's errand that fetches: PULL_FROM_URL.
 *
 * Each file goes straight to the disk, as NUMBER-ITEM.part below uploads/, and gets its
 * name when it is whole. The publication is committed in the transaction that writes down
 * its last file, which only one courier does once; one that dies leaves rows that are
 * fetched again. Every 200 ms the bytes so far are written down, and what nobody wants
 * any more is broken off. */
#ifndef SRC_SANDBOX_PULL_ERRAND_H
#define SRC_SANDBOX_PULL_ERRAND_H

#include "courier.h"

extern const struct errand pull_errand;

#endif
