#include "s3server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
    (void)fprintf(stderr, "s3server: %s; it needs Debian's python3-swift: make deps\n",
                  what);
    exit(EXIT_FAILURE);
}

static void run(const struct s3_server *s, int in, int out)
{
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILURE);
    (void)execl("tests/harness/s3server.py", "s3server.py", s->dir, (char *)NULL);
    _exit(EXIT_FAILURE);
}

void s3_server_start(struct s3_server *s)
{
    int in[2];
    int out[2];
    FILE *said;

    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/tts-s3-XXXXXX");
    if (mkdtemp(s->dir) == NULL || pipe2(in, O_CLOEXEC) != 0 ||
        pipe2(out, O_CLOEXEC) != 0)
        fail("no directory or pipe");
    s->pid = fork();
    if (s->pid == 0)
        run(s, in[0], out[1]);
    (void)close(in[0]);
    (void)close(out[1]);
    s->in = in[1];
    said = fdopen(out[0], "r");
    if (s->pid < 0 || said == NULL || fscanf(said, "READY %d", &s->port) != 1)
        fail("it did not start");
    (void)fclose(said);
}

void s3_server_stop(struct s3_server *s)
{
    char command[96];

    (void)kill(s->pid, SIGTERM);
    (void)waitpid(s->pid, NULL, 0);
    (void)close(s->in);
    (void)snprintf(command, sizeof(command), "rm -rf %s", s->dir);
    if (system(command) != 0)
        perror(s->dir);
}
