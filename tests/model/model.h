/* tests/model - an explicit-state model checker around the real
 * src/publisher/flow/flow.c.
 *
 * One post and everything that can happen to it: two publishers, each with a real struct
 * flow; the rows of job and attempt behind the guards of src/store/jobs_*.c and
 * posts_*.c; the witness in Redis; TikTok with its sessions; a person. A state is a
 * struct world. model_moves() lists every step any of them can take from it; search.c
 * visits every state that can be reached and judges each one.
 *
 * What is left out, so that the space is finite and small, and why nothing is lost by it:
 *   - Numbers that only count (tries, polls, deaths, ...) are not part of a state: where
 *     a decision looks at one, both sides of its limit are tried.
 *   - Time is not part of a state: where a decision compares two times, both outcomes are
 *     tried, at any moment. Only the age of a session at TikTok is kept, in three steps.
 *   - A fence is only ever compared with the row's: what is kept is whether they agree.
 *   - Steps that touch nothing another could see (a token, creator_info, waiting) are
 *     taken together with the one before.
 *   - Publishers are alike, and so are sessions: states that differ by a renaming are
 *     one. A crash between an effect and its answer is the crash after it; a zombie is a
 *     publisher whose row another has claimed: it goes on whenever it likes. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include "core/attr.h"
#include "publisher/flow/flow.h"
#include "rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PUBS = 2,
    SESSIONS = 5, /* at TikTok, at a time, of which anybody still knows */
    KEY_WORDS = 5,
    WORDS_MAX = 200, /* bytes of a step in words */
    HOLDER_CANCEL = 7,
    MODEL_GIVE_UP_MS = 100000000,
    MODEL_LATE_MS = 1000000000, /* beyond every limit of time */
};

/* --- what is checked ----------------------------------------------------------- */

/* What the world may do, and which rule is broken on purpose. */
struct config {
    const char *name;
    unsigned attempts; /* 2 or 3 */
    unsigned chunks;   /* 1 or 2 */
    bool pull;         /* TikTok fetches through the gate instead */
    bool log;          /* ... and the gate is opened before the session is known */
    bool rollback;     /* the database forgets its last transactions, once */
    bool witness_lost; /* Redis forgets everything, any number of times */
    bool redis_away;   /* any question to Redis may stay unanswered */
    bool edits;        /* the person also edits and schedules again, once each */
    bool no_cancel;    /* the person only waits */
    bool calm;         /* no chunk arrives late and no COMMIT is unclear: zombies and
                        * crashes do as much harm, and the space is smaller */

    /* The rules that can be broken. */
    bool mutant;      /* only what was promised to people is judged */
    bool no_resume;   /* a claim starts from the top, as in an ordinary queue */
    bool early_death; /* a session counts as expired while it is young */
    struct rows_rules rules;
    bool no_gate;      /* the gate serves whoever asks */
    bool no_witness;   /* nobody asks Redis */
    bool no_fence;     /* writes do not compare fence and owner */
    bool blind_rescue; /* the reaper writes what it read a while ago */
    bool careless;     /* giving up does not ask the witness */
};

/* --- the world ----------------------------------------------------------------- */

enum age { YOUNG, EXPIRED, BEYOND }; /* of an upload address: 1 h, and 10 min more */
enum fate { OPEN, PUBLISHED, FAILED };

/* A session at TikTok. */
struct session {
    bool there;
    uint8_t chunks; /* received */
    uint8_t age;
    uint8_t fate;
    uint8_t ver;
    uint8_t late; /* chunks in flight that their sender gave up, one bit each */
};

/* A publisher and the one run it can have of the post. */
struct run {
    bool on;
    bool ours;         /* fence and owner are the row's */
    bool ours_in_snap; /* ... and those of the snapshot's row */
    uint8_t step;      /* of an action with several effects */
    uint8_t holder;    /* whom such a step has found to hold the witness */
    uint8_t sid;       /* the session it knows */
    uint8_t ver;       /* the content it has read */
    bool shut;         /* its attempt is an intent whose gate was never opened */
    struct flow flow;
};

/* What a person's request to the API is at. */
enum deed {
    DEED_NONE,
    DEED_CANCEL_ASKED, /* a session holds the witness: is it dead? */
    DEED_CANCEL_SWAP,  /* it is: take its place */
    DEED_CANCEL_WRITE,
    DEED_CANCEL_UNDO, /* give the witness back */
    DEED_EDIT_ASKED,
    DEED_EDIT_WRITE,
    DEED_AGAIN_ASKED,
    DEED_AGAIN_WRITE,
};

struct person {
    uint8_t doing;  /* enum deed */
    uint8_t holder; /* of the witness, as it was found */
    uint8_t phase;  /* the job's state, as it was read */
    bool may_cancel, may_edit, may_again;
    bool canceled;  /* was told so, and has not scheduled it again since */
    uint8_t edited; /* the version was told to be in force */
};

struct world {
    struct rows db, snap;
    uint8_t rollback; /* 0: nothing yet, 1: snap is taken, 2: it has happened */
    uint8_t witness;  /* a session, HOLDER_CANCEL, or 0 */
    struct session session[SESSIONS];
    struct run run[PUBS];
    struct person person;
    uint8_t rescue;        /* blind_rescue: the reaper has read, and will write */
    uint8_t published;     /* how many times, at most 2 */
    uint8_t old_published; /* of them, of an older version than was promised */
};

/* Says what is wrong with a state, or NULL. */
const char *world_fault(const struct config *c, const struct world *w);

/* Nothing more has to happen: an end, or a person's turn. */
bool world_settled(const struct world *w);

void world_begin(const struct config *c, struct world *w);

/* --- keys (key.c): a state as a number ----------------------------------------- */

struct key {
    uint64_t word[KEY_WORDS];
};

/* Renames sessions and publishers so that states which differ only by names are one,
 * forgets what can have no consequence, and packs the rest. */
struct key key_of(const struct config *c, const struct world *w);
void key_read(const struct config *c, const struct key *key, struct world *w);
/* What can have no consequence any more, out of sight. */
void world_forget(const struct config *c, struct world *w);
/* Its next write needs to know whom it found to hold the witness. */
bool keeps_holder(const struct flow *f);
bool key_same(const struct key *a, const struct key *b);

/* --- moves --------------------------------------------------------------------- */

/* Gets each state that can come next; words say what happened when they are wanted. */
struct moves {
    const struct config *c;
    bool tell;
    bool bounded; /* a session more than there is room for */
    void (*next)(struct moves *m, const struct world *w, const char *words);
    void *ctx;
};

void model_moves(struct moves *m, const struct world *w);
void moves_publisher(struct moves *m, const struct world *w, unsigned p);
void moves_tiktok(struct moves *m, const struct world *w);
void moves_person(struct moves *m, const struct world *w);
/* Hands on a copy that was changed. */
void moves_add(struct moves *m, const struct world *w, const char *form, ...)
    __attribute__((format(printf, 3, 4)));
/* Everything that is not part of a state gets the same value in all flows. */
void flow_canonical(struct flow *f, const struct config *c);
uint64_t flow_bits(const struct config *c, const struct flow *f);

/* --- search -------------------------------------------------------------------- */

struct result {
    const char *fault; /* NULL: none */
    size_t states, moves;
    unsigned depth;
    size_t stuck;   /* states from which no end and no person can be reached */
    size_t bounded; /* states with more sessions than the model holds */
    bool full;      /* there were more states than there is room for */
};

/* Visits everything; on a fault prints the shortest way to it when verbose. */
struct result search(const struct config *c, bool verbose);

#endif
