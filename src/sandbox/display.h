/* sandbox/display.h - TikTok's Display API: who somebody is and what they posted. */
#ifndef SRC_SANDBOX_DISPLAY_H
#define SRC_SANDBOX_DISPLAY_H

#include "frame.h"

extern const struct api_rules user_info_rules;
extern const struct api_rules video_list_rules;
extern const struct api_rules video_query_rules;

#endif
