#include "view.h"

#include "../auth.h"
#include "../uploads/tus.h"

#include "domain/media.h"
#include "store/users.h"

#include <string.h>

static void write_person(struct jsonw *w, const struct api_caller *who,
                         const struct user_profile *profile)
{
    jsonw_key(w, "user");
    jsonw_object(w);
    jsonw_key_id(w, "id", who->user_id);
    jsonw_key_text(w, "email", profile->email);
    jsonw_key_text(w, "name", profile->name);
    jsonw_end(w);
    jsonw_key(w, "workspace");
    jsonw_object(w);
    jsonw_key_id(w, "id", who->workspace_id);
    jsonw_key_text(w, "name", profile->workspace);
    jsonw_end(w);
    jsonw_key_text(w, "role", role_name(who->role));
}

static void write_scopes(struct jsonw *w, const char *scopes)
{
    jsonw_key(w, "scopes");
    jsonw_array(w);
    while (*scopes != '\0') {
        size_t len = strcspn(scopes, ",");

        if (len > 0)
            jsonw_text_len(w, scopes, len);
        scopes += len + (scopes[len] == ',');
    }
    jsonw_end(w);
}

static void write_app(struct jsonw *w, const struct api_settings *settings,
                      const struct user_profile *profile)
{
    jsonw_key(w, "limits");
    jsonw_object(w);
    jsonw_key_int(w, "media_max_bytes", MEDIA_VIDEO_BYTES_MAX);
    jsonw_key_int(w, "chunk_bytes", TUS_CHUNK_MAX);
    jsonw_end(w);
    jsonw_key(w, "app");
    jsonw_object(w);
    jsonw_key(w, "unaudited");
    if (profile->unaudited)
        jsonw_bool(w, true);
    else
        jsonw_null(w); /* TikTok never says that an app is audited */
    jsonw_key_bool(w, "sandbox", settings->sandbox);
    jsonw_key_bool(w, "photo_posts", settings->pull_url != NULL);
    write_scopes(w, settings->scopes);
    jsonw_end(w);
}

enum rc session_answer(struct api *api, const struct api_caller *who, int status,
                       struct web_response *res, struct err *err)
{
    struct user_profile profile;
    char csrf[AUTH_CSRF_SIZE];
    struct jsonw w;
    enum rc rc = user_profile(api->db, who->workspace_id, who->user_id, &profile, err);

    if (rc != RC_OK)
        return rc;
    auth_csrf_token(api->keys, who, csrf);
    web_json_begin(res, status, &w);
    jsonw_object(&w);
    write_person(&w, who, &profile);
    jsonw_key_text(&w, "csrf_token", who->token_id == 0 ? csrf : NULL);
    jsonw_key_time(&w, "expires_at", who->expires_at_ms);
    write_app(&w, api->settings, &profile);
    jsonw_end(&w);
    return RC_OK;
}
