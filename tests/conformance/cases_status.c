/* What becomes of a publication, and how its ids come. */
#include "conformance.h"

#include <stdio.h>

#define SENT         "knob {'check_media':0}; session; send"
#define PUBLIC       SENT "; clock 1000"
#define DRAFT        "knob {'check_media':0}; session inbox_init; send"
#define SAYING(data) "session; fault {'endpoint':'status','merge':{'data':" data "}}"
#define IDS(list)                                                                        \
    SAYING("{'status':'PUBLISH_COMPLETE','publicaly_available_post_id':" list "}")

static const struct a_case cases[] = {
    /* --- states ---------------------------------------------------------------- */
    {"status / before the first byte", "status", "session", 200, "processing", "ok", NULL,
     "{'status':'PROCESSING_UPLOAD','fields.uploaded_bytes':0}", NULL},
    {"status / all bytes are there", "status",
     "knob {'check_media':0,'processing_ms':60000}; session; send", 200, "processing",
     "ok", NULL, "{'status':'PROCESSING_UPLOAD','fields.uploaded_bytes':1000}", NULL},
    {"status / it never leaves processing", "status",
     "fault {'stuck':true}; " SENT "; clock 43200000", 200, "processing", "ok", NULL,
     NULL, NULL},
    {"status / posted and in moderation", "status",
     "knob {'check_media':0,'moderation_ms':60000}; session; send", 200, "published",
     "ok", NULL, "{'status':'PUBLISH_COMPLETE','post_ids':[]}", NULL},
    {"status / posted and public", "status", PUBLIC, 200, "published", "ok", NULL,
     "{'post_ids':['$post_id'],'fields.uploaded_bytes':1000}", NULL},
    {"status / its id comes late", "status",
     "knob {'check_media':0,'moderation_ms':60000}; session; send; do status; clock "
     "60000",
     200, "published", "ok", NULL, "{'post_ids':['$post_id']}", NULL},
    {"status / posted for friends", "status", "privacy MUTUAL_FOLLOW_FRIENDS; " PUBLIC,
     200, "published", "ok", NULL, "{'post_ids':[]}", NULL},
    {"status / posted for nobody else", "status", "privacy SELF_ONLY; " PUBLIC, 200,
     "published", "ok", NULL, "{'post_ids':[]}", NULL},
    {"status / a draft in the inbox", "status", DRAFT, 200, "inbox", "ok", NULL,
     "{'status':'SEND_TO_USER_INBOX'}", NULL},
    {"status / a draft that was posted", "status", DRAFT "; draft post; clock 1000", 200,
     "published", "ok", NULL, "{'status':'PUBLISH_COMPLETE'}", NULL},
    {"status / a draft that was thrown away", "status", DRAFT "; draft discard", 200,
     "inbox", "ok", NULL, NULL, NULL},
    {"status / cancelled", "status", "session; do cancel", 200, "failed", "ok",
     "canceled_at_tiktok",
     "{'status':'FAILED','fail_reason':'publish_cancelled','failure_class':'never'}",
     NULL},
    {"status / no video at all", "status", "session; send", 200, "failed", "ok",
     "media_format", "{'fail_reason':'file_format_check_failed'}", NULL},
    {"status / the day was full at the last byte", "status",
     "session; person {'post_cap':0}; send", 200, "failed", "ok", "daily_post_limit",
     "{'fail_reason':'spam_risk_too_many_posts','failure_class':'later'}", NULL},
    {"status / banned by the last byte", "status",
     "knob {'check_media':0}; session; person {'banned':true}; send", 200, "failed", "ok",
     "account_banned", "{'fail_reason':'spam_risk_user_banned_from_posting'}", NULL},
    {"status / the permission was withdrawn", "status",
     "session; permit; do revoke; permit", 200, "failed", "ok", "access_removed",
     "{'fail_reason':'auth_removed','failure_class':'reconnect'}", NULL},
    {"status / failed afterwards", "status",
     PUBLIC "; publication {'fail_reason':'internal'}", 200, "failed", "ok",
     "tiktok_internal", "{'failure_class':'retry'}", NULL},
    {"status / unstuck", "status",
     "fault {'stuck':true,'count':1}; " SENT "; publication {'stuck':false}; clock 1000",
     200, "published", "ok", NULL, "{'post_ids':['$post_id']}", NULL},

    /* --- words and fields that vary -------------------------------------------- */
    {"status / a word that nobody knows", "status", SAYING("{'status':'UNDER_REVIEW'}"),
     200, "processing", "ok", NULL, "{'status':'UNDER_REVIEW'}", NULL},
    {"status / the word of a fetch", "status",
     SAYING(
         "{'status':'PROCESSING_DOWNLOAD','downloaded_bytes':500,'uploaded_bytes':null}"),
     200, "processing", "ok", NULL,
     "{'fields.downloaded_bytes':500,'fields.uploaded_bytes':null}", NULL},
    {"status / an empty fail_reason beside another state", "status",
     SAYING("{'fail_reason':''}"), 200, "processing", "ok", NULL, "{'fail_reason':null}",
     NULL},
    {"status / a fail_reason beside another state", "status",
     SAYING("{'fail_reason':'internal'}"), 200, "processing", "ok", NULL, NULL, NULL},
    {"status / failed without a reason", "status", SAYING("{'status':'FAILED'}"), 200,
     "failed", "ok", "tiktok_failed", "{'fail_reason':'','failure_class':'never'}", NULL},
    {"status / an empty word", "status", SAYING("{'status':''}"), 200, "retry", "ok",
     "tiktok_unreadable", NULL, NULL},
    {"status / no word", "status", SAYING("{'status':null}"), 200, "retry", "ok",
     "tiktok_unreadable", NULL, NULL},
    {"status / bytes in quotes", "status", SAYING("{'uploaded_bytes':'121000000'}"), 200,
     "processing", "ok", NULL, "{'fields.uploaded_bytes':121000000}", NULL},
    {"status / bytes beyond 32 bits", "status", SAYING("{'uploaded_bytes':4000000000}"),
     200, "processing", "ok", NULL, "{'fields.uploaded_bytes':4000000000}", NULL},
    {"status / no bytes", "status", SAYING("{'uploaded_bytes':null}"), 200, "processing",
     "ok", NULL, "{'fields':null}", NULL},

    /* --- ids ------------------------------------------------------------------- */
    {"status / ids as texts", "status", "knob {'post_id_as_string':1}; " PUBLIC, 200,
     "published", "ok", NULL, "{'post_ids':['$post_id']}", NULL},
    {"status / an id as a bare number", "status", IDS("7700000000000000201"), 200,
     "published", "ok", NULL, "{'post_ids':['7700000000000000201']}", NULL},
    {"status / an id as a bare text", "status", IDS("'7700000000000000201'"), 200,
     "published", "ok", NULL, "{'post_ids':['7700000000000000201']}", NULL},
    {"status / no list of ids", "status", IDS("null"), 200, "published", "ok", NULL,
     "{'post_ids':[]}", NULL},
    {"status / null for the ids", "status",
     "session; fault {'endpoint':'status','raw':'{\\'data\\':{\\'status\\':"
     "\\'PUBLISH_COMPLETE\\',\\'publicaly_available_post_id\\':null},\\'error\\':"
     "{\\'code\\':\\'ok\\'}}'}",
     200, "published", "ok", NULL, "{'post_ids':[]}", NULL},
    {"status / several ids of a draft", "status",
     IDS("[7700000000000000201,'7700000000000000203']"), 200, "published", "ok", NULL,
     "{'post_ids':['7700000000000000201','7700000000000000203']}", NULL},
    {"status / the spelling that is right", "status",
     SAYING("{'status':'PUBLISH_COMPLETE','publicaly_available_post_id':null,"
            "'publicly_available_post_id':[7700000000000000201]}"),
     200, "published", "ok", NULL, "{'post_ids':['7700000000000000201']}", NULL},
    {"status / both spellings", "status",
     SAYING("{'status':'PUBLISH_COMPLETE','publicaly_available_post_id':"
            "[7700000000000000201],'publicly_available_post_id':[7700000000000000201]}"),
     200, "published", "ok", NULL, "{'post_ids':['7700000000000000201']}", NULL},
    {"status / an id above 2^53", "status", IDS("[9007199254740993]"), 200, "published",
     "ok", NULL, "{'post_ids':['9007199254740993']}", NULL},
    {"status / the largest id of 63 bits", "status", IDS("[9223372036854775807]"), 200,
     "published", "ok", NULL, "{'post_ids':['9223372036854775807']}", NULL},
    {"status / the largest id of 64 bits", "status",
     "session; fault {'endpoint':'status','raw':'{\\'data\\':{\\'status\\':"
     "\\'PUBLISH_COMPLETE\\',\\'publicaly_available_post_id\\':[18446744073709551615]},"
     "\\'error\\':{\\'code\\':\\'ok\\'}}'}",
     200, "published", "ok", NULL, "{'post_ids':['18446744073709551615']}", NULL},
    {"status / what is no id", "status", IDS("[0,-5,'','x',true,{},7]"), 200, "published",
     "ok", NULL, "{'post_ids':['7']}", NULL},
    {"status / ids while it is being processed", "status",
     SAYING("{'publicaly_available_post_id':[7]}"), 200, "processing", "ok", NULL,
     "{'post_ids':['7']}", NULL},

    /* --- refusals -------------------------------------------------------------- */
    {"status / a publication that is not there", "status", "publish_id v_pub_file~v2.1",
     400, "never", "invalid_publish_id", "publish_id_unknown", NULL, NULL},
    {"status / somebody else's publication", "status", "session; as cleo.quiet", 400,
     "operator", "token_not_authorized_for_specified_publish_id", "publish_id_foreign",
     NULL, NULL},
    {"status / no publish_id", "status", "body {}", 400, "fix_input", "invalid_params",
     "post_refused", NULL, NULL},
    {"status / the 31st call of a minute", "status", "session; repeat 30", 429, "retry",
     "rate_limit_exceeded", "tiktok_rate_limited", "{'wait_s':60}", NULL},
    {"status / with one of the two scopes", "status",
     "session; scopes user.info.basic,video.upload", 200, "processing", "ok", NULL, NULL,
     NULL},
    {"status / with the other", "status", "session; scopes user.info.basic,video.publish",
     200, "processing", "ok", NULL, NULL, NULL},
};

/* Every reason that is documented, and one that is not. */
const struct fate fates[FATES] = {
    {"file_format_check_failed", "media_format", "fix_input"},
    {"duration_check_failed", "media_duration", "fix_input"},
    {"frame_rate_check_failed", "media_frame_rate", "fix_input"},
    {"picture_size_check_failed", "media_picture_size", "fix_input"},
    {"internal", "tiktok_internal", "retry"},
    {"video_pull_failed", "media_not_fetched", "retry"},
    {"photo_pull_failed", "media_not_fetched", "retry"},
    {"publish_cancelled", "canceled_at_tiktok", "never"},
    {"auth_removed", "access_removed", "reconnect"},
    {"spam_risk_too_many_posts", "daily_post_limit", "later"},
    {"spam_risk_user_banned_from_posting", "account_banned", "never"},
    {"spam_risk_text", "caption_refused", "fix_input"},
    {"spam_risk", "refused_as_spam", "never"},
};

static void run_fate(run_fn run, void *ctx, const struct fate *f)
{
    char name[96], prep[256], also[256];
    const struct a_case c = {name, "status",        prep, 200, "failed", "ok", f->reason,
                             also, "publications 0"};

    (void)snprintf(name, sizeof(name), "status / failed for %s", f->fail_reason);
    (void)snprintf(prep, sizeof(prep), "fault {'fail_reason':'%s'}; " SENT,
                   f->fail_reason);
    (void)snprintf(also, sizeof(also),
                   "{'status':'FAILED','fail_reason':'%s','failure_class':'%s'}",
                   f->fail_reason, f->class);
    run(ctx, &c);
}

void cases_status(run_fn run, void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run(ctx, &cases[i]);
    for (size_t i = 0; i < FATES; i++)
        run_fate(run, ctx, &fates[i]);
}
