/* tiktok/creator.h - what the account may post right now: creator_info/query.
 *
 * TikTok demands that this is asked whenever the composer is shown, and its answer obeyed
 * (docs/tiktok.md 5.1, 9): only the listed audiences, interactions as allowed. It says
 * nothing about whether our app is audited. Three refusals come with HTTP 200. */
#ifndef TIKTOK_CREATOR_H
#define TIKTOK_CREATOR_H

#include "core/strbuf.h"
#include "tiktok/answer.h"
#include "tiktok/user.h"

/* POST with the body "{}"; scope video.publish; 20 a minute per token. */
#define TIKTOK_PATH_CREATOR "/v2/post/publish/creator_info/query/"
#define TIKTOK_CREATOR_BODY "{}"

enum {
    TIKTOK_PRIVACY_MAX = 40,        /* bytes of one privacy level's name */
    TIKTOK_PRIVACY_OPTIONS_MAX = 8, /* levels kept; TikTok has four */
};

/* The four audiences known today; others are passed through as they come. */
#define TIKTOK_PRIVACY_PUBLIC    "PUBLIC_TO_EVERYONE"
#define TIKTOK_PRIVACY_FRIENDS   "MUTUAL_FOLLOW_FRIENDS"
#define TIKTOK_PRIVACY_FOLLOWERS "FOLLOWER_OF_CREATOR"
#define TIKTOK_PRIVACY_SELF      "SELF_ONLY"

struct tiktok_creator {
    char username[TIKTOK_NAME_MAX + 1];  /* the handle, for profile and post URLs */
    char nickname[TIKTOK_NAME_MAX + 1];  /* must be shown to the person */
    char avatar_url[TIKTOK_URL_MAX + 1]; /* lives 2 h; to copy, or "" */
    char privacy[TIKTOK_PRIVACY_OPTIONS_MAX][TIKTOK_PRIVACY_MAX + 1];
    size_t privacy_count; /* at least 1 */
    bool comment_disabled, duet_disabled, stitch_disabled;
    int32_t max_video_s; /* longest video of this creator in seconds; 0: not said */
};

/* RC_LIMITED or RC_REJECTED: this creator cannot post now; show the row's words. */
enum rc tiktok_creator_parse(const struct tiktok_answer *answer,
                             struct tiktok_reply *reply, struct tiktok_creator *creator,
                             struct err *err) MUST_CHECK;

/* True when the level is one the creator may choose. */
bool tiktok_creator_allows(const struct tiktok_creator *creator,
                           const char *privacy_level) MUST_CHECK;

/* Appends the creator as a JSON object: the result of a creator_info task and the body
 * of the API's answer. Keys as TikTok's without "creator_": username, nickname,
 * avatar_url, privacy_level_options, comment_disabled, duet_disabled, stitch_disabled,
 * max_video_post_duration_sec (null when not said). */
void tiktok_creator_write(const struct tiktok_creator *creator, struct strbuf *out);

#endif
