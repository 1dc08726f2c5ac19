#include "alarms.h"

#include "domain/reason.h"
#include "store/health.h"
#include "store/jobs.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { REDIS_MS = 500 };

static void add(struct alarms *a, const char *code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void add(struct alarms *a, const char *code, const char *fmt, ...)
{
    struct alarm *alarm = &a->list[a->n++];
    va_list ap;

    alarm->code = code;
    va_start(ap, fmt);
    (void)vsnprintf(alarm->message, sizeof(alarm->message), fmt, ap);
    va_end(ap);
}

/* A question that is not answered is no alarm: the next request fails anyway. */
static void look_for_replica(struct api *api, struct alarms *a)
{
    enum health_sync sync;
    struct err err;

    if (health_semi_sync(api->db, &sync, &err) == RC_OK && sync == HEALTH_SYNC_FALLEN)
        add(a, "replica",
            "The database has no second copy at present: what is written now is on one "
            "machine, and posts may wait. Tell your administrator.");
}

static void look(struct api *api, struct alarms *a)
{
    struct health_publishers p;
    struct health_late late;
    struct err err;

    a->n = 0;
    if (health_publishers(api->db, &p, &err) != RC_OK ||
        health_late(api->db, &late, &err) != RC_OK)
        return;
    if (p.alive == 0)
        add(a, "publisher",
            "No publisher is running: posts do not go out until one is. Tell your "
            "administrator.");
    else if (late.n > 0 && p.paused == 0) /* else the next one says why */
        add(a, "overdue", "%zu%s %s overdue: the publisher does not keep up.", late.n,
            late.n >= JOB_SWEEP_MAX ? " or more posts"
            : late.n == 1           ? " post"
                                    : " posts",
            late.n == 1 ? "is" : "are");
    if (p.paused > 0) {
        const struct reason *r = reason_find(p.pause_reason);

        add(a, "tiktok", "New posts wait, and go out by themselves once this is over: %s",
            r != NULL ? r->sentence : "TikTok refuses every request.");
    }
    if (redis_ping(api->redis, REDIS_MS, &err) != RC_OK)
        add(a, "redis",
            "Redis does not answer: posts still go out, some seconds late. Tell your "
            "administrator.");
    look_for_replica(api, a);
}

/* One for this process: a worker answers one request at a time. */
const struct alarms *alarms_now(struct api *api)
{
    static struct alarms seen;
    static int64_t seen_ms;
    int64_t now_ms = clock_mono_ms(api->clock);

    if (seen_ms == 0 || now_ms - seen_ms >= ALARMS_MS) {
        look(api, &seen);
        seen_ms = now_ms;
    }
    return &seen;
}

void alarms_write(struct jsonw *w, const struct alarms *alarms)
{
    jsonw_key(w, "alarms");
    jsonw_array(w);
    for (size_t i = 0; i < alarms->n; i++) {
        jsonw_object(w);
        jsonw_key_text(w, "code", alarms->list[i].code);
        jsonw_key_text(w, "message", alarms->list[i].message);
        jsonw_end(w);
    }
    jsonw_end(w);
}
