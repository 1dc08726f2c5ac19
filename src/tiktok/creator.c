#include "tiktok/creator.h"

#include "answer_priv.h"
#include "core/jsonw.h"

#include <string.h>

static void read_privacy(const json_t *list, struct tiktok_creator *creator)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *level = json_string_value(item);
        size_t len = json_string_length(item);

        if (level == NULL || len == 0 || len > TIKTOK_PRIVACY_MAX)
            continue;
        if (creator->privacy_count == TIKTOK_PRIVACY_OPTIONS_MAX)
            break;
        (void)memcpy(creator->privacy[creator->privacy_count], level, len + 1);
        creator->privacy_count++;
    }
}

static void read_creator(const json_t *data, struct tiktok_creator *creator)
{
    int64_t max_s = answer_i64(data, "max_video_post_duration_sec", 0);

    *creator = (struct tiktok_creator){0};
    answer_text(data, "creator_username", creator->username, sizeof(creator->username));
    answer_text(data, "creator_nickname", creator->nickname, sizeof(creator->nickname));
    answer_picture(data, "creator_avatar_url", creator->avatar_url,
                   sizeof(creator->avatar_url));
    read_privacy(json_object_get(data, "privacy_level_options"), creator);
    creator->comment_disabled = answer_bool(data, "comment_disabled", false);
    creator->duet_disabled = answer_bool(data, "duet_disabled", false);
    creator->stitch_disabled = answer_bool(data, "stitch_disabled", false);
    creator->max_video_s = max_s > 0 && max_s <= INT32_MAX ? (int32_t)max_s : 0;
}

enum rc tiktok_creator_parse(const struct tiktok_answer *answer,
                             struct tiktok_reply *reply, struct tiktok_creator *creator,
                             struct err *err)
{
    struct tiktok_creator read;
    json_t *root;
    enum rc rc = answer_open(TIKTOK_IN_API, ANSWER_QUESTION, answer, reply, &root, err);

    if (rc != RC_OK)
        return rc;
    read_creator(answer_data(root), &read);
    if (read.privacy_count > 0)
        *creator = read;
    else
        rc = answer_unreadable(ANSWER_QUESTION, reply, err);
    json_decref(root);
    return rc;
}

bool tiktok_creator_allows(const struct tiktok_creator *creator,
                           const char *privacy_level)
{
    for (size_t i = 0; i < creator->privacy_count; i++)
        if (strcmp(creator->privacy[i], privacy_level) == 0)
            return true;
    return false;
}

void tiktok_creator_write(const struct tiktok_creator *creator, struct strbuf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key_text(&w, "username", creator->username);
    jsonw_key_text(&w, "nickname", creator->nickname);
    jsonw_key_text(&w, "avatar_url", creator->avatar_url);
    jsonw_key(&w, "privacy_level_options");
    jsonw_array(&w);
    for (size_t i = 0; i < creator->privacy_count; i++)
        jsonw_text(&w, creator->privacy[i]);
    jsonw_end(&w);
    jsonw_key_bool(&w, "comment_disabled", creator->comment_disabled);
    jsonw_key_bool(&w, "duet_disabled", creator->duet_disabled);
    jsonw_key_bool(&w, "stitch_disabled", creator->stitch_disabled);
    jsonw_key(&w, "max_video_post_duration_sec");
    if (creator->max_video_s > 0)
        jsonw_int(&w, creator->max_video_s);
    else
        jsonw_null(&w);
    jsonw_end(&w);
}
