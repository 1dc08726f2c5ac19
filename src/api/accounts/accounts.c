#include "accounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct actor accounts_actor(const struct api_request *req)
{
    return (struct actor){.workspace_id = req->who.workspace_id,
                          .user_id = req->who.user_id,
                          .token_id = req->who.token_id,
                          .ip = req->web->remote_ip};
}

const char *accounts_nickname(const struct account *account)
{
    if (account->display_name[0] != '\0')
        return account->display_name;
    return account->username[0] != '\0' ? account->username : "TikTok account";
}

/* A copy that cannot be opened is as good as none: the page shows initials. */
static bool has_avatar(const struct api *api, uint64_t account_id)
{
    struct err ignored;
    char first;
    size_t len;

    return blob_peek_avatar(api->blobs, account_id, &first, 1, &len, &ignored) == RC_OK;
}

void accounts_write_avatar(const struct api *api, struct jsonw *w, uint64_t account_id)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/api/v1/accounts/%" PRIu64 "/avatar", account_id);
    jsonw_key_text(w, "avatar_url", has_avatar(api, account_id) ? path : NULL);
}

/* Those of scopes that without lacks; without NULL: all of them. */
static void write_scopes(struct jsonw *w, const char *key, const char *scopes,
                         const char *without)
{
    const char *rest = scopes;
    const char *scope;
    size_t len;

    jsonw_key(w, key);
    jsonw_array(w);
    while (account_scope_next(&rest, &scope, &len))
        if (without == NULL || !account_scopes_have(without, scope, len))
            jsonw_text_len(w, scope, len);
    jsonw_end(w);
}

static void write_features(struct jsonw *w, const char *scopes)
{
    struct account_features f = account_features_of(scopes);

    jsonw_key(w, "features");
    jsonw_object(w);
    jsonw_key_bool(w, "direct_post", f.direct_post);
    jsonw_key_bool(w, "inbox", f.inbox);
    jsonw_key_bool(w, "stats", f.stats);
    jsonw_end(w);
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

void accounts_write(const struct api *api, struct jsonw *w, const struct account *account)
{
    struct account_standing standing = account_standing_of(account);

    jsonw_object(w);
    jsonw_key_id(w, "id", account->id);
    jsonw_key_text(w, "nickname", accounts_nickname(account));
    jsonw_key_text(w, "username", text_or_null(account->username));
    accounts_write_avatar(api, w, account->id);
    jsonw_key_text(w, "status", account_word(&standing));
    jsonw_key_text(w, "status_text", account_sentence(&standing));
    write_scopes(w, "scopes", account->scopes, NULL);
    write_scopes(w, "missing_scopes", api->settings->scopes, account->scopes);
    write_features(w, account->scopes);
    jsonw_key_text(w, "timezone", text_or_null(account->tz));
    jsonw_key_int(w, "scheduled_posts", account->scheduled);
    jsonw_key_time(w, "connected_at", account->connected_ms);
    jsonw_key_time(w, "refresh_expires_at", account->refresh_expires_ms);
    jsonw_key_time(w, "posts_until", account_posts_until(&standing));
    jsonw_key_time(w, "limited_until",
                   account->limited_ms > account->now_ms ? account->limited_ms : 0);
    jsonw_key_int(w, "version", account->version);
    jsonw_end(w);
}

enum rc accounts_answer(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    struct account account;
    struct jsonw w;
    enum rc rc = account_load(api->db, req->who.workspace_id, req->id, &account, err);

    if (rc != RC_OK)
        return rc;
    api_etag(res, account.version);
    web_json_begin(res, 200, &w);
    accounts_write(api, &w, &account);
    return RC_OK;
}
