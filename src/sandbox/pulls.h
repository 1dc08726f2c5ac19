/* sandbox/pulls.h - the files of a publication that are fetched, one row each.
 *
 * Made by an init, together with the publication: one for a video, one for each picture
 * of a photo post. The courier takes what is due, one after another, and writes back what
 * became of it; a row whose fetch was cut short by the courier's death is due again. The
 * publication is committed when all of its rows are PULL_HERE, in the transaction that
 * writes the last. All functions belong inside a transaction unless they only read. */
#ifndef SRC_SANDBOX_PULLS_H
#define SRC_SANDBOX_PULLS_H

#include "publications.h"
#include "pull_rules.h"

enum pull_state {
    PULL_WAITS,
    PULL_UNDER_WAY,
    PULL_HERE,
    PULL_OVER, /* it will not come: its publication has ended */
};

struct pull {
    int64_t publication_id; /* 0: there is none */
    int64_t item;           /* from 0; the picture's place in the post */
    char url[PULL_URL_SIZE];
    bool lifted; /* spelled out in the properties: plain http and any address are meant */
    enum pull_state state;
    int64_t due_ms;                 /* not before; of the simulator's clock */
    int64_t received;               /* bytes of the file so far */
    int64_t size;                   /* as the host said; -1: it did not */
    int64_t breaks;                 /* attempts that broke off */
    int64_t busy;                   /* answers of 429 and 503 */
    int64_t rounds;                 /* whole fetches, when more than one is wanted */
    int64_t gets, heads;            /* requests that were sent, of all attempts */
    int64_t status;                 /* of the last answer; 0: none came */
    char file[FILE_NAME_SIZE];      /* below uploads/, when it is here and kept */
    struct media_look look;         /* likewise */
    char failure[FAIL_REASON_SIZE]; /* what is wrong with the file; "": nothing */

    /* Of its publication. */
    int64_t user_id;
    bool photo;
    int64_t until_ms; /* given up then */
};

/* The addresses of an init, borrowed from its body. */
struct pull_urls {
    size_t len; /* 0: nothing is fetched, the app uploads */
    const char *url[PHOTO_IMAGES_MAX];
    bool lifted[PHOTO_IMAGES_MAX];
};

/* Adds the rows of a new publication, due at due_ms. */
enum rc pulls_add(struct sql *sql, const struct publication *p,
                  const struct pull_urls *urls, int64_t due_ms,
                  struct err *err) MUST_CHECK;

/* When the next is due, or given up, of all that are wanted; INT64_MAX: never. */
enum rc pulls_next(struct sql *sql, int64_t *due_ms, int64_t *until_ms,
                   struct err *err) MUST_CHECK;

/* Takes the one that is due longest, with no more than parallel of its publication under
 * way; pull->publication_id 0 when there is none. */
enum rc pull_take(struct sql *sql, int64_t now_ms, int64_t parallel, struct pull *pull,
                  struct err *err) MUST_CHECK;

/* The courier has begun anew: nothing is under way. */
enum rc pulls_release(struct sql *sql, struct err *err) MUST_CHECK;

/* Writes everything but the address and what belongs to the publication, and adds up the
 * publication's bytes. */
enum rc pull_store(struct sql *sql, const struct pull *pull, struct err *err) MUST_CHECK;

/* The same for the bytes alone, while they come. *wanted is false when the publication
 * was canceled or deleted, or hangs (stuck): the fetch shall end. */
enum rc pull_progress(struct sql *sql, const struct pull *pull, bool *wanted,
                      struct err *err) MUST_CHECK;

/* The publication has ended: what waits or is under way will not come. Rows of one that
 * ended without this are passed over as well, at some cost. */
enum rc pulls_end(struct sql *sql, int64_t publication_id, struct err *err) MUST_CHECK;

/* How many of a publication's rows are not PULL_HERE. */
enum rc pulls_missing(struct sql *sql, int64_t publication_id, int64_t *n,
                      struct err *err) MUST_CHECK;

/* What was not here in time fails. */
enum rc pulls_give_up(struct sql *sql, int64_t now_ms, struct err *err) MUST_CHECK;

/* The rows of a publication, in order. */
typedef void (*pull_fn)(void *ctx, const struct pull *pull);
enum rc pulls_each(struct sql *sql, int64_t publication_id, pull_fn each, void *ctx,
                   struct err *err) MUST_CHECK;

/* The reason that a publication fails for whose files could not be fetched. */
const char *pull_fail_reason(bool photo);

#endif
