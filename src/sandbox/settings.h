/* sandbox/settings.h - the keys of tts-sandbox (docs/configuration.md). */
#ifndef SRC_SANDBOX_SETTINGS_H
#define SRC_SANDBOX_SETTINGS_H

#include "core/log.h"

#include <stdint.h>

/* The app that is there from the start. Keys of sandbox apps begin with "sb". */
#define SANDBOX_APP_KEY  "sbawlocalstackkey1"
#define SANDBOX_APP_NAME "TikTok Scheduler"

struct settings {
    char *listen;
    char *dir;
    char *url;           /* without a slash at its end, likewise upload_url */
    char *upload_url;    /* never NULL: by default a copy of url */
    char *client_secret; /* of that app, likewise redirect_uris and webhook_url */
    char *redirect_uris; /* with commas between */
    char *webhook_url;   /* NULL: no webhooks are sent */
    char *pull_urls;     /* verified for PULL_FROM_URL (pull_rules.h); never NULL */
    char *log_level_name;
    char *log_file;
    int64_t processing_ms;
    int64_t workers;
    enum log_level log_level;
};

/* Reads them; ends the process with one line for each bad key and status 78 when they
 * are wrong. */
void settings_read(struct settings *s);
void settings_release(struct settings *s);

#endif
