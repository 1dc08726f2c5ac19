#include "watch.h"

#include "core/clock.h"
#include "core/io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_MAX = 128, WAITS_MAX = 8 };

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

/* --- what libcurl wants ------------------------------------------------------------ */

static uint32_t events_of(int what)
{
    return ((what & CURL_POLL_IN) != 0 ? (uint32_t)EPOLLIN : 0U) |
           ((what & CURL_POLL_OUT) != 0 ? (uint32_t)EPOLLOUT : 0U);
}

/* known is NULL for a socket that is new to us. A socket that is refused is moved on by
 * its timeouts only: the request ends, late, as one that got no answer. */
static int on_socket(CURL *easy UNUSED, curl_socket_t fd, int what, void *arg,
                     void *known)
{
    struct watch *w = arg;
    struct epoll_event e = {.events = events_of(what), .data.fd = fd};

    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, NULL);
        (void)curl_multi_assign(w->multi, fd, NULL);
        return 0;
    }
    (void)epoll_ctl(w->epoll, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e);
    (void)curl_multi_assign(w->multi, fd, w);
    return 0;
}

static int on_timer(CURLM *multi UNUSED, long timeout_ms, void *arg)
{
    struct watch *w = arg;

    w->deadline_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    return 0;
}

static CURLMcode act(const struct watch *w, curl_socket_t fd, int how)
{
    int running;

    return curl_multi_socket_action(w->multi, fd, how, &running);
}

static CURLMcode run_timer(struct watch *w)
{
    if (w->deadline_ms < 0 || w->deadline_ms > now_ms())
        return CURLM_OK;
    w->deadline_ms = -1; /* on_timer() sets the next one */
    return act(w, CURL_SOCKET_TIMEOUT, 0);
}

/* --- waiting --------------------------------------------------------------------- */

static int how_long(const struct watch *w, int timeout_ms)
{
    int64_t left;

    if (w->deadline_ms < 0)
        return timeout_ms;
    left = w->deadline_ms - now_ms();
    if (left <= 0)
        return 0;
    return left < timeout_ms ? (int)left : timeout_ms;
}

/* Sleeps; true in *sockets when one of libcurl's is ready. */
static void sleep_until_ready(struct watch *w, struct http_wait *wait, size_t n,
                              int timeout_ms, bool *sockets)
{
    struct pollfd fds[2 + WAITS_MAX] = {{.fd = w->epoll, .events = POLLIN},
                                        {.fd = w->bell, .events = POLLIN}};
    nfds_t used = 2;
    uint64_t rung;

    for (size_t i = 0; i < n && i < WAITS_MAX; i++) /* poll() passes over fd -1 */
        fds[used++] = (struct pollfd){.fd = wait[i].fd, .events = POLLIN};
    if (poll(fds, used, how_long(w, timeout_ms)) < 0) { /* a signal: nothing is ready */
        for (nfds_t i = 0; i < used; i++)
            fds[i].revents = 0;
    }
    *sockets = fds[0].revents != 0;
    if (fds[1].revents != 0)
        (void)!read(w->bell, &rung, sizeof(rung));
    for (size_t i = 0; i < n && i < WAITS_MAX; i++)
        wait[i].readable = fds[2 + i].revents != 0;
}

static CURLMcode run_sockets(const struct watch *w)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(w->epoll, events, EVENTS_MAX, 0);
    CURLMcode mc = CURLM_OK;

    for (int i = 0; i < n && mc == CURLM_OK; i++) {
        uint32_t e = events[i].events;
        int how = ((e & (uint32_t)EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                  ((e & (uint32_t)EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                  ((e & (uint32_t)(EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);

        mc = act(w, events[i].data.fd, how);
    }
    return mc;
}

enum rc watch_turn(struct watch *w, struct http_wait *wait, size_t n, int timeout_ms,
                   struct err *err)
{
    bool sockets = false;
    CURLMcode mc = CURLM_OK;

    sleep_until_ready(w, wait, n, timeout_ms, &sockets);
    if (sockets)
        mc = run_sockets(w);
    if (mc == CURLM_OK)
        mc = run_timer(w);
    if (mc != CURLM_OK)
        return err_set(err, RC_BUG, "curl_multi", "%s", curl_multi_strerror(mc));
    return RC_OK;
}

void watch_wake(struct watch *w)
{
    const uint64_t one = 1;

    (void)!write(w->bell, &one, sizeof(one)); /* full: it rings already */
}

/* --- life ------------------------------------------------------------------------ */

enum rc watch_init(struct watch *w, CURLM *multi, struct err *err)
{
    *w = (struct watch){.multi = multi,
                        .epoll = epoll_create1(EPOLL_CLOEXEC),
                        .bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                        .deadline_ms = -1};
    if (w->epoll < 0 || w->bell < 0) {
        int why = errno;

        watch_release(w);
        return err_set(err, RC_BUG, "epoll", "no epoll or eventfd: %s", strerror(why));
    }
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, w);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, w);
    return RC_OK;
}

void watch_release(struct watch *w)
{
    if (w->multi == NULL)
        return;
    io_close(&w->epoll);
    io_close(&w->bell);
    w->multi = NULL;
}
