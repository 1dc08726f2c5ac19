/* gate: what is open in every state an attempt and its job can be in, every write that
 * opens and closes it, and who wins when TikTok fetches while we close. */
#include "database.h"
#include "store/events.h"
#include "store/gate.h"
#include "store/jobs.h"
#include "store/stmt.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { INC = 77, FENCE = 5, JOBS = 9, ATTEMPTS = 7 };

static struct db *db;
static struct err err;
static struct seed seed;
static struct job_ref ref;
static unsigned char token[JOB_GATE_SIZE];

static void setup(void)
{
    db = database_seeded(&seed);
}

static void teardown(void)
{
    db_free(db);
}

/* A post in our hands whose job and only attempt, made to be fetched, are in these
 * states; attempt 0: there is none. A fresh token each time. */
static uint64_t post_in(int job, int attempt)
{
    uint64_t post = seed_post(db, &seed, job, -60000);
    bool granted = attempt >= ATTEMPT_GRANTED && attempt <= ATTEMPT_PUBLISHED &&
                   (job == JOB_COMMITTED || job == JOB_PUBLISHED || job == JOB_REVIEW);
    char hex[2 * JOB_GATE_SIZE + 1];

    (void)memset(token, 0, sizeof(token));
    (void)memcpy(token, &post, sizeof(post));
    for (size_t i = 0; i < JOB_GATE_SIZE; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", token[i]);
    database_run(db,
                 "UPDATE job SET owner = %d, fence = %d, attempt_no = %d, granted = %d"
                 " WHERE post_id = %" PRIu64,
                 INC, FENCE, attempt > 0, granted, post);
    if (attempt > 0)
        database_run(db,
                     "INSERT INTO attempt (post_id, attempt_no, workspace_id, state,"
                     " method, fence, gate_token, created_at, updated_at) VALUES"
                     " (%" PRIu64 ", 1, %" PRIu64 ", %d, 2, %d, UNHEX('%s'), 0, 0)",
                     post, seed.workspace, attempt, FENCE, hex);
    ref = (struct job_ref){
        .post_id = post, .workspace_id = seed.workspace, .fence = FENCE, .inc = INC};
    return post;
}

static bool served(void)
{
    return database_number(db,
                           "SELECT COALESCE(MAX(first_served_at), 0) FROM attempt"
                           " WHERE post_id = %" PRIu64,
                           ref.post_id) > 0;
}

/* --- reading --------------------------------------------------------------------- */

/* For each state of the attempt (none, INTENT, READY, GRANTED, PROCESSING, PUBLISHED,
 * DEAD) and of the job (DRAFT ... BLOCKED): Open, Closed, Gone, or '-': no such token. */
static const char *const gates[ATTEMPTS] = {
    "---------", "GGCGGGGGG", "GGGGGGGGG", "OOOOOOOOO",
    "OOOOOOOOO", "OOOOOOOOO", "GGGGGGGGG",
};

START_TEST(the_states_of_attempt_and_job_are_the_state_of_the_gate)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        for (int job = 0; job < JOBS; job++) {
            char want = gates[attempt][job];
            struct gate_file f;
            enum rc rc, pass;

            (void)post_in(job, attempt);
            rc = gate_find(db, token, 0, &f, &err);
            pass = gate_serve(db, token, &err);
            ck_assert_msg((rc == RC_NOT_FOUND) == (want == '-'), "attempt %d, job %d",
                          attempt, job);
            ck_assert_msg((pass == RC_OK) == (want == 'O'), "attempt %d, job %d", attempt,
                          job);
            if (want == '-')
                continue;
            ck_assert_msg("GCO"[f.state] == want, "attempt %d, job %d: %d", attempt, job,
                          (int)f.state);
            ck_assert_msg(served() == (want == 'O'), "attempt %d, job %d", attempt, job);
        }
    }
}
END_TEST

START_TEST(an_intent_that_is_not_the_newest_or_not_of_this_claim_never_opens)
{
    struct gate_file f;

    (void)post_in(JOB_RUNNING, ATTEMPT_INTENT);
    database_run(db, "UPDATE job SET attempt_no = 2 WHERE post_id = %" PRIu64,
                 ref.post_id);
    ck_assert_int_eq(gate_find(db, token, 0, &f, &err), RC_OK);
    ck_assert_int_eq(f.state, GATE_GONE);
    (void)post_in(JOB_RUNNING, ATTEMPT_INTENT);
    database_run(db, "UPDATE job SET fence = fence + 1 WHERE post_id = %" PRIu64,
                 ref.post_id);
    ck_assert_int_eq(gate_find(db, token, 0, &f, &err), RC_OK);
    ck_assert_int_eq(f.state, GATE_GONE);
}
END_TEST

START_TEST(a_file_is_found_by_its_place_with_all_that_serving_it_needs)
{
    uint64_t second = seed_media(db, seed.workspace, seed.user);
    uint64_t post = post_in(JOB_COMMITTED, ATTEMPT_GRANTED);
    struct gate_file f;

    database_run(db,
                 "INSERT INTO post_media (post_id, position, workspace_id, media_id)"
                 " VALUES (%" PRIu64 ", 1, %" PRIu64 ", %" PRIu64 ")",
                 post, seed.workspace, second);
    database_run(db,
                 "UPDATE media SET kind = 2, mime = 'image/webp', has_rendition = 1"
                 " WHERE media_id = %" PRIu64,
                 second);
    ck_assert_int_eq(gate_find(db, token, 0, &f, &err), RC_OK);
    ck_assert_int_eq(f.kind, MEDIA_KIND_VIDEO);
    ck_assert_str_eq(f.mime, "video/mp4");
    ck_assert(!f.has_rendition);
    ck_assert_uint_eq(f.post_id, post);
    ck_assert_uint_eq(f.attempt_no, 1);
    ck_assert_int_eq(gate_find(db, token, 1, &f, &err), RC_OK);
    ck_assert_int_eq(f.kind, MEDIA_KIND_PHOTO);
    ck_assert_str_eq(f.mime, "image/webp");
    ck_assert(f.has_rendition);
    ck_assert_uint_eq(strlen(f.blob_key), 26);
    ck_assert_int_eq(gate_find(db, token, 2, &f, &err), RC_NOT_FOUND);
    database_run(db, "UPDATE media SET state = 4 WHERE media_id = %" PRIu64, second);
    ck_assert_int_eq(gate_find(db, token, 1, &f, &err), RC_NOT_FOUND);
    token[15] ^= 1;
    ck_assert_int_eq(gate_find(db, token, 0, &f, &err), RC_NOT_FOUND);
    ck_assert_int_eq(gate_serve(db, token, &err), RC_NOT_FOUND);
}
END_TEST

START_TEST(the_first_time_is_kept)
{
    (void)post_in(JOB_COMMITTED, ATTEMPT_GRANTED);
    database_run(db, "UPDATE attempt SET first_served_at = 12345");
    ck_assert_int_eq(gate_serve(db, token, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT first_served_at FROM attempt"), 12345);
}
END_TEST

/* --- writing --------------------------------------------------------------------- */

static const struct job_session session = {
    .publish_id = "p_pub_url~1", .init_date_ms = 1700000000000, .log_id = "2026log"};

static enum rc do_open(void)
{
    return job_open(db, &ref, 1, &session, &err);
}

static enum rc do_open_unnamed(void)
{
    return job_open(db, &ref, 1, NULL, &err);
}

static enum rc do_adopt(void)
{
    return job_adopt(db, &ref, 1, "p_pub_url~other", &err);
}

static enum rc do_name(void)
{
    return job_name(db, &ref, 1, &session, &err);
}

static enum rc do_close(void)
{
    return job_close(db, &ref, 1, "media_not_fetched", &err);
}

/* Where each may be done, and what it leaves behind. */
static const struct operation {
    const char *name;
    enum rc (*run)(void);
    int job, attempt; /* where it may be done */
    int job_to, attempt_to;
    int event;
} operations[] = {
    {"open", do_open, JOB_RUNNING, ATTEMPT_INTENT, JOB_COMMITTED, ATTEMPT_GRANTED,
     EVENT_GRANTED},
    {"open, unnamed", do_open_unnamed, JOB_RUNNING, ATTEMPT_INTENT, JOB_COMMITTED,
     ATTEMPT_GRANTED, EVENT_GRANTED},
    {"adopt", do_adopt, JOB_RUNNING, ATTEMPT_INTENT, JOB_COMMITTED, ATTEMPT_GRANTED,
     EVENT_GRANTED},
    {"adopt", do_adopt, JOB_RUNNING, ATTEMPT_READY, JOB_COMMITTED, ATTEMPT_GRANTED,
     EVENT_GRANTED},
    {"name", do_name, JOB_COMMITTED, ATTEMPT_GRANTED, JOB_COMMITTED, ATTEMPT_GRANTED,
     EVENT_SESSION_OPENED},
    {"close", do_close, JOB_COMMITTED, ATTEMPT_GRANTED, JOB_RUNNING, ATTEMPT_DEAD,
     EVENT_ATTEMPT_DEAD},
    {"close", do_close, JOB_COMMITTED, ATTEMPT_PROCESSING, JOB_RUNNING, ATTEMPT_DEAD,
     EVENT_ATTEMPT_DEAD},
};

static void picture(char out[512])
{
    (void)snprintf(
        out, 512, "%s",
        database_text(db,
                      "SELECT CONCAT_WS('|', j.state, j.granted, j.next_at, j.crashes,"
                      " (SELECT GROUP_CONCAT(CONCAT_WS(',', state, HEX(gate_token),"
                      " publish_id, reason)) FROM attempt a"
                      " WHERE a.post_id = j.post_id),"
                      " (SELECT COUNT(*) FROM job_event e WHERE e.post_id = j.post_id))"
                      " FROM job j WHERE j.post_id = %" PRIu64,
                      ref.post_id));
}

static bool may(enum rc (*run)(void), int job, int attempt)
{
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (operations[i].run == run && operations[i].job == job &&
            operations[i].attempt == attempt)
            return true;
    }
    return false;
}

static void check_done(const struct operation *op, int job, int attempt)
{
    int64_t job_now = database_number(
        db, "SELECT state FROM job WHERE post_id = %" PRIu64, ref.post_id);
    int64_t attempt_now = database_number(
        db, "SELECT state FROM attempt WHERE post_id = %" PRIu64, ref.post_id);

    ck_assert_msg(job_now == op->job_to && attempt_now == op->attempt_to,
                  "%s of job %d, attempt %d", op->name, job, attempt);
    ck_assert_int_eq(database_number(db,
                                     "SELECT kind FROM job_event WHERE post_id = %" PRIu64
                                     " ORDER BY event_id DESC LIMIT 1",
                                     ref.post_id),
                     op->event);
    database_run(db, "UPDATE attempt SET publish_id = NULL"); /* for the next post */
}

START_TEST(every_write_is_for_certain_states_and_changes_nothing_in_others)
{
    for (size_t o = 0; o < ARRAY_LEN(operations); o++) {
        for (int i = 0; i < JOBS * ATTEMPTS; i++) {
            int job = i / ATTEMPTS, attempt = i % ATTEMPTS;
            const struct operation *op = &operations[o];
            char before[512], after[512];
            enum rc rc;

            (void)post_in(job, attempt);
            picture(before);
            rc = op->run();
            picture(after);
            if (job == op->job && attempt == op->attempt) {
                ck_assert_msg(rc == RC_OK, "%s of job %d, attempt %d: %s", op->name, job,
                              attempt, err.msg);
                check_done(op, job, attempt);
            } else if (!may(op->run, job, attempt)) {
                ck_assert_msg(rc == RC_CONFLICT, "%s of job %d, attempt %d", op->name,
                              job, attempt);
                ck_assert_str_eq(before, after);
            } else {
                database_run(db, "UPDATE attempt SET publish_id = NULL");
            }
        }
    }
}
END_TEST

START_TEST(every_write_is_refused_under_another_fence_owner_or_workspace)
{
    for (size_t o = 0; o < ARRAY_LEN(operations); o++) {
        for (int moved = 0; moved < 3; moved++) {
            char before[512], after[512];

            (void)post_in(operations[o].job, operations[o].attempt);
            ref.fence += moved == 0;
            ref.inc += moved == 1;
            ref.workspace_id += moved == 2;
            picture(before);
            ck_assert_int_eq(operations[o].run(), RC_CONFLICT);
            picture(after);
            ck_assert_str_eq(before, after);
        }
    }
}
END_TEST

START_TEST(an_intent_to_send_is_never_opened)
{
    (void)post_in(JOB_RUNNING, ATTEMPT_INTENT);
    database_run(db, "UPDATE attempt SET method = 1, gate_token = NULL");
    ck_assert_int_eq(do_open(), RC_CONFLICT);
}
END_TEST

START_TEST(an_intent_writes_its_token_and_shuts_the_one_before_for_good)
{
    unsigned char next[JOB_GATE_SIZE] = {1, 2, 3};
    const struct job_intent intent = {
        .no = 2, .content_ver = 1, .bytes_total = 9, .gate_token = next};
    struct job_facts facts;
    struct gate_file f;

    (void)post_in(JOB_RUNNING, ATTEMPT_INTENT);
    ck_assert_int_eq(job_intend(db, &ref, &intent, &err), RC_OK);
    ck_assert_int_eq(gate_find(db, token, 0, &f, &err), RC_OK);
    ck_assert_int_eq(f.state, GATE_GONE);
    ck_assert_int_eq(gate_find(db, next, 0, &f, &err), RC_OK);
    ck_assert_int_eq(f.state, GATE_CLOSED);
    ck_assert_int_eq(job_open(db, &ref, 1, &session, &err), RC_CONFLICT);
    ck_assert_int_eq(job_open(db, &ref, 2, &session, &err), RC_OK);
    ck_assert_int_eq(job_load(db, &ref, &facts, &err), RC_OK);
    ck_assert_int_eq(facts.attempt.method, JOB_PULL);
    ck_assert(facts.attempt.gate);
    ck_assert_str_eq(facts.attempt.publish_id, session.publish_id);
    ck_assert_int_eq(facts.attempt.init_date_ms, session.init_date_ms);
    ck_assert_int_eq(database_number(db,
                                     "SELECT granted_at > 0 AND granted_at >= created_at"
                                     " FROM attempt WHERE attempt_no = 2"),
                     1);
    ck_assert_int_eq(facts.attempt.granted_ms,
                     database_number(db, "SELECT granted_at FROM attempt"
                                         " WHERE attempt_no = 2"));
    job_facts_release(&facts);
}
END_TEST

START_TEST(an_adopted_session_has_no_gate_and_its_own_never_opens)
{
    struct job_facts facts;
    struct gate_file f;

    (void)post_in(JOB_RUNNING, ATTEMPT_INTENT);
    ck_assert_int_eq(do_adopt(), RC_OK);
    ck_assert_int_eq(gate_find(db, token, 0, &f, &err), RC_NOT_FOUND);
    ck_assert_int_eq(gate_serve(db, token, &err), RC_NOT_FOUND);
    ck_assert_int_eq(job_load(db, &ref, &facts, &err), RC_OK);
    ck_assert(!facts.attempt.gate);
    ck_assert_str_eq(facts.attempt.publish_id, "p_pub_url~other");
    job_facts_release(&facts);
    ck_assert_int_eq(do_close(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "gate_passed");
}
END_TEST

START_TEST(an_upload_that_adopts_is_one_no_more)
{
    struct job_facts facts;
    bool open = false;

    (void)post_in(JOB_RUNNING, ATTEMPT_READY);
    database_run(db,
                 "UPDATE attempt SET method = 1, gate_token = NULL, publish_id = 'v1',"
                 " upload_url = 'sealed', init_date = 5 WHERE attempt_no = 1"
                 " AND publish_id IS NULL AND state = 2");
    ck_assert_int_eq(job_attempt_is_open(db, ref.post_id, 1, &open, &err), RC_OK);
    ck_assert(open);
    ck_assert_int_eq(do_adopt(), RC_OK);
    ck_assert_int_eq(job_attempt_is_open(db, ref.post_id, 1, &open, &err), RC_OK);
    ck_assert(!open);
    ck_assert_int_eq(job_load(db, &ref, &facts, &err), RC_OK);
    ck_assert_int_eq(facts.attempt.method, JOB_PULL);
    ck_assert_uint_eq(facts.attempt.upload_url_len, 0);
    ck_assert_int_eq(facts.attempt.init_date_ms, 0);
    ck_assert_str_eq(facts.attempt.publish_id, "p_pub_url~other");
    job_facts_release(&facts);
    ck_assert_int_eq(do_close(), RC_CONFLICT);
}
END_TEST

START_TEST(the_engine_refuses_to_open_beside_another_live_attempt)
{
    uint64_t post = post_in(JOB_RUNNING, ATTEMPT_INTENT);

    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, created_at, updated_at) VALUES (%" PRIu64 ", 9, %" PRIu64
                 ", 3, 2, 5, 0, 0)",
                 post, seed.workspace);
    ck_assert_int_eq(do_open(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "second_live_attempt");
    ck_assert_int_eq(do_adopt(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "second_live_attempt");
}
END_TEST

START_TEST(what_has_gone_through_cannot_be_undone_by_closing)
{
    (void)post_in(JOB_COMMITTED, ATTEMPT_GRANTED);
    ck_assert_int_eq(gate_serve(db, token, &err), RC_OK);
    ck_assert_int_eq(do_close(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "gate_passed");
    ck_assert_int_eq(database_number(db, "SELECT state FROM job"), JOB_COMMITTED);
    ck_assert_int_eq(gate_serve(db, token, &err), RC_OK);
}
END_TEST

START_TEST(what_was_closed_lets_nothing_through)
{
    (void)post_in(JOB_COMMITTED, ATTEMPT_GRANTED);
    ck_assert_int_eq(do_close(), RC_OK);
    ck_assert_int_eq(gate_serve(db, token, &err), RC_NOT_FOUND);
    ck_assert(!served());
}
END_TEST

static void *serve_alone(UNUSED void *arg)
{
    struct db *other = database_open();
    struct err e;
    bool through = gate_serve(other, token, &e) == RC_OK;

    db_free(other);
    return through ? &seed : NULL;
}

START_TEST(of_a_fetch_and_a_closing_at_the_same_moment_exactly_one_wins)
{
    for (int i = 0; i < 40; i++) {
        pthread_t thread;
        void *through = NULL;
        bool closed;

        (void)post_in(JOB_COMMITTED, ATTEMPT_GRANTED);
        ck_assert_int_eq(pthread_create(&thread, NULL, serve_alone, NULL), 0);
        closed = do_close() == RC_OK;
        ck_assert_int_eq(pthread_join(thread, &through), 0);
        ck_assert_msg(closed != (through != NULL), "round %d: closed %d", i, closed);
    }
}
END_TEST

DATABASE_MAIN("store_gate", setup, teardown,
              the_states_of_attempt_and_job_are_the_state_of_the_gate,
              an_intent_that_is_not_the_newest_or_not_of_this_claim_never_opens,
              a_file_is_found_by_its_place_with_all_that_serving_it_needs,
              the_first_time_is_kept,
              every_write_is_for_certain_states_and_changes_nothing_in_others,
              every_write_is_refused_under_another_fence_owner_or_workspace,
              an_intent_to_send_is_never_opened,
              an_intent_writes_its_token_and_shuts_the_one_before_for_good,
              an_adopted_session_has_no_gate_and_its_own_never_opens,
              an_upload_that_adopts_is_one_no_more,
              the_engine_refuses_to_open_beside_another_live_attempt,
              what_has_gone_through_cannot_be_undone_by_closing,
              what_was_closed_lets_nothing_through,
              of_a_fetch_and_a_closing_at_the_same_moment_exactly_one_wins)
