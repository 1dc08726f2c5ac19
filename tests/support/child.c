#include "child.h"

#include "core/io.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 50000, TRY_MS = 5, LOG_MAX = 1024 * 1024 };

void child_prepare(struct child *c)
{
    *c = (struct child){.pid = 0};
    (void)snprintf(c->dir, sizeof(c->dir), "/tmp/tts-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(c->dir));
    (void)snprintf(c->socket, sizeof(c->socket), "%s/s", c->dir);
    (void)snprintf(c->log, sizeof(c->log), "%s/log", c->dir);
}

void child_start(struct child *c, child_main_fn main, void *arg)
{
    c->pid = fork();
    ck_assert_int_ge(c->pid, 0);
    if (c->pid == 0)
        exit(main(c, arg));
}

int child_wait(struct child *c)
{
    int status = 0;

    ck_assert_int_eq(waitpid(c->pid, &status, 0), c->pid);
    c->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_end(struct child *c)
{
    static const char *const names[] = {"s", "log", "log.1"};
    char path[128];
    int status = 0;

    if (c->pid > 0) {
        (void)kill(c->pid, SIGTERM);
        status = child_wait(c);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", c->dir, names[i]);
        (void)unlink(path);
    }
    ck_assert_int_eq(rmdir(c->dir), 0);
    return status;
}

static bool log_has(const struct child *c, const char *text)
{
    struct strbuf sb;
    struct err err;
    bool found;

    strbuf_init(&sb, LOG_MAX);
    found = io_read_file(c->log, &sb, &err) == RC_OK && strstr(sb.buf, text) != NULL;
    strbuf_release(&sb);
    return found;
}

void child_logged(const struct child *c, const char *text)
{
    for (int waited = 0; !log_has(c, text); waited += TRY_MS) {
        ck_assert_msg(waited < WAIT_MS, "not in the log: %s", text);
        (void)poll(NULL, 0, TRY_MS);
    }
}

void child_gone(pid_t pid)
{
    for (int waited = 0; kill(pid, 0) == 0 || errno != ESRCH; waited += TRY_MS) {
        ck_assert_msg(waited < WAIT_MS, "process %d is still there", (int)pid);
        (void)poll(NULL, 0, TRY_MS);
    }
}
