/* queue/redis_conn.h - opening a hiredis context the way both connections need it. */
#ifndef QUEUE_REDIS_CONN_H
#define QUEUE_REDIS_CONN_H

#include "redis_url.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>

/* Connects, signs in and selects the database, each step within timeout_ms; later
 * commands have that deadline too. RC_UNAVAILABLE: *out is untouched. */
enum rc redis_conn_open(const struct redis_url *url, int timeout_ms, redisContext **out,
                        struct err *err) MUST_CHECK;

/* Sets the deadline of every following command. False: the connection is no good. */
bool redis_conn_deadline(redisContext *c, int timeout_ms) MUST_CHECK;

#endif
