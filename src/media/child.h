/* media/child.h - runs one program over one file, confined, and takes what it prints.
 *
 * No shell, a fixed program and arguments, an empty environment, the file as descriptor 3
 * (CHILD_INPUT names it), a file to write as descriptor 4 if it gets one (CHILD_OUTPUT),
 * nothing else open but the pipe that its output comes through. It lives in a process
 * group of its own that is killed as a whole when its time is up, when it prints more
 * than out may hold, or when we are told to stop. */
#ifndef SRC_MEDIA_CHILD_H
#define SRC_MEDIA_CHILD_H

#include "confine.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/strbuf.h"

#include <signal.h>
#include <stdint.h>

/* How the program's arguments name the file. */
#define CHILD_INPUT "file:/proc/self/fd/3"

#define CHILD_OUTPUT "file:/proc/self/fd/4"

/* Given what the program printed since the last call, which may be nothing (len 0): it is
 * called several times a second in any case. False: the program is killed. */
typedef bool (*child_watch_fn)(void *ctx, const char *printed, size_t len);

struct child_job {
    const char *const *argv; /* argv[0] is the program's absolute path; NULL at the end */
    int input_fd;            /* borrowed */
    int output_fd;           /* borrowed: a file open for reading and writing; 0: none */
    struct confine_limits limits;
    int64_t wall_ms;                   /* killed after this time, whatever it does */
    const volatile sig_atomic_t *stop; /* killed when it becomes true; NULL: never */
    child_watch_fn watch; /* takes the output instead of out; NULL: nobody watches */
    void *watch_ctx;
};

enum child_end {
    CHILD_DONE,       /* exit status 0 */
    CHILD_REFUSED,    /* another exit status: it did not like the file */
    CHILD_CRASHED,    /* a signal ended it, a limit's among them */
    CHILD_TIMEOUT,    /* killed for its time */
    CHILD_TOO_LONG,   /* killed for its output */
    CHILD_CALLED_OFF, /* killed because watch said so */
};

/* Runs the job to its end and appends its standard output to out, up to out's limit (NULL
 * with watch).
 * RC_UNAVAILABLE: it could not be started, or *stop came true ("stopping"); that says
 * nothing about the file. */
enum rc child_run(const struct child_job *job, struct strbuf *out, enum child_end *end,
                  struct err *err) MUST_CHECK;

#endif
