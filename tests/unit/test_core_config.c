/* config, io and fault: what comes from the process's surroundings. */
#include "core/config.h"
#include "core/fault.h"
#include "core/io.h"
#include "scratch.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct settings {
    char *name;
    char *secret;
    char *optional;
    int64_t workers;
};

static enum rc even_check(const char *value, struct err *e)
{
    return strlen(value) % 2 == 0
               ? RC_OK
               : err_set(e, RC_INVALID, "odd", "must be of even length");
}

static const struct config_key keys[] = {
    {"T_NAME", "anna", CONFIG_STRING, offsetof(struct settings, name), 0, 10, NULL},
    {"T_SECRET", NULL, CONFIG_SECRET, offsetof(struct settings, secret), 0, 0, NULL},
    {"T_OPTIONAL", "", CONFIG_STRING, offsetof(struct settings, optional), 0, 0,
     even_check},
    {"T_WORKERS", "4", CONFIG_INT, offsetof(struct settings, workers), 1, 64, NULL},
};

static char dir[SCRATCH_SIZE];
static struct strbuf problems;
static struct settings settings;
static struct err err;

static void in_dir(char *out, size_t size, const char *name)
{
    (void)snprintf(out, size, "%s/%s", dir, name);
}

static void write_file(const char *name, const char *text)
{
    char path[128];

    in_dir(path, sizeof(path), name);
    (void)unlink(path);
    ck_assert_int_eq(io_create_file(path, 0600, text, strlen(text), &err), RC_OK);
}

static void setup(void)
{
    scratch_make(dir);
    strbuf_init(&problems, 4096);
    ck_assert_int_eq(setenv("TTS_ENV_FILE", "", 1), 0);
    ck_assert_int_eq(setenv("T_SECRET", "s3cret", 1), 0);
}

static void teardown(void)
{
    scratch_remove(dir);
    strbuf_release(&problems);
}

static enum rc load(void)
{
    return config_load(keys, ARRAY_LEN(keys), &settings, &problems, &err);
}

START_TEST(fallbacks_stand_in_and_optional_keys_stay_null)
{
    ck_assert_int_eq(load(), RC_OK);
    ck_assert_str_eq(settings.name, "anna");
    ck_assert_str_eq(settings.secret, "s3cret");
    ck_assert_ptr_null(settings.optional);
    ck_assert_int_eq(settings.workers, 4);
    config_release(keys, ARRAY_LEN(keys), &settings);
    ck_assert_ptr_null(settings.name);
}
END_TEST

START_TEST(every_bad_key_is_named_once_and_no_value_is_shown)
{
    (void)unsetenv("T_SECRET");
    (void)setenv("T_WORKERS", "65", 1);
    (void)setenv("T_NAME", "far too long a name", 1);
    (void)setenv("T_OPTIONAL", "odd", 1);
    ck_assert_int_eq(load(), RC_INVALID);
    ck_assert_str_eq(problems.buf,
                     "T_NAME must be at most 10 bytes\n"
                     "T_SECRET is not set (docs/configuration.md says what it is for)\n"
                     "T_OPTIONAL: must be of even length\n"
                     "T_WORKERS must be a whole number from 1 to 64\n");
    ck_assert_ptr_null(settings.name);
}
END_TEST

START_TEST(the_environment_wins_over_the_file_which_wins_over_the_fallback)
{
    char path[128];

    write_file("env", "# comment\nT_NAME=\"from file\"\r\nT_WORKERS='9'\nT_OPTIONAL=\n");
    in_dir(path, sizeof(path), "env");
    (void)setenv("TTS_ENV_FILE", path, 1);
    (void)setenv("T_WORKERS", "7", 1);
    ck_assert_int_eq(load(), RC_OK);
    ck_assert_str_eq(settings.name, "from file");
    ck_assert_int_eq(settings.workers, 7);
    ck_assert_ptr_null(settings.optional);
    config_release(keys, ARRAY_LEN(keys), &settings);
}
END_TEST

START_TEST(a_named_env_file_that_is_missing_is_a_problem)
{
    (void)setenv("TTS_ENV_FILE", "/nonexistent/env", 1);
    ck_assert_int_eq(load(), RC_INVALID);
    ck_assert_ptr_nonnull(strstr(problems.buf, "TTS_ENV_FILE"));
}
END_TEST

START_TEST(a_secret_may_come_as_a_file)
{
    char path[128];

    write_file("secret", "from a file\nsecond line\n");
    in_dir(path, sizeof(path), "secret");
    (void)unsetenv("T_SECRET");
    (void)setenv("T_SECRET_FILE", path, 1);
    ck_assert_int_eq(load(), RC_OK);
    ck_assert_str_eq(settings.secret, "from a file");
    config_release(keys, ARRAY_LEN(keys), &settings);
    (void)setenv("T_SECRET_FILE", "/nonexistent/secret", 1);
    ck_assert_int_eq(load(), RC_INVALID);
    ck_assert_str_eq(problems.buf,
                     "T_SECRET_FILE names a file that cannot be read or is empty\n");
}
END_TEST

START_TEST(a_created_file_is_private_and_never_replaced)
{
    struct stat st;
    char path[128];

    in_dir(path, sizeof(path), "made");
    ck_assert_int_eq(io_create_file(path, 0600, "x", 1, &err), RC_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777U, 0600);
    ck_assert_int_eq(io_create_file(path, 0600, "y", 1, &err), RC_CONFLICT);
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused)
{
    struct strbuf small;
    char path[128];

    write_file("made", "123456");
    in_dir(path, sizeof(path), "made");
    strbuf_init(&small, 5);
    ck_assert_int_eq(io_read_file(path, &small, &err), RC_INVALID);
    ck_assert_int_eq(io_read_file("/nonexistent", &small, &err), RC_NOT_FOUND);
    strbuf_release(&small);
}
END_TEST

START_TEST(directories_are_made_with_their_parents)
{
    char path[128];
    struct stat st;

    in_dir(path, sizeof(path), "a/b/c");
    ck_assert_int_eq(io_make_dirs(path, &err), RC_OK);
    ck_assert_int_eq(io_make_dirs(path, &err), RC_OK);
    ck_assert_int_eq(stat(path, &st), 0);
}
END_TEST

START_TEST(a_fault_point_fires_at_its_passage_only)
{
    pid_t child;
    int status = 0;

    (void)setenv("TTS_FAULT", "a.b@2:error,c.d:crash", 1);
    ck_assert(!fault_pass("a.b"));
    ck_assert(fault_pass("a.b"));
    ck_assert(!fault_pass("a.b"));
    ck_assert(!fault_pass("x.y"));
    child = fork();
    if (child == 0) {
        FAULT_POINT("c.d");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "core_config", setup, teardown, fallbacks_stand_in_and_optional_keys_stay_null,
    every_bad_key_is_named_once_and_no_value_is_shown,
    the_environment_wins_over_the_file_which_wins_over_the_fallback,
    a_named_env_file_that_is_missing_is_a_problem, a_secret_may_come_as_a_file,
    a_created_file_is_private_and_never_replaced, a_file_over_the_limit_is_refused,
    directories_are_made_with_their_parents, a_fault_point_fires_at_its_passage_only)
