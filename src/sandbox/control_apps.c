/* /sandbox/apps - TikTok's developer portal, as far as it matters here. */
#include "control.h"

struct list {
    const struct settings *settings;
    struct jsonw w;
};

static void write_one(void *ctx, const struct app *app)
{
    struct list *list = ctx;

    app_write(&list->w, app, list->settings, false);
}

enum rc control_apps(struct exchange *x, struct err *err)
{
    struct list list = {.settings = x->sandbox->settings};
    enum rc rc;

    web_json_begin(x->res, 200, &list.w);
    jsonw_object(&list.w);
    jsonw_key(&list.w, "apps");
    jsonw_array(&list.w);
    rc = apps_each(x->sql, write_one, &list, err);
    jsonw_end(&list.w);
    jsonw_end(&list.w);
    return rc;
}

static void answer(struct exchange *x, int status, const struct app *app,
                   bool with_secret)
{
    struct jsonw w;

    web_json_begin(x->res, status, &w);
    app_write(&w, app, x->sandbox->settings, with_secret);
}

static enum rc find(struct exchange *x, struct app *app, struct err *err)
{
    const char *key = web_param(&x->params, "key");
    enum rc rc = app_by_key(x->sql, key != NULL ? key : "", app, err);

    if (rc == RC_OK && app->id == 0)
        rc = err_set(err, RC_NOT_FOUND, "not_found", "there is no such app");
    return rc;
}

enum rc control_app(struct exchange *x, struct err *err)
{
    struct app app;
    enum rc rc = find(x, &app, err);

    if (rc == RC_OK)
        answer(x, 200, &app, false);
    return rc;
}

static enum rc add(struct exchange *x, json_t *body, struct err *err)
{
    struct app app;
    enum rc rc = app_add(x->sql, x->sandbox->random, body, &app, err);

    if (rc == RC_OK)
        answer(x, 201, &app, true);
    return rc;
}

/* The one answer with the secret: nobody else can know one that was made here. */
enum rc control_app_add(struct exchange *x, struct err *err)
{
    return control_change(x, add, err);
}

static enum rc change(struct exchange *x, json_t *body, struct err *err)
{
    struct app app;
    enum rc rc = find(x, &app, err);

    if (rc == RC_OK)
        rc = app_change(&app, body, err);
    if (rc == RC_OK)
        rc = app_store(x->sql, x->sandbox->settings, &app, x->now_ms, err);
    if (rc == RC_OK)
        answer(x, 200, &app, false);
    return rc;
}

enum rc control_app_change(struct exchange *x, struct err *err)
{
    return control_change(x, change, err);
}
