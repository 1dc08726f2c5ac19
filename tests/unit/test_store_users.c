/* users: addresses, workspaces, passwords, and what sign-in reads. */
#include "database.h"
#include "store/sessions.h"
#include "store/users.h"

#include <inttypes.h>
#include <string.h>

static struct db *db;
static struct err err;

static void setup(void)
{
    db = database_open();
    database_empty(db);
}

static void teardown(void)
{
    db_free(db);
}

static struct user_ids add(const char *email, const char *workspace, enum role role)
{
    const struct user_new user = {.email = email,
                                  .name = "Ann",
                                  .password_hash = "$argon2id$x",
                                  .workspace = workspace,
                                  .role = role};
    struct user_ids ids = {0};

    ck_assert_int_eq(user_add(db, &user, &ids, &err), RC_OK);
    return ids;
}

START_TEST(the_first_person_of_a_workspace_makes_and_owns_it)
{
    struct user_ids ann = add("ann@example.com", "Demo", ROLE_VIEWER);
    struct user_ids bob = add("bob@example.com", "Demo", ROLE_VIEWER);

    ck_assert(ann.workspace_made && !bob.workspace_made);
    ck_assert_uint_eq(ann.workspace_id, bob.workspace_id);
    ck_assert_int_eq(
        database_number(db, "SELECT role FROM membership WHERE user_id = %" PRIu64,
                        ann.user_id),
        ROLE_OWNER);
    ck_assert_int_eq(
        database_number(db, "SELECT role FROM membership WHERE user_id = %" PRIu64,
                        bob.user_id),
        ROLE_VIEWER);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM audit_log"
                                         " WHERE action = 'user.create'"),
                     2);
}
END_TEST

START_TEST(an_address_is_one_person_whatever_its_case)
{
    const struct user_new again = {.email = "ANN@example.COM",
                                   .name = "Other",
                                   .password_hash = "x",
                                   .workspace = "New",
                                   .role = ROLE_OWNER};
    struct user_ids ids;

    (void)add("ann@example.com", "Demo", ROLE_OWNER);
    ck_assert_int_eq(user_add(db, &again, &ids, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "user_exists");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM workspace"), 1);
}
END_TEST

START_TEST(sign_in_finds_exactly_the_address)
{
    static const struct {
        const char *email;
        bool found;
    } rows[] = {
        {"ann@example.com", true},
        {"ANN@Example.com", true},
        {"\xc3\xa4nn@example.com", false}, /* alike to the collation */
        {"ann@example.com ", false},
        {"bob@example.com", false},
        {"", false},
    };
    struct user_ids ann = add("ann@example.com", "Demo", ROLE_OWNER);
    struct user_login user;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum rc rc = user_login_find(db, rows[i].email, &user, &err);

        ck_assert_msg(rc == (rows[i].found ? RC_OK : RC_NOT_FOUND), "%s", rows[i].email);
        if (!rows[i].found)
            continue;
        ck_assert_uint_eq(user.user_id, ann.user_id);
        ck_assert_uint_eq(user.workspace_id, ann.workspace_id);
        ck_assert_str_eq(user.password_hash, "$argon2id$x");
        ck_assert(!user.disabled && user.failed == 0 && user.now_ms > 0);
    }
}
END_TEST

START_TEST(failed_sign_ins_are_counted_with_their_time)
{
    struct user_ids ann = add("ann@example.com", "Demo", ROLE_OWNER);
    struct user_login user;

    ck_assert_int_eq(user_login_failed(db, ann.user_id, &err), RC_OK);
    ck_assert_int_eq(user_login_failed(db, ann.user_id, &err), RC_OK);
    ck_assert_int_eq(user_login_find(db, "ann@example.com", &user, &err), RC_OK);
    ck_assert_uint_eq(user.failed, 2);
    ck_assert_int_le(user.now_ms - user.failed_at_ms, 60000);
}
END_TEST

START_TEST(a_rehash_loses_against_a_new_password)
{
    struct user_ids ann = add("ann@example.com", "Demo", ROLE_OWNER);

    ck_assert_int_eq(user_set_password(db, "ann@example.com", "new", &err), RC_OK);
    ck_assert_int_eq(user_rehash(db, ann.user_id, "$argon2id$x", "rehashed", &err),
                     RC_OK);
    ck_assert_str_eq(database_text(db, "SELECT password_hash FROM user"), "new");
    ck_assert_int_eq(user_rehash(db, ann.user_id, "new", "rehashed", &err), RC_OK);
    ck_assert_str_eq(database_text(db, "SELECT password_hash FROM user"), "rehashed");
}
END_TEST

static void open_session(struct user_ids ids, unsigned char fill)
{
    unsigned char hash[SESSION_HASH_SIZE], secret[SESSION_SECRET_SIZE];
    const struct actor actor = {
        .workspace_id = ids.workspace_id, .user_id = ids.user_id, .ip = "192.0.2.1"};
    const struct session_new s = {.hash = hash, .csrf_secret = secret};

    (void)memset(hash, fill, sizeof(hash));
    (void)memset(secret, fill, sizeof(secret));
    ck_assert_int_eq(session_open(db, &actor, &s, &err), RC_OK);
}

START_TEST(a_new_password_or_disabling_ends_all_sessions_of_that_person_only)
{
    struct user_ids ann = add("ann@example.com", "Demo", ROLE_OWNER);
    struct user_ids bob = add("bob@example.com", "Demo", ROLE_EDITOR);

    open_session(bob, 9);
    open_session(ann, 1);
    open_session(ann, 2);
    ck_assert_int_eq(user_set_password(db, "ann@example.com", "new", &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM session"), 1);
    open_session(ann, 3);
    ck_assert_int_eq(user_set_disabled(db, "ann@example.com", true, &err), RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM session"), 1);
    ck_assert_int_eq(database_number(db, "SELECT user_id FROM session"),
                     (int64_t)bob.user_id);
    ck_assert_int_eq(user_set_password(db, "nobody@example.com", "x", &err),
                     RC_NOT_FOUND);
    ck_assert_str_eq(err.code, "user_unknown");
}
END_TEST

static size_t lines;
static struct user_line last;

static void keep(void *ctx, const struct user_line *line)
{
    (void)ctx;
    lines++;
    last = *line;
}

START_TEST(the_list_has_a_line_for_each_membership_and_for_people_without)
{
    (void)add("ann@example.com", "Demo", ROLE_OWNER);
    (void)add("bob@example.com", "Demo", ROLE_EDITOR);
    database_run(db, "DELETE FROM membership WHERE user_id ="
                     " (SELECT user_id FROM user WHERE email = 'bob@example.com')");
    ck_assert_int_eq(user_set_disabled(db, "bob@example.com", true, &err), RC_OK);
    ck_assert_int_eq(user_list(db, keep, NULL, &err), RC_OK);
    ck_assert_uint_eq(lines, 2);
    ck_assert_str_eq(last.email, "bob@example.com");
    ck_assert_uint_eq(last.workspace_id, 0);
    ck_assert(last.disabled);
}
END_TEST

START_TEST(a_profile_is_of_a_member_and_knows_what_tiktok_said_of_the_app)
{
    struct seed seed = seed_all(db);
    uint64_t post = seed_post(db, &seed, 5, 0);
    struct user_profile p;

    ck_assert_int_eq(user_profile(db, seed.workspace, seed.user, &p, &err), RC_OK);
    ck_assert(!p.unaudited);
    database_run(db,
                 "UPDATE job SET last_reason ="
                 " 'unaudited_client_can_only_post_to_private_accounts'"
                 " WHERE post_id = %" PRIu64,
                 post);
    ck_assert_int_eq(user_profile(db, seed.workspace, seed.user, &p, &err), RC_OK);
    ck_assert(p.unaudited);
    ck_assert_int_eq(user_profile(db, seed_workspace(db), seed.user, &p, &err),
                     RC_NOT_FOUND);
}
END_TEST

DATABASE_MAIN("store_users", setup, teardown,
              the_first_person_of_a_workspace_makes_and_owns_it,
              an_address_is_one_person_whatever_its_case,
              sign_in_finds_exactly_the_address,
              failed_sign_ins_are_counted_with_their_time,
              a_rehash_loses_against_a_new_password,
              a_new_password_or_disabling_ends_all_sessions_of_that_person_only,
              the_list_has_a_line_for_each_membership_and_for_people_without,
              a_profile_is_of_a_member_and_knows_what_tiktok_said_of_the_app)
