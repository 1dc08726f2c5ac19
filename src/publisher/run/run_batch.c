/* The writes that many runs do together, on a store thread: what run_store.c does for
 * one. */
#include "core/fault.h"
#include "core/log.h"
#include "run_priv.h"
#include "store/jobs_batch.h"

#include <assert.h>
#include <string.h>

/* What a run's part of the transaction borrows. */
struct part {
    struct job_intent intent;
    struct job_session session;
    struct strbuf sealed;
};

struct together {
    struct run *const *runs;
    size_t n;
    struct part parts[JOB_BATCH_MAX];
    struct job_step steps[JOB_BATCH_MAX];
};

static bool put_intent(struct together *t, size_t i)
{
    explicit_bzero(&t->runs[i]->session, sizeof(t->runs[i]->session));
    t->parts[i].intent = run_intent(t->runs[i]);
    t->steps[i].no = t->parts[i].intent.no;
    t->steps[i].intent = &t->parts[i].intent;
    return true;
}

static bool put_session(struct together *t, size_t i)
{
    struct part *part = &t->parts[i];
    struct err err;

    if (run_session(t->runs[i], &part->sealed, &part->session, &err) != RC_OK)
        return false; /* done alone it says why */
    t->steps[i].session = &part->session;
    return true;
}

static bool put_outcome(struct together *t, size_t i)
{
    const struct run *r = t->runs[i];

    t->steps[i].outcome = (struct job_outcome){r->word, r->post_ids, r->log_id};
    return true;
}

static bool put_nothing(struct together *t UNUSED, size_t i UNUSED)
{
    return true;
}

/* Each is a passage of the fault points that its runs would pass alone. */
#define WRITE(name, point)                                                               \
    static enum rc name(struct db *db, struct job_steps all, struct err *err)            \
    {                                                                                    \
        enum rc rc;                                                                      \
                                                                                         \
        FAULT_POINT(point ".before_commit");                                             \
        rc = job_##name(db, all, err);                                                   \
        FAULT_POINT(point ".after");                                                     \
        return rc;                                                                       \
    }
WRITE(intend_all, "intent")
WRITE(persist_all, "persist")
WRITE(grant_all, "grant")
WRITE(sent_all, "sent")
WRITE(published_all, "done")

static const struct kind {
    enum flow_do what;
    bool (*put)(struct together *t, size_t i); /* false: not together */
    enum rc (*write)(struct db *db, struct job_steps all, struct err *err);
} kinds[] = {
    {FLOW_DO_INTENT, put_intent, intend_all},
    {FLOW_DO_PERSIST, put_session, persist_all},
    {FLOW_DO_GRANT, put_nothing, grant_all},
    {FLOW_DO_SENT, put_nothing, sent_all},
    {FLOW_DO_PUBLISHED, put_outcome, published_all},
};

static const struct kind *kind_of(enum flow_do what)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].what == what)
            return &kinds[i];
    }
    return NULL;
}

static bool put_all(struct together *t, const struct kind *kind)
{
    bool fine = true;

    for (size_t i = 0; i < t->n && fine; i++) {
        t->steps[i] = (struct job_step){.ref = &t->runs[i]->ref,
                                        .no = t->runs[i]->flow.start.attempt_no};
        fine = kind->put(t, i);
    }
    return fine;
}

bool run_all_on_store(struct run *const *runs, size_t n, const struct pool_kit *kit)
{
    const struct kind *kind = kind_of(runs[0]->action.what);
    struct together t = {.runs = runs, .n = n};
    struct err err = {0};
    enum rc rc = RC_CONFLICT;

    assert(kind != NULL && n <= JOB_BATCH_MAX);
    for (size_t i = 0; i < n; i++)
        strbuf_init(&t.parts[i].sealed, JOB_URL_MAX);
    for (size_t i = 0; i < n; i++)
        run_recount(runs[i], kit);
    log_context("posts=%zu doing=%s", n, flow_do_name(kind->what));
    if (put_all(&t, kind))
        rc = kind->write(kit->db, (struct job_steps){t.steps, n}, &err);
    for (size_t i = 0; i < n; i++) {
        log_context(RUN_WHO " doing=%s", RUN_WHO_OF(runs[i]), flow_do_name(kind->what));
        if (rc != RC_CONFLICT)
            run_store_event(runs[i], rc, &err);
        if (rc != RC_CONFLICT && kind->what == FLOW_DO_GRANT)
            run_granted(runs[i], kit);
        strbuf_release(&t.parts[i].sealed);
    }
    log_context("%s", "");
    return rc != RC_CONFLICT;
}
