#include "store/events.h"

#include "core/jsonw.h"
#include "core/text.h"
#include "domain/reason.h"
#include "stmt.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

enum { SETTLE_MAX = 100 }; /* lines before the newest that may still be being written */

/* --- words ----------------------------------------------------------------------- */

/* Who acts when the line names no person. */
static const char publisher[] = "publisher";
static const char media[] = "media";
static const char tiktok[] = "tiktok";
static const char system_[] = "system";

static const struct words {
    int kind;
    const char *name;
    const char *actor;
    const char *text;
} words[] = {
    {EVENT_CREATED, "created", system_, "The post was created."},
    {EVENT_CHANGED, "changed", system_, "The post was changed."},
    {EVENT_SCHEDULED, "scheduled", system_, "The post was scheduled."},
    {EVENT_MOVED, "moved", system_, "The time was changed."},
    {EVENT_CANCELED, "canceled", system_, "The post was canceled before it went out."},
    {EVENT_HIDDEN, "hidden", system_, "The post was deleted from the lists."},
    {EVENT_PUBLISH_NOW, "publish_now", system_, "The post was asked to go out now."},
    {EVENT_RETRIED, "retried", system_, "The post was asked to be tried again."},
    {EVENT_RESOLVED, "resolved", system_, "The post's outcome was decided by hand."},
    {EVENT_CLAIMED, "claimed", publisher, "A publisher took the post up."},
    {EVENT_INTENT, "intent", publisher,
     "An attempt was begun: TikTok is asked for a session."},
    {EVENT_SESSION_OPENED, "session_opened", tiktok, "TikTok opened a session."},
    {EVENT_CHUNKS_SENT, "chunks_sent", publisher,
     "Everything but the last part was handed to TikTok ahead of time."},
    {EVENT_GRANTED, "granted", publisher,
     "The post was released: it can no longer be canceled."},
    {EVENT_LAST_CHUNK_SENT, "last_chunk_sent", publisher,
     "The last part of the video was handed to TikTok."},
    {EVENT_STATUS, "status", tiktok, "TikTok's status changed."},
    {EVENT_PUBLISHED, "published", tiktok, "TikTok confirmed the post."},
    {EVENT_ATTEMPT_DEAD, "attempt_dead", publisher,
     "The attempt can no longer complete and was written off."},
    {EVENT_LATER, "later", publisher, "It did not work yet and will be tried again."},
    {EVENT_FAILED, "failed", publisher, "The post failed."},
    {EVENT_BLOCKED, "blocked", publisher,
     "The post waits until somebody sees to its account."},
    {EVENT_REVIEW, "review", publisher, "The post needs a person's decision."},
    {EVENT_RELEASED, "released", publisher,
     "The publisher was shutting down and gave the post back."},
    {EVENT_HANDED_OVER, "handed_over", publisher,
     "The publisher was shutting down and handed the post over."},
    {EVENT_UNBLOCKED, "unblocked", system_,
     "The account was connected again and the post scheduled anew."},
    {EVENT_CRASHED, "crashed", system_,
     "The publisher that held the post stopped answering."},
    {EVENT_DROPPED, "dropped", publisher,
     "The publisher let go of the post: it was cut off from the database, or ended."},
    {EVENT_PUT_OFF, "put_off", tiktok,
     "A limit of TikTok's holds the account up; the post was moved later."},
    {EVENT_GIVEN_UP, "given_up", publisher,
     "The post was given up: by its next try it would have been later than it may be."},
    {EVENT_HELD_BACK, "held_back", publisher,
     "The post waits until its release can be written down twice."},
    {EVENT_OVERDUE, "overdue", system_,
     "The post's time had come and no publisher took it up."},
    {EVENT_WEBHOOK, "webhook", tiktok, "TikTok sent word of the post by itself."},
    {EVENT_ACCOUNT_CONNECTED, "account_connected", system_, "The account was connected."},
    {EVENT_ACCOUNT_RECONNECTED, "account_reconnected", system_,
     "The account was connected again."},
    {EVENT_ACCOUNT_RECONNECT_NEEDED, "account_reconnect_needed", tiktok,
     "TikTok ended the connection; the account must be connected again."},
    {EVENT_ACCOUNT_DISCONNECTED, "account_disconnected", system_,
     "The account was disconnected."},
    {EVENT_ACCOUNT_CHANGED, "account_changed", system_,
     "The account's details were changed."},
    {EVENT_ACCOUNT_LIMITED, "account_limited", tiktok,
     "TikTok lets the account post nothing for a while."},
    {EVENT_ACCOUNT_GRANT_ENDING, "account_grant_ending", system_,
     "TikTok ends the connection soon; its people were told."},
    {EVENT_MEDIA_ADDED, "media_added", system_, "The file was uploaded."},
    {EVENT_MEDIA_READY, "media_ready", media, "The file was checked and can be posted."},
    {EVENT_MEDIA_REJECTED, "media_rejected", media,
     "The file was checked and cannot be posted."},
    {EVENT_MEDIA_CHANGED, "media_changed", system_, "The file's details were changed."},
    {EVENT_MEDIA_DELETED, "media_deleted", system_, "The file was deleted."},
};

static const struct words *words_of(int kind)
{
    static const struct words unknown = {0, "other", system_, "Something happened."};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].kind == kind)
            return &words[i];
    }
    return &unknown;
}

const char *event_kind_name(int kind)
{
    return words_of(kind)->name;
}

const char *event_text(int kind)
{
    return words_of(kind)->text;
}

/* TikTok's own words, of its webhooks and of the status that it was asked for. */
static const struct {
    const char *code;
    const char *sentence;
} tiktok_words[] = {
    {"PROCESSING_UPLOAD", "It processes what it was sent."},
    {"PROCESSING_DOWNLOAD", "It fetches the files."},
    {"SEND_TO_USER_INBOX", "It is in the account's inbox as a draft."},
    {"post.publish.complete", "It is posted."},
    {"post.publish.publicly_available", "Everybody can see it."},
    {"post.publish.no_longer_publicaly_available", "It is not public any more."},
    {"post.publish.no_longer_publicly_available", "It is not public any more."},
    {"post.publish.inbox_delivered", "It is in the account's inbox as a draft."},
    {"post.publish.failed", "It could not be posted."},
};

const char *event_why(const struct event_line *line)
{
    const struct reason *why = reason_find(line->code);

    if (why != NULL)
        return why->sentence;
    for (size_t i = 0; i < ARRAY_LEN(tiktok_words); i++) {
        if (strcmp(tiktok_words[i].code, line->code) == 0)
            return tiktok_words[i].sentence;
    }
    return NULL;
}

const char *event_actor(const struct event_line *line)
{
    if (line->user_id != 0)
        return line->by_token ? "api_client" : "person";
    return words_of(line->kind)->actor;
}

/* --- writing --------------------------------------------------------------------- */

static void write_data(const struct event *e, const char *log_id, struct strbuf *sb)
{
    char code[EVENT_CODE_SIZE], session[EVENT_SESSION_SIZE];
    struct jsonw w;

    text_copy(code, sizeof(code), e->code != NULL ? e->code : "");
    text_copy(session, sizeof(session), e->session != NULL ? e->session : "");
    jsonw_init(&w, sb);
    jsonw_object(&w);
    if (e->attempt != 0)
        jsonw_key_int(&w, "attempt", (int64_t)e->attempt);
    if (code[0] != '\0')
        jsonw_key_text(&w, "code", code);
    if (log_id[0] != '\0')
        jsonw_key_text(&w, "log_id", log_id);
    if (e->by_token)
        jsonw_key_text(&w, "via", "token");
    if (e->when_ms != 0)
        jsonw_key_int(&w, "when", e->when_ms);
    if (session[0] != '\0')
        jsonw_key_text(&w, "session", session);
    jsonw_end(&w);
}

void event_data(const struct event *event, char out[EVENT_DATA_MAX + 1])
{
    char log_id[EVENT_LOG_ID_SIZE];
    struct strbuf sb;

    text_copy(log_id, sizeof(log_id), event->log_id != NULL ? event->log_id : "");
    strbuf_init(&sb, EVENT_DATA_MAX);
    write_data(event, log_id, &sb);
    if (strbuf_failed(&sb)) { /* 64 bytes that all need escapes are nobody's log id */
        strbuf_reset(&sb);
        write_data(event, "", &sb);
    }
    text_copy(out, EVENT_DATA_MAX + 1, strbuf_failed(&sb) || sb.len <= 2 ? "" : sb.buf);
    strbuf_release(&sb);
}

enum rc event_add(struct db *db, const struct event *event, struct err *err)
{
    char data[EVENT_DATA_MAX + 1];

    assert((event->post_id != 0) + (event->account_id != 0) + (event->media_id != 0) ==
           1);
    event_data(event, data);
    {
        const struct sql_arg args[] = {sql_u64(event->workspace_id),
                                       sql_id(event->post_id),
                                       sql_id(event->account_id),
                                       sql_id(event->media_id),
                                       sql_i64(event->kind),
                                       sql_id(event->user_id),
                                       sql_u64(event->fence),
                                       sql_u64(event->inc),
                                       sql_text(data)};

        return db_exec(db,
                       "INSERT INTO job_event (workspace_id, post_id, account_id,"
                       " media_id, at, kind, user_id, fence, inc, data)"
                       " VALUES (?, ?, ?, ?, " SQL_NOW ", ?, ?, ?, ?, ?)",
                       SQL_ARGS(args), NULL, err);
    }
}

/* --- in the end ------------------------------------------------------------------- */

/* The first of the table are the oldest, so that nothing else is looked at. */
enum rc event_purge(struct db *db, int64_t *n, struct err *err)
{
    uint64_t first = 0;
    const struct sql_col cols[] = {COL_U64(&first)};
    bool found = false;
    enum rc rc = db_row(db, "SELECT MIN(event_id) FROM job_event", SQL_NONE,
                        SQL_COLS(cols), &found, err);
    const struct sql_arg args[] = {sql_u64(first + EVENT_PURGE_MAX),
                                   sql_i64(EVENT_KEPT_MS)};

    if (rc != RC_OK)
        return rc;
    return db_exec(db,
                   "DELETE FROM job_event WHERE event_id < ? AND at < " SQL_NOW " - ?",
                   SQL_ARGS(args), n, err);
}

/* --- a post's timeline ----------------------------------------------------------- */

static void read_text(const json_t *doc, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(doc, key));

    text_copy(out, size, text != NULL ? text : "");
}

/* What a line says beyond its columns; nothing when it is not ours to read. */
static void read_data(const char *data, struct event_line *line)
{
    json_t *doc = json_loads(data, JSON_REJECT_DUPLICATES, NULL);
    json_int_t attempt = json_integer_value(json_object_get(doc, "attempt"));
    json_int_t when = json_integer_value(json_object_get(doc, "when"));
    const char *via = json_string_value(json_object_get(doc, "via"));

    line->attempt = attempt > 0 && attempt <= UINT16_MAX ? (unsigned)attempt : 0;
    line->by_token = via != NULL && strcmp(via, "token") == 0;
    read_text(doc, "code", line->code, sizeof(line->code));
    read_text(doc, "log_id", line->log_id, sizeof(line->log_id));
    line->when_ms = when > 0 ? (int64_t)when : 0;
    read_text(doc, "session", line->session, sizeof(line->session));
    json_decref(doc);
}

struct timeline {
    struct event_line line;
    char data[EVENT_DATA_MAX * 4 + 1]; /* characters of utf8mb4 */
    struct event_page *page;
    size_t limit;
};

static enum rc add_line(void *ctx, struct err *err UNUSED)
{
    struct timeline *t = ctx;

    if (t->page->n == t->limit) {
        t->page->more = true;
        return RC_OK;
    }
    read_data(t->data, &t->line);
    t->page->lines[t->page->n++] = t->line;
    return RC_OK;
}

enum rc event_timeline(struct db *db, const struct event_query *query,
                       struct event_page *out, struct err *err)
{
    struct timeline t = {.page = out, .limit = query->limit};
    const struct sql_arg args[] = {sql_u64(query->post_id), sql_u64(query->workspace_id),
                                   sql_u64(query->after),
                                   sql_u64((uint64_t)query->limit + 1)};
    const struct sql_col cols[] = {COL_U64(&t.line.id),    COL_I64(&t.line.at_ms),
                                   COL_INT(&t.line.kind),  COL_U64(&t.line.user_id),
                                   COL_U64(&t.line.fence), COL_U64(&t.line.inc),
                                   COL_TEXT(t.data),       COL_TEXT(t.line.by)};

    assert(query->limit >= 1 && query->limit <= EVENT_PAGE_MAX);
    out->n = 0;
    out->more = false;
    return db_each(db,
                   "SELECT e.event_id, e.at, e.kind, e.user_id, e.fence, e.inc, e.data,"
                   " IF(u.name <> '', u.name, u.email) FROM job_event e"
                   " LEFT JOIN user u ON u.user_id = e.user_id"
                   " WHERE e.post_id = ? AND e.workspace_id = ? AND e.event_id > ?"
                   " ORDER BY e.event_id LIMIT ?",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_line, &t}, err);
}

/* --- the feed -------------------------------------------------------------------- */

struct feed {
    uint64_t event_id, post_id, account_id, media_id;
    struct event_feed *out;
    size_t lines;
};

static void forget(struct event_feed *out, const struct event_change *change)
{
    for (size_t i = 0; i < out->n; i++) {
        if (out->changes[i].id == change->id &&
            out->changes[i].subject == change->subject) {
            out->n--;
            (void)memmove(&out->changes[i], &out->changes[i + 1],
                          (out->n - i) * sizeof(out->changes[0]));
            return;
        }
    }
}

static enum rc add_change(void *ctx, struct err *err UNUSED)
{
    struct feed *f = ctx;
    struct event_change change = {EVENT_OF_POST, f->post_id};

    f->lines++;
    f->out->seq = f->event_id;
    if (f->lines > EVENT_FEED_MAX)
        return RC_OK;
    if (f->account_id != 0)
        change = (struct event_change){EVENT_OF_ACCOUNT, f->account_id};
    else if (f->media_id != 0)
        change = (struct event_change){EVENT_OF_MEDIA, f->media_id};
    forget(f->out, &change);
    f->out->changes[f->out->n++] = change;
    return RC_OK;
}

enum rc event_seq(struct db *db, uint64_t workspace_id, uint64_t *seq, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id)};
    const struct sql_col cols[] = {COL_U64(seq)};
    bool found = false;

    return db_row(db, "SELECT MAX(event_id) FROM job_event WHERE workspace_id = ?",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

static enum rc see_newest(void *ctx, struct err *err UNUSED)
{
    struct feed *f = ctx;

    if (f->event_id > f->out->seq)
        f->out->seq = f->event_id;
    return RC_OK;
}

/* The number to begin with. Numbers are given out before their lines are committed, so
 * one below the newest may still be on its way: a locking read waits for it. */
static enum rc settle(struct db *db, uint64_t workspace_id, struct event_feed *out,
                      struct err *err)
{
    struct feed f = {.out = out};
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_u64(SETTLE_MAX)};
    const struct sql_col cols[] = {COL_U64(&f.event_id)};

    return db_each(db,
                   "SELECT event_id FROM job_event WHERE workspace_id = ?"
                   " ORDER BY event_id DESC LIMIT ? LOCK IN SHARE MODE",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){see_newest, &f}, err);
}

enum rc event_feed(struct db *db, uint64_t workspace_id, uint64_t since,
                   struct event_feed *out, struct err *err)
{
    struct feed f = {.out = out};
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_u64(since),
                                   sql_u64(EVENT_FEED_MAX + 1)};
    const struct sql_col cols[] = {COL_U64(&f.event_id), COL_U64(&f.post_id),
                                   COL_U64(&f.account_id), COL_U64(&f.media_id)};
    uint64_t last = 0;
    enum rc rc;

    out->seq = since;
    out->n = 0;
    out->reset = false;
    if (since == 0)
        return settle(db, workspace_id, out, err);
    rc = db_each(db,
                 "SELECT event_id, post_id, account_id, media_id FROM job_event"
                 " WHERE workspace_id = ? AND event_id > ?"
                 " ORDER BY event_id LIMIT ? LOCK IN SHARE MODE",
                 SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_change, &f}, err);
    if (rc == RC_OK && f.lines == 0)
        rc = event_seq(db, workspace_id, &last, err);
    if (rc != RC_OK || (f.lines == 0 && last >= since) ||
        (f.lines > 0 && f.lines <= EVENT_FEED_MAX))
        return rc;
    /* Too far behind, or ahead of a database that was restored. */
    out->reset = true;
    out->n = 0;
    out->seq = 0;
    return settle(db, workspace_id, out, err);
}
