/* ctl/ctl.h - ttsctl: the operator's tool. What its commands have in common.
 *
 * A command is one or two words, has one file, and answers the process's exit status:
 * 0, 1 (it failed), 64 (used wrongly) or 78 (the settings are wrong). Results go to out,
 * so that scripts can read them; everything for people goes to notes. Secrets come from
 * in, never from the command line. */
#ifndef SRC_CTL_CTL_H
#define SRC_CTL_CTL_H

#include "core/clock.h"
#include "core/config.h"
#include "core/err.h"
#include "core/random.h"
#include "core/strbuf.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 64, CTL_CONFIG = CONFIG_EXIT };

struct ctl {
    FILE *in, *out, *notes;
    const struct random_source *random;
    const struct clock *clock;
    const struct ctl_command *command; /* the one that runs */
};

struct ctl_command {
    const char *name;                                   /* "user add" */
    const char *args;                                   /* "EMAIL [--name NAME]" */
    const char *summary;                                /* one line */
    const char *help;                                   /* more lines, or "" */
    int (*run)(struct ctl *ctl, int argc, char **argv); /* argv: what follows name */
};

extern const struct ctl_command ctl_migrate, ctl_db_user, ctl_user_add, ctl_user_password,
    ctl_user_disable, ctl_user_enable, ctl_user_list, ctl_token_add, ctl_token_revoke,
    ctl_token_list, ctl_keys_generate, ctl_keys_rotate, ctl_keys_status, ctl_check,
    ctl_post_show, ctl_stats, ctl_watch, ctl_tiktok_explain, ctl_tiktok_verify_webhook;

/* The whole tool: finds the command and runs it. argv[0] is the program. */
int ctl_main(struct ctl *ctl, int argc, char **argv);

/* Says how the command is used; returns CTL_USAGE. */
int ctl_usage(struct ctl *ctl, const char *why);

/* Says what failed and what to do about it; returns the exit status. */
int ctl_fail(struct ctl *ctl, const struct err *err);

/* --- arguments ----------------------------------------------------------------- */

/* "--name VALUE" or "--name=VALUE" into *value, or the mere "--name" into *flag. */
struct ctl_option {
    const char *name;
    const char **value;
    bool *flag;
};

/* Takes the options out of argv, wherever they stand, and leaves the n words the command
 * is about (from least to most) in words. False: used wrongly, and said so. */
struct ctl_args {
    const struct ctl_option *options;
    size_t options_len;
    const char **words;
    int least, most;
    int n; /* words found */
};
bool ctl_args_read(struct ctl *ctl, int argc, char **argv,
                   struct ctl_args *args) MUST_CHECK;

/* --- what commands need -------------------------------------------------------- */

/* Opens the database of DATABASE_URL (not connected yet). On failure *status says how to
 * end. The caller frees *db. */
bool ctl_db_open(struct ctl *ctl, struct db **db, int *status) MUST_CHECK;

/* The whole of a command that takes no words and tells something of the database. */
typedef enum rc (*ctl_tell_fn)(struct ctl *ctl, struct db *db, struct err *err);
int ctl_report(struct ctl *ctl, int argc, char **argv, ctl_tell_fn tell);

/* Reads a secret: the first line of in, or, when a person sits there, typed twice without
 * being shown. RC_INVALID: empty, longer than size - 1, or not the same twice. The caller
 * wipes out. */
enum rc ctl_read_secret(struct ctl *ctl, const char *what, char *out, size_t size,
                        struct err *err) MUST_CHECK;

/* Appends all of standard input, byte for byte. RC_INVALID: more than out's limit, and
 * out holds the beginning; RC_UNAVAILABLE: it cannot be read. */
enum rc ctl_read_input(struct ctl *ctl, struct strbuf *out, struct err *err) MUST_CHECK;

/* A result as one line of JSON. */
void ctl_print_json(struct ctl *ctl, const struct strbuf *json);

/* A good password: CTL_PASSWORD_MIN characters or more, not the e-mail address or the
 * name. RC_INVALID says what is wrong with it. */
enum { CTL_PASSWORD_MIN = 15 }; /* NIST SP 800-63B-4 for a password alone */
enum rc ctl_check_password(const char *password, const char *email, const char *name,
                           struct err *err) MUST_CHECK;

/* An e-mail address, as far as one can tell without sending to it. */
bool ctl_email_ok(const char *email) MUST_CHECK;

/* An instant for people: RFC 3339, or "-" for 0. The buffer holds RFC3339_SIZE bytes. */
const char *ctl_time(int64_t at_ms, char *out);

#endif
