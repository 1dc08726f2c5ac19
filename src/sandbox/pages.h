/* sandbox/pages.h - what a person sees of the simulated TikTok. */
#ifndef SRC_SANDBOX_PAGES_H
#define SRC_SANDBOX_PAGES_H

#include "exchange.h"

enum rc page_feed(struct exchange *x, struct err *err);    /* / */
enum rc page_people(struct exchange *x, struct err *err);  /* /people */
enum rc page_profile(struct exchange *x, struct err *err); /* /@name */
enum rc page_post(struct exchange *x, struct err *err);    /* /@name/video/ID */

/* A form of a profile: a draft posted or thrown away, the app let go. */
enum rc page_action(struct exchange *x, struct err *err);

#endif
