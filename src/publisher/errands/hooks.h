/* publisher/errands/hooks.h - what TikTok tells us by itself, checked and applied.
 *
 * tts-api keeps deliveries as they come; here they are claimed, some at a time, judged by
 * the signature over their raw bytes as of their arrival, read, and applied on a store
 * thread (store/webhooks.h). No webhook decides a post's fate: it makes whoever holds the
 * post ask TikTok at once, so webhooks and polls cannot disagree, and without webhooks
 * everything happens as well, only later. A wake-up only shortens the wait for the next
 * look. */
#ifndef PUBLISHER_HOOKS_H
#define PUBLISHER_HOOKS_H

#include "../publisher.h"

struct hooks;

struct hooks *hooks_new(struct publisher *p);
void hooks_free(struct hooks *hs); /* NULL is fine */

/* Looks now. */
void hooks_wake(struct hooks *hs);

#endif
