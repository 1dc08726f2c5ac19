/* The part of a run that knows of limits: TikTok's on an account, and the brake. */
#include "run_limit.h"

#include "core/fault.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/text.h"
#include "domain/reason.h"
#include "store/limits.h"

#include <inttypes.h>
#include <string.h>

enum { HINT_MARGIN_MS = 50 }; /* a hint that comes early is refused by the claim */

/* --- on a store thread ------------------------------------------------------------ */

static struct limit_post post_of(const struct run *r)
{
    return (struct limit_post){&r->ref, r->account_id, r->facts.direct};
}

/* The lanes learn where the posts are now. What does not get through is put right by the
 * claim, which refuses an old hint, and by the feed. */
static void move_hints(const struct pool_kit *kit, const struct limit_moved *moved)
{
    struct err ignored;
    enum rc rc = RC_OK;

    for (size_t i = 0; i < moved->n && rc == RC_OK; i++)
        rc =
            queue_enqueue(kit->redis, moved->hints[i].post_id, moved->hints[i].account_id,
                          moved->hints[i].next_at_ms + HINT_MARGIN_MS, &ignored);
}

static enum rc put_off(struct run *r, const struct pool_kit *kit,
                       const struct limit_bar *bar, struct err *err)
{
    const struct limit_post post = post_of(r);
    struct limit_moved moved;
    enum rc rc;

    FAULT_POINT("limit.before_commit");
    rc = limit_put_off(kit->db, &post, bar, &moved, err);
    FAULT_POINT("limit.after");
    if (rc != RC_OK)
        return rc;
    meter_add(METER_PUT_OFF, moved.n);
    log_info("run.put_off",
             "account=%" PRIu64 " reason=%s until=%" PRId64 " begun=%d posts=%zu",
             r->account_id, bar->reason, moved.until_ms, moved.begun ? 1 : 0, moved.n);
    move_hints(kit, &moved);
    return RC_OK;
}

enum rc run_put_off(struct run *r, const struct pool_kit *kit, struct err *err)
{
    struct limit_bar bar = {.until_ms = 0, .log_id = r->log_id};

    text_copy(bar.reason, sizeof(bar.reason), r->action.reason);
    return put_off(r, kit, &bar, err);
}

/* What cannot be found out now TikTok will tell. */
bool run_held_up(struct run *r, const struct pool_kit *kit, bool session)
{
    const struct limit_post post = post_of(r);
    struct limit_bar bar;
    struct err err;
    enum rc rc;

    r->limited_ms = r->facts.limited_ms;
    if (!r->facts.may_be_limited)
        return false;
    rc = limit_check(kit->db, &post, &bar, &err);
    if (rc == RC_OK)
        r->limited_ms = bar.limited_ms;
    if (rc == RC_OK && (bar.until_ms == 0 || session))
        return false;
    if (rc == RC_OK)
        rc = put_off(r, kit, &bar, &err);
    if (rc == RC_OK || rc == RC_CONFLICT) {
        run_event(r, FLOW_LOST, NULL, 0);
        return true;
    }
    log_failure("run.limits_unknown", &err);
    return false;
}

int64_t run_give_up_ms(const struct run *r)
{
    int64_t from_ms = r->limited_ms > r->facts.due_ms ? r->limited_ms : r->facts.due_ms;

    return from_ms + r->facts.expire_after_ms;
}

void run_shrink(struct run *r, const struct pool_kit *kit)
{
    struct err err;

    if (!r->throttled)
        return;
    r->throttled = false;
    if (queue_ring_shrink(kit->redis, r->throttled_ring, r->account_id, &err) == RC_OK)
        log_warn("run.window_shrunk", "account=%" PRIu64 " ring=%d", r->account_id,
                 (int)r->throttled_ring);
}

/* --- on the loop ------------------------------------------------------------------- */

/* The calls with which TikTok is asked for something new. */
static bool is_braked(enum flow_do what)
{
    return what == FLOW_DO_CREATOR || what == FLOW_DO_INIT;
}

static bool is_last_chance(const struct run *r, int64_t wait_ms)
{
    return r->now_ms + wait_ms > r->flow.start.give_up_ms;
}

bool run_brakes(struct run *r)
{
    struct brake *brake = &r->p->brake;
    int64_t wait_ms;

    if (!is_braked(r->action.what) || r->let_through)
        return false;
    wait_ms = brake_wait_ms(brake, publisher_mono_ms());
    r->let_through = wait_ms == 0;
    if (r->let_through)
        return false;
    if (is_last_chance(r, wait_ms)) /* the flow gives it up */
        run_event(r, FLOW_AGAIN, "tiktok_unavailable", wait_ms);
    else
        run_delay(r, wait_ms);
    return true;
}

/* Troubles that are TikTok's or the app's; the reasons are tiktok/errors.h's. */
static bool is_everybodys(const char *reason)
{
    static const char *const reasons[] = {
        "tiktok_unavailable",    "tiktok_rate_limited", "tiktok_unreadable",
        "app_credentials_wrong", "client_invalid",      "oauth_request_refused",
        "tiktok_address_wrong",
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (strcmp(reasons[i], reason) == 0)
            return true;
    }
    return false;
}

/* What ends well or badly. */
static void count_end(enum flow_do done)
{
    if (done == FLOW_DO_PUBLISHED)
        meter_add(METER_PUBLISHED, 1);
    if (done == FLOW_DO_FAIL)
        meter_add(METER_FAILED, 1);
    if (done == FLOW_DO_REVIEW)
        meter_add(METER_REVIEW, 1);
}

static bool refused_for(const struct run *r, const char *reason)
{
    return r->ev.what == FLOW_REFUSED && r->ev.reason != NULL &&
           strcmp(r->ev.reason, reason) == 0;
}

/* What should not happen at all. */
static void count_answer(const struct run *r, enum flow_do done)
{
    enum flow_what how = r->ev.what;

    if (how == FLOW_OK)
        count_end(done);
    if (how == FLOW_LOST && done != FLOW_DO_RELOAD)
        meter_add(METER_FENCE_LOST, 1);
    if (how == FLOW_HELD || refused_for(r, REASON_WITNESS_CONFLICT))
        meter_add(METER_WITNESS_CONFLICT, 1);
    if (how == FLOW_UNCLEAR)
        meter_add(METER_AMBIGUOUS, 1);
    if (refused_for(r, REASON_SECOND_LIVE))
        meter_add(METER_LIVE_DUP_REFUSED, 1);
    if (r->throttled && done != FLOW_DO_LATER)
        meter_add(METER_HTTP_429, 1);
}

/* How late the request left that publishes, or the gate opened: the first of a claim. And
 * how late TikTok had opened a session, or had published. */
static void count_late(struct run *r, enum flow_do done)
{
    int64_t due_ms = r->facts.due_ms;

    if (done == FLOW_DO_INIT && r->ev.what == FLOW_OK)
        meter_span(METER_INIT_LATE, r->ev.now_ms - due_ms);
    if (done == FLOW_DO_PUBLISHED && r->ev.what == FLOW_OK)
        meter_span(METER_DONE_LATE, r->ev.now_ms - due_ms);
    if (r->commit_counted || (done != FLOW_DO_LAST && done != FLOW_DO_OPEN))
        return;
    r->commit_counted = true;
    meter_span(METER_COMMIT_LATE,
               (done == FLOW_DO_LAST ? r->left_ms : r->ev.now_ms) - due_ms);
}

void run_note_answer(struct run *r, enum flow_do done)
{
    struct brake *brake = &r->p->brake;
    bool was = brake_closed(brake);
    const char *reason = r->ev.reason != NULL ? r->ev.reason : "";

    r->let_through = false;
    count_answer(r, done);
    count_late(r, done);
    if (is_braked(done) && (r->ev.what == FLOW_OK || r->ev.what == FLOW_REFUSED))
        brake_good(brake);
    if ((is_braked(done) || done == FLOW_DO_TOKEN || done == FLOW_DO_STATUS) &&
        (r->ev.what == FLOW_AGAIN || r->ev.what == FLOW_UNCLEAR) && is_everybodys(reason))
        brake_bad(brake, r->account_id, reason, publisher_mono_ms());
    if (!was && brake_closed(brake)) {
        meter_add(METER_BRAKE_CLOSED, 1);
        log_error("brake.closed", "reason=%s", reason);
    }
    if (was && !brake_closed(brake))
        log_info("brake.open", "%s", "");
}
