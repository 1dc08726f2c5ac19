/* store/feed.h - how the things that a feed of changes names stand now.
 *
 * event_feed() says what has changed; this reads the word for each as the API shows it:
 * the status of a post, an account or a medium, "deleted" for what is not shown any
 * more. */
#ifndef STORE_FEED_H
#define STORE_FEED_H

#include "core/err.h"
#include "store/db.h"
#include "store/events.h"

#include <stddef.h>
#include <stdint.h>

/* words[i] becomes the word for feed->changes[i]; a constant. words has room for
 * EVENT_FEED_MAX. */
enum rc feed_words(struct db *db, uint64_t workspace_id, const struct event_feed *feed,
                   const char *words[], struct err *err) MUST_CHECK;

#endif
