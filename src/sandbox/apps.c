#include "apps.h"

#include "members.h"
#include "pull_rules.h"

#include "core/attr.h"
#include "core/encode.h"
#include "core/text.h"
#include "crypto/digest.h"
#include "net/url.h"

#include <stdio.h>
#include <string.h>

/* Columns in the order read_app() wants them. */
#define COLUMNS                                                                          \
    "id, client_key, name, sandbox, audited, targets, secret, redirect_uris,"            \
    " webhook_url, properties, webhooks_since_ms, webhook_seen"

static void read_app(void *ctx, const struct sql_row *row)
{
    struct app *a = ctx;

    a->id = sql_int_at(row, 0);
    sql_text_at(row, 1, a->client_key, sizeof(a->client_key));
    sql_text_at(row, 2, a->name, sizeof(a->name));
    a->sandbox = sql_bool_at(row, 3);
    a->audited = sql_bool_at(row, 4);
    sql_text_at(row, 5, a->targets, sizeof(a->targets));
    sql_text_at(row, 6, a->secret, sizeof(a->secret));
    sql_text_at(row, 7, a->redirect_uris, sizeof(a->redirect_uris));
    sql_text_at(row, 8, a->webhook_url, sizeof(a->webhook_url));
    sql_text_at(row, 9, a->properties, sizeof(a->properties));
    a->webhooks_since_ms = sql_int_at(row, 10);
    sql_text_at(row, 11, a->webhook_seen, sizeof(a->webhook_seen));
}

enum rc app_by_id(struct sql *sql, int64_t id, struct app *app, struct err *err)
{
    app->id = 0;
    return sql_each(sql, "SELECT " COLUMNS " FROM app WHERE id = ?",
                    SQL_WITH(sql_int(id)), read_app, app, err);
}

enum rc app_by_key(struct sql *sql, const char *client_key, struct app *app,
                   struct err *err)
{
    app->id = 0;
    return sql_each(sql, "SELECT " COLUMNS " FROM app WHERE client_key = ?",
                    SQL_WITH(sql_text(client_key)), read_app, app, err);
}

struct visit {
    app_fn each;
    void *ctx;
};

static void visit_row(void *ctx, const struct sql_row *row)
{
    const struct visit *v = ctx;
    struct app app;

    read_app(&app, row);
    v->each(v->ctx, &app);
}

enum rc apps_each(struct sql *sql, app_fn each, void *ctx, struct err *err)
{
    struct visit v = {each, ctx};

    return sql_each(sql, "SELECT " COLUMNS " FROM app ORDER BY id", SQL_NONE, visit_row,
                    &v, err);
}

/* --- what an app has ----------------------------------------------------------- */

static const char *or_setting(const char *text, const char *setting)
{
    if (strcmp(text, APP_AS_SET) != 0)
        return text;
    return setting != NULL ? setting : "";
}

const char *app_secret(const struct app *app, const struct settings *settings)
{
    return or_setting(app->secret, settings->client_secret);
}

const char *app_redirect_uris(const struct app *app, const struct settings *settings)
{
    return or_setting(app->redirect_uris, settings->redirect_uris);
}

const char *app_webhook_url(const struct app *app, const struct settings *settings)
{
    return or_setting(app->webhook_url, settings->webhook_url);
}

const char *app_properties(const struct app *app, const struct settings *settings)
{
    return or_setting(app->properties, settings->pull_urls);
}

bool app_is_audited(const struct app *app, const struct knobs *knobs)
{
    return app->audited && knobs->value[KNOB_AUDITED] != 0;
}

/* Whether one of the list is exactly this. */
static bool listed(const char *list, const char *text)
{
    size_t len = strlen(text);

    for (const char *p = list; *p != '\0'; p += *p == ',') {
        size_t n = strcspn(p, ",");

        if (n == len && memcmp(p, text, n) == 0)
            return true;
        p += n;
    }
    return false;
}

bool app_is_open_to(const struct app *app, const struct person *person)
{
    if (!app->sandbox)
        return true;
    if (app->targets[0] == '\0')
        return person->target;
    return listed(app->targets, person->username);
}

void app_open_id(const struct app *app, const struct person *person,
                 char out[OPEN_ID_SIZE])
{
    unsigned char digest[DIGEST_SHA256_SIZE];
    char text[APP_KEY_SIZE + PERSON_NAME_SIZE + 1];
    struct strbuf id;

    if (app->id == APP_LOCAL_ID) {
        text_copy(out, OPEN_ID_SIZE, person->open_id);
        return;
    }
    (void)snprintf(text, sizeof(text), "%s/%s", app->client_key, person->username);
    digest_sha256(text, strlen(text), digest);
    strbuf_init(&id, OPEN_ID_SIZE);
    base64url_encode(&id, digest, 24);
    (void)snprintf(out, OPEN_ID_SIZE, "_000%.32s", id.buf);
    strbuf_release(&id);
}

/* --- members ------------------------------------------------------------------- */

static const char *name_problem(const char *text)
{
    if (*text == '\0' || text_has_control(text, strlen(text)))
        return "must be a text";
    return NULL;
}

static const char *secret_problem(const char *text)
{
    size_t len = strlen(text);

    if (len < 8 || strcspn(text, " \t\r\n,*") != len)
        return "must have 8 characters or more, and no blank, comma or star";
    return NULL;
}

static const char *url_problem(const char *text)
{
    struct url_origin origin;
    struct err ignored; /* which of the rules it breaks is plain to see */

    if (*text == '\0' || url_origin(text, &origin, &ignored) == RC_OK)
        return NULL;
    return "must be an http or https address";
}

static const char *redirect_problem(const char *text)
{
    if (*text == '\0' || url_problem(text) != NULL || strlen(text) >= 512 ||
        strcspn(text, "?#") != strlen(text))
        return "must be http or https addresses of fewer than 512 bytes, without a query "
               "or fragment";
    return NULL;
}

static const char *target_problem(const char *text)
{
    size_t len = strlen(text);

    if (len < 2 || len >= PERSON_NAME_SIZE)
        return "must be usernames";
    return NULL;
}

static const char *property_problem(const char *text)
{
    return *text == '\0' ? "must be domains or beginnings of addresses"
                         : properties_problem(text);
}

#define AT(field) MEMBER_FIELD(struct app, field)

static const struct member member_list[] = {
    {"name", MEMBER_TEXT, AT(name), 0, name_problem, NULL},
    {"sandbox", MEMBER_BOOL, AT(sandbox), 0, NULL, NULL},
    {"audited", MEMBER_BOOL, AT(audited), 0, NULL, NULL},
    {"targets", MEMBER_LIST, AT(targets), APP_TARGETS_MAX, target_problem, NULL},
    {"client_secret", MEMBER_TEXT, AT(secret), 0, secret_problem, APP_AS_SET},
    {"redirect_uris", MEMBER_LIST, AT(redirect_uris), APP_REDIRECTS_MAX, redirect_problem,
     APP_AS_SET},
    {"webhook_url", MEMBER_TEXT, AT(webhook_url), 0, url_problem, APP_AS_SET},
    {"properties", MEMBER_LIST, AT(properties), 0, property_problem, APP_AS_SET},
};

static const struct members members = {"an app", member_list, ARRAY_LEN(member_list)};

enum rc app_change(struct app *app, json_t *changes, struct err *err)
{
    struct app changed = *app;
    enum rc rc = members_change(
        &members, &changed, app->id == APP_LOCAL_ID ? MEMBERS_NULL_TOO : MEMBERS_NO_NULL,
        changes, err);

    if (rc == RC_OK)
        *app = changed;
    return rc;
}

/* --- storing ------------------------------------------------------------------- */

enum rc app_settle(struct sql *sql, const struct settings *settings,
                   const struct app *app, int64_t now_ms, struct err *err)
{
    const char *url = app_webhook_url(app, settings);
    enum rc rc;

    if (strcmp(url, app->webhook_seen) == 0)
        return RC_OK;
    rc = sql_run(sql,
                 "UPDATE app SET webhook_seen = ?, webhooks_since_ms = ? WHERE id = ?",
                 SQL_WITH(sql_text(url), sql_int(now_ms), sql_int(app->id)), NULL, err);
    if (rc != RC_OK)
        return rc;
    return sql_run(sql, "UPDATE publication SET tell_ms = 0 WHERE app_id = ?",
                   SQL_WITH(sql_int(app->id)), NULL, err);
}

enum rc app_store(struct sql *sql, const struct settings *settings, const struct app *app,
                  int64_t now_ms, struct err *err)
{
    enum rc rc = sql_run(
        sql,
        "UPDATE app SET name = ?, sandbox = ?, audited = ?, targets = ?, secret = ?,"
        " redirect_uris = ?, webhook_url = ?, properties = ? WHERE id = ?",
        SQL_WITH(sql_text(app->name), sql_int(app->sandbox), sql_int(app->audited),
                 sql_text(app->targets), sql_text(app->secret),
                 sql_text(app->redirect_uris), sql_text(app->webhook_url),
                 sql_text(app->properties), sql_int(app->id)),
        NULL, err);

    return rc == RC_OK ? app_settle(sql, settings, app, now_ms, err) : rc;
}

static enum rc insert(struct sql *sql, struct app *app, struct err *err)
{
    enum rc rc = sql_run(
        sql,
        "INSERT INTO app (client_key, name, sandbox, audited, targets, secret,"
        " redirect_uris, webhook_url, properties, webhook_seen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        SQL_WITH(sql_text(app->client_key), sql_text(app->name), sql_int(app->sandbox),
                 sql_int(app->audited), sql_text(app->targets), sql_text(app->secret),
                 sql_text(app->redirect_uris), sql_text(app->webhook_url),
                 sql_text(app->properties), sql_text(app->webhook_seen)),
        NULL, err);

    if (rc == RC_OK)
        app->id = sql_last_id(sql);
    return rc;
}

enum rc apps_seed(struct sql *sql, struct err *err)
{
    struct app app = {.client_key = SANDBOX_APP_KEY,
                      .name = SANDBOX_APP_NAME,
                      .sandbox = true,
                      .audited = true,
                      .secret = APP_AS_SET,
                      .redirect_uris = APP_AS_SET,
                      .webhook_url = APP_AS_SET,
                      .properties = APP_AS_SET};
    int64_t apps = 0;
    enum rc rc = sql_number(sql, "SELECT COUNT(*) FROM app", SQL_NONE, &apps, err);

    return rc == RC_OK && apps == 0 ? insert(sql, &app, err) : rc;
}

/* --- adding -------------------------------------------------------------------- */

/* As live ones: those of the sandbox mode have "sb" in front. */
static void make_key(const struct random_source *random, struct app *app)
{
    char tail[15];

    random_base32(random, tail, sizeof(tail) - 1);
    (void)snprintf(app->client_key, sizeof(app->client_key), "%saw%s",
                   app->sandbox ? "sb" : "", tail);
}

/* The key that was asked for, or a made one. */
static enum rc take_key(const struct random_source *random, const json_t *json,
                        struct app *app, struct err *err)
{
    const json_t *wanted = json_object_get(json, "client_key");
    const char *key = json_string_value(wanted);
    size_t len = key != NULL ? strlen(key) : 0;

    if (wanted == NULL) {
        make_key(random, app);
        return RC_OK;
    }
    if (len < 8 || len >= APP_KEY_SIZE ||
        strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789") != len)
        return err_field(err, "client_key", "bad_value",
                         "client_key must have 8 to 64 characters of a-z and 0-9");
    text_copy(app->client_key, sizeof(app->client_key), key);
    return RC_OK;
}

enum rc app_add(struct sql *sql, const struct random_source *random, json_t *json,
                struct app *app, struct err *err)
{
    struct app a = {.name = "An app", .sandbox = true};
    json_t *changes = json_copy(json);
    int64_t apps = 0;
    enum rc rc;

    (void)json_object_del(changes, "client_key"); /* it need not be there */
    random_base32(random, a.secret, 32);
    rc = app_change(&a, changes, err);
    json_decref(changes);
    if (rc == RC_OK)
        rc = take_key(random, json, &a, err);
    if (rc == RC_OK)
        rc = sql_number(sql, "SELECT COUNT(*) FROM app", SQL_NONE, &apps, err);
    if (rc == RC_OK && apps >= APPS_MAX)
        rc = err_set(err, RC_LIMITED, "too_many_apps", "%d apps are there already",
                     APPS_MAX);
    text_copy(a.webhook_seen, sizeof(a.webhook_seen), a.webhook_url);
    if (rc == RC_OK)
        rc = insert(sql, &a, err);
    if (rc == RC_CONFLICT)
        return err_set(err, RC_CONFLICT, "key_taken", "another app has this client_key");
    if (rc == RC_OK)
        *app = a;
    return rc;
}

/* --- JSON ---------------------------------------------------------------------- */

static void write_list(struct jsonw *w, const char *name, const char *list)
{
    jsonw_key(w, name);
    jsonw_array(w);
    for (const char *p = list; *p != '\0'; p += *p == ',') {
        size_t n = strcspn(p, ",");

        jsonw_text_len(w, p, n);
        p += n;
    }
    jsonw_end(w);
}

void app_write(struct jsonw *w, const struct app *app, const struct settings *settings,
               bool with_secret)
{
    jsonw_object(w);
    jsonw_key_text(w, "client_key", app->client_key);
    if (with_secret)
        jsonw_key_text(w, "client_secret", app_secret(app, settings));
    jsonw_key_text(w, "name", app->name);
    jsonw_key_bool(w, "sandbox", app->sandbox);
    jsonw_key_bool(w, "audited", app->audited);
    write_list(w, "targets", app->targets);
    write_list(w, "redirect_uris", app_redirect_uris(app, settings));
    jsonw_key_text(w, "webhook_url", app_webhook_url(app, settings));
    write_list(w, "properties", app_properties(app, settings));
    jsonw_end(w);
}
