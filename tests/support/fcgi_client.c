#include "fcgi_client.h"

#include "core/parse.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BEGIN_REQUEST = 1,
    END_REQUEST = 3,
    PARAMS = 4,
    STDIN = 5,
    STDOUT = 6,
    HEADER = 8,
    CONTENT_MAX = 65535,
    WAIT_MS = 50000,
    TRY_MS = 5,
};

static int connect_to(const struct sockaddr *at, socklen_t len)
{
    const struct timeval limit = {.tv_sec = WAIT_MS / 1000};

    for (int waited = 0; waited < WAIT_MS; waited += TRY_MS) {
        int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        if (connect(fd, at, len) == 0)
            return fd;
        (void)close(fd);
        (void)poll(NULL, 0, TRY_MS);
    }
    ck_abort_msg("nobody listens");
    return -1;
}

int fcgi_connect(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    return connect_to((const struct sockaddr *)&at, sizeof(at));
}

int fcgi_connect_tcp(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect_to((const struct sockaddr *)&at, sizeof(at));
}

static bool send_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_record(int fd, unsigned char type, const void *data, size_t len)
{
    const unsigned char header[HEADER] = {
        1, type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};

    return send_all(fd, header, sizeof(header)) && send_all(fd, data, len);
}

/* Always four bytes, which is allowed for any length. */
static void add_length(struct strbuf *sb, size_t len)
{
    const unsigned char bytes[] = {(unsigned char)(0x80U | len >> 24),
                                   (unsigned char)(len >> 16), (unsigned char)(len >> 8),
                                   (unsigned char)len};

    strbuf_add(sb, bytes, sizeof(bytes));
}

void fcgi_begin(int fd, const char *const *parameters)
{
    static const unsigned char responder[8] = {0, 1};
    struct strbuf sb;

    strbuf_init(&sb, (size_t)1024 * 1024);
    for (; *parameters != NULL; parameters++) {
        size_t name = strcspn(*parameters, "=");

        add_length(&sb, name);
        add_length(&sb, strlen(*parameters) - name - 1);
        strbuf_add(&sb, *parameters, name);
        strbuf_addstr(&sb, *parameters + name + 1);
    }
    (void)send_record(fd, BEGIN_REQUEST, responder, sizeof(responder));
    for (size_t at = 0; at < sb.len; at += CONTENT_MAX) {
        size_t len = sb.len - at < CONTENT_MAX ? sb.len - at : CONTENT_MAX;

        (void)send_record(fd, PARAMS, sb.buf + at, len);
    }
    (void)send_record(fd, PARAMS, NULL, 0);
    strbuf_release(&sb);
}

bool fcgi_body(int fd, const void *data, size_t len)
{
    const char *p = data;

    do {
        size_t piece = len < CONTENT_MAX ? len : CONTENT_MAX;

        if (!send_record(fd, STDIN, p, piece))
            return false;
        p = len > 0 ? p + piece : p;
        len -= piece;
    } while (len > 0);
    return true;
}

static bool receive_all(int fd, void *data, size_t len)
{
    char *p = data;

    while (len > 0) {
        ssize_t n = recv(fd, p, len, 0);

        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* One record of the answer; false at the end, proper or not. */
static bool receive_record(int fd, struct strbuf *out, bool *ended)
{
    static char content[CONTENT_MAX + 256];
    unsigned char h[HEADER];
    size_t len;

    if (!receive_all(fd, h, sizeof(h)))
        return false;
    len = (size_t)h[4] << 8 | h[5];
    if (!receive_all(fd, content, len + h[6]))
        return false;
    ck_assert_uint_eq(h[0], 1);
    ck_assert_uint_le(h[3], 1); /* 0: about the connection, not the request */
    if (h[1] == STDOUT)
        strbuf_add(out, content, len);
    *ended = h[1] == END_REQUEST;
    return !*ended;
}

void fcgi_finish(int fd, struct fcgi_answer *answer)
{
    struct strbuf all;
    const char *end;
    int64_t status = 0;

    *answer = (struct fcgi_answer){0};
    strbuf_init(&answer->head, 65536);
    strbuf_init(&answer->body, (size_t)16 * 1024 * 1024);
    strbuf_init(&all, (size_t)16 * 1024 * 1024);
    while (receive_record(fd, &all, &answer->ended))
        continue;
    (void)close(fd);
    end = strstr(all.buf, "\r\n\r\n");
    if (end != NULL) {
        size_t head = (size_t)(end - all.buf) + 2;

        strbuf_add(&answer->head, all.buf, head);
        strbuf_add(&answer->body, all.buf + head + 2, all.len - head - 2);
        ck_assert_msg(strncmp(all.buf, "Status: ", 8) == 0 &&
                          parse_i64_slice(all.buf + 8, 3, 100, 599, &status),
                      "%s", all.buf);
    }
    answer->status = (int)status;
    strbuf_release(&all);
}

void fcgi_answer_release(struct fcgi_answer *answer)
{
    strbuf_release(&answer->head);
    strbuf_release(&answer->body);
}

void fcgi_ask(const char *path, const char *method, const char *uri, const char *body,
              struct fcgi_answer *answer)
{
    char method_text[64];
    char uri_text[16384];
    char length_text[64];
    const char *const parameters[] = {method_text, uri_text, length_text, NULL};
    size_t len = body != NULL ? strlen(body) : 0;
    int fd = fcgi_connect(path);

    (void)snprintf(method_text, sizeof(method_text), "REQUEST_METHOD=%s", method);
    (void)snprintf(uri_text, sizeof(uri_text), "REQUEST_URI=%s", uri);
    (void)snprintf(length_text, sizeof(length_text), "CONTENT_LENGTH=");
    if (body != NULL)
        (void)snprintf(length_text, sizeof(length_text), "CONTENT_LENGTH=%zu", len);
    fcgi_begin(fd, parameters);
    if (len > 0)
        (void)fcgi_body(fd, body, len);
    (void)fcgi_body(fd, NULL, 0);
    fcgi_finish(fd, answer);
}
