#include "tiktok/posting.h"

#include "answer_priv.h"
#include "core/encode.h"
#include "core/jsonw.h"

#include <assert.h>
#include <string.h>

/* --- requests ------------------------------------------------------------------ */

static void write_text_unless_empty(struct jsonw *w, const char *key, const char *text)
{
    if (text != NULL && *text != '\0')
        jsonw_key_text(w, key, text);
}

static void write_source(struct jsonw *w, const struct tiktok_video_source *source)
{
    assert((source->plan == NULL) != (source->url == NULL));
    jsonw_key(w, "source_info");
    jsonw_object(w);
    if (source->plan != NULL) {
        jsonw_key_text(w, "source", "FILE_UPLOAD");
        jsonw_key_int(w, "video_size", source->plan->size);
        jsonw_key_int(w, "chunk_size", source->plan->chunk_size);
        jsonw_key_int(w, "total_chunk_count", source->plan->count);
    } else {
        jsonw_key_text(w, "source", "PULL_FROM_URL");
        jsonw_key_text(w, "video_url", source->url);
    }
    jsonw_end(w);
}

void tiktok_video_init_body(const struct tiktok_video_post *post,
                            const struct tiktok_video_source *source, struct strbuf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key(&w, "post_info");
    jsonw_object(&w);
    write_text_unless_empty(&w, "title", post->title);
    jsonw_key_text(&w, "privacy_level", post->privacy_level);
    jsonw_key_bool(&w, "disable_comment", post->disable_comment);
    jsonw_key_bool(&w, "disable_duet", post->disable_duet);
    jsonw_key_bool(&w, "disable_stitch", post->disable_stitch);
    if (post->cover_ms >= 0)
        jsonw_key_int(&w, "video_cover_timestamp_ms", post->cover_ms);
    jsonw_key_bool(&w, "brand_content_toggle", post->brand_content);
    jsonw_key_bool(&w, "brand_organic_toggle", post->brand_organic);
    jsonw_key_bool(&w, "is_aigc", post->is_aigc);
    jsonw_end(&w);
    write_source(&w, source);
    jsonw_end(&w);
}

void tiktok_inbox_init_body(const struct tiktok_video_source *source, struct strbuf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    write_source(&w, source);
    jsonw_end(&w);
}

static void write_photo_info(struct jsonw *w, const struct tiktok_photo_post *post)
{
    jsonw_key(w, "post_info");
    jsonw_object(w);
    write_text_unless_empty(w, "title", post->title);
    write_text_unless_empty(w, "description", post->description);
    if (post->direct) {
        jsonw_key_text(w, "privacy_level", post->privacy_level);
        jsonw_key_bool(w, "disable_comment", post->disable_comment);
        jsonw_key_bool(w, "auto_add_music", post->auto_add_music);
        jsonw_key_bool(w, "brand_content_toggle", post->brand_content);
        jsonw_key_bool(w, "brand_organic_toggle", post->brand_organic);
    }
    jsonw_end(w);
}

void tiktok_photo_init_body(const struct tiktok_photo_post *post, struct strbuf *out)
{
    struct jsonw w;

    assert(post->url_count > 0 && post->url_count <= TIKTOK_PHOTOS_MAX);
    assert(post->cover_index < post->url_count);
    jsonw_init(&w, out);
    jsonw_object(&w);
    write_photo_info(&w, post);
    jsonw_key(&w, "source_info");
    jsonw_object(&w);
    jsonw_key_text(&w, "source", "PULL_FROM_URL");
    jsonw_key_int(&w, "photo_cover_index", (int64_t)post->cover_index);
    jsonw_key(&w, "photo_images");
    jsonw_array(&w);
    for (size_t i = 0; i < post->url_count; i++)
        jsonw_text(&w, post->urls[i]);
    jsonw_end(&w);
    jsonw_end(&w);
    jsonw_key_text(&w, "post_mode", post->direct ? "DIRECT_POST" : "MEDIA_UPLOAD");
    jsonw_key_text(&w, "media_type", "PHOTO");
    jsonw_end(&w);
}

void tiktok_publish_id_body(const char *publish_id, struct strbuf *out)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key_text(&w, "publish_id", publish_id);
    jsonw_end(&w);
}

bool tiktok_publish_id_is_fetched(const char *publish_id)
{
    static const char *const forms[] = {"v_pub_url~", "v_inbox_url~", "p_pub_url~"};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strncmp(publish_id, forms[i], strlen(forms[i])) == 0)
            return true;
    }
    return false;
}

/* --- answers ------------------------------------------------------------------- */

/* Opaque, but it goes into logs, headers of the dashboard and URLs of ours: nothing but
 * visible ASCII. */
static bool is_visible(const char *s)
{
    for (; *s != '\0'; s++)
        if (*s <= ' ' || *s >= 0x7f)
            return false;
    return true;
}

static bool read_session(const json_t *data, bool upload, struct tiktok_session *session)
{
    *session = (struct tiktok_session){0};
    answer_whole(data, "publish_id", session->publish_id, sizeof(session->publish_id));
    if (upload)
        answer_whole(data, "upload_url", session->upload_url,
                     sizeof(session->upload_url));
    return session->publish_id[0] != '\0' && is_visible(session->publish_id) &&
           (session->upload_url[0] != '\0' || !upload);
}

enum rc tiktok_init_parse(const struct tiktok_answer *answer, bool upload,
                          struct tiktok_reply *reply, struct tiktok_session *session,
                          struct err *err)
{
    struct tiktok_session read;
    json_t *root;
    enum rc rc = answer_open(TIKTOK_IN_API, ANSWER_ACT, answer, reply, &root, err);

    if (rc != RC_OK)
        return rc;
    if (read_session(answer_data(root), upload, &read))
        *session = read;
    else
        rc = answer_unreadable(ANSWER_ACT, reply, err);
    explicit_bzero(&read, sizeof(read));
    json_decref(root);
    return rc;
}

enum rc tiktok_cancel_parse(const struct tiktok_answer *answer,
                            struct tiktok_reply *reply, struct err *err)
{
    json_t *root;
    enum rc rc = answer_open(TIKTOK_IN_API, ANSWER_ACT, answer, reply, &root, err);

    json_decref(root);
    return rc;
}

void tiktok_post_url(const char *username, const char *post_id, bool photo,
                     struct strbuf *out)
{
    if (*username == '\0')
        return;
    strbuf_addstr(out, "https://www.tiktok.com/@");
    percent_encode(out, username, strlen(username));
    if (*post_id == '\0')
        return;
    strbuf_addstr(out, photo ? "/photo/" : "/video/");
    percent_encode(out, post_id, strlen(post_id));
}
