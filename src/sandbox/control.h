/* sandbox/control.h - the simulator's own interface, for tests and for curious people.
 *
 * JSON both ways; docs/sandbox.md describes it. */
#ifndef SRC_SANDBOX_CONTROL_H
#define SRC_SANDBOX_CONTROL_H

#include "exchange.h"

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

/* /sandbox/users and /sandbox/users/{name}; /sandbox/permits */
enum rc control_people(struct exchange *x, struct err *err);
enum rc control_person_add(struct exchange *x, struct err *err);
enum rc control_person(struct exchange *x, struct err *err);
enum rc control_person_change(struct exchange *x, struct err *err);
enum rc control_permit(struct exchange *x, struct err *err);

/* /sandbox/publications/{publish_id} and .../post, .../discard */
enum rc control_publication_change(struct exchange *x, struct err *err);
enum rc control_draft_post(struct exchange *x, struct err *err);
enum rc control_draft_discard(struct exchange *x, struct err *err);

/* /sandbox/reset */
enum rc control_reset(struct exchange *x, struct err *err);

/* --- the same for the page of controls -----------------------------------------------
 */

/* Turns a knob within its range; inside a transaction. */
enum rc turn_knob(struct exchange *x, enum knob knob, int64_t value,
                  struct err *err) MUST_CHECK;

/* Deletes what happened, but for tokens and people when they are to stay. Outside a
 * transaction: files go too. */
enum rc reset_everything(struct exchange *x, bool keep_tokens,
                         struct err *err) MUST_CHECK;

#endif
