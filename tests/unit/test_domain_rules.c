/* domain/post_rules: tests/vectors/rules, which the dashboard is held to as well, and the
 * few rules that only the server has. */
#include "core/rfc3339.h"
#include "domain/post.h"
#include "unit.h"

#include <string.h>

#define VECTORS "tests/vectors/rules/rules.json"

enum {
    EVERYTHING = (1 << 18) - 1, /* all of enum post_field */
};

/* One entry of the file, as the validator takes it. */
struct entry {
    struct post_content content;
    struct post_creator creator;
    struct post_file files[POST_MEDIA_ROOM];
    struct post_ground ground;
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool says(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* The zones of the vectors that there are. */
static bool is_zone(const char *name)
{
    return strcmp(name, "UTC") == 0 || strcmp(name, "Europe/Berlin") == 0;
}

static void take_draft(json_t *draft, const char *name, struct entry *e)
{
    struct err err;
    unsigned has = 0;

    post_init(&e->content);
    if (json_is_null(json_object_get(draft, "account_id")))
        json_object_del(draft, "account_id"); /* cannot be said in the API */
    ck_assert_msg(post_read(draft, EVERYTHING, &e->content, &has, &err) == RC_OK,
                  "%s: %s %s", name, err.field, err.msg);
}

static void take_files(const json_t *media, struct entry *e)
{
    ck_assert_uint_eq(json_array_size(media), e->content.media_n);
    for (size_t i = 0; i < json_array_size(media); i++) {
        const json_t *m = json_array_get(media, i);

        e->files[i] = (struct post_file){
            .found = true,
            .kind = strcmp(text_of(m, "kind"), "photo") == 0 ? MEDIA_KIND_PHOTO
                                                             : MEDIA_KIND_VIDEO,
            .ready = strcmp(text_of(m, "status"), "ready") == 0,
            .rejected = strcmp(text_of(m, "status"), "rejected") == 0,
            .duration_ms = json_integer_value(json_object_get(m, "duration_ms"))};
    }
}

static void take_ground(const json_t *row, struct entry *e)
{
    const json_t *features = json_object_get(row, "features");
    const json_t *creator = json_object_get(row, "creator");

    e->ground = (struct post_ground){
        .intent = strcmp(text_of(row, "intent"), "schedule") == 0 ? POST_SCHEDULE
                                                                  : POST_PUBLISH_NOW,
        .account_found = e->content.account_id != 0,
        .direct_post = says(features, "direct_post"),
        .inbox = says(features, "inbox"),
        .files = e->files,
        .zone_known = is_zone(e->content.timezone)};
    ck_assert(rfc3339_parse(text_of(row, "now"), &e->ground.now_ms));
    if (!json_is_null(creator)) {
        char *text = json_dumps(creator, 0);

        ck_assert(post_creator_read(text, &e->creator));
        free(text);
        e->ground.creator = &e->creator;
    }
}

static void hold_to(const json_t *expected, const struct entry *e, const char *name)
{
    struct post_problem found[POST_PROBLEMS_MAX];
    size_t n = post_check(&e->content, &e->ground, found);

    for (size_t i = 0; i < n || i < json_array_size(expected); i++) {
        const json_t *want = json_array_get(expected, i);
        const char *field = want != NULL ? text_of(want, "field") : "nothing";
        const char *code = want != NULL ? text_of(want, "code") : "";

        ck_assert_msg(i < n && strcmp(found[i].field, field) == 0 &&
                          strcmp(found[i].code, code) == 0,
                      "%s: found %s %s, expected %s %s", name,
                      i < n ? found[i].field : "nothing", i < n ? found[i].code : "",
                      field, code);
    }
}

START_TEST(every_shared_vector_finds_exactly_its_problems)
{
    json_error_t where;
    json_t *rows = json_load_file(VECTORS, 0, &where);
    size_t held = 0;

    ck_assert_msg(json_is_array(rows), "%s: %s", VECTORS, where.text);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = text_of(row, "name");
        struct entry e = {0};

        if (says(row, "ui_only"))
            continue;
        take_draft(json_object_get(row, "draft"), name, &e);
        take_files(json_object_get(row, "media"), &e);
        take_ground(row, &e);
        hold_to(json_object_get(row, "problems"), &e, name);
        post_release(&e.content);
        held++;
    }
    ck_assert_uint_gt(held, 70);
    json_decref(rows);
}
END_TEST

/* --- what cannot be said in the vectors -------------------------------------------- */

static struct entry right(void)
{
    struct entry e = {.files = {{.found = true,
                                 .kind = MEDIA_KIND_VIDEO,
                                 .ready = true,
                                 .duration_ms = 12000}},
                      .ground = {.intent = POST_KEEP_DRAFT,
                                 .now_ms = 1000000,
                                 .account_found = true,
                                 .zone_known = true}};

    post_init(&e.content);
    e.content.account_id = 7;
    e.content.media_ids[0] = 9;
    e.content.media_n = 1;
    return e;
}

static void only(struct entry *e, const char *field, const char *code)
{
    struct post_problem found[POST_PROBLEMS_MAX];
    size_t n;

    e->ground.files = e->files;
    n = post_check(&e->content, &e->ground, found);
    if (field == NULL) {
        ck_assert_msg(n == 0, "%s %s", found[0].field, found[0].code);
    } else {
        ck_assert_uint_eq(n, 1);
        ck_assert_str_eq(found[0].field, field);
        ck_assert_str_eq(found[0].code, code);
    }
    post_release(&e->content);
}

START_TEST(a_draft_may_be_unfinished)
{
    struct entry e = right();

    e.files[0].ready = false;
    e.content.kind = POST_PHOTO;
    e.content.cover_index = 12;
    e.content.auto_add_music = true;
    (void)strcpy(e.content.title, "a title");
    only(&e, NULL, NULL);

    e = right();
    e.content.media_n = 0;
    only(&e, NULL, NULL);
}
END_TEST

START_TEST(a_draft_names_only_what_there_is)
{
    struct entry e = right();

    e.ground.account_found = false;
    only(&e, "account_id", "account_missing");

    e = right();
    e.files[0].found = false;
    only(&e, "media_ids", "media_missing");

    e = right();
    (void)strcpy(e.content.privacy_level, "EVERYBODY");
    only(&e, "privacy_level", "privacy_unknown");

    e = right();
    (void)strcpy(e.content.timezone, "Mars/Olympus");
    e.ground.zone_known = false;
    only(&e, "timezone", "timezone_unknown");

    e = right();
    e.content.media_n = POST_MEDIA_ROOM;
    for (size_t i = 0; i < POST_MEDIA_ROOM; i++) {
        e.content.media_ids[i] = i + 1;
        e.files[i] = e.files[0];
    }
    only(&e, "media_ids", "media_count");
}
END_TEST

START_TEST(the_inbox_keeps_no_audience_of_no_name_either)
{
    struct entry e = right();

    e.ground.intent = POST_SCHEDULE;
    e.ground.inbox = true;
    e.content.mode = POST_INBOX;
    e.content.publish_at_ms = 2000000;
    e.content.music_usage = true;
    (void)strcpy(e.content.timezone, "UTC");
    (void)strcpy(e.content.privacy_level, "EVERYBODY");
    only(&e, "privacy_level", "privacy_unknown");
}
END_TEST

START_TEST(what_is_no_creator_info_says_nothing)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "null",
        "{\"privacy_level_options\":\"SELF_ONLY\"}",
        "{\"privacy_level_options\":[],\"privacy_level_options\":[]}"};
    struct post_creator c;

    ck_assert(!post_creator_read(NULL, &c));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!post_creator_read(bad[i], &c), "%s", bad[i]);
}
END_TEST

START_TEST(creator_info_is_bounded)
{
    static const char many[] =
        "{\"privacy_level_options\":[\"A\",\"B\",\"C\",\"D\",\"E\",\"F\",\"G\",\"H\","
        "\"I\",5,null],\"max_video_post_duration_sec\":9999999999}";
    static const char long_name[] =
        "{\"privacy_level_options\":[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"SELF_ONLY\"],\"can_post\":false}";
    struct post_creator c;

    ck_assert(post_creator_read(many, &c));
    ck_assert_uint_eq(c.privacy_n, POST_CREATOR_PRIVACY_MAX);
    ck_assert_int_eq(c.max_video_s, 0);
    ck_assert(c.can_post);
    ck_assert(post_creator_read(long_name, &c));
    ck_assert_uint_eq(c.privacy_n, 1);
    ck_assert_str_eq(c.privacy[0], "SELF_ONLY");
    ck_assert(!c.can_post);
}
END_TEST

UNIT_MAIN("domain_rules", every_shared_vector_finds_exactly_its_problems,
          a_draft_may_be_unfinished, a_draft_names_only_what_there_is,
          the_inbox_keeps_no_audience_of_no_name_either,
          what_is_no_creator_info_says_nothing, creator_info_is_bounded)
