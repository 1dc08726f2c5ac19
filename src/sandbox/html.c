#include "html.h"

#include "picture.h"

#include "core/rfc3339.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ADD_MAX = 2048 }; /* bytes of one html_add() */

void html_add(struct exchange *x, const char *fmt, ...)
{
    char text[ADD_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    strbuf_addstr(&x->res->body, text);
}

void html_text(struct exchange *x, const char *text)
{
    web_html_escape(&x->res->body, text);
}

void html_slice(struct exchange *x, const char *text, size_t len)
{
    struct strbuf piece;

    strbuf_init(&piece, len);
    strbuf_add(&piece, text, len);
    html_text(x, piece.buf);
    strbuf_release(&piece);
}

void html_attr(struct exchange *x, const char *name, const char *text)
{
    html_add(x, " %s=\"", name);
    html_text(x, text);
    html_add(x, "\"");
}

void html_time(struct exchange *x, int64_t at_ms)
{
    char text[RFC3339_SIZE];

    rfc3339_format(at_ms, text);
    html_add(x, "<time datetime=\"%s\">%.10s %.8s UTC</time>", text, text, text + 11);
}

void html_hidden(struct exchange *x, const char *name, const char *value)
{
    html_add(x, "<input type=\"hidden\"");
    html_attr(x, "name", name);
    html_attr(x, "value", value);
    html_add(x, ">");
}

void html_avatar(struct exchange *x, const struct person *person, int side)
{
    char query[PICTURE_QUERY_SIZE];

    picture_query(x->sandbox->settings->client_secret, person->username,
                  x->now_ms / 1000 + AVATAR_TTL_S, query);
    html_add(x,
             "<img class=\"avatar\" alt=\"\" width=\"%d\" height=\"%d\""
             " src=\"/picture/%s.png?",
             side, side, person->username);
    html_text(x, query);
    html_add(x, "\">");
}

void html_person(struct exchange *x, const struct person *person)
{
    html_add(x, "<a class=\"person\" href=\"/@%s\">", person->username);
    html_text(x, person->nickname);
    html_add(x, "</a>");
}

static void add_nav(struct exchange *x, const char *current)
{
    static const struct {
        const char *path, *name;
    } entries[] = {{"/", "Feed"}, {"/people", "People"}, {"/sandbox", "Controls"}};

    html_add(x, "<nav aria-label=\"Simulator\"><ul>");
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        html_add(x, "<li><a href=\"%s\"%s>%s</a></li>", entries[i].path,
                 strcmp(current, entries[i].path) == 0 ? " aria-current=\"page\"" : "",
                 entries[i].name);
    html_add(x, "</ul></nav>");
}

void html_begin(struct exchange *x, int status, const char *title, const char *current)
{
    web_text(x->res, status, "text/html; charset=utf-8", "");
    web_header_add(x->res, "Cache-Control", "no-store");
    html_add(x, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<meta name=\"viewport\" content=\"width=device-width\">"
                "<meta name=\"color-scheme\" content=\"light dark\"><title>");
    html_text(x, title);
    html_add(x, " · TikTok simulator</title>"
                "<link rel=\"icon\" type=\"image/png\" href=\"/sandbox/icon.png\">"
                "<link rel=\"stylesheet\" href=\"/sandbox/style.css\"></head><body>"
                "<a class=\"skip\" href=\"#main\">Skip to the content</a>"
                "<header class=\"top\"><div class=\"bar\">"
                "<a class=\"brand\" href=\"/\"><svg aria-hidden=\"true\" width=\"28\""
                " height=\"28\" viewBox=\"0 0 28 28\"><rect width=\"28\" height=\"28\""
                " rx=\"8\" class=\"mark\"/><path d=\"M11 8.5v11l9-5.5z\""
                " class=\"sign\"/></svg>TikTok simulator</a>");
    add_nav(x, current);
    html_add(x, "</div><p class=\"notice\">This is a simulator. Nothing here reaches the "
                "real TikTok, and nobody here is real.</p></header>"
                "<main id=\"main\" tabindex=\"-1\">");
}

void html_end(struct exchange *x)
{
    html_add(x, "</main><footer><p>tts-sandbox, the simulator of TikTok Scheduler. Its "
                "clock says ");
    html_time(x, x->now_ms);
    if (x->knobs.value[KNOB_CLOCK_OFFSET_MS] != 0)
        html_add(x, ", which is not this machine's time");
    html_add(x, ".</p></footer>");
    if (x->script != NULL)
        html_add(x, "<script src=\"%s\"></script>", x->script);
    html_add(x, "</body></html>");
}
