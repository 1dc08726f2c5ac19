#include "store/limits.h"

#include "jobs_priv.h"
#include "posts_priv.h"
#include "store/notifications.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A post that went out in the last 24 h was due at most so long ago: limits move posts by
 * hours, and what waits for a reconnect is missed after its patience. */
enum { DUE_BACK_MS = 8 * LIMIT_DAY_MS };

/* post.mode, and which of the account's two pauses goes with it. */
static int mode_of(const struct limit_post *post)
{
    return post->direct ? 1 : 2;
}

/* --- what the account has done in 24 h ----------------------------------------- */

/* When the attempt passed its grant; its beginning for one that has not. */
#define AT "IF(t.granted_at > 0, t.granted_at, t.created_at)"

/* One statement without a derived table: MariaDB 10.11 refuses the second execution of an
 * aggregate over one (error 1140). Drafts that the person has posted from the inbox wait
 * there no more. The post itself does not count; one that a publisher has in hand does,
 * as if it had gone out. */
static enum rc count_day(struct db *db, const struct limit_post *post, int64_t now_ms,
                         struct limit_use *out, struct err *err)
{
    const struct sql_arg args[] = {
        sql_u64(post->account_id), sql_i64(now_ms - DUE_BACK_MS), sql_i64(mode_of(post)),
        sql_u64(post->ref->post_id), sql_i64(now_ms - LIMIT_DAY_MS)};
    const struct sql_col cols[] = {COL_UINT(&out->n), COL_I64(&out->oldest_ms)};
    bool found = false;

    return db_row(
        db,
        "SELECT COUNT(*), MIN(IF(j.granted > 0, " AT ", NULL)) FROM job j"
        " JOIN post p ON p.workspace_id = j.workspace_id AND p.post_id = j.post_id"
        " JOIN attempt t ON t.post_id = j.post_id"
        " AND t.attempt_no = IF(j.granted > 0, j.granted, j.attempt_no)"
        " WHERE j.account_id = ? AND j.due_at > ? AND p.mode = ? AND j.post_id <> ?"
        " AND (j.granted > 0 OR (j.state = 2 AND t.state IN (1, 2)))"
        " AND NOT (p.mode = 2 AND " POST_FINISHED_SQL ") AND " AT " > ?",
        SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

/* --- the account --------------------------------------------------------------- */

struct pause {
    const struct limit_post *post;
    const struct limit_bar *bar;
    struct limit_moved *out;

    /* The account's row, locked. */
    uint64_t workspace_id;
    int64_t direct_until_ms, drafts_until_ms;
    char stored_reason[JOB_CODE_SIZE];
    unsigned pauses, cap;
    int64_t paused_ms, limited_ms, now_ms;
    struct limit_pause learned;
};

static enum rc read_account(struct db *db, struct pause *p, const char *sql,
                            struct err *err)
{
    const struct sql_arg args[] = {sql_i64(LIMIT_CAP_LIFE_MS),
                                   sql_u64(p->post->ref->post_id),
                                   sql_u64(p->post->account_id)};
    const struct sql_col cols[] = {COL_U64(&p->workspace_id),
                                   COL_I64(&p->direct_until_ms),
                                   COL_I64(&p->drafts_until_ms),
                                   COL_TEXT(p->stored_reason),
                                   COL_UINT(&p->pauses),
                                   COL_I64(&p->paused_ms),
                                   COL_UINT(&p->cap),
                                   COL_I64(&p->limited_ms),
                                   COL_I64(&p->now_ms)};
    bool found = false;
    enum rc rc = db_row(db, sql, SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK && !found)
        return err_set(err, RC_NOT_FOUND, "not_found", "There is no such account.");
    return rc;
}

#define READ_ACCOUNT                                                                     \
    "SELECT workspace_id, blocked_until, drafts_until, blocked_reason, pauses,"          \
    " paused_at, IF(daily_cap_at > " SQL_NOW " - ?, daily_cap, 0),"                      \
    " (SELECT limited_until FROM job WHERE post_id = ?), " SQL_NOW                       \
    " FROM account WHERE account_id = ?"

static int64_t until_of(const struct pause *p)
{
    return p->post->direct ? p->direct_until_ms : p->drafts_until_ms;
}

enum rc limit_check(struct db *db, const struct limit_post *post, struct limit_bar *out,
                    struct err *err)
{
    struct pause p = {.post = post};
    struct limit_use use = {0};
    struct limit_bar bar = {0};
    enum rc rc = read_account(db, &p, READ_ACCOUNT, err);

    if (rc == RC_OK && until_of(&p) > p.now_ms) {
        bar.until_ms = until_of(&p);
        job_code(bar.reason, post->direct ? p.stored_reason : LIMIT_INBOX_FULL);
    } else if (rc == RC_OK && (!post->direct || p.cap > 0)) {
        rc = count_day(db, post, p.now_ms, &use, err);
        bar.until_ms = limit_reached(post->direct ? p.cap : LIMIT_DRAFTS, &use, p.now_ms);
        job_code(bar.reason, post->direct ? LIMIT_DAILY_POSTS : LIMIT_INBOX_FULL);
    }
    bar.limited_ms = p.limited_ms;
    if (rc == RC_OK)
        *out = bar;
    return rc;
}

/* How long, unless the account is paused already. */
static enum rc decide(struct db *db, struct pause *p, struct err *err)
{
    const char *reason = p->bar->reason;
    struct limit_refusal refusal = {
        .now_ms = p->now_ms,
        .counted = strcmp(reason, LIMIT_DAILY_POSTS) == 0 ||
                   strcmp(reason, LIMIT_INBOX_FULL) == 0,
        .pauses = p->pauses,
        .paused_ms = p->paused_ms,
    };
    enum rc rc = RC_OK;

    p->out->begun = until_of(p) <= p->now_ms;
    p->out->until_ms = until_of(p);
    if (!p->out->begun)
        return RC_OK;
    if (refusal.counted)
        rc = count_day(db, p->post, p->now_ms, &refusal.use, err);
    p->learned = limit_pause_of(&refusal);
    p->out->until_ms = p->learned.until_ms;
    if (p->bar->until_ms > p->now_ms) { /* a cap we knew of: nobody was asked */
        p->out->until_ms = p->bar->until_ms;
        p->learned = (struct limit_pause){.pauses = p->pauses};
    }
    return rc;
}

static enum rc write_account(struct db *db, const struct pause *p, struct err *err)
{
    bool direct = p->post->direct;
    bool refused = p->bar->until_ms == 0;
    unsigned cap = direct ? p->learned.cap : 0;
    const struct sql_arg args[] = {
        sql_i64(direct),
        sql_i64(p->out->until_ms),
        sql_i64(direct),
        sql_text(p->bar->reason),
        sql_i64(!direct),
        sql_i64(p->out->until_ms),
        sql_u64(p->learned.pauses),
        sql_i64(refused),
        sql_i64(p->now_ms),
        sql_u64(cap),
        sql_u64(cap),
        sql_u64(cap),
        sql_i64(p->now_ms),
        sql_i64(p->now_ms),
        sql_u64(p->post->account_id),
    };

    return db_exec_one(db,
                       "UPDATE account SET blocked_until = IF(?, ?, blocked_until),"
                       " blocked_reason = IF(?, ?, blocked_reason),"
                       " drafts_until = IF(?, ?, drafts_until), pauses = ?,"
                       " paused_at = IF(?, ?, paused_at),"
                       " daily_cap = IF(? > 0, ?, daily_cap),"
                       " daily_cap_at = IF(? > 0, ?, daily_cap_at),"
                       " version = version + 1, updated_at = ? WHERE account_id = ?",
                       SQL_ARGS(args), err);
}

/* The feed and the people learn of a pause once, when it begins. */
static enum rc tell_account(struct db *db, const struct pause *p, struct err *err)
{
    char cause[NOTIFICATION_CAUSE_MAX + 1];
    const struct event e = {.workspace_id = p->workspace_id,
                            .account_id = p->post->account_id,
                            .kind = EVENT_ACCOUNT_LIMITED,
                            .code = p->bar->reason};
    const struct notification n = {.workspace_id = p->workspace_id,
                                   .kind = NOTICE_LIMITED,
                                   .account_id = p->post->account_id,
                                   .code = p->bar->reason,
                                   .at_ms = p->out->until_ms,
                                   .cause = cause};
    enum rc rc = event_add(db, &e, err);

    (void)snprintf(cause, sizeof(cause), "limited:%" PRIu64 ":%d:%" PRId64,
                   p->post->account_id, mode_of(p->post), p->out->until_ms);
    return rc == RC_OK ? notification_add(db, &n, err) : rc;
}

/* --- its posts ----------------------------------------------------------------- */

static enum rc move_this(struct db *db, const struct pause *p, struct err *err)
{
    const struct job_ref *ref = p->post->ref;
    const struct event e = {.kind = EVENT_PUT_OFF,
                            .code = p->bar->reason,
                            .log_id = p->bar->log_id,
                            .when_ms = p->out->until_ms};
    const struct sql_arg args[] = {sql_i64(p->out->until_ms), sql_i64(p->out->until_ms),
                                   sql_text(p->bar->reason), sql_i64(p->now_ms),
                                   JOB_GUARD_ARGS(ref)};
    enum rc rc =
        db_exec_one(db,
                    "UPDATE job SET state = 1, owner = 0, next_at = ?, limited_until = ?,"
                    " last_reason = ?, updated_at = ? WHERE " JOB_GUARD
                    " AND state = 2 AND granted = 0",
                    SQL_ARGS(args), err);

    return rc == RC_OK ? job_tell_all(db, ref, e, err) : rc;
}

/* Those that nobody has in hand, in their order, a ms apart. */
static enum rc move_others(struct db *db, const struct pause *p, struct err *err)
{
    const struct sql_arg args[] = {
        sql_u64(p->post->account_id), sql_i64(p->out->until_ms),
        sql_i64(mode_of(p->post)),    sql_i64(p->out->until_ms),
        sql_i64(p->out->until_ms),    sql_text(p->bar->reason),
        sql_i64(p->now_ms),           sql_i64(p->out->until_ms)};

    return db_exec(
        db,
        "UPDATE job JOIN (SELECT j.post_id,"
        " ROW_NUMBER() OVER (ORDER BY j.due_at, j.post_id) AS place FROM job j"
        " JOIN post p ON p.workspace_id = j.workspace_id AND p.post_id = j.post_id"
        " WHERE j.account_id = ? AND j.state = 1 AND j.granted = 0 AND j.next_at < ?"
        " AND p.mode = ?) o ON o.post_id = job.post_id"
        " SET job.next_at = ? + o.place, job.limited_until = ?, job.last_reason = ?,"
        " job.updated_at = ? WHERE job.state = 1 AND job.next_at < ?",
        SQL_ARGS(args), NULL, err);
}

static enum rc tell_others(struct db *db, const struct pause *p, struct err *err)
{
    const struct event e = {.code = p->bar->reason, .when_ms = p->out->until_ms};
    char data[EVENT_DATA_MAX + 1];

    event_data(&e, data);
    {
        const struct sql_arg args[] = {sql_i64(p->now_ms),
                                       sql_i64(EVENT_PUT_OFF),
                                       sql_text(data),
                                       sql_u64(p->post->account_id),
                                       sql_i64(p->out->until_ms),
                                       sql_i64(p->now_ms),
                                       sql_u64(p->post->ref->post_id)};

        return db_exec(db,
                       "INSERT INTO job_event (workspace_id, post_id, at, kind, fence,"
                       " data) SELECT workspace_id, post_id, ?, ?, fence, ? FROM job"
                       " WHERE account_id = ? AND state = 1 AND limited_until = ?"
                       " AND updated_at = ? AND post_id <> ?",
                       SQL_ARGS(args), NULL, err);
    }
}

struct hints {
    struct job_hint next;
    struct limit_moved *out;
};

static enum rc add_hint(void *ctx, struct err *err UNUSED)
{
    struct hints *h = ctx;

    h->out->hints[h->out->n++] = h->next;
    return RC_OK;
}

static enum rc read_hints(struct db *db, const struct pause *p, struct err *err)
{
    struct hints h = {.out = p->out};
    const struct sql_arg args[] = {sql_u64(p->post->account_id),
                                   sql_i64(p->out->until_ms), sql_i64(p->now_ms),
                                   sql_i64(LIMIT_HINTS_MAX)};
    const struct sql_col cols[] = {COL_U64(&h.next.post_id), COL_U64(&h.next.account_id),
                                   COL_I64(&h.next.next_at_ms)};

    p->out->n = 0;
    return db_each(db,
                   "SELECT post_id, account_id, next_at FROM job WHERE account_id = ?"
                   " AND state = 1 AND limited_until = ? AND updated_at = ?"
                   " ORDER BY next_at LIMIT ?",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_hint, &h}, err);
}

/* Locks the account before the jobs, like everybody. */
static enum rc put_off_steps(struct db *db, void *ctx, struct err *err)
{
    struct pause *p = ctx;
    enum rc rc = read_account(db, p, READ_ACCOUNT " FOR UPDATE", err);

    if (rc == RC_OK)
        rc = decide(db, p, err);
    if (rc == RC_OK)
        rc = move_this(db, p, err);
    if (rc == RC_OK && p->out->begun)
        rc = write_account(db, p, err);
    if (rc == RC_OK)
        rc = move_others(db, p, err);
    if (rc == RC_OK)
        rc = tell_others(db, p, err);
    if (rc == RC_OK && p->out->begun)
        rc = tell_account(db, p, err);
    return rc == RC_OK ? read_hints(db, p, err) : rc;
}

enum rc limit_put_off(struct db *db, const struct limit_post *post,
                      const struct limit_bar *bar, struct limit_moved *out,
                      struct err *err)
{
    struct limit_bar plain = {.until_ms = bar->until_ms, .log_id = bar->log_id};
    struct pause p = {.post = post, .bar = &plain, .out = out};

    job_code(plain.reason, bar->reason);
    return db_transaction(db, put_off_steps, &p, err);
}
