/* What TikTok, the network, the two stores and a person can do. */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>

void moves_add(struct moves *m, const struct world *w, const char *form, ...)
{
    char words[WORDS_MAX] = "";

    if (m->tell) {
        va_list args;

        va_start(args, form);
        (void)vsnprintf(words, sizeof(words), form, args);
        va_end(args);
    }
    m->next(m, w, words);
}

/* --- TikTok and the network ---------------------------------------------------- */

static void arrive_late(struct moves *m, const struct world *w, unsigned i)
{
    for (unsigned n = 0; n < m->c->chunks; n++) {
        struct world next = *w;
        struct session *s = &next.session[i];

        if ((s->late & (1U << n)) == 0)
            continue;
        s->late &= (uint8_t) ~(1U << n);
        moves_add(m, &next, "network: chunk %u of session %u is lost", n, i + 1);
        if (s->chunks != n)
            continue;
        s->chunks++;
        moves_add(m, &next, "network: chunk %u of session %u arrives late", n, i + 1);
    }
}

/* TikTok comes for what it was told to fetch. That it does so within an hour is its word,
 * and nothing rests on it, but for one case: a database that forgets that it has closed a
 * gate opens it again. */
static void fetch(struct moves *m, const struct world *w, unsigned i)
{
    struct world next = *w;

    next.session[i].chunks = (uint8_t)m->c->chunks;
    for (unsigned k = 0; k < ROWS_ATTEMPTS; k++) {
        struct attempt_row *a = &next.db.attempt[k];

        if (a->gate == i + 1 && a->token && a->state >= ATTEMPT_GRANTED &&
            a->state <= ATTEMPT_PUBLISHED) {
            a->served = true;
            moves_add(m, &next, "TikTok: fetches for session %u through gate %u", i + 1,
                      k + 1);
            return;
        }
    }
    if (m->c->no_gate)
        moves_add(m, &next, "TikTok: fetches for session %u", i + 1);
}

static void end_session(struct moves *m, const struct world *w, unsigned i)
{
    struct world next = *w;
    struct session *s = &next.session[i];

    s->fate = FAILED;
    moves_add(m, &next, "TikTok: session %u fails", i + 1);
    if (s->chunks != m->c->chunks)
        return;
    s->fate = PUBLISHED;
    next.published = w->published < 2 ? w->published + 1 : 2;
    if (s->ver < w->person.edited)
        next.old_published = 1;
    moves_add(m, &next, "TikTok: publishes session %u", i + 1);
}

void moves_tiktok(struct moves *m, const struct world *w)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        const struct session *s = &w->session[i];
        struct world next = *w;

        if (!s->there || s->fate != OPEN)
            continue;
        end_session(m, w, i);
        if (m->c->pull && s->chunks == 0 && !(m->c->rollback && s->age == BEYOND))
            fetch(m, w, i);
        if (s->age != BEYOND)
            arrive_late(m, w, i);
        if (s->age == BEYOND || s->chunks == m->c->chunks)
            continue;
        next.session[i].age++;
        moves_add(m, &next, "time: the address of session %u is %s", i + 1,
                  s->age == YOUNG ? "an hour old" : "older than any request can be");
    }
}

/* --- the stores ---------------------------------------------------------------- */

static void roll_back(struct moves *m, const struct world *w)
{
    struct world next = *w;

    if (w->rollback == 0) {
        next.snap = w->db;
        next.rollback = 1;
        for (unsigned i = 0; i < PUBS; i++)
            next.run[i].ours_in_snap = w->run[i].ours;
        moves_add(m, &next, "MariaDB: what comes next will be forgotten");
    } else if (w->rollback == 1) {
        next.db = w->snap;
        next.rollback = 2;
        for (unsigned i = 0; i < PUBS; i++)
            next.run[i].ours = w->run[i].ours_in_snap;
        moves_add(m, &next, "MariaDB: forgets");
    }
}

/* An ordinary queue's reaper: reads what is stuck, and writes by number alone. */
static void rescue(struct moves *m, const struct world *w)
{
    struct world next = *w;

    if (w->rescue == 0 && (w->db.state == JOB_RUNNING || w->db.state == JOB_COMMITTED)) {
        next.rescue = 1;
        moves_add(m, &next, "reaper: reads the job, it is at work");
    } else if (w->rescue == 1) {
        next.rescue = 2;
        next.db.state = JOB_SCHEDULED;
        next.db.granted = 0;
        for (unsigned i = 0; i < PUBS; i++)
            next.run[i].ours = false;
        moves_add(m, &next, "reaper: sets the job free");
    }
}

static void moves_stores(struct moves *m, const struct world *w)
{
    struct world next = *w;

    if (m->c->rollback)
        roll_back(m, w);
    if (m->c->blind_rescue)
        rescue(m, w);
    if (m->c->witness_lost && w->witness != 0) {
        next.witness = 0;
        moves_add(m, &next, "Redis: forgets");
    }
}

/* --- a person ------------------------------------------------------------------ */

static void ask(struct moves *m, struct world next, enum deed deed, const char *words)
{
    next.person.doing = (uint8_t)deed;
    if (deed == DEED_NONE || deed == DEED_CANCEL_UNDO || deed == DEED_CANCEL_WRITE)
        next.person.holder = next.person.phase = 0;
    if (deed == DEED_EDIT_WRITE || deed == DEED_AGAIN_WRITE)
        next.person.holder = 0;
    moves_add(m, &next, "person: %s", words);
}

static bool refused(const struct world *w)
{
    return w->db.state == JOB_REVIEW || w->db.granted != 0;
}

static bool in(uint8_t state, unsigned states)
{
    return (states & (1U << state)) != 0;
}

enum {
    CAN_CANCEL = 1 << JOB_SCHEDULED | 1 << JOB_RUNNING | 1 << JOB_BLOCKED,
    CAN_CHANGE =
        1 << JOB_SCHEDULED | 1 << JOB_FAILED | 1 << JOB_CANCELED | 1 << JOB_BLOCKED,
};

static void begin_cancel(struct moves *m, const struct world *w)
{
    struct world next = *w;

    if (!w->person.may_cancel || refused(w) || !in(w->db.state, CAN_CANCEL))
        return;
    next.person.may_cancel = false;
    if (m->c->redis_away || m->c->no_witness)
        ask(m, next, DEED_CANCEL_WRITE, "cancels, Redis is away");
    if (m->c->no_witness)
        return;
    if (w->witness == 0 || w->witness == HOLDER_CANCEL) {
        next.witness = HOLDER_CANCEL;
        ask(m, next, DEED_CANCEL_WRITE, "cancels, the witness says so");
    } else {
        next.person.holder = w->witness;
        ask(m, next, DEED_CANCEL_ASKED, "cancels, a session holds the witness");
    }
}

static void begin_change(struct moves *m, const struct world *w, bool edit)
{
    struct world next = *w;
    enum deed write = edit ? DEED_EDIT_WRITE : DEED_AGAIN_WRITE;

    if ((edit ? !w->person.may_edit : !w->person.may_again) || refused(w) ||
        !in(w->db.state, CAN_CHANGE))
        return;
    if (edit)
        next.person.may_edit = false;
    else
        next.person.may_again = false;
    next.person.phase = w->db.state;
    if (m->c->no_witness || (m->c->redis_away && w->db.state != JOB_CANCELED))
        ask(m, next, write, "wants a change, Redis is away");
    if (m->c->no_witness)
        return;
    if (w->witness == HOLDER_CANCEL)
        next.witness = 0;
    if (next.witness == 0) {
        ask(m, next, write, "wants a change, the witness is free");
    } else {
        next.person.holder = w->witness;
        ask(m, next, edit ? DEED_EDIT_ASKED : DEED_AGAIN_ASKED,
            "wants a change, a session holds the witness");
    }
}

static void swap_witness(struct moves *m, const struct world *w)
{
    struct world next = *w;

    if (m->c->redis_away)
        ask(m, next, DEED_CANCEL_WRITE, "goes on, Redis is away");
    if (w->witness != w->person.holder) {
        ask(m, next, DEED_NONE, "is told that it is too late");
        return;
    }
    next.witness = HOLDER_CANCEL;
    ask(m, next, DEED_CANCEL_WRITE, "takes the witness of the dead session");
}

static void write_cancel(struct moves *m, const struct world *w)
{
    struct world next = *w;

    if (!rows_cancel(&next.db)) {
        ask(m, next, w->db.state == JOB_CANCELED ? DEED_NONE : DEED_CANCEL_UNDO,
            "is told that it is too late");
        return;
    }
    for (unsigned i = 0; i < PUBS; i++)
        next.run[i].ours = false;
    ask(m, next, DEED_NONE, "has canceled, but the answer is lost");
    next.person.canceled = true;
    ask(m, next, DEED_NONE, "has canceled and knows it");
}

static void go_on_cancel(struct moves *m, const struct world *w)
{
    const struct config *c = m->c;
    struct world next = *w;

    if (w->person.doing == DEED_CANCEL_ASKED) {
        if (rows_is_dead(&w->db, w->person.holder, c->rules))
            ask(m, next, DEED_CANCEL_SWAP, "the session is dead");
        else
            ask(m, next, DEED_NONE, "is told that it is too late");
    } else if (w->person.doing == DEED_CANCEL_SWAP) {
        swap_witness(m, w);
    } else if (w->person.doing == DEED_CANCEL_WRITE) {
        write_cancel(m, w);
    } else {
        if (w->witness == HOLDER_CANCEL)
            next.witness = 0;
        ask(m, next, DEED_NONE, "gives the witness back");
    }
}

static void go_on_change(struct moves *m, const struct world *w)
{
    struct world next = *w;
    bool edit = w->person.doing == DEED_EDIT_ASKED || w->person.doing == DEED_EDIT_WRITE;

    if (w->person.doing == DEED_EDIT_ASKED || w->person.doing == DEED_AGAIN_ASKED) {
        if (rows_is_dead(&w->db, w->person.holder, m->c->rules))
            ask(m, next, edit ? DEED_EDIT_WRITE : DEED_AGAIN_WRITE,
                "the session is dead");
        else
            ask(m, next, DEED_NONE, "is told that it is too late");
        return;
    }
    if (edit ? !rows_edit(&next.db, w->person.phase)
             : !rows_again(&next.db, w->person.phase)) {
        ask(m, next, DEED_NONE, "is told that it has changed");
        return;
    }
    for (unsigned i = 0; i < PUBS; i++)
        next.run[i].ours = false;
    if (!edit)
        next.person.canceled = false;
    ask(m, next, DEED_NONE,
        edit ? "has edited, but the answer is lost"
             : "has set it off, but the answer is lost");
    if (!edit)
        return;
    next.person.edited = next.db.ver;
    if (w->published > 0)
        next.old_published = 1;
    ask(m, next, DEED_NONE, "has edited and knows it");
}

void moves_person(struct moves *m, const struct world *w)
{
    enum deed doing = (enum deed)w->person.doing;

    if (doing == DEED_NONE) {
        begin_cancel(m, w);
        begin_change(m, w, true);
        begin_change(m, w, false);
        return;
    }
    if (doing <= DEED_CANCEL_UNDO)
        go_on_cancel(m, w);
    else
        go_on_change(m, w);
    ask(m, *w, DEED_NONE, "the worker dies");
}

void model_moves(struct moves *m, const struct world *w)
{
    m->bounded = false;
    for (unsigned p = 0; p < PUBS; p++)
        moves_publisher(m, w, p);
    moves_tiktok(m, w);
    moves_stores(m, w);
    moves_person(m, w);
}
