#include "display.h"

#include "chance.h"

#include "core/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    FIELDS_SIZE = 1024,
    PAGE_USUAL = 10,
    PAGE_MAX = 20,
    IDS_MAX = 20,
    LINK_MAX = 2048,
};

/* --- the list of fields -------------------------------------------------------- */

/* Bits of the fields asked for, by their place in names; false when the parameter is
 * missing, empty, or has one that is not there. */
static bool read_fields(const struct exchange *x, const char *const *names, size_t n,
                        unsigned *wanted)
{
    char text[FIELDS_SIZE];
    bool found = false;
    struct err ignored; /* malformed is as good as missing */

    if (web_query(x->req, "fields", text, sizeof(text), &found, &ignored) != RC_OK ||
        !found)
        return false;
    *wanted = 0;
    for (const char *p = text;; p++) {
        size_t len = strcspn(p, ",");
        size_t i = 0;

        while (i < n && (strlen(names[i]) != len || memcmp(names[i], p, len) != 0))
            i++;
        if (i == n)
            return false;
        *wanted |= 1U << i;
        p += len;
        if (*p == '\0')
            return true;
    }
}

/* --- people -------------------------------------------------------------------- */

enum user_field {
    USER_OPEN_ID,
    USER_UNION_ID,
    USER_AVATAR,
    USER_AVATAR_100,
    USER_AVATAR_LARGE,
    USER_DISPLAY_NAME,
    USER_BIO,
    USER_DEEP_LINK,
    USER_VERIFIED,
    USER_USERNAME,
    USER_FOLLOWERS,
    USER_FOLLOWING,
    USER_LIKES,
    USER_VIDEOS,
    USER_FIELDS,
};

static const char *const user_fields[USER_FIELDS] = {
    [USER_OPEN_ID] = "open_id",
    [USER_UNION_ID] = "union_id",
    [USER_AVATAR] = "avatar_url",
    [USER_AVATAR_100] = "avatar_url_100",
    [USER_AVATAR_LARGE] = "avatar_large_url",
    [USER_DISPLAY_NAME] = "display_name",
    [USER_BIO] = "bio_description",
    [USER_DEEP_LINK] = "profile_deep_link",
    [USER_VERIFIED] = "is_verified",
    [USER_USERNAME] = "username",
    [USER_FOLLOWERS] = "follower_count",
    [USER_FOLLOWING] = "following_count",
    [USER_LIKES] = "likes_count",
    [USER_VIDEOS] = "video_count",
};

static unsigned scope_of(enum user_field field)
{
    if (field < USER_BIO)
        return SCOPE_USER_BASIC;
    return field < USER_FOLLOWERS ? SCOPE_USER_PROFILE : SCOPE_USER_STATS;
}

struct user_facts {
    const struct person *person;
    const char *open_id;
    const char *avatar;
    const char *profile;
    int64_t videos; /* public ones */
};

static void write_user_field(struct jsonw *w, enum user_field field,
                             const struct user_facts *facts)
{
    const struct person *p = facts->person;

    jsonw_key(w, user_fields[field]);
    switch (field) {
    case USER_OPEN_ID:
        jsonw_text(w, facts->open_id);
        break;
    case USER_UNION_ID:
        jsonw_text(w, p->union_id);
        break;
    case USER_AVATAR:
    case USER_AVATAR_100:
    case USER_AVATAR_LARGE:
        jsonw_text(w, facts->avatar);
        break;
    case USER_DISPLAY_NAME:
        jsonw_text(w, p->nickname);
        break;
    case USER_BIO:
        jsonw_text(w, p->note);
        break;
    case USER_DEEP_LINK:
        jsonw_text(w, facts->profile);
        break;
    case USER_VERIFIED:
        jsonw_bool(w, p->verified);
        break;
    case USER_USERNAME:
        jsonw_text(w, p->username);
        break;
    case USER_FOLLOWERS:
        jsonw_int(w, p->followers);
        break;
    case USER_FOLLOWING:
        jsonw_int(w, p->followers / 7);
        break;
    case USER_LIKES:
        jsonw_int(w, p->followers * 3 + facts->videos * 9);
        break;
    case USER_VIDEOS:
    case USER_FIELDS:
        jsonw_int(w, facts->videos);
        break;
    }
}

static void write_user(struct exchange *x, unsigned wanted, const struct app *app,
                       const struct person *person, int64_t videos)
{
    char open_id[OPEN_ID_SIZE];
    struct strbuf avatar, profile;
    struct jsonw w;

    app_open_id(app, person, open_id);
    strbuf_init(&avatar, URL_SIZE);
    strbuf_init(&profile, URL_SIZE);
    avatar_url(x, person, &avatar);
    site_url(x, &profile, "/@%s", person->username);
    api_begin(x, &w);
    jsonw_object(&w);
    jsonw_key(&w, "user");
    jsonw_object(&w);
    for (unsigned i = 0; i < USER_FIELDS; i++)
        if ((wanted & 1U << i) != 0)
            write_user_field(
                &w, (enum user_field)i,
                &(struct user_facts){person, open_id, avatar.buf, profile.buf, videos});
    jsonw_end(&w);
    jsonw_end(&w);
    api_end(x, &w);
    strbuf_release(&avatar);
    strbuf_release(&profile);
}

static enum rc user_info(struct exchange *x, UNUSED json_t *body, struct err *err)
{
    struct person person;
    struct app app;
    unsigned wanted = 0;
    int64_t videos = 0;
    enum rc rc;

    if (!read_fields(x, user_fields, USER_FIELDS, &wanted)) {
        api_invalid(x, "The fields are missing or invalid");
        return RC_OK;
    }
    for (unsigned i = 0; i < USER_FIELDS; i++) {
        if ((wanted & 1U << i) != 0 && (scope_of((enum user_field)i) & x->scopes) == 0) {
            api_error(x, 400, "scope_permission_missed", NULL);
            return RC_OK;
        }
    }
    rc = person_by_id(x->sql, x->user_id, &person, err);
    if (rc == RC_OK)
        rc = app_by_id(x->sql, x->app_id, &app, err);
    if (rc == RC_OK)
        rc = sql_number(x->sql,
                        "SELECT COUNT(*) FROM publication WHERE user_id = ?"
                        " AND post_id != 0 AND fail_reason = '' AND hidden_ms = 0"
                        " AND public_ms <= ?",
                        SQL_WITH(sql_int(x->user_id), sql_int(x->now_ms)), &videos, err);
    if (rc == RC_OK)
        write_user(x, wanted, &app, &person, videos);
    return rc;
}

/* --- videos -------------------------------------------------------------------- */

enum video_field {
    VIDEO_ID,
    VIDEO_CREATE_TIME,
    VIDEO_COVER,
    VIDEO_SHARE_URL,
    VIDEO_DESCRIPTION,
    VIDEO_TITLE,
    VIDEO_DURATION,
    VIDEO_HEIGHT,
    VIDEO_WIDTH,
    VIDEO_EMBED_HTML,
    VIDEO_EMBED_LINK,
    VIDEO_LIKES,
    VIDEO_COMMENTS,
    VIDEO_SHARES,
    VIDEO_VIEWS,
    VIDEO_FIELDS,
};

static const char *const video_fields[VIDEO_FIELDS] = {
    [VIDEO_ID] = "id",
    [VIDEO_CREATE_TIME] = "create_time",
    [VIDEO_COVER] = "cover_image_url",
    [VIDEO_SHARE_URL] = "share_url",
    [VIDEO_DESCRIPTION] = "video_description",
    [VIDEO_TITLE] = "title",
    [VIDEO_DURATION] = "duration",
    [VIDEO_HEIGHT] = "height",
    [VIDEO_WIDTH] = "width",
    [VIDEO_EMBED_HTML] = "embed_html",
    [VIDEO_EMBED_LINK] = "embed_link",
    [VIDEO_LIKES] = "like_count",
    [VIDEO_COMMENTS] = "comment_count",
    [VIDEO_SHARES] = "share_count",
    [VIDEO_VIEWS] = "view_count",
};

/* A page of videos being written. */
struct page {
    struct exchange *x;
    struct jsonw w;
    const struct person *person;
    struct app app; /* that asks */
    unsigned wanted;
    int64_t room; /* how many more may be written */
    int64_t last_ms;
    bool more;
};

/* Views grow with a post's age, by a measure of its own; the rest follows from them. */
static int64_t views_of(const struct page *page, const struct publication *p)
{
    int64_t measure =
        (int64_t)(chance_bits(page->x->knobs.value[KNOB_SEED], p->post_id, 0) % 90) + 10;

    return measure + measure * ((page->x->now_ms - p->posted_ms) / 60000) / 10;
}

static void write_count(struct page *page, enum video_field field,
                        const struct publication *p)
{
    int64_t views = views_of(page, p);

    if (field == VIDEO_LIKES)
        views /= 12;
    else if (field == VIDEO_COMMENTS)
        views /= 60;
    else if (field == VIDEO_SHARES)
        views /= 90;
    jsonw_int(&page->w, views);
}

/* An address that belongs to a video. */
static void write_link(struct page *page, enum video_field field,
                       const struct publication *p)
{
    const char *name = page->person->username;
    const char *kind = p->photos > 0 ? "photo" : "video";
    struct strbuf text;

    strbuf_init(&text, LINK_MAX);
    if (field == VIDEO_COVER)
        picture_url(page->x, p->publish_id, COVER_TTL_S, &text);
    else if (field == VIDEO_SHARE_URL)
        site_url(page->x, &text,
                 "/@%s/%s/%" PRId64 "?utm_campaign=tt4d_open_api&utm_source=%s", name,
                 kind, p->post_id, page->app.client_key);
    else if (field == VIDEO_EMBED_LINK)
        site_url(page->x, &text, "/@%s/%s/%" PRId64, name, kind, p->post_id);
    else
        strbuf_addf(&text,
                    "<blockquote class=\"tiktok-embed\" data-video-id=\"%" PRId64
                    "\"><section></section></blockquote>",
                    p->post_id);
    jsonw_text(&page->w, text.buf);
    strbuf_release(&text);
}

static void write_video_field(struct page *page, enum video_field field,
                              const struct publication *p)
{
    struct jsonw *w = &page->w;

    jsonw_key(w, video_fields[field]);
    switch (field) {
    case VIDEO_ID:
        jsonw_id(w, (uint64_t)p->post_id);
        break;
    case VIDEO_CREATE_TIME:
        jsonw_int(w, p->posted_ms / 1000);
        break;
    case VIDEO_COVER:
    case VIDEO_SHARE_URL:
    case VIDEO_EMBED_HTML:
    case VIDEO_EMBED_LINK:
        write_link(page, field, p);
        break;
    case VIDEO_DESCRIPTION:
        jsonw_text(w, p->caption);
        break;
    case VIDEO_TITLE:
        jsonw_text(w, p->photos > 0 ? p->title : p->caption);
        break;
    case VIDEO_DURATION:
        jsonw_int(w, p->media.duration_ms / 1000);
        break;
    case VIDEO_HEIGHT:
        jsonw_int(w, p->media.height);
        break;
    case VIDEO_WIDTH:
        jsonw_int(w, p->media.width);
        break;
    case VIDEO_LIKES:
    case VIDEO_COMMENTS:
    case VIDEO_SHARES:
    case VIDEO_VIEWS:
    case VIDEO_FIELDS:
        write_count(page, field, p);
        break;
    }
}

static void write_video(void *ctx, const struct publication *p)
{
    struct page *page = ctx;

    if (page->room == 0) {
        page->more = true;
        return;
    }
    page->room--;
    page->last_ms = p->posted_ms;
    jsonw_object(&page->w);
    for (unsigned i = 0; i < VIDEO_FIELDS; i++)
        if ((page->wanted & 1U << i) != 0)
            write_video_field(page, (enum video_field)i, p);
    jsonw_end(&page->w);
}

static void page_begin(struct page *page)
{
    api_begin(page->x, &page->w);
    jsonw_object(&page->w);
    jsonw_key(&page->w, "videos");
    jsonw_array(&page->w);
}

static void page_end(struct page *page)
{
    jsonw_end(&page->w);
    jsonw_key_int(&page->w, "cursor", page->last_ms);
    jsonw_key_bool(&page->w, "has_more", page->more);
    jsonw_end(&page->w);
    api_end(page->x, &page->w);
}

/* A whole number from min to max; usual when it is missing. */
static bool read_count(const json_t *body, const char *key, int64_t max, int64_t *n)
{
    const json_t *value = json_object_get(body, key);

    if (value == NULL)
        return true;
    *n = json_integer_value(value);
    return json_is_integer(value) && *n >= 1 && *n <= max;
}

static enum rc video_list(struct exchange *x, json_t *body, struct err *err)
{
    struct person person;
    struct page page = {.x = x, .person = &person, .room = PAGE_USUAL};
    struct publication_filter filter = {.which = PUBLICATIONS_PUBLIC,
                                        .user_id = x->user_id,
                                        .now_ms = x->now_ms,
                                        .videos_only =
                                            x->knobs.value[KNOB_LIST_PHOTOS] == 0};
    enum rc rc;

    if (!read_fields(x, video_fields, VIDEO_FIELDS, &page.wanted) ||
        !read_count(body, "max_count", PAGE_MAX, &page.room) ||
        !read_count(body, "cursor", INT64_MAX, &filter.before)) {
        api_invalid(x, "The fields, cursor or max_count are missing or invalid");
        return RC_OK;
    }
    rc = person_by_id(x->sql, x->user_id, &person, err);
    if (rc == RC_OK)
        rc = app_by_id(x->sql, x->app_id, &page.app, err);
    if (rc != RC_OK)
        return rc;
    filter.limit = page.room + 1;
    page_begin(&page);
    rc = publications_each(x->sql, &filter, write_video, &page, err);
    page_end(&page);
    return rc;
}

/* Ids of other people's videos, and of none, are passed over. */
static enum rc write_queried(struct page *page, const json_t *id, struct err *err)
{
    const char *text = json_string_value(id);
    struct publication p;
    int64_t post_id;
    enum rc rc;

    if (text == NULL || !parse_i64(text, 1, INT64_MAX, &post_id))
        return RC_OK;
    rc = publication_by_post_id(page->x->sql, post_id, &p, err);
    if (rc == RC_OK && p.id != 0 && p.user_id == page->x->user_id &&
        (p.photos == 0 || page->x->knobs.value[KNOB_LIST_PHOTOS] != 0) &&
        publication_public(&p, page->x->now_ms))
        write_video(page, &p);
    return rc;
}

static enum rc video_query(struct exchange *x, json_t *body, struct err *err)
{
    struct person person;
    struct page page = {.x = x, .person = &person, .room = IDS_MAX};
    const json_t *ids = json_object_get(json_object_get(body, "filters"), "video_ids");
    enum rc rc;

    if (!read_fields(x, video_fields, VIDEO_FIELDS, &page.wanted) ||
        json_array_size(ids) == 0 || json_array_size(ids) > IDS_MAX) {
        api_invalid(x, "The fields or video_ids are missing or invalid");
        return RC_OK;
    }
    rc = person_by_id(x->sql, x->user_id, &person, err);
    if (rc == RC_OK)
        rc = app_by_id(x->sql, x->app_id, &page.app, err);
    if (rc != RC_OK)
        return rc;
    page_begin(&page);
    for (size_t i = 0; rc == RC_OK && i < json_array_size(ids); i++)
        rc = write_queried(&page, json_array_get(ids, i), err);
    page.last_ms = 0;
    page_end(&page);
    return rc;
}

/* --- rules --------------------------------------------------------------------- */

const struct api_rules user_info_rules = {SCOPE_USER_BASIC | SCOPE_USER_PROFILE |
                                              SCOPE_USER_STATS,
                                          KNOB_DISPLAY_PER_MIN, user_info};
const struct api_rules video_list_rules = {SCOPE_VIDEO_LIST, KNOB_DISPLAY_PER_MIN,
                                           video_list};
const struct api_rules video_query_rules = {SCOPE_VIDEO_LIST, KNOB_DISPLAY_PER_MIN,
                                            video_query};
