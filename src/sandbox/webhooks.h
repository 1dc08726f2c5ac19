/* sandbox/webhooks.h - the webhooks that were made, and what became of each.
 *
 * One row a delivery. Rows are made when something has happened: for publications by the
 * courier, which sees their times pass (webhook_errand.h), for removed apps by who
 * removes them. Faults are met then; sending is the courier's. All functions belong
 * inside a transaction unless they only read. */
#ifndef SRC_SANDBOX_WEBHOOKS_H
#define SRC_SANDBOX_WEBHOOKS_H

#include "apps.h"
#include "webhook_rules.h"

enum {
    WEBHOOK_TROUBLE_SIZE = 48,
    WEBHOOK_COPIES_MAX = 10,
    WEBHOOKS_KEPT = 20000, /* rows; older ones that are over go */
};

#define WEBHOOK_HELD_MS INT64_C(60000) /* one that lets the next pass waits no longer */

enum webhook_state {
    WEBHOOK_WAITING,
    WEBHOOK_DELIVERED, /* answered with 200 */
    WEBHOOK_DROPPED,   /* 72 hours are over, or the address is gone */
    WEBHOOK_LOST,      /* never sent: a fault */
    WEBHOOK_STATE_COUNT,
};

const char *webhook_state_name(enum webhook_state state);

/* How a fault spoils a signature. */
enum webhook_forgery {
    SIGNATURE_RIGHT,
    SIGNATURE_WRONG,
    SIGNATURE_MALFORMED,
    SIGNATURE_MISSING
};

struct webhook {
    int64_t id; /* 0: there is none */
    int64_t app_id;
    int64_t user_id;        /* 0: of a test */
    int64_t publication_id; /* 0: not about one */
    char event[WEBHOOK_EVENT_SIZE];
    int64_t copy_of; /* the same once more; 0: it is the first */
    char body[WEBHOOK_BODY_MAX];
    int64_t create_ms; /* when it happened */
    int64_t fault_id;  /* 0: none met it */
    enum webhook_forgery forgery;
    bool held; /* waits for the next one of the person to pass */
    enum webhook_state state;
    int64_t due_ms; /* while it waits */
    int64_t tries;
    int64_t first_ms; /* of the tries; 0: none yet */
    int64_t last_ms;
    int64_t signed_s; /* t of the signature; 0: not signed yet */
    int status;       /* HTTP status of the last answer; 0: there was none */
    char trouble[WEBHOOK_TROUBLE_SIZE]; /* why there was none */
};

/* What somebody wants told: who happened to be concerned, and what with. */
struct webhook_news {
    const struct app *app;
    const struct person *person;
    const struct publication *publication; /* NULL: not about one */
    enum webhook_event event;
    int64_t reason; /* of WEBHOOK_REMOVED */
    int64_t at_ms;
};

/* Makes the rows for it: one, none if it has been told, more if a fault says so. */
enum rc webhook_tell(struct sql *sql, const struct knobs *knobs,
                     const struct webhook_news *news, struct err *err) MUST_CHECK;

/* One by itself, past all faults, due at once: the portal's "Test URL". */
enum rc webhook_add(struct sql *sql, struct webhook *h, struct err *err) MUST_CHECK;

enum rc webhook_by_id(struct sql *sql, int64_t id, struct webhook *h,
                      struct err *err) MUST_CHECK;

/* Writes what sending changes: held, state, due_ms, tries, first_ms, last_ms, signed_s,
 * status and trouble. */
enum rc webhook_store(struct sql *sql, const struct webhook *h,
                      struct err *err) MUST_CHECK;

/* Those that the person's later ones were to pass are due: a later one has arrived. */
enum rc webhooks_release(struct sql *sql, const struct webhook *passed, int64_t now_ms,
                         struct err *err) MUST_CHECK;

/* Calls each() for those that are due at now_ms, the longest due first. */
typedef void (*webhook_fn)(void *ctx, const struct webhook *webhook);
enum rc webhooks_due(struct sql *sql, int64_t now_ms, int64_t limit, webhook_fn each,
                     void *ctx, struct err *err) MUST_CHECK;

/* When the first that is not due at now_ms will be; INT64_MAX: there is none. */
enum rc webhooks_due_ms(struct sql *sql, int64_t now_ms, int64_t *due_ms,
                        struct err *err) MUST_CHECK;

/* What to list, the newest first. */
struct webhook_filter {
    const char *event;      /* "": any */
    int64_t user_id;        /* 0: anybody's */
    int64_t publication_id; /* 0: about any, or none */
    int64_t before;         /* ids below; 0: from the newest on */
    int64_t limit;
};
enum rc webhooks_each(struct sql *sql, const struct webhook_filter *filter,
                      webhook_fn each, void *ctx, struct err *err) MUST_CHECK;

/* How many there are in each state. */
enum rc webhooks_count(struct sql *sql, int64_t counts[WEBHOOK_STATE_COUNT],
                       struct err *err) MUST_CHECK;

#endif
