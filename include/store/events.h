/* store/events.h - what happened: a post's timeline, and the feed of changes.
 *
 * A line is written in the transaction that makes it true, and never changed. Its subject
 * is exactly one post, account or medium; its number orders all lines:
 *
 *     const struct event e = {.workspace_id = ws, .post_id = post,
 *                             .kind = EVENT_CANCELED, .user_id = user};
 *     rc = event_add(db, &e, err);
 *
 * Readers get the same facts back, a stable name, an actor and a plain sentence for the
 * kind; why (the code) is for the reader to put into words. */
#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "core/err.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers stored in job_event.kind: never reuse one. The name in the API is the
 * lower-case word after EVENT_. */
enum event_kind {
    /* A person, or a client acting for one, did something to a post. */
    EVENT_CREATED = 1,     /* as a draft or scheduled at once */
    EVENT_CHANGED = 2,     /* its content */
    EVENT_SCHEDULED = 3,   /* a draft, or what had ended, got a time */
    EVENT_MOVED = 4,       /* another time, nothing else */
    EVENT_CANCELED = 5,    /* before anything could go out */
    EVENT_HIDDEN = 6,      /* deleted from the lists */
    EVENT_PUBLISH_NOW = 7, /* due at once */
    EVENT_RETRIED = 8,     /* what had failed is tried again */
    EVENT_RESOLVED = 9,    /* a person decided a REVIEW; code says how */

    /* The publisher worked on a post. */
    EVENT_CLAIMED = 20,         /* a publisher took it */
    EVENT_INTENT = 21,          /* about to open a session at TikTok */
    EVENT_SESSION_OPENED = 22,  /* TikTok gave a publish_id */
    EVENT_CHUNKS_SENT = 23,     /* all but the part that publishes */
    EVENT_GRANTED = 24,         /* the point of no return: the last part may be sent */
    EVENT_LAST_CHUNK_SENT = 25, /* TikTok has every byte */
    EVENT_STATUS = 26,          /* TikTok's status is another; code is its word */
    EVENT_PUBLISHED = 27,       /* TikTok confirmed; code is its word */
    EVENT_ATTEMPT_DEAD = 28,    /* that session can never complete */
    EVENT_LATER = 29,           /* it will be tried again: when */
    EVENT_FAILED = 30,
    EVENT_BLOCKED = 31,     /* a person must act on the account first */
    EVENT_REVIEW = 32,      /* a person must look and decide */
    EVENT_RELEASED = 33,    /* given back: that publisher shuts down */
    EVENT_HANDED_OVER = 34, /* the same, after the grant */
    EVENT_UNBLOCKED = 35,   /* the account is connected again: scheduled anew */
    EVENT_CRASHED = 36,     /* the publisher that held it died */
    EVENT_WEBHOOK = 37,     /* TikTok told of it by itself; code is the event's name */
    EVENT_PUT_OFF = 38,     /* moved for a limit of the account: code, when */
    EVENT_OVERDUE = 39,     /* its time has passed and no publisher takes it */
    EVENT_GIVEN_UP = 40,    /* failed: the next try would be later than it may be */
    EVENT_DROPPED = 41,     /* its publisher let go of it: no database, or no time */
    EVENT_HELD_BACK = 42,   /* it waits for a second copy of its grant: code says which */

    EVENT_ACCOUNT_CONNECTED = 60,
    EVENT_ACCOUNT_RECONNECTED = 61,
    EVENT_ACCOUNT_RECONNECT_NEEDED = 62,
    EVENT_ACCOUNT_DISCONNECTED = 63,
    EVENT_ACCOUNT_CHANGED = 64,
    EVENT_ACCOUNT_LIMITED = 65,      /* TikTok lets it post nothing for a while */
    EVENT_ACCOUNT_GRANT_ENDING = 66, /* people were told that its grant ends */

    EVENT_MEDIA_ADDED = 80,
    EVENT_MEDIA_READY = 81,
    EVENT_MEDIA_REJECTED = 82,
    EVENT_MEDIA_CHANGED = 83,
    EVENT_MEDIA_DELETED = 84,
};

enum {
    EVENT_CODE_SIZE = 65,   /* bytes of a code with its NUL; longer ones are cut */
    EVENT_LOG_ID_SIZE = 65, /* of TikTok's log id, likewise */
    EVENT_SESSION_SIZE = 97,
    EVENT_BY_SIZE = 481,
    EVENT_DATA_MAX = 400, /* bytes of job_event.data */
    EVENT_PAGE_MAX = 100, /* lines of one page of a timeline */
    EVENT_FEED_MAX = 500, /* lines the feed looks back over; who is further behind
                           * must load everything again */
};

/* A line to be written. What is zero or NULL is not said. */
struct event {
    uint64_t workspace_id;
    uint64_t post_id, account_id, media_id; /* exactly one */
    enum event_kind kind;
    uint64_t user_id; /* who did it; 0: no person */
    bool by_token;    /* through the API with a token, not in the dashboard */
    uint64_t fence, inc;
    unsigned attempt;
    const char *code;    /* stable reason, or TikTok's status word */
    const char *log_id;  /* TikTok's */
    int64_t when_ms;     /* the time that the post was given, or of its next try */
    const char *session; /* SESSION_OPENED: TikTok's publish_id */
};

/* Writes a line. Inside the caller's transaction, as its last statement if possible. */
enum rc event_add(struct db *db, const struct event *event, struct err *err) MUST_CHECK;

/* The job_event.data of an event: {"attempt":1,"code":"…","log_id":"…","via":"token",
 * "when":1764147600000,"session":"…"} without what is not said. For statements that write
 * lines by themselves. */
void event_data(const struct event *event, char out[EVENT_DATA_MAX + 1]);

/* A line as read. */
struct event_line {
    uint64_t id;
    int64_t at_ms;
    int kind; /* of enum event_kind; one of a newer program may be among them */
    uint64_t user_id;
    char by[EVENT_BY_SIZE]; /* that person's name, or their address if they have none */
    bool by_token;
    uint64_t fence, inc;
    unsigned attempt;
    char code[EVENT_CODE_SIZE];
    char log_id[EVENT_LOG_ID_SIZE];
    int64_t when_ms;
    char session[EVENT_SESSION_SIZE];
};

/* A page of a post's timeline, oldest first. A post of another workspace has none. */
struct event_query {
    uint64_t workspace_id, post_id;
    uint64_t after; /* lines after this number; 0: from the first */
    size_t limit;   /* 1..EVENT_PAGE_MAX */
};
struct event_page {
    struct event_line lines[EVENT_PAGE_MAX];
    size_t n;
    bool more; /* there are others after the last of these */
};
enum rc event_timeline(struct db *db, const struct event_query *query,
                       struct event_page *out, struct err *err) MUST_CHECK;

/* What the feed names; its status now is read from where it lives. */
enum event_subject { EVENT_OF_POST, EVENT_OF_ACCOUNT, EVENT_OF_MEDIA };
struct event_change {
    enum event_subject subject;
    uint64_t id;
};

/* The workspace's changes after the line number since; 0: none, only where to begin.
 * seq is the number to come back with; equal to since, nothing has happened. A line that
 * is being written at this moment is waited for (it takes ms), so that none is passed
 * over. reset: too much has happened, load everything again. Each subject once, in the
 * order of its last line. */
struct event_feed {
    uint64_t seq;
    bool reset;
    struct event_change changes[EVENT_FEED_MAX];
    size_t n;
};
enum rc event_feed(struct db *db, uint64_t workspace_id, uint64_t since,
                   struct event_feed *out, struct err *err) MUST_CHECK;

/* The cheap question before event_feed(): the number of the workspace's last line. */
enum rc event_seq(struct db *db, uint64_t workspace_id, uint64_t *seq,
                  struct err *err) MUST_CHECK;

/* Lines are kept for longer than a post can be scheduled ahead, so that the story of one
 * that is still to come has its beginning. Deletes some that are older, the oldest first;
 * *n: how many, 0 when there are no more. */
#define EVENT_KEPT_MS INT64_C(34560000000) /* 400 days */
enum { EVENT_PURGE_MAX = 1000 };
enum rc event_purge(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

/* Words for a line, also for kinds that this program does not know. The actor is one of
 * person, api_client, publisher, media, tiktok and system. */
const char *event_kind_name(int kind);
const char *event_actor(const struct event_line *line);
const char *event_text(int kind);                     /* one sentence */
const char *event_why(const struct event_line *line); /* another, or NULL */

#endif
