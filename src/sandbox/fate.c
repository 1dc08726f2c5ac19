#include "fate.h"

#include "faults.h"

#include "core/text.h"

#include <string.h>

enum rc day_is_full(const struct world *world, const struct person *person, bool *full,
                    struct err *err)
{
    int64_t posts = 0;
    enum rc rc = RC_OK;

    if (person->post_cap < POST_CAP_NONE)
        rc = posts_of_day(world->sql, person->id, world->now_ms, &posts, err);
    if (rc == RC_OK)
        *full = posts >= person->post_cap;
    return rc;
}

/* Why a publication will fail whose bytes are all here: *reason, if at all. */
static enum rc find_failure(const struct world *world, const struct publication *p,
                            const char **reason, struct err *err)
{
    struct person person;
    bool full = false;
    enum rc rc = person_by_id(world->sql, p->user_id, &person, err);

    if (rc == RC_OK && !p->inbox)
        rc = day_is_full(world, &person, &full, err);
    if (rc != RC_OK)
        return rc;
    if (full)
        *reason = "spam_risk_too_many_posts";
    if (person.banned)
        *reason = "spam_risk_user_banned_from_posting";
    return RC_OK;
}

static enum rc meet_fault(const struct world *world, const struct publication *p,
                          struct fault_spec *spec, int64_t *fault_id, struct err *err)
{
    const struct fault_target target = {.endpoint = FAULT_PUBLICATION,
                                        .user_id = p->user_id,
                                        .chunk = -1,
                                        .seed = world->knobs->value[KNOB_SEED]};
    struct fault fault = {.id = 0};
    enum rc rc = fault_take(world->sql, &target, &fault, err);

    if (rc != RC_OK || fault.id == 0)
        return rc;
    *spec = fault.spec;
    *fault_id = fault.id;
    return RC_OK;
}

static int64_t given_or(int64_t ms, const struct world *world, enum knob knob)
{
    return ms >= 0 ? ms : world->knobs->value[knob];
}

enum rc fate_decide(const struct world *world, struct publication *p, const char *failure,
                    int64_t *fault_id, struct err *err)
{
    struct fault_spec spec = {.processing_ms = -1, .moderation_ms = -1};
    enum rc rc = find_failure(world, p, &failure, err);

    if (rc == RC_OK)
        rc = meet_fault(world, p, &spec, fault_id, err);
    if (rc == RC_OK && !p->inbox && !spec.no_post_id &&
        strcmp(p->privacy, "PUBLIC_TO_EVERYONE") == 0)
        rc = next_id(world->sql, world->now_ms, &p->post_id, err);
    if (rc != RC_OK)
        return rc;
    if (spec.fail_reason[0] != '\0')
        failure = spec.fail_reason;
    p->ready_ms =
        p->committed_ms + given_or(spec.processing_ms, world, KNOB_PROCESSING_MS);
    p->public_ms = p->ready_ms + given_or(spec.moderation_ms, world, KNOB_MODERATION_MS);
    p->posted_ms = p->inbox ? 0 : p->committed_ms;
    p->stuck = spec.stuck;
    text_copy(p->fail_reason, sizeof(p->fail_reason), failure != NULL ? failure : "");
    p->fail_ms = p->ready_ms;
    return RC_OK;
}
