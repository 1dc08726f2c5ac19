/* web/listen: which addresses are taken, and what becomes of sockets that are there. */
#include "child.h"
#include "port.h"
#include "unit.h"
#include "web/listen.h"
#include "web/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct child dir;
static char address[128];
static struct listener l;
static struct err err;

static void setup(void)
{
    child_prepare(&dir);
    (void)snprintf(address, sizeof(address), "unix:%s", dir.socket);
}

static void teardown(void)
{
    (void)child_end(&dir);
}

START_TEST(only_near_addresses_are_taken)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"unix:/run/tts/api.sock", true},
        {"unix:var/run/api.sock", true},
        {"unix:", false},
        {"/run/api.sock", false},
        {"", false},
        {"tcp:127.0.0.1:9000", true},
        {"tcp:127.255.255.254:1", true},
        {"tcp:10.0.0.1:65535", true},
        {"tcp:172.16.0.1:9000", true},
        {"tcp:172.31.255.255:9000", true},
        {"tcp:192.168.1.1:9000", true},
        {"tcp:[::1]:9000", true},
        {"tcp:[fd12:3456::1]:9000", true},
        {"tcp:0.0.0.0:9000", false},
        {"tcp:[::]:9000", false},
        {"tcp::9000", false},
        {"tcp:*:9000", false},
        {"tcp:9000", false},
        {"tcp:8.8.8.8:9000", false},
        {"tcp:172.15.255.255:9000", false},
        {"tcp:172.32.0.1:9000", false},
        {"tcp:192.169.0.1:9000", false},
        {"tcp:169.254.1.1:9000", false},
        {"tcp:100.64.0.1:9000", false},
        {"tcp:224.0.0.1:9000", false},
        {"tcp:255.255.255.255:9000", false},
        {"tcp:[2001:db8::1]:9000", false},
        {"tcp:[fe80::1]:9000", false},
        {"tcp:[::ffff:8.8.8.8]:9000", false},
        {"tcp:[::ffff:127.0.0.1]:9000", false},
        {"tcp:::1:9000", false},
        {"tcp:[127.0.0.1]:9000x", false},
        {"tcp:[::1]", false},
        {"tcp:localhost:9000", false},
        {"tcp:127.1:9000", false},
        {"tcp:127.0.0.1", false},
        {"tcp:127.0.0.1:", false},
        {"tcp:127.0.0.1:0", false},
        {"tcp:127.0.0.1:09000", false},
        {"tcp:127.0.0.1:65536", false},
        {"tcp:127.0.0.1:9000 ", false},
        {"tcp:127.0.0.1:-1", false},
        {"udp:127.0.0.1:9000", false},
        {"TCP:127.0.0.1:9000", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum rc rc = web_listen_check(rows[i].text, &err);

        ck_assert_msg(rc == (rows[i].ok ? RC_OK : RC_INVALID), "row %zu: %s", i,
                      rows[i].text);
    }
}
END_TEST

START_TEST(a_path_has_to_fit_into_a_socket_address)
{
    char text[256] = "unix:/";

    (void)memset(text + 6, 'a', 106);
    ck_assert_int_eq(web_listen_check(text, &err), RC_OK); /* 107 bytes and the NUL */
    text[6 + 106] = 'a';
    ck_assert_int_eq(web_listen_check(text, &err), RC_INVALID);
    ck_assert_int_eq(listener_open(&l, text, &err), RC_INVALID);
}
END_TEST

static int connect_result(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int result;

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", dir.socket);
    result = connect(fd, (struct sockaddr *)&at, sizeof(at));
    (void)close(fd);
    return result;
}

START_TEST(a_socket_is_for_owner_and_group_whatever_the_umask)
{
    struct stat st;
    mode_t before = umask(0);

    ck_assert_int_eq(listener_open(&l, address, &err), RC_OK);
    ck_assert_uint_eq(umask(before), 0);
    ck_assert_int_eq(stat(dir.socket, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0660);
    ck_assert_int_eq(connect_result(), 0);
    ck_assert_int_ne(fcntl(l.fd, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(a_socket_nobody_listens_on_is_replaced)
{
    ck_assert_int_eq(listener_open(&l, address, &err), RC_OK);
    (void)close(l.fd);
    ck_assert_int_ne(connect_result(), 0);
    ck_assert_int_eq(listener_open(&l, address, &err), RC_OK);
    ck_assert_int_eq(connect_result(), 0);
}
END_TEST

START_TEST(a_socket_in_use_is_never_stolen)
{
    struct listener second;

    ck_assert_int_eq(listener_open(&l, address, &err), RC_OK);
    ck_assert_int_eq(listener_open(&second, address, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "address_in_use");
    ck_assert_int_lt(second.fd, 0);
    ck_assert_int_eq(connect_result(), 0);
}
END_TEST

START_TEST(a_full_queue_is_still_in_use)
{
    struct listener second;
    int fds[2];

    ck_assert_int_eq(listener_open(&l, address, &err), RC_OK);
    ck_assert_int_eq(listen(l.fd, 0), 0); /* one connection fills it */
    for (int i = 0; i < 2; i++) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};

        (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", dir.socket);
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], (struct sockaddr *)&at, sizeof(at));
    }
    ck_assert_int_eq(listener_open(&second, address, &err), RC_CONFLICT);
    (void)close(fds[0]);
    (void)close(fds[1]);
}
END_TEST

START_TEST(a_file_at_the_path_is_left_alone)
{
    int fd = open(dir.socket, O_WRONLY | O_CREAT | O_EXCL, 0600);
    struct stat st;

    ck_assert_int_eq(write(fd, "mine", 4), 4);
    (void)close(fd);
    ck_assert_int_eq(listener_open(&l, address, &err), RC_UNAVAILABLE);
    ck_assert_int_eq(stat(dir.socket, &st), 0);
    ck_assert_int_eq(st.st_size, 4);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_said)
{
    ck_assert_int_eq(listener_open(&l, "unix:/nowhere/at/all/s", &err), RC_UNAVAILABLE);
    ck_assert_int_lt(l.fd, 0);
}
END_TEST

START_TEST(a_shut_listener_refuses_and_gives_up_its_path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int waiting = socket(AF_UNIX, SOCK_STREAM, 0);
    int late = socket(AF_UNIX, SOCK_STREAM, 0);
    struct listener next;

    ck_assert_int_eq(listener_open(&l, address, &err), RC_OK);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", dir.socket);
    ck_assert_int_eq(connect(waiting, (struct sockaddr *)&at, sizeof(at)), 0);
    listener_shut(&l);
    ck_assert_int_ne(access(dir.socket, F_OK), 0);
    ck_assert_int_ne(connect(late, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_ge(accept(l.fd, NULL, NULL), 0); /* who waited is not turned away */
    ck_assert_int_lt(accept(l.fd, NULL, NULL), 0);
    ck_assert_int_eq(listener_open(&next, address, &err), RC_OK);
    listener_shut(&l); /* once more: the path is another's now */
    ck_assert_int_eq(connect_result(), 0);
}
END_TEST

START_TEST(a_port_in_use_is_a_conflict)
{
    struct listener second;
    char text[64];
    int port = 0;
    int taken = port_take(&port);

    (void)snprintf(text, sizeof(text), "tcp:127.0.0.1:%d", port);
    ck_assert_int_eq(listener_open(&l, text, &err), RC_OK);
    ck_assert_int_eq(listener_open(&second, text, &err), RC_CONFLICT);
    (void)close(l.fd);
    (void)close(taken);
}
END_TEST

UNIT_MAIN_FIXTURE("web_listen", setup, teardown, only_near_addresses_are_taken,
                  a_path_has_to_fit_into_a_socket_address,
                  a_socket_is_for_owner_and_group_whatever_the_umask,
                  a_socket_nobody_listens_on_is_replaced, a_socket_in_use_is_never_stolen,
                  a_full_queue_is_still_in_use, a_file_at_the_path_is_left_alone,
                  a_directory_that_is_not_there_is_said,
                  a_shut_listener_refuses_and_gives_up_its_path,
                  a_port_in_use_is_a_conflict)
