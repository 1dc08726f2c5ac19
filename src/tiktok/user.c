#include "tiktok/user.h"

#include "answer_priv.h"

void tiktok_user_path(const char *granted_scopes, struct strbuf *out)
{
    static const struct {
        const char *scope, *fields;
    } groups[] = {
        {"user.info.profile", ",username,is_verified,profile_deep_link"},
        {"user.info.stats", ",follower_count,following_count,likes_count,video_count"},
    };

    strbuf_addstr(out, TIKTOK_PATH_USER_INFO
                  "?fields=open_id,union_id,display_name,avatar_url");
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (tiktok_scopes_have(granted_scopes, groups[i].scope))
            strbuf_addstr(out, groups[i].fields);
}

static void read_user(const json_t *object, struct tiktok_user *user)
{
    *user = (struct tiktok_user){0};
    answer_whole(object, "open_id", user->open_id, sizeof(user->open_id));
    answer_whole(object, "union_id", user->union_id, sizeof(user->union_id));
    answer_text(object, "display_name", user->display_name, sizeof(user->display_name));
    answer_text(object, "username", user->username, sizeof(user->username));
    answer_picture(object, "avatar_url", user->avatar_url, sizeof(user->avatar_url));
    answer_https(object, "profile_deep_link", user->profile_url,
                 sizeof(user->profile_url));
    user->is_verified = answer_bool(object, "is_verified", false);
    user->followers = answer_i64(object, "follower_count", -1);
    user->following = answer_i64(object, "following_count", -1);
    user->likes = answer_i64(object, "likes_count", -1);
    user->videos = answer_i64(object, "video_count", -1);
}

enum rc tiktok_user_parse(const struct tiktok_answer *answer, struct tiktok_reply *reply,
                          struct tiktok_user *user, struct err *err)
{
    const json_t *object;
    json_t *root;
    enum rc rc = answer_open(TIKTOK_IN_API, ANSWER_QUESTION, answer, reply, &root, err);

    if (rc != RC_OK)
        return rc;
    object = json_object_get(answer_data(root), "user");
    if (json_is_object(object))
        read_user(object, user);
    else
        rc = answer_unreadable(ANSWER_QUESTION, reply, err);
    json_decref(root);
    return rc;
}
