/* sandbox/calls.h - who called what when: the rate windows, and a part of the ledger.
 *
 * TikTok counts an endpoint's calls in a sliding minute per person. The log of calls is
 * what is counted, so there is one truth about it. Refused calls are logged and not
 * counted. */
#ifndef SRC_SANDBOX_CALLS_H
#define SRC_SANDBOX_CALLS_H

#include "sql.h"

#include <stdbool.h>

enum { CALLS_KEPT = 200000 }; /* older ones are forgotten */

struct call {
    int64_t at_ms;
    const char *endpoint;
    int64_t app_id, user_id; /* 0: nobody known */
    bool counted;            /* in the rate window */
    const char *publish_id;
    int status; /* HTTP; 0: no answer was sent */
    const char *code;
    const char *log_id;
    int64_t fault_id; /* the fault that was applied, or 0 */
};

/* How many calls of the same endpoint, by the same app and for the same person, count in
 * the minute before this one. */
enum rc calls_in_window(struct sql *sql, const struct call *call, int64_t *n,
                        struct err *err) MUST_CHECK;

enum rc call_store(struct sql *sql, const struct call *call, struct err *err) MUST_CHECK;

/* The newest calls first; of one publication when publish_id is not NULL. */
typedef void (*call_fn)(void *ctx, const struct call *call);
enum rc calls_each(struct sql *sql, const char *publish_id, int64_t limit, call_fn each,
                   void *ctx, struct err *err) MUST_CHECK;

#endif
