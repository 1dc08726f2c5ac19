#include "store/feed.h"

#include "core/strbuf.h"
#include "core/xalloc.h"
#include "domain/account.h"
#include "posts_priv.h"
#include "store/media.h"

#include <stdlib.h>

static const char deleted[] = "deleted";

struct naming {
    const struct event_feed *feed;
    const char **words;
    enum event_subject subject;
    uint64_t id;
    int number; /* of its status */
    struct account_standing standing;
    char reason[ACCOUNT_REASON_SIZE];
};

static const char *word_of(const struct naming *n)
{
    struct account_standing standing = n->standing;

    switch (n->subject) {
    case EVENT_OF_POST:
        return post_status_name((enum post_status)n->number);
    case EVENT_OF_MEDIA:
        return media_state_name((enum media_state)n->number);
    case EVENT_OF_ACCOUNT:
        standing.status = (enum account_status)n->number;
        standing.reason = n->reason;
        return account_word(&standing);
    }
    return deleted;
}

static enum rc name_one(void *ctx, struct err *err UNUSED)
{
    struct naming *n = ctx;

    for (size_t i = 0; i < n->feed->n; i++) {
        if (n->feed->changes[i].subject == n->subject && n->feed->changes[i].id == n->id)
            n->words[i] = word_of(n);
    }
    return RC_OK;
}

/* Statements up to "IN (", for each subject. */
#define NAME_POSTS                                                                       \
    "SELECT p.post_id, " POST_STATUS_SQL ", 0, 0, '' FROM post p"                        \
    " JOIN job j ON j.post_id = p.post_id" POST_ATTEMPT_SQL                              \
    " WHERE p.workspace_id = ? AND " POST_SHOWN_SQL " AND p.post_id IN ("
#define NAME_ACCOUNTS                                                                    \
    "SELECT account_id, status, refresh_expires_at, " SQL_NOW ", status_reason"          \
    " FROM account WHERE workspace_id = ? AND account_id IN ("
#define NAME_MEDIA                                                                       \
    "SELECT media_id, state, 0, 0, '' FROM media"                                        \
    " WHERE workspace_id = ? AND media_id IN ("

static const char *const begins[] = {
    [EVENT_OF_POST] = NAME_POSTS,
    [EVENT_OF_ACCOUNT] = NAME_ACCOUNTS,
    [EVENT_OF_MEDIA] = NAME_MEDIA,
};

static enum rc name_all(struct db *db, uint64_t workspace_id, struct naming *n,
                        struct sql_arg *args, struct err *err)
{
    const struct sql_col cols[] = {COL_U64(&n->id), COL_INT(&n->number),
                                   COL_I64(&n->standing.refresh_expires_ms),
                                   COL_I64(&n->standing.now_ms), COL_TEXT(n->reason)};
    size_t wanted = 0;
    struct strbuf sql;
    enum rc rc;

    args[0] = sql_u64(workspace_id);
    for (size_t i = 0; i < n->feed->n; i++) {
        if (n->feed->changes[i].subject == n->subject)
            args[1 + wanted++] = sql_u64(n->feed->changes[i].id);
    }
    if (wanted == 0)
        return RC_OK;
    strbuf_init(&sql, 8192);
    strbuf_addstr(&sql, begins[n->subject]);
    posts_add_places(&sql, wanted);
    strbuf_addc(&sql, ')');
    rc = db_each_once(db, sql.buf, (struct sql_args){args, 1 + wanted}, SQL_COLS(cols),
                      (struct db_rows){name_one, n}, err);
    strbuf_release(&sql);
    return rc;
}

enum rc feed_words(struct db *db, uint64_t workspace_id, const struct event_feed *feed,
                   const char *words[], struct err *err)
{
    struct naming n = {.feed = feed, .words = words};
    struct sql_arg *args = xcalloc(feed->n + 1, sizeof(*args));
    enum rc rc = RC_OK;

    for (size_t i = 0; i < feed->n; i++)
        words[i] = deleted;
    for (int s = EVENT_OF_POST; s <= EVENT_OF_MEDIA && rc == RC_OK; s++) {
        n.subject = (enum event_subject)s;
        rc = name_all(db, workspace_id, &n, args, err);
    }
    free(args);
    return rc;
}
