/* sandbox/apps.h - the apps that people may let in, as TikTok's developer portal has
 * them.
 *
 * One is there from the start, that of the local stack: its secret, redirect addresses,
 * webhook address and properties are those of the settings until somebody changes them.
 * More can be added: in sandbox mode (only target users may let one in) or live, audited
 * or not. Tokens, codes and publications belong to one app; a person has another open_id
 * in each. */
#ifndef SRC_SANDBOX_APPS_H
#define SRC_SANDBOX_APPS_H

#include "knobs.h"
#include "people.h"
#include "settings.h"
#include "sql.h"

#include "core/random.h"

#include <jansson.h>
#include <stdbool.h>

enum {
    APP_LOCAL_ID = 1, /* of the local stack */
    APP_KEY_SIZE = 65,
    APP_NAME_SIZE = 81,
    APP_SECRET_SIZE = 257,
    APP_REDIRECTS_SIZE = 5121,
    APP_REDIRECTS_MAX = 10, /* documented, like the next */
    APP_TARGETS_MAX = 10,
    APP_TARGETS_SIZE = APP_TARGETS_MAX * PERSON_NAME_SIZE,
    APP_WEBHOOK_SIZE = 513,
    APP_PROPERTIES_SIZE = 4096,
    APPS_MAX = 20,
};

/* What a text of an app is when it is the setting's: read such texts with the functions
 * below. */
#define APP_AS_SET "*"

/* Lists have commas between. */
struct app {
    int64_t id; /* 0: there is none */
    char client_key[APP_KEY_SIZE];
    char name[APP_NAME_SIZE];
    bool sandbox; /* only target users may let it in */
    bool audited; /* else private accounts, SELF_ONLY and five people a day */
    char targets[APP_TARGETS_SIZE]; /* usernames; "": all whose target is set */
    char secret[APP_SECRET_SIZE];
    char redirect_uris[APP_REDIRECTS_SIZE];
    char webhook_url[APP_WEBHOOK_SIZE];   /* "": no webhooks */
    char properties[APP_PROPERTIES_SIZE]; /* what it may pull from (pull_rules.h) */
    char webhook_seen[APP_WEBHOOK_SIZE];  /* where webhooks went until now */
    int64_t webhooks_since_ms; /* what happened earlier is not told; by the simulator's
                                * clock */
};

/* Adds the app of the local stack when it is not there. Inside a transaction. */
enum rc apps_seed(struct sql *sql, struct err *err) MUST_CHECK;

/* Both leave app->id 0 when there is none. */
enum rc app_by_id(struct sql *sql, int64_t id, struct app *app,
                  struct err *err) MUST_CHECK;
enum rc app_by_key(struct sql *sql, const char *client_key, struct app *app,
                   struct err *err) MUST_CHECK;

/* Calls each() for all, in the order they were added. */
typedef void (*app_fn)(void *ctx, const struct app *app);
enum rc apps_each(struct sql *sql, app_fn each, void *ctx, struct err *err) MUST_CHECK;

/* --- what an app has ----------------------------------------------------------- */

const char *app_secret(const struct app *app, const struct settings *settings);
const char *app_redirect_uris(const struct app *app, const struct settings *settings);
const char *app_webhook_url(const struct app *app, const struct settings *settings);
const char *app_properties(const struct app *app, const struct settings *settings);

/* The knob "audited" can take the audit away from all apps. */
bool app_is_audited(const struct app *app, const struct knobs *knobs);

/* Whether the person may let the app in: everybody when it is live. */
bool app_is_open_to(const struct app *app, const struct person *person);

/* The person's open_id in this app. */
void app_open_id(const struct app *app, const struct person *person,
                 char out[OPEN_ID_SIZE]);

/* --- changing ------------------------------------------------------------------ */

/* Changes *app by the members of a JSON object: name, sandbox, audited, targets,
 * client_secret, redirect_uris, webhook_url, properties; the last four may be null for
 * the app of the local stack: as the settings say. Lists are arrays. RC_INVALID names the
 * member that is unknown or wrong. */
enum rc app_change(struct app *app, json_t *changes, struct err *err) MUST_CHECK;

/* Notes that webhooks go to another address from now_ms on, if they do: what happened
 * before is not told there. */
enum rc app_settle(struct sql *sql, const struct settings *settings,
                   const struct app *app, int64_t now_ms, struct err *err) MUST_CHECK;

/* Writes back what app_change() can change, and settles it. */
enum rc app_store(struct sql *sql, const struct settings *settings, const struct app *app,
                  int64_t now_ms, struct err *err) MUST_CHECK;

/* A new app, stored: json is what app_change() takes, and a client_key if there shall be
 * a certain one. RC_CONFLICT: the key is taken. RC_LIMITED: too many. */
enum rc app_add(struct sql *sql, const struct random_source *random, json_t *json,
                struct app *app, struct err *err) MUST_CHECK;

/* Members as above, with the client_key, and the secret only when it is to be shown. */
void app_write(struct jsonw *w, const struct app *app, const struct settings *settings,
               bool with_secret);

#endif
