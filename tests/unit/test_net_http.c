/* http_curl against a server of one thread that does exactly what a test tells it. */
#include "core/fault.h"
#include "core/io.h"
#include "core/xalloc.h"
#include "net/http.h"
#include "port.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the server ----------------------------------------------------------------- */

static struct server {
    int listener;
    int port;
    const char *answer; /* NULL: close without one; "": keep silent until told */
    size_t body_len;    /* of the request to wait for */
    struct strbuf got;
    pthread_t thread;
    int gate[2]; /* closed by the test: a silent server goes on */
} server;

static void read_request(int fd)
{
    char buf[4096];
    const char *end;
    ssize_t n;

    while ((end = strstr(server.got.buf, "\r\n\r\n")) == NULL ||
           server.got.len < (size_t)(end + 4 - server.got.buf) + server.body_len) {
        n = read(fd, buf, sizeof(buf));
        if (n <= 0)
            return;
        strbuf_add(&server.got, buf, (size_t)n);
    }
}

static void *serve(void *arg)
{
    struct err err;
    int fd = accept(server.listener, NULL, NULL);
    char c;

    (void)arg;
    if (fd < 0)
        return NULL;
    read_request(fd);
    if (server.answer != NULL && server.answer[0] == '\0')
        (void)!read(server.gate[0], &c, 1);
    else if (server.answer != NULL &&
             io_write_full(fd, server.answer, strlen(server.answer), &err) != RC_OK)
        perror("answer");
    (void)close(fd);
    return NULL;
}

static char url[128], origin[64];
static const char *local[2];
static struct http *http;

/* An engine that may speak to this port of ours. */
static void aim_at(int port)
{
    struct http_settings settings = {.local = local, .in_flight_max = 8};
    struct err err;

    (void)snprintf(origin, sizeof(origin), "http://127.0.0.1:%d", port);
    (void)snprintf(url, sizeof(url), "%s/path?q=1", origin);
    local[0] = origin;
    ck_assert_int_eq(http_curl_new(&settings, &http, &err), RC_OK);
}

static void open_server(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    server = (struct server){.listener = socket(AF_INET, SOCK_STREAM, 0)};
    strbuf_init(&server.got, 1 << 24);
    ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(server.listener, 8), 0);
    ck_assert_int_eq(getsockname(server.listener, (struct sockaddr *)&at, &len), 0);
    ck_assert_int_eq(pipe(server.gate), 0);
    server.port = ntohs(at.sin_port);
    aim_at(server.port);
}

static void start_server(const char *answer, size_t body_len)
{
    server.answer = answer;
    server.body_len = body_len;
    ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void end_server(void)
{
    io_close(&server.gate[1]);
    (void)shutdown(server.listener, SHUT_RDWR);
    if (server.thread != 0)
        (void)pthread_join(server.thread, NULL);
    server.thread = 0;
}

static void stop_server(void)
{
    end_server();
    (void)close(server.listener);
    (void)close(server.gate[0]);
    http_free(http);
    strbuf_release(&server.got);
}

/* --- one request, to its end ----------------------------------------------------- */

static struct outcome {
    int calls;
    enum rc rc;
    struct http_response res;
    struct err err;
    char body[256];
} outcome;

static void done(void *arg, enum rc rc, const struct http_response *res,
                 const struct err *err)
{
    (void)arg;
    outcome.calls++;
    outcome.rc = rc;
    if (rc == RC_OK) {
        outcome.res = *res;
        (void)snprintf(outcome.body, sizeof(outcome.body), "%s", res->body.buf);
    } else {
        outcome.err = *err;
        ck_assert(res == NULL);
    }
}

static const struct http_request get = {
    .method = "GET", .url = url, .max_response = 100, .timeout_ms = 20000};

static void run(const struct http_request *req)
{
    struct err err;
    uint64_t id;

    outcome = (struct outcome){0};
    ck_assert_int_eq(http_submit(http, req, done, NULL, &id, &err), RC_OK);
    while (outcome.calls == 0)
        ck_assert_int_eq(http_poll(http, NULL, 0, 1000, &err), RC_OK);
    ck_assert_int_eq(outcome.calls, 1);
}

/* --- tests ----------------------------------------------------------------------- */

START_TEST(a_request_and_its_answer_arrive_whole)
{
    static const char *const headers[] = {"Content-Type: application/json",
                                          "Authorization: Bearer act.1", NULL};
    struct http_request req = get;

    req.method = "POST";
    req.headers = headers;
    req.body = "{\"a\":1}";
    req.body_len = 7;
    start_server("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 5\r\n"
                 "Date: Tue, 24 Nov 2026 16:00:00 GMT\r\nRetry-After: 7\r\n"
                 "Content-Range: bytes 0-99/100\r\nX-Tt-Logid: 2026ABC\r\n\r\nhello",
                 7);
    run(&req);
    ck_assert_int_eq(outcome.rc, RC_OK);
    ck_assert_int_eq(outcome.res.status, 429);
    ck_assert_int_eq(outcome.res.retry_after_ms, 7000);
    ck_assert_int_eq(outcome.res.date_ms, INT64_C(1795536000000));
    ck_assert_str_eq(outcome.res.content_range, "bytes 0-99/100");
    ck_assert_str_eq(outcome.res.log_id, "2026ABC");
    ck_assert_str_eq(outcome.body, "hello");
    ck_assert_msg(strstr(server.got.buf, "POST /path?q=1 HTTP/1.1\r\n") != NULL, "%s",
                  server.got.buf);
    ck_assert(strstr(server.got.buf, "Authorization: Bearer act.1\r\n") != NULL);
    ck_assert(strstr(server.got.buf, "Content-Length: 7\r\n") != NULL);
    ck_assert(strstr(server.got.buf, "Expect") == NULL);
    ck_assert(strstr(server.got.buf, "\r\n\r\n{\"a\":1}") != NULL);
}
END_TEST

START_TEST(a_range_of_a_file_is_sent_as_it_lies_there)
{
    enum { FILE_LEN = 3000000, FIRST = 1000001, LEN = 1500000 };
    char path[] = "/tmp/tts-net-XXXXXX";
    int fd = mkstemp(path);
    char *bytes = xmalloc(FILE_LEN);
    struct http_request req = get;
    const char *body;
    struct err err;

    ck_assert_int_ge(fd, 0);
    (void)unlink(path);
    for (size_t i = 0; i < FILE_LEN; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    ck_assert_int_eq(io_write_full(fd, bytes, FILE_LEN, &err), RC_OK);
    req.method = "PUT";
    req.file = fd;
    req.file_offset = FIRST;
    req.file_len = LEN;
    start_server("HTTP/1.1 206 Partial\r\nContent-Length: 0\r\n\r\n", LEN);
    run(&req);
    ck_assert_int_eq(outcome.rc, RC_OK);
    ck_assert_int_eq(outcome.res.status, 206);
    body = strstr(server.got.buf, "\r\n\r\n");
    ck_assert(body != NULL);
    ck_assert_uint_eq(server.got.len - (size_t)(body + 4 - server.got.buf), LEN);
    ck_assert_mem_eq(body + 4, bytes + FIRST, LEN);
    ck_assert(strstr(server.got.buf, "Content-Length: 1500000\r\n") != NULL);
    ck_assert(strstr(server.got.buf, "Transfer-Encoding") == NULL);
    free(bytes);
    (void)close(fd);
}
END_TEST

/* Who dies at the point has sent everything, and has no answer yet. */
START_TEST(the_point_after_sending_comes_before_the_answer)
{
    enum { LEN = 1000000 };
    struct http_request req = get;
    char *body = xmalloc(LEN);
    int status = 0;
    pid_t child;

    (void)memset(body, 'x', LEN);
    req.method = "POST";
    req.body = body;
    req.body_len = LEN;
    req.sent = "test.sent";
    start_server("", LEN);
    child = fork();
    if (child == 0) {
        (void)setenv("TTS_FAULT", "test.sent:crash", 1);
        fault_reload();
        run(&req);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    io_close(&server.gate[1]); /* it may still have all of it before it */
    (void)pthread_join(server.thread, NULL);
    server.thread = 0;
    ck_assert_uint_gt(server.got.len, LEN);
    ck_assert_mem_eq(server.got.buf + server.got.len - LEN, body, LEN);
    free(body);
}
END_TEST

START_TEST(nobody_listening_means_nothing_happened)
{
    int port = 0;
    int taken = port_take(&port);

    http_free(http);
    aim_at(port);
    run(&get);
    (void)close(taken);
    ck_assert_int_eq(outcome.rc, RC_UNAVAILABLE);
}
END_TEST

START_TEST(a_connection_cut_after_the_request_leaves_it_unclear)
{
    start_server(NULL, 0);
    run(&get);
    ck_assert_int_eq(outcome.rc, RC_UNCERTAIN);
}
END_TEST

START_TEST(a_server_that_keeps_silent_leaves_it_unclear)
{
    struct http_request req = get;

    req.timeout_ms = 2000; /* until then the request has to be there */
    start_server("", 0);
    run(&req);
    ck_assert_int_eq(outcome.rc, RC_UNCERTAIN);
}
END_TEST

START_TEST(an_answer_over_the_limit_is_refused)
{
    struct http_request req = get;

    req.max_response = 4;
    start_server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0);
    run(&req);
    ck_assert_int_eq(outcome.rc, RC_REJECTED);
}
END_TEST

/* A sink that takes so many bytes, and what it was told before the first. */
static struct sink {
    size_t room, len;
    struct http_response head;
    char body[64];
} sink;

static bool pour(void *arg, const struct http_response *head, const void *data,
                 size_t len)
{
    (void)arg;
    if (sink.len == 0)
        sink.head = *head;
    if (sink.len + len > sink.room || sink.len + len > sizeof(sink.body))
        return false;
    (void)memcpy(sink.body + sink.len, data, len);
    sink.len += len;
    return true;
}

static struct http_request poured(size_t room)
{
    struct http_request req = get;

    sink = (struct sink){.room = room};
    req.max_response = 1;
    req.sink = pour;
    return req;
}

START_TEST(a_sink_gets_the_head_and_then_the_body)
{
    struct http_request req = poured(64);

    start_server("HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n"
                 "Content-Range: bytes 2-6/7\r\nRetry-After: 3\r\n\r\nhello",
                 0);
    run(&req);
    ck_assert_int_eq(outcome.rc, RC_OK);
    ck_assert_int_eq(outcome.res.status, 206);
    ck_assert_str_eq(outcome.body, "");
    ck_assert_int_eq(sink.head.status, 206);
    ck_assert_int_eq(sink.head.content_length, 5);
    ck_assert_int_eq(sink.head.retry_after_ms, 3000);
    ck_assert_str_eq(sink.head.content_range, "bytes 2-6/7");
    ck_assert_uint_eq(sink.len, 5);
    ck_assert_mem_eq(sink.body, "hello", 5);
}
END_TEST

START_TEST(a_sink_may_end_the_transfer)
{
    struct http_request req = poured(4);

    start_server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0);
    run(&req);
    ck_assert_int_eq(outcome.rc, RC_REJECTED);
}
END_TEST

START_TEST(what_a_sink_got_of_a_cut_body_stays_and_the_cut_is_told)
{
    struct http_request req = poured(64);

    start_server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 0);
    run(&req);
    ck_assert_int_eq(outcome.rc, RC_UNCERTAIN);
    ck_assert_uint_eq(sink.len, 5);
    ck_assert_int_eq(sink.head.content_length, 9);
}
END_TEST

START_TEST(head_waits_for_no_body)
{
    struct http_request req = get;

    req.method = "HEAD";
    start_server("HTTP/1.1 200 OK\r\nContent-Length: 123456789012\r\n\r\n", 0);
    run(&req);
    ck_assert_int_eq(outcome.rc, RC_OK);
    ck_assert_int_eq(outcome.res.content_length, INT64_C(123456789012));
    ck_assert_msg(strstr(server.got.buf, "HEAD /path?q=1 HTTP/1.1\r\n") != NULL, "%s",
                  server.got.buf);
}
END_TEST

START_TEST(a_length_that_is_missing_or_nonsense_is_none)
{
    start_server("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 0);
    run(&get);
    ck_assert_int_eq(outcome.rc, RC_OK);
    ck_assert_int_eq(outcome.res.content_length, -1);
}
END_TEST

START_TEST(a_redirect_is_an_answer_and_is_not_followed)
{
    start_server("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n"
                 "Content-Length: 0\r\n\r\n",
                 0);
    run(&get);
    ck_assert_int_eq(outcome.rc, RC_OK);
    ck_assert_int_eq(outcome.res.status, 302);
}
END_TEST

START_TEST(a_proxy_in_the_environment_is_ignored)
{
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    start_server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0);
    run(&get);
    ck_assert_int_eq(outcome.rc, RC_OK);
}
END_TEST

START_TEST(only_the_listed_origins_are_spoken_to_without_tls)
{
    static const char *const refused[] = {"http://127.0.0.1:1/",    "http://example.com/",
                                          "ftp://example.com/",     "file:///etc/passwd",
                                          "https://u@example.com/", "nonsense"};
    struct http_request req = get;
    struct err err;
    uint64_t id;

    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        req.url = refused[i];
        ck_assert_msg(http_submit(http, &req, done, NULL, &id, &err) == RC_INVALID, "%s",
                      refused[i]);
    }
}
END_TEST

START_TEST(a_request_may_lift_the_rules_for_its_own_url)
{
    struct http_settings strict = {.in_flight_max = 8};
    struct http_request req = get;
    struct err err;
    uint64_t id;

    http_free(http);
    ck_assert_int_eq(http_curl_new(&strict, &http, &err), RC_OK);
    ck_assert_int_eq(http_submit(http, &req, done, NULL, &id, &err), RC_INVALID);
    req.lifted = true;
    start_server("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 0);
    run(&req);
    ck_assert_int_eq(outcome.rc, RC_OK);
    ck_assert_int_eq(outcome.res.status, 201);
}
END_TEST

START_TEST(a_name_that_leads_inside_is_refused_after_dns)
{
    static const char *const inside[] = {
        "https://localhost/",       "https://127.0.0.1/",  "https://[::1]/",
        "https://169.254.169.254/", "https://0x7f000001/", "https://2130706433/"};
    struct http_request req = get;

    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        req.url = inside[i];
        run(&req);
        ck_assert_msg(outcome.rc == RC_REJECTED || outcome.rc == RC_UNAVAILABLE, "%s: %s",
                      inside[i], rc_name(outcome.rc));
        if (outcome.rc == RC_REJECTED)
            ck_assert_str_eq(outcome.err.code, "address_refused");
    }
}
END_TEST

START_TEST(a_header_that_could_split_the_request_is_refused)
{
    static const char *const bad[] = {"X: a\r\nY: b", "X: a\nY: b", "X: a\x01", "X:\tb"};
    struct http_request req = get;
    struct err err;
    uint64_t id;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *headers[] = {bad[i], NULL};

        req.headers = headers;
        ck_assert_int_eq(http_submit(http, &req, done, NULL, &id, &err), RC_INVALID);
    }
}
END_TEST

START_TEST(a_canceled_request_is_never_done)
{
    struct err err;
    uint64_t id;

    outcome = (struct outcome){0};
    ck_assert_int_eq(http_submit(http, &get, done, NULL, &id, &err), RC_OK);
    ck_assert_int_eq(http_poll(http, NULL, 0, 0, &err), RC_OK);
    http_cancel(http, id);
    http_cancel(http, id);
    http_wake(http);
    ck_assert_int_eq(http_poll(http, NULL, 0, 10000, &err), RC_OK);
    ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(waiting_ends_for_a_descriptor_and_for_a_wake)
{
    struct http_wait waits[2] = {{.fd = -1}, {.fd = server.gate[0]}};
    struct err err;

    ck_assert_int_eq(write(server.gate[1], "x", 1), 1);
    ck_assert_int_eq(http_poll(http, waits, 2, 60000, &err), RC_OK);
    ck_assert(!waits[0].readable);
    ck_assert(waits[1].readable);
    http_wake(http);
    ck_assert_int_eq(http_poll(http, NULL, 0, 60000, &err), RC_OK);
}
END_TEST

START_TEST(nothing_is_waited_for_once_a_request_has_ended)
{
    struct http_request req = get;
    char refused[64];
    struct err err;
    uint64_t id;

    /* an address that is not spoken to: the request ends before anything is sent */
    (void)snprintf(refused, sizeof(refused), "https://127.0.0.1:%d/", server.port);
    req.url = refused;
    outcome = (struct outcome){0};
    ck_assert_int_eq(http_submit(http, &req, done, NULL, &id, &err), RC_OK);
    ck_assert_int_eq(http_poll(http, NULL, 0, 3600000, &err), RC_OK);
    ck_assert_int_eq(outcome.calls, 1);
    ck_assert_str_eq(outcome.err.code, "address_refused");
}
END_TEST

START_TEST(more_than_the_limit_in_flight_is_put_off)
{
    struct err err = {0};
    uint64_t id;
    int sent = 0;

    while (sent < 100 && http_submit(http, &get, done, NULL, &id, &err) == RC_OK)
        sent++;
    ck_assert_int_eq(sent, 8);
    ck_assert_int_eq(err.rc, RC_LIMITED);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "net_http", open_server, stop_server, a_request_and_its_answer_arrive_whole,
    a_range_of_a_file_is_sent_as_it_lies_there,
    the_point_after_sending_comes_before_the_answer,
    nobody_listening_means_nothing_happened,
    a_connection_cut_after_the_request_leaves_it_unclear,
    a_server_that_keeps_silent_leaves_it_unclear, an_answer_over_the_limit_is_refused,
    a_sink_gets_the_head_and_then_the_body, a_sink_may_end_the_transfer,
    what_a_sink_got_of_a_cut_body_stays_and_the_cut_is_told, head_waits_for_no_body,
    a_length_that_is_missing_or_nonsense_is_none,
    a_redirect_is_an_answer_and_is_not_followed, a_proxy_in_the_environment_is_ignored,
    only_the_listed_origins_are_spoken_to_without_tls,
    a_request_may_lift_the_rules_for_its_own_url,
    a_name_that_leads_inside_is_refused_after_dns,
    a_header_that_could_split_the_request_is_refused, a_canceled_request_is_never_done,
    waiting_ends_for_a_descriptor_and_for_a_wake,
    nothing_is_waited_for_once_a_request_has_ended,
    more_than_the_limit_in_flight_is_put_off)
