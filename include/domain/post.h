/* domain/post.h - what a person writes, and what makes it right.
 *
 * post_content is a post in memory: the members of PostCreate and PostPatch in
 * docs/openapi.yaml. post_read() takes them from JSON, strictly; post_check() applies the
 * rules of tests/vectors/rules/README.md, which the dashboard applies too. Both are pure:
 * what they need to know of accounts, files, zones and the time is handed in. */
#ifndef DOMAIN_POST_H
#define DOMAIN_POST_H

#include "core/attr.h"
#include "core/err.h"
#include "domain/media.h"
#include "domain/zone.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers stored in post.kind and post.mode. */
enum post_kind { POST_VIDEO = 1, POST_PHOTO = 2 };
enum post_mode { POST_DIRECT = 1, POST_INBOX = 2 };

enum {
    POST_CAPTION_BYTES_MAX = 16384,  /* of a draft, which may be too long for TikTok */
    POST_TITLE_BYTES_MAX = 400,      /* likewise */
    POST_VIDEO_CAPTION_UNITS = 2200, /* UTF-16; source: docs/tiktok.md 5.2 */
    POST_PHOTO_CAPTION_UNITS = 4000, /* likewise */
    POST_TITLE_UNITS = 90,           /* likewise */
    POST_MEDIA_MAX = 35,             /* photos of a post; source: same */
    POST_MEDIA_ROOM = 36,            /* one more, so that a post can have too many */
    POST_PRIVACY_SIZE = 33,          /* bytes of an audience with its NUL */
    POST_CREATOR_PRIVACY_MAX = 8,    /* audiences kept; TikTok has four */
    POST_PROBLEMS_MAX = 20,          /* one a field */
};

#define POST_AHEAD_MS_MAX INT64_C(31536000000) /* 365 days of 24 h */
#define POST_COVER_MS_MAX 86400000             /* no video is a day long */

/* How late a post may go out before it is given up, in s. */
enum {
    POST_LATE_S = 21600, /* where nothing is said: 6 h */
    POST_LATE_S_MIN = 60,
    POST_LATE_S_MAX = 7 * 86400,
};

struct post_content {
    uint64_t account_id; /* 0: none */
    enum post_kind kind;
    enum post_mode mode;
    uint64_t media_ids[POST_MEDIA_ROOM]; /* in order, no two alike */
    size_t media_n;
    char *caption;                         /* owned; never NULL after post_init() */
    char title[POST_TITLE_BYTES_MAX + 1];  /* "": none */
    char privacy_level[POST_PRIVACY_SIZE]; /* "": not chosen */
    bool allow_comment, allow_duet, allow_stitch;
    bool your_brand, branded_content; /* disclose */
    bool is_aigc, auto_add_music;
    int64_t cover_ms;              /* -1: not chosen */
    int cover_index;               /* -1: not chosen */
    int64_t publish_at_ms;         /* 0: no time */
    char timezone[ZONE_NAME_SIZE]; /* "": none */
    int64_t max_late_s;            /* POST_LATE_S_MIN..MAX */
    bool music_usage;              /* consent */
    bool branded_agreed;           /* consent.branded_content */
};

/* An empty post: a direct video without anything. Release it with post_release(). */
void post_init(struct post_content *content);
void post_release(struct post_content *content); /* a zeroed one is fine */

/* to, which is initialised, becomes equal to from. */
void post_copy(struct post_content *to, const struct post_content *from);

/* Which members a body has: bits for each. */
enum post_field {
    POST_HAS_ACCOUNT = 1 << 0,
    POST_HAS_KIND = 1 << 1,
    POST_HAS_MODE = 1 << 2,
    POST_HAS_MEDIA = 1 << 3,
    POST_HAS_CAPTION = 1 << 4,
    POST_HAS_TITLE = 1 << 5,
    POST_HAS_PRIVACY = 1 << 6,
    POST_HAS_COMMENT = 1 << 7,
    POST_HAS_DUET = 1 << 8,
    POST_HAS_STITCH = 1 << 9,
    POST_HAS_DISCLOSE = 1 << 10,
    POST_HAS_AIGC = 1 << 11,
    POST_HAS_MUSIC = 1 << 12,
    POST_HAS_COVER_MS = 1 << 13,
    POST_HAS_COVER_INDEX = 1 << 14,
    POST_HAS_TIME = 1 << 15,
    POST_HAS_ZONE = 1 << 16,
    POST_HAS_CONSENT = 1 << 17,
    POST_HAS_LATE = 1 << 18,
    POST_HAS_ALL = (1 << 19) - 1,
};

/* Takes over the members that json (an object) has and leaves the others as they are;
 * *has becomes the set of those there were. Only members whose bits are in allowed exist.
 * RC_INVALID names the first member that is not known ("unknown_field") or has not the
 * right type or size ("invalid", "caption_too_long", "title_too_long", "media_count");
 * content is then of no use but for post_release(). An audience or a zone of no known
 * name is text here: that is for post_check(). */
enum rc post_read(const json_t *json, unsigned allowed, struct post_content *content,
                  unsigned *has, struct err *err) MUST_CHECK;

/* How two versions of a post differ. */
bool post_same_time(const struct post_content *a, const struct post_content *b);

/* All that TikTok would get, the audience and the account with it; neither time nor
 * consent. */
bool post_same_content(const struct post_content *a, const struct post_content *b);

/* --- the rules -------------------------------------------------------------------- */

enum post_intent {
    POST_KEEP_DRAFT,  /* may be unfinished, but what is there must exist */
    POST_SCHEDULE,    /* all must be right, the time too */
    POST_PUBLISH_NOW, /* all but time and zone */
};

/* The part of creator_info that the rules read. */
struct post_creator {
    bool can_post;
    char privacy[POST_CREATOR_PRIVACY_MAX][POST_PRIVACY_SIZE];
    size_t privacy_n;
    bool comment_disabled, duet_disabled, stitch_disabled;
    int64_t max_video_s; /* 0: not said */
};

/* Reads creator_info as it is stored on the account or answered by the API (a missing
 * can_post means true). False when it is not that: then nothing is known. */
bool post_creator_read(const char *json, struct post_creator *creator) MUST_CHECK;

/* A file of the post. */
struct post_file {
    bool found; /* false: not in this workspace, or deleted */
    enum media_kind kind;
    bool ready, rejected; /* neither: on its way */
    int64_t duration_ms;  /* 0: not known */
};

struct post_ground {
    enum post_intent intent;
    int64_t now_ms;
    bool account_found; /* false: not in this workspace */
    bool direct_post;   /* the account's features */
    bool inbox;
    bool no_photos;                     /* this installation cannot post any */
    const struct post_creator *creator; /* NULL: not known, and not judged */
    const struct post_file *files;      /* those of media_ids, in their order */
    bool zone_known;                    /* the zone, if any, exists */
};

/* A finding: a key and a value of error.fields. Constants. */
struct post_problem {
    const char *field;
    const char *code;
};

/* All that is wrong, in the order of the form; at most one problem a field. Returns how
 * many. */
size_t post_check(const struct post_content *content, const struct post_ground *ground,
                  struct post_problem out[POST_PROBLEMS_MAX]);

/* --- words and numbers ------------------------------------------------------------ */

const char *post_kind_name(enum post_kind kind); /* "video", "photo" */
const char *post_mode_name(enum post_mode mode); /* "direct", "inbox" */

enum {
    POST_LEAD_BURST_MS = 30000, /* of an upload: so that thousands that are due in the
                                 * same second are all prepared before it */
    POST_LEAD_MAX_MS = 1200000, /* an upload URL lives an hour: leave room for trouble */
    POST_LEAD_RATE = 5000000,   /* bytes in a second, where nothing else is known */
};

/* How long before its time work on a post begins: long enough to have all but the last
 * part of a file of that size at TikTok by then (docs/publishing.md), where uploads send
 * rate (> 0) bytes in a second; and half as long again. */
int64_t post_lead_at(enum post_kind kind, int64_t bytes, int64_t rate);

/* At POST_LEAD_RATE: what a post is scheduled with. A slower publisher moves it. */
int64_t post_lead_ms(enum post_kind kind, int64_t bytes);

#endif
