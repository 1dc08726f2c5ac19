/* Time, chance, Redis's windows, and TikTok. */
#include "sim.h"

#include "core/xalloc.h"

#include <stdarg.h>
#include <stdio.h>

/* --- chance -------------------------------------------------------------------- */

uint64_t dice_next(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t dice_between(struct dice *d, int64_t least, int64_t most)
{
    return least + (int64_t)(dice_next(d) % (uint64_t)(most - least + 1));
}

bool dice_chance(struct dice *d, unsigned per_mille)
{
    return dice_next(d) % 1000 < per_mille;
}

/* --- the queue of events ------------------------------------------------------- */

static bool before(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void sim_push(struct sim *s, int64_t at_ms, struct event ev)
{
    size_t i;

    if (s->heap_n == s->heap_room) {
        s->heap_room = s->heap_room * 2 + 256;
        s->heap = xreallocarray(s->heap, s->heap_room, sizeof(*s->heap));
    }
    ev.at_ms = at_ms > s->now_ms ? at_ms : s->now_ms;
    ev.order = s->order++;
    for (i = s->heap_n++; i > 0 && before(&ev, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = ev;
}

bool sim_pop(struct sim *s, struct event *out)
{
    struct event last;
    size_t i = 0;

    if (s->heap_n == 0)
        return false;
    *out = s->heap[0];
    last = s->heap[--s->heap_n];
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < s->heap_n && before(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (child >= s->heap_n || !before(&s->heap[child], &last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    s->now_ms = out->at_ms;
    s->events++;
    return true;
}

void sim_say(struct sim *s, const char *form, ...)
{
    va_list args;

    if (!s->trace)
        return;
    printf("%10.3f  ", (double)s->now_ms / 1000);
    va_start(args, form);
    (void)vprintf(form, args);
    va_end(args);
    (void)putchar('\n');
}

int64_t sim_db_now(const struct sim *s)
{
    return s->now_ms + s->db_offset_ms;
}

int64_t sim_delay(struct sim *s)
{
    return dice_between(&s->dice, 1, s->nature.delay_ms);
}

/* --- Redis --------------------------------------------------------------------- */

int64_t ring_pass(struct ring *r, unsigned limit, int64_t now_ms)
{
    if (r->n == limit && r->at[0] + RING_MS > now_ms)
        return r->at[0] + RING_MS - now_ms;
    if (r->n == limit) {
        for (unsigned i = 1; i < r->n; i++)
            r->at[i - 1] = r->at[i];
        r->n--;
    }
    r->at[r->n++] = now_ms;
    return 0;
}

void redis_enqueue(struct sim *s, unsigned post, int64_t at_ms)
{
    if (!s->redis_away)
        s->post[post].hint_ms = at_ms;
}

/* --- TikTok -------------------------------------------------------------------- */

static void answer(struct op *op, enum flow_what what)
{
    op->ev = (struct flow_event){.what = what, .reason = "tiktok"};
}

/* More INITs in a minute than are allowed are refused, and noted. */
static bool within_window(struct sim *s, struct post *p)
{
    struct ring *seen = &s->account[p->account].seen;
    bool full = seen->n == INIT_LIMIT && seen->at[0] + WINDOW_MS > s->now_ms;

    if (full && !s->redis_hurt && s->nature.calm)
        p->wrong = "more INITs in a minute than TikTok allows (I5)";
    if (full)
        return false;
    if (seen->n == INIT_LIMIT) {
        for (unsigned i = 1; i < seen->n; i++)
            seen->at[i - 1] = seen->at[i];
        seen->n--;
    }
    seen->at[seen->n++] = s->now_ms;
    return true;
}

static void call_init(struct sim *s, struct op *op)
{
    struct post *p = &s->post[op->post];
    uint8_t sid = 1;

    if (!within_window(s, p)) {
        answer(op, FLOW_AGAIN);
        op->ev.wait_ms = WINDOW_MS;
        return;
    }
    while (sid <= SESSIONS_MAX && p->session[sid].there)
        sid++;
    if (sid > SESSIONS_MAX) {
        answer(op, FLOW_AGAIN);
        return;
    }
    p->session[sid] = (struct session){
        .there = true, .pulls = op->pulls, .ver = op->ver, .made_ms = s->now_ms};
    op->sid = sid;
    if (op->pulls) {
        unsigned no = op->no; /* the attempt whose address TikTok is told */

        if (no > 0 && p->rows.attempt[no - 1].token)
            p->rows.attempt[no - 1].gate = sid;
        sim_push(s, s->now_ms + sim_delay(s),
                 (struct event){.kind = EV_FETCH, .post = op->post, .tag = sid});
    }
    answer(op, FLOW_OK);
}

static void uploaded(struct op *op, enum tiktok_upload what, unsigned next)
{
    answer(op, FLOW_UPLOADED);
    op->ev.step = (struct tiktok_upload_step){.what = what, .next = next};
}

/* Everything is there: TikTok works on it. */
static void complete(struct sim *s, unsigned post, uint8_t sid)
{
    struct post *p = &s->post[post];
    int64_t work = dice_between(&s->dice, 500, 60000);

    p->last_ms = s->now_ms;
    if (!s->nature.calm && dice_chance(&s->dice, 20))
        work = dice_between(&s->dice, 60000, 5400000);
    if (!s->nature.calm && dice_chance(&s->dice, 2)) /* it never comes to an end */
        return;
    sim_push(s, s->now_ms + work,
             (struct event){.kind = EV_TIKTOK, .post = (uint16_t)post, .tag = sid});
}

/* Through an open gate, or again later, for a while. */
void tiktok_fetches(struct sim *s, const struct event *ev)
{
    struct post *p = &s->post[ev->post];
    struct session *n = &p->session[ev->tag];
    int64_t again_ms = dice_between(&s->dice, 100, s->nature.calm ? 100 : 4000);

    if (n->fate != 0 || n->chunks > 0)
        return;
    for (unsigned i = 0; i < ROWS_ATTEMPTS && !s->db_away; i++) {
        struct attempt_row *a = &p->rows.attempt[i];

        if (a->gate == ev->tag && a->token && a->state >= ATTEMPT_GRANTED &&
            a->state <= ATTEMPT_PUBLISHED) {
            a->served = true;
            n->chunks = (uint8_t)p->chunks;
            sim_say(s, "TikTok      post %u: session %u fetches", ev->post, ev->tag);
            complete(s, ev->post, (uint8_t)ev->tag);
            return;
        }
    }
    if (s->now_ms < n->made_ms + (p->log ? 120000 : 12000))
        sim_push(s, s->now_ms + again_ms, *ev);
    else
        n->fate = 2;
}

/* What was begun in time is taken, also when it arrives minutes later. */
static void call_put(struct sim *s, struct op *op)
{
    struct post *p = &s->post[op->post];
    struct session *n = &p->session[op->sid];

    if (op->sid == 0 || n->fate == 2 || op->sent_ms > n->made_ms + FLOW_URL_LIFE_MS) {
        uploaded(op, TIKTOK_UPLOAD_EXPIRED, 0);
    } else if (n->chunks != op->chunk) {
        if (n->chunks == p->chunks)
            uploaded(op, TIKTOK_UPLOAD_DONE, 0);
        else
            uploaded(op, TIKTOK_UPLOAD_SKIP, n->chunks);
    } else {
        n->chunks++;
        if (n->chunks == p->chunks) {
            uploaded(op, TIKTOK_UPLOAD_DONE, 0);
            complete(s, op->post, op->sid);
        } else {
            uploaded(op, TIKTOK_UPLOAD_NEXT, n->chunks);
        }
    }
}

static void call_status(struct sim *s, struct op *op)
{
    static const enum tiktok_state states[] = {TIKTOK_PROCESSING, TIKTOK_PUBLISHED,
                                               TIKTOK_FAILED};
    struct post *p = &s->post[op->post];
    const struct session *n = &p->session[op->sid];

    if (op->sid == 0 || dice_chance(&s->dice, s->nature.refused / 8)) {
        answer(op, FLOW_UNKNOWN);
        p->unknown = true;
        return;
    }
    answer(op, FLOW_TOLD);
    op->ev.state = states[n->fate];
    op->ev.bytes = dice_chance(&s->dice, s->nature.refused / 4) ? -1 : 10 * n->chunks;
    op->ev.age_ms = op->adopted ? -1 : s->now_ms - n->made_ms;
    if (s->mutant->early_death)
        op->ev.age_ms += FLOW_URL_LIFE_MS + FLOW_URL_MARGIN_MS;
    op->ev.retry = n->fate == 2 && op->sid % 3 != 0;
}

static bool calls_fail(struct sim *s, struct op *op)
{
    if (s->tiktok_away) {
        answer(op, dice_chance(&s->dice, 500) ? FLOW_AGAIN : FLOW_UNCLEAR);
        return true;
    }
    if (!dice_chance(&s->dice, s->nature.refused))
        return false;
    if (op->what != FLOW_DO_CHUNK && op->what != FLOW_DO_LAST)
        answer(op, dice_chance(&s->dice, 100) ? FLOW_AUTH : FLOW_AGAIN);
    else if (dice_chance(&s->dice, 100))
        uploaded(op,
                 dice_chance(&s->dice, 500) ? TIKTOK_UPLOAD_ASK : TIKTOK_UPLOAD_EXPIRED,
                 0);
    else
        uploaded(op, TIKTOK_UPLOAD_AGAIN, op->chunk);
    return true;
}

void tiktok_call(struct sim *s, struct op *op)
{
    if (calls_fail(s, op))
        return;
    if (op->what == FLOW_DO_INIT)
        call_init(s, op);
    else if (op->what == FLOW_DO_STATUS)
        call_status(s, op);
    else if (op->what == FLOW_DO_CREATOR)
        answer(op, FLOW_OK);
    else
        call_put(s, op);
    if (op->answer_lost)
        answer(op, FLOW_UNCLEAR);
}

void tiktok_worked(struct sim *s, unsigned post, uint8_t sid)
{
    struct post *p = &s->post[post];
    struct session *n = &p->session[sid];

    if (n->fate != 0)
        return;
    if (!s->nature.calm && dice_chance(&s->dice, 50)) {
        n->fate = 2;
        sim_say(s, "TikTok      post %u: session %u fails", post, sid);
        return;
    }
    n->fate = 1;
    p->published++;
    sim_say(s, "TikTok      post %u: session %u is published", post, sid);
    if (p->published > 1)
        p->wrong = "published twice (I1)";
    if (p->canceled)
        p->wrong = "published after a cancel that was acknowledged (I2)";
    if (n->ver < p->edited)
        p->wrong = "an older version published than was acknowledged (I2)";
}
