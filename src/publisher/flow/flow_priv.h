/* publisher/flow/flow_priv.h - what the files of a flow share: flow.c (the way of every
 * post), flow_upload.c (what we send), flow_gate.c (what TikTok fetches), flow_parts.c
 * (what their decisions are put together from) and flow_words.c (what a flow knows by
 * heart).
 *
 * All are as pure as flow.h promises. What returns an action has changed the flow for it;
 * the caller returns it as it is, and flow_step() keeps it. */
#ifndef PUBLISHER_FLOW_PRIV_H
#define PUBLISHER_FLOW_PRIV_H

#include "core/attr.h"
#include "flow.h"

#include <stdbool.h>
#include <stdint.h>

/* --- known by heart: flow_words.c ----------------------------------------------- */

/* After the n-th failure in a row: equal jitter (0..1000), half of the doubled base is
 * sure and half is random; at most FLOW_RETRY_CAP_MS. */
int64_t flow_backoff(int64_t base, unsigned n, unsigned jitter) MUST_CHECK;

/* Before poll number n. */
int64_t flow_poll_wait(unsigned n) MUST_CHECK;

/* Answers that end a session before its grant, and after it mean only: ask. */
bool flow_proves_nothing(enum tiktok_upload what) MUST_CHECK;

/* The action is the flow's last but END. */
bool flow_is_end(enum flow_do what) MUST_CHECK;

/* --- questions ------------------------------------------------------------------- */

static inline int64_t flow_longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* TikTok fetches what the session is about. */
static inline bool flow_pulls(const struct flow *f)
{
    return f->start.way != FLOW_BY_UPLOAD;
}

/* The next chunk is the one that publishes. */
static inline bool flow_is_last(const struct flow *f)
{
    return f->chunk == f->start.plan.count - 1;
}

/* Could this answer be one of the two that prove death by age? */
bool flow_beyond_life(const struct flow *f, const struct flow_event *ev) MUST_CHECK;

/* What follows a session that died and is worth another: INTENT or LATER. */
enum flow_do flow_retry_soon(const struct flow *f) MUST_CHECK;

/* --- actions: flow_parts.c --------------------------------------------------------- */

struct flow_action flow_act(struct flow *f, enum flow_do what);
struct flow_action flow_act_at(struct flow *f, enum flow_do what, int64_t at_ms);

/* reason may be NULL, which counts as "". */
struct flow_action flow_act_because(struct flow *f, enum flow_do what,
                                    const char *reason);

/* What follows needs an access token first. */
struct flow_action flow_want(struct flow *f, enum flow_do then);

/* Releases the job for a while, unless it would then be too late for the person. Only
 * before the grant. */
struct flow_action flow_later(struct flow *f, const struct flow_event *ev,
                              const char *reason);

/* Releases the job until the account may post again, whenever that is. Only before the
 * grant. */
struct flow_action flow_put_off(struct flow *f, const char *reason);

/* Asks TikTok again in wait_ms. After the grant nothing is given up before
 * FLOW_REVIEW_MS; then a person must look. */
struct flow_action flow_ask_again(struct flow *f, const struct flow_event *ev,
                                  int64_t wait_ms);

/* The next poll of one that is on its way. */
struct flow_action flow_poll_on(struct flow *f, const struct flow_event *ev);

/* The session cannot complete. Of one that was granted ev is proof; one that was not is
 * given up, and may turn out to hold the witness (doubted() in flow.c). after: INTENT,
 * LATER, FAIL or BLOCK. */
struct flow_action flow_dead(struct flow *f, const char *reason, enum flow_do after);

/* A write did not happen: the same again. Or nobody knows: look. Or it cannot work, for a
 * mistake of ours: rather than try for ever, a person must look. */
struct flow_action flow_store_trouble(struct flow *f, const struct flow_event *ev);

/* DEAD was answered; flow.c. */
struct flow_action flow_on_dead(struct flow *f, const struct flow_event *ev);

/* --- what we send: flow_upload.c -------------------------------------------------- */

/* On to the next chunk; the last one waits for the grant, and with it for its time. */
struct flow_action flow_send(struct flow *f);

/* The same from another chunk on. */
struct flow_action flow_resume_at(struct flow *f, int64_t chunk);

struct flow_action flow_on_chunk(struct flow *f, const struct flow_event *ev);
struct flow_action flow_on_last(struct flow *f, const struct flow_event *ev);

/* TikTok said PROCESSING: what we send is not all there, or it works on it. */
struct flow_action flow_sending(struct flow *f, const struct flow_event *ev);

/* --- what TikTok fetches: flow_gate.c ---------------------------------------------- */

/* The session is dead if its gate can be closed before anything has gone through. */
struct flow_action flow_close_gate(struct flow *f, const char *reason,
                                   enum flow_do after);

/* INIT failed, and the gate is open already (FLOW_BY_LOG). */
struct flow_action flow_init_in_the_open(struct flow *f, const struct flow_event *ev);

struct flow_action flow_on_open(struct flow *f, const struct flow_event *ev);
struct flow_action flow_on_close(struct flow *f, const struct flow_event *ev);

/* TikTok said PROCESSING: it fetches, or works on what it has fetched. */
struct flow_action flow_fetching(struct flow *f, const struct flow_event *ev);

#endif
