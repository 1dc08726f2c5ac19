/* domain/limit.h - TikTok's limits on what an account may post, as far as we know them.
 *
 * TikTok names no figure for the posts of a day: it varies, counts the posts of other
 * apps as well, and is learned from refusals. Drafts that wait in the inbox are limited
 * to LIMIT_DRAFTS in 24 h. Direct posts and drafts have limits of their own: a full inbox
 * does not keep a direct post back. Decisions without I/O; times are ms UTC. */
#ifndef DOMAIN_LIMIT_H
#define DOMAIN_LIMIT_H

#include "core/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LIMIT_DAY_MS = 86400000,       /* TikTok's caps are for any 24 h */
    LIMIT_MARGIN_MS = 60000,       /* after a post has left that window */
    LIMIT_PAUSE_MIN_MS = 900000,   /* the first pause after a refusal; doubles, */
    LIMIT_PAUSE_MAX_MS = 21600000, /* up to this */
    LIMIT_PAUSE_ROW_MS = 86400000, /* a refusal so long after the last one is a first */
    LIMIT_DRAFTS = 5,              /* source: docs/tiktok.md 8, "pending share" */
    LIMIT_LEARN_MIN = 5,           /* a refusal after fewer posts of ours says nothing of
                                    * the cap: the others were another app's */
    LIMIT_CAP_LIFE_MS = 259200000, /* a learned cap is then forgotten, since TikTok raises
                                    * them without a word */
};

/* Codes of domain/reason.h that TikTok's limits go by. */
#define LIMIT_DAILY_POSTS "daily_post_limit"
#define LIMIT_INBOX_FULL  "inbox_full"

/* What the account has posted through us in the last 24 h, in the mode in question. */
struct limit_use {
    unsigned n;        /* posts past their grant, and those about to be */
    int64_t oldest_ms; /* of those past it; 0: none */
};

/* TikTok has refused at now_ms. */
struct limit_refusal {
    int64_t now_ms;
    bool counted;         /* by a cap on posts of 24 h: use is about them */
    struct limit_use use; /* if counted */
    unsigned pauses;      /* in a row, up to now */
    int64_t paused_ms;    /* when the last one began; 0: never */
};

struct limit_pause {
    int64_t until_ms;
    unsigned pauses; /* in a row, this one included */
    unsigned cap;    /* learned; 0: nothing */
};
struct limit_pause limit_pause_of(const struct limit_refusal *refusal);

/* A cap is known: when the next post may go out, or 0 when it may now. */
int64_t limit_reached(unsigned cap, const struct limit_use *use, int64_t now_ms);

#endif
