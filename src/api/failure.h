/* api/failure.h - a failure as an HTTP answer.
 *
 * One status for each class, and a table for the codes that have their own. What a
 * dependency or a bug says of itself goes into the log, never into the answer. */
#ifndef SRC_API_FAILURE_H
#define SRC_API_FAILURE_H

#include "api.h"

/* What the client gets to see. */
struct failure_view {
    int status;
    const char *code;
    const char *message;
    int64_t retry_after_s; /* 0: no Retry-After */
};
void failure_view(const struct err *err, struct failure_view *out);

/* Replaces what is in res by the answer: Error of docs/openapi.yaml with the fields that
 * the handler kept, or without a body to HEAD. */
void failure_answer(const struct web_request *req, const struct err *err,
                    struct web_response *res);

#endif
