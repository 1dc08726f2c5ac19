#include "core/jsonw.h"

#include "core/rfc3339.h"
#include "core/text.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void jsonw_init(struct jsonw *w, struct strbuf *sb)
{
    *w = (struct jsonw){.sb = sb};
}

/* What must stand before the next value. */
static void before_value(struct jsonw *w)
{
    if (w->depth == 0)
        return;
    if (w->kind[w->depth - 1] == '{') {
        assert(w->after_key);
        w->after_key = false;
        return;
    }
    if (!w->first[w->depth - 1])
        strbuf_addc(w->sb, ',');
    w->first[w->depth - 1] = false;
}

static void open_level(struct jsonw *w, char kind)
{
    before_value(w);
    assert(w->depth < JSONW_DEPTH);
    w->kind[w->depth] = kind;
    w->first[w->depth] = true;
    w->depth++;
    strbuf_addc(w->sb, kind);
}

void jsonw_object(struct jsonw *w)
{
    open_level(w, '{');
}

void jsonw_array(struct jsonw *w)
{
    open_level(w, '[');
}

void jsonw_end(struct jsonw *w)
{
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    strbuf_addc(w->sb, w->kind[w->depth] == '{' ? '}' : ']');
}

static void escape(struct strbuf *sb, char c)
{
    switch (c) {
    case '"':
        strbuf_addstr(sb, "\\\"");
        break;
    case '\\':
        strbuf_addstr(sb, "\\\\");
        break;
    case '\n':
        strbuf_addstr(sb, "\\n");
        break;
    case '\r':
        strbuf_addstr(sb, "\\r");
        break;
    case '\t':
        strbuf_addstr(sb, "\\t");
        break;
    default:
        strbuf_addf(sb, "\\u%04x", (unsigned)(unsigned char)c);
        break;
    }
}

static bool needs_escape(char c)
{
    return (unsigned char)c < ' ' || c == '"' || c == '\\' || c == 0x7f;
}

static void quoted(struct strbuf *sb, const char *s, size_t len)
{
    size_t plain = 0; /* start of the run that needs no escape */

    strbuf_addc(sb, '"');
    for (size_t i = 0; i < len; i++) {
        if (!needs_escape(s[i]))
            continue;
        strbuf_add(sb, s + plain, i - plain);
        escape(sb, s[i]);
        plain = i + 1;
    }
    strbuf_add(sb, s + plain, len - plain);
    strbuf_addc(sb, '"');
}

/* Every byte above ASCII as U+FFFD: a damaged text stays readable and valid JSON. */
static void quoted_damaged(struct strbuf *sb, const char *s, size_t len)
{
    strbuf_addc(sb, '"');
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)s[i] >= 0x80)
            strbuf_addstr(sb, "\\ufffd");
        else if (needs_escape(s[i]))
            escape(sb, s[i]);
        else
            strbuf_addc(sb, s[i]);
    }
    strbuf_addc(sb, '"');
}

void jsonw_text_len(struct jsonw *w, const char *text, size_t len)
{
    before_value(w);
    if (text_is_utf8(text, len))
        quoted(w->sb, text, len);
    else
        quoted_damaged(w->sb, text, len);
}

void jsonw_key(struct jsonw *w, const char *key)
{
    assert(w->depth > 0 && w->kind[w->depth - 1] == '{' && !w->after_key);
    if (!w->first[w->depth - 1])
        strbuf_addc(w->sb, ',');
    w->first[w->depth - 1] = false;
    quoted(w->sb, key, strlen(key));
    strbuf_addc(w->sb, ':');
    w->after_key = true;
}

void jsonw_text(struct jsonw *w, const char *text)
{
    if (text == NULL)
        jsonw_null(w);
    else
        jsonw_text_len(w, text, strlen(text));
}

void jsonw_int(struct jsonw *w, int64_t n)
{
    before_value(w);
    strbuf_addf(w->sb, "%" PRId64, n);
}

void jsonw_double(struct jsonw *w, double d)
{
    before_value(w);
    if (isfinite(d))
        strbuf_addf(w->sb, "%.10g", d);
    else
        strbuf_addstr(w->sb, "null");
}

void jsonw_bool(struct jsonw *w, bool b)
{
    before_value(w);
    strbuf_addstr(w->sb, b ? "true" : "false");
}

void jsonw_null(struct jsonw *w)
{
    before_value(w);
    strbuf_addstr(w->sb, "null");
}

void jsonw_id(struct jsonw *w, uint64_t id)
{
    if (id == 0) {
        jsonw_null(w);
        return;
    }
    before_value(w);
    strbuf_addf(w->sb, "\"%" PRIu64 "\"", id);
}

void jsonw_time(struct jsonw *w, int64_t at_ms)
{
    char text[RFC3339_SIZE];

    if (at_ms == 0) {
        jsonw_null(w);
        return;
    }
    rfc3339_format(at_ms, text);
    jsonw_text(w, text);
}

void jsonw_raw(struct jsonw *w, const char *json)
{
    before_value(w);
    strbuf_addstr(w->sb, json != NULL ? json : "null");
}

void jsonw_key_text(struct jsonw *w, const char *key, const char *text)
{
    jsonw_key(w, key);
    jsonw_text(w, text);
}

void jsonw_key_int(struct jsonw *w, const char *key, int64_t n)
{
    jsonw_key(w, key);
    jsonw_int(w, n);
}

void jsonw_key_bool(struct jsonw *w, const char *key, bool b)
{
    jsonw_key(w, key);
    jsonw_bool(w, b);
}

void jsonw_key_id(struct jsonw *w, const char *key, uint64_t id)
{
    jsonw_key(w, key);
    jsonw_id(w, id);
}

void jsonw_key_time(struct jsonw *w, const char *key, int64_t at_ms)
{
    jsonw_key(w, key);
    jsonw_time(w, at_ms);
}

bool jsonw_ok(const struct jsonw *w)
{
    return w->depth == 0 && !strbuf_failed(w->sb);
}
