/* sandbox/knobs.h - what can be turned while the simulator runs.
 *
 * Every knob is a whole number with a range; 0 and 1 stand for no and yes. The state
 * holds only those that were turned; the others have the value the table says, and
 * processing_ms that of SANDBOX_PROCESSING_MS. docs/sandbox.md lists them. */
#ifndef SRC_SANDBOX_KNOBS_H
#define SRC_SANDBOX_KNOBS_H

#include "sql.h"

#include <stdint.h>

enum knob {
    /* time */
    KNOB_CLOCK_OFFSET_MS, /* what the simulator's clock is ahead of the machine's */
    KNOB_PROCESSING_MS,   /* from the last byte to the result */
    KNOB_MODERATION_MS,   /* from there to the post id of a public post */
    /* OAuth */
    KNOB_CODE_TTL_S,
    KNOB_ACCESS_TTL_S,
    KNOB_REFRESH_TTL_S,
    KNOB_ROTATE_REFRESH,       /* 0: a refresh answers the same refresh token */
    KNOB_REFRESH_GIVEN,        /* 0: answers hold no refresh token */
    KNOB_OLD_REFRESH_GRACE_MS, /* how long a rotated one still works */
    KNOB_REFRESH_KILLS_ACCESS, /* 1: a refresh ends the old access token at once */
    KNOB_OAUTH_ERROR_STATUS,   /* HTTP status of OAuth errors */
    /* posting */
    KNOB_AUDITED,         /* 0: private accounts and SELF_ONLY only, five users a day */
    KNOB_ACTIVE_USER_CAP, /* people who may post in 24 h; 0: any number */
    KNOB_PENDING_SHARES,  /* drafts a person may have waiting in 24 h */
    KNOB_PENDING_SHARE_STATUS,
    KNOB_APP_OUTDATED,   /* 1: the person's app is too old for drafts of photos */
    KNOB_CHECK_MEDIA,    /* 0: a file of any kind is published */
    KNOB_DISCARD_BODIES, /* 1: uploaded bytes are counted and not kept */
    KNOB_UPLOAD_TTL_S,
    KNOB_UNKNOWN_UPLOAD_STATUS,
    KNOB_REPEATED_CHUNK_STATUS, /* 206: a chunk sent again is taken as new */
    KNOB_PROGRESS_AS_COUNT,     /* Content-Range of an upload: 0 last index, 1 count */
    KNOB_UPLOAD_PATH, /* of upload addresses: 0 /upload (live), 1 /video/ (docs) */
    KNOB_POST_ID_AS_STRING,
    KNOB_LIST_PHOTOS, /* 0: video/list and query leave out photo posts */
    /* fetching */
    KNOB_PULL_BEFORE_ANSWER, /* 1: an init is answered when everything was fetched */
    KNOB_PULL_DELAY_MS,      /* from an init to the first request */
    KNOB_PULL_HEAD,          /* 1: HEAD before each GET */
    KNOB_PULL_FETCHES,       /* how often a file is fetched; the last one is kept */
    KNOB_PULL_PARALLEL,      /* files of one post at a time */
    KNOB_PULL_RESUME,        /* 1: what broke off goes on with a Range */
    KNOB_PULL_RETRY_MS,      /* wait before the second attempt, then twice as long */
    KNOB_ERROR_DATA, /* "data" beside an error: 0 as recorded, 1 always, 2 never */
    KNOB_LOGID,      /* 1: "logid" for "log_id", as TikTok's tables have it */
    /* rate windows: calls a minute; 0: any number */
    KNOB_INIT_PER_MIN,
    KNOB_CREATOR_PER_MIN,
    KNOB_STATUS_PER_MIN,
    KNOB_DISPLAY_PER_MIN,
    /* webhooks */
    KNOB_WEBHOOK_RETRY_MS,   /* wait before the second try, then twice as long */
    KNOB_WEBHOOK_TIMEOUT_MS, /* who takes longer has not answered */
    KNOB_WEBHOOK_RESIGN,     /* 0: a retry has the signature of the first try */
    KNOB_WEBHOOK_CLOCK,      /* of signatures: 0 the machine's, 1 the simulator's */
    KNOB_WEBHOOK_HEADER,     /* 1: "Tiktok-Signature", as also seen */
    KNOB_WEBHOOK_POST_ID_AS_NUMBER, /* 1: post_id without quotes */
    /* chance */
    KNOB_SEED, /* of faults with a probability and of made-up figures */
    KNOB_COUNT,
};

struct knobs {
    int64_t value[KNOB_COUNT];
};

struct knob_row {
    const char *name;
    int64_t usual, min, max;
};

extern const struct knob_row knob_table[KNOB_COUNT];

/* KNOB_COUNT when there is none of that name. */
enum knob knob_named(const char *name);

/* What holds now; processing_ms is the configured value. */
enum rc knobs_load(struct sql *sql, int64_t processing_ms, struct knobs *knobs,
                   struct err *err) MUST_CHECK;

/* Turns one. The caller has compared value with the table. */
enum rc knob_set(struct sql *sql, enum knob knob, int64_t value,
                 struct err *err) MUST_CHECK;

/* Back to the usual value. */
enum rc knob_forget(struct sql *sql, enum knob knob, struct err *err) MUST_CHECK;

#endif
