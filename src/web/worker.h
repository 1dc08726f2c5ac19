/* web/worker.h - one worker of the pool: accepts, answers, again. */
#ifndef SRC_WEB_WORKER_H
#define SRC_WEB_WORKER_H

#include "pool.h"
#include "web/server.h"

#include <signal.h>

/* The signals a worker takes between requests; blocked all the time, so that no call of a
 * handler is ever interrupted. */
void worker_signals(sigset_t *set);

/* Runs in the forked process until it is told to stop or the listener is shut and its
 * queue empty. Ends the process. */
void worker_run(const struct web_program *program, struct pool *pool, size_t slot,
                int listen_fd) NORETURN;

#endif
