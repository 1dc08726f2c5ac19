/* GET /api/v1/changes - what changed since a sequence number; cheap polling. */
#include "changes.h"
#include "../live/alarms.h"

#include "core/parse.h"
#include "core/xalloc.h"
#include "store/events.h"
#include "store/feed.h"
#include "store/notifications.h"
#include "store/posts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { /* when to ask again */
       BUSY_MS = 3000,
       NORMAL_MS = 15000,
       IDLE_MS = 60000,
};

/* --- the question -------------------------------------------------------------- */

struct question {
    uint64_t since;
    bool asked; /* since was there */
};

static enum rc read_since(const struct api_request *req, struct question *q,
                          struct err *err)
{
    char text[24];
    int64_t n = 0;
    enum rc rc = web_query(req->web, "since", text, sizeof(text), &q->asked, err);

    if (rc == RC_OK && q->asked && !parse_i64(text, 0, INT64_MAX, &n))
        rc = err_field(err, "since", "invalid", "since must be a seq of an answer.");
    q->since = (uint64_t)n;
    return rc;
}

/* The number in If-None-Match: what we gave as an ETag, which a proxy may have made weak.
 * Anything else just fits nothing. */
static bool read_known(const struct api_request *req, uint64_t *seq)
{
    const char *text = web_header(req->web, "If-None-Match");
    size_t len;
    int64_t n = 0;

    if (text != NULL && strncmp(text, "W/", 2) == 0)
        text += 2;
    len = text != NULL ? strlen(text) : 0;
    if (len < 3 || text[0] != '"' || text[len - 1] != '"' ||
        !parse_i64_slice(text + 1, len - 2, 0, INT64_MAX, &n))
        return false;
    *seq = (uint64_t)n;
    return true;
}

/* --- the answer ---------------------------------------------------------------- */

/* What is being worked on at this moment. */
static uint64_t inflight(const struct post_counts *c)
{
    return c->of[STATUS_PREPARING] + c->of[STATUS_PUBLISHING] + c->of[STATUS_PROCESSING] +
           c->files_at_work;
}

static int next_ms(const struct post_counts *c)
{
    if (inflight(c) > 0)
        return BUSY_MS;
    if (c->next_due_ms == 0)
        return IDLE_MS;
    return c->next_due_ms - c->now_ms < NORMAL_MS ? BUSY_MS : NORMAL_MS;
}

/* When the first scheduled post is due. A 304 says nothing of it, so whoever asks must
 * know beforehand from when on to ask more often. */
static void write_due(struct jsonw *w, const struct post_counts *c)
{
    int64_t ms = c->next_due_ms - c->now_ms;

    jsonw_key(w, "due_in_ms");
    if (c->next_due_ms == 0)
        jsonw_null(w);
    else
        jsonw_int(w, ms > 0 ? ms : 0);
}

static const char *subject_name(enum event_subject subject)
{
    switch (subject) {
    case EVENT_OF_ACCOUNT:
        return "account";
    case EVENT_OF_MEDIA:
        return "media";
    case EVENT_OF_POST:
        break;
    }
    return "post";
}

static void write_changed(struct jsonw *w, const struct event_feed *feed,
                          const char *const words[])
{
    jsonw_key(w, "changed");
    jsonw_array(w);
    for (size_t i = 0; i < feed->n; i++) {
        jsonw_object(w);
        jsonw_key_text(w, "type", subject_name(feed->changes[i].subject));
        jsonw_key_id(w, "id", feed->changes[i].id);
        jsonw_key_text(w, "status", words[i]);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_counts(struct jsonw *w, const struct post_counts *c)
{
    jsonw_key(w, "counts");
    jsonw_object(w);
    for (int s = 0; s < STATUS_COUNT; s++)
        jsonw_key_int(w, post_status_name((enum post_status)s), (int64_t)c->of[s]);
    jsonw_end(w);
    jsonw_key_int(w, "inflight", (int64_t)inflight(c));
    jsonw_key_int(w, "next_ms", next_ms(c));
    write_due(w, c);
}

/* An answer's worth of memory. */
struct changes {
    struct event_feed feed;
    const char *words[EVENT_FEED_MAX];
    struct post_counts counts;
    const struct alarms *alarms;
    int64_t unread;
};

static void write_answer(struct web_response *res, const struct changes *c)
{
    const struct event_feed *feed = &c->feed;
    char seq[24];
    struct jsonw w;

    (void)snprintf(seq, sizeof(seq), "%" PRIu64, feed->seq);
    api_etag(res, feed->seq);
    web_json_begin(res, 200, &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "seq", seq);
    jsonw_key_bool(&w, "reset", feed->reset);
    write_changed(&w, feed, c->words);
    write_counts(&w, &c->counts);
    alarms_write(&w, c->alarms);
    jsonw_key_int(&w, "unread", c->unread);
    jsonw_end(&w);
}

/* --- the whole ----------------------------------------------------------------- */

static enum rc gather(struct api *api, const struct api_request *req,
                      const struct question *q, struct changes *c, struct err *err)
{
    uint64_t workspace_id = req->who.workspace_id;
    enum rc rc = event_feed(api->db, workspace_id, q->since, &c->feed, err);

    /* Who began when there was nothing has missed the beginning. */
    if (rc == RC_OK && q->asked && q->since == 0 && c->feed.seq > 0)
        c->feed.reset = true;
    if (rc == RC_OK)
        rc = feed_words(api->db, workspace_id, &c->feed, c->words, err);
    if (rc == RC_OK)
        rc = posts_count(api->db, workspace_id, &c->counts, err);
    if (rc == RC_OK)
        rc =
            notification_unread(api->db, workspace_id, req->who.user_id, &c->unread, err);
    return rc;
}

enum rc changes_handle(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err)
{
    uint64_t workspace_id = req->who.workspace_id;
    struct question q = {0, false};
    uint64_t known = 0, seq = 0;
    struct changes *c;
    enum rc rc = read_since(req, &q, err);

    /* An alarm is told whether or not anything has happened. */
    if (rc == RC_OK && alarms_now(api)->n == 0 && read_known(req, &known)) {
        rc = event_seq(api->db, workspace_id, &seq, err);
        if (rc == RC_OK && seq == known) {
            api_etag(res, seq);
            web_empty(res, 304, NULL);
            return RC_OK;
        }
    }
    if (rc != RC_OK)
        return rc;
    c = xcalloc(1, sizeof(*c));
    c->alarms = alarms_now(api);
    rc = gather(api, req, &q, c, err);
    if (rc == RC_OK)
        write_answer(res, c);
    free(c);
    return rc;
}
