/* ctl: what the commands do to a database, and what they say of it. */
#include "core/config.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "ctl/ctl.h"
#include "ctl_run.h"
#include "database.h"
#include "store/api_tokens.h"
#include "store/users.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct db *db;
static const struct ctl_result *r;
static struct err err;

static void setup(void)
{
    db = database_open();
    database_empty(db);
    ck_assert_int_eq(setenv("TTS_ENV_FILE", "", 1), 0);
    ck_assert_int_eq(setenv("DATABASE_URL", database_url(NULL, NULL), 1), 0);
}

static void teardown(void)
{
    db_free(db);
}

static const struct ctl_result *good(const char *words, const char *input)
{
    r = ctl_run(words, input);
    ck_assert_msg(r->status == CTL_OK, "%s: %d %s", words, r->status, r->notes);
    return r;
}

static const struct ctl_result *fails(const char *words, const char *input,
                                      const char *why)
{
    r = ctl_run(words, input);
    ck_assert_msg(r->status == CTL_FAILED, "%s: %d", words, r->status);
    ck_assert_msg(strstr(r->notes, why) != NULL, "%s: %s", words, r->notes);
    return r;
}

#define PASSWORD "correct horse battery\n"

START_TEST(a_person_who_was_added_has_that_password)
{
    struct user_login user;

    (void)good("user add ann@example.com --name Ann~Long --workspace Demo", PASSWORD);
    ck_assert_ptr_nonnull(strstr(r->out, "owner of \"Demo\", a new workspace"));
    ck_assert_int_eq(user_login_find(db, "ann@example.com", &user, &err), RC_OK);
    ck_assert_int_eq(
        password_verify(user.password_hash, "correct horse battery", 21, &err), RC_OK);
    ck_assert_str_eq(database_text(db, "SELECT name FROM user"), "Ann Long");
    ck_assert_ptr_null(strstr(r->out, "correct"));
}
END_TEST

START_TEST(who_is_there_is_not_added_again)
{
    (void)good("user add ann@example.com", PASSWORD);
    (void)fails("user add ANN@example.com", PASSWORD, "already");
    (void)good("user add ann@example.com --if-missing", PASSWORD);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM user"), 1);
    (void)fails("user add bob@example.com", "short\n", "at least 15");
    (void)fails("user add bob@example.com", "", "standard input");
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM user"), 1);
}
END_TEST

START_TEST(passwords_change_and_people_are_kept_out_and_let_in)
{
    struct user_login user;

    (void)good("user add ann@example.com", PASSWORD);
    (void)good("user password ann@example.com", "another long password\n");
    ck_assert_int_eq(user_login_find(db, "ann@example.com", &user, &err), RC_OK);
    ck_assert_int_eq(
        password_verify(user.password_hash, "another long password", 21, &err), RC_OK);
    (void)good("user disable ann@example.com", "");
    ck_assert_ptr_nonnull(strstr(good("user list", "")->out, "disabled"));
    (void)good("user enable ann@example.com", "");
    ck_assert_ptr_nonnull(strstr(good("user list", "")->out, "active"));
    (void)fails("user password bob@example.com", PASSWORD, "no such person");
    (void)fails("user disable bob@example.com", "", "user list");
}
END_TEST

START_TEST(a_token_is_shown_once_and_opens_until_it_is_revoked)
{
    char text[API_TOKEN_SIZE];
    unsigned char hash[API_TOKEN_HASH_SIZE];
    char words[64];
    struct api_token token;

    (void)good("user add ann@example.com", PASSWORD);
    (void)good("token add ann@example.com --name CI --scopes read --days 30", "");
    ck_assert_uint_eq(strlen(r->out), API_TOKEN_SIZE);
    (void)memcpy(text, r->out, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0'; /* in the newline's place */
    ck_assert(api_token_looks_right(text));
    digest_sha256(text, strlen(text), hash);
    ck_assert_int_eq(api_token_find(db, hash, &token, &err), RC_OK);
    ck_assert_uint_eq(token.scopes, API_SCOPE_READ);
    (void)good("token list", "");
    ck_assert_ptr_nonnull(strstr(r->out, "CI"));
    ck_assert_ptr_null(strstr(r->out, text));
    (void)snprintf(words, sizeof(words), "token revoke %" PRIu64, token.token_id);
    (void)good(words, "");
    ck_assert_int_eq(api_token_find(db, hash, &token, &err), RC_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(good("token list", "")->out, "revoked"));
    (void)fails("token add bob@example.com", "", "no such person");
    (void)fails("token revoke 999999", "", "no such token");
}
END_TEST

START_TEST(migrating_twice_is_harmless)
{
    (void)good("migrate schema", "");
    ck_assert_ptr_nonnull(strstr(r->out, "up to date"));
    ck_assert_ptr_null(strstr(r->out, "applied"));
    (void)fails("migrate nowhere", "", "nowhere");
}
END_TEST

START_TEST(a_database_user_gets_what_its_program_needs)
{
    database_take_users(db);
    (void)good("db-user tts_api --host 127.0.0.9", "a-password-of-the-api\n");
    ck_assert_ptr_null(strstr(r->out, "a-password"));
    ck_assert_int_eq(
        database_number(db, "SELECT COUNT(*) FROM information_schema.table_privileges"
                            " WHERE grantee LIKE '%%tts_api%%127.0.0.9%%'"
                            " AND table_name = 'session' AND table_schema = DATABASE()"
                            " AND privilege_type = 'INSERT'"),
        1);
    (void)fails("db-user root", "a-password-of-root\n", "");
    (void)fails("db-user tts_media", "short\n", "");
    database_run(db, "DROP USER tts_api@127.0.0.9");
}
END_TEST

START_TEST(a_post_is_told_from_its_job_to_its_timeline)
{
    struct seed seed = seed_all(db);
    uint64_t post = seed_post(db, &seed, 3, -60000);
    char words[64];

    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, publish_id, bytes_total, bytes_acked, tiktok_log_id,"
                 " tiktok_status, created_at, updated_at) VALUES (%" PRIu64
                 ", 1, %" PRIu64
                 ", 4, 1, 1, 'v_pub_file~x', 100, 100, 'LOG77', 'PROCESSING_UPLOAD',"
                 " 1790000000000, 1790000000000)",
                 post, seed.workspace);
    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, first_served_at, created_at, updated_at) VALUES"
                 " (%" PRIu64 ", 2, %" PRIu64 ", 6, 2, 1, 1790000000000, 0, 0),"
                 " (%" PRIu64 ", 3, %" PRIu64 ", 1, 2, 1, NULL, 0, 0)",
                 post, seed.workspace, post, seed.workspace);
    for (int i = 0; i < 150; i++) /* more than a page */
        database_run(db,
                     "INSERT INTO job_event (workspace_id, post_id, at, kind, data)"
                     " VALUES (%" PRIu64 ", %" PRIu64 ", 1790000000000 + %d, 26,"
                     " '{\"code\":\"W%d\"}')",
                     seed.workspace, post, i, i);
    database_run(db,
                 "INSERT INTO job_event (workspace_id, post_id, at, kind, user_id, data)"
                 " VALUES (%" PRIu64 ", %" PRIu64 ", 1790000000000, 4, %" PRIu64
                 ", '{\"when\":1790000600000}'), (%" PRIu64 ", %" PRIu64
                 ", 1790000000000, 29, NULL, '{\"code\":\"tiktok_unavailable\","
                 "\"log_id\":\"LOG78\",\"when\":1790000004000}')",
                 seed.workspace, post, seed.user, seed.workspace, post);
    database_run(db, "UPDATE user SET name = 'Ann'");
    (void)snprintf(words, sizeof(words), "post show %" PRIu64, post);
    (void)good(words, "");
    ck_assert_ptr_nonnull(strstr(r->out, "), video, direct\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "The time was changed.  for 2026-09-21T14:"));
    ck_assert_ptr_nonnull(strstr(r->out, "  by Ann\n"));
    ck_assert_ptr_nonnull(
        strstr(r->out, "will be tried again. TikTok had a problem of its own.  next try "
                       "2026-09-21T14:13:24.000Z  [tiktok_unavailable]  log LOG78\n"));
    ck_assert_ptr_nonnull(strstr(r->out, "state COMMITTED"));
    ck_assert_ptr_nonnull(strstr(r->out, "1  PROCESSING  begun 2026-09-21T"));
    ck_assert_ptr_nonnull(strstr(r->out, "v_pub_file~x  100/100 bytes"));
    ck_assert_ptr_nonnull(strstr(r->out, "log LOG77"));
    ck_assert_ptr_nonnull(strstr(r->out, "(no session)  fetched from 2026-09-21T"));
    ck_assert_ptr_nonnull(strstr(r->out, "(no session)  nothing fetched"));
    ck_assert_ptr_nonnull(strstr(r->out, "[W0]"));
    ck_assert_ptr_nonnull(strstr(r->out, "[W100]"));
    ck_assert_ptr_nonnull(strstr(r->out, "[W149]"));
    (void)fails("post show 999999", "", "no such post");
    (void)fails("post show 999999", "", "/queue?post=ID");
}
END_TEST

static void figure_is(const char *name, const char *number)
{
    const char *line = strstr(r->out, name);
    char word[32] = "";

    ck_assert_msg(line != NULL, "%s in %s", name, r->out);
    (void)sscanf(line + strlen(name), " %31s", word);
    ck_assert_msg(strcmp(word, number) == 0, "%s is %s", name, word);
}

START_TEST(figures_count_what_there_is)
{
    struct seed seed = seed_all(db);

    (void)seed_post(db, &seed, 1, 3600000);
    (void)seed_post(db, &seed, 1, -3600000);
    database_run(db, "UPDATE job SET next_at = %" PRId64 " WHERE post_id = %" PRIu64,
                 INT64_MAX, seed_post(db, &seed, 5, -3600000));
    database_run(db, "INSERT INTO publisher (host, pid, started_at, lease_until)"
                     " VALUES ('host1', 77, 1790000000000,"
                     " UNIX_TIMESTAMP(NOW(3)) * 1000 + 3600000),"
                     " ('host2', 78, 1790000000000, 5)");
    (void)good("stats", "");
    figure_is("people", "1");
    figure_is("accounts connected", "1");
    figure_is("posts SCHEDULED", "2");
    figure_is("posts FAILED", "1");
    figure_is("posts overdue", "1");
    ck_assert_ptr_nonnull(strstr(r->out, "host1 process 77"));
    ck_assert_ptr_null(strstr(r->out, "host2"));
}
END_TEST

START_TEST(watch_says_whether_posts_go_out)
{
    struct seed s = seed_all(db);

    r = ctl_run("watch", "");
    ck_assert_int_eq(r->status, 1); /* nobody is there */
    ck_assert_ptr_nonnull(strstr(r->out, "WRONG  publishers alive"));
    database_run(db, "INSERT INTO publisher (host, pid, started_at, lease_until)"
                     " VALUES ('host1', 77, 1, UNIX_TIMESTAMP(NOW(3)) * 1000 + 60000)");
    r = ctl_run("watch", "");
    ck_assert_msg(r->status == 0, "%s", r->out);
    r = ctl_run("watch --again 1", "");
    ck_assert_int_eq(r->status, 0);
    (void)seed_post(db, &s, 1, -60000);
    r = ctl_run("watch --again 1", "");
    ck_assert_int_eq(r->status, 1);
    ck_assert_ptr_nonnull(strstr(r->out, "WRONG  posts overdue        1"));
    ck_assert_int_eq(ctl_run("watch --again soon", "")->status, 64);
}
END_TEST

/* --- check --------------------------------------------------------------------- */

static const char *line_of(const char *start)
{
    const char *line = strstr(r->out, start);

    ck_assert_msg(line != NULL, "no line %s in %s", start, r->out);
    return line;
}

START_TEST(a_check_says_of_each_thing_how_it_stands)
{
    ck_assert_int_eq(setenv("REDIS_URL", getenv("TEST_REDIS_URL"), 1), 0);
    ck_assert_int_eq(setenv("SCHEMA_DIR", "schema", 1), 0);
    ck_assert_int_eq(setenv("MEDIA_URL", "file:///nowhere/media", 1), 0);
    ck_assert_int_eq(setenv("APP_KEY_FILE", "/nowhere/key", 1), 0);
    ck_assert_int_eq(setenv("TIKTOK_CLIENT_SECRET", "canary-secret", 1), 0);
    r = ctl_run("check", "");
    ck_assert_int_eq(r->status, CTL_FAILED);
    (void)line_of("ok     DATABASE_URL");
    (void)line_of("ok     schema");
    (void)line_of("ok     SCHEMA_DIR           0 files to apply");
    (void)line_of("WRONG  publisher            0 running: start tts-publisher");
    (void)line_of("ok     posts                0 overdue");
    (void)line_of("ok     REDIS_URL            Redis answers");
    (void)line_of("WRONG  MEDIA_URL            /nowhere/media is not a directory");
    (void)line_of("WRONG  APP_KEY_FILE");
    (void)line_of("WRONG  TIKTOK_CLIENT_SECRET stands beside APP_KEY_FILE");
    ck_assert_ptr_null(strstr(r->out, "canary"));
}
END_TEST

START_TEST(a_check_is_good_when_everything_is)
{
    database_run(db, "INSERT INTO publisher (host, pid, started_at, lease_until)"
                     " VALUES ('h', 1, 0, UNIX_TIMESTAMP(NOW(3)) * 1000 + 3600000)");
    ck_assert_int_eq(setenv("MEDIA_URL", "file:///tmp", 1), 0);
    ck_assert_int_eq(setenv("MEDIA_INCOMING", "/tmp", 1), 0);
    ck_assert_int_eq(setenv("APP_URL", "https://example.com", 1), 0);
    ck_assert_int_eq(setenv("TIKTOK_REDIRECT_URI", "https://example.com/x", 1), 0);
    (void)good("check", "");
    ck_assert_ptr_null(strstr(r->out, "WRONG"));
    database_run(db, "UPDATE publisher SET pause_reason = 'client_invalid',"
                     " paused_until = UNIX_TIMESTAMP(NOW(3)) * 1000 + 60000");
    r = ctl_run("check", "");
    ck_assert_int_eq(r->status, 1);
    (void)line_of("WRONG  tiktok               new posts wait: TikTok does not know");
}
END_TEST

START_TEST(a_check_reads_the_files_of_several_programs)
{
    char path[64], words[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "/tmp/tts-check-%d.env", (int)getpid());
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fprintf(file, "REDIS_URL=unix:///nowhere\nLOG_LEVEL=loud\n");
    (void)fclose(file);
    (void)unsetenv("DATABASE_URL");
    (void)snprintf(words, sizeof(words), "check %s /nowhere/other.env", path);
    r = ctl_run(words, "");
    ck_assert_int_eq(r->status, CTL_FAILED);
    (void)line_of(path);
    (void)line_of("WRONG  REDIS_URL");
    (void)line_of("WRONG  LOG_LEVEL");
    (void)line_of("/nowhere/other.env\n");
    (void)line_of("WRONG  settings             TTS_ENV_FILE");
    ck_assert_ptr_null(strstr(r->out, "DATABASE_URL"));
    ck_assert_int_eq(remove(path), 0);
}
END_TEST

DATABASE_MAIN("ctl_database", setup, teardown, watch_says_whether_posts_go_out,
              a_person_who_was_added_has_that_password, who_is_there_is_not_added_again,
              passwords_change_and_people_are_kept_out_and_let_in,
              a_token_is_shown_once_and_opens_until_it_is_revoked,
              migrating_twice_is_harmless, a_database_user_gets_what_its_program_needs,
              a_post_is_told_from_its_job_to_its_timeline, figures_count_what_there_is,
              a_check_says_of_each_thing_how_it_stands,
              a_check_is_good_when_everything_is,
              a_check_reads_the_files_of_several_programs)
