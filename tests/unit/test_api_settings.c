/* settings: what is missing or wrong is said at once, a line for each, without values. */
#include "api/settings.h"
#include "core/log.h"
#include "scratch.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;
static struct strbuf problems;
static struct api_settings s;
static char dir[SCRATCH_SIZE], key_file[96], media[96];

static void set(const char *key, const char *value)
{
    ck_assert_int_eq(setenv(key, value, 1), 0);
}

static void setup(void)
{
    static const char *const keys[] = {
        "API_LISTEN",        "API_WORKERS",         "MEDIA_INCOMING",
        "TIKTOK_CLIENT_KEY", "TIKTOK_REDIRECT_URI", "TIKTOK_SCOPES",
        "TIKTOK_AUTH_URL",   "LOG_LEVEL",           "LOG_FILE"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        (void)unsetenv(keys[i]);
    scratch_make(dir);
    (void)snprintf(key_file, sizeof(key_file), "%s/app.key", dir);
    (void)snprintf(media, sizeof(media), "file://%s/media", dir);
    ck_assert_int_eq(key_file_generate(key_file, random_system(), 1, &err), RC_OK);
    strbuf_init(&problems, 65536);
    set("TTS_ENV_FILE", "");
    set("DATABASE_URL", "mysql://a:canary@localhost/tts?socket=/nowhere");
    set("REDIS_URL", "unix:///nowhere");
    set("APP_URL", "http://localhost:8080");
    set("APP_KEY_FILE", key_file);
    set("MEDIA_URL", media);
}

static void teardown(void)
{
    scratch_remove(dir);
    strbuf_release(&problems);
}

START_TEST(right_settings_are_taken)
{
    ck_assert_msg(settings_read(&s, &problems, &err) == RC_OK, "%s", problems.buf);
    ck_assert_str_eq(s.app_url, "http://localhost:8080");
    ck_assert(!s.https && !s.sandbox);
    ck_assert_int_eq(s.workers, 0);
    ck_assert_str_eq(s.redirect_uri, "http://localhost:8080/api/auth/tiktok/callback");
    ck_assert_ptr_null(s.client_key);
    ck_assert_ptr_null(s.incoming);
    settings_release(&s);
}
END_TEST

START_TEST(another_tiktok_is_the_simulator)
{
    set("TIKTOK_AUTH_URL", "http://localhost:8081/");
    set("TIKTOK_REDIRECT_URI", "https://example.com/back");
    ck_assert_int_eq(settings_read(&s, &problems, &err), RC_OK);
    ck_assert(s.sandbox);
    ck_assert_str_eq(s.auth_url, "http://localhost:8081");
    ck_assert_str_eq(s.redirect_uri, "https://example.com/back");
    settings_release(&s);
}
END_TEST

static int lines_with(const char *key)
{
    int n = 0;

    for (const char *p = problems.buf; (p = strstr(p, key)) != NULL; p++)
        n += p == problems.buf || p[-1] == '\n';
    return n;
}

START_TEST(each_wrong_value_is_named_once_and_not_shown)
{
    static const struct {
        const char *key, *value;
    } rows[] = {
        {"DATABASE_URL", "postgres://canary@localhost/tts"},
        {"DATABASE_URL", ""},
        {"REDIS_URL", "http://canary"},
        {"REDIS_URL", ""},
        {"APP_URL", "canary:8080"},
        {"APP_URL", "https://host/canary"},
        {"APP_URL", "https://user@canary"},
        {"APP_URL", "https://canary:99999"},
        {"APP_URL", ""},
        {"APP_KEY_FILE", "/nowhere/canary"},
        {"APP_KEY_FILE", "/dev/null"},
        {"MEDIA_URL", "ftp://canary"},
        {"MEDIA_URL", "relative/canary"},
        {"MEDIA_INCOMING", "relative/canary"},
        {"API_LISTEN", "tcp:0.0.0.0:9000"},
        {"API_LISTEN", "/run/canary"},
        {"API_WORKERS", "canary"},
        {"API_WORKERS", "257"},
        {"LOG_LEVEL", "canary"},
        {"TIKTOK_AUTH_URL", "ftp://canary"},
        {"TIKTOK_REDIRECT_URI", "canary"},
        {"TIKTOK_SCOPES", "canary canary"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *before = getenv(rows[i].key);
        char *kept = before != NULL ? strdup(before) : NULL;

        set(rows[i].key, rows[i].value);
        strbuf_reset(&problems);
        ck_assert_msg(settings_read(&s, &problems, &err) == RC_INVALID, "%s=%s",
                      rows[i].key, rows[i].value);
        ck_assert_msg(lines_with(rows[i].key) == 1, "%s: %s", rows[i].key, problems.buf);
        ck_assert_msg(strchr(problems.buf, '\n') == strrchr(problems.buf, '\n'), "%s",
                      problems.buf);
        ck_assert_ptr_null(strstr(problems.buf, "canary"));
        (void)unsetenv(rows[i].key);
        if (kept != NULL)
            set(rows[i].key, kept);
        free(kept);
    }
}
END_TEST

START_TEST(what_is_missing_is_said_beside_what_is_wrong)
{
    (void)unsetenv("DATABASE_URL");
    (void)unsetenv("APP_KEY_FILE");
    set("APP_URL", "nonsense");
    set("API_WORKERS", "many");
    ck_assert_int_eq(settings_read(&s, &problems, &err), RC_INVALID);
    ck_assert_int_eq(lines_with("DATABASE_URL"), 1);
    ck_assert_int_eq(lines_with("APP_KEY_FILE"), 1);
    ck_assert_int_eq(lines_with("APP_URL"), 1);
    ck_assert_int_eq(lines_with("API_WORKERS"), 1);
}
END_TEST

START_TEST(an_origin_is_as_a_browser_writes_it)
{
    static const struct {
        const char *url, *origin; /* NULL: refused */
        bool https;
    } rows[] = {
        {"https://Example.COM", "https://example.com", true},
        {"https://example.com/", "https://example.com", true},
        {"https://example.com:443", "https://example.com", true},
        {"https://example.com:8443", "https://example.com:8443", true},
        {"http://localhost:80", "http://localhost", false},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080", false},
        {"http://[::1]:8080", "http://[::1]:8080", false},
        {"http://[::1]", "http://[::1]", false},
        {"http://[::1", NULL, false},
        {"http://", NULL, false},
        {"http://:80", NULL, false},
        {"http://a:", NULL, false},
        {"http://a:0", NULL, false},
        {"http://a:65536", NULL, false},
        {"http://a:80/x", NULL, false},
        {"http://a/x", NULL, false},
        {"http://a?x", NULL, false},
        {"http://a b", NULL, false},
        {"localhost", NULL, false},
        {"", NULL, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char url[64];
        bool https;

        (void)snprintf(url, sizeof(url), "%s", rows[i].url);
        ck_assert_msg(settings_origin(url, &https) == (rows[i].origin != NULL), "%s",
                      rows[i].url);
        if (rows[i].origin != NULL) {
            ck_assert_str_eq(url, rows[i].origin);
            ck_assert(https == rows[i].https);
        }
    }
}
END_TEST

UNIT_MAIN_FIXTURE("api_settings", setup, teardown, right_settings_are_taken,
                  another_tiktok_is_the_simulator,
                  each_wrong_value_is_named_once_and_not_shown,
                  what_is_missing_is_said_beside_what_is_wrong,
                  an_origin_is_as_a_browser_writes_it)
