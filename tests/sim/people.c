/* People who change their minds, as the API lets them, and everything that breaks. */
#include "sim.h"

enum deed { CANCEL_IT = 1, EDIT_IT, MOVE_IT, AGAIN_IT };

static bool in(uint8_t state, unsigned states)
{
    return (states & (1U << state)) != 0;
}

enum {
    CAN_CANCEL = 1 << JOB_SCHEDULED | 1 << JOB_RUNNING | 1 << JOB_BLOCKED,
    CAN_CHANGE =
        1 << JOB_SCHEDULED | 1 << JOB_FAILED | 1 << JOB_CANCELED | 1 << JOB_BLOCKED,
};

/* posts_take_witness() and posts_free_witness(). */
static bool witness_lets(struct sim *s, struct post *p, enum deed deed)
{
    bool session = p->witness != 0 && p->witness != CANCEL;

    if (s->redis_away || s->mutant->no_witness) {
        p->robbed |= session; /* that goes on with a session that nobody asked about */
        return true;
    }
    if (session && !rows_is_dead(&p->rows, p->witness, s->mutant->rules))
        return false;
    if (deed == CANCEL_IT) {
        p->witness = CANCEL;
        p->takes_back = p->sched_ver;
        p->cancel_asked = true;
    }
    return true;
}

void person_begins(struct sim *s, unsigned post)
{
    struct post *p = &s->post[post];
    enum deed deed = (enum deed)dice_between(&s->dice, CANCEL_IT, AGAIN_IT);

    if (s->db_away || p->rows.granted != 0 ||
        !in(p->rows.state, deed == CANCEL_IT ? CAN_CANCEL : CAN_CHANGE) ||
        !witness_lets(s, p, deed))
        return;
    p->touched = true;
    sim_push(s, s->now_ms + sim_delay(s),
             (struct event){.kind = EV_DEED,
                            .post = (uint16_t)post,
                            .op = (uint16_t)deed,
                            .tag = (uint32_t)p->rows.state << 16 | p->sched_ver});
}

/* What every change of a person's does besides. */
static void written(struct sim *s, struct post *p, int64_t next_at_ms)
{
    p->fence++;
    p->owner = 0;
    p->sched_ver++;
    p->fails = p->crashes = 0;
    p->next_at_ms = next_at_ms;
    if (next_at_ms != NEVER)
        redis_enqueue(s, (unsigned)(p - s->post), next_at_ms - s->db_offset_ms);
}

static void cancel(struct sim *s, struct post *p, bool unclear)
{
    if (!rows_cancel(&p->rows)) {
        if (p->witness == CANCEL && p->rows.state != JOB_CANCELED && !s->redis_away)
            p->witness = 0;
        return;
    }
    written(s, p, NEVER);
    p->cancel_asked = true;
    if (unclear)
        return;
    p->canceled = true;
    if (p->published > 0)
        p->wrong = "canceled what was out already (I2)";
}

static void edit(struct sim *s, struct post *p, uint8_t was, bool unclear)
{
    if (!rows_edit(&p->rows, was))
        return;
    written(s, p, p->rows.state == JOB_SCHEDULED ? p->next_at_ms : NEVER);
    if (unclear)
        return;
    p->edited = p->rows.ver;
    if (p->published > 0)
        p->wrong = "edited what was out already (I2)";
}

static void set_off(struct sim *s, struct post *p, uint8_t was, enum deed deed)
{
    if (deed == MOVE_IT && was != JOB_SCHEDULED)
        return;
    p->canceled = false;
    if (!rows_again(&p->rows, was))
        return;
    p->cancel_asked = false;
    p->due_ms = sim_db_now(s);
    if (deed == MOVE_IT)
        p->due_ms += dice_between(&s->dice, 1000, 300000);
    p->give_up_ms = p->due_ms + 21600000;
    written(s, p, p->due_ms);
}

void person_goes_on(struct sim *s, const struct event *ev)
{
    struct post *p = &s->post[ev->post];
    struct post was = *p;
    uint8_t state = (uint8_t)(ev->tag >> 16);
    bool unclear = dice_chance(&s->dice, s->nature.db_unclear);
    bool fresh = (ev->tag & 0xffff) == p->sched_ver;

    if (s->db_away || dice_chance(&s->dice, s->nature.crashes))
        return; /* a witness that says canceled may stay behind */
    sim_say(s, "person      post %u: deed %u%s", ev->post, ev->op,
            unclear ? ", unclear" : "");
    if (ev->op == CANCEL_IT)
        cancel(s, p, unclear);
    else if (ev->op == EDIT_IT && fresh)
        edit(s, p, state, unclear);
    else if (fresh)
        set_off(s, p, state, (enum deed)ev->op);
    if (unclear && dice_chance(&s->dice, 500)) {
        was.canceled = was.canceled && p->canceled;
        *p = was;
    }
}

/* --- faults -------------------------------------------------------------------- */

enum { QUIET_LEASE_MS = 3600000 };
enum ending { END_DB = 1, END_REDIS, END_TIKTOK };

static void outage(struct sim *s)
{
    enum ending which = (enum ending)dice_between(&s->dice, END_DB, END_TIKTOK);
    int64_t ms = dice_between(&s->dice, 500, 60000);

    sim_say(s, "outage %d for %d ms", (int)which, (int)ms);
    if (which == END_DB)
        s->db_away = true;
    if (which == END_REDIS)
        s->redis_away = s->redis_hurt = true;
    if (which == END_TIKTOK)
        s->tiktok_away = true;
    sim_push(s, s->now_ms + ms, (struct event){.kind = EV_FAULT, .op = (uint16_t)which});
}

/* Redis forgets all, or comes back as it was a while ago. */
static void forget(struct sim *s)
{
    bool all = dice_chance(&s->dice, 500);

    sim_say(s, "Redis %s", all ? "forgets" : "is set back");
    s->redis_hurt = true;
    for (unsigned i = 0; i < s->nature.posts; i++) {
        struct post *p = &s->post[i];
        uint8_t was = p->witness;

        p->hint_ms = all ? NEVER : s->snap[i].hint_ms;
        p->witness = all ? 0 : s->snap[i].witness;
        p->takes_back = s->snap[i].takes_back;
        p->robbed |= p->witness != was;
    }
    for (unsigned a = 0; a < s->nature.accounts; a++)
        s->account[a].init.n = s->account[a].status.n = s->account[a].creator.n = 0;
}

static void snapshot(struct sim *s)
{
    for (unsigned i = 0; i < s->nature.posts; i++) {
        s->snap[i].hint_ms = s->post[i].hint_ms;
        s->snap[i].witness = s->post[i].witness;
        s->snap[i].takes_back = s->post[i].takes_back;
    }
}

static void harm_publisher(struct sim *s)
{
    unsigned p = (unsigned)dice_between(&s->dice, 0, s->nature.pubs - 1);
    struct publisher *pub = &s->pub[p];

    if (!pub->alive || pub->paused)
        return;
    if (dice_chance(&s->dice, s->nature.crashes)) {
        publisher_kill(s, p);
        sim_push(s, s->now_ms + dice_between(&s->dice, 50, 20000),
                 (struct event){.kind = EV_START, .pub = (uint8_t)p});
    } else if (dice_chance(&s->dice, s->nature.crashes)) {
        publisher_stop(s, p);
    } else if (dice_chance(&s->dice, s->nature.pauses)) {
        sim_say(s, "publisher %u is paused", p);
        pub->paused = true;
        sim_push(s, s->now_ms + dice_between(&s->dice, 100, s->nature.lease_ms * 3),
                 (struct event){.kind = EV_RESUME, .pub = (uint8_t)p});
    }
}

static void end_outage(struct sim *s, uint16_t which)
{
    if (which == END_DB)
        s->db_away = false;
    if (which == END_REDIS)
        s->redis_away = false;
    if (which == END_TIKTOK)
        s->tiktok_away = false;
}

void fault_turn(struct sim *s)
{
    if (s->mended)
        return;
    harm_publisher(s);
    if (dice_chance(&s->dice, s->nature.outages))
        outage(s);
    if (dice_chance(&s->dice, s->nature.outages / 4))
        forget(s);
    if (dice_chance(&s->dice, 200))
        snapshot(s);
    if (s->nature.clocks && dice_chance(&s->dice, 50))
        s->db_offset_ms = dice_between(&s->dice, -300000, 300000);
    sim_push(s, s->now_ms + dice_between(&s->dice, 500, 20000),
             (struct event){.kind = EV_FAULT});
}

void fault_ends(struct sim *s, const struct event *ev)
{
    if (ev->op == 0)
        fault_turn(s);
    else
        end_outage(s, ev->op);
}

void mend(struct sim *s)
{
    s->mended = true;
    s->db_away = s->redis_away = s->tiktok_away = false;
    s->nature.lost = s->nature.late = s->nature.refused = 0;
    s->nature.db_again = s->nature.db_unclear = s->nature.crashes = 0;
    s->nature.lease_ms = QUIET_LEASE_MS; /* so that days pass with few events */
    sim_say(s, "all is mended");
    for (unsigned p = 0; p < s->nature.pubs; p++)
        publisher_start(s, p);
}
