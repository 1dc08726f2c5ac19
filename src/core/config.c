#include "core/config.h"

#include "core/io.h"
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The .env file's text, and where problems go. */
struct source {
    struct strbuf file;
    struct strbuf *problems;
};

static void problem(struct source *src, const char *key, const char *what)
{
    strbuf_addf(src->problems, "%s %s\n", key, what);
}

/* The value of one "NAME=value" line when its name is the one asked for, else NULL.
 * Surrounding quotes are dropped. */
static char *value_in_line(const char *line, size_t len, const char *name)
{
    size_t name_len = strlen(name);

    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
        len--;
    if (len <= name_len || memcmp(line, name, name_len) != 0 || line[name_len] != '=')
        return NULL;
    line += name_len + 1;
    len -= name_len + 1;
    if (len >= 2 && (line[0] == '"' || line[0] == '\'') && line[len - 1] == line[0]) {
        line++;
        len -= 2;
    }
    return xmemdupz(line, len);
}

static char *from_env_file(const struct source *src, const char *name)
{
    const char *line = src->file.buf;

    while (*line != '\0') {
        size_t len = strcspn(line, "\n");
        char *value = value_in_line(line, len, name);

        if (value != NULL)
            return value;
        line += line[len] == '\n' ? len + 1 : len;
    }
    return NULL;
}

/* What the environment or the .env file says, or NULL; empty counts as unset. */
static char *lookup(const struct source *src, const char *name)
{
    const char *env = getenv(name);
    char *value = env != NULL ? xstrdup(env) : from_env_file(src, name);

    if (value != NULL && value[0] == '\0') {
        free(value);
        value = NULL;
    }
    return value;
}

/* The first line of the file that NAME_FILE names. */
static char *lookup_in_file(struct source *src, const char *name)
{
    char file_key[96];
    struct strbuf text;
    struct err err;
    char *path;
    char *value = NULL;

    (void)snprintf(file_key, sizeof(file_key), "%s_FILE", name);
    path = lookup(src, file_key);
    if (path == NULL)
        return NULL;
    strbuf_init(&text, CONFIG_VALUE_MAX);
    if (io_read_file(path, &text, &err) == RC_OK && text.len > 0)
        value = xmemdupz(text.buf, strcspn(text.buf, "\r\n"));
    else
        problem(src, file_key, "names a file that cannot be read or is empty");
    strbuf_wipe(&text);
    free(path);
    return value;
}

static void set_int(const struct config_key *key, const char *text, void *field,
                    struct source *src)
{
    int64_t n;

    if (parse_i64(text, key->min, key->max, &n))
        (void)memcpy(field, &n, sizeof(n));
    else
        strbuf_addf(src->problems,
                    "%s must be a whole number from %" PRId64 " to %" PRId64 "\n",
                    key->name, key->min, key->max);
}

static void set_string(const struct config_key *key, const char *text, void *field,
                       struct source *src)
{
    size_t max = key->max > 0 ? (size_t)key->max : CONFIG_VALUE_MAX;
    struct err err;
    char *copy;

    if (strlen(text) > max) {
        strbuf_addf(src->problems, "%s must be at most %zu bytes\n", key->name, max);
        return;
    }
    if (text_has_control(text, strlen(text))) {
        problem(src, key->name, "must not hold control characters");
        return;
    }
    if (key->check != NULL && key->check(text, &err) != RC_OK) {
        strbuf_addf(src->problems, "%s: %s\n", key->name, err.msg);
        return;
    }
    copy = xstrdup(text);
    (void)memcpy(field, &copy, sizeof(copy));
}

static void set_key(const struct config_key *key, void *settings, struct source *src)
{
    void *field = (char *)settings + key->offset;
    size_t before = src->problems->len;
    char *value = lookup(src, key->name);

    if (value == NULL && key->kind == CONFIG_SECRET)
        value = lookup_in_file(src, key->name);
    if (value == NULL && src->problems->len > before)
        return;
    if (value == NULL && key->fallback == NULL) {
        problem(src, key->name, "is not set (docs/configuration.md says what it is for)");
        return;
    }
    if (value == NULL && key->fallback[0] == '\0')
        return;
    if (key->kind == CONFIG_INT)
        set_int(key, value != NULL ? value : key->fallback, field, src);
    else
        set_string(key, value != NULL ? value : key->fallback, field, src);
    if (value != NULL && key->kind == CONFIG_SECRET)
        explicit_bzero(value, strlen(value));
    free(value);
}

static void clear_fields(const struct config_key *keys, size_t n, void *settings)
{
    const int64_t zero = 0;
    const char *const none = NULL;

    for (size_t i = 0; i < n; i++) {
        char *field = (char *)settings + keys[i].offset;

        if (keys[i].kind == CONFIG_INT)
            (void)memcpy(field, &zero, sizeof(zero));
        else
            (void)memcpy(field, &none, sizeof(none));
    }
}

/* A missing default file is fine; one that TTS_ENV_FILE names must be there. */
static void read_env_file(struct source *src)
{
    const char *named = getenv("TTS_ENV_FILE");
    const char *path = named != NULL ? named : ".env";
    struct err err;
    enum rc rc;

    if (path[0] == '\0')
        return;
    rc = io_read_file(path, &src->file, &err);
    if (rc != RC_OK && !(rc == RC_NOT_FOUND && named == NULL))
        strbuf_addf(src->problems, "TTS_ENV_FILE: %s\n", err.msg);
}

enum rc config_load(const struct config_key *keys, size_t n, void *settings,
                    struct strbuf *problems, struct err *err)
{
    struct source src = {.problems = problems};
    size_t before = problems->len;

    strbuf_init(&src.file, CONFIG_ENV_FILE_MAX);
    clear_fields(keys, n, settings);
    read_env_file(&src);
    for (size_t i = 0; i < n; i++)
        set_key(&keys[i], settings, &src);
    strbuf_wipe(&src.file);
    if (problems->len == before)
        return RC_OK;
    config_release(keys, n, settings);
    return err_set(err, RC_INVALID, "bad_config", "the settings are wrong");
}

void config_or_exit(const char *program, const struct config_key *keys, size_t n,
                    void *settings)
{
    struct strbuf problems;
    struct err err;

    strbuf_init(&problems, CONFIG_ENV_FILE_MAX);
    if (config_load(keys, n, settings, &problems, &err) != RC_OK)
        config_refuse(program, &problems);
    strbuf_release(&problems);
}

void config_refuse(const char *program, const struct strbuf *problems)
{
    for (const char *line = problems->buf; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        (void)fprintf(stderr, "tts-%s: %.*s\n", program, (int)len, line);
        line += line[len] == '\n' ? len + 1 : len;
    }
    exit(CONFIG_EXIT);
}

void config_reject(const char *program, const char *key, const char *trouble)
{
    (void)fprintf(stderr, "tts-%s: %s %s\n", program, key, trouble);
    exit(CONFIG_EXIT);
}

void config_release(const struct config_key *keys, size_t n, void *settings)
{
    for (size_t i = 0; i < n; i++) {
        char *text;

        if (keys[i].kind == CONFIG_INT)
            continue;
        (void)memcpy(&text, (char *)settings + keys[i].offset, sizeof(text));
        if (text != NULL && keys[i].kind == CONFIG_SECRET)
            explicit_bzero(text, strlen(text));
        free(text);
    }
    clear_fields(keys, n, settings);
}
