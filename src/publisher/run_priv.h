/* publisher/run_priv.h - a run's state, shared by run.c, run_store.c and run_http.c. */
#ifndef PUBLISHER_RUN_PRIV_H
#define PUBLISHER_RUN_PRIV_H

#include "flow.h"
#include "publisher.h"
#include "run.h"
#include "store/jobs.h"
#include "tiktok/oauth.h"
#include "tiktok/posting.h"
#include "tiktok/status.h"

/* What follows work on a thread. */
enum run_next {
    RUN_DECIDE,  /* the flow decides on run.ev */
    RUN_CALL,    /* the rate window let the call through: make it */
    RUN_REFRESH, /* the stored token is too old: get a newer one, slowly */
    RUN_REPEAT,  /* the same action again: what it lacked is there now */
};

struct run {
    struct pool_work work; /* first, so that the work is the run */
    struct list_node node;
    struct publisher *p;
    struct job_ref ref;
    uint64_t account_id;
    bool crashed_often;

    struct flow flow;
    struct flow_action action; /* what is being done, or waited for */
    struct timer timer;
    uint64_t http_id; /* 0: no transfer */
    bool on_thread;   /* the work is submitted: hands off what it uses */
    bool dropped;     /* free it when the work comes back */

    struct job_facts facts;
    struct tiktok_session session; /* upload_url is a secret */
    int64_t init_date_ms;          /* TikTok's clock when the session was opened */
    char log_id[64];               /* of TikTok's last answer that matters */
    char word[48];                 /* TikTok's last status word */
    char post_ids[JOB_IDS_SIZE];
    char token[TIKTOK_TOKEN_MAX + 1];
    unsigned token_version; /* 0: none yet */
    int file;               /* the video, or -1 */
    int64_t started_ms;     /* of the transfer under way, by the database's clock */

    /* The event that the work or transfer under way will bring. */
    enum run_next next;
    struct flow_event ev;
    char reason[JOB_CODE_SIZE]; /* what ev.reason points to */
};

/* Runs on a store thread: does r->action, fills r->ev. (run_store.c) */
void run_on_store(struct pool_work *w, const struct pool_kit *kit);

/* Runs on a task thread: gets a newer token. (run_store.c) */
void run_on_task(struct pool_work *w, const struct pool_kit *kit);

/* Begins the transfer that r->action asks for. False: it could not be begun, and r->ev
 * says so. (run_http.c) */
bool run_send(struct run *r) MUST_CHECK;

/* What was under way has ended with r->ev: on to the next action. (run.c) */
void run_advance(struct run *r);

/* Fills r->ev. reason may be NULL. */
void run_event(struct run *r, enum flow_what what, const char *reason, int64_t wait_ms);

/* A failed statement as an event. */
void run_store_event(struct run *r, enum rc rc, const struct err *err);

/* What the loaded facts mean to the flow. */
struct flow_start run_flow_start(const struct run *r);

#endif
