/* The rules of domain/post.h: the table of tests/vectors/rules/README.md, one function a
 * field. Each answers the first code that applies, or NULL. www/src/rules.ts is the same
 * in TypeScript. */
#include "core/text.h"
#include "domain/post.h"

#include <string.h>

static const char *const audiences[] = {"PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS",
                                        "FOLLOWER_OF_CREATOR", "SELF_ONLY"};

static const char branded_self_only[] = "privacy_branded_self_only";

/* What the rules look at. creator is NULL when it is not known or can post nothing. */
struct look {
    const struct post_content *c;
    const struct post_ground *g;
    const struct post_creator *creator;
    bool direct, photo, draft, scheduled;
};

static size_t units(const char *text)
{
    return text_utf16_units(text, strlen(text));
}

static const char *account_code(const struct look *l)
{
    if (l->c->account_id == 0 || !l->g->account_found)
        return "account_missing";
    if (!l->draft && l->g->creator != NULL && !l->g->creator->can_post)
        return "creator_blocked";
    return NULL;
}

static const char *mode_code(const struct look *l)
{
    bool granted = l->direct ? l->g->direct_post : l->g->inbox;

    if (!l->draft && l->c->account_id != 0 && l->g->account_found && !granted)
        return "mode_not_granted";
    return NULL;
}

static const char *kind_code(const struct look *l)
{
    return !l->draft && l->photo && l->g->no_photos ? "photos_not_set_up" : NULL;
}

typedef bool (*file_is_fn)(const struct look *l, const struct post_file *f);

static bool any_file(const struct look *l, file_is_fn is)
{
    for (size_t i = 0; i < l->c->media_n; i++) {
        if (is(l, &l->g->files[i]))
            return true;
    }
    return false;
}

static bool is_missing(const struct look *l UNUSED, const struct post_file *f)
{
    return !f->found;
}

static bool is_other_kind(const struct look *l, const struct post_file *f)
{
    return f->kind != (l->photo ? MEDIA_KIND_PHOTO : MEDIA_KIND_VIDEO);
}

static bool is_rejected(const struct look *l UNUSED, const struct post_file *f)
{
    return f->rejected;
}

static bool is_not_ready(const struct look *l UNUSED, const struct post_file *f)
{
    return !f->ready;
}

static bool is_too_long(const struct look *l, const struct post_file *f)
{
    return f->duration_ms > l->creator->max_video_s * 1000;
}

static const char *media_code(const struct look *l)
{
    size_t most = l->photo ? POST_MEDIA_MAX : 1;

    if (any_file(l, is_missing))
        return "media_missing";
    if (l->draft)
        return l->c->media_n > POST_MEDIA_MAX ? "media_count" : NULL;
    if (l->c->media_n == 0)
        return "media_missing";
    if (any_file(l, is_other_kind))
        return "media_kind";
    if (l->c->media_n > most)
        return "media_count";
    if (any_file(l, is_rejected))
        return "media_rejected";
    if (any_file(l, is_not_ready))
        return "media_not_ready";
    if (l->direct && !l->photo && l->creator != NULL && l->creator->max_video_s > 0 &&
        any_file(l, is_too_long))
        return "media_too_long";
    return NULL;
}

static const char *title_code(const struct look *l)
{
    if (l->draft)
        return NULL;
    if (!l->photo && l->c->title[0] != '\0')
        return "title_not_for_video";
    return units(l->c->title) > POST_TITLE_UNITS ? "title_too_long" : NULL;
}

static const char *caption_code(const struct look *l)
{
    size_t most = l->photo ? POST_PHOTO_CAPTION_UNITS : POST_VIDEO_CAPTION_UNITS;

    return !l->draft && units(l->c->caption) > most ? "caption_too_long" : NULL;
}

static bool is_audience(const char *level)
{
    for (size_t i = 0; i < ARRAY_LEN(audiences); i++) {
        if (strcmp(audiences[i], level) == 0)
            return true;
    }
    return false;
}

static bool is_offered(const struct post_creator *creator, const char *level)
{
    for (size_t i = 0; i < creator->privacy_n; i++) {
        if (strcmp(creator->privacy[i], level) == 0)
            return true;
    }
    return false;
}

static const char *privacy_code(const struct look *l)
{
    const char *level = l->c->privacy_level;

    /* A name that TikTok does not have is kept nowhere, not even in a draft. */
    if ((l->draft || !l->direct) && level[0] != '\0' && !is_audience(level))
        return "privacy_unknown";
    if (l->draft || !l->direct)
        return NULL;
    if (level[0] == '\0')
        return "privacy_missing";
    if (!is_audience(level))
        return "privacy_unknown";
    if (l->creator != NULL && !is_offered(l->creator, level))
        return "privacy_not_offered";
    if (l->c->branded_content && strcmp(level, "SELF_ONLY") == 0)
        return branded_self_only;
    return NULL;
}

static const char *comment_code(const struct look *l)
{
    bool off = l->creator != NULL && l->creator->comment_disabled;

    return !l->draft && l->direct && l->c->allow_comment && off ? "comment_disabled"
                                                                : NULL;
}

static const char *duet_code(const struct look *l)
{
    if (l->draft || !l->direct || !l->c->allow_duet)
        return NULL;
    if (l->photo)
        return "duet_not_for_photo";
    return l->creator != NULL && l->creator->duet_disabled ? "duet_disabled" : NULL;
}

static const char *stitch_code(const struct look *l)
{
    if (l->draft || !l->direct || !l->c->allow_stitch)
        return NULL;
    if (l->photo)
        return "stitch_not_for_photo";
    return l->creator != NULL && l->creator->stitch_disabled ? "stitch_disabled" : NULL;
}

static const char *aigc_code(const struct look *l)
{
    return !l->draft && l->direct && l->photo && l->c->is_aigc ? "aigc_not_for_photo"
                                                               : NULL;
}

static const char *music_code(const struct look *l)
{
    return !l->draft && !l->photo && l->c->auto_add_music ? "music_not_for_video" : NULL;
}

static const char *cover_ms_code(const struct look *l)
{
    int64_t duration = l->c->media_n > 0 ? l->g->files[0].duration_ms : 0;

    return !l->draft && !l->photo && duration > 0 && l->c->cover_ms >= duration
               ? "cover_outside"
               : NULL;
}

static const char *cover_index_code(const struct look *l)
{
    return !l->draft && l->photo && l->c->cover_index >= 0 &&
                   (size_t)l->c->cover_index >= l->c->media_n
               ? "cover_outside"
               : NULL;
}

static const char *time_code(const struct look *l)
{
    int64_t at = l->c->publish_at_ms;

    if (!l->scheduled)
        return NULL;
    if (at == 0)
        return "time_missing";
    if (at <= l->g->now_ms)
        return "time_past";
    return at > l->g->now_ms + POST_AHEAD_MS_MAX ? "time_too_far" : NULL;
}

static const char *zone_code(const struct look *l)
{
    if (l->c->timezone[0] == '\0')
        return l->scheduled ? "timezone_missing" : NULL;
    return (l->scheduled || l->draft) && !l->g->zone_known ? "timezone_unknown" : NULL;
}

static const char *music_consent_code(const struct look *l)
{
    return !l->draft && !l->c->music_usage ? "consent_missing" : NULL;
}

static const char *branded_consent_code(const struct look *l)
{
    return !l->draft && l->c->branded_content && !l->c->branded_agreed ? "consent_missing"
                                                                       : NULL;
}

static const struct {
    const char *field;
    const char *(*code)(const struct look *l);
} rules[] = {
    {"account_id", account_code},
    {"mode", mode_code},
    {"kind", kind_code},
    {"media_ids", media_code},
    {"title", title_code},
    {"caption", caption_code},
    {"privacy_level", privacy_code},
    {"allow_comment", comment_code},
    {"allow_duet", duet_code},
    {"allow_stitch", stitch_code},
    {"is_aigc", aigc_code},
    {"auto_add_music", music_code},
    {"cover_ms", cover_ms_code},
    {"cover_index", cover_index_code},
    {"publish_at", time_code},
    {"timezone", zone_code},
    {"consent.music_usage", music_consent_code},
    {"consent.branded_content", branded_consent_code},
};

size_t post_check(const struct post_content *content, const struct post_ground *ground,
                  struct post_problem out[POST_PROBLEMS_MAX])
{
    const struct post_creator *creator = ground->creator;
    const struct look l = {
        .c = content,
        .g = ground,
        .creator = creator != NULL && creator->can_post ? creator : NULL,
        .direct = content->mode == POST_DIRECT,
        .photo = content->kind == POST_PHOTO,
        .draft = ground->intent == POST_KEEP_DRAFT,
        .scheduled = ground->intent == POST_SCHEDULE,
    };
    size_t n = 0;

    _Static_assert(ARRAY_LEN(rules) <= POST_PROBLEMS_MAX, "room for one a field");
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const char *code = rules[i].code(&l);

        if (code != NULL)
            out[n++] = (struct post_problem){rules[i].field, code};
    }
    return n;
}

/* --- what TikTok said of the creator ----------------------------------------------- */

static void read_audiences(const json_t *list, struct post_creator *creator)
{
    for (size_t i = 0;
         i < json_array_size(list) && creator->privacy_n < POST_CREATOR_PRIVACY_MAX;
         i++) {
        const char *level = json_string_value(json_array_get(list, i));

        if (level != NULL && strlen(level) < POST_PRIVACY_SIZE)
            text_copy(creator->privacy[creator->privacy_n++], POST_PRIVACY_SIZE, level);
    }
}

bool post_creator_read(const char *json, struct post_creator *creator)
{
    json_t *doc = json != NULL ? json_loads(json, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *options = json_object_get(doc, "privacy_level_options");
    const json_t *can_post = json_object_get(doc, "can_post");
    bool good = json_is_array(options);

    if (good) {
        *creator = (struct post_creator){
            .can_post = can_post == NULL || json_is_true(can_post),
            .comment_disabled = json_is_true(json_object_get(doc, "comment_disabled")),
            .duet_disabled = json_is_true(json_object_get(doc, "duet_disabled")),
            .stitch_disabled = json_is_true(json_object_get(doc, "stitch_disabled")),
            .max_video_s =
                json_integer_value(json_object_get(doc, "max_video_post_duration_sec")),
        };
        if (creator->max_video_s < 0 || creator->max_video_s > INT32_MAX)
            creator->max_video_s = 0;
        read_audiences(options, creator);
    }
    json_decref(doc);
    return good;
}
