/* sandbox/posting.h - TikTok's Content Posting API, but for the upload host. */
#ifndef SRC_SANDBOX_POSTING_H
#define SRC_SANDBOX_POSTING_H

#include "frame.h"

extern const struct api_rules creator_info_rules;
extern const struct api_rules video_init_rules;
extern const struct api_rules inbox_init_rules;
extern const struct api_rules photo_init_rules;
extern const struct api_rules status_rules;
extern const struct api_rules cancel_rules;

/* Whether a person has as many direct posts of 24 hours as the cap allows. */
enum rc day_is_full(struct exchange *x, const struct person *person, bool *full,
                    struct err *err) MUST_CHECK;

/* What keeps a person from posting now: a code of TikTok's, or NULL. */
enum rc posting_block(struct exchange *x, const struct person *person, const char **code,
                      struct err *err) MUST_CHECK;

#endif
