/* GET /sandbox/ledger and /sandbox/counts - what the simulator has seen, for tests that
 * count. */
#include "calls.h"
#include "control.h"
#include "listing.h"
#include "pulls.h"

#include <inttypes.h>
#include <string.h>

enum {
    SESSIONS_USUAL = 1000,
    SESSIONS_MAX = 4000,
    CALLS_USUAL = 50,
    CALLS_MAX = 4000,
    REPEATED_SHOWN = 100,
};

struct ledger {
    struct listing of;
    struct jsonw w;
    bool only_counted;
};

static void key_text_unless_empty(struct jsonw *w, const char *key, const char *text)
{
    jsonw_key_text(w, key, *text != '\0' ? text : NULL);
}

static void write_upload(struct jsonw *w, const struct publication *p)
{
    jsonw_key_int(w, "size", p->plan.size);
    jsonw_key_int(w, "chunk_size", p->plan.chunk_size);
    jsonw_key_int(w, "chunk_count", p->plan.count);
    jsonw_key_int(w, "received", p->received);
    key_text_unless_empty(w, "file", p->file);
}

static void write_pull(void *ctx, const struct pull *pull)
{
    static const char *const states[] = {"waits", "under_way", "here", "over"};
    struct jsonw *w = ctx;

    jsonw_object(w);
    jsonw_key_text(w, "url", pull->url);
    jsonw_key_text(w, "state", states[pull->state]);
    key_int_unless_zero(w, "due_at_ms", pull->due_ms);
    jsonw_key_int(w, "received", pull->received);
    jsonw_key(w, "size");
    if (pull->size >= 0)
        jsonw_int(w, pull->size);
    else
        jsonw_null(w);
    jsonw_key_int(w, "gets", pull->gets);
    jsonw_key_int(w, "heads", pull->heads);
    jsonw_key_int(w, "breaks", pull->breaks);
    jsonw_key_int(w, "busy", pull->busy);
    jsonw_key_int(w, "last_status", pull->status);
    key_text_unless_empty(w, "failure", pull->failure);
    key_text_unless_empty(w, "file", pull->file);
    jsonw_key_int(w, "width", pull->look.width);
    jsonw_key_int(w, "height", pull->look.height);
    jsonw_end(w);
}

/* What was asked for as a photo post, and where the files came from. */
static void write_media(struct ledger *l, const struct publication *p)
{
    struct jsonw *w = &l->w;

    jsonw_key_text(w, "media_type", p->photos > 0 ? "PHOTO" : "VIDEO");
    jsonw_key_text(w, "source", p->pulled ? "PULL_FROM_URL" : "FILE_UPLOAD");
    if (p->photos > 0) {
        key_text_unless_empty(w, "title", p->title);
        jsonw_key_int(w, "photos", p->photos);
        jsonw_key_int(w, "cover_index", p->cover_index);
        jsonw_key_bool(w, "auto_add_music", (p->flags & FLAG_AUTO_MUSIC) != 0);
    }
    if (!p->pulled || l->of.rc != RC_OK)
        return;
    jsonw_key(w, "pulls");
    jsonw_array(w);
    l->of.rc = pulls_each(l->of.x->sql, p->id, write_pull, w, l->of.err);
    jsonw_end(w);
}

static void write_session(void *ctx, const struct publication *p)
{
    struct ledger *l = ctx;
    struct jsonw *w = &l->w;

    if (l->only_counted && !publication_counts(p))
        return;
    jsonw_object(w);
    jsonw_key_id(w, "id", (uint64_t)p->id);
    jsonw_key_text(w, "publish_id", p->publish_id);
    jsonw_key_text(w, "username", listing_username(&l->of, p->user_id));
    jsonw_key_text(w, "mode", p->inbox ? "inbox" : "direct");
    jsonw_key_text(w, "caption", p->caption);
    key_text_unless_empty(w, "privacy_level", p->privacy);
    jsonw_key_int(w, "flags", (int64_t)p->flags);
    jsonw_key_text(w, "status", publication_status(p, l->of.x->now_ms));
    key_text_unless_empty(w, "fail_reason", p->fail_reason);
    jsonw_key_bool(w, "stuck", p->stuck);
    jsonw_key_bool(w, "discarded", p->discarded);
    write_upload(w, p);
    write_media(l, p);
    key_int_unless_zero(w, "created_at_ms", p->created_ms);
    key_int_unless_zero(w, "committed_at_ms", p->committed_real_ms);
    key_int_unless_zero(w, "committed_clock_ms", p->committed_ms);
    key_int_unless_zero(w, "ready_at_ms", p->ready_ms);
    key_int_unless_zero(w, "posted_at_ms", p->posted_ms);
    jsonw_key_id(w, "post_id", (uint64_t)p->post_id);
    jsonw_key_bool(w, "public", publication_public(p, l->of.x->now_ms));
    jsonw_end(w);
}

static void write_call(void *ctx, const struct call *call)
{
    struct ledger *l = ctx;
    struct jsonw *w = &l->w;

    jsonw_object(w);
    key_int_unless_zero(w, "at_ms", call->at_ms);
    jsonw_key_text(w, "endpoint", call->endpoint);
    jsonw_key_text(w, "username", listing_username(&l->of, call->user_id));
    key_text_unless_empty(w, "publish_id", call->publish_id);
    jsonw_key_int(w, "status", call->status);
    key_text_unless_empty(w, "code", call->code);
    jsonw_key_text(w, "log_id", call->log_id);
    key_int_unless_zero(w, "fault", call->fault_id);
    jsonw_end(w);
}

/* What the query asks for. */
struct wanted {
    char caption[CAPTION_SIZE];
    char publish_id[PUBLISH_ID_SIZE];
    char username[PERSON_NAME_SIZE];
    bool by_caption, by_publish_id, by_user;
    int64_t limit, before, sessions, calls;
};

static enum rc read_numbers(const struct exchange *x, struct wanted *q, struct err *err)
{
    enum rc rc;

    q->limit = SESSIONS_USUAL;
    q->before = 0;
    q->sessions = 1;
    q->calls = CALLS_USUAL;
    rc = query_number(x, "limit", SESSIONS_MAX, &q->limit, err);
    if (rc == RC_OK)
        rc = query_number(x, "before", INT64_MAX, &q->before, err);
    if (rc == RC_OK)
        rc = query_number(x, "sessions", 1, &q->sessions, err);
    if (rc == RC_OK)
        rc = query_number(x, "calls", CALLS_MAX, &q->calls, err);
    return rc;
}

static enum rc read_wanted(const struct exchange *x, struct wanted *q, struct err *err)
{
    enum rc rc =
        web_query(x->req, "caption", q->caption, sizeof(q->caption), &q->by_caption, err);

    if (rc == RC_OK)
        rc = web_query(x->req, "publish_id", q->publish_id, sizeof(q->publish_id),
                       &q->by_publish_id, err);
    if (rc == RC_OK)
        rc = web_query(x->req, "username", q->username, sizeof(q->username), &q->by_user,
                       err);
    if (rc == RC_OK && q->by_caption + q->by_publish_id + q->by_user > 1)
        rc = err_set(err, RC_INVALID, "bad_request",
                     "only one of caption, publish_id and username at a time");
    return rc == RC_OK ? read_numbers(x, q, err) : rc;
}

static enum rc make_filter(struct exchange *x, const struct wanted *q,
                           struct publication_filter *filter, struct err *err)
{
    struct person person;
    enum rc rc;

    *filter = (struct publication_filter){
        .which = PUBLICATIONS_ALL, .before = q->before, .limit = q->limit};
    if (q->by_caption) {
        filter->which = PUBLICATIONS_OF_CAPTION;
        filter->text = q->caption;
    } else if (q->by_publish_id) {
        filter->which = PUBLICATIONS_OF_PUBLISH_ID;
        filter->text = q->publish_id;
    } else if (q->by_user) {
        rc = person_by_name(x->sql, q->username, &person, err);
        if (rc != RC_OK)
            return rc;
        if (person.id == 0)
            return err_field(err, "username", "not_found", "there is no such person");
        filter->which = PUBLICATIONS_OF_USER;
        filter->user_id = person.id;
    }
    return RC_OK;
}

static enum rc write_list(struct ledger *l, const struct publication_filter *filter,
                          const char *key, bool only_counted, struct err *err)
{
    enum rc rc;

    l->only_counted = only_counted;
    jsonw_key(&l->w, key);
    jsonw_array(&l->w);
    rc = publications_each(l->of.x->sql, filter, write_session, l, err);
    jsonw_end(&l->w);
    return rc == RC_OK ? l->of.rc : rc;
}

static enum rc write_ledger(struct ledger *l, const struct wanted *q,
                            const struct publication_filter *filter, struct err *err)
{
    enum rc rc;

    jsonw_object(&l->w);
    jsonw_key_int(&l->w, "now_ms", l->of.x->now_ms);
    rc = write_list(l, filter, "publications", true, err);
    if (rc == RC_OK && q->sessions != 0)
        rc = write_list(l, filter, "sessions", false, err);
    if (rc != RC_OK)
        return rc;
    jsonw_key(&l->w, "calls");
    jsonw_array(&l->w);
    rc = calls_each(l->of.x->sql, q->by_publish_id ? q->publish_id : NULL, q->calls,
                    write_call, l, err);
    jsonw_end(&l->w);
    jsonw_end(&l->w);
    return rc == RC_OK ? l->of.rc : rc;
}

enum rc control_ledger(struct exchange *x, struct err *err)
{
    struct ledger l = {.of = {.x = x, .err = err}};
    struct wanted q = {.limit = 0};
    struct publication_filter filter;
    enum rc rc = read_wanted(x, &q, err);

    if (rc == RC_OK)
        rc = make_filter(x, &q, &filter, err);
    if (rc != RC_OK)
        return rc;
    web_json_begin(x->res, 200, &l.w);
    rc = write_ledger(&l, &q, &filter, err);
    if (rc == RC_OK && !jsonw_ok(&l.w))
        rc = err_field(err, "limit", "too_much",
                       "that is too much for one answer: lower limit, go on with before");
    return rc;
}

/* --- counts -------------------------------------------------------------------- */

#define COUNTED "committed_ms != 0 AND fail_reason = ''"

static void write_repeated(void *ctx, const struct sql_row *row)
{
    struct jsonw *w = ctx;

    jsonw_object(w);
    jsonw_key_text(w, "caption", sql_text_of(row, 0));
    jsonw_key_int(w, "publications", sql_int_at(row, 1));
    jsonw_end(w);
}

static enum rc write_count(struct exchange *x, struct jsonw *w, const char *key,
                           const char *sql, struct err *err)
{
    int64_t n = 0;
    enum rc rc = sql_number(x->sql, sql, SQL_NONE, &n, err);

    jsonw_key_int(w, key, n);
    return rc;
}

enum rc control_counts(struct exchange *x, struct err *err)
{
    struct jsonw w;
    enum rc rc;

    web_json_begin(x->res, 200, &w);
    jsonw_object(&w);
    rc = write_count(x, &w, "sessions", "SELECT COUNT(*) FROM publication", err);
    if (rc == RC_OK)
        rc = write_count(x, &w, "publications",
                         "SELECT COUNT(*) FROM publication WHERE " COUNTED, err);
    if (rc == RC_OK)
        rc = write_count(x, &w, "captions",
                         "SELECT COUNT(DISTINCT caption) FROM publication"
                         " WHERE " COUNTED,
                         err);
    jsonw_key(&w, "more_than_once");
    jsonw_array(&w);
    if (rc == RC_OK)
        rc = sql_each(x->sql,
                      "SELECT caption, COUNT(*) FROM publication WHERE " COUNTED
                      " GROUP BY caption HAVING COUNT(*) > 1 LIMIT ?",
                      SQL_WITH(sql_int(REPEATED_SHOWN)), write_repeated, &w, err);
    jsonw_end(&w);
    jsonw_end(&w);
    return rc;
}
