/* store/media: the library as people see it, and the work of those who check it. */
#include "database.h"
#include "store/media.h"
#include "store/migrate.h"
#include "store/uploads.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct db *db;
static struct err err;
static uint64_t workspace;
static uint64_t user;

enum { OWNER = 4711, RIVAL = 4712 };

static void setup(void)
{
    db = database_open();
    database_empty(db);
    workspace = seed_workspace(db);
    user = seed_user(db, workspace);
}

static void teardown(void)
{
    db_free(db);
}

static void ok(enum rc rc)
{
    ck_assert_msg(rc == RC_OK, "%s: %s", err.code, err.msg);
}

/* A file that has just arrived: in state checking. */
static uint64_t arrived(const char *mime)
{
    static unsigned n;
    struct upload u = {.workspace_id = workspace, .user_id = user, .bytes = 1000};

    (void)snprintf(u.id, sizeof(u.id), "%026u", n++);
    (void)snprintf(u.filename, sizeof(u.filename), "clip.mp4");
    (void)snprintf(u.mime, sizeof(u.mime), "%s", mime);
    ok(upload_insert(db, &u, &err));
    ok(upload_finish(db, &u, false, &err));
    return u.media_id;
}

/* Claims one row; *w is it. */
static bool claim(uint64_t owner, struct media_work *w)
{
    size_t n = 0;

    ok(media_claim(db, owner, w, 1, &n, &err));
    return n == 1;
}

static const struct media_facts facts = {.kind = MEDIA_KIND_VIDEO,
                                         .container = "mov",
                                         .video_codec = "hevc",
                                         .audio_codec = "aac",
                                         .bytes = 1000,
                                         .duration_ms = 12345,
                                         .width = 1080,
                                         .height = 1920,
                                         .fps_milli = 29970};
static const struct media_verdict good = {.facts = &facts,
                                          .mime = "video/quicktime",
                                          .checks = "[{\"code\":\"codec\"}]",
                                          .ready = true,
                                          .has_thumb = true,
                                          .reason = "",
                                          .reason_msg = ""};

static const struct media_facts no_facts = {.bytes = 1000, .container = "unknown"};
static const struct media_verdict bad = {.facts = &no_facts,
                                         .mime = "application/octet-stream",
                                         .checks = "[]",
                                         .reason = "readable",
                                         .reason_msg = "The file could not be read."};

/* A file that is checked and fine. */
static uint64_t ready(void)
{
    uint64_t id = arrived("video/mp4");
    struct media_work w;

    ck_assert(claim(OWNER, &w));
    ck_assert_uint_eq(w.media_id, id);
    ok(media_judge(db, &w, &good, &err));
    return id;
}

static struct media_ref of(uint64_t id, uint32_t version)
{
    return (struct media_ref){
        .workspace_id = workspace, .media_id = id, .version = version, .user_id = user};
}

static enum rc rename_to(const struct media_ref *ref, const char *name)
{
    const struct media_edit edit = {.filename = name};

    return media_edit(db, ref, &edit, &err);
}

/* All that it shall have; NULL: one less. */
static enum rc tag_with(const struct media_ref *ref, const char *a, const char *b)
{
    const char *const tags[] = {a, b};
    const struct media_edit edit = {.tags = tags,
                                    .n_tags = a == NULL   ? 0U
                                              : b == NULL ? 1U
                                                          : 2U};

    return media_edit(db, ref, &edit, &err);
}

static int64_t column(const char *name, uint64_t id)
{
    return database_number(db, "SELECT %s FROM media WHERE media_id = %" PRIu64, name,
                           id);
}

static int64_t events(int kind, uint64_t id)
{
    return database_number(
        db, "SELECT COUNT(*) FROM job_event WHERE kind = %d AND media_id = %" PRIu64,
        kind, id);
}

/* --- reading ---------------------------------------------------------------------- */

START_TEST(a_new_file_is_being_checked_and_little_is_known_of_it)
{
    uint64_t id = arrived("video/webm");
    struct media m;

    ok(media_get(db, workspace, id, &m, &err));
    ck_assert_uint_eq(m.id, id);
    ck_assert_int_eq(m.state, MEDIA_CHECKING);
    ck_assert_str_eq(media_state_name(m.state), "checking");
    ck_assert_int_eq(m.facts.kind, MEDIA_KIND_VIDEO);
    ck_assert_str_eq(m.mime, "video/webm");
    ck_assert_int_eq(m.facts.bytes, 1000);
    ck_assert_int_eq(m.facts.width, 0);
    ck_assert_str_eq(m.facts.container, "");
    ck_assert_ptr_null(m.checks);
    ck_assert(!m.has_thumb);
    ck_assert_uint_eq(m.version, 1);
    media_release(&m);
}
END_TEST

START_TEST(a_checked_file_shows_what_was_found)
{
    struct media m;

    ok(media_get(db, workspace, ready(), &m, &err));
    ck_assert_int_eq(m.state, MEDIA_READY);
    ck_assert_str_eq(m.mime, "video/quicktime");
    ck_assert_str_eq(m.facts.container, "mov");
    ck_assert_str_eq(m.facts.video_codec, "hevc");
    ck_assert_str_eq(m.facts.audio_codec, "aac");
    ck_assert_int_eq(m.facts.width, 1080);
    ck_assert_int_eq(m.facts.height, 1920);
    ck_assert_int_eq(m.facts.fps_milli, 29970);
    ck_assert_int_eq(m.facts.duration_ms, 12345);
    ck_assert_str_eq(m.checks, "[{\"code\":\"codec\"}]");
    ck_assert(m.has_thumb);
    ck_assert_uint_eq(m.version, 2);
    media_release(&m);
}
END_TEST

START_TEST(what_lies_beside_a_file_is_told)
{
    static const struct media_facts photo = {.kind = MEDIA_KIND_PHOTO,
                                             .container = "png",
                                             .bytes = 1000,
                                             .width = 4000,
                                             .height = 3000};
    struct media_verdict v = good;
    uint64_t id = arrived("image/png");
    struct media_work w;
    struct media m;

    v.facts = &photo;
    v.rendition =
        (struct media_rendition){.bytes = 350000, .width = 1440, .height = 1080};
    ck_assert(claim(OWNER, &w));
    ok(media_judge(db, &w, &v, &err));
    ok(media_get(db, workspace, id, &m, &err));
    ck_assert_int_eq(m.rendition.bytes, 350000);
    ck_assert_int_eq(m.rendition.width, 1440);
    ck_assert_int_eq(m.rendition.height, 1080);
    ck_assert_uint_eq(m.strip_frames, 0);
    ck_assert_int_eq(column("has_rendition", id), 1);
    media_release(&m);
}
END_TEST

START_TEST(a_video_that_is_ready_is_work_once_more_for_its_strip)
{
    struct media_verdict v = good;
    uint64_t id = arrived("video/mp4");
    struct media_work w, strip;
    struct media m;

    v.strip = true;
    ck_assert(claim(OWNER, &w));
    ok(media_judge(db, &w, &v, &err));
    ck_assert(!claim(OWNER, &strip)); /* other files come first */
    database_run(db, "UPDATE media SET next_at = 1");
    ck_assert(claim(OWNER, &strip));
    ck_assert_int_eq(strip.task, MEDIA_TASK_STRIP);
    ck_assert_int_eq(strip.facts.duration_ms, 12345);
    ck_assert_int_eq(strip.facts.width, 1080);
    ck_assert_int_eq(strip.facts.height, 1920);
    ck_assert_int_eq(strip.facts.fps_milli, 29970);
    ck_assert_int_eq(media_strip_made(db, &w, 12, &err), RC_CONFLICT); /* an old claim */
    ok(media_strip_made(db, &strip, 12, &err));
    ck_assert_int_eq(events(83, id), 1);
    ok(media_get(db, workspace, id, &m, &err));
    ck_assert_int_eq(m.state, MEDIA_READY);
    ck_assert_uint_eq(m.strip_frames, 12);
    ck_assert_uint_eq(m.version, 2);
    media_release(&m);
    ck_assert_int_eq(column("next_at", id), INT64_MAX);
    ck_assert_int_eq(column("fails", id), 0);
}
END_TEST

START_TEST(a_video_deleted_before_its_strip_is_made_only_loses_its_bytes)
{
    struct media_verdict v = good;
    uint64_t id = arrived("video/mp4");
    struct media_ref ref = of(id, 0);
    struct media_work w, strip, removal;

    v.strip = true;
    ck_assert(claim(OWNER, &w));
    ok(media_judge(db, &w, &v, &err));
    database_run(db, "UPDATE media SET next_at = 1");
    ck_assert(claim(OWNER, &strip));
    ok(media_delete(db, &ref, &err));
    ck_assert_int_eq(media_strip_made(db, &strip, 12, &err), RC_CONFLICT);
    ck_assert(claim(RIVAL, &removal));
    ck_assert_int_eq(removal.task, MEDIA_TASK_REMOVE);
    ok(media_removed(db, &removal, &err));
}
END_TEST

/* A checked file whose bytes have that digest. */
static uint64_t of_bytes(const unsigned char *sha256)
{
    struct media_verdict v = good;
    uint64_t id = arrived("video/mp4");
    struct media_work w;

    v.sha256 = sha256;
    ck_assert(claim(OWNER, &w));
    ok(media_judge(db, &w, &v, &err));
    return id;
}

static uint64_t duplicate_of(uint64_t id)
{
    struct media m;
    uint64_t found;

    ok(media_get(db, workspace, id, &m, &err));
    found = m.duplicate_of;
    media_release(&m);
    return found;
}

START_TEST(the_same_bytes_again_are_known_as_such)
{
    static const unsigned char some[32] = {1}, other[32] = {2};
    uint64_t home = workspace;
    uint64_t foreign;
    uint64_t first, again, third;

    workspace = seed_workspace(db);
    user = seed_user(db, workspace);
    foreign = of_bytes(some);
    workspace = home;
    user = seed_user(db, workspace);
    first = of_bytes(some);
    again = of_bytes(some);
    third = of_bytes(some);
    ck_assert_uint_lt(foreign, first);
    ck_assert_uint_eq(duplicate_of(first), 0);
    ck_assert_uint_eq(duplicate_of(again), first);
    ck_assert_uint_eq(duplicate_of(third), first);
    ck_assert_uint_eq(duplicate_of(of_bytes(other)), 0);
    ck_assert_uint_eq(duplicate_of(of_bytes(NULL)), 0);
    ck_assert_uint_eq(duplicate_of(of_bytes(NULL)), 0);
    ok(media_delete(db, &(struct media_ref){.workspace_id = home, .media_id = first},
                    &err));
    ck_assert_uint_eq(duplicate_of(again), 0);
    ck_assert_uint_eq(duplicate_of(third), again);
}
END_TEST

START_TEST(another_workspace_has_none_of_it)
{
    uint64_t id = ready();
    uint64_t other = seed_workspace(db);
    struct media_ref foreign = of(id, 0);
    struct media m;

    foreign.workspace_id = other;
    ck_assert_int_eq(media_get(db, other, id, &m, &err), RC_NOT_FOUND);
    ck_assert_int_eq(rename_to(&foreign, "x.mp4"), RC_NOT_FOUND);
    ck_assert_int_eq(media_delete(db, &foreign, &err), RC_NOT_FOUND);
    ck_assert_int_eq(column("version", id), 2);
}
END_TEST

/* The ids of a page, newest first, as one text of numbers counted from first. */
static const char *page(const struct media_query *q, uint64_t first, bool *more)
{
    static char text[256];
    static struct media rows[MEDIA_LIST_MAX];
    size_t n = 0;

    text[0] = '\0';
    ok(media_list(db, q, rows, &n, more, &err));
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(text);

        (void)snprintf(text + len, sizeof(text) - len, "%s%" PRIu64, i > 0 ? " " : "",
                       rows[i].id - first);
        media_release(&rows[i]);
    }
    return text;
}

START_TEST(the_list_is_newest_first_page_by_page)
{
    struct media_query q = {.workspace_id = workspace, .limit = 2};
    uint64_t first = arrived("video/mp4");
    bool more = false;

    for (int i = 1; i < 5; i++)
        ck_assert_uint_eq(arrived("video/mp4"), first + (uint64_t)i);
    ck_assert_str_eq(page(&q, first, &more), "4 3");
    ck_assert(more);
    q.before_id = first + 3;
    ck_assert_str_eq(page(&q, first, &more), "2 1");
    ck_assert(more);
    q.before_id = first + 1;
    ck_assert_str_eq(page(&q, first, &more), "0");
    ck_assert(!more);
    q.before_id = 0;
    q.limit = 5;
    ck_assert_str_eq(page(&q, first, &more), "4 3 2 1 0");
    ck_assert(!more);
}
END_TEST

START_TEST(the_list_can_be_narrowed)
{
    static const struct {
        enum media_kind kind;
        int state;
        const char *ids;
    } rows[] = {
        {0, 0, "3 2 1"},
        {MEDIA_KIND_VIDEO, 0, "2 1"},
        {MEDIA_KIND_PHOTO, 0, "3"},
        {0, MEDIA_CHECKING, "3 2"},
        {0, MEDIA_READY, "1"},
        {0, MEDIA_REJECTED, ""},
        {MEDIA_KIND_PHOTO, MEDIA_CHECKING, "3"},
        {MEDIA_KIND_PHOTO, MEDIA_READY, ""},
    };
    uint64_t first = ready();
    uint64_t gone = first;
    bool more = false;

    ok(media_delete(db, &(struct media_ref){.workspace_id = workspace, .media_id = gone},
                    &err));
    database_run(db, "UPDATE media SET next_at = 9223372036854775807");
    (void)ready();
    (void)arrived("video/mp4");
    (void)arrived("image/jpeg");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct media_query q = {.workspace_id = workspace,
                                      .kind = rows[i].kind,
                                      .state = rows[i].state,
                                      .limit = 10};

        ck_assert_msg(strcmp(page(&q, first, &more), rows[i].ids) == 0, "row %zu: %s", i,
                      page(&q, first, &more));
    }
}
END_TEST

START_TEST(files_are_found_by_a_part_of_their_name)
{
    static const char umlaut[] = "\xc3\x9c"
                                 "bung.mp4";
    static const char *const names[] = {"Launch.mp4", "launch 50%.mp4", "beach_1.mov",
                                        "beachx1.mov", umlaut};
    static const struct {
        const char *name, *ids;
    } rows[] = {
        {NULL, "4 3 2 1 0"},
        {"", "4 3 2 1 0"},
        {"launch", "1 0"},
        {"LAUNCH", "1 0"},
        {"50%", "1"},
        {"%", "1"},
        {"h_1", "2"},
        {"_", "2"},
        {"\\", ""},
        {".mov", "3 2"},
        {"\xc3\xbc"
         "bung",
         "4"},
        {"ubu", "4"},
        {"nothing", ""},
    };
    uint64_t first = 0;
    bool more = false;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        uint64_t id = arrived("video/mp4");
        struct media_ref ref = of(id, 0);

        ok(rename_to(&ref, names[i]));
        first = i == 0 ? id : first;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct media_query q = {
            .workspace_id = workspace, .name = rows[i].name, .limit = 10};

        ck_assert_msg(strcmp(page(&q, first, &more), rows[i].ids) == 0, "row %zu: %s", i,
                      page(&q, first, &more));
    }
}
END_TEST

static const char *tags_of(uint64_t id)
{
    static char text[256];
    struct media m;

    ok(media_get(db, workspace, id, &m, &err));
    (void)snprintf(text, sizeof(text), "%s", m.tags != NULL ? m.tags : "-");
    media_release(&m);
    return text;
}

START_TEST(tags_are_given_taken_and_found_by)
{
    static struct media_tag list[MEDIA_TAG_LIST_MAX];
    uint64_t first = arrived("video/mp4");
    uint64_t second = arrived("video/mp4");
    struct media_ref one = of(first, 1), two = of(second, 0), any = of(first, 0);
    struct media_query q = {.workspace_id = workspace, .limit = 10};
    size_t n = 0;
    bool more = false;

    ck_assert_str_eq(tags_of(first), "-");
    ok(tag_with(&one, "summer", "beach"));
    ok(tag_with(&two, "Summer", "summer"));
    ck_assert_str_eq(tags_of(first), "beach\nsummer");
    ck_assert_str_eq(tags_of(second), "Summer");
    ck_assert_int_eq(tag_with(&one, "x", NULL), RC_CONFLICT);
    q.tag = "SUMMER";
    ck_assert_str_eq(page(&q, first, &more), "1 0");
    q.tag = "beach";
    ck_assert_str_eq(page(&q, first, &more), "0");
    q.state = MEDIA_CHECKING;
    ck_assert_str_eq(page(&q, first, &more), "0");
    q.tag = "bea";
    ck_assert_str_eq(page(&q, first, &more), "");
    ok(media_tags(db, workspace, list, &n, &err));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(list[0].name, "beach");
    ck_assert_uint_eq(list[0].files, 1);
    ck_assert_uint_eq(list[1].files, 2);
    ok(rename_to(&two, "kept.mp4"));
    ck_assert_str_eq(tags_of(second), "Summer");
    ok(tag_with(&two, NULL, NULL));
    ck_assert_str_eq(tags_of(second), "-");
    ok(media_delete(db, &any, &err));
    ok(media_tags(db, workspace, list, &n, &err));
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(another_workspace_sees_and_gives_no_tags)
{
    static struct media_tag list[MEDIA_TAG_LIST_MAX];
    uint64_t id = arrived("video/mp4");
    struct media_ref ref = of(id, 0), foreign = of(id, 0);
    size_t n = 9;

    ok(tag_with(&ref, "mine", NULL));
    foreign.workspace_id = seed_workspace(db);
    ck_assert_int_eq(tag_with(&foreign, "theirs", NULL), RC_NOT_FOUND);
    ok(media_tags(db, foreign.workspace_id, list, &n, &err));
    ck_assert_uint_eq(n, 0);
    ck_assert_str_eq(tags_of(id), "mine");
}
END_TEST

/* A post that shows the file, its job in that state. */
static uint64_t post_of(uint64_t media, int state)
{
    const struct seed of = {workspace, user, seed_account(db, workspace, user), media};

    return seed_post(db, &of, state, 0);
}

START_TEST(a_file_says_how_many_posts_show_it)
{
    uint64_t id = ready();
    uint64_t hidden;
    struct media m;

    (void)post_of(id, 4);
    (void)post_of(id, 1);
    hidden = post_of(id, 6);
    (void)post_of(ready(), 1);
    database_run(db, "UPDATE post SET hidden_at = 1 WHERE post_id = %" PRIu64, hidden);
    ok(media_get(db, workspace, id, &m, &err));
    ck_assert_uint_eq(m.used_in, 2);
    media_release(&m);
}
END_TEST

/* --- changes ---------------------------------------------------------------------- */

START_TEST(a_new_name_is_a_new_version)
{
    uint64_t id = ready();
    struct media_ref now = of(id, 2);
    struct media_ref old = of(id, 2);
    struct media_ref any = of(id, 0);
    struct media m;

    ok(rename_to(&now, "a.mp4"));
    ck_assert_int_eq(rename_to(&old, "b.mp4"), RC_CONFLICT);
    ck_assert_str_eq(err.code, "version_mismatch");
    ok(rename_to(&any, "\xc3\xa4.mp4"));
    ok(media_get(db, workspace, id, &m, &err));
    ck_assert_str_eq(m.filename, "\xc3\xa4.mp4");
    ck_assert_uint_eq(m.version, 4);
    ck_assert_int_eq(events(83, id), 2);
    media_release(&m);
}
END_TEST

START_TEST(the_longest_name_fits)
{
    uint64_t id = ready();
    char name[MEDIA_FILENAME_SIZE] = "";
    struct media_ref ref = of(id, 0);
    struct media m;

    for (size_t i = 0; i < MEDIA_FILENAME_MAX; i++)
        (void)memcpy(name + 4 * i, "\xf0\x9f\x8e\xac", 5);
    ok(rename_to(&ref, name));
    ok(media_get(db, workspace, id, &m, &err));
    ck_assert_str_eq(m.filename, name);
    media_release(&m);
}
END_TEST

START_TEST(a_deleted_file_is_gone_but_for_its_row)
{
    uint64_t id = ready();
    struct media_ref stale = of(id, 1);
    struct media_ref ref = of(id, 2);
    struct media m;

    ck_assert_int_eq(media_delete(db, &stale, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "version_mismatch");
    ok(media_delete(db, &ref, &err));
    ck_assert_int_eq(media_get(db, workspace, id, &m, &err), RC_NOT_FOUND);
    ck_assert_int_eq(media_delete(db, &ref, &err), RC_NOT_FOUND);
    ck_assert_int_eq(rename_to(&ref, "x"), RC_NOT_FOUND);
    ck_assert_int_eq(column("state", id), MEDIA_DELETED);
    ck_assert_int_eq(events(84, id), 1);
}
END_TEST

START_TEST(a_file_is_kept_for_posts_that_still_need_it)
{
    static const struct {
        int state; /* of job.state */
        bool hidden;
        bool kept;
    } rows[] = {
        {0, false, true},                     /* a draft */
        {0, true, false},                     /* deleted from the lists */
        {1, false, true},                     /* scheduled */
        {2, false, true},                     /* running */
        {2, true, true},   {3, false, true},  /* committed: TikTok may still ask */
        {3, true, true},   {4, false, false}, /* published */
        {5, false, false},                    /* failed */
        {6, false, false},                    /* canceled */
        {7, false, true},                     /* a person must look */
        {8, false, true},                     /* blocked */
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t id = ready();
        uint64_t post = post_of(id, rows[i].state);
        struct media_ref ref = of(id, 0);
        enum rc rc;

        if (rows[i].hidden)
            database_run(db, "UPDATE post SET hidden_at = 1 WHERE post_id = %" PRIu64,
                         post);
        rc = media_delete(db, &ref, &err);
        ck_assert_msg((rc == RC_CONFLICT) == rows[i].kept, "row %zu", i);
        if (rc != RC_OK)
            ck_assert_str_eq(err.code, "media_in_use");
        database_run(db, "UPDATE media SET next_at = 9223372036854775807");
    }
}
END_TEST

/* --- work ------------------------------------------------------------------------- */

START_TEST(a_file_is_claimed_by_one_at_a_time)
{
    uint64_t id = arrived("video/mp4");
    struct media_work w;
    struct media_work rival;

    ck_assert(claim(OWNER, &w));
    ck_assert_uint_eq(w.media_id, id);
    ck_assert_uint_eq(w.workspace_id, workspace);
    ck_assert_uint_eq(w.owner, OWNER);
    ck_assert_uint_eq(w.fence, 1);
    ck_assert_uint_eq(w.fails, 0);
    ck_assert_int_eq(w.task, MEDIA_TASK_EXAMINE);
    ck_assert_int_ge(w.age_ms, 0);
    ck_assert_int_lt(w.age_ms, 60000);
    ck_assert(!claim(RIVAL, &rival));
    ok(media_judge(db, &w, &good, &err));
    ck_assert(!claim(RIVAL, &rival));
    ck_assert_int_eq(events(81, id), 1);
}
END_TEST

static enum rc claim_beside(struct db *inside, void *ctx, struct err *e)
{
    struct media_work *w = ctx;
    struct db *other = database_open();
    size_t n = 0;
    enum rc rc = media_claim(inside, OWNER, &w[0], 1, &n, e);

    ck_assert_uint_eq(n, 1);
    if (rc == RC_OK)
        rc = media_claim(other, RIVAL, &w[1], MEDIA_CLAIM_MAX, &n, e);
    ck_assert_uint_eq(n, 1);
    db_free(other);
    return rc;
}

START_TEST(two_who_claim_at_once_get_different_files)
{
    struct media_work w[1 + MEDIA_CLAIM_MAX];

    (void)arrived("video/mp4");
    (void)arrived("video/mp4");
    ok(db_transaction(db, claim_beside, w, &err));
    ck_assert_uint_ne(w[0].media_id, w[1].media_id);
}
END_TEST

START_TEST(who_waited_longest_comes_first_and_a_claim_is_bounded)
{
    struct media_work w[MEDIA_CLAIM_MAX];
    uint64_t first = arrived("video/mp4");
    size_t n = 0;

    for (int i = 1; i < MEDIA_CLAIM_MAX + 1; i++)
        (void)arrived("video/mp4");
    database_run(db,
                 "UPDATE media SET next_at = next_at - 5000 WHERE media_id = %" PRIu64,
                 first + 3);
    ok(media_claim(db, OWNER, w, MEDIA_CLAIM_MAX, &n, &err));
    ck_assert_uint_eq(n, MEDIA_CLAIM_MAX);
    ck_assert_uint_eq(w[0].media_id, first + 3);
    ck_assert_uint_eq(w[1].media_id, first);
}
END_TEST

static void end_leases(void)
{
    database_run(db, "UPDATE media SET next_at = 1000 WHERE owner <> 0");
}

START_TEST(a_lease_that_ran_out_is_taken_over_and_counted_and_the_first_comes_too_late)
{
    uint64_t id = arrived("video/mp4");
    struct media_work w;
    struct media_work later;

    ck_assert(claim(OWNER, &w));
    end_leases();
    ck_assert(claim(RIVAL, &later));
    ck_assert_uint_eq(later.fails, 1);
    ck_assert_uint_gt(later.fence, w.fence);
    ck_assert_int_eq(media_judge(db, &w, &good, &err), RC_CONFLICT);
    ck_assert_int_eq(media_give_back(db, &w, 0, &err), RC_CONFLICT);
    ck_assert_int_eq(column("state", id), MEDIA_CHECKING);
    ck_assert_int_eq(events(81, id), 0);
    ok(media_judge(db, &later, &bad, &err));
    ck_assert_int_eq(column("state", id), MEDIA_REJECTED);
    ck_assert_int_eq(column("fails", id), 0);
    ck_assert_int_eq(events(82, id), 1);
}
END_TEST

START_TEST(the_same_owner_claiming_again_has_another_fence)
{
    struct media_work w;
    struct media_work again;

    (void)arrived("video/mp4");
    ck_assert(claim(OWNER, &w));
    end_leases();
    ck_assert(claim(OWNER, &again));
    ck_assert_int_eq(media_judge(db, &w, &good, &err), RC_CONFLICT);
    ok(media_judge(db, &again, &good, &err));
}
END_TEST

START_TEST(work_given_back_is_no_failure_and_comes_again_in_time)
{
    uint64_t id = arrived("video/mp4");
    struct media_work w;

    ck_assert(claim(OWNER, &w));
    ok(media_give_back(db, &w, 60000, &err));
    ck_assert(!claim(RIVAL, &w));
    ck_assert_int_eq(column("fails", id), 0);
    database_run(db, "UPDATE media SET next_at = next_at - 60000");
    ck_assert(claim(RIVAL, &w));
    ck_assert_uint_eq(w.fails, 0);
    ok(media_give_back(db, &w, 0, &err));
    ck_assert(claim(OWNER, &w));
}
END_TEST

START_TEST(what_cannot_be_recognized_keeps_the_kind_it_was_said_to_be)
{
    uint64_t id = arrived("image/webp");
    struct media_work w;
    struct media m;

    ck_assert(claim(OWNER, &w));
    ok(media_judge(db, &w, &bad, &err));
    ok(media_get(db, workspace, id, &m, &err));
    ck_assert_int_eq(m.facts.kind, MEDIA_KIND_PHOTO);
    ck_assert_str_eq(m.mime, "application/octet-stream");
    ck_assert_str_eq(database_text(db, "SELECT reason FROM media"), "readable");
    ck_assert_str_eq(database_text(db, "SELECT reason_msg FROM media"),
                     "The file could not be read.");
    media_release(&m);
}
END_TEST

START_TEST(a_file_deleted_while_it_is_checked_is_removed_and_not_judged)
{
    uint64_t id = arrived("video/mp4");
    struct media_ref ref = of(id, 0);
    struct media_work w;
    struct media_work removal;

    ck_assert(claim(OWNER, &w));
    ok(media_delete(db, &ref, &err));
    ck_assert(claim(RIVAL, &removal));
    ck_assert_int_eq(removal.task, MEDIA_TASK_REMOVE);
    ck_assert_str_eq(removal.blob_key, w.blob_key);
    ck_assert_int_eq(media_judge(db, &w, &good, &err), RC_CONFLICT);
    ck_assert_int_eq(media_judge(db, &removal, &good, &err), RC_CONFLICT);
    ok(media_removed(db, &removal, &err));
    ck_assert_int_eq(media_removed(db, &removal, &err), RC_CONFLICT);
    ck_assert(!claim(OWNER, &w));
    ck_assert_int_eq(column("state", id), MEDIA_DELETED);
}
END_TEST

START_TEST(bytes_are_wanted_by_open_uploads_and_by_files_that_are_not_deleted)
{
    struct upload u = {.workspace_id = workspace,
                       .user_id = user,
                       .bytes = 10,
                       .id = "zzzzzzzzzzzzzzzzzzzzzzzzzz",
                       .filename = "a.mp4",
                       .mime = "video/mp4"};
    struct media_ref ref;
    bool wanted = true;

    ok(media_blob_wanted(db, u.id, &wanted, &err));
    ck_assert(!wanted);
    ok(upload_insert(db, &u, &err));
    ok(media_blob_wanted(db, u.id, &wanted, &err));
    ck_assert(wanted);
    ok(upload_finish(db, &u, false, &err));
    ok(media_blob_wanted(db, u.id, &wanted, &err));
    ck_assert(wanted);
    ref = of(u.media_id, 0);
    ok(media_delete(db, &ref, &err));
    ok(media_blob_wanted(db, u.id, &wanted, &err));
    ck_assert(!wanted);
}
END_TEST

START_TEST(work_that_nobody_does_is_noticed)
{
    static const struct {
        const char *what, *sql;
        uint64_t n;
    } rows[] = {
        {"new", "next_at = next_at", 0},
        {"waiting for minutes", "next_at = next_at - 121000", 1},
        {"given back again and again",
         "next_at = next_at + 5000, created_at = created_at - 901000", 1},
        {"in somebody's hands",
         "next_at = next_at + 60000, created_at = created_at - 1000", 0},
        {"checked long ago",
         "state = 2, next_at = 9223372036854775807, created_at = 1000", 0},
        {"bytes of a deleted one", "state = 4, next_at = next_at - 121000", 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t id = arrived("video/mp4");
        uint64_t n = 99;

        database_run(db, "UPDATE media SET %s WHERE media_id = %" PRIu64, rows[i].sql,
                     id);
        ok(media_overdue(db, &n, &err));
        ck_assert_msg(n == rows[i].n, "%s: %" PRIu64, rows[i].what, n);
        database_run(db, "UPDATE media SET state = 2, next_at = 9223372036854775807");
    }
}
END_TEST

START_TEST(the_programs_have_the_rights_for_all_this)
{
    struct db *admin = db;
    struct media_work w;
    struct media_ref ref;
    uint64_t id;
    uint64_t overdue;
    struct media m;
    bool wanted;
    size_t n = 0;

    database_take_users(admin);
    ok(grants_user(admin, "tts_api", "localhost", "canary-password", &err));
    ok(grants_user(admin, "tts_media", "localhost", "canary-password", &err));
    ok(grants_renew(admin, &n, &err));
    id = arrived("video/mp4");
    ok(db_new(database_url("tts_media", "canary-password"), &db, &err));
    (void)database_patient(db);
    ck_assert(claim(OWNER, &w));
    ok(media_give_back(db, &w, 0, &err));
    ck_assert(claim(OWNER, &w));
    ok(media_judge(db, &w, &good, &err));
    ok(media_blob_wanted(db, w.blob_key, &wanted, &err));
    db_free(db);
    ok(db_new(database_url("tts_api", "canary-password"), &db, &err));
    (void)database_patient(db);
    ok(media_get(db, workspace, id, &m, &err));
    media_release(&m);
    ref = of(id, 0);
    ok(rename_to(&ref, "a.mp4"));
    ok(media_delete(db, &ref, &err));
    ok(media_overdue(db, &overdue, &err));
    db_free(db);
    ok(db_new(database_url("tts_media", "canary-password"), &db, &err));
    (void)database_patient(db);
    ck_assert(claim(OWNER, &w));
    ok(media_removed(db, &w, &err));
    db_free(db);
    database_run(admin, "DROP USER tts_api@localhost, tts_media@localhost");
    db = admin;
}
END_TEST

DATABASE_MAIN("store_media", setup, teardown,
              a_new_file_is_being_checked_and_little_is_known_of_it,
              a_checked_file_shows_what_was_found, what_lies_beside_a_file_is_told,
              a_video_that_is_ready_is_work_once_more_for_its_strip,
              a_video_deleted_before_its_strip_is_made_only_loses_its_bytes,
              the_same_bytes_again_are_known_as_such, another_workspace_has_none_of_it,
              the_list_is_newest_first_page_by_page, the_list_can_be_narrowed,
              files_are_found_by_a_part_of_their_name, tags_are_given_taken_and_found_by,
              another_workspace_sees_and_gives_no_tags,
              a_file_says_how_many_posts_show_it, a_new_name_is_a_new_version,
              the_longest_name_fits, a_deleted_file_is_gone_but_for_its_row,
              a_file_is_kept_for_posts_that_still_need_it,
              a_file_is_claimed_by_one_at_a_time,
              two_who_claim_at_once_get_different_files,
              who_waited_longest_comes_first_and_a_claim_is_bounded,
              a_lease_that_ran_out_is_taken_over_and_counted_and_the_first_comes_too_late,
              the_same_owner_claiming_again_has_another_fence,
              work_given_back_is_no_failure_and_comes_again_in_time,
              what_cannot_be_recognized_keeps_the_kind_it_was_said_to_be,
              a_file_deleted_while_it_is_checked_is_removed_and_not_judged,
              bytes_are_wanted_by_open_uploads_and_by_files_that_are_not_deleted,
              work_that_nobody_does_is_noticed, the_programs_have_the_rights_for_all_this)
