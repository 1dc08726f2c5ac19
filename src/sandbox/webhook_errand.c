#include "webhook_errand.h"

#include "webhooks.h"

#include "core/log.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SENT_MAX = 12,     /* at a time */
    BATCH = 64,        /* publications looked at in one transaction */
    ANSWER_MAX = 4096, /* bytes of an answer; nobody reads them */
    LINE_SIZE = WEBHOOK_HEADER_SIZE + 32,
};

struct sender;

/* One delivery on its way. */
struct trip {
    struct sender *sender; /* NULL: this place is free */
    int64_t webhook_id;
    int64_t signed_s;
    uint64_t request;
};

struct sender {
    struct courier *courier;
    struct trip trips[SENT_MAX];
    bool settled; /* the addresses of the settings have been looked at */
};

/* --- what has happened --------------------------------------------------------- */

static enum rc tell(struct courier *c, const struct app *app, const struct publication *p,
                    enum webhook_event event, int64_t at_ms, struct err *err)
{
    struct webhook_news news = {
        .app = app, .publication = p, .event = event, .at_ms = at_ms};
    struct person person;
    enum rc rc = person_by_id(c->sql, p->user_id, &person, err);

    if (rc != RC_OK || person.id == 0 || at_ms < app->webhooks_since_ms)
        return rc;
    news.person = &person;
    return webhook_tell(c->sql, &c->knobs, &news, err);
}

/* Tells all that has happened to p, and when to look at it again: without an address to
 * tell it to not before there is one (app_settle()). */
static enum rc look_at(struct courier *c, struct publication *p, struct err *err)
{
    enum webhook_event event = WEBHOOK_EVENT_COUNT;
    int64_t at_ms = INT64_MAX;
    struct app app;
    enum rc rc = app_by_id(c->sql, p->app_id, &app, err);

    if (rc == RC_OK && (app.id == 0 || app_webhook_url(&app, c->settings)[0] == '\0'))
        return publication_tell_later(c->sql, p, INT64_MAX, err);
    while (rc == RC_OK && webhook_next(p, &event, &at_ms) && at_ms <= c->now_ms) {
        rc = tell(c, &app, p, event, at_ms, err);
        p->told |= webhook_bit(event);
    }
    if (rc == RC_OK && !webhook_next(p, &event, &at_ms))
        at_ms = INT64_MAX;
    return rc == RC_OK ? publication_tell_later(c->sql, p, at_ms, err) : rc;
}

static enum rc look_at_some(struct courier *c, bool *more, struct err *err)
{
    struct publication p = {.id = 1};
    size_t seen = 0;
    enum rc rc = RC_OK;

    while (rc == RC_OK && p.id != 0 && seen < BATCH) {
        rc = publication_to_tell(c->sql, c->now_ms, &p, err);
        if (rc == RC_OK && p.id != 0)
            rc = look_at(c, &p, err);
        seen++;
    }
    *more = p.id != 0;
    return rc;
}

/* The settings may name another address than when the program ran last. */
static enum rc settle(struct sender *s, struct err *err)
{
    struct courier *c = s->courier;
    struct app app;
    enum rc rc;

    if (s->settled)
        return RC_OK;
    rc = app_by_id(c->sql, APP_LOCAL_ID, &app, err);
    if (rc == RC_OK && app.id != 0)
        rc = app_settle(c->sql, c->settings, &app, c->now_ms, err);
    s->settled = rc == RC_OK;
    return rc;
}

/* Makes webhooks of what has happened; *next_ms: when something will have. */
static enum rc gather(struct sender *s, int64_t *next_ms, struct err *err)
{
    struct courier *c = s->courier;
    bool more = false;
    enum rc rc = publications_tell_ms(c->sql, next_ms, err);

    if (rc != RC_OK || (s->settled && *next_ms > c->now_ms))
        return rc;
    rc = sql_begin(c->sql, err);
    if (rc != RC_OK)
        return rc;
    rc = settle(s, err);
    if (rc == RC_OK)
        rc = look_at_some(c, &more, err);
    if (rc == RC_OK)
        rc = publications_tell_ms(c->sql, next_ms, err);
    rc = sql_end(c->sql, rc, err);
    if (rc == RC_OK && more)
        courier_again(c);
    return rc;
}

/* --- what came of a delivery --------------------------------------------------- */

/* 200 and nothing else is an answer that counts. */
static enum rc settle_trip(struct courier *c, struct webhook *h, struct err *err)
{
    int64_t again_ms;
    enum rc rc;

    h->tries++;
    h->last_ms = c->now_ms;
    if (h->first_ms == 0)
        h->first_ms = c->now_ms;
    if (h->status == 200) {
        h->state = WEBHOOK_DELIVERED;
        rc = webhook_store(c->sql, h, err);
        return rc == RC_OK ? webhooks_release(c->sql, h, c->now_ms, err) : rc;
    }
    again_ms = webhook_again_ms(c->now_ms, h->first_ms, h->tries,
                                c->knobs.value[KNOB_WEBHOOK_RETRY_MS]);
    if (again_ms == 0)
        h->state = WEBHOOK_DROPPED;
    else
        h->due_ms = again_ms;
    return webhook_store(c->sql, h, err);
}

struct outcome {
    int64_t webhook_id;
    int64_t signed_s;
    int status;
    const char *trouble;
};

static enum rc write_down(struct courier *c, const struct outcome *outcome,
                          struct err *err)
{
    struct webhook h;
    enum rc rc = courier_look(c, err);

    if (rc == RC_OK)
        rc = sql_begin(c->sql, err);
    if (rc != RC_OK)
        return rc;
    rc = webhook_by_id(c->sql, outcome->webhook_id, &h, err);
    if (rc == RC_OK && h.id != 0) { /* a reset may have taken it */
        h.signed_s = outcome->signed_s;
        h.status = outcome->status;
        text_copy(h.trouble, sizeof(h.trouble), outcome->trouble);
        rc = settle_trip(c, &h, err);
    }
    return sql_end(c->sql, rc, err);
}

/* A failure to write is logged; the webhook is sent again then, as after a crash. */
static void on_answer(void *arg, enum rc rc, const struct http_response *res,
                      const struct err *why)
{
    struct trip *trip = arg;
    struct courier *c = trip->sender->courier;
    const struct outcome outcome = {.webhook_id = trip->webhook_id,
                                    .signed_s = trip->signed_s,
                                    .status = rc == RC_OK ? res->status : 0,
                                    .trouble = rc == RC_OK ? "" : why->code};
    struct err err;

    trip->sender = NULL;
    if (write_down(c, &outcome, &err) != RC_OK)
        log_failure("sandbox.webhook_not_noted", &err);
    courier_again(c);
}

/* --- sending ------------------------------------------------------------------- */

static struct trip *free_place(struct sender *s)
{
    for (size_t i = 0; i < SENT_MAX; i++)
        if (s->trips[i].sender == NULL)
            return &s->trips[i];
    return NULL;
}

static bool on_its_way(const struct sender *s, int64_t webhook_id)
{
    for (size_t i = 0; i < SENT_MAX; i++)
        if (s->trips[i].sender != NULL && s->trips[i].webhook_id == webhook_id)
            return true;
    return false;
}

/* The time of a signature: a retry has that of the first try, if so wanted. */
static int64_t time_to_sign(const struct courier *c, const struct webhook *h)
{
    bool ours = c->knobs.value[KNOB_WEBHOOK_CLOCK] != 0;

    if (h->signed_s != 0 && c->knobs.value[KNOB_WEBHOOK_RESIGN] == 0)
        return h->signed_s;
    return (ours ? c->now_ms : clock_wall_ms(c->clock)) / 1000;
}

/* The line of the signature; "" for none. */
static void write_signature(const struct courier *c, const struct webhook *h,
                            const char *secret, int64_t at_s, char out[LINE_SIZE])
{
    const char *name = c->knobs.value[KNOB_WEBHOOK_HEADER] != 0 ? "Tiktok-Signature"
                                                                : "TikTok-Signature";
    char value[WEBHOOK_HEADER_SIZE];

    if (h->forgery == SIGNATURE_MISSING) {
        out[0] = '\0';
        return;
    }
    if (h->forgery == SIGNATURE_WRONG)
        webhook_sign("nobody's secret", at_s, h->body, value);
    else if (h->forgery == SIGNATURE_MALFORMED)
        (void)snprintf(value, sizeof(value), "t=%" PRId64 ";s=none", at_s);
    else
        webhook_sign(secret, at_s, h->body, value);
    (void)snprintf(out, LINE_SIZE, "%s: %s", name, value);
}

static enum rc post(struct sender *s, struct trip *trip, const struct webhook *h,
                    const struct app *app, struct err *err)
{
    struct courier *c = s->courier;
    char signature[LINE_SIZE];
    const char *headers[] = {"Content-Type: application/json",
                             "User-Agent: tts-sandbox/1", NULL, NULL};
    const struct http_request request = {.method = "POST",
                                         .url = app_webhook_url(app, c->settings),
                                         .headers = headers,
                                         .body = h->body,
                                         .body_len = strlen(h->body),
                                         .max_response = ANSWER_MAX,
                                         .timeout_ms =
                                             (int)c->knobs.value[KNOB_WEBHOOK_TIMEOUT_MS],
                                         .lifted = true};

    trip->webhook_id = h->id;
    trip->signed_s = time_to_sign(c, h);
    write_signature(c, h, app_secret(app, c->settings), trip->signed_s, signature);
    if (signature[0] != '\0')
        headers[2] = signature;
    return http_submit(c->http, &request, on_answer, trip, &trip->request, err);
}

/* It has no address to go to any more. */
static enum rc drop(struct courier *c, struct webhook *h, struct err *err)
{
    enum rc rc = sql_begin(c->sql, err);

    if (rc != RC_OK)
        return rc;
    h->state = WEBHOOK_DROPPED;
    text_copy(h->trouble, sizeof(h->trouble), "no_address");
    return sql_end(c->sql, webhook_store(c->sql, h, err), err);
}

static enum rc send_one(struct sender *s, struct webhook *h, struct err *err)
{
    struct courier *c = s->courier;
    struct trip *trip = free_place(s);
    struct app app;
    enum rc rc = app_by_id(c->sql, h->app_id, &app, err);

    if (rc != RC_OK || trip == NULL)
        return rc;
    if (app.id == 0 || app_webhook_url(&app, c->settings)[0] == '\0')
        return drop(c, h, err);
    rc = post(s, trip, h, &app, err);
    if (rc == RC_LIMITED) /* pulls have taken all places: the end of one wakes us */
        return RC_OK;
    if (rc != RC_OK)
        return write_down(c,
                          &(struct outcome){.webhook_id = h->id,
                                            .signed_s = trip->signed_s,
                                            .trouble = err->code},
                          err);
    trip->sender = s;
    return RC_OK;
}

/* The ids of what is due; the rows are read again one by one. */
struct due {
    const struct sender *sender;
    int64_t ids[SENT_MAX];
    size_t len;
};

static void keep_due(void *ctx, const struct webhook *h)
{
    struct due *due = ctx;

    if (due->len < SENT_MAX && !on_its_way(due->sender, h->id))
        due->ids[due->len++] = h->id;
}

static enum rc send_due(struct sender *s, struct err *err)
{
    struct due due = {.sender = s};
    struct webhook h;
    enum rc rc;

    if (free_place(s) == NULL)
        return RC_OK;
    /* Those on their way are due as well: there may be so many before the next one. */
    rc = webhooks_due(s->courier->sql, s->courier->now_ms, INT64_C(2) * SENT_MAX,
                      keep_due, &due, err);
    for (size_t i = 0; rc == RC_OK && i < due.len; i++) {
        rc = webhook_by_id(s->courier->sql, due.ids[i], &h, err);
        if (rc == RC_OK && h.id != 0)
            rc = send_one(s, &h, err);
    }
    return rc;
}

/* --- the errand ---------------------------------------------------------------- */

static void *begin(struct courier *c)
{
    struct sender *s = xcalloc(1, sizeof(*s));

    s->courier = c;
    return s;
}

static enum rc turn(struct courier *c, void *state, int64_t *next_ms, struct err *err)
{
    struct sender *s = state;
    int64_t happens_ms = INT64_MAX;
    int64_t due_ms = INT64_MAX;
    enum rc rc = gather(s, &happens_ms, err);

    if (rc == RC_OK)
        rc = send_due(s, err);
    if (rc == RC_OK)
        rc = webhooks_due_ms(c->sql, c->now_ms, &due_ms, err);
    if (rc == RC_OK)
        *next_ms = happens_ms < due_ms ? happens_ms : due_ms;
    return rc;
}

static size_t running(const void *state)
{
    const struct sender *s = state;
    size_t n = 0;

    for (size_t i = 0; i < SENT_MAX; i++)
        n += s->trips[i].sender != NULL ? 1 : 0;
    return n;
}

static void end(void *state)
{
    free(state);
}

const struct errand webhook_errand = {"webhooks", begin, turn, running, end};
