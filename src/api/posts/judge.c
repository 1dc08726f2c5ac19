/* Judges a post by the rules of domain/post.h, and puts what is wrong into words. */
#include "../zone.h"
#include "core/rfc3339.h"
#include "posts.h"

#include <string.h>

/* What a code of the rules says; the dashboard has the same in www/src/words.ts. */
static const struct {
    const char *code, *sentence;
} words[] = {
    {"account_missing", "Choose the account to post to."},
    {"creator_blocked", "TikTok does not let this account post now. Try again later."},
    {"mode_not_granted", "The account did not grant this way of posting. Reconnect it or "
                         "choose the other way."},
    {"photos_not_set_up",
     "Photos cannot be posted yet: TikTok fetches them from an address that this "
     "installation does not have. An administrator must set MEDIA_PULL_URL and verify it "
     "at TikTok."},
    {"media_missing", "Add a file of this library."},
    {"media_kind", "The file is of another kind than the post."},
    {"media_count", "A video post takes one file, a photo post up to 35."},
    {"media_rejected", "TikTok would refuse this file. Replace it."},
    {"media_not_ready", "The file is still being uploaded or checked."},
    {"media_too_long", "The video is longer than this account may post."},
    {"title_not_for_video", "Only photo posts have a title."},
    {"title_too_long", "The title is longer than 90 characters."},
    {"caption_too_long", "The caption is too long: 2200 characters for a video, 4000 for "
                         "photos."},
    {"privacy_missing", "Choose who can view this post."},
    {"privacy_unknown", "This audience does not exist."},
    {"privacy_not_offered",
     "This audience is not offered for the account. Choose again."},
    {"privacy_branded_self_only", "Branded content visibility cannot be set to private."},
    {"comment_disabled", "Comments are switched off in the account's TikTok settings."},
    {"duet_disabled", "Duets are switched off in the account's TikTok settings."},
    {"stitch_disabled", "Stitches are switched off in the account's TikTok settings."},
    {"duet_not_for_photo", "Photos have no Duet."},
    {"stitch_not_for_photo", "Photos have no Stitch."},
    {"aigc_not_for_photo", "TikTok has no AI label for photos."},
    {"music_not_for_video", "Music is added to photos only."},
    {"cover_outside", "The cover lies behind the end."},
    {"time_missing", "Choose a date and a time."},
    {"time_past", "This time has passed. Choose a later one."},
    {"time_too_far", "Posts can be scheduled up to 365 days ahead."},
    {"timezone_missing", "Choose a time zone."},
    {"timezone_unknown", "This time zone does not exist."},
    {"consent_missing", "Posting needs the agreement to TikTok's terms."},
};

static const char *sentence_of(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].code, code) == 0)
            return words[i].sentence;
    }
    return "The post is not right as it is.";
}

static enum rc name_fields(const struct post_problem *problems, size_t n, struct err *err)
{
    struct api_fields fields = {.n = 0};

    for (size_t i = 0; i < n; i++)
        api_fields_add(&fields, problems[i].field, problems[i].code);
    return api_fields_fail(&fields, n > 0 ? sentence_of(problems[0].code) : "", err);
}

/* At its time, as far as it is known. */
static bool can_go_out(const struct post_content *content, enum post_intent intent,
                       const struct post_basis *basis)
{
    return basis->account_usable &&
           (basis->posts_until_ms == 0 || intent == POST_PUBLISH_NOW ||
            content->publish_at_ms < basis->posts_until_ms);
}

static enum rc not_connected(const struct post_basis *basis, struct err *err)
{
    char until[RFC3339_SIZE];

    if (basis->posts_until_ms == 0)
        return err_set(
            err, RC_CONFLICT, "reconnect_needed",
            "The account is not connected to TikTok any more. Reconnect it first.");
    rfc3339_format(basis->posts_until_ms, until);
    return err_set(err, RC_CONFLICT, "reconnect_needed",
                   "TikTok does not renew the account's connection: posts go out until "
                   "%s. Reconnect the account first, or choose an earlier time.",
                   until);
}

enum rc posts_judge(void *ctx, const struct post_content *content,
                    struct post_basis *basis, struct err *err)
{
    const struct posts_judge *j = ctx;
    struct post_ground *g = &basis->ground;
    struct post_problem problems[POST_PROBLEMS_MAX];
    enum rc rc;

    g->intent = j->intent;
    g->no_photos = j->no_photos;
    g->zone_known = zone_exists(content->timezone);
    rc = name_fields(problems, post_check(content, g, problems), err);
    if (rc != RC_OK || j->intent == POST_KEEP_DRAFT ||
        can_go_out(content, j->intent, basis) ||
        content->account_id == j->kept_account_id)
        return rc;
    return not_connected(basis, err);
}
