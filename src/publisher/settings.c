#include "settings.h"

#include "blob/blob.h"
#include "core/config.h"
#include "crypto/keys.h"
#include "net/smtp.h"
#include "net/url.h"
#include "queue/redis.h"
#include "store/db.h"
#include "tiktok/pull_url.h"
#include "tiktok/upload_url.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(f) offsetof(struct settings, f)

static enum rc wrong(struct err *err, const char *msg)
{
    return err_set(err, RC_INVALID, "bad_config", "%s", msg);
}

static enum rc api_url_check(const char *value, struct err *err)
{
    struct url_origin origin;

    if (url_origin(value, &origin, err) != RC_OK || strchr(value, '?') != NULL)
        return wrong(err, "must be an https URL (http only for a simulator)");
    return RC_OK;
}

static enum rc transfer_check(const char *value, struct err *err)
{
    return strcmp(value, "upload") == 0 || strcmp(value, "pull") == 0
               ? RC_OK
               : wrong(err, "must be upload or pull");
}

static enum rc mode_check(const char *value, struct err *err)
{
    return strcmp(value, "gate") == 0 || strcmp(value, "log") == 0
               ? RC_OK
               : wrong(err, "must be gate or log");
}

static enum rc strict_check(const char *value, struct err *err)
{
    return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0
               ? RC_OK
               : wrong(err, "must be yes or no");
}

static const struct config_key keys[] = {
    {"TIKTOK_CLIENT_KEY", NULL, CONFIG_STRING, FIELD(client_key), 0, 128, NULL},
    {"TIKTOK_CLIENT_SECRET", NULL, CONFIG_SECRET, FIELD(client_secret), 0, 256, NULL},
    {"TIKTOK_API_URL", "https://open.tiktokapis.com", CONFIG_STRING, FIELD(api_url), 0,
     256, api_url_check},
    {"TIKTOK_UPLOAD_HOSTS", ".tiktokapis.com", CONFIG_STRING, FIELD(upload_hosts), 0,
     1024, tiktok_upload_hosts_check},
    {"TIKTOK_VIDEO_TRANSFER", "upload", CONFIG_STRING, FIELD(video_transfer), 0, 16,
     transfer_check},
    {"MEDIA_PULL_URL", "", CONFIG_STRING, FIELD(pull_url), 0, TIKTOK_PULL_BASE_MAX,
     tiktok_pull_base_check},
    {"MEDIA_PULL_MODE", "gate", CONFIG_STRING, FIELD(pull_mode), 0, 8, mode_check},
    {"DATABASE_URL", NULL, CONFIG_SECRET, FIELD(db_url), 0, 1024, db_url_check},
    {"REDIS_URL", NULL, CONFIG_SECRET, FIELD(redis_url), 0, 1024, redis_url_check},
    {"TOKEN_KEY_FILE", NULL, CONFIG_STRING, FIELD(token_key_file), 0, 1024,
     key_file_check},
    {"MEDIA_URL", NULL, CONFIG_STRING, FIELD(media.url), 0, 1024, blob_url_check},
    {"MEDIA_S3_ACCESS_KEY", "", CONFIG_STRING, FIELD(media.access_key), 0, 128, NULL},
    {"MEDIA_S3_SECRET_KEY", "", CONFIG_SECRET, FIELD(media.secret_key), 0, 256, NULL},
    {"STATE_DIRECTORY", "var/publisher", CONFIG_STRING, FIELD(state_dir), 0, 1000, NULL},
    {"PUBLISH_INFLIGHT", "64", CONFIG_INT, FIELD(in_flight), 1, 4096, NULL},
    {"PUBLISH_EGRESS_MBIT", "0", CONFIG_INT, FIELD(egress_mbit), 0, 100000, NULL},
    {"PUBLISH_UPLOAD_MBIT", "40", CONFIG_INT, FIELD(upload_mbit), 1, 100000, NULL},
    {"PUBLISH_STRICT", "no", CONFIG_STRING, FIELD(strict_name), 0, 8, strict_check},
    {"SMTP_URL", "", CONFIG_SECRET, FIELD(smtp_url), 0, 1024, smtp_url_check},
    {"SMTP_CA_FILE", "", CONFIG_STRING, FIELD(smtp_ca_file), 0, 1024, NULL},
    {"MAIL_FROM", "", CONFIG_STRING, FIELD(mail_from), 0, SMTP_ADDRESS_MAX,
     smtp_from_check},
    {"APP_URL", "", CONFIG_STRING, FIELD(app_url), 0, 256, api_url_check},
    {"LOG_LEVEL", "info", CONFIG_STRING, FIELD(log_level_name), 0, 16, log_level_check},
    {"LOG_FILE", "", CONFIG_STRING, FIELD(log_file), 0, 1024, NULL},
};

static void derive(struct settings *s)
{
    struct url_origin origin;
    struct err err;
    size_t len = strlen(s->api_url);

    while (len > 0 && s->api_url[len - 1] == '/')
        s->api_url[--len] = '\0';
    if (url_origin(s->api_url, &origin, &err) == RC_OK && url_is_local(&origin))
        s->local[0] = s->api_url;
    if (!log_level_parse(s->log_level_name, &s->log_level))
        s->log_level = LOG_LEVEL_INFO;
    s->strict = strcmp(s->strict_name, "yes") == 0;
    s->pull_videos = strcmp(s->video_transfer, "pull") == 0;
    s->pull_log = strcmp(s->pull_mode, "log") == 0;
    s->app = (struct tiktok_app){.client_key = s->client_key,
                                 .client_secret = s->client_secret};
}

void settings_read(struct settings *s)
{
    *s = (struct settings){0};
    config_or_exit("publisher", keys, ARRAY_LEN(keys), s);
    derive(s);
    if (s->pull_videos && s->pull_url == NULL)
        config_reject("publisher", "MEDIA_PULL_URL",
                      "is needed: TIKTOK_VIDEO_TRANSFER is pull");
    if (s->smtp_url != NULL && s->mail_from == NULL)
        config_reject("publisher", "MAIL_FROM", "is needed: SMTP_URL is set");
}

void settings_release(struct settings *s)
{
    config_release(keys, ARRAY_LEN(keys), s);
}

void settings_warn(const struct settings *s)
{
    if (s->local[0] != NULL)
        log_warn("settings.local_api",
                 "TIKTOK_API_URL is http or this machine: the rules on https and "
                 "addresses do not hold for it");
    if (s->pull_url != NULL && tiktok_pull_base_lifts(s->pull_url))
        log_warn("settings.local_pull",
                 "MEDIA_PULL_URL is http: only a simulator fetches from there");
    if (tiktok_upload_hosts_lift(s->upload_hosts))
        log_warn("settings.local_uploads",
                 "TIKTOK_UPLOAD_HOSTS names http or this machine: the rules on https and "
                 "addresses do not hold for it");
}
