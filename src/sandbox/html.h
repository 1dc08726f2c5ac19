/* sandbox/html.h - pages: the part that all have, and text that is safe in them.
 *
 * Everything goes into the body of x->res. html_add() takes markup, constant but for
 * numbers; html_text() takes anything, html_attr() writes ` name="text"`. nginx's content
 * policy allows no inline style or script: looks come from /sandbox/style.css. */
#ifndef SRC_SANDBOX_HTML_H
#define SRC_SANDBOX_HTML_H

#include "exchange.h"

/* Begins a page; title is text. current names the entry of the navigation to mark: "/",
 * "/people", "/sandbox", or "" for none. */
void html_begin(struct exchange *x, int status, const char *title, const char *current);
void html_end(struct exchange *x);

void html_add(struct exchange *x, const char *fmt, ...) PRINTF_LIKE(2, 3);
void html_text(struct exchange *x, const char *text);
void html_slice(struct exchange *x, const char *text, size_t len);
void html_attr(struct exchange *x, const char *name, const char *text);

/* An instant of the simulator's clock, with a <time> around it. */
void html_time(struct exchange *x, int64_t at_ms);

/* <input type="hidden" …> */
void html_hidden(struct exchange *x, const char *name, const char *value);

/* The person's picture; it decorates, so its text is empty. */
void html_avatar(struct exchange *x, const struct person *person, int side);

/* A link to a person's page around the nickname. */
void html_person(struct exchange *x, const struct person *person);

#endif
