#include "core/log.h"

#include "core/clock.h"
#include "core/rfc3339.h"
#include "core/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static const char *program_name = "tts";
static enum log_level threshold = LOG_LEVEL_INFO;
static int log_fd = STDERR_FILENO;
static char *log_path;
static _Thread_local char context[256];

void log_setup(const char *program, enum log_level level)
{
    program_name = program;
    threshold = level;
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

enum rc log_open(const char *path, struct err *err)
{
    int fd = STDERR_FILENO;

    if (path != NULL) {
        fd = open_file(path);
        if (fd < 0)
            return err_set(err, RC_UNAVAILABLE, "log_not_opened",
                           "cannot open the log file: %s", strerrordesc_np(errno));
    }
    if (log_fd != STDERR_FILENO)
        (void)close(log_fd);
    free(log_path);
    log_path = path != NULL ? xstrdup(path) : NULL;
    log_fd = fd;
    return RC_OK;
}

void log_reopen(void)
{
    int fd = log_path != NULL ? open_file(log_path) : -1;

    if (fd < 0)
        return;
    (void)dup3(fd, log_fd, O_CLOEXEC);
    (void)close(fd);
}

bool log_level_parse(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

enum rc log_level_check(const char *text, struct err *err)
{
    enum log_level level;

    if (log_level_parse(text, &level))
        return RC_OK;
    return err_set(err, RC_INVALID, "bad_log_level",
                   "must be error, warn, info or debug");
}

void log_context(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(context, sizeof(context), fmt, ap);
    va_end(ap);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
    char text[1024];
    char line[1536];
    char time_text[RFC3339_SIZE];
    va_list ap;
    int len;

    if (level > threshold)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    rfc3339_format(clock_wall_ms(clock_system()), time_text);
    len = snprintf(line, sizeof(line), "ts=%s level=%s prog=%s event=%s%s%s%s%s\n",
                   time_text, level_names[level], program_name, event,
                   context[0] != '\0' ? " " : "", context, text[0] != '\0' ? " " : "",
                   text);
    if (len < 0)
        return;
    if ((size_t)len >= sizeof(line)) {
        len = (int)sizeof(line) - 1;
        line[len - 1] = '\n';
    }
    if (write(log_fd, line, (size_t)len) < 0)
        return; /* there is nowhere left to say so */
}

void log_failure(const char *event, const struct err *err)
{
    enum log_level level = err->rc == RC_BUG || err->rc == RC_UNAVAILABLE ||
                                   err->rc == RC_REJECTED || err->rc == RC_UNCERTAIN
                               ? LOG_LEVEL_ERROR
                               : LOG_LEVEL_INFO;
    char quoted[sizeof(err->msg)];

    log_event(level, event, "class=%s code=%s%s%s msg=\"%s\"", rc_name(err->rc),
              err->code, err->field[0] != '\0' ? " field=" : "", err->field,
              log_quote(err->msg, quoted, sizeof(quoted)));
}

const char *log_quote(const char *s, char *buf, size_t size)
{
    size_t n = 0;

    for (; *s != '\0' && n + 1 < size; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = c >= ' ' && c != '"' && c != '\\' && c != 0x7f;

        buf[n++] = plain ? *s : '?';
    }
    if (size > 0)
        buf[n] = '\0';
    return buf;
}
