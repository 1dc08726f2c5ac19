/* A host of ours that the simulator calls on: webhooks are posted to it, and media are
 * fetched from it. One connection after another, one request each, on a thread. */
#include "conformance.h"

#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEARD_MAX = 64,
    REQUEST_MAX = 16384,
    FILE_BYTES = 1000, /* of what can be fetched */
    PATIENCE_S = 15,
    ADDRESS_SIZE = 64,
};

struct heard {
    char signature[256];
    char body[REQUEST_MAX];
};

struct host {
    int fd;
    char url[ADDRESS_SIZE];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct heard heard[HEARD_MAX]; /* webhooks, the oldest first */
    size_t heard_n, taken;
};

/* --- requests ------------------------------------------------------------------ */

/* The value of a header, up to the end of its line; "" when there is none. */
static void header(const char *head, const char *name, char *out, size_t size)
{
    const char *p = strcasestr(head, name);
    size_t len;

    out[0] = '\0';
    if (p == NULL)
        return;
    p += strlen(name);
    p += strspn(p, ": ");
    len = strcspn(p, "\r\n");
    (void)snprintf(out, size, "%.*s", (int)len, p);
}

/* Reads a request with its body into buf. False: there was none. */
static bool read_request(int fd, char *buf, size_t size, size_t *head_len)
{
    size_t len = 0;
    int64_t body = -1;

    while (len < size - 1) {
        ssize_t n = recv(fd, buf + len, size - 1 - len, 0);
        const char *end;
        char value[32];

        if (n <= 0)
            return false;
        len += (size_t)n;
        buf[len] = '\0';
        end = strstr(buf, "\r\n\r\n");
        if (end == NULL)
            continue;
        *head_len = (size_t)(end - buf) + 4;
        header(buf, "\r\nContent-Length", value, sizeof(value));
        if (body < 0 && (*value == '\0' || !parse_i64(value, 0, REQUEST_MAX, &body)))
            body = 0;
        if (len >= *head_len + (size_t)body)
            return true;
    }
    return false;
}

static void answer(int fd, const char *status, const char *headers, size_t body_len,
                   bool with_body)
{
    char text[1024 + FILE_BYTES];
    int len =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n",
                 status, headers, body_len);

    if (with_body) {
        (void)memset(text + len, 'x', body_len);
        len += (int)body_len;
    }
    (void)send(fd, text, (size_t)len, MSG_NOSIGNAL);
}

/* --- webhooks ------------------------------------------------------------------ */

static void hear(struct host *h, const char *request, size_t head_len)
{
    struct heard *heard;

    (void)pthread_mutex_lock(&h->lock);
    if (h->heard_n == HEARD_MAX)
        give_up("more webhooks than anybody listens to");
    heard = &h->heard[h->heard_n++];
    header(request, "\r\ntiktok-signature", heard->signature, sizeof(heard->signature));
    text_copy(heard->body, sizeof(heard->body), request + head_len);
    (void)pthread_cond_signal(&h->news);
    (void)pthread_mutex_unlock(&h->lock);
}

/* --- answers ------------------------------------------------------------------- */

static void serve(struct host *h, int fd)
{
    static const char type[] = "Content-Type: video/mp4\r\n";
    static const char picture[] = "Content-Type: image/jpeg\r\n";
    static char request[REQUEST_MAX];
    bool head;
    size_t head_len = 0;

    if (!read_request(fd, request, sizeof(request), &head_len))
        return;
    head = text_starts_with(request, "HEAD ");
    if (text_starts_with(request, "POST ")) {
        hear(h, request, head_len);
        answer(fd, "200 OK", "", 0, false);
    } else if (strstr(request, " /gone/") != NULL) {
        answer(fd, "404 Not Found", "", 0, false);
    } else if (strstr(request, " /moved/") != NULL) {
        answer(fd, "302 Found", "Location: /ok/a.mp4\r\n", 0, false);
    } else {
        answer(fd, "200 OK", strstr(request, ".jpg") != NULL ? picture : type, FILE_BYTES,
               !head);
    }
}

static void *run(void *arg)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct host *h = (struct host *)arg;
    int fd;

    while ((fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR) {
        if (fd < 0)
            continue;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        serve(h, fd);
        (void)close(fd);
    }
    return NULL;
}

struct host *host_start(void)
{
    struct host *h = xcalloc(1, sizeof(*h));
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (h->fd < 0 || bind(h->fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(h->fd, 64) != 0 || getsockname(h->fd, (struct sockaddr *)&at, &len) != 0)
        give_up("no host can be opened");
    (void)snprintf(h->url, sizeof(h->url), "http://127.0.0.1:%u", ntohs(at.sin_port));
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->news, NULL);
    if (pthread_create(&h->thread, NULL, run, h) != 0)
        give_up("no thread");
    return h;
}

const char *host_url(const struct host *h)
{
    return h->url;
}

void host_forget(struct host *h)
{
    (void)pthread_mutex_lock(&h->lock);
    h->heard_n = h->taken = 0;
    (void)pthread_mutex_unlock(&h->lock);
}

bool host_heard(struct host *h, const char *word, struct strbuf *body, char *signature,
                size_t size)
{
    struct timespec until;
    bool found = false;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    (void)pthread_mutex_lock(&h->lock);
    while (!found) {
        const struct heard *next = &h->heard[h->taken];

        if (h->taken == h->heard_n) {
            if (pthread_cond_timedwait(&h->news, &h->lock, &until) != 0)
                break;
            continue;
        }
        h->taken++;
        found = strstr(next->body, word) != NULL;
        if (found) {
            strbuf_addstr(body, next->body);
            text_copy(signature, size, next->signature);
        }
    }
    (void)pthread_mutex_unlock(&h->lock);
    return found;
}

void host_stop(struct host *h)
{
    (void)shutdown(h->fd, SHUT_RDWR);
    (void)pthread_join(h->thread, NULL);
    (void)close(h->fd);
    (void)pthread_mutex_destroy(&h->lock);
    (void)pthread_cond_destroy(&h->news);
    free(h);
}
