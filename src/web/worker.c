#include "worker.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/log.h"
#include "core/text.h"
#include "send.h"
#include "stream.h"

#include <errno.h>
#include <fcgiapp.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    IDLE_MS = 1000,
    FULL_PAUSE_MS = 20,     /* when there is no descriptor or memory for a connection */
    DROP_MAX = 1024 * 1024, /* bytes of a body nobody read that are taken off the wire */
    LARGE = 128 * 1024,     /* bytes; such memory goes back to the system when freed */
    DATA_MAX = 256 * 1024 * 1024, /* bytes a worker may allocate at all */
};

/* Of this worker, for web_pause() as well: where its signals come (-1 outside of a pool),
 * and whether one told it to stop. */
static int signal_fd = -1;
static bool leaving;

struct worker {
    const struct web_program *program;
    struct pool_slot *slot;
    void *state; /* the program's */
    int listen_fd;
    int epoll_fd;
    bool empty; /* the listener is shut, and nobody waits there any more */
    bool full;  /* said so in the log */
    FCGX_Request fcgi;
    struct web_stream stream;
};

/* --- set-up ------------------------------------------------------------------------ */

void worker_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGUSR1);
}

/* libfcgi takes headers of any number and size. A peer that is not nginx could make it
 * allocate for ever; then an allocation fails, the worker aborts and is replaced. */
static void limit_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
    (void)mallopt(M_TRIM_THRESHOLD, 2 * LARGE);
#if !defined(__SANITIZE_ADDRESS__)
    const struct rlimit limit = {.rlim_cur = DATA_MAX, .rlim_max = DATA_MAX};

    (void)setrlimit(RLIMIT_DATA, &limit);
#endif
}

static bool watch(const struct worker *w, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.fd = fd}};

    return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* A connection wakes one idle worker and not all of them (poll() would: with eight, half
 * of the throughput at moderate load went into that).
 *
 * FCGX_Init() sets handlers of its own for SIGPIPE, SIGUSR1 and SIGTERM: ours follow. */
static bool set_up(struct worker *w)
{
    sigset_t set;

    limit_memory();
    /* How long the library waits on a connection that it closes while bytes may be on
     * their way. Two seconds if nobody says. */
    (void)setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "100", 0);
    if (FCGX_Init() != 0 || FCGX_InitRequest(&w->fcgi, -1, 0) != 0)
        return false;
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGUSR1, SIG_DFL);
    (void)signal(SIGALRM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    worker_signals(&set);
    (void)sigprocmask(SIG_SETMASK, &set, NULL);
    signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return signal_fd >= 0 && w->epoll_fd >= 0 && watch(w, signal_fd, EPOLLIN) &&
           watch(w, w->listen_fd, EPOLLIN | EPOLLEXCLUSIVE);
}

/* --- one request ------------------------------------------------------------------- */

static struct timeval timeval_of(int ms)
{
    return (struct timeval){ms / 1000, (suseconds_t)(ms % 1000) * 1000};
}

/* SIGALRM ends the process; the parent says why in the log. */
static void set_deadline(int ms)
{
    const struct itimerval t = {.it_value = timeval_of(ms)};

    if (setitimer(ITIMER_REAL, &t, NULL) != 0)
        log_error("web.no_deadline", "errno=%d", errno);
}

static void set_io_timeouts(int fd, int ms)
{
    const struct timeval t = timeval_of(ms);

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) != 0)
        log_error("web.no_timeout", "errno=%d", errno);
}

/* Ends the request. The library closes a connection slowly, because bytes it has not read
 * would make the kernel reset it; when the body was read to its end there are none. */
static void finish(struct worker *w, const struct web_request *req)
{
    w->fcgi.keepConnection = web_body_drop(req, DROP_MAX) ? 1 : 0;
    FCGX_Finish_r(&w->fcgi);
    io_close(&w->fcgi.ipcFd);
}

/* Ends the request without the end of its answer. */
static void hang_up(struct worker *w)
{
    int fd = w->fcgi.ipcFd;

    FCGX_Free(&w->fcgi, 0);
    w->fcgi.ipcFd = -1;
    io_close(&fd);
}

static void answer(struct worker *w)
{
    struct web_request req;
    struct web_response res;
    int refused;

    w->stream.parameters = (const char *const *)w->fcgi.envp;
    w->stream.in = w->fcgi.in;
    w->stream.fd = w->fcgi.ipcFd;
    refused = web_request_open(&req, &w->stream);
    web_response_init(&res);
    text_copy(w->slot->request_id, sizeof(w->slot->request_id), req.id);
    log_context("req=%s", req.id);
    if (refused != 0)
        send_refusal(&res, refused, req.id);
    else
        w->program->handle(w->state, &req, &res);
    web_wait_end(); /* whatever the handler forgot */
    if (send_response(w->fcgi.out, &req, &res))
        finish(w, &req);
    else
        hang_up(w);
    pool_answered(res.status);
    web_response_release(&res);
    log_context("%s", "");
    w->slot->request_id[0] = '\0';
}

/* The connection is the library's from here on, also when what comes is no request. It
 * shall not accept by itself: with this request's keepConnection set it starts with the
 * descriptor it finds, and it has none to accept from. */
static void serve(struct worker *w, int fd)
{
    const struct web_program *p = w->program;

    set_io_timeouts(fd, p->io_ms > 0 ? p->io_ms : WEB_IO_MS);
    if (p->deadline_ms > 0)
        set_deadline(p->deadline_ms);
    w->fcgi.ipcFd = fd;
    w->fcgi.keepConnection = 1;
    if (FCGX_Accept_r(&w->fcgi) == 0)
        answer(w);
    if (p->deadline_ms > 0)
        set_deadline(0);
}

/* --- waiting ----------------------------------------------------------------------- */

static void take_signals(void)
{
    struct signalfd_siginfo info;

    while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGUSR1)
            log_reopen();
        else
            leaving = true;
    }
}

/* No descriptor or memory for another connection: it waits in the queue. */
static void pause_full(struct worker *w, int error)
{
    struct pollfd told = {.fd = signal_fd, .events = POLLIN};

    if (!w->full)
        log_error("web.full", "errno=%d cannot accept a connection now", error);
    w->full = true;
    (void)poll(&told, 1, FULL_PAUSE_MS);
}

static bool is_shut(const struct worker *w)
{
    struct pollfd p = {.fd = w->listen_fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) == 1;
}

static void accept_one(struct worker *w)
{
    int fd = accept4(w->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0) {
        w->full = false;
        serve(w, fd);
        return;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        pause_full(w, errno);
        break;
    default: /* another worker was faster, or the peer has gone */
        w->empty = is_shut(w);
        break;
    }
}

/* Waits for a connection or a signal, a second at most when the program wants to idle.
 * A signal that is there is taken first: what comes after it sees its effect. */
static void wait_and_act(struct worker *w)
{
    int timeout_ms = w->program->idle != NULL ? IDLE_MS : -1;
    struct epoll_event events[2];
    int n = epoll_wait(w->epoll_fd, events, ARRAY_LEN(events), timeout_ms);
    bool called = false;

    if (n == 0 && w->program->idle != NULL)
        w->program->idle(w->state);
    for (int i = 0; i < n; i++) {
        if (events[i].data.fd == signal_fd)
            take_signals();
        else
            called = true;
    }
    if (called && !leaving)
        accept_one(w);
}

/* Told to leave, a worker leaves: unless the listener is shut, for then the whole pool
 * leaves, and who still waits in the queue is served first. The parent shuts the listener
 * before it tells anybody. */
static void run(struct worker *w)
{
    while (!leaving && !w->empty)
        wait_and_act(w);
    while (!w->empty && is_shut(w))
        accept_one(w);
}

void worker_run(const struct web_program *program, struct pool *pool, size_t slot,
                int listen_fd)
{
    struct worker w = {
        .program = program, .slot = &pool->slots[slot], .listen_fd = listen_fd};

    if (!set_up(&w)) {
        log_error("web.worker_failed", "errno=%d", errno);
        exit(EXIT_FAILURE);
    }
    pool_join(pool, slot);
    w.state = program->start != NULL ? program->start(program->arg) : program->arg;
    run(&w);
    if (program->stop != NULL)
        program->stop(w.state);
    exit(EXIT_SUCCESS);
}

static bool told_to_stop(void)
{
    sigset_t pending;

    if (leaving)
        return true;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

bool web_pause(const struct web_request *req, int64_t ms)
{
    int64_t end_ms = clock_mono_ms(clock_system()) + ms;
    struct pollfd fds[] = {{.fd = req->stream->fd, .events = POLLRDHUP},
                           {.fd = signal_fd, .events = POLLIN}};

    if (told_to_stop())
        return false;
    for (int64_t left = ms; left > 0; left = end_ms - clock_mono_ms(clock_system())) {
        int step = left < INT32_MAX ? (int)left : INT32_MAX;

        if (poll(fds, ARRAY_LEN(fds), step) <= 0)
            continue;
        if (fds[0].revents != 0 || told_to_stop())
            return false;
        fds[1].fd = -1; /* another signal, which can wait */
    }
    return true;
}
