#include "settings.h"

#include "core/config.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "web/server.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FIELD(f)   offsetof(struct api_settings, f)
#define TIKTOK_URL "https://www.tiktok.com"

/* Texts are optional to the reader of the keys and required below, so that what is wrong
 * with one is said beside what is missing of another. */
static const struct config_key texts[] = {
    {"DATABASE_URL", "", CONFIG_SECRET, FIELD(db_url), 0, 1024},
    {"REDIS_URL", "", CONFIG_SECRET, FIELD(redis_url), 0, 1024},
    {"API_LISTEN", "unix:var/run/api.sock", CONFIG_STRING, FIELD(listen), 0, 256},
    {"APP_URL", "", CONFIG_STRING, FIELD(app_url), 0, 256},
    {"APP_KEY_FILE", "", CONFIG_STRING, FIELD(app_key_file), 0, 1024},
    {"MEDIA_URL", "", CONFIG_STRING, FIELD(media_url), 0, 1024},
    {"MEDIA_INCOMING", "", CONFIG_STRING, FIELD(incoming), 0, 1024},
    {"TIKTOK_CLIENT_KEY", "", CONFIG_STRING, FIELD(client_key), 0, 128},
    {"TIKTOK_REDIRECT_URI", "", CONFIG_STRING, FIELD(redirect_uri), 0, 512},
    {"TIKTOK_SCOPES", "user.info.basic,video.upload,video.publish", CONFIG_STRING,
     FIELD(scopes), 0, 512},
    {"TIKTOK_AUTH_URL", TIKTOK_URL, CONFIG_STRING, FIELD(auth_url), 0, 256},
    {"LOG_LEVEL", "info", CONFIG_STRING, FIELD(log_level), 0, 16},
    {"LOG_FILE", "", CONFIG_STRING, FIELD(log_file), 0, 1024},
};
static const struct config_key numbers[] = {
    {"API_WORKERS", "0", CONFIG_INT, FIELD(workers), 0, WEB_WORKERS_MAX},
};

static void bad(struct strbuf *problems, const char *key, const char *what)
{
    strbuf_addf(problems, "%s %s\n", key, what);
}

static bool required(struct strbuf *problems, const char *key, const char *value)
{
    if (value == NULL)
        bad(problems, key, "is not set (docs/configuration.md says what it is for)");
    return value != NULL;
}

/* --- one check for each kind of value -------------------------------------------------
 */

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

static void check_urls(const struct api_settings *s, struct strbuf *problems)
{
    struct db *db = NULL;
    struct redis *redis = NULL;
    struct err err;

    if (required(problems, "DATABASE_URL", s->db_url) &&
        db_new(s->db_url, &db, &err) != RC_OK)
        bad(problems, "DATABASE_URL", "must be mysql://user:password@host:port/database");
    if (required(problems, "REDIS_URL", s->redis_url) &&
        redis_new(s->redis_url, &redis, &err) != RC_OK)
        bad(problems, "REDIS_URL", "must be redis://host:port or unix:///path");
    db_free(db);
    redis_free(redis);
}

static void check_files(const struct api_settings *s, struct strbuf *problems)
{
    struct blob_store *blobs = NULL;
    struct key_ring *keys = NULL;
    struct err err;

    if (required(problems, "MEDIA_URL", s->media_url) &&
        blob_store_open(s->media_url, &blobs, &err) != RC_OK)
        bad(problems, "MEDIA_URL",
            "must be file:///absolute/path of a directory that can be written");
    if (required(problems, "APP_KEY_FILE", s->app_key_file) &&
        key_ring_load(s->app_key_file, &keys, &err) != RC_OK)
        bad(problems, "APP_KEY_FILE",
            err.rc == RC_NOT_FOUND
                ? "names no file; ttsctl keys generate FILE makes one"
                : "names a file that cannot be used; ttsctl keys status FILE says why");
    blob_store_close(blobs);
    key_ring_free(keys);
}

static void check_site(struct api_settings *s, struct strbuf *problems)
{
    const char *why = "";
    enum log_level level;

    if (required(problems, "APP_URL", s->app_url) &&
        !settings_origin(s->app_url, &s->https))
        bad(problems, "APP_URL", "must be https://host or http://host:port, no path");
    if (!web_listen_ok(s->listen, &why))
        bad(problems, "API_LISTEN", why);
    if (!log_level_parse(s->log_level, &level))
        bad(problems, "LOG_LEVEL", "must be error, warn, info or debug");
    if (s->incoming != NULL && s->incoming[0] != '/')
        bad(problems, "MEDIA_INCOMING", "must be an absolute path");
}

static bool is_web_url(const char *url)
{
    return (text_starts_with(url, "https://") || text_starts_with(url, "http://")) &&
           strpbrk(url, " \"<>\\") == NULL;
}

static void check_tiktok(struct api_settings *s, struct strbuf *problems)
{
    size_t len = strlen(s->auth_url);

    if (!is_web_url(s->auth_url))
        bad(problems, "TIKTOK_AUTH_URL", "must be an https URL (http for a simulator)");
    else if (s->auth_url[len - 1] == '/')
        s->auth_url[len - 1] = '\0';
    if (s->redirect_uri != NULL && !is_web_url(s->redirect_uri))
        bad(problems, "TIKTOK_REDIRECT_URI", "must be a URL as registered at TikTok");
    if (strspn(s->scopes, "abcdefghijklmnopqrstuvwxyz.,_") != strlen(s->scopes))
        bad(problems, "TIKTOK_SCOPES", "must be scopes with commas between");
    s->sandbox = strcmp(s->auth_url, TIKTOK_URL) != 0;
}

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
    size_t before = problems->len;
    enum rc rc;

    *s = (struct api_settings){0};
    rc = config_load(texts, ARRAY_LEN(texts), s, problems, err);
    if (config_load(numbers, ARRAY_LEN(numbers), s, problems, err) != RC_OK)
        s->workers = 0;
    if (rc != RC_OK)
        return rc;
    check_urls(s, problems);
    check_files(s, problems);
    check_site(s, problems);
    check_tiktok(s, problems);
    if (problems->len > before) {
        settings_release(s);
        return err_set(err, RC_INVALID, "bad_config", "The settings are wrong.");
    }
    default_redirect(s);
    return RC_OK;
}

void settings_release(struct api_settings *s)
{
    config_release(texts, ARRAY_LEN(texts), s);
    config_release(numbers, ARRAY_LEN(numbers), s);
}
