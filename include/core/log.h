/* core/log.h - one event a line, in logfmt.
 *
 *     log_info("post.published", "post=%" PRIu64 " took_ms=%" PRId64, id, took);
 *     ts=2026-11-24T09:00:00.123Z level=info prog=publisher event=post.published
 *         req=4f1c02 post=17 took_ms=812                              (one line)
 *
 * Event names are constants to grep for. Levels: error = someone must act; warn = it
 * went on without (and says so); info = a state changed; debug = off by default. No
 * secret is ever logged; text from outside goes through log_quote(). A line is written
 * by one write(), so lines of several processes do not mix. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/attr.h"
#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The program's name in each line; borrowed. Lines below level are dropped. */
void log_setup(const char *program, enum log_level level);

/* From now on lines go to the end of the file at path (created 0640); NULL: stderr,
 * which is also where they go before the first call. RC_UNAVAILABLE: still as before. */
enum rc log_open(const char *path, struct err *err) MUST_CHECK;

/* Opens the file anew, after rotation moved it away. On failure the old one stays. */
void log_reopen(void);

/* "error", "warn", "info" or "debug" to *level; false for anything else. */
bool log_level_parse(const char *text, enum log_level *level) MUST_CHECK;

/* For a table of settings: RC_INVALID for what is no such word. */
enum rc log_level_check(const char *text, struct err *err) MUST_CHECK;

/* Put at the front of every line of this thread until set again, e.g. "req=4f1c02". */
void log_context(const char *fmt, ...) PRINTF_LIKE(1, 2);

void log_event(enum log_level level, const char *event, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The one way a failure is logged: class, code, field and message of err. */
void log_failure(const char *event, const struct err *err);

/* Makes s safe as one quoted logfmt value: quotes, backslashes and control characters
 * become '?'. Writes at most size bytes with the NUL into buf and returns buf. */
const char *log_quote(const char *s, char *buf, size_t size);

#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
