/* sandbox/control.h - the simulator's own interface, for tests and for curious people.
 *
 * JSON both ways; docs/sandbox.md describes it. */
#ifndef SRC_SANDBOX_CONTROL_H
#define SRC_SANDBOX_CONTROL_H

#include "exchange.h"
#include "webhook_rules.h"

/* /sandbox/ledger and /sandbox/counts */
enum rc control_ledger(struct exchange *x, struct err *err);
enum rc control_counts(struct exchange *x, struct err *err);

/* /sandbox/faults and /sandbox/faults/{id} */
enum rc control_faults(struct exchange *x, struct err *err);
enum rc control_fault_set(struct exchange *x, struct err *err);
enum rc control_fault_remove(struct exchange *x, struct err *err);

/* /sandbox/knobs and /sandbox/clock */
enum rc control_knobs(struct exchange *x, struct err *err);
enum rc control_knobs_turn(struct exchange *x, struct err *err);
enum rc control_clock(struct exchange *x, struct err *err);
enum rc control_clock_set(struct exchange *x, struct err *err);

/* /sandbox/users, /sandbox/users/{name} and .../leave, .../return; /sandbox/permits */
enum rc control_people(struct exchange *x, struct err *err);
enum rc control_person_add(struct exchange *x, struct err *err);
enum rc control_person(struct exchange *x, struct err *err);
enum rc control_person_change(struct exchange *x, struct err *err);
enum rc control_person_leave(struct exchange *x, struct err *err);
enum rc control_person_return(struct exchange *x, struct err *err);
enum rc control_permit(struct exchange *x, struct err *err);

/* /sandbox/apps and /sandbox/apps/{key}: control_apps.c */
enum rc control_apps(struct exchange *x, struct err *err);
enum rc control_app_add(struct exchange *x, struct err *err);
enum rc control_app(struct exchange *x, struct err *err);
enum rc control_app_change(struct exchange *x, struct err *err);

/* /sandbox/publications/{publish_id} and .../post, .../discard, .../hide, .../show */
enum rc control_publication_change(struct exchange *x, struct err *err);
enum rc control_draft_post(struct exchange *x, struct err *err);
enum rc control_draft_discard(struct exchange *x, struct err *err);
enum rc control_post_hide(struct exchange *x, struct err *err);
enum rc control_post_show(struct exchange *x, struct err *err);

/* /sandbox/webhooks, .../{id}/redeliver and /sandbox/webhooks/test: control_webhooks.c */
enum rc control_webhooks(struct exchange *x, struct err *err);
enum rc control_webhook_again(struct exchange *x, struct err *err);
enum rc control_webhook_test(struct exchange *x, struct err *err);

/* /sandbox/reset */
enum rc control_reset(struct exchange *x, struct err *err);

/* Reads the body as a JSON object and runs what it asks for in one transaction; the
 * answer is written by the caller. */
typedef enum rc (*control_fn)(struct exchange *x, json_t *body, struct err *err);
enum rc control_change(struct exchange *x, control_fn fn, struct err *err) MUST_CHECK;

/* Answers {"key": n}. */
void answer_number(struct exchange *x, int status, const char *key, int64_t n);

/* --- the same for the page of controls ----------------------------------------- */

/* Turns a knob within its range; inside a transaction. */
enum rc turn_knob(struct exchange *x, enum knob knob, int64_t value,
                  struct err *err) MUST_CHECK;

/* Sends a webhook again, whatever became of it; RC_NOT_FOUND: there is none with this
 * id. Inside a transaction. */
enum rc webhook_again(struct exchange *x, int64_t id, struct err *err) MUST_CHECK;

/* Sends a sample of an event to the app's webhook address. RC_CONFLICT: it has none. */
enum rc webhook_try(struct exchange *x, const struct app *app, enum webhook_event event,
                    int64_t *id, struct err *err) MUST_CHECK;

/* Deletes what happened, but for tokens and people when they are to stay. Outside a
 * transaction: files go too. */
enum rc reset_everything(struct exchange *x, bool keep_tokens,
                         struct err *err) MUST_CHECK;

#endif
