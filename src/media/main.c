/* tts-media - checks uploaded files against TikTok's limits and makes their thumbnails.
 *
 * One thread: claim a row, examine the file in a confined child, write the verdict, next.
 * Another makes videos anew that somebody wants repaired, one at a time (lane.h). Any
 * number of these processes, on any number of machines that see the media, share the
 * work. It needs no network but MariaDB, Redis and, where media lies there, the object
 * store, and holds no secret but what opens these. */
#include "blob/blob.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "core/random.h"
#include "examine.h"
#include "lane.h"
#include "queue/media.h"
#include "work.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    IDLE_MS = 1000, /* between looks when no hint comes */
    SWEEP_MS = 60000,
    ORPHANS_MS = 3600000,
    DB_PAUSE_MS = 1000, /* after the database did not answer */
    DB_WAIT_MS = 10000, /* for one answer: nobody waits for ours */
};

struct settings {
    char *db_url;
    char *redis_url;
    struct blob_settings media;
    char *log_level;
    char *log_file;
};

static const struct config_key keys[] = {
    {"DATABASE_URL", NULL, CONFIG_SECRET, offsetof(struct settings, db_url), 0, 1024,
     db_url_check},
    {"REDIS_URL", NULL, CONFIG_SECRET, offsetof(struct settings, redis_url), 0, 1024,
     redis_url_check},
    {"MEDIA_URL", NULL, CONFIG_STRING, offsetof(struct settings, media.url), 0, 1024,
     blob_url_check},
    {"MEDIA_S3_ACCESS_KEY", "", CONFIG_STRING,
     offsetof(struct settings, media.access_key), 0, 128, NULL},
    {"MEDIA_S3_SECRET_KEY", "", CONFIG_SECRET,
     offsetof(struct settings, media.secret_key), 0, 256, NULL},
    {"MEDIA_SCRATCH", BLOB_SCRATCH, CONFIG_STRING,
     offsetof(struct settings, media.scratch), 0, 1024, NULL},
    {"LOG_LEVEL", "info", CONFIG_STRING, offsetof(struct settings, log_level), 0, 16,
     log_level_check},
    {"LOG_FILE", "", CONFIG_STRING, offsetof(struct settings, log_file), 0, 1024, NULL},
};

static volatile sig_atomic_t stop;
static volatile sig_atomic_t reopen;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        reopen = 1;
    else
        stop = 1;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1};
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: sleeps end */

    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        (void)sigaction(numbers[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void open_log(const struct settings *s)
{
    enum log_level level;
    struct err err;

    if (!log_level_parse(s->log_level, &level))
        level = LOG_LEVEL_INFO; /* log_level_check() has refused that */
    log_setup("media", level);
    if (log_open(s->log_file, &err) != RC_OK)
        config_reject("media", "LOG_FILE", "cannot be opened");
}

static void pause_ms(int64_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL); /* a signal ends it early, and shall */
}

/* Nothing is due: waits for a hint, or a second. */
static void idle(struct redis *redis)
{
    struct err ignored; /* without Redis we look once a second */
    bool hinted = false;

    if (queue_media_wait(redis, &hinted, &ignored) != RC_OK)
        pause_ms(IDLE_MS);
}

struct timetable {
    int64_t uploads_ms; /* when to sweep next, monotonic */
    int64_t orphans_ms;
};

static enum rc sweep(const struct work *w, struct timetable *t, struct err *err)
{
    int64_t now = clock_mono_ms(clock_system());
    enum rc rc = RC_OK;

    if (now >= t->uploads_ms) {
        t->uploads_ms = now + SWEEP_MS;
        rc = work_sweep_uploads(w, err);
    }
    if (rc == RC_OK && now >= t->orphans_ms) {
        t->orphans_ms = now + ORPHANS_MS;
        rc = work_sweep_orphans(w, err);
    }
    return rc;
}

static void run(const struct work *w, struct redis *redis)
{
    struct timetable timetable = {0};

    while (!stop) {
        bool found = false;
        struct err err;
        enum rc rc = work_next(w, &found, &err);

        if (reopen) {
            reopen = 0;
            log_reopen();
        }
        if (rc == RC_OK)
            rc = sweep(w, &timetable, &err);
        if (rc != RC_OK) {
            log_failure("media.trouble", &err);
            pause_ms(DB_PAUSE_MS);
        } else if (!found && !stop) {
            idle(redis);
        }
    }
}

/* The repairs' thread, which has connections of its own. */
static void *run_lane(void *arg)
{
    const struct work *w = arg;

    while (!stop) {
        bool found = false;
        struct err err;
        enum rc rc = lane_next(w, &found, &err);

        if (rc != RC_OK) {
            log_failure("repair.trouble", &err);
            pause_ms(DB_PAUSE_MS);
        } else if (!found && !stop) {
            pause_ms(LANE_IDLE_MS);
        }
    }
    return NULL;
}

/* Signals are the main thread's: they end its sleeps. */
static enum rc start_lane(struct work *w, pthread_t *thread, struct err *err)
{
    sigset_t all;
    sigset_t before;
    int failed;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(thread, NULL, run_lane, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return err_set(err, RC_UNAVAILABLE, "thread_failed", "cannot start a thread: %s",
                       strerrordesc_np(failed));
    return RC_OK;
}

/* Checks and repairs, until we are told to stop. */
static enum rc work_on(const struct work *w, struct work *lane, struct redis *redis,
                       struct err *err)
{
    pthread_t thread;
    enum rc rc = start_lane(lane, &thread, err);

    if (rc != RC_OK)
        return rc;
    run(w, redis);
    (void)pthread_join(thread, NULL);
    return RC_OK;
}

/* Opens what a thread needs for itself. */
static enum rc open_work(const struct settings *s, struct work *w, struct err *err)
{
    enum rc rc = db_new(s->db_url, &w->db, err);

    if (rc == RC_OK)
        db_set_deadline(w->db, DB_WAIT_MS);
    return rc == RC_OK ? blob_store_open(&s->media, &w->blobs, err) : rc;
}

/* Opens what the settings name, and looks whether files can be examined here. */
static enum rc open_all(const struct settings *s, struct work *w, struct work *lane,
                        struct redis **redis, struct err *err)
{
    enum rc rc = open_work(s, w, err);

    if (rc == RC_OK)
        rc = open_work(s, lane, err);
    if (rc == RC_OK)
        rc = redis_new(s->redis_url, redis, err);
    random_fill(random_system(), &w->owner, sizeof(w->owner));
    w->owner |= 1; /* 0 means nobody */
    lane->owner = w->owner;
    return rc == RC_OK ? examine_ready(err) : rc;
}

int main(void)
{
    struct settings s;
    struct work w = {.stop = &stop};
    struct work lane = {.stop = &stop};
    struct redis *redis = NULL;
    struct err err;
    int status = EXIT_SUCCESS;

    config_or_exit("media", keys, ARRAY_LEN(keys), &s);
    s.media.stop = &stop;
    if (blob_settings_check(&s.media, &err) != RC_OK)
        config_reject("media", err.field, err.msg);
    open_log(&s);
    catch_signals();
    if (open_all(&s, &w, &lane, &redis, &err) == RC_OK) {
        log_info("media.started", "owner=%016" PRIx64, w.owner);
        if (work_on(&w, &lane, redis, &err) != RC_OK) {
            log_failure("media.cannot_work", &err);
            status = EXIT_FAILURE;
        }
        log_info("media.stopped", "%s", "");
    } else {
        log_failure("media.cannot_work", &err);
        status = EXIT_FAILURE;
    }
    blob_store_close(w.blobs);
    blob_store_close(lane.blobs);
    redis_free(redis);
    db_free(w.db);
    db_free(lane.db);
    config_release(keys, ARRAY_LEN(keys), &s);
    return status;
}
