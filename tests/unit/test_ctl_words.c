/* ctl: commands, arguments, secrets and key files; no server is needed. */
#include "ctl/ctl.h"
#include "ctl_run.h"
#include "scratch.h"
#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ctl_result *r;
static struct err err;
static char dir[SCRATCH_SIZE];

static void setup(void)
{
    scratch_make(dir);
    ck_assert_int_eq(setenv("TTS_ENV_FILE", "", 1), 0);
    (void)unsetenv("DATABASE_URL");
}

static void teardown(void)
{
    scratch_remove(dir);
}

START_TEST(help_lists_the_commands_and_explains_each)
{
    static const char *const commands[] = {
        "migrate",       "db-user",        "user~add",
        "user~password", "user~disable",   "user~enable",
        "user~list",     "token~add",      "token~revoke",
        "token~list",    "keys~generate",  "keys~rotate",
        "keys~status",   "check",          "post~show",
        "stats",         "tiktok~explain", "tiktok~verify-webhook"};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        char words[64], name[32];

        (void)snprintf(name, sizeof(name), "%s", commands[i]);
        for (char *p = name; (p = strchr(p, '~')) != NULL;)
            *p = ' ';
        r = ctl_run("help", "");
        ck_assert_int_eq(r->status, CTL_OK);
        ck_assert_msg(strstr(r->out, name) != NULL, "%s", name);
        (void)snprintf(words, sizeof(words), "help %s", name);
        r = ctl_run(words, "");
        ck_assert_int_eq(r->status, CTL_OK);
        ck_assert_msg(strncmp(r->out, "usage: ttsctl ", 14) == 0, "%s", r->out);
        (void)snprintf(words, sizeof(words), "%s --help", name);
        r = ctl_run(words, "");
        ck_assert_int_eq(r->status, CTL_OK);
        ck_assert_msg(strncmp(r->out, "usage: ttsctl ", 14) == 0, "%s", r->out);
        ck_assert_ptr_null(strstr(r->out, " \n"));
    }
}
END_TEST

START_TEST(wrong_use_is_64_and_says_why)
{
    static const char *const rows[][2] = {
        {"", "usage"},
        {"nonsense", "no command nonsense"},
        {"user", "user password "},
        {"user nonsense", "user password "},
        {"help post", "post show "},
        {"help nonsense", "no command nonsense"},
        {"stats now", "one too many: now"},
        {"keys generate", "something is missing"},
        {"user add ann@example.com --colour red", "no option --colour"},
        {"user add ann@example.com --name", "value is missing after --name"},
        {"user add ann@example.com --if-missing=yes", "no value belongs to"},
        {"user add nobody", "no e-mail address"},
        {"user add ann@example.com --role king", "role must be"},
        {"user add ann@example.com --workspace=", "workspace's name"},
        {"token add ann@example.com --scopes all", "scopes must be"},
        {"token add ann@example.com --days 366", "days must be"},
        {"token add ann@example.com --days 0", "days must be"},
        {"token revoke tts_abc", "ID is the number"},
        {"post show 0", "ID is the number"},
        {"tiktok", "tiktok explain "},
        {"tiktok explain", "--endpoint must be"},
        {"tiktok explain --endpoint video", "--endpoint must be"},
        {"tiktok explain --endpoint status --http 20", "--http must be"},
        {"tiktok explain --endpoint status --http ok", "--http must be"},
        {"tiktok explain status", "one too many: status"},
        {"tiktok verify-webhook", "--signature is missing"},
        {"tiktok verify-webhook --signature x --at now", "--at must be"},
        {"tiktok verify-webhook --signature x --at -1", "--at must be"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = ctl_run(rows[i][0], "");
        ck_assert_msg(r->status == CTL_USAGE, "%s: %d", rows[i][0], r->status);
        ck_assert_msg(strstr(r->notes, rows[i][1]) != NULL, "%s: %s", rows[i][0],
                      r->notes);
        ck_assert_str_eq(r->out, "");
    }
}
END_TEST

START_TEST(without_a_database_url_the_settings_are_wrong)
{
    static const char *const rows[] = {"stats", "user list", "token list", "post show 1",
                                       "migrate schema"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = ctl_run(rows[i], "");
        ck_assert_int_eq(r->status, CTL_CONFIG);
        ck_assert_ptr_nonnull(strstr(r->notes, "DATABASE_URL is not set"));
    }
    ck_assert_int_eq(setenv("DATABASE_URL", "postgres://a:canary@b/c", 1), 0);
    r = ctl_run("stats", "");
    ck_assert_int_eq(r->status, CTL_CONFIG);
    ck_assert_ptr_nonnull(strstr(r->notes, "DATABASE_URL must be"));
    ck_assert_ptr_null(strstr(r->notes, "canary"));
}
END_TEST

START_TEST(a_database_that_is_away_is_a_failure_with_advice)
{
    ck_assert_int_eq(
        setenv("DATABASE_URL", "mysql://a:canary@localhost/t?socket=/nowhere", 1), 0);
    r = ctl_run("user list", "");
    ck_assert_int_eq(r->status, CTL_FAILED);
    ck_assert_ptr_nonnull(strstr(r->notes, "Is MariaDB running"));
    ck_assert_ptr_null(strstr(r->notes, "canary"));
}
END_TEST

/* --- secrets ------------------------------------------------------------------- */

static enum rc secret(const char *input, char *out, size_t size)
{
    FILE *in = tmpfile();
    struct ctl ctl = {.in = in, .notes = stderr};
    enum rc rc;

    ck_assert_ptr_nonnull(in);
    ck_assert_int_ge(fputs(input, in), 0);
    rewind(in);
    rc = ctl_read_secret(&ctl, "password", out, size, &err);
    (void)fclose(in);
    return rc;
}

START_TEST(a_secret_is_the_first_line_whole)
{
    char out[10]; /* at most eight characters */

    ck_assert_int_eq(secret("12345678\nmore\n", out, sizeof(out)), RC_OK);
    ck_assert_str_eq(out, "12345678");
    ck_assert_int_eq(secret("1 3\r\n", out, sizeof(out)), RC_OK);
    ck_assert_str_eq(out, "1 3");
    ck_assert_int_eq(secret("no newline", out, sizeof(out)), RC_INVALID);
    ck_assert_int_eq(secret("1234567", out, sizeof(out)), RC_OK);
    ck_assert_int_eq(secret("123456789\n", out, sizeof(out)), RC_INVALID);
    ck_assert_str_eq(err.code, "secret_too_long");
    ck_assert_int_eq(secret("", out, sizeof(out)), RC_INVALID);
    ck_assert_str_eq(err.code, "secret_missing");
    ck_assert_int_eq(secret("\nx\n", out, sizeof(out)), RC_INVALID);
}
END_TEST

START_TEST(a_good_password_is_long_and_not_the_address)
{
    static const struct {
        const char *password;
        bool good;
    } rows[] = {
        {"correct horse battery", true},
        {"fifteen letters", true},
        {"fourteen chars", false},
        {"", false},
        {"ann.long@example.com", false},
        {"ANN.LONG@EXAMPLE.COM", false},
        {"Ann Long Lastname", false},
        {"\xff\xff\xff\xff\xff\xff\xff\xff", false},
        {"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg((ctl_check_password(rows[i].password, "ann.long@example.com",
                                          "Ann Long Lastname", &err) == RC_OK) ==
                          rows[i].good,
                      "%s", rows[i].password);
}
END_TEST

START_TEST(addresses_have_one_at_and_no_spaces)
{
    static const char *const good[] = {"a@b", "ann@example.com", "\xc3\xa4@example.com"};
    static const char *const bad[] = {"",     "a",     "@b",    "a@",
                                      "a@@b", "a b@c", "a@b\n", "a@b@c"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(ctl_email_ok(good[i]), "%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!ctl_email_ok(bad[i]), "%s", bad[i]);
}
END_TEST

/* --- key files ----------------------------------------------------------------- */

static const struct ctl_result *keys(const char *verb)
{
    char words[160];

    (void)snprintf(words, sizeof(words), "keys %s %s/k", verb, dir);
    return ctl_run(words, "");
}

START_TEST(a_key_file_is_made_once_rotated_and_shown_without_its_secret)
{
    struct stat st;
    char path[96], text[4096] = "";
    FILE *file;

    ck_assert_int_eq(keys("status")->status, CTL_FAILED);
    ck_assert_int_eq(keys("generate")->status, CTL_OK);
    (void)snprintf(path, sizeof(path), "%s/k", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(keys("generate")->status, CTL_FAILED);
    ck_assert_int_eq(keys("rotate")->status, CTL_OK);
    r = keys("status");
    ck_assert_int_eq(r->status, CTL_OK);
    ck_assert_ptr_nonnull(strstr(r->out, "decrypt-only"));
    ck_assert_ptr_nonnull(strstr(r->out, "\tactive\t"));
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 100);
    (void)fclose(file);
    for (char *end, *line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        ck_assert_msg(end - line < 64 || strstr(r->out, end - 64) == NULL,
                      "a secret is shown");
    }
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_ptr_nonnull(strstr(keys("status")->notes, "chmod 0400"));
}
END_TEST

UNIT_MAIN_FIXTURE("ctl_words", setup, teardown, help_lists_the_commands_and_explains_each,
                  wrong_use_is_64_and_says_why,
                  without_a_database_url_the_settings_are_wrong,
                  a_database_that_is_away_is_a_failure_with_advice,
                  a_secret_is_the_first_line_whole,
                  a_good_password_is_long_and_not_the_address,
                  addresses_have_one_at_and_no_spaces,
                  a_key_file_is_made_once_rotated_and_shown_without_its_secret)
