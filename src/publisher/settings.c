#include "settings.h"

#include "core/config.h"
#include "net/url.h"
#include "tiktok/upload_url.h"

#include <stddef.h>
#include <string.h>

#define FIELD(f) offsetof(struct settings, f)

static const struct config_key keys[] = {
    {"TIKTOK_CLIENT_KEY", NULL, CONFIG_STRING, FIELD(client_key), 0, 128},
    {"TIKTOK_CLIENT_SECRET", NULL, CONFIG_SECRET, FIELD(client_secret), 0, 256},
    {"TIKTOK_REDIRECT_URI", NULL, CONFIG_STRING, FIELD(redirect_uri), 0,
     TIKTOK_REDIRECT_MAX},
    {"TIKTOK_SCOPES", "user.info.basic,video.upload,video.publish", CONFIG_STRING,
     FIELD(scopes), 0, TIKTOK_SCOPES_MAX},
    {"TIKTOK_API_URL", "https://open.tiktokapis.com", CONFIG_STRING, FIELD(api_url), 0,
     256},
    {"TIKTOK_UPLOAD_HOSTS", ".tiktokapis.com", CONFIG_STRING, FIELD(upload_hosts), 0,
     1024},
    {"DATABASE_URL", NULL, CONFIG_SECRET, FIELD(db_url), 0, 1024},
    {"REDIS_URL", NULL, CONFIG_SECRET, FIELD(redis_url), 0, 1024},
    {"TOKEN_KEY_FILE", NULL, CONFIG_STRING, FIELD(token_key_file), 0, 1024},
    {"MEDIA_URL", NULL, CONFIG_STRING, FIELD(media_url), 0, 1024},
    {"PUBLISHER_STATE_DIR", "var/publisher", CONFIG_STRING, FIELD(state_dir), 0, 1024},
    {"PUBLISH_INFLIGHT", "256", CONFIG_INT, FIELD(in_flight), 1, 4096},
    {"LOG_LEVEL", "info", CONFIG_STRING, FIELD(log_level_name), 0, 16},
    {"LOG_FILE", "", CONFIG_STRING, FIELD(log_file), 0, 1024},
};

static void check_api_url(struct settings *s)
{
    struct url_origin origin;
    struct err err;
    size_t len = strlen(s->api_url);

    if (url_origin(s->api_url, &origin, &err) != RC_OK)
        config_reject("publisher", "TIKTOK_API_URL",
                      "must be an https URL (http only for a simulator)");
    if (s->api_url[len - 1] == '/')
        s->api_url[len - 1] = '\0';
}

void settings_read(struct settings *s)
{
    struct err err;

    config_or_exit("publisher", keys, ARRAY_LEN(keys), s);
    if (!log_level_parse(s->log_level_name, &s->log_level))
        config_reject("publisher", "LOG_LEVEL", "must be error, warn, info or debug");
    check_api_url(s);
    if (tiktok_upload_hosts_check(s->upload_hosts, &err) != RC_OK)
        config_reject("publisher", "TIKTOK_UPLOAD_HOSTS", err.msg);
    s->app = (struct tiktok_app){.client_key = s->client_key,
                                 .client_secret = s->client_secret,
                                 .redirect_uri = s->redirect_uri};
}

void settings_release(struct settings *s)
{
    config_release(keys, ARRAY_LEN(keys), s);
}
