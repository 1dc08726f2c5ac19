#include "reconcile.h"
#include "restore.h"

#include "../lease.h"
#include "../run/run.h"
#include "../tokens/journal.h"
#include "../tokens/tokens.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/random.h"
#include "core/xalloc.h"
#include "domain/post.h"
#include "queue/queue.h"
#include "store/account_tokens.h"
#include "store/events.h"
#include "store/health.h"
#include "store/jobs.h"
#include "store/notifications.h"
#include "store/publishers.h"
#include "store/tasks.h"
#include "store/webhooks.h"

#include <inttypes.h>
#include <unistd.h>

enum {
    SWEEP_MS = 2000,
    SWEEP_LATE_MS = 1500, /* later than this is overdue */
    SWEEP_ALL_EVERY = 5,  /* sweeps: one of so many looks at the others' shares too */
    REAP_MS = 2000,
    FEED_MS = 60000,
    FEED_SOON_MS = 5000,
    BEAT_MS = 10000, /* well below JOB_PHASE_MS */
    REFRESH_MS = 10000,
    REPLAY_MS = 2000, /* until it has worked */
    PURGE_MS = 60000,
    WATCH_MS = 1000,
    CATCH_UP_MS =
        10000, /* after a start, or after MariaDB was away: nobody is told yet */
    WARN_MS = 60000,
    LEAD_MS = 5000,
    NO_LEASE_MS = 1000,
    REFRESH_MAX = 16,
    BEAT_BATCH = 200,
    SHARD_STEP = 64,
};

enum chore_kind {
    SWEEP,
    REAP,
    FEED,
    BEAT,
    REFRESH,
    REPLAY,
    PURGE,
    WATCH,
    WARN,
    LEAD,
    CHORES,
};

/* One of the chores: a timer that begins its work, which runs on a store thread. */
struct chore {
    struct pool_work work; /* first, so that the work is the chore */
    struct timer timer;
    struct reconcile *r;
    enum chore_kind kind;
    bool busy;
    bool again;   /* after() sets it: at once, not after the period */
    bool failing; /* and that was said */
    enum rc rc;
    struct err err;
};

struct reconcile {
    struct publisher *p;
    struct chore chores[CHORES];
    size_t refreshing; /* works on the task threads */

    unsigned turn; /* SWEEP */
    uint64_t sweep_inc;
    bool sweep_all;           /* what is due at all, not only what is overdue */
    int64_t freed;            /* REAP */
    struct job_cursor cursor; /* FEED: zeroed between loads */
    bool feed_wanted;         /* by Redis: one of the publishers does it at once */
    bool feed_for_redis;      /* the one under way is for that */
    bool feed_begun;
    struct queue_load load;
    size_t fed;
    int64_t feed_now_ms; /* the database's */
    bool feed_ended;
    struct job_ref refs[BEAT_BATCH]; /* BEAT */
    uint64_t lost[BEAT_BATCH];
    size_t refs_len, lost_len, beat_from;
    uint64_t beat_inc;
    struct token_due due[REFRESH_MAX]; /* REFRESH */
    size_t due_len;
    int64_t events_purged;  /* PURGE */
    int64_t rate_known;     /* LEAD: of our own uploads, or 0 */
    int64_t rate_heard;     /* of the slowest publisher's, or 0 */
    size_t forward_len;     /* posts brought forward */
    bool late;              /* WATCH: something is overdue, and that was said */
    bool braked;            /* WATCH: no session is opened at present */
    int64_t quiet_until_ms; /* WATCH: monotonic; people are told only from then on */
};

static struct chore *of_work(struct pool_work *w)
{
    return (struct chore *)(void *)w;
}

/* --- on a store thread --------------------------------------------------------- */

static enum rc enqueue(const struct pool_kit *kit, const struct job_hint *hints,
                       size_t len, struct err *err)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < len && rc == RC_OK; i++)
        rc = queue_enqueue(kit->redis, hints[i].post_id, hints[i].account_id,
                           hints[i].next_at_ms, err);
    return rc;
}

/* The overdue ones among these shards get their hints again. */
static enum rc sweep_shards(struct chore *c, const struct pool_kit *kit,
                            struct job_shards shards, size_t *found)
{
    struct job_hint hints[JOB_SWEEP_MAX];
    int64_t late_ms = c->r->sweep_all ? 0 : SWEEP_LATE_MS;
    size_t len = 0;
    enum rc rc = job_sweep(kit->db, shards, late_ms, hints, &len, &c->err);

    FAULT_POINT("sweep.mid");
    if (rc == RC_OK)
        rc = enqueue(kit, hints, len, &c->err);
    *found += len;
    return rc;
}

/* One half of the shards after the other, beginning elsewhere each time, so that many
 * overdue posts of one account do not hide the others for good. */
static enum rc sweep_everything(struct chore *c, const struct pool_kit *kit,
                                size_t *found)
{
    unsigned first = c->r->turn * SHARD_STEP % JOB_SHARDS;
    enum rc rc = sweep_shards(c, kit, (struct job_shards){first, JOB_SHARDS - 1}, found);

    if (rc == RC_OK && first > 0)
        rc = sweep_shards(c, kit, (struct job_shards){0, first - 1}, found);
    return rc;
}

/* Publishers share the shards, each by its place among those that live; now and then each
 * looks everywhere, so that nothing depends on the others' doing their part. */
static enum rc sweep_share(struct chore *c, const struct pool_kit *kit, size_t *found)
{
    struct publisher_share share;
    enum rc rc = publisher_share(kit->db, c->r->sweep_inc, &share, &c->err);

    if (rc != RC_OK)
        return rc;
    return sweep_shards(
        c, kit,
        (struct job_shards){share.place * JOB_SHARDS / share.of,
                            (share.place + 1) * JOB_SHARDS / share.of - 1},
        found);
}

static enum rc sweep(struct chore *c, const struct pool_kit *kit)
{
    bool all = c->r->sweep_all || c->r->turn % SWEEP_ALL_EVERY == 0;
    size_t found = 0;
    enum rc rc = restore_own_up(&c->r->p->redis_unaware, kit->redis, &c->err);

    if (rc == RC_OK)
        rc = all ? sweep_everything(c, kit, &found) : sweep_share(c, kit, &found);

    if (rc == RC_OK && found > 0)
        log_info("sweep.found", "posts=%zu", found);
    if (rc == RC_OK && !c->r->sweep_all)
        meter_add(METER_SWEEP_RECOVERED, found);
    return rc;
}

static enum rc reap(struct chore *c, const struct pool_kit *kit)
{
    enum rc rc;

    c->r->freed = 0;
    rc = publisher_reap(kit->db, &c->r->freed, &c->err);
    FAULT_POINT("reap.mid");
    if (c->r->freed > 0) {
        meter_add(METER_LEASE_REAPED, (uint64_t)c->r->freed);
        log_warn("reap.freed", "jobs=%" PRId64, c->r->freed);
    }
    return rc;
}

/* A post that became due within the horizon since the last load is no loss, nor is one
 * that is being taken up at this moment. */
static bool should_be_known(const struct reconcile *r, const struct job_hint *hint)
{
    int64_t away_ms = hint->next_at_ms - r->feed_now_ms;

    return away_ms > FEED_SOON_MS && away_ms < QUEUE_HORIZON_MS - 2 * FEED_MS;
}

/* Gives hints, and counts those that Redis had lost. */
static enum rc feed_hints(const struct reconcile *r, const struct pool_kit *kit,
                          const struct job_hint *hints, size_t len, struct err *err)
{
    uint64_t seen = 0;
    uint64_t missing = 0;
    enum rc rc = RC_OK;

    for (size_t i = 0; i < len && rc == RC_OK; i++) {
        const struct queue_entry entry = {hints[i].post_id, hints[i].account_id,
                                          hints[i].next_at_ms};
        bool known = false;

        rc = queue_feed(kit->redis, &entry, &known, err);
        if (rc == RC_OK && should_be_known(r, &hints[i])) {
            seen++;
            missing += known ? 0 : 1;
        }
    }
    meter_add(METER_FEED_SEEN, seen);
    meter_add(METER_FEED_MISSING, missing);
    return rc;
}

/* Which Redis it is that is loaded; one that has just lost its hints is loaded by one of
 * the publishers, and *go_on is false for the others. */
static enum rc begin_feed(struct chore *c, const struct pool_kit *kit, bool *go_on)
{
    struct reconcile *r = c->r;
    enum rc rc = queue_load_begin(kit->redis, &r->load, &c->err);

    *go_on = rc == RC_OK && (r->load.mine || !r->feed_for_redis);
    if (rc == RC_OK && r->load.mine) {
        meter_add(METER_REDIS_RELOAD, 1);
        log_info("feed.redis_wants_all", "%s", "");
    }
    return rc;
}

/* One page of the hot horizon, so that others get their turn on the thread. */
static enum rc feed(struct chore *c, const struct pool_kit *kit)
{
    struct reconcile *r = c->r;
    struct job_hint hints[JOB_SWEEP_MAX];
    size_t len = 0;
    bool go_on = true;
    enum rc rc = r->feed_begun ? RC_OK : begin_feed(c, kit, &go_on);

    r->feed_ended = true;
    if (!go_on)
        return rc;
    r->feed_begun = true;
    rc = job_upcoming(kit->db, QUEUE_HORIZON_MS, &r->cursor, hints, &len, &c->err);
    FAULT_POINT("reload.mid");
    if (rc == RC_OK)
        rc = feed_hints(r, kit, hints, len, &c->err);
    r->fed += len;
    r->feed_ended = len < JOB_SWEEP_MAX;
    if (rc == RC_OK && r->feed_ended)
        rc = queue_load_end(kit->redis, &r->load, &c->err);
    return rc;
}

static enum rc beat(struct chore *c, const struct pool_kit *kit)
{
    struct reconcile *r = c->r;
    struct job_beat beat = {
        .inc = r->beat_inc, .refs = r->refs, .n = r->refs_len, .lost = r->lost};
    enum rc rc = RC_OK;

    if (r->refs_len > 0)
        rc = job_beat(kit->db, &beat, &c->err);
    r->lost_len = rc == RC_OK ? beat.lost_len : 0;
    return rc;
}

static int64_t slower(int64_t rate, int64_t other)
{
    return other > 0 && other < rate ? other : rate;
}

/* What an upload may be expected to send: by whichever publisher, within its limit. */
static int64_t expected_rate(const struct reconcile *r)
{
    int64_t rate = slower(r->p->pace.usual, r->rate_known);

    rate = slower(rate, r->rate_heard);
    return slower(rate, r->p->settings->egress_mbit * 125000);
}

/* Posts were scheduled for uploads at the usual rate (post_lead_ms()). Where they are
 * slower, what would be begun too late is begun earlier. Without Redis each publisher
 * goes by what it has seen itself. */
static enum rc lead(struct chore *c, const struct pool_kit *kit)
{
    struct reconcile *r = c->r;
    struct job_hint hints[JOB_LEAD_MAX];
    char host[65] = "";
    struct err ignored;
    int64_t rate;
    enum rc rc;

    r->forward_len = 0;
    (void)gethostname(host, sizeof(host) - 1);
    if (queue_pace(kit->redis, r->rate_known, host, &r->rate_heard, &ignored) != RC_OK)
        r->rate_heard = 0;
    FAULT_POINT("lead.mid");
    rate = expected_rate(r);
    meter_set(METER_UPLOAD_RATE, rate);
    if (rate >= POST_LEAD_RATE || r->p->settings->pull_videos)
        return RC_OK;
    rc = job_bring_forward(kit->db, rate, hints, &r->forward_len, &c->err);
    if (r->forward_len > 0) {
        log_info("lead.brought_forward", "posts=%zu bytes_per_s=%" PRId64, r->forward_len,
                 rate);
        meter_add(METER_BROUGHT_FORWARD, r->forward_len);
    }
    return rc == RC_OK ? enqueue(kit, hints, r->forward_len, &c->err) : rc;
}

static enum rc find_due(struct chore *c, const struct pool_kit *kit)
{
    int64_t lapsed = 0;
    enum rc rc = account_access_lapse(kit->db, &lapsed, &c->err);

    if (lapsed > 0) {
        meter_add(METER_TOKEN_LAPSED, (uint64_t)lapsed);
        log_warn("tokens.access_ended", "accounts=%" PRId64, lapsed);
    }
    c->r->due_len = 0;
    if (rc != RC_OK)
        return rc;
    return account_token_due(kit->db, c->r->due, REFRESH_MAX, &c->r->due_len, &c->err);
}

static enum rc replay(struct chore *c, const struct pool_kit *kit)
{
    size_t stored = 0;
    enum rc rc =
        journal_replay(c->r->p->journal, tokens_restore, kit->db, &stored, &c->err);

    if (stored > 0)
        log_warn("journal.replayed", "pairs=%zu", stored);
    return rc;
}

/* Some at a time, so that no other statement waits for long. */
static enum rc purge(struct chore *c, const struct pool_kit *kit)
{
    int64_t n = 0;

    enum rc rc = task_purge(kit->db, &n, &c->err);

    if (rc == RC_OK)
        rc = notification_purge(kit->db, &n, &c->err);
    if (rc == RC_OK)
        rc = hook_purge(kit->db, &n, &c->err);
    c->r->events_purged = 0;
    return rc == RC_OK ? event_purge(kit->db, &c->r->events_purged, &c->err) : rc;
}

static void say_late(struct reconcile *r, const struct health_late *late)
{
    if (late->n > 0 && !r->late)
        log_error("watchdog.overdue", "posts=%zu oldest_ms=%" PRId64, late->n,
                  late->now_ms - late->oldest_ms);
    if (late->n == 0 && r->late)
        log_info("watchdog.recovered", "%s", "");
    r->late = late->n > 0;
}

/* Ready, metrics and the dashboard see an overdue post by themselves; people are told by
 * us. Not right after a start or an outage of MariaDB: then much is overdue, and is taken
 * up at this moment. And not while TikTok refuses everybody, which is no fault of ours.
 */
static enum rc watch(struct chore *c, const struct pool_kit *kit)
{
    struct reconcile *r = c->r;
    struct health_late late;
    int64_t told = 0;
    enum rc rc = health_late(kit->db, &late, &c->err);

    if (rc != RC_OK) {
        r->quiet_until_ms = publisher_mono_ms() + CATCH_UP_MS;
        return rc;
    }
    say_late(r, &late);
    if (late.n == 0 || r->braked || publisher_mono_ms() < r->quiet_until_ms)
        return RC_OK;
    return health_alarm(kit->db, &told, &c->err);
}

static enum rc warn(struct chore *c, const struct pool_kit *kit)
{
    int64_t n = 0;
    enum rc rc = account_grants_warn(kit->db, &n, &c->err);

    if (n > 0)
        log_info("grants.warned", "accounts=%" PRId64, n);
    return rc;
}

/* --- on the loop, before and after --------------------------------------------- */

static void before_beat(struct chore *c)
{
    struct reconcile *r = c->r;

    r->beat_inc = lease_inc(r->p->lease);
    r->refs_len = run_refs(r->p, r->beat_from, r->refs, BEAT_BATCH);
}

static void after_beat(struct chore *c)
{
    struct reconcile *r = c->r;

    c->again = r->refs_len == BEAT_BATCH;
    r->beat_from = c->again ? r->beat_from + BEAT_BATCH : 0;
    if (r->beat_inc == lease_inc(r->p->lease))
        run_drop(r->p, r->lost, r->lost_len);
}

static void before_watch(struct chore *c)
{
    c->r->braked = brake_closed(&c->r->p->brake);
}

static void before_sweep(struct chore *c)
{
    c->r->sweep_inc = lease_inc(c->r->p->lease);
}

static void after_sweep(struct chore *c)
{
    c->r->turn++;
    c->r->sweep_all = false;
}

static void after_reap(struct chore *c)
{
    if (c->r->freed > 0)
        reconcile_sweep(c->r);
}

static void before_feed(struct chore *c)
{
    struct reconcile *r = c->r;

    r->feed_now_ms = lease_now_ms(r->p->lease);
    if (r->feed_begun)
        return;
    r->feed_for_redis = r->feed_wanted;
    r->feed_wanted = false;
}

static void after_feed(struct chore *c)
{
    struct reconcile *r = c->r;

    c->again = c->rc == RC_OK && !r->feed_ended;
    if (c->again)
        return;
    if (c->rc == RC_OK)
        log_debug("feed.loaded", "posts=%zu", r->fed);
    r->cursor = (struct job_cursor){0};
    r->feed_begun = false;
    r->fed = 0;
}

static void after_purge(struct chore *c)
{
    c->again = c->rc == RC_OK && c->r->events_purged > 0;
}

static void before_lead(struct chore *c)
{
    c->r->rate_known = pace_known(&c->r->p->pace, publisher_mono_ms());
}

/* A publisher that has sent nothing yet goes by what others, or it before, have seen. */
static void after_lead(struct chore *c)
{
    pace_seed(&c->r->p->pace, c->r->rate_heard, publisher_mono_ms());
    c->again = c->rc == RC_OK && c->r->forward_len == JOB_LEAD_MAX;
}

/* A refresh that was due; one of the task threads does it. */
struct refresh {
    struct pool_work work; /* first */
    struct reconcile *r;
    struct token_want want;
};

static void refresh(struct pool_work *w, const struct pool_kit *kit)
{
    const struct refresh *f = (struct refresh *)(void *)w;
    struct err err;

    log_context("account=%" PRIu64, f->want.account_id);
    if (tokens_refresh(f->r->p, kit, &f->want, &err) != RC_OK)
        log_failure("refresh.failed", &err);
    log_context("%s", "");
}

static void refreshed(struct pool_work *w)
{
    struct refresh *f = (struct refresh *)(void *)w;

    f->r->refreshing--;
    free(f);
}

static void after_due(struct chore *c)
{
    struct reconcile *r = c->r;

    for (size_t i = 0; i < r->due_len && c->rc == RC_OK; i++) {
        struct refresh *f = xcalloc(1, sizeof(*f));

        f->r = r;
        f->want = (struct token_want){.account_id = r->due[i].account_id,
                                      .version = r->due[i].version,
                                      .inc = lease_inc(r->p->lease)};
        f->work.run = refresh;
        f->work.done = refreshed;
        r->refreshing++;
        pool_submit(r->p->tasks, &f->work);
    }
}

/* --- the table and its clockwork ----------------------------------------------- */

static const struct {
    const char *name;
    int64_t period_ms;
    int64_t jitter_ms;
    void (*before)(struct chore *c); /* NULL: nothing */
    enum rc (*run)(struct chore *c, const struct pool_kit *kit);
    void (*after)(struct chore *c); /* NULL: nothing */
} kinds[CHORES] = {
    [SWEEP] = {"sweep", SWEEP_MS, 500, before_sweep, sweep, after_sweep},
    [REAP] = {"reap", REAP_MS, 500, NULL, reap, after_reap},
    [FEED] = {"feed", FEED_MS, 5000, before_feed, feed, after_feed},
    [BEAT] = {"beat", BEAT_MS, 0, before_beat, beat, after_beat},
    [REFRESH] = {"refresh", REFRESH_MS, 1000, NULL, find_due, after_due},
    [REPLAY] = {"replay", REPLAY_MS, 500, NULL, replay, NULL},
    [WATCH] = {"watch", WATCH_MS, 100, before_watch, watch, NULL},
    [WARN] = {"warn", WARN_MS, 5000, NULL, warn, NULL},
    [PURGE] = {"purge", PURGE_MS, 5000, NULL, purge, after_purge},
    [LEAD] = {"lead", LEAD_MS, 500, before_lead, lead, after_lead},
};

static void run_chore(struct pool_work *w, const struct pool_kit *kit)
{
    struct chore *c = of_work(w);

    c->rc = kinds[c->kind].run(c, kit);
}

static void set_timer(struct chore *c, int64_t after_ms)
{
    timer_set(&c->r->p->timers, &c->timer, publisher_mono_ms() + after_ms);
}

/* The first of a row of failures is said. */
static void say_failure(struct chore *c)
{
    if (c->rc != RC_OK && !c->failing) {
        log_context("chore=%s", kinds[c->kind].name);
        log_failure("reconcile.failed", &c->err);
        log_context("%s", "");
    }
    c->failing = c->rc != RC_OK;
}

static void chore_done(struct pool_work *w)
{
    struct chore *c = of_work(w);
    int64_t jitter = kinds[c->kind].jitter_ms * publisher_jitter() / 1000;

    c->busy = false;
    c->again = false;
    say_failure(c);
    if (kinds[c->kind].after != NULL)
        kinds[c->kind].after(c);
    if (c->kind == REPLAY && c->rc == RC_OK)
        return;
    set_timer(c, c->again ? 0 : kinds[c->kind].period_ms + jitter);
}

static bool ready(const struct chore *c)
{
    /* More refreshes than threads would only wait, and their versions grow old. */
    if (c->kind == REFRESH && c->r->refreshing > 0)
        return false;
    return lease_valid(c->r->p->lease);
}

static void on_timer(void *arg)
{
    struct chore *c = (struct chore *)arg;

    if (c->r->p->stopping)
        return;
    if (!ready(c)) {
        set_timer(c, NO_LEASE_MS);
        return;
    }
    if (kinds[c->kind].before != NULL)
        kinds[c->kind].before(c);
    c->busy = true;
    c->work.run = run_chore;
    c->work.done = chore_done;
    pool_submit(c->r->p->store, &c->work);
}

void reconcile_feed(struct reconcile *r)
{
    struct chore *c = &r->chores[FEED];

    if (c->busy) /* the next look asks again, should that have been too early */
        return;
    r->feed_wanted = true;
    set_timer(c, 0);
}

void reconcile_sweep(struct reconcile *r)
{
    struct chore *c = &r->chores[SWEEP];

    if (c->busy) /* the next one comes soon */
        return;
    r->sweep_all = true;
    set_timer(c, 0);
}

struct reconcile *reconcile_new(struct publisher *p)
{
    struct reconcile *r = xcalloc(1, sizeof(*r));

    r->p = p;
    r->quiet_until_ms = publisher_mono_ms() + CATCH_UP_MS;
    r->turn = (unsigned)random_below(random_system(), JOB_SHARDS);
    for (size_t i = 0; i < CHORES; i++) {
        struct chore *c = &r->chores[i];

        c->r = r;
        c->kind = (enum chore_kind)i;
        c->timer.fire = on_timer;
        c->timer.arg = c;
        set_timer(c, 0);
    }
    return r;
}

void reconcile_free(struct reconcile *r)
{
    free(r);
}
