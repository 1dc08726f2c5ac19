/* sandbox/rules.h - what TikTok takes and what it refuses: decisions without I/O.
 *
 * Numbers and sentences come from docs/tiktok.md (docs/sandbox.md names where the
 * simulator had to choose). Nothing here is shared with src/tiktok: a mistake made there
 * must not be made here as well. */
#ifndef SRC_SANDBOX_RULES_H
#define SRC_SANDBOX_RULES_H

#include "core/attr.h"
#include "core/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CAPTION_UNITS_MAX = 2200,    /* UTF-16 code units of a video's title */
    PHOTO_TITLE_UNITS_MAX = 90,  /* of a photo post's title */
    PHOTO_TEXT_UNITS_MAX = 4000, /* of its description */
    PHOTO_IMAGES_MAX = 35,       /* pictures of one post */
    CHUNK_COUNT_MAX = 1000,      /* chunks of one upload */
    CHUNK_SIZE_MIN = 5000000,    /* bytes; 5 MB, which may also mean MiB */
    CHUNK_SIZE_MAX = 67108864,   /* bytes; 64 MB read as MiB, the wider reading */
    CHUNK_LAST_SIZE_MAX = 2 * CHUNK_SIZE_MAX, /* the last one takes the remainder */
};

/* --- chunk plans --------------------------------------------------------------- */

struct chunk_plan {
    int64_t size; /* bytes of the whole file */
    int64_t chunk_size;
    int64_t count;
};

/* NULL when an init with this plan is right, else TikTok's message about it. */
const char *chunk_plan_problem(const struct chunk_plan *plan) MUST_CHECK;

/* The number (from 0) and the last byte of the chunk that begins at first, which must be
 * the beginning of one. */
int64_t chunk_number(const struct chunk_plan *plan, int64_t first);
int64_t chunk_last_byte(const struct chunk_plan *plan, int64_t first);

/* --- one chunk ----------------------------------------------------------------- */

struct content_range {
    int64_t first;
    int64_t last;
    int64_t total;
};

/* "bytes F-L/T" with F <= L < T, and nothing else. */
bool content_range_parse(const char *text, struct content_range *range) MUST_CHECK;

/* What a PUT said about itself; NULL and -1 for what it left out. */
struct put_headers {
    const char *content_type; /* without parameters, lower case */
    const char *content_range;
    int64_t content_length;
};

enum put_verdict {
    PUT_TAKE,   /* read the bytes */
    PUT_BAD,    /* 400 */
    PUT_BEHIND, /* 416: not the range that comes next */
};

/* Judges the headers of a PUT to an upload of which received bytes have come. On
 * PUT_TAKE *range is its range. */
enum put_verdict put_judge(const struct chunk_plan *plan, int64_t received,
                           const struct put_headers *headers,
                           struct content_range *range) MUST_CHECK;

/* --- scopes -------------------------------------------------------------------- */

enum scope {
    SCOPE_USER_BASIC = 1,
    SCOPE_USER_PROFILE = 2,
    SCOPE_USER_STATS = 4,
    SCOPE_VIDEO_LIST = 8,
    SCOPE_VIDEO_UPLOAD = 16,
    SCOPE_VIDEO_PUBLISH = 32,
    SCOPE_ALL = 63,
};

struct scope_words {
    enum scope scope;
    const char *name;    /* as in requests: "video.publish" */
    const char *meaning; /* as the consent page says it */
};

enum { SCOPE_COUNT = 6 };
extern const struct scope_words scope_table[SCOPE_COUNT];

/* Names with commas between, in any order, into a set of scopes. False when one is
 * unknown or the list is empty. */
bool scopes_parse(const char *text, unsigned *scopes) MUST_CHECK;

/* The other way, in the order of the table. */
void scopes_format(unsigned scopes, struct strbuf *out);

/* --- posts --------------------------------------------------------------------- */

/* Whether privacy_level is one of TikTok's words, and whether an account offers it. */
bool privacy_known(const char *level) MUST_CHECK;
bool privacy_offered(bool private_account, const char *level) MUST_CHECK;

/* The i-th option of an account, or NULL after the last. */
const char *privacy_option(bool private_account, size_t i);

enum publication_state {
    PUBLICATION_RECEIVING,  /* PROCESSING_UPLOAD or _DOWNLOAD, bytes are missing */
    PUBLICATION_PROCESSING, /* the same, all bytes are here */
    PUBLICATION_INBOX,      /* SEND_TO_USER_INBOX */
    PUBLICATION_COMPLETE,   /* PUBLISH_COMPLETE */
    PUBLICATION_FAILED,     /* FAILED */
};

/* What a publication's state follows from. Times are of the simulator's clock, 0 for
 * what has not happened. */
struct publication_facts {
    bool inbox;
    bool stuck;
    bool fails; /* a fail reason is set; it shows from fail_ms on */
    int64_t fail_ms;
    int64_t committed_ms; /* the last byte was taken */
    int64_t ready_ms;     /* processing ends */
    int64_t posted_ms;    /* a draft: the person posted it */
};

enum publication_state publication_state_at(const struct publication_facts *facts,
                                            int64_t now_ms);

/* As in TikTok's answers; pulled: the files are fetched. */
const char *publication_state_name(enum publication_state state, bool pulled);

/* The reasons a publication may fail for. */
bool fail_reason_known(const char *reason) MUST_CHECK;

/* --- redirect addresses -------------------------------------------------------- */

/* True when uri is one of list, with commas between, letter by letter. */
bool redirect_registered(const char *list, const char *uri) MUST_CHECK;

#endif
