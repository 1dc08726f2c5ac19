/* What TikTok fetches: videos from our address, and photos, which come no other way. */
#include "conformance.h"

#define APP "control PATCH /apps/sbawlocalstackkey1 "
#define VERIFIED                                                                         \
    APP "{'properties':['$media/']}; knob {'check_media':0,'pull_delay_ms':0}"
#define NOT_YET      APP "{'properties':['$media/']}; knob {'pull_delay_ms':86400000}"
#define OWNS(list)   APP "{'properties':['" list "']}; knob {'pull_delay_ms':86400000}"
#define VIDEO        "; pull $media/ok/a.mp4"
#define PHOTOS       "; photo $media/ok/1.jpg"
#define FETCHES      "{'publish_id':'$publish_id','upload_url_host':null}"
#define FETCHED(ask) "; do " ask "; settle; clock 1000"

static const struct a_case cases[] = {
    /* --- sessions -------------------------------------------------------------- */
    {"video_init / fetched from a verified address", "video_init", NOT_YET VIDEO, 200,
     "ok", "ok", NULL, FETCHES, "sessions 1; publications 0"},
    {"inbox_init / fetched from a verified address", "inbox_init", NOT_YET VIDEO, 200,
     "ok", "ok", NULL, FETCHES, "sessions 1"},
    {"content_init / pictures at a verified address", "content_init", NOT_YET PHOTOS, 200,
     "ok", "ok", NULL, FETCHES, "sessions 1; publications 0"},
    {"content_init / everything that can be said", "content_init",
     NOT_YET PHOTOS "; title Leaves #autumn; say no_comment; say music; say own_brand; "
                    "privacy SELF_ONLY",
     200, "ok", "ok", NULL, NULL,
     "row flags 81; row caption Leaves #autumn; row title Autumn; row photos 2; "
     "row cover_index 1; row privacy_level SELF_ONLY"},
    {"content_init / a draft of them to be fetched", "content_init",
     NOT_YET PHOTOS "; photo_draft", 200, "ok", "ok", NULL, FETCHES, "sessions 1"},
    {"content_init / of an account that is not audited", "content_init",
     NOT_YET PHOTOS "; knob {'audited':0}; as ben.private; privacy SELF_ONLY", 200, "ok",
     "ok", NULL, FETCHES, "sessions 1"},
    {"video_init / an address below a verified domain", "video_init",
     OWNS("example.com") "; pull https://video.example.com/a.mp4", 200, "ok", "ok", NULL,
     FETCHES, "sessions 1"},
    {"video_init / an address above a verified domain", "video_init",
     OWNS("static.example.com") "; pull https://example.com/a.mp4", 403, "operator",
     "url_ownership_unverified", "url_not_verified", NULL, "sessions 0"},
    {"video_init / an address below a verified prefix", "video_init",
     OWNS("https://example.com/videos/user/") "; pull "
                                              "https://example.com/videos/user/123/a.mp4",
     200, "ok", "ok", NULL, FETCHES, "sessions 1"},
    {"video_init / an address beside a verified prefix", "video_init",
     OWNS(
         "https://example.com/videos/user/") "; pull "
                                             "https://example.com/videos/2023/user/a.mp4",
     403, "operator", "url_ownership_unverified", "url_not_verified", NULL, "sessions 0"},
    {"content_init / one picture is elsewhere", "content_init",
     OWNS("https://example.com/") "; photo https://example.org/1.jpg", 403, "operator",
     "url_ownership_unverified", "url_not_verified", NULL, "sessions 0"},
    {"content_init / the app on the phone is too old", "content_init",
     NOT_YET PHOTOS "; photo_draft; knob {'app_outdated':1}", 400, "fix_input",
     "app_version_check_failed", "tiktok_app_outdated", NULL, "sessions 0"},
    {"content_init / the seventh of a minute", "content_init",
     NOT_YET PHOTOS "; repeat 6", 429, "retry", "rate_limit_exceeded",
     "tiktok_rate_limited", "{'may_have_acted':false}", "sessions 6"},
    {"content_init / internal_error", "content_init",
     NOT_YET PHOTOS "; fault {'endpoint':'photo_init','status':500}", 500, "retry",
     "internal_error", "tiktok_unavailable", "{'may_have_acted':true}", "sessions 0"},

    /* --- what becomes of them -------------------------------------------------- */
    {"status / not fetched yet", "status", NOT_YET VIDEO "; do video_init", 200,
     "processing", "ok", NULL,
     "{'status':'PROCESSING_DOWNLOAD','fields.downloaded_bytes':0,"
     "'fields.uploaded_bytes':null}",
     NULL},
    {"status / fetched and public", "status", VERIFIED VIDEO FETCHED("video_init"), 200,
     "published", "ok", NULL,
     "{'post_ids':['$post_id'],'fields.downloaded_bytes':1000,"
     "'fields.uploaded_bytes':null}",
     "publications 1"},
    {"status / fetched into the inbox", "status", VERIFIED VIDEO FETCHED("inbox_init"),
     200, "inbox", "ok", NULL, "{'status':'SEND_TO_USER_INBOX'}", NULL},
    {"status / pictures fetched and public", "status",
     VERIFIED PHOTOS FETCHED("content_init"), 200, "published", "ok", NULL,
     "{'post_ids':['$post_id'],'fields.downloaded_bytes':2000}", "publications 1"},
    {"status / pictures in the inbox", "status",
     VERIFIED PHOTOS "; photo_draft" FETCHED("content_init"), 200, "inbox", "ok", NULL,
     NULL, NULL},
    {"status / a draft of pictures that was posted", "status",
     VERIFIED PHOTOS "; photo_draft" FETCHED("content_init") "; draft post; clock 1000",
     200, "published", "ok", NULL, "{'post_ids':['$post_id']}", NULL},
    {"status / a video that is not there", "status",
     VERIFIED "; pull $media/gone/a.mp4" FETCHED("video_init"), 200, "failed", "ok",
     "media_not_fetched", "{'fail_reason':'video_pull_failed','failure_class':'retry'}",
     "publications 0"},
    {"status / a video behind a redirect", "status",
     VERIFIED "; pull $media/moved/a.mp4" FETCHED("video_init"), 200, "failed", "ok",
     "media_not_fetched", "{'fail_reason':'video_pull_failed'}", NULL},
    {"status / pictures that are not there", "status",
     VERIFIED "; photo $media/gone/1.jpg" FETCHED("content_init"), 200, "failed", "ok",
     "media_not_fetched", "{'fail_reason':'photo_pull_failed','failure_class':'retry'}",
     NULL},
    {"status / what is fetched is no video", "status",
     VERIFIED "; knob {'check_media':1}" VIDEO FETCHED("video_init"), 200, "failed", "ok",
     "media_format", "{'fail_reason':'file_format_check_failed'}", NULL},
    {"status / not fetched within its hour", "status",
     NOT_YET VIDEO
     "; knob {'pull_delay_ms':7200000}; do video_init; clock 3700000; settle",
     200, "failed", "ok", "media_not_fetched", "{'fail_reason':'video_pull_failed'}",
     NULL},
    {"cancel / before it was fetched", "cancel", NOT_YET VIDEO "; do video_init", 200,
     "ok", "ok", NULL, NULL, "row status FAILED; row fail_reason publish_cancelled"},
    {"cancel / after it was fetched", "cancel", VERIFIED VIDEO FETCHED("video_init"), 400,
     "never", "publish_not_cancellable", "not_cancellable", NULL, NULL},
    {"cancel / pictures before they were fetched", "cancel",
     NOT_YET PHOTOS "; do content_init", 200, "ok", "ok", NULL, NULL,
     "row fail_reason publish_cancelled"},
};

void cases_pull(run_fn run, void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run(ctx, &cases[i]);
}
