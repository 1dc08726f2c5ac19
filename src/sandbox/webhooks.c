#include "webhooks.h"

#include "faults.h"

#include "core/jsonw.h"
#include "core/text.h"

#include <string.h>

/* Columns in the order read_webhook() wants them. */
#define COLUMNS                                                                          \
    "id, app_id, user_id, publication_id, event, copy_of, body, create_ms, fault_id,"    \
    " forgery, held, state, due_ms, tries, first_ms, last_ms, signed_s, status, trouble"

const char *webhook_state_name(enum webhook_state state)
{
    static const char *const names[WEBHOOK_STATE_COUNT] = {"waiting", "delivered",
                                                           "dropped", "lost"};

    return names[state];
}

/* --- reading ------------------------------------------------------------------- */

static void read_sending(struct webhook *h, const struct sql_row *row)
{
    h->held = sql_bool_at(row, 10);
    h->state = (enum webhook_state)sql_int_at(row, 11);
    h->due_ms = sql_int_at(row, 12);
    h->tries = sql_int_at(row, 13);
    h->first_ms = sql_int_at(row, 14);
    h->last_ms = sql_int_at(row, 15);
    h->signed_s = sql_int_at(row, 16);
    h->status = (int)sql_int_at(row, 17);
    sql_text_at(row, 18, h->trouble, sizeof(h->trouble));
}

static void read_webhook(void *ctx, const struct sql_row *row)
{
    struct webhook *h = ctx;

    h->id = sql_int_at(row, 0);
    h->app_id = sql_int_at(row, 1);
    h->user_id = sql_int_at(row, 2);
    h->publication_id = sql_int_at(row, 3);
    sql_text_at(row, 4, h->event, sizeof(h->event));
    h->copy_of = sql_int_at(row, 5);
    sql_text_at(row, 6, h->body, sizeof(h->body));
    h->create_ms = sql_int_at(row, 7);
    h->fault_id = sql_int_at(row, 8);
    h->forgery = (enum webhook_forgery)sql_int_at(row, 9);
    read_sending(h, row);
}

enum rc webhook_by_id(struct sql *sql, int64_t id, struct webhook *h, struct err *err)
{
    h->id = 0;
    return sql_each(sql, "SELECT " COLUMNS " FROM webhook WHERE id = ?",
                    SQL_WITH(sql_int(id)), read_webhook, h, err);
}

struct visit {
    webhook_fn each;
    void *ctx;
    struct webhook webhook; /* large: one for all rows */
};

static void visit_row(void *ctx, const struct sql_row *row)
{
    struct visit *v = ctx;

    read_webhook(&v->webhook, row);
    v->each(v->ctx, &v->webhook);
}

enum rc webhooks_due(struct sql *sql, int64_t now_ms, int64_t limit, webhook_fn each,
                     void *ctx, struct err *err)
{
    struct visit v = {.each = each, .ctx = ctx};

    return sql_each(sql,
                    "SELECT " COLUMNS " FROM webhook WHERE state = 0 AND due_ms <= ?"
                    " ORDER BY due_ms, id LIMIT ?",
                    SQL_WITH(sql_int(now_ms), sql_int(limit)), visit_row, &v, err);
}

enum rc webhooks_due_ms(struct sql *sql, int64_t now_ms, int64_t *due_ms, struct err *err)
{
    return sql_number(sql,
                      "SELECT COALESCE(MIN(due_ms), 9223372036854775807) FROM webhook"
                      " WHERE state = 0 AND due_ms > ?",
                      SQL_WITH(sql_int(now_ms)), due_ms, err);
}

enum rc webhooks_each(struct sql *sql, const struct webhook_filter *filter,
                      webhook_fn each, void *ctx, struct err *err)
{
    struct visit v = {.each = each, .ctx = ctx};
    int64_t before = filter->before != 0 ? filter->before : INT64_MAX;

    return sql_each(sql,
                    "SELECT " COLUMNS " FROM webhook WHERE id < ?1"
                    " AND ?2 IN ('', event) AND ?3 IN (0, user_id)"
                    " AND ?4 IN (0, publication_id) ORDER BY id DESC LIMIT ?5",
                    SQL_WITH(sql_int(before), sql_text(filter->event),
                             sql_int(filter->user_id), sql_int(filter->publication_id),
                             sql_int(filter->limit)),
                    visit_row, &v, err);
}

static void keep_count(void *ctx, const struct sql_row *row)
{
    int64_t *counts = ctx;
    int64_t state = sql_int_at(row, 0);

    if (state >= 0 && state < WEBHOOK_STATE_COUNT)
        counts[state] = sql_int_at(row, 1);
}

enum rc webhooks_count(struct sql *sql, int64_t counts[WEBHOOK_STATE_COUNT],
                       struct err *err)
{
    (void)memset(counts, 0, sizeof(counts[0]) * WEBHOOK_STATE_COUNT);
    return sql_each(sql, "SELECT state, COUNT(*) FROM webhook GROUP BY state", SQL_NONE,
                    keep_count, counts, err);
}

/* --- writing ------------------------------------------------------------------- */

/* Those that are over go when there are very many. */
static enum rc prune(struct sql *sql, struct err *err)
{
    int64_t id = sql_last_id(sql);

    if (id % 1024 != 0)
        return RC_OK;
    return sql_run(sql, "DELETE FROM webhook WHERE id <= ? AND state != 0",
                   SQL_WITH(sql_int(id - WEBHOOKS_KEPT)), NULL, err);
}

enum rc webhook_add(struct sql *sql, struct webhook *h, struct err *err)
{
    enum rc rc = sql_run(
        sql,
        "INSERT INTO webhook (app_id, user_id, publication_id, event, copy_of, body,"
        " create_ms, fault_id, forgery, held, state, due_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        SQL_WITH(sql_int(h->app_id), sql_int(h->user_id), sql_int(h->publication_id),
                 sql_text(h->event), sql_int(h->copy_of), sql_text(h->body),
                 sql_int(h->create_ms), sql_int(h->fault_id), sql_int(h->forgery),
                 sql_int(h->held), sql_int(h->state), sql_int(h->due_ms)),
        NULL, err);

    if (rc != RC_OK)
        return rc;
    h->id = sql_last_id(sql);
    return prune(sql, err);
}

enum rc webhook_store(struct sql *sql, const struct webhook *h, struct err *err)
{
    return sql_run(sql,
                   "UPDATE webhook SET held = ?, state = ?, due_ms = ?, tries = ?,"
                   " first_ms = ?, last_ms = ?, signed_s = ?, status = ?, trouble = ?"
                   " WHERE id = ?",
                   SQL_WITH(sql_int(h->held), sql_int(h->state), sql_int(h->due_ms),
                            sql_int(h->tries), sql_int(h->first_ms), sql_int(h->last_ms),
                            sql_int(h->signed_s), sql_int(h->status),
                            sql_text(h->trouble), sql_int(h->id)),
                   NULL, err);
}

enum rc webhooks_release(struct sql *sql, const struct webhook *passed, int64_t now_ms,
                         struct err *err)
{
    return sql_run(sql,
                   "UPDATE webhook SET held = 0, due_ms = ?"
                   " WHERE state = 0 AND held = 1 AND app_id = ? AND user_id = ?"
                   " AND id < ?",
                   SQL_WITH(sql_int(now_ms), sql_int(passed->app_id),
                            sql_int(passed->user_id), sql_int(passed->id)),
                   NULL, err);
}

/* --- telling ------------------------------------------------------------------- */

static void write_reason(struct strbuf *out, int64_t reason)
{
    struct jsonw w;

    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key_int(&w, "reason", reason);
    jsonw_end(&w);
}

static void write_body(const struct webhook_news *news, const struct knobs *knobs,
                       char out[WEBHOOK_BODY_MAX])
{
    char open_id[OPEN_ID_SIZE];
    struct webhook_envelope envelope = {.client_key = news->app->client_key,
                                        .event = webhook_event_name(news->event),
                                        .create_s = news->at_ms / 1000,
                                        .open_id = open_id};
    struct strbuf content, body;

    strbuf_init(&content, WEBHOOK_BODY_MAX / 4);
    strbuf_init(&body, WEBHOOK_BODY_MAX - 1);
    app_open_id(news->app, news->person, open_id);
    if (news->publication != NULL)
        webhook_write_content(&content, news->event, news->publication,
                              knobs->value[KNOB_WEBHOOK_POST_ID_AS_NUMBER] != 0);
    else
        write_reason(&content, news->reason);
    envelope.content = content.buf;
    webhook_write_body(&body, &envelope);
    text_copy(out, WEBHOOK_BODY_MAX, body.buf);
    strbuf_release(&content);
    strbuf_release(&body);
}

static enum webhook_forgery forgery_named(const char *name)
{
    if (strcmp(name, "wrong") == 0)
        return SIGNATURE_WRONG;
    if (strcmp(name, "malformed") == 0)
        return SIGNATURE_MALFORMED;
    return strcmp(name, "missing") == 0 ? SIGNATURE_MISSING : SIGNATURE_RIGHT;
}

/* The fault that meets the webhook, if any, and what it makes of it. */
static enum rc meet_fault(struct sql *sql, const struct knobs *knobs, struct webhook *h,
                          int64_t *copies, struct err *err)
{
    const struct fault_target target = {.endpoint = FAULT_WEBHOOK,
                                        .user_id = h->user_id,
                                        .chunk = -1,
                                        .event = h->event,
                                        .seed = knobs->value[KNOB_SEED]};
    struct fault fault = {.id = 0};
    bool any = false;
    enum rc rc = faults_any(sql, &any, err);

    if (rc == RC_OK && any)
        rc = fault_take(sql, &target, &fault, err);
    if (rc != RC_OK || fault.id == 0)
        return rc;
    h->fault_id = fault.id;
    h->state = fault.spec.lost ? WEBHOOK_LOST : WEBHOOK_WAITING;
    h->forgery = forgery_named(fault.spec.signature);
    h->held = fault.spec.reorder;
    h->due_ms += fault.spec.reorder ? WEBHOOK_HELD_MS : fault.spec.late_ms;
    *copies = fault.spec.duplicate;
    return RC_OK;
}

enum rc webhook_tell(struct sql *sql, const struct knobs *knobs,
                     const struct webhook_news *news, struct err *err)
{
    struct webhook h = {.app_id = news->app->id,
                        .user_id = news->person->id,
                        .create_ms = news->at_ms,
                        .due_ms = news->at_ms};
    int64_t copies = 0;
    enum rc rc;

    if (news->publication != NULL)
        h.publication_id = news->publication->id;
    text_copy(h.event, sizeof(h.event), webhook_event_name(news->event));
    write_body(news, knobs, h.body);
    rc = meet_fault(sql, knobs, &h, &copies, err);
    if (rc == RC_OK)
        rc = webhook_add(sql, &h, err);
    for (h.copy_of = h.id; rc == RC_OK && copies > 0; copies--)
        rc = webhook_add(sql, &h, err);
    return rc;
}
