#include "settings.h"

#include "core/config.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "tiktok/pull_url.h"
#include "web/server.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(f)   offsetof(struct api_settings, f)
#define TIKTOK_URL "https://www.tiktok.com"

/* --- one check for each kind of value ------------------------------------------ */

/* Cuts ":443" of https and ":80" of http off; false for what is no port. */
static bool normalize_port(char *colon, bool https)
{
    int64_t port;

    if (!parse_i64(colon + 1, 1, 65535, &port))
        return false;
    if (port == (https ? 443 : 80))
        *colon = '\0';
    return true;
}

static bool host_ok(const char *host, size_t len)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";

    if (len > 2 && host[0] == '[' && host[len - 1] == ']')
        return strspn(host + 1, "0123456789abcdef:.") == len - 2;
    return len > 0 && strspn(host, good) >= len;
}

bool settings_origin(char *url, bool *https)
{
    size_t len = strlen(url);
    size_t host_len;
    char *host;

    if (len > 0 && url[len - 1] == '/')
        url[len - 1] = '\0';
    for (char *p = url; *p != '\0'; p++)
        *p = text_lower(*p);
    *https = text_starts_with(url, "https://");
    if (!*https && !text_starts_with(url, "http://"))
        return false;
    host = url + strlen(*https ? "https://" : "http://");
    host_len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (host_len > strlen(host) || !host_ok(host, host_len))
        return false;
    if (host[host_len] == '\0')
        return true;
    return host[host_len] == ':' && normalize_port(host + host_len, *https);
}

static enum rc wrong(struct err *err, const char *msg)
{
    return err_set(err, RC_INVALID, "bad_config", "%s", msg);
}

static enum rc app_url_check(const char *value, struct err *err)
{
    char *copy = xstrdup(value);
    bool https, good = settings_origin(copy, &https);

    free(copy);
    return good ? RC_OK : wrong(err, "must be https://host or http://host:port, no path");
}

static enum rc incoming_check(const char *value, struct err *err)
{
    return value[0] == '/' ? RC_OK : wrong(err, "must be an absolute path");
}

static bool is_web_url(const char *url)
{
    return (text_starts_with(url, "https://") || text_starts_with(url, "http://")) &&
           strpbrk(url, " \"<>\\") == NULL;
}

static enum rc auth_url_check(const char *value, struct err *err)
{
    return is_web_url(value) ? RC_OK
                             : wrong(err, "must be an https URL (http for a simulator)");
}

static enum rc redirect_check(const char *value, struct err *err)
{
    return is_web_url(value) ? RC_OK
                             : wrong(err, "must be a URL as registered at TikTok");
}

static enum rc scopes_check(const char *value, struct err *err)
{
    return strspn(value, "abcdefghijklmnopqrstuvwxyz.,_") == strlen(value)
               ? RC_OK
               : wrong(err, "must be scopes with commas between");
}

/* --- all of them --------------------------------------------------------------- */

static const struct config_key keys[] = {
    {"DATABASE_URL", NULL, CONFIG_SECRET, FIELD(db_url), 0, 1024, db_url_check},
    {"REDIS_URL", NULL, CONFIG_SECRET, FIELD(redis_url), 0, 1024, redis_url_check},
    {"API_LISTEN", "unix:var/run/api.sock", CONFIG_STRING, FIELD(listen), 0, 256,
     web_listen_check},
    {"APP_URL", NULL, CONFIG_STRING, FIELD(app_url), 0, 256, app_url_check},
    {"APP_KEY_FILE", NULL, CONFIG_STRING, FIELD(app_key_file), 0, 1024, key_file_check},
    {"MEDIA_URL", NULL, CONFIG_STRING, FIELD(media.url), 0, 1024, blob_url_check},
    {"MEDIA_S3_ACCESS_KEY", "", CONFIG_STRING, FIELD(media.access_key), 0, 128, NULL},
    {"MEDIA_S3_SECRET_KEY", "", CONFIG_SECRET, FIELD(media.secret_key), 0, 256, NULL},
    {"MEDIA_SCRATCH", BLOB_SCRATCH, CONFIG_STRING, FIELD(media.scratch), 0, 1024,
     incoming_check},
    {"MEDIA_INCOMING", "", CONFIG_STRING, FIELD(incoming), 0, 1024, incoming_check},
    {"TIKTOK_CLIENT_KEY", "", CONFIG_STRING, FIELD(client_key), 0, 128, NULL},
    {"TIKTOK_REDIRECT_URI", "", CONFIG_STRING, FIELD(redirect_uri), 0, 512,
     redirect_check},
    {"TIKTOK_SCOPES", "user.info.basic,video.upload,video.publish", CONFIG_STRING,
     FIELD(scopes), 0, 512, scopes_check},
    {"TIKTOK_AUTH_URL", TIKTOK_URL, CONFIG_STRING, FIELD(auth_url), 0, 256,
     auth_url_check},
    {"MEDIA_PULL_URL", "", CONFIG_STRING, FIELD(pull_url), 0, TIKTOK_PULL_BASE_MAX,
     tiktok_pull_base_check},
    {"LOG_LEVEL", "info", CONFIG_STRING, FIELD(log_level), 0, 16, log_level_check},
    {"LOG_FILE", "", CONFIG_STRING, FIELD(log_file), 0, 1024, NULL},
    {"API_WORKERS", "0", CONFIG_INT, FIELD(workers), 0, WEB_WORKERS_MAX, NULL},
};

/* Where TikTok sends people back to, unless the portal has another address. */
static void default_redirect(struct api_settings *s)
{
    static const char path[] = "/api/auth/tiktok/callback";
    size_t size = strlen(s->app_url) + sizeof(path);

    if (s->redirect_uri != NULL)
        return;
    s->redirect_uri = xmalloc(size);
    (void)snprintf(s->redirect_uri, size, "%s%s", s->app_url, path);
}

enum rc settings_read(struct api_settings *s, struct strbuf *problems, struct err *err)
{
    enum rc rc;
    size_t len;

    *s = (struct api_settings){0};
    rc = config_load(keys, ARRAY_LEN(keys), s, problems, err);
    if (rc != RC_OK)
        return rc;
    rc = blob_settings_check(&s->media, err);
    if (rc != RC_OK) {
        strbuf_addf(problems, "%s %s\n", err->field, err->msg);
        settings_release(s);
        return rc;
    }
    (void)!settings_origin(s->app_url, &s->https); /* app_url_check() let it pass */
    len = strlen(s->auth_url);
    if (s->auth_url[len - 1] == '/')
        s->auth_url[len - 1] = '\0';
    s->sandbox = strcmp(s->auth_url, TIKTOK_URL) != 0;
    default_redirect(s);
    return RC_OK;
}

void settings_release(struct api_settings *s)
{
    config_release(keys, ARRAY_LEN(keys), s);
}
