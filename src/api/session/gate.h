/* api/session/gate.h - how many passwords all workers together may hash at once.
 *
 * A hash takes tens of milliseconds of a processor and 46 MiB: without a bound, sign-ins
 * alone could take the machine (docs/security.md). The gate has slots, and a few places
 * to wait for one; who finds no place is told to come again, so that some workers are
 * always free for everything else. It is made before the workers are forked and lives in
 * shared memory; slots and places are robust mutexes, so a worker that dies at the gate
 * gives back what it held. */
#ifndef SRC_API_SESSION_GATE_H
#define SRC_API_SESSION_GATE_H

#include "core/err.h"

#include <stddef.h>

enum {
    GATE_SLOTS_MAX = 4,
    GATE_PLACES_MAX = 36, /* slots and at most 32 that wait */
    GATE_WAIT_MS = 2000,
};

struct gate;

/* slots: 1..GATE_SLOTS_MAX; places (slots and waiters together): slots..GATE_PLACES_MAX.
 * RC_UNAVAILABLE: no shared memory. The caller frees with gate_free() (each process). */
enum rc gate_new(size_t slots, size_t places, struct gate **out,
                 struct err *err) MUST_CHECK;
void gate_free(struct gate *gate); /* NULL is fine */

/* A pass, to be given back with gate_leave(). */
struct gate_pass {
    size_t place, slot;
};

/* RC_LIMITED "too_many_attempts", to be tried again in a second: everybody hashes and
 * every place is taken, or none was free within GATE_WAIT_MS. */
enum rc gate_enter(struct gate *gate, struct gate_pass *pass, struct err *err) MUST_CHECK;
void gate_leave(struct gate *gate, const struct gate_pass *pass);

#endif
