/* domain/reason.h - why a post is where it is: stable codes and their words.
 *
 * job.last_reason holds one of these, written by the publisher (its flow and TikTok's
 * errors, tiktok/errors.h), by disconnecting an account or by a person. The words here
 * are for a post that has come to rest; while it is tried again by itself the status says
 * so instead of the next step. Codes TikTok's table does not know either are shown as
 * they are, never hidden (domain/status.h). */
#ifndef DOMAIN_REASON_H
#define DOMAIN_REASON_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* What the button beside the next step does; NextAction in docs/openapi.yaml. */
enum next_action {
    NEXT_NONE,
    NEXT_RECONNECT,
    NEXT_CHOOSE_AGAIN,
    NEXT_REPLACE_MEDIA,
    NEXT_RETRY,
    NEXT_EDIT_CAPTION,
    NEXT_WAIT,
    NEXT_OPEN_TIKTOK,
    NEXT_RESOLVE,
};

/* "reconnect", "choose_again", ... */
const char *next_action_name(enum next_action action);

struct reason {
    const char *code;
    const char *sentence;  /* what happened */
    const char *next_step; /* what to do about it */
    enum next_action action;
};

/* The row of a code, or NULL when there is none. */
const struct reason *reason_find(const char *code);

/* The rows one by one, for tests. */
size_t reason_count(void);
const struct reason *reason_at(size_t i);

/* Codes that other parts of the program name. */
#define REASON_OUTCOME_UNKNOWN      "outcome_unknown"
#define REASON_WITNESS_CONFLICT     "witness_conflict"
#define REASON_SECOND_LIVE          "second_live_attempt"
#define REASON_REPLICA_MISSING      "replica_missing" /* PUBLISH_STRICT waits for it */
#define REASON_WITNESS_MISSING      "witness_missing" /* likewise */
#define REASON_ACCOUNT_DISCONNECTED "account_disconnected"
#define REASON_RECONNECT_NEEDED     "reconnect_needed"
#define REASON_ACCOUNT_WINDOW       "account_window" /* six posts a minute; not stored */
#define REASON_SCOPE_MISSING        "scope_missing"  /* as the error table has it */
#define REASON_EDITED               "edited"         /* and not scheduled again */
#define REASON_SAID_PUBLISHED       "said_published" /* by a person */
#define REASON_SAID_NOT_PUBLISHED   "said_not_published" /* likewise */
#define REASON_NO_LONGER_PUBLIC     "no_longer_public"   /* of a published post */

/* True when a post in REVIEW for this reason may be on TikTok without our knowing. */
bool reason_leaves_outcome_unknown(const char *code) MUST_CHECK;

#endif
