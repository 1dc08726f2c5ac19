#include "control_page.h"

#include "calls.h"
#include "control.h"
#include "control_portal.h"
#include "deeds.h"
#include "faults.h"
#include "frame.h"
#include "html.h"
#include "panel.h"

#include "core/parse.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CALLS_SHOWN = 40,
    PEOPLE_SHOWN = 20,
};

/* --- what can be set by one click ---------------------------------------------- */

/* Faults as a person thinks of them; the form adds endpoint, count and account. */
static const struct panel_choice troubles[] = {
    {"busy", "answers 429, too many requests", "{\"status\": 429}"},
    {"broken", "answers 500, a problem of TikTok's", "{\"status\": 500}"},
    {"html", "answers an HTML page of its edge", "{\"body\": \"html\"}"},
    {"garbage", "answers what is not JSON", "{\"body\": \"garbage\"}"},
    {"truncated", "answers half of its JSON", "{\"body\": \"truncated\"}"},
    {"lost", "does it, and the answer is lost", "{\"lost\": true}"},
    {"drop", "drops the connection at once", "{\"drop\": true}"},
    {"slow", "takes five seconds", "{\"delay_ms\": 5000}"},
    {"hang", "does it, and hangs for a minute", "{\"hang_ms\": 60000}"},
    {"expired", "says that the token is invalid", "{\"status\": 401}"},
    {"banned", "says that the person is banned from posting",
     "{\"status\": 403, \"code\": \"spam_risk_user_banned_from_posting\"}"},
    {"capped", "says that the day's posts are used up",
     "{\"status\": 403, \"code\": \"spam_risk_too_many_posts\"}"},
};

/* The same for what becomes of a publication. */
static const struct panel_choice fates[] = {
    {"format", "fails: the format is not supported",
     "{\"fail_reason\": \"file_format_check_failed\"}"},
    {"rate", "fails: the frame rate is out of range",
     "{\"fail_reason\": \"frame_rate_check_failed\"}"},
    {"internal", "fails: a problem of TikTok's", "{\"fail_reason\": \"internal\"}"},
    {"text", "fails: the caption is taken for spam",
     "{\"fail_reason\": \"spam_risk_text\"}"},
    {"stuck", "stays in processing for ever", "{\"stuck\": true}"},
    {"late", "takes a minute to process", "{\"processing_ms\": 60000}"},
};

static const struct {
    const char *words;
    int64_t advance_ms; /* 0: back to the machine's time */
} steps[] = {{"One minute on", 60000},
             {"One hour on", 3600000},
             {"One day on", 86400000},
             {"Back to this machine's time", 0}};

/* Settings of people that the page can turn. */
static const struct {
    const char *key, *words;
} settings[] = {{"private", "Private account"},
                {"banned", "Banned from posting"},
                {"comment_disabled", "Comments off"},
                {"duet_disabled", "Duets off"},
                {"stitch_disabled", "Stitches off"}};

static const struct {
    enum removal why;
    const char *words;
} exits[] = {{REMOVED_BANNED, "Ban the account"},
             {REMOVED_DELETED, "Delete the account"}};

/* --- forms --------------------------------------------------------------------- */

static void add_fault_forms(struct exchange *x)
{
    const char *name;

    html_add(x, "<div class=\"forms\">");
    panel_form(x, "fault", "A request goes wrong");
    html_add(x, "<label class=\"field\"><span>When the scheduler calls</span>"
                "<select name=\"endpoint\">");
    for (size_t i = 0; (name = fault_endpoint(i)) != NULL; i++)
        if (strcmp(name, FAULT_PUBLICATION) != 0)
            html_add(x, "<option value=\"%s\">%s</option>", name,
                     strcmp(name, "*") == 0 ? "anything" : name);
    html_add(x, "</select></label>");
    panel_choices(x, "TikTok", "trouble", troubles, ARRAY_LEN(troubles));
    panel_count(x);
    panel_form(x, "fate", "A publication goes wrong");
    panel_choices(x, "After its last byte it", "trouble", fates, ARRAY_LEN(fates));
    panel_count(x);
    html_add(x, "</div>");
}

static void add_clock(struct exchange *x)
{
    html_add(x, "<h2>Clock</h2><form class=\"panel\" method=\"post\" action=\"/sandbox\">"
                "<input type=\"hidden\" name=\"what\" value=\"clock\"><p>It is ");
    html_time(x, x->now_ms);
    html_add(x, " here. Tokens, upload addresses, rate windows and daily caps follow "
                "this clock.</p><div class=\"buttons\">");
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        html_add(x, "<button name=\"step\" value=\"%zu\">%s</button>", i, steps[i].words);
    html_add(x, "</div></form>");
}

/* Ways for an account to go, or to come back; the apps hear of it by a webhook. */
static void add_exits(struct exchange *x, const struct person *p)
{
    if (p->closed != 0) {
        html_add(x,
                 "<button name=\"exit\" value=\"return\">Bring back<span "
                 "class=\"away\"> %s</span></button>",
                 p->username);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(exits); i++)
        html_add(x,
                 "<button name=\"exit\" value=\"%d\">%s<span class=\"away\"> of "
                 "%s</span></button>",
                 (int)exits[i].why, exits[i].words, p->username);
}

static void add_person_form(void *ctx, const struct person *p)
{
    struct exchange *x = ctx;
    const bool set[] = {p->private_account, p->banned, p->comment_disabled,
                        p->duet_disabled, p->stitch_disabled};

    html_add(x, "<form method=\"post\" action=\"/sandbox\"><h3>");
    html_text(x, p->nickname);
    html_add(x, "</h3>");
    html_hidden(x, "what", "person");
    html_hidden(x, "username", p->username);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        html_add(x,
                 "<label class=\"tick\"><input type=\"checkbox\" name=\"%s\" "
                 "value=\"1\"%s><span>%s</span></label>",
                 settings[i].key, set[i] ? " checked" : "", settings[i].words);
    html_add(x,
             "<div class=\"buttons\"><button>Save<span class=\"away\"> settings of %s"
             "</span></button>",
             p->username);
    add_exits(x, p);
    html_add(x, "</div></form>");
}

static void add_knobs(struct exchange *x)
{
    html_add(x, "<h2>Knobs</h2><form class=\"panel\" method=\"post\" "
                "action=\"/sandbox\"><input type=\"hidden\" name=\"what\" "
                "value=\"knob\"><label class=\"field\"><span>Knob</span>"
                "<select name=\"knob\">");
    for (size_t i = 0; i < KNOB_COUNT; i++)
        html_add(x, "<option value=\"%s\">%s: %" PRId64 " (usually %" PRId64 ")</option>",
                 knob_table[i].name, knob_table[i].name, x->knobs.value[i],
                 i == KNOB_PROCESSING_MS ? x->sandbox->settings->processing_ms
                                         : knob_table[i].usual);
    html_add(x, "</select></label><label class=\"field\"><span>New value (empty: the "
                "usual one)</span><input type=\"text\" inputmode=\"numeric\" "
                "name=\"value\"></label><button>Turn</button></form>");
}

/* --- lists --------------------------------------------------------------------- */

struct rows {
    struct exchange *x;
    int64_t written;
};

static void add_fault_row(void *ctx, int64_t id, const char *spec, int64_t hits)
{
    static const char *const heads[] = {"Fault", "Applied", "Remove"};
    struct rows *rows = ctx;
    struct exchange *x = rows->x;

    if (rows->written++ == 0)
        panel_table(x, "Faults", heads, ARRAY_LEN(heads));
    html_add(x, "<tr><td><code>");
    html_text(x, spec);
    html_add(x, "</code></td><td>%" PRId64 " times</td><td>", hits);
    html_add(x,
             "<form method=\"post\" action=\"/sandbox\"><input type=\"hidden\" "
             "name=\"what\" value=\"unfault\"><button name=\"id\" value=\"%" PRId64
             "\" aria-label=\"Remove fault %" PRId64
             "\">Remove</button></form></td></tr>",
             id, id);
}

static enum rc add_faults(struct exchange *x, struct err *err)
{
    struct rows rows = {.x = x};
    enum rc rc;

    html_add(x, "<h2>Faults</h2>");
    add_fault_forms(x);
    rc = faults_each(x->sql, add_fault_row, &rows, err);
    if (rows.written > 0)
        panel_table_end(x);
    else
        html_add(x, "<p class=\"dim\">None is set: TikTok works.</p>");
    return rc;
}

static void add_call_row(void *ctx, const struct call *call)
{
    static const char *const heads[] = {"Time",   "Endpoint",   "Status",
                                        "Answer", "publish_id", "Fault"};
    struct rows *rows = ctx;
    struct exchange *x = rows->x;

    if (rows->written++ == 0)
        panel_table(x, "Calls", heads, ARRAY_LEN(heads));
    html_add(x, "<tr><td>");
    html_time(x, call->at_ms);
    html_add(x, "</td><td>%s</td><td>%d</td><td>", call->endpoint, call->status);
    html_text(x, call->code);
    html_add(x, "</td><td>");
    html_text(x, call->publish_id);
    html_add(x, "</td><td>");
    if (call->fault_id != 0)
        html_add(x, "%" PRId64, call->fault_id);
    html_add(x, "</td></tr>");
}

static enum rc add_calls(struct exchange *x, struct err *err)
{
    struct rows rows = {.x = x};
    enum rc rc;

    html_add(x, "<h2>Latest calls</h2>");
    rc = calls_each(x->sql, NULL, CALLS_SHOWN, add_call_row, &rows, err);
    if (rows.written > 0)
        panel_table_end(x);
    else
        html_add(x, "<p class=\"dim\">Nobody has called yet.</p>");
    return rc;
}

enum rc control_page(struct exchange *x, struct err *err)
{
    enum rc rc;

    html_begin(x, 200, "Controls", "/sandbox");
    html_add(x, "<h1>Controls</h1><p class=\"lead\">Make TikTok behave as on a bad day, "
                "and see what the scheduler makes of it.</p>");
    rc = add_faults(x, err);
    add_clock(x);
    html_add(x, "<h2>People</h2><div class=\"forms\">");
    if (rc == RC_OK)
        rc = people_each(x->sql, PEOPLE_SHOWN, add_person_form, x, err);
    html_add(x, "</div>");
    if (rc == RC_OK)
        rc = portal_webhooks(x, err);
    if (rc == RC_OK)
        rc = portal_apps(x, err);
    add_knobs(x);
    if (rc == RC_OK)
        rc = add_calls(x, err);
    html_add(x,
             "<h2>Start over</h2><form class=\"panel\" method=\"post\" "
             "action=\"/sandbox\"><input type=\"hidden\" name=\"what\" "
             "value=\"reset\"><p>Deletes all posts, faults, calls and knobs. Connected "
             "accounts stay connected.</p><div class=\"buttons\"><button>Delete what "
             "happened</button></div></form>");
    html_end(x);
    return rc;
}

/* --- actions ------------------------------------------------------------------- */

static enum rc do_fault(struct exchange *x, struct err *err)
{
    char endpoint[PANEL_VALUE_SIZE], value[PANEL_VALUE_SIZE];
    enum rc rc = panel_field(x, "endpoint", endpoint, err);

    if (rc == RC_OK)
        rc = panel_field(x, "trouble", value, err);
    if (rc != RC_OK)
        return rc;
    return panel_set_fault(x, panel_chosen(troubles, ARRAY_LEN(troubles), value),
                           endpoint, err);
}

static enum rc do_fate(struct exchange *x, struct err *err)
{
    char value[PANEL_VALUE_SIZE];
    enum rc rc = panel_field(x, "trouble", value, err);

    if (rc != RC_OK)
        return rc;
    return panel_set_fault(x, panel_chosen(fates, ARRAY_LEN(fates), value), "", err);
}

static enum rc do_unfault(struct exchange *x, struct err *err)
{
    char value[PANEL_VALUE_SIZE];
    int64_t id;
    int64_t removed;
    enum rc rc = panel_field(x, "id", value, err);

    if (rc == RC_OK && !parse_i64(value, 1, INT64_MAX, &id))
        rc = panel_bad_form(err);
    return rc == RC_OK ? fault_remove(x->sql, id, &removed, err) : rc;
}

static enum rc do_clock(struct exchange *x, struct err *err)
{
    char value[PANEL_VALUE_SIZE];
    int64_t step;
    enum rc rc = panel_field(x, "step", value, err);

    if (rc == RC_OK && !parse_i64(value, 0, (int64_t)ARRAY_LEN(steps) - 1, &step))
        rc = panel_bad_form(err);
    if (rc != RC_OK)
        return rc;
    if (steps[step].advance_ms == 0)
        return knob_forget(x->sql, KNOB_CLOCK_OFFSET_MS, err);
    return turn_knob(x, KNOB_CLOCK_OFFSET_MS,
                     x->knobs.value[KNOB_CLOCK_OFFSET_MS] + steps[step].advance_ms, err);
}

/* The account goes or comes back, for the reason on the button. */
static enum rc do_exit(struct exchange *x, struct person *person, const char *exit,
                       struct err *err)
{
    int64_t why = 0;

    if (strcmp(exit, "return") == 0)
        return account_reopen(x, person, err);
    if (!parse_i64(exit, 0, INT64_MAX, &why) || !removal_known(why))
        return panel_bad_form(err);
    return apps_remove(x, person, (enum removal)why, err);
}

static enum rc do_settings(struct exchange *x, struct person *person, struct err *err)
{
    char value[PANEL_VALUE_SIZE];
    json_t *changes = json_object();
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(settings); i++) {
        rc = panel_field(x, settings[i].key, value, err);
        (void)json_object_set_new(changes, settings[i].key,
                                  json_boolean(value[0] != '\0'));
    }
    if (rc == RC_OK)
        rc = person_change(person, changes, err);
    if (rc == RC_OK)
        rc = person_store(x->sql, person, err);
    json_decref(changes);
    return rc;
}

static enum rc do_person(struct exchange *x, struct err *err)
{
    char value[PANEL_VALUE_SIZE];
    struct person person = {.id = 0};
    enum rc rc = panel_field(x, "username", value, err);

    if (rc == RC_OK)
        rc = person_by_name(x->sql, value, &person, err);
    if (rc == RC_OK)
        rc = panel_field(x, "exit", value, err);
    if (rc != RC_OK)
        return rc;
    if (person.id == 0)
        return panel_bad_form(err);
    if (value[0] != '\0')
        return do_exit(x, &person, value, err);
    return do_settings(x, &person, err);
}

static enum rc do_knob(struct exchange *x, struct err *err)
{
    char name[PANEL_VALUE_SIZE], value[PANEL_VALUE_SIZE];
    enum knob knob;
    int64_t n;
    enum rc rc = panel_field(x, "knob", name, err);

    if (rc == RC_OK)
        rc = panel_field(x, "value", value, err);
    if (rc != RC_OK)
        return rc;
    knob = knob_named(name);
    if (knob == KNOB_COUNT)
        return panel_bad_form(err);
    if (value[0] == '\0')
        return knob_forget(x->sql, knob, err);
    if (!parse_i64(value, INT64_MIN, INT64_MAX, &n))
        return panel_bad_form(err);
    return turn_knob(x, knob, n, err);
}

static enum rc in_transaction(struct exchange *x, handle_fn deed, struct err *err)
{
    enum rc rc = sql_begin(x->sql, err);

    x->errand = true;
    return rc == RC_OK ? sql_end(x->sql, deed(x, err), err) : rc;
}

enum rc control_page_action(struct exchange *x, struct err *err)
{
    static const struct {
        const char *what;
        handle_fn deed;
    } deeds[] = {{"fault", do_fault},
                 {"fate", do_fate},
                 {"unfault", do_unfault},
                 {"clock", do_clock},
                 {"person", do_person},
                 {"knob", do_knob},
                 {"webhook_url", portal_do_url},
                 {"webhook_test", portal_do_test},
                 {"webhook_fault", portal_do_fault},
                 {"webhook_again", portal_do_again},
                 {"app", portal_do_app},
                 {"app_new", portal_do_new_app}};
    char what[PANEL_VALUE_SIZE];
    enum rc rc = panel_field(x, "what", what, err);

    if (rc != RC_OK)
        return rc;
    rc = panel_bad_form(err);
    if (strcmp(what, "reset") == 0)
        rc = reset_everything(x, true, err);
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
        if (strcmp(deeds[i].what, what) == 0)
            rc = in_transaction(x, deeds[i].deed, err);
    if (rc == RC_OK)
        web_empty(x->res, 303, "/sandbox");
    return rc;
}
