/* store/repairs: wishes, claims and ends of repairs, and what they count for. */
#include "database.h"
#include "store/repairs.h"
#include "store/uploads.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct db *db;
static struct err err;
static uint64_t workspace;
static uint64_t user;

enum { OWNER = 4711, RIVAL = 4712 };

static const char key_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char key_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbb";

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

static void refused(enum rc rc, enum rc wanted, const char *code)
{
    ck_assert_int_eq(rc, wanted);
    ck_assert_str_eq(err.code, code);
}

static struct media_ref arrived(void)
{
    static unsigned n;
    struct upload u = {.workspace_id = workspace, .user_id = user, .bytes = 1000};

    (void)snprintf(u.id, sizeof(u.id), "%026u", n++);
    (void)snprintf(u.filename, sizeof(u.filename), "clip.mov");
    (void)snprintf(u.mime, sizeof(u.mime), "video/quicktime");
    ok(upload_insert(db, &u, &err));
    ok(upload_finish(db, &u, false, &err));
    return (struct media_ref){
        .workspace_id = workspace, .media_id = u.media_id, .user_id = user};
}

static bool claim(uint64_t owner, const char *key, struct repair_work *w)
{
    bool found = false;

    ok(repair_claim(db, owner, key, w, &found, &err));
    return found;
}

static struct media_repair stands(const struct media_ref *ref)
{
    struct media m;
    struct media_repair r;

    ok(media_get(db, ref->workspace_id, ref->media_id, &m, &err));
    r = m.repair;
    media_release(&m);
    return r;
}

/* The claimer dies: its lease is over. */
static void lapse(const struct media_ref *ref)
{
    database_run(db, "UPDATE repair SET next_at = 1 WHERE media_id = %" PRIu64,
                 ref->media_id);
}

static int64_t coming(void)
{
    struct upload_usage u;

    ok(upload_usage(db, workspace, &u, &err));
    return u.coming_bytes;
}

START_TEST(a_repair_goes_from_wish_to_result)
{
    struct media_ref ref = arrived();
    struct repair_work w;
    struct media made;
    uint64_t id = 0;

    ck_assert_int_eq(stands(&ref).state, MEDIA_REPAIR_NONE);
    ck_assert(!claim(OWNER, key_a, &w));
    ok(repair_start(db, &ref, 5000, &err));
    ck_assert_int_eq(stands(&ref).state, MEDIA_REPAIR_RUNNING);
    ck_assert(!stands(&ref).claimed);
    ck_assert(claim(OWNER, key_a, &w));
    ck_assert(!claim(RIVAL, key_b, &w));
    ck_assert_uint_eq(w.media_id, ref.media_id);
    ck_assert_str_eq(w.result_key, key_a);
    ck_assert_str_eq(w.stale_key, "");
    ck_assert_str_eq(w.filename, "clip.mov");
    ck_assert_int_eq(w.reserved, 5000);
    ck_assert(stands(&ref).claimed);
    ok(repair_report(db, &w, 420, REPAIR_LEASE_MS, &err));
    ck_assert_int_eq(stands(&ref).permille, 420);
    ok(repair_ours(db, &w, &err));
    ok(repair_finish(db, &w, "clip (repaired).mp4", 700, &id, &err));
    ck_assert_int_eq(stands(&ref).state, MEDIA_REPAIR_DONE);
    ck_assert_uint_eq(stands(&ref).result_id, id);
    ok(media_get(db, workspace, id, &made, &err));
    ck_assert_int_eq(made.state, MEDIA_CHECKING);
    ck_assert_uint_eq(made.repaired_from, ref.media_id);
    ck_assert_str_eq(made.blob_key, key_a);
    ck_assert_str_eq(made.filename, "clip (repaired).mp4");
    ck_assert_int_eq(made.facts.bytes, 700);
    media_release(&made);
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM job_event WHERE "
                                     "media_id = %" PRIu64,
                                     id),
                     1);
}
END_TEST

START_TEST(there_is_one_at_a_time_and_another_after_it)
{
    struct media_ref ref = arrived();
    struct media_ref result = ref;
    struct repair_work w;

    refused(repair_cancel(db, &ref, &err), RC_CONFLICT, "no_repair");
    ok(repair_start(db, &ref, 5000, &err));
    refused(repair_start(db, &ref, 5000, &err), RC_CONFLICT, "repair_running");
    ok(repair_cancel(db, &ref, &err));
    ck_assert_int_eq(stands(&ref).state, MEDIA_REPAIR_CANCELED);
    ck_assert(!claim(OWNER, key_a, &w));
    ok(repair_start(db, &ref, 5000, &err));
    ck_assert(claim(OWNER, key_a, &w));
    ok(repair_fail(db, &w, "damaged", "It is damaged.", &err));
    ck_assert_int_eq(stands(&ref).state, MEDIA_REPAIR_FAILED);
    ck_assert_str_eq(stands(&ref).reason, "damaged");
    ck_assert_str_eq(stands(&ref).reason_msg, "It is damaged.");
    ok(repair_start(db, &ref, 5000, &err));
    ck_assert_str_eq(stands(&ref).reason, "");
    ck_assert(claim(OWNER, key_b, &w));
    ck_assert_str_eq(w.stale_key, key_a);
    ok(repair_finish(db, &w, "x.mp4", 1, &result.media_id, &err));
    refused(repair_start(db, &ref, 5000, &err), RC_CONFLICT, "repair_done");
    ok(media_delete(db, &result, &err));
    ck_assert_int_eq(stands(&ref).state, MEDIA_REPAIR_NONE);
    ok(repair_start(db, &ref, 5000, &err));
}
END_TEST

START_TEST(whoever_lost_it_writes_nothing)
{
    struct media_ref ref = arrived();
    struct repair_work dead;
    struct repair_work w;
    uint64_t id = 0;

    ok(repair_start(db, &ref, 5000, &err));
    ck_assert(claim(OWNER, key_a, &dead));
    lapse(&ref);
    ck_assert(claim(OWNER, key_b, &w)); /* by the same process, even */
    ck_assert_str_eq(w.stale_key, key_a);
    ck_assert_uint_eq(w.fails, 1);
    refused(repair_ours(db, &dead, &err), RC_CONFLICT, "lost");
    refused(repair_report(db, &dead, 1, 1, &err), RC_CONFLICT, "lost");
    refused(repair_fail(db, &dead, "x", "x", &err), RC_CONFLICT, "lost");
    refused(repair_finish(db, &dead, "x.mp4", 1, &id, &err), RC_CONFLICT, "lost");
    ok(repair_give_back(db, &dead, 0, &err));
    ok(repair_ours(db, &w, &err));
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM media"), 1);
    ok(repair_cancel(db, &ref, &err));
    refused(repair_finish(db, &w, "x.mp4", 1, &id, &err), RC_CONFLICT, "lost");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM media"), 1);
}
END_TEST

START_TEST(what_is_given_back_was_no_death)
{
    struct media_ref ref = arrived();
    struct repair_work w;

    ok(repair_start(db, &ref, 5000, &err));
    ck_assert(claim(OWNER, key_a, &w));
    ok(repair_give_back(db, &w, 0, &err));
    ck_assert(claim(RIVAL, key_b, &w));
    ck_assert_uint_eq(w.fails, 0);
    ok(repair_give_back(db, &w, 60000, &err));
    ck_assert(!claim(OWNER, key_a, &w));
}
END_TEST

START_TEST(room_for_the_result_counts_until_the_end)
{
    struct media_ref ref = arrived();
    struct repair_work w;
    struct upload u = {.workspace_id = workspace, .user_id = user, .bytes = 5000};

    database_run(db, "UPDATE workspace SET media_bytes_max = 10000");
    refused(repair_start(db, &ref, 9001, &err), RC_LIMITED, "storage_full");
    ok(repair_start(db, &ref, 9000, &err));
    ck_assert_int_eq(coming(), 9000);
    (void)snprintf(u.id, sizeof(u.id), "%s", key_b);
    (void)snprintf(u.filename, sizeof(u.filename), "a.mp4");
    (void)snprintf(u.mime, sizeof(u.mime), "video/mp4");
    refused(upload_insert(db, &u, &err), RC_LIMITED, "storage_full");
    ck_assert(claim(OWNER, key_a, &w));
    ok(repair_fail(db, &w, "damaged", "", &err));
    ck_assert_int_eq(coming(), 0);
    ok(upload_insert(db, &u, &err));
}
END_TEST

START_TEST(bytes_on_their_way_are_no_orphans)
{
    struct media_ref ref = arrived();
    struct repair_work w;
    bool wanted = false;

    ok(repair_start(db, &ref, 1, &err));
    ck_assert(claim(OWNER, key_a, &w));
    ok(media_blob_wanted(db, key_a, &wanted, &err));
    ck_assert(wanted);
    ok(repair_cancel(db, &ref, &err));
    ok(media_blob_wanted(db, key_a, &wanted, &err));
    ck_assert(!wanted);
}
END_TEST

START_TEST(nobody_else_can_wish_or_end_it)
{
    struct media_ref ref = arrived();
    struct media_ref other = ref;

    other.workspace_id = seed_workspace(db);
    refused(repair_start(db, &other, 1, &err), RC_NOT_FOUND, "not_found");
    ok(repair_start(db, &ref, 1, &err));
    refused(repair_cancel(db, &other, &err), RC_NOT_FOUND, "not_found");
    ck_assert_int_eq(stands(&ref).state, MEDIA_REPAIR_RUNNING);
    ok(media_delete(db, &ref, &err));
    ck_assert_int_eq(database_number(db, "SELECT state FROM repair"),
                     MEDIA_REPAIR_CANCELED);
    refused(repair_start(db, &ref, 1, &err), RC_NOT_FOUND, "not_found");
}
END_TEST

DATABASE_MAIN("store_repairs", setup, teardown, a_repair_goes_from_wish_to_result,
              there_is_one_at_a_time_and_another_after_it, whoever_lost_it_writes_nothing,
              what_is_given_back_was_no_death, room_for_the_result_counts_until_the_end,
              bytes_on_their_way_are_no_orphans, nobody_else_can_wish_or_end_it)
