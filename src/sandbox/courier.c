#include "courier.h"

#include "pull_errand.h"
#include "webhook_errand.h"

#include "core/attr.h"
#include "core/io.h"
#include "core/log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Every kind of errand; ends with NULL. */
static const struct errand *const errands[] = {&pull_errand, &webhook_errand, NULL};

struct loop {
    struct courier courier;
    void *state[ARRAY_LEN(errands)];
    int bell;
    int signals;
    int64_t round_ms; /* of the monotonic clock: when the last round began */
    int64_t due_ms;   /* and when the next one shall */
    bool called;      /* the bell rang since */
    bool stop;
};

/* --- the bell ------------------------------------------------------------------ */

int bell_new(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        abort();
    return fd;
}

void bell_ring(int bell)
{
    const uint64_t one = 1;

    /* It fails only when nobody has listened for 2^64 rings: it rings then as well. */
    if (write(bell, &one, sizeof(one)) < 0)
        return;
}

/* Forgets the rings until now. */
static void silence(const struct loop *l)
{
    uint64_t rings;

    (void)!read(l->bell, &rings, sizeof(rings)); /* there need not be any */
}

/* The next round is soon: at once, unless there was one just now. Workers that ring
 * thousands of times a second share a round, and its transaction. */
static void hear(struct loop *l)
{
    int64_t soon_ms = l->round_ms + COURIER_PAUSE_MS;

    l->called = true;
    if (soon_ms < l->due_ms)
        l->due_ms = soon_ms;
}

/* --- signals ------------------------------------------------------------------- */

static int open_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGUSR1);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_signals(struct loop *l)
{
    struct signalfd_siginfo info;

    while (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGUSR1)
            log_reopen();
        else
            l->stop = true;
    }
}

/* --- rounds -------------------------------------------------------------------- */

static int64_t mono_ms(const struct loop *l)
{
    return clock_mono_ms(l->courier.clock);
}

void courier_again(struct courier *c)
{
    c->again = true;
    http_wake(c->http); /* done() may run before http_poll() goes to sleep */
}

enum rc courier_look(struct courier *c, struct err *err)
{
    enum rc rc = knobs_load(c->sql, c->settings->processing_ms, &c->knobs, err);

    if (rc == RC_OK)
        c->now_ms = clock_wall_ms(c->clock) + c->knobs.value[KNOB_CLOCK_OFFSET_MS];
    return rc;
}

/* One turn; answers when the next one is due, from now. */
static int64_t turn(struct loop *l, size_t i)
{
    struct courier *c = &l->courier;
    int64_t next_ms = INT64_MAX;
    struct err err;

    if (errands[i]->turn(c, l->state[i], &next_ms, &err) != RC_OK) {
        (void)err_context(&err, errands[i]->name);
        log_failure("sandbox.errand_failed", &err);
        return COURIER_RETRY_MS;
    }
    if (next_ms - COURIER_SLEEP_MAX_MS >= c->now_ms)
        return COURIER_SLEEP_MAX_MS;
    return next_ms > c->now_ms ? next_ms - c->now_ms : 0;
}

/* Every errand's turn. What is due without having been taken (too much at a time, say)
 * is looked at again a step later, and not at once for ever. */
static void go_round(struct loop *l)
{
    int64_t wait_ms = COURIER_SLEEP_MAX_MS;
    struct err err;

    l->round_ms = mono_ms(l);
    l->called = false;
    silence(l); /* before the state is read: a later ring is for the next round */
    l->courier.again = false;
    if (courier_look(&l->courier, &err) != RC_OK) {
        log_failure("sandbox.errand_failed", &err);
        l->due_ms = mono_ms(l) + COURIER_RETRY_MS;
        return;
    }
    for (size_t i = 0; errands[i] != NULL; i++) {
        int64_t ms = turn(l, i);

        wait_ms = ms < wait_ms ? ms : wait_ms;
    }
    l->due_ms = mono_ms(l) + (wait_ms > COURIER_STEP_MS ? wait_ms : COURIER_STEP_MS);
}

/* Moves transfers on until something is due at until_ms or somebody calls. */
static void wait_for_work(struct loop *l, int64_t until_ms)
{
    struct http_wait waits[] = {{.fd = l->called ? -1 : l->bell}, {.fd = l->signals}};
    int64_t left = until_ms - mono_ms(l);
    struct err err;

    if (left < 0 || l->courier.again)
        left = 0;
    if (http_poll(l->courier.http, waits, ARRAY_LEN(waits), (int)left, &err) != RC_OK) {
        log_failure("sandbox.errand_failed", &err);
        exit(EXIT_FAILURE);
    }
    if (waits[0].readable)
        hear(l);
    if (waits[1].readable)
        take_signals(l);
}

static void run(struct loop *l)
{
    while (!l->stop) {
        if (l->courier.again || mono_ms(l) >= l->due_ms)
            go_round(l);
        wait_for_work(l, l->due_ms);
    }
}

static size_t running(const struct loop *l)
{
    size_t n = 0;

    for (size_t i = 0; errands[i] != NULL; i++)
        n += errands[i]->running(l->state[i]);
    return n;
}

/* What is under way may end; nothing new begins. */
static void drain(struct loop *l)
{
    int64_t end_ms = mono_ms(l) + COURIER_DRAIN_MS;

    l->courier.leaving = true;
    while (running(l) > 0 && mono_ms(l) < end_ms) {
        l->courier.again = false;
        wait_for_work(l, end_ms);
    }
}

/* --- the process --------------------------------------------------------------- */

static enum rc set_up(struct loop *l, struct err *err)
{
    const struct http_settings http = {.in_flight_max = COURIER_TRANSFERS_MAX};
    struct courier *c = &l->courier;
    enum rc rc = sql_open(c->settings->dir, &c->sql, err);

    if (rc == RC_OK)
        rc = http_curl_new(&http, &c->http, err);
    l->signals = open_signals();
    if (rc == RC_OK && l->signals < 0)
        rc = err_set(err, RC_UNAVAILABLE, "no_signalfd", "no descriptor for signals: %s",
                     strerrordesc_np(errno));
    return rc;
}

int courier_run(const struct settings *settings, int bell)
{
    struct loop l = {.courier = {.settings = settings,
                                 .clock = clock_system(),
                                 .random = random_system()},
                     .bell = bell};
    struct err err;
    enum rc rc = set_up(&l, &err);

    if (rc == RC_OK) {
        for (size_t i = 0; errands[i] != NULL; i++)
            l.state[i] = errands[i]->begin(&l.courier);
        run(&l);
        drain(&l);
    } else {
        log_failure("sandbox.no_courier", &err);
    }
    http_free(l.courier.http); /* done() is not called for what it cuts off */
    for (size_t i = 0; rc == RC_OK && errands[i] != NULL; i++)
        errands[i]->end(l.state[i]);
    sql_close(l.courier.sql);
    io_close(&l.signals);
    return rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
