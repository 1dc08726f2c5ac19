/* ttsctl check - reads what a program would read, opens what it would open, and says of
 * each in one line how it stands. */
#include "ctl.h"

#include "blob/blob.h"
#include "core/log.h"
#include "core/rfc3339.h"
#include "core/text.h"
#include "crypto/digest.h"
#include "crypto/keys.h"
#include "domain/reason.h"
#include "queue/redis.h"
#include "store/health.h"
#include "store/migrate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REDIS_MS = 2000 };

struct settings {
    char *db_url, *redis_url;
    char *app_url, *app_key_file, *token_key_file;
    struct blob_settings media;
    char *incoming, *schema_dir;
    char *client_key, *client_secret, *redirect_uri;
    char *log_level;
};

#define FIELD(f) offsetof(struct settings, f)

/* Nothing is required: each program's file holds its own keys only. */
static const struct config_key keys[] = {
    {"DATABASE_URL", "", CONFIG_SECRET, FIELD(db_url), 0, 1024, NULL},
    {"REDIS_URL", "", CONFIG_SECRET, FIELD(redis_url), 0, 1024, NULL},
    {"APP_URL", "", CONFIG_STRING, FIELD(app_url), 0, 256, NULL},
    {"APP_KEY_FILE", "", CONFIG_STRING, FIELD(app_key_file), 0, 1024, NULL},
    {"TOKEN_KEY_FILE", "", CONFIG_STRING, FIELD(token_key_file), 0, 1024, NULL},
    {"MEDIA_URL", "", CONFIG_STRING, FIELD(media.url), 0, 1024, NULL},
    {"MEDIA_S3_ACCESS_KEY", "", CONFIG_STRING, FIELD(media.access_key), 0, 128, NULL},
    {"MEDIA_S3_SECRET_KEY", "", CONFIG_SECRET, FIELD(media.secret_key), 0, 256, NULL},
    {"MEDIA_SCRATCH", "", CONFIG_STRING, FIELD(media.scratch), 0, 1024, NULL},
    {"MEDIA_INCOMING", "", CONFIG_STRING, FIELD(incoming), 0, 1024, NULL},
    {"SCHEMA_DIR", "", CONFIG_STRING, FIELD(schema_dir), 0, 1024, NULL},
    {"TIKTOK_CLIENT_KEY", "", CONFIG_STRING, FIELD(client_key), 0, 128, NULL},
    {"TIKTOK_CLIENT_SECRET", "", CONFIG_SECRET, FIELD(client_secret), 0, 256, NULL},
    {"TIKTOK_REDIRECT_URI", "", CONFIG_STRING, FIELD(redirect_uri), 0, 512, NULL},
    {"LOG_LEVEL", "info", CONFIG_STRING, FIELD(log_level), 0, 16, NULL},
};

struct check {
    struct ctl *ctl;
    struct settings s;
    int wrong; /* lines that say so */
};

static void say(struct check *c, bool ok, const char *key, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void say(struct check *c, bool ok, const char *key, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)fprintf(c->ctl->out, "%-6s %-20s %s\n", ok ? "ok" : "WRONG", key, text);
    c->wrong += ok ? 0 : 1;
}

/* --- MariaDB ------------------------------------------------------------------- */

static void check_schema(struct check *c, struct db *db)
{
    const struct migrate m = {.dir = c->s.schema_dir, .digest = digest_sha256};
    int64_t version = 0;
    size_t pending = 0;
    struct err err;

    if (health_schema(db, &version, &err) != RC_OK)
        say(c, false, "schema", "%s Run ttsctl migrate.", err.msg);
    else
        say(c, version >= HEALTH_SCHEMA, "schema", "at %" PRId64 "; needed is %d%s",
            version, HEALTH_SCHEMA,
            version >= HEALTH_SCHEMA ? "" : ": run ttsctl migrate");
    if (c->s.schema_dir == NULL)
        return;
    if (migrate_pending(db, &m, &pending, &err) != RC_OK)
        say(c, false, "SCHEMA_DIR", "%s", err.msg);
    else
        say(c, pending == 0, "SCHEMA_DIR", "%zu files to apply%s", pending,
            pending == 0 ? "" : ": run ttsctl migrate");
}

/* How the work stands, as far as this database user may see it. */
static void check_work(struct check *c, struct db *db)
{
    struct health_publishers p;
    struct health_late late;
    struct err err;

    if (health_publishers(db, &p, &err) == RC_OK) {
        const struct reason *why = reason_find(p.pause_reason);

        say(c, p.alive > 0, "publisher", "%" PRId64 " running%s", p.alive,
            p.alive > 0 ? "" : ": start tts-publisher, or no post goes out");
        if (p.paused > 0)
            say(c, false, "tiktok", "new posts wait: %s",
                why != NULL ? why->sentence : "TikTok refuses every request.");
    }
    if (health_late(db, &late, &err) == RC_OK)
        say(c, late.n == 0, "posts", "%zu overdue", late.n);
}

static void check_database(struct check *c)
{
    struct db *db = NULL;
    struct err err;

    if (c->s.db_url == NULL)
        return;
    if (db_new(c->s.db_url, &db, &err) != RC_OK) {
        say(c, false, "DATABASE_URL", "must be mysql://user:password@host:port/database");
    } else if (db_ping(db, &err) != RC_OK) {
        say(c, false, "DATABASE_URL", "%s", err.msg);
    } else {
        say(c, true, "DATABASE_URL", "MariaDB answers and takes writes");
        check_schema(c, db);
        check_work(c, db);
    }
    db_free(db);
}

/* --- Redis --------------------------------------------------------------------- */

/* A hint that Redis throws away to save memory is a post that is some seconds late. */
static void check_policy(struct check *c, struct redis *redis)
{
    const struct redis_arg args[] = {redis_str("CONFIG"), redis_str("GET"),
                                     redis_str("maxmemory-policy")};
    struct redis_reply *reply = NULL;
    struct err err;
    const char *policy;
    size_t len = 0;

    if (redis_command(redis, args, ARRAY_LEN(args), REDIS_MS, &reply, &err) != RC_OK)
        return; /* not everybody may ask */
    policy = redis_reply_text(redis_reply_item(reply, 1), &len);
    if (policy != NULL && strcmp(policy, "noeviction") != 0)
        say(c, false, "REDIS_URL", "maxmemory-policy is %.40s; it must be noeviction",
            policy);
    redis_reply_free(reply);
}

static void check_redis(struct check *c)
{
    struct redis *redis = NULL;
    struct err err;

    if (c->s.redis_url == NULL)
        return;
    if (redis_new(c->s.redis_url, &redis, &err) != RC_OK) {
        say(c, false, "REDIS_URL", "must be redis://host:port or unix:///path");
    } else if (redis_ping(redis, REDIS_MS, &err) != RC_OK) {
        say(c, false, "REDIS_URL", "%s", err.msg);
    } else {
        say(c, true, "REDIS_URL", "Redis answers");
        check_policy(c, redis);
    }
    redis_free(redis);
}

/* --- files --------------------------------------------------------------------- */

static void check_keys(struct check *c, const char *key, const char *file)
{
    struct key_ring *ring = NULL;
    struct err err;

    if (file == NULL)
        return;
    if (key_ring_load(file, &ring, &err) != RC_OK) {
        say(c, false, key, "%s%s", err.msg,
            err.rc == RC_NOT_FOUND ? " Make it with ttsctl keys generate." : "");
        return;
    }
    say(c, true, key, "%zu keys, %08" PRIx32 " is active", key_ring_count(ring),
        key_ring_active(ring));
    if (key_ring_exposed(ring))
        say(c, false, key, "others can read it: chmod 0400 it");
    key_ring_free(ring);
}

/* True when it is a directory that this user may write; *st is about it. */
static bool check_directory(struct check *c, const char *key, const char *path,
                            struct stat *st)
{
    bool is_dir = stat(path, st) == 0 && S_ISDIR(st->st_mode);

    if (!is_dir)
        say(c, false, key, "%.200s is not a directory", path);
    else if (access(path, R_OK | W_OK | X_OK) != 0)
        say(c, false, key, "this user may not write in %.200s", path);
    else
        say(c, true, key, "a directory that can be written");
    return is_dir;
}

/* Opens the object store and asks it. */
static void check_bucket(struct check *c)
{
    struct blob_store *blobs = NULL;
    struct stat scratch;
    struct err err;

    if (blob_store_open(&c->s.media, &blobs, &err) != RC_OK)
        say(c, false, err.field, "%s", err.msg);
    else if (blob_check(blobs, &err) != RC_OK)
        say(c, false, "MEDIA_URL", "%s", err.msg);
    else
        say(c, true, "MEDIA_URL", "the bucket answers and takes our key");
    blob_store_close(blobs);
    if (c->s.media.scratch != NULL)
        (void)check_directory(c, "MEDIA_SCRATCH", c->s.media.scratch, &scratch);
    if (c->s.incoming != NULL)
        (void)check_directory(c, "MEDIA_INCOMING", c->s.incoming, &scratch);
}

static void check_directories(struct check *c)
{
    static const char scheme[] = "file://";
    struct stat media;
    struct stat incoming;
    bool there = false;

    if (c->s.media.url != NULL && !text_starts_with(c->s.media.url, "file:///"))
        say(c, false, "MEDIA_URL", "must be file:///absolute/path or s3://bucket");
    else if (c->s.media.url != NULL)
        there = check_directory(c, "MEDIA_URL", c->s.media.url + strlen(scheme), &media);
    if (c->s.incoming == NULL ||
        !check_directory(c, "MEDIA_INCOMING", c->s.incoming, &incoming) || !there)
        return;
    if (media.st_dev != incoming.st_dev)
        say(c, false, "MEDIA_INCOMING",
            "lies on another file system than MEDIA_URL: every upload is copied");
}

static void check_media(struct check *c)
{
    if (c->s.media.url != NULL && text_starts_with(c->s.media.url, "s3://"))
        check_bucket(c);
    else
        check_directories(c);
}

/* --- words --------------------------------------------------------------------- */

static bool is_web_url(const char *url)
{
    return text_starts_with(url, "https://") || text_starts_with(url, "http://");
}

static void check_site(struct check *c)
{
    const struct settings *s = &c->s;
    enum log_level level;

    if (s->app_url != NULL)
        say(c, is_web_url(s->app_url), "APP_URL", "%s",
            !is_web_url(s->app_url)                    ? "must be https://host"
            : text_starts_with(s->app_url, "https://") ? "https"
                                                       : "http: for this machine only");
    if (s->redirect_uri != NULL)
        say(c, is_web_url(s->redirect_uri), "TIKTOK_REDIRECT_URI",
            "must stand letter by letter in TikTok's portal: %.200s", s->redirect_uri);
    if (s->app_url != NULL && s->redirect_uri != NULL &&
        !text_starts_with(s->redirect_uri, s->app_url))
        say(c, false, "TIKTOK_REDIRECT_URI", "is not below APP_URL");
    if (s->client_key != NULL)
        say(c, true, "TIKTOK_CLIENT_KEY", "set");
    if (s->client_secret != NULL)
        say(c, true, "TIKTOK_CLIENT_SECRET", "set");
    if (s->client_secret != NULL && s->app_key_file != NULL)
        say(c, false, "TIKTOK_CLIENT_SECRET",
            "stands beside APP_KEY_FILE: API workers must not have it");
    if (!log_level_parse(s->log_level, &level))
        say(c, false, "LOG_LEVEL", "must be error, warn, info or debug");
}

static void check_all(struct check *c)
{
    struct strbuf problems;
    struct err err;

    strbuf_init(&problems, CONFIG_ENV_FILE_MAX);
    if (config_load(keys, ARRAY_LEN(keys), &c->s, &problems, &err) == RC_OK) {
        check_database(c);
        check_redis(c);
        check_keys(c, "APP_KEY_FILE", c->s.app_key_file);
        check_keys(c, "TOKEN_KEY_FILE", c->s.token_key_file);
        check_media(c);
        check_site(c);
    }
    for (const char *line = problems.buf; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        say(c, false, "settings", "%.*s", (int)len, line);
        line += line[len] == '\n' ? len + 1 : len;
    }
    strbuf_release(&problems);
    config_release(keys, ARRAY_LEN(keys), &c->s);
}

enum { FILES_MAX = 8 };

static int run(struct ctl *ctl, int argc, char **argv)
{
    const char *files[FILES_MAX];
    struct ctl_args args = {.words = files, .most = FILES_MAX};
    struct check c = {.ctl = ctl};

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    if (args.n == 0)
        check_all(&c);
    for (int i = 0; i < args.n; i++) {
        (void)fprintf(ctl->out, "%s%s\n", i > 0 ? "\n" : "", files[i]);
        if (setenv("TTS_ENV_FILE", files[i], 1) != 0)
            return CTL_FAILED;
        check_all(&c);
    }
    return c.wrong == 0 ? CTL_OK : CTL_FAILED;
}

const struct ctl_command ctl_check = {
    .name = "check",
    .args = "[FILE...]",
    .summary = "Check the settings and everything they name, a line for each",
    .help =
        "FILEs are the programs' files of settings, such as /etc/tts/api.env; without\n"
        "any, the environment and .env are read. A key that is not set is not checked.\n"
        "Run it as the program's user: it also says what that user may not do.",
    .run = run,
};
