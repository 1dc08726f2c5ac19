/* States as numbers: names are chosen by order of appearance, what can have no
 * consequence any more is forgotten, the rest is packed into 256 bits. */
#include "model.h"

#include <string.h>

enum {
    T0 = 1000000,
    RUN_BITS = 40, /* of each part of a key */
    ROWS_BITS = 52,
    REST_BITS = 27,
    SESSION_BITS = 11,
};

/* --- flows --------------------------------------------------------------------- */

static const enum flow_do after_deaths[] = {FLOW_DO_INTENT, FLOW_DO_LATER, FLOW_DO_FAIL,
                                            FLOW_DO_BLOCK};

static unsigned after_dead_number(const struct flow *f)
{
    bool dying = f->doing == FLOW_DO_DEAD ||
                 (f->doing == FLOW_DO_RELOAD && f->unclear.what == FLOW_DO_DEAD);

    for (unsigned i = 0; i < ARRAY_LEN(after_deaths) && dying; i++) {
        if (after_deaths[i] == f->after_dead)
            return i;
    }
    return 0;
}

/* --- packing ------------------------------------------------------------------- */

/* A field at a time into a number, and out of it again from the other end. */
#define PUT(bits, n, value) ((bits) = (bits) << (n) | (uint64_t)(value))
#define TAKE(bits, n)       take_field(&(bits), (n))

static unsigned take_field(uint64_t *bits, unsigned n)
{
    unsigned value = (unsigned)(*bits & ((UINT64_C(1) << n) - 1));

    *bits >>= n;
    return value;
}

/* Parts of up to 64 bits into a key. */
struct packer {
    struct key key;
    unsigned at;
};

static inline void put(struct packer *p, unsigned n, uint64_t value)
{
    unsigned word = p->at / 64;
    unsigned shift = p->at % 64;

    p->key.word[word] |= value << shift;
    if (shift + n > 64)
        p->key.word[word + 1] |= value >> (64 - shift);
    p->at += n;
}

static uint64_t take(struct packer *p, unsigned n)
{
    unsigned word = p->at / 64;
    unsigned shift = p->at % 64;
    uint64_t value = p->key.word[word] >> shift;

    if (shift + n > 64)
        value |= p->key.word[word + 1] << (64 - shift);
    p->at += n;
    return n < 64 ? value & ((UINT64_C(1) << n) - 1) : value;
}

uint64_t flow_bits(const struct config *c, const struct flow *f)
{
    uint64_t b = f->doing == FLOW_DO_TOKEN ? f->then : 0;

    PUT(b, 5, f->doing);
    PUT(b, 2, f->chunk);
    PUT(b, 1, f->position_known);
    PUT(b, 1, f->granted);
    PUT(b, 1, f->sent);
    PUT(b, 1, f->granted && f->short_ms != 0);
    PUT(b, 2, after_dead_number(f));
    PUT(b, 5, f->doing == FLOW_DO_RELOAD ? f->unclear.what : 0);
    PUT(b, 2, f->start.attempt_no + c->attempts - FLOW_ATTEMPTS_MAX);
    PUT(b, 2, f->start.way);
    PUT(b, 1, f->start.named);
    PUT(b, 1, f->start.gate);
    PUT(b, 1, f->served);
    PUT(b, 1, f->doing == FLOW_DO_DEAD && f->last.proof);
    return b;
}

static void read_flow(const struct config *c, uint64_t b, struct flow *f)
{
    *f = (struct flow){.last = {.proof = TAKE(b, 1) != 0}};
    f->served = TAKE(b, 1) != 0;
    f->start.gate = TAKE(b, 1) != 0;
    f->start.named = TAKE(b, 1) != 0;
    f->start.way = (enum flow_way)TAKE(b, 2);
    f->start.attempt_no = TAKE(b, 2);
    f->start.attempt_no += FLOW_ATTEMPTS_MAX - c->attempts;
    f->unclear.what = (enum flow_do)TAKE(b, 5);
    f->after_dead = after_deaths[TAKE(b, 2)];
    f->short_ms = TAKE(b, 1) != 0 ? T0 : 0;
    f->sent = TAKE(b, 1) != 0;
    f->granted = TAKE(b, 1) != 0;
    f->position_known = TAKE(b, 1) != 0;
    f->chunk = TAKE(b, 2);
    f->doing = (enum flow_do)TAKE(b, 5);
    flow_canonical(f, c);
}

void flow_canonical(struct flow *f, const struct config *c)
{
    f->start = (struct flow_start){
        .plan = {.size = 10 * c->chunks, .chunk_size = 10, .count = c->chunks},
        .due_ms = T0,
        .give_up_ms = T0 + MODEL_GIVE_UP_MS,
        .granted_ms = T0,
        .way = f->start.way,
        .new_way = c->log    ? FLOW_BY_LOG
                   : c->pull ? FLOW_BY_GATE
                             : FLOW_BY_UPLOAD,
        .named = f->start.named,
        .gate = f->start.gate,
        .attempt_no = f->start.attempt_no};
    f->tries = f->resyncs = f->auths = f->polls = f->deaths = 0;
    f->limited = false;
    f->short_ms = f->short_ms != 0 ? T0 : 0;
    f->reason = "r";
    f->last = (struct flow_action){
        .what = f->doing, .chunk = f->chunk, .reason = "r", .proof = f->last.proof};
    f->unclear =
        (struct flow_action){.what = f->unclear.what, .chunk = f->chunk, .reason = "r"};
}

static uint64_t run_bits(const struct config *c, const struct run *r)
{
    uint64_t b;

    if (!r->on)
        return 0;
    b = flow_bits(c, &r->flow);
    PUT(b, 1, r->shut);
    PUT(b, 2, r->ver);
    PUT(b, 3, r->sid);
    PUT(b, 3, r->holder);
    PUT(b, 2, r->step);
    PUT(b, 1, r->ours_in_snap);
    PUT(b, 1, r->ours);
    PUT(b, 1, true);
    return b;
}

static void read_run(const struct config *c, uint64_t b, struct run *r)
{
    *r = (struct run){.on = TAKE(b, 1) != 0};
    if (!r->on)
        return;
    r->ours = TAKE(b, 1) != 0;
    r->ours_in_snap = TAKE(b, 1) != 0;
    r->step = (uint8_t)TAKE(b, 2);
    r->holder = (uint8_t)TAKE(b, 3);
    r->sid = (uint8_t)TAKE(b, 3);
    r->ver = (uint8_t)TAKE(b, 2);
    r->shut = TAKE(b, 1) != 0;
    read_flow(c, b, &r->flow);
}

static uint64_t rows_bits(const struct rows *r)
{
    uint64_t b = 0;

    for (unsigned i = 0; i < ROWS_ATTEMPTS; i++) {
        PUT(b, 3, r->attempt[i].state);
        PUT(b, 3, r->attempt[i].sid);
        PUT(b, 2, r->attempt[i].ver);
        PUT(b, 1, r->attempt[i].proven);
        PUT(b, 1, r->attempt[i].token);
        PUT(b, 1, r->attempt[i].served);
        PUT(b, 3, r->attempt[i].gate);
    }
    PUT(b, 2, r->ver);
    PUT(b, 2, r->granted);
    PUT(b, 2, r->no);
    PUT(b, 4, r->state);
    return b;
}

static void read_rows(uint64_t b, struct rows *r)
{
    r->state = (uint8_t)TAKE(b, 4);
    r->no = (uint8_t)TAKE(b, 2);
    r->granted = (uint8_t)TAKE(b, 2);
    r->ver = (uint8_t)TAKE(b, 2);
    for (unsigned i = ROWS_ATTEMPTS; i-- > 0;) {
        r->attempt[i].gate = (uint8_t)TAKE(b, 3);
        r->attempt[i].served = TAKE(b, 1) != 0;
        r->attempt[i].token = TAKE(b, 1) != 0;
        r->attempt[i].proven = TAKE(b, 1) != 0;
        r->attempt[i].ver = (uint8_t)TAKE(b, 2);
        r->attempt[i].sid = (uint8_t)TAKE(b, 3);
        r->attempt[i].state = (uint8_t)TAKE(b, 3);
    }
}

static uint64_t session_bits(const struct session *s)
{
    uint64_t b = s->late;

    PUT(b, 2, s->ver);
    PUT(b, 2, s->fate);
    PUT(b, 2, s->age);
    PUT(b, 2, s->chunks);
    PUT(b, 1, s->there);
    return b;
}

static void read_session(uint64_t b, struct session *s)
{
    s->there = TAKE(b, 1) != 0;
    s->chunks = (uint8_t)TAKE(b, 2);
    s->age = (uint8_t)TAKE(b, 2);
    s->fate = (uint8_t)TAKE(b, 2);
    s->ver = (uint8_t)TAKE(b, 2);
    s->late = (uint8_t)TAKE(b, 2);
}

static uint64_t rest_bits(const struct world *w)
{
    const struct person *n = &w->person;
    uint64_t b = n->edited;

    PUT(b, 1, n->canceled);
    PUT(b, 1, n->may_again);
    PUT(b, 1, n->may_edit);
    PUT(b, 1, n->may_cancel);
    PUT(b, 4, n->phase);
    PUT(b, 3, n->holder);
    PUT(b, 4, n->doing);
    PUT(b, 1, w->old_published);
    PUT(b, 2, w->published);
    PUT(b, 2, w->rescue);
    PUT(b, 3, w->witness);
    PUT(b, 2, w->rollback);
    return b;
}

static void read_rest(uint64_t b, struct world *w)
{
    struct person *n = &w->person;

    w->rollback = (uint8_t)TAKE(b, 2);
    w->witness = (uint8_t)TAKE(b, 3);
    w->rescue = (uint8_t)TAKE(b, 2);
    w->published = (uint8_t)TAKE(b, 2);
    w->old_published = (uint8_t)TAKE(b, 1);
    n->doing = (uint8_t)TAKE(b, 4);
    n->holder = (uint8_t)TAKE(b, 3);
    n->phase = (uint8_t)TAKE(b, 4);
    n->may_cancel = TAKE(b, 1) != 0;
    n->may_edit = TAKE(b, 1) != 0;
    n->may_again = TAKE(b, 1) != 0;
    n->canceled = TAKE(b, 1) != 0;
    n->edited = (uint8_t)TAKE(b, 2);
}

static struct key pack(const struct config *c, const struct world *w)
{
    struct packer p = {.at = 0};

    for (unsigned i = 0; i < PUBS; i++)
        put(&p, RUN_BITS, run_bits(c, &w->run[i]));
    put(&p, ROWS_BITS, rows_bits(&w->db));
    put(&p, REST_BITS, rest_bits(w));
    for (unsigned i = 0; i < SESSIONS; i++)
        put(&p, SESSION_BITS, session_bits(&w->session[i]));
    put(&p, ROWS_BITS, rows_bits(&w->snap));
    return p.key;
}

void key_read(const struct config *c, const struct key *key, struct world *w)
{
    struct packer p = {.key = *key};

    for (unsigned i = 0; i < PUBS; i++)
        read_run(c, take(&p, RUN_BITS), &w->run[i]);
    read_rows(take(&p, ROWS_BITS), &w->db);
    read_rest(take(&p, REST_BITS), w);
    for (unsigned i = 0; i < SESSIONS; i++)
        read_session(take(&p, SESSION_BITS), &w->session[i]);
    read_rows(take(&p, ROWS_BITS), &w->snap);
}

bool key_same(const struct key *a, const struct key *b)
{
    return memcmp(a->word, b->word, sizeof(a->word)) == 0;
}

/* --- forgetting ---------------------------------------------------------------- */

/* Bits of sessions, by number. */
static unsigned bit(uint8_t sid)
{
    return sid == 0 || sid == HOLDER_CANCEL ? 0 : 1U << sid;
}

/* A run that was overtaken and is about to write is refused, and ends without a trace. */
static bool only_writes(const struct config *c, const struct run *r)
{
    enum flow_do what = r->flow.doing;

    if (r->ours || r->ours_in_snap || c->no_fence || c->rules.no_grant_guard)
        return false;
    if (what == FLOW_DO_DEAD)
        return r->step != 1;
    if (what == FLOW_DO_INIT) /* of a session that nobody knows, or whose gate is shut */
        return !c->log && !c->no_gate;
    return what == FLOW_DO_INTENT || what == FLOW_DO_PERSIST || what == FLOW_DO_GRANT ||
           what == FLOW_DO_OPEN || what == FLOW_DO_ADOPT || what == FLOW_DO_SENT ||
           what >= FLOW_DO_PUBLISHED;
}

bool keeps_holder(const struct flow *f)
{
    return f->doing == FLOW_DO_ADOPT ||
           (f->doing == FLOW_DO_RELOAD && f->unclear.what == FLOW_DO_ADOPT);
}

static void forget_runs(const struct config *c, struct world *w)
{
    for (unsigned i = 0; i < PUBS; i++) {
        struct run *r = &w->run[i];

        if (!r->on || only_writes(c, r)) {
            *r = (struct run){.on = false};
            continue;
        }
        if (r->step == 0 && !keeps_holder(&r->flow))
            r->holder = 0;
        if (!r->ours && !r->ours_in_snap && !c->no_fence && !c->rules.no_grant_guard &&
            r->flow.doing != FLOW_DO_INIT)
            r->ver = 0;
    }
    if (w->rollback != 1)
        w->snap = (struct rows){.state = 0};
    for (unsigned i = 0; i < PUBS && w->rollback != 1; i++)
        w->run[i].ours_in_snap = false;
}

/* Who can still ask for a session by its name (act), or compare with it (name). */
static void count_uses(const struct config *c, const struct world *w, unsigned *act,
                       unsigned *name)
{
    *act = 0;
    *name = bit(w->witness) | bit(w->person.holder);
    for (unsigned i = 0; i < PUBS; i++) {
        if (!w->run[i].on)
            continue;
        *act |= bit(w->run[i].sid);
        *name |= bit(w->run[i].holder);
    }
    for (unsigned i = 0; i < ROWS_ATTEMPTS; i++) {
        if (w->db.attempt[i].state != ATTEMPT_DEAD)
            *act |= bit(w->db.attempt[i].sid) | bit(w->db.attempt[i].gate);
        if (w->snap.attempt[i].state != ATTEMPT_DEAD)
            *act |= bit(w->snap.attempt[i].sid) | bit(w->snap.attempt[i].gate);
    }
    if (c->pull) /* who only holds the witness can be adopted */
        *act |= *name;
    *name |= *act;
}

static bool moves_by_itself(const struct config *c, const struct session *s)
{
    return s->fate == OPEN && (s->chunks == c->chunks || s->late != 0 || c->no_gate);
}

static void forget_names(struct rows *r, unsigned name)
{
    for (unsigned i = 0; i < ROWS_ATTEMPTS; i++) {
        struct attempt_row *a = &r->attempt[i];

        if (!a->token)
            a->gate = 0;
        if (a->state == ATTEMPT_DEAD) {
            a->ver = 0;
            a->token = a->served = false;
            a->gate = 0;
            if ((bit(a->sid) & name) == 0) {
                a->sid = 0;
                a->proven = false;
            }
        }
    }
}

static void forget_sessions(const struct config *c, struct world *w)
{
    unsigned act;
    unsigned name;

    count_uses(c, w, &act, &name);
    forget_names(&w->db, name);
    forget_names(&w->snap, name);
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session *s = &w->session[i];
        unsigned me = 1U << (i + 1);

        if (!s->there)
            continue;
        if (s->fate == OPEN && s->age == BEYOND)
            s->late = 0;
        for (unsigned n = 0; n < s->chunks; n++)
            s->late &= (uint8_t) ~(1U << n);
        if (!moves_by_itself(c, s) && (act & me) == 0)
            *s = (struct session){.there = (name & me) != 0, .fate = FAILED};
        else if (s->fate != OPEN)
            *s = (struct session){.there = true, .fate = s->fate, .ver = s->ver};
        if (!s->there)
            *s = (struct session){.there = false};
    }
}

/* --- naming -------------------------------------------------------------------- */

struct names {
    uint8_t to[SESSIONS + 1];
    uint8_t n;
};

static void name(struct names *names, uint8_t *sid)
{
    if (*sid == 0 || *sid == HOLDER_CANCEL)
        return;
    if (names->to[*sid] == 0)
        names->to[*sid] = ++names->n;
    *sid = names->to[*sid];
}

static uint64_t weight(const struct session *s)
{
    return session_bits(s);
}

/* Those that nobody names, by what they are. */
static void name_rest(const struct world *w, struct names *names)
{
    for (;;) {
        unsigned best = 0;

        for (unsigned i = 1; i <= SESSIONS; i++) {
            if (w->session[i - 1].there && names->to[i] == 0 &&
                (best == 0 || weight(&w->session[i - 1]) < weight(&w->session[best - 1])))
                best = i;
        }
        if (best == 0)
            return;
        names->to[best] = ++names->n;
    }
}

static void rename_all(struct world *w)
{
    struct names names = {.n = 0};
    struct session old[SESSIONS];

    for (unsigned i = 0; i < ROWS_ATTEMPTS; i++) {
        name(&names, &w->db.attempt[i].sid);
        name(&names, &w->db.attempt[i].gate);
    }
    for (unsigned i = 0; i < ROWS_ATTEMPTS; i++) {
        name(&names, &w->snap.attempt[i].sid);
        name(&names, &w->snap.attempt[i].gate);
    }
    name(&names, &w->witness);
    for (unsigned i = 0; i < PUBS; i++) {
        name(&names, &w->run[i].sid);
        name(&names, &w->run[i].holder);
    }
    name(&names, &w->person.holder);
    name_rest(w, &names);
    (void)memcpy(old, w->session, sizeof(old));
    (void)memset(w->session, 0, sizeof(w->session));
    for (unsigned i = 1; i <= SESSIONS; i++) {
        if (names.to[i] != 0)
            w->session[names.to[i] - 1] = old[i - 1];
    }
}

static bool key_less(const struct key *a, const struct key *b)
{
    for (unsigned i = 0; i < KEY_WORDS; i++) {
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i];
    }
    return false;
}

static void exchange(struct world *w)
{
    struct run r = w->run[0];

    w->run[0] = w->run[1];
    w->run[1] = r;
}

/* All but the names in it. */
static uint64_t run_looks(const struct config *c, const struct run *r)
{
    struct run bare = *r;

    bare.sid = bare.sid != 0;
    bare.holder = bare.holder != 0;
    return run_bits(c, &bare);
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

void world_forget(const struct config *c, struct world *w)
{
    forget_runs(c, w);
    forget_sessions(c, w);
}

struct key key_of(const struct config *c, const struct world *w)
{
    struct world one = *w;
    struct world other;
    struct key a;
    struct key b;
    int order;

    world_forget(c, &one);
    order = compare(run_looks(c, &one.run[0]), run_looks(c, &one.run[1]));
    if (order > 0)
        exchange(&one);
    other = one;
    rename_all(&one);
    a = pack(c, &one);
    if (order != 0 || !one.run[0].on)
        return a;
    exchange(&other);
    rename_all(&other);
    b = pack(c, &other);
    return key_less(&b, &a) ? b : a;
}
