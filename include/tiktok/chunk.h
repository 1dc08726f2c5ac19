/* tiktok/chunk.h - how a video is cut for upload, and what the answer to a chunk means.
 *
 * TikTok's rules (docs/tiktok.md 6.1): 1 to 1000 chunks in strict order, each 5 to 64 MB;
 * total_chunk_count = floor(size / chunk_size) and the remainder joins the last chunk; a
 * single chunk has chunk_size == size. Whether MB is decimal or binary is undocumented,
 * so the plan stays clear of every border under both readings. The last chunk is what
 * publishes and leaves at its second, so it is short: up to 20,000,000 bytes in one
 * chunk, above that in chunks of 10,000,000 with a last one below 20,000,000, whose
 * others are sent before. All functions are pure arithmetic. */
#ifndef TIKTOK_CHUNK_H
#define TIKTOK_CHUNK_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

#define TIKTOK_VIDEO_MAX INT64_C(4000000000) /* "4 GB", strict reading; 6.4 */

enum {
    TIKTOK_SINGLE_MAX = 20000000, /* bytes up to which a video is one chunk */
    TIKTOK_CHUNK_SIZE = 10000000, /* bytes of a chunk above that */
    TIKTOK_RANGE_SIZE = 80,       /* bytes of a Content-Range text with its NUL */
};

struct tiktok_chunk_plan {
    int64_t size;       /* of the whole video, 1..TIKTOK_VIDEO_MAX */
    int64_t chunk_size; /* as declared at init */
    int64_t count;      /* chunks; the last one takes the remainder */
};

/* Fills plan for a video of size bytes. RC_INVALID: "video_empty", "video_too_large". */
enum rc tiktok_chunk_plan(int64_t size, struct tiktok_chunk_plan *plan,
                          struct err *err) MUST_CHECK;

/* Where chunk n (0 <= n < plan->count) begins, and its length in bytes. */
int64_t tiktok_chunk_first(const struct tiktok_chunk_plan *plan, int64_t n);
int64_t tiktok_chunk_len(const struct tiktok_chunk_plan *plan, int64_t n);

/* The value of its Content-Range header: "bytes 10000000-19999999/121000000". */
void tiktok_chunk_range(const struct tiktok_chunk_plan *plan, int64_t n,
                        char out[TIKTOK_RANGE_SIZE]);

/* The chunk to send next when TikTok has got this many bytes; plan->count when it has
 * them all. TikTok's figures may be a count or a last index (undocumented), so a figure
 * one below a border counts as that border. False when it fits no border: give up this
 * session, the bytes there are not ours to continue. */
bool tiktok_chunk_resume(const struct tiktok_chunk_plan *plan, int64_t bytes,
                         int64_t *n) MUST_CHECK;

/* What to do after a chunk's answer. */
enum tiktok_upload {
    TIKTOK_UPLOAD_NEXT,    /* stored: send chunk `next` */
    TIKTOK_UPLOAD_DONE,    /* all stored: poll the status */
    TIKTOK_UPLOAD_AGAIN,   /* not stored as far as we know: same chunk with backoff */
    TIKTOK_UPLOAD_SKIP,    /* 416 with usable progress: continue at chunk `next` */
    TIKTOK_UPLOAD_ASK,     /* 416 without: ask status/fetch for uploaded_bytes */
    TIKTOK_UPLOAD_EXPIRED, /* the URL is dead or unknown: this session cannot go on */
    TIKTOK_UPLOAD_REFUSED, /* our request is wrong (400 and the like): stop */
};

struct tiktok_upload_step {
    enum tiktok_upload what;
    int64_t next; /* NEXT and SKIP: 0..count-1 */
};

/* The answer to the PUT of chunk n: its HTTP status and the Content-Range header, which
 * may be NULL, holds the progress "bytes 0-<n or n-1>/<total>" and is believed only after
 * a 416 and only when it lies on a border. A 416 that says that all is there is DONE. */
struct tiktok_upload_step tiktok_upload_step(const struct tiktok_chunk_plan *plan,
                                             int64_t n, int http_status,
                                             const char *content_range);

#endif
