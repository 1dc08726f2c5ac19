#include "tiktok/errors.h"

#include "core/attr.h"

#include <string.h>

enum {
    MINUTE_S = 60,
    DAY_S = 24 * 3600,
};

/* Reason, sentence and next step of what more than one row says. */
#define RECONNECT_WORDS                                                                  \
    "reconnect", "TikTok no longer accepts the connection to this account.",             \
        "Reconnect the account on the Accounts page."
#define SCOPE_WORDS                                                                      \
    "scope_missing", "The account's connection lacks a permission that this needs.",     \
        "Reconnect the account and leave every permission ticked on TikTok's page."
#define DAILY_LIMIT_WORDS                                                                \
    "daily_post_limit",                                                                  \
        "TikTok's limit of posts by apps in 24 hours is reached for this account.",      \
        "Wait a day, or post this one in the TikTok app."
#define BANNED_WORDS                                                                     \
    "account_banned", "TikTok does not let this account post at present.",               \
        "Open the TikTok app to see why and what can be done about it."
#define DOWN_WORDS                                                                       \
    "tiktok_unavailable", "TikTok had a problem of its own.",                            \
        "Nothing to do: it is tried again by itself."
#define RATE_WORDS                                                                       \
    "tiktok_rate_limited", "TikTok asks for a pause between requests.",                  \
        "Nothing to do: it goes on by itself within minutes."
#define CREDENTIALS_WORDS                                                                \
    "app_credentials_wrong",                                                             \
        "TikTok does not know this installation's client key or secret.",                \
        "An administrator must compare TIKTOK_CLIENT_KEY and TIKTOK_CLIENT_SECRET with " \
        "the TikTok developer portal."
#define OAUTH_REQUEST_WORDS                                                              \
    "oauth_request_refused", "TikTok did not understand the sign-in request.",           \
        "An administrator must compare the TikTok settings with docs/tiktok-setup.md."
#define UNAPPROVED_WORDS                                                                 \
    "scope_not_approved",                                                                \
        "This installation asked for a permission that TikTok has not granted to it.",   \
        "An administrator must add the scopes of TIKTOK_SCOPES to the app in the "       \
        "TikTok developer portal."
#define DECLINED_WORDS                                                                   \
    "consent_refused", "The connection was refused on TikTok's page.",                   \
        "Connect the account again and choose Continue on TikTok's page."
#define CODE_EXPIRED_WORDS                                                               \
    "oauth_code_expired", "The sign-in at TikTok took too long or was used twice.",      \
        "Connect the account again."
#define REDIRECT_WORDS                                                                   \
    "redirect_uri_mismatch",                                                             \
        "The redirect address is not the one registered at TikTok.",                     \
        "An administrator must make TIKTOK_REDIRECT_URI equal, letter by letter, to a "  \
        "redirect URI in the TikTok developer portal."
#define PKCE_WORDS                                                                       \
    "pkce_mismatch", "TikTok could not match the two halves of the sign-in.",            \
        "Connect the account again, in one browser window."
#define POST_REFUSED_WORDS                                                               \
    "post_refused", "TikTok did not accept the details of this post.",                   \
        "Check its text, audience and media, then try again."
#define PULL_WORDS                                                                       \
    "media_not_fetched", "TikTok could not fetch the media of this post.",               \
        "Nothing to do: it is tried again by itself."
#define URL_EXPIRED_WORDS                                                                \
    "upload_expired", "TikTok closed the upload before it was complete.",                \
        "Nothing to do: the upload starts anew by itself."

/* OAuth refuses with 200 in every recording, and with 400 or 401 in what others were
 * built against; a redirect has no status. */
#define HTTP_OAUTH "200 400 401"

/* What every OAuth endpoint may say, whatever was asked. */
#define MISUNDERSTOOD TIKTOK_OPERATOR, OAUTH_REQUEST_WORDS, 0, true
#define OAUTH_ROWS(where, http)                                                            \
    {"invalid_client", where, TIKTOK_OPERATOR, CREDENTIALS_WORDS, 0, true, http},          \
        {"unauthorized_client", where, TIKTOK_OPERATOR, CREDENTIALS_WORDS, 0, true, http}, \
        {"invalid_scope", where, TIKTOK_OPERATOR, UNAPPROVED_WORDS, 0, true, http},        \
        {"invalid_request", where, MISUNDERSTOOD, http},                                   \
        {"unsupported_grant_type", where, MISUNDERSTOOD, http},                            \
        {"unsupported_response_type", where, MISUNDERSTOOD, http},                         \
        {"access_denied", where, TIKTOK_RECONNECT, DECLINED_WORDS, 0, true, http},         \
        {"server_error", where, TIKTOK_RETRY, DOWN_WORDS, 0, false, "200 500 503"},        \
        {"temporarily_unavailable", where, TIKTOK_RETRY, DOWN_WORDS, 0, false, "200 503"}, \
    {                                                                                      \
        "rate_limit_exceeded", where, TIKTOK_RETRY, RATE_WORDS, MINUTE_S, false,           \
            "200 429"                                                                      \
    }

static const struct tiktok_error rows[] = {
    /* --- error.code of the JSON API ------------------------------------------------ */
    {"invalid_params", TIKTOK_IN_API, TIKTOK_FIX_INPUT, POST_REFUSED_WORDS, 0, false,
     "400"},
    {"invalid_param", TIKTOK_IN_API, TIKTOK_FIX_INPUT, POST_REFUSED_WORDS, 0, false,
     "400"},
    {"invalid_file_upload", TIKTOK_IN_API, TIKTOK_FIX_INPUT, "file_refused",
     "TikTok did not accept the media file.", "Choose another file, or convert this one.",
     0, false, "400"},
    {"scope_permission_missed", TIKTOK_IN_API, TIKTOK_RECONNECT, SCOPE_WORDS, 0, true,
     "400"},
    {"app_version_check_failed", TIKTOK_IN_API, TIKTOK_FIX_INPUT, "tiktok_app_outdated",
     "The TikTok app of this account is too old to receive drafts.",
     "Update the TikTok app to version 31.8 or later, then try again.", 0, false, "400"},
    {"invalid_publish_id", TIKTOK_IN_API, TIKTOK_NEVER, "publish_id_unknown",
     "TikTok does not know this publication any more.",
     "Look in the TikTok app whether the post is there.", 0, false, "400"},
    {"token_not_authorized_for_specified_publish_id", TIKTOK_IN_API, TIKTOK_OPERATOR,
     "publish_id_foreign",
     "TikTok says that this publication belongs to another account.",
     "Reconnect the account and make sure that it is the same one as before.", 0, false,
     "400"},
    {"publish_not_cancellable", TIKTOK_IN_API, TIKTOK_NEVER, "not_cancellable",
     "TikTok has finished this publication: it can no longer be stopped.",
     "Delete the post in the TikTok app.", 0, false, "400"},
    {"access_token_invalid", TIKTOK_IN_API, TIKTOK_REFRESH, RECONNECT_WORDS, 0, true,
     "401"},
    {"scope_not_authorized", TIKTOK_IN_API, TIKTOK_RECONNECT, SCOPE_WORDS, 0, true,
     "401"},
    {"spam_risk_too_many_posts", TIKTOK_IN_API, TIKTOK_LATER, DAILY_LIMIT_WORDS, DAY_S,
     true, "403 200"},
    {"spam_risk_user_banned_from_posting", TIKTOK_IN_API, TIKTOK_NEVER, BANNED_WORDS, 0,
     true, "403 200"},
    {"spam_risk_too_many_pending_share", TIKTOK_IN_API, TIKTOK_LATER, "inbox_full",
     "Five drafts of the last 24 hours wait in this account's TikTok inbox already.",
     "Finish or discard drafts in the TikTok app.", DAY_S, true, "400 403"},
    {"reached_active_user_cap", TIKTOK_IN_API, TIKTOK_LATER, "app_user_cap",
     "This installation has reached the number of accounts that TikTok lets it post for "
     "in 24 hours.",
     "Wait a day; an administrator can ask TikTok for an audit of the app to raise the "
     "limit.",
     DAY_S, true, "403 200"},
    {"unaudited_client_can_only_post_to_private_accounts", TIKTOK_IN_API,
     TIKTOK_FIX_INPUT, "app_not_audited",
     "TikTok has not audited this installation yet and lets it post to private accounts "
     "only.",
     "Set the account to private in the TikTok app and choose the audience Only me, or "
     "send the post to the inbox.",
     0, true, "403"},
    {"url_ownership_unverified", TIKTOK_IN_API, TIKTOK_OPERATOR, "url_not_verified",
     "TikTok does not fetch media from this installation's address yet.",
     "An administrator must verify MEDIA_PULL_URL in the TikTok developer portal.", 0,
     false, "403"},
    {"privacy_level_option_mismatch", TIKTOK_IN_API, TIKTOK_FIX_INPUT,
     "audience_not_allowed", "The account does not offer the chosen audience any more.",
     "Choose one of the audiences that are offered now.", 0, false, "403"},
    {"rate_limit_exceeded", TIKTOK_IN_API, TIKTOK_RETRY, RATE_WORDS, MINUTE_S, false,
     "429"},
    {"internal_error", TIKTOK_IN_API, TIKTOK_RETRY, DOWN_WORDS, 0, false, "500 503"},

    /* --- OAuth ---------------------------------------------------------------------- */
    {"invalid_grant", TIKTOK_IN_EXCHANGE, TIKTOK_RECONNECT, CODE_EXPIRED_WORDS, 0, false,
     HTTP_OAUTH},
    {"invalid_request:redirect_uri", TIKTOK_IN_EXCHANGE, TIKTOK_OPERATOR, REDIRECT_WORDS,
     0, true, HTTP_OAUTH},
    {"invalid_request:code_verifier", TIKTOK_IN_EXCHANGE, TIKTOK_RECONNECT, PKCE_WORDS, 0,
     false, HTTP_OAUTH},
    OAUTH_ROWS(TIKTOK_IN_EXCHANGE, HTTP_OAUTH),
    {"invalid_grant", TIKTOK_IN_REFRESH, TIKTOK_RECONNECT, RECONNECT_WORDS, 0, true,
     HTTP_OAUTH},
    OAUTH_ROWS(TIKTOK_IN_REFRESH, HTTP_OAUTH),
    {"invalid_grant", TIKTOK_IN_REVOKE, TIKTOK_NEVER, "token_dead",
     "TikTok had ended this connection already.", "", 0, false, HTTP_OAUTH},
    {"access_token_invalid", TIKTOK_IN_REVOKE, TIKTOK_NEVER, "token_dead",
     "TikTok had ended this connection already.", "", 0, false, HTTP_OAUTH},
    OAUTH_ROWS(TIKTOK_IN_REVOKE, HTTP_OAUTH),
    {"non_sandbox_target", TIKTOK_IN_CALLBACK, TIKTOK_OPERATOR, "not_sandbox_user",
     "This TikTok account may not use the app while the app is in sandbox mode.",
     "An administrator must add the account to the sandbox's target users in the TikTok "
     "developer portal.",
     0, false, ""},
    OAUTH_ROWS(TIKTOK_IN_CALLBACK, ""),

    /* --- fail_reason ----------------------------------------------------------- */
    {"file_format_check_failed", TIKTOK_IN_STATUS, TIKTOK_FIX_INPUT, "media_format",
     "TikTok does not support the format of this file.",
     "Convert it: MP4 with H.264 for a video, JPEG or WebP for a photo.", 0, false,
     "200"},
    {"duration_check_failed", TIKTOK_IN_STATUS, TIKTOK_FIX_INPUT, "media_duration",
     "The video is too long or too short for this account.", "Trim the video.", 0, false,
     "200"},
    {"frame_rate_check_failed", TIKTOK_IN_STATUS, TIKTOK_FIX_INPUT, "media_frame_rate",
     "The video does not have 23 to 60 frames a second.",
     "Convert it to a usual frame rate such as 30.", 0, false, "200"},
    {"picture_size_check_failed", TIKTOK_IN_STATUS, TIKTOK_FIX_INPUT,
     "media_picture_size", "The picture is too small or too large for TikTok.",
     "Resize it: a video to 360 to 4096 pixels a side, a photo to at most 1080p.", 0,
     false, "200"},
    {"internal", TIKTOK_IN_STATUS, TIKTOK_RETRY, "tiktok_internal",
     "TikTok failed while it processed the post.",
     "Nothing to do: it is tried again by itself.", 0, false, "200"},
    {"video_pull_failed", TIKTOK_IN_STATUS, TIKTOK_RETRY, PULL_WORDS, 0, false, "200"},
    {"photo_pull_failed", TIKTOK_IN_STATUS, TIKTOK_RETRY, PULL_WORDS, 0, false, "200"},
    {"publish_cancelled", TIKTOK_IN_STATUS, TIKTOK_NEVER, "canceled_at_tiktok",
     "The publication was stopped at TikTok.", "Schedule the post again if you want it.",
     0, false, "200"},
    {"auth_removed", TIKTOK_IN_STATUS, TIKTOK_RECONNECT, "access_removed",
     "The account's owner withdrew the permission while the post was processed.",
     "Reconnect the account, then schedule the post again.", 0, true, "200"},
    {"spam_risk_too_many_posts", TIKTOK_IN_STATUS, TIKTOK_LATER, DAILY_LIMIT_WORDS, DAY_S,
     true, "200"},
    {"spam_risk_user_banned_from_posting", TIKTOK_IN_STATUS, TIKTOK_NEVER, BANNED_WORDS,
     0, true, "200"},
    {"spam_risk_text", TIKTOK_IN_STATUS, TIKTOK_FIX_INPUT, "caption_refused",
     "TikTok takes the text of this post for spam or a risk.",
     "Change the caption, then try again.", 0, false, "200"},
    {"spam_risk", TIKTOK_IN_STATUS, TIKTOK_NEVER, "refused_as_spam",
     "TikTok refused this post as a risk.",
     "Post it in the TikTok app if it is in order.", 0, false, "200"},

    /* --- chunk uploads --------------------------------------------------------- */
    {"400", TIKTOK_IN_UPLOAD, TIKTOK_NEVER, "upload_refused",
     "TikTok did not accept the way the video was uploaded.",
     "Tell your administrator: this should not happen.", 0, false, "400"},
    {"403", TIKTOK_IN_UPLOAD, TIKTOK_RETRY, URL_EXPIRED_WORDS, 0, false, "403"},
    {"404", TIKTOK_IN_UPLOAD, TIKTOK_RETRY, URL_EXPIRED_WORDS, 0, false, "404"},
    {"405", TIKTOK_IN_UPLOAD, TIKTOK_RETRY, URL_EXPIRED_WORDS, 0, false, "405"},
    {"410", TIKTOK_IN_UPLOAD, TIKTOK_RETRY, URL_EXPIRED_WORDS, 0, false, "410"},
    {"416", TIKTOK_IN_UPLOAD, TIKTOK_RETRY, "upload_out_of_step",
     "The upload and TikTok's record of it differ.",
     "Nothing to do: it is put right by itself.", 0, false, "416"},
};

/* What a status says when the code says nothing; `where` means nothing here. */
enum { BY_429, BY_5XX, BY_401, BY_3XX, BY_4XX, BY_FAIL, BY_NOTHING };

static const struct tiktok_error general[] = {
    [BY_429] = {"", TIKTOK_IN_API, TIKTOK_RETRY, RATE_WORDS, MINUTE_S, false, ""},
    [BY_5XX] = {"", TIKTOK_IN_API, TIKTOK_RETRY, DOWN_WORDS, 0, false, ""},
    [BY_401] = {"", TIKTOK_IN_API, TIKTOK_REFRESH, RECONNECT_WORDS, 0, true, ""},
    [BY_3XX] = {"", TIKTOK_IN_API, TIKTOK_OPERATOR, "tiktok_address_wrong",
                "TikTok's interface answered from an unexpected address.",
                "An administrator must check TIKTOK_API_URL.", 0, true, ""},
    [BY_4XX] = {"", TIKTOK_IN_API, TIKTOK_NEVER, "tiktok_refused",
                "TikTok refused, for a reason this version does not know.",
                "Try again later; an administrator finds TikTok's own word in the log.",
                0, false, ""},
    [BY_FAIL] = {"", TIKTOK_IN_STATUS, TIKTOK_NEVER, "tiktok_failed",
                 "TikTok could not publish the post, for a reason this version does not "
                 "know.",
                 "Look in the TikTok app whether there is a message about it.", 0, false,
                 ""},
    [BY_NOTHING] = {"", TIKTOK_IN_API, TIKTOK_RETRY, "tiktok_unreadable",
                    "TikTok's answer made no sense.",
                    "Nothing to do: it is tried again by itself.", 0, false, ""},
};

const struct tiktok_error *tiktok_error_find(enum tiktok_where where, const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].where == where && strcmp(rows[i].code, code) == 0)
            return &rows[i];
    return NULL;
}

static const struct tiktok_error *by_status(int status, bool has_code)
{
    if (status == 429)
        return &general[BY_429];
    if (status >= 500 || status == 408 || status == 425)
        return &general[BY_5XX];
    if (status == 401)
        return &general[BY_401];
    if (status >= 300 && status < 400)
        return &general[BY_3XX];
    if (status >= 400 || has_code)
        return &general[BY_4XX];
    return &general[BY_NOTHING];
}

/* Where credentials are asked for, a 401 is about them or comes from an edge server: it
 * is no word about an access token, and must not cost an account its connection. */
static bool is_oauth(enum tiktok_where where)
{
    return where == TIKTOK_IN_EXCHANGE || where == TIKTOK_IN_REFRESH ||
           where == TIKTOK_IN_REVOKE || where == TIKTOK_IN_CALLBACK;
}

const struct tiktok_error *tiktok_error_of(enum tiktok_where where, const char *code,
                                           int http_status)
{
    const struct tiktok_error *row = tiktok_error_find(where, code);
    bool has_code = *code != '\0' && strcmp(code, "ok") != 0;

    if (row != NULL)
        return row;
    if (where == TIKTOK_IN_STATUS)
        return &general[BY_FAIL];
    if (http_status == 401 && is_oauth(where))
        return &general[has_code ? BY_4XX : BY_NOTHING];
    return by_status(http_status, has_code);
}

const struct tiktok_error *tiktok_error_by_reason(const char *reason)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].reason, reason) == 0)
            return &rows[i];
    for (size_t i = 0; i < ARRAY_LEN(general); i++)
        if (strcmp(general[i].reason, reason) == 0)
            return &general[i];
    return NULL;
}

size_t tiktok_error_count(void)
{
    return ARRAY_LEN(rows);
}

const struct tiktok_error *tiktok_error_at(size_t i)
{
    return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

enum rc tiktok_error_rc(const struct tiktok_error *e)
{
    switch (e->class) {
    case TIKTOK_RETRY:
        return e->wait_s > 0 ? RC_LIMITED : RC_UNAVAILABLE;
    case TIKTOK_LATER:
        return RC_LIMITED;
    case TIKTOK_REFRESH:
    case TIKTOK_RECONNECT:
        return RC_DENIED;
    case TIKTOK_FIX_INPUT:
    case TIKTOK_OPERATOR:
    case TIKTOK_NEVER:
        return RC_REJECTED;
    }
    return RC_BUG;
}

const char *tiktok_class_name(enum tiktok_class class)
{
    switch (class) {
    case TIKTOK_RETRY:
        return "retry";
    case TIKTOK_REFRESH:
        return "refresh";
    case TIKTOK_LATER:
        return "later";
    case TIKTOK_RECONNECT:
        return "reconnect";
    case TIKTOK_FIX_INPUT:
        return "fix_input";
    case TIKTOK_OPERATOR:
        return "operator";
    case TIKTOK_NEVER:
        return "never";
    }
    return "unknown";
}
