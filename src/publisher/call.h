/* publisher/call.h - a request to TikTok that a task's thread waits for.
 *
 * The HTTP engine belongs to the event loop. A thread hands its request over and sleeps
 * until the answer is there; the loop starts waiting requests in calls_start(). */
#ifndef PUBLISHER_CALL_H
#define PUBLISHER_CALL_H

#include "net/http.h"
#include "tiktok/answer.h"

struct calls;

struct calls *calls_new(struct http *http);

/* Fails all that wait, now and from now on: RC_UNAVAILABLE "shutting_down", or
 * RC_UNCERTAIN for what was on its way. */
void calls_close(struct calls *calls);
void calls_free(struct calls *calls); /* NULL is fine */

/* False once calls_close() was called: a thread that retries for long gives up. */
bool calls_open(struct calls *calls) MUST_CHECK;

/* Starts what threads have handed over. Only on the loop's thread. */
void calls_start(struct calls *calls);

/* Sends req and waits. RC_OK: *out is the answer, whose body the caller releases with
 * strbuf_wipe(). Else as http_done_fn's rc and http_submit()'s. From a task's thread
 * only; the loop would wait for itself. */
enum rc call(struct calls *calls, const struct http_request *req,
             struct http_response *out, struct err *err) MUST_CHECK;

/* An answer as TikTok's parsers want it; borrows the body. */
struct tiktok_answer call_answer(const struct http_response *res);

#endif
