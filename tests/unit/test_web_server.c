/* web/server: requests and answers over a socket, good, bad and broken. tests/unit/
 * test_web_pool.c has the life and death of workers. */
#include "child.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "fcgi_client.h"
#include "port.h"
#include "unit.h"
#include "web/server.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_MAX = 1000, MEBIBYTE = 1024 * 1024, IO_MS = 1000 };

static struct child server;
static struct fcgi_answer answer;

/* --- the program under test -------------------------------------------------------- */

static void failed(struct web_response *res, const struct err *err)
{
    web_text(res, 422, "text/plain", err->code);
}

static void do_read(const struct web_request *req, struct web_response *res)
{
    struct strbuf body;
    struct err err;

    strbuf_init(&body, READ_MAX);
    if (web_body_read(req, READ_MAX, &body, &err) != RC_OK)
        failed(res, &err);
    else
        web_text(res, 200, "text/plain", body.buf);
    strbuf_release(&body);
}

/* Counts the body, and says how much memory the process had at its peak. */
static void do_count(const struct web_request *req, struct web_response *res)
{
    static char piece[16384];
    int64_t total = 0;
    unsigned sum = 0;
    size_t got = 0;
    struct err err;

    do {
        if (web_body_some(req, piece, sizeof(piece), &got, &err) != RC_OK) {
            failed(res, &err);
            web_header_addf(res, "X-Count", "%" PRId64, total);
            return;
        }
        for (size_t i = 0; i < got; i++)
            sum = sum * 31 + (unsigned char)piece[i];
        total += (int64_t)got;
    } while (got > 0);
    web_empty(res, 204, NULL);
    web_header_addf(res, "X-Count", "%" PRId64 " %u", total, sum);
}

static void do_large(struct web_response *res, size_t len)
{
    web_text(res, 200, "text/plain", "");
    for (size_t i = 0; i < len; i += 1024) {
        char kilobyte[1024];

        (void)memset(kilobyte, 'a' + (int)(i / 1024 % 26), sizeof(kilobyte));
        strbuf_add(&res->body, kilobyte, sizeof(kilobyte));
    }
}

static void do_fault(const char *path, struct web_response *res)
{
    web_text(res, 200, "text/plain", "0123456789");
    if (strcmp(path, "/lost") == 0)
        res->lost = true;
    else if (strcmp(path, "/cut") == 0)
        res->cut_after = 4;
    else if (strcmp(path, "/cut/late") == 0)
        res->cut_after = 10000;
    else
        web_header_add(res, "X-Evil", "a\r\nX-Second: b");
}

static void handle(void *arg, const struct web_request *req, struct web_response *res)
{
    const char *path = req->path;

    (void)arg;
    if (strcmp(path, "/read") == 0)
        do_read(req, res);
    else if (strcmp(path, "/count") == 0)
        do_count(req, res);
    else if (strcmp(path, "/large") == 0)
        do_large(res, (size_t)3 * MEBIBYTE);
    else if (strcmp(path, "/huge") == 0)
        do_large(res, (size_t)5 * MEBIBYTE);
    else if (strcmp(path, "/pid") == 0)
        web_header_addf(res, "X-Pid", "%d", (int)getpid());
    else if (strcmp(path, "/empty") == 0)
        web_empty(res, req->query[0] != '\0' ? 304 : 204, NULL);
    else if (strcmp(path, "/pause") == 0)
        web_empty(res, web_pause(req, 600000) ? 200 : 204, NULL);
    else if (strcmp(path, "/nothing") != 0 && strcmp(path, "/hello") != 0)
        do_fault(path, res);
    if (strcmp(path, "/hello") == 0 || strcmp(path, "/pid") == 0) {
        web_header_add(res, "X-Id", req->id);
        web_text(res, 200, "text/plain", "hello");
    }
}

struct set_up {
    const char *listen; /* NULL: the child's socket */
    size_t workers;
    int io_ms;
};

static int serve(const struct child *c, void *arg)
{
    const struct set_up *s = arg;
    char listen[128];
    const struct web_program program = {.name = "test",
                                        .listen = s->listen != NULL ? s->listen : listen,
                                        .workers = s->workers,
                                        .io_ms = s->io_ms,
                                        .handle = handle};
    struct err err;

    (void)snprintf(listen, sizeof(listen), "unix:%s", c->socket);
    log_setup("test", LOG_LEVEL_INFO);
    if (log_open(c->log, &err) != RC_OK)
        return 99;
    return web_serve(&program);
}

static void start(size_t workers, int io_ms)
{
    struct set_up s = {.workers = workers, .io_ms = io_ms};

    child_start(&server, serve, &s);
}

static void setup(void)
{
    child_prepare(&server);
}

static void teardown(void)
{
    fcgi_answer_release(&answer);
    ck_assert_int_eq(child_end(&server), 0);
}

static void ask(const char *method, const char *uri, const char *body)
{
    fcgi_answer_release(&answer);
    fcgi_ask(server.socket, method, uri, body, &answer);
}

/* A begun request whose body is up to the test. */
static int begin(const char *uri, const char *length)
{
    char uri_text[128];
    char length_text[64];
    const char *const parameters[] = {"REQUEST_METHOD=POST", uri_text, length_text, NULL};
    int fd = fcgi_connect(server.socket);

    (void)snprintf(uri_text, sizeof(uri_text), "REQUEST_URI=%s", uri);
    (void)snprintf(length_text, sizeof(length_text), "CONTENT_LENGTH=%s", length);
    fcgi_begin(fd, parameters);
    return fd;
}

static void finish(int fd)
{
    fcgi_answer_release(&answer);
    fcgi_finish(fd, &answer);
}

static bool head_has(const char *line)
{
    return strstr(answer.head.buf, line) != NULL;
}

/* --- answers ----------------------------------------------------------------------- */

START_TEST(an_answer_has_status_length_and_end)
{
    start(1, 0);
    ask("GET", "/hello?x=1", NULL);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(head_has("Status: 200 OK\r\n"));
    ck_assert(head_has("Content-Type: text/plain\r\n"));
    ck_assert(head_has("Content-Length: 5\r\n"));
    ck_assert_str_eq(answer.body.buf, "hello");
    ck_assert(answer.ended);
}
END_TEST

START_TEST(head_has_the_length_and_not_the_body)
{
    start(1, 0);
    ask("HEAD", "/hello", NULL);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(head_has("Content-Length: 5\r\n"));
    ck_assert_uint_eq(answer.body.len, 0);
    ck_assert(answer.ended);
}
END_TEST

START_TEST(answers_that_never_have_a_body_have_no_length)
{
    start(1, 0);
    ask("GET", "/empty", NULL);
    ck_assert_int_eq(answer.status, 204);
    ck_assert(!head_has("Content-Length"));
    ask("GET", "/empty?etag", NULL);
    ck_assert_int_eq(answer.status, 304);
    ck_assert(!head_has("Content-Length"));
    ck_assert(answer.ended);
}
END_TEST

START_TEST(a_large_answer_arrives_whole)
{
    start(1, 0);
    ask("GET", "/large", NULL);
    ck_assert_uint_eq(answer.body.len, (size_t)3 * MEBIBYTE);
    for (size_t i = 0; i < answer.body.len; i += 1024)
        ck_assert_int_eq(answer.body.buf[i], 'a' + (int)(i / 1024 % 26));
    ck_assert(answer.ended);
}
END_TEST

START_TEST(what_cannot_be_an_answer_is_a_500)
{
    static const char *const uris[] = {"/nothing", "/broken", "/huge"};

    start(1, 0);
    for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
        ask("GET", uris[i], NULL);
        ck_assert_msg(answer.status == 500, "%s: %d", uris[i], answer.status);
        ck_assert_msg(strstr(answer.body.buf, "\"code\":\"internal\"") != NULL, "%s",
                      answer.body.buf);
        ck_assert(!head_has("X-Second") && answer.ended);
    }
    child_logged(&server, "event=web.bad_answer");
}
END_TEST

START_TEST(what_cannot_be_a_request_never_reaches_the_handler)
{
    char uri[WEB_PATH_MAX + 3];

    start(1, 0);
    ask("BREW ME", "/hello", NULL);
    ck_assert_int_eq(answer.status, 400);
    ck_assert_ptr_nonnull(strstr(answer.body.buf, "\"code\":\"bad_request\""));
    ask("GET", "hello", NULL);
    ck_assert_int_eq(answer.status, 400);
    (void)memset(uri, 'a', sizeof(uri) - 1);
    uri[0] = '/';
    uri[sizeof(uri) - 1] = '\0';
    ask("GET", uri, NULL);
    ck_assert_int_eq(answer.status, 414);
    ck_assert(answer.ended);
}
END_TEST

START_TEST(headers_beyond_all_measure_are_refused)
{
    char *huge = xmalloc(WEB_BACKLOG + (size_t)512 * 1024);
    const char *const parameters[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/hello", huge,
                                      NULL};
    int fd;

    start(1, 0);
    (void)memset(huge, 'a', (size_t)512 * 1024);
    huge[(size_t)512 * 1024] = '\0';
    (void)memcpy(huge, "HTTP_X=", 7);
    fd = fcgi_connect(server.socket);
    fcgi_begin(fd, parameters);
    (void)fcgi_body(fd, NULL, 0);
    finish(fd);
    ck_assert_int_eq(answer.status, 431);
    free(huge);
}
END_TEST

START_TEST(the_id_of_nginx_is_kept)
{
    static const char *const parameters[] = {
        "REQUEST_METHOD=GET", "REQUEST_URI=/hello",
        "REQUEST_ID=00112233445566778899aabbccddeeff", NULL};
    int fd;

    start(1, 0);
    fd = fcgi_connect(server.socket);
    fcgi_begin(fd, parameters);
    (void)fcgi_body(fd, NULL, 0);
    finish(fd);
    ck_assert(head_has("X-Id: 00112233445566778899aabbccddeeff\r\n"));
}
END_TEST

/* --- bodies ------------------------------------------------------------------------ */

START_TEST(a_body_is_read_whole_within_its_limit)
{
    char body[READ_MAX + 2];

    start(1, 0);
    ask("POST", "/read", "one two");
    ck_assert_str_eq(answer.body.buf, "one two");
    ask("POST", "/read", NULL);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.body.len, 0);
    (void)memset(body, 'b', sizeof(body) - 1);
    body[READ_MAX + 1] = '\0';
    ask("POST", "/read", body);
    ck_assert_str_eq(answer.body.buf, "too_large");
    body[READ_MAX] = '\0';
    ask("POST", "/read", body);
    ck_assert_str_eq(answer.body.buf, body);
}
END_TEST

START_TEST(a_body_of_unsaid_length_ends_with_the_stream)
{
    char piece[READ_MAX];
    int fd;

    start(1, 0);
    fd = begin("/read", "");
    ck_assert(fcgi_body(fd, "one ", 4) && fcgi_body(fd, "two", 3));
    ck_assert(fcgi_body(fd, NULL, 0));
    finish(fd);
    ck_assert_str_eq(answer.body.buf, "one two");
    fd = begin("/read", "");
    (void)memset(piece, 'c', sizeof(piece));
    ck_assert(fcgi_body(fd, piece, sizeof(piece)) && fcgi_body(fd, "d", 1));
    ck_assert(fcgi_body(fd, NULL, 0));
    finish(fd);
    ck_assert_str_eq(answer.body.buf, "too_large");
}
END_TEST

START_TEST(a_body_cut_short_is_not_taken_for_a_whole_one)
{
    int fd;

    start(1, 0);
    fd = begin("/read", "100"); /* the stream ends early */
    ck_assert(fcgi_body(fd, "one two", 7) && fcgi_body(fd, NULL, 0));
    finish(fd);
    ck_assert_str_eq(answer.body.buf, "body_cut_short");
    fd = begin("/read", "100"); /* the connection ends early */
    ck_assert(fcgi_body(fd, "one two", 7));
    (void)shutdown(fd, SHUT_WR);
    finish(fd);
    ck_assert_str_eq(answer.body.buf, "body_cut_short");
    fd = begin("/read", ""); /* the same, when nobody said how long it is */
    ck_assert(fcgi_body(fd, "one two", 7));
    (void)shutdown(fd, SHUT_WR);
    finish(fd);
    ck_assert_str_eq(answer.body.buf, "body_cut_short");
    fd = begin("/count", "100"); /* what did come is handed over first */
    ck_assert(fcgi_body(fd, "one two", 7));
    (void)shutdown(fd, SHUT_WR);
    finish(fd);
    ck_assert_str_eq(answer.body.buf, "body_cut_short");
    ck_assert(head_has("X-Count: 7\r\n"));
    ask("GET", "/hello", NULL);
    ck_assert_int_eq(answer.status, 200);
}
END_TEST

START_TEST(bytes_beyond_the_length_are_not_the_body)
{
    int fd;

    start(1, 0);
    fd = begin("/read", "3");
    ck_assert(fcgi_body(fd, "one two", 7) && fcgi_body(fd, NULL, 0));
    finish(fd);
    ck_assert_str_eq(answer.body.buf, "one");
    ck_assert(answer.ended);
}
END_TEST

/* The peak of the worker, in kB. */
static int64_t peak_of(int64_t pid)
{
    char path[64];
    char line[256];
    long long kb = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/status", pid);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f) != NULL)
        (void)sscanf(line, "VmHWM: %lld", &kb);
    (void)fclose(f);
    return kb;
}

START_TEST(a_large_body_passes_through_little_memory)
{
    static char piece[MEBIBYTE];
    const char *pid_line;
    char expected[64];
    unsigned sum = 0;
    int pid = 0;
    int fd;

    start(1, 0);
    for (size_t i = 0; i < sizeof(piece); i++)
        piece[i] = (char)(i * 7 + i / 251);
    fd = begin("/count", "67108864");
    for (int i = 0; i < 64; i++) {
        ck_assert(fcgi_body(fd, piece, sizeof(piece)));
        for (size_t k = 0; k < sizeof(piece); k++)
            sum = sum * 31 + (unsigned char)piece[k];
    }
    ck_assert(fcgi_body(fd, NULL, 0));
    finish(fd);
    (void)snprintf(expected, sizeof(expected), "X-Count: 67108864 %u\r\n", sum);
    ck_assert_msg(head_has(expected), "%s", answer.head.buf);
    ask("GET", "/pid", NULL);
    pid_line = strstr(answer.head.buf, "X-Pid: ");
    ck_assert_ptr_nonnull(pid_line);
    ck_assert_int_eq(sscanf(pid_line, "X-Pid: %d", &pid), 1);
#if !defined(__SANITIZE_ADDRESS__)
    ck_assert_int_lt(peak_of(pid), 16 * 1024);
#else
    ck_assert_int_gt(peak_of(pid), 0);
#endif
}
END_TEST

START_TEST(an_answer_that_does_not_wait_for_the_body_arrives)
{
    static char piece[MEBIBYTE];
    int fd;

    start(1, 0);
    fd = begin("/read", "8388608"); /* over its limit: refused at once */
    for (int i = 0; i < 8; i++)     /* a web server that fails to send may not read on */
        ck_assert(fcgi_body(fd, piece, sizeof(piece)));
    ck_assert(fcgi_body(fd, NULL, 0));
    finish(fd);
    ck_assert_str_eq(answer.body.buf, "too_large");
    ck_assert(answer.ended);
}
END_TEST

/* --- faults on purpose, and peers that behave badly -------------------------------- */

START_TEST(the_simulator_can_lose_and_cut_answers)
{
    start(1, 0);
    ask("GET", "/lost", NULL);
    ck_assert(answer.status == 0 && !answer.ended);
    ask("GET", "/cut", NULL);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(head_has("Content-Length: 10\r\n"));
    ck_assert_str_eq(answer.body.buf, "0123");
    ask("GET", "/cut/late", NULL);
    ck_assert(head_has("Content-Length: 10\r\n"));
    ck_assert_str_eq(answer.body.buf, "0123456789");
    ask("GET", "/hello", NULL);
    ck_assert(answer.status == 200 && answer.ended);
}
END_TEST

START_TEST(a_pause_ends_when_the_client_goes)
{
    int fd;

    start(1, 0);
    fd = begin("/pause", "");
    ck_assert(fcgi_body(fd, NULL, 0));
    (void)close(fd);
    ask("GET", "/hello", NULL); /* by the same worker, not in ten minutes */
    ck_assert_int_eq(answer.status, 200);
}
END_TEST

START_TEST(a_pause_ends_when_the_server_is_told_to_stop)
{
    int fd;

    start(1, 0);
    fd = begin("/pause", "");
    ck_assert(fcgi_body(fd, NULL, 0));
    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    finish(fd);
    ck_assert_int_eq(answer.status, 204);
    ck_assert(answer.ended);
}
END_TEST

/* What stalled peers do: nothing any more, after these bytes. */
START_TEST(a_peer_that_stalls_is_let_go)
{
    static const char half_header[] = {1, 1, 0};
    static const char half_params[] = {1, 1, 0, 1, 0, 8, 0, 0, 0,   1, 0, 0, 0,
                                       0, 0, 0, 1, 4, 0, 1, 0, 100, 0, 0, 5};
    int fds[4];

    start(1, IO_MS);
    fds[0] = fcgi_connect(server.socket);
    ck_assert_int_eq(write(fds[0], half_header, sizeof(half_header)), 3);
    fds[1] = fcgi_connect(server.socket);
    ck_assert_int_eq(write(fds[1], half_params, sizeof(half_params)),
                     sizeof(half_params));
    fds[2] = begin("/read", "100"); /* no body comes */
    fds[3] = begin("/large", "0");  /* nobody reads what it answers */
    ask("GET", "/hello", NULL);
    ck_assert_int_eq(answer.status, 200);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
}
END_TEST

START_TEST(a_stalled_peer_holds_one_worker_only)
{
    int fd;

    start(2, 0);
    fd = fcgi_connect(server.socket);
    ck_assert_int_eq(write(fd, "\1", 1), 1);
    for (int i = 0; i < 20; i++) {
        ask("GET", "/hello", NULL);
        ck_assert_int_eq(answer.status, 200);
    }
    (void)close(fd);
}
END_TEST

START_TEST(what_is_no_fastcgi_harms_nobody)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27},
        {"", 0},
        {"\2\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0", 16}, /* version 2 */
        {"\1\1\0\1\0\10\0\0\0\7\0\0\0\0\0\0", 16}, /* role 7 */
        {"\1\1\0\1\0\4\0\0\0\1\0\0", 12},          /* a short begin */
        {"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\4\0\1\0\4\0\0\377\377\377\377", 28},
        {"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\5\0\1\0\0\0\0", 24}, /* no parameters */
        {"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\4\0\1\0\0\0\0", 24}, /* none at all */
        {"\1\11\0\0\0\0\0\0", 8},                                  /* get values */
    };
    char first[64] = "";

    start(1, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = fcgi_connect(server.socket);

        ck_assert_int_eq(send(fd, rows[i].bytes, rows[i].len, MSG_NOSIGNAL),
                         (ssize_t)rows[i].len);
        (void)shutdown(fd, SHUT_WR);
        finish(fd);
        ask("GET", "/pid", NULL);
        ck_assert_int_eq(answer.status, 200);
        if (i == 0)
            (void)snprintf(first, sizeof(first), "%s", strstr(answer.head.buf, "X-Pid"));
        ck_assert_msg(strncmp(first, strstr(answer.head.buf, "X-Pid"), 10) == 0,
                      "row %zu cost a worker", i);
    }
}
END_TEST

START_TEST(a_client_that_vanishes_harms_nobody)
{
    start(1, 0);
    for (int i = 0; i < 50; i++) {
        int fd = begin(i % 2 == 0 ? "/large" : "/read", "10");

        if (i % 3 == 0)
            (void)fcgi_body(fd, "0123456789", 10);
        (void)close(fd);
    }
    ask("GET", "/hello", NULL);
    ck_assert_int_eq(answer.status, 200);
}
END_TEST

START_TEST(a_private_tcp_address_serves_as_well)
{
    struct set_up s = {.workers = 1};
    char listen[64];
    int port = 0;
    int taken = port_take(&port);
    int fd;

    (void)snprintf(listen, sizeof(listen), "tcp:127.0.0.1:%d", port);
    s.listen = listen;
    child_start(&server, serve, &s);
    fd = fcgi_connect_tcp(port);
    fcgi_begin(fd,
               (const char *const[]){"REQUEST_METHOD=GET", "REQUEST_URI=/hello", NULL});
    (void)fcgi_body(fd, NULL, 0);
    finish(fd);
    ck_assert_str_eq(answer.body.buf, "hello");
    ck_assert(answer.ended);
    (void)close(taken);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "web_server", setup, teardown, an_answer_has_status_length_and_end,
    head_has_the_length_and_not_the_body, answers_that_never_have_a_body_have_no_length,
    a_large_answer_arrives_whole, what_cannot_be_an_answer_is_a_500,
    what_cannot_be_a_request_never_reaches_the_handler,
    headers_beyond_all_measure_are_refused, the_id_of_nginx_is_kept,
    a_body_is_read_whole_within_its_limit, a_body_of_unsaid_length_ends_with_the_stream,
    a_body_cut_short_is_not_taken_for_a_whole_one,
    bytes_beyond_the_length_are_not_the_body, a_large_body_passes_through_little_memory,
    an_answer_that_does_not_wait_for_the_body_arrives,
    the_simulator_can_lose_and_cut_answers, a_pause_ends_when_the_client_goes,
    a_pause_ends_when_the_server_is_told_to_stop, a_peer_that_stalls_is_let_go,
    a_stalled_peer_holds_one_worker_only, what_is_no_fastcgi_harms_nobody,
    a_client_that_vanishes_harms_nobody, a_private_tcp_address_serves_as_well)
