#include "store/tasks.h"

#include "core/text.h"
#include "stmt.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CRASHES_MAX = 3, EXPIRE_MAX = 100, PURGE_MAX = 500, MESSAGE_COLUMN = 400 };

enum rc task_insert(struct db *db, const struct task_new *task, uint64_t *task_id,
                    struct err *err)
{
    const struct sql_arg args[] = {sql_u64(task->workspace_id), sql_id(task->account_id),
                                   sql_i64(task->kind),         sql_i64(task->wait_ms),
                                   sql_i64(SQL_NEVER),          sql_i64(task->wait_ms),
                                   sql_text(task->payload)};
    enum rc rc = db_exec(db,
                         "INSERT INTO task (workspace_id, account_id, kind, next_at,"
                         " deadline_at, payload, created_at, updated_at)"
                         " VALUES (?, ?, ?, " SQL_NOW ", IF(? = 0, ?, " SQL_NOW " + ?),"
                         " ?, " SQL_NOW ", " SQL_NOW ")",
                         SQL_ARGS(args), NULL, err);

    if (rc == RC_OK)
        *task_id = db_insert_id(db);
    return rc;
}

enum rc task_result(struct db *db, uint64_t workspace_id, uint64_t task_id,
                    struct task_result *out, struct err *err)
{
    struct task_result r = {.result = NULL};
    int state = 0;
    char message[MESSAGE_COLUMN * 4 + 1];
    const struct sql_arg args[] = {sql_u64(task_id), sql_u64(workspace_id)};
    const struct sql_col cols[] = {COL_INT(&state), COL_OWNED(&r.result),
                                   COL_TEXT(r.code), COL_TEXT(message)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT state, result, error_code, error_msg FROM task"
                        " WHERE task_id = ? AND workspace_id = ?",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return err_set(err, RC_NOT_FOUND, "not_found", "There is no such task.");
    r.state = (enum task_state)state;
    text_copy(r.message, sizeof(r.message), message);
    *out = r;
    return RC_OK;
}

void task_result_release(struct task_result *result)
{
    free(result->result);
    result->result = NULL;
}

/* --- claims -------------------------------------------------------------------- */

struct claim {
    uint64_t inc;
    struct task *out;
    size_t max, len;
    struct task next;
    int kind;
    bool mail;
};

/* Whoever waited has gone by its deadline; and what ends every publisher that takes it is
 * not given to another. */
static enum rc expire(struct db *db, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(CRASHES_MAX), sql_i64(CRASHES_MAX),
                                   sql_i64(SQL_NEVER), sql_i64(CRASHES_MAX),
                                   sql_i64(EXPIRE_MAX)};

    return db_exec(db,
                   "UPDATE task SET state = 5, owner = 0, fence = fence + 1,"
                   " error_code = IF(crashes >= ?, 'internal', 'timeout'),"
                   " error_msg = IF(crashes >= ?, 'Something went wrong on our side.',"
                   " 'It was not done in time.'),"
                   " next_at = ?, updated_at = " SQL_NOW
                   " WHERE state IN (1, 2) AND next_at <= " SQL_NOW
                   " AND (deadline_at <= " SQL_NOW " OR crashes >= ?)"
                   " ORDER BY next_at, task_id LIMIT ?",
                   SQL_ARGS(args), NULL, err);
}

static enum rc add_task(void *ctx, struct err *err UNUSED)
{
    struct claim *c = ctx;

    c->next.kind = (enum task_kind)c->kind;
    c->out[c->len++] = c->next;
    return RC_OK;
}

/* Tasks that are mail (=) or not (<>). */
#define LOCK_DUE(is)                                                                     \
    "SELECT task_id, kind, workspace_id, account_id, fence + 1, fails,"                  \
    " payload FROM task FORCE INDEX (k_due)"                                             \
    " WHERE state IN (1, 2) AND next_at <= " SQL_NOW " AND kind " is " 5"                \
    " ORDER BY next_at, task_id LIMIT ? FOR UPDATE SKIP LOCKED"

/* Those that another claimer has in hand are skipped. */
static enum rc lock_due(struct db *db, struct claim *c, struct err *err)
{
    const struct sql_arg args[] = {sql_u64((uint64_t)c->max)};
    const struct sql_col cols[] = {
        COL_U64(&c->next.id),           COL_INT(&c->kind),
        COL_U64(&c->next.workspace_id), COL_U64(&c->next.account_id),
        COL_U64(&c->next.fence),        COL_UINT(&c->next.fails),
        COL_OWNED(&c->next.payload)};

    return db_each(db, c->mail ? LOCK_DUE("=") : LOCK_DUE("<>"), SQL_ARGS(args),
                   SQL_COLS(cols), (struct db_rows){add_task, c}, err);
}

static enum rc take(struct db *db, const struct claim *c, const struct task *t,
                    struct err *err)
{
    const struct sql_arg args[] = {sql_u64(c->inc), sql_i64(TASK_LEASE_MS),
                                   sql_u64(t->id)};

    return db_exec_one(db,
                       "UPDATE task SET state = 2, owner = ?, fence = fence + 1,"
                       " next_at = " SQL_NOW " + ?, updated_at = " SQL_NOW
                       " WHERE task_id = ?",
                       SQL_ARGS(args), err);
}

static void release_all(struct claim *c)
{
    for (size_t i = 0; i < c->len; i++)
        task_release(&c->out[i]);
    c->len = 0;
}

static enum rc claim_steps(struct db *db, void *ctx, struct err *err)
{
    struct claim *c = ctx;
    enum rc rc;

    release_all(c); /* of a run before this one */
    rc = lock_due(db, c, err);
    for (size_t i = 0; i < c->len && rc == RC_OK; i++)
        rc = take(db, c, &c->out[i], err);
    return rc;
}

static enum rc claim(struct db *db, struct claim *c, size_t *len, struct err *err)
{
    enum rc rc;

    assert(c->max >= 1 && c->max <= TASK_BATCH);
    rc = expire(db, err);
    if (rc == RC_OK)
        rc = db_transaction(db, claim_steps, c, err);
    if (rc == RC_OK)
        *len = c->len;
    else
        release_all(c);
    return rc;
}

enum rc task_claim(struct db *db, uint64_t inc, struct task *out, size_t max, size_t *len,
                   struct err *err)
{
    struct claim c = {.inc = inc, .out = out, .max = max};

    return claim(db, &c, len, err);
}

enum rc task_claim_mail(struct db *db, uint64_t inc, struct task *out, size_t max,
                        size_t *len, struct err *err)
{
    struct claim c = {.inc = inc, .out = out, .max = max, .mail = true};

    return claim(db, &c, len, err);
}

void task_release(struct task *task)
{
    free(task->payload);
    task->payload = NULL;
}

/* --- ends ---------------------------------------------------------------------- */

#define TASK_GUARD      " WHERE task_id = ? AND fence = ? AND owner = ? AND state = 2"
#define TASK_GUARD_ARGS sql_u64(task->id), sql_u64(task->fence), sql_u64(inc)

enum rc task_finish(struct db *db, const struct task *task, uint64_t inc,
                    const char *result, struct err *err)
{
    const struct sql_arg args[] = {sql_text(result), sql_i64(SQL_NEVER), TASK_GUARD_ARGS};

    return db_exec_one(db,
                       "UPDATE task SET state = 4, owner = 0, result = ?, next_at = ?,"
                       " updated_at = " SQL_NOW TASK_GUARD,
                       SQL_ARGS(args), err);
}

enum rc task_fail(struct db *db, const struct task *task, uint64_t inc, const char *code,
                  const char *message, struct err *err)
{
    char short_code[TASK_CODE_SIZE], short_message[TASK_MESSAGE_SIZE];

    text_copy(short_code, sizeof(short_code), code);
    text_copy(short_message, sizeof(short_message), message);
    {
        const struct sql_arg args[] = {sql_text(short_code), sql_text(short_message),
                                       sql_i64(SQL_NEVER), TASK_GUARD_ARGS};

        return db_exec_one(
            db,
            "UPDATE task SET state = 5, owner = 0, error_code = ?,"
            " error_msg = ?, next_at = ?, updated_at = " SQL_NOW TASK_GUARD,
            SQL_ARGS(args), err);
    }
}

enum rc task_retry(struct db *db, const struct task *task, uint64_t inc, int64_t after_ms,
                   struct err *err)
{
    const struct sql_arg args[] = {sql_i64(after_ms), TASK_GUARD_ARGS};

    return db_exec_one(db,
                       "UPDATE task SET state = 1, owner = 0,"
                       " fails = LEAST(fails + 1, 65535),"
                       " next_at = " SQL_NOW " + ?, updated_at = " SQL_NOW TASK_GUARD,
                       SQL_ARGS(args), err);
}

enum rc task_purge(struct db *db, int64_t *n, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(TASK_KEPT_MS), sql_i64(PURGE_MAX)};

    return db_exec(db,
                   "DELETE FROM task WHERE state IN (4, 5) AND updated_at < " SQL_NOW
                   " - ? ORDER BY task_id LIMIT ?",
                   SQL_ARGS(args), n, err);
}
