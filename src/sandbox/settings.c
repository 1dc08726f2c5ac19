#include "settings.h"

#include "core/config.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "web/server.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(f) offsetof(struct settings, f)

static const struct config_key keys[] = {
    {"SANDBOX_LISTEN", "unix:var/run/sandbox.sock", CONFIG_STRING, FIELD(listen), 0, 256},
    {"SANDBOX_DIR", "var/sandbox", CONFIG_STRING, FIELD(dir), 0, 1024},
    {"SANDBOX_URL", "http://localhost:8081", CONFIG_STRING, FIELD(url), 0, 128},
    {"SANDBOX_UPLOAD_URL", "", CONFIG_STRING, FIELD(upload_url), 0, 128},
    {"SANDBOX_CLIENT_SECRET", NULL, CONFIG_SECRET, FIELD(client_secret), 0, 256},
    {"SANDBOX_REDIRECT_URIS", NULL, CONFIG_STRING, FIELD(redirect_uris), 0, 5120},
    {"SANDBOX_PROCESSING_MS", "400", CONFIG_INT, FIELD(processing_ms), 0, 86400000},
    {"SANDBOX_WORKERS", "8", CONFIG_INT, FIELD(workers), 1, 64},
    {"LOG_LEVEL", "info", CONFIG_STRING, FIELD(log_level_name), 0, 16},
    {"LOG_FILE", "", CONFIG_STRING, FIELD(log_file), 0, 1024},
};

enum { PROBLEMS_MAX = 65536 };

/* What the table alone cannot say about a URL: http or https, a host, no path, no query.
 * A slash at its end is taken off. */
static const char *url_problem(char *url)
{
    size_t len = strlen(url);
    const char *host = strstr(url, "://");

    if (!text_starts_with(url, "http://") && !text_starts_with(url, "https://"))
        return "must begin with http:// or https://";
    if (len > 0 && url[len - 1] == '/')
        url[len - 1] = '\0';
    host += strlen("://");
    if (*host == '\0' || strpbrk(host, "/?#@ \"<>\\") != NULL)
        return "must be a host, with a port if need be, and nothing after it";
    return NULL;
}

/* Every address is http or https and has neither query nor fragment, as TikTok wants. */
static const char *redirects_problem(const char *list)
{
    for (const char *p = list;; p++) {
        size_t len = strcspn(p, ",");

        if (!text_starts_with(p, "http://") && !text_starts_with(p, "https://"))
            return "must be http or https addresses with commas between";
        if (len > 512 || strcspn(p, "?# ") < len)
            return "must not have a query, a fragment or more than 512 bytes an address";
        p += len;
        if (*p == '\0')
            return NULL;
    }
}

static void say(struct strbuf *problems, const char *key, const char *problem)
{
    if (problem != NULL)
        strbuf_addf(problems, "%s %s\n", key, problem);
}

/* Judges what was read; what could not be read is NULL. */
static void judge(struct settings *s, struct strbuf *problems)
{
    const char *problem = NULL;

    if (s->listen != NULL && !web_listen_ok(s->listen, &problem))
        say(problems, "SANDBOX_LISTEN", problem);
    if (s->url != NULL)
        say(problems, "SANDBOX_URL", url_problem(s->url));
    if (s->upload_url != NULL)
        say(problems, "SANDBOX_UPLOAD_URL", url_problem(s->upload_url));
    if (s->redirect_uris != NULL)
        say(problems, "SANDBOX_REDIRECT_URIS", redirects_problem(s->redirect_uris));
    if (s->log_level_name != NULL && !log_level_parse(s->log_level_name, &s->log_level))
        say(problems, "LOG_LEVEL", "must be error, warn, info or debug");
}

/* After a refusal nothing is kept, so each key is read again by itself: a person gets to
 * know about all bad ones at once. What those readings say was said before. */
static void read_each(struct settings *s)
{
    struct strbuf said_before;
    struct err err;

    strbuf_init(&said_before, PROBLEMS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        (void)!config_load(&keys[i], 1, s, &said_before, &err);
    strbuf_release(&said_before);
}

static void refuse(const struct strbuf *problems)
{
    for (const char *line = problems->buf; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        (void)fprintf(stderr, "tts-sandbox: %.*s\n", (int)len, line);
        line += line[len] == '\n' ? len + 1 : len;
    }
    exit(CONFIG_EXIT);
}

void settings_read(struct settings *s)
{
    struct strbuf problems;
    struct err err;

    *s = (struct settings){0};
    strbuf_init(&problems, PROBLEMS_MAX);
    if (config_load(keys, ARRAY_LEN(keys), s, &problems, &err) != RC_OK)
        read_each(s);
    judge(s, &problems);
    if (problems.len > 0)
        refuse(&problems);
    strbuf_release(&problems);
    if (s->upload_url == NULL)
        s->upload_url = xstrdup(s->url);
}

void settings_release(struct settings *s)
{
    config_release(keys, ARRAY_LEN(keys), s);
}
