/* http_curl: an upload whose body is another server's answer. Both servers are threads
 * that serve one connection each. */
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
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TOTAL = 5000000, FIRST = 1000001, LEN = 3000000 };

struct server {
    int listener, port;
    const char *head; /* of the answer */
    size_t body_from, body_len;
    size_t want; /* bytes of a request's body to read before the answer */
    struct strbuf got;
    pthread_t thread;
};

static struct server source, target;
static char *bytes;
static char source_url[64], target_url[64], origin[64];
static struct http *http;
static struct err err;

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->listener, NULL, NULL);
    const char *end = NULL;
    char buf[65536];
    struct err ignored;
    ssize_t n = 1;

    while (fd >= 0 && n > 0 &&
           (end == NULL || s->got.len < (size_t)(end + 4 - s->got.buf) + s->want)) {
        n = read(fd, buf, sizeof(buf));
        if (n > 0)
            strbuf_add(&s->got, buf, (size_t)n);
        end = strstr(s->got.buf, "\r\n\r\n");
    }
    if (fd >= 0 && n > 0 && s->head != NULL &&
        io_write_full(fd, s->head, strlen(s->head), &ignored) == RC_OK &&
        io_write_full(fd, bytes + s->body_from, s->body_len, &ignored) != RC_OK)
        s->body_len = 0; /* the other side had enough */
    if (fd >= 0)
        (void)close(fd);
    return NULL;
}

static void open_server(struct server *s, char url[64])
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    *s = (struct server){.listener = socket(AF_INET, SOCK_STREAM, 0)};
    strbuf_init(&s->got, 1 << 24);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(s->listener, 8), 0);
    ck_assert_int_eq(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    (void)snprintf(url, 64, "http://127.0.0.1:%d/x", s->port);
}

static void setup(void)
{
    const char *const local[] = {origin, NULL};
    const struct http_settings settings = {.local = local, .in_flight_max = 1};

    /* Who serves is often left in the middle of a file; that is an error, not the end. */
    (void)signal(SIGPIPE, SIG_IGN);
    bytes = xmalloc(TOTAL);
    for (size_t i = 0; i < TOTAL; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    open_server(&source, source_url);
    open_server(&target, target_url);
    (void)snprintf(origin, sizeof(origin), "http://127.0.0.1:%d", target.port);
    ck_assert_int_eq(http_curl_new(&settings, &http, &err), RC_OK);
    target.head = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    target.want = LEN;
    source.body_from = FIRST;
    source.body_len = LEN;
    source.head = "HTTP/1.1 206 Partial Content\r\nContent-Length: 3000000\r\n"
                  "Content-Range: bytes 1000001-4000000/5000000\r\n\r\n";
}

static void close_server(struct server *s)
{
    (void)shutdown(s->listener, SHUT_RDWR);
    if (s->thread != 0)
        (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    strbuf_release(&s->got);
}

static void teardown(void)
{
    http_free(http); /* first: servers wait for it */
    close_server(&source);
    close_server(&target);
    free(bytes);
}

static struct outcome {
    int calls;
    enum rc rc;
    int status;
    struct err err;
} outcome;

static void done(void *arg, enum rc rc, const struct http_response *res,
                 const struct err *why)
{
    (void)arg;
    outcome.calls++;
    outcome.rc = rc;
    outcome.status = res != NULL ? res->status : 0;
    outcome.err = *why;
}

static uint64_t send_on(void)
{
    const struct http_request req = {.method = "PUT",
                                     .url = target_url,
                                     .file_offset = FIRST,
                                     .file_len = LEN,
                                     .source = source_url,
                                     .source_size = TOTAL,
                                     .source_lifted = true,
                                     .max_response = 100,
                                     .timeout_ms = 600000}; /* never what ends it */
    uint64_t id = 0;

    outcome = (struct outcome){0};
    ck_assert_int_eq(pthread_create(&source.thread, NULL, serve, &source), 0);
    ck_assert_int_eq(pthread_create(&target.thread, NULL, serve, &target), 0);
    ck_assert_int_eq(http_submit(http, &req, done, NULL, &id, &err), RC_OK);
    return id;
}

static void run(void)
{
    (void)send_on();
    while (outcome.calls == 0)
        ck_assert_int_eq(http_poll(http, NULL, 0, 1000, &err), RC_OK);
    ck_assert_int_eq(outcome.calls, 1);
}

static size_t target_got(void)
{
    const char *end = strstr(target.got.buf, "\r\n\r\n");

    return end == NULL ? 0 : target.got.len - (size_t)(end + 4 - target.got.buf);
}

START_TEST(a_range_goes_through_as_the_source_has_it)
{
    run();
    ck_assert_msg(outcome.rc == RC_OK, "%s", outcome.err.msg);
    ck_assert_int_eq(outcome.status, 201);
    ck_assert_ptr_nonnull(strstr(source.got.buf, "\r\nRange: bytes=1000001-4000000\r\n"));
    ck_assert_ptr_nonnull(strstr(target.got.buf, "\r\nContent-Length: 3000000\r\n"));
    ck_assert_ptr_null(strstr(target.got.buf, "Range:"));
    ck_assert_uint_eq(target_got(), LEN);
    ck_assert_mem_eq(strstr(target.got.buf, "\r\n\r\n") + 4, bytes + FIRST, LEN);
}
END_TEST

START_TEST(nothing_is_begun_for_a_source_that_is_no_use)
{
    static const struct {
        const char *head;
        enum rc rc;
        const char *code;
    } rows[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 3000000\r\n\r\n", RC_NOT_FOUND,
         "source_missing"},
        {"HTTP/1.1 416 Range\r\nContent-Length: 3000000\r\n\r\n", RC_NOT_FOUND,
         "source_missing"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", RC_NOT_FOUND,
         "source_missing"},
        {"HTTP/1.1 206 Partial Content\r\nContent-Length: 3000000\r\n"
         "Content-Range: bytes 1000001-4000000/5000001\r\n\r\n",
         RC_NOT_FOUND, "source_missing"},
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 3000000\r\n\r\n", RC_UNAVAILABLE,
         "source_failed"},
        {"HTTP/1.1 503 Slow Down\r\nContent-Length: 3000000\r\n\r\n", RC_UNAVAILABLE,
         "source_failed"},
        {NULL, RC_UNAVAILABLE, "source_failed"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        source.head = rows[i].head;
        run();
        ck_assert_msg(outcome.rc == rows[i].rc, "row %zu: %s", i, outcome.err.msg);
        ck_assert_str_eq(outcome.err.code, rows[i].code);
        ck_assert_uint_eq(target.got.len, 0);
        teardown();
        setup();
    }
}
END_TEST

START_TEST(a_refusal_without_a_body_is_one_too)
{
    source.head = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    source.body_len = 0;
    run();
    ck_assert_int_eq(outcome.rc, RC_NOT_FOUND);
    ck_assert_uint_eq(target.got.len, 0);
}
END_TEST

START_TEST(a_source_that_is_away_is_told_apart)
{
    int port = 0;
    int taken = port_take(&port);

    (void)snprintf(source_url, sizeof(source_url), "http://127.0.0.1:%d/x", port);
    run();
    (void)close(taken);
    ck_assert_int_eq(outcome.rc, RC_UNAVAILABLE);
    ck_assert_str_eq(outcome.err.code, "source_failed");
}
END_TEST

START_TEST(a_source_that_breaks_off_cuts_the_upload)
{
    source.body_len = 2000000;
    run();
    ck_assert_int_eq(outcome.rc, RC_UNCERTAIN);
    ck_assert_str_eq(outcome.err.code, "http_failed");
    http_free(http);
    http = NULL;
    (void)pthread_join(target.thread, NULL);
    target.thread = 0;
    ck_assert_uint_gt(target_got(), 0);
    ck_assert_uint_le(target_got(), 2000000);
}
END_TEST

START_TEST(an_answer_before_the_end_ends_the_source_too)
{
    target.want = 100000;
    target.head = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n"
                  "\r\n";
    run();
    ck_assert(outcome.rc == RC_OK || outcome.rc == RC_UNCERTAIN);
    ck_assert_int_eq(outcome.status, outcome.rc == RC_OK ? 403 : 0);
}
END_TEST

START_TEST(a_canceled_upload_takes_its_source_along)
{
    uint64_t id = send_on();

    while (target.got.len == 0)
        ck_assert_int_eq(http_poll(http, NULL, 0, 20, &err), RC_OK);
    http_cancel(http, id);
    ck_assert_int_eq(http_poll(http, NULL, 0, 0, &err), RC_OK);
    ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(an_engine_ends_with_a_pair_under_way)
{
    (void)send_on();
    ck_assert_int_eq(http_poll(http, NULL, 0, 20, &err), RC_OK);
    ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(a_source_obeys_the_rules_of_addresses)
{
    const struct http_request req = {.method = "PUT",
                                     .url = target_url,
                                     .file_len = 1,
                                     .source = "http://127.0.0.1/",
                                     .source_size = 1,
                                     .timeout_ms = 1000};
    uint64_t id;

    ck_assert_int_eq(http_submit(http, &req, done, NULL, &id, &err), RC_INVALID);
}
END_TEST

UNIT_MAIN_FIXTURE("net_pipe", setup, teardown, a_range_goes_through_as_the_source_has_it,
                  nothing_is_begun_for_a_source_that_is_no_use,
                  a_refusal_without_a_body_is_one_too,
                  a_source_that_is_away_is_told_apart,
                  a_source_that_breaks_off_cuts_the_upload,
                  an_answer_before_the_end_ends_the_source_too,
                  a_canceled_upload_takes_its_source_along,
                  an_engine_ends_with_a_pair_under_way,
                  a_source_obeys_the_rules_of_addresses)
