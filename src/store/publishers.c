#include "store/publishers.h"

#include "core/text.h"
#include "stmt.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/tasks.h"

#include <stdlib.h>
#include <string.h>

enum { REAP_MAX = 10, HOST_MAX = 64 };

/* The instant of the statement that has just written lease_until. */
static enum rc beaten_at(struct db *db, uint64_t inc, int64_t *now_ms, struct err *err)
{
    int64_t lease_until = 0;
    const struct sql_arg args[] = {sql_u64(inc)};
    const struct sql_col cols[] = {COL_I64(&lease_until)};
    bool found = false;
    enum rc rc = db_row(db, "SELECT lease_until FROM publisher WHERE inc = ?",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK && !found)
        return err_set(err, RC_CONFLICT, "lost", "The lease was taken away.");
    if (rc == RC_OK)
        *now_ms = lease_until - PUBLISHER_LEASE_MS;
    return rc;
}

static enum rc insert(struct db *db, const char *host, int64_t pid, struct err *err)
{
    const struct sql_arg args[] = {sql_text(host), sql_i64(pid),
                                   sql_i64(PUBLISHER_LEASE_MS)};

    return db_exec(db,
                   "INSERT INTO publisher (host, pid, started_at, lease_until)"
                   " VALUES (?, ?, " SQL_NOW ", " SQL_NOW " + ?)",
                   SQL_ARGS(args), NULL, err);
}

enum rc publisher_register(struct db *db, const char *host, int64_t pid, uint64_t *inc,
                           int64_t *now_ms, struct err *err)
{
    char name[HOST_MAX + 1];
    uint64_t made;
    enum rc rc;

    text_copy(name, sizeof(name), host);
    rc = insert(db, name, pid, err);
    if (rc != RC_OK)
        return rc;
    made = db_insert_id(db);
    rc = beaten_at(db, made, now_ms, err);
    if (rc == RC_OK)
        *inc = made;
    return rc;
}

enum rc publisher_beat(struct db *db, uint64_t inc, int64_t *now_ms, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(PUBLISHER_LEASE_MS), sql_u64(inc)};
    enum rc rc = db_exec_one(db,
                             "UPDATE publisher SET lease_until = " SQL_NOW " + ?"
                             " WHERE inc = ? AND lease_until >= " SQL_NOW,
                             SQL_ARGS(args), err);

    return rc == RC_OK ? beaten_at(db, inc, now_ms, err) : rc;
}

enum rc publisher_share(struct db *db, uint64_t inc, struct publisher_share *out,
                        struct err *err)
{
    struct publisher_share share = {0, 0};
    unsigned alive = 0;
    const struct sql_arg args[] = {sql_u64(inc), sql_u64(inc)};
    const struct sql_col cols[] = {COL_UINT(&share.of), COL_UINT(&share.place),
                                   COL_UINT(&alive)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT COUNT(*), CAST(COALESCE(SUM(inc < ?), 0) AS UNSIGNED),"
                        " CAST(COALESCE(SUM(inc = ?), 0) AS UNSIGNED) FROM publisher"
                        " WHERE lease_until >= " SQL_NOW,
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK)
        *out = alive == 1 ? share : (struct publisher_share){0, 1};
    return rc;
}

enum rc publisher_say(struct db *db, uint64_t inc, const struct publisher_word *word,
                      struct err *err)
{
    const struct sql_arg args[] = {sql_i64(word->paused_ms), sql_i64(word->paused_ms),
                                   sql_text(word->pause_reason), sql_text(word->counters),
                                   sql_u64(inc)};

    return db_exec(db,
                   "UPDATE publisher SET paused_until = IF(? > 0, " SQL_NOW " + ?, 0),"
                   " pause_reason = ?, counters = ? WHERE inc = ?",
                   SQL_ARGS(args), NULL, err);
}

struct counted {
    uint64_t inc;
    char *counters;
    publisher_counters_fn each;
    void *ctx;
};

static enum rc add_counters(void *ctx, struct err *err UNUSED)
{
    struct counted *c = ctx;

    c->each(c->ctx, c->inc, c->counters != NULL ? c->counters : "");
    free(c->counters);
    c->counters = NULL;
    return RC_OK;
}

enum rc publisher_counters(struct db *db, publisher_counters_fn each, void *ctx,
                           struct err *err)
{
    struct counted c = {.each = each, .ctx = ctx};
    const struct sql_col cols[] = {COL_U64(&c.inc), COL_OWNED(&c.counters)};

    return db_each(db,
                   "SELECT inc, counters FROM publisher WHERE lease_until >= " SQL_NOW
                   " ORDER BY inc",
                   SQL_NONE, SQL_COLS(cols), (struct db_rows){add_counters, &c}, err);
}

/* --- whose work goes to the others --------------------------------------------- */

/* Jobs, tasks and webhooks of an incarnation, at once; its own writes are refused from
 * here on. The timelines say so. died: a crash is counted on each. */
struct freeing {
    uint64_t inc;
    bool died;
    int64_t freed;
};

static enum rc tell_freed(struct db *db, const struct freeing *f, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(f->died ? EVENT_CRASHED : EVENT_DROPPED),
                                   sql_u64(f->inc), sql_i64(JOB_RUNNING),
                                   sql_i64(JOB_COMMITTED)};

    return db_exec(db,
                   "INSERT INTO job_event (workspace_id, post_id, at, kind, fence, inc)"
                   " SELECT workspace_id, post_id, " SQL_NOW ", ?, fence, owner FROM job"
                   " WHERE owner = ? AND state IN (?, ?)",
                   SQL_ARGS(args), NULL, err);
}

static enum rc free_jobs(struct db *db, struct freeing *f, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(f->died ? 1 : 0), sql_u64(f->inc),
                                   sql_i64(JOB_RUNNING), sql_i64(JOB_COMMITTED)};
    int64_t rows = 0;
    enum rc rc =
        db_exec(db,
                "UPDATE job SET owner = 0, next_at = LEAST(next_at, " SQL_NOW "),"
                " crashes = LEAST(crashes + ?, 255), updated_at = " SQL_NOW
                " WHERE owner = ? AND state IN (?, ?)",
                SQL_ARGS(args), &rows, err);

    f->freed += rows;
    return rc;
}

static enum rc free_tasks(struct db *db, struct freeing *f, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(TASK_QUEUED), sql_i64(f->died ? 1 : 0),
                                   sql_u64(f->inc), sql_i64(TASK_RUNNING)};
    int64_t rows = 0;
    enum rc rc = db_exec(db,
                         "UPDATE task SET state = ?, owner = 0,"
                         " next_at = LEAST(next_at, " SQL_NOW "),"
                         " crashes = LEAST(crashes + ?, 255), updated_at = " SQL_NOW
                         " WHERE owner = ? AND state = ?",
                         SQL_ARGS(args), &rows, err);

    f->freed += rows;
    return rc;
}

static enum rc free_hooks(struct db *db, struct freeing *f, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(f->died ? 1 : 0), sql_u64(f->inc)};

    return db_exec(db,
                   "UPDATE webhook_inbox SET state = 1, owner = 0,"
                   " next_at = LEAST(next_at, " SQL_NOW "),"
                   " crashes = LEAST(crashes + ?, 255) WHERE owner = ? AND state = 2",
                   SQL_ARGS(args), NULL, err);
}

/* Its own row first: a claim of this incarnation that is under way holds that, and none
 * begins afterwards (job_claim()). */
static enum rc free_all(struct db *db, struct freeing *f, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(f->inc)};
    enum rc rc =
        db_exec(db, "DELETE FROM publisher WHERE inc = ?", SQL_ARGS(args), NULL, err);

    if (rc == RC_OK)
        rc = tell_freed(db, f, err);
    if (rc == RC_OK)
        rc = free_jobs(db, f, err);
    if (rc == RC_OK)
        rc = free_tasks(db, f, err);
    return rc == RC_OK ? free_hooks(db, f, err) : rc;
}

/* --- reaping ------------------------------------------------------------------- */

struct dead {
    uint64_t inc;
    uint64_t incs[REAP_MAX];
    size_t n;
};

static enum rc add_dead(void *ctx, struct err *err UNUSED)
{
    struct dead *d = ctx;

    d->incs[d->n++] = d->inc;
    return RC_OK;
}

/* Those that another reaper has in hand are skipped. */
static enum rc find_dead(struct db *db, struct dead *d, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(PUBLISHER_GRACE_MS), sql_i64(REAP_MAX)};
    const struct sql_col cols[] = {COL_U64(&d->inc)};

    d->n = 0;
    return db_each(db,
                   "SELECT inc FROM publisher WHERE lease_until < " SQL_NOW " - ?"
                   " ORDER BY lease_until LIMIT ? FOR UPDATE SKIP LOCKED",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_dead, d}, err);
}

static enum rc reap_steps(struct db *db, void *ctx, struct err *err)
{
    int64_t *freed = ctx;
    struct dead d;
    enum rc rc = find_dead(db, &d, err);

    *freed = 0;
    for (size_t i = 0; i < d.n && rc == RC_OK; i++) {
        struct freeing f = {.inc = d.incs[i], .died = true};

        rc = free_all(db, &f, err);
        *freed += f.freed;
    }
    return rc;
}

enum rc publisher_reap(struct db *db, int64_t *freed, struct err *err)
{
    int64_t n = 0;
    enum rc rc = db_transaction(db, reap_steps, &n, err);

    if (rc == RC_OK)
        *freed = n;
    return rc;
}

static enum rc leave_steps(struct db *db, void *ctx, struct err *err)
{
    return free_all(db, ctx, err);
}

enum rc publisher_leave(struct db *db, uint64_t inc, struct err *err)
{
    struct freeing f = {.inc = inc};

    return db_transaction(db, leave_steps, &f, err);
}

enum rc publisher_count(struct db *db, int64_t *n, struct err *err)
{
    const struct sql_col cols[] = {COL_I64(n)};
    bool found = false;

    return db_row(db, "SELECT COUNT(*) FROM publisher WHERE lease_until >= " SQL_NOW,
                  SQL_NONE, SQL_COLS(cols), &found, err);
}
