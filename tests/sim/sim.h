/* tests/sim - many posts, publishers and people in virtual time, from one seed.
 *
 * The decisions are those of src/publisher/flow/flow.c; the rest of a publisher (leases,
 * claims, sweeps, reaping, the actions of run_store.c and run_http.c), MariaDB, Redis,
 * TikTok, the network and the people are simulated around it. One thread, one queue of
 * events; every number that matters and everything that goes wrong is drawn from the
 * seed, so that a seed tells the same story each time.
 *
 * A story: posts fall due within ten minutes while everything breaks; then all is mended,
 * and each post is followed to its end, for virtual days if need be, then judged. */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#define ROWS_ATTEMPTS 12

#include "../model/rows.h"
#include "core/attr.h"
#include "publisher/flow/flow.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PUBS_MAX = 4,
    POSTS_MAX = 10,
    ACCOUNTS_MAX = 4,
    SESSIONS_MAX = 24, /* of one post */
    OPS_MAX = 512,     /* requests under way */
    INIT_LIMIT = 6,    /* a minute and account */
    STATUS_LIMIT = 30,
    WINDOW_MS = 60000,
    RING_MS = 61000,
    PHASE_MS = 60000,
    HINT_MARGIN_MS = 50,
    TROUBLE_MS = 600000, /* so long things break */
    CANCEL = 255,        /* as the holder of a witness */
};
#define NEVER INT64_MAX

/* --- chance -------------------------------------------------------------------- */

struct dice {
    uint64_t state;
};
uint64_t dice_next(struct dice *d);
int64_t dice_between(struct dice *d, int64_t least, int64_t most);
bool dice_chance(struct dice *d, unsigned per_mille);

/* --- what may be broken to see that it is found -------------------------------- */

struct mutant {
    const char *name;
    bool reinit;       /* a claim starts from the top */
    bool no_grant;     /* GRANT is not asked for */
    bool early_death;  /* a session looks expired while it is young */
    bool blind_rescue; /* the reaper writes by number alone */
    bool no_witness;   /* nobody asks Redis who may commit */
    struct rows_rules rules;
};

/* --- the parts ----------------------------------------------------------------- */

/* How this story differs from others. */
struct nature {
    unsigned pubs, posts, accounts;
    int64_t lease_ms, stop_ms, grace_ms; /* of publishers */
    unsigned batch;                      /* posts a claim takes */
    unsigned uploaders;                  /* bit i: publisher i lets nothing be fetched */
    bool calm;                           /* nothing breaks */
    unsigned lost, late, refused;        /* per mille of TikTok's calls */
    unsigned db_again, db_unclear;       /* ... of transactions */
    unsigned crashes, pauses, outages;   /* ... of the faults' turns */
    int64_t delay_ms;                    /* of a request, at most */
    bool clocks;                         /* the database's clock jumps */
};

struct session {
    bool there;
    bool pulls; /* TikTok fetches for it */
    uint8_t chunks, ver;
    uint8_t fate; /* 0 open, 1 published, 2 failed */
    int64_t made_ms;
};

struct post {
    struct rows rows;
    unsigned account;
    unsigned chunks;
    bool direct;
    bool pull; /* TikTok may fetch it through the gate */
    bool log;  /* ... which opens before the session is known */
    int64_t due_ms, next_at_ms, give_up_ms;
    uint64_t fence, owner;
    unsigned fails, crashes;
    uint32_t sched_ver;
    int64_t granted_ms;
    bool rescue; /* blind_rescue: seen at work */

    /* Redis. */
    int64_t hint_ms; /* NEVER: none */
    uint8_t witness;
    uint32_t takes_back; /* a witness that says canceled: this sched_ver */
    bool robbed;         /* Redis forgot the witness, or was away when a person asked */

    /* TikTok. */
    struct session session[SESSIONS_MAX + 1];
    unsigned published;
    bool unknown;    /* it denied a session that it had opened */
    int64_t last_ms; /* when every byte of a session was there */

    /* What people were promised. */
    bool canceled;
    bool cancel_asked; /* since it was set off last */
    uint8_t edited;
    const char *review; /* why a person must look */
    bool touched;       /* somebody changed it: no word on lateness */
    const char *wrong;
};

struct ring {
    int64_t at[STATUS_LIMIT];
    unsigned n;
};

struct account {
    struct ring init, status, creator; /* in Redis */
    struct ring seen;                  /* INITs at TikTok */
};

struct run {
    bool on;
    unsigned post;
    uint32_t gen; /* tells an old answer from one that is waited for */
    uint64_t fence;
    bool begun;
    bool waiting; /* for the time of its action: nothing is under way */
    uint8_t sid, ver;
    uint32_t sched_ver;
    uint8_t holder; /* of the witness, as it was found last */
    unsigned inits;
    struct flow flow;
    struct flow_action action;
};

struct publisher {
    bool alive, paused;
    bool stopping; /* gives back what it can, finishes what it must, and leaves */
    uint64_t inc;  /* 0: none */
    int64_t valid_ms;
    int64_t offset_ms; /* of the database's clock, as it believes */
    uint32_t life;     /* +1 with every start: its old timers are void */
    struct run run[POSTS_MAX];
};

/* A row of the table publisher. */
struct lease {
    uint64_t inc;
    int64_t until_ms;
};

enum event_kind {
    EV_START, /* of a publisher */
    EV_BEAT,
    EV_REAP,
    EV_SWEEP,
    EV_INTAKE,
    EV_ACT,    /* a run's action is due */
    EV_EFFECT, /* a request arrives */
    EV_ANSWER, /* its answer does */
    EV_RESUME, /* a paused publisher */
    EV_TIKTOK, /* has worked on a session */
    EV_FETCH,  /* comes for what it was told to fetch */
    EV_PERSON, /* a person begins something */
    EV_DEED,   /* and goes on */
    EV_FAULT,
    EV_CALM, /* all is mended */
};

struct event {
    int64_t at_ms;
    uint64_t order;
    uint32_t tag; /* life, gen, session: whatever must still be so */
    uint16_t post;
    uint8_t pub;
    uint8_t kind;
    uint16_t op;
};

/* A request: what it asks for was fixed when it was sent. */
struct op {
    bool used;
    enum flow_do what;
    uint8_t pub;
    uint16_t post;
    uint32_t gen;
    uint64_t inc, fence;
    unsigned no; /* attempt */
    uint8_t sid, ver;
    uint32_t sched_ver;
    unsigned chunk;
    uint8_t stage;  /* of what takes several questions */
    uint8_t holder; /* of the witness, as found */
    bool proof, granted;
    bool pulls;   /* the attempt's session is, or is to be, fetched for */
    bool adopted; /* nobody knows when the session was made */
    const char *reason;
    int64_t sent_ms, wait_ms;
    bool answer_lost;
    struct flow_event ev; /* the answer */
};

struct sim {
    uint64_t seed;
    struct dice dice;
    struct nature nature;
    const struct mutant *mutant;
    bool trace;

    int64_t now_ms;
    uint64_t order;
    struct event *heap;
    size_t heap_n, heap_room;
    size_t events;

    struct post post[POSTS_MAX];
    struct account account[ACCOUNTS_MAX];
    struct publisher pub[PUBS_MAX];
    struct lease lease[64];
    size_t lease_n;
    uint64_t next_inc;
    struct op op[OPS_MAX];
    size_t op_hand;

    int64_t db_offset_ms;
    bool db_away, redis_away, tiktok_away, mended;
    bool redis_hurt; /* it was away or forgot: windows are not judged */
    int64_t snap_ms; /* of Redis, with what is needed to go back to it */
    struct {
        int64_t hint_ms;
        uint8_t witness;
        uint32_t takes_back;
    } snap[POSTS_MAX];
};

/* --- world.c ------------------------------------------------------------------- */

void sim_push(struct sim *s, int64_t at_ms, struct event ev);
bool sim_pop(struct sim *s, struct event *out);
void sim_say(struct sim *s, const char *form, ...) __attribute__((format(printf, 2, 3)));
int64_t sim_db_now(const struct sim *s);
int64_t sim_delay(struct sim *s); /* of a request or an answer */

/* ms to wait; 0: counted. */
int64_t ring_pass(struct ring *r, unsigned limit, int64_t now_ms);
void redis_enqueue(struct sim *s, unsigned post, int64_t at_ms);

/* TikTok answers; sets op->ev. */
void tiktok_call(struct sim *s, struct op *op);
void tiktok_fetches(struct sim *s, const struct event *ev);
void tiktok_worked(struct sim *s, unsigned post, uint8_t sid);

/* --- stores.c: a request arrives; its answer is under way afterwards ------------ */

void sim_effect(struct sim *s, struct op *op);

/* --- publisher.c --------------------------------------------------------------- */

/* kind happens to the request after so long. */
void sim_push_op(struct sim *s, const struct op *op, enum event_kind kind,
                 int64_t after_ms);
bool sim_is_call(enum flow_do what); /* of TikTok's */
void publisher_start(struct sim *s, unsigned p);
void publisher_kill(struct sim *s, unsigned p);
void publisher_stop(struct sim *s, unsigned p);
void publisher_event(struct sim *s, const struct event *ev);

/* --- people.c: persons and faults ---------------------------------------------- */

void person_begins(struct sim *s, unsigned post);
void person_goes_on(struct sim *s, const struct event *ev);
void fault_turn(struct sim *s);
void fault_ends(struct sim *s, const struct event *ev);
void mend(struct sim *s);

/* --- story.c ------------------------------------------------------------------- */

/* Why a person must look. */
enum { CRASHED_OFTEN, OUTCOME_UNKNOWN, WITNESS_CONFLICT, OTHER_REVIEW, REVIEWS };

struct verdict {
    const char *wrong; /* NULL: nothing */
    unsigned post;
    size_t events;
    unsigned ends[JOB_BLOCKED + 1]; /* posts by how they ended */
    unsigned reviews[REVIEWS];      /* by why a person must look */
    int64_t latest_ms;              /* calm stories: the largest lateness */
    bool calm;
};
struct verdict story(uint64_t seed, const struct mutant *mutant, bool trace);

#endif
