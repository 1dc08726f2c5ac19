/* publisher/settings.h - what the publisher is told at its start.
 *
 * docs/configuration.md explains the keys. The values are constant afterwards. */
#ifndef PUBLISHER_SETTINGS_H
#define PUBLISHER_SETTINGS_H

#include "core/log.h"
#include "tiktok/oauth.h"

#include <stdint.h>

struct settings {
    char *client_key, *client_secret, *redirect_uri, *scopes;
    char *api_url, *upload_hosts;
    char *db_url, *redis_url, *token_key_file, *media_url, *state_dir;
    char *log_level_name, *log_file;
    int64_t in_flight; /* posts at a time, polling ones not counted */

    /* Derived. */
    struct tiktok_app app;
    enum log_level log_level;
};

/* Reads and checks everything; a bad value ends the process with CONFIG_EXIT and one line
 * for each bad key. */
void settings_read(struct settings *s);
void settings_release(struct settings *s);

#endif
