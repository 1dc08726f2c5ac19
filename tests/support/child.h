/* child.h - a server run in a process of its own, in a temporary directory. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    char dir[64];
    char socket[96]; /* a path for its socket, dir/s */
    char log[96];    /* and for its log, dir/log */
};

typedef int (*child_main_fn)(const struct child *child, void *arg);

/* Makes the directory. */
void child_prepare(struct child *c);

/* Runs main() in a forked process, which ends with what it returns. */
void child_start(struct child *c, child_main_fn main, void *arg);

/* Waits until the process has ended. Its exit status, or 128 and the signal. */
int child_wait(struct child *c);

/* Asks it to stop by SIGTERM when it runs and removes the directory. Its status. */
int child_end(struct child *c);

/* Waits until the log has a line with text; fails the test after 50 s. */
void child_logged(const struct child *c, const char *text);

/* Waits until the process, which may be nobody's child, is no more. */
void child_gone(pid_t pid);

#endif
