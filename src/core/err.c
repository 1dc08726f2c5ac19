#include "core/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static PRINTF_LIKE(4, 0) enum rc
    fill(struct err *err, enum rc rc, const char *code, const char *fmt, va_list ap)
{
    *err = (struct err){.rc = rc};
    (void)snprintf(err->code, sizeof(err->code), "%s", code);
    (void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    return rc;
}

enum rc err_set(struct err *err, enum rc rc, const char *code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fill(err, rc, code, fmt, ap);
    va_end(ap);
    return rc;
}

enum rc err_field(struct err *err, const char *field, const char *code, const char *fmt,
                  ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fill(err, RC_INVALID, code, fmt, ap);
    va_end(ap);
    (void)snprintf(err->field, sizeof(err->field), "%s", field);
    return RC_INVALID;
}

enum rc err_unknown_member(struct err *err, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    size_t len = strlen(name);
    bool ours = len > 0 && len < sizeof(err->field) && strspn(name, plain) == len;

    return err_field(err, ours ? name : "body", "unknown_field",
                     "The body has a member that this address does not know.");
}

enum rc err_retry(struct err *err, enum rc rc, int64_t after_ms, const char *code,
                  const char *msg)
{
    (void)err_set(err, rc, code, "%s", msg);
    err->retry_after_ms = after_ms;
    return rc;
}

enum rc err_context(struct err *err, const char *context)
{
    size_t room = sizeof(err->msg) - 1;
    size_t prefix = strlen(context) + 2;
    size_t rest = strlen(err->msg);

    if (prefix > room)
        return err->rc;
    if (rest > room - prefix)
        rest = room - prefix;
    (void)memmove(err->msg + prefix, err->msg, rest);
    (void)memcpy(err->msg, context, prefix - 2);
    (void)memcpy(err->msg + prefix - 2, ": ", 2);
    err->msg[prefix + rest] = '\0';
    return err->rc;
}

const char *rc_name(enum rc rc)
{
    static const char *const names[] = {
        [RC_OK] = "ok",
        [RC_INVALID] = "invalid",
        [RC_DENIED] = "denied",
        [RC_NOT_FOUND] = "not_found",
        [RC_CONFLICT] = "conflict",
        [RC_LIMITED] = "limited",
        [RC_UNAVAILABLE] = "unavailable",
        [RC_UNCERTAIN] = "uncertain",
        [RC_REJECTED] = "rejected",
        [RC_BUG] = "bug",
    };

    return names[rc];
}
