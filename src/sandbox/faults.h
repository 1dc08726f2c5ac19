/* sandbox/faults.h - the faults that are set, and which one a request meets. */
#ifndef SRC_SANDBOX_FAULTS_H
#define SRC_SANDBOX_FAULTS_H

#include "fault_spec.h"
#include "sql.h"

#include "core/jsonw.h"

enum { FAULTS_MAX = 64 }; /* set at a time */

struct fault {
    int64_t id; /* 0: none */
    struct fault_spec spec;
};

/* A request as faults see it. */
struct fault_target {
    const char *endpoint;
    int64_t user_id;   /* 0: nobody known */
    int64_t chunk;     /* -1: not an upload */
    const char *event; /* of a webhook; NULL: it is none */
    int64_t seed;
};

/* True when any fault is set: the usual answer, no, is cheap. */
enum rc faults_any(struct sql *sql, bool *any, struct err *err) MUST_CHECK;

/* The first fault, in the order they were set, that hits this request, counted as used;
 * fault->id 0 when none does. Inside a transaction. */
enum rc fault_take(struct sql *sql, const struct fault_target *target,
                   struct fault *fault, struct err *err) MUST_CHECK;

/* Sets a fault. RC_INVALID: not a fault, or an account that is not there; RC_LIMITED:
 * too many. Inside a transaction. */
enum rc fault_add(struct sql *sql, json_t *json, int64_t *id, struct err *err) MUST_CHECK;

/* Removes one, or all for id 0. */
enum rc fault_remove(struct sql *sql, int64_t id, int64_t *removed,
                     struct err *err) MUST_CHECK;

/* All of them as a JSON array of {id, fault, seen, hits, remaining}. */
enum rc faults_write(struct sql *sql, struct jsonw *w, struct err *err) MUST_CHECK;

/* Calls each() for every fault with its JSON text. */
typedef void (*fault_fn)(void *ctx, int64_t id, const char *spec, int64_t hits);
enum rc faults_each(struct sql *sql, fault_fn each, void *ctx,
                    struct err *err) MUST_CHECK;

#endif
