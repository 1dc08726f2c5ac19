/* sandbox/courier.h - what the simulated TikTok does by itself: the background process.
 *
 * One process beside the workers fetches what is to be pulled and sends webhooks. It
 * keeps nothing that matters: each kind of errand finds in the state (SQLite) what is due
 * by the simulator's clock, starts transfers, and writes back what became of them. Killed
 * at any point, its successor finds the same rows and goes on; so an errand writes down
 * what it has done after it was done, and doing it twice must be harmless or allowed.
 *
 * A turn runs when its time has come, when a worker has rung (bell_ring()) because it
 * wrote work or moved the clock, and after courier_again(). In between the process
 * sleeps. An errand:
 *
 *     static enum rc turn(struct courier *c, void *state, int64_t *next_ms,
 *                         struct err *e)
 *     {
 *         ... for what is due at c->now_ms, up to a limit, and not under way yet:
 *             http_submit(c->http, &request, done, job, &id, e)
 *         *next_ms = when the next is due; INT64_MAX: when somebody rings
 *     }
 *     const struct errand webhook_errand = {"webhooks", begin, turn, running, end};
 *
 * and its name stands in the table of courier.c. Requests set http_request.lifted, since
 * the simulator may reach plain http and this machine. done() runs inside the courier's
 * loop, outside of a transaction: it opens one of its own, and calls courier_again() when
 * a turn is to follow.
 *
 * RC_OK is the answer of a turn also when a transfer went wrong; a failure is logged and
 * the turn comes again a second later. */
#ifndef SRC_SANDBOX_COURIER_H
#define SRC_SANDBOX_COURIER_H

#include "knobs.h"
#include "settings.h"
#include "sql.h"

#include "core/clock.h"
#include "core/random.h"
#include "net/http.h"

enum {
    COURIER_TRANSFERS_MAX = 32,   /* at a time, of all errands; more wait */
    COURIER_SLEEP_MAX_MS = 10000, /* in case a worker died before it rang */
    COURIER_STEP_MS = 20,         /* from one round to the next, unless somebody rings */
    COURIER_PAUSE_MS = 5,         /* likewise, also when somebody does */
    COURIER_RETRY_MS = 1000,      /* after a turn that failed */
    COURIER_DRAIN_MS = 3000, /* told to end, it waits so long for running transfers */
};

struct courier {
    const struct settings *settings;
    const struct clock *clock;
    const struct random_source *random;
    struct sql *sql; /* its own connection */
    struct http *http;
    struct knobs knobs; /* of this round, like now_ms */
    int64_t now_ms;     /* of the simulator's clock */
    bool again;         /* private: courier_again() */
    bool leaving;       /* told to end: done() begins nothing new */
};

struct errand {
    const char *name;                  /* for logs */
    void *(*begin)(struct courier *c); /* its state, which it gives back in end() */
    enum rc (*turn)(struct courier *c, void *state, int64_t *next_ms, struct err *err);
    size_t (*running)(const void *state); /* transfers under way */
    void (*end)(void *state);             /* none is under way any more */
};

/* Another round soon, before anything is due: what a transfer's end calls for. */
void courier_again(struct courier *c);

/* Reads clock and knobs anew, as before each round: for the end of a transfer, which may
 * come long after it. */
enum rc courier_look(struct courier *c, struct err *err) MUST_CHECK;

/* --- the bell ------------------------------------------------------------------ */

/* Made before the processes fork; workers ring it and the courier hears. */

/* The descriptor; the process ends when there is none to be had. */
int bell_new(void);

/* A worker has committed something that is the courier's business. Cheap; never waits. */
void bell_ring(int bell);

/* --- the process --------------------------------------------------------------- */

/* Runs errands until SIGTERM or SIGINT (which are blocked, as for a web_program's
 * companion); answers the status to end with. */
int courier_run(const struct settings *settings, int bell);

#endif
