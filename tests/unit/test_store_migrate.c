/* migrate, grants: the schema is applied once, in order, by one at a time; and each
 * program's database user may do what its program needs. */
#include "core/strbuf.h"
#include "core/xalloc.h"
#include "crypto/digest.h"
#include "database.h"
#include "store/db_priv.h"
#include "store/migrate.h"
#include "store/stmt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct db *db;
static struct err err;
static char dir[] = "/tmp/tts-schema.XXXXXX";
static char applied[512]; /* names, each with a space behind it */
static char scratch[64];  /* the database that files are applied to */

static void note(void *ctx UNUSED, const char *name)
{
    (void)strncat(applied, name, sizeof(applied) - strlen(applied) - 2);
    (void)strncat(applied, " ", sizeof(applied) - strlen(applied) - 1);
}

static const struct migrate plan = {.dir = dir, .digest = digest_sha256, .applied = note};

static void put(const char *name, const char *sql)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(sql, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void take_away(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(unlink(path), 0);
}

/* A connection of its own, to an empty database beside the program's. */
static struct db *open_scratch(void)
{
    char url[1024];
    const char *mine = database_url(NULL, NULL);
    const char *slash = strstr(mine, "/t_");
    struct db *other = NULL;

    (void)snprintf(url, sizeof(url), "%.*s/%s%s", (int)(slash - mine), mine, scratch,
                   strchr(slash, '?'));
    ck_assert_int_eq(db_new(url, &other, &err), RC_OK);
    return other;
}

static void setup(void)
{
    struct db *admin = database_open();

    (void)snprintf(scratch, sizeof(scratch), "s_%ld", (long)getpid());
    database_run(admin, "CREATE DATABASE %s", scratch);
    db_free(admin);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    db = open_scratch();
    put("0001_first.sql",
        "-- A comment; with a semicolon.\n"
        "CREATE TABLE IF NOT EXISTS connection_check (id INT PRIMARY KEY, n INT); # "
        "more;\n"
        "INSERT IGNORE INTO connection_check VALUES (1, 1);\n"
        "/* and ; another */ ;;\n"
        "CREATE TABLE IF NOT EXISTS a (t VARCHAR(30), `odd;name` INT);\n"
        "INSERT INTO a (t) VALUES ('it''s; \\'quoted'), (\"-- not a comment;\")");
}

static void teardown(void)
{
    char command[300];
    struct db *admin = database_open();

    db_free(db);
    database_run(admin, "DROP DATABASE %s", scratch);
    db_free(admin);
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static enum rc run(void)
{
    applied[0] = '\0';
    return migrate_run(db, &plan, &err);
}

START_TEST(files_are_applied_once_in_the_order_of_their_numbers)
{
    size_t n = 99;

    put("0003_third.sql", "INSERT INTO a (t) VALUES ('third')");
    put("0002_second.sql", "ALTER TABLE a ADD COLUMN n INT");
    put("README", "not SQL");
    ck_assert_int_eq(migrate_pending(db, &plan, &n, &err), RC_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_str_eq(applied, "0001_first.sql 0002_second.sql 0003_third.sql ");
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_str_eq(applied, "");
    ck_assert_int_eq(migrate_pending(db, &plan, &n, &err), RC_OK);
    ck_assert_uint_eq(n, 0);
    ck_assert_str_eq(database_text(db, "SELECT GROUP_CONCAT(t ORDER BY t) FROM a"),
                     "-- not a comment;,it's; 'quoted,third");
    put("0004_fourth.sql", "INSERT INTO a (t) VALUES ('4')");
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_str_eq(applied, "0004_fourth.sql ");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM schema_version"
                                         " WHERE applied_at > 1700000000000"),
                     4);
}
END_TEST

START_TEST(a_released_file_that_was_changed_is_refused_by_name)
{
    size_t n = 0;

    ck_assert_int_eq(run(), RC_OK);
    put("0001_first.sql", "SELECT 1");
    put("0002_second.sql", "CREATE TABLE b (n INT)");
    ck_assert_int_eq(run(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "schema_changed");
    ck_assert_ptr_nonnull(strstr(err.msg, "0001_first.sql"));
    ck_assert_int_eq(migrate_pending(db, &plan, &n, &err), RC_CONFLICT);
    ck_assert_str_eq(applied, "");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM information_schema.tables"
                                         " WHERE table_schema = DATABASE()"
                                         " AND table_name = 'b'"),
                     0);
}
END_TEST

START_TEST(a_renamed_file_is_refused_too)
{
    char from[256], to[256];

    ck_assert_int_eq(run(), RC_OK);
    (void)snprintf(from, sizeof(from), "%s/0001_first.sql", dir);
    (void)snprintf(to, sizeof(to), "%s/0001_other.sql", dir);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(run(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "schema_changed");
}
END_TEST

START_TEST(a_database_that_knows_more_is_refused)
{
    put("0002_second.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_OK);
    take_away("0002_second.sql");
    ck_assert_int_eq(run(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "schema_newer");
    ck_assert_ptr_nonnull(strstr(err.msg, "0002_second.sql"));
}
END_TEST

START_TEST(a_file_that_comes_late_is_refused)
{
    put("0003_third.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_OK);
    put("0002_second.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_CONFLICT);
    ck_assert_str_eq(err.code, "schema_order");
}
END_TEST

START_TEST(names_and_numbers_that_are_not_proper_are_refused)
{
    static const char *const bad[] = {"1_x.sql",       "0002-x.sql", "0002_X.sql",
                                      "0000_zero.sql", "x.sql",      "0002_.sql",
                                      "0002_a b.sql"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        put(bad[i], "SET @a = 1");
        ck_assert_msg(run() == RC_INVALID, "%s", bad[i]);
        take_away(bad[i]);
    }
    put("0001_again.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_INVALID);
    ck_assert_str_eq(err.code, "migration_number");
}
END_TEST

START_TEST(a_file_that_fails_is_named_and_run_again)
{
    put("0002_second.sql",
        "CREATE TABLE IF NOT EXISTS b (n INT); INSERT INTO missing VALUES (1)");
    put("0003_third.sql", "SET @a = 1");
    ck_assert_int_eq(run(), RC_REJECTED);
    ck_assert_str_eq(err.code, "migration_failed");
    ck_assert_ptr_nonnull(strstr(err.msg, "0002_second.sql: "));
    ck_assert_ptr_nonnull(strstr(err.msg, "missing"));
    ck_assert_str_eq(applied, "0001_first.sql ");
    put("0002_second.sql", "CREATE TABLE IF NOT EXISTS b (n INT)");
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_str_eq(applied, "0002_second.sql 0003_third.sql ");
}
END_TEST

START_TEST(two_at_once_take_turns)
{
    int status = 0;
    pid_t child;

    /* Not to be repeated: the second of two that overlap would fail. */
    put("0002_second.sql", "DO SLEEP(0.5); CREATE TABLE once (n INT)");
    child = fork();
    if (child == 0) {
        struct db *mine = open_scratch();
        enum rc rc = migrate_run(mine, &plan, &err);

        db_free(mine);
        _exit(rc == RC_OK ? 0 : 1);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(run(), RC_OK);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM schema_version"), 2);
}
END_TEST

START_TEST(the_programs_own_schema_can_be_applied_twice)
{
    const struct migrate ours = {.dir = "schema", .digest = digest_sha256};
    struct db *mine = database_open();

    ck_assert_int_eq(migrate_run(mine, &ours, &err), RC_OK);
    /* As after a run that was cut off before it could be noted. */
    database_run(mine, "DELETE FROM schema_version");
    ck_assert_int_eq(migrate_run(mine, &ours, &err), RC_OK);
    ck_assert_int_gt(database_number(mine, "SELECT COUNT(*) FROM schema_version"), 3);
    db_free(mine);
}
END_TEST

/* --- users -------------------------------------------------------------------------- */

static struct db *mine; /* an administrator in the program's database */

static struct db *as(const char *user)
{
    struct db *d = NULL;

    ck_assert_int_eq(db_new(database_url(user, "a-password"), &d, &err), RC_OK);
    return d;
}

static bool may(struct db *d, const char *sql)
{
    enum rc rc = db_exec_once(d, sql, SQL_NONE, NULL, &err);

    if (rc == RC_OK)
        return true;
    ck_assert_msg(rc == RC_BUG && strstr(err.msg, "denied") != NULL, "%s: %s", sql,
                  err.msg);
    return false;
}

static void make_users(void)
{
    static const char *const names[] = {"tts_api", "tts_publisher", "tts_media"};
    size_t n = 0;

    mine = database_open();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_int_eq(grants_user(mine, names[i], "localhost", "a-password", &err),
                         RC_OK);
    ck_assert_int_eq(grants_renew(mine, &n, &err), RC_OK);
    ck_assert_uint_eq(n, 3);
}

static void drop_users(void)
{
    database_run(mine, "DROP USER tts_api@localhost, tts_publisher@localhost,"
                       " tts_media@localhost");
    db_free(mine);
}

START_TEST(each_program_may_do_what_it_needs_and_no_more)
{
    static const struct {
        const char *user, *sql;
        bool may;
    } rows[] = {
        {"tts_api", "SELECT access_tok FROM account_token", false},
        {"tts_api", "SELECT account_id FROM account_token", false},
        {"tts_api", "UPDATE account_token SET tok_ver = 1 WHERE 0", false},
        {"tts_api", "DELETE FROM account_token WHERE 0", false},
        {"tts_api", "INSERT INTO account_token SET account_id = 1", false},
        {"tts_api", "DELETE FROM job_event WHERE 0", false},
        {"tts_api", "UPDATE job_event SET at = 0 WHERE 0", false},
        {"tts_api", "DELETE FROM audit_log WHERE 0", false},
        {"tts_api", "INSERT INTO attempt SET post_id = 1", false},
        {"tts_api", "UPDATE publisher SET lease_until = 0 WHERE 0", false},
        {"tts_api", "UPDATE membership SET role = 1 WHERE 0", false},
        {"tts_api", "DROP TABLE session", false},
        {"tts_api", "SELECT 1 FROM mysql.user", false},
        {"tts_api", "SELECT 1 INTO OUTFILE '/tmp/none'", false},
        {"tts_api", "SELECT MAX(event_id) FROM job_event LOCK IN SHARE MODE", true},
        {"tts_api", "UPDATE job SET state = 6 WHERE 0", true},
        {"tts_api", "DELETE FROM session WHERE 0", true},
        {"tts_publisher", "SELECT refresh_tok FROM account_token", true},
        {"tts_publisher", "UPDATE job SET state = 3 WHERE 0", true},
        {"tts_publisher", "SELECT password_hash FROM user", false},
        {"tts_publisher", "SELECT token_hash FROM api_token", false},
        {"tts_publisher", "SELECT session_hash FROM session", false},
        {"tts_publisher", "UPDATE media SET state = 2 WHERE 0", false},
        {"tts_media", "UPDATE media SET state = 2 WHERE 0", true},
        {"tts_media", "SELECT 1 FROM account_token", false},
        {"tts_media", "SELECT 1 FROM post", false},
        {"tts_media", "SELECT 1 FROM user", false},
        {"tts_media", "INSERT INTO media SET media_id = 1", false},
    };

    make_users();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct db *d = as(rows[i].user);

        ck_assert_msg(may(d, rows[i].sql) == rows[i].may, "%s: %s", rows[i].user,
                      rows[i].sql);
        db_free(d);
    }
    drop_users();
}
END_TEST

START_TEST(renewing_takes_away_what_goes_beyond)
{
    size_t n = 0;
    struct db *api;

    make_users();
    database_run(mine, "GRANT SELECT ON account_token TO tts_api@localhost");
    database_run(mine, "GRANT DELETE ON job_event TO tts_api@localhost");
    database_run(mine, "GRANT ALL ON * TO tts_api@localhost");
    api = as("tts_api");
    ck_assert(may(api, "SELECT 1 FROM account_token"));
    ck_assert_int_eq(grants_renew(mine, &n, &err), RC_OK);
    db_free(api);
    api = as("tts_api");
    ck_assert(!may(api, "SELECT 1 FROM account_token"));
    ck_assert(!may(api, "DELETE FROM job_event WHERE 0"));
    ck_assert(!may(api, "DROP TABLE session"));
    ck_assert(may(api, "SELECT 1 FROM session"));
    db_free(api);
    drop_users();
}
END_TEST

START_TEST(a_user_gets_its_password_and_may_get_another)
{
    struct db *d;

    make_users();
    ck_assert_int_eq(grants_user(mine, "tts_api", "localhost", "it's \"another\\", &err),
                     RC_OK);
    d = as("tts_api");
    ck_assert_int_eq(db_ping(d, &err), RC_UNAVAILABLE);
    db_free(d);
    ck_assert_int_eq(db_new(database_url("tts_api", "it%27s%20%22another%5C"), &d, &err),
                     RC_OK);
    ck_assert_int_eq(db_ping(d, &err), RC_OK);
    db_free(d);
    drop_users();
}
END_TEST

START_TEST(users_of_other_names_hosts_or_passwords_are_not_made)
{
    static const struct {
        const char *name, *host, *password;
    } rows[] = {
        {"root", "localhost", "a-password"},     {"tts_api", "x' OR 1", "a-password"},
        {"tts_api", "", "a-password"},           {"tts_api", "localhost", "short"},
        {"tts_api'", "localhost", "a-password"},
    };

    mine = database_open();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_int_eq(
            grants_user(mine, rows[i].name, rows[i].host, rows[i].password, &err),
            RC_INVALID);
    db_free(mine);
}
END_TEST

DATABASE_MAIN("store_migrate", setup, teardown,
              files_are_applied_once_in_the_order_of_their_numbers,
              a_released_file_that_was_changed_is_refused_by_name,
              a_renamed_file_is_refused_too, a_database_that_knows_more_is_refused,
              a_file_that_comes_late_is_refused,
              names_and_numbers_that_are_not_proper_are_refused,
              a_file_that_fails_is_named_and_run_again, two_at_once_take_turns,
              the_programs_own_schema_can_be_applied_twice,
              each_program_may_do_what_it_needs_and_no_more,
              renewing_takes_away_what_goes_beyond,
              a_user_gets_its_password_and_may_get_another,
              users_of_other_names_hosts_or_passwords_are_not_made)
