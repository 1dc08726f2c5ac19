/* limits, notifications: a refusal moves the posts of one account and mode, tells people
 * once, and is no failure of any post. */
#include "core/xalloc.h"
#include "database.h"
#include "store/events.h"
#include "store/limits.h"
#include "store/notifications.h"
#include "store/stmt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { INC = 77, FENCE = 5, HOUR_MS = 3600000 };

static struct db *db;
static struct err err;
static struct seed seed;
static struct job_ref ref;
static struct limit_moved moved;

static void setup(void)
{
    db = database_seeded(&seed);
}

static void teardown(void)
{
    db_free(db);
}

static uint64_t post_of(uint64_t account, int state, int64_t due_in_ms)
{
    struct seed of = seed;

    of.account = account;
    return seed_post(db, &of, state, due_in_ms);
}

/* One that is in our hands, due now. */
static struct limit_post held(bool direct)
{
    uint64_t post = post_of(seed.account, JOB_RUNNING, 0);

    database_run(db, "UPDATE job SET owner = %d, fence = %d WHERE post_id = %" PRIu64,
                 INC, FENCE, post);
    database_run(db, "UPDATE post SET mode = %d WHERE post_id = %" PRIu64, direct ? 1 : 2,
                 post);
    ref = (struct job_ref){
        .post_id = post, .workspace_id = seed.workspace, .fence = FENCE, .inc = INC};
    return (struct limit_post){&ref, seed.account, direct};
}

/* One that went out so long ago. */
static void went_out(bool direct, int64_t ago_ms)
{
    uint64_t post = post_of(seed.account, JOB_PUBLISHED, -ago_ms);

    database_run(
        db, "UPDATE job SET attempt_no = 1, granted = 1 WHERE post_id = %" PRIu64, post);
    database_run(db, "UPDATE post SET mode = %d WHERE post_id = %" PRIu64, direct ? 1 : 2,
                 post);
    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, granted_at, created_at, updated_at) VALUES (%" PRIu64
                 ", 1, %" PRIu64 ", 5, 1, 1, " SQL_NOW " - %" PRId64 ", 1, 1)",
                 post, seed.workspace, ago_ms);
}

static struct limit_bar refusal(const char *reason)
{
    struct limit_bar bar = {.until_ms = 0};

    (void)snprintf(bar.reason, sizeof(bar.reason), "%s", reason);
    return bar;
}

static void put_off(const struct limit_post *post, const char *reason)
{
    const struct limit_bar bar = refusal(reason);

    ck_assert_msg(limit_put_off(db, post, &bar, &moved, &err) == RC_OK, "%s %s", err.code,
                  err.msg);
}

static int64_t job(uint64_t post, const char *column)
{
    return database_number(db, "SELECT %s FROM job WHERE post_id = %" PRIu64, column,
                           post);
}

static int64_t now_ms(void)
{
    return database_number(db, "SELECT " SQL_NOW);
}

START_TEST(a_refusal_moves_what_was_due_before_and_nothing_else)
{
    struct limit_post post = held(true);
    uint64_t soon = post_of(seed.account, JOB_SCHEDULED, 60000);
    uint64_t sooner = post_of(seed.account, JOB_SCHEDULED, 30000);
    uint64_t after = post_of(seed.account, JOB_SCHEDULED, 20 * 60000);
    uint64_t draft = post_of(seed.account, JOB_SCHEDULED, 60000);
    uint64_t blocked = post_of(seed.account, JOB_BLOCKED, 60000);
    uint64_t other_account = seed_account(db, seed.workspace, seed.user);
    uint64_t other = post_of(other_account, JOB_SCHEDULED, 60000);
    int64_t due = job(soon, "due_at");

    database_run(db, "UPDATE post SET mode = 2 WHERE post_id = %" PRIu64, draft);
    put_off(&post, "daily_post_limit");
    ck_assert(moved.begun);
    ck_assert_int_ge(moved.until_ms, now_ms() + LIMIT_PAUSE_MIN_MS - 10000);
    ck_assert_int_le(moved.until_ms, now_ms() + LIMIT_PAUSE_MIN_MS);
    ck_assert_int_eq(job(ref.post_id, "state"), JOB_SCHEDULED);
    ck_assert_int_eq(job(ref.post_id, "owner"), 0);
    ck_assert_int_eq(job(ref.post_id, "fails"), 0);
    ck_assert_int_eq(job(ref.post_id, "next_at"), moved.until_ms);
    ck_assert_int_eq(job(ref.post_id, "limited_until"), moved.until_ms);
    ck_assert_int_eq(job(sooner, "next_at"), moved.until_ms + 1); /* in their order */
    ck_assert_int_eq(job(soon, "next_at"), moved.until_ms + 2);
    ck_assert_int_eq(job(soon, "due_at"), due);
    ck_assert_str_eq(
        database_text(db, "SELECT last_reason FROM job WHERE post_id = %" PRIu64, soon),
        "daily_post_limit");
    ck_assert_int_eq(job(after, "limited_until"), 0);
    ck_assert_int_eq(job(draft, "limited_until"), 0);
    ck_assert_int_eq(job(blocked, "state"), JOB_BLOCKED);
    ck_assert_int_eq(job(other, "limited_until"), 0);
    ck_assert_uint_eq(moved.n, 3);
    ck_assert_uint_eq(moved.hints[0].post_id, ref.post_id);
    ck_assert_uint_eq(moved.hints[2].post_id, soon);
    ck_assert_int_eq(moved.hints[2].next_at_ms, moved.until_ms + 2);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM job_event WHERE kind = %d",
                                     EVENT_PUT_OFF),
                     3);
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM job_event WHERE kind = %d"
                                     " AND data LIKE '%%\"when\":%" PRId64 "%%'",
                                     EVENT_PUT_OFF, moved.until_ms),
                     3); /* each says until when */
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM job_event WHERE kind = %d"
                                     " AND account_id = %" PRIu64,
                                     EVENT_ACCOUNT_LIMITED, seed.account),
                     1);
}
END_TEST

START_TEST(people_are_told_once_for_a_pause_however_many_posts_meet_it)
{
    struct limit_post post = held(true);
    int64_t until;

    put_off(&post, "daily_post_limit");
    until = moved.until_ms;
    post = held(true);
    put_off(&post, "daily_post_limit");
    ck_assert(!moved.begun);
    ck_assert_int_eq(moved.until_ms, until);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM notification"), 1);
    ck_assert_int_eq(database_number(db, "SELECT pauses FROM account"), 1);
    database_run(db, "UPDATE account SET blocked_until = 1"); /* it ends, and again */
    post = held(true);
    put_off(&post, "daily_post_limit");
    ck_assert(moved.begun);
    ck_assert_int_ge(moved.until_ms, now_ms() + 2 * LIMIT_PAUSE_MIN_MS - 10000);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM notification"), 2);
    ck_assert_int_eq(database_number(db, "SELECT pauses FROM account"), 2);
}
END_TEST

START_TEST(what_is_not_ours_any_more_changes_nothing)
{
    struct limit_post post = held(true);
    const struct limit_bar bar = refusal("daily_post_limit");

    database_run(db, "UPDATE job SET fence = fence + 1");
    ck_assert_int_eq(limit_put_off(db, &post, &bar, &moved, &err), RC_CONFLICT);
    ck_assert_int_eq(database_number(db, "SELECT blocked_until FROM account"), 0);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM notification"), 0);
    database_run(db, "UPDATE job SET fence = fence - 1, granted = 1");
    ck_assert_int_eq(limit_put_off(db, &post, &bar, &moved, &err), RC_CONFLICT);
}
END_TEST

START_TEST(a_cap_is_learned_from_a_day_that_was_ours_and_asked_before_tiktok_is)
{
    struct limit_post post;
    struct limit_bar bar;

    for (int i = 0; i < 6; i++)
        went_out(true, (20 - i) * (int64_t)HOUR_MS);
    went_out(true, 25 * (int64_t)HOUR_MS); /* has left the window */
    went_out(false, HOUR_MS);              /* a draft is another matter */
    post = held(true);
    ck_assert_int_eq(limit_check(db, &post, &bar, &err), RC_OK);
    ck_assert_int_eq(bar.until_ms, 0); /* no cap is known yet */
    put_off(&post, "daily_post_limit");
    ck_assert_int_eq(database_number(db, "SELECT daily_cap FROM account"), 6);
    ck_assert_int_ge(moved.until_ms, now_ms() + 4 * (int64_t)HOUR_MS);
    ck_assert_int_le(moved.until_ms,
                     now_ms() + 4 * (int64_t)HOUR_MS + 2 * LIMIT_MARGIN_MS);
    database_run(db, "UPDATE account SET blocked_until = 1");
    post = held(true);
    ck_assert_int_eq(limit_check(db, &post, &bar, &err), RC_OK);
    ck_assert_int_gt(bar.until_ms, now_ms() + 3 * (int64_t)HOUR_MS);
    ck_assert_str_eq(bar.reason, "daily_post_limit");
    ck_assert_int_eq(limit_put_off(db, &post, &bar, &moved, &err), RC_OK);
    ck_assert_int_eq(moved.until_ms, bar.until_ms);
    ck_assert_int_eq(job(ref.post_id, "next_at"), bar.until_ms);
    ck_assert_int_eq(database_number(db, "SELECT pauses FROM account"),
                     1); /* no refusal */
    database_run(db, "UPDATE account SET blocked_until = 1, daily_cap_at = 1");
    ck_assert_int_eq(limit_check(db, &post, &bar, &err), RC_OK);
    ck_assert_int_eq(bar.until_ms, 0); /* forgotten */
}
END_TEST

START_TEST(five_drafts_fill_the_inbox_unless_the_person_has_posted_them)
{
    struct limit_post post = held(false);
    struct limit_bar bar;

    for (int i = 1; i <= 4; i++)
        went_out(false, i * (int64_t)HOUR_MS);
    ck_assert_int_eq(limit_check(db, &post, &bar, &err), RC_OK);
    ck_assert_int_eq(bar.until_ms, 0);
    went_out(false, 5 * (int64_t)HOUR_MS);
    ck_assert_int_eq(limit_check(db, &post, &bar, &err), RC_OK);
    ck_assert_str_eq(bar.reason, "inbox_full");
    ck_assert_int_gt(bar.until_ms, now_ms() + 18 * (int64_t)HOUR_MS);
    ck_assert_int_eq(limit_put_off(db, &post, &bar, &moved, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT drafts_until FROM account"),
                     bar.until_ms);
    ck_assert_int_eq(database_number(db, "SELECT blocked_until FROM account"), 0);
    post = held(true); /* a direct post goes */
    ck_assert_int_eq(limit_check(db, &post, &bar, &err), RC_OK);
    ck_assert_int_eq(bar.until_ms, 0);
    database_run(db, "UPDATE account SET drafts_until = 0");
    database_run(
        db, "UPDATE attempt SET tiktok_status = 'PUBLISH_COMPLETE' LIMIT 1"); /* one */
    post = held(false);
    ck_assert_int_eq(limit_check(db, &post, &bar, &err), RC_OK);
    ck_assert_int_eq(bar.until_ms, 0);
}
END_TEST

START_TEST(what_is_about_to_go_out_counts)
{
    struct limit_post post;
    struct limit_bar bar;

    database_run(db, "UPDATE account SET daily_cap = 1, daily_cap_at = " SQL_NOW);
    post = held(true);
    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, created_at, updated_at) VALUES (%" PRIu64 ", 1, %" PRIu64
                 ", 1, 1, 1, " SQL_NOW ", 1)",
                 ref.post_id, seed.workspace);
    database_run(db, "UPDATE job SET attempt_no = 1");
    ck_assert_int_eq(limit_check(db, &post, &bar, &err), RC_OK);
    ck_assert_int_eq(bar.until_ms, 0); /* it does not stand in its own way */
    post = held(true);
    ck_assert_int_eq(limit_check(db, &post, &bar, &err), RC_OK);
    ck_assert_int_gt(bar.until_ms, now_ms());
}
END_TEST

/* --- notifications ----------------------------------------------------------------- */

static void tell(uint64_t workspace, const char *cause)
{
    const struct notification n = {.workspace_id = workspace,
                                   .kind = NOTICE_RECONNECT,
                                   .account_id = seed.account,
                                   .code = "access_removed",
                                   .cause = cause};

    ck_assert_msg(notification_add(db, &n, &err) == RC_OK, "%s %s", err.code, err.msg);
}

static struct notification_page *page(uint64_t before, size_t limit)
{
    static struct notification_page out;
    const struct notification_query q = {seed.workspace, seed.user, before, limit};

    ck_assert_msg(notification_list(db, &q, &out, &err) == RC_OK, "%s %s", err.code,
                  err.msg);
    return &out;
}

static int64_t unread(void)
{
    int64_t n = -1;

    ck_assert_int_eq(notification_unread(db, seed.workspace, seed.user, &n, &err), RC_OK);
    return n;
}

START_TEST(a_cause_is_told_once_in_a_workspace)
{
    uint64_t other = seed_workspace(db);

    tell(seed.workspace, "a");
    tell(seed.workspace, "a");
    tell(other, "a");
    tell(seed.workspace, "b");
    ck_assert_int_eq(unread(), 2);
    ck_assert_uint_eq(page(0, 10)->n, 2);
}
END_TEST

START_TEST(a_person_reads_up_to_a_number_and_never_backwards)
{
    struct notification_page *p;
    uint64_t newest, middle;

    tell(seed.workspace, "a");
    tell(seed.workspace, "b");
    tell(seed.workspace, "c");
    p = page(0, 2);
    ck_assert(p->n == 2 && p->more);
    newest = p->items[0].id;
    middle = p->items[1].id;
    ck_assert_uint_gt(newest, middle);
    ck_assert_str_eq(p->items[0].code, "access_removed");
    p = page(middle, 2);
    ck_assert(p->n == 1 && !p->more);
    ck_assert_int_eq(notification_read(db, seed.workspace, seed.user, middle, &err),
                     RC_OK);
    ck_assert_int_eq(unread(), 1);
    ck_assert_int_eq(notification_read(db, seed.workspace, seed.user, 1, &err), RC_OK);
    ck_assert_int_eq(unread(), 1);
    p = page(0, 3);
    ck_assert(!p->items[0].read && p->items[1].read && p->items[2].read);
    /* A number of the future reads what there is, not what comes. */
    ck_assert_int_eq(notification_read(db, seed.workspace, seed.user, newest + 50, &err),
                     RC_OK);
    tell(seed.workspace, "d");
    ck_assert_int_eq(unread(), 1);
}
END_TEST

START_TEST(mail_goes_to_those_who_can_act_and_want_it_once)
{
    uint64_t editor = seed_user(db, seed.workspace);
    uint64_t viewer = seed_user(db, seed.workspace);
    uint64_t silent = seed_user(db, seed.workspace);
    uint64_t gone = seed_user(db, seed.workspace);
    struct notification_mail mail;
    uint64_t id;
    int64_t n = 0;

    database_run(db, "UPDATE membership SET role = 3 WHERE user_id = %" PRIu64, editor);
    database_run(db, "UPDATE membership SET role = 5 WHERE user_id = %" PRIu64, viewer);
    database_run(db, "UPDATE user SET mail_on = 0 WHERE user_id = %" PRIu64, silent);
    database_run(db, "UPDATE user SET disabled_at = 1 WHERE user_id = %" PRIu64, gone);
    tell(seed.workspace, "a");
    tell(seed.workspace, "old");
    database_run(db, "UPDATE notification SET created_at = 1 WHERE cause = 'old'");
    ck_assert_int_eq(notification_mail(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(notification_mail(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM task WHERE kind = 5"), 2);
    id = page(0, 2)->items[1].id;
    ck_assert_int_eq(notification_mail_load(db, id, editor, &mail, &err), RC_OK);
    ck_assert_ptr_nonnull(strchr(mail.email, '@'));
    ck_assert_int_eq(notification_mail_load(db, id, silent, &mail, &err), RC_NOT_FOUND);
    ck_assert_int_eq(notification_mail_load(db, id, viewer, &mail, &err), RC_NOT_FOUND);
    ck_assert_int_eq(notification_mail_load(db, id, gone, &mail, &err), RC_NOT_FOUND);
    ck_assert_int_eq(notification_read(db, seed.workspace, editor, id, &err), RC_OK);
    ck_assert_int_eq(notification_mail_load(db, id, editor, &mail, &err), RC_NOT_FOUND);
    ck_assert_int_eq(notification_purge(db, &n, &err), RC_OK);
    ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(what_does_not_go_out_by_itself_any_more_is_told_once)
{
    static const struct {
        enum job_end how;
        const char *reason, *kind; /* NULL: nobody is told */
    } rows[] = {
        {JOB_END_FAIL, "file_refused", "post.failed"},
        {JOB_END_REVIEW, "outcome_unknown", "post.attention"},
        {JOB_END_BLOCK, "account_banned", "post.attention"},
        {JOB_END_BLOCK, "reconnect_needed", NULL}, /* told of the account */
        {JOB_END_LATER, "tiktok_unavailable", NULL},
        {JOB_END_RELEASE, "", NULL},
        {JOB_END_CANCELED, "", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct limit_post post = held(true);
        const struct job_ending ending = {.how = rows[i].how, .reason = rows[i].reason};

        ck_assert_int_eq(job_end(db, post.ref, &ending, &err), RC_OK);
        ck_assert_int_eq(job_end(db, post.ref, &ending, &err), RC_CONFLICT);
        ck_assert_int_eq(
            database_number(db,
                            "SELECT COUNT(*) FROM notification WHERE post_id = %" PRIu64,
                            ref.post_id),
            rows[i].kind != NULL ? 1 : 0);
        if (rows[i].kind != NULL)
            ck_assert_str_eq(
                database_text(db,
                              "SELECT kind FROM notification WHERE post_id = %" PRIu64,
                              ref.post_id),
                rows[i].kind);
    }
}
END_TEST

DATABASE_MAIN("store_limits", setup, teardown,
              what_does_not_go_out_by_itself_any_more_is_told_once,
              a_refusal_moves_what_was_due_before_and_nothing_else,
              people_are_told_once_for_a_pause_however_many_posts_meet_it,
              what_is_not_ours_any_more_changes_nothing,
              a_cap_is_learned_from_a_day_that_was_ours_and_asked_before_tiktok_is,
              five_drafts_fill_the_inbox_unless_the_person_has_posted_them,
              what_is_about_to_go_out_counts, a_cause_is_told_once_in_a_workspace,
              a_person_reads_up_to_a_number_and_never_backwards,
              mail_goes_to_those_who_can_act_and_want_it_once)
