/* /sandbox/webhooks - what was sent to whom and how that ended; once more; a sample. */
#include "control.h"
#include "listing.h"
#include "webhooks.h"

#include "core/parse.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

enum { LISTED_USUAL = 100, LISTED_MAX = 1000 };

/* --- the list ------------------------------------------------------------------ */

struct list {
    struct listing of;
    struct jsonw w;
    struct app app; /* of the last row */
};

static const char *key_of(struct list *l, int64_t app_id)
{
    struct listing *of = &l->of;

    if (of->rc == RC_OK && l->app.id != app_id)
        of->rc = app_by_id(of->x->sql, app_id, &l->app, of->err);
    return of->rc == RC_OK && l->app.id != 0 ? l->app.client_key : NULL;
}

static void write_sending(struct jsonw *w, const struct webhook *h)
{
    jsonw_key_text(w, "state", webhook_state_name(h->state));
    jsonw_key_int(w, "tries", h->tries);
    key_int_unless_zero(w, "due_at_ms", h->state == WEBHOOK_WAITING ? h->due_ms : 0);
    key_int_unless_zero(w, "first_try_at_ms", h->first_ms);
    key_int_unless_zero(w, "last_try_at_ms", h->last_ms);
    key_int_unless_zero(w, "signed_s", h->signed_s);
    key_int_unless_zero(w, "status", h->status);
    jsonw_key_text(w, "trouble", h->trouble[0] != '\0' ? h->trouble : NULL);
}

static void write_one(void *ctx, const struct webhook *h)
{
    struct list *l = ctx;
    struct jsonw *w = &l->w;

    jsonw_object(w);
    jsonw_key_int(w, "id", h->id);
    jsonw_key_text(w, "client_key", key_of(l, h->app_id));
    jsonw_key_text(w, "event", h->event);
    jsonw_key_text(w, "username", listing_username(&l->of, h->user_id));
    key_int_unless_zero(w, "copy_of", h->copy_of);
    key_int_unless_zero(w, "fault", h->fault_id);
    jsonw_key_int(w, "create_at_ms", h->create_ms);
    write_sending(w, h);
    jsonw_key_text(w, "body", h->body);
    jsonw_end(w);
}

/* Which person and publication the query narrows it to. */
static enum rc read_subject(struct exchange *x, struct webhook_filter *filter,
                            struct err *err)
{
    char username[PERSON_NAME_SIZE], publish_id[PUBLISH_ID_SIZE];
    bool by_user = false, by_publication = false;
    struct publication p = {.id = 0};
    struct person person = {.id = 0};
    enum rc rc = web_query(x->req, "username", username, sizeof(username), &by_user, err);

    if (rc == RC_OK)
        rc = web_query(x->req, "publish_id", publish_id, sizeof(publish_id),
                       &by_publication, err);
    if (rc == RC_OK && by_user)
        rc = person_by_name(x->sql, username, &person, err);
    if (rc == RC_OK && by_publication)
        rc = publication_by_publish_id(x->sql, publish_id, &p, err);
    if (rc == RC_OK && ((by_user && person.id == 0) || (by_publication && p.id == 0)))
        rc = err_set(err, RC_NOT_FOUND, "not_found", "there is no such one");
    filter->user_id = person.id;
    filter->publication_id = p.id;
    return rc;
}

static enum rc read_filter(struct exchange *x, char event[WEBHOOK_EVENT_SIZE],
                           struct webhook_filter *filter, struct err *err)
{
    bool found = false;
    enum rc rc = web_query(x->req, "event", event, WEBHOOK_EVENT_SIZE, &found, err);

    *filter = (struct webhook_filter){.event = found ? event : "", .limit = LISTED_USUAL};
    if (rc == RC_OK)
        rc = read_subject(x, filter, err);
    if (rc == RC_OK)
        rc = query_number(x, "limit", LISTED_MAX, &filter->limit, err);
    if (rc == RC_OK)
        rc = query_number(x, "before", INT64_MAX, &filter->before, err);
    return rc;
}

static enum rc write_counts(struct exchange *x, struct jsonw *w, struct err *err)
{
    int64_t counts[WEBHOOK_STATE_COUNT];
    enum rc rc = webhooks_count(x->sql, counts, err);

    if (rc != RC_OK)
        return rc;
    jsonw_key(w, "counts");
    jsonw_object(w);
    for (unsigned i = 0; i < WEBHOOK_STATE_COUNT; i++)
        jsonw_key_int(w, webhook_state_name((enum webhook_state)i), counts[i]);
    jsonw_end(w);
    return RC_OK;
}

enum rc control_webhooks(struct exchange *x, struct err *err)
{
    char event[WEBHOOK_EVENT_SIZE];
    struct list l = {.of = {.x = x, .err = err}};
    struct webhook_filter filter;
    enum rc rc = read_filter(x, event, &filter, err);

    if (rc != RC_OK)
        return rc;
    web_json_begin(x->res, 200, &l.w);
    jsonw_object(&l.w);
    jsonw_key_int(&l.w, "now_ms", x->now_ms);
    rc = write_counts(x, &l.w, err);
    jsonw_key(&l.w, "webhooks");
    jsonw_array(&l.w);
    if (rc == RC_OK)
        rc = webhooks_each(x->sql, &filter, write_one, &l, err);
    jsonw_end(&l.w);
    jsonw_end(&l.w);
    return rc == RC_OK ? l.of.rc : rc;
}

/* --- once more ----------------------------------------------------------------- */

enum rc webhook_again(struct exchange *x, int64_t id, struct err *err)
{
    struct webhook h;
    enum rc rc = webhook_by_id(x->sql, id, &h, err);

    if (rc == RC_OK && h.id == 0)
        rc = err_set(err, RC_NOT_FOUND, "not_found", "there is no such webhook");
    if (rc != RC_OK)
        return rc;
    h.state = WEBHOOK_WAITING;
    h.held = false;
    h.due_ms = x->now_ms;
    h.first_ms = 0; /* its 72 hours begin anew */
    return webhook_store(x->sql, &h, err);
}

static enum rc send_again(struct exchange *x, UNUSED json_t *body, struct err *err)
{
    const char *text = web_param(&x->params, "id");
    int64_t id = 0;
    enum rc rc;

    if (text == NULL || !parse_i64(text, 1, INT64_MAX, &id))
        return err_set(err, RC_NOT_FOUND, "not_found", "there is no such webhook");
    rc = webhook_again(x, id, err);
    if (rc == RC_OK)
        answer_number(x, 200, "id", id);
    return rc;
}

enum rc control_webhook_again(struct exchange *x, struct err *err)
{
    return control_change(x, send_again, err);
}

/* --- a sample ------------------------------------------------------------------ */

/* Content in the right form, about nothing that is there. */
static void write_sample(enum webhook_event event, struct strbuf *out)
{
    struct publication p = {.inbox = event == WEBHOOK_INBOX,
                            .post_id = INT64_C(7600000000000000002)};

    text_copy(p.publish_id, sizeof(p.publish_id),
              p.inbox ? "v_inbox_file~v2.7600000000000000001"
                      : "v_pub_file~v2-1.7600000000000000001");
    text_copy(p.fail_reason, sizeof(p.fail_reason), "file_format_check_failed");
    if (event == WEBHOOK_REMOVED)
        strbuf_addstr(out, "{\"reason\":0}");
    else
        webhook_write_content(out, event, &p, false);
}

enum rc webhook_try(struct exchange *x, const struct app *app, enum webhook_event event,
                    int64_t *id, struct err *err)
{
    struct webhook h = {.app_id = app->id, .create_ms = x->now_ms, .due_ms = x->now_ms};
    const char *name = webhook_event_name(event);
    struct webhook_envelope envelope = {.client_key = app->client_key,
                                        .event = name,
                                        .create_s = x->now_ms / 1000,
                                        .open_id = "-000TESTopenid00000000000000000000"};
    struct strbuf content, body;
    enum rc rc;

    if (app_webhook_url(app, x->sandbox->settings)[0] == '\0')
        return err_set(err, RC_CONFLICT, "no_webhook_url",
                       "the app has no webhook address");
    strbuf_init(&content, WEBHOOK_BODY_MAX / 4);
    strbuf_init(&body, WEBHOOK_BODY_MAX - 1);
    write_sample(event, &content);
    envelope.content = content.buf;
    webhook_write_body(&body, &envelope);
    text_copy(h.event, sizeof(h.event), name);
    text_copy(h.body, sizeof(h.body), body.buf);
    rc = webhook_add(x->sql, &h, err);
    if (rc == RC_OK)
        *id = h.id;
    strbuf_release(&content);
    strbuf_release(&body);
    return rc;
}

static enum rc try_one(struct exchange *x, json_t *body, struct err *err)
{
    const char *name = json_string_value(json_object_get(body, "event"));
    const char *key = json_string_value(json_object_get(body, "client_key"));
    enum webhook_event event = WEBHOOK_COMPLETE;
    int64_t id = 0;
    struct app app;
    enum rc rc = app_by_key(x->sql, key != NULL ? key : SANDBOX_APP_KEY, &app, err);

    if (rc != RC_OK)
        return rc;
    if (app.id == 0)
        return err_field(err, "client_key", "not_found", "there is no such app");
    if (name != NULL)
        event = webhook_event_named(name);
    if (event == WEBHOOK_EVENT_COUNT)
        return err_field(err, "event", "bad_value", "TikTok has no such event");
    rc = webhook_try(x, &app, event, &id, err);
    if (rc == RC_OK)
        answer_number(x, 201, "id", id);
    return rc;
}

enum rc control_webhook_test(struct exchange *x, struct err *err)
{
    return control_change(x, try_one, err);
}
