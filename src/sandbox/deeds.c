#include "deeds.h"

static enum rc check_waiting(const struct exchange *x, const struct publication *p,
                             struct err *err)
{
    if (publication_state(p, x->now_ms) != PUBLICATION_INBOX || p->discarded)
        return err_set(err, RC_CONFLICT, "no_draft",
                       "This is not a draft that waits in the inbox.");
    return RC_OK;
}

enum rc draft_post(struct exchange *x, struct publication *p, struct err *err)
{
    enum rc rc = check_waiting(x, p, err);

    if (rc == RC_OK)
        rc = next_id(x->sql, x->now_ms, &p->post_id, err);
    if (rc != RC_OK)
        return rc;
    p->posted_ms = x->now_ms;
    p->public_ms = x->now_ms + x->knobs.value[KNOB_MODERATION_MS];
    return publication_store(x->sql, p, err);
}

enum rc draft_discard(struct exchange *x, struct publication *p, struct err *err)
{
    enum rc rc = check_waiting(x, p, err);

    if (rc != RC_OK)
        return rc;
    p->discarded = true;
    return publication_store(x->sql, p, err);
}

enum rc app_remove(struct exchange *x, int64_t user_id, struct err *err)
{
    enum rc rc = permits_revoke(x->sql, user_id, err);

    return rc == RC_OK ? publications_abandon(x->sql, user_id, x->now_ms, err) : rc;
}
