#include "webhook_rules.h"

#include "core/jsonw.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const names[WEBHOOK_EVENT_COUNT] = {
    [WEBHOOK_FAILED] = "post.publish.failed",
    [WEBHOOK_INBOX] = "post.publish.inbox_delivered",
    [WEBHOOK_COMPLETE] = "post.publish.complete",
    [WEBHOOK_PUBLIC] = "post.publish.publicly_available",
    [WEBHOOK_HIDDEN] = "post.publish.no_longer_publicaly_available",
    [WEBHOOK_REMOVED] = "authorization.removed",
};

const char *webhook_event_name(enum webhook_event event)
{
    return names[event];
}

enum webhook_event webhook_event_named(const char *name)
{
    unsigned i = 0;

    while (i < WEBHOOK_EVENT_COUNT && strcmp(names[i], name) != 0)
        i++;
    return (enum webhook_event)i;
}

/* --- when ---------------------------------------------------------------------- */

/* Never. */
#define NEVER INT64_MAX

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What would happen at at_ms does not, if it fails before or then. */
static int64_t unless_failed(const struct publication *p, int64_t at_ms)
{
    if (p->fail_reason[0] != '\0' && p->fail_ms <= at_ms)
        return NEVER;
    return at_ms;
}

static int64_t processed_ms(const struct publication *p)
{
    if (p->committed_ms == 0 || p->stuck)
        return NEVER;
    return unless_failed(p, p->ready_ms);
}

static int64_t complete_ms(const struct publication *p)
{
    int64_t ready_ms = processed_ms(p);

    if (ready_ms == NEVER || !p->inbox)
        return ready_ms;
    return p->posted_ms != 0 ? unless_failed(p, later(p->posted_ms, ready_ms)) : NEVER;
}

/* A post that was hidden before anybody could see it was never public. */
static int64_t public_ms(const struct publication *p)
{
    int64_t at_ms = complete_ms(p);

    if (at_ms == NEVER || p->post_id == 0)
        return NEVER;
    at_ms = unless_failed(p, later(at_ms, p->public_ms));
    return p->hidden_ms != 0 && p->hidden_ms <= at_ms ? NEVER : at_ms;
}

static int64_t hidden_ms(const struct publication *p)
{
    bool was_public = (p->told & webhook_bit(WEBHOOK_PUBLIC)) != 0;

    return was_public && p->hidden_ms != 0 ? p->hidden_ms : NEVER;
}

static int64_t time_of(const struct publication *p, enum webhook_event event)
{
    switch (event) {
    case WEBHOOK_FAILED:
        return p->fail_reason[0] != '\0' ? p->fail_ms : NEVER;
    case WEBHOOK_INBOX:
        return p->inbox ? processed_ms(p) : NEVER;
    case WEBHOOK_COMPLETE:
        return complete_ms(p);
    case WEBHOOK_PUBLIC:
        return public_ms(p);
    case WEBHOOK_HIDDEN:
        return hidden_ms(p);
    case WEBHOOK_REMOVED:
    case WEBHOOK_EVENT_COUNT:
        break;
    }
    return NEVER;
}

bool webhook_next(const struct publication *p, enum webhook_event *event, int64_t *at_ms)
{
    int64_t first_ms = NEVER;

    for (unsigned i = 0; i < WEBHOOK_EVENT_COUNT; i++) {
        int64_t ms = time_of(p, (enum webhook_event)i);

        if (ms >= first_ms || (p->told & webhook_bit((enum webhook_event)i)) != 0)
            continue;
        first_ms = ms;
        *event = (enum webhook_event)i;
        *at_ms = ms;
    }
    return first_ms != NEVER;
}

int64_t webhook_again_ms(int64_t now_ms, int64_t first_ms, int64_t tries,
                         int64_t pause_ms)
{
    int64_t end_ms = first_ms + WEBHOOK_LIFE_MS;
    int64_t ms = pause_ms;

    if (now_ms >= end_ms)
        return 0;
    for (int64_t i = 1; i < tries && ms < WEBHOOK_PAUSE_MAX_MS; i++)
        ms *= 2;
    if (ms > WEBHOOK_PAUSE_MAX_MS)
        ms = WEBHOOK_PAUSE_MAX_MS;
    return now_ms + ms < end_ms ? now_ms + ms : end_ms;
}

/* --- what is sent -------------------------------------------------------------- */

void webhook_write_body(struct strbuf *out, const struct webhook_envelope *envelope)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key_text(&w, "client_key", envelope->client_key);
    jsonw_key_text(&w, "event", envelope->event);
    jsonw_key_int(&w, "create_time", envelope->create_s);
    jsonw_key_text(&w, "user_openid", envelope->open_id);
    jsonw_key_text(&w, "content", envelope->content);
    jsonw_end(&w);
}

static void write_post_id(struct jsonw *w, int64_t post_id, bool as_number)
{
    if (as_number)
        jsonw_key_int(w, "post_id", post_id);
    else
        jsonw_key_id(w, "post_id", (uint64_t)post_id);
}

void webhook_write_content(struct strbuf *out, enum webhook_event event,
                           const struct publication *p, bool id_as_number)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key_text(&w, "publish_id", p->publish_id);
    if (event == WEBHOOK_FAILED)
        jsonw_key_text(&w, "reason", p->fail_reason);
    jsonw_key_text(&w, "publish_type", p->inbox ? "INBOX_SHARE" : "DIRECT_PUBLISH");
    if (event == WEBHOOK_PUBLIC || event == WEBHOOK_HIDDEN)
        write_post_id(&w, p->post_id, id_as_number);
    jsonw_end(&w);
}

void webhook_sign(const char *secret, int64_t at_s, const char *body,
                  char out[WEBHOOK_HEADER_SIZE])
{
    char time[24];
    char hex[HMAC_HEX_SIZE];
    const struct hmac_part parts[] = {
        {time, (size_t)snprintf(time, sizeof(time), "%" PRId64, at_s)},
        {".", 1},
        {body, strlen(body)}};

    hmac_sha256_hex(secret, strlen(secret), parts, 3, hex);
    (void)snprintf(out, WEBHOOK_HEADER_SIZE, "t=%s,s=%s", time, hex);
}
