#include "settings.h"

#include "blob/blob.h"
#include "core/config.h"
#include "crypto/keys.h"
#include "net/url.h"
#include "queue/redis.h"
#include "store/db.h"
#include "tiktok/upload_url.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(f) offsetof(struct settings, f)

static const struct config_key keys[] = {
    {"TIKTOK_CLIENT_KEY", NULL, CONFIG_STRING, FIELD(client_key), 0, 128},
    {"TIKTOK_CLIENT_SECRET", NULL, CONFIG_SECRET, FIELD(client_secret), 0, 256},
    {"TIKTOK_API_URL", "https://open.tiktokapis.com", CONFIG_STRING, FIELD(api_url), 0,
     256},
    {"TIKTOK_UPLOAD_HOSTS", ".tiktokapis.com", CONFIG_STRING, FIELD(upload_hosts), 0,
     1024},
    {"TIKTOK_VIDEO_TRANSFER", "upload", CONFIG_STRING, FIELD(video_transfer), 0, 16},
    {"DATABASE_URL", NULL, CONFIG_SECRET, FIELD(db_url), 0, 1024},
    {"REDIS_URL", NULL, CONFIG_SECRET, FIELD(redis_url), 0, 1024},
    {"TOKEN_KEY_FILE", NULL, CONFIG_STRING, FIELD(token_key_file), 0, 1024},
    {"MEDIA_URL", NULL, CONFIG_STRING, FIELD(media_url), 0, 1024},
    {"STATE_DIRECTORY", "var/publisher", CONFIG_STRING, FIELD(state_dir), 0, 1000},
    {"PUBLISH_INFLIGHT", "64", CONFIG_INT, FIELD(in_flight), 1, 512},
    {"LOG_LEVEL", "info", CONFIG_STRING, FIELD(log_level_name), 0, 16},
    {"LOG_FILE", "", CONFIG_STRING, FIELD(log_file), 0, 1024},
};

/* --- values that only this program can judge -------------------------------------- */

static enum rc wrong(struct err *err, const char *msg)
{
    return err_set(err, RC_INVALID, "bad_config", "%s", msg);
}

static enum rc check_api_url(const struct settings *s, struct err *err)
{
    struct url_origin origin;

    if (url_origin(s->api_url, &origin, err) != RC_OK || strchr(s->api_url, '?') != NULL)
        return wrong(err, "must be an https URL (http only for a simulator)");
    return RC_OK;
}

static enum rc check_upload_hosts(const struct settings *s, struct err *err)
{
    return tiktok_upload_hosts_check(s->upload_hosts, err);
}

static enum rc check_transfer(const struct settings *s, struct err *err)
{
    if (strcmp(s->video_transfer, "upload") != 0)
        return wrong(err, "must be upload");
    return RC_OK;
}

static enum rc check_db_url(const struct settings *s, struct err *err)
{
    struct db *db = NULL;
    enum rc rc = db_new(s->db_url, &db, err);

    db_free(db);
    return rc;
}

static enum rc check_redis_url(const struct settings *s, struct err *err)
{
    struct redis *redis = NULL;
    enum rc rc = redis_new(s->redis_url, &redis, err);

    redis_free(redis);
    return rc;
}

static enum rc check_key_file(const struct settings *s, struct err *err)
{
    struct key_ring *ring = NULL;
    enum rc rc = key_ring_load(s->token_key_file, &ring, err);

    key_ring_free(ring);
    return rc;
}

static enum rc check_media_url(const struct settings *s, struct err *err)
{
    struct blob_store *blobs = NULL;
    enum rc rc = blob_store_open(s->media_url, &blobs, err);

    blob_store_close(blobs);
    return rc;
}

static enum rc check_log_level(const struct settings *s, struct err *err)
{
    enum log_level level;

    if (!log_level_parse(s->log_level_name, &level))
        return wrong(err, "must be error, warn, info or debug");
    return RC_OK;
}

static const struct judge {
    const char *key;
    enum rc (*check)(const struct settings *s, struct err *err);
} judges[] = {
    {"TIKTOK_API_URL", check_api_url},
    {"TIKTOK_UPLOAD_HOSTS", check_upload_hosts},
    {"TIKTOK_VIDEO_TRANSFER", check_transfer},
    {"DATABASE_URL", check_db_url},
    {"REDIS_URL", check_redis_url},
    {"TOKEN_KEY_FILE", check_key_file},
    {"MEDIA_URL", check_media_url},
    {"LOG_LEVEL", check_log_level},
};

static const struct config_key *key_named(const char *name)
{
    size_t i = 0;

    while (strcmp(keys[i].name, name) != 0)
        i++;
    return &keys[i];
}

/* Reads one key by itself, so that it is judged whatever else is missing. A value that
 * config_load() refuses is told by the reading of all. */
static bool judge(const struct judge *j)
{
    const struct config_key *key = key_named(j->key);
    struct settings alone = {0};
    struct strbuf ignored;
    struct err err;
    enum rc rc = RC_OK;

    strbuf_init(&ignored, CONFIG_ENV_FILE_MAX);
    if (config_load(key, 1, &alone, &ignored, &err) == RC_OK) {
        rc = j->check(&alone, &err);
        config_release(key, 1, &alone);
    }
    strbuf_release(&ignored);
    if (rc != RC_OK)
        (void)fprintf(stderr, "tts-publisher: %s: %s\n", j->key, err.msg);
    return rc == RC_OK;
}

/* --- all of them ------------------------------------------------------------------- */

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
    s->app = (struct tiktok_app){.client_key = s->client_key,
                                 .client_secret = s->client_secret};
}

void settings_read(struct settings *s)
{
    bool good = true;

    *s = (struct settings){0};
    for (size_t i = 0; i < ARRAY_LEN(judges); i++)
        good = judge(&judges[i]) && good;
    config_or_exit("publisher", keys, ARRAY_LEN(keys), s);
    if (!good)
        exit(CONFIG_EXIT);
    derive(s);
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
    if (tiktok_upload_hosts_lift(s->upload_hosts))
        log_warn("settings.local_uploads",
                 "TIKTOK_UPLOAD_HOSTS names http or this machine: the rules on https and "
                 "addresses do not hold for it");
}
