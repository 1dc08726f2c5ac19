/* store/posts: what can be done with a post in each state, what it then is, and that what
 * was refused has changed nothing. Two connections at once: exactly one wins. */
#include "core/xalloc.h"
#include "database.h"
#include "store/accounts.h"
#include "store/events.h"
#include "store/posts.h"

#include <inttypes.h>
#include <pthread.h>
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
    actor =
        (struct actor){.workspace_id = seed.workspace, .user_id = seed.user, .ip = ""};
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

static enum rc agree(void *ctx UNUSED, const struct post_content *content UNUSED,
                     struct post_basis *basis UNUSED, struct err *e UNUSED)
{
    return RC_OK;
}

static enum rc refuse(void *ctx UNUSED, const struct post_content *content UNUSED,
                      struct post_basis *basis UNUSED, struct err *e)
{
    return err_set(e, RC_INVALID, "invalid", "No.");
}

static enum rc leave(void *ctx UNUSED, const struct post *was UNUSED,
                     struct post_content *content UNUSED, struct err *e UNUSED)
{
    return RC_OK;
}

/* What an edit puts in; NULL and 0: leave it. */
static struct {
    const char *caption;
    int64_t publish_at_ms;
    const char *zone;
    uint64_t media_id, account_id;
    int consent; /* 1: given, -1: taken back */
} wish;

static enum rc edit(void *ctx UNUSED, const struct post *was UNUSED,
                    struct post_content *c, struct err *e UNUSED)
{
    if (wish.caption != NULL) {
        free(c->caption);
        c->caption = xstrdup(wish.caption);
    }
    if (wish.publish_at_ms != 0)
        c->publish_at_ms = wish.publish_at_ms;
    if (wish.zone != NULL)
        (void)snprintf(c->timezone, sizeof(c->timezone), "%s", wish.zone);
    if (wish.media_id != 0) {
        c->media_ids[0] = wish.media_id;
        c->media_n = 1;
    }
    if (wish.account_id != 0)
        c->account_id = wish.account_id;
    if (wish.consent != 0)
        c->music_usage = wish.consent > 0;
    return RC_OK;
}

static uint64_t created(int64_t due_in_ms)
{
    struct post_content c;
    const struct post_new in = {.actor = &actor, .content = &c, .check = agree};
    struct post post;
    uint64_t id;

    post_init(&c);
    c.account_id = seed.account;
    c.media_ids[0] = seed.media;
    c.media_n = 1;
    c.publish_at_ms = due_in_ms != 0 ? now_ms + due_in_ms : 0;
    c.music_usage = true;
    (void)strcpy(c.timezone, "UTC");
    ok(posts_create(db, &in, &post, &err));
    id = post.id;
    posts_release(&post);
    post_release(&c);
    return id;
}

/* A post in a phase, with the attempt that goes with it, in a publisher's hands. */
static uint64_t placed(enum post_phase phase, bool granted, const char *reason)
{
    uint64_t id = created(HOUR_MS);

    database_run(db,
                 "UPDATE job SET state = %d, granted = %d, attempt_no = 1, fence = 7,"
                 " owner = 3, fails = 2, crashes = 1, last_reason = '%s'"
                 " WHERE post_id = %" PRIu64,
                 (int)phase, granted ? 1 : 0, reason, id);
    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, created_at, updated_at) VALUES (%" PRIu64 ", 1, %" PRIu64
                 ", %d, 1, 7, 0, 0)",
                 id, seed.workspace, granted ? 3 : 2);
    return id;
}

/* --- one deed ------------------------------------------------------------------ */

enum deed {
    CHANGE,
    SCHEDULE,
    PUBLISH_NOW,
    RETRY,
    CANCEL,
    SAY_PUBLISHED,
    SAY_NOT_PUBLISHED,
    HIDE,
    DEEDS,
};

static const enum post_deed changes[] = {
    [CHANGE] = DEED_CHANGE,
    [SCHEDULE] = DEED_SCHEDULE,
    [PUBLISH_NOW] = DEED_PUBLISH_NOW,
    [RETRY] = DEED_RETRY,
};

static enum rc do_deed(struct db *on, const struct actor *who, enum deed deed,
                       struct post_ref ref, struct post *out, struct err *e)
{
    struct post_change change = {.actor = who,
                                 .post_id = ref.post_id,
                                 .version = ref.version,
                                 .edit = edit,
                                 .check = agree};
    static const struct post_verdict yes = {true, "7300000000000000001"},
                                     no = {false, NULL};
    bool replayed;

    switch (deed) {
    case CHANGE:
    case SCHEDULE:
    case PUBLISH_NOW:
    case RETRY:
        change.deed = changes[deed];
        return posts_change(on, &change, out, &replayed, e);
    case CANCEL:
        return posts_cancel(on, who, ref, out, e);
    case SAY_PUBLISHED:
        return posts_resolve(on, who, ref, &yes, out, e);
    case SAY_NOT_PUBLISHED:
        return posts_resolve(on, who, ref, &no, out, e);
    case HIDE:
    case DEEDS:
        break;
    }
    return posts_hide(on, who, ref, e);
}

/* All that a deed could have touched, as one text. */
static const char *rows_of(uint64_t id)
{
    return database_text(
        db,
        "SELECT MD5(CONCAT_WS('|', (SELECT CONCAT_WS(',', account_id, list_at, media_ids,"
        " caption, tz, consent, content_ver, tiktok_post_ids, published_at, updated_at,"
        " hidden_at) FROM post WHERE post_id = j.post_id),"
        " j.account_id, j.state, j.due_at, j.next_at, j.sched_ver, j.fence, j.owner,"
        " j.attempt_no, j.granted, j.fails, j.crashes, j.last_reason, j.updated_at,"
        " (SELECT GROUP_CONCAT(CONCAT_WS(',', state, reason)) FROM attempt"
        " WHERE post_id = j.post_id), (SELECT GROUP_CONCAT(media_id) FROM post_media"
        " WHERE post_id = j.post_id),"
        " (SELECT COUNT(*) FROM job_event WHERE post_id = j.post_id)))"
        " FROM job j WHERE post_id = %" PRIu64,
        id);
}

/* --- every state times every deed ---------------------------------------------- */

static const struct row {
    enum post_phase phase;
    bool granted;
    const char *reason;
    const char *may; /* a letter a deed: . done, w wrong_status, l too_late, u unknown */
} table[] = {
    /*                                                 CSNR XPNH */
    {PHASE_DRAFT, false, "", "...wwww."},
    {PHASE_SCHEDULED, false, "", ".w.w.www"},
    {PHASE_SCHEDULED, false, "tiktok_unavailable", ".w.w.www"},
    {PHASE_RUNNING, false, "", "lwww.www"},
    {PHASE_COMMITTED, true, "", "lwwwlwww"},
    {PHASE_PUBLISHED, true, "", "lwwwwwww"},
    {PHASE_FAILED, false, "missed", "....www."},
    {PHASE_CANCELED, false, "", "...wwww."},
    {PHASE_REVIEW, true, "outcome_unknown", "luuuu..w"},
    {PHASE_REVIEW, false, "witness_conflict", "luuuu..w"},
    {PHASE_REVIEW, false, "second_live_attempt", "luuuu..w"},
    {PHASE_REVIEW, true, "crashed_often", "luuuu..w"},
    {PHASE_REVIEW, false, "crashed_often", ".....www"},
    {PHASE_BLOCKED, false, "reconnect_needed", ".....www"},
};

static const char *code_of(char letter)
{
    return letter == 'w'   ? "wrong_status"
           : letter == 'l' ? "too_late"
                           : "outcome_unknown";
}

static void expect_refusal(const struct row *row, enum deed deed)
{
    uint64_t id = placed(row->phase, row->granted, row->reason);
    char before[40];
    struct post out;
    enum rc rc;

    (void)snprintf(before, sizeof(before), "%s", rows_of(id));
    ck_assert_uint_eq(strlen(before), 32);
    rc = do_deed(db, &actor, deed, (struct post_ref){.post_id = id}, &out, &err);
    ck_assert_msg(rc == RC_CONFLICT, "phase %d, deed %d", (int)row->phase, (int)deed);
    ck_assert_msg(strcmp(err.code, code_of(row->may[deed])) == 0, "phase %d, deed %d: %s",
                  (int)row->phase, (int)deed, err.code);
    ck_assert_msg(strlen(err.msg) > 20, "%s", err.msg);
    ck_assert_str_eq(rows_of(id), before);
}

static void expect_done(const struct row *row, enum deed deed)
{
    uint64_t id = placed(row->phase, row->granted, row->reason);
    struct post out = {0};
    int64_t events = database_number(
        db, "SELECT COUNT(*) FROM job_event WHERE post_id = %" PRIu64, id);

    wish.caption = deed == CHANGE ? "changed" : NULL;
    wish.publish_at_ms = deed == SCHEDULE ? now_ms + 2 * HOUR_MS : 0;
    ok(do_deed(db, &actor, deed, (struct post_ref){.post_id = id}, &out, &err));
    ck_assert_msg(
        database_number(db,
                        "SELECT fence = 8 AND sched_ver = 2 AND (owner = 0 OR %d)"
                        " FROM job WHERE post_id = %" PRIu64,
                        deed == HIDE, id) == 1,
        "phase %d, deed %d: every writer of before is fenced off", (int)row->phase,
        (int)deed);
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM job_event WHERE"
                                     " post_id = %" PRIu64 " AND user_id = %" PRIu64,
                                     id, seed.user),
                     events + 1);
    if (deed != HIDE)
        ck_assert_uint_eq(out.version, 2);
    posts_release(&out);
}

START_TEST(every_deed_is_done_or_refused_in_every_state)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        for (int deed = CHANGE; deed < DEEDS; deed++) {
            if (table[i].may[deed] == '.')
                expect_done(&table[i], (enum deed)deed);
            else
                expect_refusal(&table[i], (enum deed)deed);
        }
    }
}
END_TEST

START_TEST(an_old_version_is_refused_whatever_the_state)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        for (int deed = CHANGE; deed < DEEDS; deed++) {
            uint64_t id = placed(table[i].phase, table[i].granted, table[i].reason);
            char before[40];
            struct post out;

            (void)snprintf(before, sizeof(before), "%s", rows_of(id));
            ck_assert_int_eq(do_deed(db, &actor, (enum deed)deed,
                                     (struct post_ref){id, 9}, &out, &err),
                             RC_CONFLICT);
            ck_assert_str_eq(err.code, "version_mismatch");
            ck_assert_str_eq(rows_of(id), before);
        }
    }
}
END_TEST

START_TEST(a_stranger_finds_nothing_to_do)
{
    uint64_t workspace = seed_workspace(db);
    struct actor stranger = {.workspace_id = workspace,
                             .user_id = seed_user(db, workspace)};

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        for (int deed = CHANGE; deed < DEEDS; deed++) {
            uint64_t id = placed(table[i].phase, table[i].granted, table[i].reason);
            char before[40];
            struct post out;

            (void)snprintf(before, sizeof(before), "%s", rows_of(id));
            ck_assert_int_eq(do_deed(db, &stranger, (enum deed)deed,
                                     (struct post_ref){.post_id = id}, &out, &err),
                             RC_NOT_FOUND);
            ck_assert_str_eq(rows_of(id), before);
        }
    }
}
END_TEST

START_TEST(a_hidden_post_cannot_be_touched)
{
    for (int deed = CHANGE; deed < DEEDS; deed++) {
        uint64_t id = placed(PHASE_FAILED, false, "missed");
        char before[40];
        struct post out;

        ok(posts_hide(db, &actor, (struct post_ref){.post_id = id}, &err));
        (void)snprintf(before, sizeof(before), "%s", rows_of(id));
        ck_assert_int_eq(do_deed(db, &actor, (enum deed)deed,
                                 (struct post_ref){.post_id = id}, &out, &err),
                         RC_NOT_FOUND);
        ck_assert_str_eq(rows_of(id), before);
    }
}
END_TEST

/* --- what a deed makes of a post ----------------------------------------------- */

static int64_t number(uint64_t id, const char *what)
{
    return database_number(db,
                           "SELECT %s FROM job j JOIN post p USING (post_id)"
                           " WHERE post_id = %" PRIu64,
                           what, id);
}

static int64_t attempt_state(uint64_t id)
{
    return database_number(db, "SELECT state FROM attempt WHERE post_id = %" PRIu64, id);
}

static int64_t last_event(uint64_t id)
{
    return database_number(db,
                           "SELECT kind FROM job_event WHERE post_id = %" PRIu64
                           " ORDER BY event_id DESC LIMIT 1",
                           id);
}

static struct post done(enum deed deed, uint64_t id)
{
    struct post out = {0};

    ok(do_deed(db, &actor, deed, (struct post_ref){.post_id = id}, &out, &err));
    return out;
}

START_TEST(scheduling_begins_anew)
{
    static const enum post_phase from[] = {PHASE_DRAFT, PHASE_FAILED, PHASE_CANCELED,
                                           PHASE_BLOCKED};

    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        uint64_t id = placed(from[i], false, "missed");
        struct post out;

        wish.publish_at_ms = now_ms + 2 * HOUR_MS;
        wish.zone = "Europe/Berlin";
        out = done(SCHEDULE, id);
        ck_assert_int_eq(out.phase, PHASE_SCHEDULED);
        ck_assert_str_eq(out.reason, "");
        ck_assert_int_eq(out.content.publish_at_ms, now_ms + 2 * HOUR_MS);
        ck_assert_str_eq(out.content.timezone, "Europe/Berlin");
        ck_assert_int_eq(number(id, "due_at - next_at"), 31800);
        ck_assert_int_eq(number(id, "list_at"), now_ms + 2 * HOUR_MS);
        ck_assert_int_eq(number(id, "fails + crashes"), 0);
        ck_assert_int_eq(number(id, "JSON_VALUE(consent, '$.user')"), (int64_t)seed.user);
        ck_assert_int_eq(last_event(id), EVENT_SCHEDULED);
        ck_assert_int_eq(attempt_state(id), 2); /* the same content may go on */
        posts_release(&out);
    }
}
END_TEST

START_TEST(now_is_the_databases_now)
{
    uint64_t id = placed(PHASE_SCHEDULED, false, "");
    struct post out = done(PUBLISH_NOW, id);

    ck_assert_int_ge(out.content.publish_at_ms, now_ms);
    ck_assert_int_le(out.content.publish_at_ms, out.now_ms);
    ck_assert_int_eq(number(id, "due_at - next_at"), 0);
    ck_assert_int_eq(number(id, "list_at - due_at"), 0);
    ck_assert_int_eq(last_event(id), EVENT_PUBLISH_NOW);
    posts_release(&out);

    id = placed(PHASE_FAILED, false, "missed");
    out = done(RETRY, id);
    ck_assert_int_eq(out.phase, PHASE_SCHEDULED);
    ck_assert_int_ge(out.content.publish_at_ms, now_ms);
    ck_assert_int_eq(last_event(id), EVENT_RETRIED);
    posts_release(&out);
}
END_TEST

START_TEST(another_time_is_nothing_but_that)
{
    uint64_t id = placed(PHASE_SCHEDULED, false, "tiktok_unavailable");
    struct post out;

    wish.publish_at_ms = now_ms + 5 * HOUR_MS;
    out = done(CHANGE, id);
    ck_assert_int_eq(out.phase, PHASE_SCHEDULED);
    ck_assert_str_eq(out.reason, "");
    ck_assert_uint_eq(out.content_ver, 1);
    ck_assert_int_eq(number(id, "next_at"), now_ms + 5 * HOUR_MS - 31800);
    ck_assert_int_eq(attempt_state(id), 2);
    ck_assert_int_eq(last_event(id), EVENT_MOVED);
    ck_assert_str_ne(database_text(db, "SELECT consent FROM post"), "");
    posts_release(&out);
}
END_TEST

START_TEST(other_content_writes_off_what_tiktok_has)
{
    uint64_t id = placed(PHASE_SCHEDULED, false, "");
    struct post out;

    wish.caption = "other";
    wish.media_id = seed_media(db, seed.workspace, seed.user);
    wish.account_id = seed_account(db, seed.workspace, seed.user);
    out = done(CHANGE, id);
    ck_assert_str_eq(out.content.caption, "other");
    ck_assert_uint_eq(out.content_ver, 2);
    ck_assert_uint_eq(out.media[0].id, wish.media_id);
    ck_assert_int_eq(number(id, "j.account_id"), (int64_t)wish.account_id);
    ck_assert_int_eq(number(id, "p.account_id"), (int64_t)wish.account_id);
    ck_assert_int_eq(attempt_state(id), 6);
    ck_assert_str_eq(database_text(db, "SELECT reason FROM attempt"), "edited");
    ck_assert_int_eq(last_event(id), EVENT_CHANGED);
    ck_assert_int_eq(number(id, "JSON_VALUE(consent, '$.content_ver')"), 2);
    posts_release(&out);
}
END_TEST

START_TEST(nothing_changed_is_nothing_written)
{
    uint64_t id = placed(PHASE_SCHEDULED, false, "");
    char before[40];
    struct post out;

    (void)snprintf(before, sizeof(before), "%s", rows_of(id));
    out = done(CHANGE, id);
    ck_assert_str_eq(rows_of(id), before);
    ck_assert_uint_eq(out.version, 1);
    posts_release(&out);
}
END_TEST

START_TEST(a_changed_post_that_waited_must_be_scheduled_again)
{
    static const enum post_phase from[] = {PHASE_FAILED, PHASE_BLOCKED, PHASE_REVIEW};

    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        uint64_t id = placed(from[i], false, "reconnect_needed");
        struct post out;

        memset(&wish, 0, sizeof(wish));
        wish.publish_at_ms = now_ms + 3 * HOUR_MS; /* a time alone changes nothing */
        out = done(CHANGE, id);
        ck_assert_int_eq(out.phase, from[i]);
        ck_assert_str_eq(out.reason, "reconnect_needed");
        posts_release(&out);
        wish.caption = "changed";
        wish.consent = -1;
        out = done(CHANGE, id);
        ck_assert_int_eq(out.phase, from[i]);
        ck_assert_str_eq(out.reason, "edited");
        ck_assert(!out.content.music_usage);
        ck_assert_int_eq(number(id, "next_at = 9223372036854775807"), 1);
        posts_release(&out);
    }
}
END_TEST

START_TEST(a_draft_remembers_a_wish_and_stays_a_draft)
{
    uint64_t id = created(0);
    struct post out;

    wish.publish_at_ms = 5; /* even one that is past */
    out = done(CHANGE, id);
    ck_assert_int_eq(out.phase, PHASE_DRAFT);
    ck_assert_int_eq(out.content.publish_at_ms, 5);
    ck_assert_int_eq(number(id, "list_at"), 5);
    ck_assert_int_eq(number(id, "next_at = 9223372036854775807"), 1);
    posts_release(&out);
}
END_TEST

START_TEST(a_canceled_post_is_out_of_every_hand)
{
    uint64_t id = placed(PHASE_RUNNING, false, "");
    struct post out = done(CANCEL, id);

    ck_assert_int_eq(out.phase, PHASE_CANCELED);
    ck_assert_int_eq(number(id, "next_at = 9223372036854775807 AND owner = 0"), 1);
    ck_assert_int_eq(attempt_state(id), 6);
    ck_assert_int_eq(last_event(id), EVENT_CANCELED);
    posts_release(&out);
}
END_TEST

START_TEST(a_person_decides_what_nobody_knows)
{
    uint64_t id = placed(PHASE_REVIEW, true, "outcome_unknown");
    struct post out = done(SAY_PUBLISHED, id);

    ck_assert_int_eq(out.phase, PHASE_PUBLISHED);
    ck_assert_str_eq(out.reason, "said_published");
    ck_assert_str_eq(out.tiktok_post_id, "7300000000000000001");
    ck_assert_int_ge(out.published_ms, now_ms);
    ck_assert_int_eq(number(id, "granted"), 1);
    ck_assert_int_eq(attempt_state(id), 5);
    ck_assert_int_eq(last_event(id), EVENT_RESOLVED);
    posts_release(&out);

    id = placed(PHASE_REVIEW, true, "outcome_unknown");
    out = done(SAY_NOT_PUBLISHED, id);
    ck_assert_int_eq(out.phase, PHASE_FAILED);
    ck_assert_str_eq(out.reason, "said_not_published");
    ck_assert_int_eq(number(id, "granted"), 0);
    ck_assert_int_eq(attempt_state(id), 6); /* so that another may be granted */
    posts_release(&out);
    out = done(RETRY, id);
    ck_assert_int_eq(out.phase, PHASE_SCHEDULED);
    posts_release(&out);
}
END_TEST

START_TEST(a_check_that_refuses_changes_nothing)
{
    uint64_t id = placed(PHASE_SCHEDULED, false, "");
    struct post_change change = {.actor = &actor,
                                 .post_id = id,
                                 .deed = DEED_CHANGE,
                                 .edit = edit,
                                 .check = refuse};
    char before[40];
    struct post out;
    bool replayed;

    wish.caption = "wrong";
    (void)snprintf(before, sizeof(before), "%s", rows_of(id));
    ck_assert_int_eq(posts_change(db, &change, &out, &replayed, &err), RC_INVALID);
    ck_assert_str_eq(rows_of(id), before);
}
END_TEST

START_TEST(a_key_does_an_action_once)
{
    struct post_key key = {{1}, {2}};
    uint64_t id = placed(PHASE_FAILED, false, "missed");
    struct post_change change = {.actor = &actor,
                                 .post_id = id,
                                 .deed = DEED_PUBLISH_NOW,
                                 .edit = leave,
                                 .check = agree,
                                 .key = &key};
    struct post out;
    bool replayed = true;

    ok(posts_change(db, &change, &out, &replayed, &err));
    ck_assert(!replayed);
    ck_assert_uint_eq(out.version, 2);
    posts_release(&out);
    ok(posts_change(db, &change, &out, &replayed, &err));
    ck_assert(replayed);
    ck_assert_uint_eq(out.version, 2);
    posts_release(&out);
    key.body[0] = 9;
    ck_assert_int_eq(posts_change(db, &change, &out, &replayed, &err), RC_INVALID);
    ck_assert_str_eq(err.code, "idempotency_key_reused");

    database_run(db, "UPDATE idempotency_key SET created_at = created_at - %d",
                 POST_KEY_LIFE_MS + 1);
    ok(posts_change(db, &change, &out, &replayed, &err));
    ck_assert(!replayed);
    posts_release(&out);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM idempotency_key"), 1);
}
END_TEST

/* --- two at once --------------------------------------------------------------- */

/* A thread with a connection of its own, which does its part when all are ready. */
struct racer {
    pthread_barrier_t *start;
    void (*run)(struct racer *r);
    struct db *db;
    uint64_t id;
    int64_t rows;     /* what its update matched */
    enum rc rc, gone; /* gone: of the end of its account */
    struct err err, gone_err;
};

static void *race(void *arg)
{
    struct racer *r = arg;

    (void)pthread_barrier_wait(r->start);
    r->run(r);
    return NULL;
}

static void race_all(struct racer *racers, unsigned n)
{
    pthread_t threads[8];
    pthread_barrier_t start;

    ck_assert_uint_le(n, ARRAY_LEN(threads));
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, n), 0);
    for (unsigned i = 0; i < n; i++) {
        racers[i].start = &start;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    (void)pthread_barrier_destroy(&start);
}

static void run_cancel(struct racer *r)
{
    struct post out = {0};

    r->rc =
        posts_cancel(r->db, &actor, (struct post_ref){.post_id = r->id}, &out, &r->err);
    if (r->rc == RC_OK)
        posts_release(&out);
}

/* GRANT of docs/publishing.md, as a publisher says it. */
static void run_grant(struct racer *r)
{
    database_run(r->db,
                 "UPDATE job SET state = 3, granted = 1 WHERE post_id = %" PRIu64
                 " AND fence = 7 AND owner = 3 AND state = 2 AND granted = 0"
                 " AND attempt_no = 1",
                 r->id);
}

START_TEST(of_cancel_and_grant_exactly_one_wins)
{
    struct racer racers[2] = {{.run = run_cancel, .db = database_open()},
                              {.run = run_grant, .db = database_open()}};
    unsigned canceled = 0, granted = 0;

    for (int round = 0; round < 200; round++) {
        uint64_t id = placed(PHASE_RUNNING, false, "");
        int64_t state;

        racers[round % 2].id = racers[(round + 1) % 2].id = id;
        race_all(racers, 2);
        state = number(id, "state");
        if (racers[0].rc == RC_OK) {
            canceled++;
            ck_assert_int_eq(state, PHASE_CANCELED);
            ck_assert_int_eq(number(id, "granted"), 0);
        } else {
            granted++;
            ck_assert_str_eq(racers[0].err.code, "too_late");
            ck_assert_int_eq(state, PHASE_COMMITTED);
        }
    }
    ck_assert_uint_eq(canceled + granted, 200);
    db_free(racers[0].db);
    db_free(racers[1].db);
}
END_TEST

static void run_change(struct racer *r)
{
    struct post out = {0};

    r->rc = do_deed(r->db, &actor, CHANGE, (struct post_ref){.post_id = r->id}, &out,
                    &r->err);
    if (r->rc == RC_OK)
        posts_release(&out);
}

/* CLAIM, as a publisher says it. */
static void run_claim(struct racer *r)
{
    database_run(r->db,
                 "UPDATE job SET state = 2, owner = 9, fence = fence + 1"
                 " WHERE post_id IN (%" PRIu64 ") AND state IN (1, 2, 3)"
                 " AND next_at <= %" PRId64,
                 r->id, now_ms + 10 * HOUR_MS);
}

START_TEST(a_change_and_a_claim_never_mix)
{
    struct racer racers[2] = {{.run = run_change, .db = database_open()},
                              {.run = run_claim, .db = database_open()}};

    wish.caption = "changed";
    for (int round = 0; round < 100; round++) {
        uint64_t id = placed(PHASE_SCHEDULED, false, "");
        bool is_changed;

        racers[0].id = racers[1].id = id;
        race_all(racers, 2);
        is_changed = number(id, "caption = 'changed'") == 1;
        ck_assert_int_eq(number(id, "state"), PHASE_RUNNING);
        ck_assert_int_eq(racers[0].rc == RC_OK, is_changed);
        if (!is_changed)
            ck_assert_str_eq(racers[0].err.code, "too_late");
        else /* changed before it was claimed, or claimed with the old fence */
            ck_assert_int_eq(number(id, "fence"), 9);
    }
    db_free(racers[0].db);
    db_free(racers[1].db);
}
END_TEST

static void run_create(struct racer *r)
{
    static const struct post_key key = {{5}, {6}};
    struct post_content c;
    const struct post_new in = {
        .actor = &actor, .content = &c, .key = &key, .check = agree};
    struct post out = {0};
    bool found = false;

    post_init(&c);
    c.account_id = seed.account;
    c.media_ids[0] = seed.media;
    c.media_n = 1;
    r->rc = posts_create(r->db, &in, &out, &r->err);
    if (r->rc == RC_CONFLICT && strcmp(r->err.code, "duplicate") == 0)
        r->rc = posts_by_key(r->db, seed.workspace, &key, &out, &found, &r->err);
    if (r->rc == RC_OK) {
        r->id = out.id;
        posts_release(&out);
    }
    post_release(&c);
}

START_TEST(one_key_sent_many_times_at_once_makes_one_post)
{
    struct racer racers[6] = {{.run = run_create}};

    for (unsigned i = 0; i < ARRAY_LEN(racers); i++) {
        racers[i].run = run_create;
        racers[i].db = database_open();
    }
    for (int round = 0; round < 20; round++) {
        database_run(db, "DELETE FROM post");
        race_all(racers, ARRAY_LEN(racers));
        ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM post"), 1);
        for (unsigned i = 0; i < ARRAY_LEN(racers); i++) {
            ck_assert_msg(racers[i].rc == RC_OK, "%s: %s", racers[i].err.code,
                          racers[i].err.msg);
            ck_assert_uint_eq(racers[i].id, racers[0].id);
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(racers); i++)
        db_free(racers[i].db);
}
END_TEST

static void run_now(struct racer *r)
{
    static const struct post_key key = {{7}, {8}};
    const struct post_change change = {.actor = &actor,
                                       .post_id = r->id,
                                       .deed = DEED_PUBLISH_NOW,
                                       .edit = leave,
                                       .check = agree,
                                       .key = &key};
    struct post out = {0};
    bool replayed;

    r->rc = posts_change(r->db, &change, &out, &replayed, &r->err);
    r->rows = replayed;
    if (r->rc == RC_OK)
        posts_release(&out);
}

START_TEST(an_action_sent_many_times_at_once_is_done_once)
{
    struct racer racers[4] = {{.run = run_now}};
    unsigned real;

    for (unsigned i = 0; i < ARRAY_LEN(racers); i++) {
        racers[i].run = run_now;
        racers[i].db = database_open();
    }
    for (int round = 0; round < 20; round++) {
        uint64_t id = placed(PHASE_FAILED, false, "missed");

        database_run(db, "DELETE FROM idempotency_key");
        real = 0;
        for (unsigned i = 0; i < ARRAY_LEN(racers); i++)
            racers[i].id = id;
        race_all(racers, ARRAY_LEN(racers));
        for (unsigned i = 0; i < ARRAY_LEN(racers); i++) {
            ck_assert_msg(racers[i].rc == RC_OK, "%s: %s", racers[i].err.code,
                          racers[i].err.msg);
            real += racers[i].rows == 0 ? 1 : 0;
        }
        ck_assert_uint_eq(real, 1);
        ck_assert_int_eq(number(id, "sched_ver"), 2);
    }
    for (unsigned i = 0; i < ARRAY_LEN(racers); i++)
        db_free(racers[i].db);
}
END_TEST

/* --- a post and the end of its account ----------------------------------------- */

/* As tts-api judges: only an account that is connected gets scheduled posts. */
static enum rc if_connected(void *ctx UNUSED, const struct post_content *content UNUSED,
                            struct post_basis *basis, struct err *e)
{
    return basis->account_usable
               ? RC_OK
               : err_set(e, RC_CONFLICT, "reconnect_needed", "Reconnect it first.");
}

static void create_scheduled(struct racer *r, post_check_fn check)
{
    struct post_content c;
    const struct post_new in = {.actor = &actor, .content = &c, .check = check, .ctx = r};
    struct post out = {0};

    post_init(&c);
    c.account_id = seed.account;
    c.media_ids[0] = seed.media;
    c.media_n = 1;
    c.publish_at_ms = now_ms + HOUR_MS;
    r->rc = posts_create(r->db, &in, &out, &r->err);
    if (r->rc == RC_OK) {
        r->id = out.id;
        posts_release(&out);
    }
    post_release(&c);
}

static void schedule(struct racer *r, post_check_fn check)
{
    const struct post_change change = {.actor = &actor,
                                       .post_id = r->id,
                                       .deed = DEED_SCHEDULE,
                                       .edit = edit,
                                       .check = check,
                                       .ctx = r};
    struct post out = {0};
    bool replayed;

    r->rc = posts_change(r->db, &change, &out, &replayed, &r->err);
    if (r->rc == RC_OK)
        posts_release(&out);
}

static void *create_if_connected(void *arg)
{
    create_scheduled(arg, if_connected);
    return NULL;
}

static void *schedule_if_connected(void *arg)
{
    schedule(arg, if_connected);
    return NULL;
}

START_TEST(who_waits_for_the_end_of_the_account_schedules_nothing)
{
    static void *(*const ways[])(void *) = {create_if_connected, schedule_if_connected};
    struct racer r = {.db = database_open()};
    uint64_t draft = created(0);
    pthread_t thread;

    wish.publish_at_ms = now_ms + HOUR_MS;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        r.id = draft;
        database_run(db, "UPDATE account SET status = 1");
        database_run(db, "BEGIN");
        database_run(db, "UPDATE account SET status = 3");
        ck_assert_int_eq(pthread_create(&thread, NULL, ways[i], &r), 0);
        database_await_waiter(db);
        database_run(db, "COMMIT");
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(r.rc, RC_CONFLICT);
        ck_assert_str_eq(r.err.code, "reconnect_needed");
        ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM job"), 1);
        ck_assert_int_eq(number(draft, "state"), PHASE_DRAFT);
    }
    db_free(r.db);
}
END_TEST

static void *disconnect(void *arg)
{
    struct racer *r = arg;
    struct db *own = database_open();
    bool changed = false;

    r->gone =
        account_disconnect(own, &actor, (struct account_ref){.account_id = seed.account},
                           &changed, &r->gone_err);
    db_free(own);
    return NULL;
}

static pthread_t parting;

/* The account is looked at, found connected, and only now disconnected by another. */
static enum rc disconnected_meanwhile(void *ctx,
                                      const struct post_content *content UNUSED,
                                      struct post_basis *basis, struct err *e UNUSED)
{
    ck_assert(basis->account_usable);
    ck_assert_int_eq(pthread_create(&parting, NULL, disconnect, ctx), 0);
    database_await_waiter(db);
    return RC_OK;
}

START_TEST(what_is_scheduled_before_the_end_of_the_account_is_stopped_by_it)
{
    struct racer r = {.db = database_open()};

    wish.publish_at_ms = now_ms + HOUR_MS;
    for (int i = 0; i < 2; i++) {
        database_run(db, "UPDATE account SET status = 1");
        r.id = created(0);
        if (i == 0)
            create_scheduled(&r, disconnected_meanwhile);
        else
            schedule(&r, disconnected_meanwhile);
        ck_assert_msg(r.rc == RC_OK, "%s: %s", r.err.code, r.err.msg);
        ck_assert_int_eq(pthread_join(parting, NULL), 0);
        ck_assert_msg(r.gone == RC_OK, "%s: %s", r.gone_err.code, r.gone_err.msg);
        ck_assert_int_eq(number(r.id, "state"), PHASE_BLOCKED);
    }
    db_free(r.db);
}
END_TEST

DATABASE_MAIN("store_posts_deeds", setup, teardown,
              every_deed_is_done_or_refused_in_every_state,
              an_old_version_is_refused_whatever_the_state,
              a_stranger_finds_nothing_to_do, a_hidden_post_cannot_be_touched,
              scheduling_begins_anew, now_is_the_databases_now,
              another_time_is_nothing_but_that, other_content_writes_off_what_tiktok_has,
              nothing_changed_is_nothing_written,
              a_changed_post_that_waited_must_be_scheduled_again,
              a_draft_remembers_a_wish_and_stays_a_draft,
              a_canceled_post_is_out_of_every_hand, a_person_decides_what_nobody_knows,
              a_check_that_refuses_changes_nothing, a_key_does_an_action_once,
              of_cancel_and_grant_exactly_one_wins, a_change_and_a_claim_never_mix,
              one_key_sent_many_times_at_once_makes_one_post,
              an_action_sent_many_times_at_once_is_done_once,
              who_waits_for_the_end_of_the_account_schedules_nothing,
              what_is_scheduled_before_the_end_of_the_account_is_stopped_by_it)
