/* sandbox/apps: which apps there are, what each has, and what may be said of one. */
#include "sandbox/apps.h"
#include "scratch.h"
#include "unit.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

static char dir[SCRATCH_SIZE];
static struct sql *sql;
static struct err err;
static struct app app;
static char secret[] = "of the settings";
static char uris[] = "https://a.example/cb,https://b.example/cb";
static char hook[] = "http://localhost:8080/api/webhooks/tiktok";
static char pulls[] = "media.example";
static const struct settings settings = {.client_secret = secret,
                                         .redirect_uris = uris,
                                         .webhook_url = hook,
                                         .pull_urls = pulls};

#define OK(call) ck_assert_msg((call) == RC_OK, #call ": %s", err.msg)

static void setup(void)
{
    scratch_make(dir);
    OK(sql_open(dir, &sql, &err));
    OK(apps_seed(sql, &err));
}

static void teardown(void)
{
    sql_close(sql);
    scratch_remove(dir);
}

static json_t *parsed(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(json);
    return json;
}

static enum rc add(const char *text)
{
    json_t *json = parsed(text);
    enum rc rc = app_add(sql, random_system(), json, &app, &err);

    json_decref(json);
    return rc;
}

static enum rc change(const char *text)
{
    json_t *json = parsed(text);
    enum rc rc = app_change(&app, json, &err);

    json_decref(json);
    return rc;
}

/* Changes the app of the local stack, stores it and reads it back. */
static void keep(const char *text, int64_t now_ms)
{
    OK(change(text));
    OK(app_store(sql, &settings, &app, now_ms, &err));
    OK(app_by_id(sql, APP_LOCAL_ID, &app, &err));
}

START_TEST(the_app_of_the_local_stack_has_what_the_settings_say)
{
    OK(apps_seed(sql, &err)); /* once only */
    OK(app_by_key(sql, SANDBOX_APP_KEY, &app, &err));
    ck_assert_int_eq(app.id, APP_LOCAL_ID);
    ck_assert(app.sandbox);
    ck_assert(app.audited);
    ck_assert_str_eq(app_secret(&app, &settings), secret);
    ck_assert_str_eq(app_redirect_uris(&app, &settings), uris);
    ck_assert_str_eq(app_webhook_url(&app, &settings), hook);
    ck_assert_str_eq(app_properties(&app, &settings), pulls);
    ck_assert_str_eq(app_webhook_url(&app, &(struct settings){0}), "");
    OK(app_by_key(sql, "sbawsomebodyelse1", &app, &err));
    ck_assert_int_eq(app.id, 0);
}
END_TEST

START_TEST(what_is_changed_holds_until_it_is_put_back)
{
    OK(app_by_id(sql, APP_LOCAL_ID, &app, &err));
    keep("{\"client_secret\": \"another-one\", \"audited\": false, \"name\": \"Mine\","
         " \"redirect_uris\": [\"http://localhost:1/a\", \"https://c.example/\"],"
         " \"properties\": [], \"webhook_url\": \"\"}",
         1000);
    ck_assert_str_eq(app_secret(&app, &settings), "another-one");
    ck_assert_str_eq(app_redirect_uris(&app, &settings),
                     "http://localhost:1/a,https://c.example/");
    ck_assert_str_eq(app_webhook_url(&app, &settings), "");
    ck_assert_str_eq(app_properties(&app, &settings), "");
    ck_assert_str_eq(app.name, "Mine");
    ck_assert(!app.audited);
    keep("{\"client_secret\": null, \"redirect_uris\": null, \"webhook_url\": null,"
         " \"properties\": null}",
         2000);
    ck_assert_str_eq(app_secret(&app, &settings), secret);
    ck_assert_str_eq(app_redirect_uris(&app, &settings), uris);
    ck_assert_str_eq(app_webhook_url(&app, &settings), hook);
    ck_assert_str_eq(app_properties(&app, &settings), pulls);
}
END_TEST

START_TEST(a_new_webhook_address_is_told_only_what_happens_from_then_on)
{
    OK(app_by_id(sql, APP_LOCAL_ID, &app, &err));
    OK(app_settle(sql, &settings, &app, 500, &err)); /* the setting has a new address */
    OK(app_by_id(sql, APP_LOCAL_ID, &app, &err));
    keep("{\"name\": \"Same address\"}", 1000);
    ck_assert_int_eq(app.webhooks_since_ms, 500);
    keep("{\"webhook_url\": \"https://w.example/\"}", 2000);
    ck_assert_int_eq(app.webhooks_since_ms, 2000);
    keep("{\"webhook_url\": \"https://w.example/\"}", 3000);
    ck_assert_int_eq(app.webhooks_since_ms, 2000);
    keep("{\"webhook_url\": null}", 4000);
    ck_assert_int_eq(app.webhooks_since_ms, 4000);
}
END_TEST

START_TEST(apps_can_be_added_with_keys_in_tiktoks_shapes)
{
    OK(add("{}"));
    ck_assert_int_gt(app.id, APP_LOCAL_ID);
    ck_assert(text_starts_with(app.client_key, "sbaw"));
    ck_assert_uint_eq(strlen(app.client_key), 18);
    ck_assert_uint_eq(strlen(app.secret), 32);
    ck_assert(!app.audited);
    OK(add("{\"sandbox\": false, \"client_key\": \"awabcdefghijkl12\","
           " \"client_secret\": \"just-between-us\"}"));
    ck_assert_str_eq(app.client_key, "awabcdefghijkl12");
    ck_assert(!app.sandbox);
    OK(app_by_key(sql, "awabcdefghijkl12", &app, &err));
    ck_assert_str_eq(app_secret(&app, &settings), "just-between-us");
    ck_assert_str_eq(app_webhook_url(&app, &settings), "");
    ck_assert_int_eq(add("{\"client_key\": \"awabcdefghijkl12\"}"), RC_CONFLICT);
    ck_assert_str_eq(err.code, "key_taken");
}
END_TEST

START_TEST(there_are_not_too_many_apps)
{
    for (int i = 1; i < APPS_MAX; i++)
        OK(add("{}"));
    ck_assert_int_eq(add("{}"), RC_LIMITED);
}
END_TEST

static const struct {
    const char *text, *field;
} wrong[] = {
    {"{\"name\": \"\"}", "name"},
    {"{\"name\": 1}", "name"},
    {"{\"sandbox\": 1}", "sandbox"},
    {"{\"audited\": null}", "audited"},
    {"{\"targets\": \"ann.example\"}", "targets"},
    {"{\"targets\": [\"a\"]}", "targets"},
    {"{\"targets\": [\"ann.example,ben.private\"]}", "targets"},
    {"{\"targets\": [\"aa\",\"aa\",\"aa\",\"aa\",\"aa\",\"aa\",\"aa\",\"aa\",\"aa\","
     "\"aa\",\"aa\"]}",
     "targets"},
    {"{\"client_secret\": \"short\"}", "client_secret"},
    {"{\"client_secret\": \"with a blank\"}", "client_secret"},
    {"{\"client_secret\": \"********\"}", "client_secret"},
    {"{\"redirect_uris\": [\"ftp://a.example/\"]}", "redirect_uris"},
    {"{\"redirect_uris\": [\"https://a.example/?q\"]}", "redirect_uris"},
    {"{\"redirect_uris\": [\"https://a.example/#f\"]}", "redirect_uris"},
    {"{\"redirect_uris\": [\"*\"]}", "redirect_uris"},
    {"{\"redirect_uris\": [7]}", "redirect_uris"},
    {"{\"webhook_url\": \"localhost\"}", "webhook_url"},
    {"{\"webhook_url\": \"*\"}", "webhook_url"},
    {"{\"webhook_url\": \"ftp://a.example/\"}", "webhook_url"},
    {"{\"webhook_url\": null}", "webhook_url"}, /* there is no setting for this one */
    {"{\"properties\": [\"\"]}", "properties"},
    {"{\"client_key\": \"short\"}", "client_key"},
    {"{\"client_key\": \"UPPERCASE1\"}", "client_key"},
    {"{\"shoe_size\": 44}", ""},
};

START_TEST(what_is_wrong_with_an_app_is_named)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ck_assert_msg(add(wrong[i].text) == RC_INVALID, "%s", wrong[i].text);
        ck_assert_str_eq(err.field, wrong[i].field);
    }
}
END_TEST

START_TEST(a_change_with_something_wrong_changes_nothing)
{
    OK(app_by_id(sql, APP_LOCAL_ID, &app, &err));
    ck_assert_int_eq(change("{\"name\": \"Other\", \"audited\": 7}"), RC_INVALID);
    ck_assert_str_eq(app.name, SANDBOX_APP_NAME);
}
END_TEST

static const struct {
    bool sandbox, target;
    const char *targets;
    bool open;
} doors[] = {
    {true, true, "", true},
    {true, false, "", false},
    {true, false, "ann.example", true},
    {true, true, "ben.private", false},
    {true, true, "ben.private,ann.example", true},
    {true, true, "xann.example,ann.examplex", false},
    {false, false, "", true}, /* a live app is for everybody */
    {false, false, "ben.private", true},
};

START_TEST(target_users_may_let_a_sandbox_app_in)
{
    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        const struct person ann = {.username = "ann.example", .target = doors[i].target};

        app = (struct app){.sandbox = doors[i].sandbox};
        text_copy(app.targets, sizeof(app.targets), doors[i].targets);
        ck_assert_msg(app_is_open_to(&app, &ann) == doors[i].open, "row %zu", i);
    }
}
END_TEST

START_TEST(an_audit_counts_unless_the_knob_takes_it_away)
{
    struct knobs knobs = {.value = {[KNOB_AUDITED] = 1}};

    app = (struct app){.audited = true};
    ck_assert(app_is_audited(&app, &knobs));
    knobs.value[KNOB_AUDITED] = 0;
    ck_assert(!app_is_audited(&app, &knobs));
    app.audited = false;
    knobs.value[KNOB_AUDITED] = 1;
    ck_assert(!app_is_audited(&app, &knobs));
}
END_TEST

START_TEST(a_person_has_another_open_id_in_each_app)
{
    const struct person ann = {.username = "ann.example", .open_id = "-000of-the-first"};
    const struct person ben = {.username = "ben.private"};
    char one[OPEN_ID_SIZE], two[OPEN_ID_SIZE], other[OPEN_ID_SIZE], again[OPEN_ID_SIZE];

    OK(app_by_id(sql, APP_LOCAL_ID, &app, &err));
    app_open_id(&app, &ann, one);
    ck_assert_str_eq(one, ann.open_id);
    OK(add("{}"));
    app_open_id(&app, &ann, two);
    app_open_id(&app, &ben, other);
    app_open_id(&app, &ann, again);
    ck_assert_uint_eq(strlen(two), 36);
    ck_assert(text_starts_with(two, "_000"));
    ck_assert_str_ne(two, other);
    ck_assert_str_eq(two, again);
}
END_TEST

UNIT_MAIN_FIXTURE("sandbox_apps", setup, teardown,
                  the_app_of_the_local_stack_has_what_the_settings_say,
                  what_is_changed_holds_until_it_is_put_back,
                  a_new_webhook_address_is_told_only_what_happens_from_then_on,
                  apps_can_be_added_with_keys_in_tiktoks_shapes,
                  there_are_not_too_many_apps, what_is_wrong_with_an_app_is_named,
                  a_change_with_something_wrong_changes_nothing,
                  target_users_may_let_a_sandbox_app_in,
                  an_audit_counts_unless_the_knob_takes_it_away,
                  a_person_has_another_open_id_in_each_app)
