#include "deeds.h"

#include "webhooks.h"

#include "core/text.h"

static enum rc check_waiting(const struct exchange *x, const struct publication *p,
                             struct err *err)
{
    if (publication_state(p, x->now_ms) != PUBLICATION_INBOX || p->discarded)
        return err_set(err, RC_CONFLICT, "no_draft",
                       "This is not a draft that waits in the inbox.");
    return RC_OK;
}

enum rc draft_post(struct exchange *x, struct publication *p, struct err *err)
{
    enum rc rc = check_waiting(x, p, err);

    if (rc == RC_OK)
        rc = next_id(x->sql, x->now_ms, &p->post_id, err);
    if (rc != RC_OK)
        return rc;
    p->posted_ms = x->now_ms;
    p->public_ms = x->now_ms + x->knobs.value[KNOB_MODERATION_MS];
    x->errand = true;
    return publication_store(x->sql, p, err);
}

enum rc draft_discard(struct exchange *x, struct publication *p, struct err *err)
{
    enum rc rc = check_waiting(x, p, err);

    if (rc != RC_OK)
        return rc;
    p->discarded = true;
    return publication_store(x->sql, p, err);
}

/* --- apps ---------------------------------------------------------------------- */

static enum rc tell_removed(struct exchange *x, int64_t app_id, int64_t user_id,
                            enum removal why, struct err *err)
{
    struct webhook_news news = {
        .event = WEBHOOK_REMOVED, .reason = (int64_t)why, .at_ms = x->now_ms};
    struct person person = {.id = 0};
    struct app app;
    enum rc rc = app_by_id(x->sql, app_id, &app, err);

    if (rc == RC_OK)
        rc = person_by_id(x->sql, user_id, &person, err);
    if (rc != RC_OK || app.id == 0 || person.id == 0 ||
        app_webhook_url(&app, x->sandbox->settings)[0] == '\0')
        return rc;
    news.app = &app;
    news.person = &person;
    return webhook_tell(x->sql, &x->knobs, &news, err);
}

enum rc app_remove(struct exchange *x, int64_t app_id, int64_t user_id, enum removal why,
                   struct err *err)
{
    int64_t revoked = 0;
    enum rc rc = permits_revoke(x->sql, app_id, user_id, &revoked, err);

    if (rc == RC_OK)
        rc = publications_abandon(x->sql, app_id, user_id, x->now_ms, err);
    if (rc == RC_OK && revoked > 0)
        rc = tell_removed(x, app_id, user_id, why, err);
    x->errand = true;
    return rc;
}

struct app_ids {
    int64_t id[APPS_MAX];
    size_t len;
};

static void keep_app_id(void *ctx, const struct sql_row *row)
{
    struct app_ids *ids = ctx;

    if (ids->len < APPS_MAX)
        ids->id[ids->len++] = sql_int_at(row, 0);
}

static enum rc set_closed(struct exchange *x, struct person *person, int64_t closed,
                          struct err *err)
{
    person->closed = closed;
    return person_store(x->sql, person, err);
}

enum rc apps_remove(struct exchange *x, struct person *person, enum removal why,
                    struct err *err)
{
    struct app_ids ids = {.len = 0};
    enum rc rc = sql_each(x->sql,
                          "SELECT DISTINCT app_id FROM permit"
                          " WHERE user_id = ? AND revoked = 0 ORDER BY app_id",
                          SQL_WITH(sql_int(person->id)), keep_app_id, &ids, err);

    for (size_t i = 0; rc == RC_OK && i < ids.len; i++)
        rc = app_remove(x, ids.id[i], person->id, why, err);
    if (rc == RC_OK && (why == REMOVED_DELETED || why == REMOVED_BANNED))
        rc = set_closed(x, person, (int64_t)why, err);
    return rc;
}

enum rc account_reopen(struct exchange *x, struct person *person, struct err *err)
{
    return set_closed(x, person, 0, err);
}

/* --- posts --------------------------------------------------------------------- */

static bool is_public(const struct publication *p)
{
    return p->post_id != 0 && p->hidden_ms == 0;
}

static enum rc check_posted(const struct exchange *x, const struct publication *p,
                            bool wanted_public, struct err *err)
{
    if (publication_state(p, x->now_ms) != PUBLICATION_COMPLETE)
        return err_set(err, RC_CONFLICT, "not_posted", "This has not been posted.");
    if (is_public(p) != wanted_public)
        return err_set(err, RC_CONFLICT, "nothing_to_do",
                       wanted_public ? "This is not public." : "This is public.");
    return RC_OK;
}

enum rc post_hide(struct exchange *x, struct publication *p, struct err *err)
{
    enum rc rc = check_posted(x, p, true, err);

    if (rc != RC_OK)
        return rc;
    p->hidden_ms = x->now_ms;
    text_copy(p->privacy, sizeof(p->privacy), "SELF_ONLY");
    x->errand = true;
    return publication_show(x->sql, p, err);
}

enum rc post_show(struct exchange *x, struct publication *p, struct err *err)
{
    enum rc rc = check_posted(x, p, false, err);

    if (rc == RC_OK && p->post_id == 0)
        rc = next_id(x->sql, x->now_ms, &p->post_id, err);
    if (rc != RC_OK)
        return rc;
    p->hidden_ms = 0;
    p->public_ms = x->now_ms;
    p->told &= ~(webhook_bit(WEBHOOK_PUBLIC) | webhook_bit(WEBHOOK_HIDDEN));
    text_copy(p->privacy, sizeof(p->privacy), "PUBLIC_TO_EVERYONE");
    x->errand = true;
    return publication_show(x->sql, p, err);
}
