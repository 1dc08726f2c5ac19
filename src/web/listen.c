#include "listen.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/text.h"
#include "web/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IN_USE_WAIT_MS = 1000, IN_USE_STEP_MS = 20 };

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t len;
};

/* --- addresses as text ------------------------------------------------------------- */

/* Loopback or private (RFC 1918): FastCGI has no authentication and no encryption. */
static bool v4_is_near(const struct in_addr *in)
{
    uint32_t a = ntohl(in->s_addr);

    return a >> 24 == 127 || a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8;
}

/* Loopback or unique local (RFC 4193). */
static bool v6_is_near(const struct in6_addr *in6)
{
    return IN6_IS_ADDR_LOOPBACK(in6) || (in6->s6_addr[0] & 0xfe) == 0xfc;
}

static const char *read_path(const char *path, struct address *a)
{
    if (path[0] == '\0')
        return "names no socket";
    if (strlen(path) >= sizeof(a->at.local.sun_path))
        return "is a path too long for a socket (107 bytes)";
    a->at.local = (struct sockaddr_un){.sun_family = AF_UNIX};
    text_copy(a->at.local.sun_path, sizeof(a->at.local.sun_path), path);
    a->len = sizeof(a->at.local);
    return NULL;
}

static const char *read_host(const char *host, uint16_t port, struct address *a)
{
    static const char too_far[] =
        "must be a loopback or private address: who reaches it can do anything";

    a->at.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    a->len = sizeof(a->at.v4);
    if (inet_pton(AF_INET, host, &a->at.v4.sin_addr) == 1)
        return v4_is_near(&a->at.v4.sin_addr) ? NULL : too_far;
    a->at.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    a->len = sizeof(a->at.v6);
    if (inet_pton(AF_INET6, host, &a->at.v6.sin6_addr) == 1)
        return v6_is_near(&a->at.v6.sin6_addr) ? NULL : too_far;
    return "needs a numeric address";
}

/* "127.0.0.1:9000" or "[::1]:9000" */
static const char *read_host_port(const char *text, struct address *a)
{
    char host[INET6_ADDRSTRLEN + 2];
    const char *colon = strrchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    int64_t port = 0;

    if (colon == NULL || colon[1] == '0' || !parse_i64(colon + 1, 1, UINT16_MAX, &port))
        return "needs an address and a port";
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return "needs brackets around an IPv6 address";
    }
    if (len >= sizeof(host))
        return "needs a numeric address";
    (void)memcpy(host, text, len);
    host[len] = '\0';
    return read_host(host, (uint16_t)port, a);
}

/* Fills *a, or says what is wrong with text. */
static const char *read_address(const char *text, struct address *a)
{
    if (text_starts_with(text, "unix:"))
        return read_path(text + strlen("unix:"), a);
    if (text_starts_with(text, "tcp:"))
        return read_host_port(text + strlen("tcp:"), a);
    return "must be unix:/path or tcp:address:port";
}

enum rc web_listen_check(const char *text, struct err *err)
{
    struct address a;
    const char *problem = read_address(text, &a);

    return problem == NULL ? RC_OK
                           : err_set(err, RC_INVALID, "bad_listen", "%s", problem);
}

/* --- sockets ----------------------------------------------------------------------- */

static enum rc refused(struct err *err, const char *what)
{
    enum rc rc = errno == EADDRINUSE ? RC_CONFLICT : RC_UNAVAILABLE;

    return err_set(err, rc, rc == RC_CONFLICT ? "address_in_use" : "listen_failed",
                   "%s: %s", what, strerrordesc_np(errno));
}

static enum rc bind_and_listen(int fd, const struct address *a, struct err *err)
{
    mode_t before = umask(0117); /* a Unix socket: rw for owner and group */
    int bound = bind(fd, &a->at.any, a->len);

    (void)umask(before);
    if (bound != 0)
        return refused(err, "cannot bind the address");
    if (listen(fd, WEB_BACKLOG) != 0)
        return refused(err, "cannot listen on the address");
    return RC_OK;
}

static enum rc open_tcp(struct listener *l, const struct address *a, struct err *err)
{
    const int on = 1;

    /* What is set here is inherited by accepted connections as well. */
    if (setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        return refused(err, "cannot prepare the socket");
    return bind_and_listen(l->fd, a, err);
}

/* Takes a socket that nobody listens on out of the way. */
static enum rc remove_stale(const struct address *a, struct err *err)
{
    const char *path = a->at.local.sun_path;
    struct stat st;
    int probe;
    int result;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? RC_OK : refused(err, "cannot look at the socket's path");
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, RC_UNAVAILABLE, "listen_failed",
                       "there is a file at the socket's path, and it is no socket");
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return refused(err, "cannot open a socket");
    result = connect(probe, &a->at.any, a->len) == 0 ? 0 : errno;
    (void)close(probe);
    if (result != ECONNREFUSED) /* EAGAIN: alive, with a full queue */
        return err_set(err, RC_CONFLICT, "address_in_use",
                       "another server listens at the socket's path");
    return unlink(path) == 0 || errno == ENOENT
               ? RC_OK
               : refused(err, "cannot remove the old socket");
}

/* The directory's lock makes looking, removing and binding one step among servers that
 * start at the same time. It is let go with the descriptor. */
static int lock_directory(const char *path)
{
    char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
    int fd;

    text_copy(copy, sizeof(copy), path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) != 0)
        io_close(&fd);
    return fd;
}

static enum rc open_local(struct listener *l, const struct address *a, struct err *err)
{
    const char *path = a->at.local.sun_path;
    int lock = lock_directory(path);
    struct stat st;
    enum rc rc;

    if (lock < 0)
        return refused(err, "cannot open the socket's directory");
    rc = remove_stale(a, err);
    if (rc == RC_OK)
        rc = bind_and_listen(l->fd, a, err);
    if (rc == RC_OK && lstat(path, &st) != 0)
        rc = refused(err, "cannot look at the new socket");
    if (rc == RC_OK) {
        text_copy(l->path, sizeof(l->path), path);
        l->dev = st.st_dev;
        l->ino = st.st_ino;
    }
    io_close(&lock);
    return rc;
}

static enum rc try_open(struct listener *l, const struct address *a, struct err *err)
{
    enum rc rc;

    *l = (struct listener){.fd = -1};
    l->fd = socket(a->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return refused(err, "cannot open a socket");
    rc = a->at.any.sa_family == AF_UNIX ? open_local(l, a, err) : open_tcp(l, a, err);
    if (rc != RC_OK)
        io_close(&l->fd);
    return rc;
}

enum rc listener_open(struct listener *l, const char *text, struct err *err)
{
    int64_t give_up_ms = clock_mono_ms(clock_system()) + IN_USE_WAIT_MS;
    struct address a;
    const char *problem = read_address(text, &a);
    enum rc rc;

    if (problem != NULL)
        return err_set(err, RC_INVALID, "bad_address", "the address %s", problem);
    for (;;) {
        rc = try_open(l, &a, err);
        if (rc != RC_CONFLICT || clock_mono_ms(clock_system()) >= give_up_ms)
            return rc;
        (void)poll(NULL, 0, IN_USE_STEP_MS);
    }
}

void listener_shut(struct listener *l)
{
    struct stat st;

    if (l->path[0] != '\0' && lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
        st.st_ino == l->ino)
        (void)unlink(l->path);
    (void)shutdown(l->fd, SHUT_RD);
}
