/* api/session/throttle.h - how often one may try to sign in (docs/security.md).
 *
 * Counted in Redis, for 5 to 15 minutes from the first try: tries of one address on one
 * account, tries on one account from anywhere, and failures of one address (of IPv6 its
 * /64). A try is counted before the password is looked at, so that many at once do not
 * slip through. Nothing tells a known account from an unknown one, and nobody is locked
 * out for good.
 *
 * While Redis is away the count in the user's row decides, with a wait that doubles with
 * each failure, and every worker lets only a few tries a minute pass at all. */
#ifndef SRC_API_SESSION_THROTTLE_H
#define SRC_API_SESSION_THROTTLE_H

#include "../api.h"

#include "store/users.h"

enum {
    THROTTLE_PAIR_MAX = 5, /* tries of an address on an account */
    THROTTLE_PAIR_MS = 300000,
    THROTTLE_ACCOUNT_MAX = 20, /* tries on an account */
    THROTTLE_ACCOUNT_MS = 900000,
    THROTTLE_ADDRESS_MAX = 50, /* failures of an address */
    THROTTLE_ADDRESS_MS = 900000,
    THROTTLE_AWAY_MAX = 10, /* tries a worker lets pass while Redis is away */
    THROTTLE_AWAY_MS = 60000,
    THROTTLE_FREE = 5, /* failures in a user's row that cost no wait yet */
    THROTTLE_WAIT_MAX_MS = 900000,
    THROTTLE_KEY_SIZE = 64,
};

/* One try. */
struct throttle {
    char pair[THROTTLE_KEY_SIZE], account[THROTTLE_KEY_SIZE], address[THROTTLE_KEY_SIZE];
    bool redis_away;
};

/* Counts the try. RC_LIMITED "too_many_attempts" with the time to wait. */
enum rc throttle_begin(struct api *api, const char *ip, const char *email,
                       struct throttle *t, struct err *err) MUST_CHECK;

/* The same by the user's row; RC_OK unless Redis is away. */
enum rc throttle_check_row(const struct throttle *t, const struct user_login *user,
                           struct err *err) MUST_CHECK;

/* How it ended. user_id 0: nobody has that address. */
void throttle_failed(struct api *api, const struct throttle *t, uint64_t user_id);
void throttle_succeeded(struct api *api, const struct throttle *t);

/* What an address counts as: itself, or the /64 of IPv6. */
void throttle_address(const char *ip, char *out, size_t size);

/* The ms that somebody with so many failures has still to wait. */
int64_t throttle_wait_ms(uint32_t failed, int64_t failed_at_ms, int64_t now_ms);

#endif
