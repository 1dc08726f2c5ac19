/* sandbox/pull_rules.h - PULL_FROM_URL: which addresses TikTok fetches from, and what an
 * answer from there means. Decisions without I/O.
 *
 * An app's owner has shown that some addresses are theirs: a domain, which covers its
 * subdomains and all paths, or the beginning of an address, compared letter by letter.
 * Here they stand in a list with commas between:
 *
 *     media.example.com,https://example.org/posts/,http://127.0.0.1:8080/m/
 *
 * The last form, plain http or an address of this machine, is the simulator's own: the
 * local stack has no TLS. It counts only where it is spelled out. */
#ifndef SRC_SANDBOX_PULL_RULES_H
#define SRC_SANDBOX_PULL_RULES_H

#include "core/attr.h"
#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PULL_URL_SIZE = 2048,        /* bytes of an address, with its NUL */
    PULL_PROPERTIES_SIZE = 4096, /* bytes of the list */
    PULL_PHOTO_MAX = 20000000,   /* bytes; documented: 20 MB a picture */
    PULL_BREAKS_MAX = 4,         /* broken connections until a file is given up */
    PULL_WAIT_MAX_MS = 60000,    /* between two attempts, but for a Retry-After */
};

#define PULL_VIDEO_MAX INT64_C(4000000000) /* bytes; documented: 4 GB, read strictly */

/* --- addresses ----------------------------------------------------------------- */

/* An absolute http or https address, not too long, without user, fragment, blanks or
 * controls, and without steps like "/../" in its path: what is compared is what will be
 * fetched. */
bool pull_url_usable(const char *url) MUST_CHECK;

/* NULL when every entry of the list is a domain or a beginning that ends with a slash,
 * else what is wrong. An empty list is fine: nothing is covered. */
const char *properties_problem(const char *list) MUST_CHECK;

enum cover {
    COVER_NONE,
    COVER_DOMAIN, /* https, to public addresses only */
    COVER_PREFIX, /* spelled out: whatever it leads to is meant */
};

/* What covers a usable address, the stronger when there are two. */
enum cover properties_cover(const char *list, const char *url) MUST_CHECK;

/* --- attempts ------------------------------------------------------------------ */

/* How a request to the address ended. */
struct pull_outcome {
    enum rc rc;   /* of the transfer: RC_OK when an answer came, whatever it was */
    int status;   /* of the answer */
    bool ranged;  /* a part was asked for, and 206 brought it */
    bool too_big; /* it was broken off for that */
};

enum pull_verdict {
    PULL_TAKEN,   /* the bytes are here */
    PULL_BUSY,    /* 429 or 503: again, as long as there is time */
    PULL_BROKEN,  /* again, PULL_BREAKS_MAX times in all */
    PULL_REFUSED, /* it is over: a redirect, 404, a certificate that is not good */
};

enum pull_verdict pull_judge(const struct pull_outcome *outcome) MUST_CHECK;

/* How long to wait before attempt number tries + 1: twice as long each time, from
 * first_ms on, but never less than a Retry-After asked for. */
int64_t pull_wait_ms(int64_t first_ms, int64_t tries, int64_t retry_after_ms);

#endif
