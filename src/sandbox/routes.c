/* Every path that the simulator answers. */
#include "consent.h"
#include "control.h"
#include "control_page.h"
#include "display.h"
#include "files.h"
#include "oauth.h"
#include "pages.h"
#include "posting.h"
#include "upload.h"

#define API(method, path, name, rules)                                                   \
    {                                                                                    \
        method, path, STYLE_API, name, NULL, &(rules)                                    \
    }
#define CONTROL(method, path, handle)                                                    \
    {                                                                                    \
        method, "/sandbox" path, STYLE_CONTROL, NULL, handle, NULL                       \
    }
#define PAGE(method, path, handle)                                                       \
    {                                                                                    \
        method, path, STYLE_PAGE, NULL, handle, NULL                                     \
    }

const struct route routes[] = {
    /* TikTok's: API and upload host first, they are asked most */
    API("POST", "/v2/post/publish/status/fetch/", "status", status_rules),
    API("POST", "/v2/post/publish/video/init/", "video_init", video_init_rules),
    API("POST", "/v2/post/publish/creator_info/query/", "creator_info",
        creator_info_rules),
    {"PUT", "/upload", STYLE_UPLOAD, "upload", upload_put, NULL},
    {"PUT", "/video/", STYLE_UPLOAD, "upload", upload_put, NULL},
    API("POST", "/v2/post/publish/inbox/video/init/", "inbox_init", inbox_init_rules),
    API("POST", "/v2/post/publish/content/init/", "photo_init", photo_init_rules),
    API("POST", "/v2/post/publish/cancel/", "cancel", cancel_rules),
    API("GET", "/v2/user/info/", "user_info", user_info_rules),
    API("POST", "/v2/video/list/", "video_list", video_list_rules),
    API("POST", "/v2/video/query/", "video_query", video_query_rules),
    {"POST", "/v2/oauth/token/", STYLE_OAUTH, "token", oauth_token, NULL},
    {"POST", "/v2/oauth/revoke/", STYLE_OAUTH, "revoke", oauth_revoke, NULL},
    {"GET", "/v2/auth/authorize/", STYLE_CONSENT, "authorize", consent_page, NULL},
    {"POST", "/v2/auth/authorize/", STYLE_CONSENT, "authorize", consent_decide, NULL},

    /* the simulator's own */
    CONTROL("GET", "/ledger", control_ledger),
    CONTROL("GET", "/counts", control_counts),
    CONTROL("GET", "/faults", control_faults),
    CONTROL("POST", "/faults", control_fault_set),
    CONTROL("DELETE", "/faults", control_fault_remove),
    CONTROL("DELETE", "/faults/{id}", control_fault_remove),
    CONTROL("GET", "/knobs", control_knobs),
    CONTROL("PATCH", "/knobs", control_knobs_turn),
    CONTROL("GET", "/clock", control_clock),
    CONTROL("POST", "/clock", control_clock_set),
    CONTROL("GET", "/users", control_people),
    CONTROL("POST", "/users", control_person_add),
    CONTROL("GET", "/users/{name}", control_person),
    CONTROL("PATCH", "/users/{name}", control_person_change),
    CONTROL("POST", "/users/{name}/leave", control_person_leave),
    CONTROL("POST", "/users/{name}/return", control_person_return),
    CONTROL("POST", "/permits", control_permit),
    CONTROL("GET", "/apps", control_apps),
    CONTROL("POST", "/apps", control_app_add),
    CONTROL("GET", "/apps/{key}", control_app),
    CONTROL("PATCH", "/apps/{key}", control_app_change),
    CONTROL("PATCH", "/publications/{publish_id}", control_publication_change),
    CONTROL("POST", "/publications/{publish_id}/post", control_draft_post),
    CONTROL("POST", "/publications/{publish_id}/discard", control_draft_discard),
    CONTROL("POST", "/publications/{publish_id}/hide", control_post_hide),
    CONTROL("POST", "/publications/{publish_id}/show", control_post_show),
    CONTROL("GET", "/webhooks", control_webhooks),
    CONTROL("POST", "/webhooks/test", control_webhook_test),
    CONTROL("POST", "/webhooks/{id}/redeliver", control_webhook_again),
    CONTROL("POST", "/reset", control_reset),
    PAGE("GET", "/sandbox", control_page),
    PAGE("POST", "/sandbox", control_page_action),
    PAGE("GET", "/sandbox/style.css", file_style),
    PAGE("GET", "/sandbox/reel.js", file_reel),
    PAGE("GET", "/sandbox/icon.png", file_icon),
    PAGE("GET", "/", page_feed),
    PAGE("GET", "/people", page_people),
    PAGE("GET", "/media/{name}", file_media),
    PAGE("GET", "/picture/{name}", file_picture),
    PAGE("GET", "/{who}", page_profile),
    PAGE("POST", "/{who}", page_action),
    PAGE("GET", "/{who}/video/{id}", page_post),
    PAGE("GET", "/{who}/photo/{id}", page_post),
};

const size_t route_count = sizeof(routes) / sizeof(routes[0]);
