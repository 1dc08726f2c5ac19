/* How a world begins, and what must never be. */
#include "model.h"

/* --- judging ------------------------------------------------------------------- */

void world_begin(const struct config *c, struct world *w)
{
    *w = (struct world){
        .db = {.state = JOB_SCHEDULED, .ver = 1},
        .person = {.may_cancel = !c->no_cancel,
                   .may_edit = c->edits,
                   .may_again = c->edits,
                   .edited = 1},
    };
}

bool world_settled(const struct world *w)
{
    return w->db.state >= JOB_PUBLISHED;
}

/* What people were promised. */
static const char *broken_promise(const struct world *w)
{
    if (w->published > 1)
        return "published twice (I1)";
    if (w->person.canceled && w->published > 0)
        return "published after a cancel that was acknowledged (I2)";
    /* A database that was set back has forgotten edits: nothing remembers those. */
    if (w->old_published > 0 && w->rollback != 2)
        return "an older version published than was acknowledged (I2)";
    if (w->db.state == JOB_PUBLISHED && w->published == 0)
        return "PUBLISHED, but TikTok has not published it (I4)";
    return NULL;
}

const char *world_fault(const struct config *c, const struct world *w)
{
    uint8_t state = w->db.state;
    const char *broken = broken_promise(w);

    if (broken != NULL || w->published == 0 || w->rollback == 2 || c->mutant)
        return broken;
    if (state == JOB_FAILED || state == JOB_CANCELED)
        return "ended as not published, but it is out (I4)";
    if (state != JOB_COMMITTED && state != JOB_PUBLISHED && state != JOB_REVIEW)
        return "out without a grant";
    return NULL;
}
