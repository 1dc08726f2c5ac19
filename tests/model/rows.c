/* The guards of src/store/jobs_write.c, jobs_end.c, jobs_claim.c, posts_change.c and
 * posts_end.c, without fence and owner. */
#include "rows.h"

#include "core/attr.h"

static struct attempt_row *attempt(struct rows *r, unsigned no)
{
    return &r->attempt[no - 1];
}

static bool is_live(const struct attempt_row *a)
{
    return a->state >= ATTEMPT_GRANTED && a->state <= ATTEMPT_PUBLISHED;
}

/* --- a publisher's statements -------------------------------------------------- */

bool rows_claim(struct rows *r)
{
    if (r->state < JOB_SCHEDULED || r->state > JOB_COMMITTED)
        return false;
    r->state = r->granted > 0 ? JOB_COMMITTED : JOB_RUNNING;
    return true;
}

bool rows_intend(struct rows *r, unsigned no, uint8_t ver)
{
    if (r->state != JOB_RUNNING || r->granted != 0 || r->no + 1U != no)
        return false;
    if (r->no > 0 && (attempt(r, r->no)->state == ATTEMPT_INTENT ||
                      attempt(r, r->no)->state == ATTEMPT_READY)) {
        attempt(r, r->no)->state = ATTEMPT_DEAD;
        attempt(r, r->no)->proven = false;
    }
    r->no = (uint8_t)no;
    *attempt(r, no) = (struct attempt_row){.state = ATTEMPT_INTENT, .ver = ver};
    return true;
}

bool rows_persist(struct rows *r, unsigned no, uint8_t sid)
{
    if (r->state != JOB_RUNNING || r->granted != 0 || r->no != no || no == 0 ||
        attempt(r, no)->state != ATTEMPT_INTENT)
        return false;
    attempt(r, no)->state = ATTEMPT_READY;
    attempt(r, no)->sid = sid;
    return true;
}

enum granted rows_grant(struct rows *r, unsigned no, struct rows_rules rules)
{
    bool held = r->state == JOB_RUNNING && r->granted == 0 && r->no == no;

    if (no == 0 || (!held && !rules.no_grant_guard) ||
        (attempt(r, no)->state != ATTEMPT_READY && !rules.no_grant_guard))
        return GRANT_LOST;
    for (unsigned i = 0; i < ROWS_ATTEMPTS; i++) {
        if (i + 1 != no && is_live(&r->attempt[i]) && !rules.no_live_index)
            return GRANT_REFUSED;
    }
    r->state = JOB_COMMITTED;
    r->granted = (uint8_t)no;
    attempt(r, no)->state = ATTEMPT_GRANTED;
    return GRANT_OK;
}

/* u_live and u_publish_id. */
static bool is_refused(const struct rows *r, unsigned no, uint8_t sid)
{
    for (unsigned i = 0; i < ROWS_ATTEMPTS; i++) {
        const struct attempt_row *a = &r->attempt[i];

        if (i + 1 != no && (is_live(a) || (sid != 0 && a->sid == sid)))
            return true;
    }
    return false;
}

enum granted rows_open(struct rows *r, unsigned no, uint8_t sid, bool adopted)
{
    struct attempt_row *a = no > 0 ? attempt(r, no) : NULL;

    if (r->state != JOB_RUNNING || r->granted != 0 || r->no != no || a == NULL)
        return GRANT_LOST;
    if (a->state != ATTEMPT_INTENT && (!adopted || a->state != ATTEMPT_READY))
        return GRANT_LOST;
    if (!adopted && !a->token)
        return GRANT_LOST;
    if (is_refused(r, no, sid))
        return GRANT_REFUSED;
    r->state = JOB_COMMITTED;
    r->granted = (uint8_t)no;
    a->state = ATTEMPT_GRANTED;
    a->sid = sid;
    a->pulls = true;
    a->token = !adopted;
    return GRANT_OK;
}

bool rows_name(struct rows *r, unsigned no, uint8_t sid)
{
    if (r->state != JOB_COMMITTED || no == 0 || r->granted != no ||
        attempt(r, no)->state != ATTEMPT_GRANTED || attempt(r, no)->sid != 0)
        return false;
    attempt(r, no)->sid = sid;
    return true;
}

bool rows_close(struct rows *r, unsigned no, bool *passed)
{
    const struct attempt_row *a = no > 0 ? attempt(r, no) : NULL;

    *passed = false;
    if (r->state != JOB_COMMITTED || a == NULL || r->granted != no || r->no != no)
        return false;
    *passed = !a->token || a->served ||
              (a->state != ATTEMPT_GRANTED && a->state != ATTEMPT_PROCESSING);
    return !*passed && rows_dead(r, no, true);
}

bool rows_sent(struct rows *r, unsigned no)
{
    if (r->state != JOB_COMMITTED || r->granted != no || no == 0 ||
        (attempt(r, no)->state != ATTEMPT_GRANTED &&
         attempt(r, no)->state != ATTEMPT_PROCESSING))
        return false;
    attempt(r, no)->state = ATTEMPT_PROCESSING;
    return true;
}

bool rows_published(struct rows *r, unsigned no)
{
    if (r->state != JOB_COMMITTED || r->granted != no || no == 0 ||
        (attempt(r, no)->state != ATTEMPT_GRANTED &&
         attempt(r, no)->state != ATTEMPT_PROCESSING))
        return false;
    attempt(r, no)->state = ATTEMPT_PUBLISHED;
    r->state = JOB_PUBLISHED;
    return true;
}

bool rows_dead(struct rows *r, unsigned no, bool proven)
{
    if ((r->state != JOB_RUNNING && r->state != JOB_COMMITTED) || no == 0 ||
        r->no != no || (r->granted != 0 && (r->granted != no || !proven)) ||
        attempt(r, no)->state < ATTEMPT_INTENT ||
        attempt(r, no)->state > ATTEMPT_PROCESSING)
        return false;
    r->state = JOB_RUNNING;
    r->granted = 0;
    attempt(r, no)->state = ATTEMPT_DEAD;
    attempt(r, no)->proven = proven;
    return true;
}

bool rows_end(struct rows *r, enum flow_do how)
{
    static const struct {
        enum flow_do how;
        enum job_state to;
    } ends[] = {{FLOW_DO_LATER, JOB_SCHEDULED},   {FLOW_DO_RELEASE, JOB_SCHEDULED},
                {FLOW_DO_FAIL, JOB_FAILED},       {FLOW_DO_BLOCK, JOB_BLOCKED},
                {FLOW_DO_CANCELED, JOB_CANCELED}, {FLOW_DO_REVIEW, JOB_REVIEW}};

    if (how == FLOW_DO_HANDOVER)
        return r->state == JOB_COMMITTED;
    if (how == FLOW_DO_REVIEW && r->state != JOB_RUNNING && r->state != JOB_COMMITTED)
        return false;
    if (how != FLOW_DO_REVIEW && (r->state != JOB_RUNNING || r->granted != 0))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (ends[i].how == how)
            r->state = (uint8_t)ends[i].to;
    }
    return true;
}

/* --- a person's statements ----------------------------------------------------- */

static void end_sessions(struct rows *r)
{
    for (unsigned i = 0; i < ROWS_ATTEMPTS; i++) {
        if (r->attempt[i].state == ATTEMPT_INTENT ||
            r->attempt[i].state == ATTEMPT_READY) {
            r->attempt[i].state = ATTEMPT_DEAD;
            r->attempt[i].proven = false;
        }
    }
}

bool rows_cancel(struct rows *r)
{
    if (r->granted != 0 ||
        (r->state != JOB_SCHEDULED && r->state != JOB_RUNNING && r->state != JOB_BLOCKED))
        return false;
    r->state = JOB_CANCELED;
    end_sessions(r);
    return true;
}

bool rows_edit(struct rows *r, uint8_t was)
{
    if (r->state != was || r->granted != 0)
        return false;
    r->ver++;
    end_sessions(r);
    return true;
}

bool rows_again(struct rows *r, uint8_t was)
{
    if (r->state != was || r->granted != 0)
        return false;
    r->state = JOB_SCHEDULED;
    return true;
}

/* --- questions ----------------------------------------------------------------- */

bool rows_is_dead(const struct rows *r, uint8_t sid, struct rows_rules rules)
{
    for (unsigned i = 0; i < ROWS_ATTEMPTS; i++) {
        const struct attempt_row *a = &r->attempt[i];

        if (a->sid == sid && a->state == ATTEMPT_DEAD)
            return a->proven || rules.careless_burial;
    }
    return false;
}

/* As run_store.c's session_of(). */
enum flow_session rows_session(const struct rows *r)
{
    const struct attempt_row *a = r->no > 0 ? &r->attempt[r->no - 1] : NULL;

    if (r->granted != 0)
        return a->state == ATTEMPT_PROCESSING ? FLOW_SESSION_SENT : FLOW_SESSION_GRANTED;
    if (a != NULL && a->state == ATTEMPT_READY && a->ver == r->ver)
        return FLOW_SESSION_READY;
    return FLOW_SESSION_NONE;
}
