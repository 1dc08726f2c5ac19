/* tiktok/event.h - what TikTok tells us by itself: the body of a webhook.
 *
 * Delivery is at least once, in any order, and forgeable until its signature has been
 * checked, so an event is a hint: a post's fate is read with status/fetch, and an account
 * is only disabled, not deleted (docs/tiktok.md 10). The envelope's "content" is JSON
 * serialized as a text, hence parsed twice. */
#ifndef TIKTOK_EVENT_H
#define TIKTOK_EVENT_H

#include "core/err.h"
#include "tiktok/errors.h"
#include "tiktok/oauth.h"
#include "tiktok/posting.h"
#include "tiktok/status.h"

enum tiktok_event_kind {
    TIKTOK_EVENT_OTHER,         /* not for us, or newer than this program: ignore */
    TIKTOK_EVENT_DISCONNECTED,  /* authorization.removed: the tokens are dead */
    TIKTOK_EVENT_POST_FAILED,   /* see failure */
    TIKTOK_EVENT_POST_COMPLETE, /* posted, not yet through moderation */
    TIKTOK_EVENT_IN_INBOX,      /* a draft was delivered */
    TIKTOK_EVENT_PUBLIC,        /* visible to all: post_id is set */
    TIKTOK_EVENT_NOT_PUBLIC,    /* no longer visible to all */
};

struct tiktok_event {
    enum tiktok_event_kind kind;
    char name[64];       /* TikTok's word for it */
    char client_key[64]; /* must be ours */
    char open_id[TIKTOK_OPEN_ID_MAX + 1];
    char publish_id[TIKTOK_PUBLISH_ID_MAX + 1];
    char post_id[TIKTOK_POST_ID_MAX + 1]; /* decimal, or "" */
    char publish_type[24];                /* "DIRECT_PUBLISH", "INBOX_SHARE" or "" */
    char fail_reason[96];
    const struct tiktok_error *failure; /* POST_FAILED: its row, else NULL */
    int32_t removed_reason; /* DISCONNECTED: 0 unknown, 1 by the person, 2 account
                             * deleted, 3 age changed, 4 account banned, 5 by this app */
    int64_t created_s;      /* Unix UTC seconds, TikTok's clock; 0: not said */
};

/* Reads a webhook's raw body, whose signature was checked before (crypto/webhook.h).
 * RC_INVALID "event_unreadable": no such envelope, or the content of a post's event is
 * not JSON or names no publish_id. A withdrawn permission is believed without a reason.
 * The content is taken also when it comes as an object instead of a text. */
enum rc tiktok_event_parse(const char *body, size_t len, struct tiktok_event *event,
                           struct err *err) MUST_CHECK;

#endif
