/* sandbox/fate.h - what follows from a publication's last byte, however it came. */
#ifndef SRC_SANDBOX_FATE_H
#define SRC_SANDBOX_FATE_H

#include "knobs.h"
#include "people.h"
#include "publications.h"

/* What a decision needs to know of the simulator. */
struct world {
    struct sql *sql;
    const struct knobs *knobs;
    int64_t now_ms; /* of the simulator's clock */
};

/* Whether a person has as many direct posts of 24 hours as the cap allows. */
enum rc day_is_full(const struct world *world, const struct person *person, bool *full,
                    struct err *err) MUST_CHECK;

/* Decides into p when processing ends and how, and which number the post has; p's
 * committed_ms is set. failure is what a look at the files found, or NULL. *fault_id is
 * the fault that met it, if any; else it is left alone. Inside a transaction. */
enum rc fate_decide(const struct world *world, struct publication *p, const char *failure,
                    int64_t *fault_id, struct err *err) MUST_CHECK;

#endif
