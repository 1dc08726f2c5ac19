/* tiktok/status.h - what has become of a publication: status/fetch.
 *
 * POST TIKTOK_PATH_STATUS with tiktok_publish_id_body(); 30 a minute per token. A failed
 * publication is still HTTP 200 and "ok": its end is in fail_reason. Completion may come
 * without a post id, for good when the post is not public, or until moderation ends when
 * it is. Slow processing is no failure: live, minutes to over an hour. */
#ifndef TIKTOK_STATUS_H
#define TIKTOK_STATUS_H

#include "tiktok/answer.h"

#define TIKTOK_PATH_STATUS "/v2/post/publish/status/fetch/"

enum {
    TIKTOK_POST_ID_MAX = 24, /* characters; a 64-bit number, kept as decimal text */
    TIKTOK_POST_IDS_MAX = 8, /* ids kept; a draft can yield several posts */
};

enum tiktok_state {
    TIKTOK_PROCESSING, /* upload, download or processing; also every unknown state */
    TIKTOK_IN_INBOX,   /* draft delivered: the person continues in the app */
    TIKTOK_PUBLISHED,  /* direct: posted; draft: the person posted it */
    TIKTOK_FAILED,     /* final: see failure */
};

struct tiktok_status {
    enum tiktok_state state;
    char word[48];        /* TikTok's own word for it, for the log and the timeline */
    bool known;           /* false: a word that is not documented; log it */
    char fail_reason[96]; /* FAILED: TikTok's word, else "" */
    const struct tiktok_error *failure; /* FAILED: its row, never NULL; else NULL */
    char post_id[TIKTOK_POST_IDS_MAX][TIKTOK_POST_ID_MAX + 1];
    size_t post_id_count;     /* ids kept above */
    int64_t uploaded_bytes;   /* -1: not said */
    int64_t downloaded_bytes; /* -1: not said */
};

/* RC_REJECTED "publish_id_unknown": TikTok does not know the session (any more): no proof
 * of anything. */
enum rc tiktok_status_parse(const struct tiktok_answer *answer,
                            struct tiktok_reply *reply, struct tiktok_status *status,
                            struct err *err) MUST_CHECK;

#endif
