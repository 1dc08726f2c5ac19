#include "intake.h"

#include "../lease.h"
#include "../run/run.h"
#include "../upkeep/reconcile.h"
#include "../upkeep/restore.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/random.h"
#include "core/xalloc.h"
#include "queue/queue.h"
#include "store/db.h"
#include "store/jobs.h"

#include <inttypes.h>
#include <string.h>

enum {
    IDLE_MS = 1000,   /* between looks when nothing is known to come */
    FULL_MS = 50,     /* there was no room */
    SCANT_ROOM = 16,  /* once it is filled, the next look waits for more to get free */
    AWAY_MS = 250,    /* without Redis, or after a claim that failed */
    RESTORED_MS = 20, /* until Redis knows the windows again, which may be others' work */
    SOON_MS = 5,      /* margin for a hint whose time had not come */
    WAITED_MS = 1000, /* what a window holds up for less is not worth telling */
    SHARD_STEP = 64,  /* a sweep begins at a multiple of this, another each time */
};

/* What a look brings. */
struct found {
    struct queue_hint hints[JOB_CLAIM_MAX];
    size_t len;
    int64_t redis_now_ms; /* 0: from a sweep of the database */
    int64_t wake_ms;      /* until something else is due */
    bool loaded;          /* no group wants a full load */
    bool ready;           /* every group knows its windows */
};

struct intake {
    struct pool_work work; /* first, so that the work is the intake */
    struct publisher *p;
    struct timer timer;
    bool busy, woken;
    bool redis_away; /* and that was said */
    bool doubtful;   /* the last claim failed: ask the database before taking more */
    unsigned turn;

    /* Of the work under way. */
    size_t room;
    uint64_t inc;
    struct found found;
    struct job_claimed claimed[JOB_CLAIM_MAX];
    size_t claimed_len;
    int64_t claim_now_ms;
    int64_t look_mono_ms;
    struct queue_taken taken;
    enum rc redis_rc, rc;
    struct err redis_err, err;
};

static struct intake *of_work(struct pool_work *w)
{
    return (struct intake *)(void *)w;
}

/* --- looking, on a store thread ------------------------------------------------ */

static void add_taken(struct found *f, const struct queue_taken *t)
{
    int64_t wake = t->next_wake_ms - t->now_ms;

    (void)memcpy(&f->hints[f->len], t->hints, t->len * sizeof(t->hints[0]));
    f->len += t->len;
    f->redis_now_ms = t->now_ms;
    f->loaded = f->loaded && t->loaded;
    f->ready = f->ready && t->ready;
    if (t->next_wake_ms > 0 && wake < f->wake_ms)
        f->wake_ms = wake > 0 ? wake : 0;
}

static enum rc take_all(struct intake *in, struct redis *redis)
{
    struct found *f = &in->found;

    for (unsigned i = 0; i < QUEUE_GROUPS && f->len < in->room; i++) {
        enum rc rc = queue_take(redis, (in->turn + i) % QUEUE_GROUPS, in->room - f->len,
                                0, &in->taken, &in->redis_err);

        if (rc != RC_OK)
            return rc;
        add_taken(f, &in->taken);
    }
    if (f->len >= in->room) /* there may be more */
        f->wake_ms = in->room < SCANT_ROOM ? FULL_MS : 0;
    return RC_OK;
}

static void add_swept(struct found *f, const struct job_hint *hints, size_t len,
                      size_t room)
{
    for (size_t i = 0; i < len && f->len < room; i++)
        f->hints[f->len++] = (struct queue_hint){.account_id = hints[i].account_id,
                                                 .post_id = hints[i].post_id,
                                                 .at_ms = hints[i].next_at_ms};
}

/* Everything that is due, from a shard on and around: no account is always first. */
static enum rc sweep_all(struct intake *in, struct db *db)
{
    struct job_hint hints[JOB_SWEEP_MAX];
    unsigned first = in->turn * SHARD_STEP % JOB_SHARDS;
    size_t len = 0;
    enum rc rc = job_sweep(db, (struct job_shards){first, JOB_SHARDS - 1}, 0, hints, &len,
                           &in->err);

    if (rc != RC_OK)
        return rc;
    add_swept(&in->found, hints, len, in->room);
    if (first == 0 || in->found.len >= in->room)
        return RC_OK;
    rc = job_sweep(db, (struct job_shards){0, first - 1}, 0, hints, &len, &in->err);
    if (rc == RC_OK)
        add_swept(&in->found, hints, len, in->room);
    return rc;
}

static void look(struct pool_work *w, const struct pool_kit *kit)
{
    struct intake *in = of_work(w);
    int64_t ignored = 0;

    in->found = (struct found){.wake_ms = IDLE_MS, .loaded = true, .ready = true};
    in->rc = RC_OK;
    if (in->doubtful) /* what is taken counts against the account's window */
        in->rc = db_now(kit->db, &ignored, &in->err);
    if (in->rc != RC_OK)
        return;
    in->redis_rc = restore_own_up(&in->p->redis_unaware, kit->redis, &in->redis_err);
    if (in->redis_rc == RC_OK)
        in->redis_rc = take_all(in, kit->redis);
    FAULT_POINT("take.after");
    if (in->redis_rc == RC_OK && !in->found.ready) {
        in->redis_rc = restore_windows(kit, &in->redis_err);
        in->found.wake_ms =
            in->found.wake_ms < RESTORED_MS ? in->found.wake_ms : RESTORED_MS;
    }
    if (in->redis_rc == RC_OK)
        return;
    in->found.redis_now_ms = 0; /* what was taken before it failed is claimed as well */
    in->found.wake_ms = AWAY_MS;
    in->rc = sweep_all(in, kit->db);
}

/* --- claiming, on a store thread -------------------------------------------------- */

static bool was_claimed(const struct intake *in, uint64_t post_id)
{
    for (size_t i = 0; i < in->claimed_len; i++) {
        if (in->claimed[i].post_id == post_id)
            return true;
    }
    return false;
}

/* Whether a hint is put back, and when it shall come again by Redis's clock: one that
 * came before its time by the database's clock, or that could not be looked at. One that
 * stood for nothing any more is dropped. */
static bool comes_again(const struct intake *in, const struct queue_hint *h,
                        int64_t now_ms, int64_t *at_ms)
{
    if (in->rc != RC_OK) {
        *at_ms = in->found.redis_now_ms;
        return true;
    }
    *at_ms = in->found.redis_now_ms + (h->at_ms - now_ms) + SOON_MS;
    return h->at_ms > now_ms && !was_claimed(in, h->post_id);
}

/* What was not claimed opens no session: its account may do that for another post. */
static void put_back(const struct intake *in, struct redis *redis, int64_t now_ms)
{
    const struct found *f = &in->found;
    struct err ignored;
    enum rc rc = RC_OK;
    int64_t at_ms;

    for (size_t i = 0; i < f->len && f->redis_now_ms > 0 && rc == RC_OK; i++) {
        const struct queue_hint *h = &f->hints[i];

        if (!was_claimed(in, h->post_id))
            rc = queue_refund(redis, h, &ignored);
        if (rc == RC_OK && comes_again(in, h, now_ms, &at_ms))
            rc = queue_enqueue(redis, h->post_id, h->account_id, at_ms, &ignored);
    } /* else Redis has gone: the sweep finds them */
}

static void claim(struct pool_work *w, const struct pool_kit *kit)
{
    struct intake *in = of_work(w);
    uint64_t ids[JOB_CLAIM_MAX], accounts[JOB_CLAIM_MAX], waited[JOB_CLAIM_MAX];
    const struct job_ration ration = {accounts, QUEUE_WINDOW_MS, QUEUE_INIT_LIMIT};
    struct job_claim claim = {.inc = in->inc,
                              .post_ids = ids,
                              .n = in->found.len,
                              .waited = waited,
                              .out = in->claimed};

    for (size_t i = 0; i < in->found.len; i++) {
        const struct queue_hint *h = &in->found.hints[i];

        ids[i] = h->post_id;
        accounts[i] = h->account_id;
        if (h->free_ms - h->at_ms >= WAITED_MS)
            waited[claim.waited_n++] = h->post_id;
    }
    if (in->found.redis_now_ms == 0)
        claim.ration = &ration;
    in->claimed_len = 0;
    FAULT_POINT("claim.before_commit");
    in->rc = job_claim(kit->db, &claim, &in->err);
    FAULT_POINT("claim.after");
    if (in->rc == RC_OK)
        in->claimed_len = claim.len;
    if (claim.ration != NULL && (in->rc != RC_OK || claim.len > 0))
        atomic_store(&in->p->redis_unaware, true);
    in->claim_now_ms = claim.now_ms;
    put_back(in, kit->redis, claim.now_ms);
}

/* --- on the loop ----------------------------------------------------------------- */

static void submit(struct intake *in,
                   void (*run)(struct pool_work *w, const struct pool_kit *kit),
                   void (*done)(struct pool_work *w))
{
    in->busy = true;
    in->work.run = run;
    in->work.done = done;
    pool_submit(in->p->store, &in->work);
}

static void look_again(struct intake *in, int64_t after_ms)
{
    in->busy = false;
    if (in->woken)
        after_ms = 0;
    in->woken = false;
    timer_set(&in->p->timers, &in->timer, publisher_mono_ms() + after_ms);
}

/* Redis went or came back: said once each, and learned by those who care. */
static void note_redis(struct intake *in)
{
    bool away = in->redis_rc != RC_OK;

    if (away && !in->redis_away)
        log_failure("redis.away", &in->redis_err);
    if (!away && in->redis_away)
        log_info("redis.back", "%s", "");
    in->redis_away = away;
    if (!away && !in->found.loaded)
        reconcile_feed(in->p->reconcile);
}

/* How long after its time each was claimed. */
static void count_claims(const struct intake *in)
{
    meter_add(METER_CLAIMS, in->claimed_len);
    meter_add(METER_LEDGER_RATIONED, in->found.redis_now_ms == 0 ? in->claimed_len : 0);
    for (size_t i = 0; i < in->found.len; i++) {
        const struct queue_hint *h = &in->found.hints[i];

        if (was_claimed(in, h->post_id))
            meter_span(METER_CLAIM_LATE, in->claim_now_ms - h->at_ms);
    }
}

static struct run_counted counted_of(const struct intake *in, const struct job_claimed *c)
{
    struct run_counted counted = {.mono_ms = in->look_mono_ms};

    for (size_t i = 0; i < in->found.len && in->found.redis_now_ms > 0; i++) {
        if (in->found.hints[i].post_id == c->post_id)
            counted.at_ms = in->found.hints[i].counted_ms;
    }
    return counted;
}

static void claimed(struct pool_work *w)
{
    struct intake *in = of_work(w);
    struct publisher *p = in->p;

    if (in->rc != RC_OK && in->rc != RC_UNAVAILABLE)
        log_failure("claim.failed", &in->err);
    if (in->rc == RC_UNCERTAIN && lease_inc(p->lease) == in->inc)
        lease_renounce(p->lease, "claim_unclear");
    if (in->rc == RC_CONFLICT && lease_inc(p->lease) == in->inc)
        lease_renounce(p->lease, "declared_dead");
    if (in->rc == RC_OK && lease_inc(p->lease) == in->inc) {
        count_claims(in);
        for (size_t i = 0; i < in->claimed_len; i++)
            run_start(p, &in->claimed[i], in->inc, counted_of(in, &in->claimed[i]));
    }
    in->doubtful = in->rc != RC_OK;
    look_again(in, in->rc == RC_OK ? in->found.wake_ms : AWAY_MS);
}

static void looked(struct pool_work *w)
{
    struct intake *in = of_work(w);
    struct publisher *p = in->p;

    in->turn++;
    note_redis(in);
    if (in->rc != RC_OK && in->rc != RC_UNAVAILABLE)
        log_failure("sweep.failed", &in->err);
    if (in->found.len == 0 || p->stopping || lease_inc(p->lease) != in->inc)
        look_again(in, in->rc == RC_OK ? in->found.wake_ms : AWAY_MS);
    else
        submit(in, claim, claimed);
}

static void on_timer(void *arg)
{
    struct intake *in = (struct intake *)arg;
    struct publisher *p = in->p;
    size_t room = run_room(p);

    if (p->stopping)
        return;
    if (!lease_valid(p->lease) || room == 0) {
        look_again(in, room == 0 ? FULL_MS : IDLE_MS); /* a new lease wakes us */
        return;
    }
    in->room = room < JOB_CLAIM_MAX ? room : JOB_CLAIM_MAX;
    in->inc = lease_inc(p->lease);
    in->look_mono_ms = publisher_mono_ms();
    submit(in, look, looked);
}

void intake_wake(struct intake *in)
{
    in->woken = in->busy;
    if (!in->busy)
        timer_set(&in->p->timers, &in->timer, publisher_mono_ms());
}

bool intake_busy(const struct intake *in)
{
    return in->busy;
}

struct intake *intake_new(struct publisher *p)
{
    struct intake *in = xcalloc(1, sizeof(*in));

    in->p = p;
    in->timer.fire = on_timer;
    in->timer.arg = in;
    in->turn = (unsigned)random_below(random_system(), JOB_SHARDS);
    timer_set(&p->timers, &in->timer, publisher_mono_ms());
    return in;
}

void intake_free(struct intake *in)
{
    free(in);
}
