/* sandbox/publications.h - every init and what became of it: the ledger.
 *
 * A row is made by an init, grows with the chunks or with what the courier fetches
 * (pulls.h), and is committed by its last byte: one guarded UPDATE, so that of two
 * requests with the same last chunk one wins. What state it is in later is computed from
 * its times (rules.h). All functions but those that only read want a transaction. */
#ifndef SRC_SANDBOX_PUBLICATIONS_H
#define SRC_SANDBOX_PUBLICATIONS_H

#include "media_look.h"
#include "rules.h"
#include "sql.h"

#include <stdbool.h>

enum {
    PUBLISH_ID_SIZE = 65,   /* documented: at most 64 characters */
    UPLOAD_TOKEN_SIZE = 37, /* sizes are bytes with the NUL */
    PRIVACY_SIZE = 32,
    FAIL_REASON_SIZE = 48,
    FILE_NAME_SIZE = 40,
    CAPTION_SIZE = 3 * PHOTO_TEXT_UNITS_MAX + 1, /* bytes: three for a unit at most */
    TITLE_SIZE = 3 * PHOTO_TITLE_UNITS_MAX + 1,
};

/* What the post asked for beside caption and audience. */
enum publication_flag {
    FLAG_NO_COMMENT = 1,
    FLAG_NO_DUET = 2,
    FLAG_NO_STITCH = 4,
    FLAG_BRAND_CONTENT = 8,
    FLAG_BRAND_ORGANIC = 16,
    FLAG_AIGC = 32,
    FLAG_AUTO_MUSIC = 64,
};

struct publication {
    int64_t id; /* 0: there is none */
    char publish_id[PUBLISH_ID_SIZE];
    int64_t app_id;
    int64_t user_id;
    bool inbox;
    bool pulled;                /* fetched from addresses (pulls.h), not uploaded */
    int64_t photos;             /* pictures of the post; 0: it is a video */
    char caption[CAPTION_SIZE]; /* a photo post's description */
    char title[TITLE_SIZE];     /* of a photo post */
    char privacy[PRIVACY_SIZE]; /* "" for drafts */
    unsigned flags;
    int64_t cover_ms;    /* -1: none given */
    int64_t cover_index; /* of a photo post: which picture, from 0 */
    int64_t created_ms;
    struct chunk_plan plan; /* of what is fetched only the size, 0 until it is known */
    int64_t upload_id;
    char upload_token[UPLOAD_TOKEN_SIZE];
    int64_t upload_until_ms;   /* also the end of a fetch */
    int64_t received;          /* bytes so far */
    char file[FILE_NAME_SIZE]; /* below uploads/; "" when bytes were discarded; a photo
                                * post's cover */
    struct media_look media;   /* of the whole file; zeros when it was not looked at */
    int64_t committed_ms;      /* 0: not yet */
    int64_t committed_real_ms; /* by the machine's clock */
    int64_t ready_ms;
    int64_t public_ms; /* when a public post gets its id */
    int64_t post_id;
    int64_t posted_ms; /* a draft: when the person posted it; else as committed_ms */
    int64_t hidden_ms; /* when the person took it from the public; 0: they did not */
    bool discarded;    /* a draft: the person threw it away */
    bool stuck;
    char fail_reason[FAIL_REASON_SIZE];
    int64_t fail_ms;
    unsigned told; /* which webhooks have been made of it (webhook_rules.h) */
};

/* A number no other id of the simulator has; its top 32 bits are the seconds of now, as
 * in TikTok's ids. */
enum rc next_id(struct sql *sql, int64_t now_ms, int64_t *id, struct err *err) MUST_CHECK;

/* Stores an init. id, publish_id and the upload's id are made here. */
enum rc publication_add(struct sql *sql, struct publication *p,
                        struct err *err) MUST_CHECK;

/* All leave p->id 0 when there is none. */
enum rc publication_by_publish_id(struct sql *sql, const char *publish_id,
                                  struct publication *p, struct err *err) MUST_CHECK;
enum rc publication_by_upload_id(struct sql *sql, int64_t upload_id,
                                 struct publication *p, struct err *err) MUST_CHECK;
enum rc publication_by_post_id(struct sql *sql, int64_t post_id, struct publication *p,
                               struct err *err) MUST_CHECK;
enum rc publication_by_id(struct sql *sql, int64_t id, struct publication *p,
                          struct err *err) MUST_CHECK;

/* The bytes from p->received to the end of range have come. *won is false when somebody
 * else's came first or the upload was ended meanwhile. */
enum rc publication_receive(struct sql *sql, const struct publication *p,
                            const struct content_range *range, const char *file,
                            bool *won, struct err *err) MUST_CHECK;

/* The last byte came: what the file is and how long, its times, post id and fate, as
 * they stand in p. */
enum rc publication_commit(struct sql *sql, const struct publication *p,
                           struct err *err) MUST_CHECK;

/* What a person makes of a post that is there: privacy, post_id, public_ms, hidden_ms and
 * told, as they stand in p. */
enum rc publication_show(struct sql *sql, const struct publication *p,
                         struct err *err) MUST_CHECK;

/* Writes posted_ms, post_id, public_ms, discarded, stuck, fail_reason and fail_ms. */
enum rc publication_store(struct sql *sql, const struct publication *p,
                          struct err *err) MUST_CHECK;

/* What TikTok's caps count in the 24 hours before now_ms: a person's direct posts and
 * drafts that wait to be posted, by whatever app, and the other people for whom the app
 * posted. */
enum rc posts_of_day(struct sql *sql, int64_t user_id, int64_t now_ms, int64_t *n,
                     struct err *err) MUST_CHECK;
enum rc drafts_of_day(struct sql *sql, int64_t user_id, int64_t now_ms, int64_t *n,
                      struct err *err) MUST_CHECK;
enum rc others_of_day(struct sql *sql, int64_t app_id, int64_t user_id, int64_t now_ms,
                      int64_t *n, struct err *err) MUST_CHECK;

/* A person removed the app: what it sent and is not complete yet fails at now. */
enum rc publications_abandon(struct sql *sql, int64_t app_id, int64_t user_id,
                             int64_t now_ms, struct err *err) MUST_CHECK;

/* --- what is to be told of them ------------------------------------------------ */

/* Whatever changes one marks it; the courier looks at what is marked and what is due. */

/* One that is to be looked at by now_ms; p->id 0 when there is none. */
enum rc publication_to_tell(struct sql *sql, int64_t now_ms, struct publication *p,
                            struct err *err) MUST_CHECK;

/* Writes told, and that p is to be looked at again at tell_ms; INT64_MAX: when it
 * changes. */
enum rc publication_tell_later(struct sql *sql, const struct publication *p,
                               int64_t tell_ms, struct err *err) MUST_CHECK;

/* When the next one is to be looked at; INT64_MAX: none. */
enum rc publications_tell_ms(struct sql *sql, int64_t *tell_ms,
                             struct err *err) MUST_CHECK;

/* --- state --------------------------------------------------------------------- */

enum publication_state publication_state(const struct publication *p, int64_t now_ms);

/* The same in TikTok's word. */
const char *publication_status(const struct publication *p, int64_t now_ms);

/* The post can be seen by everyone and has its id. */
bool publication_public(const struct publication *p, int64_t now_ms);

/* It is, or will be, on the person's profile or in the inbox: every byte was taken and
 * nothing makes it fail. The ledger counts these. */
bool publication_counts(const struct publication *p);

/* --- reading many -------------------------------------------------------------- */

typedef void (*publication_fn)(void *ctx, const struct publication *p);

enum publication_which {
    PUBLICATIONS_ALL,
    PUBLICATIONS_OF_CAPTION,    /* text */
    PUBLICATIONS_OF_PUBLISH_ID, /* text */
    PUBLICATIONS_OF_USER,       /* user_id */
    PUBLICATIONS_PUBLIC,        /* those of user_id that everyone sees at now_ms */
    PUBLICATIONS_SHOWN,         /* those that are on a profile; user_id 0: anybody's */
};

/* What to list, newest first. */
struct publication_filter {
    enum publication_which which;
    const char *text;
    int64_t user_id;
    int64_t now_ms;
    int64_t before; /* only rows with a lower id, or, of the last two, that were posted
                     * before this instant; 0: from the newest on */
    int64_t limit;
    bool videos_only; /* of PUBLICATIONS_PUBLIC */
};

enum rc publications_each(struct sql *sql, const struct publication_filter *filter,
                          publication_fn each, void *ctx, struct err *err) MUST_CHECK;

#endif
