/* tts-api - the API workers behind nginx.
 *
 * The parent reads the settings, opens the listening socket and forks; each worker makes
 * its own connections to MariaDB and Redis and answers one request at a time. There is no
 * way out to the network from here, and nothing of TikTok's that is secret. */
#include "dispatch.h"
#include "session/gate.h"
#include "settings.h"

#include "blob/incoming.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "core/version.h"
#include "core/xalloc.h"
#include "web/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WORKERS_MIN = 4,
    DEADLINE_MS = 55000, /* of a request; nginx gives up after 60 s */
    SWEEP_MS = 600000,   /* between looks at MEDIA_INCOMING */
    PROBLEMS_MAX = 16384,
};

static const struct api_routes *const all_routes[] = {
    &session_routes, &account_routes, &upload_routes, &media_routes,        &post_routes,
    &webhook_routes, &live_routes,    &pull_routes,   &notification_routes,
};

/* What the parent hands to its workers. */
struct parent {
    struct api_settings settings;
    struct key_ring *keys;
    struct gate *gate;
    size_t workers;
};

struct worker {
    struct api api;
    struct dispatch dispatch;
};

/* --- a worker ------------------------------------------------------------------ */

static void worker_stop(void *ctx)
{
    struct worker *w = ctx;

    db_free(w->api.db);
    redis_free(w->api.redis);
    blob_store_close(w->api.blobs);
    free(w);
}

/* The URLs were tried in the parent; a store that has gone since ends the worker, and the
 * parent starts another in a while. */
static void *worker_start(void *ctx)
{
    const struct parent *p = ctx;
    struct worker *w = xcalloc(1, sizeof(*w));
    struct err err;
    enum rc rc;

    w->api.settings = &p->settings;
    w->api.clock = clock_system();
    w->api.random = random_system();
    w->api.keys = p->keys;
    w->api.gate = p->gate;
    w->dispatch.api = &w->api;
    w->dispatch.routes = (struct route_tables){all_routes, ARRAY_LEN(all_routes)};
    rc = db_new(p->settings.db_url, &w->api.db, &err);
    if (rc == RC_OK)
        rc = redis_new(p->settings.redis_url, &w->api.redis, &err);
    if (rc == RC_OK)
        rc = blob_store_open(&p->settings.media, &w->api.blobs, &err);
    if (rc == RC_OK)
        return w;
    log_failure("api.worker_failed", &err);
    worker_stop(w);
    exit(EXIT_FAILURE);
}

static void worker_handle(void *ctx, const struct web_request *req,
                          struct web_response *res)
{
    const struct worker *w = ctx;

    dispatch_request(&w->dispatch, req, res);
}

/* --- the parent ---------------------------------------------------------------- */

static size_t processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 ? (size_t)n : 1;
}

static size_t worker_count(const struct api_settings *s)
{
    size_t n = (size_t)s->workers;

    if (n == 0)
        n = 2 * processors();
    if (s->workers == 0 && n < WORKERS_MIN)
        n = WORKERS_MIN;
    return n < WEB_WORKERS_MAX ? n : WEB_WORKERS_MAX;
}

static void open_log(const struct api_settings *s)
{
    enum log_level level = LOG_LEVEL_INFO;
    struct err err;

    if (!log_level_parse(s->log_level, &level))
        level = LOG_LEVEL_INFO; /* settings_read() has refused that */
    log_setup("api", level);
    if (log_open(s->log_file, &err) != RC_OK)
        config_reject("api", "LOG_FILE", "cannot be opened");
}

/* What does not keep us from starting, but should be known. */
static void warn(const struct parent *p)
{
    if (key_ring_exposed(p->keys))
        log_warn("api.key_file_open", "msg=\"others can read APP_KEY_FILE; going on\"");
    if (!p->settings.https)
        log_warn("api.plain_http", "msg=\"APP_URL is http; fine on loopback only\"");
    if (p->settings.sandbox)
        log_warn("api.simulator", "msg=\"TIKTOK_AUTH_URL is not TikTok's; going on\"");
    if (p->settings.client_key == NULL)
        log_warn("api.no_client_key",
                 "msg=\"no account can be connected without TIKTOK_CLIENT_KEY\"");
}

/* Most of the workers may hash or wait to; at least one is always free for others. */
static enum rc make_gate(struct parent *p, struct err *err)
{
    size_t slots = processors();
    size_t places = p->workers - p->workers / 4;

    if (slots > GATE_SLOTS_MAX)
        slots = GATE_SLOTS_MAX;
    if (places == p->workers && places > 1)
        places--;
    if (places > GATE_PLACES_MAX)
        places = GATE_PLACES_MAX;
    if (slots > places)
        slots = places;
    return gate_new(slots, places, &p->gate, err);
}

/* The parent's: what idle() has no argument for. */
static struct {
    const char *dir; /* MEDIA_INCOMING, or NULL */
    int64_t next_ms;
} sweeper;

/* Once a second in the parent: removes bodies that a killed nginx has left, now and then.
 * In the workers: nothing. */
static void idle(void *worker)
{
    int64_t now = clock_mono_ms(clock_system());
    size_t removed = 0;
    struct err err;

    if (worker != NULL || sweeper.dir == NULL || now < sweeper.next_ms)
        return;
    sweeper.next_ms = now + SWEEP_MS;
    if (incoming_sweep(sweeper.dir, INCOMING_AGE_MS, &removed, &err) != RC_OK)
        log_failure("api.incoming_not_swept", &err);
    else if (removed > 0)
        log_info("api.incoming_swept", "n=%zu", removed);
}

static int serve(struct parent *p)
{
    const struct web_program program = {
        .name = "api",
        .listen = p->settings.listen,
        .workers = p->workers,
        .deadline_ms = DEADLINE_MS,
        .arg = p,
        .start = worker_start,
        .handle = worker_handle,
        .stop = worker_stop,
        .idle = idle,
    };
    int status;

    sweeper.dir = p->settings.incoming;
    log_info("api.started", "version=" TTS_VERSION " workers=%zu", p->workers);
    status = web_serve(&program);
    log_info("api.stopped", "status=%d", status);
    return status;
}

int main(void)
{
    struct parent p = {0};
    struct strbuf problems;
    struct err err;
    int status = EXIT_FAILURE;

    strbuf_init(&problems, PROBLEMS_MAX);
    if (settings_read(&p.settings, &problems, &err) != RC_OK)
        config_refuse("api", &problems);
    strbuf_release(&problems);
    open_log(&p.settings);
    p.workers = worker_count(&p.settings);
    if (key_ring_load(p.settings.app_key_file, &p.keys, &err) != RC_OK ||
        make_gate(&p, &err) != RC_OK)
        log_failure("api.not_started", &err);
    else
        warn(&p);
    if (p.gate != NULL)
        status = serve(&p);
    gate_free(p.gate);
    key_ring_free(p.keys);
    settings_release(&p.settings);
    return status;
}
