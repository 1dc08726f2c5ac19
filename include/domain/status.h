/* domain/status.h - what a person sees of a post, and what can be done with it.
 *
 * The database knows a job's state, its last reason and how far TikTok is; a person sees
 * one of twelve statuses, why, a sentence, and a next step. ONE table for the whole
 * program: nothing else turns states into words. */
#ifndef DOMAIN_STATUS_H
#define DOMAIN_STATUS_H

#include "core/attr.h"
#include "domain/reason.h"

#include <stdbool.h>
#include <stdint.h>

/* Numbers stored in job.state; enum job_state of store/jobs.h and the draft, which no
 * publisher ever meets. */
enum post_phase {
    PHASE_DRAFT = 0,
    PHASE_SCHEDULED = 1,
    PHASE_RUNNING = 2,
    PHASE_COMMITTED = 3,
    PHASE_PUBLISHED = 4,
    PHASE_FAILED = 5,
    PHASE_CANCELED = 6,
    PHASE_REVIEW = 7,
    PHASE_BLOCKED = 8,
};
enum { PHASE_COUNT = 9 };

/* In the order of the API's Counts. */
enum post_status {
    STATUS_DRAFT,
    STATUS_AWAITING_APPROVAL,
    STATUS_SCHEDULED,
    STATUS_PREPARING,
    STATUS_PUBLISHING,
    STATUS_PROCESSING,
    STATUS_PUBLISHED,
    STATUS_PUBLISHED_PRIVATE,
    STATUS_IN_INBOX,
    STATUS_NEEDS_ATTENTION,
    STATUS_FAILED,
    STATUS_CANCELED,
};
enum { STATUS_COUNT = 12, STATUS_TEXT_SIZE = 256 };

/* "draft", "awaiting_approval", ... */
const char *post_status_name(enum post_status status);

/* True when text is such a name. */
bool post_status_parse(const char *text, enum post_status *status) MUST_CHECK;

/* Numbers stored in post.visibility: what TikTok has told of a published post since. */
enum post_visibility {
    VISIBILITY_NOT_SAID = 0,
    VISIBILITY_PUBLIC = 1, /* everybody can see it, whatever audience it went out for */
    VISIBILITY_HIDDEN = 2, /* not any more: made private, deleted or taken down */
};

/* How a post stands in the database. */
struct post_standing {
    enum post_phase phase;
    const char *reason; /* job.last_reason; "" when there is none */
    bool granted;       /* an attempt may have sent its last byte (job.granted) */
    bool sent;          /* TikTok has every byte of it, or may fetch them */
    bool inbox;         /* post.mode: to the inbox */
    bool finished;      /* and TikTok says that the person has posted it from there */
    bool self_only;     /* the audience is only the account itself */
    enum post_visibility visibility;
    bool waits_turn;    /* its account has begun as many posts as a minute may have */
    int64_t due_ms;     /* 0: no time */
    int64_t limited_ms; /* a limit of TikTok's holds it up until then; 0: none has */
    int64_t now_ms;
};

/* What a person sees. */
struct post_shown {
    enum post_status status;
    const char *reason;          /* stable code, or NULL; borrowed from the standing */
    char text[STATUS_TEXT_SIZE]; /* a sentence */
    const char *next_step;       /* a sentence, or NULL */
    enum next_action action;
};
void post_show(const struct post_standing *standing, struct post_shown *out);

/* The status alone. */
enum post_status post_status_of(const struct post_standing *standing);

/* In REVIEW, and it may be on TikTok without our knowing: only "resolve" leads on. */
bool post_outcome_unknown(const struct post_standing *standing) MUST_CHECK;

/* What a person can do. */
enum post_deed {
    DEED_CHANGE,
    DEED_DELETE,
    DEED_SCHEDULE,
    DEED_PUBLISH_NOW,
    DEED_CANCEL,
    DEED_RETRY,
    DEED_RESOLVE,
};

/* NULL when it can be done as the post stands, else why not: "wrong_status", "too_late"
 * or "outcome_unknown". */
const char *post_refusal(enum post_deed deed, const struct post_standing *standing);

#endif
