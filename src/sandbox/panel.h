/* sandbox/panel.h - what the parts of the page of controls have in common: forms, tables,
 * and the fields that come back. */
#ifndef SRC_SANDBOX_PANEL_H
#define SRC_SANDBOX_PANEL_H

#include "exchange.h"

#include <jansson.h>

enum { PANEL_VALUE_SIZE = 600 }; /* bytes of a field, with its NUL */

/* A form with a heading; what is the name of the deed it asks for. heading is markup. */
void panel_form(struct exchange *x, const char *what, const char *heading);

/* A choice, each with the words that stand for it. */
struct panel_choice {
    const char *value, *words;
    const char *json; /* what it means, for the caller */
};
void panel_choices(struct exchange *x, const char *label, const char *name,
                   const struct panel_choice *list, size_t n);

/* The JSON of the one that was chosen, for the caller to json_decref(); NULL: none. */
json_t *panel_chosen(const struct panel_choice *list, size_t n, const char *value);

/* How often a fault hits, and the button that ends the form. */
void panel_count(struct exchange *x);

/* A table that may be scrolled; rows go between. */
void panel_table(struct exchange *x, const char *label, const char *const *heads,
                 size_t n);
void panel_table_end(struct exchange *x);

/* A field of the form that came; "" when it is not there. */
enum rc panel_field(const struct exchange *x, const char *name,
                    char out[PANEL_VALUE_SIZE], struct err *err) MUST_CHECK;

/* RC_INVALID for a form that no page has sent. */
enum rc panel_bad_form(struct err *err);

/* Sets a fault, which it takes over, with the form's count; at endpoint, unless "". */
enum rc panel_set_fault(struct exchange *x, json_t *fault, const char *endpoint,
                        struct err *err) MUST_CHECK;

#endif
