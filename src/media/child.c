#include "child.h"

#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CANNOT_CONFINE = 124, /* exit statuses of ours; ffmpeg's programs use 0, 1 and 255 */
    CANNOT_START = 125,
    INPUT_FD = 3,
    OUTPUT_FD = 4,
    TICK_MS = 200, /* how often *stop is looked at */
};

static enum rc failed(struct err *err, const char *what)
{
    return err_set(err, RC_UNAVAILABLE, "child_failed", "cannot %s: %s", what,
                   strerrordesc_np(errno));
}

/* Puts the descriptors in their places. Sources are moved out of the way first, since
 * each may lie where another belongs. */
static bool arrange(const struct child_job *job, int output)
{
    int nowhere = open("/dev/null", O_RDWR);
    int input = fcntl(job->input_fd, F_DUPFD, 16);
    int made = job->output_fd > 0 ? fcntl(job->output_fd, F_DUPFD, 16) : nowhere;

    output = fcntl(output, F_DUPFD, 16);
    return nowhere >= 0 && input >= 0 && output >= 0 && made >= 0 &&
           dup2(nowhere, 0) == 0 && dup2(output, 1) == 1 && dup2(nowhere, 2) == 2 &&
           dup2(input, INPUT_FD) == INPUT_FD && dup2(made, OUTPUT_FD) == OUTPUT_FD &&
           close_range(OUTPUT_FD + (job->output_fd > 0), ~0U, 0) == 0;
}

/* The child's side; never returns. */
static void NORETURN become(const struct child_job *job, int output)
{
    static char *const no_environment[] = {NULL};
    sigset_t none;

    (void)setpgid(0, 0);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (!arrange(job, output))
        _exit(CANNOT_START);
    if (!confine_self(&job->limits, INPUT_FD, job->output_fd > 0 ? OUTPUT_FD : -1))
        _exit(CANNOT_CONFINE);
    /* execve() promises not to change the strings; its type is older than const */
    (void)execve(job->argv[0], (char *const *)(uintptr_t)job->argv, no_environment);
    _exit(CANNOT_START);
}

struct running {
    pid_t pid;
    int pid_fd;
    int output;
    int64_t deadline_ms;
};

static enum rc start(const struct child_job *job, struct running *r, struct err *err)
{
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return failed(err, "make a pipe");
    r->pid = fork();
    if (r->pid == 0)
        become(job, pipe_fds[1]);
    (void)close(pipe_fds[1]);
    r->output = pipe_fds[0];
    if (r->pid < 0)
        return failed(err, "start a process");
    (void)setpgid(r->pid, r->pid); /* both sides do it: whoever comes first */
    r->pid_fd = pidfd_open(r->pid, 0);
    return r->pid_fd >= 0 ? RC_OK : failed(err, "watch a process");
}

/* Reads what is there and hands it on. False at the end of the output; *on is false when
 * whoever watches wants no more. */
static bool take(const struct child_job *job, struct running *r, struct strbuf *out,
                 bool *on)
{
    char piece[8192];
    ssize_t n = read(r->output, piece, sizeof(piece));

    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return false;
    if (job->watch != NULL)
        *on = job->watch(job->watch_ctx, piece, (size_t)n);
    else
        strbuf_add(out, piece, (size_t)n);
    return true;
}

/* How long to wait for something to happen, in ms; 0: no longer, for its time is up or we
 * are told to stop. */
static int patience(const struct child_job *job, const struct running *r, bool *stopped)
{
    int64_t left = r->deadline_ms - clock_mono_ms(clock_system());

    *stopped = job->stop != NULL && *job->stop;
    if (left <= 0 || *stopped)
        return 0;
    return left < TICK_MS ? (int)left : TICK_MS;
}

/* Waits until the child has ended or has to be ended. CHILD_DONE: it has ended. */
static enum child_end follow(const struct child_job *job, struct running *r,
                             struct strbuf *out, bool *stopped)
{
    for (;;) {
        bool on = job->watch == NULL || job->watch(job->watch_ctx, "", 0);
        int wait_ms = patience(job, r, stopped);
        struct pollfd fds[] = {{.fd = r->output, .events = POLLIN},
                               {.fd = r->pid_fd, .events = POLLIN}};

        if (!on)
            return CHILD_CALLED_OFF;
        if (wait_ms == 0)
            return CHILD_TIMEOUT;
        if (poll(fds, ARRAY_LEN(fds), wait_ms) < 0)
            continue; /* a signal: look at stop */
        if (fds[0].revents != 0 && !take(job, r, out, &on))
            io_close(&r->output); /* poll() passes over -1 */
        if (!on)
            return CHILD_CALLED_OFF;
        if (out != NULL && strbuf_failed(out))
            return CHILD_TOO_LONG;
        if (r->output < 0 && fds[1].revents != 0)
            return CHILD_DONE;
    }
}

/* Kills what still runs and says how it ended. */
static enum rc finish(struct running *r, enum child_end *end, struct err *err)
{
    int status = 0;

    if (r->pid <= 0)
        return RC_OK;
    if (*end != CHILD_DONE && kill(-r->pid, SIGKILL) != 0)
        (void)kill(r->pid, SIGKILL);
    while (waitpid(r->pid, &status, 0) < 0) {
        if (errno != EINTR)
            return failed(err, "wait for a process");
    }
    if (*end != CHILD_DONE)
        return RC_OK;
    if (!WIFEXITED(status))
        *end = CHILD_CRASHED;
    else if (WEXITSTATUS(status) == CANNOT_CONFINE || WEXITSTATUS(status) == CANNOT_START)
        return err_set(err, RC_UNAVAILABLE, "child_failed",
                       "the program cannot be started in its confinement (%d)",
                       WEXITSTATUS(status));
    else if (WEXITSTATUS(status) != 0)
        *end = CHILD_REFUSED;
    return RC_OK;
}

enum rc child_run(const struct child_job *job, struct strbuf *out, enum child_end *end,
                  struct err *err)
{
    struct running r = {.pid = -1, .pid_fd = -1, .output = -1};
    enum child_end how = CHILD_TIMEOUT;
    bool stopped = false;
    struct err ignored;
    enum rc rc;

    r.deadline_ms = clock_mono_ms(clock_system()) + job->wall_ms;
    rc = start(job, &r, err);
    if (rc == RC_OK) {
        how = follow(job, &r, out, &stopped);
        rc = finish(&r, &how, err);
    } else {
        (void)finish(&r, &how, &ignored); /* the first failure is the one to tell */
    }
    if (rc == RC_OK && stopped)
        rc = err_set(err, RC_UNAVAILABLE, "stopping", "the process is being stopped");
    io_close(&r.output);
    io_close(&r.pid_fd);
    if (rc == RC_OK)
        *end = how;
    return rc;
}
