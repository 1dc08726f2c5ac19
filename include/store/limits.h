/* store/limits.h - the publisher's side of TikTok's limits on an account
 * (domain/limit.h).
 *
 * While an account is paused none of its posts of that mode opens a session: each is
 * moved to the pause's end, with the reason, and goes on by itself then. Nothing of this
 * is a failure of the post; what it was due for stays, and its person's patience counts
 * from the end of the pause (job.limited_until). Other accounts, and posts of the other
 * mode, are not touched. */
#ifndef STORE_LIMITS_H
#define STORE_LIMITS_H

#include "domain/limit.h"
#include "store/jobs.h"

enum { LIMIT_HINTS_MAX = 200 }; /* moved posts that are named; the feed finds the rest */

/* Which post of which account. */
struct limit_post {
    const struct job_ref *ref;
    uint64_t account_id;
    bool direct; /* else a draft for the inbox */
};

/* What stands in the post's way before it has asked TikTok for anything. */
struct limit_bar {
    int64_t until_ms; /* 0: nothing */
    char reason[JOB_CODE_SIZE];
    const char *log_id; /* of TikTok's refusal; NULL: TikTok was not asked */
    int64_t limited_ms; /* until when limits have held it up so far; 0: they have not */
};
enum rc limit_check(struct db *db, const struct limit_post *post, struct limit_bar *out,
                    struct err *err) MUST_CHECK;

/* Ends the claim of the post: it is scheduled again for the pause's end, and with it
 * every other of the account and mode that was due before. bar.until_ms 0: TikTok has
 * refused with bar.reason; unless the account is paused already the pause begins now, as
 * long as domain/limit.h says, and people are told once. RC_CONFLICT: the post is not
 * ours any more; nothing was done. */
struct limit_moved {
    int64_t until_ms;
    bool begun; /* this began the pause */
    struct job_hint hints[LIMIT_HINTS_MAX];
    size_t n;
};
enum rc limit_put_off(struct db *db, const struct limit_post *post,
                      const struct limit_bar *bar, struct limit_moved *out,
                      struct err *err) MUST_CHECK;

#endif
