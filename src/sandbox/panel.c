#include "panel.h"

#include "faults.h"
#include "html.h"

#include "core/parse.h"
#include "core/text.h"

#include <string.h>

void panel_form(struct exchange *x, const char *what, const char *heading)
{
    html_add(x,
             "<form method=\"post\" action=\"/sandbox\"><h3>%s</h3><input type=\"hidden\""
             " name=\"what\" value=\"%s\">",
             heading, what);
}

void panel_choices(struct exchange *x, const char *label, const char *name,
                   const struct panel_choice *list, size_t n)
{
    html_add(x, "<label class=\"field\"><span>%s</span><select name=\"%s\">", label,
             name);
    for (size_t i = 0; i < n; i++)
        html_add(x, "<option value=\"%s\">%s</option>", list[i].value, list[i].words);
    html_add(x, "</select></label>");
}

json_t *panel_chosen(const struct panel_choice *list, size_t n, const char *value)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].value, value) == 0)
            return json_loads(list[i].json, 0, NULL);
    return NULL;
}

void panel_count(struct exchange *x)
{
    html_add(x, "<label class=\"field\"><span>How often (empty: until removed)</span>"
                "<input type=\"number\" name=\"count\" min=\"1\" max=\"1000000\" "
                "value=\"1\"></label><button>Set</button></form>");
}

void panel_table(struct exchange *x, const char *label, const char *const *heads,
                 size_t n)
{
    html_add(x,
             "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">"
             "<table><thead><tr>",
             label);
    for (size_t i = 0; i < n; i++)
        html_add(x, "<th scope=\"col\">%s</th>", heads[i]);
    html_add(x, "</tr></thead><tbody>");
}

void panel_table_end(struct exchange *x)
{
    html_add(x, "</tbody></table></div>");
}

enum rc panel_field(const struct exchange *x, const char *name,
                    char out[PANEL_VALUE_SIZE], struct err *err)
{
    struct strbuf value;
    bool found = false;
    enum rc rc;

    strbuf_init(&value, PANEL_VALUE_SIZE - 1);
    rc = web_form_value(x->body.buf, x->body.len, name, &value, &found, err);
    out[0] = '\0';
    if (rc == RC_OK && found)
        text_copy(out, PANEL_VALUE_SIZE, value.buf);
    strbuf_release(&value);
    return rc;
}

enum rc panel_bad_form(struct err *err)
{
    return err_set(err, RC_INVALID, "bad_request", "The form is not filled in right.\n");
}

enum rc panel_set_fault(struct exchange *x, json_t *fault, const char *endpoint,
                        struct err *err)
{
    char count[PANEL_VALUE_SIZE];
    int64_t n = 0;
    int64_t id;
    enum rc rc = panel_field(x, "count", count, err);

    if (rc == RC_OK &&
        (fault == NULL || (count[0] != '\0' && !parse_i64(count, 1, INT64_MAX, &n))))
        rc = panel_bad_form(err);
    if (rc == RC_OK && n > 0)
        (void)json_object_set_new(fault, "count", json_integer(n));
    if (rc == RC_OK && *endpoint != '\0')
        (void)json_object_set_new(fault, "endpoint", json_string(endpoint));
    if (rc == RC_OK)
        rc = fault_add(x->sql, fault, &id, err);
    json_decref(fault);
    return rc;
}
