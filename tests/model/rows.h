/* tests/model/rows.h - what the database holds of a post, and the statements about it.
 *
 * Each function is one transaction of src/store: true when its guards let it, and then
 * the rows are changed. Fence and owner are compared by the caller. Shared by the model
 * (few attempts) and the simulation. */
#ifndef TESTS_MODEL_ROWS_H
#define TESTS_MODEL_ROWS_H

#include "publisher/flow/flow.h"
#include "store/jobs.h"

#include <stdbool.h>
#include <stdint.h>

#ifndef ROWS_ATTEMPTS
#define ROWS_ATTEMPTS 3
#endif

struct attempt_row {
    uint8_t state; /* enum attempt_state */
    uint8_t sid;   /* publish_id: a session, 0: none */
    uint8_t ver;   /* content version */
    bool proven;   /* DEAD with proof */
    bool pulls;    /* TikTok fetches */
    bool token;    /* ... through a gate that can open */
    bool served;   /* something went through it */
    uint8_t gate;  /* the session that fetches through it, if TikTok has opened one */
};

struct rows {
    uint8_t state; /* enum job_state */
    uint8_t no;    /* attempt_no */
    uint8_t granted;
    uint8_t ver; /* post.content_ver */
    struct attempt_row attempt[ROWS_ATTEMPTS];
};

/* The rules of the database that a test may break. */
struct rows_rules {
    bool no_grant_guard;  /* GRANT asks neither state nor attempt */
    bool no_live_index;   /* without UNIQUE(live_post) */
    bool careless_burial; /* any DEAD row counts as one with proof */
};

/* A publisher's. */
bool rows_claim(struct rows *r);
bool rows_intend(struct rows *r, unsigned no, uint8_t ver);
bool rows_persist(struct rows *r, unsigned no, uint8_t sid);
enum granted { GRANT_OK, GRANT_LOST, GRANT_REFUSED };
enum granted rows_grant(struct rows *r, unsigned no, struct rows_rules rules);
enum granted rows_open(struct rows *r, unsigned no, uint8_t sid, bool adopted);
bool rows_name(struct rows *r, unsigned no, uint8_t sid);
bool rows_close(struct rows *r, unsigned no, bool *passed);
bool rows_sent(struct rows *r, unsigned no);
bool rows_published(struct rows *r, unsigned no);
bool rows_dead(struct rows *r, unsigned no, bool proven);
bool rows_end(struct rows *r, enum flow_do how);

/* A person's; was: the state as the person's worker has read it. */
bool rows_cancel(struct rows *r);
bool rows_edit(struct rows *r, uint8_t was);
bool rows_again(struct rows *r, uint8_t was);

/* job_attempt_is_dead(), and run_store.c's session_of(). */
bool rows_is_dead(const struct rows *r, uint8_t sid, struct rows_rules rules);
enum flow_session rows_session(const struct rows *r);

#endif
