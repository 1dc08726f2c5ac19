#include "control_portal.h"

#include "control.h"
#include "html.h"
#include "listing.h"
#include "panel.h"
#include "webhooks.h"

#include "core/parse.h"
#include "core/text.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN = 20 };

static const struct panel_choice troubles[] = {
    {"lost", "is never sent", "{\"lost\": true}"},
    {"late", "comes an hour late", "{\"late_ms\": 3600000}"},
    {"twice", "comes twice", "{\"duplicate\": 1}"},
    {"passed", "comes after the next one", "{\"reorder\": true}"},
    {"forged", "has a wrong signature", "{\"signature\": \"wrong\"}"},
    {"unsigned", "has no signature", "{\"signature\": \"missing\"}"},
};

/* --- webhooks ------------------------------------------------------------------ */

static void add_url_form(struct exchange *x, const struct app *app)
{
    panel_form(x, "webhook_url", "Where they go");
    html_add(x, "<label class=\"field\"><span>Address (empty: nowhere)</span>"
                "<input type=\"text\" inputmode=\"url\" name=\"url\"");
    html_attr(x, "value", app_webhook_url(app, x->sandbox->settings));
    html_add(x, "></label><button>Save<span class=\"away\"> the address</span></button>"
                "</form>");
}

static void add_test_form(struct exchange *x)
{
    panel_form(x, "webhook_test", "Try the address");
    html_add(x, "<label class=\"field\"><span>With a sample of</span>"
                "<select name=\"event\">");
    for (unsigned i = 0; i < WEBHOOK_EVENT_COUNT; i++) {
        const char *name = webhook_event_name((enum webhook_event)i);

        html_add(x, "<option value=\"%s\">%s</option>", name, name);
    }
    html_add(x, "</select></label><button>Send<span class=\"away\"> a sample</span>"
                "</button></form>");
}

static void add_fault_form(struct exchange *x)
{
    panel_form(x, "webhook_fault", "A webhook goes wrong");
    panel_choices(x, "The next one", "trouble", troubles, ARRAY_LEN(troubles));
    panel_count(x);
}

static enum rc add_counts(struct exchange *x, struct err *err)
{
    int64_t counts[WEBHOOK_STATE_COUNT];
    enum rc rc = webhooks_count(x->sql, counts, err);

    if (rc != RC_OK)
        return rc;
    html_add(x, "<p class=\"dim\">");
    for (unsigned i = 0; i < WEBHOOK_STATE_COUNT; i++)
        html_add(x, "%s%" PRId64 " %s", i > 0 ? ", " : "", counts[i],
                 webhook_state_name((enum webhook_state)i));
    html_add(x, "</p>");
    return RC_OK;
}

struct rows {
    struct listing of;
    int64_t written;
};

static void add_whom(struct rows *rows, const struct webhook *h)
{
    const char *username = listing_username(&rows->of, h->user_id);

    if (h->user_id == 0)
        html_add(rows->of.x, "a sample");
    else if (username != NULL)
        html_add(rows->of.x, "@%s", username);
}

static void add_answer(struct exchange *x, const struct webhook *h)
{
    if (h->status != 0)
        html_add(x, "%d", h->status);
    else
        html_text(x, h->trouble);
}

static void add_webhook_row(void *ctx, const struct webhook *h)
{
    static const char *const heads[] = {"Time",  "Event",  "Person", "State",
                                        "Tries", "Answer", "Again"};
    struct rows *rows = ctx;
    struct exchange *x = rows->of.x;

    if (rows->written++ == 0)
        panel_table(x, "Webhooks", heads, ARRAY_LEN(heads));
    html_add(x, "<tr><td>");
    html_time(x, h->create_ms);
    html_add(x, "</td><td>%s</td><td>", h->event);
    add_whom(rows, h);
    html_add(x, "</td><td>%s</td><td>%" PRId64 "</td><td>", webhook_state_name(h->state),
             h->tries);
    add_answer(x, h);
    html_add(x,
             "</td><td><form method=\"post\" action=\"/sandbox\"><input type=\"hidden\" "
             "name=\"what\" value=\"webhook_again\"><button name=\"id\" value=\"%" PRId64
             "\" aria-label=\"Send webhook %" PRId64
             " again\">Send again</button></form></td></tr>",
             h->id, h->id);
}

static enum rc add_list(struct exchange *x, struct err *err)
{
    const struct webhook_filter filter = {.event = "", .limit = SHOWN};
    struct rows rows = {.of = {.x = x, .err = err}};
    enum rc rc = webhooks_each(x->sql, &filter, add_webhook_row, &rows, err);

    if (rows.written > 0)
        panel_table_end(x);
    else
        html_add(x, "<p class=\"dim\">None has been sent yet.</p>");
    return rc == RC_OK ? rows.of.rc : rc;
}

enum rc portal_webhooks(struct exchange *x, struct err *err)
{
    struct app app;
    enum rc rc = app_by_id(x->sql, APP_LOCAL_ID, &app, err);

    if (rc != RC_OK)
        return rc;
    html_add(x, "<h2>Webhooks</h2><p>What happens here, TikTok tells the app by itself."
                "</p>");
    rc = add_counts(x, err);
    html_add(x, "<div class=\"forms\">");
    add_url_form(x, &app);
    add_test_form(x);
    add_fault_form(x);
    html_add(x, "</div>");
    return rc == RC_OK ? add_list(x, err) : rc;
}

/* --- apps ---------------------------------------------------------------------- */

static void add_tick(struct exchange *x, const char *name, bool on, const char *words)
{
    html_add(x,
             "<label class=\"tick\"><input type=\"checkbox\" name=\"%s\" value=\"1\"%s>"
             "<span>%s</span></label>",
             name, on ? " checked" : "", words);
}

/* The secret of one that was added here is nowhere else to be read. */
static void add_app_form(void *ctx, const struct app *app)
{
    struct exchange *x = ctx;

    html_add(x, "<form method=\"post\" action=\"/sandbox\"><h3>");
    html_text(x, app->name);
    html_add(x, "</h3>");
    html_hidden(x, "what", "app");
    html_hidden(x, "client_key", app->client_key);
    html_add(x, "<p class=\"dim wrap\">Key <code>%s</code>", app->client_key);
    if (app->id != APP_LOCAL_ID) {
        html_add(x, ", secret <code>");
        html_text(x, app_secret(app, x->sandbox->settings));
        html_add(x, "</code>");
    }
    html_add(x, "</p>");
    add_tick(x, "sandbox", app->sandbox, "Sandbox mode: target users only");
    add_tick(x, "audited", app->audited, "Audited: may post in public");
    html_add(x, "<button>Save<span class=\"away\"> settings of this app</span></button>"
                "</form>");
}

static void add_new_app_form(struct exchange *x)
{
    panel_form(x, "app_new", "Another app");
    html_add(x, "<label class=\"field\"><span>Name</span><input type=\"text\" "
                "name=\"name\" maxlength=\"80\" required></label><label class=\"field\">"
                "<span>Redirect address</span><input type=\"text\" inputmode=\"url\" "
                "name=\"redirect_uri\" maxlength=\"511\" required></label>");
    add_tick(x, "sandbox", true, "Sandbox mode: target users only");
    add_tick(x, "audited", false, "Audited: may post in public");
    html_add(x, "<button>Add<span class=\"away\"> the app</span></button></form>");
}

enum rc portal_apps(struct exchange *x, struct err *err)
{
    enum rc rc;

    html_add(x, "<h2>Apps</h2><div class=\"forms\">");
    rc = apps_each(x->sql, add_app_form, x, err);
    add_new_app_form(x);
    html_add(x, "</div>");
    return rc;
}

/* --- deeds --------------------------------------------------------------------- */

/* Changes one of the apps, and stores it; takes changes over. */
static enum rc change_app(struct exchange *x, const char *key, json_t *changes,
                          struct err *err)
{
    struct app app;
    enum rc rc = app_by_key(x->sql, key, &app, err);

    if (rc == RC_OK && app.id == 0)
        rc = panel_bad_form(err);
    if (rc == RC_OK)
        rc = app_change(&app, changes, err);
    if (rc == RC_OK)
        rc = app_store(x->sql, x->sandbox->settings, &app, x->now_ms, err);
    json_decref(changes);
    return rc;
}

enum rc portal_do_url(struct exchange *x, struct err *err)
{
    char url[PANEL_VALUE_SIZE];
    enum rc rc = panel_field(x, "url", url, err);

    if (rc != RC_OK)
        return rc;
    return change_app(x, SANDBOX_APP_KEY, json_pack("{s:s}", "webhook_url", url), err);
}

enum rc portal_do_test(struct exchange *x, struct err *err)
{
    char name[PANEL_VALUE_SIZE];
    enum webhook_event event;
    int64_t id = 0;
    struct app app;
    enum rc rc = panel_field(x, "event", name, err);

    if (rc == RC_OK)
        rc = app_by_id(x->sql, APP_LOCAL_ID, &app, err);
    if (rc != RC_OK)
        return rc;
    event = webhook_event_named(name);
    if (event == WEBHOOK_EVENT_COUNT)
        return panel_bad_form(err);
    return webhook_try(x, &app, event, &id, err);
}

enum rc portal_do_fault(struct exchange *x, struct err *err)
{
    char value[PANEL_VALUE_SIZE];
    enum rc rc = panel_field(x, "trouble", value, err);

    if (rc != RC_OK)
        return rc;
    return panel_set_fault(x, panel_chosen(troubles, ARRAY_LEN(troubles), value),
                           "webhook", err);
}

enum rc portal_do_again(struct exchange *x, struct err *err)
{
    char value[PANEL_VALUE_SIZE];
    int64_t id = 0;
    enum rc rc = panel_field(x, "id", value, err);

    if (rc == RC_OK && !parse_i64(value, 1, INT64_MAX, &id))
        rc = panel_bad_form(err);
    return rc == RC_OK ? webhook_again(x, id, err) : rc;
}

/* The two boxes of an app's form. */
static enum rc read_ticks(struct exchange *x, json_t *changes, struct err *err)
{
    static const char *const names[] = {"sandbox", "audited"};
    char value[PANEL_VALUE_SIZE];
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(names); i++) {
        rc = panel_field(x, names[i], value, err);
        (void)json_object_set_new(changes, names[i], json_boolean(value[0] != '\0'));
    }
    return rc;
}

enum rc portal_do_app(struct exchange *x, struct err *err)
{
    char key[PANEL_VALUE_SIZE];
    json_t *changes = json_object();
    enum rc rc = panel_field(x, "client_key", key, err);

    if (rc == RC_OK)
        rc = read_ticks(x, changes, err);
    if (rc == RC_OK)
        return change_app(x, key, changes, err);
    json_decref(changes);
    return rc;
}

enum rc portal_do_new_app(struct exchange *x, struct err *err)
{
    char name[PANEL_VALUE_SIZE], uri[PANEL_VALUE_SIZE];
    json_t *json;
    struct app app;
    enum rc rc = panel_field(x, "name", name, err);

    if (rc == RC_OK)
        rc = panel_field(x, "redirect_uri", uri, err);
    if (rc != RC_OK)
        return rc;
    json = json_pack("{s:s, s:[s]}", "name", name, "redirect_uris", uri);
    rc = read_ticks(x, json, err);
    if (rc == RC_OK)
        rc = app_add(x->sql, x->sandbox->random, json, &app, err);
    json_decref(json);
    return rc;
}
