/* sandbox/post_body.h - the bodies of init requests, read and judged. Pure.
 *
 * Every function returns NULL, or the sentence of the 400 that the body deserves. What
 * TikTok does not know is passed over, as TikTok does. */
#ifndef SRC_SANDBOX_POST_BODY_H
#define SRC_SANDBOX_POST_BODY_H

#include "publications.h"

#include <jansson.h>

/* post_info of a direct video post into caption, privacy, flags and cover_ms. */
const char *read_video_post(const json_t *body, struct publication *p) MUST_CHECK;

/* source_info of a video into plan; *pull: it is to be fetched, and there is no plan. */
const char *read_video_source(const json_t *body, struct publication *p,
                              bool *pull) MUST_CHECK;

/* A photo post; *direct: post_mode is DIRECT_POST, and privacy is set. */
const char *read_photo_mode(const json_t *body, bool *direct) MUST_CHECK;
const char *read_photo_post(const json_t *body, bool direct,
                            char privacy[PRIVACY_SIZE]) MUST_CHECK;

#endif
