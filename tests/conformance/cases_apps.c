/* More apps than one: what belongs to another is as if it were not there. */
#include "conformance.h"

#define BACK    "'redirect_uris':['http://localhost:9/api/auth/tiktok/callback']"
#define OTHER   "app {'name':'Other'," BACK "}"
#define LIVE    "app {'name':'Live','sandbox':false,'audited':true," BACK "}"
#define FOR_ANN "app {'name':'Other','targets':['ann.example']," BACK "}"
#define ALLOW   "&decision=allow&grant=user.info.basic"

static const struct a_case cases[] = {
    {"authorize / another app, and one of its people", "authorize",
     FOR_ANN "; body user=ann.example" ALLOW, 302, "ok", "", NULL,
     "{'@scopes':'user.info.basic'}", NULL},
    {"authorize / another app, and none of its people", "authorize",
     FOR_ANN "; body user=ben.private" ALLOW, 302, "operator", "access_denied",
     "not_sandbox_user", "{'@error_type':'non_sandbox_target'}", NULL},
    {"authorize / an app that is live lets anybody in", "authorize",
     LIVE "; body user=olga.outside" ALLOW, 302, "ok", "", NULL, NULL, NULL},
    {"authorize / an address that another app has registered", "authorize",
     "app {'name':'Other','redirect_uris':['https://example.com/cb']}", 400, "ok", "",
     NULL, NULL, "named redirect_uri"},
    {"token / of another app", "token", OTHER "; consent", 200, "ok", "ok", NULL,
     "{'fields.has_refresh_token':true}", NULL},
    {"token / a code of another app", "token", "consent; " OTHER, 200, "reconnect",
     "invalid_grant", "oauth_code_expired", NULL, NULL},
    {"token / the key of one app and the secret of another", "token",
     OTHER "; consent; secret $secret", 200, "operator", "invalid_client",
     "app_credentials_wrong", NULL, NULL},
    {"refresh / a token of another app", "refresh", "permit; " OTHER, 200, "reconnect",
     "invalid_grant", "reconnect", NULL, NULL},
    {"refresh / of another app", "refresh", OTHER "; permit", 200, "ok", "ok", NULL, NULL,
     NULL},
    {"revoke / a token of another app", "revoke", "permit; " OTHER, 200, "ok",
     "invalid_grant", NULL, NULL, NULL},
    {"video_init / of an app that is not audited", "video_init", OTHER, 403, "fix_input",
     "unaudited_client_can_only_post_to_private_accounts", "app_not_audited", NULL,
     "sessions 0"},
    {"inbox_init / of an app that is not audited", "inbox_init", OTHER, 200, "ok", "ok",
     NULL, NULL, "sessions 1"},
    {"video_init / of an app that is live and audited", "video_init", LIVE, 200, "ok",
     "ok", NULL, NULL, "sessions 1"},
    {"content_init / what another app has verified", "content_init",
     "control PATCH /apps/sbawlocalstackkey1 {'properties':['$media/']}; " LIVE
     "; photo $media/ok/1.jpg",
     400, "fix_input", "invalid_params", "post_refused", NULL, "sessions 0"},
    {"video_init / what another app has verified", "video_init",
     "control PATCH /apps/sbawlocalstackkey1 {'properties':['example.com']}; " LIVE
     "; pull https://example.com/a.mp4",
     403, "operator", "url_ownership_unverified", "url_not_verified", NULL, "sessions 0"},
    {"status / a publication of another app", "status", "session; " LIVE "; permit", 400,
     "operator", "token_not_authorized_for_specified_publish_id", "publish_id_foreign",
     NULL, NULL},
    {"cancel / a publication of another app", "cancel", "session; " LIVE "; permit", 400,
     "operator", "token_not_authorized_for_specified_publish_id", "publish_id_foreign",
     NULL, NULL},
    {"video_init / the other app's minute is another", "video_init",
     "repeat 6; try video_init; repeat 0; " LIVE "; permit", 200, "ok", "ok", NULL, NULL,
     "sessions 7"},
};

void cases_apps(run_fn run, void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run(ctx, &cases[i]);
}
