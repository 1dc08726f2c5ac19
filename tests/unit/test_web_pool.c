/* web/server: the life and death of workers, and how the pool ends. The handler blocks in
 * read() on a pipe of the test's, so that a test knows what a worker is doing. */
#include "child.h"
#include "core/log.h"
#include "fcgi_client.h"
#include "unit.h"
#include "web/server.h"
#include "web/stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct child server;
static struct child second;
static struct fcgi_answer answer;
static int begun[2]; /* a handler has begun: a byte with its process id behind it */
static int gate[2];  /* a byte lets one handler go on */

/* --- the program under test -------------------------------------------------------- */

static void say_pid(void)
{
    pid_t pid = getpid();

    if (write(begun[1], &pid, sizeof(pid)) != sizeof(pid))
        _exit(98);
}

static void block(void)
{
    char byte;

    say_pid();
    while (read(gate[0], &byte, 1) != 1)
        continue;
}

/* The next accept4() finds no descriptor: this request's is the last one allowed. */
static void use_up_descriptors(const struct web_request *req)
{
    struct rlimit limit;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)req->stream->fd;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool wait_for(enum web_wait what)
{
    if (!web_wait_begin(what))
        return false;
    block();
    web_wait_end();
    return true;
}

static void handle(void *state, const struct web_request *req, struct web_response *res)
{
    bool may_wait = true;

    if (strcmp(req->path, "/block") == 0)
        block();
    else if (strcmp(req->path, "/die") == 0)
        (void)kill(getpid(), SIGKILL);
    else if (strcmp(req->path, "/fail") == 0)
        _exit(7);
    else if (strcmp(req->path, "/full") == 0)
        use_up_descriptors(req);
    else if (strcmp(req->path, "/log") == 0)
        log_info("test.line", "said=yes");
    else if (strcmp(req->path, "/wait") == 0)
        may_wait = wait_for(WEB_WAIT_PERSON);
    else if (strcmp(req->path, "/gate") == 0)
        may_wait = wait_for(WEB_WAIT_GATE);
    else if (strcmp(req->path, "/forget") == 0)
        may_wait = web_wait_begin(WEB_WAIT_PERSON);
    web_text(res, may_wait ? 200 : 503, "text/plain", state);
    web_header_addf(res, "X-Pid", "%d", (int)getpid());
}

static void *begin_worker(void *arg)
{
    static char state[] = "state of a worker";

    (void)arg;
    return state;
}

static void end_worker(void *state)
{
    log_info("test.stop", "state=\"%s\"", (const char *)state);
}

static void idle(void *state)
{
    log_info(state != NULL ? "test.idle_worker" : "test.idle_parent", "%s", "");
}

/* What a companion does: says who it is, and waits for the signals that are its. */
static int accompany(void *arg)
{
    sigset_t set;
    int number = SIGUSR1;

    (void)arg;
    say_pid();
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGUSR1);
    while (number == SIGUSR1)
        (void)sigwait(&set, &number);
    log_info("test.companion_ended", "signal=%d", number);
    return 0;
}

static int serve(const struct child *c, void *arg)
{
    struct web_program program = *(const struct web_program *)arg;
    char listen[128];
    struct err err;

    (void)snprintf(listen, sizeof(listen), "unix:%s", c->socket);
    program.name = "test";
    program.listen = listen;
    program.start = begin_worker;
    program.handle = handle;
    program.stop = end_worker;
    log_setup("test", LOG_LEVEL_INFO);
    if (log_open(c->log, &err) != RC_OK)
        return 99;
    return web_serve(&program);
}

/* --- helpers ----------------------------------------------------------------------- */

static void start_program(struct web_program program)
{
    child_start(&server, serve, &program);
}

static void start(size_t workers)
{
    start_program((struct web_program){.workers = workers});
}

static void setup(void)
{
    ck_assert_int_eq(pipe(begun), 0);
    ck_assert_int_eq(pipe(gate), 0);
    child_prepare(&server);
}

static void teardown(void)
{
    fcgi_answer_release(&answer);
    ck_assert_int_eq(child_end(&server), 0);
}

static int begin(const char *uri)
{
    char uri_text[64];
    const char *const parameters[] = {"REQUEST_METHOD=GET", uri_text, "REQUEST_ID=abc123",
                                      NULL};
    int fd = fcgi_connect(server.socket);

    (void)snprintf(uri_text, sizeof(uri_text), "REQUEST_URI=%s", uri);
    fcgi_begin(fd, parameters);
    (void)fcgi_body(fd, NULL, 0);
    return fd;
}

static int finish(int fd)
{
    fcgi_answer_release(&answer);
    fcgi_finish(fd, &answer);
    return answer.status;
}

static int ask(const char *uri)
{
    return finish(begin(uri));
}

static pid_t pid_told(void)
{
    const char *line = strstr(answer.head.buf, "X-Pid: ");
    int pid = 0;

    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(sscanf(line, "X-Pid: %d", &pid), 1);
    return pid;
}

/* The process of a handler that has begun to block. */
static pid_t wait_begun(void)
{
    struct pollfd p = {.fd = begun[0], .events = POLLIN};
    pid_t pid = 0;

    ck_assert_int_eq(poll(&p, 1, -1), 1);
    ck_assert_int_eq(read(begun[0], &pid, sizeof(pid)), sizeof(pid));
    return pid;
}

static void let_go(size_t handlers)
{
    for (size_t i = 0; i < handlers; i++)
        ck_assert_int_eq(write(gate[1], "x", 1), 1);
}

/* Waits until the socket's path has gone: the server no longer takes connections. */
static void wait_path_gone(void)
{
    while (access(server.socket, F_OK) == 0)
        (void)poll(NULL, 0, 5);
}

/* --- deaths ------------------------------------------------------------------------ */

START_TEST(a_killed_worker_is_replaced)
{
    pid_t first;

    start(1);
    ck_assert_int_eq(ask("/"), 200);
    ck_assert_str_eq(answer.body.buf, "state of a worker");
    first = pid_told();
    ck_assert_int_eq(kill(first, SIGKILL), 0);
    ck_assert_int_eq(ask("/"), 200);
    ck_assert_int_ne(pid_told(), first);
    child_logged(&server, "event=web.worker_died");
}
END_TEST

START_TEST(a_worker_that_dies_takes_only_its_request_along)
{
    int fds[3];

    start(1);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = begin(i == 1 ? "/die" : "/");
    ck_assert_int_eq(finish(fds[0]), 200);
    ck_assert_int_eq(finish(fds[1]), 0);
    ck_assert(!answer.ended);
    ck_assert_int_eq(finish(fds[2]), 200);
    child_logged(&server, "req=abc123 signal=9");
}
END_TEST

START_TEST(who_dies_again_and_again_is_replaced_again_and_again)
{
    start(1);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(ask(i % 2 == 0 ? "/die" : "/fail"), 0);
    ck_assert_int_eq(ask("/"), 200);
    child_logged(&server, "req=abc123 status=7");
}
END_TEST

/* Long enough for a request that is answered at once, on a machine that is not. */
enum { DEADLINE_MS = 2000 };

START_TEST(a_request_over_its_deadline_ends_its_worker)
{
    start_program((struct web_program){.workers = 1, .deadline_ms = DEADLINE_MS});
    ck_assert_int_eq(ask("/block"), 0);
    ck_assert(!answer.ended);
    child_logged(&server, "event=web.deadline");
    child_logged(&server, "req=abc123 after_ms=2000");
    ck_assert_int_eq(ask("/"), 200);
}
END_TEST

START_TEST(a_deadline_is_for_each_request_and_not_for_waiting)
{
    pid_t first;

    start_program((struct web_program){.workers = 1, .deadline_ms = DEADLINE_MS});
    ck_assert_int_eq(ask("/"), 200);
    first = pid_told();
    (void)poll(NULL, 0, DEADLINE_MS + 50); /* time itself is under test */
    ck_assert_int_eq(ask("/"), 200);
    ck_assert_int_eq(pid_told(), first);
}
END_TEST

START_TEST(workers_end_when_their_parent_does)
{
    pid_t workers[2];
    int fds[2];

    start(2);
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        fds[i] = begin("/block");
        workers[i] = wait_begun();
    }
    ck_assert_int_eq(kill(server.pid, SIGKILL), 0);
    ck_assert_int_eq(child_wait(&server), 128 + SIGKILL);
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        child_gone(workers[i]);
        ck_assert_int_eq(finish(fds[i]), 0);
    }
    start(1); /* and the next server takes the path over */
    ck_assert_int_eq(ask("/"), 200);
}
END_TEST

START_TEST(one_worker_told_to_stop_finishes_and_is_replaced)
{
    int fd;
    pid_t first;

    start(1);
    fd = begin("/block");
    first = wait_begun();
    ck_assert_int_eq(kill(first, SIGTERM), 0);
    let_go(1);
    ck_assert_int_eq(finish(fd), 200);
    ck_assert_int_eq(ask("/"), 200);
    ck_assert_int_ne(pid_told(), first);
    child_logged(&server, "event=test.stop");
}
END_TEST

/* --- the end of the pool ----------------------------------------------------------- */

START_TEST(stopping_finishes_what_runs_and_what_waits)
{
    static const int signals[] = {SIGTERM, SIGINT};

    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        int running;
        int waiting[5];

        start(1);
        running = begin("/block");
        (void)wait_begun();
        for (size_t k = 0; k < ARRAY_LEN(waiting); k++)
            waiting[k] = begin("/");
        ck_assert_int_eq(kill(server.pid, signals[i]), 0);
        wait_path_gone();
        let_go(1);
        ck_assert_int_eq(finish(running), 200);
        for (size_t k = 0; k < ARRAY_LEN(waiting); k++)
            ck_assert_int_eq(finish(waiting[k]), 200);
        ck_assert_int_eq(child_wait(&server), 0);
        child_logged(&server, "event=test.stop");
        child_logged(&server, "event=web.stopped");
    }
}
END_TEST

START_TEST(a_second_signal_changes_nothing)
{
    int running;

    start(1);
    running = begin("/block");
    (void)wait_begun();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    wait_path_gone();
    ck_assert_int_eq(kill(server.pid, SIGINT), 0);
    let_go(1);
    ck_assert_int_eq(finish(running), 200);
    ck_assert_int_eq(child_wait(&server), 0);
}
END_TEST

START_TEST(who_does_not_finish_in_time_is_killed)
{
    int running;

    start_program((struct web_program){.workers = 2, .drain_ms = 100});
    running = begin("/block");
    (void)wait_begun();
    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    ck_assert_int_eq(finish(running), 0);
    ck_assert_int_eq(child_wait(&server), 0);
    child_logged(&server, "event=web.killed");
}
END_TEST

START_TEST(a_second_server_leaves_the_first_alone)
{
    struct web_program program = {.workers = 1};

    start(1);
    ck_assert_int_eq(ask("/"), 200);
    child_prepare(&second);
    (void)snprintf(second.socket, sizeof(second.socket), "%s", server.socket);
    child_start(&second, serve, &program);
    ck_assert_int_eq(child_wait(&second), 1);
    child_logged(&second, "code=address_in_use");
    (void)child_end(&second);
    ck_assert_int_eq(ask("/"), 200);
}
END_TEST

START_TEST(a_wrong_address_is_a_wrong_setting)
{
    const struct web_program program = {
        .name = "test", .listen = "tcp:0.0.0.0:9000", .workers = 1, .handle = handle};

    ck_assert_int_eq(web_serve(&program), 78);
}
END_TEST

/* --- waiting for others ------------------------------------------------------------ */

START_TEST(half_of_the_workers_wait_at_most)
{
    int fds[2];
    pid_t pids[2];

    start(4);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = begin("/wait");
        pids[i] = wait_begun();
    }
    ck_assert_int_eq(ask("/wait"), 503);
    ck_assert_int_eq(ask("/"), 200);
    ck_assert_int_eq(kill(pids[0], SIGKILL), 0); /* who dies waits no longer */
    ck_assert_int_eq(finish(fds[0]), 0);
    child_logged(&server, "event=web.worker_died");
    fds[0] = begin("/wait");
    (void)wait_begun();
    ck_assert_int_eq(ask("/wait"), 503);
    let_go(2);
    ck_assert_int_eq(finish(fds[0]), 200);
    ck_assert_int_eq(finish(fds[1]), 200);
    fds[0] = begin("/wait");
    (void)wait_begun();
    let_go(1);
    ck_assert_int_eq(finish(fds[0]), 200);
}
END_TEST

START_TEST(who_waits_for_one_thing_leaves_room_for_the_other)
{
    static const char *const paths[][2] = {{"/wait", "/gate"}, {"/gate", "/wait"}};

    start(4);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const char *one = paths[i][0], *other = paths[i][1];
        int fds[3];

        for (size_t k = 0; k < ARRAY_LEN(fds); k++) {
            fds[k] = begin(k < 2 ? one : other);
            (void)wait_begun();
        }
        ck_assert_int_eq(ask(one), 503);
        ck_assert_int_eq(ask(other), 503); /* one worker is left to everybody else */
        ck_assert_int_eq(ask("/"), 200);
        let_go(3);
        for (size_t k = 0; k < ARRAY_LEN(fds); k++)
            ck_assert_int_eq(finish(fds[k]), 200);
    }
}
END_TEST

START_TEST(a_handler_that_forgets_does_not_wait_for_ever)
{
    start(2);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(ask("/forget"), 200);
}
END_TEST

START_TEST(a_single_worker_may_wait)
{
    int fd;

    start(1);
    fd = begin("/wait");
    (void)wait_begun();
    let_go(1);
    ck_assert_int_eq(finish(fd), 200);
}
END_TEST

START_TEST(outside_of_a_pool_anybody_may_wait)
{
    for (int i = 0; i < 10; i++)
        ck_assert(web_wait_begin(WEB_WAIT_GATE));
    web_wait_end();
}
END_TEST

/* --- the rest ---------------------------------------------------------------------- */

START_TEST(without_descriptors_connections_wait_until_there_are_some)
{
    struct rlimit enough;
    pid_t pid;
    int fd;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &enough), 0);
    start(1);
    ck_assert_int_eq(ask("/full"), 200);
    pid = pid_told();
    fd = begin("/");
    child_logged(&server, "event=web.full");
    ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, &enough, NULL), 0);
    ck_assert_int_eq(finish(fd), 200);
    ck_assert_int_eq(pid_told(), pid);
}
END_TEST

/* A parameter of a gigabyte is announced. (The memory that a sanitizer itself takes is
 * beyond any limit: there is none under it, and nothing to see.) */
START_TEST(who_sends_without_measure_costs_a_worker_and_no_memory)
{
    static const unsigned char begin_request[] = {1, 1, 0, 1, 0, 8, 0, 0,
                                                  0, 1, 0, 0, 0, 0, 0, 0};
    static const unsigned char parameter[] = {1, 4, 0,    1,   1,   0,  0,
                                              0, 1, 0xbf, 255, 255, 255};
    int fd;

    start(1);
#if !defined(__SANITIZE_ADDRESS__)
    fd = fcgi_connect(server.socket);
    ck_assert_int_eq(write(fd, begin_request, sizeof(begin_request)),
                     sizeof(begin_request));
    ck_assert_int_eq(write(fd, parameter, sizeof(parameter)), sizeof(parameter));
    ck_assert_int_eq(finish(fd), 0);
    child_logged(&server, "req=none signal=6");
#else
    (void)fd;
    (void)begin_request;
    (void)parameter;
#endif
    ck_assert_int_eq(ask("/"), 200);
}
END_TEST

START_TEST(a_rotated_log_is_opened_anew_by_all)
{
    char old[128];
    pid_t worker;

    start(1);
    ck_assert_int_eq(ask("/"), 200);
    worker = pid_told();
    (void)snprintf(old, sizeof(old), "%s.1", server.log);
    ck_assert_int_eq(rename(server.log, old), 0);
    ck_assert_int_eq(kill(server.pid, SIGUSR1), 0);
    while (access(server.log, F_OK) != 0)
        (void)poll(NULL, 0, 5);
    ck_assert_int_eq(ask("/log"), 200); /* the worker took the signal before */
    ck_assert_int_eq(pid_told(), worker);
    child_logged(&server, "event=test.line");
    child_logged(&server, "req=abc123");
}
END_TEST

START_TEST(idle_is_called_in_the_parent_and_in_waiting_workers)
{
    start_program((struct web_program){.workers = 1, .idle = idle});
    child_logged(&server, "event=test.idle_parent");
    child_logged(&server, "event=test.idle_worker");
    ck_assert_int_eq(ask("/"), 200);
}
END_TEST

/* --- the companion ----------------------------------------------------------------- */

START_TEST(a_companion_that_dies_is_replaced_and_the_workers_go_on)
{
    pid_t worker;
    pid_t companion;

    start_program((struct web_program){.workers = 1, .companion = accompany});
    companion = wait_begun();
    ck_assert_int_eq(ask("/"), 200);
    worker = pid_told();
    ck_assert_int_ne(worker, companion);
    ck_assert_int_eq(kill(companion, SIGKILL), 0);
    ck_assert_int_ne(wait_begun(), companion);
    ck_assert_int_eq(ask("/"), 200);
    ck_assert_int_eq(pid_told(), worker);
    child_logged(&server, "event=web.worker_died");
}
END_TEST

START_TEST(a_companion_is_told_to_stop_with_the_workers)
{
    start_program((struct web_program){.workers = 1, .companion = accompany});
    (void)wait_begun();
    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    ck_assert_int_eq(child_wait(&server), 0);
    child_logged(&server, "event=test.companion_ended");
    child_logged(&server, "event=web.stopped");
}
END_TEST

START_TEST(a_companion_ends_when_the_parent_does)
{
    pid_t companion;

    start_program((struct web_program){.workers = 1, .companion = accompany});
    companion = wait_begun();
    ck_assert_int_eq(kill(server.pid, SIGKILL), 0);
    ck_assert_int_eq(child_wait(&server), 128 + SIGKILL);
    child_gone(companion);
}
END_TEST

UNIT_MAIN_FIXTURE("web_pool", setup, teardown, a_killed_worker_is_replaced,
                  a_worker_that_dies_takes_only_its_request_along,
                  who_dies_again_and_again_is_replaced_again_and_again,
                  a_request_over_its_deadline_ends_its_worker,
                  a_deadline_is_for_each_request_and_not_for_waiting,
                  workers_end_when_their_parent_does,
                  one_worker_told_to_stop_finishes_and_is_replaced,
                  stopping_finishes_what_runs_and_what_waits,
                  a_second_signal_changes_nothing, who_does_not_finish_in_time_is_killed,
                  a_second_server_leaves_the_first_alone,
                  a_wrong_address_is_a_wrong_setting, half_of_the_workers_wait_at_most,
                  who_waits_for_one_thing_leaves_room_for_the_other,
                  a_handler_that_forgets_does_not_wait_for_ever, a_single_worker_may_wait,
                  outside_of_a_pool_anybody_may_wait,
                  without_descriptors_connections_wait_until_there_are_some,
                  who_sends_without_measure_costs_a_worker_and_no_memory,
                  a_rotated_log_is_opened_anew_by_all,
                  idle_is_called_in_the_parent_and_in_waiting_workers,
                  a_companion_that_dies_is_replaced_and_the_workers_go_on,
                  a_companion_is_told_to_stop_with_the_workers,
                  a_companion_ends_when_the_parent_does)
