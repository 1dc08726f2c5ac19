/* The warnings beside a scheduled post: nothing is refused for them. */
#include "posts.h"

#include "core/log.h"

#include <stdio.h>

static void write_one(struct jsonw *w, const char *code, const char *message)
{
    jsonw_object(w);
    jsonw_key_text(w, "code", code);
    jsonw_key_text(w, "message", message);
    jsonw_end(w);
}

static void write_beyond(struct jsonw *w, const struct post *post, unsigned cap)
{
    char text[256];

    if (post->content.mode == POST_DIRECT) {
        (void)snprintf(text, sizeof(text),
                       "TikTok took %u posts in 24 hours of this account lately, and as "
                       "many are planned in the 24 hours before this one. It may go out "
                       "later than planned.",
                       cap);
        write_one(w, "daily_limit", text);
    } else {
        (void)snprintf(text, sizeof(text),
                       "TikTok keeps %u drafts of 24 hours in an inbox, and as many are "
                       "planned before this one. Unless they are posted or discarded in "
                       "the app it is delivered later.",
                       cap);
        write_one(w, "inbox_limit", text);
    }
}

/* Where they cannot be found out the post is shown without. */
void posts_write_warnings(struct api *api, const struct api_request *req, struct jsonw *w,
                          const struct post *post)
{
    struct post_warnings warnings;
    struct err err;

    if (posts_warnings(api->db, req->who.workspace_id, post, &warnings, &err) != RC_OK) {
        log_failure("api.warnings_unknown", &err);
        return;
    }
    jsonw_key(w, "warnings");
    jsonw_array(w);
    if (warnings.grant_ends_ms != 0)
        write_one(w, "grant_ends",
                  "TikTok ends the connection of this account before then. Reconnect it, "
                  "or the post will wait for you.");
    if (warnings.paused_until_ms != 0)
        write_one(w, "account_paused",
                  "TikTok lets this account post nothing for a while. The post goes out "
                  "by itself once it may, later than planned.");
    if (warnings.beyond_cap)
        write_beyond(w, post, warnings.cap);
    jsonw_end(w);
}
