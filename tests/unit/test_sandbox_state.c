/* sandbox's state: SQLite, tokens, publications, faults and rate windows in one file. */
#include "sandbox/calls.h"
#include "sandbox/faults.h"
#include "sandbox/people.h"
#include "sandbox/permits.h"
#include "sandbox/publications.h"
#include "sandbox/schema.h"
#include "scratch.h"
#include "unit.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOW_MS = 1800000000, APP = 1 };
static const int64_t now_ms = INT64_C(1000) * NOW_MS;

static char dir[SCRATCH_SIZE];
static struct sql *sql;
static struct err err;
static struct knobs knobs;
static struct person ann;

#define OK(call) ck_assert_msg((call) == RC_OK, #call ": %s", err.msg)

static void setup(void)
{
    scratch_make(dir);
    OK(sql_open(dir, &sql, &err));
    OK(people_seed(sql, &err));
    OK(knobs_load(sql, 400, &knobs, &err));
    OK(person_by_name(sql, "ann.example", &ann, &err));
}

static void teardown(void)
{
    sql_close(sql);
    scratch_remove(dir);
}

/* --- SQLite -------------------------------------------------------------------- */

START_TEST(a_state_of_another_version_is_refused)
{
    struct sql *other = NULL;

    OK(sql_run(sql, "PRAGMA user_version = 999", SQL_NONE, NULL, &err));
    ck_assert_int_eq(sql_open(dir, &other, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "state_of_other_version");
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_failed_transaction_leaves_nothing)
{
    int64_t n = -1;

    OK(sql_begin(sql, &err));
    OK(sql_run(sql, "UPDATE user SET banned = 1", SQL_NONE, NULL, &err));
    ck_assert_int_eq(sql_end(sql, RC_INVALID, &err), RC_INVALID);
    OK(sql_number(sql, "SELECT SUM(banned) FROM user", SQL_NONE, &n, &err));
    ck_assert_int_eq(n, 1); /* Eve */
}
END_TEST

/* Adds a thousand ids in a process of its own, a transaction each. */
static void take_ids(void)
{
    struct sql *own = NULL;
    struct err e;
    int64_t id;

    if (sql_open(dir, &own, &e) != RC_OK)
        _exit(1);
    for (int i = 0; i < 1000; i++) {
        if (sql_begin(own, &e) != RC_OK ||
            sql_end(own, next_id(own, now_ms, &id, &e), &e) != RC_OK)
            _exit(2);
    }
    sql_close(own);
    _exit(0);
}

START_TEST(workers_that_write_at_once_lose_nothing)
{
    int64_t before = 0, after = 0;

    OK(next_id(sql, now_ms, &before, &err));
    for (int i = 0; i < 4; i++)
        if (fork() == 0)
            take_ids();
    for (int i = 0; i < 4; i++) {
        int status = -1;

        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    OK(next_id(sql, now_ms, &after, &err));
    ck_assert_int_eq(after - before, 4001);
}
END_TEST

START_TEST(an_id_begins_with_its_second_and_never_comes_twice)
{
    int64_t a, b, c;

    OK(next_id(sql, now_ms, &a, &err));
    OK(next_id(sql, now_ms + 999, &b, &err));
    OK(next_id(sql, now_ms - 3600000, &c, &err)); /* the clock went back */
    ck_assert_int_eq(a >> 32, NOW_MS);
    ck_assert_int_eq(b, a + 1);
    ck_assert_int_eq(c, a + 2);
}
END_TEST

/* --- people -------------------------------------------------------------------- */

START_TEST(people_are_the_same_after_a_reset)
{
    struct person again;

    OK(sql_run(sql, "DELETE FROM user", SQL_NONE, NULL, &err));
    OK(people_seed(sql, &err));
    OK(person_by_name(sql, "ANN.example", &again, &err)); /* case does not matter */
    ck_assert_str_eq(again.open_id, ann.open_id);
    ck_assert_uint_eq(strlen(again.open_id), 36);
    ck_assert(text_starts_with(again.open_id, "-000"));
}
END_TEST

START_TEST(a_person_is_changed_whole_or_not_at_all)
{
    json_t *good =
        json_loads("{\"banned\":true,\"post_cap\":3,\"nickname\":\"A\"}", 0, NULL);
    json_t *bad = json_loads("{\"private\":true,\"post_cap\":-1}", 0, NULL);
    json_t *unknown = json_loads("{\"open_id\":\"x\"}", 0, NULL);
    struct person p = ann;

    ck_assert_int_eq(person_change(&p, bad, &err), RC_INVALID);
    ck_assert_str_eq(err.field, "post_cap");
    ck_assert(!p.private_account);
    ck_assert_int_eq(person_change(&p, unknown, &err), RC_INVALID);
    OK(person_change(&p, good, &err));
    OK(person_store(sql, &p, &err));
    OK(person_by_id(sql, ann.id, &p, &err));
    ck_assert(p.banned);
    ck_assert_int_eq(p.post_cap, 3);
    ck_assert_str_eq(p.nickname, "A");
    ck_assert_int_eq(person_add(sql, "ann.example", &p, &err), RC_INVALID);
    ck_assert_int_eq(person_add(sql, "Ann Example", &p, &err), RC_INVALID);
    OK(person_add(sql, "new_one", &p, &err));
    json_decref(good);
    json_decref(bad);
    json_decref(unknown);
}
END_TEST

/* --- codes and tokens ---------------------------------------------------------- */

START_TEST(a_code_is_used_once)
{
    struct consent c = {
        .app_id = APP, .user_id = ann.id, .scopes = SCOPE_ALL, .expires_ms = now_ms};
    struct consent found;
    char code[CODE_SIZE];
    bool won = false;

    text_copy(c.redirect_uri, sizeof(c.redirect_uri), "https://a.example/cb");
    OK(code_new(sql, random_system(), &c, code, &err));
    ck_assert(text_ends_with(code, "*3!6376.u1"));
    OK(code_find(sql, code, &found, &err));
    ck_assert_int_eq(found.user_id, ann.id);
    ck_assert_int_eq(found.app_id, APP);
    ck_assert(!found.used);
    OK(code_use(sql, code, &won, &err));
    ck_assert(won);
    OK(code_use(sql, code, &won, &err));
    ck_assert(!won);
    OK(code_find(sql, code, &found, &err));
    ck_assert(found.used);
    OK(code_find(sql, "made up", &found, &err));
    ck_assert_int_eq(found.user_id, 0);
}
END_TEST

static struct permit permit;

static struct token_pair first_tokens(void)
{
    const struct consent c = {
        .app_id = APP, .user_id = ann.id, .scopes = SCOPE_VIDEO_PUBLISH};
    const struct issue how = {random_system(), &knobs, now_ms, NULL};
    struct token_pair pair;

    OK(permit_new(sql, now_ms, &knobs, &c, &permit, &err));
    OK(tokens_issue(sql, &how, &permit, &pair, &err));
    return pair;
}

static struct token_pair refreshed(const char *used, int64_t at_ms)
{
    const struct issue how = {random_system(), &knobs, at_ms, used};
    struct token_pair pair;

    OK(tokens_issue(sql, &how, &permit, &pair, &err));
    return pair;
}

static bool access_lives(const char *token, int64_t at_ms)
{
    struct permit p;

    OK(access_find(sql, token, at_ms, &p, &err));
    return p.id != 0;
}

static bool refresh_lives(const char *token, int64_t at_ms)
{
    struct permit p;

    OK(refresh_find(sql, token, at_ms, &p, &err));
    return p.id != 0;
}

START_TEST(an_access_token_lives_a_day)
{
    struct token_pair pair = first_tokens();

    ck_assert_int_eq(pair.access_ttl_s, 86400);
    ck_assert_int_eq(pair.refresh_ttl_s, 31536000);
    ck_assert(access_lives(pair.access, now_ms + 86399999));
    ck_assert(!access_lives(pair.access, now_ms + 86400000));
    ck_assert(!access_lives(pair.refresh, now_ms)); /* each has one use */
    ck_assert(!refresh_lives(pair.access, now_ms));
    ck_assert(refresh_lives(pair.refresh, now_ms + INT64_C(31535999999)));
    ck_assert(!refresh_lives(pair.refresh, now_ms + INT64_C(31536000000)));
}
END_TEST

START_TEST(a_refresh_rotates_strictly_unless_told_not_to)
{
    struct token_pair one = first_tokens();
    struct token_pair two = refreshed(one.refresh, now_ms + 1000);
    struct token_pair three;

    ck_assert(!refresh_lives(one.refresh, now_ms + 1000));
    ck_assert(refresh_lives(two.refresh, now_ms + 1000));
    ck_assert(access_lives(one.access, now_ms + 1000));
    ck_assert_int_eq(two.refresh_ttl_s, 31535999); /* from the first issue on */
    knobs.value[KNOB_OLD_REFRESH_GRACE_MS] = 5000;
    knobs.value[KNOB_REFRESH_KILLS_ACCESS] = 1;
    three = refreshed(two.refresh, now_ms + 2000);
    ck_assert(refresh_lives(two.refresh, now_ms + 6999));
    ck_assert(!refresh_lives(two.refresh, now_ms + 7000));
    ck_assert(!access_lives(two.access, now_ms + 2000));
    knobs.value[KNOB_ROTATE_REFRESH] = 0;
    two = refreshed(three.refresh, now_ms + 3000);
    ck_assert_str_eq(two.refresh, three.refresh);
    ck_assert(refresh_lives(three.refresh, now_ms + 100000));
}
END_TEST

START_TEST(revoking_ends_everything_of_a_person_in_an_app)
{
    struct token_pair one = first_tokens();
    struct token_pair two = first_tokens();

    int64_t revoked = -1;

    OK(permits_revoke(sql, APP + 1, ann.id, &revoked, &err));
    ck_assert_int_eq(revoked, 0);
    ck_assert(access_lives(one.access, now_ms));
    OK(permits_revoke(sql, APP, ann.id, &revoked, &err));
    ck_assert_int_eq(revoked, 2);
    ck_assert(!access_lives(one.access, now_ms));
    ck_assert(!refresh_lives(two.refresh, now_ms));
    ck_assert(access_lives(first_tokens().access, now_ms)); /* connected again */
}
END_TEST

/* --- publications -------------------------------------------------------------- */

static struct publication added(bool inbox)
{
    struct publication p = {.user_id = ann.id,
                            .inbox = inbox,
                            .created_ms = now_ms,
                            .upload_until_ms = now_ms + 3600000,
                            .plan = {10, 10, 1}};

    text_copy(p.privacy, sizeof(p.privacy), inbox ? "" : "SELF_ONLY");
    text_copy(p.caption, sizeof(p.caption), "caption");
    OK(publication_add(sql, &p, &err));
    return p;
}

static void commit(struct publication *p)
{
    const struct content_range all = {0, 9, 10};
    bool won = false;

    OK(publication_receive(sql, p, &all, "1.mp4", &won, &err));
    ck_assert(won);
    p->received = 10;
    text_copy(p->file, sizeof(p->file), "1.mp4");
    p->committed_ms = now_ms;
    p->ready_ms = now_ms + 400;
    p->posted_ms = p->inbox ? 0 : now_ms;
    OK(publication_commit(sql, p, &err));
}

START_TEST(a_publication_comes_back_as_it_was_stored)
{
    struct publication p = added(false), q;

    p.flags = 0;
    commit(&p);
    OK(publication_by_publish_id(sql, p.publish_id, &q, &err));
    ck_assert(text_starts_with(q.publish_id, "v_pub_file~v2-1."));
    ck_assert_str_eq(q.caption, "caption");
    ck_assert_str_eq(q.file, "1.mp4");
    ck_assert_int_eq(q.received, 10);
    ck_assert_int_eq(q.committed_ms, now_ms);
    ck_assert_int_eq(publication_state(&q, now_ms + 400), PUBLICATION_COMPLETE);
    ck_assert(publication_counts(&q));
    OK(publication_by_upload_id(sql, p.upload_id, &q, &err));
    ck_assert_int_eq(q.id, p.id);
    OK(publication_by_publish_id(sql, "none", &q, &err));
    ck_assert_int_eq(q.id, 0);
    p = added(true);
    ck_assert(text_starts_with(p.publish_id, "v_inbox_file~v2."));
}
END_TEST

START_TEST(of_two_that_bring_the_last_bytes_one_wins)
{
    const struct content_range all = {0, 9, 10};
    struct publication p = added(false);
    bool won = false;

    OK(publication_receive(sql, &p, &all, "1.mp4", &won, &err));
    ck_assert(won);
    OK(publication_receive(sql, &p, &all, "1.mp4", &won, &err));
    ck_assert(!won);
    p = added(false);
    text_copy(p.fail_reason, sizeof(p.fail_reason), "publish_cancelled");
    OK(publication_store(sql, &p, &err));
    OK(publication_receive(sql, &p, &all, "1.mp4", &won, &err));
    ck_assert(!won);
}
END_TEST

START_TEST(caps_count_what_came_through_in_a_day)
{
    struct publication post = added(false), draft = added(true);
    int64_t n = -1;

    OK(posts_of_day(sql, ann.id, now_ms, &n, &err));
    ck_assert_int_eq(n, 0); /* bytes are missing */
    commit(&post);
    OK(posts_of_day(sql, ann.id, now_ms, &n, &err));
    ck_assert_int_eq(n, 1);
    OK(posts_of_day(sql, ann.id, now_ms + 86400000, &n, &err));
    ck_assert_int_eq(n, 0);
    OK(others_of_day(sql, post.app_id, ann.id, now_ms, &n, &err));
    ck_assert_int_eq(n, 0);
    OK(others_of_day(sql, post.app_id, ann.id + 1, now_ms, &n, &err));
    ck_assert_int_eq(n, 1);
    OK(others_of_day(sql, post.app_id + 1, ann.id + 1, now_ms, &n, &err));
    ck_assert_int_eq(n, 0); /* by another app */
    OK(drafts_of_day(sql, ann.id, now_ms, &n, &err));
    ck_assert_int_eq(n, 1);
    OK(drafts_of_day(sql, ann.id, now_ms + 3600000, &n, &err));
    ck_assert_int_eq(n, 0); /* its address has expired */
    commit(&draft);
    OK(drafts_of_day(sql, ann.id, now_ms + 3600000, &n, &err));
    ck_assert_int_eq(n, 1);
    draft.discarded = true;
    OK(publication_store(sql, &draft, &err));
    OK(drafts_of_day(sql, ann.id, now_ms, &n, &err));
    ck_assert_int_eq(n, 0);
}
END_TEST

START_TEST(removing_the_app_fails_what_is_on_its_way)
{
    struct publication waiting = added(false), processing = added(false),
                       done = added(false);

    commit(&processing);
    commit(&done);
    OK(publications_abandon(sql, waiting.app_id + 1, ann.id, now_ms + 399, &err));
    OK(publication_by_id(sql, waiting.id, &waiting, &err));
    ck_assert_str_eq(waiting.fail_reason, ""); /* another app was removed */
    OK(publications_abandon(sql, waiting.app_id, ann.id, now_ms + 399, &err));
    OK(publication_by_id(sql, waiting.id, &waiting, &err));
    ck_assert_str_eq(waiting.fail_reason, "auth_removed");
    OK(publication_by_id(sql, processing.id, &processing, &err));
    ck_assert_int_eq(publication_state(&processing, now_ms + 399), PUBLICATION_FAILED);
    ck_assert(!publication_counts(&processing));
    OK(sql_run(sql, "UPDATE publication SET fail_reason = ''", SQL_NONE, NULL, &err));
    OK(publications_abandon(sql, done.app_id, ann.id, now_ms + 400, &err));
    OK(publication_by_id(sql, done.id, &done, &err));
    ck_assert(publication_counts(&done));
}
END_TEST

/* --- rate windows and faults --------------------------------------------------- */

static void called(int64_t at_ms, const char *endpoint, bool counted)
{
    const struct call call = {.at_ms = at_ms,
                              .endpoint = endpoint,
                              .app_id = APP,
                              .user_id = ann.id,
                              .counted = counted,
                              .publish_id = "",
                              .code = "",
                              .log_id = ""};

    OK(call_store(sql, &call, &err));
}

/* How many calls the app's next video_init of the person would find in its window. */
static int64_t in_window(int64_t at_ms, int64_t app_id, int64_t user_id)
{
    const struct call call = {
        .at_ms = at_ms, .endpoint = "video_init", .app_id = app_id, .user_id = user_id};
    int64_t n = -1;

    OK(calls_in_window(sql, &call, &n, &err));
    return n;
}

START_TEST(a_window_is_a_sliding_minute_of_one_app_person_and_endpoint)
{
    for (int i = 0; i < 6; i++)
        called(now_ms + i * 1000, "video_init", true);
    called(now_ms + 5000, "video_init", false); /* refused ones do not count */
    called(now_ms + 5000, "status", true);
    ck_assert_int_eq(in_window(now_ms + 5000, APP, ann.id), 6);
    ck_assert_int_eq(in_window(now_ms + 59999, APP, ann.id), 6);
    ck_assert_int_eq(in_window(now_ms + 60000, APP, ann.id), 5);
    ck_assert_int_eq(in_window(now_ms + 5000, APP, ann.id + 1), 0);
    ck_assert_int_eq(in_window(now_ms + 5000, APP + 1, ann.id), 0);
}
END_TEST

static int64_t set_fault(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    int64_t id = 0;

    OK(fault_add(sql, json, &id, &err));
    json_decref(json);
    return id;
}

static int64_t met(const char *endpoint, int64_t user_id, int64_t chunk)
{
    const struct fault_target target = {
        .endpoint = endpoint, .user_id = user_id, .chunk = chunk, .seed = 1};
    struct fault fault;

    OK(fault_take(sql, &target, &fault, &err));
    return fault.id;
}

START_TEST(a_fault_meets_whom_it_names_as_often_as_it_says)
{
    int64_t init = set_fault("{\"endpoint\":\"video_init\",\"status\":500,\"count\":2}");
    int64_t chunk = set_fault("{\"endpoint\":\"upload\",\"status\":503,\"chunk\":1}");
    int64_t own = set_fault("{\"endpoint\":\"status\",\"status\":500,"
                            "\"account\":\"ann.example\",\"skip\":1}");
    bool any = false;

    ck_assert_int_eq(met("creator_info", ann.id, -1), 0);
    ck_assert_int_eq(met("video_init", 0, -1), init);
    ck_assert_int_eq(met("video_init", ann.id, -1), init);
    ck_assert_int_eq(met("video_init", ann.id, -1), 0);
    ck_assert_int_eq(met("upload", ann.id, 0), 0);
    ck_assert_int_eq(met("upload", ann.id, 1), chunk);
    ck_assert_int_eq(met("status", ann.id + 1, -1), 0);
    ck_assert_int_eq(met("status", ann.id, -1), 0);
    ck_assert_int_eq(met("status", ann.id, -1), own);
    OK(faults_any(sql, &any, &err));
    ck_assert(any);
    OK(fault_remove(sql, chunk, NULL, &err));
    OK(fault_remove(sql, own, NULL, &err));
    OK(faults_any(sql, &any, &err));
    ck_assert(!any); /* the first one is used up */
}
END_TEST

START_TEST(a_fault_of_everything_spares_publications)
{
    int64_t all = set_fault("{\"endpoint\":\"*\",\"status\":500}");
    int64_t fate;

    ck_assert_int_eq(met("token", 0, -1), all);
    ck_assert_int_eq(met(FAULT_PUBLICATION, ann.id, -1), 0);
    fate = set_fault("{\"stuck\":true}");
    ck_assert_int_eq(met(FAULT_PUBLICATION, ann.id, -1), fate);
}
END_TEST

START_TEST(used_up_faults_make_room)
{
    json_t *json =
        json_loads("{\"endpoint\":\"cancel\",\"status\":500,\"count\":1}", 0, NULL);
    int64_t id;

    for (int i = 0; i < 3 * FAULTS_MAX; i++) {
        OK(fault_add(sql, json, &id, &err));
        ck_assert_int_eq(met("cancel", ann.id, -1), id);
    }
    for (int i = 0; i < FAULTS_MAX; i++)
        OK(fault_add(sql, json, &id, &err));
    ck_assert_int_eq(fault_add(sql, json, &id, &err), RC_LIMITED);
    json_decref(json);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "sandbox_state", setup, teardown, a_state_of_another_version_is_refused,
    a_failed_transaction_leaves_nothing, workers_that_write_at_once_lose_nothing,
    an_id_begins_with_its_second_and_never_comes_twice, people_are_the_same_after_a_reset,
    a_person_is_changed_whole_or_not_at_all, a_code_is_used_once,
    an_access_token_lives_a_day, a_refresh_rotates_strictly_unless_told_not_to,
    revoking_ends_everything_of_a_person_in_an_app,
    a_publication_comes_back_as_it_was_stored, of_two_that_bring_the_last_bytes_one_wins,
    caps_count_what_came_through_in_a_day, removing_the_app_fails_what_is_on_its_way,
    a_window_is_a_sliding_minute_of_one_app_person_and_endpoint,
    a_fault_meets_whom_it_names_as_often_as_it_says,
    a_fault_of_everything_spares_publications, used_up_faults_make_room)
