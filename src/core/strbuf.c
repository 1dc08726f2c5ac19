#include "core/strbuf.h"

#include "core/xalloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What buf points to while nothing is allocated; never written. */
static char empty[1];

void strbuf_init(struct strbuf *sb, size_t limit)
{
    *sb = (struct strbuf){.buf = empty, .limit = limit};
}

void strbuf_release(struct strbuf *sb)
{
    if (sb->alloc > 0)
        free(sb->buf);
    strbuf_init(sb, sb->limit);
}

void strbuf_wipe(struct strbuf *sb)
{
    if (sb->alloc > 0)
        explicit_bzero(sb->buf, sb->alloc);
    strbuf_release(sb);
}

void strbuf_reset(struct strbuf *sb)
{
    if (sb->alloc > 0)
        sb->buf[0] = '\0';
    sb->len = 0;
    sb->failed = false;
}

/* Makes room for extra bytes and the NUL; false when the limit forbids it. */
static bool reserve(struct strbuf *sb, size_t extra)
{
    size_t need;
    size_t alloc;

    if (sb->failed || extra > sb->limit - sb->len) {
        sb->failed = true;
        return false;
    }
    need = sb->len + extra + 1;
    if (need <= sb->alloc)
        return true;
    alloc = sb->alloc * 2 > 64 ? sb->alloc * 2 : 64;
    if (alloc < need)
        alloc = need;
    sb->buf = xreallocarray(sb->alloc > 0 ? sb->buf : NULL, alloc, 1);
    sb->alloc = alloc;
    return true;
}

void strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
    if (len == 0 || !reserve(sb, len))
        return;
    (void)memcpy(sb->buf + sb->len, data, len);
    sb->len += len;
    sb->buf[sb->len] = '\0';
}

void strbuf_addstr(struct strbuf *sb, const char *s)
{
    strbuf_add(sb, s, strlen(s));
}

void strbuf_addc(struct strbuf *sb, char c)
{
    strbuf_add(sb, &c, 1);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
    va_list ap;
    va_list again;
    int len;

    va_start(ap, fmt);
    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(len >= 0);
    if (len > 0 && reserve(sb, (size_t)len)) {
        (void)vsnprintf(sb->buf + sb->len, (size_t)len + 1, fmt, again);
        sb->len += (size_t)len;
    }
    va_end(again);
}

void strbuf_cut(struct strbuf *sb, size_t len)
{
    assert(len <= sb->len);
    if (sb->alloc > 0)
        sb->buf[len] = '\0';
    sb->len = len;
}

bool strbuf_failed(const struct strbuf *sb)
{
    return sb->failed;
}

char *strbuf_take(struct strbuf *sb, size_t *len)
{
    char *taken = sb->alloc > 0 ? sb->buf : xstrdup("");

    if (len != NULL)
        *len = sb->len;
    strbuf_init(sb, sb->limit);
    return taken;
}
