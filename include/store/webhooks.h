/* store/webhooks.h - what TikTok tells us by itself, from its arrival to its effect.
 *
 * tts-api keeps a delivery as it came: it has no secret and cannot tell a true one from a
 * forged one. A publisher claims what waits as it claims a task (owner, fence, lease),
 * checks the signature over the raw bytes, reads it, and ends the row in the transaction
 * of its effect, so that a delivery has its effect once:
 *
 *     rc = hook_claim(db, inc, rows, HOOK_BATCH, &len, err);
 *     ...
 *     rc = hook_apply_post(db, &rows[i], inc, &news, &effect, err);
 *     hook_release(&rows[i]);
 *
 * TikTok delivers at least once, in any order, for 72 h, perhaps signed anew each time. A
 * body that was applied before is not applied again, whatever its signature; each effect
 * is moreover such that it may be repeated and comes out the same in any order.
 *
 * What nobody has signed must cost little: at most HOOK_WAITING_MAX rows wait, then
 * deliveries are refused until a publisher has looked (TikTok repeats them); and a forged
 * one is deleted, not kept, as soon as it has been looked at. */
#ifndef STORE_WEBHOOKS_H
#define STORE_WEBHOOKS_H

#include "core/err.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HOOK_BODY_MAX = 16384,     /* bytes; TikTok's events have below 1 KiB */
    HOOK_SIGNATURE_SIZE = 256, /* bytes of a signature header with its NUL */
    HOOK_HASH_SIZE = 32,       /* SHA-256 of a body */
    HOOK_WAITING_MAX = 1000,   /* rows that wait, forged ones included */
    HOOK_AGAIN_MS = 30000,     /* Retry-After of what was refused for that */
    HOOK_BATCH = 16,           /* rows one claim may take */
    HOOK_LEASE_MS = 60000,     /* a claimed row is looked at again after this */
    HOOK_CRASHES_MAX = 3,      /* publishers that died of a row: then it is refused */
    HOOK_CODE_SIZE = 65,       /* bytes of an event's name or a reason with its NUL */
};
#define HOOK_KEPT_MS INT64_C(2592000000) /* 30 days, far beyond TikTok's 72 h */

/* --- tts-api -------------------------------------------------------------------- */

/* A delivery as it came; all borrowed. */
struct hook_new {
    const char *signature; /* the header's value, shorter than HOOK_SIGNATURE_SIZE */
    const unsigned char *hash;
    const void *body;
    size_t len; /* 1..HOOK_BODY_MAX */
};

/* Keeps it, due now. The same body with the same signature is kept once, which is RC_OK
 * too. RC_UNAVAILABLE "webhooks_full": as many wait as may, nothing was stored. */
enum rc hook_keep(struct db *db, const struct hook_new *hook, struct err *err) MUST_CHECK;

/* --- the publisher --------------------------------------------------------------- */

/* A delivery in a publisher's hands. */
struct hook {
    uint64_t id;
    uint64_t fence;
    int64_t received_ms;
    int64_t age_ms; /* since then */
    char signature[HOOK_SIGNATURE_SIZE];
    unsigned char hash[HOOK_HASH_SIZE];
    char *body; /* raw, with a NUL behind it that does not count */
    size_t len;
};

/* Claims up to max (<= HOOK_BATCH) that wait, in the order of their arrival; *len says
 * how many. The caller releases each. One that three publishers died of is refused
 * ("internal") instead. */
enum rc hook_claim(struct db *db, uint64_t inc, struct hook *out, size_t max, size_t *len,
                   struct err *err) MUST_CHECK;
void hook_release(struct hook *hook);

/* Ends of a row; RC_CONFLICT: it is not ours any more. */

/* Signed, but of no use: kept with the reason. event may be "". */
enum rc hook_refuse(struct db *db, const struct hook *hook, uint64_t inc,
                    const char *event, const char *reason, struct err *err) MUST_CHECK;

/* Not signed by TikTok: deleted. */
enum rc hook_drop(struct db *db, const struct hook *hook, uint64_t inc,
                  struct err *err) MUST_CHECK;

/* Not now: waits again for after_ms. */
enum rc hook_later(struct db *db, const struct hook *hook, uint64_t inc, int64_t after_ms,
                   struct err *err) MUST_CHECK;

/* An event that changes nothing here: kept as applied, "ignored". */
enum rc hook_ignore(struct db *db, const struct hook *hook, uint64_t inc,
                    const char *event, struct err *err) MUST_CHECK;

/* What the effect was; the reason of the row's end. */
enum hook_effect_kind {
    HOOK_ASKED,      /* who holds the post shall ask TikTok now: see struct hook_effect */
    HOOK_REOPENED,   /* a post in REVIEW waits for a publisher again, which will ask */
    HOOK_DOUBTED,    /* a post that was over, or to be tried again, may be out: REVIEW */
    HOOK_STORED,     /* a published post shows something new */
    HOOK_NOTED,      /* only its timeline does */
    HOOK_REPEATED,   /* the same body was applied before: nothing */
    HOOK_PARTED,     /* the account must be reconnected */
    HOOK_OUTDATED,   /* the account was connected anew since: nothing */
    HOOK_PARTED_OLD, /* the account had to be reconnected already, or is disconnected */
};

struct hook_effect {
    enum hook_effect_kind kind;
    uint64_t post_id, account_id;
    uint64_t owner;  /* HOOK_ASKED: publisher.inc that holds the post; 0: nobody does */
    bool unexpected; /* the post is out twice, or TikTok contradicts itself */
};

/* "asked", "reopened", ... */
const char *hook_effect_name(enum hook_effect_kind kind);

/* News of a publication. */
enum hook_news {
    HOOK_NEWS_FAILED,
    HOOK_NEWS_COMPLETE, /* posted; of a draft: by the person */
    HOOK_NEWS_IN_INBOX,
    HOOK_NEWS_PUBLIC, /* everybody can see it */
    HOOK_NEWS_HIDDEN, /* not any more */
};
struct hook_post {
    enum hook_news news;
    const char *event; /* TikTok's word for it */
    const char *publish_id;
    const char *open_id; /* whose; "": not said */
    const char *post_id; /* decimal, or "" */
    int64_t at_ms;       /* by TikTok's clock */
};

/* Applies news of a post. Its fate is decided by asking TikTok, never by this, so that
 * webhooks and polls cannot disagree: whoever holds the post shall ask now, or it is made
 * due. What cannot be asked any more is stored: the post's address, whether everybody can
 * see it, and that a draft was posted. RC_NOT_FOUND "unknown_publish_id": no attempt of
 * ours; "account_mismatch": one of another account. The row has not ended then. */
enum rc hook_apply_post(struct db *db, const struct hook *hook, uint64_t inc,
                        const struct hook_post *news, struct hook_effect *out,
                        struct err *err) MUST_CHECK;

/* A permission that was withdrawn. */
struct hook_removal {
    const char *event;
    const char *open_id;
    const char *reason; /* account.status_reason: why, one of domain/account.c */
    int64_t at_ms;      /* by TikTok's clock */
};

/* The account must be reconnected, its tokens are wiped, its posts wait. A withdrawal
 * from before the present connection changes nothing. RC_NOT_FOUND "unknown_account": no
 * account of ours; the row has not ended then. */
enum rc hook_apply_removal(struct db *db, const struct hook *hook, uint64_t inc,
                           const struct hook_removal *removal, struct hook_effect *out,
                           struct err *err) MUST_CHECK;

/* Deletes some of the rows that ended longer than HOOK_KEPT_MS ago; *n: how many. */
enum rc hook_purge(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

#endif
