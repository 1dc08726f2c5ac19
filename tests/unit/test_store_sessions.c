/* sessions: how they begin, slide and end. */
#include "database.h"
#include "store/sessions.h"

#include <inttypes.h>
#include <string.h>

static struct db *db;
static struct seed seed;
static struct actor actor;
static struct err err;
static unsigned char hash[SESSION_HASH_SIZE], secret[SESSION_SECRET_SIZE];

static void setup(void)
{
    db = database_seeded(&seed);
    actor = (struct actor){
        .workspace_id = seed.workspace, .user_id = seed.user, .ip = "192.0.2.7"};
    (void)memset(hash, 0xa1, sizeof(hash));
    (void)memset(secret, 0xb2, sizeof(secret));
}

static void teardown(void)
{
    db_free(db);
}

static void begin(const unsigned char *old, const char *agent)
{
    const struct session_new s = {
        .hash = hash, .csrf_secret = secret, .old = old, .user_agent = agent};

    ck_assert_int_eq(session_open(db, &actor, &s, &err), RC_OK);
}

static enum rc find(struct session *s)
{
    return session_find(db, hash, s, &err);
}

START_TEST(a_session_gives_back_who_began_it)
{
    struct session s;
    int64_t now;

    begin(NULL, "Agent");
    ck_assert_int_eq(find(&s), RC_OK);
    ck_assert_int_eq(db_now(db, &now, &err), RC_OK);
    ck_assert_uint_eq(s.workspace_id, seed.workspace);
    ck_assert_uint_eq(s.user_id, seed.user);
    ck_assert_int_eq(s.role, ROLE_OWNER);
    ck_assert_mem_eq(s.csrf_secret, secret, sizeof(secret));
    ck_assert_int_le(s.expires_at_ms, now + SESSION_MAX_MS);
    ck_assert_int_gt(s.expires_at_ms, now + SESSION_MAX_MS - 60000);
    ck_assert_str_eq(database_text(db, "SELECT CONCAT(ip, ' ', user_agent) FROM session"),
                     "192.0.2.7 Agent");
    hash[0] ^= 1;
    ck_assert_int_eq(find(&s), RC_NOT_FOUND);
}
END_TEST

START_TEST(it_ends_by_what_happens_to_it_or_to_its_person)
{
    static const char *const rows[] = {
        "UPDATE session SET idle_expires_at = seen_at - 1",
        "UPDATE session SET expires_at = seen_at - 1",
        "UPDATE user SET disabled_at = 1",
        "DELETE FROM membership",
    };
    struct session s;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        database_empty(db);
        seed = seed_all(db);
        actor.workspace_id = seed.workspace;
        actor.user_id = seed.user;
        begin(NULL, NULL);
        ck_assert_int_eq(find(&s), RC_OK);
        database_run(db, "%s", rows[i]);
        ck_assert_msg(find(&s) == RC_NOT_FOUND, "%s", rows[i]);
    }
}
END_TEST

START_TEST(a_request_moves_the_idle_end_once_a_minute_and_never_the_last_one)
{
    struct session s;
    int64_t idle, expires;

    begin(NULL, NULL);
    idle = database_number(db, "SELECT idle_expires_at FROM session");
    expires = database_number(db, "SELECT expires_at FROM session");
    ck_assert_int_eq(find(&s), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT idle_expires_at FROM session"), idle);
    database_run(db,
                 "UPDATE session SET seen_at = seen_at - %d,"
                 " idle_expires_at = idle_expires_at - 70000",
                 SESSION_TOUCH_MS);
    ck_assert_int_eq(find(&s), RC_OK);
    ck_assert_int_ge(database_number(db, "SELECT idle_expires_at FROM session"), idle);
    ck_assert_int_eq(database_number(db, "SELECT expires_at FROM session"), expires);
}
END_TEST

START_TEST(the_role_is_the_one_the_person_has_now)
{
    struct session s;

    begin(NULL, NULL);
    database_run(db, "UPDATE membership SET role = 5");
    ck_assert_int_eq(find(&s), RC_OK);
    ck_assert_int_eq(s.role, ROLE_VIEWER);
    database_run(db, "UPDATE membership SET role = 9");
    ck_assert_int_eq(find(&s), RC_BUG);
}
END_TEST

START_TEST(signing_in_again_ends_the_session_that_was_there)
{
    unsigned char old[SESSION_HASH_SIZE];
    struct session s;

    begin(NULL, NULL);
    (void)memcpy(old, hash, sizeof(old));
    hash[5] ^= 0x40;
    begin(old, NULL);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM session"), 1);
    ck_assert_int_eq(find(&s), RC_OK);
}
END_TEST

START_TEST(a_beginning_forgets_failed_sign_ins_and_clears_away_what_is_over)
{
    database_run(db, "UPDATE user SET failed_logins = 7");
    begin(NULL, NULL);
    database_run(db, "UPDATE session SET expires_at = 1");
    hash[0] ^= 1;
    begin(NULL, NULL);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM session"), 1);
    ck_assert_int_eq(database_number(db, "SELECT failed_logins FROM user"), 0);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM audit_log"
                                         " WHERE action = 'session.create'"),
                     2);
}
END_TEST

START_TEST(an_ended_session_is_gone_and_ending_it_again_is_fine)
{
    struct session s;

    begin(NULL, NULL);
    ck_assert_int_eq(session_end(db, &actor, hash, &err), RC_OK);
    ck_assert_int_eq(find(&s), RC_NOT_FOUND);
    ck_assert_int_eq(session_end(db, &actor, hash, &err), RC_OK);
}
END_TEST

START_TEST(a_user_agent_is_cut_and_one_that_is_no_text_is_left_out)
{
    char agent[1000];

    (void)memset(agent, 'a', sizeof(agent) - 1);
    agent[sizeof(agent) - 1] = '\0';
    begin(NULL, agent);
    ck_assert_int_eq(database_number(db, "SELECT LENGTH(user_agent) FROM session"), 255);
    hash[0] ^= 1;
    begin(NULL, "\xff\xfe");
    ck_assert_int_eq(database_number(db, "SELECT MIN(LENGTH(user_agent)) FROM session"),
                     0);
}
END_TEST

DATABASE_MAIN("store_sessions", setup, teardown, a_session_gives_back_who_began_it,
              it_ends_by_what_happens_to_it_or_to_its_person,
              a_request_moves_the_idle_end_once_a_minute_and_never_the_last_one,
              the_role_is_the_one_the_person_has_now,
              signing_in_again_ends_the_session_that_was_there,
              a_beginning_forgets_failed_sign_ins_and_clears_away_what_is_over,
              an_ended_session_is_gone_and_ending_it_again_is_fine,
              a_user_agent_is_cut_and_one_that_is_no_text_is_left_out)
