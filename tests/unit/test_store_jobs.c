/* jobs: every write of a publisher in every state a post can be in, who wins when two
 * want the same post, and what is found by sweeping. */
#include "core/fault.h"
#include "core/xalloc.h"
#include "database.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/stmt.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { INC = 77, FENCE = 5 };

static struct db *db;
static struct err err;
static struct seed seed;
static struct job_ref ref;

static void setup(void)
{
    db = database_seeded(&seed);
    seed_publisher(db, INC);
}

static void teardown(void)
{
    db_free(db);
}

static uint64_t post_in(int state, int64_t due_in_ms)
{
    return seed_post(db, &seed, state, due_in_ms);
}

/* --- what a post can be like --------------------------------------------------- */

static const struct situation {
    const char *name;
    int job, attempt; /* states; attempt 0: none */
    bool granted;
} situations[] = {
    {"draft", 0, 0, false},
    {"scheduled", 1, 0, false},
    {"running, fresh", 2, 0, false},
    {"running, intent", 2, 1, false},
    {"running, ready", 2, 2, false},
    {"running, dead", 2, 6, false},
    {"committed, granted", 3, 3, true},
    {"committed, processing", 3, 4, true},
    {"published", 4, 5, true},
    {"failed, ready", 5, 2, false},
    {"canceled, ready", 6, 2, false},
    {"review, ready", 7, 2, false},
    {"review, granted", 7, 3, true},
    {"blocked, ready", 8, 2, false},
    {"running, ready, yet granted", 2, 2, true}, /* no path of ours leads there */
};

/* The post of a situation. Owner and fence always fit, so that a refusal is the state's
 * doing. */
static uint64_t post_like(const struct situation *s)
{
    uint64_t post = post_in(s->job, -60000);
    int no = s->attempt != 0 ? 1 : 0;

    database_run(db,
                 "UPDATE job SET owner = %d, fence = %d, attempt_no = %d, granted = %d"
                 " WHERE post_id = %" PRIu64,
                 INC, FENCE, no, s->granted ? no : 0, post);
    if (no != 0)
        database_run(db,
                     "INSERT INTO attempt (post_id, attempt_no, workspace_id, state,"
                     " method, fence, publish_id, created_at, updated_at) VALUES"
                     " (%" PRIu64 ", 1, %" PRIu64 ", %d, 1, %d, 'p%" PRIu64 "', 0, 0)",
                     post, seed.workspace, s->attempt, FENCE, post);
    ref = (struct job_ref){
        .post_id = post, .workspace_id = seed.workspace, .fence = FENCE, .inc = INC};
    return post;
}

/* All that a write may change, as one text. */
static void picture(uint64_t post, char out[1024])
{
    (void)snprintf(
        out, 1024, "%s",
        database_text(
            db,
            "SELECT CONCAT_WS('|', j.state, j.next_at, j.fence, j.owner, j.attempt_no,"
            " j.granted, j.fails, j.crashes, j.last_reason, p.published_at IS NULL,"
            " (SELECT GROUP_CONCAT(CONCAT_WS(',', attempt_no, state, publish_id, reason))"
            " FROM attempt a WHERE a.post_id = j.post_id),"
            " (SELECT COUNT(*) FROM job_event e WHERE e.post_id = j.post_id))"
            " FROM job j JOIN post p ON p.post_id = j.post_id WHERE j.post_id = %" PRIu64,
            post));
}

static int job_state_of(uint64_t post)
{
    return (int)database_number(db, "SELECT state FROM job WHERE post_id = %" PRIu64,
                                post);
}

static int attempt_state_of(uint64_t post)
{
    return (int)database_number(db,
                                "SELECT COALESCE((SELECT a.state FROM attempt a"
                                " WHERE a.post_id = j.post_id"
                                " AND a.attempt_no = j.attempt_no), 0)"
                                " FROM job j WHERE post_id = %" PRIu64,
                                post);
}

static unsigned attempt_no_of(uint64_t post)
{
    return (unsigned)database_number(
        db, "SELECT attempt_no FROM job WHERE post_id = %" PRIu64, post);
}

static int last_event_of(uint64_t post)
{
    return (int)database_number(
        db, "SELECT kind FROM job_event WHERE post_id = %" PRIu64 " ORDER BY event_id",
        post);
}

/* --- every operation ----------------------------------------------------------- */

static enum rc do_claim(void)
{
    struct job_claimed claimed;
    struct job_claim c = {.inc = INC, .post_ids = &ref.post_id, .n = 1, .out = &claimed};
    enum rc rc = job_claim(db, &c, &err);

    if (rc == RC_OK && c.len == 0)
        return err_set(&err, RC_CONFLICT, "lost", "not taken");
    if (rc == RC_OK) {
        ck_assert_uint_eq(claimed.post_id, ref.post_id);
        ck_assert_uint_eq(claimed.account_id, seed.account);
        ck_assert_uint_eq(claimed.workspace_id, seed.workspace);
        ck_assert_uint_eq(claimed.fence, FENCE + 1);
    }
    return rc;
}

static enum rc intend(unsigned no)
{
    const struct job_intent intent = {
        .no = no, .content_ver = 1, .bytes_total = 6000000, .chunk_size = 6000000};

    return job_intend(db, &ref, &intent, &err);
}

static enum rc do_intend(void)
{
    return intend(attempt_no_of(ref.post_id) + 1);
}

static enum rc do_skip(void)
{
    return intend(attempt_no_of(ref.post_id) + 2);
}

static enum rc do_repeat(void)
{
    unsigned no = attempt_no_of(ref.post_id);

    return no > 0 ? intend(no) : err_set(&err, RC_CONFLICT, "lost", "none to repeat");
}

static enum rc persist(const char *publish_id)
{
    const struct job_session session = {.publish_id = publish_id,
                                        .upload_url = "sealed\0url",
                                        .upload_url_len = 10,
                                        .init_date_ms = 1700000000000,
                                        .log_id = "2026log"};

    return job_persist(db, &ref, attempt_no_of(ref.post_id), &session, &err);
}

static enum rc do_persist(void)
{
    char id[32];

    (void)snprintf(id, sizeof(id), "v_pub_%" PRIu64, ref.post_id);
    return persist(id);
}

static enum rc do_grant(void)
{
    return job_grant(db, &ref, attempt_no_of(ref.post_id), &err);
}

static enum rc do_sent(void)
{
    return job_sent(db, &ref, attempt_no_of(ref.post_id), &err);
}

static enum rc do_published(void)
{
    static const struct job_outcome out = {"PUBLISH_COMPLETE", "1,2", "20261126-out"};

    return job_published(db, &ref, attempt_no_of(ref.post_id), &out, &err);
}

static enum rc do_dead(void)
{
    return job_attempt_dead(db, &ref, attempt_no_of(ref.post_id), "upload_expired", &err);
}

static enum rc end(enum job_end how)
{
    const struct job_ending ending = {
        .how = how, .reason = "some_reason", .log_id = "20261126-end", .wait_ms = 7000};

    return job_end(db, &ref, &ending, &err);
}

static enum rc do_later(void)
{
    return end(JOB_END_LATER);
}

static enum rc do_fail(void)
{
    return end(JOB_END_FAIL);
}

static enum rc do_block(void)
{
    return end(JOB_END_BLOCK);
}

static enum rc do_canceled(void)
{
    return end(JOB_END_CANCELED);
}

static enum rc do_release(void)
{
    return end(JOB_END_RELEASE);
}

static enum rc do_review(void)
{
    return end(JOB_END_REVIEW);
}

static enum rc do_handover(void)
{
    return end(JOB_END_HANDOVER);
}

/* For each operation, in the order of the situations, the state of the job and of its
 * newest attempt after it; '-': refused, and nothing changes. */
static const struct operation {
    const char *name;
    enum rc (*run)(void);
    const char *job;
    const char *attempt;
    int event; /* the last line it writes */
} operations[] = {
    {"claim", do_claim, "-2222233------3", "-0012634------2", EVENT_CLAIMED},
    {"intend", do_intend, "--2222---------", "--1111---------", EVENT_INTENT},
    {"intend, one skipped", do_skip, "---------------", "---------------", 0},
    {"intend, once more", do_repeat, "---------------", "---------------", 0},
    {"persist", do_persist, "---2-----------", "---2-----------", EVENT_SESSION_OPENED},
    {"grant", do_grant, "----3----------", "----3----------", EVENT_GRANTED},
    {"sent", do_sent, "------33-------", "------44-------", EVENT_LAST_CHUNK_SENT},
    {"published", do_published, "------44-------", "------55-------", EVENT_PUBLISHED},
    {"dead", do_dead, "---22-22------2", "---66-66------6", EVENT_ATTEMPT_DEAD},
    {"later", do_later, "--1111---------", "--0126---------", EVENT_LATER},
    {"fail", do_fail, "--5555---------", "--0126---------", EVENT_FAILED},
    {"block", do_block, "--8888---------", "--0126---------", EVENT_BLOCKED},
    {"canceled", do_canceled, "--6666---------", "--0126---------", EVENT_CANCELED},
    {"release", do_release, "--1111---------", "--0126---------", EVENT_RELEASED},
    {"review", do_review, "--777777------7", "--012634------2", EVENT_REVIEW},
    {"handover", do_handover, "------33-------", "------34-------", EVENT_HANDED_OVER},
};

static void check_one(const struct operation *op, size_t i)
{
    const struct situation *s = &situations[i];
    uint64_t post = post_like(s);
    char before[1024], after[1024];
    enum rc rc;

    picture(post, before);
    rc = op->run();
    picture(post, after);
    if (op->job[i] == '-') {
        ck_assert_msg(rc == RC_CONFLICT, "%s of %s: %s", op->name, s->name, rc_name(rc));
        ck_assert_msg(strcmp(before, after) == 0, "%s of %s: %s became %s", op->name,
                      s->name, before, after);
        return;
    }
    ck_assert_msg(rc == RC_OK, "%s of %s: %s %s", op->name, s->name, err.code, err.msg);
    ck_assert_msg(job_state_of(post) == op->job[i] - '0', "%s of %s: %s", op->name,
                  s->name, after);
    ck_assert_msg(attempt_state_of(post) == op->attempt[i] - '0', "%s of %s: %s",
                  op->name, s->name, after);
    /* A second report of the last byte is no news. */
    if (op->event != EVENT_LAST_CHUNK_SENT || s->attempt == ATTEMPT_GRANTED)
        ck_assert_msg(last_event_of(post) == op->event, "%s of %s", op->name, s->name);
}

START_TEST(every_write_is_for_certain_states_and_changes_nothing_in_others)
{
    for (size_t o = 0; o < ARRAY_LEN(operations); o++) {
        ck_assert_uint_eq(strlen(operations[o].job), ARRAY_LEN(situations));
        ck_assert_uint_eq(strlen(operations[o].attempt), ARRAY_LEN(situations));
        for (size_t i = 0; i < ARRAY_LEN(situations); i++)
            check_one(&operations[o], i);
    }
}
END_TEST

START_TEST(every_write_is_refused_under_another_fence_owner_or_workspace)
{
    static const struct {
        uint64_t fence, inc, workspace;
    } moved[] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

    for (size_t o = 1; o < ARRAY_LEN(operations); o++) { /* a claim needs no fence */
        const struct operation *op = &operations[o];

        for (size_t i = 0; i < ARRAY_LEN(situations) * ARRAY_LEN(moved); i++) {
            const struct situation *s = &situations[i / ARRAY_LEN(moved)];
            uint64_t post = post_like(s);
            char before[1024], after[1024];

            ref.fence += moved[i % ARRAY_LEN(moved)].fence;
            ref.inc += moved[i % ARRAY_LEN(moved)].inc;
            ref.workspace_id += moved[i % ARRAY_LEN(moved)].workspace;
            picture(post, before);
            ck_assert_msg(op->run() == RC_CONFLICT, "%s of %s", op->name, s->name);
            picture(post, after);
            ck_assert_str_eq(before, after);
        }
    }
}
END_TEST

START_TEST(the_engine_refuses_a_second_live_attempt)
{
    uint64_t post = post_like(&situations[4]);
    char before[1024], after[1024];

    /* A ledger that no path of ours can write: attempt 1 is out, the job forgot it. */
    database_run(db, "UPDATE attempt SET state = 3 WHERE post_id = %" PRIu64, post);
    database_run(db, "UPDATE job SET attempt_no = 2 WHERE post_id = %" PRIu64, post);
    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, publish_id, created_at, updated_at) VALUES (%" PRIu64
                 ", 2, %" PRIu64 ", 2, 1, 5, 'second', 0, 0)",
                 post, seed.workspace);
    picture(post, before);
    ck_assert_int_eq(do_grant(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "second_live_attempt");
    picture(post, after);
    ck_assert_str_eq(before, after);
    database_run(db, "UPDATE attempt SET state = 6 WHERE attempt_no = 1");
    ck_assert_int_eq(do_grant(), RC_OK);
}
END_TEST

START_TEST(a_publish_id_belongs_to_one_attempt_only)
{
    uint64_t other = post_like(&situations[4]);
    char id[32];

    (void)snprintf(id, sizeof(id), "p%" PRIu64, other);
    (void)post_like(&situations[3]);
    ck_assert_int_eq(persist(id), RC_CONFLICT);
    ck_assert_int_eq(attempt_state_of(ref.post_id), ATTEMPT_INTENT);
}
END_TEST

/* --- the ways through ---------------------------------------------------------- */

static void claim_one(uint64_t post, uint64_t inc)
{
    struct job_claimed claimed;
    struct job_claim c = {.inc = inc, .post_ids = &post, .n = 1, .out = &claimed};

    seed_publisher(db, inc);
    ck_assert_int_eq(job_claim(db, &c, &err), RC_OK);
    ck_assert_uint_eq(c.len, 1);
    ref = (struct job_ref){.post_id = post,
                           .workspace_id = claimed.workspace_id,
                           .fence = claimed.fence,
                           .inc = inc};
}

/* What must not be decided without limit_check(). */
START_TEST(a_post_may_be_limited_by_a_pause_a_cap_or_because_it_is_a_draft)
{
    static const struct {
        const char *account, *mode;
        bool wanted;
    } rows[] = {
        {"blocked_until = " SQL_NOW " + 60000", "1", true},
        {"blocked_until = " SQL_NOW " - 1, drafts_until = " SQL_NOW " + 60000", "1",
         false},
        {"daily_cap = 5", "1", true},
        {"daily_cap = 0", "1", false},
        {"daily_cap = 0", "2", true},
    };
    struct job_facts f;

    claim_one(post_in(JOB_SCHEDULED, -10), 9);
    database_run(db, "UPDATE job SET limited_until = 1234");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        database_run(db, "UPDATE account SET %s", rows[i].account);
        database_run(db, "UPDATE post SET mode = %s", rows[i].mode);
        ck_assert_int_eq(job_load(db, &ref, &f, &err), RC_OK);
        ck_assert_msg(f.may_be_limited == rows[i].wanted, "%s", rows[i].account);
        ck_assert_int_eq(f.limited_ms, 1234);
        job_facts_release(&f);
    }
}
END_TEST

START_TEST(a_post_goes_all_the_way_and_its_facts_are_read_on_it)
{
    uint64_t post = post_in(JOB_SCHEDULED, -10);
    struct job_facts f;

    claim_one(post, 9);
    ck_assert_int_eq(job_load(db, &ref, &f, &err), RC_OK);
    ck_assert_int_eq(f.state, JOB_RUNNING);
    ck_assert_int_eq(f.attempt.state, ATTEMPT_NONE);
    ck_assert_uint_eq(f.account_id, seed.account);
    ck_assert(f.video && f.direct);
    ck_assert_uint_eq(f.media_n, 1);
    ck_assert(f.media[0].ready);
    ck_assert_str_eq(f.caption, "A caption");
    ck_assert_str_eq(f.privacy_level, "SELF_ONLY");
    ck_assert_str_eq(f.media[0].mime, "video/mp4");
    ck_assert_uint_eq(strlen(f.media[0].blob_key), 26);
    ck_assert_uint_eq(f.media[0].id, seed.media);
    ck_assert_int_eq(f.media[0].bytes, 6000000);
    ck_assert_int_eq(f.media[0].duration_ms, 15000);
    ck_assert_int_eq(f.cover_ms, -1);
    ck_assert_int_eq(f.expire_after_ms, 21600000);
    ck_assert_int_le(f.due_ms, f.now_ms);
    ck_assert(!f.may_be_limited);
    job_facts_release(&f);
    ck_assert_int_eq(intend(1), RC_OK);
    ck_assert_int_eq(persist("v_pub_1"), RC_OK);
    ck_assert_int_eq(job_load(db, &ref, &f, &err), RC_OK);
    ck_assert_uint_eq(f.attempt_no, 1);
    ck_assert_uint_eq(f.granted, 0);
    ck_assert_uint_eq(f.attempt.no, 1);
    ck_assert_int_eq(f.attempt.state, ATTEMPT_READY);
    ck_assert_str_eq(f.attempt.publish_id, "v_pub_1");
    ck_assert_uint_eq(f.attempt.upload_url_len, 10);
    ck_assert_mem_eq(f.attempt.upload_url, "sealed\0url", 10);
    ck_assert_int_eq(f.attempt.init_date_ms, 1700000000000);
    ck_assert_int_eq(f.attempt.bytes_total, 6000000);
    ck_assert_int_eq(f.attempt.chunk_size, 6000000);
    ck_assert_int_gt(f.attempt.granted_ms, 1700000000000);
    job_facts_release(&f);
    ck_assert_int_eq(do_grant(), RC_OK);
    ck_assert_int_eq(job_load(db, &ref, &f, &err), RC_OK);
    ck_assert_int_eq(f.state, JOB_COMMITTED);
    ck_assert_uint_eq(f.granted, 1);
    job_facts_release(&f);
    ck_assert_int_eq(do_sent(), RC_OK);
    ck_assert_int_eq(do_published(), RC_OK);
    ck_assert_str_eq(database_text(db, "SELECT tiktok_post_ids FROM post"), "1,2");
    ck_assert_str_eq(database_text(db, "SELECT tiktok_status FROM attempt"),
                     "PUBLISH_COMPLETE");
    ck_assert_int_gt(database_number(db, "SELECT published_at FROM post"), 0);
    ck_assert_int_eq(database_number(db, "SELECT next_at FROM job"), INT64_MAX);
    ck_assert_int_eq(job_load(db, &ref, &f, &err), RC_CONFLICT);
}
END_TEST

START_TEST(a_dead_attempt_makes_room_for_another)
{
    uint64_t post = post_in(JOB_SCHEDULED, -10);

    claim_one(post, 9);
    for (unsigned no = 1; no <= 3; no++) {
        ck_assert_int_eq(intend(no), RC_OK);
        ck_assert_int_eq(do_persist(), RC_OK);
        ck_assert_int_eq(do_grant(), RC_OK);
        ck_assert_int_eq(intend(no + 1), RC_CONFLICT); /* not while one may be out */
        ck_assert_int_eq(do_dead(), RC_OK);
        database_run(db, "UPDATE attempt SET publish_id = NULL");
    }
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM attempt WHERE state = 6"
                                         " AND reason = 'upload_expired'"),
                     3);
}
END_TEST

START_TEST(an_attempt_that_led_nowhere_is_superseded)
{
    uint64_t post = post_in(JOB_SCHEDULED, -10);

    claim_one(post, 9);
    ck_assert_int_eq(intend(1), RC_OK);
    ck_assert_int_eq(intend(2), RC_OK);
    ck_assert_str_eq(
        database_text(db,
                      "SELECT CONCAT(state, reason) FROM attempt WHERE attempt_no = 1"),
        "6superseded");
    /* Its session came after all: too late, nobody may use it. */
    {
        const struct job_session session = {
            .publish_id = "late", .upload_url = "u", .upload_url_len = 1};

        ck_assert_int_eq(job_persist(db, &ref, 1, &session, &err), RC_CONFLICT);
    }
    ck_assert_int_eq(job_grant(db, &ref, 1, &err), RC_CONFLICT);
}
END_TEST

START_TEST(only_a_dead_session_of_that_post_is_called_dead)
{
    static const bool expected[] = {false, true, false, true, false};
    const char *ids[] = {"none", "dead", "ready", "dead", "dead"};
    uint64_t post = post_like(&situations[5]);
    uint64_t other = post_like(&situations[4]);
    bool dead;

    database_run(db,
                 "UPDATE attempt SET publish_id = 'dead', proven = 1"
                 " WHERE post_id = %" PRIu64,
                 post);
    database_run(db, "UPDATE attempt SET publish_id = 'ready' WHERE post_id = %" PRIu64,
                 other);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        uint64_t of = i == 2 || i == 4 ? other : post;

        dead = !expected[i];
        ck_assert_int_eq(job_attempt_is_dead(db, of, ids[i], &dead, &err), RC_OK);
        ck_assert_msg(dead == expected[i], "%zu", i);
    }
}
END_TEST

START_TEST(a_session_without_proof_of_its_death_may_be_out)
{
    uint64_t post = post_like(&situations[4]);
    bool dead = true;

    database_run(db, "UPDATE attempt SET publish_id = 'mine' WHERE post_id = %" PRIu64,
                 post);
    ck_assert_int_eq(
        job_give_up(db, &ref, attempt_no_of(post), "publish_id_unknown", &err), RC_OK);
    ck_assert_int_eq(job_attempt_is_dead(db, post, "mine", &dead, &err), RC_OK);
    ck_assert(!dead);
    database_run(db, "UPDATE attempt SET state = 2 WHERE post_id = %" PRIu64, post);
    ck_assert_int_eq(job_attempt_dead(db, &ref, attempt_no_of(post), "failed", &err),
                     RC_OK);
    ck_assert_int_eq(job_attempt_is_dead(db, post, "mine", &dead, &err), RC_OK);
    ck_assert(dead);
}
END_TEST

START_TEST(a_granted_session_is_not_given_up_without_proof)
{
    for (size_t i = 6; i <= 7; i++) {
        uint64_t post = post_like(&situations[i]);

        ck_assert_int_eq(job_give_up(db, &ref, attempt_no_of(post), "why", &err),
                         RC_CONFLICT);
        ck_assert_int_eq(database_number(db,
                                         "SELECT state FROM attempt WHERE post_id ="
                                         " %" PRIu64,
                                         post),
                         situations[i].attempt);
    }
}
END_TEST

START_TEST(ends_say_when_to_look_again_and_why)
{
    static const struct {
        enum job_end how;
        size_t situation;
        int64_t in_ms; /* -1: never */
        int fails;
        const char *reason;
    } rows[] = {
        {JOB_END_LATER, 4, 7000, 3, "some_reason"},
        {JOB_END_FAIL, 4, -1, 2, "some_reason"},
        {JOB_END_BLOCK, 4, -1, 2, "some_reason"},
        {JOB_END_CANCELED, 4, -1, 2, "some_reason"},
        {JOB_END_RELEASE, 4, 0, 2, "before"},
        {JOB_END_REVIEW, 6, -1, 2, "some_reason"},
        {JOB_END_HANDOVER, 6, 0, 2, "before"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t post = post_like(&situations[rows[i].situation]);
        int64_t next;

        database_run(db,
                     "UPDATE job SET fails = 2, crashes = 3, last_reason = 'before'"
                     " WHERE post_id = %" PRIu64,
                     post);
        ck_assert_int_eq(end(rows[i].how), RC_OK);
        next = database_number(
            db,
            "SELECT IF(next_at = 9223372036854775807, -1, next_at - " SQL_NOW
            ") FROM job WHERE post_id = %" PRIu64,
            post);
        if (rows[i].in_ms < 0)
            ck_assert_int_eq(next, -1);
        else
            ck_assert_int_le(llabs(next - rows[i].in_ms), 3000);
        ck_assert_str_eq(
            database_text(db,
                          "SELECT CONCAT_WS(' ', owner, fails, crashes, last_reason)"
                          " FROM job WHERE post_id = %" PRIu64,
                          post),
            database_text(db, "SELECT CONCAT_WS(' ', 0, %d, %d, '%s')", rows[i].fails,
                          rows[i].how == JOB_END_REVIEW ? 0 : 3, rows[i].reason));
    }
}
END_TEST

START_TEST(a_code_of_tiktoks_never_breaks_a_write)
{
    static const char *const codes[] = {
        "", "plain_code", "with space & \xc3\xa9!",
        "a_code_that_is_far_longer_than_any_column_of_ours_would_ever_take_it_to_be_ok"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        const struct job_ending fail = {.how = JOB_END_FAIL, .reason = codes[i]};
        const struct job_outcome odd = {codes[i], "", NULL};

        (void)post_like(&situations[4]);
        ck_assert_int_eq(job_attempt_dead(db, &ref, 1, codes[i], &err), RC_OK);
        ck_assert_int_eq(job_end(db, &ref, &fail, &err), RC_OK);
        (void)post_like(&situations[6]);
        ck_assert_int_eq(job_published(db, &ref, 1, &odd, &err), RC_OK);
    }
}
END_TEST

/* --- an answer that was lost --------------------------------------------------- */

static void uncertain_grant(const char *rule, unsigned granted)
{
    uint64_t post = post_like(&situations[4]);
    struct job_facts f;

    (void)setenv("TTS_FAULT", rule, 1);
    fault_reload();
    ck_assert_int_eq(do_grant(), RC_UNCERTAIN);
    ck_assert_int_eq(job_load(db, &ref, &f, &err), RC_OK);
    ck_assert_uint_eq(f.granted, granted);
    job_facts_release(&f);
    ck_assert_int_eq(do_grant(), granted == 0 ? RC_OK : RC_CONFLICT);
    ck_assert_int_eq(job_state_of(post), JOB_COMMITTED);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM job_event WHERE kind = %d",
                                     EVENT_GRANTED),
                     1);
}

START_TEST(a_grant_that_was_not_heard_is_found_out_by_reading)
{
    uncertain_grant("db.commit_unsent:error", 0);
}
END_TEST

START_TEST(a_grant_whose_answer_was_lost_is_found_out_by_reading)
{
    uncertain_grant("db.commit_unanswered:error", 1);
}
END_TEST

/* --- races --------------------------------------------------------------------- */

/* What the API does, as store/posts does it in its essence. */
static const char cancel_sql[] =
    "UPDATE job SET state = 6, fence = fence + 1, owner = 0, next_at = ?"
    " WHERE post_id = ? AND state IN (1, 2, 8) AND granted = 0";

static enum rc cancel(struct db *conn, uint64_t post, struct err *e)
{
    const struct sql_arg args[] = {sql_i64(SQL_NEVER), sql_u64(post)};

    return db_exec_one(conn, cancel_sql, SQL_ARGS(args), e);
}

START_TEST(a_cancel_that_came_first_wins_over_a_waiting_grant)
{
    struct db *web = database_open();
    uint64_t post = post_like(&situations[4]);

    ck_assert_int_eq(cancel(web, post, &err), RC_OK);
    ck_assert_int_eq(do_grant(), RC_CONFLICT);
    ck_assert_int_eq(job_state_of(post), JOB_CANCELED);
    ck_assert_int_eq(attempt_state_of(post), ATTEMPT_READY);
    db_free(web);
}
END_TEST

START_TEST(a_grant_that_came_first_wins_over_a_cancel)
{
    struct db *web = database_open();
    uint64_t post = post_like(&situations[4]);

    ck_assert_int_eq(do_grant(), RC_OK);
    ck_assert_int_eq(cancel(web, post, &err), RC_CONFLICT);
    ck_assert_int_eq(job_state_of(post), JOB_COMMITTED);
    db_free(web);
}
END_TEST

struct racer {
    pthread_barrier_t *start;
    struct db *db;
    uint64_t post;
    int64_t rows;
    enum rc rc;
    struct err err;
};

static void *race_cancel(void *arg)
{
    struct racer *r = arg;

    (void)pthread_barrier_wait(r->start);
    r->rc = cancel(r->db, r->post, &r->err);
    return NULL;
}

START_TEST(of_a_grant_and_a_cancel_at_the_same_moment_exactly_one_wins)
{
    struct db *web = database_open();
    int granted = 0, canceled = 0;

    for (int round = 0; round < 100; round++) {
        uint64_t post = post_like(&situations[4]);
        pthread_barrier_t start;
        pthread_t thread;
        struct racer r = {.start = &start, .db = web, .post = post};
        enum rc rc;

        ck_assert_int_eq(pthread_barrier_init(&start, NULL, 2), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, race_cancel, &r), 0);
        (void)pthread_barrier_wait(&start);
        rc = job_grant(db, &ref, 1, &err);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        (void)pthread_barrier_destroy(&start);
        ck_assert_msg((rc == RC_OK) != (r.rc == RC_OK), "%s and %s", rc_name(rc),
                      rc_name(r.rc));
        ck_assert_int_eq(job_state_of(post), rc == RC_OK ? JOB_COMMITTED : JOB_CANCELED);
        ck_assert_int_eq(attempt_state_of(post),
                         rc == RC_OK ? ATTEMPT_GRANTED : ATTEMPT_READY);
        granted += rc == RC_OK;
        canceled += r.rc == RC_OK;
    }
    ck_assert_int_eq(granted + canceled, 100);
    db_free(web);
}
END_TEST

enum { CLAIMERS = 4, CONTESTED = 60 };

struct claimer {
    pthread_barrier_t *start;
    struct db *db;
    const uint64_t *posts;
    struct job_claimed out[CONTESTED];
    struct job_claim c;
    enum rc rc;
    struct err err;
};

static void *race_claim(void *arg)
{
    struct claimer *c = arg;

    (void)pthread_barrier_wait(c->start);
    c->rc = job_claim(c->db, &c->c, &c->err);
    return NULL;
}

START_TEST(every_post_is_claimed_once_however_many_want_it)
{
    static struct claimer claimers[CLAIMERS];
    uint64_t posts[CONTESTED], reversed[CONTESTED];
    pthread_barrier_t start;
    pthread_t threads[CLAIMERS];
    size_t taken = 0;

    for (size_t i = 0; i < CONTESTED; i++) {
        posts[i] = post_in(JOB_SCHEDULED, -10);
        reversed[CONTESTED - 1 - i] = posts[i];
    }
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, CLAIMERS), 0);
    for (size_t i = 0; i < CLAIMERS; i++) {
        struct claimer *c = &claimers[i];

        *c = (struct claimer){.start = &start, .db = database_open()};
        seed_publisher(db, 100 + i);
        c->c = (struct job_claim){.inc = 100 + i,
                                  .post_ids = i % 2 == 0 ? posts : reversed,
                                  .n = CONTESTED,
                                  .out = c->out};
        ck_assert_int_eq(db_ping(c->db, &err), RC_OK);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race_claim, c), 0);
    }
    for (size_t i = 0; i < CLAIMERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_msg(claimers[i].rc == RC_OK, "%s", claimers[i].err.msg);
        taken += claimers[i].c.len;
        for (size_t k = 0; k < claimers[i].c.len; k++)
            ck_assert_uint_eq(claimers[i].out[k].fence, 1);
        db_free(claimers[i].db);
    }
    ck_assert_uint_eq(taken, CONTESTED);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM job WHERE fence = 1"),
                     CONTESTED);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM job_event WHERE kind = %d",
                                     EVENT_CLAIMED),
                     CONTESTED);
    (void)pthread_barrier_destroy(&start);
}
END_TEST

/* A process that was stopped, declared dead and let go on would take posts that nobody
 * would give back. */
START_TEST(a_publisher_whose_lease_was_ended_claims_nothing)
{
    uint64_t post = post_in(JOB_SCHEDULED, -10);
    struct job_claimed claimed;
    struct job_claim c = {.inc = INC, .post_ids = &post, .n = 1, .out = &claimed};

    database_run(db, "DELETE FROM publisher WHERE inc = %d", INC);
    ck_assert_int_eq(job_claim(db, &c, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "lost");
    ck_assert_uint_eq(c.len, 0);
    ck_assert_int_eq(job_state_of(post), JOB_SCHEDULED);
}
END_TEST

START_TEST(a_claim_takes_what_is_due_and_not_what_is_held)
{
    uint64_t posts[] = {post_in(JOB_SCHEDULED, -10), post_in(JOB_SCHEDULED, 60000),
                        post_in(JOB_SCHEDULED, -10), 999999999};
    struct job_claimed out[ARRAY_LEN(posts)];
    struct job_claim c = {.inc = 9, .post_ids = posts, .n = ARRAY_LEN(posts), .out = out};

    seed_publisher(db, 9);
    seed_publisher(db, 10);
    ck_assert_int_eq(job_claim(db, &c, &err), RC_OK);
    ck_assert_uint_eq(c.len, 2);
    ck_assert_int_eq(
        database_number(db, "SELECT next_at FROM job WHERE post_id = %" PRIu64, posts[0]),
        c.now_ms + JOB_PHASE_MS);
    /* The same publisher once more, in the same moment or not: nothing is left. */
    ck_assert_int_eq(job_claim(db, &c, &err), RC_OK);
    ck_assert_uint_eq(c.len, 0);
    /* Its phase ran out: whoever comes takes it, under a new fence. */
    database_run(db, "UPDATE job SET next_at = 0 WHERE post_id = %" PRIu64, posts[0]);
    c.inc = 10;
    ck_assert_int_eq(job_claim(db, &c, &err), RC_OK);
    ck_assert_uint_eq(c.len, 1);
    ck_assert_uint_eq(out[0].fence, 2);
    c.n = 0;
    ck_assert_int_eq(job_claim(db, &c, &err), RC_OK);
    ck_assert_uint_eq(c.len, 0);
    ck_assert_int_gt(c.now_ms, 0);
}
END_TEST

START_TEST(a_claim_tells_what_its_accounts_window_held_up)
{
    uint64_t posts[] = {post_in(JOB_SCHEDULED, -10), post_in(JOB_SCHEDULED, -60000)};
    struct job_claimed out[ARRAY_LEN(posts)];
    struct job_claim c = {.inc = INC,
                          .post_ids = posts,
                          .n = ARRAY_LEN(posts),
                          .waited = &posts[1],
                          .waited_n = 1,
                          .out = out};
    const char *const told = "SELECT COUNT(*) FROM job_event WHERE post_id = %" PRIu64
                             " AND kind = 20 AND JSON_VALUE(data, '$.code') ="
                             " 'account_window'";

    ck_assert_int_eq(job_claim(db, &c, &err), RC_OK);
    ck_assert_uint_eq(c.len, 2);
    ck_assert_int_eq(database_number(db, told, posts[0]), 0);
    ck_assert_int_eq(database_number(db, told, posts[1]), 1);
}
END_TEST

/* --- heartbeats, sweeps -------------------------------------------------------- */

START_TEST(a_beat_prolongs_what_is_ours_and_names_what_is_lost)
{
    struct job_ref refs[6];
    uint64_t lost[6];
    struct job_beat beat = {.inc = INC, .refs = refs, .n = 6, .lost = lost};

    for (size_t i = 0; i < 6; i++) {
        (void)post_like(&situations[i < 3 ? 4 : 6]);
        refs[i] = ref;
    }
    database_run(db, "UPDATE job SET owner = 1 WHERE post_id = %" PRIu64,
                 refs[1].post_id);
    database_run(db, "UPDATE job SET fence = 6 WHERE post_id = %" PRIu64,
                 refs[3].post_id);
    database_run(db, "UPDATE job SET state = 4 WHERE post_id = %" PRIu64,
                 refs[5].post_id);
    ck_assert_int_eq(job_beat(db, &beat, &err), RC_OK);
    ck_assert_uint_eq(beat.lost_len, 3);
    ck_assert_uint_eq(lost[0], refs[1].post_id);
    ck_assert_uint_eq(lost[1], refs[3].post_id);
    ck_assert_uint_eq(lost[2], refs[5].post_id);
    ck_assert_int_gt(database_number(db,
                                     "SELECT next_at - " SQL_NOW
                                     " FROM job WHERE post_id = %" PRIu64,
                                     refs[0].post_id),
                     JOB_PHASE_MS - 5000);
    ck_assert_int_lt(database_number(db,
                                     "SELECT next_at - " SQL_NOW
                                     " FROM job WHERE post_id = %" PRIu64,
                                     refs[1].post_id),
                     0);
}
END_TEST

START_TEST(beats_go_beyond_one_statement)
{
    enum { MANY = JOB_CLAIM_MAX + 50 };
    static struct job_ref refs[MANY];
    static uint64_t lost[MANY];
    struct job_beat beat = {.inc = INC, .refs = refs, .n = MANY, .lost = lost};

    for (size_t i = 0; i < MANY; i++)
        refs[i] = (struct job_ref){.post_id = 1000000 + i, .fence = 1, .inc = INC};
    (void)post_like(&situations[4]);
    refs[MANY - 1] = ref;
    ck_assert_int_eq(job_beat(db, &beat, &err), RC_OK);
    ck_assert_uint_eq(beat.lost_len, MANY - 1);
}
END_TEST

/* n jobs made by one statement, due at base_ms + k from now. */
static void many_jobs(int n, int state, int64_t base_ms, bool never)
{
    database_run(db,
                 "INSERT INTO post (account_id, list_at, workspace_id, created_by, kind,"
                 " created_at, updated_at) SELECT %" PRIu64 " + seq MOD 7, seq, %" PRIu64
                 ", %" PRIu64 ", 1, 0, 0 FROM seq_1_to_%d",
                 seed.account, seed.workspace, seed.user, n);
    database_run(db,
                 "INSERT INTO job (post_id, workspace_id, account_id, state, next_at,"
                 " updated_at) SELECT post_id, workspace_id, account_id, %d,"
                 " IF(%d, 9223372036854775807, " SQL_NOW " + %" PRId64
                 " + list_at DIV 3),"
                 " 0 FROM post p WHERE NOT EXISTS (SELECT 1 FROM job j"
                 " WHERE j.post_id = p.post_id)",
                 state, never, base_ms);
}

static int64_t rows_walked(void)
{
    return database_number(db, "SELECT SUM(variable_value) FROM"
                               " information_schema.session_status WHERE variable_name IN"
                               " ('HANDLER_READ_NEXT', 'HANDLER_READ_RND_NEXT')");
}

START_TEST(a_sweep_finds_what_is_overdue_and_walks_over_nothing_else)
{
    struct job_hint hints[JOB_SWEEP_MAX];
    const struct job_shards all = {0, JOB_SHARDS - 1};
    size_t len = 0;
    uint64_t late;
    int64_t before;

    database_run(db, "SET FOREIGN_KEY_CHECKS = 0");
    many_jobs(3000, JOB_PUBLISHED, 0, true);
    many_jobs(500, JOB_SCHEDULED, 600000, false);
    late = post_in(JOB_SCHEDULED, -5000);
    (void)post_in(JOB_SCHEDULED, -10);
    ck_assert_int_eq(job_sweep(db, all, 1500, hints, &len, &err), RC_OK);
    ck_assert_uint_eq(len, 1);
    ck_assert_uint_eq(hints[0].post_id, late);
    ck_assert_uint_eq(hints[0].account_id, seed.account);
    before = rows_walked();
    ck_assert_int_eq(job_sweep(db, all, 1500, hints, &len, &err), RC_OK);
    ck_assert_int_lt(rows_walked() - before, 1200); /* reading the counters costs most */
    ck_assert_int_eq(job_sweep(db, all, 0, hints, &len, &err), RC_OK);
    ck_assert_uint_eq(len, 2);
    ck_assert_int_eq(job_sweep(db, all, -3600000, hints, &len, &err), RC_OK);
    ck_assert_uint_eq(len, JOB_SWEEP_MAX);
}
END_TEST

START_TEST(shards_divide_the_work)
{
    struct job_hint hints[JOB_SWEEP_MAX];
    size_t len = 0, sum = 0;

    database_run(db, "SET FOREIGN_KEY_CHECKS = 0");
    many_jobs(200, JOB_SCHEDULED, -600000, false);
    for (unsigned first = 0; first < JOB_SHARDS; first += 128) {
        const struct job_shards part = {first, first + 127};

        ck_assert_int_eq(job_sweep(db, part, 0, hints, &len, &err), RC_OK);
        for (size_t i = 0; i < len; i++)
            ck_assert_uint_eq(hints[i].account_id % JOB_SHARDS / 128, first / 128);
        sum += len;
    }
    ck_assert_uint_eq(sum, 200);
}
END_TEST

START_TEST(what_is_coming_is_read_in_pages_that_lose_nothing)
{
    static bool seen[4000];
    struct job_hint hints[JOB_SWEEP_MAX];
    struct job_cursor cursor = {0};
    size_t len = 0, sum = 0, pages = 0;
    int64_t first;

    database_run(db, "SET FOREIGN_KEY_CHECKS = 0");
    many_jobs(1300, JOB_SCHEDULED, -200, false); /* three posts to each millisecond */
    many_jobs(100, JOB_PUBLISHED, 0, true);
    (void)post_in(JOB_SCHEDULED, 7200000);
    first = database_number(db, "SELECT MIN(post_id) FROM job");
    database_run(db,
                 "UPDATE job SET state = 2, owner = 7 WHERE post_id = %" PRId64
                 " OR post_id = %" PRId64,
                 first + 40, first + 1299); /* held, so nobody needs a hint */
    do {
        ck_assert_int_eq(job_upcoming(db, 3600000, &cursor, hints, &len, &err), RC_OK);
        for (size_t i = 0; i < len; i++) {
            size_t k = (size_t)(hints[i].post_id - (uint64_t)first);

            ck_assert_msg(!seen[k], "twice");
            seen[k] = true;
            ck_assert(i == 0 || hints[i].next_at_ms >= hints[i - 1].next_at_ms);
        }
        sum += len;
        pages++;
    } while (len == JOB_SWEEP_MAX);
    ck_assert_uint_eq(sum, 1298);
    ck_assert(!seen[40] && !seen[1299]);
    ck_assert_uint_eq(pages, 3);
}
END_TEST

/* --- blocked posts come free --------------------------------------------------- */

START_TEST(a_reconnect_frees_what_waited_for_it_and_nothing_else)
{
    static const struct {
        int state;
        const char *reason;
        bool freed;
    } rows[] = {
        {JOB_BLOCKED, "reconnect_needed", true},
        {JOB_BLOCKED, "account_disconnected", true},
        {JOB_BLOCKED, "scope_missing", true},
        {JOB_BLOCKED, "spam_risk_too_many_posts", false},
        {JOB_FAILED, "reconnect_needed", false},
        {JOB_CANCELED, "account_disconnected", false},
        {JOB_REVIEW, "reconnect_needed", false},
    };
    uint64_t posts[ARRAY_LEN(rows)], other;
    uint64_t other_account = seed_account(db, seed.workspace, seed.user);
    int64_t freed = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        posts[i] = post_in(rows[i].state, i == 0 ? -60000 : 86400000);
        database_run(db,
                     "UPDATE job SET last_reason = '%s', next_at = 9223372036854775807,"
                     " fails = 4 WHERE post_id = %" PRIu64,
                     rows[i].reason, posts[i]);
    }
    other = post_in(JOB_BLOCKED, 1000);
    database_run(db,
                 "UPDATE job SET last_reason = 'reconnect_needed', account_id = %" PRIu64
                 " WHERE post_id = %" PRIu64,
                 other_account, other);
    ck_assert_int_eq(job_unblock(db, seed.account, &freed, &err), RC_OK);
    ck_assert_int_eq(freed, 3);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(job_state_of(posts[i]) ==
                          (rows[i].freed ? JOB_SCHEDULED : rows[i].state),
                      "%s", rows[i].reason);
    ck_assert_int_eq(job_state_of(other), JOB_BLOCKED);
    ck_assert_int_eq(last_event_of(posts[0]), EVENT_UNBLOCKED);
    /* One that is overdue is looked at now, others a while before their time. */
    ck_assert_int_eq(
        database_number(db,
                        "SELECT COUNT(*) FROM job WHERE fails = 0 AND last_reason = ''"
                        " AND fence = 1 AND ((post_id = %" PRIu64
                        " AND next_at <= " SQL_NOW ") OR (post_id = %" PRIu64
                        " AND next_at BETWEEN due_at - 1200000"
                        " AND due_at - 2000))",
                        posts[0], posts[1]),
        2);
    ck_assert_int_eq(job_unblock(db, seed.account, &freed, &err), RC_OK);
    ck_assert_int_eq(freed, 0);
}
END_TEST

START_TEST(more_blocked_posts_than_one_look_finds_all_come_free)
{
    int64_t freed = 0;

    database_run(db, "SET FOREIGN_KEY_CHECKS = 0");
    many_jobs(1000, JOB_BLOCKED, 0, true);
    database_run(
        db, "UPDATE job SET account_id = %" PRIu64 ", last_reason = 'reconnect_needed'",
        seed.account);
    ck_assert_int_eq(job_unblock(db, seed.account, &freed, &err), RC_OK);
    ck_assert_int_eq(freed, 1000);
}
END_TEST

static void *unblock_at_once(void *arg)
{
    struct racer *r = arg;
    int64_t freed = -1;

    r->rc = job_unblock(r->db, seed.account, &freed, &r->err);
    r->rows = freed;
    return NULL;
}

/* What a person edits while it is being freed has lost its consent, so it stays. */
START_TEST(a_post_that_is_edited_while_it_comes_free_stays_blocked)
{
    struct racer r = {.db = database_open()};
    uint64_t post = post_in(JOB_BLOCKED, 86400000);
    pthread_t thread;

    database_run(db, "UPDATE job SET last_reason = 'reconnect_needed'");
    database_run(db, "BEGIN");
    database_run(db, "UPDATE job SET last_reason = 'edited', fence = fence + 1");
    ck_assert_int_eq(pthread_create(&thread, NULL, unblock_at_once, &r), 0);
    database_await_waiter(db);
    database_run(db, "COMMIT");
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(r.rc == RC_OK, "%s: %s", r.err.code, r.err.msg);
    ck_assert_int_eq(r.rows, 0);
    ck_assert_int_eq(job_state_of(post), JOB_BLOCKED);
    db_free(r.db);
}
END_TEST

static const char *last_data(void)
{
    return database_text(db, "SELECT data FROM job_event ORDER BY event_id DESC LIMIT 1");
}

/* TikTok's support asks for the log id of the answer that went wrong. */
START_TEST(an_end_tells_why_by_which_answer_and_until_when)
{
    struct job_ending ending = {.how = JOB_END_LATER,
                                .reason = "tiktok_unavailable",
                                .log_id = "20261126-a",
                                .wait_ms = 4000};
    char want[128];
    int64_t next_ms, when_ms;

    (void)post_like(&situations[3]);
    ck_assert_int_eq(job_end(db, &ref, &ending, &err), RC_OK);
    ck_assert_int_eq(last_event_of(ref.post_id), EVENT_LATER);
    next_ms = database_number(db, "SELECT next_at FROM job WHERE post_id = %" PRIu64,
                              ref.post_id);
    when_ms = database_number(db, "SELECT JSON_VALUE(data, '$.when') FROM job_event"
                                  " ORDER BY event_id DESC LIMIT 1");
    ck_assert_int_le(when_ms, next_ms);
    ck_assert_int_gt(when_ms, next_ms - 2000);
    (void)snprintf(want, sizeof(want),
                   "{\"code\":\"tiktok_unavailable\",\"log_id\":\"20261126-a\","
                   "\"when\":%" PRId64 "}",
                   when_ms);
    ck_assert_str_eq(last_data(), want);
    (void)post_like(&situations[3]);
    ending.how = JOB_END_FAIL;
    ending.late = true; /* by the next try it would have been too late */
    ck_assert_int_eq(job_end(db, &ref, &ending, &err), RC_OK);
    ck_assert_int_eq(last_event_of(ref.post_id), EVENT_GIVEN_UP);
    ck_assert_str_eq(last_data(),
                     "{\"code\":\"tiktok_unavailable\",\"log_id\":\"20261126-a\"}");
    ck_assert_int_eq(database_number(db, "SELECT state FROM job WHERE post_id = %" PRIu64,
                                     ref.post_id),
                     JOB_FAILED);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM notification"
                                         " WHERE kind = 'post.failed'"),
                     1);
}
END_TEST

START_TEST(what_was_sent_is_counted_though_tiktok_refuses_it_then)
{
    (void)post_like(&situations[6]);
    database_run(db, "UPDATE attempt SET bytes_total = 100, bytes_acked = 0");
    ck_assert_int_eq(job_sent(db, &ref, attempt_no_of(ref.post_id), &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT bytes_acked FROM attempt"), 100);
}
END_TEST

START_TEST(a_note_is_a_line_of_the_timeline)
{
    (void)post_like(&situations[4]);
    ck_assert_int_eq(job_note(db, &ref, EVENT_STATUS, "{\"code\":\"WORD\"}", &err),
                     RC_OK);
    ck_assert_str_eq(database_text(db, "SELECT CONCAT_WS(' ', kind, fence, inc, data)"
                                       " FROM job_event"),
                     "26 5 77 {\"code\":\"WORD\"}");
}
END_TEST

DATABASE_MAIN("store_jobs", setup, teardown,
              every_write_is_for_certain_states_and_changes_nothing_in_others,
              every_write_is_refused_under_another_fence_owner_or_workspace,
              the_engine_refuses_a_second_live_attempt,
              a_publish_id_belongs_to_one_attempt_only,
              a_post_goes_all_the_way_and_its_facts_are_read_on_it,
              a_post_may_be_limited_by_a_pause_a_cap_or_because_it_is_a_draft,
              a_dead_attempt_makes_room_for_another,
              an_attempt_that_led_nowhere_is_superseded,
              only_a_dead_session_of_that_post_is_called_dead,
              a_session_without_proof_of_its_death_may_be_out,
              a_granted_session_is_not_given_up_without_proof,
              ends_say_when_to_look_again_and_why, a_code_of_tiktoks_never_breaks_a_write,
              a_grant_that_was_not_heard_is_found_out_by_reading,
              a_grant_whose_answer_was_lost_is_found_out_by_reading,
              a_cancel_that_came_first_wins_over_a_waiting_grant,
              a_grant_that_came_first_wins_over_a_cancel,
              of_a_grant_and_a_cancel_at_the_same_moment_exactly_one_wins,
              every_post_is_claimed_once_however_many_want_it,
              a_claim_takes_what_is_due_and_not_what_is_held,
              a_claim_tells_what_its_accounts_window_held_up,
              a_publisher_whose_lease_was_ended_claims_nothing,
              a_beat_prolongs_what_is_ours_and_names_what_is_lost,
              beats_go_beyond_one_statement,
              a_sweep_finds_what_is_overdue_and_walks_over_nothing_else,
              shards_divide_the_work, what_is_coming_is_read_in_pages_that_lose_nothing,
              a_reconnect_frees_what_waited_for_it_and_nothing_else,
              more_blocked_posts_than_one_look_finds_all_come_free,
              a_post_that_is_edited_while_it_comes_free_stays_blocked,
              an_end_tells_why_by_which_answer_and_until_when,
              what_was_sent_is_counted_though_tiktok_refuses_it_then,
              a_note_is_a_line_of_the_timeline)
