/* tiktok/answer.h - one answer of TikTok, as it came and as it is to be read.
 *
 * HTTP status is not the success flag: creator_info returns some refusals with 200, the
 * OAuth endpoints nearly all of theirs, and errors come with "data":{}, without data, or
 * as an HTML page from an edge server (docs/tiktok.md 2.5, 7.3). The parsers of this
 * layer take a struct tiktok_answer and fill a struct tiktok_reply whatever happened:
 *
 *     struct tiktok_reply reply;
 *     rc = tiktok_status_parse(&answer, &reply, &status, err);
 *     if (rc != RC_OK)  log reply.code, reply.log_id, reply.error->class
 *
 * They are pure, keep nothing, and read at most TIKTOK_ANSWER_MAX bytes. Their rc is
 * tiktok_error_rc() of reply.error, with err.code the row's reason, err.msg its sentence
 * and err.retry_after_ms the longer of the row's wait and Retry-After. An answer that
 * makes no sense is RC_UNAVAILABLE "tiktok_unreadable" (RC_UNCERTAIN for an init). */
#ifndef TIKTOK_ANSWER_H
#define TIKTOK_ANSWER_H

#include "tiktok/errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIKTOK_ANSWER_MAX = 512 * 1024 }; /* bytes; a full page of videos has ~60 KiB */

/* What came over the wire; all borrowed for the call. */
struct tiktok_answer {
    int http_status;
    const char *body; /* need not end in NUL; NULL only with len 0 */
    size_t len;
    int64_t retry_after_ms; /* of the Retry-After header, 0 without (none documented) */
    const char *log_id; /* of the x-tt-logid header, or NULL: for a body without one */
};

/* What TikTok said besides the data. Holds no secret: safe to log. */
struct tiktok_reply {
    int http_status;
    char code[96];     /* TikTok's code: "ok", an error code, or "" when there was none;
                        * only [A-Za-z0-9_.-], others replaced by '?' */
    char message[192]; /* TikTok's text, one printable line, may be "" */
    char log_id[64];   /* TikTok's name for this exchange, to quote to its support */
    const struct tiktok_error *error; /* NULL on success, else never NULL */
    bool definite; /* false: TikTok may have acted all the same (5xx, unreadable 2xx) */
};

#endif
