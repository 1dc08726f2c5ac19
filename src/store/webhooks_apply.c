/* What a webhook whose signature held does, in the transaction that ends its row. Locks:
 * job before attempt before post, or the account; then the row. */
#include "webhooks_priv.h"

#include "core/text.h"
#include "domain/account.h"
#include "domain/reason.h"
#include "domain/status.h"
#include "store/account_tokens.h"
#include "store/events.h"
#include "store/jobs.h"
#include "store/notifications.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    IDS_LIMIT = 700
}; /* characters of post.tiktok_post_ids after which none is added */

enum { MODE_INBOX = 2 };

const char *hook_effect_name(enum hook_effect_kind kind)
{
    static const char *const names[] = {
        [HOOK_ASKED] = "asked",
        [HOOK_REOPENED] = "reopened",
        [HOOK_DOUBTED] = "doubted",
        [HOOK_STORED] = "stored",
        [HOOK_NOTED] = "noted",
        [HOOK_REPEATED] = "repeated",
        [HOOK_PARTED] = "parted",
        [HOOK_OUTDATED] = "outdated",
        [HOOK_PARTED_OLD] = "parted_before",
    };

    return names[kind];
}

/* --- news of a post ------------------------------------------------------------ */

/* One application under way, and what it found. */
struct applying {
    const struct hook *hook;
    uint64_t inc;
    const struct hook_post *news;
    struct hook_effect effect;

    uint64_t post_id, workspace_id, account_id, fence, owner;
    unsigned no, granted; /* the attempt of the news, and the one that counts */
    int job_state, attempt_state, mode;
    char open_id[129];
};

static enum rc find_attempt(struct db *db, struct applying *a, struct err *err)
{
    const struct sql_arg args[] = {sql_text(a->news->publish_id)};
    const struct sql_col cols[] = {COL_U64(&a->post_id), COL_UINT(&a->no)};
    bool found = false;
    enum rc rc =
        db_row(db, "SELECT post_id, attempt_no FROM attempt WHERE publish_id = ?",
               SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK && !found)
        return err_set(err, RC_NOT_FOUND, "unknown_publish_id",
                       "No attempt of ours has this publish_id.");
    return rc;
}

static enum rc lock_job(struct db *db, struct applying *a, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(a->post_id)};
    const struct sql_col cols[] = {COL_U64(&a->workspace_id), COL_U64(&a->account_id),
                                   COL_INT(&a->job_state),    COL_U64(&a->fence),
                                   COL_U64(&a->owner),        COL_UINT(&a->granted)};
    bool found = false;

    return db_row(db,
                  "SELECT workspace_id, account_id, state, fence, owner, granted FROM job"
                  " WHERE post_id = ? FOR UPDATE",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

static enum rc read_rest(struct db *db, struct applying *a, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(a->no), sql_u64(a->post_id)};
    const struct sql_col cols[] = {COL_INT(&a->attempt_state), COL_INT(&a->mode),
                                   COL_TEXT(a->open_id)};
    bool found = false;

    return db_row(db,
                  "SELECT t.state, p.mode, c.open_id FROM post p"
                  " JOIN attempt t ON t.post_id = p.post_id AND t.attempt_no = ?"
                  " JOIN account c ON c.account_id = p.account_id"
                  " WHERE p.post_id = ?",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

static enum rc check_owner(const struct applying *a, struct err *err)
{
    if (a->news->open_id[0] == '\0' || strcmp(a->news->open_id, a->open_id) == 0)
        return RC_OK;
    return err_set(err, RC_NOT_FOUND, "account_mismatch",
                   "The publication is another account's.");
}

/* The attempt is the one that may be, or is, on TikTok. */
static bool is_live(const struct applying *a)
{
    return a->granted == a->no && a->attempt_state != ATTEMPT_DEAD;
}

/* TikTok says that the post went out. */
static bool says_out(const struct applying *a)
{
    return a->news->news != HOOK_NEWS_FAILED;
}

/* Its address, and whether everybody sees it; an older word changes nothing. */
static enum rc store_visibility(struct db *db, struct applying *a, struct err *err)
{
    enum post_visibility to =
        a->news->news == HOOK_NEWS_PUBLIC ? VISIBILITY_PUBLIC : VISIBILITY_HIDDEN;
    const struct sql_arg args[] = {sql_text(a->news->post_id), sql_text(a->news->post_id),
                                   sql_i64(IDS_LIMIT),         sql_text(a->news->post_id),
                                   sql_i64(a->news->at_ms),    sql_i64(to),
                                   sql_i64(a->news->at_ms),    sql_u64(a->post_id)};

    return db_exec_one(
        db,
        "UPDATE post SET tiktok_post_ids = IF(? = '' OR FIND_IN_SET(?, tiktok_post_ids)"
        " OR CHAR_LENGTH(tiktok_post_ids) > ?, tiktok_post_ids,"
        " CONCAT_WS(',', NULLIF(tiktok_post_ids, ''), ?)),"
        " visibility = IF(? >= visibility_at, ?, visibility),"
        " visibility_at = GREATEST(visibility_at, ?), updated_at = " SQL_NOW
        " WHERE post_id = ?",
        SQL_ARGS(args), err);
}

/* A draft that the person has posted from the inbox: nobody asks about it any more. */
static enum rc store_finished(struct db *db, const struct applying *a, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(a->post_id), sql_u64(a->no)};

    return db_exec_one(db,
                       "UPDATE attempt SET tiktok_status = 'PUBLISH_COMPLETE',"
                       " updated_at = " SQL_NOW
                       " WHERE post_id = ? AND attempt_no = ? AND state = 5",
                       SQL_ARGS(args), err);
}

/* Handed over or freed: the next who looks asks. */
static enum rc make_due(struct db *db, const struct applying *a, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(a->post_id)};

    return db_exec_one(db,
                       "UPDATE job SET next_at = LEAST(next_at, " SQL_NOW ")"
                       " WHERE post_id = ?",
                       SQL_ARGS(args), err);
}

/* Nobody knew what became of it, and now TikTok speaks. */
static enum rc reopen(struct db *db, const struct applying *a, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(JOB_COMMITTED), sql_u64(a->post_id)};

    return db_exec_one(db,
                       "UPDATE job SET state = ?, fence = fence + 1, owner = 0,"
                       " crashes = 0, next_at = " SQL_NOW ", updated_at = " SQL_NOW
                       " WHERE post_id = ? AND state = 7 AND granted > 0",
                       SQL_ARGS(args), err);
}

static enum rc tell_doubt(struct db *db, const struct applying *a, struct err *err)
{
    const struct event e = {.workspace_id = a->workspace_id,
                            .post_id = a->post_id,
                            .kind = EVENT_REVIEW,
                            .fence = a->fence + 1,
                            .inc = a->inc,
                            .attempt = a->no,
                            .code = REASON_OUTCOME_UNKNOWN};
    char cause[NOTIFICATION_CAUSE_MAX + 1];
    const struct notification n = {.workspace_id = a->workspace_id,
                                   .kind = NOTICE_POST_ATTENTION,
                                   .post_id = a->post_id,
                                   .code = REASON_OUTCOME_UNKNOWN,
                                   .cause = cause};
    enum rc rc;

    (void)snprintf(cause, sizeof(cause), "post:%" PRIu64 ":%" PRIu64, a->post_id,
                   e.fence);
    rc = notification_add(db, &n, err);
    return rc == RC_OK ? event_add(db, &e, err) : rc;
}

/* A session that was taken for dead is out after all. Whatever the post was about to do,
 * it must not go out again before a person has looked. */
static enum rc doubt(struct db *db, struct applying *a, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(JOB_REVIEW), sql_i64(SQL_NEVER),
                                   sql_text(REASON_OUTCOME_UNKNOWN), sql_u64(a->post_id)};
    int64_t rows = 0;
    enum rc rc =
        db_exec(db,
                "UPDATE job SET state = ?, fence = fence + 1, owner = 0,"
                " next_at = ?, last_reason = ?, updated_at = " SQL_NOW
                " WHERE post_id = ? AND granted = 0 AND state IN (1, 2, 5, 6, 8)",
                SQL_ARGS(args), &rows, err);

    a->effect.unexpected = true;
    a->effect.kind = rows > 0 ? HOOK_DOUBTED : HOOK_NOTED;
    return rc == RC_OK && rows > 0 ? tell_doubt(db, a, err) : rc;
}

/* What no poll would bring: the post is out of everybody's hands. */
static enum rc store_facts(struct db *db, struct applying *a, struct err *err)
{
    enum hook_news news = a->news->news;
    bool posted = news == HOOK_NEWS_COMPLETE || news == HOOK_NEWS_PUBLIC;
    enum rc rc = RC_OK;

    if (news == HOOK_NEWS_PUBLIC || news == HOOK_NEWS_HIDDEN) {
        a->effect.kind = HOOK_STORED;
        rc = store_visibility(db, a, err);
    }
    if (rc == RC_OK && posted && a->mode == MODE_INBOX && a->job_state == JOB_PUBLISHED) {
        a->effect.kind = HOOK_STORED;
        rc = store_finished(db, a, err);
    }
    return rc;
}

/* The attempt that counts: who holds it asks. */
static enum rc apply_live(struct db *db, struct applying *a, struct err *err)
{
    enum rc rc = store_facts(db, a, err);

    if (rc != RC_OK)
        return rc;
    if (a->job_state == JOB_REVIEW) {
        a->effect.kind = HOOK_REOPENED;
        return reopen(db, a, err);
    }
    if (a->job_state != JOB_COMMITTED) {
        a->effect.unexpected = a->news->news == HOOK_NEWS_FAILED;
        return RC_OK;
    }
    a->effect.kind = HOOK_ASKED;
    a->effect.owner = a->owner;
    return a->owner == 0 ? make_due(db, a, err) : RC_OK;
}

static enum rc act(struct db *db, struct applying *a, struct err *err)
{
    if (is_live(a))
        return apply_live(db, a, err);
    if (a->attempt_state == ATTEMPT_DEAD)
        return says_out(a) ? doubt(db, a, err) : RC_OK;
    /* Not granted as far as we know: whoever holds it finds out before he sends. */
    return RC_OK;
}

static enum rc tell_post(struct db *db, const struct applying *a, struct err *err)
{
    const struct event e = {.workspace_id = a->workspace_id,
                            .post_id = a->post_id,
                            .kind = EVENT_WEBHOOK,
                            .fence = a->fence,
                            .inc = a->inc,
                            .attempt = a->no,
                            .code = a->news->event};

    return event_add(db, &e, err);
}

static enum rc end_row(struct db *db, const struct hook *hook, uint64_t inc,
                       const char *event, const struct hook_effect *effect,
                       struct err *err)
{
    const struct hook_end end = {HOOK_APPLIED, event, hook_effect_name(effect->kind)};

    return hook_finish(db, hook, inc, &end, err);
}

/* The order of the lines is the order of the causes: first what TikTok said. */
static enum rc apply_once(struct db *db, struct applying *a, struct err *err)
{
    bool seen = false;
    enum rc rc = hook_seen(db, a->hook, &seen, err);

    a->effect.kind = seen ? HOOK_REPEATED : HOOK_NOTED;
    if (rc != RC_OK || seen)
        return rc;
    rc = tell_post(db, a, err);
    return rc == RC_OK ? act(db, a, err) : rc;
}

static enum rc post_steps(struct db *db, void *ctx, struct err *err)
{
    struct applying *a = ctx;
    enum rc rc;

    a->effect = (struct hook_effect){0};
    rc = find_attempt(db, a, err);
    if (rc == RC_OK)
        rc = lock_job(db, a, err);
    if (rc == RC_OK)
        rc = read_rest(db, a, err);
    if (rc == RC_OK)
        rc = check_owner(a, err);
    if (rc == RC_OK)
        rc = apply_once(db, a, err);
    return rc == RC_OK ? end_row(db, a->hook, a->inc, a->news->event, &a->effect, err)
                       : rc;
}

enum rc hook_apply_post(struct db *db, const struct hook *hook, uint64_t inc,
                        const struct hook_post *news, struct hook_effect *out,
                        struct err *err)
{
    struct applying a = {.hook = hook, .inc = inc, .news = news};
    enum rc rc = db_transaction(db, post_steps, &a, err);

    if (rc == RC_OK) {
        *out = a.effect;
        out->post_id = a.post_id;
        out->account_id = a.account_id;
    }
    return rc;
}

/* --- a permission that was withdrawn ------------------------------------------- */

struct removing {
    const struct hook *hook;
    uint64_t inc;
    const struct hook_removal *removal;
    struct hook_effect effect;

    uint64_t account_id;
    int status;
    int64_t connected_ms;
    char reason[ACCOUNT_REASON_SIZE];
};

/* The connected one, or the last that was. */
static enum rc lock_account(struct db *db, struct removing *r, struct err *err)
{
    const struct sql_arg args[] = {sql_text(r->removal->open_id)};
    const struct sql_col cols[] = {COL_U64(&r->account_id), COL_INT(&r->status),
                                   COL_I64(&r->connected_ms), COL_TEXT(r->reason)};
    bool found = false;
    enum rc rc = db_row(db,
                        "SELECT account_id, status, connected_at, status_reason"
                        " FROM account WHERE open_id = ?"
                        " ORDER BY live_open_id IS NULL, account_id DESC LIMIT 1"
                        " FOR UPDATE",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc == RC_OK && !found)
        return err_set(err, RC_NOT_FOUND, "unknown_account",
                       "No account of ours has this open_id.");
    return rc;
}

/* TikTok counts whole seconds. An account that is being connected at this moment is not
 * what was withdrawn. */
static bool is_outdated(const struct removing *r)
{
    return r->removal->at_ms + 999 < r->connected_ms ||
           strcmp(r->reason, ACCOUNT_REASON_CONNECTING) == 0;
}

static enum rc withdraw(struct db *db, struct removing *r, struct err *err)
{
    bool seen = false;
    enum rc rc = hook_seen(db, r->hook, &seen, err);

    if (rc != RC_OK)
        return rc;
    if (seen)
        r->effect.kind = HOOK_REPEATED;
    else if (r->status == ACCOUNT_DISCONNECTED)
        r->effect.kind = HOOK_PARTED_OLD;
    else if (is_outdated(r))
        r->effect.kind = HOOK_OUTDATED;
    else
        r->effect.kind = r->status == ACCOUNT_CONNECTED ? HOOK_PARTED : HOOK_PARTED_OLD;
    if (seen || r->effect.kind == HOOK_OUTDATED || r->status == ACCOUNT_DISCONNECTED)
        return RC_OK;
    return account_token_withdrawn(db, r->account_id, r->removal->reason, err);
}

static enum rc removal_steps(struct db *db, void *ctx, struct err *err)
{
    struct removing *r = ctx;
    enum rc rc;

    r->effect = (struct hook_effect){0};
    rc = lock_account(db, r, err);
    if (rc == RC_OK)
        rc = withdraw(db, r, err);
    return rc == RC_OK ? end_row(db, r->hook, r->inc, r->removal->event, &r->effect, err)
                       : rc;
}

enum rc hook_apply_removal(struct db *db, const struct hook *hook, uint64_t inc,
                           const struct hook_removal *removal, struct hook_effect *out,
                           struct err *err)
{
    struct removing r = {.hook = hook, .inc = inc, .removal = removal};
    enum rc rc = db_transaction(db, removal_steps, &r, err);

    if (rc == RC_OK) {
        *out = r.effect;
        out->account_id = r.account_id;
    }
    return rc;
}
