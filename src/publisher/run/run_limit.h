/* publisher/run/run_limit.h - limits on a run: TikTok's on its account, and the brake. */
#ifndef PUBLISHER_RUN_LIMIT_H
#define PUBLISHER_RUN_LIMIT_H

#include "run_priv.h"

/* On a store thread, when the row was read for the first time. True: a limit stands in
 * the post's way; it was moved to the limit's end and is out of our hands (the event says
 * so). A session that is there goes on. Learns besides how long earlier limits have held
 * it up. */
bool run_held_up(struct run *r, const struct pool_kit *kit, bool session) MUST_CHECK;

/* On a store thread: TikTok has refused for a limit (action.reason); the account pauses.
 * Ends the claim. */
enum rc run_put_off(struct run *r, const struct pool_kit *kit,
                    struct err *err) MUST_CHECK;

/* Until when the person waits: limits do not count. */
int64_t run_give_up_ms(const struct run *r);

/* On a store thread: TikTok answered 429 though the window had let the call through; the
 * account's window is one smaller for a while. */
void run_shrink(struct run *r, const struct pool_kit *kit);

/* On the loop, before a call: true when it has to wait for the brake; r->next says
 * what follows. */
bool run_brakes(struct run *r) MUST_CHECK;

/* On the loop: how the action went that was done, for the brake. */
void run_note_answer(struct run *r, enum flow_do done);

#endif
