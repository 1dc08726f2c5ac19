/* sandbox/listing.h - what the lists of the simulator's own interface have in common.
 *
 * Rows come in a callback that cannot fail: what goes wrong in one is kept in rc, later
 * rows do no more look-ups, and the caller returns rc when the list is written. */
#ifndef SRC_SANDBOX_LISTING_H
#define SRC_SANDBOX_LISTING_H

#include "exchange.h"

struct listing {
    struct exchange *x;
    struct err *err;
    enum rc rc;           /* RC_OK until a row failed; err says how */
    struct person person; /* of the last row: neighbours are often of one person */
};

/* The username of the person a row is about, good until the next row; NULL: nobody has
 * this id, or rc is no longer RC_OK. */
const char *listing_username(struct listing *l, int64_t user_id);

/* A key with a number; null for 0, which stands for "not yet" and "none". */
void key_int_unless_zero(struct jsonw *w, const char *key, int64_t n);

/* Reads ?name= of 0..max into *n, which stays as it is without it. RC_INVALID names it.
 */
enum rc query_number(const struct exchange *x, const char *name, int64_t max, int64_t *n,
                     struct err *err) MUST_CHECK;

#endif
