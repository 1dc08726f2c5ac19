#include "consent.h"

#include "html.h"

#include "core/encode.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

enum {
    STATE_SIZE = 1025,
    VALUE_SIZE = 128,
    PEOPLE_SHOWN = 50,
    LOCATION_MAX = 8192,
};

/* What an app asks for, and on the way back what the person decided. */
struct asked {
    char client_key[VALUE_SIZE];
    char response_type[VALUE_SIZE];
    char scope[VALUE_SIZE];
    char redirect_uri[REDIRECT_SIZE];
    char state[STATE_SIZE];
    char challenge[CHALLENGE_SIZE];
    char method[VALUE_SIZE];
    char user[PERSON_NAME_SIZE];
    char decision[VALUE_SIZE];
    unsigned scopes;  /* of scope */
    unsigned granted; /* of the ticked boxes */
    struct app app;   /* that asks; id 0: nobody knows it */
    bool strange;     /* something was sent twice, or is too long */
};

struct asked_field {
    const char *name;
    size_t offset, size;
    bool travels; /* goes through the page in a hidden input */
};

#define AT(f) offsetof(struct asked, f), sizeof(((struct asked *)NULL)->f)

static const struct asked_field fields[] = {
    {"client_key", AT(client_key), true},
    {"response_type", AT(response_type), true},
    {"scope", AT(scope), true},
    {"redirect_uri", AT(redirect_uri), true},
    {"state", AT(state), true},
    {"code_challenge", AT(challenge), true},
    {"code_challenge_method", AT(method), true},
    {"user", AT(user), false},
    {"decision", AT(decision), false},
};

static char *field_of(struct asked *a, const struct asked_field *f)
{
    return (char *)a + f->offset;
}

static bool keep_pair(void *ctx, const char *name, const char *value)
{
    struct asked *a = ctx;
    unsigned scope = 0;

    if (strcmp(name, "grant") == 0) {
        a->strange = a->strange || !scopes_parse(value, &scope);
        a->granted |= scope;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        char *field = field_of(a, &fields[i]);

        if (strcmp(fields[i].name, name) != 0)
            continue;
        if (*field != '\0' || strlen(value) >= fields[i].size)
            a->strange = true;
        else
            text_copy(field, fields[i].size, value);
    }
    return true;
}

static enum rc read_asked(const struct exchange *x, struct asked *a, const char *form,
                          struct err *err)
{
    struct err ignored; /* malformed is strange */

    *a = (struct asked){.scopes = 0};
    if (web_form_each(form, strlen(form), keep_pair, a, &ignored) != RC_OK)
        a->strange = true;
    return app_by_key(x->sql, a->client_key, &a->app, err);
}

/* The parameter at fault, or NULL. TikTok names it on a page of its own and does not
 * send the browser back. */
static const char *fault_of(const struct exchange *x, struct asked *a)
{
    if (a->strange)
        return "query";
    if (a->app.id == 0)
        return "client_key";
    if (!redirect_registered(app_redirect_uris(&a->app, x->sandbox->settings),
                             a->redirect_uri))
        return "redirect_uri";
    if (strcmp(a->response_type, "code") != 0)
        return "response_type";
    if (!scopes_parse(a->scope, &a->scopes))
        return "scope";
    if (a->state[0] == '\0')
        return "state";
    if (a->challenge[0] != '\0' && strcmp(a->method, "S256") != 0)
        return "code_challenge_method";
    return NULL;
}

/* --- the page of what is wrong ------------------------------------------------- */

static const char *explanation(const char *fault)
{
    static const struct {
        const char *fault, *text;
    } rows[] = {
        {"client_key", "No app has this key; that of the local stack is "
                       "sbawlocalstackkey1. Compare TIKTOK_CLIENT_KEY."},
        {"redirect_uri", "The address is not registered for the app, letter by letter. "
                         "Compare TIKTOK_REDIRECT_URI with SANDBOX_REDIRECT_URIS."},
        {"response_type", "It must be code."},
        {"scope", "The app has no such permission, or the list is not separated by "
                  "commas. Compare TIKTOK_SCOPES."},
        {"state", "It is missing."},
        {"code_challenge_method", "It must be S256."},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].fault, fault) == 0)
            return rows[i].text;
    return "A parameter was sent twice, is too long or is malformed.";
}

static void error_page(struct exchange *x, const char *fault)
{
    html_begin(x, 400, "Something went wrong", "");
    html_add(x,
             "<div class=\"sheet\"><h1>Something went wrong</h1>"
             "<p>We couldn't log in with TikTok. This may be due to specific app "
             "settings.</p><p>If you're a developer, correct the following and try "
             "again:</p><ul><li><strong><code>%s</code></strong></li></ul>"
             "<p class=\"hint\"><strong>The simulator adds:</strong> %s</p></div>",
             fault, explanation(fault));
    html_end(x);
    text_copy(x->code, sizeof(x->code), fault);
}

/* --- the page of consent ------------------------------------------------------- */

static void add_hidden(struct exchange *x, struct asked *a)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *value = field_of(a, &fields[i]);

        if (fields[i].travels && *value != '\0')
            html_hidden(x, fields[i].name, value);
    }
}

struct choices {
    struct exchange *x;
    bool first_done;
};

static void add_choice(void *ctx, const struct person *person)
{
    struct choices *c = ctx;
    struct exchange *x = c->x;

    if (person->closed != 0)
        return;
    html_add(x, "<label class=\"choice\"><input type=\"radio\" name=\"user\"");
    html_attr(x, "value", person->username);
    html_add(x, "%s>", c->first_done ? "" : " checked");
    html_avatar(x, person, 40);
    html_add(x, "<span class=\"who\"><span class=\"name\">");
    html_text(x, person->nickname);
    html_add(x, "</span> <span class=\"dim\">@%s", person->username);
    if (person->note[0] != '\0')
        html_add(x, " · ");
    html_text(x, person->note);
    html_add(x, "</span></span></label>");
    c->first_done = true;
}

/* The basic permission belongs to signing in and cannot be refused by itself. */
static void add_scopes(struct exchange *x, const struct asked *a)
{
    html_add(x, "<fieldset><legend>It would like to</legend>");
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        const struct scope_words *s = &scope_table[i];

        if ((a->scopes & (unsigned)s->scope) == 0)
            continue;
        if (s->scope == SCOPE_USER_BASIC) {
            html_hidden(x, "grant", s->name);
            html_add(x,
                     "<p class=\"tick fixed\"><span>%s <span class=\"dim\">always, "
                     "%s</span></span></p>",
                     s->meaning, s->name);
            continue;
        }
        html_add(x,
                 "<label class=\"tick\"><input type=\"checkbox\" name=\"grant\" "
                 "value=\"%s\" checked><span>%s <span class=\"dim\">%s</span></span>"
                 "</label>",
                 s->name, s->meaning, s->name);
    }
    html_add(x, "</fieldset>");
}

static enum rc add_form(struct exchange *x, struct asked *a, struct err *err)
{
    struct choices choices = {.x = x};
    char title[APP_NAME_SIZE + 16];
    enum rc rc;

    (void)snprintf(title, sizeof(title), "Continue to %s?", a->app.name);
    html_begin(x, 200, title, "");
    html_add(x, "<form class=\"sheet\" method=\"post\" action=\"/v2/auth/authorize/\">"
                "<h1>");
    html_text(x, a->app.name);
    html_add(x,
             " wants to access a TikTok account</h1><p class=\"dim\">App key <code>%s"
             "</code>. It will send you back to <code class=\"wrap\">",
             a->app.client_key);
    html_text(x, a->redirect_uri);
    html_add(x, "</code>.</p>");
    add_hidden(x, a);
    html_add(x, "<fieldset><legend>Whose account?</legend>");
    rc = people_each(x->sql, PEOPLE_SHOWN, add_choice, &choices, err);
    html_add(x, "</fieldset>");
    add_scopes(x, a);
    html_add(x, "<div class=\"buttons\"><button class=\"primary\" name=\"decision\" "
                "value=\"allow\">Continue</button><button name=\"decision\" "
                "value=\"refuse\">Cancel</button></div><p class=\"hint\">At the real "
                "TikTok you would sign in first. The simulator has no passwords: choose "
                "whoever you like to be.</p></form>");
    html_end(x);
    return rc;
}

static enum rc note(struct exchange *x, struct err *err)
{
    enum rc rc = sql_begin(x->sql, err);

    return rc == RC_OK ? sql_end(x->sql, exchange_note(x, err), err) : rc;
}

enum rc consent_page(struct exchange *x, struct err *err)
{
    struct asked a;
    const char *fault;
    enum rc rc;

    rc = read_asked(x, &a, x->req->query, err);
    if (rc != RC_OK)
        return rc;
    x->app_id = a.app.id;
    fault = fault_of(x, &a);
    if (fault != NULL)
        error_page(x, fault);
    else
        rc = add_form(x, &a, err);
    return rc == RC_OK ? note(x, err) : rc;
}

/* --- the decision -------------------------------------------------------------- */

/* Sends the browser to the app with more parameters; the state comes last. */
static void send_back(struct exchange *x, const struct asked *a, const char *parameters)
{
    struct strbuf location;

    strbuf_init(&location, LOCATION_MAX);
    strbuf_addf(&location, "%s?%s&state=", a->redirect_uri, parameters);
    percent_encode(&location, a->state, strlen(a->state));
    web_empty(x->res, 302, location.buf);
    strbuf_wipe(&location);
}

void consent_fail(struct exchange *x, const char *error)
{
    bool decided = strcmp(x->req->method, "POST") == 0;
    const char *form = decided ? x->body.buf : x->req->query;
    char parameters[CODE_NAME_SIZE + 64];
    struct asked a;
    const char *fault;
    struct err ignored; /* it answers with an error in any case */

    if (read_asked(x, &a, form, &ignored) != RC_OK) {
        edge_page(x, 500);
        return;
    }
    fault = fault_of(x, &a);
    if (fault != NULL) {
        error_page(x, fault);
        return;
    }
    (void)snprintf(parameters, sizeof(parameters),
                   "error=%s&error_description=Something+went+wrong", error);
    text_copy(x->code, sizeof(x->code), error);
    send_back(x, &a, parameters);
}

static enum rc grant(struct exchange *x, const struct asked *a,
                     const struct person *person, struct err *err)
{
    struct consent consent = {.app_id = a->app.id,
                              .user_id = person->id,
                              .scopes = a->granted & a->scopes,
                              .expires_ms =
                                  x->now_ms + x->knobs.value[KNOB_CODE_TTL_S] * 1000};
    char code[CODE_SIZE];
    struct strbuf names, parameters;
    enum rc rc;

    text_copy(consent.redirect_uri, sizeof(consent.redirect_uri), a->redirect_uri);
    text_copy(consent.challenge, sizeof(consent.challenge), a->challenge);
    rc = code_new(x->sql, x->sandbox->random, &consent, code, err);
    if (rc != RC_OK)
        return rc;
    strbuf_init(&names, VALUE_SIZE);
    strbuf_init(&parameters, LOCATION_MAX);
    scopes_format(consent.scopes, &names);
    strbuf_addstr(&parameters, "code=");
    percent_encode(&parameters, code, strlen(code));
    strbuf_addstr(&parameters, "&scopes=");
    percent_encode(&parameters, names.buf, names.len);
    send_back(x, a, parameters.buf);
    strbuf_release(&names);
    strbuf_wipe(&parameters);
    explicit_bzero(code, sizeof(code));
    return RC_OK;
}

static enum rc decide(struct exchange *x, const struct asked *a, struct err *err)
{
    struct person person;
    enum rc rc;

    if (strcmp(a->decision, "allow") != 0) {
        text_copy(x->code, sizeof(x->code), "access_denied");
        send_back(x, a, "error=access_denied&error_description=User+cancelled");
        return RC_OK;
    }
    rc = person_by_name(x->sql, a->user, &person, err);
    if (rc != RC_OK)
        return rc;
    if (person.id == 0 || person.closed != 0)
        return err_field(err, "user", "no_such_person", "There is no such person here.");
    x->user_id = person.id;
    if (!app_is_open_to(&a->app, &person)) {
        text_copy(x->code, sizeof(x->code), "non_sandbox_target");
        send_back(x, a, "error=access_denied&error_type=non_sandbox_target");
        return RC_OK;
    }
    return grant(x, a, &person, err);
}

enum rc consent_decide(struct exchange *x, struct err *err)
{
    struct asked a;
    const char *fault;
    enum rc rc;

    rc = read_asked(x, &a, x->body.buf, err);
    if (rc != RC_OK)
        return rc;
    x->app_id = a.app.id;
    fault = fault_of(x, &a);
    if (fault != NULL) {
        error_page(x, fault);
        return note(x, err);
    }
    rc = sql_begin(x->sql, err);
    if (rc != RC_OK)
        return rc;
    rc = decide(x, &a, err);
    if (rc == RC_OK)
        rc = exchange_note(x, err);
    return sql_end(x->sql, rc, err);
}
