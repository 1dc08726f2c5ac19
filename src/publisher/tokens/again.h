/* publisher/again.h - whether a refresh that gave no tokens is asked for again, and when.
 *
 * Pure. A lost answer may have been a rotation: the same token is sent again after 2, 10
 * and 30 s, which helps if TikTok never got the first request. A refusal may come from an
 * answer that crossed: it is asked for once more after 5 s, and then believed. */
#ifndef PUBLISHER_AGAIN_H
#define PUBLISHER_AGAIN_H

#include "core/attr.h"
#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    AGAIN_DENIED_MS = 5000,
    AGAIN_NAP_MAX_MS = 5000, /* longer waits hold no thread: the row says when */
};

struct again {
    unsigned lost; /* requests without an answer, in a row, those of earlier claims too */
    bool denied;   /* TikTok has refused the token under this claim */
};

enum again_do {
    AGAIN_ASK,   /* after wait_ms, under this claim */
    AGAIN_LATER, /* the claim is given back; the refresh is due in wait_ms */
    AGAIN_DEAD,  /* the token is dead */
};

struct again_step {
    enum again_do what;
    int64_t wait_ms;
};

/* A claim of a token whose refreshes have failed so often. */
struct again again_begin(unsigned fails) MUST_CHECK;

/* rc: of a request that gave no tokens (RC_DENIED: TikTok refuses the token; RC_REJECTED:
 * it refuses us). left_ms: what is left of the claim; a request is begun only when it can
 * end within. */
struct again_step again_next(struct again *a, enum rc rc, int64_t left_ms) MUST_CHECK;

#endif
