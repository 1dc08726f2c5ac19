/* net/watch.h - waiting for libcurl's sockets and its timer, and for a few descriptors of
 * the caller's, with epoll.
 *
 * curl_multi_poll() hands every socket to the kernel in each turn, which costs most where
 * hundreds of requests are under way and one of them moves on; this tells the kernel of a
 * socket once. Of one thread, but for watch_wake(). */
#ifndef SRC_NET_WATCH_H
#define SRC_NET_WATCH_H

#include "net/http.h"

#include <curl/curl.h>

struct watch {
    CURLM *multi;
    int epoll;
    int bell;            /* eventfd: watch_wake() was called */
    int64_t deadline_ms; /* monotonic: when libcurl wants to be called, or -1 */
};

/* Takes over the sockets and the timer of multi: from here on it is driven by
 * watch_turn() alone, never by curl_multi_perform(). RC_BUG when the kernel refuses. */
enum rc watch_init(struct watch *w, CURLM *multi, struct err *err) MUST_CHECK;

/* After curl_multi_cleanup(). One that was zeroed, not initialised, is fine. */
void watch_release(struct watch *w);

/* Waits up to timeout_ms for libcurl to have something to do, for one of the n
 * descriptors (their readable is set), or for the bell, and lets libcurl do it. */
enum rc watch_turn(struct watch *w, struct http_wait *wait, size_t n, int timeout_ms,
                   struct err *err) MUST_CHECK;

/* Ends a running watch_turn() soon, or the next one at once. From any thread. */
void watch_wake(struct watch *w);

#endif
