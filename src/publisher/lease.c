#include "lease.h"

#include "core/clock.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "run.h"
#include "store/publishers.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct lease {
    struct pool_work work; /* first, so that the work is the lease */
    struct publisher *p;
    struct timer timer;
    uint64_t inc;        /* 0: none yet, or lost */
    int64_t valid_until; /* monotonic */
    int64_t offset_ms;   /* database clock minus monotonic */
    bool leaving, left, busy;

    /* Of the work under way. */
    int64_t before_mono, after_mono, db_now_ms;
    uint64_t work_inc;
    bool registering, ending;
    enum rc rc;
    struct err err;
};

static void beat(struct pool_work *w, const struct pool_kit *kit)
{
    struct lease *l = (struct lease *)(void *)w;
    char host[64] = "";

    l->before_mono = publisher_mono_ms();
    FAULT_POINT("hb.before");
    if (l->ending) {
        l->rc = l->work_inc != 0 ? publisher_leave(kit->db, l->work_inc, &l->err) : RC_OK;
    } else if (l->registering) {
        (void)gethostname(host, sizeof(host) - 1);
        l->rc = publisher_register(kit->db, host, (int64_t)getpid(), &l->work_inc,
                                   &l->db_now_ms, &l->err);
    } else {
        l->rc = publisher_beat(kit->db, l->work_inc, &l->db_now_ms, &l->err);
    }
    FAULT_POINT("hb.after");
    l->after_mono = publisher_mono_ms();
}

static void lose(struct lease *l, const char *why)
{
    log_warn("lease.lost", "inc=%" PRIu64 " why=%s", l->inc, why);
    l->inc = 0;
    l->valid_until = 0;
    run_drop_all(l->p);
}

static void accept_beat(struct lease *l)
{
    if (l->inc != l->work_inc)
        log_info("lease.registered", "inc=%" PRIu64, l->work_inc);
    l->inc = l->work_inc;
    l->valid_until = l->before_mono + PUBLISHER_LEASE_MS - PUBLISHER_STOP_MS;
    l->offset_ms = l->db_now_ms - (l->before_mono + l->after_mono) / 2;
}

static void submit(struct lease *l)
{
    l->busy = true;
    l->work_inc = l->inc;
    l->registering = l->inc == 0;
    l->ending = l->leaving;
    pool_submit(l->p->store, &l->work);
}

/* When to beat again, by how the last one went. */
static int64_t judge(struct lease *l)
{
    if (!l->registering && l->inc == 0) /* given up while the answer was on its way */
        return 0;
    if (l->rc == RC_OK) {
        accept_beat(l);
        return PUBLISHER_BEAT_MS;
    }
    log_failure("lease.failed", &l->err);
    if (l->rc != RC_CONFLICT)
        return 1000;
    lose(l, "declared_dead");
    return 0;
}

static void beaten(struct pool_work *w)
{
    struct lease *l = (struct lease *)(void *)w;

    l->busy = false;
    l->left = l->ending;
    if (l->ending)
        return;
    if (l->leaving)
        submit(l);
    else
        timer_set(&l->p->timers, &l->timer, l->before_mono + judge(l));
}

static void on_timer(void *arg)
{
    struct lease *l = (struct lease *)arg;

    if (l->inc != 0 && !lease_valid(l))
        lose(l, "database_away");
    if (!l->busy)
        submit(l);
}

struct lease *lease_new(struct publisher *p)
{
    struct lease *l = xcalloc(1, sizeof(*l));

    l->p = p;
    l->work.run = beat;
    l->work.done = beaten;
    l->timer.fire = on_timer;
    l->timer.arg = l;
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
