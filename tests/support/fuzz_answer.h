/* fuzz_answer.h - what the fuzz targets of TikTok's answers share.
 *
 * An input is a body, or an HTTP status on a line of its own and then a body; without the
 * line it is 200. So a corpus file is readable, and can be pasted from a log. */
#ifndef TESTS_FUZZ_ANSWER_H
#define TESTS_FUZZ_ANSWER_H

#include "core/parse.h"
#include "tiktok/answer.h"

#include <assert.h>
#include <string.h>

static inline struct tiktok_answer fuzz_answer(const void *data, size_t size)
{
    struct tiktok_answer answer = {.http_status = 200, .body = data, .len = size};
    int64_t status;

    if (size < 4 || answer.body[3] != '\n' ||
        !parse_i64_slice(answer.body, 3, 100, 599, &status))
        return answer;
    answer.http_status = (int)status;
    answer.body += 4;
    answer.len -= 4;
    return answer;
}

/* Fit for one line of a log: no control characters, ended within its field. */
static inline void fuzz_check_line(const char *text, size_t size)
{
    assert(strnlen(text, size) < size);
    for (; *text != '\0'; text++)
        assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* What holds for every parser's result; act: what was asked may have happened. */
static inline void fuzz_check_reply(enum rc rc, const struct tiktok_reply *reply,
                                    const struct err *err, bool act)
{
    fuzz_check_line(reply->code, sizeof(reply->code));
    fuzz_check_line(reply->message, sizeof(reply->message));
    fuzz_check_line(reply->log_id, sizeof(reply->log_id));
    if (rc == RC_OK) {
        assert(reply->error == NULL && reply->definite);
        assert(reply->http_status >= 200 && reply->http_status < 300);
        return;
    }
    assert(reply->error != NULL && err->rc == rc && rc != RC_BUG);
    assert(strcmp(err->code, reply->error->reason) == 0);
    assert(err->retry_after_ms >= (int64_t)reply->error->wait_s * 1000);
    assert(!act || reply->definite == (rc != RC_UNCERTAIN));
    assert(act || rc != RC_UNCERTAIN);
}

/* A post id: decimal, no leading zero. */
static inline void fuzz_check_id(const char *id)
{
    assert(*id >= '1' && *id <= '9' && strspn(id, "0123456789") == strlen(id));
}

#endif
