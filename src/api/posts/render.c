/* A post as the API shows it. */
#include "core/encode.h"
#include "posts.h"
#include "store/media.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct actor posts_actor(const struct api_request *req)
{
    return (struct actor){.workspace_id = req->who.workspace_id,
                          .user_id = req->who.user_id,
                          .token_id = req->who.token_id,
                          .ip = req->web->remote_ip};
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void int_or_null(struct jsonw *w, const char *key, int64_t n, bool known)
{
    jsonw_key(w, key);
    if (known)
        jsonw_int(w, n);
    else
        jsonw_null(w);
}

void posts_media_path(uint64_t media_id, const char *what, char out[POSTS_PATH_SIZE])
{
    (void)snprintf(out, POSTS_PATH_SIZE, "/api/v1/media/%" PRIu64 "/%s", media_id, what);
}

static void write_medium(struct jsonw *w, const struct post_medium *m)
{
    char path[POSTS_PATH_SIZE];

    jsonw_object(w);
    jsonw_key_id(w, "id", m->id);
    jsonw_key_text(w, "kind", media_kind_name(m->kind));
    jsonw_key_text(w, "status", media_state_name((enum media_state)m->state));
    jsonw_key_text(w, "filename", m->filename);
    int_or_null(w, "duration_ms", m->duration_ms, m->duration_ms > 0);
    int_or_null(w, "width", m->width, m->width > 0);
    int_or_null(w, "height", m->height, m->height > 0);
    posts_media_path(m->id, "thumbnail", path);
    jsonw_key_text(w, "thumbnail_url", m->has_thumb ? path : NULL);
    posts_media_path(m->id, "content", path);
    jsonw_key_text(w, "content_url", path);
    jsonw_end(w);
}

static void write_media(struct jsonw *w, const struct post *post)
{
    jsonw_key(w, "media_ids");
    jsonw_array(w);
    for (size_t i = 0; i < post->content.media_n; i++)
        jsonw_id(w, post->content.media_ids[i]);
    jsonw_end(w);
    jsonw_key(w, "media");
    jsonw_array(w);
    for (size_t i = 0; i < post->media_n; i++)
        write_medium(w, &post->media[i]);
    jsonw_end(w);
}

static void write_account(struct jsonw *w, const struct post *post)
{
    const char *nickname = post->nickname;

    if (nickname[0] == '\0')
        nickname = post->username[0] != '\0' ? post->username : "TikTok account";
    jsonw_key_id(w, "account_id", post->content.account_id);
    jsonw_key(w, "account");
    jsonw_object(w);
    jsonw_key_id(w, "id", post->content.account_id);
    jsonw_key_text(w, "nickname", nickname);
    jsonw_key_text(w, "username", or_null(post->username));
    jsonw_end(w);
}

static void write_pair(struct jsonw *w, const char *name, const char *first, bool one,
                       bool branded_content)
{
    jsonw_key(w, name);
    jsonw_object(w);
    jsonw_key_bool(w, first, one);
    jsonw_key_bool(w, "branded_content", branded_content);
    jsonw_end(w);
}

static void write_content(struct jsonw *w, const struct post_content *c)
{
    jsonw_key_text(w, "kind", post_kind_name(c->kind));
    jsonw_key_text(w, "mode", post_mode_name(c->mode));
    jsonw_key_text(w, "caption", c->caption);
    jsonw_key_text(w, "title", or_null(c->title));
    jsonw_key_text(w, "privacy_level", or_null(c->privacy_level));
    jsonw_key_bool(w, "allow_comment", c->allow_comment);
    jsonw_key_bool(w, "allow_duet", c->allow_duet);
    jsonw_key_bool(w, "allow_stitch", c->allow_stitch);
    write_pair(w, "disclose", "your_brand", c->your_brand, c->branded_content);
    jsonw_key_bool(w, "is_aigc", c->is_aigc);
    jsonw_key_bool(w, "auto_add_music", c->auto_add_music);
    int_or_null(w, "cover_ms", c->cover_ms, c->cover_ms >= 0);
    int_or_null(w, "cover_index", c->cover_index, c->cover_index >= 0);
    jsonw_key_time(w, "publish_at", c->publish_at_ms);
    jsonw_key_text(w, "timezone", or_null(c->timezone));
    jsonw_key_int(w, "max_late_s", c->max_late_s);
    write_pair(w, "consent", "music_usage", c->music_usage, c->branded_agreed);
}

static void write_status(struct jsonw *w, const struct post *post)
{
    struct post_standing standing = posts_standing(post);
    struct post_shown shown;

    post_show(&standing, &shown);
    jsonw_key_text(w, "status", post_status_name(shown.status));
    jsonw_key_text(w, "status_reason", shown.reason);
    jsonw_key_text(w, "status_text", shown.text);
    jsonw_key_text(w, "next_step", shown.next_step);
    jsonw_key_text(w, "next_action", next_action_name(shown.action));
    jsonw_key_time(
        w, "next_try_at",
        post->phase == PHASE_SCHEDULED && post->reason[0] != '\0' ? post->next_at_ms : 0);
}

/* Where it can be seen; TikTok gives no address, only the parts of one. */
static void write_address(struct jsonw *w, const struct post *post)
{
    struct strbuf url;

    jsonw_key_text(w, "tiktok_post_id", or_null(post->tiktok_post_id));
    strbuf_init(&url, 1024);
    if (post->tiktok_post_id[0] != '\0' && post->username[0] != '\0') {
        strbuf_addstr(&url, "https://www.tiktok.com/@");
        percent_encode(&url, post->username, strlen(post->username));
        strbuf_addf(&url, "/%s/%s", post_kind_name(post->content.kind),
                    post->tiktok_post_id);
    }
    jsonw_key_text(w, "tiktok_url", or_null(url.buf));
    strbuf_release(&url);
}

static void write_members(struct jsonw *w, const struct post *post)
{
    jsonw_key_id(w, "id", post->id);
    write_account(w, post);
    write_media(w, post);
    write_content(w, &post->content);
    write_status(w, post);
    jsonw_key_time(w, "published_at", post->published_ms);
    write_address(w, post);
    jsonw_key_int(w, "version", post->version);
    jsonw_key_time(w, "created_at", post->created_ms);
    jsonw_key_time(w, "updated_at", post->updated_ms);
}

void posts_write(struct jsonw *w, const struct post *post)
{
    jsonw_object(w);
    write_members(w, post);
    jsonw_end(w);
}

static void begin_answer(struct web_response *res, int status, const struct post *post,
                         struct jsonw *w)
{
    api_etag(res, post->version);
    if (status == 201)
        web_header_addf(res, "Location", "/api/v1/posts/%" PRIu64, post->id);
    web_json_begin(res, status, w);
}

void posts_answer(struct web_response *res, int status, const struct post *post)
{
    struct jsonw w;

    begin_answer(res, status, post, &w);
    posts_write(&w, post);
}

void posts_answer_warned(struct api *api, const struct api_request *req,
                         struct web_response *res, const struct posts_shown *shown)
{
    struct jsonw w;

    begin_answer(res, shown->status, shown->post, &w);
    jsonw_object(&w);
    write_members(&w, shown->post);
    posts_write_warnings(api, req, &w, shown->post);
    jsonw_end(&w);
}
