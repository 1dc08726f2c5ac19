/* webhooks: kept as they come, claimed, and applied once, in any order. */
#include "core/attr.h"
#include "database.h"
#include "domain/account.h"
#include "domain/status.h"
#include "store/account_tokens.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/publishers.h"
#include "store/stmt.h"
#include "store/webhooks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { INC = 8 };

#define SIGNATURE "t=1,s=00"

static struct db *db;
static struct err err;
static struct seed seed;
static struct hook hooks[HOOK_BATCH];
static size_t len;
static struct hook_effect effect;

static void setup(void)
{
    db = database_seeded(&seed);
    len = 0;
}

static void release(void)
{
    for (size_t i = 0; i < len; i++)
        hook_release(&hooks[i]);
    len = 0;
}

static void teardown(void)
{
    release();
    db_free(db);
}

/* A body whose "hash" is its first bytes. */
static enum rc keep(const char *body, const char *signature)
{
    unsigned char hash[HOOK_HASH_SIZE] = {0};
    const struct hook_new hook = {
        .signature = signature, .hash = hash, .body = body, .len = strlen(body)};

    (void)snprintf((char *)hash, sizeof(hash), "%s", body);
    return hook_keep(db, &hook, &err);
}

static void kept(const char *body, const char *signature)
{
    ck_assert_int_eq(keep(body, signature), RC_OK);
}

static void claim(uint64_t inc, size_t max)
{
    release();
    ck_assert_int_eq(hook_claim(db, inc, hooks, max, &len, &err), RC_OK);
}

static int64_t rows(const char *where)
{
    return database_number(db, "SELECT COUNT(*) FROM webhook_inbox WHERE %s", where);
}

/* --- keeping and claiming ------------------------------------------------------ */

START_TEST(a_delivery_is_kept_as_it_came_and_claimed_with_all_it_says)
{
    static const char body[] = "{\"a\":\0 1}\xff\n";
    unsigned char hash[HOOK_HASH_SIZE] = {1, 2, 3};
    const struct hook_new hook = {
        .signature = SIGNATURE, .hash = hash, .body = body, .len = sizeof(body) - 1};

    ck_assert_int_eq(hook_keep(db, &hook, &err), RC_OK);
    claim(INC, HOOK_BATCH);
    ck_assert_uint_eq(len, 1);
    ck_assert_str_eq(hooks[0].signature, SIGNATURE);
    ck_assert_uint_eq(hooks[0].len, sizeof(body) - 1);
    ck_assert_mem_eq(hooks[0].body, body, sizeof(body));
    ck_assert_mem_eq(hooks[0].hash, hash, sizeof(hash));
    ck_assert_uint_eq(hooks[0].fence, 1);
    ck_assert_int_gt(hooks[0].received_ms, 1000);
    ck_assert_int_ge(hooks[0].age_ms, 0);
    claim(INC, HOOK_BATCH);
    ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(the_same_is_kept_once_and_a_forged_signature_shuts_no_other_out)
{
    kept("body", "t=1,s=forged");
    kept("body", SIGNATURE);
    kept("body", SIGNATURE);
    kept("other", SIGNATURE);
    ck_assert_int_eq(rows("1"), 3);
}
END_TEST

START_TEST(no_more_than_a_bounded_number_waits)
{
    database_run(db,
                 "INSERT INTO webhook_inbox (body_hash, signature, body, next_at,"
                 " received_at) SELECT UNHEX(SHA2(seq, 256)), 's', 'b', 0, 0"
                 " FROM seq_1_to_%d",
                 HOOK_WAITING_MAX - 1);
    kept("the last", SIGNATURE);
    ck_assert_int_eq(keep("one more", SIGNATURE), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "webhooks_full");
    ck_assert_int_eq(err.retry_after_ms, HOOK_AGAIN_MS);
    ck_assert_int_eq(rows("1"), HOOK_WAITING_MAX);
    /* What has ended does not count. */
    claim(INC, 1);
    ck_assert_int_eq(hook_ignore(db, &hooks[0], INC, "x", &err), RC_OK);
    kept("one more", SIGNATURE);
}
END_TEST

START_TEST(a_claim_takes_the_oldest_and_leaves_what_another_has)
{
    char body[16];

    for (int i = 0; i < HOOK_BATCH + 2; i++) {
        (void)snprintf(body, sizeof(body), "body %d", i);
        kept(body, SIGNATURE);
    }
    claim(INC, 1);
    ck_assert_str_eq(hooks[0].body, "body 0");
    claim(INC, HOOK_BATCH);
    ck_assert_uint_eq(len, HOOK_BATCH);
    ck_assert_str_eq(hooks[0].body, "body 1");
    claim(INC + 1, HOOK_BATCH);
    ck_assert_uint_eq(len, 1);
}
END_TEST

START_TEST(ends_are_refused_to_who_does_not_hold_it)
{
    struct hook old;

    kept("body", SIGNATURE);
    claim(INC, 1);
    old = hooks[0];
    ck_assert_int_eq(hook_ignore(db, &old, INC + 1, "x", &err), RC_CONFLICT);
    database_run(db, "UPDATE webhook_inbox SET next_at = 0");
    old.body = NULL;
    claim(INC, 1);
    ck_assert_uint_eq(hooks[0].fence, old.fence + 1);
    ck_assert_int_eq(hook_ignore(db, &old, INC, "x", &err), RC_CONFLICT);
    ck_assert_int_eq(hook_refuse(db, &old, INC, "x", "y", &err), RC_CONFLICT);
    ck_assert_int_eq(hook_drop(db, &old, INC, &err), RC_CONFLICT);
    ck_assert_int_eq(hook_later(db, &old, INC, 1, &err), RC_CONFLICT);
    ck_assert_int_eq(hook_ignore(db, &hooks[0], INC, "x", &err), RC_OK);
}
END_TEST

START_TEST(what_ended_says_how_and_a_forgery_leaves_nothing)
{
    kept("ignored", SIGNATURE);
    kept("refused", SIGNATURE);
    kept("forged", SIGNATURE);
    kept("later", SIGNATURE);
    claim(INC, HOOK_BATCH);
    ck_assert_int_eq(hook_ignore(db, &hooks[0], INC, "portability.download", &err),
                     RC_OK);
    ck_assert_int_eq(hook_refuse(db, &hooks[1], INC, "\x01 long", "too_old", &err),
                     RC_OK);
    ck_assert_int_eq(hook_drop(db, &hooks[2], INC, &err), RC_OK);
    ck_assert_int_eq(hook_later(db, &hooks[3], INC, 60000, &err), RC_OK);
    ck_assert_int_eq(rows("state = 4 AND event = 'portability.download'"
                          " AND reason = 'ignored' AND ended_at > 0 AND owner = 0"),
                     1);
    ck_assert_int_eq(
        rows("state = 5 AND event = '__long' AND reason = 'too_old' AND ended_at > 0"),
        1);
    ck_assert_int_eq(rows("state = 1 AND owner = 0 AND ended_at = 0"), 1);
    ck_assert_int_eq(rows("1"), 3);
    claim(INC, HOOK_BATCH);
    ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(a_dead_publishers_come_free_and_what_kills_them_all_is_refused)
{
    kept("poison", SIGNATURE);
    for (int i = 0; i < HOOK_CRASHES_MAX; i++) {
        int64_t freed = 0;
        int64_t now;
        uint64_t inc;

        ck_assert_int_eq(publisher_register(db, "host", 1, &inc, &now, &err), RC_OK);
        claim(inc, 1);
        ck_assert_uint_eq(len, 1);
        database_run(db, "UPDATE publisher SET lease_until = 0");
        ck_assert_int_eq(publisher_reap(db, &freed, &err), RC_OK);
        ck_assert_int_eq(hook_ignore(db, &hooks[0], inc, "x", &err), RC_CONFLICT);
    }
    claim(INC, 1);
    ck_assert_uint_eq(len, 0);
    ck_assert_int_eq(rows("state = 5 AND reason = 'internal'"), 1);
}
END_TEST

START_TEST(who_leaves_hands_his_back_uncounted)
{
    int64_t now;
    uint64_t inc;

    kept("body", SIGNATURE);
    ck_assert_int_eq(publisher_register(db, "host", 1, &inc, &now, &err), RC_OK);
    claim(inc, 1);
    ck_assert_int_eq(publisher_leave(db, inc, &err), RC_OK);
    ck_assert_int_eq(rows("state = 1 AND crashes = 0"), 1);
    claim(INC, 1);
    ck_assert_uint_eq(len, 1);
}
END_TEST

START_TEST(only_what_ended_long_ago_is_deleted)
{
    int64_t n = 0;

    kept("old", SIGNATURE);
    kept("young", SIGNATURE);
    kept("waits", SIGNATURE);
    claim(INC, 2);
    ck_assert_int_eq(hook_ignore(db, &hooks[0], INC, "", &err), RC_OK);
    ck_assert_int_eq(hook_refuse(db, &hooks[1], INC, "", "x", &err), RC_OK);
    database_run(db,
                 "UPDATE webhook_inbox SET ended_at = ended_at - %" PRId64
                 " - IF(body = 'old', 1000, -1000) WHERE ended_at > 0",
                 HOOK_KEPT_MS);
    database_run(db, "UPDATE webhook_inbox SET received_at = 0");
    ck_assert_int_eq(hook_purge(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(rows("body IN ('young', 'waits')"), 2);
}
END_TEST

/* --- news of a post ------------------------------------------------------------ */

#define OPEN_ID "open-of-the-seed"

/* A post whose attempt number 1 has publish_id "pub" in these states. */
static uint64_t post_in(int job_state, int attempt_state, unsigned granted)
{
    uint64_t id = seed_post(db, &seed, job_state, 0);

    database_run(db,
                 "UPDATE account SET open_id = '" OPEN_ID "' WHERE account_id = %" PRIu64,
                 seed.account);
    database_run(db,
                 "UPDATE job SET granted = %u, attempt_no = 1, fence = 3, owner = %d,"
                 " next_at = 9223372036854775807 WHERE post_id = %" PRIu64,
                 granted, job_state == 2 || job_state == 3 ? 77 : 0, id);
    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, publish_id, created_at, updated_at) VALUES (%" PRIu64
                 ", 1, %" PRIu64 ", %d, 1, 1, 'pub', 1, 1)",
                 id, seed.workspace, attempt_state);
    if (job_state == JOB_PUBLISHED)
        database_run(db, "UPDATE post SET published_at = 1 WHERE post_id = %" PRIu64, id);
    return id;
}

static const char *const names[] = {
    [HOOK_NEWS_FAILED] = "post.publish.failed",
    [HOOK_NEWS_COMPLETE] = "post.publish.complete",
    [HOOK_NEWS_IN_INBOX] = "post.publish.inbox_delivered",
    [HOOK_NEWS_PUBLIC] = "post.publish.publicly_available",
    [HOOK_NEWS_HIDDEN] = "post.publish.no_longer_publicaly_available",
};

/* Keeps a body, claims it and applies it as these news. */
static enum rc news(const char *body, const struct hook_post *post)
{
    struct hook_post said = *post;

    said.event = names[said.news];
    said.publish_id = said.publish_id != NULL ? said.publish_id : "pub";
    said.open_id = said.open_id != NULL ? said.open_id : OPEN_ID;
    said.post_id = said.post_id != NULL ? said.post_id : "";
    kept(body, SIGNATURE);
    claim(INC, 1);
    ck_assert_uint_eq(len, 1);
    effect = (struct hook_effect){.kind = HOOK_PARTED_OLD};
    return hook_apply_post(db, &hooks[0], INC, &said, &effect, &err);
}

static void told(const char *body, enum hook_news what)
{
    const struct hook_post post = {.news = what, .at_ms = 1};

    ck_assert_int_eq(news(body, &post), RC_OK);
}

static int64_t of_job(const char *column)
{
    return database_number(db, "SELECT %s FROM job", column);
}

static int64_t lines(enum event_kind kind)
{
    return database_number(db, "SELECT COUNT(*) FROM job_event WHERE kind = %d",
                           (int)kind);
}

static int64_t notices(const char *kind)
{
    return database_number(db, "SELECT COUNT(*) FROM notification WHERE kind = '%s'",
                           kind);
}

START_TEST(news_lead_to_what_the_posts_state_wants)
{
    static const struct {
        int job, attempt;
        unsigned granted;
        enum hook_news news;
        enum hook_effect_kind effect;
        int after; /* job.state */
        bool unexpected;
    } cases[] = {
        /* who holds it asks */
        {3, 3, 1, HOOK_NEWS_COMPLETE, HOOK_ASKED, 3, false},
        {3, 4, 1, HOOK_NEWS_FAILED, HOOK_ASKED, 3, false},
        {3, 4, 1, HOOK_NEWS_IN_INBOX, HOOK_ASKED, 3, false},
        {3, 4, 1, HOOK_NEWS_PUBLIC, HOOK_ASKED, 3, false},
        /* nobody knew: somebody will ask again */
        {7, 4, 1, HOOK_NEWS_COMPLETE, HOOK_REOPENED, 3, false},
        {7, 3, 1, HOOK_NEWS_FAILED, HOOK_REOPENED, 3, false},
        /* it is out already */
        {4, 5, 1, HOOK_NEWS_COMPLETE, HOOK_NOTED, 4, false},
        {4, 5, 1, HOOK_NEWS_PUBLIC, HOOK_STORED, 4, false},
        {4, 5, 1, HOOK_NEWS_HIDDEN, HOOK_STORED, 4, false},
        {4, 5, 1, HOOK_NEWS_FAILED, HOOK_NOTED, 4, true},
        /* a dead session is out after all: not once more without a person */
        {1, 6, 0, HOOK_NEWS_COMPLETE, HOOK_DOUBTED, 7, true},
        {2, 6, 0, HOOK_NEWS_PUBLIC, HOOK_DOUBTED, 7, true},
        {5, 6, 0, HOOK_NEWS_COMPLETE, HOOK_DOUBTED, 7, true},
        {6, 6, 0, HOOK_NEWS_IN_INBOX, HOOK_DOUBTED, 7, true},
        {8, 6, 0, HOOK_NEWS_COMPLETE, HOOK_DOUBTED, 7, true},
        {7, 6, 0, HOOK_NEWS_COMPLETE, HOOK_NOTED, 7, true},
        {3, 6, 2, HOOK_NEWS_COMPLETE, HOOK_NOTED, 3, true},
        {4, 6, 2, HOOK_NEWS_COMPLETE, HOOK_NOTED, 4, true},
        /* and a dead one that failed is what was known */
        {1, 6, 0, HOOK_NEWS_FAILED, HOOK_NOTED, 1, false},
        {5, 6, 0, HOOK_NEWS_FAILED, HOOK_NOTED, 5, false},
        /* not granted as far as the database knows */
        {2, 2, 0, HOOK_NEWS_COMPLETE, HOOK_NOTED, 2, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t id;

        database_empty(db);
        seed = seed_all(db);
        id = post_in(cases[i].job, cases[i].attempt, cases[i].granted);
        told("body", cases[i].news);
        ck_assert_msg(effect.kind == cases[i].effect, "row %zu: %s", i,
                      hook_effect_name(effect.kind));
        ck_assert_msg(of_job("state") == cases[i].after, "row %zu: state %" PRId64, i,
                      of_job("state"));
        ck_assert_msg(effect.unexpected == cases[i].unexpected, "row %zu", i);
        ck_assert_uint_eq(effect.post_id, id);
        ck_assert_uint_eq(effect.account_id, seed.account);
        ck_assert_msg(lines(EVENT_WEBHOOK) == 1, "row %zu", i);
        ck_assert_int_eq(rows("state = 4 AND ended_at > 0"), 1);
    }
}
END_TEST

START_TEST(who_holds_a_post_is_named_and_one_that_nobody_holds_is_due)
{
    post_in(3, 4, 1);
    told("a", HOOK_NEWS_COMPLETE);
    ck_assert_uint_eq(effect.owner, 77);
    ck_assert_int_eq(of_job("next_at = 9223372036854775807"), 1);
    ck_assert_int_eq(of_job("fence"), 3);
    database_run(db, "UPDATE job SET owner = 0");
    told("b", HOOK_NEWS_COMPLETE);
    ck_assert_uint_eq(effect.owner, 0);
    ck_assert_int_eq(of_job("next_at <= " SQL_NOW), 1);
}
END_TEST

START_TEST(a_post_in_review_and_one_in_doubt_are_under_a_new_fence)
{
    post_in(7, 4, 1);
    told("a", HOOK_NEWS_COMPLETE);
    ck_assert_int_eq(of_job("fence"), 4);
    ck_assert_int_eq(of_job("owner"), 0);
    ck_assert_int_eq(of_job("next_at <= " SQL_NOW), 1);
    database_empty(db);
    seed = seed_all(db);
    post_in(2, 6, 0);
    told("a", HOOK_NEWS_COMPLETE);
    ck_assert_int_eq(of_job("fence"), 4);
    ck_assert_int_eq(of_job("owner"), 0);
    ck_assert_int_eq(of_job("next_at = 9223372036854775807"), 1);
    ck_assert_str_eq(database_text(db, "SELECT last_reason FROM job"), "outcome_unknown");
    ck_assert_int_eq(lines(EVENT_REVIEW), 1);
    ck_assert_int_eq(notices("post.attention"), 1);
}
END_TEST

START_TEST(the_timeline_says_which_event_came)
{
    post_in(3, 4, 1);
    told("a", HOOK_NEWS_IN_INBOX);
    ck_assert_str_eq(database_text(db, "SELECT data FROM job_event WHERE kind = %d",
                                   (int)EVENT_WEBHOOK),
                     "{\"attempt\":1,\"code\":\"post.publish.inbox_delivered\"}");
    ck_assert_str_eq(event_kind_name(EVENT_WEBHOOK), "webhook");
}
END_TEST

START_TEST(a_body_signed_anew_has_no_second_effect)
{
    const struct hook_post post = {.news = HOOK_NEWS_COMPLETE,
                                   .event = "post.publish.complete",
                                   .publish_id = "pub",
                                   .open_id = "",
                                   .post_id = ""};

    post_in(3, 4, 1);
    kept("body", "t=1,s=a");
    kept("body", "t=2,s=b");
    kept("another", "t=2,s=b");
    claim(INC, HOOK_BATCH);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(hook_apply_post(db, &hooks[0], INC, &post, &effect, &err), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_ASKED);
    ck_assert_int_eq(hook_apply_post(db, &hooks[1], INC, &post, &effect, &err), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_REPEATED);
    ck_assert_int_eq(hook_apply_post(db, &hooks[2], INC, &post, &effect, &err), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_ASKED);
    ck_assert_int_eq(lines(EVENT_WEBHOOK), 2);
    ck_assert_int_eq(rows("state = 4 AND reason = 'repeated'"), 1);
    /* And an applied row is nobody's any more. */
    ck_assert_int_eq(hook_apply_post(db, &hooks[0], INC, &post, &effect, &err),
                     RC_CONFLICT);
    ck_assert_int_eq(lines(EVENT_WEBHOOK), 2);
}
END_TEST

START_TEST(a_row_that_was_lost_has_no_effect)
{
    const struct hook_post post = {.news = HOOK_NEWS_PUBLIC,
                                   .event = "e",
                                   .publish_id = "pub",
                                   .open_id = OPEN_ID,
                                   .post_id = "7",
                                   .at_ms = 1};

    post_in(4, 5, 1);
    kept("body", SIGNATURE);
    claim(INC, 1);
    database_run(db, "UPDATE webhook_inbox SET fence = fence + 1");
    ck_assert_int_eq(hook_apply_post(db, &hooks[0], INC, &post, &effect, &err),
                     RC_CONFLICT);
    ck_assert_int_eq(lines(EVENT_WEBHOOK), 0);
    ck_assert_str_eq(database_text(db, "SELECT tiktok_post_ids FROM post"), "");
}
END_TEST

START_TEST(what_is_not_ours_is_said_and_changes_nothing)
{
    const struct hook_post unknown = {.news = HOOK_NEWS_COMPLETE, .publish_id = "other"};
    const struct hook_post foreign = {.news = HOOK_NEWS_COMPLETE, .open_id = "somebody"};
    const struct hook_post unsaid = {.news = HOOK_NEWS_COMPLETE, .open_id = ""};

    post_in(3, 4, 1);
    ck_assert_int_eq(news("a", &unknown), RC_NOT_FOUND);
    ck_assert_str_eq(err.code, "unknown_publish_id");
    ck_assert_int_eq(news("b", &foreign), RC_NOT_FOUND);
    ck_assert_str_eq(err.code, "account_mismatch");
    ck_assert_int_eq(lines(EVENT_WEBHOOK), 0);
    ck_assert_int_eq(rows("state = 2"), 2);
    ck_assert_int_eq(news("c", &unsaid), RC_OK);
}
END_TEST

/* --- what a published post shows ----------------------------------------------- */

static void seen(const char *body, enum hook_news what, const char *post_id,
                 int64_t at_ms)
{
    const struct hook_post post = {.news = what, .post_id = post_id, .at_ms = at_ms};

    ck_assert_int_eq(news(body, &post), RC_OK);
}

static int64_t visibility(void)
{
    return database_number(db, "SELECT visibility FROM post");
}

static const char *ids(void)
{
    return database_text(db, "SELECT tiktok_post_ids FROM post");
}

START_TEST(visibility_and_address_come_out_the_same_in_any_order)
{
    post_in(4, 5, 1);
    seen("public", HOOK_NEWS_PUBLIC, "71", 5000);
    ck_assert_int_eq(visibility(), VISIBILITY_PUBLIC);
    ck_assert_str_eq(ids(), "71");
    seen("hidden", HOOK_NEWS_HIDDEN, "71", 7000);
    ck_assert_int_eq(visibility(), VISIBILITY_HIDDEN);
    seen("late", HOOK_NEWS_PUBLIC, "72", 6000);
    ck_assert_int_eq(visibility(), VISIBILITY_HIDDEN);
    ck_assert_str_eq(ids(), "71,72");
    seen("again", HOOK_NEWS_PUBLIC, "71", 8000);
    ck_assert_int_eq(visibility(), VISIBILITY_PUBLIC);
    ck_assert_str_eq(ids(), "71,72");
    seen("without", HOOK_NEWS_PUBLIC, "", 9000);
    ck_assert_str_eq(ids(), "71,72");
}
END_TEST

START_TEST(ids_do_not_outgrow_their_column)
{
    post_in(4, 5, 1);
    database_run(db, "UPDATE post SET tiktok_post_ids = REPEAT('7', 701)");
    seen("public", HOOK_NEWS_PUBLIC, "8", 1);
    ck_assert_int_eq((int64_t)strlen(ids()), 701);
}
END_TEST

START_TEST(an_address_that_came_first_survives_the_confirmation)
{
    const struct job_outcome complete = {"PUBLISH_COMPLETE", "", NULL};
    const struct job_ref ref = {.workspace_id = seed.workspace, .fence = 3, .inc = 77};
    struct job_ref mine = ref;

    mine.post_id = post_in(3, 4, 1);
    seen("public", HOOK_NEWS_PUBLIC, "71", 5000);
    ck_assert_int_eq(effect.kind, HOOK_ASKED);
    ck_assert_int_eq(job_published(db, &mine, 1, &complete, &err), RC_OK);
    ck_assert_str_eq(ids(), "71");
    ck_assert_int_eq(visibility(), VISIBILITY_PUBLIC);
}
END_TEST

START_TEST(a_draft_that_the_person_posted_says_so_for_good)
{
    post_in(4, 5, 1);
    database_run(db, "UPDATE post SET mode = 2");
    database_run(db, "UPDATE attempt SET tiktok_status = 'SEND_TO_USER_INBOX'");
    told("delivered", HOOK_NEWS_IN_INBOX);
    ck_assert_int_eq(effect.kind, HOOK_NOTED);
    ck_assert_str_eq(database_text(db, "SELECT tiktok_status FROM attempt"),
                     "SEND_TO_USER_INBOX");
    told("complete", HOOK_NEWS_COMPLETE);
    ck_assert_int_eq(effect.kind, HOOK_STORED);
    ck_assert_str_eq(database_text(db, "SELECT tiktok_status FROM attempt"),
                     "PUBLISH_COMPLETE");
    told("delivered, late", HOOK_NEWS_IN_INBOX);
    ck_assert_str_eq(database_text(db, "SELECT tiktok_status FROM attempt"),
                     "PUBLISH_COMPLETE");
}
END_TEST

/* --- a permission that was withdrawn ------------------------------------------- */

static void connected_at(int64_t ms)
{
    database_run(db,
                 "UPDATE account SET open_id = '" OPEN_ID "', connected_at = %" PRId64
                 ", status = 1",
                 ms);
    database_run(db,
                 "REPLACE INTO account_token (account_id, workspace_id, access_tok,"
                 " access_exp, refresh_tok, refresh_exp, prev_refresh_tok, tok_ver,"
                 " rf_next, updated_at) VALUES (%" PRIu64 ", %" PRIu64
                 ", 'access', 9, 'refresh', 9, 'prev', 4, 5, 1)",
                 seed.account, seed.workspace);
}

static enum rc withdrawn(const char *body, const char *open_id, int64_t at_ms)
{
    const struct hook_removal removal = {.event = "authorization.removed",
                                         .open_id = open_id,
                                         .reason = "removed_by_person",
                                         .at_ms = at_ms};

    kept(body, SIGNATURE);
    claim(INC, 1);
    ck_assert_uint_eq(len, 1);
    return hook_apply_removal(db, &hooks[0], INC, &removal, &effect, &err);
}

START_TEST(a_withdrawal_ends_the_connection_and_stops_its_posts)
{
    (void)seed_post(db, &seed, JOB_SCHEDULED, 0);
    connected_at(10000);
    ck_assert_int_eq(withdrawn("body", OPEN_ID, 20000), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_PARTED);
    ck_assert_uint_eq(effect.account_id, seed.account);
    ck_assert_str_eq(database_text(db, "SELECT CONCAT(status, ' ', status_reason)"
                                       " FROM account"),
                     "2 removed_by_person");
    ck_assert_str_eq(database_text(db, "SELECT CONCAT(state, ' ', last_reason) FROM job"),
                     "8 reconnect_needed");
    ck_assert_int_eq(database_number(db, "SELECT LENGTH(access_tok) + LENGTH(refresh_tok)"
                                         " + (prev_refresh_tok IS NOT NULL)"
                                         " FROM account_token"),
                     0);
    ck_assert_int_eq(database_number(db, "SELECT tok_ver FROM account_token"), 5);
    ck_assert_int_eq(
        database_number(db, "SELECT rf_next = 9223372036854775807 FROM account_token"),
        1);
    ck_assert_int_eq(lines(EVENT_ACCOUNT_RECONNECT_NEEDED), 1);
    ck_assert_int_eq(lines(EVENT_BLOCKED), 1);
    ck_assert_int_eq(rows("state = 4 AND reason = 'parted'"), 1);
    /* Once more, signed anew or worded otherwise: nothing new to tell. */
    ck_assert_int_eq(withdrawn("worded otherwise", OPEN_ID, 21000), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_PARTED_OLD);
    ck_assert_int_eq(lines(EVENT_ACCOUNT_RECONNECT_NEEDED), 1);
    ck_assert_int_eq(notices("account.reconnect"), 1);
    /* Connected again and withdrawn again, it is told of again. */
    connected_at(30000);
    database_run(db, "UPDATE account_token SET tok_ver = 7");
    ck_assert_int_eq(withdrawn("later", OPEN_ID, 40000), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_PARTED);
    ck_assert_int_eq(notices("account.reconnect"), 2);
}
END_TEST

START_TEST(a_withdrawal_from_before_the_connection_changes_nothing)
{
    connected_at(10500);
    ck_assert_int_eq(withdrawn("before", OPEN_ID, 9000), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_OUTDATED);
    ck_assert_int_eq(database_number(db, "SELECT status FROM account"), 1);
    ck_assert_int_eq(database_number(db, "SELECT tok_ver FROM account_token"), 4);
    ck_assert_int_eq(lines(EVENT_ACCOUNT_RECONNECT_NEEDED), 0);
    /* While it is being connected, too. */
    database_run(db, "UPDATE account SET status = 2, status_reason = 'connecting'");
    ck_assert_int_eq(withdrawn("while", OPEN_ID, 20000), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_OUTDATED);
    ck_assert_int_eq(database_number(db, "SELECT tok_ver FROM account_token"), 4);
    /* In the very second it counts: TikTok says no more than seconds. */
    database_run(db, "UPDATE account SET status = 1, status_reason = ''");
    ck_assert_int_eq(withdrawn("within", OPEN_ID, 10000), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_PARTED);
}
END_TEST

START_TEST(a_withdrawal_that_we_asked_for_or_of_nobody_is_no_news)
{
    connected_at(10000);
    database_run(db, "UPDATE account SET status = 3");
    ck_assert_int_eq(withdrawn("ours", OPEN_ID, 20000), RC_OK);
    ck_assert_int_eq(effect.kind, HOOK_PARTED_OLD);
    ck_assert_int_eq(database_number(db, "SELECT tok_ver FROM account_token"), 4);
    ck_assert_int_eq(withdrawn("nobody's", "somebody", 20000), RC_NOT_FOUND);
    ck_assert_str_eq(err.code, "unknown_account");
    ck_assert_int_eq(rows("state = 2"), 1);
}
END_TEST

START_TEST(the_connected_one_of_several_rows_is_meant)
{
    uint64_t first = seed.account;

    connected_at(10000);
    database_run(db, "UPDATE account SET status = 3");
    seed = seed_all(db);
    database_run(db,
                 "UPDATE account SET open_id = '" OPEN_ID "', connected_at = 1,"
                 " status = 1 WHERE account_id = %" PRIu64,
                 seed.account);
    ck_assert_int_eq(withdrawn("body", OPEN_ID, 20000), RC_OK);
    ck_assert_uint_eq(effect.account_id, seed.account);
    ck_assert_uint_ne(effect.account_id, first);
    ck_assert_int_eq(effect.kind, HOOK_PARTED);
}
END_TEST

START_TEST(a_refresh_that_was_under_way_brings_nothing_back)
{
    const struct token_pair pair = {.access = {.data = "new", .len = 3},
                                    .refresh = {.data = "new", .len = 3},
                                    .access_life_ms = 1000,
                                    .refresh_life_ms = 1000,
                                    .refresh_at_ms = 500,
                                    .scopes = ""};

    connected_at(10000);
    ck_assert_int_eq(withdrawn("body", OPEN_ID, 20000), RC_OK);
    ck_assert_int_eq(account_token_rotate(db, seed.account, 4, &pair, &err), RC_CONFLICT);
    ck_assert_int_eq(database_number(db, "SELECT status FROM account"), 2);
}
END_TEST

DATABASE_MAIN("store_webhooks", setup, teardown,
              a_delivery_is_kept_as_it_came_and_claimed_with_all_it_says,
              the_same_is_kept_once_and_a_forged_signature_shuts_no_other_out,
              no_more_than_a_bounded_number_waits,
              a_claim_takes_the_oldest_and_leaves_what_another_has,
              ends_are_refused_to_who_does_not_hold_it,
              what_ended_says_how_and_a_forgery_leaves_nothing,
              a_dead_publishers_come_free_and_what_kills_them_all_is_refused,
              who_leaves_hands_his_back_uncounted, only_what_ended_long_ago_is_deleted,
              news_lead_to_what_the_posts_state_wants,
              who_holds_a_post_is_named_and_one_that_nobody_holds_is_due,
              a_post_in_review_and_one_in_doubt_are_under_a_new_fence,
              the_timeline_says_which_event_came, a_body_signed_anew_has_no_second_effect,
              a_row_that_was_lost_has_no_effect,
              what_is_not_ours_is_said_and_changes_nothing,
              visibility_and_address_come_out_the_same_in_any_order,
              ids_do_not_outgrow_their_column,
              an_address_that_came_first_survives_the_confirmation,
              a_draft_that_the_person_posted_says_so_for_good,
              a_withdrawal_ends_the_connection_and_stops_its_posts,
              a_withdrawal_from_before_the_connection_changes_nothing,
              a_withdrawal_that_we_asked_for_or_of_nobody_is_no_news,
              the_connected_one_of_several_rows_is_meant,
              a_refresh_that_was_under_way_brings_nothing_back)
