/* account_tokens: one refreshes at a time, the newest pair wins, and connecting an
 * account brings its posts back to life. */
#include "core/fault.h"
#include "core/xalloc.h"
#include "database.h"
#include "store/account_tokens.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/stmt.h"
#include "store/tasks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INC = 8 };

static struct db *db;
static struct err err;
static struct seed seed;
static struct account_token row;

static struct token_blob blob(const char *text)
{
    struct token_blob b = {.len = strlen(text)};

    (void)memcpy(b.data, text, b.len);
    return b;
}

static struct token_pair pair_of(const char *access, const char *refresh)
{
    return (struct token_pair){.access = blob(access),
                               .refresh = blob(refresh),
                               .access_life_ms = 7200000,
                               .refresh_life_ms = 86400000,
                               .refresh_at_ms = 5000000,
                               .scopes = "user.info.basic,video.publish"};
}

static void store(uint64_t account, const char *access, const char *refresh)
{
    struct token_pair pair = pair_of(access, refresh);

    ck_assert_int_eq(connect_tokens(db, seed.workspace, account, &pair, &err), RC_OK);
}

static void load(void)
{
    ck_assert_int_eq(account_token_load(db, seed.account, &row, &err), RC_OK);
}

static void setup(void)
{
    db = database_seeded(&seed);
    store(seed.account, "access1", "refresh1");
    load();
}

static void teardown(void)
{
    db_free(db);
}

static void is(const struct token_blob *b, const char *text)
{
    ck_assert_uint_eq(b->len, strlen(text));
    ck_assert_mem_eq(b->data, text, b->len);
}

static const char *account_column(const char *column)
{
    return database_text(db, "SELECT %s FROM account WHERE account_id = %" PRIu64, column,
                         seed.account);
}

static uint64_t post_in(int state, const char *reason)
{
    uint64_t post = seed_post(db, &seed, state, 86400000);

    database_run(db, "UPDATE job SET last_reason = '%s' WHERE post_id = %" PRIu64, reason,
                 post);
    return post;
}

static int state_of(uint64_t post)
{
    return (int)database_number(db, "SELECT state FROM job WHERE post_id = %" PRIu64,
                                post);
}

static int64_t events_of_account(int kind)
{
    return database_number(db,
                           "SELECT COUNT(*) FROM job_event WHERE kind = %d"
                           " AND account_id = %" PRIu64,
                           kind, seed.account);
}

static enum rc rotate(unsigned version, const char *access, const char *refresh)
{
    struct token_pair pair = pair_of(access, refresh);

    return account_token_rotate(db, seed.account, version, &pair, &err);
}

/* --- reading and refreshing ---------------------------------------------------- */

START_TEST(a_stored_pair_is_read_back)
{
    is(&row.access, "access1");
    is(&row.refresh, "refresh1");
    ck_assert_uint_eq(row.version, 1);
    ck_assert_uint_eq(row.workspace_id, seed.workspace);
    ck_assert_int_eq(row.status, ACCOUNT_CONNECTED);
    ck_assert_str_eq(row.scopes, "user.info.basic,video.publish");
    ck_assert_int_le(llabs(row.access_exp_ms - row.now_ms - 7200000), 5000);
    ck_assert_int_le(llabs(row.refresh_exp_ms - row.now_ms - 86400000), 5000);
    ck_assert_int_eq(account_token_load(db, seed.account + 1, &row, &err), RC_NOT_FOUND);
}
END_TEST

START_TEST(one_at_a_time_may_refresh_and_only_the_version_it_knows)
{
    ck_assert_int_eq(account_token_claim(db, seed.account, 2, INC, &err), RC_CONFLICT);
    ck_assert_int_eq(account_token_claim(db, seed.account, 1, INC, &err), RC_OK);
    ck_assert_int_eq(account_token_claim(db, seed.account, 1, INC + 1, &err),
                     RC_CONFLICT);
    ck_assert_int_eq(account_token_claim(db, seed.account, 1, INC, &err), RC_CONFLICT);
    /* Another's unclaim frees nothing. */
    ck_assert_int_eq(account_token_unclaim(db, seed.account, INC + 1, 5000, &err), RC_OK);
    ck_assert_int_eq(account_token_claim(db, seed.account, 1, INC + 1, &err),
                     RC_CONFLICT);
    ck_assert_int_eq(account_token_unclaim(db, seed.account, INC, 5000, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT rf_fails FROM account_token"), 1);
    ck_assert_int_eq(account_token_claim(db, seed.account, 1, INC + 1, &err), RC_OK);
    /* A lease that ran out is anybody's. */
    database_run(db, "UPDATE account_token SET rf_until = 1");
    ck_assert_int_eq(account_token_claim(db, seed.account, 1, INC, &err), RC_OK);
}
END_TEST

struct claimer {
    pthread_barrier_t *start;
    uint64_t inc;
    enum rc rc;
};

static void *race_claim(void *arg)
{
    struct claimer *c = arg;
    struct db *d = database_open();
    struct err e;

    c->rc = db_ping(d, &e);
    (void)pthread_barrier_wait(c->start);
    c->rc = account_token_claim(d, seed.account, 1, c->inc, &e);
    db_free(d);
    return NULL;
}

START_TEST(of_several_that_want_to_refresh_one_may)
{
    enum { N = 4 };
    struct claimer claimers[N];
    pthread_t threads[N];
    pthread_barrier_t start;
    int won = 0;

    ck_assert_int_eq(pthread_barrier_init(&start, NULL, N), 0);
    for (size_t i = 0; i < N; i++) {
        claimers[i] = (struct claimer){.start = &start, .inc = 10 + i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race_claim, &claimers[i]), 0);
    }
    for (size_t i = 0; i < N; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        won += claimers[i].rc == RC_OK;
    }
    ck_assert_int_eq(won, 1);
    (void)pthread_barrier_destroy(&start);
}
END_TEST

START_TEST(a_rotation_takes_the_next_version_and_keeps_the_last_refresh_token)
{
    ck_assert_int_eq(account_token_claim(db, seed.account, 1, INC, &err), RC_OK);
    ck_assert_int_eq(rotate(1, "access2", "refresh2"), RC_OK);
    load();
    is(&row.access, "access2");
    is(&row.refresh, "refresh2");
    ck_assert_uint_eq(row.version, 2);
    ck_assert_str_eq(database_text(db, "SELECT prev_refresh_tok FROM account_token"),
                     "refresh1");
    /* And ends the claim. */
    ck_assert_int_eq(account_token_claim(db, seed.account, 2, INC + 1, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT rf_fails FROM account_token"), 0);
}
END_TEST

START_TEST(the_newest_rotation_wins_over_a_lapsed_lease)
{
    /* The holder of the claim never comes back; the pair that TikTok issued to the one
     * before it does. */
    ck_assert_int_eq(account_token_claim(db, seed.account, 1, INC, &err), RC_OK);
    ck_assert_int_eq(rotate(1, "access2", "refresh2"), RC_OK);
    /* Two pairs that follow the same version: the second is refused. */
    ck_assert_int_eq(rotate(1, "zombie", "zombie"), RC_CONFLICT);
    load();
    is(&row.refresh, "refresh2");
    ck_assert_int_eq(rotate(3, "future", "future"), RC_CONFLICT);
    ck_assert_int_eq(rotate(2, "access3", "refresh3"), RC_OK);
}
END_TEST

struct rotator {
    pthread_barrier_t *start;
    char name[16];
    enum rc rc;
};

static void *race_rotate(void *arg)
{
    struct rotator *r = arg;
    struct db *d = database_open();
    struct token_pair pair = pair_of(r->name, r->name);
    struct err e;

    r->rc = db_ping(d, &e);
    (void)pthread_barrier_wait(r->start);
    r->rc = account_token_rotate(d, seed.account, 1, &pair, &e);
    db_free(d);
    return NULL;
}

START_TEST(of_rotations_at_the_same_moment_exactly_one_is_kept_whole)
{
    enum { N = 4 };
    struct rotator rotators[N];
    pthread_t threads[N];
    pthread_barrier_t start;
    const char *winner = NULL;
    int won = 0;

    ck_assert_int_eq(pthread_barrier_init(&start, NULL, N), 0);
    for (size_t i = 0; i < N; i++) {
        rotators[i] = (struct rotator){.start = &start};
        (void)snprintf(rotators[i].name, sizeof(rotators[i].name), "pair%zu", i);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race_rotate, &rotators[i]), 0);
    }
    for (size_t i = 0; i < N; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        if (rotators[i].rc == RC_OK) {
            winner = rotators[i].name;
            won++;
        } else {
            ck_assert_int_eq(rotators[i].rc, RC_CONFLICT);
        }
    }
    ck_assert_int_eq(won, 1);
    load();
    is(&row.access, winner);
    is(&row.refresh, winner);
    ck_assert_uint_eq(row.version, 2);
    (void)pthread_barrier_destroy(&start);
}
END_TEST

static void uncertain_rotation(const char *rule, unsigned version)
{
    (void)setenv("TTS_FAULT", rule, 1);
    fault_reload();
    ck_assert_int_eq(rotate(1, "access2", "refresh2"), RC_UNCERTAIN);
    load();
    ck_assert_uint_eq(row.version, version);
    /* The same once more does no harm and leaves the pair stored. */
    ck_assert_int_eq(rotate(1, "access2", "refresh2"),
                     version == 1 ? RC_OK : RC_CONFLICT);
    load();
    is(&row.refresh, "refresh2");
    ck_assert_uint_eq(row.version, 2);
}

START_TEST(a_rotation_that_was_not_heard_can_be_repeated)
{
    uncertain_rotation("db.commit_unsent:error", 1);
}
END_TEST

START_TEST(a_rotation_whose_answer_was_lost_is_there)
{
    uncertain_rotation("db.commit_unanswered:error", 2);
}
END_TEST

START_TEST(what_tiktok_does_not_say_stays_as_it_was)
{
    struct token_pair pair = pair_of("access2", "");

    pair.refresh_life_ms = 0;
    pair.scopes = "";
    ck_assert_int_eq(account_token_rotate(db, seed.account, 1, &pair, &err), RC_OK);
    load();
    is(&row.access, "access2");
    is(&row.refresh, "refresh1");
    ck_assert_int_le(llabs(row.refresh_exp_ms - row.now_ms - 86400000), 5000);
    ck_assert_str_eq(row.scopes, "user.info.basic,video.publish");
    ck_assert_str_eq(database_text(db, "SELECT COALESCE(prev_refresh_tok, 'none')"
                                       " FROM account_token"),
                     "none");
}
END_TEST

START_TEST(what_wants_refreshing_is_found)
{
    struct token_due due[4];
    size_t len = 9;
    static const struct {
        const char *change;
        size_t found;
    } rows[] = {
        {"rf_next = 9223372036854775807", 0},
        {"rf_next = 1", 1},
        {"rf_next = 1, rf_until = 9223372036854775807", 0}, /* somebody is at it */
        {"rf_next = 1, rf_until = 1", 1},
    };

    ck_assert_int_eq(account_token_due(db, due, 4, &len, &err), RC_OK);
    ck_assert_uint_eq(len, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        database_run(db, "UPDATE account_token SET %s", rows[i].change);
        ck_assert_int_eq(account_token_due(db, due, 4, &len, &err), RC_OK);
        ck_assert_uint_eq(len, rows[i].found);
    }
    ck_assert_uint_eq(due[0].account_id, seed.account);
    ck_assert_uint_eq(due[0].version, 1);
    database_run(db, "UPDATE account SET status = 2");
    ck_assert_int_eq(account_token_due(db, due, 4, &len, &err), RC_OK);
    ck_assert_uint_eq(len, 0);
}
END_TEST

/* --- death --------------------------------------------------------------------- */

START_TEST(a_dead_grant_blocks_what_is_scheduled_and_asks_for_the_person)
{
    static const int states[] = {JOB_SCHEDULED, JOB_RUNNING, JOB_COMMITTED,
                                 JOB_PUBLISHED, JOB_FAILED,  JOB_CANCELED,
                                 JOB_REVIEW,    JOB_BLOCKED, 0};
    uint64_t posts[ARRAY_LEN(states)];

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        posts[i] = post_in(states[i], "");
    ck_assert_int_eq(account_token_dead(db, seed.account, 1, TOKEN_REFUSED, &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        ck_assert_int_eq(state_of(posts[i]),
                         states[i] == JOB_SCHEDULED ? JOB_BLOCKED : states[i]);
    ck_assert_str_eq(account_column("status"), "2");
    ck_assert_str_eq(account_column("status_reason"), "reconnect_needed");
    ck_assert_int_eq(events_of_account(EVENT_ACCOUNT_RECONNECT_NEEDED), 1);
    ck_assert_int_eq(database_number(db,
                                     "SELECT COUNT(*) FROM job_event WHERE kind = %d"
                                     " AND post_id = %" PRIu64,
                                     EVENT_BLOCKED, posts[0]),
                     1);
    ck_assert_int_eq(database_number(db, "SELECT rf_next FROM account_token"), INT64_MAX);
    /* Said again, it is no news. */
    ck_assert_int_eq(account_token_dead(db, seed.account, 1, TOKEN_REFUSED, &err), RC_OK);
    ck_assert_int_eq(events_of_account(EVENT_ACCOUNT_RECONNECT_NEEDED), 1);
}
END_TEST

START_TEST(a_grant_that_was_rotated_meanwhile_is_not_dead)
{
    uint64_t post = post_in(JOB_SCHEDULED, "");

    ck_assert_int_eq(rotate(1, "access2", "refresh2"), RC_OK);
    ck_assert_int_eq(account_token_dead(db, seed.account, 1, TOKEN_REFUSED, &err),
                     RC_CONFLICT);
    ck_assert_int_eq(state_of(post), JOB_SCHEDULED);
    ck_assert_str_eq(account_column("status"), "1");
}
END_TEST

START_TEST(a_pair_that_turns_up_late_brings_the_account_back)
{
    uint64_t post = post_in(JOB_SCHEDULED, "");

    ck_assert_int_eq(account_token_dead(db, seed.account, 1, TOKEN_REFUSED, &err), RC_OK);
    /* Another process had the answer in its journal. */
    ck_assert_int_eq(rotate(1, "access2", "refresh2"), RC_OK);
    ck_assert_str_eq(account_column("status"), "1");
    ck_assert_str_eq(account_column("status_reason"), "");
    ck_assert_int_eq(state_of(post), JOB_SCHEDULED);
}
END_TEST

START_TEST(tokens_are_wiped_when_the_account_is_disconnected_only)
{
    ck_assert_int_eq(account_token_wipe(db, seed.account, &err), RC_OK);
    load();
    database_run(db, "UPDATE account SET status = 3");
    ck_assert_int_eq(account_token_wipe(db, seed.account, &err), RC_OK);
    ck_assert_int_eq(account_token_load(db, seed.account, &row, &err), RC_NOT_FOUND);
    ck_assert_int_eq(rotate(1, "late", "late"), RC_CONFLICT);
    ck_assert_int_eq(account_token_wipe(db, seed.account, &err), RC_OK);
}
END_TEST

/* --- a grant that ended, and access that lasts ----------------------------------------
 */

static uint64_t post_due(int64_t due_in_ms)
{
    return seed_post(db, &seed, JOB_SCHEDULED, due_in_ms);
}

static void access_ends(int64_t in_ms)
{
    database_run(db, "UPDATE account_token SET access_exp = " SQL_NOW " + %" PRId64,
                 in_ms);
    database_run(db, "UPDATE account SET access_expires_at ="
                     " (SELECT access_exp FROM account_token)");
}

static int64_t notices(void)
{
    return database_number(db, "SELECT COUNT(*) FROM notification WHERE kind ="
                               " 'account.reconnect'");
}

static void not_renewed(void)
{
    ck_assert_int_eq(account_token_dead(db, seed.account, 1, TOKEN_NOT_RENEWED, &err),
                     RC_OK);
}

static int64_t lapse(void)
{
    int64_t n = -1;

    ck_assert_int_eq(account_access_lapse(db, &n, &err), RC_OK);
    return n;
}

START_TEST(a_grant_that_is_not_renewed_blocks_what_is_due_after_its_access)
{
    uint64_t before = post_due(3000000);
    uint64_t after = post_due(3700000);

    access_ends(3600000);
    not_renewed();
    ck_assert_int_eq(state_of(before), JOB_SCHEDULED);
    ck_assert_int_eq(state_of(after), JOB_BLOCKED);
    ck_assert_str_eq(account_column("CONCAT(status, ' ', status_reason)"),
                     "2 reconnect_needed");
    ck_assert_int_eq(database_number(db, "SELECT a.access_expires_at = t.access_exp"
                                         " AND t.rf_next = t.access_exp"
                                         " AND JSON_VALUE(n.data, '$.at') = t.access_exp"
                                         " FROM account a, account_token t,"
                                         " notification n"),
                     1);
    load();
    ck_assert(row.lasting);
    not_renewed(); /* said again, it is no news */
    ck_assert_int_eq(notices(), 1);
    ck_assert_int_eq(lapse(), 0);
    ck_assert_int_eq(state_of(before), JOB_SCHEDULED);
    store(seed.account, "access2", "refresh2");
    load();
    ck_assert(!row.lasting);
    ck_assert_int_eq(state_of(after), JOB_SCHEDULED);
}
END_TEST

START_TEST(the_end_of_the_access_blocks_the_rest_and_is_told_once)
{
    uint64_t late = post_due(3000000); /* it was put off, say */

    access_ends(3600000);
    not_renewed();
    access_ends(-1);
    database_run(db, "UPDATE account_token SET rf_next = access_exp");
    load();
    ck_assert(!row.lasting);
    ck_assert_int_eq(lapse(), 1);
    ck_assert_int_eq(state_of(late), JOB_BLOCKED);
    ck_assert_int_eq(notices(), 2);
    ck_assert_int_eq(events_of_account(EVENT_ACCOUNT_RECONNECT_NEEDED), 2);
    ck_assert_str_eq(account_column("access_expires_at"), "0");
    ck_assert_int_eq(lapse(), 0);
    ck_assert_int_eq(notices(), 2);
    ck_assert_int_eq(database_number(db, "SELECT rf_next FROM account_token"), INT64_MAX);
}
END_TEST

START_TEST(an_access_token_that_tiktok_refuses_does_not_last)
{
    uint64_t post = post_due(3000000);

    access_ends(3600000);
    not_renewed();
    ck_assert_int_eq(account_token_dead(db, seed.account, 1, TOKEN_REFUSED, &err), RC_OK);
    load();
    ck_assert(!row.lasting);
    ck_assert_int_eq(state_of(post), JOB_BLOCKED);
    ck_assert_int_eq(notices(), 2);
    ck_assert_int_eq(lapse(), 0);
}
END_TEST

START_TEST(a_withdrawal_ends_access_that_lasted)
{
    uint64_t post = post_due(3000000);

    access_ends(3600000);
    not_renewed();
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(
            account_token_withdrawn(db, seed.account, "removed_by_person", &err), RC_OK);
    load();
    ck_assert(!row.lasting);
    ck_assert_int_eq(state_of(post), JOB_BLOCKED);
    ck_assert_str_eq(account_column("CONCAT(status_reason, access_expires_at)"),
                     "removed_by_person0");
    ck_assert_int_eq(notices(), 2);
}
END_TEST

START_TEST(access_that_has_ended_before_lasts_no_more)
{
    uint64_t post = post_due(3000000);

    access_ends(-1);
    not_renewed();
    ck_assert_int_eq(state_of(post), JOB_BLOCKED);
    load();
    ck_assert(!row.lasting);
}
END_TEST

/* --- connecting ---------------------------------------------------------------- */

static struct connect_profile profile_of(const char *open_id)
{
    return (struct connect_profile){.workspace_id = seed.workspace,
                                    .user_id = seed.user,
                                    .open_id = open_id,
                                    .union_id = "union",
                                    .username = "handle",
                                    .display_name = "Name",
                                    .avatar_url = "https://example.com/a.jpg",
                                    .scopes = "video.publish"};
}

START_TEST(an_account_is_made_and_connected_with_its_tokens)
{
    struct connect_profile p = profile_of("new-person");
    uint64_t id = 0;
    bool again = true;

    ck_assert_int_eq(connect_account(db, &p, &id, &again, &err), RC_OK);
    ck_assert(!again);
    seed.account = id;
    ck_assert_str_eq(account_column("CONCAT_WS(' ', open_id, union_id, username,"
                                    " display_name, avatar_url, status, connected_by)"),
                     database_text(db,
                                   "SELECT 'new-person union handle Name"
                                   " https://example.com/a.jpg 2 %" PRIu64 "'",
                                   seed.user));
    store(id, "a", "r");
    ck_assert_str_eq(account_column("CONCAT(status, status_reason)"), "1");
    ck_assert_int_eq(events_of_account(EVENT_ACCOUNT_CONNECTED), 1);
    ck_assert_int_eq(events_of_account(EVENT_ACCOUNT_RECONNECTED), 0);
}
END_TEST

START_TEST(the_same_person_comes_back_to_the_same_account)
{
    static const int states[] = {ACCOUNT_CONNECTED, ACCOUNT_RECONNECT,
                                 ACCOUNT_DISCONNECTED};

    database_run(db, "UPDATE account SET open_id = 'person'");
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct connect_profile p = profile_of("person");
        uint64_t id = 0;
        bool again = false;

        database_run(db, "UPDATE account SET status = %d", states[i]);
        ck_assert_int_eq(connect_account(db, &p, &id, &again, &err), RC_OK);
        ck_assert_uint_eq(id, seed.account);
        ck_assert(again);
        store(id, "access", "refresh");
        load();
        ck_assert_int_eq(row.status, ACCOUNT_CONNECTED);
        ck_assert_uint_eq(row.version, i + 2);
    }
    ck_assert_int_eq(events_of_account(EVENT_ACCOUNT_RECONNECTED), 3);
}
END_TEST

START_TEST(an_account_lives_in_one_workspace_at_a_time)
{
    struct connect_profile p = profile_of("person");
    uint64_t elsewhere = seed_workspace(db), id = 0;
    bool again = false;

    database_run(db, "UPDATE account SET open_id = 'person'");
    p.workspace_id = elsewhere;
    p.user_id = seed_user(db, elsewhere);
    ck_assert_int_eq(connect_account(db, &p, &id, &again, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "account_taken");
    database_run(db, "UPDATE account SET status = 3");
    ck_assert_int_eq(connect_account(db, &p, &id, &again, &err), RC_OK);
    ck_assert_uint_ne(id, seed.account);
    ck_assert(!again);
    p = profile_of("person"); /* and now the first one is too late */
    ck_assert_int_eq(connect_account(db, &p, &id, &again, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "account_taken");
}
END_TEST

START_TEST(reconnecting_frees_the_posts_that_waited_for_it)
{
    uint64_t dead = post_in(JOB_SCHEDULED, "");
    uint64_t disconnected = post_in(JOB_BLOCKED, "account_disconnected");
    uint64_t spam = post_in(JOB_BLOCKED, "spam_risk");

    ck_assert_int_eq(account_token_dead(db, seed.account, 1, TOKEN_REFUSED, &err), RC_OK);
    ck_assert_int_eq(state_of(dead), JOB_BLOCKED);
    store(seed.account, "access2", "refresh2");
    ck_assert_int_eq(state_of(dead), JOB_SCHEDULED);
    ck_assert_int_eq(state_of(disconnected), JOB_SCHEDULED);
    ck_assert_int_eq(state_of(spam), JOB_BLOCKED);
    load();
    ck_assert_uint_eq(row.version, 2);
    ck_assert_int_lt(
        database_number(db, "SELECT rf_next - " SQL_NOW " FROM account_token"), 6000000);
}
END_TEST

START_TEST(reconnecting_calls_off_a_revocation_that_was_asked_for)
{
    const struct task_new t = {.kind = TASK_REVOKE,
                               .workspace_id = seed.workspace,
                               .account_id = seed.account,
                               .payload = "{}"};
    struct connect_profile p = profile_of("person");
    uint64_t task, id;
    struct task out;
    size_t len = 0;
    bool again;

    database_run(db, "UPDATE account SET open_id = 'person', status = 3");
    ck_assert_int_eq(task_insert(db, &t, &task, &err), RC_OK);
    ck_assert_int_eq(task_claim(db, INC, &out, 1, &len, &err), RC_OK);
    ck_assert_uint_eq(len, 1);
    ck_assert_int_eq(connect_account(db, &p, &id, &again, &err), RC_OK);
    store(id, "access2", "refresh2");
    ck_assert_int_eq(task_retry(db, &out, INC, 0, &err), RC_CONFLICT);
    ck_assert_int_eq(account_token_wipe(db, id, &err), RC_OK);
    load();
    is(&row.access, "access2");
    task_release(&out);
}
END_TEST

START_TEST(tokens_are_not_stored_for_an_account_that_has_gone)
{
    struct token_pair pair = pair_of("a", "r");

    ck_assert_int_eq(connect_tokens(db, seed.workspace + 1, seed.account, &pair, &err),
                     RC_NOT_FOUND);
    database_run(db, "UPDATE account SET status = 3");
    ck_assert_int_eq(connect_tokens(db, seed.workspace, seed.account, &pair, &err),
                     RC_NOT_FOUND);
    load();
    is(&row.access, "access1");
}
END_TEST

START_TEST(the_way_out_is_remembered_until_its_code_is_used)
{
    struct connect_txn t;
    uint64_t id;

    database_run(db,
                 "INSERT INTO oauth_txn (state_hash, session_hash, workspace_id, user_id,"
                 " verifier, code, redirect_uri, scopes, created_at,"
                 " expires_at) VALUES (REPEAT('s', 32), REPEAT('h', 32), %" PRIu64
                 ", %" PRIu64 ", 'verifier', 'code!', 'https://x/cb',"
                 " 'video.publish', 0, 0)",
                 seed.workspace, seed.user);
    id = db_insert_id(db);
    ck_assert_int_eq(connect_txn_load(db, seed.workspace, id, &t, &err), RC_OK);
    ck_assert_uint_eq(t.workspace_id, seed.workspace);
    ck_assert_uint_eq(t.user_id, seed.user);
    ck_assert_str_eq(t.verifier, "verifier");
    ck_assert_str_eq(t.code, "code!");
    ck_assert_str_eq(t.redirect_uri, "https://x/cb");
    ck_assert_str_eq(t.scopes, "video.publish");
    ck_assert_int_eq(connect_txn_load(db, seed.workspace + 1, id, &t, &err),
                     RC_NOT_FOUND);
    ck_assert_int_eq(connect_txn_wipe(db, seed.workspace + 1, id, &err), RC_OK);
    ck_assert_int_eq(connect_txn_load(db, seed.workspace, id, &t, &err), RC_OK);
    ck_assert_int_eq(connect_txn_wipe(db, seed.workspace, id, &err), RC_OK);
    ck_assert_int_eq(connect_txn_load(db, seed.workspace, id, &t, &err), RC_NOT_FOUND);
    ck_assert_str_eq(database_text(db, "SELECT CONCAT(code, verifier) FROM oauth_txn"),
                     "");
}
END_TEST

/* --- what TikTok says of the account ------------------------------------------- */

START_TEST(creator_info_is_stored_and_a_new_name_is_news)
{
    static char long_url[2000];
    static const struct {
        const char *username, *nickname;
        const char *shown;
        int64_t news;
    } rows[] = {
        {"handle", "N\xc3\xa1me", "handle N\xc3\xa1me", 1}, /* there was no name yet */
        {"handle", "N\xc3\xa1me", "handle N\xc3\xa1me", 0},
        {"Handle", "N\xc3\xa1me", "Handle N\xc3\xa1me", 1},
        {"Handle", "Name", "Handle Name", 1},
        {"", "", "Handle Name", 0}, /* not said */
    };
    int64_t before = 0;

    (void)memset(long_url, 'u', sizeof(long_url) - 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct creator_snapshot s = {.json = "{\"can_post\":true}",
                                           .username = rows[i].username,
                                           .nickname = rows[i].nickname,
                                           .avatar_url = i == 4 ? long_url : "https://a"};
        int64_t news;

        ck_assert_int_eq(account_creator_store(db, seed.account, &s, &err), RC_OK);
        ck_assert_str_eq(account_column("CONCAT_WS(' ', username, display_name)"),
                         rows[i].shown);
        news = events_of_account(EVENT_ACCOUNT_CHANGED);
        ck_assert_int_eq(news - before, rows[i].news);
        before = news;
    }
    ck_assert_str_eq(account_column("avatar_url"), "");
    ck_assert_str_eq(account_column("creator_info"), "{\"can_post\":true}");
    ck_assert_int_gt(database_number(db, "SELECT creator_info_at FROM account"), 0);
    {
        const struct creator_snapshot s = {"{}", "", "", ""};

        ck_assert_int_eq(account_creator_store(db, seed.account + 1, &s, &err),
                         RC_NOT_FOUND);
    }
}
END_TEST

/* --- warnings ------------------------------------------------------------------ */

static int64_t warn(void)
{
    int64_t n = -1;

    ck_assert_msg(account_grants_warn(db, &n, &err) == RC_OK, "%s %s", err.code, err.msg);
    return n;
}

static void ends_in(double days)
{
    database_run(db,
                 "UPDATE account SET refresh_expires_at = " SQL_NOW
                 " + CAST(%f * 86400000 AS SIGNED)",
                 days);
}

START_TEST(each_warning_before_a_grants_end_is_given_once)
{
    ends_in(20);
    ck_assert_int_eq(warn(), 0);
    ends_in(13.5);
    ck_assert_int_eq(warn(), 1);
    ck_assert_int_eq(warn(), 0);
    ck_assert_str_eq(account_column("grant_warned_days"), "14");
    ck_assert_str_eq(database_text(db,
                                   "SELECT CONCAT(kind, ' ', JSON_VALUE(data, '$.days'))"
                                   " FROM notification"),
                     "account.grant_ending 14");
    ck_assert_int_eq(events_of_account(EVENT_ACCOUNT_GRANT_ENDING), 1);
    ends_in(2.5);
    ck_assert_int_eq(warn(), 1);
    ends_in(0.5);
    ck_assert_int_eq(warn(), 1);
    ck_assert_int_eq(warn(), 0);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM notification"), 3);
    ends_in(180); /* renewed: the next end is warned of anew */
    ck_assert_int_eq(warn(), 0);
    ck_assert_str_eq(account_column("grant_warned_days"), "0");
    ends_in(10);
    ck_assert_int_eq(warn(), 1);
}
END_TEST

START_TEST(a_grant_that_is_over_or_given_up_is_not_warned_of)
{
    ends_in(-1);
    ck_assert_int_eq(warn(), 0);
    ends_in(1);
    database_run(db, "UPDATE account SET status = 2");
    ck_assert_int_eq(warn(), 0);
    database_run(db, "UPDATE account SET status = 1, refresh_expires_at = 0");
    ck_assert_int_eq(warn(), 0);
}
END_TEST

START_TEST(a_dead_grant_is_told_once_and_its_posts_come_free_with_the_next)
{
    uint64_t post = post_in(JOB_SCHEDULED, "");

    ck_assert_int_eq(account_token_dead(db, seed.account, 1, TOKEN_REFUSED, &err), RC_OK);
    ck_assert_int_eq(account_token_dead(db, seed.account, 1, TOKEN_REFUSED, &err), RC_OK);
    ck_assert_int_eq(state_of(post), JOB_BLOCKED);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM notification WHERE kind ="
                                         " 'account.reconnect'"),
                     1);
    ck_assert_int_eq(rotate(1, "access2", "refresh2"), RC_OK);
    ck_assert_int_eq(state_of(post), JOB_SCHEDULED);
}
END_TEST

DATABASE_MAIN("store_account_tokens", setup, teardown,
              each_warning_before_a_grants_end_is_given_once,
              a_grant_that_is_over_or_given_up_is_not_warned_of,
              a_dead_grant_is_told_once_and_its_posts_come_free_with_the_next,
              a_stored_pair_is_read_back,
              one_at_a_time_may_refresh_and_only_the_version_it_knows,
              of_several_that_want_to_refresh_one_may,
              a_rotation_takes_the_next_version_and_keeps_the_last_refresh_token,
              the_newest_rotation_wins_over_a_lapsed_lease,
              of_rotations_at_the_same_moment_exactly_one_is_kept_whole,
              a_rotation_that_was_not_heard_can_be_repeated,
              a_rotation_whose_answer_was_lost_is_there,
              what_tiktok_does_not_say_stays_as_it_was, what_wants_refreshing_is_found,
              a_dead_grant_blocks_what_is_scheduled_and_asks_for_the_person,
              a_grant_that_was_rotated_meanwhile_is_not_dead,
              a_pair_that_turns_up_late_brings_the_account_back,
              a_grant_that_is_not_renewed_blocks_what_is_due_after_its_access,
              the_end_of_the_access_blocks_the_rest_and_is_told_once,
              an_access_token_that_tiktok_refuses_does_not_last,
              a_withdrawal_ends_access_that_lasted,
              access_that_has_ended_before_lasts_no_more,
              tokens_are_wiped_when_the_account_is_disconnected_only,
              an_account_is_made_and_connected_with_its_tokens,
              the_same_person_comes_back_to_the_same_account,
              an_account_lives_in_one_workspace_at_a_time,
              reconnecting_frees_the_posts_that_waited_for_it,
              reconnecting_calls_off_a_revocation_that_was_asked_for,
              tokens_are_not_stored_for_an_account_that_has_gone,
              the_way_out_is_remembered_until_its_code_is_used,
              creator_info_is_stored_and_a_new_name_is_news)
