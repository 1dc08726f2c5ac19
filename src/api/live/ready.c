#include "ready.h"

#include "core/log.h"
#include "store/health.h"
#include "store/jobs.h"
#include "store/media.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    REDIS_MS = 500,
    STORAGE_MIN = 256 * 1024 * 1024, /* bytes without which nothing works for long */
    RETRY_S = 5,
    CHECKS_MAX = 10,
};

struct check {
    const char *name;
    bool ok;
    char message[160];
};

struct checks {
    struct check list[CHECKS_MAX];
    size_t n;
    bool all_ok;
};

static void add(struct checks *c, const char *name, bool ok, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void add(struct checks *c, const char *name, bool ok, const char *fmt, ...)
{
    struct check *check = &c->list[c->n++];
    va_list ap;

    check->name = name;
    check->ok = ok;
    va_start(ap, fmt);
    (void)vsnprintf(check->message, sizeof(check->message), fmt, ap);
    va_end(ap);
    c->all_ok = c->all_ok && ok;
}

/* A question that could not be asked; the log has the reason. */
static void unknown(struct checks *c, const char *name, const struct err *err)
{
    log_failure("api.ready", err);
    add(c, name, false, "Not known: the database did not answer.");
}

static void check_schema(struct api *api, struct checks *c)
{
    int64_t version = 0;
    struct err err;

    if (health_schema(api->db, &version, &err) != RC_OK)
        unknown(c, "schema", &err);
    else if (version < HEALTH_SCHEMA)
        add(c, "schema", false,
            "The schema is at %" PRId64 ", this program needs %d: run ttsctl migrate.",
            version, HEALTH_SCHEMA);
    else
        add(c, "schema", true, "Up to date (%" PRId64 ").", version);
}

static void check_publisher(struct api *api, struct checks *c)
{
    struct health_publishers p;
    struct err err;

    if (health_publishers(api->db, &p, &err) != RC_OK) {
        unknown(c, "publisher", &err);
        add(c, "tiktok", false, "Not known: the database did not answer.");
        return;
    }
    if (p.alive == 0)
        add(c, "publisher", false, "No publisher has a lease: is tts-publisher running?");
    else
        add(c, "publisher", true, "%" PRId64 " running.", p.alive);
    if (p.paused > 0)
        add(c, "tiktok", false,
            "TikTok refuses everybody (%s): new posts wait, a request probes every few "
            "s.",
            p.pause_reason);
    else
        add(c, "tiktok", true, "No general trouble.");
}

static void check_media(struct api *api, struct checks *c)
{
    uint64_t n = 0;
    struct err err;

    if (media_overdue(api->db, &n, &err) != RC_OK)
        unknown(c, "media", &err);
    else if (n > 0)
        add(c, "media", false,
            "%" PRIu64 " files have waited for %d s to be checked: is tts-media running?",
            n, MEDIA_OVERDUE_MS / 1000);
    else
        add(c, "media", true, "No file waits.");
}

static void check_overdue(struct api *api, struct checks *c)
{
    struct health_late late;
    struct err err;

    if (health_late(api->db, &late, &err) != RC_OK)
        unknown(c, "overdue", &err);
    else if (late.n > 0)
        add(c, "overdue", false, "%zu%s posts are overdue, the oldest by %" PRId64 " s.",
            late.n, late.n == JOB_SWEEP_MAX ? " or more" : "",
            (late.now_ms - late.oldest_ms) / 1000);
    else
        add(c, "overdue", true, "No post is overdue.");
}

/* Only where MariaDB is set up for it. */
static void check_replica(struct api *api, struct checks *c)
{
    enum health_sync sync;
    struct err err;

    if (health_semi_sync(api->db, &sync, &err) != RC_OK)
        unknown(c, "replica", &err);
    else if (sync == HEALTH_SYNC_FALLEN)
        add(c, "replica", false,
            "No replica answers: what is committed now is on one machine alone.");
    else
        add(c, "replica", true, "%s",
            sync == HEALTH_SYNC_ON ? "Every commit is on a replica."
                                   : "Not asked for: the server is not set up so.");
}

/* A database that is away is asked once, not six times. */
static void check_database(struct api *api, struct checks *c)
{
    static const char *const others[] = {"schema", "publisher", "tiktok",
                                         "media",  "overdue",   "replica"};
    struct err err;

    if (db_ping(api->db, &err) == RC_OK) {
        add(c, "database", true, "Connected.");
        check_schema(api, c);
        check_publisher(api, c);
        check_media(api, c);
        check_overdue(api, c);
        check_replica(api, c);
        return;
    }
    log_failure("api.ready", &err);
    add(c, "database", false, "MariaDB does not answer, or takes no writes.");
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        add(c, others[i], false, "Not known without the database.");
}

static void check_redis(struct api *api, struct checks *c)
{
    struct err err;

    if (redis_ping(api->redis, REDIS_MS, &err) == RC_OK) {
        add(c, "redis", true, "Connected.");
        return;
    }
    log_failure("api.ready", &err);
    add(c, "redis", false, "Redis does not answer; posts still go out, some s late.");
}

static void check_bucket(struct api *api, struct checks *c)
{
    struct err err;

    if (blob_check(api->blobs, &err) == RC_OK) {
        add(c, "storage", true, "The object store answers.");
        return;
    }
    log_failure("api.ready", &err);
    add(c, "storage", false, "%s", err.msg);
}

static void check_disk(struct api *api, struct checks *c)
{
    struct blob_space space;
    struct err err;

    if (blob_space(api->blobs, &space, &err) != RC_OK) {
        log_failure("api.ready", &err);
        add(c, "storage", false, "The place where media lies does not answer.");
    } else if (space.free_bytes < STORAGE_MIN) {
        add(c, "storage", false, "The disk is full: %" PRId64 " MiB are left.",
            space.free_bytes >> 20);
    } else {
        add(c, "storage", true, "%" PRId64 " GiB free.", space.free_bytes >> 30);
    }
}

static void check_storage(struct api *api, struct checks *c)
{
    if (blob_is_remote(api->blobs))
        check_bucket(api, c);
    else
        check_disk(api, c);
}

static void render(const struct checks *c, struct web_response *res)
{
    struct jsonw w;

    if (!c->all_ok)
        web_header_addf(res, "Retry-After", "%d", RETRY_S);
    web_json_begin(res, c->all_ok ? 200 : 503, &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "status", c->all_ok ? "ready" : "not_ready");
    jsonw_key(&w, "checks");
    jsonw_array(&w);
    for (size_t i = 0; i < c->n; i++) {
        jsonw_object(&w);
        jsonw_key_text(&w, "name", c->list[i].name);
        jsonw_key_bool(&w, "ok", c->list[i].ok);
        jsonw_key_text(&w, "message", c->list[i].message);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    jsonw_end(&w);
}

enum rc live_ready(struct api *api, const struct api_request *req,
                   struct web_response *res, struct err *err)
{
    struct checks c = {.all_ok = true};

    (void)req;
    (void)err;
    check_database(api, &c);
    check_redis(api, &c);
    check_storage(api, &c);
    render(&c, res);
    return RC_OK;
}
