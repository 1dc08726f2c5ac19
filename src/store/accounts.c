#include "store/accounts.h"

#include "core/jsonw.h"
#include "domain/reason.h"
#include "stmt.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/tasks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A scheduled post is given up when it is late by post.expire_after_ms, at most 2^32 ms:
 * counting only posts due later than that keeps the index from walking all that an
 * account has ever published. */
#define SELECT_ACCOUNT                                                                   \
    "SELECT a.account_id, a.username, a.display_name, a.scopes, a.tz, a.status,"         \
    " a.status_reason, a.refresh_expires_at, a.access_expires_at, a.blocked_until,"      \
    " a.connected_at, a.version, " SQL_NOW ","                                           \
    " (SELECT COUNT(*) FROM job j WHERE j.account_id = a.account_id"                     \
    " AND j.workspace_id = a.workspace_id AND j.state = 1"                               \
    " AND j.due_at > " SQL_NOW " - 4294967296)"                                          \
    " FROM account a "

static enum rc not_found(struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "not_found", "There is no such account.");
}

/* --- reading ----------------------------------------------------------------------- */

struct account_standing account_standing_of(const struct account *account)
{
    return (struct account_standing){.status = account->status,
                                     .reason = account->reason,
                                     .refresh_expires_ms = account->refresh_expires_ms,
                                     .access_expires_ms = account->access_expires_ms,
                                     .now_ms = account->now_ms};
}

/* One row of SELECT_ACCOUNT as it is read, and where a list collects them. */
struct row {
    struct account account;
    int status;
    struct account_page *page;
    size_t limit;
};

enum { ACCOUNT_COLS = 14 };

static void columns_of(struct row *r, struct sql_col cols[ACCOUNT_COLS])
{
    struct account *a = &r->account;
    const struct sql_col all[ACCOUNT_COLS] = {
        COL_U64(&a->id),
        COL_TEXT(a->username),
        COL_TEXT(a->display_name),
        COL_TEXT(a->scopes),
        COL_TEXT(a->tz),
        COL_INT(&r->status),
        COL_TEXT(a->reason),
        COL_I64(&a->refresh_expires_ms),
        COL_I64(&a->access_expires_ms),
        COL_I64(&a->limited_ms),
        COL_I64(&a->connected_ms),
        COL_UINT(&a->version),
        COL_I64(&a->now_ms),
        COL_I64(&a->scheduled),
    };

    (void)memcpy(cols, all, sizeof(all));
}

static struct account account_of(const struct row *r)
{
    struct account a = r->account;

    a.status = (enum account_status)r->status;
    return a;
}

enum rc account_load(struct db *db, uint64_t workspace_id, uint64_t account_id,
                     struct account *out, struct err *err)
{
    struct row r = {0};
    const struct sql_arg args[] = {sql_u64(account_id), sql_u64(workspace_id)};
    struct sql_col cols[ACCOUNT_COLS];
    bool found = false;
    enum rc rc;

    columns_of(&r, cols);
    rc = db_row(db, SELECT_ACCOUNT "WHERE a.account_id = ? AND a.workspace_id = ?",
                SQL_ARGS(args), SQL_COLS(cols), &found, err);
    if (rc != RC_OK)
        return rc;
    if (!found)
        return not_found(err);
    *out = account_of(&r);
    return RC_OK;
}

static enum rc collect(void *ctx, struct err *err UNUSED)
{
    struct row *r = ctx;

    if (r->page->n == r->limit)
        r->page->more = true;
    else
        r->page->items[r->page->n++] = account_of(r);
    return RC_OK;
}

enum rc account_list(struct db *db, const struct account_query *query,
                     struct account_page *out, struct err *err)
{
    struct row r = {.page = out, .limit = query->limit};
    const struct sql_arg args[] = {sql_u64(query->workspace_id), sql_u64(query->after),
                                   sql_u64((uint64_t)query->limit + 1)};
    struct sql_col cols[ACCOUNT_COLS];

    assert(query->limit >= 1 && query->limit <= ACCOUNT_PAGE_MAX);
    columns_of(&r, cols);
    out->n = 0;
    out->more = false;
    return db_each(db,
                   SELECT_ACCOUNT "WHERE a.workspace_id = ? AND a.account_id > ?"
                                  " ORDER BY a.account_id LIMIT ?",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){collect, &r}, err);
}

/* --- changing ---------------------------------------------------------------------- */

struct locked {
    int status;
    uint32_t version;
    char tz[ACCOUNT_ZONE_SIZE];
};

/* Reads the row and keeps others from changing it until the transaction ends. */
static enum rc lock(struct db *db, uint64_t workspace_id, uint64_t account_id,
                    struct locked *out, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(account_id), sql_u64(workspace_id)};
    const struct sql_col cols[] = {COL_INT(&out->status), COL_UINT(&out->version),
                                   COL_TEXT(out->tz)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT status, version, tz FROM account"
                        " WHERE account_id = ? AND workspace_id = ? FOR UPDATE",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    return rc == RC_OK && !found ? not_found(err) : rc;
}

static enum rc check_version(const struct locked *row, struct account_ref ref,
                             struct err *err)
{
    if (ref.version == 0 || ref.version == row->version)
        return RC_OK;
    return err_set(err, RC_CONFLICT, "version_mismatch",
                   "The account was changed meanwhile; load it again.");
}

/* The event of a change to the account itself. */
static enum rc tell(struct db *db, const struct actor *actor, uint64_t account_id,
                    enum event_kind kind, struct err *err)
{
    const struct event e = {.workspace_id = actor->workspace_id,
                            .account_id = account_id,
                            .kind = kind,
                            .user_id = actor->user_id,
                            .by_token = actor->token_id != 0};

    return event_add(db, &e, err);
}

struct zone_change {
    const struct actor *actor;
    struct account_ref ref;
    const char *tz;
};

static enum rc write_zone(struct db *db, const struct zone_change *z, struct err *err)
{
    const struct sql_arg args[] = {sql_text(z->tz), sql_u64(z->ref.account_id),
                                   sql_u64(z->actor->workspace_id)};

    return db_exec_one(db,
                       "UPDATE account SET tz = ?, version = version + 1,"
                       " updated_at = " SQL_NOW
                       " WHERE account_id = ? AND workspace_id = ?",
                       SQL_ARGS(args), err);
}

static enum rc audit_zone(struct db *db, const struct zone_change *z, struct err *err)
{
    struct strbuf data;
    struct jsonw w;
    enum rc rc;

    strbuf_init(&data, AUDIT_DATA_MAX);
    jsonw_init(&w, &data);
    jsonw_object(&w);
    jsonw_key_text(&w, "timezone", z->tz[0] != '\0' ? z->tz : NULL);
    jsonw_end(&w);
    rc = audit_add(db, z->actor, "account.change", z->ref.account_id, data.buf, err);
    strbuf_release(&data);
    return rc;
}

static enum rc zone_steps(struct db *db, void *ctx, struct err *err)
{
    const struct zone_change *z = ctx;
    struct locked row;
    enum rc rc = lock(db, z->actor->workspace_id, z->ref.account_id, &row, err);

    if (rc == RC_OK)
        rc = check_version(&row, z->ref, err);
    if (rc != RC_OK || strcmp(row.tz, z->tz) == 0)
        return rc;
    rc = write_zone(db, z, err);
    if (rc == RC_OK)
        rc = audit_zone(db, z, err);
    if (rc == RC_OK)
        rc = tell(db, z->actor, z->ref.account_id, EVENT_ACCOUNT_CHANGED, err);
    return rc;
}

enum rc account_set_zone(struct db *db, const struct actor *actor, struct account_ref ref,
                         const char *tz, struct err *err)
{
    struct zone_change z = {.actor = actor, .ref = ref, .tz = tz};

    return db_transaction(db, zone_steps, &z, err);
}

/* --- disconnecting ----------------------------------------------------------------- */

struct parting {
    const struct actor *actor;
    struct account_ref ref;
    bool changed;
    int64_t now_ms;
};

/* Its TikTok account may be connected in another workspace from now on. */
static enum rc part(struct db *db, const struct parting *p, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(ACCOUNT_DISCONNECTED), sql_i64(p->now_ms),
                                   sql_u64(p->ref.account_id),
                                   sql_u64(p->actor->workspace_id)};

    return db_exec_one(db,
                       "UPDATE account SET status = ?, status_reason = '',"
                       " version = version + 1, updated_at = ?"
                       " WHERE account_id = ? AND workspace_id = ?",
                       SQL_ARGS(args), err);
}

/* What nobody has taken yet, and what a publisher has taken but may not commit. Under the
 * new fence its next write is refused, also the one that asks for the grant. */
static enum rc block_posts(struct db *db, const struct parting *p, struct err *err)
{
    const struct sql_arg args[] = {
        sql_i64(JOB_BLOCKED),
        sql_i64(SQL_NEVER),
        sql_text(REASON_ACCOUNT_DISCONNECTED),
        sql_i64(p->now_ms),
        sql_u64(p->ref.account_id),
        sql_u64(p->actor->workspace_id),
        sql_i64(JOB_SCHEDULED),
        sql_i64(JOB_RUNNING),
    };

    return db_exec(db,
                   "UPDATE job SET state = ?, fence = fence + 1, owner = 0, next_at = ?,"
                   " last_reason = ?, updated_at = ?"
                   " WHERE account_id = ? AND workspace_id = ? AND state IN (?, ?)"
                   " AND granted = 0",
                   SQL_ARGS(args), NULL, err);
}

/* A line in the timeline of each post that block_posts() has stopped just now. */
static enum rc tell_posts(struct db *db, const struct parting *p, struct err *err)
{
    const struct event e = {.by_token = p->actor->token_id != 0,
                            .code = REASON_ACCOUNT_DISCONNECTED};
    char data[EVENT_DATA_MAX + 1];

    event_data(&e, data);
    {
        const struct sql_arg args[] = {
            sql_i64(p->now_ms),         sql_i64(EVENT_BLOCKED),
            sql_id(p->actor->user_id),  sql_text(data),
            sql_u64(p->ref.account_id), sql_u64(p->actor->workspace_id),
            sql_i64(JOB_BLOCKED),       sql_text(REASON_ACCOUNT_DISCONNECTED),
            sql_i64(p->now_ms),
        };

        return db_exec(db,
                       "INSERT INTO job_event (workspace_id, post_id, at, kind, user_id,"
                       " fence, data)"
                       " SELECT workspace_id, post_id, ?, ?, ?, fence, ? FROM job"
                       " WHERE account_id = ? AND workspace_id = ? AND state = ?"
                       " AND last_reason = ? AND updated_at = ?",
                       SQL_ARGS(args), NULL, err);
    }
}

static enum rc ask_to_revoke(struct db *db, const struct parting *p, struct err *err)
{
    const struct task_new task = {.kind = TASK_REVOKE,
                                  .workspace_id = p->actor->workspace_id,
                                  .account_id = p->ref.account_id,
                                  .payload = "{}"};
    uint64_t task_id;

    return task_insert(db, &task, &task_id, err);
}

static enum rc parting_steps(struct db *db, void *ctx, struct err *err)
{
    struct parting *p = ctx;
    struct locked row;
    enum rc rc = lock(db, p->actor->workspace_id, p->ref.account_id, &row, err);

    p->changed = false;
    if (rc != RC_OK || row.status == ACCOUNT_DISCONNECTED)
        return rc;
    rc = check_version(&row, p->ref, err);
    if (rc == RC_OK)
        rc = db_now(db, &p->now_ms, err);
    if (rc == RC_OK)
        rc = part(db, p, err);
    if (rc == RC_OK)
        rc = block_posts(db, p, err);
    if (rc == RC_OK)
        rc = ask_to_revoke(db, p, err);
    if (rc == RC_OK)
        rc = audit_add(db, p->actor, "account.disconnect", p->ref.account_id, "", err);
    if (rc == RC_OK)
        rc = tell_posts(db, p, err);
    if (rc == RC_OK)
        rc = tell(db, p->actor, p->ref.account_id, EVENT_ACCOUNT_DISCONNECTED, err);
    p->changed = rc == RC_OK;
    return rc;
}

enum rc account_disconnect(struct db *db, const struct actor *actor,
                           struct account_ref ref, bool *changed, struct err *err)
{
    struct parting p = {.actor = actor, .ref = ref};
    enum rc rc = db_transaction(db, parting_steps, &p, err);

    if (rc == RC_OK)
        *changed = p.changed;
    return rc;
}

/* --- creator_info ------------------------------------------------------------------ */

enum rc account_creator_load(struct db *db, uint64_t workspace_id, uint64_t account_id,
                             struct account_creator *out, struct err *err)
{
    struct account_creator c = {0};
    const struct sql_arg args[] = {sql_u64(account_id), sql_u64(workspace_id)};
    const struct sql_col cols[] = {COL_OWNED(&c.json), COL_I64(&c.at_ms),
                                   COL_I64(&c.now_ms)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT creator_info, creator_info_at, " SQL_NOW " FROM account"
                        " WHERE account_id = ? AND workspace_id = ?",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK && !found)
        rc = not_found(err);
    if (rc == RC_OK)
        *out = c;
    return rc;
}

void account_creator_release(struct account_creator *creator)
{
    free(creator->json);
    *creator = (struct account_creator){0};
}

struct question {
    uint64_t workspace_id, account_id;
    int64_t wait_ms;
    uint64_t task_id;
};

static enum rc find_question(struct db *db, struct question *q, bool *found,
                             struct err *err)
{
    const struct sql_arg args[] = {sql_u64(q->account_id),   sql_i64(TASK_CREATOR_INFO),
                                   sql_i64(TASK_QUEUED),     sql_i64(TASK_RUNNING),
                                   sql_u64(q->workspace_id), sql_i64(q->wait_ms / 2)};
    const struct sql_col cols[] = {COL_U64(&q->task_id)};

    return db_row(db,
                  "SELECT task_id FROM task WHERE account_id = ? AND kind = ?"
                  " AND state IN (?, ?) AND workspace_id = ?"
                  " AND deadline_at >= " SQL_NOW " + ?"
                  " ORDER BY task_id DESC LIMIT 1",
                  SQL_ARGS(args), SQL_COLS(cols), found, err);
}

/* The lock on the account makes a second asker wait until the first has asked. */
static enum rc question_steps(struct db *db, void *ctx, struct err *err)
{
    struct question *q = ctx;
    const struct task_new task = {.kind = TASK_CREATOR_INFO,
                                  .workspace_id = q->workspace_id,
                                  .account_id = q->account_id,
                                  .wait_ms = q->wait_ms,
                                  .payload = "{}"};
    struct locked row;
    bool found = false;
    enum rc rc = lock(db, q->workspace_id, q->account_id, &row, err);

    if (rc == RC_OK)
        rc = find_question(db, q, &found, err);
    if (rc == RC_OK && !found)
        rc = task_insert(db, &task, &q->task_id, err);
    return rc;
}

enum rc account_creator_ask(struct db *db, uint64_t workspace_id, uint64_t account_id,
                            int64_t wait_ms, uint64_t *task_id, struct err *err)
{
    struct question q = {
        .workspace_id = workspace_id, .account_id = account_id, .wait_ms = wait_ms};
    enum rc rc = db_transaction(db, question_steps, &q, err);

    if (rc == RC_OK)
        *task_id = q.task_id;
    return rc;
}
