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

#endif
