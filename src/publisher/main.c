/* tts-publisher - the only program that talks to TikTok.
 *
 * publisher.h shows its parts. Any number of these processes, on any number of machines,
 * share the work through the database. SIGTERM: what waits is given back at once, what is
 * under way is finished, PUBLISHER_DRAIN_MS at most; a second one ends the process on the
 * spot, which is safe too. SIGUSR1: the log file is opened anew. */
#include "blob/blob.h"
#include "core/config.h"
#include "core/io.h"
#include "core/log.h"
#include "core/meter.h"
#include "errands/errands.h"
#include "errands/hooks.h"
#include "errands/mailer.h"
#include "intake/ear.h"
#include "intake/intake.h"
#include "intake/turns.h"
#include "lease.h"
#include "publisher.h"
#include "run/batch.h"
#include "run/run.h"
#include "tokens/journal.h"
#include "upkeep/reconcile.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    WAIT_MS = 1000,    /* the longest sleep of the loop */
    ONE_SAY_MS = 1000, /* signals closer than this are one: whoever ends a process often
                        * tells both it and its group */
    STALL_MS = 1000,   /* a turn of the loop that took longer made posts late */
    LEAVE_MS = 2000,   /* for the last statement: without it the lease runs out */
};

enum phase { RUNNING, DRAINING, LEAVING, OVER };

/* The loop around the parts. */
struct loop {
    struct publisher p;
    struct key_ring *ring;
    struct ear *ear;
    int signals; /* signalfd */
    enum phase phase;
    int64_t phase_ends_ms; /* monotonic */
    int64_t told_ms;       /* to stop */
};

/* --- start --------------------------------------------------------------------- */

/* Blocked before any thread exists, so that all of them inherit it: signals are read from
 * a descriptor, by the loop alone. */
static int catch_signals(void)
{
    sigset_t set;
    int fd;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        abort();
    return fd;
}

static void open_log(const struct settings *s)
{
    struct err err;

    log_setup("publisher", s->log_level);
    if (log_open(s->log_file, &err) != RC_OK)
        config_reject("publisher", "LOG_FILE", "cannot be opened");
}

/* What the settings name, each checked before by settings_read(): it went away since. */
static void open_places(struct loop *l)
{
    const struct settings *s = l->p.settings;
    struct err err;

    if (key_ring_load(s->token_key_file, &l->ring, &err) != RC_OK)
        config_reject("publisher", "TOKEN_KEY_FILE", err.msg);
    l->p.ring = l->ring;
    if (key_ring_exposed(l->ring))
        log_warn("settings.key_file_exposed",
                 "TOKEN_KEY_FILE can be read by others than its owner");
    if (blob_store_open(&s->media, &l->p.blobs, &err) != RC_OK)
        config_reject("publisher", err.field, err.msg);
    if (journal_open(s->state_dir, &l->p.journal, &err) != RC_OK)
        config_reject("publisher", "STATE_DIRECTORY", err.msg);
}

static void wake(void *arg)
{
    http_wake((struct http *)arg);
}

static enum rc open_pools(struct publisher *p, struct err *err)
{
    struct pool_settings settings = {.db_url = p->settings->db_url,
                                     .redis_url = p->settings->redis_url,
                                     .threads = PUBLISHER_STORE_THREADS,
                                     .wake = wake,
                                     .wake_arg = p->http};
    enum rc rc = pool_new(&settings, &p->store, err);

    settings.threads = PUBLISHER_TASK_THREADS;
    return rc == RC_OK ? pool_new(&settings, &p->tasks, err) : rc;
}

static enum rc open_parts(struct loop *l, struct err *err)
{
    struct publisher *p = &l->p;
    const struct http_settings http = {.local = p->settings->local,
                                       .in_flight_max = PUBLISHER_HTTP_MAX};
    enum rc rc = http_curl_new(&http, &p->http, err);

    if (rc != RC_OK)
        return rc;
    p->calls = calls_new(p->http);
    run_table_init(p);
    p->turns = turns_new(p->settings->egress_mbit * 1000000 / 8);
    p->pace.usual = p->settings->upload_mbit * 1000000 / 8;
    p->rings = rings_new();
    p->batches = batches_new(p);
    rc = open_pools(p, err);
    if (rc != RC_OK)
        return rc;
    p->lease = lease_new(p);
    p->intake = intake_new(p);
    p->errands = errands_new(p);
    p->hooks = hooks_new(p);
    p->reconcile = reconcile_new(p);
    rc = mailer_new(p, wake, &p->mailer, err);
    if (rc != RC_OK)
        return rc;
    return ear_new(p, &l->ear, err);
}

static void close_parts(struct loop *l)
{
    struct publisher *p = &l->p;

    mailer_free(p->mailer);
    pool_free(p->tasks); /* first: their threads use everything else */
    pool_free(p->store);
    ear_free(l->ear);
    reconcile_free(p->reconcile);
    hooks_free(p->hooks);
    errands_free(p->errands);
    intake_free(p->intake);
    lease_free(p->lease);
    batches_free(p->batches);
    turns_free(p->turns);
    rings_free(p->rings);
    calls_free(p->calls);
    http_free(p->http);
    timers_release(&p->timers);
    journal_close(p->journal);
    blob_store_close(p->blobs);
    key_ring_free(l->ring);
    io_close(&l->signals);
}

/* --- the loop, and its end ----------------------------------------------------- */

static void enter(struct loop *l, enum phase phase, int64_t for_ms)
{
    l->phase = phase;
    l->phase_ends_ms = publisher_mono_ms() + for_ms;
}

static void stop(struct loop *l)
{
    int64_t now_ms = publisher_mono_ms();

    if (l->phase != RUNNING && now_ms - l->told_ms < ONE_SAY_MS)
        return;
    if (l->phase != RUNNING) {
        log_warn("publisher.ended", "%s", "second signal");
        _exit(EXIT_FAILURE);
    }
    l->told_ms = now_ms;
    log_info("publisher.stopping", "posts=%zu tasks=%zu", l->p.runs.len,
             errands_busy(l->p.errands));
    enter(l, DRAINING, PUBLISHER_DRAIN_MS);
    l->p.stopping = true;
    run_stop_all(&l->p);
}

static void read_signals(struct loop *l)
{
    struct signalfd_siginfo info;

    while (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGUSR1)
            log_reopen();
        else
            stop(l);
    }
}

static bool is_drained(const struct publisher *p)
{
    return p->runs.len == 0 && !intake_busy(p->intake) && errands_busy(p->errands) == 0 &&
           pool_busy(p->tasks) == 0;
}

/* From one phase to the next, when its work is done or its time is up. */
static void move_on(struct loop *l)
{
    struct publisher *p = &l->p;
    bool late = publisher_mono_ms() >= l->phase_ends_ms;

    if (l->phase == DRAINING && (late || is_drained(p))) {
        if (p->runs.len > 0)
            log_warn("publisher.not_drained", "posts=%zu", p->runs.len);
        run_drop_all(p);
        calls_close(p->calls);
        lease_leave(p->lease);
        enter(l, LEAVING, LEAVE_MS);
    } else if (l->phase == LEAVING && (late || lease_left(p->lease))) {
        enter(l, OVER, 0);
    }
}

static int sleep_ms(const struct loop *l)
{
    int64_t now_ms = publisher_mono_ms();
    int64_t ms =
        turns_next_ms(l->p.turns, now_ms, timers_next_ms(&l->p.timers, now_ms, WAIT_MS));

    if (l->phase != RUNNING && l->phase_ends_ms - now_ms < ms)
        ms = l->phase_ends_ms > now_ms ? l->phase_ends_ms - now_ms : 0;
    return (int)ms;
}

static enum rc turn(struct loop *l, struct err *err)
{
    struct publisher *p = &l->p;
    struct http_wait waits[] = {{.fd = l->signals}, {.fd = ear_fd(l->ear)}};
    enum rc rc = http_poll(p->http, waits, ARRAY_LEN(waits), sleep_ms(l), err);
    int64_t begun_ms = publisher_mono_ms();

    if (rc != RC_OK)
        return rc;
    if (waits[0].readable)
        read_signals(l);
    if (waits[1].readable)
        ear_listen(l->ear);
    pool_reap(p->store);
    pool_reap(p->tasks);
    mailer_reap(p->mailer);
    calls_start(p->calls);
    timers_run(&p->timers, publisher_mono_ms());
    run_take_turns(p);
    batches_go_on(p->batches);
    move_on(l);
    if (publisher_mono_ms() - begun_ms > STALL_MS) {
        meter_add(METER_LOOP_STALLED, 1);
        log_warn("loop.stalled", "ms=%" PRId64, publisher_mono_ms() - begun_ms);
    }
    return RC_OK;
}

int main(void)
{
    struct loop l = {0};
    struct settings settings;
    struct err err = {0};
    enum rc rc;

    settings_read(&settings);
    l.p.settings = &settings;
    l.signals = catch_signals();
    open_log(&settings);
    settings_warn(&settings);
    open_places(&l);
    rc = open_parts(&l, &err);
    if (rc == RC_OK)
        log_info("publisher.started", "in_flight=%d", (int)settings.in_flight);
    while (rc == RC_OK && l.phase != OVER)
        rc = turn(&l, &err);
    if (rc != RC_OK)
        log_failure("publisher.failed", &err);
    close_parts(&l);
    settings_release(&settings);
    log_info("publisher.stopped", "%s", "");
    return rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
