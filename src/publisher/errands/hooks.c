#include "hooks.h"

#include "../lease.h"
#include "../run/run.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/xalloc.h"
#include "crypto/webhook.h"
#include "domain/account.h"
#include "queue/queue.h"
#include "store/webhooks.h"
#include "tiktok/event.h"

#include <inttypes.h>
#include <string.h>

enum {
    LOOK_MS = 1000,    /* between looks when no hint comes */
    YOUNG_MS = 20000,  /* the answer that names a publication may still be on its way */
    PUT_OFF_MS = 5000, /* then look again */
    AGAIN_MS = 1000,   /* after a failure of the database */
};

struct hooks {
    struct pool_work work; /* first, so that the work is this */
    struct publisher *p;
    struct timer timer;
    bool looking, woken;

    /* Of the look under way. */
    uint64_t inc;
    struct hook found[HOOK_BATCH];
    size_t found_len;
    size_t forged;
    bool told;                   /* of a post that is being asked about */
    uint64_t nudges[HOOK_BATCH]; /* posts that we hold */
    size_t nudges_len;
    enum rc rc;
    struct err err;
};

/* One delivery on its way. */
struct passage {
    struct hooks *hs;
    const struct pool_kit *kit;
    const struct hook *hook;
    int64_t signed_s;
    struct tiktok_event event;
};

/* --- one delivery, on a store thread ---------------------------------------------- */

static enum rc refuse(const struct passage *x, const char *reason, struct err *err)
{
    meter_add(METER_WEBHOOKS_REFUSED, 1);
    log_warn("webhook.refused", "webhook=%" PRIu64 " event=%s reason=%s", x->hook->id,
             x->event.name, reason);
    return hook_refuse(x->kit->db, x->hook, x->hs->inc, x->event.name, reason, err);
}

/* When it happened, by TikTok's clock. */
static int64_t event_ms(const struct passage *x)
{
    int64_t s = x->event.created_s > 0 ? x->event.created_s : x->signed_s;

    return s < INT64_MAX / 1000 ? s * 1000 : INT64_MAX;
}

static void say_applied(const struct passage *x, const struct hook_effect *effect)
{
    meter_add(METER_WEBHOOKS, 1);
    meter_add(METER_REVIEW, effect->kind == HOOK_DOUBTED ? 1 : 0);
    meter_add(METER_TOKEN_REAUTH, effect->kind == HOOK_PARTED ? 1 : 0);
    log_event(effect->unexpected ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "webhook.applied",
              "webhook=%" PRIu64 " event=%s effect=%s post=%" PRIu64 " account=%" PRIu64
              " publish_id=%s",
              x->hook->id, x->event.name, hook_effect_name(effect->kind), effect->post_id,
              effect->account_id, x->event.publish_id);
}

/* Whoever holds the post shall ask: we, another process, or, if nobody does, whoever
 * takes it now that it is due. */
static void pass_on(const struct passage *x, const struct hook_effect *effect)
{
    struct hooks *hs = x->hs;
    struct err ignored; /* Redis is away: the next poll or sweep comes */
    enum rc rc = RC_OK;

    hs->told = hs->told || effect->kind == HOOK_ASKED;
    if (effect->kind == HOOK_ASKED && effect->owner == hs->inc)
        hs->nudges[hs->nudges_len++] = effect->post_id;
    else if (effect->kind == HOOK_ASKED && effect->owner != 0)
        rc = queue_nudge(x->kit->redis, effect->post_id, &ignored);
    else if (effect->kind == HOOK_ASKED || effect->kind == HOOK_REOPENED)
        rc = queue_enqueue(x->kit->redis, effect->post_id, effect->account_id, 0,
                           &ignored);
    if (rc != RC_OK)
        log_debug("webhook.not_passed_on", "post=%" PRIu64, effect->post_id);
}

/* A publication that nobody knows: its answer may be on its way to the database; else it
 * was lost, and which post it was can only be guessed, which we do not. */
static enum rc not_ours(const struct passage *x, struct err *err)
{
    struct err why = *err;

    if (x->hook->age_ms < YOUNG_MS && strcmp(why.code, "unknown_publish_id") == 0)
        return hook_later(x->kit->db, x->hook, x->hs->inc, PUT_OFF_MS, err);
    return refuse(x, why.code, err);
}

static enum rc apply_post(const struct passage *x, enum hook_news news, struct err *err)
{
    const struct tiktok_event *e = &x->event;
    const struct hook_post post = {.news = news,
                                   .event = e->name,
                                   .publish_id = e->publish_id,
                                   .open_id = e->open_id,
                                   .post_id = e->post_id,
                                   .at_ms = event_ms(x)};
    struct hook_effect effect = {0};
    enum rc rc;

    FAULT_POINT("hook.before_commit");
    rc = hook_apply_post(x->kit->db, x->hook, x->hs->inc, &post, &effect, err);
    FAULT_POINT("hook.after");
    if (rc == RC_NOT_FOUND)
        return not_ours(x, err);
    if (rc == RC_OK) {
        say_applied(x, &effect);
        pass_on(x, &effect);
    }
    return rc;
}

static enum rc apply_removal(const struct passage *x, struct err *err)
{
    const struct hook_removal removal = {
        .event = x->event.name,
        .open_id = x->event.open_id,
        .reason = account_removed_reason(x->event.removed_reason),
        .at_ms = event_ms(x)};
    struct hook_effect effect = {0};
    enum rc rc =
        hook_apply_removal(x->kit->db, x->hook, x->hs->inc, &removal, &effect, err);

    if (rc == RC_NOT_FOUND)
        return not_ours(x, err);
    if (rc == RC_OK)
        say_applied(x, &effect);
    return rc;
}

static enum rc apply_event(const struct passage *x, struct err *err)
{
    switch (x->event.kind) {
    case TIKTOK_EVENT_DISCONNECTED:
        return apply_removal(x, err);
    case TIKTOK_EVENT_POST_FAILED:
        return apply_post(x, HOOK_NEWS_FAILED, err);
    case TIKTOK_EVENT_POST_COMPLETE:
        return apply_post(x, HOOK_NEWS_COMPLETE, err);
    case TIKTOK_EVENT_IN_INBOX:
        return apply_post(x, HOOK_NEWS_IN_INBOX, err);
    case TIKTOK_EVENT_PUBLIC:
        return apply_post(x, HOOK_NEWS_PUBLIC, err);
    case TIKTOK_EVENT_NOT_PUBLIC:
        return apply_post(x, HOOK_NEWS_HIDDEN, err);
    case TIKTOK_EVENT_OTHER:
        break;
    }
    meter_add(METER_WEBHOOKS, 1);
    log_info("webhook.ignored", "webhook=%" PRIu64 " event=%s", x->hook->id,
             x->event.name);
    return hook_ignore(x->kit->db, x->hook, x->hs->inc, x->event.name, err);
}

/* TikTok signed it; is it for us, and readable? */
static enum rc take_signed(struct passage *x, struct err *err)
{
    const struct tiktok_app *app = &x->hs->p->settings->app;

    if (tiktok_event_parse(x->hook->body, x->hook->len, &x->event, err) != RC_OK)
        return refuse(x, "unreadable", err);
    if (strcmp(x->event.client_key, app->client_key) != 0)
        return refuse(x, "other_client_key", err);
    return apply_event(x, err);
}

/* Judged as of its arrival: that it waited for us does not make it old. */
static enum rc judge(struct passage *x, struct err *err)
{
    const struct settings *s = x->hs->p->settings;
    const struct webhook w = {x->hook->signature, x->hook->body, x->hook->len};
    enum webhook_verdict verdict =
        webhook_verify(s->client_secret, strlen(s->client_secret), &w,
                       x->hook->received_ms / 1000, &x->signed_s);

    switch (verdict) {
    case WEBHOOK_FRESH:
    case WEBHOOK_LATE: /* what was taken before is found out by its body */
        return take_signed(x, err);
    case WEBHOOK_TOO_OLD:
    case WEBHOOK_TOO_EARLY:
        return refuse(x, webhook_verdict_name(verdict), err);
    case WEBHOOK_FORGED:
    case WEBHOOK_UNREADABLE:
        break;
    }
    x->hs->forged++;
    meter_add(METER_WEBHOOKS_FORGED, 1);
    return hook_drop(x->kit->db, x->hook, x->hs->inc, err);
}

/* A mistake of ours must not come back for ever; a database that is away may. */
static enum rc give_up(const struct passage *x, enum rc rc, struct err *err)
{
    struct err why = *err;

    if (rc == RC_OK || rc == RC_CONFLICT || rc == RC_UNAVAILABLE || rc == RC_UNCERTAIN)
        return rc == RC_CONFLICT ? RC_OK : rc;
    log_failure("webhook.failed", &why);
    return refuse(x, "internal", err);
}

static enum rc take_one(struct hooks *hs, const struct pool_kit *kit,
                        const struct hook *hook, struct err *err)
{
    struct passage x = {.hs = hs, .kit = kit, .hook = hook};

    return give_up(&x, judge(&x, err), err);
}

/* --- looking ----------------------------------------------------------------------- */

/* The rest of what was claimed before a failure waits for its lease to run out. */
static void look(struct pool_work *w, const struct pool_kit *kit)
{
    struct hooks *hs = (struct hooks *)(void *)w;

    hs->found_len = 0;
    hs->nudges_len = 0;
    hs->forged = 0;
    hs->told = false;
    hs->rc =
        hook_claim(kit->db, hs->inc, hs->found, HOOK_BATCH, &hs->found_len, &hs->err);
    for (size_t i = 0; i < hs->found_len; i++) {
        if (hs->rc == RC_OK)
            hs->rc = take_one(hs, kit, &hs->found[i], &hs->err);
        hook_release(&hs->found[i]);
    }
}

static void look_after(struct hooks *hs, int64_t after_ms)
{
    timer_set(&hs->p->timers, &hs->timer, publisher_mono_ms() + after_ms);
}

static void looked(struct pool_work *w)
{
    struct hooks *hs = (struct hooks *)(void *)w;
    bool more = hs->rc == RC_OK && (hs->woken || hs->found_len == HOOK_BATCH);

    hs->looking = false;
    hs->woken = false;
    if (hs->rc != RC_OK && hs->rc != RC_UNAVAILABLE)
        log_failure("webhook.not_taken", &hs->err);
    if (hs->forged > 0)
        log_warn("webhook.forged", "n=%zu", hs->forged);
    if (hs->told)
        hs->p->told_ms = publisher_mono_ms();
    for (size_t i = 0; i < hs->nudges_len; i++)
        run_nudge(hs->p, hs->nudges[i]);
    look_after(hs, more ? 0 : LOOK_MS);
}

static void on_timer(void *arg)
{
    struct hooks *hs = (struct hooks *)arg;

    if (hs->p->stopping || hs->looking)
        return;
    if (!lease_valid(hs->p->lease)) {
        look_after(hs, AGAIN_MS);
        return;
    }
    hs->looking = true;
    hs->inc = lease_inc(hs->p->lease);
    hs->work.run = look;
    hs->work.done = looked;
    pool_submit(hs->p->store, &hs->work);
}

void hooks_wake(struct hooks *hs)
{
    hs->woken = hs->looking;
    if (!hs->looking)
        look_after(hs, 0);
}

struct hooks *hooks_new(struct publisher *p)
{
    struct hooks *hs = xcalloc(1, sizeof(*hs));

    hs->p = p;
    hs->timer.fire = on_timer;
    hs->timer.arg = hs;
    look_after(hs, 0);
    return hs;
}

void hooks_free(struct hooks *hs)
{
    free(hs);
}
