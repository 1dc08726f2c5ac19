#include "web/server.h"

#include "core/clock.h"
#include "core/config.h"
#include "core/io.h"
#include "core/log.h"
#include "core/text.h"
#include "listen.h"
#include "pool.h"
#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    YOUNG_MS = 2000,      /* who dies younger makes his successor wait */
    PAUSE_FIRST_MS = 100, /* from the second young death in a row on, doubled each time */
    PAUSE_MAX_MS = 5000,
    NO_FORK_MS = 1000, /* until the next try */
    TICK_MS = 1000,
    FOREVER_MS = 60000, /* with nothing to do */
};

struct child {
    pid_t pid; /* 0: none runs */
    int64_t begun_ms;
    int64_t next_ms;       /* when to start one, while none runs */
    unsigned young_deaths; /* in a row */
};

struct server {
    const struct web_program *program;
    struct listener listener;
    struct pool *pool;
    struct child children[WEB_WORKERS_MAX]; /* the companion, if any, is the last */
    size_t count;                           /* of children */
    int64_t tick_ms;                        /* when idle() is due */
    bool stop;
};

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

/* --- children ---------------------------------------------------------------------- */

/* What only a new child does: it ends with its parent, whatever way that goes. */
static void become_child(const struct server *s, size_t slot, pid_t parent) NORETURN;
static void become_child(const struct server *s, size_t slot, pid_t parent)
{
    const struct web_program *p = s->program;
    int listen_fd = s->listener.fd;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(EXIT_FAILURE);
    if (slot < p->workers)
        worker_run(p, s->pool, slot, listen_fd);
    io_close(&listen_fd); /* the companion answers nobody */
    exit(p->companion(p->arg));
}

static void start_child(struct server *s, size_t slot)
{
    struct child *c = &s->children[slot];
    pid_t parent = getpid();
    pid_t pid;

    (void)fflush(NULL); /* or what is buffered is written twice */
    pid = fork();
    if (pid == 0)
        become_child(s, slot, parent);
    c->begun_ms = now_ms();
    if (pid < 0) {
        log_error("web.no_fork", "errno=%d retry_ms=%d", errno, NO_FORK_MS);
        c->next_ms = c->begun_ms + NO_FORK_MS;
        return;
    }
    c->pid = pid;
}

static void start_due(struct server *s)
{
    int64_t now = now_ms();

    for (size_t i = 0; i < s->count; i++) {
        if (s->children[i].pid == 0 && s->children[i].next_ms <= now)
            start_child(s, i);
    }
}

/* How long a successor waits: not at all after a good life or one bad start. */
static int64_t pause_after(unsigned young_deaths)
{
    int64_t ms = PAUSE_FIRST_MS;

    if (young_deaths < 2)
        return 0;
    for (unsigned i = 2; i < young_deaths && ms < PAUSE_MAX_MS; i++)
        ms *= 2;
    return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

static void log_death(const struct server *s, pid_t pid, const char *request_id,
                      int status)
{
    const char *id = request_id[0] != '\0' ? request_id : "none";

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        log_error("web.deadline", "pid=%d req=%s after_ms=%d", (int)pid, id,
                  s->program->deadline_ms);
    else if (WIFSIGNALED(status))
        log_error("web.worker_died", "pid=%d req=%s signal=%d", (int)pid, id,
                  WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        log_error("web.worker_died", "pid=%d req=%s status=%d", (int)pid, id,
                  WEXITSTATUS(status));
}

static void bury(struct server *s, size_t slot, int status)
{
    struct child *c = &s->children[slot];
    int64_t now = now_ms();
    bool young = now - c->begun_ms < YOUNG_MS;
    char request_id[sizeof(s->pool->slots[slot].request_id)];

    text_copy(request_id, sizeof(request_id), s->pool->slots[slot].request_id);
    pool_clear(s->pool,
               slot); /* before it is told: whoever reads of it may count on it */
    log_death(s, c->pid, request_id, status);
    c->pid = 0;
    c->young_deaths = young ? c->young_deaths + 1 : 0;
    c->next_ms = now + pause_after(c->young_deaths);
}

static void reap(struct server *s)
{
    int status = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < s->count; i++) {
            if (s->children[i].pid == pid)
                bury(s, i, status);
        }
    }
}

static void signal_all(const struct server *s, int number)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->children[i].pid > 0)
            (void)kill(s->children[i].pid, number);
    }
}

static bool any_runs(const struct server *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->children[i].pid > 0)
            return true;
    }
    return false;
}

/* --- the parent's life ------------------------------------------------------------- */

static void parent_signals(sigset_t *set)
{
    worker_signals(set);
    (void)sigaddset(set, SIGCHLD);
}

/* Waits for a signal, ms at most, and does what it says. */
static void take_signal(struct server *s, int64_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    sigset_t set;

    parent_signals(&set);
    switch (sigtimedwait(&set, NULL, &t)) {
    case SIGTERM:
    case SIGINT:
        s->stop = true;
        break;
    case SIGUSR1:
        signal_all(s, SIGUSR1);
        log_reopen();
        break;
    case SIGCHLD:
        reap(s);
        break;
    default: /* nothing came */
        break;
    }
}

/* Until a worker or idle() is due. */
static int64_t wait_ms(const struct server *s)
{
    int64_t now = now_ms();
    int64_t due = s->program->idle != NULL ? s->tick_ms : now + FOREVER_MS;

    for (size_t i = 0; i < s->count; i++) {
        if (s->children[i].pid == 0 && s->children[i].next_ms < due)
            due = s->children[i].next_ms;
    }
    return due > now ? due - now : 0;
}

static void tick(struct server *s)
{
    if (s->program->idle == NULL || now_ms() < s->tick_ms)
        return;
    s->program->idle(NULL);
    s->tick_ms = now_ms() + TICK_MS;
}

static void run(struct server *s)
{
    while (!s->stop) {
        start_due(s);
        tick(s);
        take_signal(s, wait_ms(s));
    }
}

/* Each worker finishes its request and what waits in the queue. */
static void drain(struct server *s)
{
    int limit_ms = s->program->drain_ms > 0 ? s->program->drain_ms : WEB_DRAIN_MS;
    int64_t end_ms = now_ms() + limit_ms;

    log_info("web.draining", "limit_ms=%d", limit_ms);
    listener_shut(&s->listener);
    signal_all(s, SIGTERM);
    reap(s); /* a death that came with the signal to stop */
    while (any_runs(s) && now_ms() < end_ms)
        take_signal(s, end_ms - now_ms());
    if (any_runs(s))
        log_warn("web.killed", "still busy after limit_ms=%d", limit_ms);
    signal_all(s, SIGKILL);
    while (any_runs(s))
        take_signal(s, TICK_MS);
    log_info("web.stopped", "name=%s", s->program->name);
}

static int serve(struct server *s)
{
    const struct web_program *p = s->program;
    sigset_t set;
    struct err err;
    int status = EXIT_FAILURE;

    parent_signals(&set);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGCHLD, SIG_DFL); /* ignored, by inheritance, deaths would go unseen */
    (void)signal(SIGPIPE, SIG_IGN);
    if (listener_open(&s->listener, p->listen, &err) != RC_OK) {
        log_failure("web.not_listening", &err);
        status = err.rc == RC_INVALID ? CONFIG_EXIT : EXIT_FAILURE;
    } else if (pool_new(&s->pool, p->workers, &err) != RC_OK) {
        log_failure("web.not_started", &err);
    } else {
        log_info("web.started", "name=%s listen=%s workers=%zu", p->name, p->listen,
                 p->workers);
        run(s);
        drain(s);
        status = EXIT_SUCCESS;
    }
    pool_free(s->pool);
    io_close(&s->listener.fd);
    return status;
}

int web_serve(const struct web_program *program)
{
    struct server s = {.program = program,
                       .listener = {.fd = -1},
                       .count = program->workers + (program->companion != NULL)};

    assert(program->workers >= 1 && s.count <= WEB_WORKERS_MAX);
    return serve(&s);
}
