/* Changing a post: what it was, what it is to be, and what its job makes of that. */
#include "core/strbuf.h"
#include "posts_priv.h"

#include <assert.h>
#include <string.h>

enum { CHANGE_TRIES = 5 }; /* publishers that may be faster in a row */

/* A change under way: what the post was, what it is to be, and what that stands on. */
struct changing {
    const struct post_change *c;
    struct post was;
    struct post_content content;
    struct post_base base;
    struct post *out;
    bool replayed;

    /* Decided from the above. */
    bool new_content, new_time, new_consent;
    enum post_phase phase; /* after */
    int64_t due_ms, next_at_ms;
    uint32_t content_ver;
    const char *reason;
};

static bool schedules(const struct changing *g)
{
    return g->c->deed != DEED_CHANGE;
}

/* --- deciding ------------------------------------------------------------------ */

static bool waits_for_person(enum post_phase phase)
{
    return phase == PHASE_FAILED || phase == PHASE_REVIEW || phase == PHASE_BLOCKED;
}

/* What stands in job.last_reason afterwards. Trouble of the past is over once the post is
 * scheduled anew, by a person or because its time was moved. */
static const char *reason_after(const struct changing *g)
{
    if (g->phase == PHASE_SCHEDULED)
        return "";
    if (g->new_content && waits_for_person(g->phase))
        return REASON_EDITED;
    return g->was.reason;
}

static void decide(struct changing *g)
{
    const struct post_content *a = &g->was.content;
    const struct post_content *b = &g->content;
    int64_t now_ms = g->base.basis.ground.now_ms;

    if (g->c->deed == DEED_PUBLISH_NOW || g->c->deed == DEED_RETRY)
        g->content.publish_at_ms = now_ms;
    g->new_content = !post_same_content(a, b);
    g->new_time = !post_same_time(a, b);
    g->new_consent = schedules(g) || g->new_content || a->music_usage != b->music_usage ||
                     a->branded_agreed != b->branded_agreed;
    g->phase = schedules(g) ? PHASE_SCHEDULED : g->was.phase;
    g->due_ms = b->publish_at_ms;
    g->next_at_ms = g->phase == PHASE_SCHEDULED
                        ? posts_next_at(b, g->base.bytes, g->due_ms, now_ms)
                        : SQL_NEVER;
    g->content_ver = g->was.content_ver + (g->new_content ? 1 : 0);
    g->reason = reason_after(g);
}

static bool changes_anything(const struct changing *g)
{
    return schedules(g) || g->new_content || g->new_time || g->new_consent ||
           g->was.content.max_late_s != g->content.max_late_s;
}

/* --- writing ------------------------------------------------------------------- */

/* *done is false when the job is not any more as it was read. */
static enum rc write_job(struct db *db, const struct changing *g, bool *done,
                         struct err *err)
{
    const struct sql_arg args[] = {sql_u64(g->content.account_id),
                                   sql_i64(g->phase),
                                   sql_i64(g->due_ms),
                                   sql_i64(g->next_at_ms),
                                   sql_text(g->reason),
                                   sql_i64(g->base.basis.ground.now_ms),
                                   sql_u64(g->was.id),
                                   sql_u64(g->c->actor->workspace_id),
                                   sql_i64(g->was.phase),
                                   sql_u64(g->was.version)};
    int64_t rows = 0;
    enum rc rc = db_exec(db,
                         "UPDATE job SET account_id = ?, state = ?, due_at = ?,"
                         " next_at = ?, sched_ver = sched_ver + 1, fence = fence + 1,"
                         " owner = 0, fails = 0, crashes = 0, last_reason = ?,"
                         " updated_at = ? WHERE post_id = ? AND workspace_id = ?"
                         " AND state = ? AND sched_ver = ? AND granted = 0",
                         SQL_ARGS(args), &rows, err);

    if (rc == RC_OK)
        *done = rows == 1;
    return rc;
}

/* What TikTok has of the old content must not become the post. */
static enum rc write_off_attempts(struct db *db, const struct changing *g,
                                  struct err *err)
{
    const struct sql_arg args[] = {
        sql_text(REASON_EDITED), sql_i64(g->base.basis.ground.now_ms), sql_u64(g->was.id),
        sql_u64(g->c->actor->workspace_id)};

    return db_exec(db,
                   "UPDATE attempt SET state = 6, reason = ?, updated_at = ?"
                   " WHERE post_id = ? AND workspace_id = ? AND state IN (1, 2)",
                   SQL_ARGS(args), NULL, err);
}

static enum rc write_content(struct db *db, const struct changing *g, struct err *err)
{
    const struct post_content *c = &g->content;
    char media_ids[POST_IDS_SIZE];

    posts_write_ids(c, media_ids);
    const struct sql_arg args[] = {
        sql_u64(c->account_id),
        sql_i64(c->kind),
        sql_i64(c->mode),
        sql_text(media_ids),
        sql_text(c->title),
        sql_text(c->caption),
        c->privacy_level[0] != '\0' ? sql_text(c->privacy_level) : sql_null(),
        sql_i64(c->allow_comment),
        sql_i64(c->allow_duet),
        sql_i64(c->allow_stitch),
        sql_i64(c->your_brand),
        sql_i64(c->branded_content),
        sql_i64(c->is_aigc),
        sql_i64(c->auto_add_music),
        c->cover_ms >= 0 ? sql_i64(c->cover_ms) : sql_null(),
        c->cover_index >= 0 ? sql_i64(c->cover_index) : sql_null(),
        sql_u64(g->content_ver),
        sql_u64(g->c->actor->workspace_id),
        sql_u64(g->was.id),
    };
    return db_exec_one(db,
                       "UPDATE post SET account_id = ?, kind = ?, mode = ?,"
                       " media_ids = ?, title = ?, caption = ?, privacy_level = ?,"
                       " allow_comment = ?, allow_duet = ?, allow_stitch = ?,"
                       " your_brand = ?, branded_content = ?, is_aigc = ?,"
                       " auto_add_music = ?, cover_ms = ?, cover_index = ?,"
                       " content_ver = ? WHERE workspace_id = ? AND post_id = ?",
                       SQL_ARGS(args), err);
}

/* Time, place in lists, consent. */
static enum rc write_rest(struct db *db, const struct changing *g, struct err *err)
{
    char consent[POST_CONSENT_SIZE];
    int64_t now_ms = g->base.basis.ground.now_ms;

    posts_write_consent(g->c->actor, &g->content, g->content_ver, now_ms, consent);
    const struct sql_arg args[] = {sql_i64(posts_list_at(&g->content)),
                                   sql_text(g->content.timezone),
                                   sql_i64(g->content.max_late_s * 1000),
                                   sql_i64(g->new_consent),
                                   sql_text(consent),
                                   sql_i64(now_ms),
                                   sql_u64(g->c->actor->workspace_id),
                                   sql_u64(g->was.id)};
    return db_exec_one(db,
                       "UPDATE post SET list_at = ?, tz = ?, expire_after_ms = ?,"
                       " consent = IF(?, ?, consent), updated_at = ?"
                       " WHERE workspace_id = ? AND post_id = ?",
                       SQL_ARGS(args), err);
}

static enum rc write_media(struct db *db, const struct changing *g, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(g->was.id),
                                   sql_u64(g->c->actor->workspace_id)};
    enum rc rc =
        db_exec(db, "DELETE FROM post_media WHERE post_id = ? AND workspace_id = ?",
                SQL_ARGS(args), NULL, err);

    if (rc == RC_OK)
        rc = posts_add_media(db, g->c->actor->workspace_id, g->was.id, &g->content, err);
    return rc;
}

static enum event_kind kind_of(const struct changing *g)
{
    switch (g->c->deed) {
    case DEED_SCHEDULE:
        return EVENT_SCHEDULED;
    case DEED_PUBLISH_NOW:
        return EVENT_PUBLISH_NOW;
    case DEED_RETRY:
        return EVENT_RETRIED;
    case DEED_CHANGE:
    case DEED_DELETE:
    case DEED_CANCEL:
    case DEED_RESOLVE:
        break;
    }
    return g->new_content || !g->new_time ? EVENT_CHANGED : EVENT_MOVED;
}

/* The rows that follow the job, which is ours now. */
static enum rc write_others(struct db *db, const struct changing *g, struct err *err)
{
    const struct post_content *a = &g->was.content;
    const struct post_content *b = &g->content;
    bool new_media =
        a->media_n != b->media_n ||
        memcmp(a->media_ids, b->media_ids, a->media_n * sizeof(a->media_ids[0])) != 0;
    const struct event line = {.kind = kind_of(g),
                               .when_ms =
                                   g->new_time || schedules(g) ? b->publish_at_ms : 0};
    enum rc rc = RC_OK;

    if (g->new_content && g->was.attempt_no > 0)
        rc = write_off_attempts(db, g, err);
    if (rc == RC_OK && g->new_content)
        rc = write_content(db, g, err);
    if (rc == RC_OK)
        rc = write_rest(db, g, err);
    if (rc == RC_OK && new_media)
        rc = write_media(db, g, err);
    if (rc == RC_OK && g->c->key != NULL)
        rc = posts_key_keep(db, g->c->actor->workspace_id, g->c->key, err);
    if (rc == RC_OK)
        rc = posts_tell(db, g->c->actor, g->was.id, line, err);
    return rc;
}

/* --- the whole ----------------------------------------------------------------- */

static void forget(struct changing *g)
{
    posts_release(&g->was);
    post_release(&g->content);
    posts_base_release(&g->base);
}

/* Reads, judges and tries to write once. *done as above. */
static enum rc attempt_once(struct db *db, struct changing *g, bool *done,
                            struct err *err)
{
    const struct post_change *c = g->c;
    uint64_t workspace_id = c->actor->workspace_id;
    enum rc rc;

    forget(g); /* of a try before */
    rc = posts_get(db, workspace_id, c->post_id, &g->was, err);
    if (rc == RC_OK)
        rc = posts_may(&g->was, c->deed, c->version, err);
    if (rc != RC_OK)
        return rc;
    post_init(&g->content);
    post_copy(&g->content, &g->was.content);
    rc = c->edit(c->ctx, &g->was, &g->content, err);
    if (rc == RC_OK)
        rc = posts_base_load(db, workspace_id, &g->content, &g->base, err);
    if (rc == RC_OK)
        rc = c->check(c->ctx, &g->content, &g->base.basis, err);
    if (rc != RC_OK)
        return rc;
    decide(g);
    *done = true;
    if (!changes_anything(g))
        return RC_OK;
    rc = write_job(db, g, done, err);
    if (rc == RC_OK && *done)
        rc = write_others(db, g, err);
    return rc;
}

static enum rc steps(struct db *db, void *ctx, struct err *err)
{
    struct changing *g = ctx;
    const struct post_change *c = g->c;
    bool done = false;
    enum rc rc = RC_OK;

    g->replayed = false;
    if (c->key != NULL)
        rc = posts_key_used(db, c->actor->workspace_id, c->key, &g->replayed, err);
    for (int i = 0; i < CHANGE_TRIES && rc == RC_OK && !done && !g->replayed; i++)
        rc = attempt_once(db, g, &done, err);
    if (rc == RC_OK && !done && !g->replayed)
        rc = posts_refuse("version_mismatch", err);
    if (rc == RC_OK)
        rc = posts_get(db, c->actor->workspace_id, c->post_id, g->out, err);
    return rc;
}

enum rc posts_change(struct db *db, const struct post_change *change, struct post *out,
                     bool *replayed, struct err *err)
{
    struct post now = {0};
    struct changing g = {.c = change, .out = &now};
    enum rc rc;

    assert(change->deed == DEED_CHANGE || change->deed == DEED_SCHEDULE ||
           change->deed == DEED_PUBLISH_NOW || change->deed == DEED_RETRY);
    rc = db_transaction(db, steps, &g, err);
    if (rc == RC_CONFLICT && change->key != NULL && strcmp(err->code, "duplicate") == 0) {
        posts_release(&now); /* another request with that key has just done it */
        now = (struct post){0};
        rc = db_transaction(db, steps, &g, err);
    }
    if (rc == RC_OK) {
        *out = now;
        *replayed = g.replayed;
    } else {
        posts_release(&now);
    }
    forget(&g);
    return rc;
}
