/* The rows of webhook_inbox: kept, claimed, ended, forgotten. */
#include "core/text.h"
#include "core/xalloc.h"
#include "webhooks_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PURGE_MAX = 500, EXPIRE_MAX = 100 };

/* --- keeping ------------------------------------------------------------------- */

/* Counts no further than it must. */
static enum rc count_waiting(struct db *db, int64_t *n, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(SQL_NEVER), sql_i64(HOOK_WAITING_MAX)};
    const struct sql_col cols[] = {COL_I64(n)};
    bool found = false;

    return db_row(db,
                  "SELECT COUNT(*) FROM (SELECT 1 FROM webhook_inbox FORCE INDEX (k_due)"
                  " WHERE next_at < ? LIMIT ?) w",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

static enum rc insert(struct db *db, const struct hook_new *hook, struct err *err)
{
    const struct sql_arg args[] = {sql_bytes(hook->hash, HOOK_HASH_SIZE),
                                   sql_text(hook->signature),
                                   sql_bytes(hook->body, hook->len)};

    return db_exec(db,
                   "INSERT INTO webhook_inbox (body_hash, signature, body, next_at,"
                   " received_at) VALUES (?, ?, ?, " SQL_NOW ", " SQL_NOW ")",
                   SQL_ARGS(args), NULL, err);
}

/* The limit is not exact: each worker may be one above it, which is as good. */
enum rc hook_keep(struct db *db, const struct hook_new *hook, struct err *err)
{
    int64_t waiting = 0;
    enum rc rc = count_waiting(db, &waiting, err);

    assert(hook->len >= 1 && hook->len <= HOOK_BODY_MAX);
    if (rc == RC_OK && waiting >= HOOK_WAITING_MAX)
        return err_retry(err, RC_UNAVAILABLE, HOOK_AGAIN_MS, "webhooks_full",
                         "Too many webhooks wait to be looked at. Try again later.");
    if (rc == RC_OK)
        rc = insert(db, hook, err);
    if (rc == RC_CONFLICT && strcmp(err->code, "duplicate") == 0)
        return RC_OK;
    return rc;
}

/* --- claims -------------------------------------------------------------------- */

struct claim {
    uint64_t inc;
    struct hook *out;
    size_t max, len;
    struct hook next;
    size_t hash_len, body_len;
    char body[HOOK_BODY_MAX];
};

/* What ends every publisher that takes it is not given to another. */
static enum rc give_up(struct db *db, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(HOOK_REFUSED), sql_i64(SQL_NEVER),
                                   sql_i64(HOOK_CRASHES_MAX), sql_i64(EXPIRE_MAX)};

    return db_exec(db,
                   "UPDATE webhook_inbox SET state = ?, owner = 0, fence = fence + 1,"
                   " reason = 'internal', next_at = ?, ended_at = " SQL_NOW
                   " WHERE next_at <= " SQL_NOW " AND crashes >= ?"
                   " ORDER BY next_at, inbox_id LIMIT ?",
                   SQL_ARGS(args), NULL, err);
}

static enum rc add_hook(void *ctx, struct err *err UNUSED)
{
    struct claim *c = ctx;
    struct hook *h = &c->out[c->len++];

    *h = c->next;
    h->len = c->body_len;
    h->body = xmalloc(c->body_len + 1);
    (void)memcpy(h->body, c->body, c->body_len);
    h->body[c->body_len] = '\0';
    return RC_OK;
}

/* Those that another claimer has in hand are skipped. */
static enum rc lock_due(struct db *db, struct claim *c, struct err *err)
{
    const struct sql_arg args[] = {sql_u64((uint64_t)c->max)};
    const struct sql_col cols[] = {COL_U64(&c->next.id),
                                   COL_U64(&c->next.fence),
                                   COL_I64(&c->next.received_ms),
                                   COL_I64(&c->next.age_ms),
                                   COL_TEXT(c->next.signature),
                                   COL_BYTES(c->next.hash, &c->hash_len),
                                   COL_BYTES(c->body, &c->body_len)};

    return db_each(db,
                   "SELECT inbox_id, fence + 1, received_at, " SQL_NOW " - received_at,"
                   " signature, body_hash, body FROM webhook_inbox FORCE INDEX (k_due)"
                   " WHERE state IN (1, 2) AND next_at <= " SQL_NOW
                   " ORDER BY next_at, inbox_id LIMIT ? FOR UPDATE SKIP LOCKED",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_hook, c}, err);
}

static enum rc take(struct db *db, const struct claim *c, const struct hook *h,
                    struct err *err)
{
    const struct sql_arg args[] = {sql_i64(HOOK_RUNNING), sql_u64(c->inc),
                                   sql_i64(HOOK_LEASE_MS), sql_u64(h->id)};

    return db_exec_one(db,
                       "UPDATE webhook_inbox SET state = ?, owner = ?, fence = fence + 1,"
                       " next_at = " SQL_NOW " + ? WHERE inbox_id = ?",
                       SQL_ARGS(args), err);
}

static void release_all(struct claim *c)
{
    for (size_t i = 0; i < c->len; i++)
        hook_release(&c->out[i]);
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

enum rc hook_claim(struct db *db, uint64_t inc, struct hook *out, size_t max, size_t *len,
                   struct err *err)
{
    struct claim *c = xcalloc(1, sizeof(*c));
    enum rc rc;

    assert(max >= 1 && max <= HOOK_BATCH);
    c->inc = inc;
    c->out = out;
    c->max = max;
    rc = give_up(db, err);
    if (rc == RC_OK)
        rc = db_transaction(db, claim_steps, c, err);
    if (rc == RC_OK)
        *len = c->len;
    else
        release_all(c);
    free(c);
    return rc;
}

void hook_release(struct hook *hook)
{
    free(hook->body);
    hook->body = NULL;
}

/* --- ends ---------------------------------------------------------------------- */

#define HOOK_GUARD      " WHERE inbox_id = ? AND fence = ? AND owner = ? AND state = 2"
#define HOOK_GUARD_ARGS sql_u64(hook->id), sql_u64(hook->fence), sql_u64(inc)

/* A name or reason as its column takes it: short, and plain. */
static void plain(char out[HOOK_CODE_SIZE], const char *text)
{
    text_copy(out, HOOK_CODE_SIZE, text);
    for (char *p = out; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~')
            *p = '_';
    }
}

enum rc hook_finish(struct db *db, const struct hook *hook, uint64_t inc,
                    const struct hook_end *end, struct err *err)
{
    char event[HOOK_CODE_SIZE], reason[HOOK_CODE_SIZE];

    plain(event, end->event);
    plain(reason, end->reason);
    {
        const struct sql_arg args[] = {sql_i64(end->state), sql_i64(SQL_NEVER),
                                       sql_text(event), sql_text(reason),
                                       HOOK_GUARD_ARGS};

        return db_exec_one(db,
                           "UPDATE webhook_inbox SET state = ?, owner = 0, next_at = ?,"
                           " event = ?, reason = ?, ended_at = " SQL_NOW HOOK_GUARD,
                           SQL_ARGS(args), err);
    }
}

enum rc hook_refuse(struct db *db, const struct hook *hook, uint64_t inc,
                    const char *event, const char *reason, struct err *err)
{
    const struct hook_end end = {HOOK_REFUSED, event, reason};

    return hook_finish(db, hook, inc, &end, err);
}

enum rc hook_ignore(struct db *db, const struct hook *hook, uint64_t inc,
                    const char *event, struct err *err)
{
    const struct hook_end end = {HOOK_APPLIED, event, "ignored"};

    return hook_finish(db, hook, inc, &end, err);
}

enum rc hook_drop(struct db *db, const struct hook *hook, uint64_t inc, struct err *err)
{
    const struct sql_arg args[] = {HOOK_GUARD_ARGS};

    return db_exec_one(db, "DELETE FROM webhook_inbox" HOOK_GUARD, SQL_ARGS(args), err);
}

enum rc hook_later(struct db *db, const struct hook *hook, uint64_t inc, int64_t after_ms,
                   struct err *err)
{
    const struct sql_arg args[] = {sql_i64(HOOK_WAITING), sql_i64(after_ms),
                                   HOOK_GUARD_ARGS};

    return db_exec_one(db,
                       "UPDATE webhook_inbox SET state = ?, owner = 0,"
                       " next_at = " SQL_NOW " + ?" HOOK_GUARD,
                       SQL_ARGS(args), err);
}

enum rc hook_seen(struct db *db, const struct hook *hook, bool *seen, struct err *err)
{
    uint64_t id = 0;
    const struct sql_arg args[] = {sql_bytes(hook->hash, HOOK_HASH_SIZE),
                                   sql_u64(hook->id), sql_i64(HOOK_APPLIED)};
    const struct sql_col cols[] = {COL_U64(&id)};

    return db_row(db,
                  "SELECT inbox_id FROM webhook_inbox WHERE body_hash = ?"
                  " AND inbox_id <> ? AND state = ? LIMIT 1",
                  SQL_ARGS(args), SQL_COLS(cols), seen, err);
}

enum rc hook_purge(struct db *db, int64_t *n, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(HOOK_KEPT_MS), sql_i64(PURGE_MAX)};

    return db_exec(db,
                   "DELETE FROM webhook_inbox WHERE ended_at > 0"
                   " AND ended_at < " SQL_NOW " - ? ORDER BY ended_at LIMIT ?",
                   SQL_ARGS(args), n, err);
}
