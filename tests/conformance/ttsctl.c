/* The operator's tool, run as an operator runs it: a body on standard input, JSON out. */
#include "conformance.h"

#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESULT_MAX = 1024 * 1024, ARGS_MAX = 12 };

extern char **environ;

static int file_of(const struct strbuf *body)
{
    int fd = memfd_create("body", MFD_CLOEXEC);
    struct err err;

    if (fd < 0 || io_write_full(fd, body->buf, body->len, &err) != RC_OK ||
        lseek(fd, 0, SEEK_SET) != 0)
        give_up("no body can be given to ttsctl");
    return fd;
}

static pid_t start(const char *program, const char *const *args, int in, int out)
{
    char *argv[ARGS_MAX + 2] = {(char *)(uintptr_t) "ttsctl"};
    posix_spawn_file_actions_t files;
    pid_t pid;

    for (size_t i = 0; i < ARGS_MAX && args[i] != NULL; i++)
        argv[i + 1] = (char *)(uintptr_t)args[i];
    if (posix_spawn_file_actions_init(&files) != 0 ||
        posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO) != 0 ||
        posix_spawn(&pid, program, &files, NULL, argv, environ) != 0)
        give_up("%s does not start", program);
    (void)posix_spawn_file_actions_destroy(&files);
    return pid;
}

static void read_all(int fd, struct strbuf *out)
{
    char piece[4096];
    ssize_t n;

    while ((n = read(fd, piece, sizeof(piece))) != 0) {
        if (n < 0 && errno != EINTR)
            give_up("ttsctl cannot be read");
        if (n > 0)
            strbuf_add(out, piece, (size_t)n);
    }
}

json_t *ttsctl(const struct trial *t, const char *const *args, const struct strbuf *body)
{
    struct strbuf text;
    json_t *result;
    int fds[2], status = 0;
    int in = file_of(body);
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) != 0)
        give_up("no pipe");
    pid = start(t->world->ttsctl, args, in, fds[1]);
    io_close(&in);
    io_close(&fds[1]);
    strbuf_init(&text, RESULT_MAX);
    read_all(fds[0], &text);
    io_close(&fds[0]);
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) > 1)
        give_up("%s: ttsctl ended with %d", t->c->name, status);
    result = json_loadb(text.buf, text.len, 0, NULL);
    if (!json_is_object(result))
        give_up("%s: ttsctl answers no JSON: %s", t->c->name, text.buf);
    strbuf_release(&text);
    return result;
}
