#include "lease.h"

#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "intake/intake.h"
#include "run/run.h"
#include "store/publishers.h"
#include "upkeep/reconcile.h"

#include <inttypes.h>
#include <unistd.h>

enum {
    AGAIN_MS = 1000, /* after a heartbeat that failed */
    QUICK_MS = 50,   /* a slower answer says little about the clock */
    APART_MS = 250,  /* so far from the database's this machine's clock is wrong */
};

enum errand { REGISTER, BEAT, LEAVE };

struct lease {
    struct pool_work work; /* first, so that the work is the lease */
    struct publisher *p;
    struct timer timer;    /* the next heartbeat */
    struct timer watchdog; /* the moment from which nothing may be done any more */
    uint64_t inc;          /* 0: none yet, or lost */
    uint64_t old_inc;      /* lost, and perhaps still there */
    int64_t valid_until;   /* monotonic */
    int64_t offset_ms;     /* database clock minus monotonic */
    bool leaving, left, busy;
    bool away;  /* the database, and that was said */
    bool apart; /* its clock and this machine's, likewise */

    /* Of the work under way. */
    enum errand errand;
    int64_t before_mono, after_mono, db_now_ms;
    uint64_t work_inc, work_old_inc;
    int64_t paused_ms;
    char pause_reason[BRAKE_REASON_SIZE];
    enum rc rc;
    struct err err;
};

/* --- on a store thread -------------------------------------------------------------- */

static enum rc register_anew(struct lease *l, struct db *db)
{
    char host[65] = "";
    enum rc rc = RC_OK;

    (void)gethostname(host, sizeof(host) - 1);
    if (l->work_old_inc != 0)
        rc = publisher_leave(db, l->work_old_inc, &l->err);
    if (rc != RC_OK)
        return rc;
    l->before_mono = publisher_mono_ms();
    return publisher_register(db, host, (int64_t)getpid(), &l->work_inc, &l->db_now_ms,
                              &l->err);
}

/* What this process counts, and whether it holds back. Nobody waits for it. */
static void say(const struct lease *l, struct db *db)
{
    struct strbuf counters;
    struct publisher_word word = {.paused_ms = l->paused_ms,
                                  .pause_reason = l->pause_reason};
    struct err err;

    strbuf_init(&counters, PUBLISHER_COUNTERS_MAX);
    meter_write(&counters);
    word.counters = strbuf_failed(&counters) ? "" : counters.buf;
    if (publisher_say(db, l->work_inc, &word, &err) != RC_OK)
        log_failure("lease.not_said", &err);
    strbuf_release(&counters);
}

static void beat(struct pool_work *w, const struct pool_kit *kit)
{
    struct lease *l = (struct lease *)(void *)w;

    FAULT_POINT("hb.before");
    l->before_mono = publisher_mono_ms();
    l->rc = RC_OK;
    switch (l->errand) {
    case REGISTER:
        l->rc = register_anew(l, kit->db);
        break;
    case BEAT:
        l->rc = publisher_beat(kit->db, l->work_inc, &l->db_now_ms, &l->err);
        break;
    case LEAVE:
        if (l->work_inc != 0)
            l->rc = publisher_leave(kit->db, l->work_inc, &l->err);
        break;
    }
    l->after_mono = publisher_mono_ms();
    if (l->rc == RC_OK && l->errand != LEAVE)
        say(l, kit->db);
    FAULT_POINT("hb.after");
}

/* --- on the loop -------------------------------------------------------------------- */

static void lose(struct lease *l, const char *why)
{
    log_warn("lease.lost", "inc=%" PRIu64 " why=%s", l->inc, why);
    l->old_inc = l->inc;
    l->inc = 0;
    l->valid_until = 0;
    timer_stop(&l->p->timers, &l->watchdog);
    run_drop_all(l->p);
}

int64_t lease_clock(int64_t offset_ms, int64_t before_ms, int64_t after_ms,
                    int64_t db_now_ms)
{
    int64_t least = db_now_ms - after_ms;
    int64_t most = db_now_ms - before_ms;

    if (most - least <= QUICK_MS)
        return least + (most - least) / 2;
    return offset_ms < least || offset_ms > most ? least : offset_ms;
}

/* Wrong clocks cost punctuality only, but nobody would notice by anything else. */
static void compare_clocks(struct lease *l)
{
    int64_t off_ms = lease_now_ms(l) - clock_wall_ms(clock_system());
    bool apart = off_ms > APART_MS || off_ms < -APART_MS;

    meter_set(METER_CLOCK_OFFSET, off_ms);
    if (apart && !l->apart)
        log_warn("clock.apart", "ms=%" PRId64, off_ms);
    if (!apart && l->apart)
        log_info("clock.together", "ms=%" PRId64, off_ms);
    l->apart = apart;
}

static void accept_beat(struct lease *l)
{
    l->valid_until = l->before_mono + PUBLISHER_LEASE_MS - PUBLISHER_STOP_MS;
    l->offset_ms = lease_clock(l->offset_ms, l->before_mono, l->after_mono, l->db_now_ms);
    compare_clocks(l);
    timer_set(&l->p->timers, &l->watchdog, l->valid_until);
    if (l->errand == BEAT)
        return;
    l->inc = l->work_inc;
    l->old_inc = 0;
    log_info("lease.registered", "inc=%" PRIu64, l->inc);
    intake_wake(l->p->intake);
    reconcile_sweep(l->p->reconcile); /* what the old incarnation held is free */
}

static void say_change(struct lease *l)
{
    bool away = l->rc == RC_UNAVAILABLE || l->rc == RC_UNCERTAIN;

    if (l->errand == LEAVE && l->work_inc == 0) /* nothing was asked */
        return;
    if (away && !l->away)
        log_failure("database.away", &l->err);
    else if (!away && l->away)
        log_info("database.back", "%s", "");
    else if (!away && l->rc != RC_OK)
        log_failure("lease.refused", &l->err);
    l->away = away;
}

static void submit(struct lease *l)
{
    l->busy = true;
    l->work_inc = l->inc;
    l->work_old_inc = l->old_inc;
    l->paused_ms = brake_left_ms(&l->p->brake, publisher_mono_ms());
    meter_set(METER_IN_HANDS, (int64_t)l->p->runs.len);
    meter_set(METER_WORKS, (int64_t)pool_busy(l->p->store));
    text_copy(l->pause_reason, sizeof(l->pause_reason), l->p->brake.reason);
    l->errand = l->leaving ? LEAVE : l->inc == 0 ? REGISTER : BEAT;
    pool_submit(l->p->store, &l->work);
}

/* The ms from the last beat to the next, by how the last one went. */
static int64_t judge(struct lease *l)
{
    if (l->errand == BEAT && l->inc == 0) /* given up while the answer was on its way */
        return 0;
    if (l->rc == RC_OK) {
        accept_beat(l);
        return PUBLISHER_BEAT_MS;
    }
    if (l->rc != RC_CONFLICT || l->errand != BEAT)
        return AGAIN_MS;
    lose(l, "declared_dead");
    return 0;
}

static void beaten(struct pool_work *w)
{
    struct lease *l = (struct lease *)(void *)w;

    l->busy = false;
    l->left = l->errand == LEAVE;
    say_change(l);
    if (l->left)
        return;
    if (l->leaving && l->errand == REGISTER && l->rc == RC_OK)
        l->inc = l->work_inc;
    if (l->leaving)
        submit(l);
    else
        timer_set(&l->p->timers, &l->timer, l->before_mono + judge(l));
}

static void on_timer(void *arg)
{
    struct lease *l = (struct lease *)arg;

    if (!l->busy)
        submit(l);
}

static void on_watchdog(void *arg)
{
    struct lease *l = (struct lease *)arg;

    if (l->inc != 0)
        lose(l, "no_heartbeat");
}

void lease_renounce(struct lease *l, const char *why)
{
    if (l->inc == 0)
        return;
    lose(l, why);
    if (!l->busy && !l->leaving)
        timer_set(&l->p->timers, &l->timer, publisher_mono_ms());
}

struct lease *lease_new(struct publisher *p)
{
    struct lease *l = xcalloc(1, sizeof(*l));

    l->p = p;
    l->work.run = beat;
    l->work.done = beaten;
    l->timer.fire = on_timer;
    l->timer.arg = l;
    l->watchdog.fire = on_watchdog;
    l->watchdog.arg = l;
    l->offset_ms = clock_wall_ms(clock_system()) - publisher_mono_ms();
    submit(l);
    return l;
}

void lease_free(struct lease *l)
{
    free(l);
}

bool lease_valid(const struct lease *l)
{
    return l->inc != 0 && publisher_mono_ms() < l->valid_until;
}

uint64_t lease_inc(const struct lease *l)
{
    return l->inc;
}

int64_t lease_now_ms(const struct lease *l)
{
    return publisher_mono_ms() + l->offset_ms;
}

void lease_leave(struct lease *l)
{
    if (l->leaving)
        return;
    l->leaving = true;
    timer_stop(&l->p->timers, &l->timer);
    if (!l->busy)
        submit(l);
}

bool lease_left(const struct lease *l)
{
    return l->left;
}
