/* sandbox/webhook_rules.h - which webhooks TikTok sends, when, and what stands in them:
 * decisions without I/O.
 *
 * What happens to a publication follows from its times, so a webhook is due at one of
 * these, and each is told once. A failed delivery comes again later and later, for 72
 * hours. */
#ifndef SRC_SANDBOX_WEBHOOK_RULES_H
#define SRC_SANDBOX_WEBHOOK_RULES_H

#include "publications.h"

#include "core/strbuf.h"
#include "crypto/hmac.h"

#include <stdbool.h>

enum {
    WEBHOOK_EVENT_SIZE = 48,
    WEBHOOK_HEADER_SIZE = HMAC_HEX_SIZE + 64,
    WEBHOOK_BODY_MAX = 4096,
};

#define WEBHOOK_LIFE_MS      INT64_C(259200000) /* documented: retried up to 72 hours */
#define WEBHOOK_PAUSE_MAX_MS INT64_C(28800000)  /* between two tries; the simulator's */

enum webhook_event {
    WEBHOOK_FAILED,
    WEBHOOK_INBOX,
    WEBHOOK_COMPLETE,
    WEBHOOK_PUBLIC,
    WEBHOOK_HIDDEN,  /* no longer public */
    WEBHOOK_REMOVED, /* the app, by or from a person; not of a publication */
    WEBHOOK_EVENT_COUNT,
};

/* As TikTok spells them, one of them wrongly. */
const char *webhook_event_name(enum webhook_event event);

/* WEBHOOK_EVENT_COUNT when there is none of that name. */
enum webhook_event webhook_event_named(const char *name);

/* The bits of publication.told. */
static inline unsigned webhook_bit(enum webhook_event event)
{
    return 1U << (unsigned)event;
}

/* What is to be told next of a publication, and when: false when, as things stand,
 * nothing more will happen to it. */
bool webhook_next(const struct publication *p, enum webhook_event *event, int64_t *at_ms);

/* When to try again after a failure at now_ms, if tries have failed by now, the first one
 * at first_ms; 0: it is given up. pause_ms is the wait after the first. */
int64_t webhook_again_ms(int64_t now_ms, int64_t first_ms, int64_t tries,
                         int64_t pause_ms);

/* --- what is sent -------------------------------------------------------------- */

/* The envelope; all borrowed for the call. */
struct webhook_envelope {
    const char *client_key;
    const char *event;
    int64_t create_s;
    const char *open_id;
    const char *content; /* JSON, which becomes a string */
};

void webhook_write_body(struct strbuf *out, const struct webhook_envelope *envelope);

/* The content of an event of a publication; post_id as a number if so wanted. */
void webhook_write_content(struct strbuf *out, enum webhook_event event,
                           const struct publication *p, bool id_as_number);

/* "t=…,s=…" over the body. */
void webhook_sign(const char *secret, int64_t at_s, const char *body,
                  char out[WEBHOOK_HEADER_SIZE]);

#endif
