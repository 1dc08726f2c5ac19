#include "tiktok/chunk.h"

#include "core/parse.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum rc tiktok_chunk_plan(int64_t size, struct tiktok_chunk_plan *plan, struct err *err)
{
    if (size <= 0)
        return err_set(err, RC_INVALID, "video_empty", "The video file is empty.");
    if (size > TIKTOK_VIDEO_MAX)
        return err_set(err, RC_INVALID, "video_too_large",
                       "The video has %" PRId64 " bytes; TikTok takes %" PRId64 ".", size,
                       TIKTOK_VIDEO_MAX);
    plan->size = size;
    plan->chunk_size = size <= TIKTOK_SINGLE_MAX ? size : TIKTOK_CHUNK_SIZE;
    plan->count = size / plan->chunk_size;
    return RC_OK;
}

int64_t tiktok_chunk_first(const struct tiktok_chunk_plan *plan, int64_t n)
{
    assert(n >= 0 && n < plan->count);
    return n * plan->chunk_size;
}

int64_t tiktok_chunk_len(const struct tiktok_chunk_plan *plan, int64_t n)
{
    int64_t first = tiktok_chunk_first(plan, n);

    return n == plan->count - 1 ? plan->size - first : plan->chunk_size;
}

void tiktok_chunk_range(const struct tiktok_chunk_plan *plan, int64_t n,
                        char out[TIKTOK_RANGE_SIZE])
{
    int64_t first = tiktok_chunk_first(plan, n);
    int64_t last = first + tiktok_chunk_len(plan, n) - 1;

    (void)snprintf(out, TIKTOK_RANGE_SIZE, "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
                   first, last, plan->size);
}

bool tiktok_chunk_resume(const struct tiktok_chunk_plan *plan, int64_t bytes, int64_t *n)
{
    if (bytes < 0 || bytes > plan->size)
        return false;
    /* A last index is one less than the count it stands for. */
    for (int64_t have = bytes; have <= bytes + 1; have++) {
        if (have == plan->size) {
            *n = plan->count;
            return true;
        }
        if (have % plan->chunk_size == 0 && have / plan->chunk_size < plan->count) {
            *n = have / plan->chunk_size;
            return true;
        }
    }
    return false;
}

/* The number N in "bytes 0-N/TOTAL" when TOTAL is the plan's; else false. */
static bool read_progress(const struct tiktok_chunk_plan *plan, const char *header,
                          int64_t *bytes)
{
    static const char begin[] = "bytes 0-";
    const char *number;
    const char *slash;
    int64_t total;

    if (header == NULL || strncmp(header, begin, sizeof(begin) - 1) != 0)
        return false;
    number = header + sizeof(begin) - 1;
    slash = strchr(number, '/');
    return slash != NULL &&
           parse_i64_slice(number, (size_t)(slash - number), 0, plan->size, bytes) &&
           parse_i64(slash + 1, 1, TIKTOK_VIDEO_MAX, &total) && total == plan->size;
}

static struct tiktok_upload_step after_mismatch(const struct tiktok_chunk_plan *plan,
                                                const char *content_range)
{
    int64_t bytes;
    int64_t next;

    if (!read_progress(plan, content_range, &bytes) ||
        !tiktok_chunk_resume(plan, bytes, &next))
        return (struct tiktok_upload_step){TIKTOK_UPLOAD_ASK, 0};
    if (next == plan->count)
        return (struct tiktok_upload_step){TIKTOK_UPLOAD_DONE, 0};
    return (struct tiktok_upload_step){TIKTOK_UPLOAD_SKIP, next};
}

struct tiktok_upload_step tiktok_upload_step(const struct tiktok_chunk_plan *plan,
                                             int64_t n, int http_status,
                                             const char *content_range)
{
    bool last = n == plan->count - 1;

    assert(n >= 0 && n < plan->count);
    switch (http_status) {
    case 200:
    case 201:
    case 206:
        /* 206 to the last chunk: the status will tell. 201 to an earlier one is not
         * documented; the chunk is stored either way. */
        if (last)
            return (struct tiktok_upload_step){TIKTOK_UPLOAD_DONE, 0};
        return (struct tiktok_upload_step){TIKTOK_UPLOAD_NEXT, n + 1};
    case 403:
    case 404:
    case 405:
    case 410:
        return (struct tiktok_upload_step){TIKTOK_UPLOAD_EXPIRED, 0};
    case 416:
        return after_mismatch(plan, content_range);
    case 408:
    case 425:
    case 429:
        return (struct tiktok_upload_step){TIKTOK_UPLOAD_AGAIN, n};
    default:
        break;
    }
    if (http_status >= 500)
        return (struct tiktok_upload_step){TIKTOK_UPLOAD_AGAIN, n};
    return (struct tiktok_upload_step){TIKTOK_UPLOAD_REFUSED, 0};
}
