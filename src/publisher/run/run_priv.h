/* publisher/run/run_priv.h - a run's state, shared by run.c and the files run_*.c. */
#ifndef PUBLISHER_RUN_PRIV_H
#define PUBLISHER_RUN_PRIV_H

#include "../flow/flow.h"
#include "../intake/turns.h"
#include "../publisher.h"
#include "queue/queue.h"
#include "run.h"
#include "store/jobs.h"
#include "tiktok/oauth.h"
#include "tiktok/posting.h"
#include "tiktok/status.h"

#include <inttypes.h>

/* What follows when what was under way has ended. */
enum run_next {
    RUN_DECIDE,  /* the flow decides on run.ev */
    RUN_CALL,    /* the rate window let the call through: make it */
    RUN_TURN,    /* too many requests are under way: when it is its turn */
    RUN_LOCAL,   /* Redis is away: ask the window kept here, then as above */
    RUN_DELAY,   /* the same action again, after run.delay_ms */
    RUN_REFRESH, /* the stored token is too old: get a newer one, slowly */
    RUN_REPEAT,  /* the same action again: what it lacked is there now */
};

enum {
    RUN_DELAY_STORE_MS = 500, /* the database is away */
    RUN_WAITING_PER_MS = 3,   /* posts whose witness and grant take a ms */
    RUN_AHEAD_MAX_MS = 5000,  /* so early a grant may come at most for others' sake */
    RUN_TOLD_MS = 600000,     /* so long after one, webhooks are relied on to come soon */
    RUN_TOLD_POLL_MS = 10000, /* and polls are at least so far apart */
    RUN_COUNTED_MS = QUEUE_COUNTED_MS,
    RUN_RESTORE_MS = 50, /* until Redis may know the windows again */
};

struct run {
    struct pool_work work; /* first, so that the work is the run */
    struct list_node node;
    struct list_node by_post;
    struct list_node waiting; /* in a lane of publisher/run/batch.h */
    struct turn turn;         /* for a request */
    struct publisher *p;
    struct job_ref ref;
    uint64_t account_id;

    struct flow flow;
    struct flow_action action; /* what is being done, or waited for */
    struct timer timer;
    uint64_t http_id; /* 0: no transfer */
    int64_t sending;  /* bytes of the file in it */
    int64_t now_ms;   /* by the database's clock, when the action was begun */
    int64_t left_ms;  /* likewise, when its request left: that may have waited its turn */
    size_t looked;    /* the file that the transfer asks an object store for */
    int file;         /* the video while a part of it is sent, else -1 */

    bool waits; /* its timer is that of WAIT: counted in publisher.waiting */
    bool crashed_often;
    bool begun;          /* the flow is: the row was read once */
    bool on_thread;      /* the work is submitted: hands off what it uses */
    bool dropped;        /* free it when the work comes back */
    bool nudged;         /* the next poll is not waited for */
    bool commit_counted; /* how late it published, see run_limit.c */
    bool let_through;    /* the brake has let the call through; not answered yet */
    bool throttled;      /* TikTok answered 429 in spite of the window: */
    enum queue_ring throttled_ring; /* this one shrinks */
    int64_t limited_ms;    /* limits have held the post up until then; 0: never */
    bool recount;          /* the INIT took long: it is to count from now on */
    bool passed;           /* the rate window let the call through; not begun yet */
    bool store_failed;     /* said in the log already */
    bool token_renewed;    /* for the TOKEN under way: take what is stored now */
    bool token_refused;    /* token_version is one that TikTok refused */
    bool granted_alone;    /* GRANT is done, and on one machine alone (PUBLISH_STRICT) */
    const char *held_back; /* what it waits for, as its people were told; NULL: nothing */
    unsigned token_version; /* 0: none yet */
    unsigned inits;         /* since the claim: the first is counted already */

    /* The event that the work or transfer under way will bring. Its reason is a
     * constant, since the flow keeps it. */
    enum run_next next;
    int64_t delay_ms;
    struct flow_event ev;

    struct job_facts facts;
    struct tiktok_session session;           /* upload_url is a secret */
    unsigned char gate_token[JOB_GATE_SIZE]; /* of the attempt under way; a secret too */
    char holder[QUEUE_WITNESS_SIZE];         /* the session that ADOPT is about */
    struct run_counted counted;              /* the claim's INIT */
    int64_t init_date_ms; /* TikTok's clock when the session was opened */
    char log_id[64];      /* of TikTok's last answer that matters */
    char word[48];        /* TikTok's last status word */
    char noted[48];       /* the one the timeline tells of */
    char post_ids[JOB_IDS_SIZE];
    char *token; /* a secret; NULL until TOKEN was done. Its own memory: a waiting run
                  * shall be small, and a token is, however long one may be */
};

/* Whom a line of the log is about: RUN_WHO_OF(r) are its values. publish_id is "" as long
 * as there is none. Not while the run is on another thread. */
#define RUN_WHO                                                                          \
    "post=%" PRIu64 " attempt=%u fence=%" PRIu64 " inc=%" PRIu64 " publish_id=%s"
#define RUN_WHO_OF(r)                                                                    \
    (r)->ref.post_id, (r)->flow.start.attempt_no, (r)->ref.fence, (r)->ref.inc,          \
        (r)->session.publish_id

/* Runs on a store thread: does r->action, fills r->ev. (run_store.c) */
void run_on_store(struct pool_work *w, const struct pool_kit *kit);

/* After a GRANT: it may have to wait for a replica. (run_store.c) */
void run_granted(struct run *r, const struct pool_kit *kit);

/* Whether a word to Redis failed: it is away, and what it would have done is not needed
 * for safety, or it has refused, which is logged. (run_store.c) */
bool run_hint_failed(enum rc rc, const struct err *err);

/* May the INIT be made now? r->next says what follows. (run_ration.c) */
void run_ration_init(struct run *r, const struct pool_kit *kit);

/* Before any of them: moves in the account's window what is to be moved there. */
void run_recount(struct run *r, const struct pool_kit *kit);

/* The same for n runs that want to do the same write, in one transaction. False: nothing
 * was written and no event filled; each is to be done alone. (run_batch.c) */
bool run_all_on_store(struct run *const *runs, size_t n,
                      const struct pool_kit *kit) MUST_CHECK;

/* What both of them make of a statement's result, and what they write. (run_store.c)
 * run_session() borrows from the run and from sealed, which it fills. */
void run_store_event(struct run *r, enum rc rc, const struct err *err);
struct job_intent run_intent(const struct run *r);
enum rc run_session(const struct run *r, struct strbuf *sealed, struct job_session *out,
                    struct err *err) MUST_CHECK;

/* What TikTok fetches (run_pull.c): how the post's new sessions go; a new token for the
 * attempt that is to be made; the writes, on a store thread; true when the files are
 * there (else r->ev says why not); the body of an INIT. */
enum flow_way run_way(const struct run *r, const struct job_facts *facts) MUST_CHECK;
void run_new_gate(struct run *r);
void run_do_open(struct run *r, const struct pool_kit *kit);
void run_do_name(struct run *r, const struct pool_kit *kit);
void run_do_adopt(struct run *r, const struct pool_kit *kit);
bool run_close_gate(struct run *r, const struct pool_kit *kit) MUST_CHECK;
bool run_media_there(struct run *r) MUST_CHECK;

/* In an object store the files are looked for over the network, one after the other from
 * the i-th, and then INIT is sent. False: nothing is under way, r->ev says why.
 * (run_pull.c)
 */
bool run_look(struct run *r, size_t i) MUST_CHECK;
void run_pull_body(const struct run *r, struct strbuf *body);

/* What follows from a file that was not there (RC_NOT_FOUND), or from a store that did
 * not say (RC_UNAVAILABLE); the INIT that all files are there for. (run_http.c) */
void run_media_missed(struct run *r, enum rc rc, const struct err *err);
bool run_send_init(struct run *r) MUST_CHECK;

/* For it (run_http.c): refused for this reason of ours; the body for a video. */
void run_refuse(struct run *r, const char *reason);
void run_video_body(const struct run *r, const struct tiktok_video_source *source,
                    struct strbuf *body);

/* The transfer under way has ended or was ended. (run.c) */
void run_call_ended(struct run *r);

/* Replaces the token; NULL: only wipes it. (run.c) */
void run_set_token(struct run *r, const char *token);

/* The store is done with the run: on, or away with it when it was dropped. (run.c) */
void run_came_back(struct run *r);

/* Runs on a task thread: gets a newer token. */
void run_on_task(struct pool_work *w, const struct pool_kit *kit);

/* Begins the transfer that r->action asks for. False: it could not be begun, and r->next
 * says what follows. (run_http.c) */
bool run_send(struct run *r) MUST_CHECK;

/* What was under way has ended: on to what r->next says. (run.c) */
void run_advance(struct run *r);

/* The flow is to decide on this. reason is a constant, or NULL. */
void run_event(struct run *r, enum flow_what what, const char *reason, int64_t wait_ms);

/* The same action again later, without asking the flow. */
void run_delay(struct run *r, int64_t delay_ms);

/* The rate window of TikTok's that r->action falls into; false: none. */
bool run_call_ring(const struct run *r, enum queue_ring *ring) MUST_CHECK;

/* Likewise, when the call is to be counted now; false when it is free. */
bool run_ring(const struct run *r, enum queue_ring *ring) MUST_CHECK;

#endif
