/* publisher/settings.h - what the publisher is told at its start.
 *
 * docs/configuration.md explains the keys. The values are constant afterwards. */
#ifndef PUBLISHER_SETTINGS_H
#define PUBLISHER_SETTINGS_H

#include "blob/blob.h"
#include "core/log.h"
#include "tiktok/oauth.h"

#include <stdint.h>

struct settings {
    char *client_key, *client_secret;
    char *api_url, *upload_hosts, *video_transfer;
    char *pull_url, *pull_mode; /* pull_url: NULL when TikTok can fetch nothing of ours */
    struct blob_settings media;
    char *db_url, *redis_url, *token_key_file, *state_dir;
    char *smtp_url, *mail_from, *smtp_ca_file; /* NULL: no mail is sent */
    char *app_url; /* of the dashboard, for links in mails; NULL: none */
    char *log_level_name, *log_file;
    int64_t egress_mbit; /* what uploads may send in a second, in megabits; 0: no limit */
    int64_t upload_mbit; /* of one upload in a second, until that is measured */
    char *strict_name;
    int64_t in_flight; /* posts at a time; those that only wait or poll not counted */

    /* Derived. */
    struct tiktok_app app; /* redirect_uri: each connection brings its own */
    enum log_level log_level;
    bool strict;          /* no grant without its witness, or on one machine alone */
    bool pull_videos;     /* TikTok fetches videos too */
    bool pull_log;        /* the gate is opened before TikTok is asked to fetch */
    const char *local[2]; /* the API's address when it is a simulator's, then NULL */
};

/* Reads and checks everything; bad values end the process with CONFIG_EXIT and one line
 * for each bad key. */
void settings_read(struct settings *s);
void settings_release(struct settings *s);

/* Says in the log which rules the settings lift. */
void settings_warn(const struct settings *s);

#endif
