/* store/posts.h - the API's side of posts: create, show, change, cancel.
 *
 * A post is three rows written together: post (what the person owns), post_media (the
 * files, in order) and job (its hot half, which publishers claim; store/jobs.h). Every
 * write here is one transaction with one line of the post's timeline in it. What decides
 * is one guarded UPDATE of the job: it names the state it saw, and matching no row means
 * that a publisher or another person was faster; then the row is read again and the
 * answer is exact (docs/publishing.md). Locks are taken in the order account, media, job,
 * attempt, post.
 *
 * Every function names the workspace: a post of another one, or one that was deleted, is
 * RC_NOT_FOUND "not_found". Writes take the version that the client saw (0: any) and
 * answer RC_CONFLICT: "version_mismatch"; "wrong_status", "too_late" or "outcome_unknown"
 * when the post does not stand so that it could be done (domain/status.h). RC_UNCERTAIN:
 * the connection broke in COMMIT; read the post again. Times are ms UTC of the database's
 * clock. */
#ifndef STORE_POSTS_H
#define STORE_POSTS_H

#include "core/err.h"
#include "domain/media.h"
#include "domain/post.h"
#include "domain/status.h"
#include "store/audit.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POST_PAGE_MAX = 100,             /* posts of one page of a list */
    POST_CALENDAR_MAX = 2000,        /* entries of one calendar */
    POST_CALENDAR_CHARS = 120,       /* of the caption in one */
    POST_CREATOR_FRESH_MS = 300000,  /* a creator_info older than this judges nothing */
    POST_KEY_LIFE_MS = 86400000,     /* an idempotency key is kept so long */
    POST_TIKTOK_ID_SIZE = 25,        /* bytes of one of TikTok's post ids with its NUL */
    POST_REASON_SIZE = 65,           /* of job.last_reason, likewise */
    POST_CAPTION_EXCERPT_SIZE = 481, /* POST_CALENDAR_CHARS of four bytes and a NUL */
};

/* A file as a post shows it. */
struct post_medium {
    uint64_t id;
    enum media_kind kind;
    int state; /* of enum media_state, never MEDIA_DELETED */
    char *filename;
    int64_t duration_ms; /* 0: not known; width and height likewise */
    int width, height;
    bool has_thumb;
};

struct post {
    uint64_t id;
    struct post_content content;
    char *nickname, *username; /* of the account; "": not known */
    struct post_medium *media; /* those of content.media_ids that are not deleted */
    size_t media_n;

    enum post_phase phase;
    char reason[POST_REASON_SIZE]; /* job.last_reason */
    bool granted, sent, finished;  /* as in struct post_standing */
    enum post_visibility visibility;
    unsigned attempt_no;  /* of the newest attempt at TikTok; 0: none */
    uint32_t version;     /* +1 with every change by a person */
    uint32_t content_ver; /* +1 with every change of what TikTok would get */
    char tiktok_post_id[POST_TIKTOK_ID_SIZE]; /* the first; "": not known */
    int64_t list_at_ms;                       /* its place in the order "soonest" */
    bool waits_turn;      /* posts of its account were before it, see domain/status.h */
    int64_t limited_ms;   /* a limit of TikTok's moved it to then; 0: none has */
    int64_t next_at_ms;   /* when a publisher must look at it; INT64_MAX: never */
    int64_t published_ms; /* 0: not */
    int64_t created_ms, updated_ms;
    int64_t now_ms; /* when this was read */
};

void posts_release(struct post *post); /* a zeroed one is fine */

/* How it stands, for domain/status.h. Borrows the post's texts. */
struct post_standing posts_standing(const struct post *post);

/* RC_CONFLICT as above when the deed cannot be done as the post stands, or version is
 * another one (0: any). The writes below ask this themselves. */
enum rc posts_may(const struct post *post, enum post_deed deed, uint32_t version,
                  struct err *err) MUST_CHECK;

/* --- reading ------------------------------------------------------------------------ */

/* The caller releases *out. */
enum rc posts_get(struct db *db, uint64_t workspace_id, uint64_t post_id,
                  struct post *out, struct err *err) MUST_CHECK;

enum post_order {
    POST_NEWEST,  /* by id, falling */
    POST_SOONEST, /* by time and id, rising; posts without a time last */
};
struct post_query {
    uint64_t workspace_id;
    uint64_t account_id; /* 0: all accounts */
    unsigned statuses;   /* 1 << enum post_status of each wanted; 0: all */
    enum post_order order;
    bool first;        /* from the beginning; else behind the post */
    int64_t after_at;  /*   with this list_at_ms (POST_SOONEST) */
    uint64_t after_id; /*   and this id */
    size_t limit;      /* 1..POST_PAGE_MAX */
};

/* Writes up to limit posts to out, which the caller releases one by one; *more: there are
 * others behind the last of them. */
enum rc posts_list(struct db *db, const struct post_query *query, struct post *out,
                   size_t *n, bool *more, struct err *err) MUST_CHECK;

/* What a calendar shows of a post. */
struct post_entry {
    uint64_t id, account_id;
    enum post_kind kind;
    enum post_status status;
    char caption[POST_CAPTION_EXCERPT_SIZE]; /* its first POST_CALENDAR_CHARS */
    int64_t publish_at_ms;
    char timezone[ZONE_NAME_SIZE];
    uint64_t thumb_media_id; /* 0: there is no thumbnail */
};
struct post_span {
    uint64_t workspace_id;
    uint64_t account_id;    /* 0: all */
    int64_t from_ms, to_ms; /* from <= publish_at < to */
};

/* Everything with a time in the span, by time, at most POST_CALENDAR_MAX entries: each()
 * is called for one after the other and must not use db. *more: there were others. */
typedef void (*post_entry_fn)(void *ctx, const struct post_entry *entry);
enum rc posts_calendar(struct db *db, const struct post_span *span, post_entry_fn each,
                       void *ctx, bool *more, struct err *err) MUST_CHECK;

/* The workspace in numbers. */
struct post_counts {
    uint64_t of[STATUS_COUNT];
    uint64_t files_at_work; /* being checked */
    int64_t next_due_ms;    /* of the scheduled post that is first; 0: there is none */
    int64_t now_ms;
};
enum rc posts_count(struct db *db, uint64_t workspace_id, struct post_counts *out,
                    struct err *err) MUST_CHECK;

/* What may keep a scheduled post from going out at its time, as far as is known: no
 * reason to refuse it. */
struct post_warnings {
    int64_t grant_ends_ms;   /* the account's connection ends before its time; 0: not */
    int64_t paused_until_ms; /* a limit holds the account up beyond its time; 0: not */
    bool beyond_cap; /* as many are planned in the 24 h before it as TikTok takes */
    unsigned cap;    /* which is so many; 0: not known */
};
enum rc posts_warnings(struct db *db, uint64_t workspace_id, const struct post *post,
                       struct post_warnings *out, struct err *err) MUST_CHECK;

/* --- writing ------------------------------------------------------------------------ */

/* An Idempotency-Key: what it is (hash of route and key) and what it was sent with (hash
 * of the body). */
struct post_key {
    unsigned char key[32]; /* a post keeps the first 16 */
    unsigned char body[32];
};

/* What a post stands on, read under shared locks in the transaction that writes it, so
 * that neither account nor file can change in between. */
struct post_basis {
    struct post_ground ground; /* all but intent and zone_known, which the caller adds */
    bool account_usable;       /* connected, or its access lasts for a while */
    int64_t posts_until_ms;    /* account_posts_until() */
};

/* Judges a post before it is written; anything but RC_OK ends the write with that. It may
 * be called again when the transaction is, and must not use db. */
typedef enum rc (*post_check_fn)(void *ctx, const struct post_content *content,
                                 struct post_basis *basis, struct err *err);

struct post_new {
    const struct actor *actor;
    const struct post_content *content; /* with a time it is scheduled, else a draft */
    uint64_t duplicate_of;              /* 0: of none */
    const struct post_key *key;         /* NULL: none */
    post_check_fn check;
    void *ctx;
};

/* Stores a post. RC_CONFLICT "duplicate": the key is another request's, just now; ask
 * posts_by_key(). The caller releases *out. */
enum rc posts_create(struct db *db, const struct post_new *in, struct post *out,
                     struct err *err) MUST_CHECK;

/* The post that was made with that key in the last 24 h. RC_INVALID
 * "idempotency_key_reused": with another body; RC_NOT_FOUND: it was deleted meanwhile. */
enum rc posts_by_key(struct db *db, uint64_t workspace_id, const struct post_key *key,
                     struct post *out, bool *found, struct err *err) MUST_CHECK;

/* Makes what a person wants of a copy of the post as it stands; may be called again. */
typedef enum rc (*post_edit_fn)(void *ctx, const struct post *was,
                                struct post_content *content, struct err *err);

struct post_change {
    const struct actor *actor;
    uint64_t post_id;
    uint32_t version;    /* 0: any */
    enum post_deed deed; /* CHANGE, SCHEDULE, PUBLISH_NOW or RETRY */
    post_edit_fn edit;
    post_check_fn check;        /* of what edit() made */
    void *ctx;                  /* of both */
    const struct post_key *key; /* NULL: none; not for CHANGE */
};

/* CHANGE leaves the status as it is; the others make the post scheduled, PUBLISH_NOW and
 * RETRY with the present as its time. A change of content writes off what TikTok has of
 * the old one and, on a post that waits for a person, lets nothing but scheduling it
 * again set it off. *replayed: the key had done this before. The caller releases *out,
 * the post as it is now. */
enum rc posts_change(struct db *db, const struct post_change *change, struct post *out,
                     bool *replayed, struct err *err) MUST_CHECK;

/* Which post a write means: as the client saw it. */
struct post_ref {
    uint64_t post_id;
    uint32_t version; /* 0: any */
};

/* RC_OK is a promise: this version of the post is not published. Take the witness before
 * (queue/queue.h). */
enum rc posts_cancel(struct db *db, const struct actor *actor, struct post_ref ref,
                     struct post *out, struct err *err) MUST_CHECK;

/* A person says what became of a post whose outcome is unknown. */
struct post_verdict {
    bool published;
    const char *tiktok_post_id; /* of what was found there; NULL: not known */
};
enum rc posts_resolve(struct db *db, const struct actor *actor, struct post_ref ref,
                      const struct post_verdict *verdict, struct post *out,
                      struct err *err) MUST_CHECK;

/* Takes a draft, a canceled or a failed post out of all lists; its ledger stays. */
enum rc posts_hide(struct db *db, const struct actor *actor, struct post_ref ref,
                   struct err *err) MUST_CHECK;

#endif
