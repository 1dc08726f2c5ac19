#include "web/response.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = 4096 }; /* bytes of a formatted header value */

void web_response_init(struct web_response *res)
{
    *res = (struct web_response){.cut_after = -1};
    strbuf_init(&res->headers, WEB_HEADERS_MAX);
    strbuf_init(&res->body, WEB_RESPONSE_MAX);
}

void web_response_release(struct web_response *res)
{
    strbuf_release(&res->headers);
    strbuf_release(&res->body);
}

void web_response_reset(struct web_response *res)
{
    strbuf_reset(&res->headers);
    strbuf_reset(&res->body);
    res->status = 0;
    res->cut_after = -1;
    res->lost = false;
    res->broken = false;
}

/* Nothing in a value may end it and begin another header. */
static bool value_ok(const char *value)
{
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;

        if (c < ' ' || c == 0x7f)
            return false;
    }
    return true;
}

void web_header_add(struct web_response *res, const char *name, const char *value)
{
    if (!value_ok(value)) {
        res->broken = true;
        return;
    }
    strbuf_addstr(&res->headers, name);
    strbuf_addstr(&res->headers, ": ");
    strbuf_addstr(&res->headers, value);
    strbuf_addstr(&res->headers, "\r\n");
}

void web_header_addf(struct web_response *res, const char *name, const char *fmt, ...)
{
    char value[VALUE_MAX];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (len < 0 || (size_t)len >= sizeof(value))
        res->broken = true;
    else
        web_header_add(res, name, value);
}

/* RFC 6265 section 4.1.1, for values; names are constants. */
static bool cookie_value_ok(const char *value)
{
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;

        if (c <= ' ' || c >= 0x7f || strchr("\",;\\", c) != NULL)
            return false;
    }
    return true;
}

void web_cookie_set(struct web_response *res, const struct web_cookie *cookie)
{
    char age[32] = "";

    if (!cookie_value_ok(cookie->value)) {
        res->broken = true;
        return;
    }
    if (cookie->max_age_s >= 0)
        (void)snprintf(age, sizeof(age), "; Max-Age=%" PRId64, cookie->max_age_s);
    web_header_addf(res, "Set-Cookie", "%s=%s; Path=/%s; HttpOnly; SameSite=Lax%s",
                    cookie->name, cookie->value, age, cookie->secure ? "; Secure" : "");
}

static void begin(struct web_response *res, int status, const char *type)
{
    res->status = status;
    strbuf_reset(&res->body);
    if (type != NULL)
        web_header_add(res, "Content-Type", type);
}

void web_json_begin(struct web_response *res, int status, struct jsonw *w)
{
    begin(res, status, "application/json");
    jsonw_init(w, &res->body);
}

void web_text(struct web_response *res, int status, const char *type, const char *text)
{
    begin(res, status, type);
    strbuf_addstr(&res->body, text);
}

void web_empty(struct web_response *res, int status, const char *location)
{
    begin(res, status, NULL);
    if (location != NULL)
        web_header_add(res, "Location", location);
}

void web_accel(struct web_response *res, const char *type, const char *internal_path)
{
    begin(res, 200, type);
    web_header_add(res, "X-Accel-Redirect", internal_path);
}

void web_html_escape(struct strbuf *sb, const char *text)
{
    for (; *text != '\0'; text++) {
        size_t plain = strcspn(text, "&<>\"'");

        strbuf_add(sb, text, plain);
        text += plain;
        switch (*text) {
        case '&':
            strbuf_addstr(sb, "&amp;");
            break;
        case '<':
            strbuf_addstr(sb, "&lt;");
            break;
        case '>':
            strbuf_addstr(sb, "&gt;");
            break;
        case '"':
            strbuf_addstr(sb, "&quot;");
            break;
        case '\'':
            strbuf_addstr(sb, "&#39;");
            break;
        default:
            return; /* the end */
        }
    }
}
