/* sandbox/deeds.h - what people do in their TikTok app, when somebody plays them. */
#ifndef SRC_SANDBOX_DEEDS_H
#define SRC_SANDBOX_DEEDS_H

#include "exchange.h"

/* Posts a draft from the inbox, for everyone to see, or throws it away. RC_CONFLICT: it
 * is not a draft that waits. Inside a transaction, as the others. */
enum rc draft_post(struct exchange *x, struct publication *p, struct err *err) MUST_CHECK;
enum rc draft_discard(struct exchange *x, struct publication *p,
                      struct err *err) MUST_CHECK;

/* Why an app is no longer on a person's list, with TikTok's numbers. */
enum removal {
    REMOVED_UNKNOWN = 0,
    REMOVED_BY_PERSON = 1,
    REMOVED_DELETED = 2, /* with the account */
    REMOVED_AGE = 3,     /* the person's age changed */
    REMOVED_BANNED = 4,  /* the account was banned */
    REMOVED_BY_APP = 5,  /* the developer revoked the token */
    REMOVAL_COUNT,
};

/* The number of the wire. */
static inline bool removal_known(int64_t reason)
{
    return reason >= REMOVED_UNKNOWN && reason < REMOVAL_COUNT;
}

/* Takes the app off the person's list: tokens die, what is on its way fails, and the app
 * is told why, if it was on the list. */
enum rc app_remove(struct exchange *x, int64_t app_id, int64_t user_id, enum removal why,
                   struct err *err) MUST_CHECK;

/* The same for every app the person has let in. With the account itself gone (deleted or
 * banned) it is closed until account_reopen(). */
enum rc apps_remove(struct exchange *x, struct person *person, enum removal why,
                    struct err *err) MUST_CHECK;
enum rc account_reopen(struct exchange *x, struct person *person,
                       struct err *err) MUST_CHECK;

/* Takes a post from the public, or lets everyone see it. RC_CONFLICT: it is not posted,
 * or is so already. */
enum rc post_hide(struct exchange *x, struct publication *p, struct err *err) MUST_CHECK;
enum rc post_show(struct exchange *x, struct publication *p, struct err *err) MUST_CHECK;

#endif
