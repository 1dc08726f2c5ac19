/* sandbox/post_body.h - the bodies of init requests, read and judged. Pure.
 *
 * Every function returns NULL, or the sentence of the 400 that the body deserves. What
 * TikTok does not know is passed over, as TikTok does. */
#ifndef SRC_SANDBOX_POST_BODY_H
#define SRC_SANDBOX_POST_BODY_H

#include "publications.h"
#include "pulls.h"

#include <jansson.h>

/* post_info of a direct video post into caption, privacy, flags and cover_ms. */
const char *read_video_post(const json_t *body, struct publication *p) MUST_CHECK;

/* source_info of a video: into plan, or its address into urls, which has none before;
 * then it is to be fetched, and there is no plan. Addresses may be plain http: only what
 * the simulator knows of the app tells whether that is right. */
const char *read_video_source(const json_t *body, struct publication *p,
                              struct pull_urls *urls) MUST_CHECK;

/* A photo post: what it is, into p->inbox; what it says, into caption,
 * title, and of a direct one privacy and flags; and where its pictures are, with
 * photos and cover_index. In this order. */
const char *read_photo_mode(const json_t *body, struct publication *p) MUST_CHECK;
const char *read_photo_post(const json_t *body, struct publication *p) MUST_CHECK;
const char *read_photo_source(const json_t *body, struct publication *p,
                              struct pull_urls *urls) MUST_CHECK;

#endif
