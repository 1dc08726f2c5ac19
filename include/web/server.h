/* web/server.h - the pre-forked FastCGI server: one parent, N single-threaded workers.
 *
 * The parent opens the listening socket, forks the workers, starts at once what dies
 * (later and later when it dies young), and on SIGTERM or SIGINT lets each worker finish
 * its request before it ends. SIGUSR1 opens the log anew, in all of them. A worker
 * accepts by itself (accept4, then the descriptor is libfcgi's; docs/security.md): bad
 * peers, a full descriptor table and stalled writers cost it at most the deadlines below.
 * A request that takes longer than deadline_ms ends its worker (the parent starts
 * another): a stuck handler must not be a lost worker. */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include "web/request.h"
#include "web/response.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    WEB_WORKERS_MAX = 256,
    WEB_BACKLOG = 4096,
    WEB_IO_MS = 10000,    /* a peer that neither sends nor takes anything for so long */
    WEB_DRAIN_MS = 25000, /* after SIGTERM; then workers are killed */
};

struct web_program {
    const char *name;    /* for logs */
    const char *listen;  /* "unix:/path", or "tcp:address:port" on a loopback or private
                          * address, never on any-address */
    size_t workers;      /* 1..WEB_WORKERS_MAX */
    int deadline_ms;     /* of one request; 0: none */
    int io_ms, drain_ms; /* 0: WEB_IO_MS, WEB_DRAIN_MS */
    void *arg;           /* for start() */

    /* In each worker, once, after fork: connections are made here, not in the parent.
     * The result is handed to the others. May be NULL: they get arg. */
    void *(*start)(void *arg);
    /* One request: fills res. */
    void (*handle)(void *worker, const struct web_request *req, struct web_response *res);
    void (*stop)(void *worker); /* may be NULL */
    /* In the parent (with NULL), about once a second, and in a worker after each second
     * in which no request came; may be NULL. */
    void (*idle)(void *worker);

    /* What the program does by itself, in one more child of the parent, started and
     * restarted as the workers are; NULL: nothing. There SIGTERM, SIGINT and SIGUSR1 are
     * blocked and wait for its signalfd: it ends on the first two, within drain_ms, and
     * opens its log anew on the third. Returns the status to end with. */
    int (*companion)(void *arg);
};

/* Serves until told to stop; the process has one thread and leaves signals to this. It
 * shall end with the status this returns (signals stay blocked, so that a second SIGTERM
 * does not spoil the first): 0 after SIGTERM or SIGINT, CONFIG_EXIT for an address that
 * web_listen_check() refuses, 1 when the system refuses it, both logged. A Unix socket
 * that nobody listens on any more is replaced; one in use is left to its owner. */
int web_serve(const struct web_program *program);

/* For a table of settings: RC_INVALID, saying why, when text is no address that
 * web_serve() would take. */
enum rc web_listen_check(const char *text, struct err *err) MUST_CHECK;

/* What a worker waits long for. */
enum web_wait {
    WEB_WAIT_PERSON = 1, /* the publisher's answer to somebody's question */
    WEB_WAIT_GATE,       /* the moment at which a file may be fetched */
};

/* A worker is about to wait long for somebody else (the publisher): true when at most
 * half of the workers wait for the same, and at most three quarters wait at all, this one
 * included. So neither keeps the other out, and some workers are always free.
 * web_wait_end() when it is over; a worker's death ends it too. */
bool web_wait_begin(enum web_wait what) MUST_CHECK;
void web_wait_end(void);

/* How many requests all workers have answered with a status of 1xx to 5xx, since the
 * server began; counts[0] is of no use. */
enum { WEB_CLASSES = 6 };
void web_answers(uint64_t counts[WEB_CLASSES]);

/* Waits, but no longer than the client stays and the server runs: false when it ended
 * early for one of these (for the simulator's delays and hangs). */
bool web_pause(const struct web_request *req, int64_t ms) MUST_CHECK;

#endif
