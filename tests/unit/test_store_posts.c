/* store/posts: creating and showing: a post comes back as it was written, lists are whole
 * and in order, and nobody sees what belongs to another workspace. */
#include "core/text.h"
#include "core/xalloc.h"
#include "database.h"
#include "store/feed.h"
#include "store/media.h"
#include "store/posts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HOUR_MS = 3600000 };

static struct db *db;
static struct err err;
static struct seed seed;
static struct actor actor;
static int64_t now_ms;

static void setup(void)
{
    db = database_seeded(&seed);
    database_run(db, "UPDATE account SET scopes = 'user.info.basic,video.publish'");
    actor = (struct actor){.workspace_id = seed.workspace, .user_id = seed.user};
    now_ms = database_number(db, "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)");
}

static void teardown(void)
{
    db_free(db);
}

static void ok(enum rc rc)
{
    ck_assert_msg(rc == RC_OK, "%s: %s", err.code, err.msg);
}

/* Judges nothing; remembers what it was shown. */
static struct post_basis shown;
static struct post_file first_file;
static unsigned checks;

static enum rc agree(void *ctx UNUSED, const struct post_content *content,
                     struct post_basis *basis, struct err *e UNUSED)
{
    shown = *basis;
    if (content->media_n > 0)
        first_file = basis->ground.files[0];
    checks++;
    return RC_OK;
}

static enum rc refuse(void *ctx UNUSED, const struct post_content *content UNUSED,
                      struct post_basis *basis UNUSED, struct err *e)
{
    return err_set(e, RC_INVALID, "invalid", "No.");
}

static void draft(struct post_content *c)
{
    post_init(c);
    c->account_id = seed.account;
    c->media_ids[0] = seed.media;
    c->media_n = 1;
}

static struct post create_as(const struct actor *who, const struct post_content *c,
                             const struct post_key *key)
{
    const struct post_new in = {.actor = who, .content = c, .key = key, .check = agree};
    struct post post;

    ok(posts_create(db, &in, &post, &err));
    return post;
}

/* A post that is due in due_in_ms; 0: a draft without a time. */
static uint64_t created(int64_t due_in_ms, const char *caption)
{
    struct post_content c;
    struct post post;
    uint64_t id;

    draft(&c);
    c.publish_at_ms = due_in_ms != 0 ? now_ms + due_in_ms : 0;
    free(c.caption);
    c.caption = xstrdup(caption);
    (void)strcpy(c.timezone, "UTC");
    post = create_as(&actor, &c, NULL);
    id = post.id;
    posts_release(&post);
    post_release(&c);
    return id;
}

static void same_medium(const struct post_medium *a, const struct post_medium *b)
{
    ck_assert_uint_eq(a->id, b->id);
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_int_eq(a->state, b->state);
    ck_assert_str_eq(a->filename, b->filename);
    ck_assert_int_eq(a->duration_ms, b->duration_ms);
    ck_assert_int_eq(a->width, b->width);
    ck_assert_int_eq(a->height, b->height);
    ck_assert_int_eq(a->has_thumb, b->has_thumb);
}

static void same_post(const struct post *a, const struct post *b)
{
    ck_assert_uint_eq(a->id, b->id);
    ck_assert(post_same_content(&a->content, &b->content));
    ck_assert(post_same_time(&a->content, &b->content));
    ck_assert_int_eq(a->content.music_usage, b->content.music_usage);
    ck_assert_int_eq(a->content.branded_agreed, b->content.branded_agreed);
    ck_assert_str_eq(a->nickname, b->nickname);
    ck_assert_str_eq(a->username, b->username);
    ck_assert_uint_eq(a->media_n, b->media_n);
    for (size_t i = 0; i < a->media_n; i++)
        same_medium(&a->media[i], &b->media[i]);
    ck_assert_int_eq(a->phase, b->phase);
    ck_assert_str_eq(a->reason, b->reason);
    ck_assert_uint_eq(a->version, b->version);
    ck_assert_uint_eq(a->content_ver, b->content_ver);
    ck_assert_int_eq(a->list_at_ms, b->list_at_ms);
    ck_assert_int_eq(a->next_at_ms, b->next_at_ms);
    ck_assert_int_eq(a->published_ms, b->published_ms);
    ck_assert_int_eq(a->created_ms, b->created_ms);
    ck_assert_int_eq(a->updated_ms, b->updated_ms);
}

/* --- creating ------------------------------------------------------------------ */

START_TEST(a_post_comes_back_as_it_was_written)
{
    struct post_content c;
    struct post made, read;

    draft(&c);
    c.kind = POST_PHOTO;
    c.mode = POST_INBOX;
    for (c.media_n = 1; c.media_n < 4; c.media_n++)
        c.media_ids[c.media_n] = seed_media(db, seed.workspace, seed.user);
    database_run(db, "UPDATE media SET width = 720, height = 1280, has_thumb = 1");
    free(c.caption);
    c.caption = xstrdup("line\nline\t\"quoted\" \\ </script> \xf0\x9f\x98\x80");
    (void)strcpy(c.title, "T\xc3\xaftle");
    (void)strcpy(c.privacy_level, "FOLLOWER_OF_CREATOR");
    c.allow_comment = c.allow_duet = c.allow_stitch = true;
    c.your_brand = c.branded_content = c.is_aigc = c.auto_add_music = true;
    c.cover_ms = 1500;
    c.cover_index = 3;
    c.publish_at_ms = now_ms + HOUR_MS;
    (void)strcpy(c.timezone, "Europe/Berlin");
    c.music_usage = c.branded_agreed = true;

    made = create_as(&actor, &c, NULL);
    ck_assert(post_same_content(&made.content, &c));
    ck_assert_int_eq(made.phase, PHASE_SCHEDULED);
    ck_assert_uint_eq(made.version, 1);
    ok(posts_get(db, seed.workspace, made.id, &read, &err));
    same_post(&made, &read);
    ck_assert_uint_eq(read.media_n, 4);
    ck_assert_uint_eq(read.media[3].id, c.media_ids[3]);
    ck_assert_int_eq(read.media[3].width, 720);
    ck_assert(read.media[3].has_thumb);
    posts_release(&made);
    posts_release(&read);
    post_release(&c);
}
END_TEST

START_TEST(a_draft_needs_nothing_but_an_account)
{
    struct post_content c;
    struct post made, read;

    post_init(&c);
    c.account_id = seed.account;
    made = create_as(&actor, &c, NULL);
    ok(posts_get(db, seed.workspace, made.id, &read, &err));
    same_post(&made, &read);
    ck_assert_int_eq(read.phase, PHASE_DRAFT);
    ck_assert_int_eq(read.content.publish_at_ms, 0);
    ck_assert_int_eq(read.content.cover_ms, -1);
    ck_assert_str_eq(read.content.timezone, "");
    ck_assert_uint_eq(read.media_n, 0);
    ck_assert_int_eq(database_number(db, "SELECT next_at = 9223372036854775807 FROM job"),
                     1);
    posts_release(&made);
    posts_release(&read);
    post_release(&c);
}
END_TEST

START_TEST(a_post_is_looked_at_its_lead_before_its_time)
{
    /* 6 MB: 30 s and 1.8 s. */
    uint64_t id = created(HOUR_MS, "");

    ck_assert_int_eq(database_number(db, "SELECT due_at - next_at FROM job"), 31800);
    ck_assert_int_eq(database_number(db, "SELECT due_at FROM job"), now_ms + HOUR_MS);
    ck_assert_int_eq(
        database_number(db, "SELECT list_at FROM post WHERE post_id = %" PRIu64, id),
        now_ms + HOUR_MS);
    database_run(db, "DELETE FROM post");
    (void)created(1000, ""); /* nobody could have begun 2.8 s ago */
    ck_assert_int_ge(database_number(db, "SELECT next_at - %" PRId64 " FROM job", now_ms),
                     0);
    ck_assert_int_le(database_number(db, "SELECT due_at - next_at FROM job"), 1000);
}
END_TEST

START_TEST(the_check_sees_account_and_files)
{
    uint64_t other = seed_account(db, seed_workspace(db), seed.user);
    struct post_content c;
    struct post post;

    database_run(db,
                 "UPDATE account SET scopes = 'video.upload', creator_info = "
                 "'{\"privacy_level_options\":[\"SELF_ONLY\"],\"duet_disabled\":true,"
                 "\"max_video_post_duration_sec\":60}', creator_info_at = %" PRId64
                 " WHERE account_id = %" PRIu64,
                 now_ms - POST_CREATOR_FRESH_MS + 60000, seed.account);
    draft(&c);
    post = create_as(&actor, &c, NULL);
    posts_release(&post);
    ck_assert(shown.ground.account_found && shown.account_usable);
    ck_assert(shown.ground.inbox && !shown.ground.direct_post);
    ck_assert_ptr_nonnull(shown.ground.creator);
    ck_assert(first_file.found && first_file.ready && !first_file.rejected);
    ck_assert_int_eq(first_file.duration_ms, 15000);
    ck_assert_int_ge(shown.ground.now_ms, now_ms);

    database_run(db, "UPDATE account SET creator_info_at = %" PRId64,
                 now_ms - POST_CREATOR_FRESH_MS - 1);
    database_run(db, "UPDATE media SET state = %d", MEDIA_REJECTED);
    database_run(db, "UPDATE account SET status = 2");
    post = create_as(&actor, &c, NULL);
    posts_release(&post);
    ck_assert_ptr_null(shown.ground.creator); /* too old to judge by */
    ck_assert(first_file.rejected && !first_file.ready);
    ck_assert(shown.ground.account_found && !shown.account_usable);

    database_run(db, "UPDATE media SET state = %d", MEDIA_DELETED);
    post = create_as(&actor, &c, NULL);
    posts_release(&post);
    ck_assert(!first_file.found);

    c.account_id = other; /* of another workspace */
    {
        const struct post_new in = {.actor = &actor, .content = &c, .check = agree};

        ck_assert_int_ne(posts_create(db, &in, &post, &err), RC_OK); /* a foreign key */
    }
    ck_assert(!shown.ground.account_found);
    post_release(&c);
}
END_TEST

START_TEST(a_medium_of_another_workspace_is_not_found)
{
    uint64_t workspace = seed_workspace(db);
    uint64_t theirs = seed_media(db, workspace, seed_user(db, workspace));
    struct post_content c;
    struct post post;
    const struct post_new in = {.actor = &actor, .content = &c, .check = agree};

    draft(&c);
    c.media_ids[1] = theirs;
    c.media_n = 2;
    ck_assert_int_ne(posts_create(db, &in, &post, &err), RC_OK);
    ck_assert(first_file.found);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM post"), 0);
    c.media_ids[0] = theirs;
    c.media_n = 1;
    ck_assert_int_ne(posts_create(db, &in, &post, &err), RC_OK);
    ck_assert(!first_file.found);
    post_release(&c);
}
END_TEST

START_TEST(a_refused_post_leaves_nothing)
{
    struct post_content c;
    struct post post;
    const struct post_new in = {.actor = &actor, .content = &c, .check = refuse};

    draft(&c);
    ck_assert_int_eq(posts_create(db, &in, &post, &err), RC_INVALID);
    ck_assert_int_eq(database_number(db, "SELECT (SELECT COUNT(*) FROM post)"
                                         " + (SELECT COUNT(*) FROM job)"
                                         " + (SELECT COUNT(*) FROM job_event)"),
                     0);
    post_release(&c);
}
END_TEST

START_TEST(who_agreed_to_what_and_when_is_kept)
{
    struct post_content c;
    struct post post;
    char expected[200], at[40];

    draft(&c);
    c.music_usage = true;
    post = create_as(&actor, &c, NULL);
    (void)strcpy(at, database_text(db, "SELECT JSON_VALUE(consent, '$.at') FROM post"));
    (void)snprintf(expected, sizeof(expected),
                   "{\"music_usage\":true,\"branded_content\":false,\"user\":\"%" PRIu64
                   "\",\"at\":\"%s\",\"content_ver\":1}",
                   seed.user, at);
    ck_assert_str_eq(database_text(db, "SELECT consent FROM post"), expected);
    posts_release(&post);
    post_release(&c);
}
END_TEST

START_TEST(its_first_line_names_who_made_it)
{
    struct actor token = actor;
    struct post_content c;
    struct post post;

    token.token_id = 5;
    draft(&c);
    post = create_as(&token, &c, NULL);
    ck_assert_int_eq(database_number(db,
                                     "SELECT kind FROM job_event WHERE post_id = "
                                     "%" PRIu64,
                                     post.id),
                     EVENT_CREATED);
    ck_assert_int_eq(database_number(db, "SELECT user_id FROM job_event"),
                     (int64_t)seed.user);
    ck_assert_str_eq(database_text(db, "SELECT data FROM job_event"),
                     "{\"via\":\"token\"}");
    posts_release(&post);
    post_release(&c);
}
END_TEST

/* --- idempotency --------------------------------------------------------------- */

static struct post_key key_of(int key, int body)
{
    struct post_key k;

    memset(k.key, key, sizeof(k.key));
    memset(k.body, body, sizeof(k.body));
    return k;
}

START_TEST(one_key_makes_one_post)
{
    struct post_key key = key_of(1, 2), other_body = key_of(1, 3), other = key_of(9, 2);
    struct post_content c;
    struct post post, again;
    const struct post_new in = {
        .actor = &actor, .content = &c, .key = &key, .check = agree};
    bool found = true;

    draft(&c);
    ok(posts_by_key(db, seed.workspace, &key, &again, &found, &err));
    ck_assert(!found);
    post = create_as(&actor, &c, &key);
    ck_assert_int_eq(posts_create(db, &in, &again, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "duplicate");
    ok(posts_by_key(db, seed.workspace, &key, &again, &found, &err));
    ck_assert(found);
    same_post(&post, &again);
    posts_release(&again);
    ck_assert_int_eq(posts_by_key(db, seed.workspace, &other_body, &again, &found, &err),
                     RC_INVALID);
    ck_assert_str_eq(err.code, "idempotency_key_reused");
    ok(posts_by_key(db, seed.workspace, &other, &again, &found, &err));
    ck_assert(!found);
    ok(posts_by_key(db, seed_workspace(db), &key, &again, &found, &err));
    ck_assert_msg(!found, "keys of workspaces are apart");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM post"), 1);
    posts_release(&post);
    post_release(&c);
}
END_TEST

START_TEST(a_key_is_free_again_after_a_day)
{
    struct post_key key = key_of(1, 2), other_body = key_of(1, 3);
    struct post_content c;
    struct post post, again;
    bool found = true;

    draft(&c);
    post = create_as(&actor, &c, &key);
    database_run(db, "UPDATE post SET created_at = created_at - %d",
                 POST_KEY_LIFE_MS + 1);
    ok(posts_by_key(db, seed.workspace, &other_body, &again, &found, &err));
    ck_assert(!found);
    again = create_as(&actor, &c, &other_body);
    ck_assert_uint_ne(again.id, post.id);
    posts_release(&again);
    posts_release(&post);
    post_release(&c);
}
END_TEST

/* --- lists --------------------------------------------------------------------- */

static struct post page[POST_PAGE_MAX];

/* Reads a list to its end in pages of limit; ids of at most max posts. */
static size_t read_list(struct post_query q, size_t limit, uint64_t *ids, size_t max)
{
    size_t total = 0;
    bool more = true;

    q.workspace_id = q.workspace_id != 0 ? q.workspace_id : seed.workspace;
    q.first = true;
    q.limit = limit;
    while (more) {
        size_t n = 0;

        ok(posts_list(db, &q, page, &n, &more, &err));
        ck_assert_uint_le(n, limit);
        ck_assert_msg(!more || n > 0, "a page with more behind it is not empty");
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_lt(total, max);
            ids[total++] = page[i].id;
            q.after_id = page[i].id;
            q.after_at = page[i].list_at_ms;
            posts_release(&page[i]);
        }
        q.first = false;
    }
    return total;
}

static unsigned bit(enum post_status status)
{
    return 1U << status;
}

/* Puts a post into a phase as a publisher would leave it. */
static void put(uint64_t id, enum post_phase phase, const char *reason)
{
    int granted = phase == PHASE_COMMITTED || phase == PHASE_PUBLISHED;

    database_run(db,
                 "UPDATE job SET state = %d, last_reason = '%s', granted = %d,"
                 " attempt_no = %d WHERE post_id = %" PRIu64,
                 (int)phase, reason, granted, granted, id);
    if (granted != 0)
        database_run(db,
                     "INSERT INTO attempt (post_id, attempt_no, workspace_id, state,"
                     " method, fence, tiktok_status, created_at, updated_at) VALUES"
                     " (%" PRIu64 ", 1, %" PRIu64 ", %d, 1, 1, '%s', 0, 0)",
                     id, seed.workspace, phase == PHASE_PUBLISHED ? 5 : 3,
                     phase == PHASE_PUBLISHED ? "PUBLISH_COMPLETE" : "");
    if (phase == PHASE_PUBLISHED)
        database_run(db, "UPDATE post SET published_at = 1 WHERE post_id = %" PRIu64, id);
}

START_TEST(pages_hold_every_post_once_and_in_order)
{
    enum { N = 23 };
    static const size_t limits[] = {1, 2, 7, 22, 23, 24, 100};
    uint64_t ids[N], got[N + 1];

    for (size_t i = 0; i < N; i++) /* times in another order than ids, some alike */
        ids[i] = created(i % 4 == 3 ? 0 : HOUR_MS * (int64_t)(1 + (i * 7) % 5), "x");
    for (size_t l = 0; l < ARRAY_LEN(limits); l++) {
        for (int with_account = 0; with_account < 2; with_account++) {
            struct post_query q = {.account_id = with_account ? seed.account : 0};
            int64_t last_at = 0;
            uint64_t last_id = 0;

            ck_assert_uint_eq(read_list(q, limits[l], got, N + 1), N);
            for (size_t i = 0; i < N; i++)
                ck_assert_uint_eq(got[i], ids[N - 1 - i]);
            q.order = POST_SOONEST;
            ck_assert_uint_eq(read_list(q, limits[l], got, N + 1), N);
            for (size_t i = 0; i < N; i++) {
                int64_t at = database_number(
                    db, "SELECT list_at FROM post WHERE post_id = %" PRIu64, got[i]);

                ck_assert(at > last_at || (at == last_at && got[i] > last_id));
                last_at = at;
                last_id = got[i];
            }
            ck_assert_int_eq(last_at, INT64_MAX); /* without a time: last */
        }
    }
}
END_TEST

START_TEST(what_is_added_meanwhile_moves_no_page)
{
    uint64_t old[6], got[16];
    struct post_query q = {.workspace_id = seed.workspace, .first = true, .limit = 3};
    size_t n = 0;
    bool more = false;

    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        old[i] = created(HOUR_MS, "old");
    ok(posts_list(db, &q, page, &n, &more, &err));
    ck_assert(more);
    q.after_id = page[2].id;
    q.first = false;
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(page[i].id, old[5 - i]);
        posts_release(&page[i]);
    }
    (void)created(HOUR_MS, "new");
    ok(posts_list(db, &q, page, &n, &more, &err));
    ck_assert_uint_eq(n, 3);
    ck_assert(!more);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(page[i].id, old[2 - i]);
        posts_release(&page[i]);
    }
    ck_assert_uint_eq(read_list((struct post_query){0}, 100, got, 16), 7);
}
END_TEST

/* Two posts in each status, told apart by what a status is made of. */
static const struct {
    enum post_status status;
    enum post_phase phase;
    const char *reason, *change;
} kinds[] = {
    {STATUS_DRAFT, PHASE_DRAFT, "", ""},
    {STATUS_SCHEDULED, PHASE_SCHEDULED, "", ""},
    {STATUS_SCHEDULED, PHASE_SCHEDULED, "tiktok_unavailable", ""},
    {STATUS_PREPARING, PHASE_RUNNING, "", ""},
    {STATUS_PUBLISHING, PHASE_COMMITTED, "", ""},
    {STATUS_PROCESSING, PHASE_COMMITTED, "", "UPDATE attempt SET state = 4"},
    {STATUS_PUBLISHED, PHASE_PUBLISHED, "",
     "UPDATE post SET privacy_level = 'PUBLIC_TO_EVERYONE'"},
    {STATUS_PUBLISHED_PRIVATE, PHASE_PUBLISHED, "",
     "UPDATE post SET privacy_level = 'SELF_ONLY'"},
    {STATUS_PUBLISHED, PHASE_PUBLISHED, "", "UPDATE post SET mode = 2"},
    {STATUS_IN_INBOX, PHASE_PUBLISHED, "",
     "UPDATE post p JOIN attempt t USING (post_id) SET p.mode = 2,"
     " t.tiktok_status = 'SEND_TO_USER_INBOX'"},
    {STATUS_IN_INBOX, PHASE_PUBLISHED, "",
     "UPDATE post p JOIN attempt t USING (post_id) SET p.mode = 2,"
     " t.tiktok_status = '', p.privacy_level = 'SELF_ONLY'"},
    {STATUS_NEEDS_ATTENTION, PHASE_REVIEW, "outcome_unknown", ""},
    {STATUS_NEEDS_ATTENTION, PHASE_BLOCKED, "reconnect_needed", ""},
    {STATUS_FAILED, PHASE_FAILED, "missed", ""},
    {STATUS_CANCELED, PHASE_CANCELED, "", ""},
    {STATUS_PUBLISHED, PHASE_PUBLISHED, "",
     "UPDATE post SET privacy_level = 'SELF_ONLY', visibility = 1"},
    {STATUS_PUBLISHED_PRIVATE, PHASE_PUBLISHED, "",
     "UPDATE post SET privacy_level = 'SELF_ONLY', visibility = 2"},
};

static void one_of_each(uint64_t ids[ARRAY_LEN(kinds)])
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        ids[i] = created(kinds[i].status == STATUS_DRAFT ? 0 : HOUR_MS, "x");
        put(ids[i], kinds[i].phase, kinds[i].reason);
        if (kinds[i].change[0] != '\0')
            database_run(db, "%s WHERE post_id = %" PRIu64, kinds[i].change, ids[i]);
    }
}

START_TEST(the_statuses_in_sql_are_those_of_the_domain)
{
    uint64_t ids[ARRAY_LEN(kinds)];

    one_of_each(ids);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct post_standing standing;
        struct post post;

        ok(posts_get(db, seed.workspace, ids[i], &post, &err));
        standing = posts_standing(&post);
        ck_assert_msg(post_status_of(&standing) == kinds[i].status, "row %zu: %s", i,
                      post_status_name(post_status_of(&standing)));
        posts_release(&post);
    }
}
END_TEST

START_TEST(every_set_of_statuses_lists_exactly_its_posts)
{
    uint64_t ids[ARRAY_LEN(kinds)], got[ARRAY_LEN(kinds) + 1];

    one_of_each(ids);
    for (unsigned set = 1; set < 1U << STATUS_COUNT; set++) {
        struct post_query q = {.statuses = set, .order = set % 2 ? POST_SOONEST : 0};
        size_t expected = 0, n;

        if (set % 7 != 0 && (set & (set - 1)) != 0) /* a seventh of them, and singles */
            continue;
        q.account_id = set % 3 == 0 ? seed.account : 0;
        n = read_list(q, 4, got, ARRAY_LEN(got));
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
            bool listed = false;

            for (size_t k = 0; k < n; k++)
                listed = listed || got[k] == ids[i];
            ck_assert_msg(listed == ((set & bit(kinds[i].status)) != 0),
                          "set %x, row %zu", set, i);
            expected += listed ? 1 : 0;
        }
        ck_assert_uint_eq(n, expected);
    }
}
END_TEST

START_TEST(single_statuses_are_listed_both_ways)
{
    uint64_t ids[ARRAY_LEN(kinds)], got[ARRAY_LEN(kinds) + 1];

    one_of_each(ids);
    for (int s = 0; s < STATUS_COUNT; s++) {
        for (int order = POST_NEWEST; order <= POST_SOONEST; order++) {
            struct post_query q = {.statuses = 1U << s, .order = (enum post_order)order};
            size_t expected = 0;

            for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                expected += (int)kinds[i].status == s ? 1 : 0;
            ck_assert_uint_eq(read_list(q, 1, got, ARRAY_LEN(got)), expected);
        }
    }
}
END_TEST

START_TEST(counts_agree_with_the_lists)
{
    uint64_t ids[ARRAY_LEN(kinds)];
    struct post_counts counts;

    one_of_each(ids);
    database_run(db, "UPDATE post SET hidden_at = 1 WHERE post_id = %" PRIu64, ids[13]);
    database_run(db, "UPDATE media SET state = 1");
    ok(posts_count(db, seed.workspace, &counts, &err));
    for (int s = 0; s < STATUS_COUNT; s++) {
        uint64_t expected = 0;

        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            expected += (int)kinds[i].status == s && i != 13 ? 1 : 0;
        ck_assert_msg(counts.of[s] == expected, "%s: %" PRIu64,
                      post_status_name((enum post_status)s), counts.of[s]);
    }
    ck_assert_uint_eq(counts.files_at_work, 1);
    ck_assert_int_eq(counts.next_due_ms, now_ms + HOUR_MS);
    ck_assert_int_ge(counts.now_ms, now_ms);
    ok(posts_count(db, seed_workspace(db), &counts, &err));
    for (int s = 0; s < STATUS_COUNT; s++)
        ck_assert_uint_eq(counts.of[s], 0);
    ck_assert_int_eq(counts.next_due_ms, 0);
}
END_TEST

START_TEST(a_post_with_files_that_were_deleted_shows_the_others)
{
    struct post_content c;
    struct post post, read;

    draft(&c);
    for (c.media_n = 1; c.media_n < 3; c.media_n++)
        c.media_ids[c.media_n] = seed_media(db, seed.workspace, seed.user);
    post = create_as(&actor, &c, NULL);
    for (size_t gone = 0; gone < 3; gone++) {
        database_run(db, "UPDATE media SET state = IF(media_id = %" PRIu64 ", 4, 2)",
                     c.media_ids[gone]);
        ok(posts_get(db, seed.workspace, post.id, &read, &err));
        ck_assert_uint_eq(read.content.media_n, 3);
        ck_assert_uint_eq(read.media_n, 2);
        ck_assert_uint_eq(read.media[0].id, c.media_ids[gone == 0 ? 1 : 0]);
        ck_assert_uint_eq(read.media[1].id, c.media_ids[gone == 2 ? 1 : 2]);
        posts_release(&read);
    }
    posts_release(&post);
    post_release(&c);
}
END_TEST

START_TEST(what_tiktok_told_is_shown)
{
    uint64_t id = created(HOUR_MS, "x");
    struct post post;

    put(id, PHASE_PUBLISHED, "");
    database_run(db, "UPDATE post SET tiktok_post_ids = '7300000000000000001,73', "
                     "published_at = 77");
    ok(posts_get(db, seed.workspace, id, &post, &err));
    ck_assert_str_eq(post.tiktok_post_id, "7300000000000000001");
    ck_assert_int_eq(post.published_ms, 77);
    ck_assert(post.granted && post.finished && !post.sent);
    ck_assert_str_eq(post.username, "handle");
    posts_release(&post);
}
END_TEST

/* --- the calendar -------------------------------------------------------------- */

static struct post_entry entries[POST_CALENDAR_MAX];
static size_t entries_n;

static void keep_entry(void *ctx UNUSED, const struct post_entry *entry)
{
    ck_assert_uint_lt(entries_n, ARRAY_LEN(entries));
    entries[entries_n++] = *entry;
}

static bool calendar(struct post_span span)
{
    bool more = false;

    span.workspace_id = span.workspace_id != 0 ? span.workspace_id : seed.workspace;
    entries_n = 0;
    ok(posts_calendar(db, &span, keep_entry, NULL, &more, &err));
    return more;
}

START_TEST(a_calendar_holds_what_lies_in_its_span)
{
    uint64_t b = created(2 * HOUR_MS, "b");
    uint64_t a = created(HOUR_MS, "a");
    uint64_t c = created(3 * HOUR_MS, "c");

    (void)created(0, "without a time");
    for (int with_account = 0; with_account < 2; with_account++) {
        uint64_t account = with_account ? seed.account : 0;

        ck_assert(!calendar((struct post_span){.account_id = account,
                                               .from_ms = now_ms + HOUR_MS,
                                               .to_ms = now_ms + 3 * HOUR_MS}));
        ck_assert_uint_eq(entries_n, 2);
        ck_assert_uint_eq(entries[0].id, a);
        ck_assert_uint_eq(entries[1].id, b);
        ck_assert(!calendar((struct post_span){.account_id = account,
                                               .from_ms = now_ms + HOUR_MS + 1,
                                               .to_ms = now_ms + 3 * HOUR_MS + 1}));
        ck_assert_uint_eq(entries_n, 2);
        ck_assert_uint_eq(entries[1].id, c);
    }
    ck_assert_str_eq(entries[1].caption, "c");
    ck_assert_int_eq(entries[1].status, STATUS_SCHEDULED);
    ck_assert_uint_eq(entries[1].account_id, seed.account);
    ck_assert_str_eq(entries[1].timezone, "UTC");
    ck_assert_uint_eq(entries[1].thumb_media_id, 0);
    ck_assert(!calendar((struct post_span){
        .account_id = seed.account + 1, .from_ms = 0, .to_ms = INT64_MAX - 1}));
    ck_assert_uint_eq(entries_n, 0);
}
END_TEST

START_TEST(a_calendar_shows_beginnings_and_thumbnails)
{
    char caption[4 * 200 + 1] = "";
    char begin[4 * POST_CALENDAR_CHARS + 1];

    for (size_t i = 0; i < 200; i++)
        (void)strcat(caption, "\xf0\x9f\x98\x80");
    text_copy(begin, sizeof(begin), caption);
    database_run(db, "UPDATE media SET has_thumb = 1");
    (void)created(HOUR_MS, caption);
    (void)calendar((struct post_span){.from_ms = 0, .to_ms = now_ms + 2 * HOUR_MS});
    ck_assert_uint_eq(entries_n, 1);
    ck_assert_str_eq(entries[0].caption, begin);
    ck_assert_uint_eq(entries[0].thumb_media_id, seed.media);
}
END_TEST

START_TEST(a_calendar_is_cut_off_and_says_so)
{
    database_run(db,
                 "INSERT INTO post (account_id, list_at, workspace_id, created_by, kind,"
                 " created_at, updated_at) SELECT %" PRIu64 ", 1000 + seq, %" PRIu64
                 ", %" PRIu64 ", 1, 0, 0 FROM seq_1_to_%d",
                 seed.account, seed.workspace, seed.user, POST_CALENDAR_MAX);
    database_run(db,
                 "INSERT INTO job (post_id, workspace_id, account_id, state, due_at,"
                 " updated_at) SELECT post_id, workspace_id, account_id, 1, list_at, 0"
                 " FROM post");
    ck_assert(!calendar((struct post_span){.from_ms = 0, .to_ms = 100000}));
    ck_assert_uint_eq(entries_n, POST_CALENDAR_MAX);
    (void)created(HOUR_MS, "one more");
    database_run(db, "UPDATE post SET list_at = 1 WHERE caption = 'one more'");
    ck_assert(calendar((struct post_span){.from_ms = 0, .to_ms = 100000}));
    ck_assert_uint_eq(entries_n, POST_CALENDAR_MAX);
    ck_assert_str_eq(entries[0].caption, "one more");
}
END_TEST

/* --- the feed ------------------------------------------------------------------ */

START_TEST(the_feed_has_a_word_for_everything)
{
    static struct event_feed feed;
    const char *words[EVENT_FEED_MAX];
    uint64_t ids[ARRAY_LEN(kinds)];
    uint64_t stranger = seed_workspace(db);

    one_of_each(ids);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        feed.changes[feed.n++] = (struct event_change){EVENT_OF_POST, ids[i]};
    feed.changes[feed.n++] = (struct event_change){EVENT_OF_MEDIA, seed.media};
    feed.changes[feed.n++] = (struct event_change){EVENT_OF_ACCOUNT, seed.account};
    feed.changes[feed.n++] = (struct event_change){EVENT_OF_POST, 999999};
    feed.changes[feed.n++] = (struct event_change){EVENT_OF_MEDIA, ids[0] + 100};
    ok(feed_words(db, seed.workspace, &feed, words, &err));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        ck_assert_str_eq(words[i], post_status_name(kinds[i].status));
    ck_assert_str_eq(words[ARRAY_LEN(kinds)], "ready");
    ck_assert_str_eq(words[ARRAY_LEN(kinds) + 1], "connected");
    ck_assert_str_eq(words[ARRAY_LEN(kinds) + 2], "deleted");
    ck_assert_str_eq(words[ARRAY_LEN(kinds) + 3], "deleted");

    database_run(db, "UPDATE post SET hidden_at = 1");
    ok(feed_words(db, seed.workspace, &feed, words, &err));
    ck_assert_str_eq(words[0], "deleted");
    ok(feed_words(db, stranger, &feed, words, &err));
    for (size_t i = 0; i < feed.n; i++)
        ck_assert_str_eq(words[i], "deleted");
}
END_TEST

/* --- strangers ----------------------------------------------------------------- */

START_TEST(a_stranger_sees_nothing)
{
    uint64_t stranger = seed_workspace(db);
    uint64_t id = created(HOUR_MS, "mine"), got[4];
    struct post post;

    ck_assert_int_eq(posts_get(db, stranger, id, &post, &err), RC_NOT_FOUND);
    for (int order = POST_NEWEST; order <= POST_SOONEST; order++) {
        for (int with_account = 0; with_account < 2; with_account++) {
            for (unsigned set = 0; set <= bit(STATUS_SCHEDULED);
                 set += bit(STATUS_SCHEDULED)) {
                struct post_query q = {.workspace_id = stranger,
                                       .account_id = with_account ? seed.account : 0,
                                       .statuses = set,
                                       .order = (enum post_order)order};

                ck_assert_uint_eq(read_list(q, 10, got, 4), 0);
            }
        }
    }
    (void)calendar((struct post_span){
        .workspace_id = stranger, .from_ms = 0, .to_ms = INT64_MAX - 1});
    ck_assert_uint_eq(entries_n, 0);
    (void)calendar((struct post_span){.workspace_id = stranger,
                                      .account_id = seed.account,
                                      .from_ms = 0,
                                      .to_ms = INT64_MAX - 1});
    ck_assert_uint_eq(entries_n, 0);
}
END_TEST

START_TEST(a_hidden_post_is_nowhere)
{
    uint64_t ids[ARRAY_LEN(kinds)], got[4];
    struct post post;

    one_of_each(ids);
    database_run(db, "UPDATE post SET hidden_at = 1");
    ck_assert_int_eq(posts_get(db, seed.workspace, ids[0], &post, &err), RC_NOT_FOUND);
    for (int s = 0; s <= STATUS_COUNT; s++) {
        for (int order = POST_NEWEST; order <= POST_SOONEST; order++) {
            struct post_query q = {.statuses = s < STATUS_COUNT ? 1U << s : 0,
                                   .order = (enum post_order)order};

            ck_assert_uint_eq(read_list(q, 10, got, 4), 0);
        }
    }
    (void)calendar((struct post_span){.from_ms = 0, .to_ms = INT64_MAX - 1});
    ck_assert_uint_eq(entries_n, 0);
}
END_TEST

DATABASE_MAIN(
    "store_posts", setup, teardown, a_post_comes_back_as_it_was_written,
    a_draft_needs_nothing_but_an_account, a_post_is_looked_at_its_lead_before_its_time,
    the_check_sees_account_and_files, a_medium_of_another_workspace_is_not_found,
    a_refused_post_leaves_nothing, who_agreed_to_what_and_when_is_kept,
    its_first_line_names_who_made_it, one_key_makes_one_post,
    a_key_is_free_again_after_a_day, pages_hold_every_post_once_and_in_order,
    what_is_added_meanwhile_moves_no_page, the_statuses_in_sql_are_those_of_the_domain,
    every_set_of_statuses_lists_exactly_its_posts, single_statuses_are_listed_both_ways,
    counts_agree_with_the_lists, a_post_with_files_that_were_deleted_shows_the_others,
    what_tiktok_told_is_shown, a_calendar_holds_what_lies_in_its_span,
    a_calendar_shows_beginnings_and_thumbnails, a_calendar_is_cut_off_and_says_so,
    the_feed_has_a_word_for_everything, a_stranger_sees_nothing, a_hidden_post_is_nowhere)
