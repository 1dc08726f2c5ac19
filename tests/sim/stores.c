/* What a request does where it arrives: MariaDB's transactions and Redis's witness, as
 * run_store.c and run_pull.c ask for them. */
#include "sim.h"

static void answered(struct sim *s, struct op *op, enum flow_what what)
{
    op->ev = (struct flow_event){.what = what, .reason = "store"};
    sim_push_op(s, op, EV_ANSWER, sim_delay(s));
}

static void refused(struct sim *s, struct op *op, const char *reason)
{
    op->ev = (struct flow_event){.what = FLOW_REFUSED, .reason = reason};
    sim_push_op(s, op, EV_ANSWER, sim_delay(s));
}

static void next_stage(struct sim *s, struct op *op, unsigned stage)
{
    op->stage = (uint8_t)stage;
    sim_push_op(s, op, EV_EFFECT, sim_delay(s));
}

/* run_way(): each publisher has settings of its own. */
static enum flow_way new_way(const struct sim *s, const struct post *p, unsigned pub)
{
    if (!p->pull || (s->nature.uploaders >> pub & 1) != 0)
        return FLOW_BY_UPLOAD;
    return p->log ? FLOW_BY_LOG : FLOW_BY_GATE;
}

static void load(struct sim *s, struct op *op)
{
    const struct post *p = &s->post[op->post];
    static const struct attempt_row none = {.state = ATTEMPT_NONE};
    const struct attempt_row *a =
        p->rows.no > 0 ? &p->rows.attempt[p->rows.no - 1] : &none;
    bool unstored = a->pulls && op->no == p->rows.no && a->sid == 0;

    if (p->fence != op->fence || p->owner != op->inc) {
        answered(s, op, FLOW_LOST);
        return;
    }
    answered(s, op, FLOW_LOADED);
    op->ver = p->rows.ver;
    op->sched_ver = p->sched_ver;
    op->sid = unstored ? op->sid : a->state == ATTEMPT_DEAD ? 0 : a->sid;
    op->ev.start = (struct flow_start){
        .plan = {.size = 10 * p->chunks, .chunk_size = 10, .count = p->chunks},
        .due_ms = p->due_ms,
        .give_up_ms = p->give_up_ms,
        .granted_ms = p->granted_ms,
        .session = s->mutant->reinit ? FLOW_SESSION_NONE : rows_session(&p->rows),
        .way = a->pulls ? FLOW_BY_GATE : FLOW_BY_UPLOAD,
        .new_way = new_way(s, p, op->pub),
        .named = a->sid != 0,
        .gate = a->token,
        .attempt_no = p->rows.no,
        .fails = p->fails,
        .direct = p->direct};
}

static bool write_end(struct sim *s, struct post *p, const struct op *op)
{
    int64_t wait_ms = op->what == FLOW_DO_LATER ? op->wait_ms : 0;
    bool again = op->what == FLOW_DO_LATER || op->what == FLOW_DO_RELEASE ||
                 op->what == FLOW_DO_HANDOVER;

    if (!rows_end(&p->rows, op->what))
        return false;
    p->owner = 0;
    p->review = op->what == FLOW_DO_REVIEW ? op->reason : NULL;
    p->fails += op->what == FLOW_DO_LATER;
    p->crashes = op->what == FLOW_DO_REVIEW ? 0 : p->crashes;
    p->next_at_ms = again ? sim_db_now(s) + wait_ms : NEVER;
    if (again)
        redis_enqueue(s, op->post, s->now_ms + wait_ms + HINT_MARGIN_MS);
    return true;
}

/* True: the rows were changed. */
static bool write_rows(struct sim *s, struct post *p, const struct op *op)
{
    struct rows *r = &p->rows;

    p->next_at_ms = sim_db_now(s) + PHASE_MS;
    if (op->what == FLOW_DO_DEAD)
        return rows_dead(r, op->no, op->proof);
    if (op->what == FLOW_DO_INTENT) {
        p->granted_ms = sim_db_now(s);
        if (op->no >= ROWS_ATTEMPTS || !rows_intend(r, op->no + 1, op->ver))
            return false;
        r->attempt[op->no].pulls = op->pulls;
        r->attempt[op->no].token = op->pulls;
        return true;
    }
    if (op->what == FLOW_DO_PERSIST || op->what == FLOW_DO_SENT) {
        p->crashes = 0;
        return op->what == FLOW_DO_SENT ? rows_sent(r, op->no)
               : op->granted            ? rows_name(r, op->no, op->sid)
                                        : rows_persist(r, op->no, op->sid);
    }
    if (op->what != FLOW_DO_PUBLISHED)
        return write_end(s, p, op);
    p->owner = 0;
    p->next_at_ms = NEVER;
    return rows_published(r, op->no);
}

static enum flow_what commit(const struct sim *s, struct post *p, const struct op *op,
                             bool ours)
{
    bool adopts = op->what == FLOW_DO_ADOPT;
    enum granted how = GRANT_LOST;

    if (op->what != FLOW_DO_GRANT && ours)
        how = rows_open(&p->rows, op->no, adopts ? op->holder : op->sid, adopts);
    else if (ours || s->mutant->no_grant)
        how = rows_grant(&p->rows, op->no, s->mutant->rules);
    if (how == GRANT_OK)
        p->next_at_ms = sim_db_now(s) + PHASE_MS;
    return how == GRANT_OK ? FLOW_OK : how == GRANT_LOST ? FLOW_LOST : FLOW_REFUSED;
}

static enum flow_what write(struct sim *s, struct post *p, const struct op *op)
{
    struct post was = *p;
    bool ours = p->fence == op->fence && p->owner == op->inc;

    if (op->what == FLOW_DO_CLOSE) {
        bool passed = false;

        if (ours && rows_close(&p->rows, op->no, &passed))
            return FLOW_OK;
        return passed ? FLOW_HELD : FLOW_LOST;
    }
    if (op->what == FLOW_DO_GRANT || op->what == FLOW_DO_OPEN ||
        op->what == FLOW_DO_ADOPT)
        return commit(s, p, op, ours);
    if (ours && write_rows(s, p, op))
        return FLOW_OK;
    *p = was;
    return FLOW_LOST;
}

/* One transaction: whole, or not at all, or nobody knows. */
static void transact(struct sim *s, struct op *op)
{
    struct post *p = &s->post[op->post];
    struct post was = *p;
    enum flow_what how;

    if (s->db_away || dice_chance(&s->dice, s->nature.db_again)) {
        answered(s, op, FLOW_AGAIN);
        return;
    }
    how = write(s, p, op);
    if (how == FLOW_OK && dice_chance(&s->dice, s->nature.db_unclear)) {
        if (dice_chance(&s->dice, 500))
            *p = was;
        answered(s, op, FLOW_UNCLEAR);
        return;
    }
    if (((op->what == FLOW_DO_DEAD && op->proof) || op->what == FLOW_DO_CLOSE) &&
        how == FLOW_OK && op->sid != 0 && !s->redis_away && p->witness == op->sid)
        p->witness = 0;
    answered(s, op, how);
}

/* run_store.c's other_holds(). */
static void other_holds(struct sim *s, struct op *op)
{
    const struct post *p = &s->post[op->post];
    uint8_t state = op->no > 0 ? p->rows.attempt[op->no - 1].state : ATTEMPT_NONE;
    bool open = state == ATTEMPT_INTENT || state == ATTEMPT_READY;

    if (open && (op->pulls || p->session[op->holder].pulls))
        answered(s, op, FLOW_HELD);
    else
        refused(s, op, "witness_conflict");
    op->ev.other = op->ev.what == FLOW_HELD;
}

static void witness(struct sim *s, struct op *op)
{
    struct post *p = &s->post[op->post];

    if (s->redis_away || s->mutant->no_witness) {
        answered(s, op, FLOW_OK);
    } else if (op->stage == 2) {
        answered(s, op, p->witness == op->holder ? FLOW_OK : FLOW_AGAIN);
        if (p->witness == op->holder)
            p->witness = op->sid;
    } else if (op->stage == 1) {
        if (s->db_away)
            answered(s, op, FLOW_AGAIN);
        else if (rows_is_dead(&p->rows, op->holder, s->mutant->rules))
            next_stage(s, op, 2);
        else
            other_holds(s, op);
    } else if (p->witness == 0 || p->witness == op->sid) {
        p->witness = op->sid;
        answered(s, op, FLOW_OK);
    } else if (p->witness == CANCEL && op->sched_ver <= p->takes_back) {
        answered(s, op, FLOW_DROPPED);
    } else {
        op->holder = p->witness;
        next_stage(s, op, p->witness == CANCEL ? 2 : 1);
    }
}

/* run_store.c's nobody_may_be_out(). */
static void doubt(struct sim *s, struct op *op)
{
    struct post *p = &s->post[op->post];

    if (s->redis_away || s->mutant->no_witness || p->witness == 0 || p->witness == CANCEL)
        next_stage(s, op, 2);
    else if ((op->holder = p->witness) == op->sid)
        answered(s, op, FLOW_HELD);
    else if (s->db_away)
        answered(s, op, FLOW_AGAIN);
    else if (rows_is_dead(&p->rows, p->witness, s->mutant->rules))
        next_stage(s, op, 2);
    else
        other_holds(s, op);
}

void sim_effect(struct sim *s, struct op *op)
{
    bool gives_up = op->what == FLOW_DO_FAIL || (op->what == FLOW_DO_DEAD && !op->proof);

    if (sim_is_call(op->what)) {
        tiktok_call(s, op);
        sim_push_op(s, op, EV_ANSWER, sim_delay(s));
    } else if (op->what == FLOW_DO_WITNESS) {
        witness(s, op);
    } else if (op->what == FLOW_DO_RELOAD) {
        if (s->db_away)
            answered(s, op, FLOW_AGAIN);
        else
            load(s, op);
    } else if (gives_up && op->stage == 0) {
        doubt(s, op);
    } else {
        transact(s, op);
    }
}
