/* The reading half of domain/post.h: JSON into a post, member by member. */
#include "core/parse.h"
#include "core/rfc3339.h"
#include "core/xalloc.h"
#include "domain/post.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Where a value goes, and what may stand there. */
struct reader {
    struct post_content *content;
    const char *key;
    const json_t *value;
};

static enum rc wrong(const struct reader *r, const char *what, struct err *err)
{
    return err_field(err, r->key, "invalid", "%s must be %s.", r->key, what);
}

static enum rc read_bool(const struct reader *r, bool *out, struct err *err)
{
    if (!json_is_boolean(r->value))
        return wrong(r, "true or false", err);
    *out = json_is_true(r->value);
    return RC_OK;
}

static enum rc read_account(const struct reader *r, struct err *err)
{
    if (!json_is_string(r->value) ||
        !parse_id(json_string_value(r->value), &r->content->account_id))
        return wrong(r, "an id, as text", err);
    return RC_OK;
}

static enum rc read_kind(const struct reader *r, struct err *err)
{
    const char *word = json_string_value(r->value);

    if (word != NULL && strcmp(word, "video") == 0)
        r->content->kind = POST_VIDEO;
    else if (word != NULL && strcmp(word, "photo") == 0)
        r->content->kind = POST_PHOTO;
    else
        return wrong(r, "video or photo", err);
    return RC_OK;
}

static enum rc read_mode(const struct reader *r, struct err *err)
{
    const char *word = json_string_value(r->value);

    if (word != NULL && strcmp(word, "direct") == 0)
        r->content->mode = POST_DIRECT;
    else if (word != NULL && strcmp(word, "inbox") == 0)
        r->content->mode = POST_INBOX;
    else
        return wrong(r, "direct or inbox", err);
    return RC_OK;
}

static bool is_listed(const struct post_content *c, uint64_t id)
{
    for (size_t i = 0; i < c->media_n; i++) {
        if (c->media_ids[i] == id)
            return true;
    }
    return false;
}

static enum rc read_media(const struct reader *r, struct err *err)
{
    struct post_content *c = r->content;
    size_t n = json_array_size(r->value);

    if (!json_is_array(r->value))
        return wrong(r, "a list of ids", err);
    if (n > POST_MEDIA_ROOM)
        return err_field(err, r->key, "media_count", "A post takes at most %d files.",
                         POST_MEDIA_MAX);
    c->media_n = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(r->value, i);
        uint64_t id = 0;

        if (!json_is_string(item) || !parse_id(json_string_value(item), &id) ||
            is_listed(c, id))
            return wrong(r, "a list of ids, each once", err);
        c->media_ids[c->media_n++] = id;
    }
    return RC_OK;
}

static enum rc read_caption(const struct reader *r, struct err *err)
{
    if (!json_is_string(r->value))
        return wrong(r, "text", err);
    if (json_string_length(r->value) > POST_CAPTION_BYTES_MAX)
        return err_field(err, r->key, "caption_too_long",
                         "The caption is longer than %d bytes.", POST_CAPTION_BYTES_MAX);
    free(r->content->caption);
    r->content->caption =
        xmemdupz(json_string_value(r->value), json_string_length(r->value));
    return RC_OK;
}

/* Text of less than size bytes, or null, which is "". */
static enum rc read_short(const struct reader *r, char *out, size_t size,
                          const char *too_long, struct err *err)
{
    if (json_is_null(r->value)) {
        out[0] = '\0';
        return RC_OK;
    }
    if (!json_is_string(r->value))
        return wrong(r, "text or null", err);
    if (json_string_length(r->value) >= size)
        return err_field(err, r->key, too_long, "%s is too long.", r->key);
    (void)memcpy(out, json_string_value(r->value), json_string_length(r->value) + 1);
    return RC_OK;
}

static enum rc read_title(const struct reader *r, struct err *err)
{
    struct post_content *c = r->content;

    return read_short(r, c->title, sizeof(c->title), "title_too_long", err);
}

/* Empty text would read as "not chosen"; null says that. */
static enum rc read_name(const struct reader *r, char *out, size_t size,
                         const char *unknown, struct err *err)
{
    if (json_is_string(r->value) && json_string_length(r->value) == 0)
        return err_field(err, r->key, unknown, "%s must be a name or null.", r->key);
    return read_short(r, out, size, unknown, err);
}

static enum rc read_privacy(const struct reader *r, struct err *err)
{
    struct post_content *c = r->content;

    return read_name(r, c->privacy_level, sizeof(c->privacy_level), "privacy_unknown",
                     err);
}

static enum rc read_zone(const struct reader *r, struct err *err)
{
    struct post_content *c = r->content;

    return read_name(r, c->timezone, sizeof(c->timezone), "timezone_unknown", err);
}

/* A whole number from 0 to max, or null, which is -1. */
static enum rc read_number(const struct reader *r, int64_t max, int64_t *out,
                           struct err *err)
{
    if (json_is_null(r->value)) {
        *out = -1;
        return RC_OK;
    }
    if (!json_is_integer(r->value) || json_integer_value(r->value) < 0 ||
        json_integer_value(r->value) > max)
        return wrong(r, "a whole number within its limits, or null", err);
    *out = json_integer_value(r->value);
    return RC_OK;
}

static enum rc read_cover_ms(const struct reader *r, struct err *err)
{
    return read_number(r, POST_COVER_MS_MAX, &r->content->cover_ms, err);
}

static enum rc read_cover_index(const struct reader *r, struct err *err)
{
    int64_t n = -1;
    enum rc rc = read_number(r, POST_MEDIA_MAX - 1, &n, err);

    if (rc == RC_OK)
        r->content->cover_index = (int)n;
    return rc;
}

static enum rc read_time(const struct reader *r, struct err *err)
{
    int64_t at_ms = 0;

    if (json_is_null(r->value)) {
        r->content->publish_at_ms = 0;
        return RC_OK;
    }
    if (!json_is_string(r->value) || !rfc3339_parse(json_string_value(r->value), &at_ms))
        return wrong(r, "a time as in 2026-11-25T09:00:00Z, or null", err);
    if (at_ms <= 0) /* before 1970: past, whatever now is */
        return err_field(err, r->key, "time_past", "This time has passed.");
    r->content->publish_at_ms = at_ms;
    return RC_OK;
}

static enum rc read_late(const struct reader *r, struct err *err)
{
    json_int_t s = json_integer_value(r->value);

    if (!json_is_integer(r->value) || s < POST_LATE_S_MIN || s > POST_LATE_S_MAX)
        return wrong(r, "a whole number of seconds from a minute to seven days", err);
    r->content->max_late_s = (int64_t)s;
    return RC_OK;
}

/* An object of exactly two booleans, both there. */
struct pair {
    const char *key[2];
    const char *path[2]; /* their names in error.fields */
    bool *to[2];
};

static enum rc read_pair(const struct reader *r, const struct pair *pair, struct err *err)
{
    if (!json_is_object(r->value))
        return wrong(r, "an object of two booleans", err);
    for (size_t i = 0; i < 2; i++) {
        struct reader inner = {.key = pair->path[i],
                               .value = json_object_get(r->value, pair->key[i])};
        enum rc rc = read_bool(&inner, pair->to[i], err);

        if (rc != RC_OK)
            return rc;
    }
    if (json_object_size(r->value) != 2)
        return err_field(err, r->key, "unknown_field",
                         "%s has a member that does not exist.", r->key);
    return RC_OK;
}

static enum rc read_disclose(const struct reader *r, struct err *err)
{
    struct post_content *c = r->content;
    const struct pair pair = {{"your_brand", "branded_content"},
                              {"disclose.your_brand", "disclose.branded_content"},
                              {&c->your_brand, &c->branded_content}};

    return read_pair(r, &pair, err);
}

static enum rc read_consent(const struct reader *r, struct err *err)
{
    struct post_content *c = r->content;
    const struct pair pair = {{"music_usage", "branded_content"},
                              {"consent.music_usage", "consent.branded_content"},
                              {&c->music_usage, &c->branded_agreed}};

    return read_pair(r, &pair, err);
}

#define BOOLEAN(name, member)                                                            \
    static enum rc name(const struct reader *r, struct err *err)                         \
    {                                                                                    \
        return read_bool(r, &r->content->member, err);                                   \
    }
BOOLEAN(read_comment, allow_comment)
BOOLEAN(read_duet, allow_duet)
BOOLEAN(read_stitch, allow_stitch)
BOOLEAN(read_aigc, is_aigc)
BOOLEAN(read_music, auto_add_music)

static const struct member {
    const char *key;
    enum post_field bit;
    enum rc (*read)(const struct reader *r, struct err *err);
} members[] = {
    {"account_id", POST_HAS_ACCOUNT, read_account},
    {"kind", POST_HAS_KIND, read_kind},
    {"mode", POST_HAS_MODE, read_mode},
    {"media_ids", POST_HAS_MEDIA, read_media},
    {"caption", POST_HAS_CAPTION, read_caption},
    {"title", POST_HAS_TITLE, read_title},
    {"privacy_level", POST_HAS_PRIVACY, read_privacy},
    {"allow_comment", POST_HAS_COMMENT, read_comment},
    {"allow_duet", POST_HAS_DUET, read_duet},
    {"allow_stitch", POST_HAS_STITCH, read_stitch},
    {"disclose", POST_HAS_DISCLOSE, read_disclose},
    {"is_aigc", POST_HAS_AIGC, read_aigc},
    {"auto_add_music", POST_HAS_MUSIC, read_music},
    {"cover_ms", POST_HAS_COVER_MS, read_cover_ms},
    {"cover_index", POST_HAS_COVER_INDEX, read_cover_index},
    {"publish_at", POST_HAS_TIME, read_time},
    {"timezone", POST_HAS_ZONE, read_zone},
    {"consent", POST_HAS_CONSENT, read_consent},
    {"max_late_s", POST_HAS_LATE, read_late},
};

static const struct member *member_of(const char *key, unsigned allowed)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (strcmp(members[i].key, key) == 0 && (members[i].bit & allowed) != 0)
            return &members[i];
    }
    return NULL;
}

enum rc post_read(const json_t *json, unsigned allowed, struct post_content *content,
                  unsigned *has, struct err *err)
{
    unsigned seen = 0;
    const char *key;
    json_t *value;

    /* The macro wants a non-const object and changes nothing. */
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        const struct member *m = member_of(key, allowed);
        struct reader r = {.content = content, .value = value};
        enum rc rc;

        if (m == NULL)
            return err_unknown_member(err, key);
        r.key = m->key;
        rc = m->read(&r, err);
        if (rc != RC_OK)
            return rc;
        seen |= (unsigned)m->bit;
    }
    *has = seen;
    return RC_OK;
}
