/* oauth: a state works once, in time, for the session it belongs to, and for nobody
 * else. */
#include "database.h"
#include "store/oauth.h"
#include "store/tasks.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

static struct db *db;
static struct seed seed;
static struct err err;

static unsigned char session[OAUTH_HASH_SIZE], other_session[OAUTH_HASH_SIZE];
static unsigned char state[OAUTH_HASH_SIZE], other_state[OAUTH_HASH_SIZE];

static void setup(void)
{
    db = database_seeded(&seed);
    (void)memset(session, 's', sizeof(session));
    (void)memset(other_session, 'S', sizeof(other_session));
    (void)memset(state, 't', sizeof(state));
    (void)memset(other_state, 'T', sizeof(other_state));
}

static void teardown(void)
{
    db_free(db);
}

static struct oauth_key key(void)
{
    return (struct oauth_key){.workspace_id = seed.workspace,
                              .user_id = seed.user,
                              .session_hash = session,
                              .state_hash = state};
}

static struct oauth_begin way_out(void)
{
    return (struct oauth_begin){.key = key(),
                                .verifier = "verifier-of-the-test",
                                .redirect_uri =
                                    "https://example.test/api/auth/tiktok/callback",
                                .scopes = "user.info.basic,video.publish"};
}

static void begin(void)
{
    const struct oauth_begin b = way_out();

    ck_assert_msg(oauth_begin(db, &b, &err) == RC_OK, "%s: %s", err.code, err.msg);
}

static struct oauth_taken take_as(struct db *conn, struct oauth_key as, const char *code)
{
    const struct oauth_back back = {.key = as, .code = code, .wait_ms = 10000};
    struct oauth_taken taken = {.fate = OAUTH_UNKNOWN};
    struct err e;
    enum rc rc = oauth_take(conn, &back, &taken, &e);

    ck_assert_msg(rc == RC_OK, "%s: %s", e.code, e.msg);
    return taken;
}

static struct oauth_taken take(const char *code)
{
    return take_as(db, key(), code);
}

static int64_t count(const char *table)
{
    return database_number(db, "SELECT COUNT(*) FROM %s", table);
}

START_TEST(what_was_begun_is_written_down_for_ten_minutes)
{
    begin();
    ck_assert_int_eq(
        database_number(db,
                        "SELECT COUNT(*) FROM oauth_txn WHERE workspace_id = %" PRIu64
                        " AND user_id = %" PRIu64 ""
                        " AND verifier = 'verifier-of-the-test' AND code = ''"
                        " AND redirect_uri ="
                        " 'https://example.test/api/auth/tiktok/callback'"
                        " AND scopes = 'user.info.basic,video.publish'"
                        " AND expires_at = created_at + 600000 AND consumed_at IS NULL",
                        seed.workspace, seed.user),
        1);
}
END_TEST

START_TEST(a_state_works_once)
{
    struct oauth_taken taken;

    begin();
    taken = take("the-code");
    ck_assert_int_eq(taken.fate, OAUTH_TAKEN);
    ck_assert_uint_ne(taken.txn_id, 0);
    ck_assert_uint_ne(taken.task_id, 0);
    taken = take("another-code");
    ck_assert_int_eq(taken.fate, OAUTH_REUSED);
    ck_assert_uint_eq(taken.txn_id, 0);
    ck_assert_uint_eq(taken.task_id, 0);
    ck_assert_str_eq(database_text(db, "SELECT code FROM oauth_txn"), "the-code");
    ck_assert_int_eq(count("task"), 1);
}
END_TEST

START_TEST(the_code_is_kept_and_the_publisher_asked_to_trade_it)
{
    struct oauth_taken taken;

    begin();
    taken = take("the-code");
    ck_assert_int_eq(
        database_number(db,
                        "SELECT COUNT(*) FROM task WHERE task_id = %" PRIu64
                        " AND workspace_id = %" PRIu64 " AND account_id IS NULL"
                        " AND kind = %d AND state = %d AND next_at <= created_at"
                        " AND deadline_at - created_at BETWEEN 9000 AND 11000"
                        " AND payload = '{\"txn_id\":\"%" PRIu64 "\"}'",
                        taken.task_id, seed.workspace, TASK_EXCHANGE_CODE, TASK_QUEUED,
                        taken.txn_id),
        1);
}
END_TEST

START_TEST(a_refusal_uses_the_state_up_and_asks_nobody)
{
    struct oauth_taken taken;

    begin();
    taken = take(NULL);
    ck_assert_int_eq(taken.fate, OAUTH_TAKEN);
    ck_assert_uint_eq(taken.task_id, 0);
    ck_assert_int_eq(count("task"), 0);
    ck_assert_int_eq(take("a-code").fate, OAUTH_REUSED);
}
END_TEST

START_TEST(a_state_of_anybody_else_is_unknown_and_stays_good)
{
    uint64_t colleague = seed_user(db, seed.workspace);
    struct oauth_key strangers[4];

    begin();
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++)
        strangers[i] = key();
    strangers[0].session_hash = other_session;
    strangers[1].user_id = colleague;
    strangers[2].workspace_id = seed_workspace(db);
    strangers[3].state_hash = other_state;
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        struct oauth_taken taken = take_as(db, strangers[i], "a-code");

        ck_assert_msg(taken.fate == OAUTH_UNKNOWN, "stranger %zu: %d", i,
                      (int)taken.fate);
        ck_assert_uint_eq(taken.task_id, 0);
    }
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM oauth_txn"
                                         " WHERE consumed_at IS NULL AND code = ''"),
                     1);
    ck_assert_int_eq(take("the-code").fate, OAUTH_TAKEN);
}
END_TEST

START_TEST(after_its_time_a_state_is_expired)
{
    begin();
    database_run(db, "UPDATE oauth_txn SET expires_at ="
                     " CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - 1");
    ck_assert_int_eq(take("the-code").fate, OAUTH_EXPIRED);
    ck_assert_int_eq(count("task"), 0);
    ck_assert_str_eq(database_text(db, "SELECT code FROM oauth_txn"), "");
}
END_TEST

START_TEST(a_used_state_stays_used_after_its_time)
{
    begin();
    ck_assert_int_eq(take("the-code").fate, OAUTH_TAKEN);
    database_run(db, "UPDATE oauth_txn SET expires_at = 1");
    ck_assert_int_eq(take("the-code").fate, OAUTH_REUSED);
}
END_TEST

START_TEST(a_state_stays_good_when_the_publisher_could_not_be_asked)
{
    const struct oauth_back back = {.key = key(), .code = "the-code", .wait_ms = 10000};
    struct oauth_taken taken = {.fate = OAUTH_EXPIRED};

    begin();
    database_run(db, "RENAME TABLE task TO task_away");
    ck_assert_int_ne(oauth_take(db, &back, &taken, &err), RC_OK);
    database_run(db, "RENAME TABLE task_away TO task");
    ck_assert_int_eq(taken.fate, OAUTH_EXPIRED);
    ck_assert_int_eq(take("the-code").fate, OAUTH_TAKEN);
}
END_TEST

/* --- several at once --------------------------------------------------------------- */

enum { RIVALS = 4, ROUNDS = 25 };

struct rival {
    pthread_t thread;
    pthread_barrier_t *line;
    enum oauth_fate fates[ROUNDS];
};

static void round_state(unsigned char hash[OAUTH_HASH_SIZE], int round)
{
    (void)memset(hash, 'a' + round, OAUTH_HASH_SIZE);
}

static void *run_rival(void *arg)
{
    struct rival *r = arg;
    struct db *own = database_open();
    unsigned char hash[OAUTH_HASH_SIZE];
    struct oauth_key as = key();

    as.state_hash = hash;
    for (int i = 0; i < ROUNDS; i++) {
        round_state(hash, i);
        (void)pthread_barrier_wait(r->line);
        r->fates[i] = take_as(own, as, "the-code").fate;
    }
    db_free(own);
    return NULL;
}

START_TEST(of_many_callbacks_at_once_exactly_one_goes_on)
{
    unsigned char hash[OAUTH_HASH_SIZE];
    struct rival rivals[RIVALS];
    pthread_barrier_t line;

    for (int i = 0; i < ROUNDS; i++) {
        struct oauth_begin b = way_out();

        round_state(hash, i);
        b.key.state_hash = hash;
        ck_assert_int_eq(oauth_begin(db, &b, &err), RC_OK);
    }
    (void)pthread_barrier_init(&line, NULL, RIVALS);
    for (size_t i = 0; i < RIVALS; i++) {
        rivals[i].line = &line;
        ck_assert_int_eq(pthread_create(&rivals[i].thread, NULL, run_rival, &rivals[i]),
                         0);
    }
    for (size_t i = 0; i < RIVALS; i++)
        (void)pthread_join(rivals[i].thread, NULL);
    (void)pthread_barrier_destroy(&line);
    for (int round = 0; round < ROUNDS; round++) {
        int winners = 0;

        for (size_t i = 0; i < RIVALS; i++) {
            winners += rivals[i].fates[round] == OAUTH_TAKEN;
            ck_assert_msg(rivals[i].fates[round] == OAUTH_TAKEN ||
                              rivals[i].fates[round] == OAUTH_REUSED,
                          "round %d: %d", round, (int)rivals[i].fates[round]);
        }
        ck_assert_msg(winners == 1, "round %d: %d winners", round, winners);
    }
    ck_assert_int_eq(count("task"), ROUNDS);
}
END_TEST

/* --- strangers, and what is left behind -------------------------------- */

START_TEST(who_is_no_member_cannot_begin)
{
    struct oauth_begin b = way_out();
    uint64_t elsewhere = seed_workspace(db);

    b.key.user_id = seed_user(db, elsewhere);
    ck_assert_int_eq(oauth_begin(db, &b, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "foreign_key");
    ck_assert_int_eq(count("oauth_txn"), 0);
}
END_TEST

START_TEST(forgetting_wipes_code_and_verifier_of_ones_own_only)
{
    struct oauth_taken taken;

    begin();
    taken = take("the-code");
    ck_assert_int_eq(oauth_forget(db, seed_workspace(db), taken.txn_id, &err), RC_OK);
    ck_assert_str_eq(database_text(db, "SELECT code FROM oauth_txn"), "the-code");
    ck_assert_int_eq(oauth_forget(db, seed.workspace, taken.txn_id, &err), RC_OK);
    ck_assert_str_eq(database_text(db, "SELECT code FROM oauth_txn"), "");
    ck_assert_str_eq(database_text(db, "SELECT verifier FROM oauth_txn"), "");
    ck_assert_int_eq(take("the-code").fate, OAUTH_REUSED);
}
END_TEST

/* A transaction of the user that ended so long ago. */
static void left_behind(uint64_t user_id, char letter, const char *ago_ms)
{
    database_run(db,
                 "INSERT INTO oauth_txn (state_hash, session_hash, workspace_id, user_id,"
                 " verifier, redirect_uri, scopes, created_at, expires_at)"
                 " VALUES (REPEAT('%c', 32), REPEAT('s', 32), %" PRIu64 ", %" PRIu64
                 ", '%c', '', '', 1, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - %s)",
                 letter, seed.workspace, user_id, letter, ago_ms);
}

START_TEST(a_new_beginning_removes_what_the_person_left_behind_long_ago)
{
    left_behind(seed.user, 'a', "86460000");
    left_behind(seed.user, 'b', "86340000");
    left_behind(seed_user(db, seed.workspace), 'c', "86460000");
    begin();
    ck_assert_str_eq(database_text(db, "SELECT GROUP_CONCAT(verifier ORDER BY verifier)"
                                       " FROM oauth_txn"),
                     "b,c,verifier-of-the-test");
}
END_TEST

DATABASE_MAIN("store_oauth", setup, teardown,
              what_was_begun_is_written_down_for_ten_minutes, a_state_works_once,
              the_code_is_kept_and_the_publisher_asked_to_trade_it,
              a_refusal_uses_the_state_up_and_asks_nobody,
              a_state_of_anybody_else_is_unknown_and_stays_good,
              after_its_time_a_state_is_expired, a_used_state_stays_used_after_its_time,
              a_state_stays_good_when_the_publisher_could_not_be_asked,
              of_many_callbacks_at_once_exactly_one_goes_on,
              who_is_no_member_cannot_begin,
              forgetting_wipes_code_and_verifier_of_ones_own_only,
              a_new_beginning_removes_what_the_person_left_behind_long_ago)
