/* publisher/intake/ear.h - wake-ups from Redis: "a post is due sooner than you think",
 * "there is a task", "there is a webhook", "TikTok has news of the post".
 *
 * Opened again, on a store thread, whenever it was closed; nothing depends on it. */
#ifndef PUBLISHER_EAR_H
#define PUBLISHER_EAR_H

#include "../publisher.h"

struct ear;

/* RC_INVALID: the URL in the settings is wrong. */
enum rc ear_new(struct publisher *p, struct ear **out, struct err *err) MUST_CHECK;
void ear_free(struct ear *ear); /* NULL is fine */

/* The descriptor to wait for, or -1. */
int ear_fd(const struct ear *ear);

/* There is something to read: wakes whom it concerns. */
void ear_listen(struct ear *ear);

#endif
