#include "settings.h"

#include "pull_rules.h"

#include "core/config.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "net/url.h"
#include "web/server.h"

#include <stddef.h>
#include <string.h>

#define FIELD(f) offsetof(struct settings, f)

static enum rc wrong(struct err *err, const char *msg)
{
    return err_set(err, RC_INVALID, "bad_config", "%s", msg);
}

/* http or https, a host, no path but a slash, no query. */
static enum rc url_check(const char *url, struct err *err)
{
    const char *host;
    size_t len;

    if (!text_starts_with(url, "http://") && !text_starts_with(url, "https://"))
        return wrong(err, "must begin with http:// or https://");
    host = strstr(url, "://") + strlen("://");
    len = strcspn(host, "/?#@ \"<>\\");
    if (len == 0 || (host[len] != '\0' && strcmp(host + len, "/") != 0))
        return wrong(err, "must be a host, with a port if need be, and nothing after it");
    return RC_OK;
}

/* http is fine, and so is an address of this machine. */
static enum rc webhook_check(const char *url, struct err *err)
{
    struct url_origin origin;

    return url_origin(url, &origin, err);
}

/* Every address is http or https and has neither query nor fragment, as TikTok wants. */
static enum rc redirects_check(const char *list, struct err *err)
{
    for (const char *p = list;; p++) {
        size_t len = strcspn(p, ",");

        if (!text_starts_with(p, "http://") && !text_starts_with(p, "https://"))
            return wrong(err, "must be http or https addresses with commas between");
        if (len > 512 || strcspn(p, "?# ") < len)
            return wrong(err, "must not have a query, a fragment or more than 512 bytes"
                              " an address");
        p += len;
        if (*p == '\0')
            return RC_OK;
    }
}

static enum rc pulls_check(const char *list, struct err *err)
{
    const char *problem = properties_problem(list);

    return problem != NULL ? wrong(err, problem) : RC_OK;
}

static const struct config_key keys[] = {
    {"SANDBOX_LISTEN", "unix:var/run/sandbox.sock", CONFIG_STRING, FIELD(listen), 0, 256,
     web_listen_check},
    {"SANDBOX_DIR", "var/sandbox", CONFIG_STRING, FIELD(dir), 0, 1024, NULL},
    {"SANDBOX_URL", "http://localhost:8081", CONFIG_STRING, FIELD(url), 0, 128,
     url_check},
    {"SANDBOX_UPLOAD_URL", "", CONFIG_STRING, FIELD(upload_url), 0, 128, url_check},
    {"SANDBOX_CLIENT_SECRET", NULL, CONFIG_SECRET, FIELD(client_secret), 0, 256, NULL},
    {"SANDBOX_REDIRECT_URIS", NULL, CONFIG_STRING, FIELD(redirect_uris), 0, 5120,
     redirects_check},
    {"SANDBOX_WEBHOOK_URL", "", CONFIG_STRING, FIELD(webhook_url), 0, 512, webhook_check},
    {"SANDBOX_PULL_URLS", "", CONFIG_STRING, FIELD(pull_urls), 0,
     PULL_PROPERTIES_SIZE - 1, pulls_check},
    {"SANDBOX_PROCESSING_MS", "400", CONFIG_INT, FIELD(processing_ms), 0, 86400000, NULL},
    {"SANDBOX_WORKERS", "8", CONFIG_INT, FIELD(workers), 1, 64, NULL},
    {"LOG_LEVEL", "info", CONFIG_STRING, FIELD(log_level_name), 0, 16, log_level_check},
    {"LOG_FILE", "", CONFIG_STRING, FIELD(log_file), 0, 1024, NULL},
};

static void drop_slash(char *url)
{
    size_t len = strlen(url);

    if (len > 0 && url[len - 1] == '/')
        url[len - 1] = '\0';
}

void settings_read(struct settings *s)
{
    *s = (struct settings){0};
    config_or_exit("sandbox", keys, ARRAY_LEN(keys), s);
    if (!log_level_parse(s->log_level_name, &s->log_level))
        s->log_level = LOG_LEVEL_INFO; /* log_level_check() has refused that */
    drop_slash(s->url);
    if (s->pull_urls == NULL)
        s->pull_urls = xstrdup("");
    if (s->upload_url == NULL)
        s->upload_url = xstrdup(s->url);
    drop_slash(s->upload_url);
}

void settings_release(struct settings *s)
{
    config_release(keys, ARRAY_LEN(keys), s);
}
