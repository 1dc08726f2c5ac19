#include "domain/reason.h"

#include <string.h>

/* Where several codes lead to the same. */
#define RECONNECT                                                                        \
    "Reconnect the account on the Accounts page; the post goes on by itself then.",      \
        NEXT_RECONNECT
#define RECONNECT_AND_RETRY                                                              \
    "Reconnect the account on the Accounts page, then schedule the post again.",         \
        NEXT_RECONNECT
#define RETRY "Try again; TikTok's troubles usually pass.", NEXT_RETRY
#define RESOLVE                                                                          \
    "Look at the profile in the TikTok app, then say here whether the post is there.",   \
        NEXT_RESOLVE
#define REPLACE(how) how " Then replace the file here.", NEXT_REPLACE_MEDIA

static const struct reason rows[] = {
    /* --- the publisher's own --------------------------------------------------- */
    {"missed",
     "It could not go out before it was later than it may be, so it was not posted.",
     "Choose another time, or try again now.", NEXT_RETRY},
    {"too_many_attempts", "It was tried at TikTok a dozen times without success.",
     "Duplicate the post and schedule the copy.", NEXT_NONE},
    {"superseded", "Another attempt took its place.",
     "Nothing to do: the timeline tells how it went on.", NEXT_NONE},
    {"crashed_often", "The publisher broke down over this post again and again.",
     "Tell your administrator; trying again may work.", NEXT_RETRY},
    {"internal_error", "The publisher made a mistake over this post and stopped.",
     "Tell your administrator; trying again may work.", NEXT_RETRY},
    {"token_unreadable", "The stored connection of the account cannot be opened.",
     "An administrator must give the publisher its old TOKEN_KEY_FILE, or reconnect the "
     "account.",
     NEXT_RECONNECT},
    {"media_unavailable", "The place where the media lie could not be read.",
     "Tell your administrator; then try again.", NEXT_RETRY},
    {"upload_url_refused",
     "TikTok named an upload address that this installation does not use.",
     "An administrator must compare TIKTOK_UPLOAD_HOSTS with the publisher's log.",
     NEXT_RETRY},
    {"pull_not_set_up",
     "This installation has no public address from which TikTok could fetch the files.",
     "An administrator must set MEDIA_PULL_URL and verify it at TikTok; then try again.",
     NEXT_RETRY},
    {"media_missing", "The file of this post is not in the library any more.",
     REPLACE("Upload the file once more.")},
    {REASON_OUTCOME_UNKNOWN,
     "The post was handed to TikTok, and TikTok never said what became of it.", RESOLVE},
    {REASON_WITNESS_CONFLICT,
     "Two records of this post contradict each other, so it may have been posted "
     "already.",
     RESOLVE},
    {REASON_SECOND_LIVE,
     "This post was about to be sent a second time and was stopped; it may be posted.",
     RESOLVE},

    {REASON_REPLICA_MISSING,
     "It waits: the database has no second copy at present, and this installation posts "
     "nothing without.",
     "Nothing to do: it goes out by itself once the replica is back. Tell your "
     "administrator.",
     NEXT_WAIT},
    {REASON_WITNESS_MISSING,
     "It waits: Redis does not answer, and this installation posts nothing without.",
     "Nothing to do: it goes out by itself once Redis is back. Tell your administrator.",
     NEXT_WAIT},

    /* --- a person's ------------------------------------------------------------ */
    {REASON_EDITED, "It was changed and has not been scheduled again.",
     "Open it and schedule it.", NEXT_CHOOSE_AGAIN},
    {REASON_SAID_PUBLISHED, "Posted, as a person said; TikTok has not confirmed it.", "",
     NEXT_NONE},
    {REASON_SAID_NOT_PUBLISHED, "It was not posted, as a person found.",
     "Try again, or choose another time.", NEXT_RETRY},

    {REASON_NO_LONGER_PUBLIC,
     "Posted on TikTok, and not public any more: it was made private, deleted or taken "
     "down there.",
     "Open the TikTok app to see the post and what TikTok says about it.",
     NEXT_OPEN_TIKTOK},

    /* --- the account ----------------------------------------------------------- */
    {REASON_ACCOUNT_DISCONNECTED, "The account of this post was disconnected.",
     RECONNECT},
    {REASON_RECONNECT_NEEDED, "TikTok no longer accepts the connection to this account.",
     RECONNECT},
    {"reconnect", "TikTok no longer accepts the connection to this account.",
     RECONNECT_AND_RETRY},
    {REASON_SCOPE_MISSING, "The account's connection lacks a permission that this needs.",
     "Reconnect the account on the Accounts page and leave every permission ticked; the "
     "post goes on by itself then.",
     NEXT_RECONNECT},
    {"access_removed",
     "The account's owner withdrew the permission while the post was processed.",
     RECONNECT_AND_RETRY},
    {"token_dead", "TikTok had ended this connection already.", RECONNECT_AND_RETRY},
    {"account_banned", "TikTok does not let this account post at present.",
     "Open the TikTok app to see why and what can be done about it.", NEXT_OPEN_TIKTOK},
    {REASON_ACCOUNT_WINDOW,
     "TikTok lets an account begin six posts a minute, and others of this account were "
     "before it.",
     "Nothing to do: it goes out by itself when its turn comes.", NEXT_WAIT},
    {"daily_post_limit",
     "TikTok's limit of posts by apps in 24 hours is reached for this account.",
     "Wait a day and try again, or post this one in the TikTok app.", NEXT_RETRY},
    {"inbox_full",
     "Five drafts of the last 24 hours wait in this account's TikTok inbox already.",
     "Finish or discard drafts in the TikTok app, then try again.", NEXT_OPEN_TIKTOK},
    {"tiktok_app_outdated",
     "The TikTok app of this account is too old to receive drafts.",
     "Update the TikTok app to version 31.8 or later, then try again.", NEXT_RETRY},

    /* --- the post -------------------------------------------------------------- */
    {"audience_not_allowed", "The account does not offer the chosen audience any more.",
     "Choose one of the audiences that are offered now.", NEXT_CHOOSE_AGAIN},
    {"comment_disabled", "Comments were switched off in the account's TikTok settings.",
     "Open the post and choose again.", NEXT_CHOOSE_AGAIN},
    {"duet_disabled", "Duets were switched off in the account's TikTok settings.",
     "Open the post and choose again.", NEXT_CHOOSE_AGAIN},
    {"stitch_disabled", "Stitches were switched off in the account's TikTok settings.",
     "Open the post and choose again.", NEXT_CHOOSE_AGAIN},
    {"media_too_long", "The video is longer than this account may post now.",
     REPLACE("Trim the video.")},
    {"post_refused", "TikTok did not accept the details of this post.",
     "Check its text, audience and media, then try again.", NEXT_CHOOSE_AGAIN},
    {"caption_refused", "TikTok takes the text of this post for spam or a risk.",
     "Change the caption, then try again.", NEXT_EDIT_CAPTION},
    {"refused_as_spam", "TikTok refused this post as a risk.",
     "Post it in the TikTok app if it is in order.", NEXT_OPEN_TIKTOK},
    {"file_refused", "TikTok did not accept the media file.",
     REPLACE("Choose another file, or convert this one.")},
    {"media_format", "TikTok does not support the format of this file.",
     REPLACE("Convert it: MP4 with H.264 for a video, JPEG or WebP for a photo.")},
    {"media_duration", "The video is too long or too short for this account.",
     REPLACE("Trim the video.")},
    {"media_frame_rate", "The video does not have 23 to 60 frames a second.",
     REPLACE("Convert it to a usual frame rate such as 30.")},
    {"media_picture_size", "The picture is too small or too large for TikTok.",
     REPLACE(
         "Resize it: a video to 360 to 4096 pixels a side, a photo to at most 1080p.")},
    {"canceled_at_tiktok", "The publication was stopped at TikTok.",
     "Schedule the post again if you want it.", NEXT_RETRY},
    {"not_cancellable",
     "TikTok has finished this publication: it can no longer be stopped.",
     "Delete the post in the TikTok app.", NEXT_OPEN_TIKTOK},

    /* --- TikTok's troubles ----------------------------------------------------- */
    {"tiktok_unavailable", "TikTok had a problem of its own.", RETRY},
    {"tiktok_internal", "TikTok failed while it processed the post.", RETRY},
    {"tiktok_limited", "TikTok asks for a pause between requests.", RETRY},
    {"tiktok_rate_limited", "TikTok asks for a pause between requests.", RETRY},
    {"tiktok_unreadable", "TikTok's answer made no sense.", RETRY},
    {"tiktok_refused", "TikTok refused, for a reason this version does not know.",
     "Try again later; an administrator finds TikTok's own word in the log.", NEXT_RETRY},
    {"tiktok_failed",
     "TikTok could not publish the post, for a reason this version does not know.",
     "Look in the TikTok app whether there is a message about it.", NEXT_OPEN_TIKTOK},
    {"media_not_fetched", "TikTok could not fetch the media of this post.", RETRY},
    {"upload_expired", "TikTok closed the upload before it was complete.", RETRY},
    {"upload_out_of_step", "The upload and TikTok's record of it differ.", RETRY},
    {"upload_refused", "TikTok did not accept the way the video was uploaded.",
     "Tell your administrator: this should not happen.", NEXT_NONE},
    {"publish_id_unknown", "TikTok does not know this publication any more.",
     "Look in the TikTok app whether the post is there.", NEXT_OPEN_TIKTOK},
    {"publish_id_foreign",
     "TikTok says that this publication belongs to another account.",
     "Reconnect the account and make sure that it is the same one as before.",
     NEXT_RECONNECT},

    /* --- the installation ------------------------------------------------------ */
    {"app_not_audited",
     "TikTok has not audited this installation yet and lets it post to private accounts "
     "only.",
     "Set the account to private in the TikTok app and choose the audience Only me, or "
     "send the post to the inbox.",
     NEXT_CHOOSE_AGAIN},
    {"app_user_cap",
     "This installation has reached the number of accounts that TikTok lets it post for "
     "in 24 hours.",
     "Wait a day and try again; an administrator can ask TikTok for an audit of the app "
     "to "
     "raise the limit.",
     NEXT_RETRY},
    {"client_invalid", "TikTok does not know this installation's client key or secret.",
     "An administrator must compare TIKTOK_CLIENT_KEY and TIKTOK_CLIENT_SECRET with the "
     "TikTok developer portal; then try again.",
     NEXT_RETRY},
    {"app_credentials_wrong",
     "TikTok does not know this installation's client key or secret.",
     "An administrator must compare TIKTOK_CLIENT_KEY and TIKTOK_CLIENT_SECRET with the "
     "TikTok developer portal; then try again.",
     NEXT_RETRY},
    {"scope_not_approved",
     "This installation asked for a permission that TikTok has not granted to it.",
     "An administrator must add the scopes of TIKTOK_SCOPES to the app in the TikTok "
     "developer portal; then try again.",
     NEXT_RETRY},
    {"oauth_request_refused", "TikTok did not understand the sign-in request.",
     "An administrator must compare the TikTok settings with docs/tiktok-setup.md; then "
     "try again.",
     NEXT_RETRY},
    {"url_not_verified",
     "TikTok does not fetch media from this installation's address yet.",
     "An administrator must verify MEDIA_PULL_URL in the TikTok developer portal; then "
     "try again.",
     NEXT_RETRY},
    {"tiktok_address_wrong", "TikTok's interface answered from an unexpected address.",
     "An administrator must check TIKTOK_API_URL; then try again.", NEXT_RETRY},
};

static const char *const unknown_outcomes[] = {
    REASON_OUTCOME_UNKNOWN, REASON_WITNESS_CONFLICT, REASON_SECOND_LIVE};

const struct reason *reason_find(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].code, code) == 0)
            return &rows[i];
    }
    return NULL;
}

size_t reason_count(void)
{
    return ARRAY_LEN(rows);
}

const struct reason *reason_at(size_t i)
{
    return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

bool reason_leaves_outcome_unknown(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(unknown_outcomes); i++) {
        if (strcmp(unknown_outcomes[i], code) == 0)
            return true;
    }
    return false;
}

const char *next_action_name(enum next_action action)
{
    static const char *const names[] = {
        [NEXT_NONE] = "none",
        [NEXT_RECONNECT] = "reconnect",
        [NEXT_CHOOSE_AGAIN] = "choose_again",
        [NEXT_REPLACE_MEDIA] = "replace_media",
        [NEXT_RETRY] = "retry",
        [NEXT_EDIT_CAPTION] = "edit_caption",
        [NEXT_WAIT] = "wait",
        [NEXT_OPEN_TIKTOK] = "open_tiktok",
        [NEXT_RESOLVE] = "resolve",
    };

    return names[action];
}
