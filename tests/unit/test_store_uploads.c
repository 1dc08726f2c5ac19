/* store/uploads: the row of a file on its way in, also when two would move it at once. */
#include "core/fault.h"
#include "core/random.h"
#include "database.h"
#include "store/db_priv.h"
#include "store/migrate.h"
#include "store/uploads.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct db *db;
static struct err err;
static uint64_t workspace;
static uint64_t user;

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

static struct upload plan(int64_t bytes)
{
    struct upload u = {.workspace_id = workspace,
                       .user_id = user,
                       .bytes = bytes,
                       .filename = "clip.mp4",
                       .mime = "video/mp4"};

    random_base32(random_system(), u.id, UPLOAD_ID_SIZE - 1);
    return u;
}

static struct upload begun(int64_t bytes)
{
    struct upload u = plan(bytes);

    ok(upload_insert(db, &u, &err));
    return u;
}

static struct upload as_stored(const struct upload *u)
{
    struct upload now = {0};

    ok(upload_get(db, u->workspace_id, u->id, &now, &err));
    return now;
}

static void set_quota(int64_t bytes)
{
    database_run(db, "UPDATE workspace SET media_bytes_max = %" PRId64, bytes);
}

/* --- creation --------------------------------------------------------------------- */

START_TEST(a_new_upload_is_open_and_empty)
{
    struct upload u = begun(1000);
    struct upload now = as_stored(&u);
    int64_t now_ms = 0;

    ok(db_now(db, &now_ms, &err));
    ck_assert_int_eq(u.state, UPLOAD_OPEN);
    ck_assert_int_eq(now.state, UPLOAD_OPEN);
    ck_assert_int_eq(now.bytes, 1000);
    ck_assert_int_eq(now.received, 0);
    ck_assert_uint_eq(now.media_id, 0);
    ck_assert_uint_eq(now.user_id, user);
    ck_assert_str_eq(now.filename, "clip.mp4");
    ck_assert_str_eq(now.mime, "video/mp4");
    ck_assert_int_eq(now.expires_at_ms, u.expires_at_ms);
    ck_assert_int_ge(now.expires_at_ms, now_ms + UPLOAD_TTL_MS - 60000);
    ck_assert_int_le(now.expires_at_ms, now_ms + UPLOAD_TTL_MS);
}
END_TEST

START_TEST(another_workspace_finds_nothing)
{
    struct upload u = begun(10);
    struct upload out;
    uint64_t other = seed_workspace(db);

    ck_assert_int_eq(upload_get(db, other, u.id, &out, &err), RC_NOT_FOUND);
    ck_assert_int_eq(upload_get_settled(db, other, u.id, &out, &err), RC_NOT_FOUND);
    u.workspace_id = other;
    ck_assert_int_eq(upload_advance(db, &u, 5, &err), RC_CONFLICT);
    ck_assert_int_eq(upload_finish(db, &u, false, &err), RC_CONFLICT);
    ck_assert_int_eq(upload_terminate(db, &u, &err), RC_CONFLICT);
    ck_assert_int_eq(database_number(db, "SELECT state FROM upload"), UPLOAD_OPEN);
}
END_TEST

START_TEST(the_quota_counts_what_is_there_and_what_is_coming)
{
    static const struct {
        const char *what, *sql;
        int64_t room; /* of 1000 */
    } rows[] = {
        {"an open upload, with its full length", "SELECT 1", 600},
        {"an expired one not", "UPDATE upload SET expires_at = 1", 1000},
        {"a terminated one not", "UPDATE upload SET state = 3", 1000},
        {"a deleted file not", "UPDATE media SET state = 4", 600},
        {"a file that is checked", "UPDATE media SET state = 1, bytes = 250", 350},
        {"a rejected one as well", "UPDATE media SET state = 3, bytes = 600", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct upload large;
        struct upload fits;

        database_run(db, "DELETE FROM upload");
        database_run(db, "DELETE FROM media");
        set_quota(1000);
        if (strstr(rows[i].sql, "media") != NULL)
            database_run(db, "UPDATE media SET bytes = 999 WHERE media_id = %" PRIu64,
                         seed_media(db, workspace, user));
        set_quota(INT64_C(1) << 40);
        (void)begun(400);
        set_quota(1000);
        database_run(db, "%s", rows[i].sql);
        large = plan(rows[i].room + 1);
        ck_assert_msg(upload_insert(db, &large, &err) == RC_LIMITED, "%s", rows[i].what);
        ck_assert_str_eq(err.code, "storage_full");
        if (rows[i].room == 0)
            continue;
        fits = plan(rows[i].room);
        ck_assert_msg(upload_insert(db, &fits, &err) == RC_OK, "%s: %s", rows[i].what,
                      err.msg);
    }
}
END_TEST

START_TEST(usage_tells_what_is_there_and_what_is_coming)
{
    struct upload_usage usage = {0};
    struct upload u = begun(300);

    set_quota(1000);
    ok(upload_finish(db, &u, false, &err));
    (void)begun(200);
    (void)begun(20);
    ok(upload_usage(db, workspace, &usage, &err));
    ck_assert_int_eq(usage.max_bytes, 1000);
    ck_assert_int_eq(usage.kept_bytes, 300);
    ck_assert_int_eq(usage.coming_bytes, 220);
    ck_assert_int_eq(usage.open, 2);
    database_run(db, "UPDATE media SET state = 4");
    database_run(db, "UPDATE upload SET expires_at = 1");
    ok(upload_usage(db, workspace, &usage, &err));
    ck_assert_int_eq(usage.kept_bytes + usage.coming_bytes, 0);
    ck_assert_int_eq(upload_usage(db, workspace + 1000, &usage, &err), RC_NOT_FOUND);
}
END_TEST

START_TEST(another_workspace_fills_nobody_elses_quota)
{
    struct upload u = plan(900);
    uint64_t mine = workspace;

    set_quota(1000);
    workspace = seed_workspace(db);
    user = seed_user(db, workspace);
    set_quota(1000);
    (void)begun(900);
    u.user_id = (uint64_t)database_number(
        db, "SELECT user_id FROM membership WHERE workspace_id = %" PRIu64, mine);
    ok(upload_insert(db, &u, &err));
}
END_TEST

START_TEST(so_many_uploads_may_be_open_and_no_more)
{
    struct upload u;

    for (int i = 0; i < UPLOAD_OPEN_MAX; i++)
        (void)begun(1);
    u = plan(1);
    ck_assert_int_eq(upload_insert(db, &u, &err), RC_LIMITED);
    ck_assert_str_eq(err.code, "too_many_uploads");
    database_run(db, "UPDATE upload SET state = 2 LIMIT 1");
    ok(upload_insert(db, &u, &err));
}
END_TEST

/* --- two at once ------------------------------------------------------------------ */

enum { RACERS = 4 };

struct racer {
    pthread_t thread;
    pthread_barrier_t *start;
    struct upload u;
    int won, lost, other;
};

static void *race_to_create(void *arg)
{
    struct racer *r = arg;
    struct db *own = database_open();
    struct err mine;
    enum rc rc;

    (void)pthread_barrier_wait(r->start);
    rc = upload_insert(own, &r->u, &mine);
    if (rc == RC_OK)
        r->won++;
    else if (rc == RC_LIMITED)
        r->lost++;
    else
        r->other++;
    db_free(own);
    return NULL;
}

static void *race_to_finish(void *arg)
{
    struct racer *r = arg;
    struct db *own = database_open();
    struct err mine;
    enum rc rc;

    (void)pthread_barrier_wait(r->start);
    rc = upload_finish(own, &r->u, false, &mine);
    if (rc == RC_OK)
        r->won++;
    else if (rc == RC_CONFLICT)
        r->lost++;
    else
        r->other++;
    db_free(own);
    return NULL;
}

/* Lets all run, on the upload u or each on one of its own, and adds up what became of
 * them. */
static struct racer race(void *(*run)(void *), const struct upload *u)
{
    struct racer racers[RACERS] = {0};
    struct racer sum = {0};
    pthread_barrier_t start;

    ck_assert_int_eq(pthread_barrier_init(&start, NULL, RACERS), 0);
    for (size_t i = 0; i < RACERS; i++) {
        racers[i].start = &start;
        racers[i].u = u != NULL ? *u : plan(100);
        ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, run, &racers[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        ck_assert_int_eq(pthread_join(racers[i].thread, NULL), 0);
        sum.won += racers[i].won;
        sum.lost += racers[i].lost;
        sum.other += racers[i].other;
    }
    (void)pthread_barrier_destroy(&start);
    return sum;
}

START_TEST(creations_at_once_do_not_pass_the_quota)
{
    set_quota(199);
    for (int round = 0; round < 25; round++) {
        struct racer sum = race(race_to_create, NULL);

        ck_assert_int_eq(sum.other, 0);
        ck_assert_int_eq(sum.won, 1);
        ck_assert_int_eq(sum.lost, RACERS - 1);
        database_run(db, "DELETE FROM upload");
    }
}
END_TEST

START_TEST(an_upload_is_finished_once_whoever_tries)
{
    struct upload u = begun(700);
    struct racer sum = race(race_to_finish, &u);

    ck_assert_int_eq(sum.other, 0);
    ck_assert_int_eq(sum.won, 1);
    ck_assert_int_eq(sum.lost, RACERS - 1);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM media"), 1);
}
END_TEST

START_TEST(an_upload_moves_only_from_where_its_writer_saw_it)
{
    struct upload u = begun(1000);
    struct upload second = u;

    ok(upload_advance(db, &u, 300, &err));
    ck_assert_int_eq(u.received, 300);
    ck_assert_int_eq(upload_advance(db, &second, 200, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "offset_mismatch");
    ck_assert_int_eq(second.received, 0);
    ck_assert_int_eq(upload_finish(db, &second, false, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "offset_mismatch");
    ck_assert_int_eq(as_stored(&u).received, 300);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM media"), 0);
}
END_TEST

/* --- forward ---------------------------------------------------------------------- */

START_TEST(progress_puts_the_expiry_off)
{
    struct upload u = begun(1000);

    database_run(db, "UPDATE upload SET expires_at = expires_at - 80000000");
    ok(upload_advance(db, &u, 1, &err));
    ck_assert_int_eq(as_stored(&u).expires_at_ms, u.expires_at_ms);
    ck_assert_int_ge(u.expires_at_ms,
                     database_number(db, "SELECT created_at FROM upload") +
                         UPLOAD_TTL_MS);
}
END_TEST

START_TEST(an_upload_does_not_stand_still_go_back_or_reach_its_end_by_advancing)
{
    static const int64_t to[] = {500, 499, 0, 1000, 1001};
    struct upload u = begun(1000);

    ok(upload_advance(db, &u, 500, &err));
    for (size_t i = 0; i < ARRAY_LEN(to); i++)
        ck_assert_msg(upload_advance(db, &u, to[i], &err) == RC_BUG, "row %zu", i);
    ck_assert_int_eq(as_stored(&u).received, 500);
}
END_TEST

START_TEST(the_end_makes_the_media_row_and_tells_of_it)
{
    struct upload u = begun(1000);

    ok(upload_advance(db, &u, 600, &err));
    ok(upload_finish(db, &u, true, &err));
    ck_assert_int_eq(u.state, UPLOAD_FINISHED);
    ck_assert_int_eq(u.received, 1000);
    ck_assert_uint_ne(u.media_id, 0);
    ck_assert_uint_eq(as_stored(&u).media_id, u.media_id);
    ck_assert_int_eq(as_stored(&u).received, 1000);
    ck_assert_int_eq(
        database_number(
            db,
            "SELECT COUNT(*) FROM media WHERE media_id = %" PRIu64
            " AND blob_key = '%s' AND bytes = 1000 AND state = 1 AND kind = 1 "
            "AND filename = 'clip.mp4' AND mime = 'video/mp4' AND "
            "created_by = %" PRIu64 " AND next_at <= created_at",
            u.media_id, u.id, user),
        1);
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM job_event WHERE media_id = "
                                     "%" PRIu64 " AND user_id = %" PRIu64
                                     " AND data LIKE '%%token%%'",
                                     u.media_id, user),
                     1);
}
END_TEST

START_TEST(an_upload_of_one_piece_needs_no_advance)
{
    struct upload u = begun(1);

    ok(upload_finish(db, &u, false, &err));
    ck_assert_int_eq(as_stored(&u).state, UPLOAD_FINISHED);
}
END_TEST

/* --- a COMMIT that breaks off ----------------------------------------------------- */

/* Finishes an upload whose COMMIT breaks off as fault says; the row read again. */
static struct upload finish_uncertainly(const char *fault)
{
    struct upload u = begun(50);
    struct upload now = {0};

    ck_assert_int_eq(setenv("TTS_FAULT", fault, 1), 0);
    fault_reload();
    ck_assert_int_eq(upload_finish(db, &u, false, &err), RC_UNCERTAIN);
    ck_assert_int_eq(u.state, UPLOAD_OPEN); /* nothing is claimed that is not known */
    ok(upload_get_settled(db, workspace, u.id, &now, &err));
    return now;
}

START_TEST(an_end_whose_answer_was_lost_is_found_by_reading_again)
{
    struct upload now = finish_uncertainly("db.commit_unanswered:error");

    ck_assert_int_eq(now.state, UPLOAD_FINISHED);
    ck_assert_int_eq(now.received, 50);
    ck_assert_uint_eq(now.media_id,
                      (uint64_t)database_number(db, "SELECT media_id FROM media"));
}
END_TEST

START_TEST(an_end_that_never_reached_the_database_is_known_as_such)
{
    struct upload now = finish_uncertainly("db.commit_unsent:error");

    ck_assert_int_eq(now.state, UPLOAD_OPEN);
    ck_assert_int_eq(now.received, 0);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM media"), 0);
    ok(upload_finish(db, &now, false, &err));
}
END_TEST

static enum rc look_from_outside(struct db *inside, void *ctx, struct err *e)
{
    struct upload *u = ctx;
    struct db *outside = database_open();
    struct upload seen = {0};
    struct err ignored;
    enum rc rc = upload_advance(inside, u, 10, e);

    if (rc != RC_OK)
        return rc;
    outside->lock_wait_ms = DB_LOCK_WAIT_MS;
    ok(upload_get(outside, workspace, u->id, &seen, &err));
    ck_assert_int_eq(seen.received, 0);
    ck_assert_int_eq(upload_get_settled(outside, workspace, u->id, &seen, &ignored),
                     RC_UNAVAILABLE);
    db_free(outside);
    return RC_OK;
}

START_TEST(a_settled_read_waits_for_what_is_being_written)
{
    struct upload u = begun(50);
    struct upload now = {0};

    ok(db_transaction(db, look_from_outside, &u, &err));
    ok(upload_get_settled(db, workspace, u.id, &now, &err));
    ck_assert_int_eq(now.received, 10);
}
END_TEST

/* --- other ends ------------------------------------------------------------------- */

START_TEST(an_upload_ends_once_and_stays_ended)
{
    struct upload u = begun(100);

    ok(upload_terminate(db, &u, &err));
    ck_assert_int_eq(as_stored(&u).state, UPLOAD_TERMINATED);
    ck_assert_int_eq(upload_terminate(db, &u, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "upload_finished");
    ck_assert_int_eq(upload_advance(db, &u, 10, &err), RC_CONFLICT);
    ck_assert_int_eq(upload_finish(db, &u, false, &err), RC_CONFLICT);
    u = begun(100);
    ok(upload_finish(db, &u, false, &err));
    ck_assert_int_eq(upload_terminate(db, &u, &err), RC_CONFLICT);
    ck_assert_int_eq(as_stored(&u).state, UPLOAD_FINISHED);
}
END_TEST

START_TEST(time_ends_an_upload_before_any_sweep_does)
{
    struct upload u = begun(100);

    database_run(db, "UPDATE upload SET expires_at = 1000");
    ck_assert_int_eq(as_stored(&u).state, UPLOAD_EXPIRED);
    ck_assert_int_eq(upload_advance(db, &u, 10, &err), RC_CONFLICT);
    ck_assert_int_eq(upload_finish(db, &u, false, &err), RC_CONFLICT);
}
END_TEST

static char ids[UPLOAD_SWEEP_MAX][UPLOAD_ID_SIZE];

START_TEST(a_sweep_takes_what_is_over_and_only_once)
{
    struct upload young = begun(1);
    struct upload old = begun(1);
    struct upload finished = begun(1);
    size_t n = 99;

    ok(upload_finish(db, &finished, false, &err));
    database_run(db, "UPDATE upload SET expires_at = 1000 WHERE upload_id <> '%s'",
                 young.id);
    ok(upload_expire(db, ids, &n, &err));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(ids[0], old.id);
    ck_assert_int_eq(
        database_number(db, "SELECT state FROM upload WHERE upload_id = '%s'", old.id),
        UPLOAD_EXPIRED);
    ck_assert_int_eq(as_stored(&finished).state, UPLOAD_FINISHED);
    ok(upload_expire(db, ids, &n, &err));
    ck_assert_uint_eq(n, 0);
}
END_TEST

static enum rc sweep_beside(struct db *inside, void *ctx, struct err *e)
{
    struct db *other = database_open();
    size_t *n = ctx;
    size_t here = 0;
    enum rc rc = upload_expire(inside, ids, &here, e);

    ck_assert_uint_eq(here, 1);
    if (rc == RC_OK)
        rc = upload_expire(other, ids, n, e);
    db_free(other);
    return rc;
}

START_TEST(two_sweeps_at_once_take_each_upload_once)
{
    size_t n = 99;

    (void)begun(1);
    database_run(db, "UPDATE upload SET expires_at = 1000");
    ok(db_transaction(db, sweep_beside, &n, &err));
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(a_sweep_is_bounded)
{
    size_t n = 0;

    for (int i = 0; i < UPLOAD_SWEEP_MAX + 3; i++)
        (void)begun(1);
    database_run(db, "UPDATE upload SET expires_at = 1000");
    ok(upload_expire(db, ids, &n, &err));
    ck_assert_uint_eq(n, UPLOAD_SWEEP_MAX);
    ok(upload_expire(db, ids, &n, &err));
    ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(rows_of_the_long_ended_go_and_their_media_stay)
{
    struct upload finished = begun(1);
    struct upload ended = begun(1);
    struct upload open = begun(1);
    struct upload out;

    ok(upload_finish(db, &finished, false, &err));
    ok(upload_terminate(db, &ended, &err));
    ok(upload_purge(db, &err));
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM upload"), 3);
    database_run(db, "UPDATE upload SET expires_at = expires_at - %d - 200000000",
                 UPLOAD_KEPT_MS);
    ok(upload_purge(db, &err));
    ck_assert_int_eq(upload_get(db, workspace, finished.id, &out, &err), RC_NOT_FOUND);
    ck_assert_int_eq(upload_get(db, workspace, ended.id, &out, &err), RC_NOT_FOUND);
    ck_assert_int_eq(as_stored(&open).state, UPLOAD_EXPIRED); /* the sweep is first */
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM media"), 1);
}
END_TEST

/* --- rights ----------------------------------------------------------------------- */

START_TEST(a_lock_keeps_others_out_until_it_is_given_or_taken_back)
{
    struct upload u = begun(10);
    struct upload other = begun(10);
    struct db *second = database_open();
    struct db *third = database_open();

    ok(upload_lock(db, u.id, &err));
    ck_assert_int_eq(upload_lock(second, u.id, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "upload_busy");
    ok(upload_lock(second, other.id, &err)); /* one does not keep out of another */
    upload_unlock(db, u.id);
    ok(upload_lock(third, u.id, &err));
    db_free(third); /* as when its worker dies */
    while (upload_lock(db, u.id, &err) != RC_OK)
        (void)usleep(10000);
    ck_assert_int_eq(upload_lock(second, u.id, &err), RC_CONFLICT);
    db_free(second);
}
END_TEST

START_TEST(the_server_ends_a_lock_whose_machine_says_nothing)
{
    struct upload u = begun(10);

    ok(upload_lock(db, u.id, &err));
    ck_assert_int_eq(database_number(db, "SELECT @@SESSION.wait_timeout"), UPLOAD_LOCK_S);
    upload_unlock(db, u.id);
    ck_assert_int_eq(database_number(db, "SELECT @@SESSION.wait_timeout"),
                     database_number(db, "SELECT @@GLOBAL.wait_timeout"));
}
END_TEST

START_TEST(the_programs_have_the_rights_for_all_this)
{
    struct db *admin = db;
    struct upload u;
    size_t n = 0;

    database_take_users(admin);
    ok(grants_user(admin, "tts_api", "localhost", "canary-password", &err));
    ok(grants_user(admin, "tts_media", "localhost", "canary-password", &err));
    ok(grants_renew(admin, &n, &err));
    ok(db_new(database_url("tts_api", "canary-password"), &db, &err));
    (void)database_patient(db);
    u = begun(10);
    ok(upload_advance(db, &u, 5, &err));
    ok(upload_get_settled(db, workspace, u.id, &u, &err));
    ok(upload_finish(db, &u, false, &err));
    u = begun(10);
    ok(upload_terminate(db, &u, &err));
    db_free(db);
    ok(db_new(database_url("tts_media", "canary-password"), &db, &err));
    (void)database_patient(db);
    ok(upload_expire(db, ids, &n, &err));
    ok(upload_purge(db, &err));
    db_free(db);
    database_run(admin, "DROP USER tts_api@localhost, tts_media@localhost");
    db = admin;
}
END_TEST

DATABASE_MAIN(
    "store_uploads", setup, teardown, a_new_upload_is_open_and_empty,
    another_workspace_finds_nothing, the_quota_counts_what_is_there_and_what_is_coming,
    usage_tells_what_is_there_and_what_is_coming,
    another_workspace_fills_nobody_elses_quota, so_many_uploads_may_be_open_and_no_more,
    creations_at_once_do_not_pass_the_quota, an_upload_is_finished_once_whoever_tries,
    an_upload_moves_only_from_where_its_writer_saw_it, progress_puts_the_expiry_off,
    an_upload_does_not_stand_still_go_back_or_reach_its_end_by_advancing,
    the_end_makes_the_media_row_and_tells_of_it, an_upload_of_one_piece_needs_no_advance,
    an_end_whose_answer_was_lost_is_found_by_reading_again,
    an_end_that_never_reached_the_database_is_known_as_such,
    a_settled_read_waits_for_what_is_being_written, an_upload_ends_once_and_stays_ended,
    time_ends_an_upload_before_any_sweep_does, a_sweep_takes_what_is_over_and_only_once,
    two_sweeps_at_once_take_each_upload_once, a_sweep_is_bounded,
    rows_of_the_long_ended_go_and_their_media_stay,
    a_lock_keeps_others_out_until_it_is_given_or_taken_back,
    the_server_ends_a_lock_whose_machine_says_nothing,
    the_programs_have_the_rights_for_all_this)
