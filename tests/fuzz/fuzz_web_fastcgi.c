/* A whole request through libfcgi and back: parameters, one a line, an empty line, a
 * body. The first byte says how the body is cut into records, and whether its end is
 * told. */
#include "web/send.h"
#include "web/stream.h"

#include <assert.h>
#include <fcgiapp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input of one-byte records still fits into a socket's buffer in one piece. */
enum { INPUT_MAX = 4096, WIRE_MAX = 100 * 1024, BODY_MAX = 2048, HEADER = 8 };

struct input {
    const uint8_t *p;
    size_t len;
};

static void add_record(struct strbuf *wire, uint8_t type, const void *data, size_t len)
{
    const uint8_t header[HEADER] = {1, type, 0, 1, (uint8_t)(len >> 8), (uint8_t)len};

    strbuf_add(wire, header, sizeof(header));
    strbuf_add(wire, data, len);
}

/* One parameter as a record of its own; lengths of one byte each. */
static void add_parameter(struct strbuf *wire, struct input line)
{
    const uint8_t *equals = memchr(line.p, '=', line.len);
    size_t name = equals != NULL ? (size_t)(equals - line.p) : line.len;
    size_t value = equals != NULL ? line.len - name - 1 : 0;
    uint8_t record[2 + 127 + 127];

    name = name < 127 ? name : 127;
    value = value < 127 ? value : 127;
    record[0] = (uint8_t)name;
    record[1] = (uint8_t)value;
    (void)memcpy(record + 2, line.p, name);
    if (value > 0)
        (void)memcpy(record + 2 + name, equals + 1, value);
    add_record(wire, 4, record, 2 + name + value);
}

static struct input take_line(struct input *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->p, '\n', rest->len) : NULL;
    struct input line = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->len};
    size_t used = end != NULL ? line.len + 1 : line.len;

    rest->p += used;
    rest->len -= used;
    return line;
}

static void add_request(struct strbuf *wire, struct input rest, uint8_t how)
{
    static const uint8_t responder[8] = {0, 1};
    size_t piece = how / 2U + 1U;

    add_record(wire, 1, responder, sizeof(responder));
    for (struct input line = take_line(&rest); line.len > 0; line = take_line(&rest))
        add_parameter(wire, line);
    add_record(wire, 4, "", 0);
    while (rest.len > 0) {
        size_t len = rest.len < piece ? rest.len : piece;

        add_record(wire, 5, rest.p, len);
        rest.p += len;
        rest.len -= len;
    }
    if (how % 2 == 0)
        add_record(wire, 5, "", 0);
}

static void serve(int fd)
{
    static struct web_stream stream;
    static FCGX_Request fcgi;
    struct web_request req;
    struct web_response res;
    struct strbuf body;
    struct err err;
    int refused;

    assert(FCGX_InitRequest(&fcgi, -1, 0) == 0);
    fcgi.ipcFd = fd;
    fcgi.keepConnection = 1;
    if (FCGX_Accept_r(&fcgi) != 0)
        return;
    stream.parameters = (const char *const *)fcgi.envp;
    stream.in = fcgi.in;
    stream.fd = fd;
    web_response_init(&res);
    strbuf_init(&body, BODY_MAX);
    refused = web_request_open(&req, &stream);
    if (refused != 0)
        send_refusal(&res, refused, req.id);
    else if (web_body_read(&req, BODY_MAX, &body, &err) == RC_OK)
        web_text(&res, 200, "text/plain", body.buf);
    else
        web_text(&res, 422, "text/plain", err.code);
    assert(send_response(fcgi.out, &req, &res));
    fcgi.keepConnection = web_body_drop(&req, INPUT_MAX) ? 1 : 0;
    FCGX_Finish_r(&fcgi);
    if (fcgi.ipcFd >= 0)
        (void)close(fcgi.ipcFd);
    strbuf_release(&body);
    web_response_release(&res);
}

/* What came back is an answer, or nothing when the request never was one. */
static void check(int fd)
{
    static char answer[BODY_MAX * 3];
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, answer + len, sizeof(answer) - len)) > 0)
        len += (size_t)n;
    assert(len == 0 || (len > 16 && memcmp(answer + HEADER, "Status: ", 8) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int ready;
    struct strbuf wire;
    int fds[2];

    if (!ready) {
        ready = 1;
        (void)setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
        assert(FCGX_Init() == 0);
    }
    if (size < 1 || size > INPUT_MAX)
        return 0;
    strbuf_init(&wire, WIRE_MAX);
    add_request(&wire, (struct input){data + 1, size - 1}, data[0]);
    assert(!strbuf_failed(&wire));
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    assert(send(fds[0], wire.buf, wire.len, MSG_DONTWAIT) == (ssize_t)wire.len);
    (void)shutdown(fds[0], SHUT_WR);
    serve(fds[1]);
    check(fds[0]);
    (void)close(fds[0]);
    strbuf_release(&wire);
    return 0;
}
