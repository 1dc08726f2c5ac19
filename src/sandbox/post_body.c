#include "post_body.h"

#include "core/text.h"

#include <string.h>

/* --- members ------------------------------------------------------------------- */

/* A text of at most units UTF-16 units; "" when it is not there. False: of another type,
 * or too long. */
static bool read_text(const json_t *object, const char *key, size_t units,
                      const char **text)
{
    const json_t *value = json_object_get(object, key);

    *text = "";
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return false;
    *text = json_string_value(value);
    return text_utf16_units(*text, json_string_length(value)) <= units;
}

static bool read_number(const json_t *object, const char *key, int64_t *n)
{
    const json_t *value = json_object_get(object, key);

    *n = json_integer_value(value);
    return json_is_integer(value);
}

struct flag_name {
    const char *key;
    enum publication_flag flag;
};

/* Members that are true or false, or missing. */
static bool read_flags(const json_t *object, const struct flag_name *names, size_t n,
                       unsigned *flags)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(object, names[i].key);

        if (value != NULL && !json_is_null(value) && !json_is_boolean(value))
            return false;
        if (json_is_true(value))
            *flags |= (unsigned)names[i].flag;
    }
    return true;
}

/* --- videos -------------------------------------------------------------------- */

static const char *read_privacy(const json_t *info, char privacy[PRIVACY_SIZE])
{
    const char *level;

    if (!read_text(info, "privacy_level", PRIVACY_SIZE - 1, &level) ||
        !privacy_known(level))
        return "The privacy_level is missing or invalid";
    text_copy(privacy, PRIVACY_SIZE, level);
    return NULL;
}

static const char *read_cover(const json_t *info, int64_t *cover_ms)
{
    const json_t *value = json_object_get(info, "video_cover_timestamp_ms");

    *cover_ms = -1;
    if (value == NULL || json_is_null(value))
        return NULL;
    if (!json_is_integer(value))
        return "The video_cover_timestamp_ms is invalid";
    *cover_ms = json_integer_value(value);
    return NULL;
}

static const char *brand_problem(const struct publication *p)
{
    if ((p->flags & FLAG_BRAND_CONTENT) != 0 && strcmp(p->privacy, "SELF_ONLY") == 0)
        return "Branded content cannot be private";
    return NULL;
}

const char *read_video_post(const json_t *body, struct publication *p)
{
    static const struct flag_name names[] = {
        {"disable_comment", FLAG_NO_COMMENT},
        {"disable_duet", FLAG_NO_DUET},
        {"disable_stitch", FLAG_NO_STITCH},
        {"brand_content_toggle", FLAG_BRAND_CONTENT},
        {"brand_organic_toggle", FLAG_BRAND_ORGANIC},
        {"is_aigc", FLAG_AIGC},
    };
    const json_t *info = json_object_get(body, "post_info");
    const char *title;
    const char *problem;

    if (!json_is_object(info))
        return "The post_info is missing";
    if (!read_text(info, "title", CAPTION_UNITS_MAX, &title))
        return "The title is invalid or too long";
    if (!read_flags(info, names, ARRAY_LEN(names), &p->flags))
        return "A setting of the post_info is neither true nor false";
    text_copy(p->caption, sizeof(p->caption), title);
    problem = read_privacy(info, p->privacy);
    if (problem == NULL)
        problem = read_cover(info, &p->cover_ms);
    return problem != NULL ? problem : brand_problem(p);
}

/* An address to fetch a file from, into urls. */
static bool read_url(const json_t *value, struct pull_urls *urls)
{
    const char *url = json_string_value(value);

    if (url == NULL || !pull_url_usable(url))
        return false;
    urls->url[urls->len++] = url;
    return true;
}

const char *read_video_source(const json_t *body, struct publication *p,
                              struct pull_urls *urls)
{
    const json_t *info = json_object_get(body, "source_info");
    const char *source;

    if (!json_is_object(info) || !read_text(info, "source", 32, &source))
        return "The source_info is missing or invalid";
    p->pulled = strcmp(source, "PULL_FROM_URL") == 0;
    if (p->pulled)
        return read_url(json_object_get(info, "video_url"), urls)
                   ? NULL
                   : "The video_url is missing or invalid";
    if (strcmp(source, "FILE_UPLOAD") != 0)
        return "The source is invalid";
    if (!read_number(info, "video_size", &p->plan.size))
        return "The video size is invalid";
    if (!read_number(info, "chunk_size", &p->plan.chunk_size))
        return "The chunk size is invalid";
    if (!read_number(info, "total_chunk_count", &p->plan.count))
        return "The total chunk count is invalid";
    return chunk_plan_problem(&p->plan);
}

/* --- photos -------------------------------------------------------------------- */

const char *read_photo_mode(const json_t *body, struct publication *p)
{
    const char *type, *mode;

    if (!read_text(body, "media_type", 16, &type) || strcmp(type, "PHOTO") != 0)
        return "The media_type is missing or invalid";
    if (!read_text(body, "post_mode", 16, &mode))
        return "The post_mode is missing or invalid";
    p->inbox = strcmp(mode, "MEDIA_UPLOAD") == 0;
    if (!p->inbox && strcmp(mode, "DIRECT_POST") != 0)
        return "The post_mode is missing or invalid";
    p->cover_ms = -1;
    return NULL;
}

/* What only acts on direct posts. */
static const char *read_photo_settings(const json_t *info, struct publication *p)
{
    static const struct flag_name names[] = {
        {"disable_comment", FLAG_NO_COMMENT},
        {"auto_add_music", FLAG_AUTO_MUSIC},
        {"brand_content_toggle", FLAG_BRAND_CONTENT},
        {"brand_organic_toggle", FLAG_BRAND_ORGANIC},
    };
    const char *problem = read_privacy(info, p->privacy);

    if (problem != NULL)
        return problem;
    if (!read_flags(info, names, ARRAY_LEN(names), &p->flags))
        return "A setting of the post_info is neither true nor false";
    return brand_problem(p);
}

const char *read_photo_post(const json_t *body, struct publication *p)
{
    const json_t *info = json_object_get(body, "post_info");
    const char *text;

    if (!json_is_object(info))
        return "The post_info is missing";
    if (!read_text(info, "title", PHOTO_TITLE_UNITS_MAX, &text))
        return "The title is invalid or too long";
    text_copy(p->title, sizeof(p->title), text);
    if (!read_text(info, "description", PHOTO_TEXT_UNITS_MAX, &text))
        return "The description is invalid or too long";
    text_copy(p->caption, sizeof(p->caption), text);
    return p->inbox ? NULL : read_photo_settings(info, p);
}

const char *read_photo_source(const json_t *body, struct publication *p,
                              struct pull_urls *urls)
{
    const json_t *info = json_object_get(body, "source_info");
    const json_t *images = json_object_get(info, "photo_images");
    const char *source;

    if (!read_text(info, "source", 32, &source) || strcmp(source, "PULL_FROM_URL") != 0)
        return "The source is invalid";
    if (json_array_size(images) == 0 || json_array_size(images) > PHOTO_IMAGES_MAX)
        return "The photo_images are missing or too many";
    for (size_t i = 0; i < json_array_size(images); i++)
        if (!read_url(json_array_get(images, i), urls))
            return "An address in photo_images is invalid";
    p->pulled = true;
    p->photos = (int64_t)urls->len;
    if (!read_number(info, "photo_cover_index", &p->cover_index) || p->cover_index < 0 ||
        p->cover_index >= p->photos)
        return "The photo_cover_index is missing or invalid";
    return NULL;
}
