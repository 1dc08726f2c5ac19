/* publisher/flow/flow.h - the decisions of publishing one post, without the I/O.
 *
 * What a flow is doing is what its last action said. The loop does that, and comes back
 * with the event that tells how it went. A video that we send (FLOW_BY_UPLOAD):
 *
 *   claim ──► TOKEN ──► CREATOR ──► INTENT ──► INIT ──► PERSIST ──► CHUNK… ──► WAIT
 *               │                     ▲                               ▲          │
 *               │ a session is there  │ the old one is dead           │          ▼
 *               └──► STATUS ──────────┼───────────────────────────────┘       WITNESS
 *                     ▲  │ ▲          │                                          │
 *                     │  │ └─ unclear │                                          ▼
 *        PUBLISHED ◄──┘  └──► DEAD ───┘        STATUS ◄── SENT ◄── LAST ◄───── GRANT
 *                                             (polls)             (at due)   (commit)
 *
 * What TikTok fetches from us, photos and, if so set, videos (FLOW_BY_GATE): the address
 * holds a token of the attempt, and nothing is served below it until OPEN has stored the
 * session and granted it in one transaction. Opening the gate is the commit:
 *
 *   claim ──► TOKEN ──► CREATOR ──► INTENT ──► WAIT ──► INIT ──► WITNESS ──► OPEN
 *               │                     ▲ ▲              (1 s      │ held by a   │ (at due:
 *               │ the gate is open    │ │               early)   │ session     │ commit)
 *               └──► STATUS ──► DEAD ─┘ │                        ▼ we forgot   ▼
 *                      │  (polls)       └── CLOSE ◄─ STATUS ◄── ADOPT       STATUS
 *                      ▼                    never fetched in 70 min         (polls)
 *                  PUBLISHED
 *
 * For a TikTok that fetches before it answers INIT, the gate is opened first and the
 * session named afterwards (FLOW_BY_LOG): INTENT ──► WAIT ──► OPEN ──► INIT ──► PERSIST
 * ──► STATUS. An INIT without an answer is then followed by CLOSE, and by REVIEW when
 * something was fetched already.
 *
 *   before the grant, anything may end in  LATER  FAIL  BLOCK  CANCELED  RELEASE
 *   after it, only in                      PUBLISHED  DEAD  CLOSE  REVIEW  HANDOVER
 *   a database answer that was lost leads through RELOAD; a fence that was lost to END
 *
 * The rules that make it "never twice" (docs/publishing.md), each asserted by
 * tests/unit/test_publisher_flow.c for every sequence of events up to a depth:
 *   - INIT only while no session of the post can still complete: none was granted, or the
 *     granted one is DEAD with proof. (FLOW_BY_LOG: or the grant is this attempt's own,
 *     and this is its only INIT.)
 *   - LAST only after this attempt's GRANT; OPEN not before its time, and by the gate
 *     only after INIT was answered;
 *   - an unclear result is never answered by a new INIT, but by asking, or by a gate that
 *     is known to be shut for good;
 *   - the end absorbs.
 * Proof of death is TikTok's word FAILED, or: its clock says that the upload URL is dead,
 * the upload is incomplete in two answers a minute apart, and our last chunk was never
 * accepted; or, of what TikTok fetches: the gate was closed before anything had gone
 * through it. A session whose gate was never opened is dead from the next INTENT on. One
 * that was not granted is given up without proof, unless it holds the witness: then the
 * database may have forgotten its grant, and it is granted once more; so is a session by
 * the gate that only the witness knows (ADOPT), whichever way the post's own goes.
 *
 * The account's rate windows lie outside, in queue_take().
 *
 * flow_*() are pure: no clock, no memory, no I/O. Times are ms UTC of the database's
 * clock, as the loop estimates it. */
#ifndef PUBLISHER_FLOW_H
#define PUBLISHER_FLOW_H

#include "core/attr.h"
#include "tiktok/chunk.h"
#include "tiktok/status.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FLOW_GRANT_AHEAD_MS = 300,    /* witness and grant begin this long before due */
    FLOW_INIT_AHEAD_MS = 1300,    /* by the gate, INIT does: TikTok comes at once, and the
                                   * gate lets it wait so long that this is no risk. Soon
                                   * enough after the claim, at which the account's rate
                                   * window has counted it */
    FLOW_RETRY_BASE_MS = 2000,    /* a release's first backoff; doubles, */
    FLOW_RETRY_CAP_MS = 300000,   /* up to this */
    FLOW_STORE_RETRY_MS = 500,    /* the database is away: the same again */
    FLOW_CHUNK_TRIES = 5,         /* of one chunk in a row, then LATER (or STATUS) */
    FLOW_RESYNCS_MAX = 8,         /* of one session's position, then it is given up */
    FLOW_DOUBT_POLLS = 4,         /* short of an "all stored" before it is doubted */
    FLOW_STATUS_TRIES = 5,        /* unanswered, before a grant, then LATER */
    FLOW_ATTEMPTS_MAX = 12,       /* sessions of one post, then FAIL. One that TikTok did
                                   * not open costs nothing and is not counted */
    FLOW_URL_LIFE_MS = 3600000,   /* upload URL; source: docs/tiktok.md 5.2. A fetch of
                                   * TikTok's takes no longer either; 6.3 */
    FLOW_URL_MARGIN_MS = 600000,  /* beyond it no chunk in flight can still land */
    FLOW_PROOF_GAP_MS = 60000,    /* between the two incomplete answers */
    FLOW_REVIEW_MS = 259200000,   /* unknown for 72 h after the grant: REVIEW */
    FLOW_DENIED_RETRY_MS = 60000, /* granted, but no token to ask with */
    FLOW_SHORT_RETRY_MS = 10000,  /* granted, and TikTok does not answer, or no byte of
                                   * the rest gets through: at most so long */
};

enum flow_do {
    FLOW_DO_TOKEN,   /* have an access token; action.force: a newer one than was used */
    FLOW_DO_CREATOR, /* ask creator_info: may this post go out as chosen? */
    FLOW_DO_INTENT,  /* write: a new attempt is about to be made */
    FLOW_DO_INIT,    /* open a session at TikTok */
    FLOW_DO_PERSIST, /* write: its publish_id and upload URL */
    FLOW_DO_CHUNK,   /* send action.chunk, which is not the last */
    FLOW_DO_WAIT,    /* nothing until action.at_ms */
    FLOW_DO_WITNESS, /* note the session in Redis, unless somebody was first */
    FLOW_DO_GRANT,   /* write: the commit point */
    FLOW_DO_OPEN,    /* write, not before action.at_ms: the session, if it has a name, and
                      * its grant: TikTok may fetch */
    FLOW_DO_ADOPT,   /* write: the session that holds the witness is the attempt's, and is
                      * granted; the attempt's own gate never opens */
    FLOW_DO_LAST,    /* send the last chunk, at action.at_ms and not earlier */
    FLOW_DO_SENT,    /* write: TikTok has every byte */
    FLOW_DO_STATUS,  /* ask status/fetch */

    FLOW_DO_PUBLISHED, /* write: TikTok confirmed */
    FLOW_DO_DEAD,      /* write: the session cannot complete any more (action.reason) */
    FLOW_DO_CLOSE,     /* write: the same, if nothing has gone through its gate yet */
    FLOW_DO_RELOAD,    /* read job and attempt again, under our fence */

    /* From here on: what ends the flow. */
    FLOW_DO_LATER,    /* write: released until action.wait_ms from now */
    FLOW_DO_FAIL,     /* write: FAILED with action.reason */
    FLOW_DO_BLOCK,    /* write: BLOCKED with action.reason: a person must act */
    FLOW_DO_REVIEW,   /* write: REVIEW with action.reason: a person must look */
    FLOW_DO_CANCELED, /* write: the person had canceled, and the database forgot */
    FLOW_DO_RELEASE,  /* write: SCHEDULED again, at once: we are shutting down */
    FLOW_DO_HANDOVER, /* write: COMMITTED, for whoever comes: we are shutting down */

    FLOW_DO_END, /* nothing: the post is out of our hands */
};

struct flow_action {
    enum flow_do what;
    int64_t at_ms;      /* not before this; 0: at once */
    int64_t chunk;      /* CHUNK and LAST: which */
    int64_t wait_ms;    /* LATER */
    const char *reason; /* stable code; a constant or the event's own text; or "" */
    bool force;         /* TOKEN */
    bool late;          /* FAIL: the next try would be later than the person allows */
    bool proof;         /* DEAD: even if it was granted and the database forgot that */
    bool limited;       /* LATER: TikTok lets the account post nothing for a while. How
                         * long is for the store to say; it is no failure, and however
                         * long it lasts, the post is not given up for it */
};

/* How the last action went. */
enum flow_what {
    FLOW_OK,
    FLOW_AGAIN,    /* it did not happen: worth trying again, not before wait_ms */
    FLOW_UNCLEAR,  /* it may have happened */
    FLOW_AUTH,     /* TikTok refused the access token: it did not happen */
    FLOW_REFUSED,  /* for good; verdict and reason say what to show. Of a write, and of
                      WITNESS: it can never work, a person must look */
    FLOW_LOST,     /* the row is no longer ours */
    FLOW_UPLOADED, /* CHUNK, LAST: answered; step says what TikTok made of it */
    FLOW_TOLD,     /* STATUS: answered; the status fields are set */
    FLOW_UNKNOWN,  /* STATUS: TikTok does not know the publish_id */
    FLOW_HELD,     /* WITNESS: another session holds it, which ADOPT can take up. CLOSE:
                      too late, something was fetched. DEAD without proof and FAIL: not
                      written, because this session holds the witness, so it may have
                      been granted once; or another does (other), as with WITNESS */
    FLOW_DROPPED,  /* WITNESS: it says that the person canceled */
    FLOW_LOADED,   /* RELOAD: the row is ours; start is set */
};

enum flow_verdict {
    FLOW_VERDICT_FAIL,
    FLOW_VERDICT_BLOCK, /* a person must act on the account first */
    FLOW_VERDICT_LIMIT, /* a limit of the account's, which passes by itself */
};

/* How the bytes get to TikTok. */
enum flow_way {
    FLOW_BY_UPLOAD, /* we send them */
    FLOW_BY_GATE,   /* TikTok fetches them; granted when the session is known */
    FLOW_BY_LOG,    /* TikTok fetches them; granted before it is asked to */
};

/* What the database says about the newest attempt. */
enum flow_session {
    FLOW_SESSION_NONE,    /* none, INTENT or DEAD: nothing that could complete */
    FLOW_SESSION_READY,   /* publish_id known, not granted */
    FLOW_SESSION_GRANTED, /* may have been sent */
    FLOW_SESSION_SENT,    /* TikTok has accepted every byte */
};

struct flow_start {
    struct tiktok_chunk_plan plan;
    int64_t due_ms;
    int64_t give_up_ms; /* due and the person's patience: later is not published */
    int64_t granted_ms; /* when the session was granted, or 0 */
    enum flow_session session;
    enum flow_way way;     /* of that session; once granted, by gate or log is all one */
    enum flow_way new_way; /* of those to come */
    bool named;            /* granted, not by upload: its publish_id is known */
    bool gate;           /* granted: what TikTok fetches goes through our gate, which can
                          * be closed */
    unsigned attempt_no; /* of the newest attempt, 0: none */
    unsigned unborn;     /* attempts, up to it, for which TikTok opened no session */
    unsigned fails;      /* job.fails: sets the backoff */
    bool direct;         /* a direct post: creator_info must allow it */
};

struct flow_event {
    enum flow_what what;
    int64_t now_ms;
    int64_t wait_ms; /* AGAIN: what the other side asked for; 0: nothing */
    int64_t cap_ms;  /* for so long LATER may be at most; 0: FLOW_RETRY_CAP_MS. While
                      * everybody waits for TikTok's return that is looked for
                      * often, by one at a time */
    unsigned jitter; /* 0..1000, random */
    enum flow_verdict verdict; /* REFUSED */
    const char *reason;        /* REFUSED, TOLD (failure): stable code */
    bool other;                /* HELD of DEAD and FAIL: by another session */

    struct tiktok_upload_step step; /* UPLOADED */

    enum tiktok_state state; /* TOLD */
    bool retry;              /* TOLD, FAILED: another session may fare better */
    bool block;              /* TOLD, FAILED: a person must act on the account first */
    bool limit;              /* TOLD, FAILED: a limit of the account's */
    int64_t bytes;           /* TOLD: TikTok has this many, -1: not said */
    int64_t age_ms;          /* TOLD: of the session by TikTok's clock, -1: not known */

    struct flow_start start; /* LOADED */
};

/* A flow; visible so that callers can embed it, private but for flow_*(). */
struct flow {
    struct flow_start start;
    enum flow_do doing;
    enum flow_do then;   /* after TOKEN: CREATOR, INIT or STATUS */
    int64_t chunk;       /* next to send */
    bool position_known; /* chunk is what TikTok expects, unsent */
    bool granted;
    bool sent;    /* TikTok accepted the last chunk: no death by age */
    bool served;  /* something was fetched: likewise */
    bool limited; /* the session died of a limit of the account's */
    unsigned tries, resyncs, auths, polls, deaths;
    unsigned unanswered; /* polls in a row after the grant */
    int64_t short_ms;    /* when the upload was first seen expired, not whole; 0: never */
    enum flow_do after_dead;    /* INTENT, LATER, FAIL or BLOCK */
    const char *reason;         /* of DEAD and what follows it */
    struct flow_action last;    /* what was decided last */
    struct flow_action unclear; /* the write that RELOAD is to clear up */
};

/* The first action for a job that was just claimed. */
struct flow_action flow_begin(struct flow *f, const struct flow_start *start,
                              int64_t now_ms);

/* The action that follows an event. */
struct flow_action flow_step(struct flow *f, const struct flow_event *ev);

/* The process shuts down and nothing of this flow is under way (its last action was not
 * started yet): gives the job back, or repeats the action when flow_may_stop() says that
 * it must be done first. */
struct flow_action flow_stop(struct flow *f);

/* True when the action may be replaced by flow_stop() instead of being started. */
bool flow_may_stop(enum flow_do what) MUST_CHECK;

/* True while there is nothing left to do but to ask TikTok how it went. */
bool flow_only_polls(const struct flow *f) MUST_CHECK;

/* "token", "creator", ... for logs. */
const char *flow_do_name(enum flow_do what);

#endif
